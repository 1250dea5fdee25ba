"""The cluster-robust sandwich: residuals of each cluster, adjusted for having been fitted.

The adjustment of cluster j is A_j: CR0 none; CR1, CR1p and CR1S a constant; CR2 the symmetric solution of
A_jB_jA_j = Θ_j, where B_j is the covariance of its residuals under the working model Θ, so that the estimate is
unbiased if that model holds; CR3 the jackknife-like (I - H_jj)⁻¹. Clusters of one size are done in one batch.

Sources: Bell & McCaffrey 2002; Tipton 2015; Pustejovsky & Tipton 2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal, get_args

import numpy as np

from analysis.stats.errors import NotEstimable, TooFewClusters
from analysis.stats.information import lower_root
from analysis.stats.inputs import Array, Clusters, Indices
from analysis.stats.robust.satterthwaite import ScoreCovariance

Correction = Literal["CR0", "CR1", "CR1p", "CR1S", "CR2", "CR3"]
CORRECTIONS: tuple[str, ...] = get_args(Correction)
SINGULAR = 1e-12  # eigenvalues at or below this share of the cluster's squared variance count as zero (Moore-Penrose)
UNBOUNDED = 1e10  # an entry of (I - H_jj)⁻¹ above it means that the cluster determines a coefficient alone


@dataclass(frozen=True, eq=False)
class SandwichParts:
    """Scores of the clusters, shape (m, p), and their covariance under the working model."""

    scores: Array
    covariance: ScoreCovariance

    def transformed(self, T: Array) -> SandwichParts:
        """The same for the coefficients T b."""
        return SandwichParts(self.scores @ T.T, self.covariance.rotated(T))

    def vcov(self) -> Array:
        """Robust covariance matrix, shape (p, p)."""
        total: Array = self.scores.T @ self.scores
        return total


@dataclass(frozen=True, eq=False)
class WorkingModel:
    """Weights and working covariance of effects sorted by cluster.

    Attributes
    ----------
    X, WX : shape (k, p)
        Model matrix and weight matrix times model matrix.
    M : shape (p, p), (X'WX)⁻¹.
    theta : working covariance: variances of shape (k,), or for each distinct cluster size a stack of shape
        (clusters, size, size) in the order of `Clusters.by_size`.
    weights : shape (k,) where the weights are not the inverse of `theta`; else None.
    df_theta : shape (k,), the variances under which degrees of freedom are taken where not `theta`.
    """

    X: Array
    WX: Array
    M: Array
    theta: Array | Sequence[Array]
    weights: Array | None = None
    df_theta: Array | None = None


def small_sample_factor(correction: str, m: int, n: int, p: int) -> float:
    """The constant by which CR1, CR1p and CR1S inflate residuals; 1 for the others."""
    if correction == "CR1":
        return sqrt(m / (m - 1))
    if correction in ("CR1p", "CR1S"):
        if m <= p:
            raise TooFewClusters(f"{correction} with {p} coefficients needs more than {p} clusters; {m} given.")
        return sqrt(m / (m - p)) if correction == "CR1p" else sqrt(m * (n - 1) / ((m - 1) * (n - p)))
    return 1.0


def sandwich_parts(model: WorkingModel, e: Array, clusters: Clusters, correction: str) -> SandwichParts:
    """Adjusted scores of every cluster and their covariance.

    Parameters
    ----------
    model : the working model, rows sorted by cluster
    e : shape (k,), residuals, sorted
    correction : one of CORRECTIONS

    Raises
    ------
    NotEstimable
        For CR3, if a cluster alone determines a coefficient.
    """
    p = model.X.shape[1]
    inverse = model.weights is None
    factor = small_sample_factor(correction, clusters.m, clusters.n, p)
    L = lower_root(model.M)
    scores = np.empty((clusters.m, p))
    D = np.empty((clusters.m, p, p))
    Z = np.empty((clusters.m, p, p if inverse else 2 * p))
    fit_omega = None if inverse else _fitted_variance(model, model.theta)
    df_theta = model.theta if model.df_theta is None else model.df_theta
    for number, (_, ids, rows) in enumerate(clusters.by_size):
        X, WX = model.X[rows], model.WX[rows]
        theta = _of_cluster(model.theta, rows, number)
        ME = model.M @ WX.transpose(0, 2, 1)  # M X_j'W_j, (clusters, p, size)
        if correction == "CR2":
            if fit_omega is None:
                ME = _times_bias_reduction(ME, X @ L, theta)
            else:
                ME = _times_weighted_reduction(ME, X, fit_omega, theta)
        elif correction == "CR3":
            ME = _times_jackknife(ME, X)
        elif factor != 1.0:
            ME = factor * ME
        scores[ids] = (ME @ e[rows][:, :, None])[:, :, 0]
        if df_theta is not model.theta:
            theta = _of_cluster(df_theta, rows, number)
        MT = ME * theta[:, None, :] if theta.ndim == 2 else ME @ theta
        D[ids] = MT @ ME.transpose(0, 2, 1)
        if inverse:
            Z[ids] = ME @ (X @ L)
        else:
            Z[ids, :, :p] = ME @ X
            Z[ids, :, p:] = MT @ WX
    if inverse:
        return SandwichParts(scores, ScoreCovariance(D, Z, None, model.M))
    omega = _fitted_variance(model, df_theta)
    # P = diag(D) - U M F' - F M U' + U Ω U'
    K = np.block([[-omega, model.M], [model.M, np.zeros((p, p))]])
    return SandwichParts(scores, ScoreCovariance(D, Z, K, omega))


def _of_cluster(theta: Array | Sequence[Array], rows: Indices, number: int) -> Array:
    """Working covariance of the clusters of one size: variances (clusters, size) or full (clusters, size, size)."""
    return theta[rows] if isinstance(theta, np.ndarray) else theta[number]


def _fitted_variance(model: WorkingModel, theta: Array | Sequence[Array]) -> Array:
    """M X'WΘWX M: covariance of the coefficients under the working model (diagonal Θ)."""
    meat = model.WX.T @ (model.WX * np.asarray(theta)[:, None])
    omega: Array = model.M @ meat @ model.M
    return omega


def _times_bias_reduction(ME: Array, XL: Array, theta: Array) -> Array:
    """M X_j'W_j A_j of CR2 where W = Θ⁻¹, so that B_j = Θ_j - X_jMX_j'."""
    B = -(XL @ XL.transpose(0, 2, 1))
    if theta.ndim == 2:
        _diagonal(B)[...] += theta
        return _between_roots(ME, B, np.sqrt(theta))
    B += theta
    T = np.linalg.cholesky(theta)
    D = T.transpose(0, 2, 1)
    return ME @ T @ _inverse_root(D @ B @ T, _diagonal(theta).max(axis=1)) @ D


def _times_weighted_reduction(ME: Array, X: Array, omega: Array, theta: Array) -> Array:
    """M X_j'W_j A_j of CR2 with other weights: B_j = Θ_j - H_jΘ_j - Θ_jH_j' + X_jΩX_j'."""
    HT = X @ (ME * theta[:, None, :])
    B = X @ omega @ X.transpose(0, 2, 1) - HT - HT.transpose(0, 2, 1)
    _diagonal(B)[...] += theta
    return _between_roots(ME, B, np.sqrt(theta))


def _between_roots(ME: Array, B: Array, root: Array) -> Array:
    """ME A with A = Θ^½ (Θ^½ B Θ^½)^(-½) Θ^½ for a diagonal Θ, given by its square root."""
    B = root[:, :, None] * B * root[:, None, :]
    scale = root.max(axis=1)
    return ((ME * root[:, None, :]) @ _inverse_root(B, scale * scale)) * root[:, None, :]


def _times_jackknife(ME: Array, X: Array) -> Array:
    """M X_j'W_j (I - H_jj)⁻¹."""
    rest = -(X @ ME)
    _diagonal(rest)[...] += 1.0
    try:
        inverse = np.linalg.inv(rest)
    except np.linalg.LinAlgError:
        inverse = np.full_like(rest, np.inf)
    if not (np.abs(inverse) < UNBOUNDED).all():
        raise NotEstimable("CR3 leaves out one cluster at a time, and one cluster alone determines a coefficient.")
    return ME @ inverse


def _diagonal(stack: Array) -> Array:
    """Writable view of the diagonals of a stack of square matrices."""
    diagonals: Array = np.einsum("jii->ji", stack)
    return diagonals


def _inverse_root(G: Array, scale: Array) -> Array:
    """Moore-Penrose inverse square roots of a stack of matrices of the form Θ^½ B Θ^½.

    `scale` is the largest variance of each cluster; eigenvalues are small or not against its square.
    """
    least = SINGULAR * scale * scale
    if G.shape[1] == 1:
        kept = least[:, None, None] < G
        return np.where(kept, 1.0 / np.sqrt(np.where(kept, G, 1.0)), 0.0)
    values, vectors = np.linalg.eigh(G)
    kept = values > least[:, None]
    root = np.where(kept, 1.0 / np.sqrt(np.where(kept, values, 1.0)), 0.0)
    out: Array = (vectors * root[:, None, :]) @ vectors.transpose(0, 2, 1)
    return out
