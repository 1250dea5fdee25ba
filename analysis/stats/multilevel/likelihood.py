"""What the search for variance components sees of a multilevel model: value, slope and curvature.

A model is V = S + Σ θ_a E_a with block-diagonal V, one block per study: S the sampling covariance, E_a known, θ_a the
variance components. Curvature is the average information y'PE_aPE_bPy / 2 of Gilmour, Thompson & Cullis 1995,
which needs no trace beyond those of the score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, pi
from typing import Protocol

import numpy as np

from analysis.stats.information import covariance_of, lower_root
from analysis.stats.inputs import Array, Clusters, EffectData


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """A likelihood at one set of variance components.

    Attributes
    ----------
    theta, score : shape (r,)
        Variance components, and the derivatives of the log-likelihood.
    information : shape (r, r), average information.
    b, M : shape (p,), (p, p)
        Coefficients and (X'V⁻¹X)⁻¹ in the orthonormal basis.
    yPy : residual sum of squares weighted by V⁻¹.
    trace_p : tr P, from which the typical sampling variance follows at θ = 0.
    """

    theta: Array
    loglik: float
    score: Array
    information: Array
    b: Array
    M: Array
    yPy: float
    trace_p: float


class Likelihood(Protocol):
    """A (restricted) likelihood of r variance components."""

    k: int
    p: int
    r: int
    y: Array
    v: Array

    def at(self, theta: Array) -> State: ...

    def coefficients(self, state: State) -> tuple[Array, Array]: ...


class _InOrthonormalBasis:
    """Effects sorted by study with a model matrix made orthonormal; the plain fit is taken off the effects."""

    k: int
    p: int

    def __init__(self, data: EffectData, clusters: Clusters, restricted: bool) -> None:
        self.Q, y = clusters.sort(data.basis), clusters.sort(data.y)
        self.back = data.back
        self.start = self.Q.T @ y
        self.y = y - self.Q @ self.start
        self.v = clusters.sort(data.v)
        self.k, self.p = self.Q.shape
        self.clusters = clusters
        self.restricted = restricted

    def coefficients(self, state: State) -> tuple[Array, Array]:
        """Coefficients of the given columns and their covariance."""
        root = self.back @ lower_root(state.M)
        return self.back @ (self.start + state.b), root @ root.T

    def _loglik(self, logdet_v: float, logdet_a: float, yPy: float) -> float:
        n = self.k - self.p if self.restricted else self.k
        return -0.5 * (n * log(2.0 * pi) + logdet_v + (logdet_a if self.restricted else 0.0) + yPy)


class NestedLikelihood(_InOrthonormalBasis):
    """Three levels: V_j = τ² 11' + ω² I + S_j, S_j = (1-ρ) diag(v) + ρ √v√v' (ρ = 0: independent errors).

    Each V_j is diagonal plus rank two at most, so that everything follows from sums over the rows of a study
    (Woodbury): O(k p²), whatever the sizes of the studies. θ = (τ², ω²).
    """

    r = 2

    def __init__(self, data: EffectData, clusters: Clusters, rho: float, restricted: bool) -> None:
        super().__init__(data, clusters, restricted)
        self.rho = rho
        self.root = np.sqrt(self.v)
        self.own = (1.0 - rho) * self.v
        self.columns = np.vstack([self.Q.T, self.y])  # rows of length k: sums run along memory

    def _sum(self, rows: Array) -> Array:
        out: Array = np.add.reduceat(rows, self.clusters.start, axis=-1)
        return out

    def at(self, theta: Array) -> State:
        tau2, omega2 = float(theta[0]), float(theta[1])
        p = self.p
        core = _Core(self, tau2, omega2)
        weighted, sums = core.solve(self.columns)
        WQ, Wy = weighted[:p], weighted[p]
        A = WQ @ self.Q
        M = covariance_of(A)
        b = M @ (WQ @ self.y)
        Py = Wy - b @ WQ
        sQ = sums[:p]  # 1'V⁻¹Q of each study
        sPy = sums[p] - b @ sQ
        traces = np.array([core.one_one.sum(), core.trace])
        between, within = sQ @ sQ.T, WQ @ WQ.T
        lost = np.array([np.vdot(M, between), np.vdot(M, within)])
        trace_p = float(core.trace - lost[1])
        if self.restricted:
            traces = traces - lost
        yPy = float(self.y @ Py)
        score = 0.5 * (np.array([sPy @ sPy, Py @ Py]) - traces)
        # average information of F = [E₁Py, E₂Py], E₁Py being constant in a study
        z, sz = core.solve(Py)
        cross = sPy @ sz
        FWF = np.array([[(sPy * sPy) @ core.one_one, cross], [cross, Py @ z]])
        QWF = np.column_stack([sQ @ sPy, WQ @ Py])
        information = 0.5 * (FWF - QWF.T @ M @ QWF)
        loglik = self._loglik(core.logdet, float(np.linalg.slogdet(A)[1]), yPy)
        return State(np.array([tau2, omega2]), loglik, score, information, b, M, yPy, trace_p)


class _Core:
    """V⁻¹ of all studies at one (τ², ω²), as diagonal minus low rank: D - DU K U'D with U = [1, √v]."""

    def __init__(self, model: NestedLikelihood, tau2: float, omega2: float) -> None:
        self.model = model
        rho, root = model.rho, model.root
        self.d = d = 1.0 / (model.own + omega2)
        dd = d * d
        if rho == 0.0:
            (a, e0) = model._sum(np.vstack([d, dd]))
            delta = 1.0 + tau2 * a
            self.k11 = tau2 / delta
            self.a = a
            self.one_one = a / delta
            self.trace = float(d.sum() - self.k11 @ e0)
        else:
            ds = d * root
            dds = dd * root
            a, b, c, e0, e1, e2 = model._sum(np.vstack([d, ds, ds * root, dd, dds, dds * root]))
            delta = (1.0 + tau2 * a) * (1.0 + rho * c) - tau2 * rho * b * b
            self.k11 = tau2 * (1.0 + rho * c) / delta
            self.k12 = -tau2 * rho * b / delta
            self.k22 = rho * (1.0 + tau2 * a) / delta
            self.a, self.b, self.ds = a, b, ds
            self.one_one = a - (self.k11 * a * a + 2.0 * self.k12 * a * b + self.k22 * b * b)
            self.trace = float(d.sum() - self.k11 @ e0 - 2.0 * (self.k12 @ e1) - self.k22 @ e2)
        self.logdet = float(np.log(delta).sum() - np.log(d).sum())

    def solve(self, rows: Array) -> tuple[Array, Array]:
        """V⁻¹ applied to rows of length k, and the sums of the results within each study."""
        model, index = self.model, self.model.clusters.index
        first = model._sum(self.d * rows)
        if model.rho == 0.0:
            h1 = self.k11 * first
            return self.d * (rows - h1[..., index]), first - self.a * h1
        second = model._sum(self.ds * rows)
        h1 = self.k11 * first + self.k12 * second
        h2 = self.k12 * first + self.k22 * second
        solved = self.d * (rows - h1[..., index] - model.root * h2[..., index])
        return solved, first - self.a * h1 - self.b * h2


class BlockLikelihood(_InOrthonormalBasis):
    """Any known sampling covariance in blocks, and any E_a: dense algebra on stacks of studies of equal size.

    Costs O(Σ n_j³). `sampling` and each entry of `basis` hold, for every distinct study size in the order of
    `Clusters.by_size`, stacks of shape (studies, n, n) and (r, studies, n, n).
    """

    def __init__(
        self,
        data: EffectData,
        clusters: Clusters,
        sampling: Sequence[Array],
        basis: Sequence[Array],
        restricted: bool,
    ) -> None:
        super().__init__(data, clusters, restricted)
        self.sampling, self.basis = sampling, basis
        self.r = basis[0].shape[0]

    def at(self, theta: Array) -> State:
        """The likelihood at `theta`; numpy.linalg.LinAlgError where V is not positive definite there."""
        k, p, r = self.k, self.p, self.r
        B = np.column_stack([self.Q, self.y])
        WB = np.empty_like(B)
        trace_w, diagonal, logdet = np.zeros(r), 0.0, 0.0
        inverses = []
        for (_, _, rows), S, E in zip(self.clusters.by_size, self.sampling, self.basis, strict=True):
            V = S + np.tensordot(theta, E, axes=1)
            L = np.linalg.cholesky(V)
            logdet += 2.0 * float(np.log(np.einsum("jii->ji", L)).sum())
            W = np.linalg.inv(V)
            inverses.append(W)
            diagonal += float(np.einsum("jaa->", W))
            WB[rows] = W @ B[rows]
            trace_w += np.einsum("jab,rjab->r", W, E)
        WQ, Wy = WB[:, :p], WB[:, p]
        A = self.Q.T @ WQ
        M = covariance_of(A)
        b = M @ (WQ.T @ self.y)
        Py = Wy - WQ @ b
        F = np.empty((r, k))  # E_a P y
        traces = trace_w
        EWQ = np.zeros((r, p, p))
        for (_, _, rows), E in zip(self.clusters.by_size, self.basis, strict=True):
            F[:, rows] = np.einsum("rjab,jb->rja", E, Py[rows])
            EWQ += np.einsum("jap,rjab,jbq->rpq", WQ[rows], E, WQ[rows], optimize=True)
        if self.restricted:
            traces = traces - np.einsum("pq,rpq->r", M, EWQ)
        score = 0.5 * (F @ Py - traces)
        WF = np.empty_like(F)
        for (_, _, rows), W in zip(self.clusters.by_size, inverses, strict=True):
            WF[:, rows] = np.einsum("jab,rjb->rja", W, F[:, rows])
        QWF = WQ.T @ F.T
        information = 0.5 * (F @ WF.T - QWF.T @ M @ QWF)
        yPy = float(self.y @ Py)
        loglik = self._loglik(logdet, float(np.linalg.slogdet(A)[1]), yPy)
        trace_p = diagonal - float(np.vdot(M, WQ.T @ WQ))
        return State(np.asarray(theta, dtype=float), loglik, score, information, b, M, yPy, trace_p)
