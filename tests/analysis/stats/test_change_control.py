"""Pretest-posttest-control effects; agreement with Morris (2008) and metafor is in test_reference.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import exp, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stats import effect_size as es
from analysis.stats.errors import InvalidInput, UnknownOption

TREATED = es.PrePost(m_pre=30.6, m_post=38.5, sd_pre=15.0, sd_post=11.6, n=20, r=0.47)
CONTROL = es.PrePost(m_pre=23.1, m_post=19.7, sd_pre=13.8, sd_post=14.8, n=20, r=0.40)
ALL: list[Callable[..., es.EffectSizes]] = [
    es.ppc1,
    es.ppc2,
    es.smcc_difference,
    es.raw_change_difference,
    es.log_ratio_difference,
]


def test_the_first_study_of_morris() -> None:
    effects = es.ppc2(TREATED, CONTROL, correction="approximate")
    pooled = sqrt((15.0**2 + 13.8**2) / 2)
    assert effects.yi == pytest.approx([(1 - 3 / 151) * (7.9 + 3.4) / pooled])


def test_the_two_variances_by_hand() -> None:
    j = float(es.small_sample_correction(38))
    g, a = j * 11.3 / sqrt((15.0**2 + 13.8**2) / 2), 2 / 20
    simple, exact = es.ppc2(TREATED, CONTROL, variance="simple"), es.ppc2(TREATED, CONTROL)
    assert simple.vi == pytest.approx([2 * 0.53 * a + g**2 / 80])
    # equation 25 of Morris as printed
    printed = j**2 * (2 * 0.53 * a) * (38 / 36) * (1 + g**2 / (2 * 0.53 * a)) - g**2
    assert exact.vi == pytest.approx([printed])


def test_the_exact_variance_is_right_on_average() -> None:
    # given 100,000 trials, 10 people an arm, correlation 0.6, a true d of 0.8
    rng = np.random.default_rng(11)
    n, r, size = 10, 0.6, 100_000
    pre, noise = rng.normal(0, 1, (2, size, n)), rng.normal(0, 1, (2, size, n))
    post = r * pre + sqrt(1 - r**2) * noise
    post[0] += 0.8
    arms = [es.PrePost(pre[i].mean(1), post[i].mean(1), pre[i].std(1, ddof=1), n, r) for i in (0, 1)]
    effects = es.ppc2(*arms)
    # then g is unbiased and the formula says how much it varies (with g² for the square of the parameter)
    assert effects.yi.mean() == pytest.approx(0.8, abs=0.005)
    j = float(es.small_sample_correction(18))
    bias_of_square = effects.yi.var() * (j**2 * 18 / 16 - 1)
    assert effects.vi.mean() - bias_of_square == pytest.approx(effects.yi.var(), rel=0.015)


def test_the_correlation_of_the_treated_or_the_mean_of_both_enters_the_variance() -> None:
    by_treated = es.ppc2(TREATED, CONTROL, variance="simple")
    pooled = es.ppc2(TREATED, CONTROL, variance="simple", correlation="pooled")
    mean_r = (19 * 0.47 + 19 * 0.40) / 38
    assert pooled.vi - by_treated.vi == pytest.approx([2 * (0.47 - mean_r) * 2 / 20])
    # and the correlation that is not used need not be known
    assert es.ppc2(TREATED, replace(CONTROL, r=None)).valid.all()
    assert not es.ppc2(TREATED, replace(CONTROL, r=None), correlation="pooled").valid.any()


@pytest.mark.parametrize("measure", ALL)
def test_arms_that_change_alike_have_no_effect(measure: Callable[..., es.EffectSizes]) -> None:
    assert measure(TREATED, TREATED).yi == pytest.approx([0.0], abs=1e-12)


@pytest.mark.parametrize("measure", ALL)
@settings(deadline=None, max_examples=40)
@given(
    st.floats(1, 50), st.floats(1, 50), st.floats(0.1, 9), st.integers(4, 80), st.floats(-0.9, 0.9), st.floats(0.01, 50)
)
def test_exchanging_the_arms_turns_the_sign_and_the_unit_is_known_to_the_raw_one_alone(
    measure: Callable[..., es.EffectSizes], pre: float, post: float, sd: float, n: int, r: float, unit: float
) -> None:
    treated = es.PrePost(pre, post, sd, n, r, sd * 1.1)
    control = es.PrePost(post, pre * 1.2, sd * 1.3, n + 2, r, sd)
    scaled = [
        es.PrePost(unit * pre, unit * post, unit * sd, n, r, unit * sd * 1.1),
        es.PrePost(unit * post, unit * pre * 1.2, unit * sd * 1.3, n + 2, r, unit * sd),
    ]
    here, back, there = measure(treated, control), measure(control, treated), measure(*scaled)
    assert back.yi == pytest.approx(-here.yi, rel=1e-9, abs=1e-9)
    factor = unit if measure is es.raw_change_difference else 1.0
    assert there.yi == pytest.approx(factor * here.yi, rel=1e-7, abs=1e-7 * factor)
    assert there.vi == pytest.approx(factor**2 * here.vi, rel=1e-7)


def test_differences_of_arms_add_their_variances() -> None:
    arms = {
        es.ppc1: [es.smcr(a.m_post, a.m_pre, a.sd_pre, a.n, a.r) for a in (TREATED, CONTROL)],
        es.smcc_difference: [es.smcc(a.m_post, a.m_pre, a.sd_post, a.sd_pre, a.n, a.r) for a in (TREATED, CONTROL)],
        es.raw_change_difference: [
            es.mean_change(a.m_post, a.m_pre, a.sd_post, a.sd_pre, a.n, a.r) for a in (TREATED, CONTROL)
        ],
    }
    for measure, (treated, control) in arms.items():
        effects = measure(TREATED, CONTROL)
        assert effects.yi == pytest.approx(treated.yi - control.yi)
        assert effects.vi == pytest.approx(treated.vi + control.vi)


def test_percent_change_transforms_the_bounds() -> None:
    effects = es.log_ratio_difference(TREATED, CONTROL)
    percent = es.percent_change(effects, level=0.9)
    ratio = log(38.5 / 30.6) - log(19.7 / 23.1)
    assert percent.percent == pytest.approx([100 * (exp(ratio) - 1)])
    half = 1.6448536269514722 * effects.se
    assert percent.ci_low == pytest.approx(100 * (np.exp(ratio - half) - 1))
    assert percent.ci_high == pytest.approx(100 * (np.exp(ratio + half) - 1))
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        es.percent_change(effects, level=95)


@pytest.mark.parametrize(
    ("effects", "reason"),
    [
        (es.ppc2(replace(TREATED, sd_pre=0), replace(CONTROL, sd_pre=0)), "to divide by is zero"),
        (es.ppc2(replace(TREATED, n=2), replace(CONTROL, n=2)), "more than four people"),
        (es.ppc2(replace(TREATED, n=1), replace(CONTROL, n=2), variance="simple"), "too small to correct"),
        (es.ppc1(replace(TREATED, sd_pre=0), CONTROL), "treatment: the standard deviation"),
        (es.ppc1(TREATED, replace(CONTROL, sd_pre=0)), "control: the standard deviation"),
        (es.smcc_difference(replace(TREATED, sd_post=None), CONTROL), "treatment: a value is missing"),
        (es.log_ratio_difference(TREATED, replace(CONTROL, m_pre=-1)), "control: a ratio needs"),
    ],
)
def test_an_undefined_row_is_null_and_names_the_arm(effects: es.EffectSizes, reason: str) -> None:
    assert reason in effects.reason[0]
    assert np.isnan(effects.vi).all()


@pytest.mark.parametrize(
    ("treated", "sentence"),
    [
        (replace(TREATED, sd_pre=-1), "standard deviation is negative"),
        (replace(TREATED, n=0), "less than one person"),
        (replace(TREATED, r=1.1), "outside -1 to 1"),
    ],
)
def test_impossible_arms_are_refused(treated: es.PrePost, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        es.ppc2(treated, CONTROL)


@pytest.mark.parametrize("option", ["variance", "correction", "correlation"])
def test_unknown_variants_are_refused(option: str) -> None:
    with pytest.raises(UnknownOption, match="there are"):
        es.ppc2(TREATED, CONTROL, **{option: "other"})
