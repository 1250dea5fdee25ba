"""The story of one number: who printed what, what was found and decided, which versions of the record hold it.

Everything is read through `visible_to`, from the entries, the reconciliation and the one history: a person to whom the
partner's entry is not shown gets the story of their own number, to the byte the same whatever the partner did.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, prefetch_related_objects

from extraction import chains
from extraction.access import Viewer
from extraction.compare import ROW, centre_says, characteristic_says
from extraction.contrasts import IN_UNITS, arms_in_words, quantity_says
from extraction.models import Approval, Discrepancy, Entry, Event, Match, Resolution, Slot, Trial
from extraction.models.plain import ROWS, as_record, subject_of
from extraction.record import QuantityKind, Statistic, Subject
from extraction.sheet import SHOWN_ROWS
from extraction.spreads import says as spread_says

# The numbers of each kind of row, with the texts that the history keeps of them.
FIELDS: Final[Mapping[Subject, Mapping[str, tuple[str, ...]]]] = {
    Subject.OBSERVATION: {
        "n": ("n",),
        "centre": ("centre", "centre_kind"),
        "spread": ("spread", "spread_kind", "spread_low", "spread_high", "spread_level"),
    },
    Subject.ARM: {"n_randomised": ("n_randomised",)},
    Subject.TIMEPOINT: {"weeks": ("weeks",), "weeks_after_end": ("weeks_after_end",)},
    Subject.CHARACTERISTIC: {"value": ("value", "level")},
    Subject.CONTRAST: {"value": ("value",), "interval": ("ci_low", "ci_high", "ci_level"), "df": ("df",)},
}
WORDS: Final = {
    "n_randomised": "number randomised",
    "weeks_after_end": "weeks after the end of treatment",
    "interval": "confidence interval",
    "df": "degrees of freedom",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """One save that touched the number: what was there and what came, texts as typed."""

    at: datetime
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Printed:
    """The number in one version of one entry; `says` is "–" where that version has no such row."""

    entry: Entry
    row: Any
    says: str
    where: Sequence[str] = ()  # as this version names it
    typed: Sequence[Typed] = ()
    approval: Approval | None = None

    @property
    def source(self) -> str:
        return getattr(self.row, "source", "")

    @property
    def quote(self) -> str:
        return getattr(self.row, "source_quote", "")


@dataclass(frozen=True)
class Story:
    trial: Trial
    subject: Subject
    field: str
    where: Sequence[str]
    unit: str
    printed: Sequence[Printed]  # by slot, then version
    differences: Sequence[Any]  # with `decisions`, newest first; the newest comparison last
    history: chains.Reading  # of the lines that may be seen
    head: str
    reopened: Sequence[Event]

    def of(self, slot: str) -> list[Printed]:
        return [one for one in self.printed if one.entry.slot == slot]

    @cached_property
    def sides(self) -> list[tuple[str, list[Printed]]]:
        """A and B as far as they are shown, each with its versions."""
        return [(slot, self.of(slot)) for slot in (Slot.A.value, Slot.B.value) if self.of(slot)]

    @cached_property
    def finals(self) -> list[Printed]:
        return self.of(Slot.FINAL)

    @property
    def now(self) -> Printed:
        """What holds: the approved version, else the newest draft of the record, else what the person entered."""
        approved = [one for one in self.finals if one.entry.pk == self.trial.approved_entry_id]
        return (approved or self.finals or list(self.printed))[-1]

    @property
    def name(self) -> str:
        return WORDS.get(self.field, self.field)

    @property
    def others(self) -> list[tuple[str, str]]:
        """The other numbers of the same row, each with its words."""
        return [(name, WORDS.get(name, name)) for name in FIELDS[self.subject] if name != self.field]

    @property
    def both(self) -> bool:
        return len(self.sides) == 2

    @property
    def decision(self) -> Resolution | None:
        return next((one.decisions[0] for one in reversed(self.differences) if one.decisions), None)

    @property
    def lead(self) -> str:
        """One sentence on what the story found, without an adjective."""
        if not self.both:
            return "One entry is shown. The story goes on once the trial may be read as a whole."
        if not self.differences:
            said = "Two people entered it alike"
        elif self.differences[-1].state == Discrepancy.State.ACCEPTED:
            said = "Two people entered it in two forms that say the same"
        else:
            said = "Two people entered it differently"
        if self.decision and not self.decision.withdraws:
            said += f"; {self.decision.get_choice_display()} was taken"
        approved = [one.approval for one in self.finals if one.approval]
        if approved:
            times = "" if len(approved) == 1 else f", and {len(approved) - 1} more time{'s' * (len(approved) > 2)}"
            said += f"; approved on {approved[0].approved_at:%-d %b %Y}{times}"
        return f"{said}."


def row_of(subject: str, key: UUID, by: Viewer) -> Any:
    """The row that this person may see, with its trial; None where there is none or the kind has no numbers."""
    if subject not in FIELDS:
        return None
    rows = ROWS[Subject(subject)].objects.visible_to(by).select_related("entry__trial__review")
    return rows.filter(pk=key).first()


def story_of(row: Any, field: str, by: Viewer) -> Story:
    """The story of a visible row's number; a fixed number of queries, whatever the trial's size."""
    subject = subject_of(row)
    trial = row.entry.trial
    entries = list(Entry.objects.visible_to(by).filter(trial=trial).select_related("holder").order_by("slot", "number"))
    prefetch_related_objects(entries, *SHOWN_ROWS)
    places = _Places(entries, _joins(trial, by))
    place = places.of(subject, row)
    events = list(Event.objects.visible_to(by).filter(trial=trial).order_by("chain", "seq"))
    signed = Approval.objects.visible_to(by).filter(trial=trial).select_related("approved_by")
    approvals = {one.entry_id: one for one in signed}
    printed = []
    for entry in entries:
        found = next((one for one in places.rows(entry, subject) if places.of(subject, one) == place), None)
        says = places.says(subject, found, field)
        named = places.named(found, subject) if found is not None else ()
        typed = _typed(events, entry, subject, found, field)
        printed.append(Printed(entry, found, says, named, typed, approvals.get(entry.pk)))
    keys = [one.row.pk for one in printed if one.row is not None]
    reading = chains.Reading()
    for chain, lines in _by_chain(events).items():
        reading.take(chain, lines)
    return Story(
        trial=trial,
        subject=subject,
        field=field,
        where=places.named(row, subject),
        unit=places.unit(row, subject, field),
        printed=printed,
        differences=_differences(trial, subject, field, keys, by),
        history=reading,
        head=max(events, key=lambda event: event.at).hash if events else "",
        reopened=[event for event in events if event.verb == "reopen"],
    )


def _by_chain(events: Iterable[Event]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        found[event.chain].append(event)
    return found


def _typed(events: Iterable[Event], entry: Entry, subject: Subject, row: Any, field: str) -> list[Typed]:
    """The saves of one entry that touched the number, in their order."""
    if row is None:
        return []
    key, names = f"{subject}:{row.pk}", FIELDS[subject][field]
    found = []
    for event in events:
        if event.entry_id == entry.pk and key in event.after:
            before, after = event.before.get(key) or {}, event.after[key] or {}
            if any(name in after or name in before for name in names):
                texts = [" ".join(str(said[name]) for name in names if said.get(name)) for said in (before, after)]
                found.append(Typed(event.at, *texts))
    return found


def _differences(trial: Trial, subject: Subject, field: str, keys: Sequence[UUID], by: Viewer) -> list[Any]:
    """Every comparison that found the number, or its whole row, differing; older comparisons first."""
    about = Q(a_key__in=keys) | Q(b_key__in=keys)
    rows = Discrepancy.objects.visible_to(by).filter(about, trial=trial, subject=subject, field__in=[field, ROW])
    found = list(rows.order_by("created_at", "position"))
    decisions: dict[UUID, list[Resolution]] = defaultdict(list)
    made = Resolution.objects.visible_to(by).filter(discrepancy__in=[one.pk for one in found])
    for resolution in made.select_related("decided_by").order_by("-number"):
        decisions[resolution.discrepancy_id].append(resolution)
    for one in found:
        one.decisions = decisions[one.pk]
    return found


def _joins(trial: Trial, by: Viewer) -> list[tuple[UUID, UUID]]:
    """Rows that a confirmed match calls the same, one to one."""
    found = []
    matches = Match.objects.visible_to(by).filter(trial=trial, state=Match.State.CONFIRMED)
    for match in matches.prefetch_related("rows"):
        rows = sorted(match.rows.all(), key=lambda row: row.side)
        if len(rows) == 2 and rows[0].side != rows[1].side:
            found.append((rows[0].row, rows[1].row))
    return found


class _Places:
    """What the versions and slots of a trial hold under different keys: which rows are the same.

    Between A and B a confirmed match says so; between versions of a slot, and between FINAL and what it was composed
    of, the label does, where it stands for one row alone.
    """

    STRUCTURE = (Subject.ARM, Subject.TIMEPOINT, Subject.OUTCOME)

    def __init__(self, entries: Sequence[Entry], joins: Iterable[tuple[UUID, UUID]]) -> None:
        self.parent: dict[Hashable, Hashable] = {}
        self.names: dict[UUID, str] = {}
        self.outcomes: dict[UUID, Any] = {}
        by_slot: dict[str, dict[tuple[Subject, str], UUID]] = defaultdict(dict)
        for entry in entries:
            alone = self._alone(entry)
            for label, key in alone.items():
                earlier = by_slot[entry.slot].setdefault(label, key)
                self._join(earlier, key)
        for one, other in joins:
            self._join(one, other)
        for label, key in by_slot[Slot.FINAL].items():
            origin = by_slot[Slot.A].get(label) or by_slot[Slot.B].get(label)
            if origin is not None:
                self._join(origin, key)

    def _alone(self, entry: Entry) -> dict[tuple[Subject, str], UUID]:
        """The rows of an entry whose label no other row of it has."""
        found: dict[tuple[Subject, str], list[UUID]] = defaultdict(list)
        for subject in self.STRUCTURE:
            for row in self.rows(entry, subject):
                self.names[row.pk] = str(row)
                found[subject, str(row)].append(row.pk)
                if subject is Subject.OUTCOME:
                    self.outcomes[row.pk] = row
        return {label: keys[0] for label, keys in found.items() if len(keys) == 1}

    @staticmethod
    def rows(entry: Entry, subject: Subject) -> list[Any]:
        return list(getattr(entry, f"{subject.value}s").all())

    def _root(self, key: Hashable) -> Hashable:
        while self.parent.get(key, key) != key:
            key = self.parent[key]
        return key

    def _join(self, one: Hashable, other: Hashable) -> None:
        self.parent[self._root(other)] = self._root(one)

    def of(self, subject: Subject, row: Any) -> tuple[Hashable, ...]:
        """Where a row stands, the same for all that are the same."""
        match subject:
            case Subject.OBSERVATION:
                parts = (row.outcome_id, row.arm_id, row.timepoint_id)
                return (*(self._root(key) for key in parts), row.quantity)
            case Subject.CONTRAST:
                arms = frozenset(self._root(key) for key in (row.arm_id, row.versus_id) if key)
                return self._root(row.outcome_id), self._root(row.timepoint_id), arms, row.statistic
            case Subject.CHARACTERISTIC:
                return row.moderator_id, self._root(row.arm_id) if row.arm_id else None
            case _:
                return (self._root(row.pk),)

    def named(self, row: Any, subject: Subject) -> list[str]:
        match subject:
            case Subject.OBSERVATION:
                change = ", change from baseline" if row.quantity == QuantityKind.CHANGE else ""
                time = f"{self.names[row.timepoint_id]}{change}"
                return [self.names[row.outcome_id], self.names[row.arm_id], time]
            case Subject.CONTRAST:
                arms = [self.names[key] if key else "" for key in (row.arm_id, row.versus_id)]
                what = arms_in_words(Statistic(row.statistic), *arms)
                return [self.names[row.outcome_id], what, self.names[row.timepoint_id]]
            case Subject.CHARACTERISTIC:
                return [str(row.moderator), *([self.names[row.arm_id]] if row.arm_id else [])]
            case _:
                return [self.names[row.pk]]

    def unit(self, row: Any, subject: Subject, field: str) -> str:
        if subject is Subject.OBSERVATION and field != "n":
            return str(self.outcomes[row.outcome_id].unit)
        if subject is Subject.CONTRAST:
            in_units = field != "df" and Statistic(row.statistic) in IN_UNITS
            return str(self.outcomes[row.outcome_id].unit) if in_units else ""
        if subject is Subject.CHARACTERISTIC:
            return str(row.moderator.unit)
        return {Subject.TIMEPOINT: "weeks"}.get(subject, "people")

    def says(self, subject: Subject, row: Any, field: str) -> str:
        """The number as this version prints it."""
        if row is None:
            return "–"
        if subject is Subject.TIMEPOINT:
            weeks = getattr(row, field)
            return "–" if weeks is None else f"{weeks:g}"
        only = {each: [row] if each is subject else [] for each in Subject}
        plain = as_record(only)
        if subject is Subject.CONTRAST:
            said = getattr(plain.contrasts[0], field)
            return spread_says(said) if field == "interval" else quantity_says(said)
        match field:
            case "n_randomised":
                return quantity_says(plain.arms[0].n_randomised)
            case "value":
                return characteristic_says(plain.characteristics[0])
            case "n":
                return quantity_says(plain.observations[0].n)
            case "centre":
                return centre_says(plain.observations[0])
            case _:
                return spread_says(plain.observations[0].spread)
