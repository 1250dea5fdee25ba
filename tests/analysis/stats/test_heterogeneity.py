"""Between-study variance: estimators against each other, against definitions, and at their edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stats import distributions
from analysis.stats.errors import (
    InvalidInput,
    InvalidVariance,
    NotConverged,
    NotEstimable,
    TooFewEffects,
    UnknownOption,
)
from analysis.stats.heterogeneity import (
    METHODS,
    confidence_interval,
    estimate_tau2,
    heterogeneity,
    log_likelihood,
    maxima,
    method_name,
    standard_error,
)
from analysis.stats.heterogeneity.likelihood import likelihood_optimum, score_and_slope
from analysis.stats.inputs import effect_data
from analysis.stats.profile import ScanSums, falling_root, grid, profile
from tests.analysis.stats.review_effects import effects

RANDOM = [method for method in METHODS if method != "EE"]
# two local maxima of the restricted likelihood: near 0.011 and at 0; Fisher scoring runs in a circle
CIRCLING_Y = [-0.12, -0.06, 0.27, 0.52, 0.29, 0.09, 0.88, -1.12, 0.02, 0.11]
CIRCLING_V = [0.009, 0.168, 0.836, 0.233, 0.063, 0.097, 0.547, 1.335, 0.072, 0.383]


def dense_projection(X, w):
    """P written out, for a few effects."""
    W = np.diag(w)
    return W - W @ X @ np.linalg.inv(X.T @ W @ X) @ X.T @ W


@pytest.mark.parametrize("moderated", [False, True])
def test_the_sums_are_those_of_the_matrices_written_out(moderated):
    # given eight effects far from zero
    random = np.random.default_rng(1)
    y, v = 50.0 + random.normal(size=8), random.uniform(0.1, 1.0, 8)
    X = np.column_stack([np.ones(8), random.normal(size=8)]) if moderated else np.ones((8, 1))
    seen = profile(effect_data(y, v, X))
    # when
    s = seen.at(0.3)
    grid_sums = seen.scan(np.array([0.3, 0.7]))
    # then
    P = dense_projection(X, 1.0 / (v + 0.3))
    assert s.yPy == pytest.approx(y @ P @ y)
    assert s.yPPy == pytest.approx(y @ P @ P @ y)
    assert s.yPPPy == pytest.approx(y @ P @ P @ P @ y)
    assert s.trP == pytest.approx(np.trace(P))
    assert s.trPP == pytest.approx(np.trace(P @ P))
    assert s.sum_w2 == pytest.approx(((v + 0.3) ** -2).sum())
    assert grid_sums.yPPy[0] == pytest.approx(s.yPPy)
    assert grid_sums.trP[0] == pytest.approx(s.trP)
    assert grid_sums.sum_w[0] == pytest.approx(s.sum_w)
    b, vcov = seen.coefficients(s)
    assert vcov == pytest.approx(np.linalg.inv(X.T @ np.diag(1 / (v + 0.3)) @ X))
    assert b == pytest.approx(vcov @ X.T @ (y / (v + 0.3)))


@given(effects(least=4), st.booleans())
@settings(max_examples=60, deadline=None)
def test_no_tau2_is_more_likely_than_the_one_found(drawn, restricted):
    seen = profile(effect_data(drawn.y, drawn.v, drawn.X))
    best, sums = likelihood_optimum(seen, restricted=restricted)
    top = log_likelihood(seen, sums, restricted=restricted)
    for tau2 in np.concatenate([[0.0], np.geomspace(1e-6, 50.0, 200), best * np.array([0.999, 1.001])]):
        assert log_likelihood(seen, seen.at(tau2), restricted=restricted) <= top + 1e-9 * abs(top)


def test_the_slope_of_the_score_is_its_derivative():
    seen = profile(effect_data([0.1, 0.9, 0.4, 1.5], [0.1, 0.2, 0.15, 0.3]))
    for restricted in (True, False):
        _, slope = score_and_slope(seen.at(0.2), restricted)
        up, down = (score_and_slope(seen.at(0.2 + h), restricted)[0] for h in (1e-6, -1e-6))
        assert slope == pytest.approx((up - down) / 2e-6, rel=1e-5)


def test_the_higher_of_two_maxima_is_taken():
    # given effects whose restricted likelihood has a maximum at 0 and another above it
    y, v = np.array([0.0, 0.02, 0.01, 3.0, -3.0]), np.array([0.001, 0.001, 0.001, 4.0, 4.0])
    seen = profile(effect_data(np.append(y, [0.35]), np.append(v, [0.01])))
    scores = [score_and_slope(seen.at(t), True)[0] for t in np.geomspace(1e-7, 10, 400)]
    signs = np.sign(scores)
    assert (np.diff(signs) < 0).sum() + (signs[0] < 0) >= 2, "not the example it should be"
    top = log_likelihood(seen, likelihood_optimum(seen, restricted=True)[1], restricted=True)
    assert all(log_likelihood(seen, seen.at(t), restricted=True) <= top + 1e-12 for t in np.geomspace(1e-8, 10, 2000))


def test_two_maxima_inside_one_cell_are_both_found():
    # given effects with a maximum at 0 and another above it
    y, v = np.array([0.0, 0.02, 0.01, 3.0, -3.0, 0.35]), np.array([0.001, 0.001, 0.001, 4.0, 4.0, 0.01])
    seen = profile(effect_data(y, v))
    scores = [score_and_slope(seen.at(t), True)[0] for t in np.geomspace(1e-7, 10, 4000)]
    falls = int((np.diff(np.sign(scores)) < 0).sum())
    # when one cell is all that is looked at
    ends = maxima.look(seen, np.array([1e-7, 10.0]), restricted=True)
    cells = maxima.cells_with_a_maximum(seen, ends, 0.001, restricted=True)
    # then every fall of the score through zero has its own cell, with a guess inside
    assert falls >= 1
    assert len(cells) == falls
    for cell in cells:
        assert cell.low <= cell.guess <= cell.high
        assert score_and_slope(seen.at(cell.low), True)[0] > 0 >= score_and_slope(seen.at(cell.high), True)[0]


@given(effects(least=3), st.booleans())
@settings(max_examples=60, deadline=None)
def test_what_decides_a_cell_falls_as_tau2_grows(drawn, restricted):
    seen = profile(effect_data(drawn.y, drawn.v, drawn.X))
    looks = maxima.look(seen, np.geomspace(1e-4, 100.0, 60), restricted=restricted)[1:]
    assert (np.diff(looks, axis=1) <= 1e-9 * np.abs(looks[:, :-1])).all()


class _Flat:
    """A score that is zero everywhere, so that no cell can ever be decided."""

    def scan(self, tau2):
        falling = 10.0 - tau2
        return ScanSums(falling, 0.5 * falling, falling, falling, falling, falling)


def test_cells_that_cannot_be_decided_are_given_up(monkeypatch):
    ends = maxima.look(_Flat(), np.array([0.0, 1.0]), restricted=True)
    assert maxima.cells_with_a_maximum(_Flat(), ends, 1.0, restricted=True) == []
    monkeypatch.setattr(maxima, "HALVINGS", 2)
    assert maxima.cells_with_a_maximum(_Flat(), ends, 1.0, restricted=False) == []


def test_reml_finds_the_optimum_where_fisher_scoring_circles():
    assert estimate_tau2(CIRCLING_Y, CIRCLING_V).value == pytest.approx(0.010910677, abs=1e-8)


@pytest.mark.parametrize("moderated", [False, True])
def test_many_effects_are_scanned_in_blocks_to_the_same_sums(moderated):
    # given more effects than one block holds
    random = np.random.default_rng(2)
    k = 700
    y, v = random.normal(size=k), random.uniform(0.1, 1.0, k)
    X = np.column_stack([np.ones(k), random.normal(size=k)]) if moderated else None
    seen = profile(effect_data(y, v, X))
    some = np.linspace(0.0, 2.0, 300)
    # when
    scanned = seen.scan(some)
    # then
    for i in (0, 150, 299):
        sums = seen.at(some[i])
        for name in ("yPPy", "yPPPy", "trP", "trPP", "sum_w", "sum_w2"):
            assert getattr(scanned, name)[i] == pytest.approx(getattr(sums, name), rel=1e-10), name


@pytest.mark.parametrize("method", RANDOM)
@given(effects(least=4))
@settings(max_examples=15, deadline=None)
def test_tau2_follows_shift_scale_sign_and_order(method, drawn):
    y, v = drawn.y, drawn.v
    tau2 = estimate_tau2(y, v, method=method).value
    close = {"rel": 1e-6, "abs": 1e-9}
    assert tau2 >= 0.0
    assert estimate_tau2(y + 7.0, v, method=method).value == pytest.approx(tau2, **close)
    assert estimate_tau2(-y, v, method=method).value == pytest.approx(tau2, **close)
    assert estimate_tau2(y[::-1], v[::-1], method=method).value == pytest.approx(tau2, **close)
    assert estimate_tau2(10.0 * y, 100.0 * v, method=method).value == pytest.approx(100.0 * tau2, rel=1e-6, abs=1e-7)


@given(effects(least=4))
@settings(max_examples=40, deadline=None)
def test_equal_variances_make_the_estimators_agree(drawn):
    v = np.full(drawn.y.size, 0.1)
    hedges = estimate_tau2(drawn.y, v, method="HE").value
    for method in ("DL", "PM", "EB", "REML", "SJIT"):
        assert estimate_tau2(drawn.y, v, method=method).value == pytest.approx(hedges, abs=1e-9)


def test_pm_meets_its_own_equation_and_pmm_that_of_the_median():
    y, v = [0.1, 0.9, 0.4, 1.5, -0.2], [0.05, 0.07, 0.03, 0.1, 0.02]
    seen = profile(effect_data(y, v))
    assert seen.at(estimate_tau2(y, v, method="PM").value).yPy == pytest.approx(4.0)
    median = distributions.chi2_quantile(0.5, 4)
    assert seen.at(estimate_tau2(y, v, method="PMM").value).yPy == pytest.approx(median)


def test_dlit_is_a_fixed_point_of_its_step():
    y, v = [0.1, 0.9, 0.4, 1.5, -0.2], [0.05, 0.07, 0.03, 0.1, 0.02]
    tau2 = estimate_tau2(y, v, method="DLIT").value
    s = profile(effect_data(y, v)).at(tau2)
    assert tau2 == pytest.approx((s.yPy - 4) / s.trP)


@pytest.mark.parametrize("method", METHODS)
def test_equal_effects_have_no_variance_between_them(method):
    found = estimate_tau2([0.3, 0.3, 0.3], [0.1, 0.2, 0.3], method=method)
    assert found.value == 0.0


@pytest.mark.parametrize("method", METHODS)
def test_one_effect_has_no_variance_by_convention(method):
    found = estimate_tau2([0.3], [0.1], method=method)
    assert found.value == 0.0
    assert found.se is None


@pytest.mark.parametrize("method", RANDOM)
def test_standard_errors_at_a_known_tau2_are_those_at_an_estimated_one(method):
    # given an estimate that is not truncated
    y, v = [0.1, 0.9, 0.4, 1.5, -0.9], [0.05, 0.07, 0.03, 0.1, 0.02]
    seen = profile(effect_data(y, v))
    found = estimate_tau2(y, v, method=method)
    assert found.value > 0
    # then the same tau², said to be known, has the same standard error
    assert standard_error(seen, found.value, method) == pytest.approx(found.se)


def test_the_common_effect_has_no_standard_error_of_tau2():
    assert standard_error(profile(effect_data([1.0, 2.0], [1.0, 1.0])), 0.0, "EE") is None


def test_sj_of_effects_equal_to_their_mean_says_zero_also_with_tau2_known():
    seen = profile(effect_data([0.5, 0.5], [0.1, 0.2]))
    assert standard_error(seen, 0.1, "SJ") is None


def test_sj_with_moderators_starts_from_the_variance_about_the_plain_mean():
    x = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    y, v = 1.0 + 2.0 * x + np.array([0.1, -0.2, 0.3, -0.1, 0.2]), np.full(5, 0.01)
    X = np.column_stack([np.ones(5), x])
    crude = y.var()
    expected = crude * profile(effect_data(y, v, X)).at(crude).yPy / 3
    assert estimate_tau2(y, v, X, method="SJ").value == pytest.approx(expected)


def test_names_of_r_for_the_same_thing_are_understood():
    assert method_name("FE") == "EE"
    assert method_name("MP") == "PM"
    with pytest.raises(UnknownOption, match="REML"):
        method_name("XX")


def test_too_few_effects_are_refused_in_words_of_the_review():
    with pytest.raises(TooFewEffects, match="3 effects are needed to estimate between-study variance; 2 given"):
        estimate_tau2([1.0, 2.0], [1.0, 1.0], [[1, 0], [1, 1]])


@pytest.mark.parametrize("method", ["REML", "ML", "HE", "SJ", "EB"])
def test_a_zero_variance_is_taken_where_tau2_makes_up_for_it(method):
    found = estimate_tau2([0.1, 0.5, 0.9, 0.4, -0.3], [0.05, 0.0, 0.1, 0.08, 0.02], method=method)
    assert found.value > 0.0
    assert found.se is not None
    assert np.isfinite(found.se)


@pytest.mark.parametrize("method", ["REML", "ML", "EB"])
@pytest.mark.parametrize("y", [[0.3, 0.3, 0.3], [0.3, 0.31, 0.29]])
def test_a_zero_variance_and_no_heterogeneity_is_refused(method, y):
    with pytest.raises(NotEstimable, match="infinite weight"):
        estimate_tau2(y, [0.1, 0.0, 0.3], method=method)


def test_several_zero_variances_that_differ_leave_only_tau2():
    # given effects without any sampling error, tau² is their variance
    assert estimate_tau2([1.0, 2.0, 4.0], [0.0, 0.0, 0.0]).value == pytest.approx(np.var([1, 2, 4], ddof=1))


@pytest.mark.parametrize("method", ["DL", "PM", "HS", "HSk"])
def test_a_zero_variance_is_refused_where_it_is_a_weight(method):
    with pytest.raises(InvalidVariance, match="infinite weight"):
        estimate_tau2([0.1, 0.5, 0.9], [0.05, 0.0, 0.1], method=method)


def test_with_a_zero_variance_there_is_no_q_and_no_i2():
    found = heterogeneity(profile(effect_data([0.1, 0.5], [0.05, 0.0], zero_variance=True)), 0.1, "REML")
    assert found.Q is None
    assert found.I2 is None


def test_i2_is_q_less_df_over_q_for_dl_and_for_the_common_effect():
    y, v = [0.1, 0.9, 0.4, 1.5], [0.05, 0.07, 0.03, 0.1]
    seen = profile(effect_data(y, v))
    tau2 = estimate_tau2(y, v, method="DL").value
    for method in ("DL", "EE"):
        found = heterogeneity(seen, tau2, method)
        assert found.I2 == pytest.approx(100 * (found.Q - 3) / found.Q)
    assert heterogeneity(profile(effect_data([1.0, 1.0], [1.0, 1.0])), 0.0, "EE").I2 == 0.0


@given(effects(least=4), st.sampled_from(["QP", "PL"]))
@settings(max_examples=40, deadline=None)
def test_the_interval_contains_the_estimate_and_grows_with_the_level(drawn, kind):
    method = "PM" if kind == "QP" else "REML"
    tau2 = estimate_tau2(drawn.y, drawn.v, drawn.X, method=method).value
    narrow = confidence_interval(drawn.y, drawn.v, drawn.X, method=method, kind=kind, level=0.8)
    wide = confidence_interval(drawn.y, drawn.v, drawn.X, method=method, kind=kind, level=0.99)
    assert wide.tau2.low <= narrow.tau2.low <= narrow.tau2.high <= wide.tau2.high
    if kind == "PL":
        assert narrow.tau2.low <= tau2 <= narrow.tau2.high
    assert 0.0 <= wide.I2.low <= wide.I2.high < 100.0
    assert wide.tau.high == pytest.approx(np.sqrt(wide.tau2.high))


def test_profile_likelihood_bounds_lie_where_the_likelihood_has_fallen_enough():
    y, v = [0.1, 0.9, 0.4, 1.5, -0.9, 0.3], [0.05, 0.07, 0.03, 0.1, 0.02, 0.05]
    seen = profile(effect_data(y, v))
    top = log_likelihood(seen, likelihood_optimum(seen, restricted=False)[1], restricted=False)
    bounds = confidence_interval(y, v, method="ML", kind="PL", level=0.95).tau2
    for bound in (bounds.low, bounds.high):
        fallen = 2 * (top - log_likelihood(seen, seen.at(bound), restricted=False))
        assert fallen == pytest.approx(distributions.chi2_quantile(0.95, 1), rel=1e-6)


def test_an_interval_without_any_possible_tau2_is_zero_and_says_so():
    # given effects far more alike than their variances allow
    found = confidence_interval([0.3, 0.3001, 0.2999, 0.3], [0.5, 0.6, 0.7, 0.5], level=0.5)
    assert found.empty
    assert (found.tau2.low, found.tau2.high) == (0.0, 0.0)


def test_a_profile_likelihood_interval_needs_a_likelihood():
    with pytest.raises(InvalidInput, match="ML or the REML"):
        confidence_interval([1, 2, 3], [1, 1, 1], method="DL", kind="PL")


def test_the_grid_reaches_from_zero_to_the_bound_and_not_to_zero_where_nothing_is_defined():
    usual, singular = grid(np.array([0.1, 0.2]), 5.0), grid(np.array([0.0, 0.2]), 5.0)
    assert usual[0] == 0.0
    assert singular[0] > 0.0
    assert usual[-1] == pytest.approx(5.0)
    assert grid(np.zeros(2), 3.0)[-1] == pytest.approx(3.0)


def test_a_root_is_found_where_newton_alone_runs_away_or_stands_still():
    assert falling_root(lambda x: (1.0 - x**9, -9 * x**8), 0.0, 100.0, 90.0, 1e-9) == pytest.approx(1.0)
    # a step function: the slope says nothing
    assert falling_root(lambda x: (1.0 if x < 2 else -1.0, 0.0), 0.0, 8.0, 4.0, 0.0) == pytest.approx(2.0)


def test_a_search_without_end_says_so():
    with pytest.raises(NotConverged, match="200 steps"):
        falling_root(lambda x: (1.0, -1e-9), 0.0, float("inf"), 1.0, 1.0)


@pytest.mark.parametrize("method", METHODS)
@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(1e-8, 1e6)), min_size=2, max_size=12))
@settings(max_examples=40, deadline=None)
def test_whatever_the_effects_tau2_is_a_number(method, drawn):
    y, v = (np.array(column) for column in zip(*drawn, strict=True))
    found = estimate_tau2(y, v, method=method)
    assert np.isfinite(found.value)
    assert found.value >= 0.0
    assert found.se is None or np.isfinite(found.se)
