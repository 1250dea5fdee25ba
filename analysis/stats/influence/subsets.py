"""Sums over many overlapping sets of the same effects: all but one trial, or the first so many.

A model of each set needs sums of w, w² and w³ (w = 1/(v + tau²)) times products of the data, at a tau² of
its own. Over a short stretch of tau² such a sum is an analytic function, known to rounding error by its
values at a few Chebyshev nodes: k sets cost a few passes over the k effects instead of k × k.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from analysis.stats.inputs import Array, Clusters, Indices
from analysis.stats.profile import power_sums

NODES = 14  # cells are at most 0.25 wide in log(tau² + smallest variance), where 14 nodes leave nothing

SumsAt = Callable[[Array], tuple[Array, Array, Array]]

_angle = np.pi * (np.arange(NODES) + 0.5) / NODES
_node = np.cos(_angle)
_to_coefficients = 2.0 / NODES * np.cos(np.arange(NODES)[:, None] * _angle)  # @ values at the nodes
_to_coefficients[0] /= 2.0


class Subsets(Protocol):
    """Sets of effects; `size` is how many each has, shape (sets,)."""

    size: Array

    def sums(self, weights: Array) -> Array:
        """Sums of weights (T, k) times the products (c, k) over each set, shape (T, c, sets)."""
        ...

    def between(self, points: Array, cell: Indices) -> SumsAt:
        """Sums (c, sets) of w, w² and w³ at one tau² per set, that of set g in cell[g] of the grid."""
        ...


class WithoutEach:
    """All effects but those of one trial, for each trial in turn (or but one effect, without clusters)."""

    def __init__(self, v: Array, products: Array, clusters: Clusters | None = None) -> None:
        self.v = v if clusters is None else clusters.sort(v)
        self.products = products if clusters is None else np.ascontiguousarray(clusters.sort(products.T).T)
        self.clusters = clusters
        self.unit = float(v.min())
        self.size = v.size - (np.ones(v.size) if clusters is None else clusters.size.astype(float))

    def sums(self, weights: Array) -> Array:
        ordered = weights if self.clusters is None else self.clusters.sort(weights.T).T
        totals = ordered @ self.products.T
        rest = np.empty((*totals.shape, self.size.size))
        rest[...] = totals[:, :, None]
        for one, row in zip(rest, ordered, strict=True):
            self._leave_out(one, row)
        return rest

    def between(self, points: Array, cell: Indices) -> SumsAt:
        columns = self.products.shape[0]
        coefficients = {}
        for i in np.unique(cell):
            totals = power_sums(self.v, self.products, _nodes(points, i, self.unit))
            coefficients[i] = totals.reshape(3 * columns, NODES) @ _to_coefficients.T

        def at(tau2: Array) -> tuple[Array, Array, Array]:
            basis = _basis(points, cell, tau2, self.unit)
            if len(coefficients) == 1:
                totals = next(iter(coefficients.values())) @ basis
            else:
                totals = np.empty((3 * columns, cell.size))
                for i, found in coefficients.items():
                    here = cell == i
                    totals[:, here] = found @ basis[:, here]
            first, second, third = totals.reshape(3, columns, -1)
            w = 1.0 / (self.v + (tau2 if self.clusters is None else self.clusters.spread(tau2)))
            weights = w.copy()
            self._leave_out(first, weights)
            weights *= w
            self._leave_out(second, weights)
            weights *= w
            self._leave_out(third, weights)
            return first, second, third

        return at

    def _leave_out(self, totals: Array, weights: Array) -> None:
        """Take from the totals (c, sets) what is left out; row by row, in memory that is there already."""
        for row, product in enumerate(self.products):
            each = weights * product
            totals[row] -= each if self.clusters is None else self.clusters.sum(each)


class FirstOf:
    """The first effect, the first two, and so on to all of them."""

    def __init__(self, v: Array, products: Array) -> None:
        self.v = v
        self.products = products
        self.unit = float(v.min())
        self.size = np.arange(1.0, v.size + 1)

    def sums(self, weights: Array) -> Array:
        return np.cumsum(weights[:, None, :] * self.products, axis=2)

    def between(self, points: Array, cell: Indices) -> SumsAt:
        columns = self.products.shape[0]
        coefficients = np.empty((NODES, 3 * columns, cell.size))
        for i in np.unique(cell):
            here = np.flatnonzero(cell == i)
            last = int(here[-1]) + 1  # no set of this cell reaches further
            w = 1.0 / (self.v[:last] + _nodes(points, i, self.unit)[:, None])
            for power, weights in enumerate((w, w * w, w * w * w)):
                for column in range(columns):
                    running = np.cumsum(weights * self.products[column, :last], axis=1)[:, here]
                    coefficients[:, power * columns + column, here] = _to_coefficients @ running

        def at(tau2: Array) -> tuple[Array, Array, Array]:
            basis = _basis(points, cell, tau2, self.unit)
            first, second, third = np.einsum("jg,jcg->cg", basis, coefficients).reshape(3, columns, -1)
            return first, second, third

        return at


def _nodes(points: Array, i: int, unit: float) -> Array:
    """The tau² of the Chebyshev nodes of cell i, on the scale of log(tau² + unit)."""
    low, high = np.log1p(points[i : i + 2] / unit)
    nodes: Array = unit * np.expm1(0.5 * (low + high) + 0.5 * (high - low) * _node)
    return nodes


def _basis(points: Array, cell: Indices, tau2: Array, unit: float) -> Array:
    """Chebyshev polynomials at each set's tau² within its cell, shape (NODES, sets)."""
    edges = np.log1p(points / unit)
    low, high = edges[cell], edges[cell + 1]
    place = np.clip((2.0 * np.log1p(tau2 / unit) - low - high) / (high - low), -1.0, 1.0)
    basis = np.empty((NODES, cell.size))
    basis[0] = 1.0
    basis[1] = place
    place *= 2.0
    for j in range(2, NODES):
        np.multiply(place, basis[j - 1], out=basis[j])
        basis[j] -= basis[j - 2]
    return basis
