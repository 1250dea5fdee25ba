"""The controls of the entry form and what a browser sends back for them, without a database.

A control is named `subject.key.field`: `arm.<uuid>.label`. Beside the controls of a saved row stands
`arm.<uuid>.was`: the version that was read and a digest of what was shown. A row whose texts still give that digest
was not touched in this tab and is not sent to the verb, whatever other tabs have done to it since.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

from django.core.exceptions import BadRequest

Texts: TypeAlias = dict[str, str]
RowId: TypeAlias = tuple[str, str]  # subject and key, as they stand in the names of controls
Option: TypeAlias = tuple[str, str]  # value and words


@dataclass(slots=True)
class Input:
    """One control. `kind` is text, number (mono, right-aligned), area, select or check."""

    name: str
    label: str
    text: str
    kind: str = "text"
    options: Sequence[Option] = ()
    hint: str = ""  # in the empty control
    help: str = ""  # under it
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Was:
    """The version of a row that a page showed, and a digest of its texts there."""

    version: int
    digest: str

    @classmethod
    def of(cls, version: int, texts: Mapping[str, str]) -> Was:
        said = json.dumps(sorted((name, text) for name, text in texts.items() if text), ensure_ascii=False)
        return cls(version, hashlib.sha256(said.encode()).hexdigest()[:16])

    @classmethod
    def read(cls, text: str) -> Was | None:
        """None for a row that was new; a text that no page of ours has sent is a bad request."""
        if not text:
            return None
        version, _, digest = text.partition(":")
        if not version.isascii() or not version.isdigit() or len(version) > 9:
            raise BadRequest("The version of a row cannot be read.")
        return cls(int(version), digest)

    def __str__(self) -> str:
        return f"{self.version}:{self.digest}"


class Posted:
    """What a browser sent, by row. Empty for a page that is only shown."""

    def __init__(self, data: Mapping[str, str]) -> None:
        self.rows: dict[RowId, Texts] = {}
        self.data = {name: text.replace("\r\n", "\n") for name, text in data.items()}
        for name, text in self.data.items():
            subject, _, rest = name.partition(".")
            key, _, control = rest.rpartition(".")
            if key:
                self.rows.setdefault((subject, key), {})[control] = text

    def of(self, subject: str) -> Iterable[tuple[str, Texts]]:
        return [(key, texts) for (kind, key), texts in self.rows.items() if kind == subject]

    def get(self, subject: str, key: object) -> Texts | None:
        return self.rows.get((subject, str(key)))


def read_key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise BadRequest("The key of a row cannot be read.") from error


def whole_number(text: str | None) -> int | None:
    """1 to 9 ASCII digits as a number; anything else is nothing."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 9 else None


def sentence(label: str, message: str) -> str:
    """A message that goes on from the label (“is needed.”), or stands on its own (“1,2” has a comma)."""
    return f"{label} {message}" if message[:1].islower() else message
