"""Publication bias; agreement with metafor and R's lm is in test_reference.py."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from math import log, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analysis.stats import bias
from analysis.stats.distributions import t_tail, t_two_sided, z_two_sided
from analysis.stats.errors import (
    InvalidInput,
    InvalidVariance,
    NotConverged,
    NotEstimable,
    RankDeficient,
    StatsError,
    TooFewEffects,
    UnknownOption,
)
from analysis.stats.inputs import Array
from analysis.stats.multilevel import three_level
from analysis.stats.pooling import random_effects
from analysis.stats.robust import robu, sandwich


def sample(k: int, seed: int, slope: float = 0.0) -> tuple[Array, Array]:
    """Effects whose size grows with their standard error by `slope`."""
    rng = np.random.default_rng(seed)
    vi = np.exp(rng.normal(-2.5, 0.9, k))
    return 0.3 + slope * np.sqrt(vi) + rng.normal(0, np.sqrt(vi + 0.02)), vi


# -- Egger --------------------------------------------------------------------------------------------------------


def test_the_classic_test_is_the_regression_of_z_on_precision() -> None:
    # Egger et al. (1997) regress y/se on 1/se without weights; its intercept is the slope here
    y, v = sample(20, seed=1, slope=1.0)
    found = bias.egger(y, v)
    design = np.column_stack([np.ones(20), 1 / np.sqrt(v)])
    b, rss, *_ = np.linalg.lstsq(design, y / np.sqrt(v), rcond=None)
    se = sqrt(float(rss[0]) / 18 * np.linalg.inv(design.T @ design)[0, 0])
    assert found.slope == pytest.approx(b[0])
    assert found.slope_se == pytest.approx(se)
    assert found.p_value == pytest.approx(t_two_sided(b[0] / se, 18))
    assert (found.df, found.k, found.tau2) == (18, 20, 0.0)
    assert found.limit is not None
    assert found.limit.estimate == pytest.approx(b[1])
    assert found.limit.ci_low < found.limit.estimate < found.limit.ci_high


def test_the_mixed_test_is_a_meta_regression() -> None:
    y, v = sample(20, seed=2, slope=1.0)
    found = bias.egger(y, v, model="rma", method="DL", test="z")
    fit = random_effects(y, v, np.column_stack([np.ones(20), np.sqrt(v)]), method="DL", test="z")
    assert found.slope == pytest.approx(fit.estimate[1])
    assert found.tau2 == pytest.approx(fit.tau2)
    assert found.df is None


@pytest.mark.parametrize("predictor", ["ni", "ninv", "sqrtni", "sqrtninv"])
def test_sample_sizes_predict_in_their_forms(predictor: str) -> None:
    y, v = sample(15, seed=3)
    n = np.round(4 / v)
    column = {"ni": n, "ninv": 1 / n, "sqrtni": np.sqrt(n), "sqrtninv": n**-0.5}[predictor]
    by_name, by_numbers = bias.egger(y, v, predictor=predictor, n=n), bias.egger(y, v, predictor=column)
    assert by_name.slope == pytest.approx(by_numbers.slope)
    assert by_numbers.predictor == "given"
    assert (by_name.limit is None) == (predictor in ("ni", "sqrtni"))


def test_moderators_take_their_part_first() -> None:
    y, v = sample(15, seed=4)
    x = np.random.default_rng(4).normal(size=15)
    found = bias.egger(y, v, np.column_stack([np.ones(15), x]), model="rma")
    assert found.coefficients.size == 3
    assert found.limit is None
    assert found.df == 12


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(-5, 5), st.floats(0.1, 10))
def test_asymmetry_follows_sign_origin_and_unit(seed: int, shift: float, unit: float) -> None:
    y, v = sample(12, seed)
    here = bias.egger(y, v)
    assert bias.egger(-y, v).slope == pytest.approx(-here.slope)
    moved = bias.egger(unit * y + shift, unit**2 * v)
    assert moved.slope == pytest.approx(here.slope, rel=1e-6, abs=1e-8)
    assert moved.p_value == pytest.approx(here.p_value, rel=1e-5)
    assert bias.begg(unit * y + shift, unit**2 * v).tau == pytest.approx(bias.begg(y, v).tau)
    order = np.random.default_rng(seed).permutation(12)
    assert bias.egger(y[order], v[order]).stat == pytest.approx(here.stat)


@pytest.mark.parametrize("model", ["CHE", "CORR"])
def test_dependent_effects_are_tested_by_the_sandwich(model: str) -> None:
    y, v = sample(40, seed=5, slope=1.0)
    trial = np.repeat(np.arange(16), [1, 2, 3, 4] * 4)
    x = design = np.column_stack([np.ones(40), np.sqrt(v)])
    tau2: float | None
    if model == "CHE":
        fitted = three_level(y, v, trial, design, rho=0.6)
        expected, tau2 = sandwich(fitted), fitted.tau2
    else:
        robust = robu(y, v, trial, design, rho=0.6)
        expected, tau2 = sandwich(robust), robust.tau2
    found = bias.egger_dependent(y, v, trial, model=model, rho=0.6)
    assert found.slope == pytest.approx(expected.estimate[1])
    assert found.slope_se == pytest.approx(expected.se[1])
    assert found.p_value == pytest.approx(expected.p_value[1])
    assert found.df == pytest.approx(expected.df[1])
    assert found.tau2 == pytest.approx(tau2)
    assert found.k == 40
    assert found.limit is not None
    assert found.limit.estimate == pytest.approx(expected.estimate[0])
    assert bias.egger_dependent(y, v, trial, x[:, :1], model=model).limit is None


def test_the_standard_error_of_the_design_does_not_know_the_effect() -> None:
    assert bias.design_se([20, 30], [22, 30]) == pytest.approx([sqrt(1 / 20 + 1 / 22), sqrt(2 / 30)])


# -- Begg ---------------------------------------------------------------------------------------------------------


def kendall(x: NDArray[Any], y: NDArray[Any]) -> float:
    pairs = np.sign(np.subtract.outer(x, x)) * np.sign(np.subtract.outer(y, y))
    return float(pairs.sum()) / 2


def test_the_exact_p_value_counts_all_orders() -> None:
    y, v = sample(6, seed=6)
    found = bias.begg(y, v)
    ranks = np.arange(6)
    scores = np.array([kendall(ranks, np.array(order)) for order in permutations(range(6))])
    observed = round(found.tau * 15)
    assert found.exact
    assert found.p_value == pytest.approx(min(1.0, 2 * min((scores <= observed).mean(), (scores >= observed).mean())))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(1, 4)), min_size=3, max_size=30))
def test_ranks_are_compared_as_pair_by_pair(rows: list[tuple[int, int]]) -> None:
    y, v = np.array([a / 4 for a, _ in rows]), np.array([b / 8 for _, b in rows])
    w = 1 / v
    standardised = (y - w @ y / w.sum()) / np.sqrt(v - 1 / w.sum())
    first, second = (np.unique(x, return_inverse=True)[1] for x in (standardised, v))
    free = [kendall(x, x) for x in (first, second)]
    if 0 in free:
        with pytest.raises(NotEstimable, match="nothing to rank"):
            bias.begg(y, v)
        return
    found = bias.begg(y, v)
    assert found.tau == pytest.approx(kendall(first, second) / sqrt(free[0] * free[1]), abs=1e-12)
    assert 0 < found.p_value <= 1
    assert found.exact == (len(set(first)) == len(set(second)) == len(rows))


def test_with_ties_the_normal_approximation_is_that_of_kendall() -> None:
    # given ranks 1 2 2 3 4 5 against 1 2 3 3 3 4, in variances and standardised effects
    v = np.array([1, 2, 2, 3, 4, 5]) / 10
    found = bias.begg([0.0, 0.0, 0.0, 0.5, 0.7, 0.9], v)
    assert not found.exact
    n, t = 6, [2]
    w = 1 / v
    y = np.array([0.0, 0.0, 0.0, 0.5, 0.7, 0.9])
    standardised = (y - w @ y / w.sum()) / np.sqrt(v - 1 / w.sum())
    u = [int(c) for c in np.unique(standardised, return_counts=True)[1] if c > 1]
    variance = (n * (n - 1) * (2 * n + 5) - sum(a * (a - 1) * (2 * a + 5) for a in t + u)) / 18
    variance += sum(a * (a - 1) for a in t) * sum(a * (a - 1) for a in u) / (2 * n * (n - 1))
    variance += (
        sum(a * (a - 1) * (a - 2) for a in t) * sum(a * (a - 1) * (a - 2) for a in u) / (9 * n * (n - 1) * (n - 2))
    )
    assert found.p_value == pytest.approx(z_two_sided(kendall(standardised, v) / sqrt(variance)))


def test_many_effects_take_the_normal_approximation(monkeypatch: pytest.MonkeyPatch) -> None:
    y, v = sample(60, seed=7)
    exact = bias.begg(y, v)
    monkeypatch.setattr("analysis.stats.bias.rank_correlation.EXACT_UP_TO", 10)
    normal = bias.begg(y, v)
    assert (exact.exact, normal.exact) == (True, False)
    assert normal.p_value == pytest.approx(exact.p_value, abs=0.02)


# -- trim and fill ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", ["L0", "R0", "Q0"])
def test_a_symmetric_funnel_lacks_nothing(estimator: str) -> None:
    # given effects that alternate around their mean, ever further out and ever less precise
    y = np.array([0.01, -0.1, 0.2, -0.3, 0.4, -0.5, 0.6, -0.7])
    found = bias.trim_and_fill(y, y**2 + 0.01, estimator=estimator, method="EE", test="z", side="left")
    assert found.missing == 0
    assert found.filled is found.original
    assert found.filled_yi.size == 0


@pytest.mark.parametrize("estimator", ["L0", "R0", "Q0"])
def test_what_was_cut_off_is_filled_in_as_a_mirror_image(estimator: str) -> None:
    # given a symmetric funnel of 15 without its three lowest
    half = np.array([0.1, 0.15, 0.22, 0.3, 0.5, 0.6, 0.7])
    y, v = np.concatenate([-half, [0.0], half]), np.concatenate([half**2, [0.01], half**2])
    y, v = y[y > -0.45], v[y > -0.45]
    found = bias.trim_and_fill(y, v, estimator=estimator, method="EE", test="z", side="left")
    assert found.missing in (2, 3, 4)
    # then the highest are reflected at the mean of the rest, with their variances
    order = np.argsort(y)
    rest, extreme = order[: -found.missing], order[-found.missing :]
    centre = float(random_effects(y[rest], v[rest], method="EE", test="z").estimate[0])
    assert found.filled_yi == pytest.approx(2 * centre - y[extreme])
    assert found.filled_vi == pytest.approx(v[extreme])
    assert found.filled.k == y.size + found.missing
    both = random_effects([*y, *found.filled_yi], [*v, *found.filled_vi], method="EE", test="z")
    assert found.filled.estimate == pytest.approx(both.estimate)
    assert float(found.filled.estimate[0]) < float(found.original.estimate[0])
    assert (found.missing_p is None) == (estimator != "R0")


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.floats(-5, 5), st.sampled_from(["L0", "R0"]))
def test_the_mirror_image_of_the_data_gives_the_mirror_image_of_the_result(
    seed: int, shift: float, estimator: str
) -> None:
    y, v = sample(15, seed, slope=1.5)
    here = bias.trim_and_fill(y, v, estimator=estimator)
    there = bias.trim_and_fill(shift - y, v, estimator=estimator)
    assert here.missing == there.missing
    assert {here.side, there.side} == {"left", "right"}
    assert there.filled.estimate == pytest.approx(shift - here.filled.estimate, abs=1e-6)
    assert there.filled_yi == pytest.approx(shift - here.filled_yi, abs=1e-6)
    assert there.filled_vi == pytest.approx(here.filled_vi)


def test_equal_effects_lack_nothing_on_either_side() -> None:
    for estimator in ("L0", "R0", "Q0"):
        assert bias.trim_and_fill([0.3] * 5, [0.1] * 5, estimator=estimator, test="z").missing == 0


def test_standard_errors_by_their_formulas() -> None:
    y, v = sample(20, seed=8, slope=2.0)
    run = bias.trim_and_fill(y, v, estimator="R0")
    assert run.missing_se == pytest.approx(sqrt(2 * run.missing + 2))
    assert run.missing_p == pytest.approx(0.5 ** (run.missing + 1))


def test_the_quadratic_estimator_says_where_it_is_not_defined() -> None:
    # given effects that nearly all lie above the weighted mean
    y = np.array([0.0, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6])
    v = np.array([1e-6, 1, 1, 1, 1, 1, 1, 1.0])
    with pytest.raises(NotEstimable, match="Use L0 or R0"):
        bias.trim_and_fill(y, v, estimator="Q0", method="EE", side="left")


def test_a_number_that_keeps_changing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    changing = iter(range(1, 200))
    monkeypatch.setattr("analysis.stats.bias.trim_fill._number_missing", lambda *_: (next(changing) % 3, None))
    with pytest.raises(NotConverged, match="keeps changing"):
        bias.trim_and_fill(*sample(10, seed=9))


# -- PET-PEESE ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("effect", "chosen"), [(0.8, "PEESE"), (0.0, "PET")])
def test_the_rule_chooses_by_the_intercept_of_pet(effect: float, chosen: str) -> None:
    rng = np.random.default_rng(10)
    v = np.exp(rng.normal(-4, 1, 40))
    y = effect + rng.normal(0, np.sqrt(v))
    for direction, sign in (("greater", 1), ("less", -1)):
        found = bias.pet_peese(sign * y, v, direction=direction)
        assert found.chosen == chosen
        assert found.estimate is (found.peese if chosen == "PEESE" else found.pet)
        stat = sign * found.pet.intercept / found.pet.intercept_se
        assert found.pet_p_one_sided == pytest.approx(t_tail(stat, 38))
    if effect:
        assert bias.pet_peese(y, v, direction="less").chosen == "PET"  # nothing on that side


def test_both_regressions_are_weighted_least_squares() -> None:
    y, v = sample(18, seed=11)
    found = bias.pet_peese(y, v, level=0.9)
    for regression, predictor in ((found.pet, np.sqrt(v)), (found.peese, v)):
        fit = random_effects(y, v, np.column_stack([np.ones(18), predictor]), method="EE", test="knha", level=0.9)
        assert regression.intercept == pytest.approx(fit.estimate[0])
        assert regression.slope_se == pytest.approx(fit.se[1])
        assert (regression.ci_low, regression.ci_high) == pytest.approx((fit.ci_low[0], fit.ci_high[0]))
        assert regression.df == 16


# -- refusals -----------------------------------------------------------------------------------------------------

Y3, V3 = [0.1, 0.4, 0.2], [0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("compute", "error", "sentence"),
    [
        (lambda: bias.egger(Y3, V3, model="glm"), UnknownOption, "there are lm, rma"),
        (lambda: bias.egger(Y3, V3, predictor="age"), UnknownOption, "there are sei"),
        (lambda: bias.egger(Y3, V3, predictor="ni"), InvalidInput, "needs the sample sizes"),
        (lambda: bias.egger(Y3, V3, predictor="ni", n=[1, 2]), InvalidInput, "2 sample sizes"),
        (lambda: bias.egger(Y3, V3, predictor="ni", n=[1, 0, 2]), InvalidInput, r"not above zero \(row 2\)"),
        (lambda: bias.egger(Y3, V3, predictor=[1, 2]), InvalidInput, "2 values of the predictor"),
        (lambda: bias.egger(Y3, [0.1, 0.1, 0.1]), RankDeficient, "asymmetry cannot be seen"),
        (lambda: bias.egger(Y3, [0.1, 0.1, 0.1], model="rma"), RankDeficient, "asymmetry cannot be seen"),
        (lambda: bias.egger(Y3[:2], V3[:2]), TooFewEffects, "2 given"),
        (lambda: bias.egger(Y3, [0.1, -0.2, 0.3]), InvalidVariance, "negative"),
        (lambda: bias.egger([1, 2, 3], [1, 4, 9]), NotEstimable, "exactly on the regression line"),
        (lambda: bias.pet_peese([1, 2, 3], [1, 4, 9]), NotEstimable, "exactly on the regression line"),
        (lambda: bias.pet_peese(Y3, V3, direction="up"), UnknownOption, "there are greater"),
        (lambda: bias.pet_peese(Y3, V3, alpha=5), InvalidInput, "between 0 and 1"),
        (lambda: bias.egger_dependent(Y3, V3, [1, 1, 2], model="X"), UnknownOption, "there are CHE"),
        (
            lambda: bias.egger_dependent([1, 2, 3, 4, 5, 7.0], [0.1] * 6, [1, 1, 2, 2, 3, 3]),
            RankDeficient,
            "asymmetry cannot be seen",
        ),
        (
            lambda: bias.egger_dependent([1, 2, 3, 4.0], [0.1] * 4, [1, 1, 2, 2], model="CORR"),
            RankDeficient,
            "moderators",
        ),
        (lambda: bias.design_se([0], [5]), InvalidInput, "less than one person"),
        (lambda: bias.begg(Y3[:2], V3[:2]), TooFewEffects, "three effects; 2 given"),
        (lambda: bias.trim_and_fill(Y3[:2], V3[:2]), TooFewEffects, "three effects; 2 given"),
        (lambda: bias.trim_and_fill(Y3, V3, estimator="L1"), UnknownOption, "there are L0"),
        (lambda: bias.trim_and_fill(Y3, V3, side="top"), UnknownOption, "there are left"),
        (lambda: bias.orwin(Y3, weighted=True), InvalidInput, "needs the sampling variances"),
        (lambda: bias.orwin(Y3, target=0), NotEstimable, "No number of trials"),
        (lambda: bias.orwin([-1, 1]), NotEstimable, "No number of trials"),
        (lambda: bias.orwin([np.nan]), TooFewEffects, "no effect to undo"),
        (lambda: bias.orwin([np.inf]), InvalidInput, "infinite"),
        (lambda: bias.rosenthal(Y3, V3, alpha=2), InvalidInput, "between 0 and 1"),
        (lambda: bias.contour_bands([-1]), InvalidVariance, "standard error is negative"),
        (lambda: bias.contour_bands([1], levels=[0.0]), InvalidInput, "between 0 and 1"),
        (lambda: bias.p_curve([0.1], [1]), TooFewEffects, "needs a significant effect"),
    ],
)
def test_what_cannot_be_done_is_refused(compute: Callable[[], object], error: type[StatsError], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        compute()


def test_logarithms_of_ratios_need_no_special_care() -> None:
    """A funnel of odds ratios is one of their logarithms: the tests see plain effects."""
    assert bias.contour_of([log(8.0)], [0.25]).tolist() == [3]
