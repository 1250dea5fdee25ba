"""A review's results, brought up to date: claim, compute outside a transaction, write guarded by the generation.

Safe to run twice, at once and in any order. What has been computed before is found by its key and not
computed again: one more approval costs its own trial's effects and the syntheses whose effects changed.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TypeVar
from uuid import UUID

import pandas as pd
from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction

from analysis.effects import EffectRow, effects_of
from analysis.models import (
    Claim,
    CurrentResult,
    Effect,
    PooledResult,
    RecomputeRequest,
    ResultCoefficient,
    Synthesis,
)
from analysis.models.request import LEASE
from analysis.pooling import Inputs, ModeratorValues, Pooled, effects_frame, inputs, pool, selected
from analysis.snapshot import (
    ApprovedData,
    ApprovedEntry,
    approved_data,
    freeze,
    moderator_kinds,
    moderator_values,
    read_entry,
)
from analysis.specification import ENGINE, EffectSpecification, InvalidFilters, Specification, digest_of
from analysis.stats.errors import StatsError
from extraction.models import Intervention, Marker
from extraction.record import Timepoint

logger = logging.getLogger(__name__)
T = TypeVar("T")

COLUMNS = (
    "trial", "entry", "position", "treatment_key", "control_key", "outcome_key", "marker__code",
    "intervention__code", "weeks", "weeks_after_end", "yi", "vi",
)  # fmt: skip
LONGEST_REASON = 400


@dataclass(frozen=True, slots=True)
class Run:
    """What one run did: effects made, results computed (of these `failed`), results found unchanged."""

    generation: int
    new_effects: int
    computed: int
    failed: int
    unchanged: int
    more_wanted: bool


def recompute(review_id: int) -> Run | None:
    """Meet the request of a review; None where there is none, somebody else is at it, or this try failed."""
    claim = RecomputeRequest.objects.claim(review_id)
    if claim is None:
        return None
    try:
        return _run(claim)
    except Exception as error:
        logger.exception("Recomputing review %s, generation %s, failed", review_id, claim.generation)
        RecomputeRequest.objects.fail(claim, f"{type(error).__name__} in {_place(error)}")
        return None


def _run(claim: Claim) -> Run:
    lease = _Lease(claim)
    data = approved_data(claim.review_id)
    wishes = [wish_of(synthesis, data) for synthesis in syntheses_of(claim.review_id)]
    specifications = [wish.specification for wish in wishes if wish.specification is not None]
    of_effects = {w.effects: w.specification.effects(data.directions) for w in wishes if w.specification}
    new_effects = sum(make_effects(data, made, lease.keep) for made in of_effects.values())
    reader = Reader(data, specifications)
    tasks = [prepared(wish, reader) for wish in wishes]
    known = set(PooledResult.objects.filter(pk__in=[task.key for task in tasks]).values_list("pk", flat=True))
    results: list[PooledResult] = []
    coefficients: list[ResultCoefficient] = []
    for task in tasks:
        if task.key not in known:
            lease.keep()
            result, terms = computed(task, claim.generation)
            results.append(result)
            coefficients += terms
    with transaction.atomic():
        snapshot = freeze(data)
        for result in results:
            result.snapshot = snapshot
        PooledResult.objects.bulk_create(results, ignore_conflicts=True)
        ResultCoefficient.objects.bulk_create(coefficients, ignore_conflicts=True)
        CurrentResult.objects.move_to({task.synthesis_id: task.key for task in tasks}, snapshot, claim.generation)
        RecomputeRequest.objects.finish(claim)
    return Run(
        claim.generation,
        new_effects,
        computed=len(results),
        failed=sum(result.state == PooledResult.State.FAILED for result in results),
        unchanged=len(tasks) - len(results),
        more_wanted=RecomputeRequest.objects.unmet().filter(review=claim.review_id).exists(),
    )


class _Lease:
    """Renews the claim of a long run, so that nobody else begins the same work."""

    def __init__(self, claim: Claim) -> None:
        self.claim, self.since = claim, monotonic()

    def keep(self) -> None:
        if monotonic() - self.since > LEASE.total_seconds() / 3:
            RecomputeRequest.objects.renew(self.claim)
            self.since = monotonic()


# --- Effects ------------------------------------------------------------------------------------------------


def make_effects(
    data: ApprovedData, specification: EffectSpecification, keep_lease: Callable[[], None] = lambda: None
) -> int:
    """Compute and keep the effects of the approved entries that have none of this specification. Returns how many."""
    digest = specification.digest()
    made = set(
        Effect.objects.filter(specification=digest, entry__in=[entry.entry_id for entry in data.entries])
        .order_by()
        .values_list("entry", flat=True)
        .distinct()
    )
    new: list[Effect] = []
    terms: _Terms | None = None
    for approved in data.entries:
        if approved.entry_id not in made:
            terms = terms or _Terms(data.review_id)
            keep_lease()
            record, overrides = read_entry(approved.entry_id)
            rows = effects_of(record, specification, overrides)
            new += [_effect(row, approved, specification.measure, digest, terms) for row in rows]
    with transaction.atomic():
        Effect.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


class _Terms:
    """Keys of the vocabulary by code."""

    def __init__(self, review_id: int) -> None:
        self.markers = dict(Marker._base_manager.filter(review=review_id).values_list("code", "pk"))
        self.interventions = dict(Intervention._base_manager.filter(review=review_id).values_list("code", "pk"))


def _effect(row: EffectRow, approved: ApprovedEntry, measure: str, digest: str, terms: _Terms) -> Effect:
    return Effect(
        id=Effect.key(approved.entry_id, digest, row.position),
        trial_id=approved.trial_id,
        entry_id=approved.entry_id,
        specification=digest,
        position=row.position,
        measure=measure,
        marker_id=terms.markers.get(row.outcome.marker),
        intervention_id=terms.interventions.get(row.treatment.intervention),
        treatment_key=UUID(row.treatment.key),
        treatment_label=row.treatment.label,
        control_key=UUID(row.control.key) if row.control else None,
        control_label=row.control.label if row.control else "",
        outcome_key=UUID(row.outcome.key),
        outcome_name=row.outcome.name,
        timepoint_key=UUID(row.timepoint.key),
        timepoint_label=_when(row.timepoint),
        weeks=row.timepoint.weeks,
        weeks_after_end=row.timepoint.weeks_after_end,
        n_t=None if row.n_t is None else int(row.n_t),
        n_c=None if row.n_c is None else int(row.n_c),
        yi_raw=row.yi_raw,
        direction=row.direction,
        yi=row.yi,
        vi=row.vi,
        assumed=bool(row.assumptions),
        reason=row.reason[:LONGEST_REASON],
        ledger=row.ledger(measure),
    )


def _when(timepoint: Timepoint) -> str:
    if timepoint.printed:
        return timepoint.printed
    week = "" if timepoint.weeks is None else f", week {timepoint.weeks:g}"
    return f"{timepoint.phase.value}{week}"


# --- Syntheses ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wish:
    """What a synthesis wants computed; no specification where its filters cannot be read."""

    synthesis_id: int
    specification: Specification | None
    digest: str
    effects: str = ""  # digest of the effect specification
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """A wish with the effects it takes, hence with the key of its result."""

    wish: Wish
    inputs: Inputs | None
    digest: str
    reason: str

    @property
    def synthesis_id(self) -> int:
        return self.wish.synthesis_id

    @property
    def key(self) -> UUID:
        return PooledResult.key(self.synthesis_id, self.wish.digest, self.digest, ENGINE)


def syntheses_of(review_id: int) -> Sequence[Synthesis]:
    found = Synthesis._base_manager.filter(review=review_id).select_related("review", "moderator")
    return list(found.order_by("position", "pk"))


def wish_of(synthesis: Synthesis, data: ApprovedData) -> Wish:
    try:
        specification = synthesis.specification()
    except InvalidFilters as error:
        return Wish(synthesis.pk, None, digest_of(synthesis.filters), reason=str(error))
    effects = specification.effects(data.directions).digest()
    return Wish(synthesis.pk, specification, specification.digest(), effects)


class Reader:
    """The effects and moderators that the syntheses of one run share, each read once."""

    def __init__(self, data: ApprovedData, specifications: Sequence[Specification]) -> None:
        self.data = data
        self.entries = [entry.entry_id for entry in data.entries]
        used = {s.moderator for s in specifications if s.moderator}
        used |= {moderator for s in specifications for moderator in s.filters.levels}
        self.moderators: ModeratorValues = moderator_values(self.entries, used)
        self.kinds: Mapping[str, str] = moderator_kinds(data.review_id)
        self.frames: dict[str, pd.DataFrame] = {}

    def frame(self, effects: str) -> pd.DataFrame:
        return read_frame(self.entries, effects)

    def inputs(self, specification: Specification, effects: str) -> Inputs:
        if effects not in self.frames:
            self.frames[effects] = self.frame(effects)
        chosen = selected(self.frames[effects], specification, self.data.classes, self.moderators)
        return inputs(chosen, specification, self.moderators, self.kinds)


def read_frame(entries: Sequence[UUID], specification: str) -> pd.DataFrame:
    """The effects of these entries that can be pooled, made by the effect specification of that digest."""
    rows = Effect.objects.filter(specification=specification, entry__in=entries, reason="")
    return effects_frame(
        [
            (trial, str(entry), position, str(treatment), str(control), str(outcome), *others)
            for trial, entry, position, treatment, control, outcome, *others in rows.values_list(*COLUMNS)
        ]
    )


def prepared(wish: Wish, reader: Reader) -> Task:
    specification = wish.specification
    if specification is None:
        return Task(wish, None, "", wish.reason)
    given, reason = _attempt(lambda: reader.inputs(specification, wish.effects), wish.synthesis_id)
    return Task(wish, given, given.digest() if given else "", reason)


def computed(task: Task, generation: int) -> tuple[PooledResult, list[ResultCoefficient]]:
    pooled, reason = None, task.reason
    given, specification = task.inputs, task.wish.specification
    if given is not None and specification is not None:
        pooled, reason = _attempt(lambda: pool(given, specification), task.synthesis_id)
    result = PooledResult(
        id=task.key,
        synthesis_id=task.synthesis_id,
        specification=task.wish.digest,
        inputs=task.digest,
        effects_made_by=task.wish.effects,
        engine=ENGINE,
        generation=generation,
        state=PooledResult.State.FAILED if pooled is None else PooledResult.State.OK,
        reason=reason[:LONGEST_REASON],
        trials=len(set(given.trial.tolist())) if given else 0,
        effects=given.yi.size if given else 0,
    )
    return (result, []) if pooled is None else (result, _filled(result, pooled))


def _filled(result: PooledResult, pooled: Pooled) -> list[ResultCoefficient]:
    """Write the numbers into `result`; returns the terms of a meta-regression."""
    result.note, result.tau2, result.i2, result.q = pooled.note, pooled.tau2, pooled.i2, pooled.q
    if pooled.prediction is not None:
        result.pi_low, result.pi_high = pooled.prediction
    if pooled.main is not None:
        main = pooled.main
        result.estimate, result.se, result.ci_low, result.ci_high = (
            main.estimate, main.se, main.ci_low, main.ci_high,
        )  # fmt: skip
        result.statistic, result.df, result.p = main.statistic, main.df, main.p
    elif pooled.factor is not None:
        test = pooled.factor
        result.statistic, result.df_num, result.df, result.p = test.statistic, test.df_num, test.df, test.p
    return [
        ResultCoefficient(
            result_id=result.pk,
            position=position,
            term=term.term[:200],
            estimate=term.estimate,
            se=term.se,
            ci_low=term.ci_low,
            ci_high=term.ci_high,
            statistic=term.statistic,
            df=term.df,
            p=term.p,
        )
        for position, term in enumerate(pooled.coefficients)
    ]


def _attempt(compute: Callable[[], T], synthesis_id: int) -> tuple[T | None, str]:
    """What it gives, or the reason why it gives nothing: a synthesis that fails fails nothing else."""
    try:
        return compute(), ""
    except StatsError as refusal:
        return None, str(refusal)
    except (MemoryError, SoftTimeLimitExceeded):
        raise  # the machine's fault, not the synthesis's: the whole run is tried again
    except Exception as error:
        logger.exception("Synthesis %s cannot be computed", synthesis_id)
        return None, f"Unexpected: {type(error).__name__} in {_place(error)}."


def _place(error: Exception) -> str:
    """Where an error happened, without any value of the data."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}, line {last.lineno}"
