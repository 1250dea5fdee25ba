"""tau² of many overlapping sets of effects at once; the estimators of `heterogeneity`, vectorised over sets.

The score of every set is scanned on one grid of tau². A set whose score changes sign once is solved by
Newton steps inside that cell, all sets together; one whose likelihood has several maxima is named, to be
fitted alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np

from analysis.stats.columns import Mask
from analysis.stats.distributions import chi2_quantile
from analysis.stats.influence.quantities import Basis, Quantities, quantities
from analysis.stats.influence.subsets import Subsets
from analysis.stats.inputs import Array, EffectData, Indices
from analysis.stats.profile import STEP_TOLERANCE, grid

CELLS = 100_000  # numbers held at once while scanning: they stay in the processor's cache
STEPS = 100

Function = Callable[[Array, Quantities], Array]  # of tau² and the quantities there


@dataclass(frozen=True, slots=True)
class Curve:
    """A function of tau² that falls through zero at the estimate, and its slope."""

    value: Function
    slope: Function


class Together:
    """The chosen sets, whose sums are turned into quantities."""

    def __init__(self, data: EffectData, subsets: Subsets, chosen: Indices, basis: Basis) -> None:
        self.data, self.subsets, self.chosen, self.basis = data, subsets, chosen, basis
        self.everything = chosen.size == subsets.size.size
        self.size = subsets.size[chosen]
        self.df = self.size - data.p
        self.zero = quantities(data.p, *self._sums(1.0 / data.v[None, :]))

    def sums(self, weights: Array) -> Array:
        """Sums of weights (T, k) times the products over each set, shape (T, columns, sets)."""
        sums = self.subsets.sums(weights)
        return sums if self.everything else sums[:, :, self.chosen]

    def _sums(self, w: Array) -> tuple[Array, Array]:
        return self.sums(w)[0], self.sums(w * w)[0]

    def scan(self, tau2: Array, curve: Curve) -> Array:
        """The curve of each set at each of some tau², shape (T, sets)."""
        step = max(1, CELLS // (self.basis.products.shape[0] * self.data.k))
        parts = []
        for first in range(0, tau2.size, step):
            t = tau2[first : first + step]
            w = 1.0 / (self.data.v + t[:, None])
            found = quantities(self.data.p, self.sums(w), self.sums(w * w))
            parts.append(curve.value(t[:, None], found))
        return np.concatenate(parts)

    def between(self, points: Array, cell: Indices) -> Callable[[Array], Quantities]:
        """Quantities at one tau² per set, each within its cell of the grid `points`."""
        cells = np.zeros(self.subsets.size.size, dtype=np.intp)
        cells[self.chosen] = cell
        sums = self.subsets.between(points, cells)
        everywhere = points[cells]

        def at(tau2: Array) -> Quantities:
            everywhere[self.chosen] = tau2
            return quantities(self.data.p, *(part[:, self.chosen] for part in sums(everywhere)))

        return at

    def at(self, tau2: Array) -> Quantities:
        """Quantities at one tau² per set."""
        if not tau2.any():
            return self.zero
        points = grid(self.data.v, float(tau2.max()))
        cell = np.clip(np.searchsorted(points, tau2, side="right") - 1, 0, points.size - 2)
        return self.between(points, cell)(tau2)


def tau2_of_each(sets: Together, method: str) -> tuple[Array, Quantities, Indices]:
    """tau² of every set by `method`, what the sets are there, and the sets that have to be fitted alone."""
    zero, size, df = sets.zero, sets.size, sets.df
    match method:
        case "EE":
            raw = np.zeros(size.size)
        case "DL":
            raw = (zero.yPy - df) / zero.trP
        case "HS":
            raw = (zero.yPy - size) / zero.sum_w
        case "HSk":
            raw = (size / df * zero.yPy - size) / zero.sum_w
        case "HE":
            raw = _hedges(sets)
        case "SJ":
            raw = _sidik_jonkman(sets)
        case _:
            return _roots(sets, method)
    tau2 = np.maximum(raw, 0.0)
    return tau2, sets.at(tau2), np.array([], dtype=np.intp)


def _hedges(sets: Together) -> Array:
    """(y'Py - tr PV)/(k - p) of ordinary least squares."""
    plain, by_variance = sets.sums(np.stack([np.ones(sets.data.k), sets.data.v]))
    unweighted = quantities(sets.data.p, plain, plain)
    hat = np.einsum("gab,gba->g", unweighted.M, sets.basis.crossed(by_variance))
    raw: Array = (unweighted.yPy - (by_variance[0] - hat)) / sets.df
    return raw


def _sidik_jonkman(sets: Together) -> Array:
    """tau²₀ y'Py/(k - p) at tau²₀, the plain variance of the effects with divisor k; 0 where they are equal."""
    y = sets.data.y - sets.data.y.mean()
    total, squares = sets.sums(np.stack([y, y * y]))[:, 0]
    crude = np.maximum(squares / sets.size - (total / sets.size) ** 2, 0.0)
    raw: Array = crude * sets.at(crude).yPy / sets.df
    return raw


def _roots(sets: Together, method: str) -> tuple[Array, Quantities, Indices]:
    """Where the curve of the method crosses zero; several crossings, or none found, are left to be fitted alone."""
    curve, target = _curve(sets, method)
    v = sets.data.v
    squares = sets.sums(np.ones((1, sets.data.k)))[0]
    spread = float((sets.basis.squares(squares) / target).max())
    if spread <= 0.0:
        return np.zeros(sets.size.size), sets.zero, np.array([], dtype=np.intp)
    points = grid(v, _beyond(spread, float(v.min()), float(v.max())))
    height = sets.scan(points, curve)
    height[-1] = np.minimum(height[-1], 0.0)
    falls = (height[:-1] > 0) & (height[1:] <= 0)
    optima = falls.sum(axis=0) + (height[0] <= 0)
    cell = falls.argmax(axis=0)
    column = np.arange(cell.size)
    low, high = points[cell], points[cell + 1]
    above, below = height[cell, column], height[cell + 1, column]
    inside: Mask = np.logical_or.reduce(falls)
    start = np.where(inside, low + (high - low) * above / np.where(inside, above - below, 1.0), 0.0)
    at = sets.between(points, cell)
    tau2, settled = _newton(at, curve, low, high, start, ~inside, float(v.min()))
    return tau2, at(tau2), np.flatnonzero((optima != 1) | ~settled)


def _curve(sets: Together, method: str) -> tuple[Curve, Array]:
    """The falling function of tau² whose root is wanted, and what divides Σy² in the bound of that root."""
    df = sets.df
    if method == "REML":
        return Curve(lambda _, q: q.yPPy - q.trP, lambda _, q: q.trPP - 2.0 * q.yPPPy), df
    if method == "ML":
        return Curve(lambda _, q: q.yPPy - q.sum_w, lambda _, q: q.sum_w2 - 2.0 * q.yPPPy), sets.size
    if method == "DLIT":
        return Curve(lambda t, q: q.yPy - df - t * q.trP, lambda t, q: t * q.trPP - q.trP - q.yPPy), df
    target = np.asarray(chi2_quantile(0.5, df)) if method == "PMM" else df  # PM, EB and SJIT are one
    # in 1/Q the curve is straight for equal variances, so that Newton steps are long
    return (
        Curve(lambda _, q: 1.0 / target - 1.0 / q.yPy, lambda _, q: -q.yPPy / q.yPy**2),
        np.minimum(target, df),
    )


def _beyond(spread: float, least: float, most: float) -> float:
    """A tau² above every root, as y'PPy <= y'y/(least + t)² and tr P >= df/(most + t)."""
    half = 0.5 * spread - least
    return max(spread, half + sqrt(max(0.0, half * half - least * least + spread * most)))


def _newton(
    at: Callable[[Array], Quantities], curve: Curve, low: Array, high: Array, start: Array, done: Mask, unit: float
) -> tuple[Array, Mask]:
    """Newton steps of all sets at once, kept inside each set's shrinking bracket; which sets settled."""
    tau2 = start
    for _ in range(STEPS):
        found = at(tau2)
        value, slope = curve.value(tau2, found), curve.slope(tau2, found)
        above, falling = value > 0, slope < 0
        low, high = np.where(above, tau2, low), np.where(above, high, tau2)
        step = np.where(falling, tau2 - value / slope, low)
        near = falling & (np.abs(step - tau2) <= STEP_TOLERANCE * (tau2 + unit))
        step = np.where(near, np.clip(step, low, high), step)
        step = np.where(near | ((step > low) & (step < high)), step, 0.5 * (low + high))
        tau2 = np.where(done, tau2, step)
        done = done | near
        if done.all():
            break
    return tau2, done
