"""What the pooled results would be with other data: worked out by the engine of the recompute, written nowhere.

Used before an approval (the trial's FINAL draft in its place among the approved entries) and for the story of a number
(the results without its trial). A result that was computed before is found by its key; effects that are not kept yet
are made in memory. The caller has asked who may see the results of the review.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from analysis.effects import EffectRow, effects_of
from analysis.impact import frame_row
from analysis.models import Effect, PooledResult, Synthesis
from analysis.pooling import effects_frame
from analysis.recompute import Reader, computed, prepared, read_frame, syntheses_of, wish_of
from analysis.snapshot import ApprovedData, ApprovedEntry, approved_data, read_entry
from analysis.specification import EffectSpecification, InvalidFilters, Specification
from extraction.models import Entry, Trial


@dataclass(frozen=True, slots=True)
class Move:
    """One synthesis: its result on the data as they are, and as they would be."""

    synthesis: Synthesis
    now: PooledResult
    then: PooledResult

    @property
    def moves(self) -> bool:
        return self.now.pk != self.then.pk

    @property
    def by(self) -> float | None:
        """The change of the estimate; None where one side has none, or the synthesis has no single number."""
        if self.now.estimate is None or self.then.estimate is None:
            return None
        return self.then.estimate - self.now.estimate


@dataclass(frozen=True)
class Preview:
    """What approving a trial would change."""

    trial: Trial
    moves: Sequence[Move]
    effects: Sequence[EffectRow]  # of the draft, in the measure of the primary synthesis

    @property
    def moved(self) -> list[Move]:
        """The primary synthesis first, then in the order of the results page."""
        return sorted((move for move in self.moves if move.moves), key=lambda move: not move.synthesis.is_primary)

    @property
    def unmoved(self) -> int:
        return len(self.moves) - len(self.moved)

    @cached_property
    def pooled(self) -> list[EffectRow]:
        return [row for row in self.effects if not row.reason]

    @cached_property
    def kept_out(self) -> list[EffectRow]:
        return [row for row in self.effects if row.reason]

    @cached_property
    def supposed(self) -> list[str]:
        """What had to be supposed, each once."""
        return list(dict.fromkeys(text for row in self.pooled for text in row.assumptions))


def of_approval(trial: Trial, draft: Entry) -> Preview:
    """What changes once `draft` is the trial's approved version."""
    data = approved_data(trial.review_id)
    after = data if trial.calibration else _with(data, trial.pk, draft)
    syntheses = syntheses_of(trial.review_id)
    primary = next((one for one in syntheses if one.is_primary), None)
    return Preview(trial, moves(syntheses, data, after), _effects(draft, primary, data) if primary else ())


def without(trial: Trial, syntheses: Sequence[Synthesis]) -> list[Move]:
    """What these syntheses of one review gain by a trial: `now` without it, `then` with it."""
    data = approved_data(trial.review_id)
    rest = replace(data, entries=tuple(entry for entry in data.entries if entry.trial_id != trial.pk))
    return moves(syntheses, rest, data)


def moves(syntheses: Sequence[Synthesis], now: ApprovedData, then: ApprovedData) -> list[Move]:
    before, after = results_on(now, syntheses), results_on(then, syntheses)
    return [Move(one, before[one.pk], after[one.pk]) for one in syntheses]


def results_on(data: ApprovedData, syntheses: Sequence[Synthesis]) -> dict[int, PooledResult]:
    """The result of each synthesis (by key) on these data, as the recompute would write it; most are not saved."""
    wishes = [wish_of(synthesis, data) for synthesis in syntheses]
    specifications = [wish.specification for wish in wishes if wish.specification is not None]
    made = {w.effects: w.specification.effects(data.directions) for w in wishes if w.specification is not None}
    reader = _InMemory(data, specifications, made)
    tasks = [prepared(wish, reader) for wish in wishes]
    known = PooledResult.objects.in_bulk([task.key for task in tasks])
    return {task.synthesis_id: known.get(task.key) or computed(task, generation=0)[0] for task in tasks}


class _InMemory(Reader):
    """Reads the kept effects and makes those that are missing, keeping none."""

    def __init__(
        self, data: ApprovedData, specifications: Sequence[Specification], made: Mapping[str, EffectSpecification]
    ) -> None:
        super().__init__(data, specifications)
        self.made = made

    def frame(self, effects: str) -> pd.DataFrame:
        kept = read_frame(self.entries, effects)
        known = Effect.objects.filter(specification=effects, entry__in=self.entries).order_by()
        have = set(known.values_list("entry", flat=True).distinct())
        rows = []
        for one in self.data.entries:
            if one.entry_id not in have:
                record, overrides = read_entry(one.entry_id)
                made = effects_of(record, self.made[effects], overrides)
                rows += [frame_row(one.trial_id, str(one.entry_id), row) for row in made if not row.reason]
        if not rows:
            return kept
        return effects_frame([*kept.itertuples(index=False, name=None), *rows])


def _with(data: ApprovedData, trial_id: int, draft: Entry) -> ApprovedData:
    others = (entry for entry in data.entries if entry.trial_id != trial_id)
    own = ApprovedEntry(trial_id, draft.pk, draft.digest)
    return replace(data, entries=tuple(sorted((*others, own), key=lambda entry: entry.trial_id)))


def _effects(draft: Entry, primary: Synthesis, data: ApprovedData) -> list[EffectRow]:
    try:
        specification = primary.specification().effects(data.directions)
    except InvalidFilters:
        return []
    record, overrides = read_entry(draft.pk)
    return effects_of(record, specification, overrides)
