"""The correlated-effects model: the weights of a study's effects are equal.

So each study is known by its size, its mean variance and its sums of x, xx' and xy, and the small-sample correction
needs p × p eigenvalues only. Sources: Hedges, Tipton & Johnson 2010; Tipton 2015.
"""

from __future__ import annotations

from functools import cached_property
from math import ceil, log

import numpy as np

from analysis.stats.errors import NotEstimable
from analysis.stats.information import covariance_of, lower_root
from analysis.stats.inputs import Array, Clusters, EffectData
from analysis.stats.robust.fit import Estimated, RobustFit, VarianceComponents, robust_fit
from analysis.stats.robust.satterthwaite import ScoreCovariance

SINGULAR = 1e-10  # eigenvalues of I - H at or below it count as zero, as in robumeta
LITTLE_LEVERAGE = 0.05  # of a study; below it a power series of at most 13 terms is exact
ROUNDING = 1e-17
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
        self.back = data.back  # from coefficients in the orthonormal basis to those of the columns given
        self._basis = data.basis

    @cached_property
    def columns(self) -> Array:
        """Orthonormal basis of the model matrix, rows sorted by cluster, shape (p, k)."""
        return np.ascontiguousarray(self.clusters.sort(self._basis).T)

    @cached_property
    def sum_x(self) -> Array:
        """X_j'1 of each study, shape (m, p)."""
        return self.clusters.sum(self.columns).T

    @cached_property
    def G(self) -> Array:
        """X_j'X_j of each study, shape (m, p, p)."""
        out = np.empty((self.clusters.m, self.p, self.p))
        for a in range(self.p):
            for b in range(a, self.p):
                out[:, a, b] = out[:, b, a] = self.clusters.sum(self.columns[a] * self.columns[b])
        return out


class CorrelatedEffects:
    """The correlated-effects model of some effects, with all that does not depend on rho done once."""

    def __init__(self, data: EffectData, design: ClusteredDesign) -> None:
        clusters = design.clusters
        self.data, self.design = data, design
        self.mean_v = clusters.sum(clusters.sort(data.v)) / design.n
        y = clusters.sort(data.y)
        # effects as residuals of their plain fit: sums of squares would cancel where the mean is far from zero
        if design.intercept_only:
            self.start = np.array([y.sum() / y.size])
            self.y = y - self.start[0]
        else:
            self.start = design.columns @ y
            self.y = y - self.start @ design.columns
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
        design = self.design
        clusters, n = design.clusters, design.n
        self.sum_xy = np.stack([clusters.sum(column * self.y) for column in design.columns], axis=1)
        M = covariance_of(self._crossed(w))
        b = M @ (w @ self.sum_xy)
        e = self.y - b @ design.columns
        self.q = float(clusters.sum(e * e) @ w)
        x = design.sum_x
        leverage = np.einsum("ja,ja->j", x @ M, x)  # of the sum of a study
        w_n = w / n
        self.own = float(np.vdot(M, self._crossed(w_n)))
        self.shared = float(w_n @ leverage) - self.own
        self.information = float(n @ w) - float((w * w) @ leverage)

    def _crossed(self, w: Array) -> Array:
        """X'WX for one weight per study, shape (p, p)."""
        p = self.design.p
        total: Array = (w @ self.design.G.reshape(-1, p * p)).reshape(p, p)
        return total

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
        estimate, working = self.start + b, np.array([[1.0 / S]])
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
        M = covariance_of(self._crossed(w))
        b = M @ (w @ self.sum_xy)
        u = self.sum_xy - G @ b  # X_j'e_j
        estimate, working = back @ (self.start + b), back @ M @ back.T
        if not small:
            scores = (w[:, None] * u) @ (back @ M).T
            return Estimated(estimate, scores.T @ scores, None, working)
        # with M = LL' and H_j = w_jL'G_jL, M X_j'W_jA_j is w_j L (I - H_j)^(-1/2) L'X_j'
        L = lower_root(M)
        H = L.T @ ((w[:, None, None] * G).reshape(-1, p) @ L).reshape(-1, p, p)
        root = inverse_root_of_rest(H)
        scores = (root @ ((w[:, None] * u) @ L)[:, :, None])[:, :, 0] @ (back @ L).T
        taken = root @ H
        covariance = ScoreCovariance(taken @ root, taken, None, np.eye(p)).rotated(back @ L)
        return Estimated(estimate, scores.T @ scores, covariance.degrees_of_freedom(), working, covariance)


def inverse_root_of_rest(H: Array) -> Array:
    """(I - H)^(-1/2) of a stack of positive semi-definite matrices, Moore-Penrose where I - H is singular.

    Most studies of many have little leverage: their root is a short power series in H, which costs a fraction of
    the eigenvalues.
    """
    leverage = np.einsum("jaa->j", H)  # no eigenvalue is larger
    out = np.empty_like(H)
    little = leverage <= LITTLE_LEVERAGE
    out[little] = _power_series(H[little], leverage[little])
    if not little.all():
        much = ~little
        values, vectors = np.linalg.eigh(np.eye(H.shape[1]) - H[much])
        root = np.where(values > SINGULAR, 1.0 / np.sqrt(np.maximum(values, SINGULAR)), 0.0)
        out[much] = (vectors * root[:, None, :]) @ vectors.transpose(0, 2, 1)
    return out


def _power_series(H: Array, leverage: Array) -> Array:
    """Σ c_i H^i with c_i = (2i choose i) / 4^i, to rounding error, by Horner's rule."""
    largest = float(leverage.max(initial=ROUNDING))
    terms = max(1, ceil(log(ROUNDING) / log(largest)))
    factors = np.cumprod([1.0, *((2.0 * i - 1.0) / (2.0 * i) for i in range(1, terms + 1))])
    out: Array = factors[-1] * H
    diagonal = np.einsum("jaa->ja", out)
    for factor in factors[-2:0:-1]:
        diagonal += factor
        out = H @ out
        diagonal = np.einsum("jaa->ja", out)
    diagonal += 1.0
    return out
