"""Tests of several coefficients with a robust covariance matrix."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.stats.errors import InvalidInput, NotEstimable, UnknownOption
from analysis.stats.pooling import random_effects
from analysis.stats.robust import constrain_equal, constrain_zero, sandwich, wald_test
from analysis.stats.robust.wald import WALD_TESTS
from analysis.stats.robust.wald import _eigen_f as eigen_f

RANDOM = np.random.default_rng(11)
CLUSTER = np.repeat(np.arange(12), 3)
K = CLUSTER.size
V = RANDOM.uniform(0.02, 0.2, K)
Y = 0.3 + 0.4 * RANDOM.normal(size=12)[CLUSTER] + np.sqrt(V) * RANDOM.normal(size=K)
GROUP = (np.arange(12) % 3)[CLUSTER]
X = np.column_stack([np.ones(K), GROUP == 1, GROUP == 2, RANDOM.normal(size=K)]).astype(float)


def robust_fit(correction="CR2"):
    return sandwich(random_effects(Y, V, X), CLUSTER, correction=correction)


def test_constraints_are_rows_of_the_identity_or_differences():
    assert constrain_zero([1, 3], 4).tolist() == [[0, 1, 0, 0], [0, 0, 0, 1]]
    assert constrain_equal([0, 2], 3).tolist() == [[-1, 0, 1]]


@pytest.mark.parametrize("test", WALD_TESTS)
def test_one_coefficient_gives_the_square_of_its_t(test):
    found = robust_fit()
    result = wald_test(found, constrain_zero([3], 4), test=test)
    if test not in ("EDF", "EDT"):
        assert result.F == pytest.approx(found.stat[3] ** 2)
    if test in ("HTZ", "HTA", "HTB"):
        assert result.df_denom == pytest.approx(found.df[3])
        assert result.p_value == pytest.approx(found.p_value[3])
    if test == "chi-sq":
        assert result.p_value == pytest.approx(found.p_normal[3])
        assert result.df_denom is None
    if test == "Naive-F":
        assert result.p_value == pytest.approx(found.p_naive[3])
    assert result.df_num == 1


@pytest.mark.parametrize("test", [test for test in WALD_TESTS if test != "HTB"])  # it counts one triangle only
def test_the_test_does_not_depend_on_how_equality_is_written(test):
    found = robust_fit()
    C = constrain_zero([1, 2], 4)
    turned = np.array([[1.0, 1.0], [1.0, -2.0]]) @ C
    one, other = wald_test(found, C, test=test), wald_test(found, turned, test=test)
    assert other.F == pytest.approx(one.F, rel=1e-6)
    assert other.p_value == pytest.approx(one.p_value, rel=1e-5)


def test_equal_coefficients_of_cell_means_are_zero_differences_of_contrasts():
    means = np.column_stack([GROUP == 0, GROUP == 1, GROUP == 2, X[:, 3]]).astype(float)
    cells = sandwich(random_effects(Y, V, means), CLUSTER)
    one = wald_test(robust_fit(), constrain_zero([1, 2], 4))
    other = wald_test(cells, constrain_equal([0, 1, 2], 4))
    assert (other.F, other.df_denom) == pytest.approx((one.F, one.df_denom))


def test_an_f_whose_df_are_all_infinite_is_a_chi_squared():
    result = eigen_f(6.0, 2, np.array([1e17, 1e17]))
    assert result.df_denom is None
    assert result.F == pytest.approx(3.0)
    assert result.p_value == pytest.approx(np.exp(-3.0))


def test_three_clusters_cannot_carry_a_test_of_two_coefficients():
    # given three trials and moderators that vary inside them
    cluster = np.repeat(np.arange(3), 6)
    random = np.random.default_rng(5)
    design = np.column_stack([np.ones(18), random.normal(size=(18, 2))])
    found = sandwich(random_effects(random.normal(size=18), np.full(18, 0.1), design), cluster)
    result = wald_test(found, constrain_zero([1, 2], 3))
    assert result.df_denom is not None
    naive = wald_test(found, constrain_zero([1, 2], 3), test="Naive-Fp")
    assert (naive.df_denom, naive.p_value) == (0.0, None)


def test_hotelling_without_df_has_no_p_value():
    # given four trials of very different leverage
    cluster = np.repeat(np.arange(4), 4)
    random = np.random.default_rng(0)
    columns = []
    for _ in range(3):
        of_trial = random.normal(size=4) * 10.0 ** random.integers(0, 3, 4)
        columns.append(of_trial[cluster] * (random.random(16) < 0.9))
    y, v = random.normal(size=16), random.uniform(0.05, 0.2, 16)
    fit = random_effects(y, v, np.column_stack([np.ones(16), *columns]))
    found = sandwich(fit, cluster, correction="CR3")
    result = wald_test(found, constrain_zero([1, 2, 3], 4))
    assert result.df_denom is not None
    assert result.df_denom <= 0
    assert (result.F, result.p_value) == (0.0, None)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: wald_test(robust_fit(), [[1, 0]]), InvalidInput, "rows of 4"),
        (lambda: wald_test(robust_fit(), np.ones((0, 4))), InvalidInput, "rows of 4"),
        (lambda: wald_test(robust_fit(), [[1, 0, 0, float("nan")]]), InvalidInput, "finite"),
        (lambda: wald_test(robust_fit(), [[0, 1, 0, 0], [0, 2, 0, 0]]), NotEstimable, "redundant"),
        (lambda: wald_test(robust_fit(), [[0, 0, 0, 0]]), NotEstimable, "redundant"),
        (lambda: wald_test(robust_fit(), [[0, 1, 0, 0]], test="F"), UnknownOption, "HTZ"),
        (lambda: constrain_zero([4], 4), InvalidInput, "0 to 3"),
        (lambda: constrain_zero([], 4), InvalidInput, "each named once"),
        (lambda: constrain_zero([1, 1], 4), InvalidInput, "each named once"),
        (lambda: constrain_equal([1], 4), InvalidInput, "two coefficients"),
    ],
)
def test_what_cannot_be_tested_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
