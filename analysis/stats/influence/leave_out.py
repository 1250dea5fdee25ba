"""Leaving out one effect, or one trial with all its effects, at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.stats import distributions
from analysis.stats.columns import Mask
from analysis.stats.errors import InvalidVariance, StatsError, TooFewClusters, TooFewEffects
from analysis.stats.heterogeneity import method_name
from analysis.stats.influence.many_fits import ManyFits, fit_many
from analysis.stats.influence.quantities import Basis
from analysis.stats.influence.subsets import WithoutEach
from analysis.stats.inputs import Array, Clusters, EffectData, Indices, check_level, check_option, effect_data
from analysis.stats.pooling import TESTS

DOMINANT = 0.9  # share of the weight above which what is left over is not a difference of two sums any more


@dataclass(frozen=True, slots=True, eq=False)
class LeaveOneOut:
    """The model without each effect, or without each trial; NaN with its reason where the rest cannot be fitted.

    Attributes
    ----------
    left_out : shape (G,)
        Row of each effect as given, or label of each trial (sorted).
    estimate, se, stat, p_value, ci_low, ci_high : shape (G,), or (G, p) with moderators
    df : shape (G,)
        Degrees of freedom of t; NaN with the normal test, which one effect that is left has always.
    Q, Q_p, tau2, I2, H2 : shape (G,)
    k : shape (G,)
        Effects left.
    reason : shape (G,)
        "" where the rest was fitted.
    """

    left_out: NDArray[Any]
    estimate: Array
    se: Array
    stat: Array
    p_value: Array
    ci_low: Array
    ci_high: Array
    df: Array
    Q: Array
    Q_p: Array
    tau2: Array
    I2: Array
    H2: Array
    k: Array
    reason: NDArray[Any]


def leave_one_out(
    yi: ArrayLike,
    vi: ArrayLike,
    X: ArrayLike | None = None,
    *,
    cluster: ArrayLike | None = None,
    method: str = "REML",
    test: str = "knha",
    level: float = 0.95,
) -> LeaveOneOut:
    """Fit the random-effects model without each effect, or each trial, in turn.

    Parameters
    ----------
    yi, vi, X, method, test, level : as in `pooling.random_effects`, sampling variances above zero.
    cluster : shape (n,), optional
        The trial of each effect: all effects of a trial are left out together.

    Raises
    ------
    TooFewEffects, TooFewClusters
        If nothing is left that can be fitted.

    Notes
    -----
    Equal to refitting each, in time that grows with k, not k². Agrees with metafor's `leave1out`.
    """
    check_level(level)
    data = effect_data(yi, vi, X)
    clusters = None if cluster is None else Clusters.of(cluster, np.size(yi), data.rows)
    fits = fits_without_each(data, clusters, method=method, test=test)
    return LeaveOneOut(
        left_out=data.rows if clusters is None else clusters.labels,
        **tests_of(fits, data.intercept_only, test, level),
    )


def fits_without_each(data: EffectData, clusters: Clusters | None, *, method: str, test: str) -> ManyFits:
    """The fits behind `leave_one_out` and `influence`."""
    method, test = method_name(method), check_option(test, TESTS, "The test")
    if clusters is not None and clusters.m < 2:
        raise TooFewClusters("Leaving out one trial needs two trials; there is one.")
    if data.k < 2:
        raise TooFewEffects("Leaving out one effect needs two effects; there is one.")
    if data.v.min() == 0.0:
        raise InvalidVariance("A sampling variance is zero: sums without its effect are a difference of infinities.")
    basis = Basis.of(data)
    subsets = WithoutEach(data.v, basis.products, clusters)
    fits = fit_many(
        data,
        subsets,
        lambda g: _others(data.k, clusters, g),
        _dominant(data, subsets, basis),
        method=method,
        test=test,
        basis=basis,
    )
    if (fits.reason != "").all():
        raise TooFewEffects(f"With any one left out the rest cannot be fitted: {fits.reason[0]}")
    return fits


def _others(k: int, clusters: Clusters | None, g: int) -> Indices:
    """All rows but those of set g."""
    first = g if clusters is None else int(clusters.start[g])
    size = 1 if clusters is None else int(clusters.size[g])
    left = np.arange(first, first + size) if clusters is None else clusters.order[first : first + size]
    return np.delete(np.arange(k), left)


def _dominant(data: EffectData, subsets: WithoutEach, basis: Basis) -> Mask:
    """Sets whose left-out effects held nearly all the information on a coefficient."""
    rest = subsets.sums(1.0 / data.v[None, :])[0]
    total = (basis.products @ (1.0 / data.v))[:, None]
    whole, left = basis.crossed(total)[0], basis.crossed(rest)
    leverage = np.einsum("ab,gba->g", np.linalg.inv(whole), whole - left)
    dominant: Mask = leverage > DOMINANT
    return dominant


def tests_of(fits: ManyFits, intercept_only: bool, test: str, level: float) -> dict[str, Any]:
    """Tests and intervals of many fits, by the names that results use; one column without moderators."""
    estimate, se = fits.estimate, fits.se
    p = estimate.shape[1]
    fitted = fits.reason == ""
    # one effect that is left has the normal test: infinite degrees of freedom
    freedom = np.where(fitted & (fits.k > p), fits.k - p, np.inf)[:, None]
    df = None if test == "z" else freedom
    with np.errstate(divide="ignore", invalid="ignore"):  # a standard error of 0: there is no test
        stat = np.where(se > 0, estimate / se, np.nan)
    half = _quantiles(0.5 * (1.0 + level), df) * se
    columns = {
        "estimate": estimate,
        "se": se,
        "stat": stat,
        "p_value": distributions.two_sided(stat, df),
        "ci_low": estimate - half,
        "ci_high": estimate + half,
    }
    if intercept_only:
        columns = {name: column[:, 0] for name, column in columns.items()}
    return columns | {
        "df": np.full(fits.k.size, np.nan)
        if df is None
        else np.where(np.isfinite(freedom[:, 0]), freedom[:, 0], np.nan),
        "Q": fits.Q,
        "Q_p": np.where(
            fitted, distributions.chi2_tail(np.where(fitted, fits.Q, 0.0), np.maximum(fits.k - p, 0)), np.nan
        ),
        "tau2": fits.tau2,
        "I2": fits.I2,
        "H2": fits.H2,
        "k": fits.k,
        "reason": fits.reason,
    }


def _quantiles(probability: float, df: Array | None) -> Array:
    """As `distributions.quantile`, which is slow, once for each different df."""
    if df is None:
        return np.asarray(distributions.z_quantile(probability))
    different, which = np.unique(df, return_inverse=True)
    quantiles: Array = np.asarray(distributions.t_quantile(probability, different))[which].reshape(df.shape)
    return quantiles


Fit = TypeVar("Fit")


@dataclass(frozen=True, slots=True, eq=False)
class Refit(Generic[Fit]):
    """A model fitted without one trial: the fit, or why there is none."""

    left_out: Any
    fit: Fit | None
    reason: str


def refit_without_each(fit: Callable[[Indices], Fit], cluster: ArrayLike) -> list[Refit[Fit]]:
    """Fit any model without each trial in turn, such as a robust or a multilevel one.

    Parameters
    ----------
    fit : rows to keep -> fit
        Called with the positions of the effects to use, ascending.
    cluster : shape (k,)
        The trial of each effect.

    Raises
    ------
    TooFewClusters
        If there is one trial only.
    """
    labels = np.asarray(cluster)
    clusters = Clusters.of(labels, labels.size)
    if clusters.m < 2:
        raise TooFewClusters("Leaving out one trial needs two trials; there is one.")
    found: list[Refit[Fit]] = []
    for trial, label in enumerate(clusters.labels):
        try:
            found.append(Refit(label, fit(_others(clusters.n, clusters, trial)), ""))
        except StatsError as error:
            found.append(Refit(label, None, str(error)))
    return found
