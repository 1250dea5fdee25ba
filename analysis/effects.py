"""Effects of one approved entry: each eligible intervention arm against each control arm of its stratum.

One row per contrast, outcome and time from the end of treatment on, whether or not an effect can be computed:
a row without one says why and is shown. The direction of benefit is applied once, to the effect, never to the
means.
Pure: from `extraction.record` to plain values, without a database.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analysis.derive import Group, NotUsable, Step, group
from analysis.specification import ENGINE, EffectSpecification, Measure
from analysis.stats import conversion
from analysis.stats.effect_size import EffectSizes, PrePost, ppc2, smd
from analysis.stats.errors import StatsError
from extraction.record import (
    WITHIN_ARM,
    Arm,
    ContrastStatistic,
    Entry,
    Observation,
    Outcome,
    Phase,
    Qualifier,
    QuantityKind,
    Role,
    Statistic,
    Timepoint,
)

FORMULAS = {
    Measure.CHANGE_G: "g = J(n_T + n_C − 2) × (change_T − change_C) / SD of change, pooled; "
    "v = 1/n_T + 1/n_C + g²/(2(n_T + n_C))",
    Measure.POST_G: "g = J(n_T + n_C − 2) × (mean_T − mean_C) / SD, pooled; v = 1/n_T + 1/n_C + g²/(2(n_T + n_C))",
    Measure.PPC_G: "g = J(n_T + n_C − 2) × ((post_T − pre_T) − (post_C − pre_C)) / SD before, pooled; "
    "v by equation 25 of Morris",
}
SOURCES = {
    Measure.CHANGE_G: "Hedges 1981, J Educ Stat 6:107-128; exact J, large-sample variance",
    Measure.POST_G: "Hedges 1981, J Educ Stat 6:107-128; exact J, large-sample variance",
    Measure.PPC_G: "Morris 2008, Organ Res Methods 11:364-386, d_ppc2; exact J",
}


@dataclass(frozen=True, slots=True)
class EffectRow:
    """One effect, or why there is none. Keys are those of the entry's rows.

    `yi_raw` is treatment minus control as measured, `yi` the same turned so that larger is better
    (`direction` +1 or -1; 0 where it is not set), `vi` the sampling variance in squared units of g.
    `reason` is "" exactly where `yi` and `vi` are there.
    """

    position: int
    treatment: Arm
    control: Arm | None
    outcome: Outcome
    timepoint: Timepoint
    n_t: float | None = None
    n_c: float | None = None
    yi_raw: float | None = None
    direction: int = 0
    yi: float | None = None
    vi: float | None = None
    reason: str = ""
    assumptions: tuple[str, ...] = ()
    inputs: tuple[Mapping[str, Any], ...] = ()

    def ledger(self, measure: str) -> dict[str, Any]:
        """How the effect came about: formula, inputs of both arms, what was supposed, engine."""
        return {
            "formula": FORMULAS[Measure(measure)],
            "source": SOURCES[Measure(measure)],
            "inputs": [dict(side) for side in self.inputs],
            "assumptions": list(self.assumptions),
            "engine": ENGINE,
        }


@dataclass(frozen=True, slots=True)
class Side:
    """One arm's numbers: `mean` after (or of the change), `pre` and `r` where the measure needs them."""

    n: float
    mean: float
    sd: float
    pre: float = 0.0
    r: float = 0.0
    observations: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    contrasts: tuple[str, ...] = ()  # keys of what the report says of the change, where r came from it


@dataclass(frozen=True, slots=True)
class Told:
    """What a report says of the change within one arm: r, the SD of the change, paired t and its p, with their keys."""

    rows: Mapping[Statistic, ContrastStatistic]

    def value(self, statistic: Statistic) -> float | None:
        """A plain printed number that tells something: not adjusted, no bound, not at the end of its range."""
        row = self.rows.get(statistic)
        if row is None or row.adjusted or row.value.qualifier is not Qualifier.EQUAL or row.value.value is None:
            return None
        value = row.value.value
        low, high = USABLE[statistic]
        return value if low < value < high and value != 0 else None

    def correlation(
        self, pre: Group, sd_post: float | None, mean_post: float, n: float, sd_of_change: float | None, imputed: float
    ) -> conversion.PrePostCorrelation:
        """The best r: as reported, from the SDs, from paired t or p, else the imputed one."""
        enough = n >= 2
        return conversion.prepost_correlation(
            reported=self.value(Statistic.CORRELATION),
            sd_pre=pre.sd,
            sd_post=sd_post,
            sd_of_change=sd_of_change if sd_of_change is not None else self.value(Statistic.SD_CHANGE),
            change=mean_post - pre.mean,
            t=self.value(Statistic.PAIRED_T) if enough else None,
            p=self.value(Statistic.P_CHANGE) if enough else None,
            n=n,
            impute=imputed,
        )

    def used(self, found: conversion.PrePostCorrelation, sd_of_change: float | None = None) -> tuple[str, ...]:
        """The keys of the statistics that stand in the sum of r; `sd_of_change` is one that the grid has."""
        names = {Statistic.CORRELATION: "r", Statistic.PAIRED_T: "t", Statistic.P_CHANGE: "p"}
        if sd_of_change is None:
            names[Statistic.SD_CHANGE] = "SD_change"
        given = set() if found.imputed else set(found.record.inputs)
        return tuple(self.rows[one].key for one, name in names.items() if name in given and self.value(one) is not None)


USABLE: Final[Mapping[Statistic, tuple[float, float]]] = {
    Statistic.CORRELATION: (-1.0, 1.0),
    Statistic.SD_CHANGE: (0.0, math.inf),
    Statistic.PAIRED_T: (-math.inf, math.inf),
    Statistic.P_CHANGE: (0.0, 1.0),
}


class Cells:
    """The observations of an entry by their four coordinates, and what is said of the change within an arm."""

    def __init__(self, entry: Entry) -> None:
        self.by_place = {(o.arm, o.timepoint, o.outcome, o.quantity): o for o in entry.observations}
        self.told_at: dict[tuple[str, str, str], dict[Statistic, ContrastStatistic]] = defaultdict(dict)
        for row in entry.contrasts:
            if row.statistic in WITHIN_ARM:
                self.told_at[row.arm, row.timepoint, row.outcome][row.statistic] = row
        self.baseline = next((t.key for t in entry.timepoints if t.phase == Phase.BASELINE), "")

    def score(self, arm: Arm, time: str, outcome: Outcome) -> Observation | None:
        return self.by_place.get((arm.key, time, outcome.key, QuantityKind.SCORE))

    def change(self, arm: Arm, time: str, outcome: Outcome) -> Observation | None:
        return self.by_place.get((arm.key, time, outcome.key, QuantityKind.CHANGE))

    def told(self, arm: Arm, time: str, outcome: Outcome) -> Told:
        return Told(self.told_at.get((arm.key, time, outcome.key), {}))

    def says_something(self, arm: Arm, time: Timepoint, outcome: Outcome) -> bool:
        return bool(self.score(arm, time.key, outcome) or self.change(arm, time.key, outcome))


def effects_of(
    entry: Entry, specification: EffectSpecification, overrides: Mapping[str, int] | None = None
) -> list[EffectRow]:
    """All effects of an entry, in the order of its arms, outcomes and times.

    `overrides` gives the direction of single outcomes (by key) for which it differs from the marker's.
    """
    (found,) = effects_of_each([entry], specification, overrides)
    return found


def effects_of_each(
    entries: Sequence[Entry], specification: EffectSpecification, overrides: Mapping[str, int] | None = None
) -> list[list[EffectRow]]:
    """`effects_of` of many entries; their sizes are worked out in one go, which takes no longer than those of one."""
    measure = Measure(specification.measure)
    sides: list[tuple[Side, Side]] = []
    begun = [_begun(entry, specification, measure, overrides, sides) for entry in entries]
    computable = [row for rows in begun for row in rows if not row.reason]
    done = iter(_finished(computable, _sizes(measure, sides))) if computable else iter(())
    return [[row if row.reason else next(done) for row in rows] for rows in begun]


def _begun(
    entry: Entry,
    specification: EffectSpecification,
    measure: Measure,
    overrides: Mapping[str, int] | None,
    sides: list[tuple[Side, Side]],
) -> list[EffectRow]:
    """The effects of an entry without their sizes; for each that can have one, its two arms go to `sides`."""
    cells = Cells(entry)
    rows: list[EffectRow] = []
    for row in _contrasts(entry, cells):
        marked = replace(row, position=len(rows), direction=_direction(row.outcome, specification, overrides))
        if not marked.reason and marked.control is not None:
            try:
                pair = (
                    _side(cells, marked.treatment, marked, measure, specification.imputed_r),
                    _side(cells, marked.control, marked, measure, specification.imputed_r),
                )
            except (NotUsable, StatsError) as why:
                marked = replace(marked, reason=str(why))
            else:
                sides.append(pair)
                marked = _with_inputs(marked, *pair, measure)
        rows.append(marked)
    return rows


def _contrasts(entry: Entry, cells: Cells) -> Iterator[EffectRow]:
    """Every comparison whose intervention arm says something; those that are kept out with their reason."""
    after = [t for t in entry.timepoints if t.phase in {Phase.POST, Phase.FOLLOW_UP}]
    controls = [arm for arm in entry.arms if arm.role == Role.CONTROL and arm.eligible]
    for arm in entry.arms:
        if arm.role != Role.INTERVENTION:
            continue
        compared: Sequence[Arm | None] = [c for c in controls if c.stratum == arm.stratum]
        reason = ""
        if not arm.eligible:
            compared, reason = [None], f"The arm {arm.label} is outside the review's question."
        elif not compared:
            compared, reason = [None], f"There is no control arm to compare {arm.label} with."
        for control in compared:
            for outcome in entry.outcomes:
                for time in after:
                    if cells.says_something(arm, time, outcome):
                        yield EffectRow(0, arm, control, outcome, time, reason=reason)


def _direction(outcome: Outcome, specification: EffectSpecification, overrides: Mapping[str, int] | None) -> int:
    own = (overrides or {}).get(outcome.key)
    return own if own is not None else specification.directions.get(outcome.marker, 0)


def _side(cells: Cells, arm: Arm, row: EffectRow, measure: Measure, imputed_r: float) -> Side:
    match measure:
        case Measure.POST_G:
            return _plain(_group(cells.score(arm, row.timepoint.key, row.outcome), arm, "score"))
        case Measure.CHANGE_G:
            return _change(cells, arm, row, imputed_r)
        case _:
            return _before_and_after(cells, arm, row, imputed_r)


def _plain(found: Group) -> Side:
    return Side(found.n, found.mean, found.sd, observations=(found.observation,), steps=found.steps)


def _group(observation: Observation | None, arm: Arm, what: str) -> Group:
    if observation is None:
        raise NotUsable(f"{arm.label} has no {what} for this outcome and time.")
    return group(observation, arm)


def _change(cells: Cells, arm: Arm, row: EffectRow, imputed_r: float) -> Side:
    """The change as reported; where that cannot be read, from the scores before and after and a correlation."""
    reported = cells.change(arm, row.timepoint.key, row.outcome)
    before = cells.score(arm, cells.baseline, row.outcome)
    after = cells.score(arm, row.timepoint.key, row.outcome)
    if reported is not None and (_usable(reported, arm) or before is None or after is None):
        return _plain(group(reported, arm))
    pre = _group(before, arm, "change and no score at baseline")
    post = _group(after, arm, "change and no score")
    n, of_n = _followed(pre, post, arm)
    told = cells.told(arm, row.timepoint.key, row.outcome)
    found = told.correlation(pre, post.sd, post.mean, n, None, imputed_r)
    spread = conversion.sd_change(pre.sd, post.sd, found.value)
    mean, sd = post.mean - pre.mean, float(spread.value[0])
    scores = {"SD_pre": pre.sd, "SD_post": post.sd, "r": found.value}
    used = told.used(found)
    steps = (
        *pre.steps,
        *post.steps,
        *of_n,
        _correlation(found, arm, used),
        Step(f"change of {arm.label}", mean, "post − pre", {"post": post.mean, "pre": pre.mean}),
        Step(f"SD of change of {arm.label}", sd, spread.record.formula, scores, "", spread.record.source),
    )
    return Side(n, mean, sd, observations=(pre.observation, post.observation), steps=steps, contrasts=used)


def _before_and_after(cells: Cells, arm: Arm, row: EffectRow, imputed_r: float) -> Side:
    """Means before and after, the SD before, and r: as reported, or from what is reported of the change."""
    time, outcome = row.timepoint.key, row.outcome
    pre = _group(cells.score(arm, cells.baseline, outcome), arm, "score at baseline")
    after, reported = cells.score(arm, time, outcome), cells.change(arm, time, outcome)
    changed = _usable(reported, arm)
    if after is None and changed is not None:
        mean, parts = pre.mean + changed.mean, {"pre": pre.mean, "change": changed.mean}
        step = Step(f"mean after of {arm.label}", mean, "pre + change", parts)
        post, sd_post = replace(changed, mean=mean, steps=(*changed.steps, step)), None
    else:
        post = _group(after, arm, "score")
        sd_post = post.sd
    n, of_n = _followed(pre, post, arm)
    told = cells.told(arm, time, outcome)
    sd_of_change = changed.sd if changed else None
    found = told.correlation(pre, sd_post, post.mean, n, sd_of_change, imputed_r)
    used = told.used(found, sd_of_change)
    keys = [pre.observation, post.observation]
    if changed is not None and not found.imputed and not used:
        keys.append(changed.observation)
    steps = (*pre.steps, *post.steps, *of_n, _correlation(found, arm, used))
    return Side(n, post.mean, pre.sd, pre.mean, found.value, tuple(dict.fromkeys(keys)), steps, used)


def _correlation(found: conversion.PrePostCorrelation, arm: Arm, used: tuple[str, ...]) -> Step:
    """The step of r, with what the report itself says in its sum."""
    record = found.record
    names = {"r", "SD_change", "t", "p", "change", "n"} if used else set()
    inputs = {name: float(column[0]) for name, column in record.inputs.items() if name in names}
    return Step(f"r of {arm.label}", found.value, record.formula, inputs, record.assumption, record.source)


def _usable(observation: Observation | None, arm: Arm) -> Group | None:
    """A change that helps where it can be read, and is no loss where it cannot."""
    if observation is None:
        return None
    try:
        return group(observation, arm)
    except NotUsable:
        return None


def _followed(pre: Group, post: Group, arm: Arm) -> tuple[float, tuple[Step, ...]]:
    """n of the people measured both times: the smaller, where the two differ."""
    if pre.n == post.n:
        return post.n, ()
    n = min(pre.n, post.n)
    assumption = f"the {n:g} people of {arm.label} at one time were among those at the other"
    return n, (Step(f"n of {arm.label}", n, "the smaller n", {"pre": pre.n, "post": post.n}, assumption),)


def _with_inputs(row: EffectRow, treatment: Side, control: Side, measure: Measure) -> EffectRow:
    said: list[Mapping[str, Any]] = []
    for side, arm in ((treatment, row.treatment), (control, row.control)):
        numbers: dict[str, Any] = {"n": side.n, "mean": side.mean, "sd": side.sd}
        if measure == Measure.PPC_G:
            numbers |= {"pre": side.pre, "r": side.r}
        said.append(
            {
                "arm": arm.label if arm else "",
                **numbers,
                "observations": list(side.observations),
                "steps": [step.as_json() for step in side.steps],
                **({"contrasts": list(side.contrasts)} if side.contrasts else {}),
            }
        )
    told = [step.assumption for side in (treatment, control) for step in side.steps if step.assumption]
    return replace(row, n_t=treatment.n, n_c=control.n, inputs=tuple(said), assumptions=tuple(dict.fromkeys(told)))


def _sizes(measure: Measure, sides: Sequence[tuple[Side, Side]]) -> EffectSizes:
    t, c = (_columns([pair[which] for pair in sides]) for which in (0, 1))
    if measure != Measure.PPC_G:
        return smd(t["mean"], t["sd"], t["n"], c["mean"], c["sd"], c["n"], variance="LS")
    treatment, control = (PrePost(x["pre"], x["mean"], x["sd"], x["n"], x["r"]) for x in (t, c))
    return ppc2(treatment, control, variance="exact", correction="exact")


def _columns(sides: Sequence[Side]) -> dict[str, NDArray[np.float64]]:
    return {
        name: np.array([getattr(side, name) for side in sides], dtype=float) for name in ("n", "mean", "sd", "pre", "r")
    }


def _finished(rows: Sequence[EffectRow], sizes: EffectSizes) -> Iterator[EffectRow]:
    """Effects turned so that larger is better; rows without an effect or a direction say why."""
    for row, yi, vi, null in zip(rows, sizes.yi, sizes.vi, sizes.reason, strict=True):
        raw, variance = (float(x) if np.isfinite(x) else None for x in (yi, vi))
        reason = f"No effect: {null}." if null else _kept_out(row)
        turned = None if reason or raw is None else (raw if row.direction == 1 else 0.0 - raw)
        yield replace(row, yi_raw=raw, yi=turned, vi=variance, reason=reason)


def _kept_out(row: EffectRow) -> str:
    if not row.outcome.marker:
        return f"The outcome “{row.outcome.name}” has no marker in the codebook yet."
    if row.direction == 0:
        return f"Whether higher or lower {row.outcome.marker} is better is not set."
    return ""
