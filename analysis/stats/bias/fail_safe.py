"""Fail-safe N: how many trials without an effect would undo a result."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.distributions import z_quantile, z_tail, z_two_sided
from analysis.stats.errors import InvalidInput, NotEstimable, TooFewEffects
from analysis.stats.inputs import Array, check_level, effect_data, vector

WHOLE = 2.0**-26  # as near to a whole number as rounding error leaves it


@dataclass(frozen=True, slots=True)
class FailSafe:
    """A fail-safe number.

    Attributes
    ----------
    method : "Rosenthal", "Orwin" or "Rosenberg".
    number : trials of no effect, rounded up; 0 where the result needs none to be undone.
    p_value : observed significance that has to be undone; None for Orwin.
    mean_effect : the mean that has to be brought down; None for Rosenthal.
    target : the mean to which Orwin's trials bring it, with the sign of the mean; None otherwise.
    """

    method: str
    number: int
    p_value: float | None
    mean_effect: float | None
    target: float | None


def rosenthal(yi: ArrayLike, vi: ArrayLike, *, alpha: float = 0.05) -> FailSafe:
    """Trials averaging z = 0 that bring the combined one-sided p of Stouffer's method to `alpha`.

    Notes
    -----
    k (z̄/z_α)² - k with z̄ = |Σz|/√k; Rosenthal (1979), Psychol Bull 86:638-641.
    """
    data = effect_data(yi, vi)
    combined = abs(float((data.y / np.sqrt(data.v)).sum())) / sqrt(data.k)
    needed = data.k * (combined / _critical(alpha)) ** 2 - data.k
    return FailSafe("Rosenthal", _whole(needed), z_tail(combined), None, None)


def orwin(
    yi: ArrayLike, vi: ArrayLike | None = None, *, target: float | None = None, weighted: bool = False
) -> FailSafe:
    """Trials of zero effect that bring the mean effect to `target`, by default half of it.

    Parameters
    ----------
    vi : shape (k,)
        Sampling variances; needed where `weighted`.
    target : the mean that would be too small to matter; takes the sign of the mean.
    weighted : use the common-effect mean in the place of the plain one.

    Raises
    ------
    NotEstimable
        For a target of zero, or a mean of zero: no number of trials brings the mean there.

    Notes
    -----
    k (mean - target)/target; Orwin (1983), J Educ Stat 8:157-159.
    """
    if weighted:
        if vi is None:
            raise InvalidInput("The weighted mean needs the sampling variances.")
        data = effect_data(yi, vi)
        mean, k = float((data.y / data.v).sum() / (1.0 / data.v).sum()), data.k
    else:
        effects = _given(yi)
        mean, k = float(effects.mean()), effects.size
    wanted = mean / 2 if target is None else target
    if wanted == 0 or mean == 0:
        raise NotEstimable("No number of trials brings a mean effect to zero, or from zero anywhere.")
    wanted = abs(wanted) if mean > 0 else -abs(wanted)
    return FailSafe("Orwin", _whole(k * (mean - wanted) / wanted), None, mean, wanted)


def rosenberg(yi: ArrayLike, vi: ArrayLike, *, alpha: float = 0.05) -> FailSafe:
    """Trials of zero effect and average weight that bring the common-effect p to `alpha`, two-sided.

    Notes
    -----
    Rosenberg (2005), Evolution 59:464-468.
    """
    data = effect_data(yi, vi)
    w = 1.0 / data.v
    total = float(w.sum())
    mean = float(w @ data.y) / total
    extra = (mean * total / _critical(alpha / 2)) ** 2 - total
    return FailSafe("Rosenberg", _whole(data.k * extra / total), z_two_sided(mean * sqrt(total)), mean, None)


def _given(yi: ArrayLike) -> Array:
    effects = vector(yi, "The effects")
    effects = effects[~np.isnan(effects)]
    if effects.size == 0:
        raise TooFewEffects("There is no effect to undo.")
    if np.isinf(effects).any():
        raise InvalidInput("An effect is infinite.")
    return effects


def _critical(alpha: float) -> float:
    return float(z_quantile(check_level(1 - alpha)))


def _whole(number: float) -> int:
    """Rounded up, but not for rounding error."""
    nearest = round(number)
    return max(0, nearest if abs(number - nearest) < WHOLE else ceil(number))
