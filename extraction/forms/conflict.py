"""What one tab did to a row, and where another tab was there first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from extraction.enter import Change
from extraction.record import Subject

CELL: Final = "cell"  # in the names of controls


@dataclass(frozen=True, slots=True)
class Conflict:
    """A row that this tab changed and that was changed or deleted elsewhere since it was read."""

    subject: Subject
    key: str
    title: str
    differing: Sequence[tuple[str, str, str]]  # field, saved now, typed here
    gone: bool  # deleted elsewhere
    removing: bool  # here
    sent_as: str

    @property
    def name(self) -> str:
        """Of its controls, when the form is sent again."""
        return f"{CELL if self.subject == Subject.OBSERVATION else self.subject}.{self.key}"


@dataclass(frozen=True, slots=True)
class Touch:
    """A change, and the name under which the browser sent it."""

    sent_as: str
    change: Change
