"""Degrees of freedom of cluster-robust variances, without any clusters × clusters matrix.

A robust variance estimate is the sum over clusters of squared scores. Under the working model the scores of one
coefficient have a covariance matrix P over the m clusters that is diagonal plus low rank,
P = diag(d) - Z K Z', so that its trace and its sum of squares follow from r × r products.

Sources: Bell & McCaffrey 2002; Tipton 2015; Pustejovsky & Tipton 2018.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.stats.errors import NotEstimable
from analysis.stats.inputs import Array

NOTHING_LEFT = 1e-8  # share of the model variance below which a coefficient has no robust variance at all


@dataclass(frozen=True, eq=False)
class ScoreCovariance:
    """Covariance over clusters of the scores of p coefficients under the working model.

    Attributes
    ----------
    D : shape (m, p, p)
        Own part of each cluster.
    Z : shape (m, p, r)
        What the estimation of the coefficients takes away: P_st = diag(D_st) - Z_s K Z_t'.
    K : shape (r, r), symmetric; None is the identity.
    model : shape (p, p)
        Covariance of the coefficients under the working model, the yardstick for "nothing left".
    """

    D: Array
    Z: Array
    K: Array | None
    model: Array

    def rotated(self, C: Array) -> ScoreCovariance:
        """The same for the linear combinations C of shape (q, p)."""
        m, p, _ = self.D.shape
        right = (self.D.reshape(-1, p) @ C.T).reshape(m, p, C.shape[0])  # one product, not one per cluster
        return ScoreCovariance(C @ right, C @ self.Z, self.K, C @ self.model @ C.T)

    def _shared(self) -> Array:
        """Z K, of the shape of Z."""
        return self.Z if self.K is None else self.Z @ self.K

    def expectation(self) -> Array:
        """Expected robust covariance matrix, shape (p, p): the traces of all P_st."""
        m, p, r = self.Z.shape
        left = self._shared().transpose(1, 0, 2).reshape(p, m * r)
        right = self.Z.transpose(1, 0, 2).reshape(p, m * r)
        total: Array = self.D.sum(axis=0) - left @ right.T
        return total

    def degrees_of_freedom(self) -> Array:
        """Satterthwaite df (tr P)² / ΣΣP² of each coefficient, shape (p,).

        Raises
        ------
        NotEstimable
            If a coefficient rests on one cluster alone, so that no cluster is left to vary.
        """
        trace, squares = self._trace_and_squares()
        lost = np.flatnonzero(trace <= NOTHING_LEFT * np.diagonal(self.model))
        if lost.size:
            raise NotEstimable(
                f"Coefficient {lost[0] + 1} rests on a single cluster: its robust standard error cannot be estimated."
            )
        # P has no negative eigenvalue, so (tr P)²/m <= ΣΣP² <= (tr P)²; rounding may say otherwise
        df: Array = trace * trace / np.clip(squares, trace * trace / self.D.shape[0], trace * trace)
        return df

    def squares_df(self) -> Array:
        """1 / ΣΣP² of each coefficient: its df where the trace is one."""
        df: Array = 1.0 / self._trace_and_squares()[1]
        return df

    def _trace_and_squares(self) -> tuple[Array, Array]:
        """tr P and ΣΣP² of each coefficient."""
        d = np.ascontiguousarray(np.diagonal(self.D, axis1=1, axis2=2).T)  # (p, m)
        z = np.ascontiguousarray(self.Z.transpose(1, 0, 2))  # (p, m, r)
        gram = z.transpose(0, 2, 1) @ z
        zk = z if self.K is None else z @ self.K
        shared = np.einsum("pmr,pmr->pm", zk, z)
        left = gram if self.K is None else self.K @ gram
        right = gram if self.K is None else gram @ self.K
        trace = (d - shared).sum(axis=1)
        squares = (d * (d - 2.0 * shared)).sum(axis=1) + np.einsum("pab,pab->p", left, right)
        return trace, squares

    def products(self, s: int, t: int, u: int, v: int) -> float:
        """Σ_jl P_st[j, l] P_uv[j, l]: the sums from which variances of the robust covariance follow."""
        zk = self._shared()
        d_st, d_uv = self.D[:, s, t], self.D[:, u, v]
        z_st = np.einsum("mr,mr->m", zk[:, s], self.Z[:, t])
        z_uv = np.einsum("mr,mr->m", zk[:, u], self.Z[:, v])
        # Σ (z_s K z_t')(z_u K z_v') over pairs of clusters = <K' G_su K, G_tv>
        both = np.vdot(zk[:, s].T @ zk[:, u], self.Z[:, t].T @ self.Z[:, v])
        return float(d_st @ d_uv - d_st @ z_uv - d_uv @ z_st + both)
