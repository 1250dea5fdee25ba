"""Pooling of independent effects: published numbers, invariants, conventions at the edges."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stats import distributions
from analysis.stats.errors import (
    InvalidInput,
    InvalidVariance,
    NotEstimable,
    TooFewEffects,
    UnknownOption,
)
from analysis.stats.information import covariance_of, lower_root
from analysis.stats.pooling import common_effect, random_effects
from analysis.stats.prediction import predict
from tests.analysis.stats.review_effects import effects

# BCG: the 13 trials of metafor's dat.bcg (Colditz et al. 1994), events and persons without, vaccinated then control
BCG = np.array(
    [
        [4, 119, 11, 128],
        [6, 300, 29, 274],
        [3, 228, 11, 209],
        [62, 13536, 248, 12619],
        [33, 5036, 47, 5761],
        [180, 1361, 372, 1079],
        [8, 2537, 10, 619],
        [505, 87886, 499, 87892],
        [29, 7470, 45, 7232],
        [17, 1699, 65, 1600],
        [186, 50448, 141, 27197],
        [5, 2493, 3, 2338],
        [27, 16886, 29, 17825],
    ],
    dtype=float,
)
LATITUDE = np.array([44, 55, 42, 52, 13, 44, 19, 13, 27, 42, 18, 33, 33], dtype=float)
A, B, C, D = BCG.T
Y = np.log(A / (A + B)) - np.log(C / (C + D))
V = 1 / A - 1 / (A + B) + 1 / C - 1 / (C + D)


def test_random_effects_agrees_with_metafor_on_the_bcg_trials():
    pooled = random_effects(Y, V, method="REML", test="z")
    assert pooled.estimate[0] == pytest.approx(-0.7145, abs=5e-5)
    assert pooled.tau2 == pytest.approx(0.3132, abs=5e-5)
    assert pooled.Q == pytest.approx(152.2330, abs=5e-5)
    assert pooled.I2 == pytest.approx(92.22, abs=5e-3)


def test_latitude_explains_most_of_the_heterogeneity_as_metafor_says():
    fit = random_effects(Y, V, np.column_stack([np.ones(13), LATITUDE]), method="REML", test="z")
    assert fit.estimate == pytest.approx([0.2515, -0.0291], abs=5e-5)
    # metafor prints 0.0764, 75.62 and 16.3571: it stops its search at 1e-5
    assert fit.tau2 == pytest.approx(0.0764, abs=1e-4)
    assert fit.R2 == pytest.approx(75.62, abs=0.02)
    assert fit.moderators is not None
    assert fit.moderators.statistic == pytest.approx(16.3571, abs=5e-3)


def test_the_default_is_reml_with_knapp_and_hartung():
    pooled = random_effects(Y, V)
    assert (pooled.method, pooled.test, pooled.df) == ("REML", "knha", 12)
    plain = random_effects(Y, V, test="z")
    assert pooled.se == pytest.approx(plain.se * np.sqrt(pooled.scale))


def test_a_result_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        random_effects(Y, V).tau2 = 0.0


@given(effects(), st.sampled_from(["REML", "DL", "EE"]), st.sampled_from(["z", "t", "knha", "adhoc"]))
@settings(max_examples=80, deadline=None)
def test_shift_scale_sign_and_order(drawn, method, test):
    y, v, how = drawn.y, drawn.v, {"method": method, "test": test}
    fit = random_effects(y, v, **how)
    shifted = random_effects(y + 3.0, v, **how)
    scaled = random_effects(10.0 * y, 100.0 * v, **how)
    turned = random_effects(-y, v, **how)
    reordered = random_effects(y[::-1], v[::-1], **how)
    close = {"rel": 1e-7, "abs": 1e-9}
    assert shifted.estimate == pytest.approx(fit.estimate + 3.0, **close)
    assert shifted.se == pytest.approx(fit.se, **close)
    assert scaled.estimate == pytest.approx(10.0 * fit.estimate, **close)
    assert scaled.p_value == pytest.approx(fit.p_value, rel=1e-6)
    assert scaled.I2 == pytest.approx(fit.I2, rel=1e-6, abs=1e-7)
    assert turned.ci_low == pytest.approx(-fit.ci_high, **close)
    assert turned.p_value == pytest.approx(fit.p_value, rel=1e-7)
    assert reordered.estimate == pytest.approx(fit.estimate, **close)
    # and the interval contains the estimate, the prediction interval the interval
    assert fit.ci_low[0] <= fit.estimate[0] <= fit.ci_high[0]
    assert fit.prediction.low <= fit.ci_low[0] + 1e-12
    assert fit.prediction_hts is not None
    assert fit.prediction_hts.low <= fit.estimate[0] <= fit.prediction_hts.high
    assert fit.estimate[0] == pytest.approx(fit.weights @ y / fit.weights.sum())


@given(effects(least=5))
@settings(max_examples=30, deadline=None)
def test_duplication_halves_the_variance_of_a_common_effect(drawn):
    once = common_effect(drawn.y, drawn.v)
    twice = common_effect(np.tile(drawn.y, 2), np.tile(drawn.v, 2))
    assert twice.estimate == pytest.approx(once.estimate)
    assert twice.se == pytest.approx(once.se / np.sqrt(2))
    assert twice.Q == pytest.approx(2 * once.Q)


@given(effects(least=6))
@settings(max_examples=30, deadline=None)
def test_a_moderator_may_be_moved_and_scaled(drawn):
    fit = random_effects(drawn.y, drawn.v, drawn.X)
    moved = random_effects(drawn.y, drawn.v, np.column_stack([np.ones(drawn.x.size), 2000.0 + 10.0 * drawn.x]))
    assert moved.tau2 == pytest.approx(fit.tau2, rel=1e-6, abs=1e-9)
    assert moved.estimate[1] == pytest.approx(fit.estimate[1] / 10.0, rel=1e-6, abs=1e-9)
    assert moved.moderators.p_value == pytest.approx(fit.moderators.p_value, rel=1e-6)
    assert moved.loglik == pytest.approx(fit.loglik, rel=1e-8, abs=1e-8)


def test_moderator_columns_may_come_in_any_order():
    # given the intercept last
    first = random_effects(Y, V, np.column_stack([np.ones(13), LATITUDE]))
    last = random_effects(Y, V, np.column_stack([LATITUDE, np.ones(13)]))
    assert last.estimate == pytest.approx(first.estimate[::-1])
    assert last.moderators.statistic == pytest.approx(first.moderators.statistic)


def test_without_an_intercept_all_coefficients_are_tested_and_there_is_no_r2():
    early = (LATITUDE > 30).astype(float)
    fit = random_effects(Y, V, np.column_stack([early, 1.0 - early]), test="z")
    assert fit.R2 is None
    assert fit.moderators.df1 == 2
    assert fit.prediction is None


def test_a_redundant_column_is_reported():
    fit = random_effects(Y, V, np.column_stack([np.ones(13), LATITUDE, 2.0 * LATITUDE]))
    assert fit.redundant == (2,)
    assert fit.estimate.size == 2


def test_missing_rows_are_reported():
    fit = random_effects([0.1, float("nan"), 0.4], [0.1, 0.1, 0.2])
    assert (fit.k, fit.omitted) == (2, (1,))


def test_own_weights_move_the_estimate_and_keep_the_model():
    fit = random_effects(Y, V, weights=np.arange(1.0, 14.0), test="z")
    w = np.arange(1.0, 14.0)
    assert fit.estimate[0] == pytest.approx(w @ Y / w.sum())
    assert fit.se[0] == pytest.approx(np.sqrt(w**2 @ (V + fit.tau2)) / w.sum())
    assert not fit.inverse_variance
    assert random_effects(Y, V, weighted=False).estimate[0] == pytest.approx(Y.mean())


def test_inverse_variances_given_as_own_weights_change_nothing():
    usual = random_effects(Y, V)
    own = random_effects(Y, V, weights=1.0 / (V + usual.tau2))
    assert own.estimate == pytest.approx(usual.estimate)
    assert own.se == pytest.approx(usual.se)
    assert own.loglik == pytest.approx(usual.loglik)


def test_a_tau2_known_in_advance_is_used():
    fit = random_effects(Y, V, tau2=0.2, test="z")
    assert fit.tau2 == 0.2
    assert fit.se[0] == pytest.approx((1 / (V + 0.2)).sum() ** -0.5)
    assert fit.aic == pytest.approx(-2 * fit.loglik + 2)  # tau² costs no parameter


def test_a_common_effect_knows_no_tau2_even_if_one_is_given():
    assert random_effects(Y, V, method="FE", tau2=0.5).tau2 == 0.0


@pytest.mark.parametrize("tau2", [-0.1, float("nan"), float("inf")])
def test_an_impossible_tau2_is_refused(tau2):
    with pytest.raises(InvalidInput, match="between-study variance"):
        random_effects(Y, V, tau2=tau2)


def test_a_tau2_of_zero_and_a_variance_of_zero_are_refused():
    with pytest.raises(InvalidVariance, match="infinite weight"):
        random_effects([1.0, 2.0, 3.0], [0.1, 0.0, 0.2], tau2=0.0)
    assert random_effects([1.0, 2.0, 3.0], [0.1, 0.0, 0.2], method="DL", tau2=0.5).Q is None


@pytest.mark.parametrize("method", ["HE", "SJ", "REML", "EB"])
def test_one_effect_or_equal_effects_without_sampling_error_are_refused(method):
    with pytest.raises(NotEstimable, match="infinite weight"):
        random_effects([0.2], [0.0], method=method)
    with pytest.raises(NotEstimable, match="infinite weight"):
        random_effects([0.2, 0.2, 0.2], [0.0, 0.1, 0.2], method=method)


def test_one_effect_is_itself_under_the_normal_test():
    fit = random_effects([0.2], [0.04], test="z")
    assert fit.estimate[0] == pytest.approx(0.2)
    assert (fit.tau2, fit.Q, fit.Q_p, fit.I2, fit.H2) == (0.0, 0.0, 1.0, 0.0, 1.0)
    assert fit.prediction_hts is None
    assert fit.bic is None
    assert common_effect([0.2], [0.04]).bic is not None


@pytest.mark.parametrize("test", ["t", "knha", "adhoc"])
def test_one_effect_has_the_normal_test_whatever_is_asked(test):
    fit, normal = random_effects([0.2], [0.04], test=test), random_effects([0.2], [0.04], test="z")
    assert (fit.test, fit.df) == ("z", None)
    assert (fit.se[0], fit.ci_low[0], fit.p_value[0]) == (normal.se[0], normal.ci_low[0], normal.p_value[0])


def test_as_many_effects_as_coefficients_have_no_t_test():
    with pytest.raises(TooFewEffects, match="more effects than coefficients; 2 given"):
        random_effects([0.2, 0.3], [0.04, 0.05], [[1, 0], [1, 1]], method="EE")


def test_two_effects_have_a_prediction_interval_of_metafor_but_none_of_hts():
    fit = random_effects([0.2, 0.9], [0.04, 0.09])
    assert fit.prediction is not None
    assert fit.prediction_hts is None


def test_equal_effects_are_certain_under_knapp_and_hartung_and_say_so_by_having_no_test():
    fit = random_effects([0.3, 0.3, 0.3], [0.1, 0.2, 0.3])
    assert fit.se[0] == 0.0
    assert fit.stat is None
    assert fit.p_value is None
    assert (fit.ci_low[0], fit.ci_high[0]) == pytest.approx((0.3, 0.3))
    adhoc = random_effects([0.3, 0.3, 0.3], [0.1, 0.2, 0.3], test="adhoc")
    assert adhoc.stat is not None
    line = random_effects([1.0, 2.0, 3.0, 4.0], [0.1, 0.1, 0.2, 0.1], [[1, 1], [1, 2], [1, 3], [1, 4]])
    assert line.moderators is None


def test_knapp_and_hartung_ad_hoc_is_never_narrower_than_normal():
    # given effects more alike than chance
    y, v = [0.30, 0.31, 0.29, 0.32], [0.1, 0.1, 0.2, 0.1]
    assert random_effects(y, v, test="knha").se[0] < random_effects(y, v, test="z").se[0]
    assert random_effects(y, v, test="adhoc").se[0] == pytest.approx(random_effects(y, v, test="z").se[0])


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ({"method": "XX"}, UnknownOption, "estimator"),
        ({"test": "XX"}, UnknownOption, "test"),
        ({"level": 95}, InvalidInput, "level"),
        ({"weights": [1.0]}, InvalidInput, "13 effects but 1 weights"),
    ],
)
def test_what_is_not_understood_is_refused(how, error, words):
    with pytest.raises(error, match=words):
        random_effects(Y, V, **how)


def test_as_many_coefficients_as_effects_are_refused():
    X = [[1, 1, 2], [1, 2, 1], [1, 3, 5]]
    with pytest.raises(TooFewEffects, match="4 effects are needed"):
        random_effects([0.1, 0.2, 0.4], [0.1, 0.2, 0.1], X, test="z")
    # a common effect can still be fitted exactly, without a t test
    exact = common_effect([0.1, 0.2, 0.4], [0.1, 0.2, 0.1], X)
    assert exact.Q == 0.0
    assert exact.R2 == 0.0
    # and two effects on three columns lose the third
    assert common_effect([0.1, 0.2], [0.1, 0.2], X[:2]).redundant == (2,)


def test_r2_of_a_common_effect_is_the_adjusted_one_of_weighted_least_squares():
    X = np.column_stack([np.ones(13), LATITUDE])
    fit = common_effect(Y, V, X)
    w = 1 / V
    total = w @ (Y - w @ Y / w.sum()) ** 2
    left = w @ (Y - X @ fit.estimate) ** 2
    assert fit.R2 == pytest.approx(100 * (1 - (left / 11) / (total / 12)))
    assert common_effect([1.0, 1.0, 1.0, 1.0], np.ones(4), [[1, 0], [1, 1], [1, 2], [1, 3]]).R2 == 0.0
    weighted = common_effect(Y, V, X)
    assert random_effects(Y, V, X, method="EE", weights=w, test="z").R2 == pytest.approx(weighted.R2)


def test_r2_is_zero_where_there_was_nothing_to_explain():
    y, v = [0.30, 0.31, 0.29, 0.32], [0.1, 0.1, 0.2, 0.1]
    assert random_effects(y, v, [[1, 0], [1, 1], [1, 2], [1, 4]]).R2 == 0.0


def test_predictions_at_given_moderators_and_their_intervals():
    fit = random_effects(Y, V, np.column_stack([np.ones(13), LATITUDE]))
    at = predict(fit, [[1, 10], [1, 50]])
    assert at.estimate == pytest.approx(fit.estimate[0] + fit.estimate[1] * np.array([10, 50]))
    quantile = distributions.t_quantile(0.975, 11)
    assert at.ci_high == pytest.approx(at.estimate + quantile * at.se)
    assert at.pi_high == pytest.approx(at.estimate + quantile * np.sqrt(at.se**2 + fit.tau2))
    hts = predict(fit, [[1, 10], [1, 50]], kind="hts", level=0.9)
    assert hts.pi_high == pytest.approx(
        hts.estimate + distributions.t_quantile(0.95, 10) * np.sqrt(at.se**2 + fit.tau2)
    )


def test_the_prediction_of_a_mean_needs_no_point_and_is_that_of_the_fit():
    fit = random_effects(Y, V, test="z")
    at = predict(fit)
    assert at.df is None
    assert (at.ci_low[0], at.pi_low[0]) == pytest.approx((fit.ci_low[0], fit.prediction.low))
    assert predict(fit, kind="hts").pi_low[0] == pytest.approx(fit.prediction_hts.low)


def test_two_studies_have_no_prediction_interval_of_hts():
    at = predict(random_effects([0.2, 0.9], [0.04, 0.09]), kind="hts")
    assert at.pi_low is None
    assert at.pi_high is None


@pytest.mark.parametrize(
    ("X", "words"), [(None, "rows of the model matrix"), ([[1, 2, 3]], "rows of 2"), ([[1, float("nan")]], "finite")]
)
def test_predictions_at_nothing_are_refused(X, words):
    fit = random_effects(Y, V, np.column_stack([np.ones(13), LATITUDE]))
    with pytest.raises(InvalidInput, match=words):
        predict(fit, X)


def test_a_singular_case_is_refused_not_warned_of():
    with pytest.raises(NotEstimable):
        random_effects([0.3, 0.3, 0.3], [0.1, 0.0, 0.3], test="z")


@pytest.mark.parametrize("information", [np.zeros((2, 2)), np.diag([1.0, -1e-20])])
def test_information_that_weights_made_singular_is_refused(information):
    with pytest.raises(NotEstimable, match="no weight beside the others"):
        covariance_of(information)
    with pytest.raises(NotEstimable, match="no weight beside the others"):
        lower_root(information)


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_variances_eighteen_orders_apart_give_a_result_or_a_refusal(seed):
    random = np.random.default_rng(seed)
    k = int(random.integers(4, 9))
    y, v = random.normal(size=k), 10.0 ** random.uniform(-12, 6, k)
    try:
        fit = random_effects(y, v, np.column_stack([np.ones(k), random.normal(size=k)]))
    except NotEstimable:
        return
    assert np.isfinite(fit.estimate).all()
    assert (fit.se >= 0.0).all()
