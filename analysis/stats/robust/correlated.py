"""The correlated-effects model: the weights of a study's effects are equal.

So each study is known by its size, its mean variance and its sums of x, xx' and xy, and the small-sample correction
needs p × p eigenvalues only. Sources: Hedges, Tipton & Johnson 2010; Tipton 2015.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from analysis.stats.errors import NotEstimable
from analysis.stats.inputs import Array, Clusters, EffectData
from analysis.stats.robust.fit import Estimated, RobustFit, VarianceComponents, robust_fit
from analysis.stats.robust.satterthwaite import ScoreCovariance

SINGULAR = 1e-10  # eigenvalues of I - H at or below it count as zero, as in robumeta
NOTHING_LEFT = 1e-12  # share of the total weight below which tau² has no information


class ClusteredDesign:
    """Clusters and moderators: what does not depend on the effects, their variances or rho."""

    def __init__(self, data: EffectData, clusters: Clusters) -> None:
        self.clusters = clusters
        self.rows = data.rows
        self.p = data.p
        self.n = clusters.size.astype(float)
        self.intercept = data.intercept
        self.intercept_only = data.intercept_only
        self._X = data.X

    @cached_property
    def _basis(self) -> tuple[Array, Array]:
        Q, R = np.linalg.qr(self.clusters.sort(self._X))
        return Q, np.linalg.inv(R)

    @property
    def Q(self) -> Array:
        """Orthonormal basis of the model matrix, rows sorted by cluster."""
        return self._basis[0]

    @property
    def back(self) -> Array:
        """From coefficients in that basis to those of the columns given."""
        return self._basis[1]

    @cached_property
    def sum_x(self) -> Array:
        """X_j'1 of each study, shape (m, p)."""
        return self.clusters.sum(self.Q)

    @cached_property
    def G(self) -> Array:
        """X_j'X_j of each study, shape (m, p, p)."""
        Q, p = self.Q, self.p
        upper = [(a, b) for a in range(p) for b in range(a, p)]
        products = np.empty((len(upper), Q.shape[0]))
        columns = np.ascontiguousarray(Q.T)
        for row, (a, b) in zip(products, upper, strict=True):
            np.multiply(columns[a], columns[b], out=row)
        sums = np.add.reduceat(products, self.clusters.start, axis=1)
        out = np.empty((self.clusters.m, p, p))
        for row, (a, b) in zip(sums, upper, strict=True):
            out[:, a, b] = out[:, b, a] = row
        return out


class CorrelatedEffects:
    """The correlated-effects model of some effects, with all that does not depend on rho done once."""

    def __init__(self, data: EffectData, design: ClusteredDesign) -> None:
        clusters = design.clusters
        self.data, self.design = data, design
        self.mean_v = clusters.sum(clusters.sort(data.v)) / design.n
        y = clusters.sort(data.y)
        self.centre = float(y.sum()) / y.size if design.intercept is not None else 0.0
        self.y = y - self.centre
        weights = 1.0 / (design.n * self.mean_v)
        if design.intercept_only:
            self._start_mean(weights)
        else:
            self._start_moderators(weights)
        if self.information <= NOTHING_LEFT * float(design.n @ weights):
            raise NotEstimable("The moderators leave no study to estimate the between-study variance from.")

    def _start_mean(self, w: Array) -> None:
        clusters, n = self.design.clusters, self.design.n
        self.sum_y = clusters.sum(self.y)
        wn = w * n
        S = float(wn.sum())
        e = self.y - float(w @ self.sum_y) / S
        self.q = float(clusters.sum(e * e) @ w)
        self.own = float(w.sum()) / S
        self.shared = 1.0 - self.own
        self.information = S - float(wn @ wn) / S

    def _start_moderators(self, w: Array) -> None:
        design, p = self.design, self.design.p
        clusters, n, G, Q = design.clusters, design.n, design.G, design.Q
        self.sum_xy = np.add.reduceat(Q.T * self.y, clusters.start, axis=1).T
        M = np.linalg.inv((w @ G.reshape(-1, p * p)).reshape(p, p))
        e = self.y - Q @ (M @ (w @ self.sum_xy))
        self.q = float(clusters.sum(e * e) @ w)
        x = design.sum_x
        leverage = np.einsum("ja,ja->j", x @ M, x)  # of the sum of a study
        w_n = w / n
        self.own = float(np.vdot(M, (w_n @ G.reshape(-1, p * p)).reshape(p, p)))
        self.shared = float(w_n @ leverage) - self.own
        self.information = float(n @ w) - float((w * w) @ leverage)

    def components(self, rho: float) -> VarianceComponents:
        """tau² (linear in rho before truncation) and I²."""
        excess = self.q - self.design.clusters.m + self.own + rho * self.shared
        return VarianceComponents(
            tau2=max(0.0, excess / self.information),
            I2=max(0.0, 100.0 * excess / self.q) if self.q > 0 else 0.0,
            rho=rho,
        )

    def fit(self, rho: float, *, small: bool = True, level: float = 0.95) -> RobustFit:
        """Coefficients and robust inference for one assumed correlation."""
        clusters = self.design.clusters
        components = self.components(rho)
        w = 1.0 / (self.design.n * (self.mean_v + (components.tau2 or 0.0)))
        found = self._mean(w, small) if self.design.intercept_only else self._moderated(w, small)
        weights = clusters.unsort(clusters.spread(w))
        return robust_fit(self.data, clusters, "CORR", level, found, components, weights)

    def _mean(self, w: Array, small: bool) -> Estimated:
        """Closed form of the intercept-only model, O(m).

        With h_j the share of a study in the total weight S, the covariance of the scores over studies has the diagonal
        h_j/S and, off it, -√(s_is_j) with s_j = h_j²/((1 - h_j)S).
        """
        n = self.design.n
        weight = w * n
        S = float(weight.sum())
        b = float(w @ self.sum_y) / S
        scores = w * (self.sum_y - n * b) / S
        estimate, working = np.array([b + self.centre]), np.array([[1.0 / S]])
        if not small:
            return Estimated(estimate, np.array([[scores @ scores]]), None, working)
        # the heaviest study is kept apart: 1 - h and the squares would cancel where it outweighs all others
        heaviest = int(weight.argmax())
        others = weight.copy()
        others[heaviest] = 0.0
        rest = S - weight
        rest[heaviest] = others.sum()
        h = weight / S
        shared = h * weight / (rest * S)
        apart = float(shared[heaviest])
        shared[heaviest] = 0.0
        total = float(shared.sum())
        squares = float(h @ h) / (S * S) + 2.0 * apart * total + (total * total - float(shared @ shared))
        vcov, df = np.array([[scores @ (scores * S / rest)]]), np.array([1.0 / (S * S * squares)])
        return Estimated(estimate, vcov, df, working)

    def _moderated(self, w: Array, small: bool) -> Estimated:
        design = self.design
        p, G, back = design.p, design.G, design.back
        M = np.linalg.inv((w @ G.reshape(-1, p * p)).reshape(p, p))
        b = M @ (w @ self.sum_xy)
        e = self.y - design.Q @ b
        u = np.add.reduceat(design.Q.T * e, design.clusters.start, axis=1).T  # X_j'e_j
        estimate = back @ b
        if design.intercept is not None:
            estimate[design.intercept] += self.centre
        working = back @ M @ back.T
        if not small:
            scores = (w[:, None] * u) @ (back @ M).T
            return Estimated(estimate, scores.T @ scores, None, working)
        # M X_j'W_jA_j = C_j X_j' with C_j = w_j L (I - w_j L'G_jL)^(-1/2) L', M = LL'
        L = np.linalg.cholesky(M)
        scale = w[:, None, None]
        values, vectors = np.linalg.eigh(np.eye(p) - scale * (L.T @ G @ L))
        root = np.where(values > SINGULAR, 1.0 / np.sqrt(np.maximum(values, SINGULAR)), 0.0)
        half = (vectors * root[:, None, :]) @ vectors.transpose(0, 2, 1)
        C = (back @ L) @ half @ (scale * L.T)
        scores = (C @ u[:, :, None])[:, :, 0]
        CG = C @ G
        D = CG @ (C / scale).transpose(0, 2, 1)
        covariance = ScoreCovariance(D, CG @ L, None, working)
        return Estimated(estimate, scores.T @ scores, covariance.degrees_of_freedom(), working, covariance)
