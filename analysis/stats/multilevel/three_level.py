"""Dependent effects: three-level models, with independent, correlated (CHE) or fully known sampling errors.

Sources: Konstantopoulos 2011; Cheung 2014; Pustejovsky & Tipton 2022 (CHE); Nakagawa & Santos 2012 (I² per level).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log, sqrt

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats import distributions
from analysis.stats.covariance import BlockCovariance
from analysis.stats.errors import InvalidInput, NotEstimable, TooFewClusters, TooFewEffects
from analysis.stats.heterogeneity import Interval
from analysis.stats.inputs import Array, Clusters, EffectData, check_level, check_option, effect_data
from analysis.stats.multilevel.likelihood import BlockLikelihood, Likelihood, NestedLikelihood, State
from analysis.stats.multilevel.optimum import maximise
from analysis.stats.pooling import OmnibusTest, moderator_test

METHODS = ("REML", "ML")
TESTS = ("z", "t")
NOTHING_BETWEEN = 1e-10  # share of the differences between studies that is left by the moderators, counted as none
DEGREES_OF_FREEDOM = ("residual", "contain")


@dataclass(frozen=True)
class Shares:
    """I², percent of the total variance: over all levels, between studies, within studies."""

    total: float
    between: float
    within: float


@dataclass(frozen=True, eq=False)
class Multilevel:
    """A fitted three-level model.

    Attributes
    ----------
    estimate, se, stat, p_value, ci_low, ci_high : shape (p,)
        Coefficients, model-based standard errors, z or t statistics, p-values and bounds. For inference that does not
        lean on the assumed dependence take `robust.sandwich(fit, cluster)`.
    df : shape (p,), degrees of freedom of t; None means normal.
    vcov : shape (p, p), model-based covariance.
    tau2, omega2 : variance between studies and within studies (squared units of the effects).
    Q, Q_df, Q_p : residual heterogeneity given the sampling covariance alone.
    I2 : percent, per level.
    prediction : interval of a new effect of a new study; intercept-only.
    moderators : omnibus test of all coefficients but the intercept.
    rho : assumed correlation of sampling errors in a study; None with a known covariance.
    studies, effects : numbers of them.
    """

    method: str
    test: str
    level: float
    estimate: Array
    se: Array
    stat: Array
    df: Array | None
    p_value: Array
    ci_low: Array
    ci_high: Array
    vcov: Array
    tau2: float
    omega2: float
    Q: float
    Q_df: int
    Q_p: float
    I2: Shares
    prediction: Interval | None
    moderators: OmnibusTest | None
    loglik: float
    aic: float
    bic: float
    aicc: float
    rho: float | None
    studies: int
    effects: int
    omitted: tuple[int, ...]
    redundant: tuple[int, ...]
    data: EffectData = field(repr=False)
    clusters: Clusters = field(repr=False)
    sampling: BlockCovariance | None = field(repr=False)


def three_level(
    yi: ArrayLike,
    vi: ArrayLike,
    cluster: ArrayLike,
    X: ArrayLike | None = None,
    *,
    rho: float = 0.0,
    sampling: BlockCovariance | None = None,
    method: str = "REML",
    test: str = "z",
    df: str = "residual",
    level: float = 0.95,
    start: tuple[float, float] | None = None,
) -> Multilevel:
    """Effects nested in studies: variance between studies (tau²) and within them (omega²).

    Parameters
    ----------
    yi, vi : shape (n,)
        Effects and sampling variances; rows with NaN are left out and reported.
    cluster : shape (n,)
        The study of each effect.
    X : shape (n, p), optional
        Model matrix with intercept.
    rho : float in [0, 1)
        Assumed correlation of the sampling errors of a study; 0 takes them as independent, more is the
        correlated-and-hierarchical-effects model (CHE).
    sampling : BlockCovariance, optional
        Known sampling covariance of all n effects, with the clusters of `cluster`, instead of `rho`.
    method : {"REML", "ML"}
    test : {"z", "t"}
    df : {"residual", "contain"}
        For t: k - p, or the number of units at the level on which a moderator varies, less p. "contain" is a t test
        whatever `test` says.
    start : (tau², omega²) to start the search from, such as those of a similar model.

    Raises
    ------
    TooFewEffects, TooFewClusters, InvalidInput, InvalidVariance, UnknownOption
    NotEstimable
        If every study has one effect, so that the two variances cannot be told apart.
    NotConverged

    Notes
    -----
    Checked against metafor 3.8 rma.mv, polished to the exact optimum: tests/analysis/stats/test_reference.py.
    """
    check_option(method, METHODS, "The method")
    check_option(test, TESTS, "The test")
    check_option(df, DEGREES_OF_FREEDOM, "The choice of degrees of freedom")
    check_level(level)
    if df == "contain":
        test = "t"
    if not 0.0 <= rho < 1.0:
        raise InvalidInput(f"The correlation of sampling errors lies between 0 and 1, below 1; {rho} was given.")
    data = effect_data(yi, vi, X)
    clusters = Clusters.of(cluster, np.size(yi), data.rows)
    _check_separable(data, clusters, restricted=method == "REML")
    likelihood = _likelihood(data, clusters, rho, sampling, restricted=method == "REML")
    first = starting_values(data, clusters, rho) if start is None else np.array(start, dtype=float)
    state = maximise(likelihood, first)
    if state.theta.min() <= 0.0:  # a maximum at the edge may not be the highest
        other = maximise(likelihood, np.full(2, max(float(state.theta.sum()), float(first.sum())) / 2.0))
        state = max(state, other, key=lambda s: s.loglik)
    return _fitted(data, clusters, likelihood, state, rho, sampling, method, test, df, level)


def che(
    yi: ArrayLike,
    vi: ArrayLike,
    cluster: ArrayLike,
    X: ArrayLike | None = None,
    *,
    rho: float = 0.8,
    method: str = "REML",
    test: str = "z",
    df: str = "residual",
    level: float = 0.95,
) -> Multilevel:
    """The correlated-and-hierarchical-effects model of Pustejovsky & Tipton (2022): `three_level` with a `rho`."""
    return three_level(yi, vi, cluster, X, rho=rho, method=method, test=test, df=df, level=level)


def likelihood_of(fit: Multilevel) -> Likelihood:
    """The likelihood that `fit` maximises."""
    rho = fit.rho if fit.rho is not None else 0.0
    return _likelihood(fit.data, fit.clusters, rho, fit.sampling, restricted=fit.method == "REML")


def _check_separable(data: EffectData, clusters: Clusters, *, restricted: bool) -> None:
    if clusters.m < 2:
        raise TooFewClusters("A three-level model needs at least two studies; the effects come from one.")
    if clusters.m == clusters.n:
        raise NotEstimable(
            "Every study has one effect, so variance between and within studies cannot be told apart; "
            "use the random-effects model."
        )
    if data.k < data.p + 2:
        raise TooFewEffects(f"{data.p} coefficients and two variances need {data.p + 2} effects; {data.k} given.")
    fitted = clusters.sum(clusters.sort(data.basis).T)  # what the moderators take of the study means
    if restricted and data.k - float(np.vdot(fitted, fitted)) <= NOTHING_BETWEEN * data.k:
        raise NotEstimable("The moderators determine the mean of every study: no variance between studies is left.")


def _likelihood(
    data: EffectData, clusters: Clusters, rho: float, sampling: BlockCovariance | None, *, restricted: bool
) -> Likelihood:
    if sampling is None:
        return NestedLikelihood(data, clusters, rho, restricted)
    stacks = matching_stacks(sampling, clusters)
    basis = [np.stack([np.ones_like(S), np.broadcast_to(np.eye(S.shape[1]), S.shape)]) for S in stacks]
    return BlockLikelihood(data, clusters, stacks, basis, restricted)


def matching_stacks(sampling: BlockCovariance, clusters: Clusters) -> tuple[Array, ...]:
    """The stacks of a sampling covariance, if its rows are grouped as the effects used are."""
    own = sampling.clusters
    if own.n != clusters.n or not (
        np.array_equal(own.order, clusters.order) and np.array_equal(own.size, clusters.size)
    ):
        raise InvalidInput(
            "The sampling covariance must cover exactly the effects used, grouped by the same studies "
            f"({own.n} effects of {own.m} studies against {clusters.n} of {clusters.m})."
        )
    return sampling.stacks


def starting_values(data: EffectData, clusters: Clusters, rho: float) -> Array:
    """Crude (tau², omega²): variation within studies and in all, less what sampling gives; never both zero."""
    y, v = clusters.sort(data.y), clusters.sort(data.v)
    # moderators are left in: what they explain only makes the start a little large
    inside = y - clusters.spread(clusters.sum(y) / clusters.size)
    sampling = float(v.sum()) / data.k
    omega2 = max(0.0, float(inside @ inside) / (clusters.n - clusters.m) - (1.0 - rho) * sampling)
    tau2 = max(0.0, float(y.var()) - sampling - omega2)
    least = 0.05 * sampling
    return np.array([max(tau2, least), max(omega2, least)])


def _fitted(
    data: EffectData,
    clusters: Clusters,
    likelihood: Likelihood,
    state: State,
    rho: float,
    sampling: BlockCovariance | None,
    method: str,
    test: str,
    df: str,
    level: float,
) -> Multilevel:
    k, p = data.k, data.p
    estimate, vcov = likelihood.coefficients(state)
    se = np.sqrt(np.diagonal(vcov))
    stat = estimate / se
    dof = None if test == "z" else _degrees_of_freedom(data, clusters, df)
    quantile = (
        distributions.z_quantile(0.5 * (1.0 + level))
        if dof is None
        else np.atleast_1d(distributions.t_quantile(0.5 * (1.0 + level), dof))
    )
    p_value = distributions.z_two_sided(stat) if dof is None else distributions.t_two_sided(stat, dof)
    half = quantile * se
    tau2, omega2 = (float(x) for x in state.theta)
    q, typical = residual_heterogeneity(likelihood)
    total = tau2 + omega2 + typical
    n = k - p if method == "REML" else k
    parameters = p + 2
    effective = max(n, parameters + 2)
    only_mean = data.intercept_only
    reach = float(np.ravel(quantile)[0]) * sqrt(float(se[0]) ** 2 + tau2 + omega2)
    return Multilevel(
        method=method,
        test=test,
        level=level,
        estimate=estimate,
        se=se,
        stat=stat,
        df=dof,
        p_value=np.atleast_1d(p_value),
        ci_low=estimate - half,
        ci_high=estimate + half,
        vcov=vcov,
        tau2=tau2,
        omega2=omega2,
        Q=q,
        Q_df=k - p,
        Q_p=distributions.chi2_tail(q, k - p),
        I2=Shares(100.0 * (tau2 + omega2) / total, 100.0 * tau2 / total, 100.0 * omega2 / total),
        prediction=Interval(float(estimate[0]) - reach, float(estimate[0]) + reach) if only_mean else None,
        moderators=None if only_mean else _omnibus(estimate, vcov, data.intercept, dof),
        loglik=state.loglik,
        aic=-2.0 * state.loglik + 2.0 * parameters,
        bic=-2.0 * state.loglik + parameters * log(n),
        aicc=-2.0 * state.loglik + 2.0 * parameters * effective / (effective - parameters - 1),
        rho=rho if sampling is None else None,
        studies=clusters.m,
        effects=k,
        omitted=data.omitted,
        redundant=data.redundant,
        data=data,
        clusters=clusters,
        sampling=sampling,
    )


def residual_heterogeneity(likelihood: Likelihood) -> tuple[float, float]:
    """Q given the sampling covariance alone, and the typical sampling variance (k - p) / tr P₀."""
    none = likelihood.at(np.zeros(likelihood.r))
    return max(0.0, none.yPy), (likelihood.k - likelihood.p) / none.trace_p


def _omnibus(estimate: Array, vcov: Array, intercept: int | None, dof: Array | None) -> OmnibusTest:
    if dof is None:
        return moderator_test(estimate, vcov, intercept, None)
    tested = [float(x) for j, x in enumerate(dof) if j != intercept]
    return moderator_test(estimate, vcov, intercept, min(tested))


def _degrees_of_freedom(data: EffectData, clusters: Clusters, df: str) -> Array:
    """Of each coefficient, at least 1: residual, or by containment in the highest level on which it varies."""
    k, p = data.k, data.p
    if df == "residual":
        return np.full(p, float(max(1, k - p)))
    X = clusters.sort(data.X)
    first = X[clusters.start][clusters.index]
    between = (first == X).all(axis=0)
    df_each: Array = np.maximum(1.0, np.where(between, clusters.m, k) - float(p))
    return df_each
