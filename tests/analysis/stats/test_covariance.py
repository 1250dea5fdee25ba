"""Sampling covariances; agreement with clubSandwich and metafor is in test_reference.py."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stats import covariance as cov
from analysis.stats.covariance import shared_control
from analysis.stats.errors import InvalidInput, InvalidVariance, NotPositiveDefinite
from analysis.stats.inputs import Array

VI = [0.04, 0.09, 0.16, 0.25, 0.36]
TRIAL = ["b", "a", "b", "a", "b"]


def dense(covariance: cov.BlockCovariance) -> Array:
    matrix = np.zeros((covariance.clusters.n, covariance.clusters.n))
    for rows, block in covariance.blocks():
        matrix[np.ix_(rows, rows)] = block
    return matrix


def test_effects_of_one_trial_covary_and_those_of_two_do_not() -> None:
    matrix = dense(cov.assumed_correlation(VI, TRIAL, 0.5))
    assert np.diag(matrix) == pytest.approx(VI)
    assert matrix[0, 2] == pytest.approx(0.5 * 0.2 * 0.4)
    assert matrix[1, 3] == pytest.approx(0.5 * 0.3 * 0.5)
    assert matrix[0, 1] == 0.0
    assert (matrix == matrix.T).all()


def test_blocks_come_in_the_order_of_the_labels_with_their_rows() -> None:
    blocks = cov.assumed_correlation(VI, TRIAL, 0.5).blocks()
    assert [rows.tolist() for rows, _ in blocks] == [[1, 3], [0, 2, 4]]
    assert [block.shape for _, block in blocks] == [(2, 2), (3, 3)]


def test_each_trial_may_have_its_own_correlation() -> None:
    matrix = dense(cov.assumed_correlation(VI, TRIAL, [0.1, 0.9]))
    assert matrix[1, 3] == pytest.approx(0.1 * 0.3 * 0.5)
    assert matrix[0, 2] == pytest.approx(0.9 * 0.2 * 0.4)


def test_correlation_fades_with_time() -> None:
    times = [0, 1, 2, 4, 5]
    fading = dense(cov.assumed_correlation(VI, TRIAL, time=times, phi=0.8))
    assert fading[0, 4] == pytest.approx(0.8**5 * 0.2 * 0.6)
    both = dense(cov.assumed_correlation(VI, TRIAL, 0.3, time=times, phi=0.8))
    assert both[0, 4] == pytest.approx((0.3 + 0.7 * 0.8**5) * 0.2 * 0.6)
    assert np.diag(both) == pytest.approx(VI)


def test_subgroups_of_a_trial_are_other_people() -> None:
    matrix = dense(cov.assumed_correlation(VI, TRIAL, 0.5, subgroup=["m", "m", "f", "m", "m"]))
    assert matrix[0, 2] == 0.0
    assert matrix[0, 4] == pytest.approx(0.5 * 0.2 * 0.6)


def test_smoothed_variances_are_the_mean_of_the_trial() -> None:
    matrix = dense(cov.assumed_correlation(VI, TRIAL, 0.5, smooth=True))
    assert np.diag(matrix) == pytest.approx([0.56 / 3, 0.17, 0.56 / 3, 0.17, 0.56 / 3])


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(1, 4), st.floats(0, 0.95), st.integers(0, 10_000))
def test_the_order_of_rows_does_not_matter(k: int, trials: int, r: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vi, trial = rng.uniform(0.01, 1, k), rng.integers(0, trials, k)
    order = rng.permutation(k)
    here, there = (dense(cov.assumed_correlation(v, c, r)) for v, c in ((vi, trial), (vi[order], trial[order])))
    assert there == pytest.approx(here[np.ix_(order, order)])
    assert (np.linalg.eigvalsh(here) > 0).all()


def test_a_correlation_that_no_estimates_can_have_is_refused_with_the_trial() -> None:
    with pytest.raises(NotPositiveDefinite, match="within b: the matrix is not positive definite"):
        cov.assumed_correlation(VI, TRIAL, -0.6)
    with pytest.raises(NotPositiveDefinite, match="within"):
        cov.assumed_correlation(VI, TRIAL, 1.0)
    cov.assumed_correlation([0.1, 0.2], [1, 2], 1.0)  # nothing to correlate with


@pytest.mark.parametrize(
    ("compute", "error", "sentence"),
    [
        (lambda: cov.assumed_correlation(VI, TRIAL), InvalidInput, "needs a correlation r"),
        (lambda: cov.assumed_correlation(VI, TRIAL, [0.1, 0.2, 0.3]), InvalidInput, "one for each of the 2 trials"),
        (lambda: cov.assumed_correlation(VI, TRIAL, 1.5), InvalidInput, "between -1 and 1"),
        (lambda: cov.assumed_correlation(VI, TRIAL, phi=-0.1, time=[1, 2, 3, 4, 5]), InvalidInput, "between 0 and 1"),
        (lambda: cov.assumed_correlation(VI, TRIAL, phi=0.5, time=[1, 2]), InvalidInput, "each of the 5 effects"),
        (lambda: cov.assumed_correlation(VI, TRIAL, phi=0.5), InvalidInput, "missing"),
        (lambda: cov.assumed_correlation(VI, TRIAL, 0.5, subgroup=["m"]), InvalidInput, "each of the 5 effects"),
        (lambda: cov.assumed_correlation([0.1, 0.0], ["a", "a"], 0.5), InvalidVariance, r"not above zero \(row 2\)"),
        (lambda: cov.contrast_covariance(VI, TRIAL, times=cov.Times(1.0, 2.0)), InvalidInput, "between 0 and 1"),
        (lambda: cov.contrast_covariance(VI, TRIAL, outcomes=cov.Outcomes(VI, 2.0)), InvalidInput, "between -1 and 1"),
        (
            lambda: cov.contrast_covariance(VI, TRIAL, times=cov.Times([1, 2, 3, 4, np.nan], 0.5)),
            InvalidInput,
            "not all given",
        ),
        (
            lambda: cov.contrast_covariance(VI, TRIAL, groups=cov.Groups(TRIAL, TRIAL)),
            InvalidInput,
            "a group with itself",
        ),
        (
            lambda: cov.contrast_covariance(VI, TRIAL, groups=cov.Groups(TRIAL, VI, 0.0)),
            InvalidInput,
            "not above zero",
        ),
        (lambda: cov.contrast_covariance(VI, TRIAL), NotPositiveDefinite, "not positive definite"),
        (lambda: cov.aggregate([1, 2], cov.assumed_correlation(VI, TRIAL, 0.5)), InvalidInput, "covariance of 5"),
        (lambda: shared_control.smd([0.1], [10], 0), InvalidInput, "less than one person"),
        (lambda: shared_control.md([-1], [10], 1, 10), InvalidInput, "negative"),
        (lambda: shared_control.lnrr([0], [1], [10], 1, 1, 10), InvalidInput, "no ratio"),
        (lambda: shared_control.lnor([10], [10], 1, 10), InvalidInput, "correct zero cells first"),
        (lambda: shared_control.endpoints_smd(1, 1, 10, 10, 2), InvalidInput, "outside -1 to 1"),
        (lambda: shared_control.split_control(10, 0), InvalidInput, "one arm or more"),
    ],
)
def test_what_cannot_be_is_refused(compute: Callable[[], object], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        compute()


# -- contrasts --------------------------------------------------------------------------------------------------


def test_arms_against_one_control_of_equal_size_correlate_by_half() -> None:
    groups = cov.Groups(["x", "y", "z"], ["placebo"] * 3)
    matrix = dense(cov.contrast_covariance([1, 1, 1], ["t"] * 3, groups=groups))
    assert matrix == pytest.approx(0.5 + 0.5 * np.eye(3))


def test_a_shared_control_weighs_by_its_size() -> None:
    # given arms of 20 and 30 against one control of 40, equal spread: the covariance is 1/40
    groups = cov.Groups(["x", "y"], ["placebo"] * 2, [20, 30], [40, 40])
    v1, v2 = 1 / 20 + 1 / 40, 1 / 30 + 1 / 40
    matrix = dense(cov.contrast_covariance([v1, v2], ["t"] * 2, groups=groups))
    assert matrix[0, 1] == pytest.approx(1 / 40)
    assert matrix == pytest.approx(shared_control.md([1, 1], [20, 30], 1, 40))


def test_the_same_group_on_the_other_side_counts_against() -> None:
    groups = cov.Groups(["x", "y"], ["y", "z"])
    assert dense(cov.contrast_covariance([1, 1], ["t"] * 2, groups=groups))[0, 1] == pytest.approx(-0.5)


def test_times_and_outcomes_multiply() -> None:
    matrix = dense(
        cov.contrast_covariance(
            [1, 1, 1],
            ["t"] * 3,
            times=cov.Times([0, 0, 2], 0.9),
            outcomes=cov.Outcomes(["il6", "crp", "crp"], 0.6),
        )
    )
    assert matrix[0, 1] == pytest.approx(0.6)
    assert matrix[1, 2] == pytest.approx(0.9**2)
    assert matrix[0, 2] == pytest.approx(0.6 * 0.9**2)


def test_outcomes_of_two_kinds_have_their_own_correlation() -> None:
    outcomes = cov.Outcomes([1, 2, 3], 0.7, ["cytokine", "cytokine", "cell"], 0.2)
    matrix = dense(cov.contrast_covariance([1, 1, 1], ["t"] * 3, outcomes=outcomes))
    assert matrix[0, 1] == pytest.approx(0.7)
    assert matrix[0, 2] == pytest.approx(0.2)


def test_the_two_groups_may_be_measured_at_two_times() -> None:
    groups = cov.Groups(["x", "y"], ["c", "c"])
    matrix = dense(
        cov.contrast_covariance([1, 1], ["t"] * 2, groups=groups, times=cov.Times([0, 0], 0.8, second=[0, 1]))
    )
    assert matrix[0, 1] == pytest.approx(0.5 * 0.8)


def test_labels_may_be_objects() -> None:
    outcomes = cov.Outcomes(np.array(["il6", 2], dtype=object), 0.4)
    assert dense(cov.contrast_covariance([1, 1], ["t"] * 2, outcomes=outcomes))[0, 1] == pytest.approx(0.4)


# -- one trial --------------------------------------------------------------------------------------------------


def test_the_variances_on_the_diagonal_are_those_of_each_comparison() -> None:
    smd = shared_control.smd([0.3, 0.5], [35, 38], 40)
    assert np.diag(smd) == pytest.approx([1 / 35 + 1 / 40 + 0.09 / 226, 1 / 38 + 1 / 40 + 0.25 / 226])
    assert smd[0, 1] == pytest.approx(1 / 40 + 0.15 / 226)
    ratio = shared_control.lnrr([20, 21], [4, 5], [35, 38], 18, 4.2, 40)
    assert ratio[0, 0] == pytest.approx(16 / (35 * 400) + 4.2**2 / (40 * 18**2))
    assert shared_control.lnor([10], [50], 12, 52)[0, 0] == pytest.approx(1 / 10 + 1 / 40 + 1 / 12 + 1 / 40)
    assert shared_control.lnrisk([10], [50], 12, 52)[0, 0] == pytest.approx(1 / 10 - 1 / 50 + 1 / 12 - 1 / 52)
    risk = shared_control.risk_difference([10, 20], [50, 50], 12, 52)
    assert risk[0, 1] == pytest.approx(12 / 52 * 40 / 52 / 52)


def test_endpoints_of_the_same_people() -> None:
    found = shared_control.endpoints_smd([0.4], [0.2], [30], [33], [0.6])
    assert found == pytest.approx([0.6 * (1 / 30 + 1 / 33) + 0.36 * 0.08 / 126])


def test_a_split_control_keeps_its_people() -> None:
    assert shared_control.split_control(30, 3) == 10.0


# -- aggregation ------------------------------------------------------------------------------------------------


def test_one_effect_per_trial_in_the_order_of_appearance() -> None:
    yi = [1.0, 2.0, 3.0, 4.0, 5.0]
    found = cov.aggregate(yi, cov.assumed_correlation(VI, TRIAL, 0.5))
    assert found.cluster.tolist() == ["b", "a"]
    assert found.size.tolist() == [3, 2]
    V = dense(cov.assumed_correlation(VI, TRIAL, 0.5))[np.ix_([1, 3], [1, 3])]
    W = np.linalg.inv(V)
    assert found.vi[1] == pytest.approx(1 / W.sum())
    assert found.yi[1] == pytest.approx((W @ [2.0, 4.0]).sum() / W.sum())


def test_the_plain_mean_has_the_variance_of_a_mean() -> None:
    found = cov.aggregate([1.0, 2.0], cov.assumed_correlation([0.04, 0.09], [1, 1], 0.5), weighted=False)
    assert found.yi == pytest.approx([1.5])
    assert found.vi == pytest.approx([(0.04 + 0.09 + 2 * 0.5 * 0.2 * 0.3) / 4])


@settings(deadline=None)
@given(st.integers(1, 10), st.floats(0, 0.9), st.floats(-5, 5), st.integers(0, 10_000))
def test_aggregates_move_with_the_effects(k: int, r: float, shift: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vi, trial, yi = rng.uniform(0.01, 1, k), rng.integers(0, 3, k), rng.normal(size=k)
    covariance = cov.assumed_correlation(vi, trial, r)
    here, there = cov.aggregate(yi, covariance), cov.aggregate(yi + shift, covariance)
    assert there.yi == pytest.approx(here.yi + shift)
    assert (here.vi <= cov.aggregate(yi, covariance, weighted=False).vi * (1 + 1e-9)).all()
    assert (here.vi > 0).all()
    assert sqrt(float(here.vi.max())) <= sqrt(float(vi.max())) + 1e-12
