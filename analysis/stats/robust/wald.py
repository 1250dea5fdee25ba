"""Wald tests of several coefficients with a cluster-robust covariance matrix.

The default is HTZ, the approximate Hotelling's T² test of Tipton & Pustejovsky 2015 (called AHT there); the others are
for comparison with clubSandwich. Sources: Zhang 2012; Fai & Cornelius 1996; Tipton & Pustejovsky 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats import distributions
from analysis.stats.errors import InvalidInput, NotEstimable
from analysis.stats.inputs import Array, check_option
from analysis.stats.robust.sandwich import Sandwich
from analysis.stats.robust.satterthwaite import ScoreCovariance

WALD_TESTS = ("HTZ", "chi-sq", "Naive-F", "Naive-Fp", "HTA", "HTB", "EDF", "EDT")
LEAST_DF = 4.1  # below it the variance of an F does not exist


@dataclass(frozen=True)
class WaldTest:
    """An F test of q constraints.

    Attributes
    ----------
    F : the statistic.
    df_num : q.
    df_denom : denominator degrees of freedom; None for infinite.
    p_value : None where the denominator has no positive df, so that there is no test.
    """

    test: str
    F: float
    df_num: int
    df_denom: float | None
    p_value: float | None


def constrain_zero(coefficients: Sequence[int], p: int) -> Array:
    """Constraints that say: these of the p coefficients (counted from 0) are all zero. Shape (q, p)."""
    which = _positions(coefficients, p)
    return np.eye(p)[which]


def constrain_equal(coefficients: Sequence[int], p: int) -> Array:
    """Constraints that say: these of the p coefficients are all equal. Shape (q, p) with q one less than they are."""
    which = _positions(coefficients, p)
    if len(which) < 2:
        raise InvalidInput("Equality needs at least two coefficients.")
    C = np.eye(p)[which[1:]]
    C[:, which[0]] = -1.0
    return C


def _positions(coefficients: Sequence[int], p: int) -> list[int]:
    which = list(coefficients)
    if not which or len(set(which)) < len(which) or not all(0 <= j < p for j in which):
        raise InvalidInput(f"Coefficients are counted from 0 to {p - 1}, each named once; given were {which}.")
    return which


def wald_test(robust: Sandwich, constraints: ArrayLike, *, test: str = "HTZ") -> WaldTest:
    """Test that the linear combinations `constraints` of the coefficients are all zero.

    Parameters
    ----------
    robust : robust inference on a fitted model
    constraints : shape (q, p), see `constrain_zero` and `constrain_equal`
    test : one of WALD_TESTS

    Raises
    ------
    InvalidInput, UnknownOption
    NotEstimable
        If the constraints are redundant or the robust covariance cannot carry them.
    """
    check_option(test, WALD_TESTS, "The test")
    C = np.atleast_2d(np.asarray(constraints, dtype=float))
    p = robust.estimate.size
    if C.ndim != 2 or C.shape[1] != p or C.shape[0] == 0 or not np.isfinite(C).all():
        raise InvalidInput(f"Constraints are rows of {p} finite numbers; their shape is {C.shape}.")
    q = C.shape[0]
    b, V = C @ robust.estimate, C @ robust.vcov @ C.T
    _require_definite(V)
    Q = float(b @ np.linalg.solve(V, b))
    m = robust.studies
    if test == "chi-sq":
        return WaldTest(test, Q / q, q, None, distributions.chi2_tail(Q, q))
    if test == "Naive-F":
        return _f_test(test, Q / q, q, m - 1)
    if test == "Naive-Fp":
        return _f_test(test, Q / q, q, m - p)
    scores = robust.covariance.rotated(C)
    omega = scores.expectation()
    _require_definite(omega)
    values, vectors = np.linalg.eigh(omega)
    root = (vectors / np.sqrt(values)) @ vectors.T  # Ω^(-1/2)
    if test in ("HTA", "HTB", "HTZ"):
        return _hotelling(test, Q, q, _hotelling_df(test, scores.rotated(root), q))
    spectrum, directions = np.linalg.eigh(root @ V @ root)
    df = scores.rotated(directions.T @ root).squares_df()
    if test == "EDF":
        return _eigen_f(Q, q, df)
    # V is positive definite, so an eigenvalue below zero is rounding
    spectrum = np.maximum(spectrum, np.finfo(float).tiny)
    return _eigen_t(directions.T @ root @ b / np.sqrt(spectrum), q, df)


def _require_definite(V: Array) -> None:
    """Refuse a covariance of the constrained combinations that is singular, whatever their units."""
    size = np.sqrt(np.maximum(np.diagonal(V), 0.0))
    if not (size > 0.0).all() or np.linalg.eigvalsh(V / np.outer(size, size))[0] <= 1e-12:
        raise NotEstimable("The constraints are redundant, or rest on too few clusters to be tested together.")


def _f_test(test: str, F: float, q: int, df: float) -> WaldTest:
    return WaldTest(test, F, q, float(df), distributions.f_tail(F, q, df) if df > 0 else None)


def _hotelling(test: str, Q: float, q: int, nu: float) -> WaldTest:
    """Hotelling's T² with nu df as an F; no p-value where its denominator has no df."""
    df = nu - q + 1.0
    return _f_test(test, max(df / nu, 0.0) * Q / q, q, df)


def _hotelling_df(test: str, scores: ScoreCovariance, q: int) -> float:
    """Degrees of freedom of a Wishart matrix matched to the robust covariance, which is scaled to expectation I.

    The covariance of elements st and uv of that matrix is Σ P_sv P_tu + Σ P_su P_tv.
    """
    if test == "HTZ":
        total = sum(scores.products(s, t, t, s) + scores.products(s, s, t, t) for s, t in product(range(q), repeat=2))
        return q * (q + 1) / total
    covariance = np.empty((q, q, q, q))
    for s, t, u, v in product(range(q), repeat=4):
        covariance[s, t, u, v] = scores.products(s, v, t, u) + scores.products(s, u, t, v)
    variance = np.einsum("stst->st", covariance)
    if test == "HTA":
        return 2.0 * float(variance.sum()) / float((covariance**2).sum())
    # each distinct pair of distinct elements once
    lower = [(s, t) for s in range(q) for t in range(s + 1)]
    total = sum(covariance[s, t, u, v] ** 2 for s, t in lower for u, v in lower if (u, v) <= (s, t))
    return 2.0 * float(sum(variance[s, t] for s, t in lower)) / float(total)


def _eigen_f(Q: float, q: int, df: Array) -> WaldTest:
    """Fai & Cornelius: an F matched to the first two moments of a sum of squared t's."""
    df = np.maximum(df, LEAST_DF)
    mean = float((df / (df - 2.0)).sum())
    variance = 2.0 * float((df**2 * (df - 1.0) / ((df - 2.0) ** 2 * (df - 4.0))).sum())
    if q * variance > 2.0 * mean**2:
        delta = (mean**2 * (q - 2.0) + 2.0 * q * variance) / (mean * (variance + mean**2))
        return _f_test("EDF", delta * Q / q, q, 4.0 + 2.0 * mean**2 * (q + 2.0) / (q * variance - 2.0 * mean**2))
    F = Q / mean
    return WaldTest("EDF", F, q, None, distributions.chi2_tail(q * F, q))


def _eigen_t(t: Array, q: int, df: Array) -> WaldTest:
    """Each t turned into a normal deviate (Hill 1970), then a chi-squared."""
    a = df - 0.5
    b = 48.0 * a**2
    c = np.sqrt(a * np.log1p(t**2 / df))
    z = c + (c**3 + 3.0 * c) / b
    z -= (4.0 * c**7 + 33.0 * c**5 + 240.0 * c**3 + 855.0 * c) / (10.0 * b**2 + 8.0 * b * c**4 + 1000.0 * b)
    F = float((z**2).mean())
    return WaldTest("EDT", F, q, None, distributions.chi2_tail(q * F, q))
