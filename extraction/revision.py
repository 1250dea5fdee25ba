"""What changed between two versions of one trial's record. Pure: two entries in, changes in words out.

Rows have new keys in every version, so they are matched as the rows of two entries are; what `extraction.compare`
calls a difference is a change here, and so is every text that it never compares.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from extraction import align
from extraction.compare import ABSENT, ROW, differences
from extraction.contrasts import arms_in_words
from extraction.likeness import Vocabulary
from extraction.record import Difference, Entry, Match, Subject
from extraction.side_by_side import Pair, SideBySide, lay
from extraction.units import UnitTable

TEXTS = {
    Subject.ARM: ("label",),
    Subject.TIMEPOINT: ("printed",),
    Subject.OUTCOME: ("name", "unit"),
    Subject.OBSERVATION: ("report_name", "page", "place", "quote", "notes"),
    Subject.CONTRAST: ("adjusted", "report_name", "page", "place", "quote", "notes"),
    Subject.CHARACTERISTIC: (),
}
WORDS = {
    "row": "row",
    "report_name": "source report",
    "page": "source page",
    "place": "source",
    "quote": "source quote",
    "name": "name as printed",
}
OF_SOURCE = frozenset({"report_name", "page", "place", "quote"})


@dataclass(frozen=True, slots=True)
class Changed:
    """One thing that the later version says otherwise; "–" where a version does not say it."""

    where: str
    what: str
    before: str
    after: str
    is_text: bool = False  # words around the numbers, no number


def changes(old: Entry, new: Entry, units: UnitTable, names: Vocabulary) -> list[Changed]:
    """Numbers and structure first, in the order of the record, then texts."""
    named = _Named(old, new)
    matches = align.propose(old, new, units, names)
    matches += _by_name(matches, named)
    beside = lay(old, new, matches)
    found = [named.changed(one) for one in differences(old, new, matches, units)]
    return [*found, *_texts(beside, named)]


def _by_name(matches: Sequence[Match], named: _Named) -> list[Match]:
    """Rows that found no partner but are called the same once in each version: one record, so they are the same row."""
    alone: dict[tuple[Subject, str], tuple[list[str], list[str]]] = {}
    for match in matches:
        if bool(match.a) != bool(match.b):
            for side, keys in enumerate((match.a, match.b)):
                for key in keys:
                    alone.setdefault((match.subject, named.names[key]), ([], []))[side].append(key)
    return [
        Match(subject, (olds[0],), (news[0],), exact=False, score=0.0, reason="called the same")
        for (subject, _), (olds, news) in alone.items()
        if len(olds) == len(news) == 1
    ]


class _Named:
    """What the rows of both versions are called; the later version names what both have."""

    def __init__(self, old: Entry, new: Entry) -> None:
        self.names: dict[str, str] = {}
        for entry in (old, new):
            for row in entry.arms:
                self.names[row.key] = row.label
            for time in entry.timepoints:
                weeks = "" if time.weeks is None else f", week {time.weeks:g}"
                self.names[time.key] = time.printed or f"{time.phase.value}{weeks}"
            for outcome in entry.outcomes:
                self.names[outcome.key] = outcome.name
            for cell in entry.observations:
                change = ", change" if cell.quantity.value == "change" else ""
                parts = (cell.outcome, cell.arm, cell.timepoint)
                self.names[cell.key] = " · ".join(self.names[key] for key in parts) + change
            for stated in entry.contrasts:
                versus = self.names[stated.versus] if stated.versus else ""
                arms = arms_in_words(stated.statistic, self.names[stated.arm], versus)
                parts = (self.names[stated.outcome], arms, self.names[stated.timepoint])
                self.names[stated.key] = " · ".join(parts)
            for one in entry.characteristics:
                arm = f", {self.names[one.arm]}" if one.arm else ""
                self.names[one.key] = f"{one.moderator}{arm}"

    def of(self, keys: tuple[str | None, str | None]) -> str:
        return self.names[keys[1] or keys[0] or ""]

    def changed(self, one: Difference) -> Changed:
        before, after = one.a_says, one.b_says
        what = one.field.replace("_", " ")
        if one.field == ROW:
            what = f"the {one.subject.value}"
        return Changed(self.of((one.a, one.b)), what, before, after)


def _texts(beside: SideBySide, named: _Named) -> Iterator[Changed]:
    groups: Sequence[tuple[Subject, Sequence[Pair[Any]]]] = (
        (Subject.ARM, beside.arms),
        (Subject.TIMEPOINT, beside.timepoints),
        (Subject.OUTCOME, beside.outcomes),
        (Subject.OBSERVATION, [cell.rows for cell in beside.cells]),
        (Subject.CONTRAST, [stated.rows for stated in beside.contrasts]),
    )
    for subject, pairs in groups:
        for pair in pairs:
            if pair.a is None or pair.b is None:
                continue
            for field in TEXTS[subject]:
                before, after = (str(_text(row, field)).strip() for row in (pair.a, pair.b))
                if before != after:
                    what = WORDS.get(field, field)
                    yield Changed(named.of(pair.keys), what, before or ABSENT, after or ABSENT, is_text=True)


def _text(row: Any, field: str) -> Any:
    return getattr(row.source, field) if field in OF_SOURCE else getattr(row, field)
