"""One synthesis from the effects frame: which rows it takes, and what pooling them gives.

The frame has one row per effect that can be pooled, in a fixed order, so that the same data give the same
digits. Pure: pandas in, plain values out. What cannot be pooled is a `StatsError` with a sentence for the
reviewer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.specification import Model, Specification, Window, inputs_digest
from analysis.stats import distributions
from analysis.stats.errors import NotEstimable, TooFewEffects
from analysis.stats.pooling import Pooled as RandomEffects
from analysis.stats.pooling import random_effects
from analysis.stats.robust import robu

FRAME = (
    "trial", "entry", "position", "treatment", "control", "outcome", "marker", "intervention",
    "weeks", "weeks_after_end", "yi", "vi",
)  # fmt: skip
FOLLOW_UP_WEEKS = 26.0

# Of each moderator (by code): its value for an entry or, where it differs by arm, for an arm; keyed by UUID
# as text.
ModeratorValues = Mapping[str, Mapping[str, float | str]]


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One term of a model; `df` is None for a normal test, `statistic` and `p` where there is no test."""

    term: str
    estimate: float
    se: float
    ci_low: float
    ci_high: float
    statistic: float | None
    df: float | None
    p: float | None


@dataclass(frozen=True, slots=True)
class FactorTest:
    """Whether the levels of a factor differ at all: F on `df_num` and `df` degrees of freedom."""

    statistic: float
    df_num: int
    df: float | None
    p: float


@dataclass(frozen=True, slots=True)
class Pooled:
    """What a synthesis gave. Effects in units of g, `tau2` in squared units, `i2` in percent.

    Without a moderator `main` is the pooled effect; with a number or a factor of two levels it is the
    slope; with more levels there is no single number: all stands in `coefficients`, and `factor` tests them
    together.
    """

    trials: int
    effects: int
    main: Coefficient | None
    tau2: float | None = None
    i2: float | None = None
    q: float | None = None
    prediction: tuple[float, float] | None = None
    coefficients: tuple[Coefficient, ...] = ()
    factor: FactorTest | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The effects of one synthesis, in order; `X` is the matrix of a meta-regression, `terms` its columns."""

    yi: NDArray[np.float64]
    vi: NDArray[np.float64]
    trial: NDArray[np.int64]
    X: NDArray[np.float64] | None = None
    terms: tuple[str, ...] = ("Intercept",)
    left_out: int = 0  # effects whose moderator is not known

    def digest(self) -> str:
        columns = [self.yi.tolist(), self.vi.tolist(), self.trial.tolist()]
        return inputs_digest([*columns, list(self.terms), [] if self.X is None else self.X.ravel().tolist()])


def effects_frame(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    """Rows in the order of `FRAME` as a frame sorted by trial, entry and position."""
    frame = pd.DataFrame(rows, columns=list(FRAME))
    types = {"trial": "int64", "position": "int64", "yi": "float64", "vi": "float64"}
    types |= {"weeks": "float64", "weeks_after_end": "float64"}
    return frame.astype(types).sort_values(["trial", "entry", "position"], kind="stable", ignore_index=True)


def selected(
    frame: pd.DataFrame,
    specification: Specification,
    classes: Mapping[str, str],
    moderators: ModeratorValues,
) -> pd.DataFrame:
    """The effects that pass the filters and the window of a synthesis, in the frame's order.

    `classes` gives the outcome class of each marker.
    """
    filters = specification.filters
    keep = pd.Series(True, index=frame.index)
    if filters.interventions:
        keep &= frame["intervention"].isin(filters.interventions)
    if filters.markers:
        keep &= frame["marker"].isin(filters.markers)
    if filters.outcome_classes:
        keep &= frame["marker"].map(dict(classes)).isin(filters.outcome_classes)
    for moderator, levels in filters.levels.items():
        keep &= values_of(frame, moderators.get(moderator, {})).isin(levels)
    return _in_window(frame[keep], specification.window)


def _in_window(frame: pd.DataFrame, window: str) -> pd.DataFrame:
    if window == Window.FOLLOW_UP:
        return frame[frame["weeks_after_end"] >= FOLLOW_UP_WEEKS]
    if window == Window.FIRST_POST:
        in_time = frame.sort_values(["weeks", "position"], kind="stable", na_position="last")
        first = in_time.drop_duplicates(["entry", "treatment", "control", "outcome"])
        return frame.loc[first.index.sort_values()]
    return frame


def values_of(frame: pd.DataFrame, values: Mapping[str, float | str]) -> pd.Series:
    """A moderator's value for each effect: that of its intervention arm, else that of its trial."""
    by_arm = frame["treatment"].map(dict(values))
    return by_arm.where(by_arm.notna(), frame["entry"].map(dict(values)))


def inputs(
    frame: pd.DataFrame, specification: Specification, moderators: ModeratorValues, kinds: Mapping[str, str]
) -> Inputs:
    """The selected effects as arrays, with the model matrix where the synthesis has a moderator.

    `kinds` says of each moderator whether it is a "number" or a "level"; the reference of a factor is the
    first of its levels in alphabetical order. Effects whose moderator is not known are left out and
    counted.
    """
    if not specification.moderator:
        return _arrays(frame)
    values = values_of(frame, moderators.get(specification.moderator, {}))
    known = values.notna()
    frame, values, left_out = frame[known], values[known], int((~known).sum())
    ones = np.ones(len(frame))
    terms: tuple[str, ...]
    if kinds.get(specification.moderator) == "number":
        columns, terms = [ones, values.to_numpy(dtype=float)], ("Intercept", specification.moderator)
    else:
        reference, *others = sorted(set(values.astype(str))) or [""]
        columns = [ones, *(values.eq(level).to_numpy(dtype=float) for level in others)]
        terms = (f"Intercept ({reference})", *others)
    return _arrays(frame, np.column_stack(columns), terms, left_out)


def _arrays(
    frame: pd.DataFrame,
    matrix: NDArray[np.float64] | None = None,
    terms: tuple[str, ...] = ("Intercept",),
    left_out: int = 0,
) -> Inputs:
    return Inputs(
        frame["yi"].to_numpy(dtype=float),
        frame["vi"].to_numpy(dtype=float),
        frame["trial"].to_numpy(dtype=np.int64),
        matrix,
        terms,
        left_out,
    )


def pool(given: Inputs, specification: Specification) -> Pooled:
    """Pool by the model of the synthesis.

    Raises
    ------
    StatsError
        If there is nothing to pool, or too little for the model; the text says so.
    """
    trials = int(np.unique(given.trial).size)
    if trials == 0:
        raise TooFewEffects("No effect of an approved trial fits this synthesis.")
    if given.X is not None:
        return _regression(given, specification, trials)
    if trials == 1:
        return _single_trial(given, specification)
    if specification.model == Model.RVE:
        return _robust_mean(given, specification, trials)
    return _independent_mean(given, specification, trials)


def average(vi: NDArray[np.float64], rho: float) -> float:
    """Sampling variance of the mean of one trial's effects, `rho` the correlation between any two."""
    roots = np.sqrt(vi)
    return float((1.0 - rho) * vi.sum() + rho * roots.sum() ** 2) / vi.size**2


def _single_trial(given: Inputs, specification: Specification) -> Pooled:
    """One trial has no variance between trials: its own average with a normal interval, and a note."""
    estimate, se = float(given.yi.mean()), float(np.sqrt(average(given.vi, specification.rho)))
    half = float(distributions.z_quantile(0.5 * (1.0 + specification.level))) * se
    z = estimate / se
    mean = Coefficient(
        "Intercept",
        estimate,
        se,
        estimate - half,
        estimate + half,
        z,
        None,
        float(distributions.z_two_sided(z)),
    )
    return Pooled(1, given.yi.size, mean, note="One trial: its own average, without variance between trials.")


def _robust_mean(given: Inputs, specification: Specification, trials: int) -> Pooled:
    fit = robu(given.yi, given.vi, given.trial, rho=specification.rho, level=specification.level)
    (mean,) = _coefficients(fit.estimate, fit.se, fit.ci_low, fit.ci_high, fit.stat, fit.df, fit.p_value)
    quantile = float(distributions.t_quantile(0.5 * (1.0 + specification.level), fit.df[0]))
    half = quantile * float(np.sqrt(mean.se**2 + (fit.tau2 or 0.0)))
    prediction = (mean.estimate - half, mean.estimate + half)
    return Pooled(trials, given.yi.size, mean, fit.tau2, fit.I2, prediction=prediction)


def _independent_mean(given: Inputs, specification: Specification, trials: int) -> Pooled:
    fit = random_effects(given.yi, given.vi, method="REML", test="knha", level=specification.level)
    (mean,) = _of_random_effects(fit)
    prediction = (fit.prediction.low, fit.prediction.high) if fit.prediction else None
    return Pooled(trials, given.yi.size, mean, fit.tau2, fit.I2, fit.Q, prediction)


def _regression(given: Inputs, specification: Specification, trials: int) -> Pooled:
    if len(given.terms) < 2:
        raise NotEstimable("All trials have the same value of the moderator: there is nothing to compare.")
    q: float | None = None
    factor: FactorTest | None = None
    if specification.model == Model.RVE:
        robust = robu(given.yi, given.vi, given.trial, given.X, rho=specification.rho, level=specification.level)
        coefficients = _coefficients(
            robust.estimate, robust.se, robust.ci_low, robust.ci_high, robust.stat, robust.df, robust.p_value,
            terms=given.terms,
        )  # fmt: skip
        tau2, i2 = robust.tau2, robust.I2
    else:
        fit = random_effects(given.yi, given.vi, given.X, method="REML", test="knha", level=specification.level)
        if fit.redundant:
            raise NotEstimable("All trials have the same value of the moderator: there is nothing to compare.")
        coefficients = _of_random_effects(fit, given.terms)
        tau2, i2, q = fit.tau2, fit.I2, fit.Q
        if fit.moderators is not None and len(coefficients) > 2:
            test = fit.moderators
            factor = FactorTest(test.statistic, test.df1, test.df2, test.p_value)
    left_out = given.left_out
    return Pooled(
        trials,
        given.yi.size,
        coefficients[1] if len(coefficients) == 2 else None,
        tau2,
        i2,
        q,
        coefficients=coefficients,
        factor=factor,
        note=f"{left_out} effects left out: their moderator is not known." if left_out else "",
    )


def _of_random_effects(fit: RandomEffects, terms: tuple[str, ...] = ("Intercept",)) -> tuple[Coefficient, ...]:
    nothing = np.full(fit.estimate.shape, np.nan)  # all effects equal: there is no test
    stat = nothing if fit.stat is None else fit.stat
    p = nothing if fit.p_value is None else fit.p_value
    df = np.full(fit.estimate.shape, np.nan if fit.df is None else float(fit.df))
    return _coefficients(fit.estimate, fit.se, fit.ci_low, fit.ci_high, stat, df, p, terms=terms)


def _coefficients(*columns: NDArray[np.float64], terms: tuple[str, ...] = ("Intercept",)) -> tuple[Coefficient, ...]:
    """Columns in the order of `Coefficient`; NaN in a test becomes None."""
    found = []
    for term, *numbers in zip(terms, *columns, strict=True):
        estimate, se, low, high = (float(number) for number in numbers[:4])
        statistic, df, p = (None if np.isnan(number) else float(number) for number in numbers[4:])
        found.append(Coefficient(term, estimate, se, low, high, statistic, df, p))
    return tuple(found)
