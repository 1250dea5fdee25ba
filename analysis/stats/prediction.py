"""What a fitted model says at given values of the moderators: mean with confidence and prediction interval.

Sources: Higgins, Thompson & Spiegelhalter 2009; Riley, Higgins & Deeks 2011; metafor's predict.rma.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats import distributions
from analysis.stats.errors import InvalidInput
from analysis.stats.inputs import Array, check_level, check_option
from analysis.stats.multilevel import Multilevel
from analysis.stats.pooling import Pooled
from analysis.stats.robust import RobustFit, Sandwich

Kind = Literal["default", "hts"]
KINDS: tuple[str, ...] = ("default", "hts")


@dataclass(frozen=True, eq=False)
class Predicted:
    """Predictions at n points.

    Attributes
    ----------
    X : shape (n, p), rows of the model matrix.
    estimate, se, ci_low, ci_high : shape (n,)
        Mean effect there, its standard error and confidence bounds.
    df : shape (n,), degrees of freedom of the interval; None means normal.
    pi_low, pi_high : shape (n,)
        Bounds for the true effect of a new study (and outcome); None where the model has no variance between
        studies, or, for "hts", fewer than three studies.
    """

    X: Array
    estimate: Array
    se: Array
    df: Array | None
    ci_low: Array
    ci_high: Array
    pi_low: Array | None
    pi_high: Array | None
    level: float


def predict(
    fit: Pooled | Multilevel | RobustFit | Sandwich,
    X: ArrayLike | None = None,
    *,
    level: float | None = None,
    kind: str = "default",
) -> Predicted:
    """Mean effect and intervals at the rows of `X`.

    Parameters
    ----------
    fit : a fitted model
    X : shape (n, p), optional
        Rows of the model matrix, intercept included; not needed for a model without moderators.
    level : confidence level; that of the fit where not given.
    kind : {"default", "hts"}
        Quantile of the prediction interval: that of the fit's own tests (metafor's), or t with k - p - 1 df
        (Higgins, Thompson & Spiegelhalter 2009), which allows for tau² being an estimate.

    Raises
    ------
    InvalidInput, UnknownOption
    """
    check_option(kind, KINDS, "The kind of prediction interval")
    level = check_level(fit.level if level is None else level)
    p = fit.estimate.size
    if X is None:
        if p > 1:
            raise InvalidInput("A model with moderators predicts at values of these; give rows of the model matrix.")
        X = np.ones((1, 1))
    at = np.atleast_2d(np.asarray(X, dtype=float))
    if at.ndim != 2 or at.shape[1] != p or not np.isfinite(at).all():
        raise InvalidInput(f"Predictions need rows of {p} finite numbers; their shape is {at.shape}.")
    estimate = at @ fit.estimate
    se = np.sqrt(np.maximum(np.einsum("ni,ij,nj->n", at, fit.vcov, at), 0.0))
    df = _degrees_of_freedom(fit, at)
    half = _quantile(level, df) * se
    low = high = None
    variance, pi_df = _spread(fit, df, kind, at.shape[0])
    if variance is not None:
        reach = _quantile(level, pi_df) * np.sqrt(se**2 + variance)
        low, high = estimate - reach, estimate + reach
    return Predicted(at, estimate, se, df, estimate - half, estimate + half, low, high, level)


def _quantile(level: float, df: Array | None) -> Array | float:
    probability = 0.5 * (1.0 + level)
    if df is None:
        return float(distributions.z_quantile(probability))
    out: Array = np.atleast_1d(distributions.t_quantile(probability, df))
    return out


def _degrees_of_freedom(fit: Pooled | Multilevel | RobustFit | Sandwich, at: Array) -> Array | None:
    """Of each prediction: those of the fit, the least of the coefficients involved, or Satterthwaite's."""
    n = at.shape[0]
    if isinstance(fit, Pooled):
        return None if fit.df is None else np.full(n, float(fit.df))
    if isinstance(fit, RobustFit | Sandwich) and fit.covariance is not None:
        # a combination with all-zero weights has no variance; its df do not matter
        used = np.where((at != 0.0).any(axis=1, keepdims=True), at, 1.0)
        return fit.covariance.rotated(used).degrees_of_freedom()
    if fit.df is None:
        return None
    least: Array = np.where(at != 0.0, fit.df, np.inf).min(axis=1)
    return least


def _spread(
    fit: Pooled | Multilevel | RobustFit | Sandwich, df: Array | None, kind: str, n: int
) -> tuple[float | None, Array | None]:
    """Variance of true effects and the df of the prediction interval; no variance where there is no interval."""
    if isinstance(fit, Pooled):
        variance: float | None = fit.tau2
        residual = fit.k - fit.estimate.size
    elif isinstance(fit, Multilevel):
        variance = fit.tau2 + fit.omega2
        residual = fit.studies - fit.estimate.size
    elif isinstance(fit, RobustFit):
        variance = None if fit.tau2 is None else fit.tau2 + (fit.omega2 or 0.0)
        residual = fit.studies - fit.estimate.size
    else:
        return None, None
    if kind == "default":
        return variance, df
    return (variance, np.full(n, residual - 1.0)) if residual > 1 else (None, None)
