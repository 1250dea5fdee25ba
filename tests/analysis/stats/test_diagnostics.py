"""Case diagnostics by their definitions, each from refits; agreement with metafor is in test_reference.py."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from analysis.stats.distributions import chi2_tail
from analysis.stats.influence import baujat, influence
from analysis.stats.inputs import Array
from analysis.stats.pooling import random_effects


def sample(k: int, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    vi = np.exp(rng.normal(-2.5, 0.7, k))
    return rng.normal(0.4, np.sqrt(vi + 0.09)), vi


@pytest.mark.parametrize("method", ["REML", "DL", "EE", "ML"])
@pytest.mark.parametrize("test", ["z", "knha"])
@pytest.mark.parametrize("moderated", [False, True])
def test_diagnostics_by_their_definitions(method: str, test: str, moderated: bool) -> None:
    k = 10
    y, v = sample(k, seed=10)
    rng = np.random.default_rng(10)
    X = np.column_stack([np.ones(k), rng.normal(size=k)]) if moderated else np.ones((k, 1))
    p = X.shape[1]
    found = influence(y, v, X if moderated else None, method=method, test=test)
    full = random_effects(y, v, X, method=method, test=test)
    W = 1 / (v + full.tau2)
    H = X @ np.linalg.inv(X.T @ (X * W[:, None])) @ X.T * W
    assert found.hat == pytest.approx(np.diag(H))
    assert found.weight == pytest.approx(100 * W / W.sum())
    residual = y - X @ full.estimate
    total = np.diag(v + full.tau2)
    I_H = np.eye(k) - H
    assert found.residual == pytest.approx(residual)
    assert found.residual_se == pytest.approx(np.sqrt(np.diag(I_H @ total @ I_H.T)))
    assert found.rstandard == pytest.approx(residual / found.residual_se)
    for i in range(k):
        keep = np.arange(k) != i
        rest = random_effects(y[keep], v[keep], X[keep], method=method, test=test)
        deleted = y[i] - X[i] @ rest.estimate
        se = sqrt((v[i] + rest.tau2) * rest.scale + X[i] @ rest.vcov @ X[i])
        assert found.deleted_residual[i] == pytest.approx(deleted, rel=1e-6)
        assert found.deleted_residual_se[i] == pytest.approx(se, rel=1e-6)
        assert found.rstudent[i] == pytest.approx(deleted / se, rel=1e-6)
        change = full.estimate - rest.estimate
        moved = X[i] @ change
        assert found.dffits[i] == pytest.approx(
            moved / sqrt(rest.scale * found.hat[i] * (v[i] + rest.tau2)), rel=1e-5, abs=1e-8
        )
        assert found.cook_distance[i] == pytest.approx(change @ np.linalg.inv(full.vcov) @ change, rel=1e-5, abs=1e-10)
        ratio = np.linalg.det(rest.vcov) / np.linalg.det(full.vcov)
        assert found.cov_ratio[i] == pytest.approx(ratio, rel=1e-6)
        everybody = np.linalg.inv(X.T @ (X / (v + rest.tau2)[:, None]))
        assert found.dfbetas[i] == pytest.approx(change / np.sqrt(rest.scale * np.diag(everybody)), rel=1e-5, abs=1e-8)
        assert found.tau2_deleted[i] == pytest.approx(rest.tau2, rel=1e-6, abs=1e-9)
        assert found.Q_deleted[i] == pytest.approx(rest.Q)
        flagged = (
            abs(found.dffits[i]) > 3 * sqrt(p / (k - p))
            or chi2_tail(found.cook_distance[i], p) < 0.5
            or found.hat[i] > 3 * p / k
            or (abs(found.dfbetas[i]) > 1).any()
        )
        assert found.influential[i] == flagged


def test_an_outlier_is_flagged_and_the_others_are_not() -> None:
    y, v = np.array([0.1, 0.2, 0.15, 0.12, 0.18, 3.0]), np.full(6, 0.02)
    found = influence(y, v, test="z")
    assert found.influential.tolist() == [False] * 5 + [True]


def test_each_flag_flags_by_itself() -> None:
    # leverage alone: one effect far out on the moderator, exactly on the line
    x = np.array([0, 1, 0, 1, 0, 1, 0, 1, 30.0])
    y = 0.1 * x + np.array([0.01, -0.01, -0.01, 0.01, 0.01, -0.01, -0.01, 0.01, 0])
    found = influence(y, np.full(9, 0.04), np.column_stack([np.ones(9), x]), method="EE", test="z")
    assert found.influential.tolist() == [False] * 8 + [True]
    assert chi2_tail(found.cook_distance[-1], 2) > 0.5


def test_equal_effects_pull_on_nothing() -> None:
    found = influence([0.3] * 4, [0.1, 0.2, 0.1, 0.2], test="z")
    assert found.rstudent.tolist() == [0.0] * 4
    assert found.cook_distance == pytest.approx([0.0] * 4, abs=1e-20)
    assert not found.influential.any()
    certain = influence([0.3] * 4, [0.1, 0.2, 0.1, 0.2], test="knha")  # no error to measure a pull by
    assert np.isnan(certain.rstudent).all()
    assert np.isnan(certain.dffits).all()
    assert np.isnan(certain.cook_distance).all()
    assert not certain.influential.any()


def test_baujat_by_its_definition() -> None:
    y, v = sample(7, seed=12)
    for method in ("EE", "REML"):
        found = baujat(y, v, method=method)
        full = random_effects(y, v, method=method, test="z")
        assert found.x == pytest.approx((y - full.estimate) ** 2 / (v + full.tau2))
        for i in range(7):
            keep = np.arange(7) != i
            rest = random_effects(y[keep], v[keep], method=method, test="z")
            assert found.y[i] == pytest.approx(
                float((rest.estimate - full.estimate)[0]) ** 2 / float(rest.vcov[0, 0]), rel=1e-6, abs=1e-9
            )
    # the contributions to Q add up to Q
    assert baujat(y, v, method="EE").x.sum() == pytest.approx(random_effects(y, v, method="EE", test="z").Q)
