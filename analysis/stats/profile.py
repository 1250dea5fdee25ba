"""The sums of weighted least squares that depend on tau², and the safe ways to find where they cross a value.

With w = 1/(v + tau²) and P = W - WX(X'WX)⁻¹X'W every estimator, test and interval of a univariate random-effects
model needs only y'Py, y'PPy, y'PPPy, tr P, tr PP, Σw and Σw². All follow from sums over the k effects, so nothing
here is k × k and one evaluation costs O(k p²).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, cast

import numpy as np

from analysis.stats.errors import NotConverged
from analysis.stats.inputs import Array, EffectData, Indices

SCAN_STEP = 0.3  # grid spacing of log(tau² + smallest variance); the score's features are about 1 wide
STEP_TOLERANCE = 1e-9  # of a Newton step relative to its scale: the next one would be below rounding


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
    """The part of the sums that a grid of tau² values needs, each of shape (grid,)."""

    yPPy: Array
    trP: Array
    sum_w: Array


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
    return InterceptProfile(data.y, data.v) if data.intercept_only else ModeratorProfile(data.y, data.v, data.X)


class InterceptProfile:
    """A common mean only: every sum is a scalar."""

    def __init__(self, y: Array, v: Array) -> None:
        self.centre = y.sum() / y.size  # sums of squares about zero would cancel where |mean| >> sqrt(v)
        self.y = y - self.centre
        self.v = v
        self.p = 1
        self.ones = np.ones(y.size)

    def at(self, tau2: float) -> Sums:
        y = self.y
        w = 1.0 / (self.v + tau2)
        # the largest weight is kept apart: where one effect outweighs all others, tr P and tr PP would cancel
        largest = int(w.argmax())
        m = float(w[largest])
        rest = w.copy()
        rest[largest] = 0.0
        r1, r2, r3 = float(rest @ self.ones), float(rest @ rest), float((rest * rest) @ rest)
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
        y = self.y
        powers = np.column_stack([self.ones, y, y * y])
        W = 1.0 / (self.v + tau2[:, None])
        s1, sy, _ = (W @ powers).T
        W *= W
        s2, s2y, s2yy = (W @ powers).T
        mean = sy / s1
        return ScanSums(yPPy=s2yy - 2.0 * mean * s2y + mean * mean * s2, trP=s1 - s2 / s1, sum_w=s1)

    def coefficients(self, sums: Sums) -> tuple[Array, Array]:
        return np.array([self.centre + sums.b]), np.array([[sums.M]])


class ModeratorProfile:
    """A model matrix of p columns, worked on in an orthonormal basis of its column space."""

    def __init__(self, y: Array, v: Array, X: Array) -> None:
        self.Q, self.R = np.linalg.qr(X)
        self.start = self.Q.T @ y
        self.y = y - self.Q @ self.start
        self.v = v
        self.p = X.shape[1]

    def at(self, tau2: float) -> Sums:
        Q, y = self.Q, self.y
        w = 1.0 / (self.v + tau2)
        WQ = Q * w[:, None]
        A = Q.T @ WQ
        M = cast(Array, np.linalg.inv(A))
        A2 = WQ.T @ WQ
        b = M @ (WQ.T @ y)
        r = y - Q @ b
        wr = w * r
        w2r = w * wr
        c = WQ.T @ wr
        MA2 = M @ A2
        s1, s2 = float(w.sum()), float(w @ w)
        A3 = (WQ * w[:, None]).T @ WQ
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
        W = 1.0 / (self.v + tau2[:, None])
        first = W @ self._products
        W *= W
        second = W @ self._products
        m = upper[0].size
        A, A2 = (_symmetric(sums[:, :m], upper, self.p) for sums in (first, second))
        b = np.linalg.solve(A, first[:, m:-2, None])
        b2 = second[:, None, m:-2]
        yPPy = second[:, -2] - 2.0 * (b2 @ b)[:, 0, 0] + (b.transpose(0, 2, 1) @ A2 @ b)[:, 0, 0]
        trP = first[:, -1] - np.trace(np.linalg.solve(A, A2), axis1=1, axis2=2)
        return ScanSums(yPPy=yPPy, trP=trP, sum_w=first[:, -1])

    @cached_property
    def _products_upper(self) -> tuple[Indices, Indices]:
        return np.triu_indices(self.p)

    @cached_property
    def _products(self) -> Array:
        """Columns that weights turn into X'WX (upper triangle), X'Wy, y'Wy and Σw, shape (k, ...)."""
        rows, y = np.ascontiguousarray(self.Q.T), self.y
        left, right = self._products_upper
        out = np.empty((left.size + self.p + 2, y.size))
        np.multiply(rows[left], rows[right], out=out[: left.size])
        np.multiply(rows, y, out=out[left.size : -2])
        np.multiply(y, y, out=out[-2])
        out[-1] = 1.0
        return out.T

    def coefficients(self, sums: Sums) -> tuple[Array, Array]:
        # solve_triangular is not worth its import for p × p
        inverse = np.linalg.inv(self.R)
        return inverse @ (self.start + sums.b), inverse @ sums.M @ inverse.T


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
        new = x - value / slope if slope < 0 else low
        if not low < new < high:
            new = 0.5 * (low + high)
            if high - low <= 4e-16 * high:
                return new
        if abs(new - x) <= STEP_TOLERANCE * (abs(x) + scale):
            return new
        x = new
    raise NotConverged("The between-study variance did not converge in 200 steps.")
