"""Leaving out, adding up and case diagnostics: equal to refits; agreement with metafor is in test_reference.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stats.errors import (
    InvalidInput,
    InvalidVariance,
    StatsError,
    TooFewClusters,
    TooFewEffects,
    UnknownOption,
)
from analysis.stats.heterogeneity import METHODS
from analysis.stats.influence import (
    Cumulative,
    LeaveOneOut,
    cumulative,
    influence,
    leave_one_out,
    refit_without_each,
)
from analysis.stats.inputs import Array, Indices
from analysis.stats.pooling import Pooled, random_effects
from analysis.stats.robust import RobustFit, robu

TESTS = ("z", "knha", "t", "adhoc")


def sample(k: int, seed: int, tau: float = 0.3) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    vi = np.exp(rng.normal(-2.5, 0.7, k))
    return rng.normal(0.4, np.sqrt(vi + tau**2)), vi


def same_as_refit(found: LeaveOneOut | Cumulative, g: int, fit: Pooled) -> None:
    assert found.reason[g] == ""
    estimate, se = np.atleast_1d(found.estimate[g]), np.atleast_1d(found.se[g])
    assert found.tau2[g] == pytest.approx(fit.tau2, rel=1e-7, abs=1e-9)
    assert estimate == pytest.approx(fit.estimate, rel=1e-7, abs=1e-9)
    assert se == pytest.approx(fit.se, rel=1e-7, abs=1e-10)
    assert np.atleast_1d(found.ci_low[g]) == pytest.approx(fit.ci_low, rel=1e-6, abs=1e-8)
    assert np.atleast_1d(found.ci_high[g]) == pytest.approx(fit.ci_high, rel=1e-6, abs=1e-8)
    if fit.stat is not None and fit.p_value is not None:
        assert np.atleast_1d(found.stat[g]) == pytest.approx(fit.stat, rel=1e-6, abs=1e-8)
        assert np.atleast_1d(found.p_value[g]) == pytest.approx(fit.p_value, rel=1e-5, abs=1e-9)
    for name in ("Q", "I2", "H2", "Q_p"):
        assert getattr(found, name)[g] == pytest.approx(getattr(fit, name), rel=1e-6, abs=1e-8)
    assert found.k[g] == fit.k
    assert found.df[g] == pytest.approx(np.nan if fit.df is None else fit.df, nan_ok=True)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("test", TESTS)
def test_leaving_out_one_effect_is_refitting_without_it(method: str, test: str) -> None:
    y, v = sample(12, seed=1)
    found = leave_one_out(y, v, method=method, test=test, level=0.9)
    assert found.left_out.tolist() == list(range(12))
    for i in range(12):
        keep = np.arange(12) != i
        same_as_refit(found, i, random_effects(y[keep], v[keep], method=method, test=test, level=0.9))


@pytest.mark.parametrize("method", METHODS)
def test_leaving_out_one_trial_is_refitting_without_its_effects(method: str) -> None:
    y, v = sample(20, seed=2)
    trial = np.random.default_rng(2).choice(["p", "q", "r", "s", "t"], 20)
    X = np.column_stack([np.ones(20), np.random.default_rng(3).normal(size=(20, 2))])
    for design in (None, X):
        found = leave_one_out(y, v, design, cluster=trial, method=method)
        assert found.left_out.tolist() == ["p", "q", "r", "s", "t"]
        for g, name in enumerate(found.left_out):
            keep = trial != name
            fit = random_effects(y[keep], v[keep], None if design is None else design[keep], method=method)
            same_as_refit(found, g, fit)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("test", ["z", "t", "knha"])
def test_each_step_of_adding_up_is_a_refit_of_the_first_effects(method: str, test: str) -> None:
    y, v = sample(14, seed=4)
    year = np.random.default_rng(4).integers(1990, 1996, 14)
    found = cumulative(y, v, year, method=method, test=test)
    order = np.argsort(year, kind="stable")
    assert found.order.tolist() == order.tolist()
    for step in range(14):
        rows = order[: step + 1]
        same_as_refit(found, step, random_effects(y[rows], v[rows], method=method, test=test))


def test_effects_are_added_in_the_order_given_without_a_key() -> None:
    y, v = sample(5, seed=5)
    assert cumulative(y, v, test="z").order.tolist() == [0, 1, 2, 3, 4]


@settings(deadline=None, max_examples=60)
@given(
    st.integers(3, 25),
    st.integers(0, 100_000),
    st.sampled_from([0.0, 0.1, 1.0, 20.0]),
    st.sampled_from(["REML", "ML", "DL", "PM", "SJ", "EE"]),
    st.sampled_from(["z", "knha"]),
)
def test_refits_agree_on_any_data(k: int, seed: int, tau: float, method: str, test: str) -> None:
    y, v = sample(k, seed, tau)
    found = leave_one_out(y, v, method=method, test=test)
    for i in range(k):
        keep = np.arange(k) != i
        same_as_refit(found, i, random_effects(y[keep], v[keep], method=method, test=test))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 100_000), st.floats(-20, 20), st.floats(0.05, 20))
def test_results_follow_origin_unit_and_order(seed: int, shift: float, unit: float) -> None:
    y, v = sample(9, seed)
    here = leave_one_out(y, v)
    moved = leave_one_out(unit * y + shift, unit**2 * v)
    assert moved.estimate == pytest.approx(unit * here.estimate + shift, rel=1e-6, abs=1e-6 * unit)
    assert moved.tau2 == pytest.approx(unit**2 * here.tau2, rel=1e-5, abs=1e-8 * unit**2)
    turned = leave_one_out(-y[::-1], v[::-1])
    assert turned.estimate[::-1] == pytest.approx(-here.estimate, abs=1e-8)
    assert (here.ci_low <= here.estimate).all()
    assert (here.estimate <= here.ci_high).all()


def test_several_optima_are_settled_by_the_global_one() -> None:
    # given the magnesium trials of Egger et al. (2001), log odds ratios: without the 14th (LIMIT-2) their
    # likelihood has two maxima
    y = np.array(
        [
            -0.8303,
            -1.0561,
            -1.2783,
            -0.0435,
            0.2231,
            -2.4075,
            -1.2809,
            -1.1917,
            -0.6957,
            -2.2083,
            -2.0382,
            -0.8502,
            -0.7932,
            -0.2993,
            -1.5708,
            0.0576,
        ]
    )
    v = np.array(
        [
            1.55505,
            0.17145,
            0.65309,
            2.0435,
            0.23929,
            1.14963,
            1.425,
            2.75989,
            0.28749,
            1.23132,
            0.60953,
            0.38248,
            0.39171,
            0.02148,
            0.32952,
            0.001,
        ]
    )
    found = leave_one_out(y, v, method="ML", test="z")
    for i in range(16):
        keep = np.arange(16) != i
        same_as_refit(found, i, random_effects(y[keep], v[keep], method="ML", test="z"))
    assert found.tau2[13] > 0.1  # the other maximum lies at zero


def test_what_does_not_settle_together_is_fitted_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    y, v = sample(10, seed=13)
    expected = leave_one_out(y, v).estimate
    monkeypatch.setattr("analysis.stats.influence.many_tau2.STEPS", 1)
    assert leave_one_out(y, v).estimate == pytest.approx(expected)


def test_an_effect_that_held_nearly_all_the_weight_can_be_left_out() -> None:
    y, v = sample(8, seed=6)
    v[3] = 1e-9
    found = leave_one_out(y, v)
    keep = np.arange(8) != 3
    same_as_refit(found, 3, random_effects(y[keep], v[keep]))
    # and moderators of which one rests on few effects
    X = np.column_stack([np.ones(8), [0, 0, 0, 1, 1, 0, 0, 0]]).astype(float)
    by_row = leave_one_out(y, v, X)
    same_as_refit(by_row, 3, random_effects(y[keep], v[keep], X[keep]))


def test_equal_effects_have_no_heterogeneity_whichever_is_left_out() -> None:
    for method in METHODS:
        found = leave_one_out([0.3] * 5, [0.1, 0.2, 0.05, 0.07, 0.1], method=method, test="z")
        assert found.estimate == pytest.approx([0.3] * 5)
        assert found.tau2 == pytest.approx([0.0] * 5, abs=1e-12)
        assert pytest.approx([0.0] * 5, abs=1e-12) == found.Q
        assert pytest.approx([0.0] * 5, abs=1e-9) == found.I2
    certain = leave_one_out([0.3] * 5, [0.1, 0.2, 0.05, 0.07, 0.1], test="knha")
    assert certain.se.tolist() == [0.0] * 5
    assert np.isnan(certain.stat).all()


def test_of_two_effects_one_is_left() -> None:
    found = leave_one_out([0.2, 0.9], [0.04, 0.09], test="z")
    assert found.estimate == pytest.approx([0.9, 0.2])
    assert found.se == pytest.approx([0.3, 0.2])
    assert found.H2.tolist() == [1.0, 1.0]
    assert found.k.tolist() == [1.0, 1.0]


def test_what_cannot_be_fitted_is_null_with_its_reason() -> None:
    # the only treated effect cannot be left out
    y, v = sample(6, seed=7)
    X = np.column_stack([np.ones(6), [1, 0, 0, 0, 0, 0]])
    found = leave_one_out(y, v, X)
    assert found.reason[0] == "Without it some moderators cannot be told apart."
    assert np.isnan(found.estimate[0]).all()
    assert np.isnan(found.tau2[0])
    assert np.isnan(found.Q_p[0])
    assert (found.reason[1:] == "").all()
    # two effects are left without trial b: two coefficients and tau² are one too many
    uneven = leave_one_out(y, v, np.column_stack([np.ones(6), y]), cluster=["a", "b", "b", "b", "b", "c"])
    assert "needed" in uneven.reason[1]
    assert uneven.reason[0] == uneven.reason[2] == ""


def test_one_effect_that_is_left_has_the_normal_test() -> None:
    found = leave_one_out([0.2, 0.9, 0.4], [0.04, 0.09, 0.05], cluster=["a", "b", "b"], test="knha")
    assert found.k.tolist() == [2.0, 1.0]
    assert found.df[0] == 1.0
    assert np.isnan(found.df[1])
    alone = random_effects([0.2], [0.04], test="z")
    assert found.ci_low[1] == pytest.approx(alone.ci_low[0])
    assert alone.p_value is not None
    assert found.p_value[1] == pytest.approx(alone.p_value[0])


def test_rows_with_missing_values_are_left_out_and_named_by_their_place() -> None:
    y, v = sample(5, seed=8)
    y = np.insert(y, 2, np.nan)
    v = np.insert(v, 2, 0.1)
    assert leave_one_out(y, v).left_out.tolist() == [0, 1, 3, 4, 5]
    assert cumulative(y, v, [6, 5, 4, 3, 2, 1], test="z").order.tolist() == [5, 4, 3, 1, 0]
    by_trial = leave_one_out(y, v, cluster=["a", "b", "c", "a", "b", "a"])
    assert by_trial.left_out.tolist() == ["a", "b"]


# -- any model ------------------------------------------------------------------------------------------------------


def test_a_robust_model_without_each_trial() -> None:
    y, v = sample(15, seed=9)
    trial = np.repeat([3, 1, 4, 2, 5], 3)
    found = refit_without_each(lambda rows: robu(y[rows], v[rows], trial[rows]), trial)
    assert [one.left_out for one in found] == [1, 2, 3, 4, 5]
    fit = found[1].fit
    assert isinstance(fit, RobustFit)
    assert fit.estimate == pytest.approx(robu(y[trial != 2], v[trial != 2], trial[trial != 2]).estimate)


def test_a_model_that_cannot_do_without_a_trial_says_why() -> None:
    def fit(rows: Indices) -> int:
        if 0 not in rows:
            raise TooFewClusters("Two trials are needed; one is left.")
        return rows.size

    found = refit_without_each(fit, ["a", "b", "b"])
    assert (found[0].fit, found[0].reason) == (None, "Two trials are needed; one is left.")
    assert (found[1].fit, found[1].reason) == (1, "")
    with pytest.raises(TooFewClusters, match="needs two trials"):
        refit_without_each(fit, ["a", "a"])


# -- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("compute", "error", "sentence"),
    [
        (lambda: leave_one_out([0.1], [0.1]), TooFewEffects, "needs two effects"),
        (lambda: leave_one_out([0.1, 0.2], [0.1, 0.2], cluster=["a", "a"]), TooFewClusters, "needs two trials"),
        (lambda: leave_one_out([0.1, 0.2], [0.1, 0.2], [[1, 0], [1, 1]]), TooFewEffects, "With any one left out"),
        (lambda: leave_one_out([0.1, 0.2], [0.1, 0.0]), InvalidVariance, "zero"),
        (lambda: leave_one_out([0.1, 0.2], [0.1, 0.1], method="XX"), UnknownOption, "there are"),
        (lambda: leave_one_out([0.1, 0.2], [0.1, 0.1], test="F"), UnknownOption, "there are"),
        (lambda: leave_one_out([0.1, 0.2], [0.1, 0.1], level=95), InvalidInput, "between 0 and 1"),
        (lambda: influence([0.1], [0.1], test="z"), TooFewEffects, "needs two effects"),
        (lambda: influence([0.1, 0.9, 0.2], [0.0, 0.1, 0.1], test="z"), InvalidVariance, "difference of infinities"),
        (lambda: cumulative([0.1, 0.2], [0.1, 0.1], [1]), InvalidInput, "1 values to sort by"),
        (lambda: cumulative([0.1, 0.2], [0.1, 0.1], [1, np.nan]), InvalidInput, "for every effect"),
    ],
)
def test_what_cannot_be_done_is_refused(compute: Callable[[], Any], error: type[StatsError], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        compute()
