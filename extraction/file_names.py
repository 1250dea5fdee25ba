"""The name of an uploaded file, for the eye alone: nothing is ever stored or looked up under it."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

LONGEST: Final = 100


def shown_name(filename: str) -> str:
    """The last part of a file name without characters that act on what stands around them."""
    name = PurePath(filename.replace("\\", "/")).name
    plain = "".join(character if character.isprintable() else "_" for character in name)
    return plain[-LONGEST:] or "upload"
