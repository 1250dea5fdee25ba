"""Cluster-robust inference on a fitted model, as in the R package clubSandwich: CR0 to CR3.

Sources: Bell & McCaffrey 2002; Pustejovsky & Tipton 2018, 2022.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.stats import distributions
from analysis.stats.errors import InvalidInput
from analysis.stats.information import covariance_of
from analysis.stats.inputs import Array, Clusters, EffectData, check_level, check_option
from analysis.stats.multilevel import Multilevel, Multivariate
from analysis.stats.pooling import Pooled
from analysis.stats.robust.fit import TRUSTWORTHY_DF, RobustFit, require_clusters, require_variation
from analysis.stats.robust.kernel import CORRECTIONS, SandwichParts, WorkingModel, sandwich_parts
from analysis.stats.robust.satterthwaite import ScoreCovariance

Fit = Pooled | Multilevel | Multivariate | RobustFit


@dataclass(frozen=True, eq=False)
class Sandwich:
    """Coefficients of a fitted model with cluster-robust inference.

    Attributes
    ----------
    correction : "CR0" … "CR3".
    estimate, se, stat, df, p_value, ci_low, ci_high : shape (p,)
        Coefficients of the model, robust standard errors, t statistics, Satterthwaite df, p-values and bounds.
    p_normal, p_naive, p_naive_p : shape (p,)
        For comparison: p-values by the normal, by t with m - 1 and by t with m - p df (None where m <= p).
    vcov : shape (p, p), robust covariance matrix.
    studies : number of clusters m.
    reliable : shape (p,), whether df >= 4; below, do not trust p-values and intervals.
    """

    correction: str
    level: float
    estimate: Array
    se: Array
    stat: Array
    df: Array
    p_value: Array
    ci_low: Array
    ci_high: Array
    p_normal: Array
    p_naive: Array
    p_naive_p: Array | None
    vcov: Array
    studies: int
    reliable: NDArray[np.bool_]
    covariance: ScoreCovariance = field(repr=False)


def sandwich(fit: Fit, cluster: ArrayLike | None = None, *, correction: str = "CR2", level: float = 0.95) -> Sandwich:
    """Cluster-robust standard errors, tests and intervals for a fitted model.

    Parameters
    ----------
    fit : a fit of `pooling`, `multilevel` or `robu`
    cluster : shape (n,), optional
        Cluster of each effect given to the fit. Multilevel models and `robu` have their own, which is the default; the
        studies of a multilevel model must lie inside the clusters.
    correction : {"CR2", "CR0", "CR1", "CR1p", "CR1S", "CR3"}
        CR2 is unbiased under the working model, which is the fitted one.
    level : confidence level

    Raises
    ------
    TooFewClusters
        With one cluster.
    NotEstimable
        If a coefficient rests on one cluster, or nothing varies.
    InvalidInput, UnknownOption

    Notes
    -----
    Checked against clubSandwich 0.5.8: tests/analysis/stats/test_reference.py.
    """
    check_option(correction, CORRECTIONS, "The correction")
    check_level(level)
    clusters = _clusters(fit, cluster)
    m, p = clusters.m, fit.estimate.size
    require_clusters(m, p, small=True)
    parts = _parts(fit, clusters, correction)
    vcov = parts.vcov()
    se = require_variation(np.sqrt(np.diagonal(vcov)), parts.covariance.model)
    df = parts.covariance.degrees_of_freedom()
    stat = fit.estimate / se
    half = np.atleast_1d(distributions.t_quantile(0.5 * (1.0 + level), df)) * se
    return Sandwich(
        correction=correction,
        level=level,
        estimate=fit.estimate,
        se=se,
        stat=stat,
        df=df,
        p_value=np.atleast_1d(distributions.t_two_sided(stat, df)),
        ci_low=fit.estimate - half,
        ci_high=fit.estimate + half,
        p_normal=np.atleast_1d(distributions.z_two_sided(stat)),
        p_naive=np.atleast_1d(distributions.t_two_sided(stat, m - 1)),
        p_naive_p=np.atleast_1d(distributions.t_two_sided(stat, m - p)) if m > p else None,
        vcov=vcov,
        studies=m,
        reliable=df >= TRUSTWORTHY_DF,
        covariance=parts.covariance,
    )


def _clusters(fit: Fit, cluster: ArrayLike | None) -> Clusters:
    """The clusters of the rows the fit used."""
    if cluster is None:
        if isinstance(fit, Pooled):
            raise InvalidInput("A univariate model does not know the clusters of its effects; name them.")
        return fit.clusters
    given = np.size(cluster)
    if given != fit.data.k + len(fit.data.omitted):
        raise InvalidInput(f"{fit.data.k + len(fit.data.omitted)} effects were fitted but {given} clusters given.")
    clusters = Clusters.of(cluster, given, fit.data.rows)
    if isinstance(fit, Multilevel | Multivariate):
        _check_nested(fit.clusters, clusters)
    return clusters


def _check_nested(studies: Clusters, clusters: Clusters) -> None:
    """Refuse clusters that cut a study of the model in two."""
    label = clusters.unsort(clusters.index)[studies.order]
    if (label[studies.start][studies.index] != label).any():
        raise InvalidInput("A study of the model belongs to two clusters; clusters must contain whole studies.")


def _parts(fit: Fit, clusters: Clusters, correction: str) -> SandwichParts:
    data: EffectData = fit.data
    Q = clusters.sort(data.basis)
    e = clusters.sort(data.y - data.X @ fit.estimate)
    weights: Array | None = None
    theta: Array | list[Array]
    if isinstance(fit, Multilevel | Multivariate):
        theta = covariance_stacks(fit, clusters)
        WQ = np.empty_like(Q)
        for (_, _, rows), V in zip(clusters.by_size, theta, strict=True):
            WQ[rows] = np.linalg.solve(V, Q[rows])
    else:
        if isinstance(fit, Pooled):
            theta = clusters.sort(data.v + fit.tau2)
            own = not fit.inverse_variance
        else:
            # the working variance of robu is the inverse of its weights, or the mean variance of a study
            own = fit.model == "USER"
            theta = _mean_variances(fit) if own else clusters.sort(1.0 / fit.weights)
        weights = clusters.sort(fit.weights) if own else None
        WQ = Q * (1.0 / theta if weights is None else weights)[:, None]
    model = WorkingModel(Q, WQ, covariance_of(Q.T @ WQ), theta, weights)
    return sandwich_parts(model, e, clusters, correction).transformed(data.back)


def _mean_variances(fit: RobustFit) -> Array:
    clusters = fit.clusters
    return clusters.spread(clusters.sum(clusters.sort(fit.data.v)) / clusters.size)


def covariance_stacks(fit: Multilevel | Multivariate, clusters: Clusters) -> list[Array]:
    """Model covariance of the effects of each cluster, in stacks in the order of `clusters.by_size`."""
    study = clusters.sort(fit.clusters.unsort(fit.clusters.index))
    sampling = _sampling(fit, clusters, study)
    out = []
    for S, (_, _, rows) in zip(sampling, clusters.by_size, strict=True):
        same = study[rows][:, :, None] == study[rows][:, None, :]
        if isinstance(fit, Multilevel):
            V = S + fit.tau2 * same
            np.einsum("jii->ji", V)[...] += fit.omega2
        else:
            outcome = clusters.sort(fit.clusters.unsort(fit.outcome_index))[rows]
            V = S + fit.between[outcome[:, :, None], outcome[:, None, :]] * same
        out.append(V)
    return out


def _sampling(fit: Multilevel | Multivariate, clusters: Clusters, study: NDArray[np.intp]) -> list[Array]:
    """Sampling covariances of each cluster, in stacks."""
    if fit.sampling is None:
        v = clusters.sort(fit.data.v)
        rho = fit.rho
        out = []
        for _, _, rows in clusters.by_size:
            root = np.sqrt(v[rows])
            same = study[rows][:, :, None] == study[rows][:, None, :]
            S = rho * same * root[:, :, None] * root[:, None, :]
            np.einsum("jii->ji", S)[...] = v[rows]
            out.append(S)
        return out
    if not (np.array_equal(clusters.order, fit.clusters.order) and np.array_equal(clusters.size, fit.clusters.size)):
        raise InvalidInput("With a known sampling covariance the clusters must be the studies of the model.")
    return list(fit.sampling.stacks)
