"""What the estimators of tau² and the tests need of each set of effects, from its sums.

The notation is that of `profile`: P = W - WX(X'WX)⁻¹X'W. Everything is an array over sets, with any leading
shape, and is worked out when it is asked for: a scan needs two of them, a Newton step four.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from analysis.stats.inputs import Array, EffectData

MEAN_ONLY = 3  # rows of the products without moderators
NOT_SUMMED = np.empty((0, 0))


class Quantities(Protocol):
    """y'Py and the rest of every set, at one tau² each; b and M are in the basis of the products."""

    @property
    def yPy(self) -> Array: ...
    @property
    def yPPy(self) -> Array: ...
    @property
    def yPPPy(self) -> Array: ...
    @property
    def trP(self) -> Array: ...
    @property
    def trPP(self) -> Array: ...
    @property
    def sum_w(self) -> Array: ...
    @property
    def sum_w2(self) -> Array: ...
    @property
    def b(self) -> Array: ...
    @property
    def M(self) -> Array: ...


def quantities(p: int, first: Array, second: Array, third: Array = NOT_SUMMED) -> Quantities:
    """Quantities from the sums of w, w² and w³ times the products, each of shape (..., columns, sets).

    Without the sums of w³ there are no y'PPPy and tr PP.
    """
    if first.shape[-2] == MEAN_ONLY:
        return _OfMean(first, second, third)
    return _OfModerators(p, first, second, third)


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """The data in a form whose weighted sums lose few digits: moderators orthonormal, effects as residuals.

    The residuals are those of the common-effect model, for sums of squares cancel worst where weights differ most.

    Attributes
    ----------
    products : shape (columns, k)
        What is summed: 1, y, y² without moderators; 1, y², qy and qq' with them, y being residuals.
    origin, back : shape (p,), (p, p)
        Coefficients of the given moderators are ``origin + back @ b``.
    """

    products: Array
    origin: Array
    back: Array

    @classmethod
    def of(cls, data: EffectData) -> Basis:
        if data.intercept_only:
            centre = (data.y / data.v).sum() / (1.0 / data.v).sum()
            y = data.y - centre
            return cls(np.stack([np.ones(y.size), y, y * y]), np.array([centre]), np.eye(1))
        Q, back = data.basis, data.back
        start = np.linalg.solve((Q.T / data.v) @ Q, (Q.T / data.v) @ data.y)
        y = data.y - Q @ start
        crossed = (Q[:, :, None] * Q[:, None, :]).reshape(data.k, data.p**2)
        return cls(np.concatenate([np.stack([np.ones(data.k), y * y]), Q.T * y, crossed.T]), back @ start, back)

    def crossed(self, sums: Array) -> Array:
        """X'WX from sums of the products (..., columns, sets), shape (..., sets, p, p)."""
        if self.products.shape[0] == MEAN_ONLY:
            return sums[..., 0, :, None, None]
        return _matrices(self.origin.size, sums)

    def squares(self, sums: Array) -> Array:
        """y'Wy from sums of the products (..., columns, sets)."""
        return sums[..., 2 if self.products.shape[0] == MEAN_ONLY else 1, :]


class _OfMean:
    """A common mean only: every quantity is a few scalars per set."""

    def __init__(self, first: Array, second: Array, third: Array) -> None:
        self.s1, self.s1y, self.s1yy = (first[..., row, :] for row in range(MEAN_ONLY))
        self.s2, self.s2y, self.s2yy = (second[..., row, :] for row in range(MEAN_ONLY))
        self.third = third
        self.mean = self.s1y / self.s1

    @property
    def yPy(self) -> Array:
        return self.s1yy - self.mean * self.s1y

    @property
    def yPPy(self) -> Array:
        return self.s2yy + self.mean * (self.mean * self.s2 - 2.0 * self.s2y)

    @property
    def yPPPy(self) -> Array:
        s3, s3y, s3yy = (self.third[..., row, :] for row in range(MEAN_ONLY))
        whole = s3yy + self.mean * (self.mean * s3 - 2.0 * s3y)
        return whole - (self.s2y - self.mean * self.s2) ** 2 / self.s1

    @property
    def trP(self) -> Array:
        return self.s1 - self.s2 / self.s1

    @property
    def trPP(self) -> Array:
        share = self.s2 / self.s1
        return self.s2 - 2.0 * self.third[..., 0, :] / self.s1 + share * share

    @property
    def sum_w(self) -> Array:
        return self.s1

    @property
    def sum_w2(self) -> Array:
        return self.s2

    @property
    def b(self) -> Array:
        return self.mean[..., None]

    @property
    def M(self) -> Array:
        return 1.0 / self.s1[..., None, None]


class _OfModerators:
    """p coefficients: a p × p matrix per set."""

    def __init__(self, p: int, first: Array, second: Array, third: Array) -> None:
        self.p, self.first, self.second, self.third = p, first, second, third
        self.A2 = _matrices(p, second)
        self.M = np.linalg.inv(_matrices(p, first)).astype(np.float64, copy=False)
        self.b = (self.M @ self._xy(first)[..., None])[..., 0]

    def _xy(self, sums: Array) -> Array:
        return np.moveaxis(sums[..., 2 : 2 + self.p, :], -2, -1)

    def _residual(self, sums: Array, crossed: Array) -> Array:
        """r'W^a r for the residuals r = y - Xb."""
        b, xy = self.b, self._xy(sums)
        cross = np.einsum("...a,...a->...", b, (crossed @ b[..., None])[..., 0] - 2.0 * xy)
        return np.asarray(sums[..., 1, :] + cross)

    @property
    def yPy(self) -> Array:
        return np.asarray(self.first[..., 1, :] - np.einsum("...a,...a->...", self.b, self._xy(self.first)))

    @property
    def yPPy(self) -> Array:
        return self._residual(self.second, self.A2)

    @property
    def yPPPy(self) -> Array:
        score = self._xy(self.second) - (self.A2 @ self.b[..., None])[..., 0]  # X'WWr
        inner = np.einsum("...a,...ab,...b->...", score, self.M, score)
        return np.asarray(self._residual(self.third, _matrices(self.p, self.third)) - inner)

    @property
    def trP(self) -> Array:
        return np.asarray(self.sum_w - np.einsum("...ab,...ba->...", self.M, self.A2))

    @property
    def trPP(self) -> Array:
        hat = self.M @ self.A2
        cubes = np.einsum("...ab,...ba->...", self.M, _matrices(self.p, self.third))
        return np.asarray(self.sum_w2 - 2.0 * cubes + np.einsum("...ab,...ba->...", hat, hat))

    @property
    def sum_w(self) -> Array:
        return self.first[..., 0, :]

    @property
    def sum_w2(self) -> Array:
        return self.second[..., 0, :]


def _matrices(p: int, sums: Array) -> Array:
    """The p² rows of qq' as matrices, shape (..., sets, p, p)."""
    flat = np.moveaxis(sums[..., 2 + p :, :], -2, -1)
    return flat.reshape(*flat.shape[:-1], p, p)
