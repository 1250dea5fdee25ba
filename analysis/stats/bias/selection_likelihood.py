"""The likelihood of a step-function selection model, its exact derivatives, and its maximum.

Effect i is seen with the density δ_g φ((y - μ)/s)/(s A), where δ_g is the weight of its interval of p-values,
s² = v + tau², μ = x'β, and A = Σ δ_j P_j the chance of being seen at all, P_j that of a p-value in interval j.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.stats.distributions import z_density, z_quantile, z_tail
from analysis.stats.errors import NotConverged
from analysis.stats.inputs import Array, Indices

STARTS = ((1.0, 1.0), (0.3, 1.0), (0.3, 0.2), (3.0, 1.0), (0.05, 0.2))  # weights, and tau² as a share of ML's
STEPS = 200
HALVINGS = 40
DECREMENT = 1e-13  # of a Newton step: half of what it promises to add to the log-likelihood
NEARLY = 1e-6  # the same, where rounding error lets no step be seen to help
FLATTEST = 1e-8  # curvature, relative to the largest, below which a direction counts as flat
BEYOND = 12.0  # logarithm of a weight past which the likelihood is taken to have no maximum


@dataclass(frozen=True, slots=True, eq=False)
class Parameters:
    """Coefficients (p,), between-study variance, and weights (s,) of all intervals but the first, whose is 1."""

    beta: Array
    tau2: float
    weights: Array


@dataclass(frozen=True, slots=True, eq=False)
class Likelihood:
    """Data of a selection model; with "less" the effects and the model matrix are turned around before.

    Attributes
    ----------
    cuts : shape (k, s, t)
        Effects at which an interval of p-values ends; t = 2 where both signs count, the lower one second.
    group, counts : shapes (k,), (s + 1,)
        Interval of each effect, and effects in each.
    """

    y: Array
    v: Array
    X: Array
    cuts: Array
    group: Indices
    counts: NDArray[np.intp]

    @classmethod
    def of(cls, y: Array, v: Array, X: Array, steps: Array, alternative: str) -> Likelihood:
        sign = -1.0 if alternative == "less" else 1.0
        z = sign * y / np.sqrt(v)
        p = 2.0 * np.asarray(z_tail(np.abs(z))) if alternative == "two.sided" else np.asarray(z_tail(z))
        group = np.searchsorted(steps, p, side="left")
        if alternative == "two.sided":
            critical = -np.asarray(z_quantile(steps / 2.0))
            sides = np.stack([critical, -critical], axis=-1)
        else:
            sides = -np.asarray(z_quantile(steps))[:, None]
        cuts = np.sqrt(v)[:, None, None] * sides
        return cls(sign * y, v, sign * X, cuts, group, np.bincount(group, minlength=steps.size + 1))

    def value(self, at: Parameters) -> float:
        """Log-likelihood."""
        s2 = self.v + at.tau2
        r = self.y - self.X @ at.beta
        seen, _ = self._seen(at, s2)
        if (seen <= 0).any():
            return -np.inf
        normal = -0.5 * float((np.log(s2) + r * r / s2).sum()) - 0.5 * self.y.size * log(2.0 * pi)
        return normal + float(self.counts[1:] @ np.log(at.weights)) - float(np.log(seen).sum())

    def _seen(self, at: Parameters, s2: Array) -> tuple[Array, Array]:
        """A of each effect, and how the cuts lie to its distribution, (cut - μ)/s."""
        a = (self.cuts - (self.X @ at.beta)[:, None, None]) / np.sqrt(s2)[:, None, None]
        beyond, within = special.ndtr(-a[:, :, 0]), special.ndtr(a[:, :, 0])
        if a.shape[2] == 2:
            beyond = beyond + special.ndtr(a[:, :, 1])
            within = np.maximum(within - special.ndtr(a[:, :, 1]), 0.0)
        none, all_ = np.zeros((s2.size, 1)), np.ones((s2.size, 1))
        rising, falling = np.hstack([none, beyond, all_]), np.hstack([all_, within, none])
        # a difference of small tails, whichever side they lie on
        chance = np.where(rising[:, 1:] < 0.5, np.diff(rising), -np.diff(falling))
        return chance @ np.concatenate([[1.0], at.weights]), a

    def derivatives(self, at: Parameters) -> tuple[Array, Array]:
        """Gradient and Hessian in (β, tau², weights)."""
        p, s2 = self.X.shape[1], self.v + at.tau2
        s = np.sqrt(s2)
        r = self.y - self.X @ at.beta
        seen, a = self._seen(at, s2)
        # per cut: what is within it, Φ(a⁺) - Φ(a⁻), and its derivatives in μ and tau²
        sign = np.array([1.0, -1.0])[: a.shape[2]]
        density = np.asarray(z_density(a)) * sign
        scale, scale2 = s[:, None], s2[:, None]
        d1 = -density.sum(2) / scale
        d2 = -(a * density).sum(2) / (2.0 * scale2)
        d11 = -(a * density).sum(2) / scale2
        d12 = -((a * a - 1.0) * density).sum(2) / (2.0 * scale * scale2)
        d22 = (a * (3.0 - a * a) * density).sum(2) / (4.0 * scale2 * scale2)
        within = (special.ndtr(a) * sign).sum(2)
        # A = 1 + Σ jump_j within_j
        jump = np.diff(np.concatenate([[1.0], at.weights]))
        share = 1.0 / seen
        a1, a2 = d1 @ jump * share, d2 @ jump * share
        a11, a12, a22 = d11 @ jump * share, d12 @ jump * share, d22 @ jump * share
        by_weight = _by_weight(within) * share[:, None]
        gradient = np.concatenate(
            [
                self.X.T @ (r / s2 - a1),
                [float((0.5 * (r * r / s2 - 1.0) / s2 - a2).sum())],
                self.counts[1:] / at.weights - by_weight.sum(axis=0),
            ]
        )
        mixed1 = _by_weight(d1) * share[:, None] - by_weight * a1[:, None]
        mixed2 = _by_weight(d2) * share[:, None] - by_weight * a2[:, None]
        size = p + 1 + at.weights.size
        hessian = np.empty((size, size))
        hessian[:p, :p] = self.X.T @ (self.X * (-1.0 / s2 - a11 + a1 * a1)[:, None])
        hessian[:p, p] = hessian[p, :p] = self.X.T @ (-r / s2**2 - a12 + a1 * a2)
        hessian[p, p] = float((0.5 / s2**2 - r * r / s2**3 - a22 + a2 * a2).sum())
        hessian[:p, p + 1 :] = -self.X.T @ mixed1
        hessian[p + 1 :, :p] = hessian[:p, p + 1 :].T
        hessian[p, p + 1 :] = hessian[p + 1 :, p] = -mixed2.sum(axis=0)
        hessian[p + 1 :, p + 1 :] = by_weight.T @ by_weight - np.diag(self.counts[1:] / at.weights**2)
        return gradient, hessian


def _by_weight(cut: Array) -> Array:
    """Derivative of Σ jump_j cut_j in each weight: what lies between the cut before and the cut after."""
    return cut - np.hstack([cut[:, 1:], np.zeros((cut.shape[0], 1))])


def global_maximum(likelihood: Likelihood, beta: Array, tau2: float, *, free_tau2: bool) -> Parameters:
    """The best of the maxima reached from several starting points.

    Raises
    ------
    NotConverged
        If none of them leads to one.
    """
    spread = max(tau2, 0.1 * float(likelihood.v.mean()))
    s = likelihood.cuts.shape[1]
    best: tuple[float, Parameters] | None = None
    for weight, share in STARTS:
        start = Parameters(beta, share * spread if free_tau2 else 0.0, np.full(s, weight))
        found = _climb(likelihood, start, free_tau2)
        if found is not None:
            value = likelihood.value(found)
            if best is None or value > best[0]:
                best = value, found
    if best is None:
        raise NotConverged(
            "The selection model has no maximum: these effects do not tell selection from heterogeneity. "
            "Use fewer steps."
        )
    return best[1]


def _climb(likelihood: Likelihood, at: Parameters, free_tau2: bool) -> Parameters | None:
    """Newton steps in (β, tau², log weights), each kept to where the likelihood grows; None if they lead nowhere."""
    p = at.beta.size
    value = likelihood.value(at)
    for _ in range(STEPS):
        gradient, hessian = likelihood.derivatives(at)
        scale = np.concatenate([np.ones(p + 1), at.weights])
        weighted = np.zeros(scale.size)
        weighted[p + 1 :] = at.weights * gradient[p + 1 :]
        gradient = gradient * scale
        hessian = hessian * np.outer(scale, scale) + np.diag(weighted)
        free = np.ones(scale.size, dtype=bool)
        free[p] = free_tau2 and not (at.tau2 == 0.0 and gradient[p] <= 0.0)
        information, unit = without_units(-hessian[np.ix_(free, free)])
        curvature, axes = np.linalg.eigh(information)
        curvature = np.maximum(np.abs(curvature), FLATTEST * np.abs(curvature).max())
        step = np.zeros(scale.size)
        step[free] = unit * (axes @ ((axes.T @ (unit * gradient[free])) / curvature))
        if float(gradient @ step) < DECREMENT:
            return at
        moved = _move(likelihood, at, step, value)
        if moved is None:
            return at if float(gradient @ step) < NEARLY else None
        at, value = moved
        if np.abs(np.log(at.weights)).max() > BEYOND:
            return None
    return None


def without_units(information: Array) -> tuple[Array, Array]:
    """The matrix with ones on its diagonal, and what each parameter was measured in."""
    diagonal = np.abs(np.diagonal(information))
    unit = 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    return information * np.outer(unit, unit), unit


def _move(likelihood: Likelihood, at: Parameters, step: Array, value: float) -> tuple[Parameters, float] | None:
    """As much of the step as makes the likelihood grow; a step of the weights is at most one on the log scale."""
    p = at.beta.size
    length = 1.0 / max(1.0, float(np.abs(step[p + 1 :]).max()))
    for _ in range(HALVINGS):
        part = length * step
        new = Parameters(at.beta + part[:p], max(0.0, at.tau2 + part[p]), at.weights * np.exp(part[p + 1 :]))
        reached = likelihood.value(new)
        if reached > value:
            return new, reached
        length *= 0.5
    return None
