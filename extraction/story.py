"""The record of one trial as one person may see it: the entries beside each other, differences, decisions, history.

Everything is read through `visible_to`: a person to whom an entry is not shown gets no column, no difference and no
line of history from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.db.models import prefetch_related_objects

from extraction.access import Viewer
from extraction.models import Discrepancy, Entry, Event, Match, Resolution, Slot, Trial
from extraction.record import QuantityKind
from extraction.sheet import SHOWN_ROWS, Said, Sheet, sheet_of
from extraction.stated import ContrastLine, contrast_lines

SLOTS: Final = (Slot.A, Slot.B, Slot.FINAL)
MOST_EVENTS: Final = 100
Place = tuple[str, str, str, str]  # outcome, arm, time, quantity, under the keys of `_Names`


@dataclass(frozen=True, slots=True)
class Column:
    """One entry that the person may see: the newest of its slot."""

    slot: str
    entry: Entry
    sheet: Sheet


@dataclass(slots=True)
class Line:
    """One cell of the trial: what each column says there, and what was made of a difference."""

    outcome: str
    unit: str
    arm: str
    time: str
    change: bool
    said: dict[str, Said] = field(default_factory=dict)
    differences: list[Any] = field(default_factory=list)

    shown: list[dict[str, Any]] = field(default_factory=list)  # per column: slot, and what it says or None

    @property
    def row(self) -> Any:
        """The row whose story the line has: that of the last column which has one."""
        return list(self.said.values())[-1].row


# How the history names what a verb did: words, icon, and whether it is a turning point.
MOMENTS: Final[Mapping[str, tuple[str, str, bool]]] = {
    "start": ("Entry begun", "pen", False),
    "save": ("Saved", "pen", False),
    "submit": ("Submitted", "lock", False),
    "undo submit": ("Submission undone", "undo", False),
    "align": ("Structures compared", "swap", False),
    "pair": ("Matched by hand", "swap", False),
    "confirm match": ("Match confirmed", "swap", False),
    "part": ("Match taken apart", "swap", False),
    "undo match": ("Match taken back", "undo", False),
    "compare": ("Values compared", "eq", False),
    "resolve": ("Decided", "scale", True),
    "withdraw": ("Decision taken back", "undo", False),
    "conclude": ("Decisions concluded", "scale", False),
    "return": ("Returned to the extractors", "back", True),
    "approve": ("Approved", "seal", True),
    "upload report": ("Report uploaded", "pin", False),
    "replace report": ("File of a report replaced", "pin", False),
    "withdraw report": ("Report withdrawn", "pin", False),
    "ask leads": ("Question to the lead", "ask", False),
    "ask both": ("Question to both extractors", "ask", False),
    "answer": ("Answered", "ask", False),
    "propose names": ("Names proposed for the codebook", "pen", False),
    "place name": ("Name placed by the lead", "pen", False),
    "reopen": ("Reopened", "back", True),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the history in words."""

    event: Event

    @property
    def words(self) -> str:
        return self._said[0]

    @property
    def icon(self) -> str:
        return self._said[1]

    @property
    def turns(self) -> bool:
        return self._said[2]

    @property
    def _said(self) -> tuple[str, str, bool]:
        return MOMENTS.get(self.event.verb, (self.event.verb.capitalize(), "pen", False))


@dataclass(frozen=True, slots=True)
class Story:
    columns: Sequence[Column]
    groups: Sequence[tuple[str, Sequence[Line]]]  # by outcome
    contrasts: Sequence[ContrastLine]
    others: Sequence[Any]  # differences about structure and characteristics
    moments: Sequence[Moment]
    more_moments: int

    @property
    def width(self) -> int:
        """Columns of a table of lines, with the one that names the line."""
        return len(self.columns) + 1

    @property
    def lines(self) -> list[Line]:
        return [line for _, lines in self.groups for line in lines]

    @property
    def compared(self) -> bool:
        return {Slot.A.value, Slot.B.value} <= {column.slot for column in self.columns}

    @property
    def entered(self) -> str:
        """How much was entered twice, and how much of it says the same: "6 cells and 1 contrast, entered twice: …"."""
        both: list[Line | ContrastLine] = [*self.lines, *self.contrasts]
        same = sum(not line.differences for line in both)
        counts = [(len(self.lines), "cell"), (len(self.contrasts), "contrast")]
        words = [f"{count} {name}{'' if count == 1 else 's'}" for count, name in counts if count]
        alike = "all" if same == len(both) else same
        return f"{' and '.join(words) or 'Nothing'}, entered twice: {alike} say the same."

    def count(self, state: str) -> int:
        lines: list[Line | ContrastLine] = [*self.lines, *self.contrasts]
        found = [*self.others, *(difference for line in lines for difference in line.differences)]
        return sum(difference.state == state for difference in found)

    @property
    def told(self) -> list[str]:
        """How many differences there are of each state, in words."""
        words = {"accepted": "accepted without a person", "decided": "decided", "open": "to decide"}
        return [f"{count} {words[state]}" for state, count in self.counts.items() if count]

    @property
    def counts(self) -> dict[str, int]:
        return {state: self.count(state) for state in Discrepancy.State.values}


def story_of(trial: Trial, by: Viewer) -> Story:
    columns = columns_of(trial, by)
    differences = list(
        Discrepancy.objects.visible_to(by).current().filter(trial=trial).select_related("marker").order_by("position")
    )
    _decide(differences, by)
    names = _Names.of(trial, columns, by)
    lines, contrasts = (
        _lines(columns, names),
        contrast_lines([(column.slot, column.sheet.contrasts) for column in columns], names.key),
    )
    by_row: dict[UUID, Line | ContrastLine] = {said.row.pk: line for line in lines for said in line.said.values()}
    by_row |= {said.row.pk: line for line in contrasts for said in line.said.values()}
    others = []
    for difference in differences:
        line = by_row.get(difference.a_key) or by_row.get(difference.b_key)
        if line is None:
            others.append(difference)
        else:
            line.differences.append(difference)
    groups: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        groups[line.outcome].append(line)
    events = Event.objects.visible_to(by).filter(trial=trial).select_related("actor", "entry").order_by("-at", "-seq")
    moments = [Moment(event) for event in events[:MOST_EVENTS]]
    more = max(0, events.count() - MOST_EVENTS) if len(moments) == MOST_EVENTS else 0
    return Story(columns, list(groups.items()), contrasts, others, moments, more)


def columns_of(trial: Trial, by: Viewer) -> list[Column]:
    entries = Entry.objects.visible_to(by).filter(trial=trial).select_related("holder").order_by("number")
    newest = {entry.slot: entry for entry in entries}
    prefetch_related_objects(list(newest.values()), *SHOWN_ROWS)
    return [Column(slot.value, newest[slot], sheet_of(newest[slot])) for slot in SLOTS if slot in newest]


def _decide(differences: Iterable[Any], by: Viewer) -> None:
    """Give each difference its decisions, newest first: one query."""
    found: dict[UUID, list[Resolution]] = defaultdict(list)
    rows = Resolution.objects.visible_to(by).filter(discrepancy__in=[one.pk for one in differences])
    for resolution in rows.select_related("decided_by").order_by("-number"):
        found[resolution.discrepancy_id].append(resolution)
    for difference in differences:
        difference.decisions = found[difference.pk]


@dataclass(frozen=True, slots=True)
class _Names:
    """One name for what the columns hold under different keys: by confirmed matches, else by what is printed."""

    key: Mapping[UUID, str]

    @classmethod
    def of(cls, trial: Trial, columns: Sequence[Column], by: Viewer) -> _Names:
        names: dict[UUID, str] = {}
        shown = {row.pk: row for column in columns for row in _structure(column.sheet)}
        matches = Match.objects.visible_to(by).filter(trial=trial, state=Match.State.CONFIRMED)
        for match in matches.prefetch_related("rows"):
            rows = sorted(match.rows.all(), key=lambda row: row.side)
            if len(rows) == 2 and rows[0].side != rows[1].side:
                names |= {row.row: f"match {match.pk}" for row in rows if row.row in shown}
        printed = {(row._meta.model_name, str(row)): names[row.pk] for row in shown.values() if row.pk in names}
        for row in shown.values():
            place = (row._meta.model_name, str(row))
            names.setdefault(row.pk, printed.setdefault(place, f"printed {place}"))
        return cls(names)

    def place(self, row: Any) -> Place:
        return self.key[row.outcome_id], self.key[row.arm_id], self.key[row.timepoint_id], row.quantity


def _structure(sheet: Sheet) -> list[Any]:
    return [*sheet.arms, *sheet.timepoints, *sheet.outcomes]


def _lines(columns: Sequence[Column], names: _Names) -> list[Line]:
    """In the order of the first column, with what only later ones have at the end of its outcome."""
    lines: dict[Place, Line] = {}
    order: dict[str, int] = {}
    for column in columns:
        rows = {row.pk: row for row in _structure(column.sheet)}
        for outcome in column.sheet.outcomes:
            order.setdefault(names.key[outcome.pk], len(order))
        for said in column.sheet.said.values():
            row, place = said.row, names.place(said.row)
            outcome = rows[row.outcome_id]
            line = lines.setdefault(
                place,
                Line(
                    outcome=str(outcome),
                    unit=outcome.unit,
                    arm=str(rows[row.arm_id]),
                    time=str(rows[row.timepoint_id]),
                    change=row.quantity == QuantityKind.CHANGE,
                ),
            )
            line.said[column.slot] = said
    for line in lines.values():
        line.shown = [{"slot": column.slot, "said": line.said.get(column.slot)} for column in columns]
    return [line for _, line in sorted(lines.items(), key=lambda item: order[item[0][0]])]
