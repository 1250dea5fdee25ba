"""Effect sizes of two groups, of tables and of single groups; agreement with R is in test_reference.py."""

from __future__ import annotations

from collections.abc import Callable
from math import gamma, log, pi, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stats import effect_size as es
from analysis.stats.errors import InvalidInput, UnknownOption

MEANS = st.floats(-50, 50)
SPREADS = st.floats(0.1, 20)
SIZES = st.integers(3, 200)
GROUPS = st.tuples(MEANS, SPREADS, SIZES, MEANS, SPREADS, SIZES)

Group = tuple[float, float, int, float, float, int]
OF_TWO_GROUPS: list[Callable[..., es.EffectSizes]] = [es.md, es.smd, es.smdh, es.lnrr, es.cvr, es.d_to_lnor]


def test_hedges_g_of_the_textbook_example() -> None:
    # given the example of Borenstein et al. (2009), p. 27: two groups of 50
    effects = es.smd(103, 5.5, 50, 100, 4.5, 50, variance="LS2")
    # then d = 0.5970 shrinks to g = 0.5924 with variance 0.0411
    assert effects.yi[0] == pytest.approx(0.5924, abs=1e-4)
    assert effects.vi[0] == pytest.approx(0.0411, abs=1e-4)
    assert effects.measure == "SMD"
    assert effects.se[0] == pytest.approx(sqrt(effects.vi[0]))


def test_the_correction_is_the_ratio_of_gamma_functions() -> None:
    for m in (2, 3, 10, 25):
        exact = gamma(m / 2) / (sqrt(m / 2) * gamma((m - 1) / 2))
        assert es.small_sample_correction(m) == pytest.approx(exact, rel=1e-13)
    assert es.small_sample_correction(10, "approximate") == pytest.approx(1 - 3 / 39)
    assert np.isnan(es.small_sample_correction([1, 0])).all()
    assert es.small_sample_correction(1e7) == pytest.approx(1 - 3 / 4e7, rel=1e-7)
    with pytest.raises(UnknownOption, match="exact, approximate"):
        es.small_sample_correction(10, "rough")


@settings(deadline=None)
@given(GROUPS, st.floats(-100, 100))
def test_differences_do_not_move_with_the_origin(g: Group, shift: float) -> None:
    m1, s1, n1, m2, s2, n2 = g
    for measure in (es.md, es.smd, es.smdh):
        here, there = measure(m1, s1, n1, m2, s2, n2), measure(m1 + shift, s1, n1, m2 + shift, s2, n2)
        assert there.yi == pytest.approx(here.yi, rel=1e-7, abs=1e-9)
        assert there.vi == pytest.approx(here.vi, rel=1e-7)


@settings(deadline=None)
@given(GROUPS, st.floats(0.01, 100))
def test_standardised_effects_do_not_know_the_unit(g: Group, unit: float) -> None:
    m1, s1, n1, m2, s2, n2 = g
    for measure in OF_TWO_GROUPS[1:]:
        here, there = measure(*g), measure(m1 * unit, s1 * unit, n1, m2 * unit, s2 * unit, n2)
        assert there.yi == pytest.approx(here.yi, rel=1e-7, abs=1e-9, nan_ok=True)
        assert there.vi == pytest.approx(here.vi, rel=1e-7, nan_ok=True)
    raw, scaled = es.md(*g), es.md(m1 * unit, s1 * unit, n1, m2 * unit, s2 * unit, n2)
    assert scaled.yi == pytest.approx(unit * raw.yi)
    assert scaled.vi == pytest.approx(unit**2 * raw.vi)


@settings(deadline=None)
@given(GROUPS)
def test_exchanging_the_groups_turns_the_sign_alone(g: Group) -> None:
    m1, s1, n1, m2, s2, n2 = g
    for measure in OF_TWO_GROUPS:
        forth, back = measure(*g), measure(m2, s2, n2, m1, s1, n1)
        assert back.yi == pytest.approx(-forth.yi, rel=1e-9, abs=1e-12, nan_ok=True)
        assert back.vi == pytest.approx(forth.vi, rel=1e-9, nan_ok=True)


@settings(deadline=None)
@given(st.lists(GROUPS, min_size=2, max_size=6), st.randoms())
def test_rows_are_computed_each_for_itself(rows: list[Group], random: object) -> None:
    table = np.array(rows)
    together = es.smd(*table.T)
    order = np.random.default_rng(len(rows)).permutation(len(rows))
    shuffled = es.smd(*table[order].T)
    assert shuffled.yi == pytest.approx(together.yi[order])
    assert shuffled.vi == pytest.approx(together.vi[order])


def test_unequal_spreads_meet_the_pooled_form_where_they_are_equal() -> None:
    equal = (12.0, 3.0, 20, 10.0, 3.0, 30)
    assert es.smdh(*equal).yi == pytest.approx(es.smd(*equal).yi)
    assert es.glass_delta(12, 20, 10, 3, 30).yi[0] == pytest.approx(float(es.small_sample_correction(29)) * 2 / 3)
    assert es.glass_delta_unequal(*equal).vi == pytest.approx(es.glass_delta(12, 20, 10, 3, 30).vi)


def test_the_unbiased_variance_is_unbiased() -> None:
    # given 200,000 experiments with a true difference of 0.6 SD, 8 against 6 people
    rng = np.random.default_rng(4)
    first, second = rng.normal(0.6, 1, (200_000, 8)), rng.normal(0, 1, (200_000, 6))
    effects = es.smd(first.mean(1), first.std(1, ddof=1), 8, second.mean(1), second.std(1, ddof=1), 6, variance="UB")
    # then g is right on average, and so is its variance
    assert effects.yi.mean() == pytest.approx(0.6, abs=0.005)
    assert effects.vi.mean() == pytest.approx(effects.yi.var(), rel=0.01)


def test_averaged_variances_do_not_depend_on_the_rows_own_effect() -> None:
    smd = es.smd([1, 9], 2, 10, 0, 2, 10, variance="AV")
    assert smd.vi[0] == pytest.approx(smd.vi[1])
    ratio = es.lnrr([1, 9], 2, 10, [1, 5], 2, 10, variance="AV")
    assert ratio.vi[0] == pytest.approx(ratio.vi[1])
    both = es.lnrr([1, 9], 2, [10, 20], [1, 5], 2, [10, 20], variance="AVHO")
    assert both.vi[0] == pytest.approx(2 * both.vi[1])
    assert es.correlation([0.1, 0.7], 20, variance="AV").vi == pytest.approx([(1 - 0.4**2) ** 2 / 19] * 2)
    risk = es.risk_difference([1, 5], [9, 5], [2, 2], [8, 8], variance="AV")
    assert risk.vi == pytest.approx([0.3 * 0.7 / 10 + 0.2 * 0.8 / 10] * 2)


def test_averages_over_no_usable_row_are_null() -> None:
    effects = es.smd(1, 0, 10, 0, 0, 10, variance="AV")
    assert np.isnan(effects.vi).all()


def test_the_corrected_log_ratio_of_lajeunesse() -> None:
    plain, corrected = es.lnrr(4, 2, 5, 3, 1, 8), es.lnrr(4, 2, 5, 3, 1, 8, bias_corrected=True)
    assert corrected.yi - plain.yi == pytest.approx([0.5 * (0.25 / 5 - (1 / 9) / 8)])
    assert plain.yi == pytest.approx([log(4 / 3)])


def test_pooled_and_own_spreads_give_different_variances() -> None:
    own, pooled = es.md(3, 1, 10, 2, 4, 40), es.md(3, 1, 10, 2, 4, 40, variance="HO")
    assert own.vi == pytest.approx([1 / 10 + 16 / 40])
    assert pooled.vi == pytest.approx([(9 * 1 + 39 * 16) / 48 * (1 / 10 + 1 / 40)])


def test_the_other_variances_by_hand() -> None:
    ratio = es.lnrr(4, 2, 5, 3, 1, 8, variance="HO")
    assert ratio.vi == pytest.approx([(4 * 4 + 7 * 1) / 11 * (1 / (5 * 16) + 1 / (8 * 9))])
    smdh = es.smdh(4, 2, 5, 3, 1, 8, variance="LS2")
    g2 = float(smdh.yi[0]) ** 2
    assert smdh.vi == pytest.approx([g2 * (4 / 5 + 1 / 8) / (2 * 25) + 2 * (4 / 5 + 1 / 8) / 5])
    risk = es.risk_difference(2, 8, 3, 9, variance="UB")
    assert risk.vi == pytest.approx([0.2 * 0.8 / 9 + 0.25 * 0.75 / 11])
    assert es.correlation(0.5, 26).vi == pytest.approx([0.75**2 / 25])
    assert es.fisher_z(0.5, 28).vi == pytest.approx([1 / 25])
    assert es.mean(5, 2, 16).vi == pytest.approx([0.25])
    assert es.log_mean(5, 2, 16).vi == pytest.approx([4 / (16 * 25)])
    d = 1.5 / 2
    assert es.smcr(3, 1.5, 2, 9, 0.5, variance="LS2").vi == pytest.approx(
        es.small_sample_correction([8]) ** 2 * (1 / 9 + d**2 / 18)
    )
    assert es.vr(2, 11, 1, 21).yi == pytest.approx([log(2) + 1 / 20 - 1 / 40])
    assert es.vr(2, 11, 1, 21).vi == pytest.approx([1 / 20 + 1 / 40])
    assert es.cvr(4, 2, 11, 3, 1, 21).vi == pytest.approx([1 / 20 + 1 / 40 + 0.25 / 11 + (1 / 9) / 21])
    assert es.lnirr(3, 5, 100, 200).yi == pytest.approx([log(3 / 100) - log(5 / 200)])
    assert es.lnirr(3, 5, 100, 200).vi == pytest.approx([1 / 3 + 1 / 5])


@pytest.mark.parametrize(
    ("effects", "reason"),
    [
        (es.smd(1, 0, 10, 0, 0, 10), "to divide by is zero"),
        (es.smd(1, 1, 1, 0, 1, 2), "too small to correct"),
        (es.smd_from_d(0.3, 1, 2), "too small to correct"),
        (es.smdh(1, 0, 10, 0, 0, 10), "to divide by is zero"),
        (es.smdh(1, 1, 1, 0, 1, 10), "too small to correct"),
        (es.glass_delta(1, 10, 0, 0, 10), "to divide by is zero"),
        (es.glass_delta_unequal(1, 1, 10, 0, 1, 2), "too small to correct"),
        (es.lnrr(0, 1, 10, 2, 1, 10), "same side of zero"),
        (es.lnrr(-1, 1, 10, 2, 1, 10), "same side of zero"),
        (es.cvr(-1, 1, 10, 2, 1, 10), "mean above zero"),
        (es.cvr(1, 0, 10, 2, 1, 10), "spread above zero"),
        (es.vr(0, 10, 1, 10), "spread above zero"),
        (es.vr(1, 1, 1, 10), "spread above zero"),
        (es.d_to_lnor(1, 0, 10, 0, 0, 10), "to divide by is zero"),
        (es.md(1, 1, 1, 0, 1, 1, variance="HO"), "two people give no spread"),
        (es.log_mean(0, 1, 10), "mean above zero"),
        (es.fisher_z(1, 20), "perfect correlation"),
        (es.smcc(1, 0, 1, 1, 10, 1), "to divide by is zero"),
        (es.smcr(1, 0, 0, 10, 0.5), "to divide by is zero"),
        (es.smcrh(1, 0, 1, 0, 10, 0.5), "to divide by is zero"),
        (es.smcr(1, 0, 1, 2, 0.5), "too small to correct"),
        (es.log_ratio_change(0, 1, 1, 1, 10, 0.5), "same side of zero"),
        (es.lnor(0, 5, 3, 4, zero_cells=es.ZeroCells(to="none")), "cell is zero"),
        (es.lnor(0, 5, 0, 4, zero_cells=es.ZeroCells(drop_double_zero=True)), "no events"),
        (es.lnirr(0, 3, 10, 10, zero_cells=es.ZeroCells(to="none")), "cell is zero"),
        (es.lnirr(0, 0, 10, 10, zero_cells=es.ZeroCells(drop_double_zero=True)), "no events"),
        (es.peto_lnor(0, 0, 0, 0), ""),
    ],
)
def test_an_undefined_effect_is_null_and_says_why(effects: es.EffectSizes, reason: str) -> None:
    if reason:
        assert np.isnan(effects.yi).all()
        assert np.isnan(effects.vi).all()
        assert reason in effects.reason[0]
        assert not effects.valid.any()
    else:
        assert effects.valid.all()  # half a person in every cell


def test_an_effect_without_a_variance_stays_but_is_not_valid() -> None:
    few = es.fisher_z(0.3, 3)
    assert few.yi == pytest.approx([np.arctanh(0.3)])
    assert np.isnan(few.vi).all()
    assert "too small" in few.reason[0]
    rigid = es.md(3, 0, 10, 2, 0, 10)
    assert (rigid.yi[0], rigid.vi[0]) == (1.0, 0.0)
    assert "nothing varied" in rigid.reason[0]
    unreported = es.md(3, None, 10, 2, 1, 10)
    assert unreported.yi.tolist() == [1.0]
    assert np.isnan(unreported.vi).all()
    assert unreported.reason.tolist() == ["a value is missing"]


@pytest.mark.parametrize(
    ("compute", "sentence"),
    [
        (lambda: es.md(1, [1, -1], 10, 0, 1, 10), r"standard deviation is negative \(row 2\)"),
        (lambda: es.smd(1, 1, 0, 0, 1, 10), "less than one person"),
        (lambda: es.smd_from_d(0.5, 10, 0), "less than one person"),
        (lambda: es.lnor(-1, 5, 3, 4), "count is negative"),
        (lambda: es.lnirr(-1, 5, 3, 4), "count is negative"),
        (lambda: es.lnirr(1, 5, 0, 4), "person-time is not above zero"),
        (lambda: es.fisher_z(1.2, 30), "outside -1 to 1"),
        (lambda: es.mean(1, -1, 30), "standard deviation is negative"),
        (lambda: es.mean_change(1, 2, 1, 1, 0, 0.5), "less than one person"),
        (lambda: es.smd(1, 1, 10, 0, 1, 10).coded(0), "direction must be"),
    ],
)
def test_impossible_numbers_are_refused(compute: Callable[[], object], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        compute()


@pytest.mark.parametrize(
    "compute",
    [
        lambda: es.md(1, 1, 10, 0, 1, 10, variance="UB"),
        lambda: es.smd(1, 1, 10, 0, 1, 10, variance="X"),
        lambda: es.smdh(1, 1, 10, 0, 1, 10, variance="AV"),
        lambda: es.lnrr(1, 1, 10, 1, 1, 10, variance="UB"),
        lambda: es.risk_difference(1, 2, 3, 4, variance="HO"),
        lambda: es.lnor(1, 2, 3, 4, zero_cells=es.ZeroCells(to="some")),
        lambda: es.correlation(0.2, 30, variance="UB"),
    ],
)
def test_an_unknown_variant_is_refused_with_those_there_are(compute: Callable[[], object]) -> None:
    with pytest.raises(UnknownOption, match="there are"):
        compute()


def test_direction_is_coded_on_the_effect_and_leaves_its_variance() -> None:
    effects = es.lnrr([4, 4], 1, 10, [2, 2], 1, 10)
    coded = effects.coded([1, -1])
    assert coded.yi == pytest.approx([log(2), -log(2)])
    assert coded.vi.tolist() == effects.vi.tolist()


# -- tables ----------------------------------------------------------------------------------------------------


def test_a_table_without_zeros_needs_no_correction() -> None:
    table = ([4, 0], [16, 20], [10, 3], [10, 17])
    assert es.lnor(*table).yi[0] == pytest.approx(log(4 / 16) - log(1))
    assert es.lnor(*table).vi[0] == pytest.approx(1 / 4 + 1 / 16 + 1 / 10 + 1 / 10)
    assert es.lnrisk(*table).yi[0] == pytest.approx(log(0.2 / 0.5))
    assert es.risk_difference(*table).yi[0] == pytest.approx(-0.3)
    assert es.or_to_d(*table).yi[0] == pytest.approx(log(0.25) * sqrt(3) / pi)


@pytest.mark.parametrize(
    ("to", "corrected"), [("only0", [False, True]), ("all", [True, True]), ("if0all", [True, True])]
)
def test_the_half_goes_to_the_rows_that_were_named(to: str, corrected: list[bool]) -> None:
    effects = es.lnor([4, 0], [16, 20], [10, 3], [10, 17], zero_cells=es.ZeroCells(to=to))
    plain, half = log(4 / 16), log(4.5 / 16.5)
    assert effects.yi[0] == pytest.approx(half if corrected[0] else plain)
    assert effects.yi[1] == pytest.approx(log(0.5 / 20.5) - log(3.5 / 17.5))


def test_if_no_row_has_a_zero_none_is_corrected() -> None:
    table = ([4, 5], [16, 20], [10, 3], [10, 17])
    assert es.lnor(*table, zero_cells=es.ZeroCells(to="if0all")).yi == pytest.approx(es.lnor(*table).yi)


def test_a_dropped_row_does_not_make_the_others_corrected() -> None:
    zero_cells = es.ZeroCells(to="if0all", drop_double_zero=True)
    effects = es.lnor([0, 5], [16, 20], [0, 3], [10, 17], zero_cells=zero_cells)
    assert effects.yi[1] == pytest.approx(log(5 / 20) - log(3 / 17))
    rates = es.lnirr([0, 5], [0, 3], 10, 10, zero_cells=zero_cells)
    assert rates.yi[1] == pytest.approx(log(5 / 3))


def test_the_one_step_odds_ratio_by_hand() -> None:
    effects = es.peto_lnor(4, 16, 10, 10, zero_cells=es.ZeroCells(to="none"))
    expected, variance = 14 * 20 / 40, 14 * 26 * 20 * 20 / (40**2 * 39)
    assert effects.yi == pytest.approx([(4 - expected) / variance])
    assert effects.vi == pytest.approx([1 / variance])


@settings(deadline=None)
@given(st.lists(st.integers(1, 60), min_size=4, max_size=4))
def test_odds_ratios_turn_their_sign_with_groups_and_with_outcomes(cells: list[int]) -> None:
    a, b, c, d = cells
    for measure in (es.lnor, es.or_to_d, es.peto_lnor):
        here = measure(a, b, c, d).yi
        assert measure(c, d, a, b).yi == pytest.approx(-here, rel=1e-9, abs=1e-12)
        assert measure(b, a, d, c).yi == pytest.approx(-here, rel=1e-9, abs=1e-12)
    assert es.arcsine_difference(b, a, d, c).yi == pytest.approx(
        -es.arcsine_difference(a, b, c, d).yi, rel=1e-9, abs=1e-9
    )


# -- one group ---------------------------------------------------------------------------------------------------


def test_change_scores_by_hand() -> None:
    pre, post, s_pre, s_post, n, r = 30.6, 38.5, 15.0, 11.6, 20, 0.47
    variance = s_pre**2 + s_post**2 - 2 * r * s_pre * s_post
    assert es.mean_change(post, pre, s_post, s_pre, n, r).vi == pytest.approx([variance / n])
    j = float(es.small_sample_correction(19))
    assert es.smcc(post, pre, s_post, s_pre, n, r).yi == pytest.approx([j * 7.9 / sqrt(variance)])
    g = j * 7.9 / 15
    assert es.smcr(post, pre, s_pre, n, r).yi == pytest.approx([g])
    assert es.smcr(post, pre, s_pre, n, r).vi == pytest.approx([2 * 0.53 / 20 + g**2 / 40])
    assert es.smcrh(post, pre, s_post, s_pre, n, r).yi == pytest.approx([g])
    assert es.log_ratio_change(post, pre, s_post, s_pre, n, r).yi == pytest.approx([log(post / pre)])


@settings(deadline=None)
@given(st.floats(0.1, 9), st.integers(3, 60))
def test_perfectly_correlated_equal_spreads_do_not_vary_in_change(s: float, n: int) -> None:
    effects = es.mean_change(5, 4, s, s, n, 1.0)
    assert effects.vi.tolist() == [0.0]  # not below zero by rounding
