"""How much each effect pulls on the model: residuals, leverage, and what changes when it is left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.stats.columns import Mask
from analysis.stats.distributions import chi2_tail
from analysis.stats.influence.leave_out import fits_without_each
from analysis.stats.influence.many_fits import ManyFits
from analysis.stats.inputs import Array, EffectData, Indices
from analysis.stats.pooling import Pooled, random_effects

ROUNDING = 100 * np.finfo(float).eps


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """Influence of each of k effects; NaN, with the reason, where the rest cannot be fitted without it.

    Attributes
    ----------
    rows : shape (k,)
        Row of each effect as given.
    residual, residual_se, rstandard : shape (k,)
        Residual, its standard error, and their ratio.
    deleted_residual, deleted_residual_se, rstudent : shape (k,)
        The same from the model that did not see the effect.
    dffits : shape (k,)
        Change of the effect's own prediction, in standard errors.
    cook_distance : shape (k,)
        Change of all coefficients together.
    cov_ratio : shape (k,)
        Determinant of the coefficients' covariance without the effect over that with it; below 1 it costs
        precision.
    dfbetas : shape (k, p)
        Change of each coefficient, in standard errors.
    tau2_deleted, Q_deleted : shape (k,)
        Heterogeneity without the effect.
    hat, weight : shape (k,)
        Leverage, and share of the weight in percent.
    influential : shape (k,)
        |DFFITS| > 3√(p/(k - p)), or Cook's distance beyond the median of chi-squared with p df, or leverage
        above 3p/k, or a |DFBETAS| > 1.
    reason : shape (k,)
    """

    rows: Indices
    residual: Array
    residual_se: Array
    rstandard: Array
    deleted_residual: Array
    deleted_residual_se: Array
    rstudent: Array
    dffits: Array
    cook_distance: Array
    cov_ratio: Array
    dfbetas: Array
    tau2_deleted: Array
    Q_deleted: Array
    hat: Array
    weight: Array
    influential: Mask
    reason: NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Baujat:
    """Coordinates of the plot of Baujat et al. (2002), shape (k,).

    Attributes
    ----------
    rows : row of each effect as given.
    x : squared residual over its variance, the effect's part in heterogeneity.
    y : squared change of its prediction when it is left out, over that prediction's variance.
    """

    rows: Indices
    x: Array
    y: Array


def influence(
    yi: ArrayLike, vi: ArrayLike, X: ArrayLike | None = None, *, method: str = "REML", test: str = "knha"
) -> Influence:
    """Case diagnostics of the random-effects model.

    Parameters
    ----------
    yi, vi, X, method, test : as in `pooling.random_effects`, sampling variances above zero.

    Raises
    ------
    TooFewEffects
        If there is one effect only, or nothing can be fitted without any.
    InvalidVariance
        If a sampling variance is zero.

    Notes
    -----
    Viechtbauer & Cheung (2010), Res Synth Methods 1:112-125; agrees with metafor's `influence`. With
    Knapp-Hartung the standard errors of the deleted fits carry their factor.
    """
    fit = random_effects(yi, vi, X, method=method, test=test)
    data, without, leverage = fit.data, _without_each(fit), Leverage.of(fit)
    k, p = data.k, data.p
    change = fit.estimate - without.estimate  # (k, p)
    shift = np.einsum("ka,ka->k", data.X, change)
    deleted = _without_rounding(leverage.residual + shift)
    of_prediction = np.einsum("ka,kab,kb->k", data.X, without.vcov, data.X)
    deleted_se = np.sqrt((data.v + without.tau2) * without.scale + of_prediction)
    deleted_total = without.scale * (data.v + without.tau2)
    with np.errstate(divide="ignore", invalid="ignore"):  # all effects equal, or one that alone decides
        rstandard = _null_where_not_finite(leverage.residual / leverage.residual_se)
        rstudent = _null_where_not_finite(deleted / deleted_se)
        dffits = _null_where_not_finite(shift / np.sqrt(leverage.hat * deleted_total))
        dfbetas = _null_where_not_finite(change / np.sqrt(_variances_with_all(data, without)))
        cook = _null_where_not_finite(np.einsum("ka,ab,kb->k", change, leverage.information / fit.scale, change))
        ratio = _null_where_not_finite(np.linalg.det(without.vcov) / np.linalg.det(fit.vcov))
        flagged: Mask = (
            (leverage.hat > 3.0 * p / k)
            | (np.abs(dffits) > 3.0 * np.sqrt(p / max(k - p, 1)))
            | (chi2_tail(np.nan_to_num(cook), p) < 0.5)
            | np.logical_or.reduce(np.abs(dfbetas) > 1.0, axis=1)
        )
    return Influence(
        rows=data.rows,
        residual=leverage.residual,
        residual_se=leverage.residual_se,
        rstandard=rstandard,
        deleted_residual=deleted,
        deleted_residual_se=deleted_se,
        rstudent=rstudent,
        dffits=dffits,
        cook_distance=cook,
        cov_ratio=ratio,
        dfbetas=dfbetas,
        tau2_deleted=without.tau2,
        Q_deleted=without.Q,
        hat=leverage.hat,
        weight=100.0 * fit.weights / fit.weights.sum(),
        influential=flagged,
        reason=without.reason,
    )


def baujat(
    yi: ArrayLike, vi: ArrayLike, X: ArrayLike | None = None, *, method: str = "REML", test: str = "z"
) -> Baujat:
    """Which effects make the heterogeneity, and which move the result.

    Parameters
    ----------
    yi, vi, X, method, test : as in `influence`; the plot is usually drawn with the normal test.

    Notes
    -----
    Baujat et al. (2002), Stat Med 21:2641-2652; agrees with metafor's `baujat`.
    """
    fit = random_effects(yi, vi, X, method=method, test=test)
    data, without = fit.data, _without_each(fit)
    residual = data.y - data.X @ fit.estimate
    shift = np.einsum("ka,ka->k", data.X, without.estimate - fit.estimate)
    of_prediction = np.einsum("ka,kab,kb->k", data.X, without.vcov, data.X)
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = _null_where_not_finite(shift**2 / of_prediction)
    return Baujat(data.rows, residual**2 / (data.v + fit.tau2), moved)


@dataclass(frozen=True, slots=True, eq=False)
class Leverage:
    """What the full model says of each effect: leverage, residual and its standard error, shape (k,)."""

    information: Array  # X'WX
    hat: Array
    residual: Array
    residual_se: Array

    @classmethod
    def of(cls, fit: Pooled) -> Leverage:
        data = fit.data
        weighted = data.X * fit.weights[:, None]
        information = data.X.T @ weighted
        hat = np.einsum("ka,ab,kb->k", weighted, np.linalg.inv(information), data.X)
        residual = _without_rounding(data.y - data.X @ fit.estimate)
        return cls(information, hat, residual, np.sqrt(np.maximum(1.0 - hat, 0.0) / fit.weights))


def _without_each(fit: Pooled) -> ManyFits:
    return fits_without_each(fit.data, None, method=fit.method, test=fit.test)


def _variances_with_all(data: EffectData, without: ManyFits) -> Array:
    """Variances of the coefficients at the tau² of each deleted fit, from all k effects, shape (k, p).

    The deleted fit lacks one effect; adding it back is a change of rank one.
    """
    scale = without.scale[:, None, None]
    M = without.vcov / scale
    Mx = np.einsum("kab,kb->ka", M, data.X)
    growth = data.v + without.tau2 + np.einsum("ka,ka->k", data.X, Mx)
    variances: Array = np.einsum("kaa->ka", without.vcov) - scale[:, :, 0] * Mx**2 / growth[:, None]
    return variances


def _without_rounding(residual: Array) -> Array:
    """Residuals that are nothing but rounding error are zero."""
    return np.where(np.abs(residual) < ROUNDING, 0.0, residual)


def _null_where_not_finite(values: Array) -> Array:
    return np.where(np.isfinite(values), values, np.nan)
