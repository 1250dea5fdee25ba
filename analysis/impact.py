"""How much a decision moves the review's answer: what orders the adjudicator's queue.

The impact of a discrepancy is |change of the primary synthesis| between A's value and B's. The base is the approved
data of the shown result, plus the discrepancy's own trial with what was decided and its other open values at A. Before
another trial is approved it is the change of the trial's own effect. Nothing of this is stored; whether more than the
size may be told is asked by whoever shows it.

An observation changes the effects of its own outcome alone. So each trial is composed and pooled once as it stands,
and each discrepancy composes its outcome once more with the other value: a thousand are ranked in a second or two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from uuid import UUID

import numpy as np
import pandas as pd
from django.core.cache import cache
from numpy.typing import NDArray

from analysis.composing import BY_A, BY_B, Composable, composables
from analysis.effects import EffectRow, effects_of
from analysis.freshness import current_of
from analysis.models import SnapshotTrial, Synthesis
from analysis.pooling import Coefficient, Inputs, Pooled, effects_frame, pool, selected
from analysis.recompute import read_frame
from analysis.snapshot import ApprovedData, approved_data, moderator_values
from analysis.specification import ENGINE, InvalidFilters, Specification, digest_of
from analysis.stats.errors import StatsError
from extraction import final, record
from extraction.errors import ExtractionError
from extraction.models import Discrepancy
from extraction.pairs import unit_table
from extraction.record import Status

KEPT_FOR: Final = 24 * 3600  # seconds, in the cache; the key names everything that the size depends on
Values = dict[str, dict[str, float | str]]


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a choice moves the primary synthesis, in units of its effect.

    `change` is the estimate with B's value minus that with A's; None before another trial is approved, when `size` is
    the change of the trial's own effect.
    """

    size: float
    change: float | None = None


def impacts(review_id: int, discrepancies: Iterable[Discrepancy]) -> dict[UUID, float]:
    """The sizes of these discrepancies of one review, by key: what may be told before a decision."""
    return {pk: shift.size for pk, shift in shifts(review_id, discrepancies).items()}


def shifts(review_id: int, discrepancies: Iterable[Discrepancy]) -> dict[UUID, Shift]:
    """Sizes and directions of these discrepancies of one review, by key; a few queries, whatever their number.

    The caller has asked who may see them. Left out is what has no size: accepted by itself, not composable yet, or
    in a review without a primary synthesis that is a mean.
    """
    asked = [one for one in discrepancies if not one.superseded and one.state != Discrepancy.State.ACCEPTED]
    base = _Base.of(review_id) if asked else None
    if base is None:
        return {}
    of_trial = _current({one.trial_id for one in asked})
    keys = {trial_id: base.key(found) for trial_id, found in of_trial.items()}
    known: dict[str, dict[UUID, Shift]] = cache.get_many(keys.values())
    missing = {trial_id: found for trial_id, found in of_trial.items() if keys[trial_id] not in known}
    if missing:
        made = {keys[trial.trial_id]: base.shifts(trial) for trial in composables(missing, unit_table(review_id))}
        cache.set_many(made, KEPT_FOR)
        known |= made
    found = {pk: shift for of_one in known.values() for pk, shift in of_one.items()}
    return {one.pk: found[one.pk] for one in asked if one.pk in found}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one choice gives: the primary synthesis in full, and the first of the trial's effects that it changes."""

    side: str
    pooled: Pooled | None
    effect: float | None

    @property
    def main(self) -> Coefficient | None:
        return self.pooled.main if self.pooled else None

    @property
    def estimate(self) -> float | None:
        return self.main.estimate if self.main else None

    @property
    def low(self) -> float | None:
        return self.main.ci_low if self.main else None

    @property
    def high(self) -> float | None:
        return self.main.ci_high if self.main else None


def outcomes_of(review_id: int, discrepancy: Discrepancy) -> list[Outcome]:
    """The primary synthesis with A's value and with B's; empty where there is none or nothing is approved yet.

    The caller has asked whether direction, estimates and p may be seen.
    """
    base = _Base.of(review_id)
    if base is None or base.frame.empty:
        return []
    for trial in composables(_current({discrepancy.trial_id}), unit_table(review_id)):
        unit = next((unit for unit, pk in trial.asked.items() if pk == discrepancy.pk), None)
        if unit is not None:
            return base.outcomes(trial, unit)
    return []


def _current(trials: Iterable[int]) -> dict[int, list[Discrepancy]]:
    of_trial: dict[int, list[Discrepancy]] = defaultdict(list)
    rows = Discrepancy._base_manager.filter(trial__in=list(trials), superseded=False)
    for row in rows.select_related("trial").order_by("trial", "position"):
        of_trial[row.trial_id].append(row)
    return of_trial


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
        said = [[str(row.pk), row.version, row.state, str(row.a_entry_id), str(row.b_entry_id)] for row in rows]
        effects = self.specification.effects(self.data.directions).digest()
        return f"shift:{digest_of([ENGINE, self.snapshot, self.specification.digest(), effects, said])}"

    def shifts(self, trial: Composable) -> dict[UUID, Shift]:
        """Of each discrepancy of the trial that a person decides; none for what has no size."""
        effects = self.specification.effects(self.data.directions)
        try:
            standing = trial.composed()
            rows = effects_of(standing, effects, trial.overrides)
        except (ValueError, ExtractionError):
            return {}  # not composable as it stands: nothing of it has a size
        measured = _Measured(self, trial, standing, rows)
        parts = {outcome: trial.part(outcome) for outcome in {trial.outcome(unit) for unit in trial.asked} if outcome}
        for unit, pk in trial.asked.items():
            outcome = trial.outcome(unit)
            part = parts.get(outcome, trial)
            kept = [row for row in rows if outcome and row.outcome.key not in outcome]
            try:
                for side, by in enumerate((BY_A, BY_B)):
                    if trial.decisions.get(unit) == by:
                        measured.add(pk, side, None, rows)  # as it stands
                    else:
                        entry = part.composed(unit, by)
                        changed = effects_of(entry, effects, trial.overrides)
                        measured.add(pk, side, None if outcome else entry, [*kept, *changed])
            except (ValueError, ExtractionError):  # not composable this way: it has no size
                measured.drop(pk)
        return measured.shifts()

    def outcomes(self, trial: Composable, unit: final.Unit) -> list[Outcome]:
        effects = self.specification.effects(self.data.directions)
        try:
            entries = [trial.composed(unit, decision) for decision in (BY_A, BY_B)]
            rows = [effects_of(entry, effects, trial.overrides) for entry in entries]
        except (ValueError, ExtractionError):
            return []  # not composable one way or the other
        by_place = [_by_place(of_side) for of_side in rows]
        moved = [place for place in {**by_place[0], **by_place[1]} if by_place[0].get(place) != by_place[1].get(place)]
        found = []
        for side, entry, of_side, places in zip("AB", entries, rows, by_place, strict=True):
            measured = _Measured(self, trial, entry, of_side)
            pooled = measured.pooled(measured.own_of(entry, of_side))
            found.append(Outcome(side, pooled, places.get(moved[0]) if moved else None))
        return found

    @cached_property
    def chosen(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """yi, vi and trial of the base's effects that the primary synthesis takes."""
        taken = selected(self.frame, self.specification, self.data.classes, self.moderators)
        return taken["yi"].to_numpy(), taken["vi"].to_numpy(), taken["trial"].to_numpy()


Own = tuple[NDArray[np.float64], NDArray[np.float64]]  # yi and vi of the trial's effects that are taken


class _Measured:
    """A trial beside the others: the primary synthesis with each variant of its effects."""

    def __init__(self, base: _Base, trial: Composable, standing: record.Entry, rows: Sequence[EffectRow]) -> None:
        self.base, self.trial_id, self.standing, self.standing_rows = base, trial.trial_id, standing, rows
        yi, vi, trials = base.chosen
        others = trials != trial.trial_id
        self.alone = not bool((base.frame["trial"] != trial.trial_id).any())
        self.others = yi[others], vi[others], trials[others]
        self.variants: list[tuple[UUID, int, record.Entry | None, Sequence[EffectRow]]] = []
        self.dropped: set[UUID] = set()
        self.estimates: dict[bytes, float | None] = {}

    def add(self, pk: UUID, side: int, entry: record.Entry | None, rows: Sequence[EffectRow]) -> None:
        """`entry` where more than an outcome may differ from the trial as it stands."""
        self.variants.append((pk, side, entry, rows))

    def drop(self, pk: UUID) -> None:
        self.dropped.add(pk)

    def shifts(self) -> dict[UUID, Shift]:
        sides: dict[UUID, list[Sequence[EffectRow]]] = defaultdict(list)
        for pk, _, _, rows in self.variants:
            sides[pk].append(rows)
        if self.alone:
            sizes = {pk: _alone(*both) for pk, both in sides.items() if pk not in self.dropped}
            return {pk: Shift(size) for pk, size in sizes.items() if size is not None}
        found: dict[UUID, dict[int, float | None]] = defaultdict(dict)
        for (pk, side, _, _), own in zip(self.variants, self.taken(), strict=True):
            found[pk][side] = self.estimate(own)
        told = {}
        for pk, by_side in found.items():
            first, second = by_side.get(0), by_side.get(1)
            if pk not in self.dropped and first is not None and second is not None:
                told[pk] = Shift(abs(second - first), second - first)
        return told

    def taken(self) -> list[Own]:
        """What the synthesis takes of each variant; those that say the same of moderators in one selection."""
        alike = [n for n, (_, _, entry, _) in enumerate(self.variants) if entry is None]
        found: dict[int, Own] = dict(
            zip(alike, self._select(self.standing, [self.variants[n][3] for n in alike]), strict=True)
        )
        for n, (_, _, entry, rows) in enumerate(self.variants):
            if entry is not None:
                found[n] = self.own_of(entry, rows)
        return [found[n] for n in range(len(self.variants))]

    def own_of(self, entry: record.Entry, rows: Sequence[EffectRow]) -> Own:
        (own,) = self._select(entry, [rows])
        return own

    def _select(self, entry: record.Entry, variants: Sequence[Sequence[EffectRow]]) -> list[Own]:
        """Each variant stands as an entry of its own in one frame, with the number of its place as its trial."""
        names = [f"variant {n}" for n in range(len(variants))]
        made = [frame_row(n, names[n], row) for n, rows in enumerate(variants) for row in rows if not row.reason]
        if not made:
            nothing = np.empty(0), np.empty(0)
            return [nothing for _ in variants]
        moderators = {
            code: {**values, **{key: said for name in names for key, said in _said(entry, code, name).items()}}
            for code, values in self.base.moderators.items()
        }
        taken = selected(effects_frame(made), self.base.specification, self.base.data.classes, moderators)
        which, yi, vi = (taken[name].to_numpy() for name in ("trial", "yi", "vi"))
        return [(yi[which == n], vi[which == n]) for n in range(len(variants))]

    def estimate(self, own: Own) -> float | None:
        """Worked out once for effects that are the same to the last bit: many decisions touch nothing pooled."""
        key = own[0].tobytes() + own[1].tobytes()
        if key not in self.estimates:
            pooled = self.pooled(own)
            self.estimates[key] = pooled.main.estimate if pooled and pooled.main else None
        return self.estimates[key]

    def pooled(self, own: Own) -> Pooled | None:
        yi, vi, trials = self.others
        mine = np.full(own[0].size, self.trial_id, dtype=np.int64)
        given = Inputs(np.concatenate([yi, own[0]]), np.concatenate([vi, own[1]]), np.concatenate([trials, mine]))
        try:
            return pool(given, self.base.specification)
        except StatsError:
            return None


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


def _by_place(rows: Sequence[EffectRow]) -> dict[tuple[object, ...], float | None]:
    return {(row.treatment.key, row.outcome.key, row.timepoint.key, row.position): row.yi for row in rows}


def _alone(a: Sequence[EffectRow], b: Sequence[EffectRow]) -> float | None:
    """The largest change of one of the trial's own effects; an effect that one side lacks counts from zero."""
    first, second = _by_place(a), _by_place(b)
    return max(
        (abs((first.get(place) or 0.0) - (second.get(place) or 0.0)) for place in {**first, **second}), default=None
    )
