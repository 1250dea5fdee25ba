"""Contrast statistics as they are read: each in words, with where it stands and where it was printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from extraction import record
from extraction.contrasts import arms_in_words, in_words
from extraction.record import Statistic, Subject


@dataclass(frozen=True, slots=True)
class Stated:
    """One contrast in words, with the row it comes from."""

    row: Any
    outcome: str
    what: str  # "t, CBT against waiting list"
    time: str
    says: str  # "-2.10, df 46, adjusted for baseline"

    @property
    def where(self) -> str:
        return f"{self.what}, {self.outcome}, {self.time}"


def stated(rows: Mapping[Subject, Sequence[Any]], entry: record.Entry) -> list[Stated]:
    """Every contrast of an entry in words; `rows` know each other, `entry` is the same as plain values."""
    plain = {one.key: one for one in entry.contrasts}
    return [
        Stated(
            row,
            str(row.outcome),
            arms_in_words(Statistic(row.statistic), str(row.arm), str(row.versus or "")),
            str(row.timepoint),
            in_words(plain[str(row.pk)]),
        )
        for row in rows[Subject.CONTRAST]
    ]


@dataclass(slots=True)
class ContrastLine:
    """One contrast of a trial: what each entry says of it, and what was made of a difference."""

    what: str
    outcome: str
    time: str
    said: dict[str, Stated] = field(default_factory=dict)  # by slot
    differences: list[Any] = field(default_factory=list)
    shown: list[tuple[str, Stated | None]] = field(default_factory=list)  # per column

    @property
    def row(self) -> Any:
        """The row whose story the line has: that of the last column which has one."""
        return list(self.said.values())[-1].row


def contrast_lines(columns: Sequence[tuple[str, Sequence[Stated]]], names: Mapping[UUID, str]) -> list[ContrastLine]:
    """By slot and its contrasts, in the order of the first column; `names` is what rows are called in all of them."""
    lines: dict[tuple[object, ...], ContrastLine] = {}
    for slot, contrasts in columns:
        for one in contrasts:
            row = one.row
            arms = frozenset(names[key] for key in (row.arm_id, row.versus_id) if key)
            place = (names[row.outcome_id], names[row.timepoint_id], arms, row.statistic)
            line = lines.setdefault(place, ContrastLine(one.what, one.outcome, one.time))
            line.said[slot] = one
    for line in lines.values():
        line.shown = [(slot, line.said.get(slot)) for slot, _ in columns]
    return list(lines.values())
