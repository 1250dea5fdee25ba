"""Where the PDFs of reports lie: in the data folder, under random names, each written once and never changed.

A new file of a report stands beside the old one and a withdrawn one stays, so that an older backup of the database
still finds its files. No address leads to a name here: `extraction.views.reports` asks who may see the report first.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from extraction.errors import FieldProblem, InvalidValues, NotFound
from extraction.file_names import shown_name
from extraction.pdf import NotAPdf, check

CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Document:
    """A checked PDF that lies in the folder, not yet belonging to a report."""

    file_name: str
    stored_as: str
    size: int
    digest: str


@contextmanager
def received(file: BinaryIO, name: str) -> Iterator[Document]:
    """An upload, checked and kept unless what is done with it fails.

    Raises
    ------
    InvalidValues
        With a sentence that says what is wrong with the file; nothing was kept.
    """
    document = _receive(file, name)
    try:
        yield document
    except BaseException:
        (_folder() / document.stored_as).unlink(missing_ok=True)
        raise


def _receive(file: BinaryIO, name: str) -> Document:
    try:
        size = check(file, most_bytes=settings.REPORT_MAX_BYTES)
    except NotAPdf as refusal:
        raise InvalidValues([FieldProblem("report", "file", str(refusal), shown_name(name))]) from refusal
    stored_as = secrets.token_hex(16)
    digest = hashlib.sha256()
    path, hidden = _folder() / stored_as, _folder() / f".{stored_as}"
    try:
        with os.fdopen(os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as kept:
            file.seek(0)
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                kept.write(chunk)
            kept.flush()
            os.fsync(kept.fileno())
        hidden.rename(path)
    finally:
        hidden.unlink(missing_ok=True)
    return Document(shown_name(name), stored_as, size, digest.hexdigest())


def opened(stored_as: str) -> BinaryIO:
    """Raises `NotFound` where the file is gone, as after a backup that left the folder out."""
    try:
        return (_folder() / stored_as).open("rb")
    except FileNotFoundError as error:
        raise NotFound("The file of this report is missing. Ask the lead to upload it again.") from error


def _folder() -> Path:
    folder = Path(settings.MEDIA_ROOT) / "reports"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
