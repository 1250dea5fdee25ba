"""Into which effects and results one number of the record went, and what its trial adds to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from analysis import preview
from analysis.freshness import current_of
from analysis.models import Effect, PooledResult, SnapshotTrial, Synthesis
from analysis.shown import Sieve
from analysis.snapshot import approved_data
from analysis.specification import InvalidFilters, Specification
from extraction.access import Viewer
from extraction.models import Trial
from extraction.number import Story
from extraction.record import Subject

STOOD_ON: Final = frozenset({Subject.OBSERVATION, Subject.CONTRAST})  # the rows that effects are made of


@dataclass(frozen=True, slots=True)
class Used:
    """The effects made of a number, as far as a person may see them, and the results that took them."""

    effects: Sequence[Effect] = ()
    moves: Sequence[preview.Move] = field(default_factory=list)  # `now` without the trial, `then` with it

    @property
    def pooled(self) -> list[Effect]:
        return [effect for effect in self.effects if not effect.reason]


def used(story: Story, by: Viewer) -> Used:
    """From the approved version that the shown results hold; nothing before the first approval."""
    entry = story.trial.approved_entry_id
    held = next((one for one in story.finals if one.entry.pk == entry and one.row is not None), None)
    if held is None or story.subject not in STOOD_ON:
        return Used()
    syntheses = list(
        Synthesis.objects.visible_to(by)
        .filter(review=story.trial.review_id)
        .select_related("review", "moderator", "current__result", "current__snapshot")
        .order_by("-is_primary", "position", "pk")
    )
    shown = {one.pk: current for one in syntheses if (current := current_of(one)) is not None}
    snapshots = {current.snapshot_id for current in shown.values()}
    members = SnapshotTrial.objects.visible_to(by).filter(snapshot__in=snapshots, entry=entry)
    holding = set(members.values_list("snapshot", flat=True))
    made = _effects(story.trial, held.row.pk, {current.result.effects_made_by for current in shown.values()}, by)
    classes = approved_data(story.trial.review_id).classes
    holding_it = [one for one in syntheses if one.pk in shown and shown[one.pk].snapshot_id in holding]
    took = _taking(holding_it, {pk: current.result for pk, current in shown.items()}, made, classes)
    return Used(_once(made), preview.without(story.trial, took) if took else [])


def _effects(trial: Trial, row: UUID, made_by: set[str], by: Viewer) -> list[Effect]:
    effects = Effect.objects.visible_to(by).filter(entry=trial.approved_entry_id, specification__in=made_by)
    rows = effects.select_related("trial", "marker", "intervention").order_by("measure", "position")
    return [effect for effect in rows if str(row) in _stands_on(effect)]


def _stands_on(effect: Effect) -> set[str]:
    """The rows of the record that an effect was computed from."""
    inputs = effect.ledger.get("inputs", [])
    return {key for side in inputs for key in (*side["observations"], *side.get("contrasts", []))}


def _taking(
    syntheses: Sequence[Synthesis],
    results: Mapping[int, PooledResult],
    effects: Sequence[Effect],
    classes: Mapping[str, str],
) -> list[Synthesis]:
    """The syntheses whose shown result took one of these effects."""
    specifications = {one.pk: found for one in syntheses if (found := _specification(one)) is not None}
    levels = {code for found in specifications.values() for code in found.filters.levels}
    sieves: dict[str, Sieve] = {}
    took = []
    for one in syntheses:
        made_by = results[one.pk].effects_made_by
        if made_by not in sieves:
            own = [effect for effect in effects if effect.specification == made_by and not effect.reason]
            sieves[made_by] = Sieve(own, classes, levels)
        sieve = sieves[made_by]
        if one.pk in specifications and sieve.effects and sieve.passing(specifications[one.pk]):
            took.append(one)
    return took


def _specification(synthesis: Synthesis) -> Specification | None:
    try:
        return synthesis.specification()
    except InvalidFilters:
        return None


def _once(effects: Sequence[Effect]) -> list[Effect]:
    """One of each contrast, outcome and time in a measure: specifications differ in what this number has no part in."""
    found: dict[tuple[str, int], Effect] = {}
    for effect in effects:
        found.setdefault((effect.measure, effect.position), effect)
    return list(found.values())
