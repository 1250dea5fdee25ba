"""Robust variance estimation with a weight per effect: hierarchical effects, and weights of one's own.

Sources: Hedges, Tipton & Johnson 2010; Tipton 2015; Fisher & Tipton 2015 (robumeta 2.0, whose moment equations and
degrees of freedom these are).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.errors import NotEstimable
from analysis.stats.information import covariance_of
from analysis.stats.inputs import Array, Clusters, EffectData, positive_weights
from analysis.stats.robust.fit import Estimated, RobustFit, VarianceComponents, robust_fit
from analysis.stats.robust.kernel import WorkingModel, sandwich_parts


class _LeastSquares:
    """Weighted least squares on effects sorted by study, in an orthonormal basis of the model matrix."""

    def __init__(self, data: EffectData, clusters: Clusters) -> None:
        self.y = clusters.sort(data.y)
        self.Q = clusters.sort(data.basis)
        self.back = data.back

    def solve(self, w: Array) -> tuple[Array, Array, Array, Array]:
        """WX, (X'WX)⁻¹, coefficients and residuals."""
        WQ = self.Q * w[:, None]
        M = covariance_of(self.Q.T @ WQ)
        b = M @ (WQ.T @ self.y)
        return WQ, M, b, self.y - self.Q @ b

    def robust(self, w: Array, clusters: Clusters, small: bool, working: Array | None = None) -> Estimated:
        """Coefficients and robust covariance; `working` variances where they are not the inverse weights."""
        WQ, M, b, e = self.solve(w)
        estimate = self.back @ b
        if not small:
            scores = self.back @ M @ clusters.sum((WQ * e[:, None]).T)
            return Estimated(estimate, scores @ scores.T, None, self.back @ M @ self.back.T)
        if working is None:
            model = WorkingModel(self.Q, WQ, M, 1.0 / w)
        else:
            # robumeta takes the degrees of freedom under independent effects of equal variance
            model = WorkingModel(self.Q, WQ, M, working, w, np.ones_like(w))
        parts = sandwich_parts(model, e, clusters, "CR2").transformed(self.back)
        covariance = parts.covariance
        return Estimated(estimate, parts.vcov(), covariance.degrees_of_freedom(), covariance.model, covariance)


def hierarchical_effects(data: EffectData, clusters: Clusters, *, small: bool, level: float) -> RobustFit:
    """Weights 1 / (v + tau² + omega²): samples within studies, omega² within and tau² between."""
    if clusters.m == clusters.n:
        raise NotEstimable("A hierarchical model needs a study with two or more effects; every study has one.")
    regression = _LeastSquares(data, clusters)
    v = clusters.sort(data.v)
    components = _two_moments(regression, v, clusters)
    weights = 1.0 / (v + (components.tau2 or 0.0) + (components.omega2 or 0.0))
    found = regression.robust(weights, clusters, small)
    return robust_fit(data, clusters, "HIER", level, found, components, clusters.unsort(weights))


def _two_moments(regression: _LeastSquares, v: Array, clusters: Clusters) -> VarianceComponents:
    """Both variances from Σ(1'e_j)² and Σ w e² equated to their expectations; omega² first, each not below 0."""
    w, Q = 1.0 / v, regression.Q
    WQ, M, _, e = regression.solve(w)
    n = clusters.size.astype(float)
    x, xw = clusters.sum(Q.T).T, clusters.sum(WQ.T).T
    xx, ww, square = M @ (x.T @ x), M @ (xw.T @ xw), M @ (WQ.T @ WQ)
    mixed = np.einsum("ja,ja->j", xw @ M, x)
    sums = clusters.sum(e)
    a1 = float(n @ n) - 2.0 * float(n @ mixed) + float(np.vdot(xx.T, ww))
    b1 = clusters.n - 2.0 * float(mixed.sum()) + float(np.vdot(xx.T, square))
    a2 = float(w.sum() - np.trace(ww))
    b2 = float(w.sum() - np.trace(square))
    between = float(sums @ sums) - float(v.sum() - np.trace(xx))
    total = float(e @ (w * e)) - (clusters.n - Q.shape[1])
    determinant = b1 * a2 - b2 * a1
    if abs(determinant) <= 1e-12 * abs(b1 * a2) or a2 <= 0:
        raise NotEstimable("These studies and moderators do not separate variance within and between studies.")
    omega2 = max(0.0, (between * a2 - total * a1) / determinant)
    return VarianceComponents(tau2=max(0.0, (total - omega2 * b2) / a2), omega2=omega2)


def own_weights(
    data: EffectData, clusters: Clusters, weights: ArrayLike, n: int, *, small: bool, level: float
) -> RobustFit:
    """The user's weights; the working variance of an effect is the mean sampling variance of its study."""
    used = positive_weights(weights, n, data.rows)
    mean_v = clusters.sum(clusters.sort(data.v)) / clusters.size
    found = _LeastSquares(data, clusters).robust(clusters.sort(used), clusters, small, clusters.spread(mean_v))
    return robust_fit(data, clusters, "USER", level, found, VarianceComponents(None), used)
