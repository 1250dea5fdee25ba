"""Pooling of two-by-two tables without an effect size per trial: Mantel-Haenszel and Peto.

Sources: Mantel & Haenszel 1959; Robins, Breslow & Greenland 1986; Greenland & Robins 1985; Sato, Greenland & Robins
1989; Yusuf, Peto, Lewis, Collins & Sleight 1985; metafor's rma.mh and rma.peto.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats import distributions
from analysis.stats.columns import columns, refuse
from analysis.stats.effect_size import EffectSizes, ZeroCells, lnor, lnrisk, risk_difference
from analysis.stats.errors import NotEstimable, TooFewEffects
from analysis.stats.inputs import Array, check_level, check_option

MEASURES = {"OR": lnor, "RR": lnrisk, "RD": risk_difference}
UNINFORMATIVE_DROPPED = ZeroCells(drop_double_zero=True)  # for the heterogeneity test alone


@dataclass(frozen=True)
class Stratified:
    """A pooled odds ratio, risk ratio (both as logarithms) or risk difference.

    Attributes
    ----------
    estimate, se, stat, p_value, ci_low, ci_high : pooled effect, its standard error, z, p and bounds.
    k : trials used.
    Q, Q_df, Q_p, I2 : heterogeneity of the trials' own effects about the estimate.
    association, association_p : Cochran-Mantel-Haenszel test with continuity correction (odds ratio alone).
    omitted : rows with a missing cell.
    """

    measure: str
    method: str
    level: float
    k: int
    estimate: float
    se: float
    stat: float
    p_value: float
    ci_low: float
    ci_high: float
    Q: float
    Q_df: int
    Q_p: float
    I2: float
    association: float | None
    association_p: float | None
    omitted: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class _Tables:
    """Complete two-by-two tables: events and non-events in the first (a, b) and the second group (c, d)."""

    a: Array
    b: Array
    c: Array
    d: Array
    omitted: tuple[int, ...]

    @property
    def n1(self) -> Array:
        return self.a + self.b

    @property
    def n2(self) -> Array:
        return self.c + self.d

    @property
    def n(self) -> Array:
        return self.a + self.b + self.c + self.d


def mantel_haenszel(
    a: ArrayLike, b: ArrayLike, c: ArrayLike, d: ArrayLike, *, measure: str = "OR", level: float = 0.95
) -> Stratified:
    """Common effect of two-by-two tables by Mantel and Haenszel.

    Parameters
    ----------
    a, b : shape (k,)
        Persons with and without the event in group 1 of each trial (treatment).
    c, d : shape (k,)
        The same in group 2 (control). Rows with a missing cell are left out; zero cells are used as they are.
    measure : {"OR", "RR", "RD"}
        Log odds ratio, log risk ratio or risk difference.

    Raises
    ------
    InvalidInput, UnknownOption, TooFewEffects
    NotEstimable
        If a ratio has no events to be a ratio of.
    """
    check_option(measure, tuple(MEASURES), "The measure")
    check_level(level)
    t = _tables(a, b, c, d)
    association: tuple[float, float] | None = None
    if measure == "OR":
        estimate, se = _odds_ratio(t)
        association = _association_test(t)
    elif measure == "RR":
        estimate, se = _risk_ratio(t)
    else:
        estimate, se = _risk_difference(t)
    own: EffectSizes = MEASURES[measure](t.a, t.b, t.c, t.d, zero_cells=UNINFORMATIVE_DROPPED)
    y, v = own.yi[own.valid], own.vi[own.valid]
    Q = float(((y - estimate) ** 2 / v).sum()) if y.size > 1 else 0.0
    return _result(measure, "MH", level, t, estimate, se, Q, y.size - 1, association)


def peto(a: ArrayLike, b: ArrayLike, c: ArrayLike, d: ArrayLike, *, level: float = 0.95) -> Stratified:
    """Common log odds ratio by Peto's one-step method, for rare events and balanced groups.

    Parameters and errors as in `mantel_haenszel`. Trials in which nobody or everybody had the event carry no weight.
    """
    check_level(level)
    t = _tables(a, b, c, d)
    events, others = t.a + t.c, t.b + t.d
    excess = t.a - events * t.n1 / t.n
    variance = events * others * (t.n1 / t.n) * (t.n2 / t.n) / np.maximum(t.n - 1.0, 1.0)
    total = float(variance.sum())
    if total == 0.0:
        raise NotEstimable("In no trial did some persons have the event and others not; Peto's method has no data.")
    informative = variance > 0.0
    k = int(informative.sum())
    Q = float((excess[informative] ** 2 / variance[informative]).sum()) - float(excess.sum()) ** 2 / total
    return _result("OR", "Peto", level, t, float(excess.sum()) / total, sqrt(1.0 / total), max(0.0, Q), k - 1, None)


def _tables(a: ArrayLike, b: ArrayLike, c: ArrayLike, d: ArrayLike) -> _Tables:
    cells = columns(a=a, b=b, c=c, d=d)
    refuse(np.min(np.nan_to_num(cells), axis=0) < 0, "A count of persons is negative")
    given = ~np.isnan(np.vstack(cells)).any(axis=0)
    if not given.any():
        raise TooFewEffects("There is no complete two-by-two table to pool.")
    a_, b_, c_, d_ = (cell[given] for cell in cells)
    found = _Tables(a_, b_, c_, d_, tuple(int(i) for i in np.flatnonzero(~given)))
    refuse((found.n1 == 0) | (found.n2 == 0), "A group has no persons")
    return found


def _odds_ratio(t: _Tables) -> tuple[float, float]:
    """Log odds ratio with the variance of Robins, Breslow & Greenland (1986)."""
    P, Q = (t.a + t.d) / t.n, (t.b + t.c) / t.n
    R, S = t.a * t.d / t.n, t.b * t.c / t.n
    r, s = float(R.sum()), float(S.sum())
    if r == 0.0 or s == 0.0:
        raise NotEstimable("The odds ratio is zero or infinite: one group has no events, or nothing but events.")
    variance = (P @ R) / (2.0 * r * r) + (P @ S + Q @ R) / (2.0 * r * s) + (Q @ S) / (2.0 * s * s)
    return log(r / s), sqrt(float(variance))


def _risk_ratio(t: _Tables) -> tuple[float, float]:
    """Log risk ratio with the variance of Greenland & Robins (1985)."""
    r, s = float((t.a * t.n2 / t.n).sum()), float((t.c * t.n1 / t.n).sum())
    if r == 0.0 or s == 0.0:
        raise NotEstimable("The risk ratio is zero or infinite: one of the groups has no events.")
    D = (t.n1 * t.n2 * (t.a + t.c) - t.a * t.c * t.n) / t.n**2
    variance = float(D.sum()) / (r * s)
    if variance <= 0.0:
        raise NotEstimable("Everybody had the event, so the risk ratio has no standard error.")
    return log(r / s), sqrt(variance)


def _risk_difference(t: _Tables) -> tuple[float, float]:
    """Risk difference with the variance of Sato, Greenland & Robins (1989)."""
    weight = float((t.n1 * t.n2 / t.n).sum())
    estimate = float(((t.a * t.n2 - t.c * t.n1) / t.n).sum()) / weight
    P = (t.c * t.n1**2 - t.a * t.n2**2 + t.n1 * t.n2 * (t.n2 - t.n1) / 2.0) / t.n**2
    Q = (t.a * (t.n2 - t.c) + t.c * (t.n1 - t.a)) / t.n / 2.0
    variance = (estimate * float(P.sum()) + float(Q.sum())) / weight**2
    if variance <= 0.0:
        raise NotEstimable("Nobody or everybody had the event, so the risk difference has no standard error.")
    return estimate, sqrt(variance)


def _association_test(t: _Tables) -> tuple[float, float]:
    """Cochran-Mantel-Haenszel chi-squared with 1 df, corrected for continuity; where there is an odds ratio."""
    events, others = t.a + t.c, t.b + t.d
    variance = float((t.n1 * t.n2 * events * others / (t.n**2 * np.maximum(t.n - 1.0, 1.0))).sum())
    statistic = (abs(float((t.a - t.n1 * events / t.n).sum())) - 0.5) ** 2 / variance
    return statistic, distributions.chi2_tail(statistic, 1)


def _result(
    measure: str,
    method: str,
    level: float,
    tables: _Tables,
    estimate: float,
    se: float,
    Q: float,
    df: int,
    association: tuple[float, float] | None,
) -> Stratified:
    stat = estimate / se
    half = distributions.z_quantile(0.5 * (1.0 + level)) * se
    df = max(df, 0)
    return Stratified(
        measure=measure,
        method=method,
        level=level,
        k=tables.n.size,
        estimate=estimate,
        se=se,
        stat=stat,
        p_value=distributions.z_two_sided(stat),
        ci_low=estimate - half,
        ci_high=estimate + half,
        Q=Q,
        Q_df=df,
        Q_p=distributions.chi2_tail(Q, df),
        I2=max(0.0, 100.0 * (Q - df) / Q) if Q > 0.0 else 0.0,
        association=None if association is None else association[0],
        association_p=None if association is None else association[1],
        omitted=tables.omitted,
    )
