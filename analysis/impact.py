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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final
from uuid import UUID

import numpy as np
import pandas as pd
from django.core.cache import cache
from numpy.typing import NDArray

from analysis.composing import BY_A, BY_B, Composable, composables
from analysis.effects import EffectRow, effects_of, effects_of_each
from analysis.freshness import current_of
from analysis.models import SnapshotTrial, Synthesis
from analysis.pooling import Coefficient, Inputs, Pooled, effects_frame, pool, selected
from analysis.recompute import read_frame
from analysis.snapshot import ApprovedData, approved_data, moderator_values
from analysis.specification import ENGINE, EffectSpecification, InvalidFilters, Specification, digest_of
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
        shifts_of = base.shifts(list(composables(missing, unit_table(review_id))))
        made = {keys[trial_id]: of_trial for trial_id, of_trial in shifts_of.items()}
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
    def p(self) -> float | None:
        return self.main.p if self.main else None

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

    def shifts(self, trials: Sequence[Composable]) -> dict[int, dict[UUID, Shift]]:
        """Of each discrepancy of each trial that a person decides; none for what has no size.

        Variants that say the same of moderators as their trial as it stands are selected together, for all trials.
        """
        found = {trial.trial_id: self._measured(trial) for trial in trials}
        beside = [measured for measured in found.values() if measured and not measured.alone]
        alike = [one for measured in beside for one in measured.variants if one.entry is None]
        for one, own in zip(alike, self.select([(one.standing, one.rows) for one in alike]), strict=True):
            one.own = own
        return {trial_id: measured.shifts() if measured else {} for trial_id, measured in found.items()}

    def _measured(self, trial: Composable) -> _Measured | None:
        """The trial with A's value and with B's of each discrepancy; None where it is not composable as it stands."""
        effects = self.specification.effects(self.data.directions)
        try:
            standing = trial.composed()
            rows = effects_of(standing, effects, trial.overrides)
        except (ValueError, ExtractionError):
            return None
        measured = _Measured(self, trial)
        parts = {outcome: trial.part(outcome) for outcome in {trial.outcome(unit) for unit in trial.asked} if outcome}
        changed: list[tuple[UUID, int, frozenset[str], record.Entry]] = []
        for unit, pk in trial.asked.items():
            outcome = trial.outcome(unit)
            part = parts.get(outcome, trial)
            for side, by in enumerate((BY_A, BY_B)):
                if trial.decisions.get(unit) == by:
                    measured.variants.append(_Variant(pk, side, standing, rows))
                    continue
                try:
                    changed.append((pk, side, outcome, part.composed(unit, by)))
                except (ValueError, ExtractionError):  # not composable this way: it has no size
                    measured.dropped.add(pk)
        made = _effects_of_each([entry for *_, entry in changed], effects, trial.overrides)
        for (pk, side, outcome, entry), own in zip(changed, made, strict=True):
            if own is None:
                measured.dropped.add(pk)
            else:
                kept = [row for row in rows if outcome and row.outcome.key not in outcome]
                measured.variants.append(_Variant(pk, side, standing, [*kept, *own], None if outcome else entry))
        return measured

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
            (own,) = self.select([(entry, of_side)])
            pooled = _Measured(self, trial).pooled(own)
            found.append(Outcome(side, pooled, places.get(moved[0]) if moved else None))
        return found

    @cached_property
    def chosen(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """yi, vi and trial of the base's effects that the primary synthesis takes."""
        taken = selected(self.frame, self.specification, self.data.classes, self.moderators)
        return taken["yi"].to_numpy(), taken["vi"].to_numpy(), taken["trial"].to_numpy()

    def select(self, variants: Sequence[tuple[record.Entry, Sequence[EffectRow]]]) -> list[Own]:
        """What the synthesis takes of each: an entry as it would be composed, which says the moderators, with effects.

        Each stands as an entry of its own in one frame, with the number of its place as its trial. An arm that is in
        several of them says the same of moderators in each.
        """
        names = [f"variant {n}" for n in range(len(variants))]
        made = [frame_row(n, names[n], row) for n, (_, rows) in enumerate(variants) for row in rows if not row.reason]
        if not made:
            nothing = np.empty(0), np.empty(0)
            return [nothing for _ in variants]
        moderators = {code: dict(values) for code, values in self.moderators.items()}
        for name, (entry, _) in zip(names, variants, strict=True):
            for code in moderators:
                moderators[code] |= _said(entry, code, name)
        taken = selected(effects_frame(made), self.specification, self.data.classes, moderators)
        which, yi, vi = (taken[name].to_numpy() for name in ("trial", "yi", "vi"))
        starts = np.searchsorted(which, np.arange(len(variants) + 1))
        return [(yi[start:end], vi[start:end]) for start, end in pairwise(starts)]


Own = tuple[NDArray[np.float64], NDArray[np.float64]]  # yi and vi of the trial's effects that are taken


@dataclass(slots=True)
class _Variant:
    """A trial's effects with one choice. `entry` where more than an outcome may differ from the trial as it stands."""

    pk: UUID
    side: int
    standing: record.Entry
    rows: Sequence[EffectRow]
    entry: record.Entry | None = None
    own: Own | None = None


class _Measured:
    """A trial beside the others: the primary synthesis with each variant of its effects."""

    def __init__(self, base: _Base, trial: Composable) -> None:
        self.base, self.trial_id = base, trial.trial_id
        yi, vi, trials = base.chosen
        others = trials != trial.trial_id
        self.alone = not bool((base.frame["trial"] != trial.trial_id).any())
        self.others = yi[others], vi[others], trials[others]
        self.variants: list[_Variant] = []
        self.dropped: set[UUID] = set()
        self.estimates: dict[bytes, float | None] = {}

    def shifts(self) -> dict[UUID, Shift]:
        sides: dict[UUID, dict[int, _Variant]] = defaultdict(dict)
        for one in self.variants:
            if one.pk not in self.dropped:
                sides[one.pk][one.side] = one
        told = {}
        for pk, both in sides.items():
            if self.alone:
                size = _alone(both[0].rows, both[1].rows)
                if size is not None:
                    told[pk] = Shift(size)
                continue
            first, second = (self.estimate(self._own(both[side])) for side in (0, 1))
            if first is not None and second is not None:
                told[pk] = Shift(abs(second - first), second - first)
        return told

    def _own(self, one: _Variant) -> Own:
        if one.own is None:
            (one.own,) = self.base.select([(one.entry or one.standing, one.rows)])
        return one.own

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


def _effects_of_each(
    entries: Sequence[record.Entry], specification: EffectSpecification, overrides: Mapping[str, int]
) -> list[list[EffectRow] | None]:
    """Of each its effects; None of what has none, such as an entry with a number that no arithmetic takes."""
    try:
        return [*effects_of_each(entries, specification, overrides)]
    except ValueError:
        if len(entries) == 1:
            return [None]
        return [own for entry in entries for own in _effects_of_each([entry], specification, overrides)]


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
