"""The result of robust variance estimation, and the checks that all its forms share."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from analysis.stats import distributions
from analysis.stats.errors import NotEstimable, TooFewClusters
from analysis.stats.inputs import Array, Clusters, EffectData
from analysis.stats.robust.satterthwaite import ScoreCovariance

TRUSTWORTHY_DF = 4.0  # below it the t approximation itself is off (Tipton 2015)
NO_VARIATION = 1e-12  # share of the model-based standard error below which a robust one is rounding


@dataclass(frozen=True, eq=False)
class RobustFit:
    """Coefficients with cluster-robust inference.

    Attributes
    ----------
    model : "CORR", "HIER" or "USER" (own weights).
    estimate, se, stat, df, p_value, ci_low, ci_high : shape (p,)
        Coefficients, robust standard errors, t statistics, their degrees of freedom (Satterthwaite where `small`),
        two-sided p-values and confidence bounds.
    vcov : shape (p, p), robust covariance matrix of the coefficients.
    tau2 : between-study variance (None with own weights); omega2 : within-study variance (HIER).
    I2 : percent (CORR).
    rho : the assumed correlation of the effects of a study (CORR).
    studies, effects : numbers of clusters and of effects.
    reliable : shape (p,), whether df >= 4; below, p-values and intervals should not be trusted.
    weights : shape (k,), in the order given.
    covariance : what df of linear combinations follow from; None without `small`, and for a mean alone.
    """

    model: str
    small: bool
    level: float
    estimate: Array
    se: Array
    stat: Array
    df: Array
    p_value: Array
    ci_low: Array
    ci_high: Array
    vcov: Array
    tau2: float | None
    omega2: float | None
    I2: float | None
    rho: float | None
    studies: int
    effects: int
    reliable: NDArray[np.bool_]
    omitted: tuple[int, ...]
    data: EffectData = field(repr=False)
    clusters: Clusters = field(repr=False)
    weights: Array = field(repr=False)
    covariance: ScoreCovariance | None = field(repr=False)


@dataclass(frozen=True)
class VarianceComponents:
    """What the moment equations gave."""

    tau2: float | None
    omega2: float | None = None
    I2: float | None = None
    rho: float | None = None


@dataclass(frozen=True, eq=False)
class Estimated:
    """Coefficients and their robust covariance before any test.

    Attributes
    ----------
    df : shape (p,), Satterthwaite; None for the uncorrected sandwich.
    working : shape (p, p), covariance of the coefficients under the working model.
    """

    estimate: Array
    vcov: Array
    df: Array | None
    working: Array
    covariance: ScoreCovariance | None = None


def require_clusters(m: int, p: int, small: bool) -> None:
    """Refuse what no cluster-robust method can do."""
    if m < 2:
        raise TooFewClusters("Robust variances need at least two clusters; the effects come from one.")
    if not small and m <= p:
        raise TooFewClusters(f"{p} coefficients need more than {p} clusters; {m} given.")


def require_variation(se: Array, working: Array) -> Array:
    """The standard errors, unless one is nothing but rounding beside its value under the working model."""
    if not (se > NO_VARIATION * np.sqrt(np.maximum(np.diagonal(working), 0.0))).all():
        raise NotEstimable(
            "The effects are fitted without any remainder, so nothing varies between clusters to take a robust "
            "standard error from."
        )
    return se


def robust_fit(
    data: EffectData,
    clusters: Clusters,
    model: str,
    level: float,
    found: Estimated,
    components: VarianceComponents,
    weights: Array,
) -> RobustFit:
    """Tests and intervals from estimates; the uncorrected sandwich is scaled by m/(m - p), with m - p df."""
    m, p = clusters.m, data.p
    estimate, vcov, df = found.estimate, found.vcov, found.df
    small = df is not None
    if df is None:
        vcov = vcov * (m / (m - p))
        df = np.full(p, float(m - p))
    se = require_variation(np.sqrt(np.diagonal(vcov)), found.working)
    stat = estimate / se
    half = np.atleast_1d(distributions.t_quantile(0.5 * (1.0 + level), df)) * se
    return RobustFit(
        model=model,
        small=small,
        level=level,
        estimate=estimate,
        se=se,
        stat=stat,
        df=df,
        p_value=np.atleast_1d(distributions.t_two_sided(stat, df)),
        ci_low=estimate - half,
        ci_high=estimate + half,
        vcov=vcov,
        tau2=components.tau2,
        omega2=components.omega2,
        I2=components.I2,
        rho=components.rho,
        studies=m,
        effects=data.k,
        reliable=df >= TRUSTWORTHY_DF,
        omitted=data.omitted,
        data=data,
        clusters=clusters,
        weights=weights,
        covariance=found.covariance,
    )
