"""Conversions and the records they leave; agreement with the coded formulas is in test_reference.py."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stats import conversion as cv
from analysis.stats.distributions import t_quantile, t_tail, t_two_sided, z_quantile
from analysis.stats.effect_size import small_sample_correction, smcc
from analysis.stats.errors import InvalidInput, InvalidVariance, NotEstimable, UnknownOption

SPREADS = st.floats(0.01, 100)
SIZES = st.integers(3, 500)


def test_a_standard_error_is_a_standard_deviation_over_root_n() -> None:
    found = cv.se_to_sd([0.42, 1.1], [25, 12])
    assert found.value == pytest.approx([2.1, 1.1 * sqrt(12)])
    assert found.record.exact
    assert found.record.line() == "SD = SE × √n, with SE = 0.42, n = 25"
    assert found.record.line(1) == "SD = SE × √n, with SE = 1.1, n = 12"
    assert "6.5.2.2" in found.record.source


@settings(deadline=None)
@given(st.floats(-50, 50), SPREADS, SIZES, st.sampled_from([0.8, 0.9, 0.95, 0.99]), st.sampled_from(["t", "z"]))
def test_an_interval_gives_back_the_mean_and_sd_it_was_made_of(
    mean: float, sd: float, n: int, level: float, dist: str
) -> None:
    q = z_quantile((1 + level) / 2) if dist == "z" else t_quantile((1 + level) / 2, n - 1)
    half = q * sd / sqrt(n)
    moments = cv.ci_to_sd(mean - half, mean + half, n, level=level, dist=dist)
    assert moments.mean == pytest.approx([mean], abs=1e-9)
    assert moments.sd == pytest.approx([sd], rel=1e-6)
    assert not moments.record.exact
    assert not moments.skewed.any()


@settings(deadline=None)
@given(st.floats(0.01, 50), SPREADS, SIZES, SIZES)
def test_se_interval_t_and_p_of_a_difference_all_lead_to_one_sd(md: float, sd: float, n1: int, n2: int) -> None:
    # given a difference with this SD in both groups, in a range where its p is not nothing
    se = sd * sqrt(1 / n1 + 1 / n2)
    t = md / se
    if t > 30:
        return

    q = t_quantile(0.975, n1 + n2 - 2)
    spreads = [
        cv.md_se_to_sd(se, n1, n2),
        cv.md_ci_to_sd(md - q * se, md + q * se, n1, n2),
        cv.md_t_to_sd(md, t, n1, n2),
        cv.md_t_to_sd(-md, t, n1, n2),
        cv.md_p_to_sd(md, t_two_sided(t, n1 + n2 - 2), n1, n2),
    ]
    for spread in spreads[: 4 if t < 0.01 else 5]:
        assert spread.se == pytest.approx([se], rel=1e-5)
        assert spread.sd == pytest.approx([sd], rel=1e-5)
        assert "same SD" in spread.record.assumption


def test_a_p_value_that_is_a_bound_is_flagged() -> None:
    exact, bound = cv.md_p_to_sd(2, 0.05, 20, 20), cv.md_p_to_sd(2, 0.05, 20, 20, bound=True)
    assert bound.se == exact.se
    assert "bound" in bound.record.assumption
    assert "bound" not in exact.record.assumption
    assert "bound" in cv.p_to_d(0.05, 1, 20, 20, bound=True).record.assumption
    assert "bound" in cv.sd_change_from_p(2, 0.05, 20, bound=True).record.assumption
    assert cv.sd_change_from_p(2, 0.05, 20).record.exact


def test_the_interval_of_a_ratio_is_read_on_the_log_scale() -> None:
    found = cv.ratio_ci_to_log(0.5, 2.0, level=0.9)
    assert found.yi == pytest.approx([0.0])
    assert found.se == pytest.approx([log(4) / (2 * 1.6448536269514722)])


# -- test statistics -------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.floats(-8, 8), SIZES, SIZES)
def test_t_f_and_p_tell_the_same_difference(t: float, n1: int, n2: int) -> None:
    by_t = cv.t_to_d(t, n1, n2)
    sign = 1 if t >= 0 else -1
    by_f = cv.f_to_d(t * t, sign, n1, n2)
    assert by_f.d == pytest.approx(by_t.d, abs=1e-9)
    assert by_t.d == pytest.approx([t * sqrt(1 / n1 + 1 / n2)])
    assert by_t.g == pytest.approx(by_t.d * small_sample_correction(n1 + n2 - 2))
    assert by_t.record.exact
    assert "by hand" in by_f.record.assumption
    if abs(t) > 0.01:
        two = cv.p_to_d(t_two_sided(t, n1 + n2 - 2), sign, n1, n2)
        assert two.t == pytest.approx([t], rel=1e-5)
    if t > -3:  # beyond it a one-sided p is 1 to the last digit
        one = cv.p_to_d(t_tail(t, n1 + n2 - 2), 1, n1, n2, sided=1)
        assert one.t == pytest.approx([t], rel=1e-5, abs=1e-9)


def test_a_paired_t_gives_the_change_in_its_own_spread() -> None:
    found = cv.paired_t_to_d(3.0, 25)
    same = smcc(m_post=0.6, m_pre=0.0, sd_post=1.0, sd_pre=0.0, n=25, r=0.0)
    assert found.d == pytest.approx([0.6])
    assert found.g == pytest.approx(same.yi)
    assert found.vi == pytest.approx(same.vi)


def test_f_with_several_numerator_degrees_of_freedom_is_refused() -> None:
    with pytest.raises(NotEstimable, match=r"does not give a difference \(row 2\)"):
        cv.f_to_d([4, 5], 1, 20, 20, df1=[1, 2])


@settings(deadline=None)
@given(st.floats(-5, 5), st.floats(0.001, 4))
def test_odds_ratio_and_difference_lead_back_to_each_other(lnor: float, v: float) -> None:
    forth = cv.lnor_to_d(lnor, v)
    back = cv.d_to_lnor(forth.yi, forth.se**2)
    assert back.yi == pytest.approx([lnor], abs=1e-12)
    assert back.se**2 == pytest.approx([v])
    assert "logistic" in forth.record.assumption


# -- groups and changes ----------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.lists(st.floats(-20, 20), min_size=2, max_size=9), min_size=1, max_size=5))
def test_combined_groups_are_the_group_of_all_their_people(people: list[list[float]]) -> None:
    group = cv.combine_groups(
        [len(x) for x in people], [np.mean(x) for x in people], [np.std(x, ddof=1) for x in people]
    )
    everybody = np.concatenate(people)
    assert group.n == everybody.size
    assert group.mean == pytest.approx(everybody.mean(), abs=1e-9)
    assert group.sd == pytest.approx(everybody.std(ddof=1), abs=1e-6)
    assert group.record.exact


@settings(deadline=None)
@given(SPREADS, st.floats(0.3, 3), st.floats(-0.95, 0.95))
def test_the_spread_of_the_change_and_the_correlation_tell_each_other(sd: float, ratio: float, r: float) -> None:
    change = cv.sd_change(sd, sd * ratio, r)
    assert cv.correlation_from_sds(sd, sd * ratio, change.value).value == pytest.approx([r], abs=1e-7)


def test_the_spread_of_the_change_from_its_paired_test() -> None:

    by_t = cv.sd_change_from_t(2.0, -3.0, 25)
    by_p = cv.sd_change_from_p(-2.0, t_two_sided(3.0, 24), 25)
    assert by_t.value == pytest.approx([2.0 * 5 / 3])
    assert by_p.value == pytest.approx(by_t.value)


def test_spreads_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(InvalidInput, match="contradict each other"):
        cv.correlation_from_sds(1, 1, 3)


def test_the_reported_correlation_comes_first() -> None:
    found = cv.prepost_correlation(reported=0.7, sd_pre=4, sd_post=4, sd_of_change=4)
    assert (found.value, found.imputed) == (0.7, False)
    assert found.record.formula == "r as reported"


def test_then_the_three_spreads() -> None:
    found = cv.prepost_correlation(sd_pre=4, sd_post=4, sd_of_change=4, change=2, t=9, n=20)
    assert found.value == pytest.approx(0.5)
    assert not found.imputed
    assert "SD_change as reported" in found.record.line()


def test_then_the_paired_test() -> None:
    by_t = cv.prepost_correlation(sd_pre=4, sd_post=4.4, change=2, t=3, n=20)
    spread = 2 * sqrt(20) / 3
    assert by_t.value == pytest.approx((16 + 4.4**2 - spread**2) / (2 * 4 * 4.4))
    by_p = cv.prepost_correlation(sd_pre=4, sd_post=4.4, change=2, p=0.01, n=20)
    assert not by_p.imputed
    assert "two-sided p" in by_p.record.formula


def test_a_step_that_contradicts_is_passed_over_and_told() -> None:
    # the SD of the change is impossible, the paired t is not
    found = cv.prepost_correlation(sd_pre=4, sd_post=4.4, sd_of_change=14, change=2, t=3, n=20)
    assert not found.imputed
    assert found.value == pytest.approx(0.7520202, abs=1e-6)
    impossible = cv.prepost_correlation(sd_pre=4, sd_post=4.4, sd_of_change=14, impute=0.6)
    assert (impossible.value, impossible.imputed) == (0.6, True)
    assert "contradicts the other SDs (r = -4.56)" in impossible.record.assumption


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"sd_pre": 4.0},
        {"sd_pre": 4.0, "sd_post": 0.0, "sd_of_change": 4.0},
        {"sd_pre": 4.0, "sd_post": 4.0, "change": 2.0, "t": 3.0},
        {"sd_pre": 4.0, "sd_post": 4.0, "change": 0.0, "t": 0.0, "n": 20.0},
        {"sd_pre": 4.0, "sd_post": 4.0, "change": 2.0, "t": 0.0, "p": 1.0, "n": 20.0},
    ],
)
def test_where_nothing_tells_it_the_correlation_is_imputed_and_flagged(known: dict[str, float]) -> None:
    found = cv.prepost_correlation(**known)
    assert (found.value, found.imputed) == (cv.IMPUTED_R, True)
    assert "0.5 was imputed" in found.record.line()
    assert found.value in cv.R_SWEEP


# -- log scale -------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.floats(0.01, 1000), st.floats(0.0, 3))
def test_to_the_log_scale_and_back(mean: float, variation: float) -> None:
    logs = cv.raw_to_log(mean, mean * variation)
    back = cv.log_to_raw(logs.mean_log, logs.sd_log)
    assert back.mean == pytest.approx([mean])
    assert back.sd == pytest.approx([mean * variation], abs=1e-6 * mean)
    again = cv.geometric_sd_to_log(logs.geometric_mean, logs.geometric_sd)
    assert again.mean_log == pytest.approx(logs.mean_log, abs=1e-12)
    assert again.sd_log == pytest.approx(logs.sd_log, abs=1e-12)


def test_a_geometric_mean_with_its_interval() -> None:
    q = t_quantile(0.975, 24)
    found = cv.geometric_mean_ci_to_log(4.0, 4 / exp(q * 0.1), 4 * exp(q * 0.1), 25)
    assert found.mean_log == pytest.approx([log(4)])
    assert found.sd_log == pytest.approx([0.5])


# -- quantiles -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [6, 12, 20, 26, 60, 80, 400])
def test_the_quantiles_of_a_normal_sample_give_back_its_moments(n: int) -> None:
    # given the quantiles that n normal values with mean 50 and SD 10 have on average
    xi, eta = z_quantile((n - 0.375) / (n + 0.25)), z_quantile((0.75 * n - 0.125) / (n + 0.25))
    low, q1, q3, high = 50 - 10 * xi, 50 - 10 * eta, 50 + 10 * eta, 50 + 10 * xi
    for mean_by in ("luo", "wan", "hozo"):
        assert cv.from_range(low, 50, high, n, mean_by=mean_by).mean == pytest.approx([50])
    assert cv.from_range(low, 50, high, n).sd == pytest.approx([10])
    for mean_by in ("luo", "wan"):
        assert cv.from_quartiles(q1, 50, q3, n, mean_by=mean_by).mean == pytest.approx([50])
        five = cv.from_five_numbers(low, q1, 50, q3, high, n, mean_by=mean_by)
        assert five.mean == pytest.approx([50])
    for sd_by in ("shi", "wan"):
        assert cv.from_five_numbers(low, q1, 50, q3, high, n, sd_by=sd_by).sd == pytest.approx([10])
    assert cv.from_quartiles(q1, 50, q3, n).sd == pytest.approx([10])
    assert cv.range_to_sd(high - low, n).value == pytest.approx([10])
    assert cv.iqr_to_sd(q3 - q1, n).value == pytest.approx([10])
    assert not five.skewed.any()


def test_the_rules_of_hozo_change_with_the_size() -> None:
    sizes = [10, 20, 30, 71]
    found = cv.from_range(1, 5, 15, sizes, mean_by="hozo", sd_by="hozo")
    smallest = sqrt(((1 - 10 + 15) ** 2 / 4 + 14**2) / 12)
    assert found.mean == pytest.approx([6.5, 6.5, 5, 5])
    assert found.sd == pytest.approx([smallest, 14 / 4, 14 / 4, 14 / 6])


def test_skewed_values_are_marked_and_told_not_converted_in_silence() -> None:
    found = cv.from_range([1, 1], [2, 7.5], [15, 14], [60, 60])
    assert found.skewed.tolist() == [True, False]
    assert "denies for row 1" in found.record.assumption
    assert cv.from_quartiles(1, 1.5, 9, 60).skewed.all()
    assert cv.from_five_numbers(0, 1, 1.5, 9, 60, 60).skewed.all()


def test_the_five_number_screen_takes_the_larger_asymmetry() -> None:
    screen = cv.five_number_skewness(0, 4, 5, 6, 20, 50)
    assert screen.statistic == pytest.approx([2.65 * log(30) / sqrt(50) * 0.5])
    assert screen.critical == pytest.approx([3 / sqrt(50) - 40 / 50**3])
    other = cv.five_number_skewness(0, 4, 9, 10, 20, 50)
    assert other.statistic == pytest.approx([4 / 6])


def test_quantiles_without_width_have_no_spread_and_no_skew() -> None:
    found = cv.from_range(3, 3, 3, 20)
    assert (found.mean[0], found.sd[0], bool(found.skewed[0])) == (3.0, 0.0, False)


@settings(deadline=None)
@given(st.lists(st.floats(0, 100), min_size=5, max_size=5), st.integers(5, 300), st.floats(0.1, 10), st.floats(-50, 50))
def test_moments_from_quantiles_follow_unit_and_origin(numbers: list[float], n: int, unit: float, shift: float) -> None:
    low, q1, median, q3, high = np.sort(numbers)
    here = cv.from_five_numbers(low, q1, median, q3, high, n)
    low, q1, median, q3, high = unit * np.sort(numbers) + shift
    there = cv.from_five_numbers(low, q1, median, q3, high, n)
    assert there.mean == pytest.approx(unit * here.mean + shift, abs=1e-6)
    assert there.sd == pytest.approx(unit * here.sd, abs=1e-6)


# -- refusals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("compute", "error", "sentence"),
    [
        (lambda: cv.se_to_sd(-1, 5), InvalidVariance, "standard error is negative"),
        (lambda: cv.se_to_sd(1, 0), InvalidInput, "needs 1 or more people"),
        (lambda: cv.md_se_to_sd(-1, 5, 5), InvalidVariance, "standard error is negative"),
        (lambda: cv.ci_to_sd(2, 1, 5), InvalidInput, "lies above the upper one"),
        (lambda: cv.ci_to_sd(1, 2, 1), InvalidInput, "needs 2 or more people"),
        (lambda: cv.ci_to_sd(1, 2, 5, level=95), InvalidInput, "between 0 and 1"),
        (lambda: cv.ci_to_sd(1, 2, 5, dist="F"), UnknownOption, "there are t, z"),
        (lambda: cv.md_ci_to_sd(1, 2, 1, 1), InvalidInput, "three people in all"),
        (lambda: cv.md_p_to_sd(1, 0, 5, 5), InvalidInput, "must lie above 0"),
        (lambda: cv.md_p_to_sd(1, 1, 5, 5), InvalidInput, "does not tell its standard error"),
        (lambda: cv.md_t_to_sd(0, 1, 5, 5), InvalidInput, "does not tell its standard error"),
        (lambda: cv.ratio_ci_to_log(0, 1), InvalidInput, "above zero"),
        (lambda: cv.f_to_d(-1, 1, 5, 5), InvalidInput, "F is negative"),
        (lambda: cv.f_to_d(1, 0, 5, 5), InvalidInput, r"sign must be \+1 or -1"),
        (lambda: cv.p_to_d(0.1, 2, 5, 5), InvalidInput, r"sign must be \+1 or -1"),
        (lambda: cv.p_to_d(1, 1, 5, 5, sided=1), InvalidInput, "one-sided p value must lie between"),
        (lambda: cv.p_to_d(0.1, 1, 5, 5, sided=3), UnknownOption, "not 3-sided"),
        (lambda: cv.t_to_d(1, 1, 1), InvalidInput, "three people in all"),
        (lambda: cv.paired_t_to_d(1, 1), InvalidInput, "two people or more"),
        (lambda: cv.lnor_to_d(1, -1), InvalidVariance, "variance is negative"),
        (lambda: cv.combine_groups([1, 0], [1, 2], [1, 1]), InvalidInput, "less than one person"),
        (lambda: cv.combine_groups([5, 5], [1, 2], [1, -1]), InvalidInput, "deviation is negative"),
        (lambda: cv.combine_groups(1, 1, 0), InvalidInput, "two people in all"),
        (lambda: cv.sd_change(-1, 1, 0.5), InvalidInput, "deviation is negative"),
        (lambda: cv.sd_change(1, 1, 1.5), InvalidInput, "outside -1 to 1"),
        (lambda: cv.sd_change_from_t(1, 0, 5), InvalidInput, "does not tell"),
        (lambda: cv.sd_change_from_t(1, 1, 1), InvalidInput, "two people or more"),
        (lambda: cv.sd_change_from_p(0, 0.1, 5), InvalidInput, "does not tell"),
        (lambda: cv.sd_change_from_p(1, 0.1, 1), InvalidInput, "two people or more"),
        (lambda: cv.correlation_from_sds(0, 1, 1), InvalidInput, "no correlation"),
        (lambda: cv.prepost_correlation(reported=2), InvalidInput, "outside -1 to 1"),
        (lambda: cv.prepost_correlation(impute=-2), InvalidInput, "outside -1 to 1"),
        (lambda: cv.prepost_correlation(sd_pre=1, sd_post=1, sd_of_change=-1), InvalidInput, "negative"),
        (lambda: cv.prepost_correlation(sd_pre=-1, sd_post=1, sd_of_change=1), InvalidInput, "negative"),
        (lambda: cv.raw_to_log(0, 1), InvalidInput, "mean above zero"),
        (lambda: cv.raw_to_log(1, -1), InvalidInput, "deviation is negative"),
        (lambda: cv.log_to_raw(1, -1), InvalidInput, "deviation is negative"),
        (lambda: cv.log_to_raw(1, 60), InvalidInput, "too large to be taken back"),
        (lambda: cv.geometric_sd_to_log(1, 0.5), InvalidInput, "factor of 1 or more"),
        (lambda: cv.geometric_sd_to_log(0, 2), InvalidInput, "above zero"),
        (lambda: cv.geometric_mean_ci_to_log(5, 1, 4, 9), InvalidInput, "outside its own interval"),
        (lambda: cv.geometric_mean_ci_to_log(2, 1, 4, 1), InvalidInput, "2 or more people"),
        (lambda: cv.from_range(2, 1, 3, 9), InvalidInput, r"must ascend \(row 1\)"),
        (lambda: cv.from_quartiles(1, 2, 3, 4), InvalidInput, "less than 5 people"),
        (lambda: cv.from_range(1, 2, 3, 9, mean_by="x"), UnknownOption, "there are"),
        (lambda: cv.from_range(1, 2, 3, 9, sd_by="shi"), UnknownOption, "there are"),
        (lambda: cv.iqr_to_sd(-1, 9), InvalidInput, "width is negative"),
        (lambda: cv.range_to_sd(1, 2), InvalidInput, "less than 5 people"),
    ],
)
def test_what_cannot_be_is_refused(compute: Callable[[], object], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        compute()
