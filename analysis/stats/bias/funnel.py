"""What a funnel plot shows besides the points: contours of significance; and the p-curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from analysis.stats.columns import complete, refuse
from analysis.stats.distributions import z_quantile, z_tail, z_two_sided
from analysis.stats.errors import InvalidVariance, TooFewEffects
from analysis.stats.inputs import Array, effect_data

CONTOURS = (0.10, 0.05, 0.01)
SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class ContourBands:
    """Bands of a contour-enhanced funnel plot, centred at `centre`.

    Attributes
    ----------
    se : shape (n,)
        Standard errors at which the bounds are given.
    levels : shape (l,)
        Two-sided p-values, descending.
    low, high : shape (l, n)
        Between them an effect has a larger p than the level.
    """

    se: Array
    levels: Array
    low: Array
    high: Array
    centre: float


def contour_bands(se: ArrayLike, *, levels: ArrayLike = CONTOURS, centre: float = 0.0) -> ContourBands:
    """Bounds centre ± z·SE of the regions p > level, such as p > 0.10, 0.05 to 0.10, 0.01 to 0.05.

    Parameters
    ----------
    se : shape (n,)
        Standard errors, 0 or more; a funnel plot needs 0 and the largest.
    levels : two-sided p-values.
    centre : 0, so that the bands say what each trial alone would have been called.

    Notes
    -----
    Peters et al. (2008), J Clin Epidemiol 61:991-996.
    """
    (errors,) = complete(se=se)
    refuse(errors < 0, "A standard error is negative", InvalidVariance)
    (wanted,) = complete(levels=levels)
    refuse((wanted <= 0) | (wanted >= 1), "A p value of a contour lies between 0 and 1")
    wanted = np.sort(wanted)[::-1]
    half = np.asarray(z_quantile(1 - wanted / 2))[:, None] * errors
    return ContourBands(errors, wanted, centre - half, centre + half, centre)


def contour_of(yi: ArrayLike, vi: ArrayLike, *, levels: ArrayLike = CONTOURS) -> NDArray[np.intp]:
    """How many of the levels each effect passes, shape (k,): 0 is not significant at the loosest.

    Rows with NaN are left out.
    """
    data = effect_data(yi, vi)
    (wanted,) = complete(levels=levels)
    p = np.asarray(z_two_sided(data.y / np.sqrt(data.v)))
    passed: NDArray[np.intp] = (p[:, None] <= wanted).sum(axis=1)
    return passed


@dataclass(frozen=True, slots=True)
class PCurve:
    """Do the significant results look like those of a true effect?

    Attributes
    ----------
    significant : results with two-sided p < .05; the rest is ignored.
    below_half : those with p < .025.
    binomial_p : of so many or more below .025 if there were no effect.
    stouffer_z, stouffer_p : of right skew, by the p-values of the p-values; negative z means right skew.
    """

    significant: int
    below_half: int
    binomial_p: float
    stouffer_z: float
    stouffer_p: float


def p_curve(yi: ArrayLike, vi: ArrayLike) -> PCurve:
    """Right skew of the significant p-values.

    Raises
    ------
    TooFewEffects
        If no effect is significant.

    Notes
    -----
    Simonsohn, Nelson & Simmons (2014), J Exp Psychol Gen 143:534-547; the Stouffer form of 2015. Not for
    heterogeneous effects of dependent outcomes: take one effect per trial.
    """
    data = effect_data(yi, vi)
    p = np.asarray(z_two_sided(data.y / np.sqrt(data.v)))
    significant = np.maximum(p[p < SIGNIFICANT], np.finfo(float).tiny)
    n = significant.size
    if n == 0:
        raise TooFewEffects("A p-curve needs a significant effect; there is none.")
    below = int((significant < SIGNIFICANT / 2).sum())
    z = float(np.asarray(z_quantile(significant / SIGNIFICANT)).sum() / np.sqrt(n))
    return PCurve(n, below, _at_least(below, n), z, z_tail(-z))


def _at_least(successes: int, n: int) -> float:
    """P(X >= successes) of a binomial with n trials at one half."""
    return float(special.bdtrc(successes - 1, n, 0.5)) if successes else 1.0
