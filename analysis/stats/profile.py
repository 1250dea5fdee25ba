"""The sums of weighted least squares that depend on tau², and the safe ways to find where they cross a value.

With w = 1/(v + tau²) and P = W - WX(X'WX)⁻¹X'W every estimator, test and interval of a univariate random-effects
model needs only y'Py, y'PPy, y'PPPy, tr P, tr PP, Σw and Σw². All follow from sums over the k effects, so nothing
here is k × k and one evaluation costs O(k p²).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from analysis.stats.errors import NotConverged
from analysis.stats.information import covariance_of, lower_root
from analysis.stats.inputs import Array, EffectData, Indices

SCAN_STEP = 0.25  # grid spacing of log(tau² + smallest variance): most cells are then decided at the first look
CACHED = 131_072  # weights held at once while scanning: a block stays in the processor's cache
STEP_TOLERANCE = 1e-8  # of a Newton step relative to its scale: the next one would be below rounding


@dataclass(slots=True)
class Sums:
    """The sums at one tau²; `b` and `M` are coefficients and (X'WX)⁻¹ in the basis of the `Profile`."""

    tau2: float
    w: Array
    b: Array | float
    M: Array | float
    yPy: float
    yPPy: float
    yPPPy: float
    trP: float
    trPP: float
    sum_w: float
    sum_w2: float
    logdet: float  # log|X'WX| of an orthonormal X


@dataclass(slots=True)
class ScanSums:
    """The part of the sums that a search over tau² needs, at many values of it: each of shape (T,)."""

    yPPy: Array
    yPPPy: Array
    trP: Array
    trPP: Array
    sum_w: Array
    sum_w2: Array


class Profile(Protocol):
    """Effects seen as functions of tau²."""

    y: Array
    v: Array
    p: int

    def at(self, tau2: float) -> Sums: ...

    def scan(self, tau2: Array) -> ScanSums: ...

    def coefficients(self, sums: Sums) -> tuple[Array, Array]: ...


def profile(data: EffectData) -> Profile:
    """The sums of `data` as functions of tau²."""
    return InterceptProfile(data.y, data.v) if data.intercept_only else ModeratorProfile(data)


class _Remembering:
    """Hands out the latest sums again: a fit asks for those at its tau² after the search has."""

    _latest: Sums | None = None

    def at(self, tau2: float) -> Sums:
        if self._latest is None or self._latest.tau2 != tau2:
            self._latest = self._sums(tau2)
        return self._latest

    def _sums(self, tau2: float) -> Sums:
        raise NotImplementedError


class InterceptProfile(_Remembering):
    """A common mean only: every sum is a scalar."""

    def __init__(self, y: Array, v: Array) -> None:
        self.centre = y.sum() / y.size  # sums of squares about zero would cancel where |mean| >> sqrt(v)
        self.y = y - self.centre
        self.v = v
        self.p = 1

    def _sums(self, tau2: float) -> Sums:
        y = self.y
        w = 1.0 / (self.v + tau2)
        # the largest weight is kept apart: where one effect outweighs all others, tr P and tr PP would cancel
        largest = int(w.argmax())
        m = float(w[largest])
        w[largest] = 0.0
        r1, r2, r3 = float(w.sum()), float(w @ w), float((w * w) @ w)
        w[largest] = m
        s1, s2 = m + r1, m * m + r2
        mean = float(w @ y) / s1
        r = y - mean
        wr = w * r
        w2r = w * wr
        spread = m * m * (r1 * r1 + 3.0 * r2) + 2.0 * m * (r1 * r2 - r3) + (r1 * r1 * r2 - 2.0 * r1 * r3 + r2 * r2)
        return Sums(
            tau2=tau2,
            w=w,
            b=mean,
            M=1.0 / s1,
            yPy=float(wr @ r),
            yPPy=float(wr @ wr),
            yPPPy=float(w2r @ wr) - float(w @ wr) ** 2 / s1,
            trP=(2.0 * m * r1 + r1 * r1 - r2) / s1,
            trPP=spread / (s1 * s1),
            sum_w=s1,
            sum_w2=s2,
            logdet=float(np.log(s1 / y.size)),
        )

    def scan(self, tau2: Array) -> ScanSums:
        (s1, sy, _), (s2, s2y, s2yy), (s3, s3y, s3yy) = power_sums(self.v, self._products, tau2)
        mean, share = sy / s1, s2 / s1
        return ScanSums(
            yPPy=s2yy + mean * (mean * s2 - 2.0 * s2y),
            yPPPy=s3yy + mean * (mean * s3 - 2.0 * s3y) - (s2y - mean * s2) ** 2 / s1,
            trP=s1 - share,
            trPP=s2 - 2.0 * s3 / s1 + share * share,
            sum_w=s1,
            sum_w2=s2,
        )

    @cached_property
    def _products(self) -> Array:
        return np.stack([np.ones(self.y.size), self.y, self.y * self.y])

    def coefficients(self, sums: Sums) -> tuple[Array, Array]:
        return np.array([self.centre + sums.b]), np.array([[sums.M]])


class ModeratorProfile(_Remembering):
    """A model matrix of p columns, worked on in an orthonormal basis of its column space."""

    def __init__(self, data: EffectData) -> None:
        self.Q, self.back = data.basis, data.back
        self.start = self.Q.T @ data.y
        self.y = data.y - self.Q @ self.start
        self.v = data.v
        self.p = data.p

    def _sums(self, tau2: float) -> Sums:
        Q, y, upper = self.Q, self.y, self._products_upper
        weights = np.empty((3, y.size))
        w = 1.0 / (self.v + tau2)
        weights[0] = w
        np.multiply(w, w, out=weights[1])
        np.multiply(weights[1], w, out=weights[2])
        sums = self._products @ weights.T
        m = upper[0].size
        A, A2, A3 = _symmetric(sums[:m].T, upper, self.p)
        s1, s2 = float(sums[-1, 0]), float(sums[-1, 1])
        M = covariance_of(A)
        b = M @ sums[m:-2, 0]
        r = y - Q @ b
        wr = w * r
        w2r = w * wr
        c = w2r @ Q
        MA2 = M @ A2
        # bounds that hold for every P, where one effect outweighs all others and the differences cancel
        free = y.size - self.p
        trP = max(s1 - float(np.trace(MA2)), free * float(w.min()))
        trPP = s2 - 2.0 * float(np.vdot(M, A3)) + float(np.vdot(MA2.T, MA2))
        return Sums(
            tau2=tau2,
            w=w,
            b=b,
            M=M,
            yPy=float(wr @ r),
            yPPy=float(wr @ wr),
            yPPPy=float(w2r @ wr) - float(c @ M @ c),
            trP=trP,
            trPP=max(trPP, trP * trP / free) if free else trPP,
            sum_w=s1,
            sum_w2=s2,
            logdet=float(np.linalg.slogdet(A)[1]),
        )

    def scan(self, tau2: Array) -> ScanSums:
        upper = self._products_upper
        m = upper[0].size
        sums = power_sums(self.v, self._products, tau2)
        A, A2, A3 = (_symmetric(power[:m].T, upper, self.p) for power in sums)
        xy, xy2, xy3 = (power[m:-2].T for power in sums)
        M = covariance_of(A)
        b = _times(M, xy)
        A2b = _times(A2, b)
        c = xy2 - A2b  # X'WWr
        hat = M @ A2
        return ScanSums(
            yPPy=sums[1, -2] - _inner(b, xy2 + c),
            yPPPy=sums[2, -2] - 2.0 * _inner(b, xy3) + _inner(b, _times(A3, b)) - _inner(c, _times(M, c)),
            trP=sums[0, -1] - np.einsum("taa->t", hat),
            trPP=sums[1, -1] - 2.0 * np.einsum("tab,tba->t", M, A3) + np.einsum("tab,tba->t", hat, hat),
            sum_w=sums[0, -1],
            sum_w2=sums[1, -1],
        )

    @cached_property
    def _products_upper(self) -> tuple[Indices, Indices]:
        return np.triu_indices(self.p)

    @cached_property
    def _products(self) -> Array:
        """Rows that weights turn into X'WX (upper triangle), X'Wy, y'Wy and Σw, shape (rows, k)."""
        rows, y = np.ascontiguousarray(self.Q.T), self.y
        left, right = self._products_upper
        out = np.empty((left.size + self.p + 2, y.size))
        np.multiply(rows[left], rows[right], out=out[: left.size])
        np.multiply(rows, y, out=out[left.size : -2])
        np.multiply(y, y, out=out[-2])
        out[-1] = 1.0
        return out

    def coefficients(self, sums: Sums) -> tuple[Array, Array]:
        root = self.back @ lower_root(np.asarray(sums.M))  # so that no variance is negative, not even by rounding
        return self.back @ (self.start + sums.b), root @ root.T


def power_sums(v: Array, products: Array, tau2: Array) -> Array:
    """Sums of w, w² and w³ times rows of products, w = 1/(v + tau²), at many values of tau².

    Parameters
    ----------
    v : shape (k,)
    products : shape (rows, k)
    tau2 : shape (T,)

    Returns
    -------
    shape (3, rows, T)
    """
    points, k = tau2.size, v.size
    out = np.zeros((products.shape[0], 3 * points))
    block = max(256, CACHED // (3 * points))
    # the same memory for every block: fresh pages would cost more than the arithmetic
    memory = np.empty(3 * points * min(block, k))
    for first in range(0, k, block):
        rows = slice(first, first + block)
        columns = min(block, k - first)
        weights = memory[: 3 * points * columns].reshape(3, points, columns)
        w, square, cube = weights
        np.add(v[rows], tau2[:, None], out=w)
        np.reciprocal(w, out=w)
        np.multiply(w, w, out=square)
        np.multiply(square, w, out=cube)
        out += products[:, rows] @ weights.reshape(3 * points, columns).T
    return out.reshape(-1, 3, points).transpose(1, 0, 2)


def _times(matrices: Array, vectors: Array) -> Array:
    """Each matrix (T, p, p) times its vector (T, p)."""
    out: Array = (matrices @ vectors[:, :, None])[:, :, 0]
    return out


def _inner(left: Array, right: Array) -> Array:
    """Inner product of each pair of vectors (T, p)."""
    out: Array = np.einsum("ta,ta->t", left, right)
    return out


def _symmetric(sums: Array, upper: tuple[Indices, Indices], p: int) -> Array:
    """Symmetric p × p matrices from their upper triangles, one per row."""
    out = np.empty((sums.shape[0], p, p))
    out[:, upper[0], upper[1]] = sums
    out[:, upper[1], upper[0]] = sums
    return out


def grid(v: Array, upper: float) -> Array:
    """tau² values from 0 to `upper`, close enough to see every change of sign of a score."""
    positive = v[v > 0]
    unit = float(positive.min()) if positive.size else upper
    points = 2 + int(np.ceil(np.log1p(upper / unit) / SCAN_STEP))
    out = np.expm1(np.linspace(0.0, np.log1p(upper / unit), points)) * unit
    if v.min() == 0.0:  # the score may not exist at 0; go close to it instead
        out[0] = unit * 1e-8
    return out


def falling_root(
    evaluate: Callable[[float], tuple[float, float]], low: float, high: float, start: float, scale: float
) -> float:
    """Where a function that is positive at `low` and not positive at `high` crosses zero.

    Newton steps kept inside a shrinking bracket, bisection where a step leaves it.

    Parameters
    ----------
    evaluate : x → (value, slope)
    scale : size below which differences in x do not matter, relative to STEP_TOLERANCE.

    Raises
    ------
    NotConverged
        If 200 steps are not enough (not known to happen).
    """
    x = start
    for _ in range(200):
        value, slope = evaluate(x)
        if value > 0:
            low = x
        else:
            high = x
        if slope < 0:
            new = x - value / slope
            if abs(new - x) <= STEP_TOLERANCE * (abs(x) + scale):
                return min(max(new, low), high)
        if slope >= 0 or not low < new < high:
            new = 0.5 * (low + high)
            if high - low <= 4e-16 * (high + scale):
                return new
        x = new
    raise NotConverged("The between-study variance did not converge in 200 steps.")
