"""How much a decision moves the review's answer: what orders the adjudicator's queue.

The impact of a discrepancy is |change of the primary synthesis| between A's value and B's. The base is the approved
data of the shown result, plus the discrepancy's own trial with what was decided and its other open values at A. Before
another trial is approved it is the change of the trial's own effect. Only the size is told, never which way it goes;
nothing of this is stored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import pandas as pd
from django.core.cache import cache

from analysis.effects import EffectRow, effects_of
from analysis.freshness import current_of
from analysis.models import SnapshotTrial, Synthesis
from analysis.pooling import effects_frame, inputs, pool, selected
from analysis.recompute import read_frame
from analysis.snapshot import ApprovedData, approved_data, moderator_values
from analysis.specification import ENGINE, InvalidFilters, Specification, digest_of
from analysis.stats.errors import StatsError
from extraction import compare, final, record
from extraction.approve import unit_of
from extraction.decisions import as_final
from extraction.errors import ExtractionError
from extraction.models import Discrepancy, Match, Resolution
from extraction.models.plain import ROWS, WITH_CODES, as_record
from extraction.pairs import unit_table
from extraction.record import Side, Status, Subject
from extraction.units import UnitTable

KEPT_FOR: Final = 24 * 3600  # seconds, in the cache; the key names everything that the size depends on
BY_A, BY_B = final.Decision(final.Choice.A), final.Decision(final.Choice.B)
Values = dict[str, dict[str, float | str]]


def impacts(review_id: int, discrepancies: Iterable[Discrepancy]) -> dict[UUID, float]:
    """The sizes of these discrepancies of one review, by key; a few queries, whatever their number.

    The caller has asked who may see them. Left out is what has no size: accepted by itself, not composable yet, or
    in a review without a primary synthesis that is a mean.
    """
    asked = [one for one in discrepancies if not one.superseded and one.state != Discrepancy.State.ACCEPTED]
    base = _Base.of(review_id) if asked else None
    if base is None:
        return {}
    trials = {one.trial_id for one in asked}
    rows = Discrepancy._base_manager.filter(trial__in=trials, superseded=False)
    of_trial: dict[int, list[Discrepancy]] = defaultdict(list)
    for row in rows.select_related("a_entry__trial", "b_entry__trial").order_by("trial", "position"):
        of_trial[row.trial_id].append(row)
    keys = {trial_id: base.key(found) for trial_id, found in of_trial.items()}
    known: dict[str, dict[UUID, float]] = cache.get_many(keys.values())
    missing = {trial_id: found for trial_id, found in of_trial.items() if keys[trial_id] not in known}
    if missing:
        made = {keys[trial.trial_id]: base.sizes(trial) for trial in _trials(missing, unit_table(review_id))}
        cache.set_many(made, KEPT_FOR)
        known |= made
    sizes = {pk: size for found in known.values() for pk, size in found.items()}
    return {one.pk: sizes[one.pk] for one in asked if one.pk in sizes}


# --- A trial, composed one way and another ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Trial:
    """A trial's two entries as plain values, their differences, and what was decided; what is open stands at A."""

    trial_id: int
    a: record.Entry
    b: record.Entry
    overrides: Mapping[str, int]  # direction of single outcomes, by key
    matches: Sequence[record.Match]
    differences: Sequence[record.Difference]
    units: UnitTable
    decisions: Mapping[final.Unit, final.Decision] = field(default_factory=dict)
    asked: Mapping[final.Unit, UUID] = field(default_factory=dict)  # the discrepancy that each unit is

    def composed(self, unit: final.Unit, decision: final.Decision) -> record.Entry:
        decisions = {**self.decisions, unit: decision}
        return final.compose(self.a, self.b, self.matches, self.differences, decisions, self.units)


def _trials(by_trial: Mapping[int, Sequence[Discrepancy]], units: UnitTable) -> Iterator[_Trial]:
    """The trials of these discrepancies, all read in nine queries."""
    found = [row for rows in by_trial.values() for row in rows]
    entries = {row.a_entry_id for row in found} | {row.b_entry_id for row in found}
    rows_of_entry = rows_of_entries(entries)
    matches = _matches(by_trial)
    newest = {
        resolution.discrepancy_id: resolution
        for resolution in Resolution._base_manager.filter(discrepancy__in=found).order_by("number")
    }
    for trial_id, rows in by_trial.items():
        a_rows, b_rows = rows_of_entry[rows[0].a_entry.pk], rows_of_entry[rows[0].b_entry.pk]
        a, b = as_record(a_rows), as_record(b_rows)
        differences = compare.differences(a, b, matches[trial_id], units)
        by_unit = {unit_of(row): row for row in rows}
        decisions: dict[final.Unit, final.Decision] = {}
        asked: dict[final.Unit, UUID] = {}
        for difference in differences:
            row = by_unit.get(unit_of(difference))
            if row is not None and row.pk in newest:
                decisions[final.unit_of(difference)] = as_final(newest[row.pk], row)
            elif difference.verdict not in record.ACCEPTED_VERDICTS:
                decisions[final.unit_of(difference)] = BY_A
            if row is not None and row.state != Discrepancy.State.ACCEPTED:
                asked[final.unit_of(difference)] = row.pk
        overrides = {
            str(outcome.pk): outcome.direction_override
            for outcome in (*a_rows[Subject.OUTCOME], *b_rows[Subject.OUTCOME])
            if outcome.direction_override is not None
        }
        yield _Trial(trial_id, a, b, overrides, matches[trial_id], differences, units, decisions, asked)


def rows_of_entries(entries: Iterable[UUID]) -> dict[UUID, dict[Subject, list[Any]]]:
    """The rows of many entries: one query for each sort of row."""
    found: dict[UUID, dict[Subject, list[Any]]] = defaultdict(lambda: {subject: [] for subject in ROWS})
    for subject, model in ROWS.items():
        rows = model._base_manager.filter(entry__in=list(entries)).order_by("entry", "position", "id")
        for row in rows.select_related(*WITH_CODES.get(subject, ())):
            found[row.entry_id][subject].append(row)
    return found


def _matches(trials: Iterable[int]) -> dict[int, list[record.Match]]:
    found: dict[int, list[record.Match]] = defaultdict(list)
    confirmed = Match._base_manager.filter(trial__in=list(trials), state=Match.State.CONFIRMED)
    kept: Iterable[Any] = confirmed.prefetch_related("rows").order_by("position", "id")
    for match in kept:
        sides = {side: tuple(str(row.row) for row in match.rows.all() if row.side == side) for side in Side}
        found[match.trial_id].append(
            record.Match(
                Subject(match.subject), sides[Side.A], sides[Side.B], match.by_itself, match.score, match.reason
            )
        )
    return found


# --- What it is added to ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Base:
    """The effects behind the shown primary result, to which a trial is added once with A's value, once with B's."""

    specification: Specification
    data: ApprovedData
    snapshot: str
    frame: pd.DataFrame
    moderators: Values

    @classmethod
    def of(cls, review_id: int) -> _Base | None:
        primary = (
            Synthesis._base_manager.filter(review=review_id, is_primary=True, moderator=None)
            .select_related("review", "moderator", "current__result", "current__snapshot")
            .first()
        )
        if primary is None:
            return None
        try:
            specification = primary.specification()
        except InvalidFilters:
            return None
        current = current_of(primary)
        entries: list[UUID] = []
        if current is not None:
            members = SnapshotTrial._base_manager.filter(snapshot=current.snapshot_id)
            entries = list(members.values_list("entry", flat=True))
        made_by = current.result.effects_made_by if current else ""
        values = moderator_values(entries, specification.filters.levels)
        return cls(
            specification,
            approved_data(review_id),
            current.snapshot.digest if current else "",
            read_frame(entries, made_by),
            {code: dict(of_entry) for code, of_entry in values.items()},
        )

    def key(self, rows: Sequence[Discrepancy]) -> str:
        """Names everything on which the sizes of a trial's discrepancies depend."""
        said = [[str(row.pk), row.version, row.state, str(row.a_entry.pk), str(row.b_entry.pk)] for row in rows]
        effects = self.specification.effects(self.data.directions).digest()
        return f"impact:{digest_of([ENGINE, self.snapshot, self.specification.digest(), effects, said])}"

    def sizes(self, trial: _Trial) -> dict[UUID, float]:
        found: dict[UUID, float] = {}
        for unit, pk in trial.asked.items():
            try:
                sides = [trial.composed(unit, decision) for decision in (BY_A, BY_B)]
                size = self._size(trial, *sides)
            except (ValueError, ExtractionError):  # not composable, or too little to pool: it has no size
                continue
            if size is not None:
                found[pk] = size
        return found

    def _size(self, trial: _Trial, a: record.Entry, b: record.Entry) -> float | None:
        effects = self.specification.effects(self.data.directions)
        rows = [effects_of(entry, effects, trial.overrides) for entry in (a, b)]
        others = self.frame[self.frame["trial"] != trial.trial_id]
        if others.empty:
            return _alone(*rows)
        estimates = [
            self._estimate(others, trial.trial_id, entry, own) for entry, own in zip((a, b), rows, strict=True)
        ]
        first, second = estimates
        return None if first is None or second is None else abs(first - second)

    def _estimate(
        self, others: pd.DataFrame, trial_id: int, entry: record.Entry, rows: Sequence[EffectRow]
    ) -> float | None:
        name = f"trial {trial_id}"
        own = effects_frame([frame_row(trial_id, name, row) for row in rows if not row.reason])
        frame = pd.concat([others, own], ignore_index=True) if len(own) else others
        moderators = {code: {**values, **_said(entry, code, name)} for code, values in self.moderators.items()}
        chosen = selected(frame, self.specification, self.data.classes, moderators)
        try:
            pooled = pool(inputs(chosen, self.specification, moderators, {}), self.specification)
        except StatsError:
            return None
        return pooled.main.estimate if pooled.main else None


def frame_row(trial_id: int, name: str, row: EffectRow) -> tuple[object, ...]:
    """In the order of `pooling.FRAME`."""
    control = row.control.key if row.control else ""
    arms_and_outcome = (row.treatment.key, control, row.outcome.key, row.outcome.marker, row.treatment.intervention)
    times = (row.timepoint.weeks, row.timepoint.weeks_after_end)
    return (trial_id, name, row.position, *arms_and_outcome, *times, row.yi, row.vi)


def _said(entry: record.Entry, moderator: str, name: str) -> dict[str, float | str]:
    """What a composed entry says of a moderator, for the trial or for an arm."""
    return {
        one.arm or name: one.level
        for one in entry.characteristics
        if one.moderator == moderator and one.status == Status.REPORTED and one.level
    }


def _alone(a: Sequence[EffectRow], b: Sequence[EffectRow]) -> float | None:
    """The largest change of one of the trial's own effects; an effect that one side lacks counts from zero."""
    sides = [
        {(row.treatment.key, row.outcome.key, row.timepoint.key, row.position): row.yi for row in rows}
        for rows in (a, b)
    ]
    changes = [abs((sides[0].get(place) or 0.0) - (sides[1].get(place) or 0.0)) for place in {**sides[0], **sides[1]}]
    return max(changes, default=None)
