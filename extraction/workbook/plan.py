"""What an import would do to one entry: the rows it makes, the cells it changes, and what it leaves alone.

Reads rows that were loaded before and writes nothing. `importing` turns the changes into one call of `enter.save`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from extraction.context import Context
from extraction.contrasts import NAMES
from extraction.enter import Change
from extraction.models import Entry, Trial
from extraction.record import Phase, Scale, Statistic, Subject
from extraction.typed import DEFAULTS, Reading, values_of
from extraction.workbook.cells import Code, Finding
from extraction.workbook.measured import OUTCOME_COORDINATES
from extraction.workbook.parsed import Key, ParsedOutcome, ParsedTimepoint, ParsedTrial, Place, Said
from extraction.workbook.text import confusable_letters, fold

Rows = Mapping[Subject, list[Any]]
REPORT = "source_report"
SPREAD_NUMBERS = ("spread", "spread_low", "spread_high")


class State(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class CellPlan:
    """One value of the file against what the entry says now."""

    field: str
    place: Place
    old: str
    new: str
    state: State


@dataclass(frozen=True, slots=True)
class RowPlan:
    subject: Subject
    title: str  # "arm Drug A", "IL-6, Drug A, week 12"
    state: State
    cells: tuple[CellPlan, ...]


@dataclass(slots=True)
class TrialPlan:
    """Everything about one trial of the file. `entry` is None where the extractor has not begun it."""

    trial: Trial
    entry: Entry | None
    rows: list[RowPlan] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    untouched: list[str] = field(default_factory=list)  # observations of the entry that the file does not name

    def count(self, state: State) -> int:
        return sum(cell.state is state for row in self.rows for cell in row.cells)


def plan_trial(parsed: ParsedTrial, trial: Trial, entry: Entry | None, rows: Rows, context: Context) -> TrialPlan:
    """The plan for one trial; what cannot be done is in its findings.

    `rows` are the entry's, none where it is not begun; `context` holds the review's codes.
    """
    planner = _Planner(TrialPlan(trial, entry), rows, context)
    planner.plan_arms(parsed)
    planner.plan_times(parsed.timepoints)
    planner.plan_outcomes(parsed.outcomes)
    planner.plan_observations(parsed)
    planner.plan_contrasts(parsed)
    planner.plan_characteristics(parsed)
    planner.check()
    return planner.plan


class _Planner:
    def __init__(self, plan: TrialPlan, rows: Rows, context: Context) -> None:
        self.plan, self.rows, self.context = plan, rows, context
        self.arms: dict[str, UUID] = {fold(row.label): row.pk for row in rows[Subject.ARM]}
        self.arm_labels = {fold(row.label): row.label for row in rows[Subject.ARM]}
        self.times: dict[Key, UUID] = {}
        self.outcomes: dict[Key, UUID] = {}
        self.titles: dict[UUID, str] = {}
        self._places: dict[UUID, dict[str, Place]] = {}
        self._old: dict[UUID, dict[str, str]] = {}

    # --- rows

    def take(self, subject: Subject, row: Any, said: Said, title: str, more: Mapping[str, str] | None = None) -> UUID:
        """Plan one row: make it where `row` is None, else change what differs. `more` are values without a cell."""
        key: UUID = uuid4() if row is None else row.pk
        old = {} if row is None else values_of(row)
        new = {**said.values, **(more or {})}
        differing = {name: text for name, text in new.items() if row is None or old.get(name, "") != text}
        cells = tuple(
            CellPlan(name, place, self._shown(name, old), self._shown(name, new), self._state(row, name in differing))
            for name, place in said.places.items()
        )
        state = State.NEW if row is None else State.CHANGED if differing else State.UNCHANGED
        self.plan.rows.append(RowPlan(subject, title, state, cells))
        if row is None:
            self.plan.changes.append(Change(subject, key, values=differing))
        elif differing:
            self.plan.changes.append(Change(subject, key, row.version, differing))
        self.titles[key] = title
        self._places[key], self._old[key] = dict(said.places), old
        return key

    def _shown(self, name: str, values: Mapping[str, str]) -> str:
        """A value as a person reads it: a report by its name."""
        text = values.get(name, "")
        return str(self.context.reports[UUID(text)]) if name == REPORT and text else text

    def _state(self, row: Any, differs: bool) -> State:
        return State.NEW if row is None else State.CHANGED if differs else State.UNCHANGED

    def refuse(self, place: Place, message: str, code: Code = Code.VALUE) -> None:
        self.plan.findings.append(Finding(code, message, place.sheet, place.row, place.column, place.name, place.seen))

    # --- structure

    def plan_arms(self, parsed: ParsedTrial) -> None:
        known = {fold(row.label): row for row in self.rows[Subject.ARM]}
        for arm in parsed.arms.values():
            self.arms[arm.key] = self.take(Subject.ARM, known.get(arm.key), arm.said, f"arm {arm.label}")
            self.arm_labels[arm.key] = arm.label

    def plan_times(self, times: Mapping[Key, ParsedTimepoint]) -> None:
        for key, time in times.items():
            row = self._time(key, time)
            self.times[key] = self.take(Subject.TIMEPOINT, row, time.said, f"time {_time_title(time.said.values)}")

    def _time(self, key: Key, time: ParsedTimepoint) -> Any:
        """The entry's timepoint that the file means, None where it has none."""
        known = [row for row in self.rows[Subject.TIMEPOINT] if row.phase == key[0]]
        if key[0] == Phase.BASELINE:
            return next(iter(known), None)
        if key[1] == "weeks":
            return next((row for row in known if row.weeks == float(key[2])), None)
        if key[2]:
            return next((row for row in known if fold(row.printed) == key[2]), None)
        if len(known) > 1:
            self.refuse(time.said.places["phase"], f"The entry has {len(known)} times of this phase: say the weeks.")
        return next(iter(known), None)

    def plan_outcomes(self, outcomes: Mapping[Key, ParsedOutcome]) -> None:
        """Each outcome of the file to at most one of the entry: exact fits first, then those that fill in blanks."""
        free = list(self.rows[Subject.OUTCOME])
        chosen: dict[Key, Any] = {}
        for fits in (_says_the_same, _fills_in):
            wanted: dict[UUID, list[Key]] = {}
            for key, outcome in outcomes.items():
                found = [row for row in free if key not in chosen and fits(outcome.said, row)]
                plain = [row for row in found if not _has_more(outcome.said, row)]
                if len(found) > 1 and len(plain) != 1:
                    name = outcome.said.values["name"]
                    message = f"The entry has {len(found)} outcomes “{name}”: say specimen, assay or condition."
                    self.refuse(outcome.said.places["name"], message)
                for row in (plain or found)[:1]:
                    wanted.setdefault(row.pk, []).append(key)
            for row in list(free):
                if len(wanted.get(row.pk, [])) == 1:
                    chosen[wanted[row.pk][0]] = row
                    free.remove(row)
        for key, outcome in outcomes.items():
            title = f"outcome {outcome.said.values['name']}"
            self.outcomes[key] = self.take(Subject.OUTCOME, chosen.get(key), outcome.said, title)

    # --- values

    def plan_observations(self, parsed: ParsedTrial) -> None:
        known = {
            (row.arm_id, row.timepoint_id, row.outcome_id, row.quantity): row for row in self.rows[Subject.OBSERVATION]
        }
        named: set[UUID] = set()
        for one in parsed.observations:
            arm = self.arms.get(one.arm)
            if arm is None:
                self._refuse_arm(one.place)
                continue
            time, outcome = self.times[one.timepoint], self.outcomes[one.outcome]
            where = {"arm": str(arm), "timepoint": str(time), "outcome": str(outcome)}
            row = known.get((arm, time, outcome, one.said.values["quantity"]))
            title = self._observation_title(parsed, one.arm, one.timepoint, one.outcome)
            said = self._with_report(one.said)
            self.take(Subject.OBSERVATION, row, said, title, where | _cleared(row, said))
            if row is not None:
                named.add(row.pk)
        if parsed.observations:
            self.plan.untouched = [str(row) for row in self.rows[Subject.OBSERVATION] if row.pk not in named]

    def _observation_title(self, parsed: ParsedTrial, arm: str, time: Key, outcome: Key) -> str:
        name = parsed.outcomes[outcome].said.values["name"]
        return f"{name}, {self.arm_labels[arm]}, {_time_title(parsed.timepoints[time].said.values)}"

    def _refuse_arm(self, place: Place) -> None:
        near = get_close_matches(fold(place.seen), self.arm_labels, n=1)
        message = f"There is no arm “{place.seen}”, neither on the sheet arms nor in the entry."
        if letters := confusable_letters(place.seen):
            message += f" It is written with {letters}."
        if near:
            message += f" Did you mean “{self.arm_labels[near[0]]}”?"
        self.refuse(place, message)

    def plan_contrasts(self, parsed: ParsedTrial) -> None:
        """A contrast of the entry is the file's whichever of its two arms is named first."""
        known = {
            (frozenset({row.arm_id, row.versus_id}), row.timepoint_id, row.outcome_id, row.statistic): row
            for row in self.rows[Subject.CONTRAST]
        }
        for one in parsed.contrasts:
            arm, versus = self.arms.get(one.arm), self.arms.get(one.versus) if one.versus else None
            if arm is None or (one.versus and versus is None):
                self._refuse_arm(one.place if arm is None else one.versus_place)
                continue
            time, outcome = self.times[one.timepoint], self.outcomes[one.outcome]
            where = {"arm": str(arm), "versus": str(versus or ""), "timepoint": str(time), "outcome": str(outcome)}
            statistic = one.said.values["statistic"]
            row = known.get((frozenset({arm, versus}), time, outcome, statistic))
            place = self._observation_title(parsed, one.arm, one.timepoint, one.outcome)
            against = f" against {self.arm_labels[one.versus]}" if one.versus else ""
            said = self._with_report(one.said)
            self.take(Subject.CONTRAST, row, said, f"{NAMES[Statistic(statistic)]}, {place}{against}", where)

    def _with_report(self, said: Said) -> Said:
        """With the key of the report that the file calls by its name; without, where no one report has it."""
        name = said.values.get(REPORT)
        if name is None:
            return said
        keys = [str(key) for key, report in self.context.reports.items() if fold(report.citation) == fold(name)]
        if len(keys) == 1:
            return Said(said.values | {REPORT: keys[0]}, said.places)
        known = ", ".join(f"“{report}”" for report in self.context.reports.values()) or "none yet"
        count = f"{len(keys)} reports are" if keys else "No report of this trial is"
        self.refuse(said.places[REPORT], f"{count} called “{name[:80]}”. There are: {known}.")
        left = [one for one in said.values if one != REPORT]
        return Said({one: said.values[one] for one in left}, {one: said.places[one] for one in left})

    def plan_characteristics(self, parsed: ParsedTrial) -> None:
        known = {(row.moderator.code, row.arm_id): row for row in self.rows[Subject.CHARACTERISTIC]}
        for one in parsed.characteristics:
            arm = self.arms[one.arm] if one.arm else None
            row = known.get((one.moderator, arm))
            title = f"{one.moderator} of {self.arm_labels[one.arm] if one.arm else 'the trial'}"
            self.take(Subject.CHARACTERISTIC, row, one.said, title, {"arm": str(arm)} if arm else {})

    # --- the last word has the reading that the verb will do

    def check(self) -> None:
        """Refuse now what `enter.save` would refuse, at the cell it came from."""
        keys: dict[Subject, set[UUID]] = {subject: {row.pk for row in found} for subject, found in self.rows.items()}
        for change in self.plan.changes:
            keys[change.subject].add(change.key)
        self.context.rows = keys
        for change in self.plan.changes:
            old = self._old[change.key] or DEFAULTS[change.subject]
            reading = Reading(change.subject, str(change.key), {**old, **change.values}, self.context)
            places = self._places[change.key]
            for problem in reading.problems:
                place = places.get(problem.field) or next(iter(places.values()))
                self.refuse(place, f"{self.titles[change.key]}, {problem.field}: {problem.message}")


def _time_title(values: Mapping[str, str]) -> str:
    week = f"week {values['weeks']}" if "weeks" in values else ""
    return values.get("printed") or " ".join(filter(None, (values["phase"], week)))


def _cleared(row: Any, said: Said) -> dict[str, str]:
    """A spread replaces the spread that was there, whatever numbers that had."""
    if row is None or "spread_kind" not in said.values:
        return {}
    numbers = [*SPREAD_NUMBERS, "spread_level"] if row.spread_kind != said.values["spread_kind"] else SPREAD_NUMBERS
    return {name: "" for name in numbers if name not in said.values}


def _said_coordinates(said: Said) -> Iterable[tuple[str, str]]:
    return ((name, fold(said.values[name])) for name in OUTCOME_COORDINATES if name in said.values)


def _same_name(said: Said, row: Any) -> bool:
    code = said.values.get("marker")
    return fold(row.name) == fold(said.values["name"]) or (row.marker is not None and row.marker.code == code)


def _says_the_same(said: Said, row: Any) -> bool:
    return _same_name(said, row) and all(fold(getattr(row, name)) == text for name, text in _said_coordinates(said))


def _fills_in(said: Said, row: Any) -> bool:
    return _same_name(said, row) and all(
        fold(getattr(row, name)) in ("", text) for name, text in _said_coordinates(said)
    )


def _has_more(said: Said, row: Any) -> bool:
    """Whether the entry's outcome says of itself what the file does not."""
    unsaid = [name for name in OUTCOME_COORDINATES if name not in said.values]
    return any(getattr(row, name) not in ("", Scale.RAW.value) for name in unsaid)
