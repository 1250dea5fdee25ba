"""The random-effects model of many overlapping sets of effects at once, each as if fitted alone.

The few sets that a vectorised fit cannot settle (several local optima, an effect left out that held nearly
all the weight, too few effects left) are fitted one by one by `pooling.random_effects`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.stats.columns import Mask
from analysis.stats.errors import StatsError
from analysis.stats.influence.many_tau2 import Together, tau2_of_each
from analysis.stats.influence.quantities import Basis
from analysis.stats.influence.subsets import Subsets
from analysis.stats.inputs import Array, EffectData, Indices
from analysis.stats.pooling import random_effects

KNAPP_HARTUNG = ("knha", "adhoc")


@dataclass(frozen=True, slots=True, eq=False)
class ManyFits:
    """Fits of G sets of effects; NaN, with the reason, where a set cannot be fitted.

    Attributes
    ----------
    estimate : shape (G, p), and vcov : shape (G, p, p)
    tau2, scale : shape (G,)
        Between-study variance and Knapp-Hartung factor, which is in `vcov`.
    Q, I2, H2 : shape (G,)
    k : shape (G,)
        Effects in each set.
    reason : shape (G,)
        "" where the set was fitted.
    """

    estimate: Array
    vcov: Array
    tau2: Array
    scale: Array
    Q: Array
    I2: Array
    H2: Array
    k: Array
    reason: NDArray[Any]

    @property
    def se(self) -> Array:
        """Standard errors of the coefficients, shape (G, p)."""
        se: Array = np.sqrt(np.einsum("gii->gi", self.vcov))
        return se


def fit_many(
    data: EffectData,
    subsets: Subsets,
    members: Callable[[int], Indices],
    alone: Mask,
    *,
    method: str,
    test: str,
    basis: Basis,
) -> ManyFits:
    """Fit every set.

    Parameters
    ----------
    data : what the sets are sets of.
    subsets : their sums.
    members : rows of a set, for those that are fitted alone.
    alone : shape (G,)
        Sets known to need that.
    method, test : of `random_effects`.
    basis : the form of the data that the sums are of.
    """
    p, sets = data.p, subsets.size.size
    alone = alone | (subsets.size <= p)
    together = np.flatnonzero(~alone)
    fits = ManyFits(
        estimate=np.full((sets, p), np.nan),
        vcov=np.full((sets, p, p), np.nan),
        **{name: np.full(sets, np.nan) for name in ("tau2", "scale", "Q", "I2", "H2")},
        k=subsets.size,
        reason=np.full(sets, "", dtype=object),
    )
    unsettled = np.array([], dtype=np.intp)
    if together.size:
        with np.errstate(divide="ignore", invalid="ignore"):  # all effects of a set equal: Q is 0
            unsettled = _fit_together(fits, Together(data, subsets, together, basis), method, test)
    for g in [*np.flatnonzero(alone), *together[unsettled]]:
        _fit_alone(fits, int(g), data, members(int(g)), method, test)
    return fits


def _fit_together(fits: ManyFits, sets: Together, method: str, test: str) -> Indices:
    """Fill in the fits of these sets; those that have to be fitted alone are returned."""
    here, df, back = sets.chosen, sets.df, sets.basis.back
    tau2, fit, unsettled = tau2_of_each(sets, method)
    residual = np.maximum(fit.yPy, 0.0)
    scale = np.ones(df.size)
    if test in KNAPP_HARTUNG:
        scale = np.where(residual > np.finfo(float).eps, residual / df, 0.0)
        scale = np.maximum(scale, 1.0) if test == "adhoc" else scale
    fits.tau2[here] = tau2
    fits.scale[here] = scale
    fits.estimate[here] = sets.basis.origin + fit.b @ back.T
    fits.vcov[here] = scale[:, None, None] * (back @ fit.M @ back.T)
    total = np.maximum(sets.zero.yPy, 0.0)
    typical = df / sets.zero.trP
    fits.Q[here] = total
    if method == "EE":
        fits.I2[here] = np.where(total > 0, np.maximum(0.0, 100.0 * (total - df) / total), 0.0)
        fits.H2[here] = total / df
    else:
        fits.I2[here] = 100.0 * tau2 / (tau2 + typical)
        fits.H2[here] = tau2 / typical + 1.0
    return unsettled


def _fit_alone(fits: ManyFits, g: int, data: EffectData, rows: Indices, method: str, test: str) -> None:
    try:
        fit = random_effects(data.y[rows], data.v[rows], data.X[rows], method=method, test=test)
    except StatsError as error:
        fits.reason[g] = str(error)
        return
    if fit.redundant:
        fits.reason[g] = "Without it some moderators cannot be told apart."
        return
    fits.estimate[g], fits.vcov[g] = fit.estimate, fit.vcov
    fits.tau2[g], fits.scale[g] = fit.tau2, fit.scale
    fits.Q[g], fits.I2[g], fits.H2[g] = fit.Q, fit.I2, fit.H2
