"""Pretest-posttest-control effects: how much more the treated changed than the controls did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.stats.columns import Column, columns, refuse
from analysis.stats.distributions import z_quantile
from analysis.stats.effect_size.correction import small_sample_correction
from analysis.stats.effect_size.result import Cause, EffectSizes, effect_sizes
from analysis.stats.effect_size.single_group import log_ratio_change, mean_change, smcc, smcr
from analysis.stats.effect_size.two_groups import (
    NO_SPREAD,
    TOO_SMALL,
    pooled_variance,
    undefined_rows_stay_silent,
)
from analysis.stats.inputs import Array, check_level, check_option


@dataclass(frozen=True, slots=True, eq=False)
class PrePost:
    """One arm of each trial before and after; every field a column of k rows or a single number.

    Attributes
    ----------
    m_pre, m_post : means before and after, in the outcome's unit.
    sd_pre, sd_post : standard deviations; `sd_post` may be left out where a measure does not need it.
    n : people measured both times.
    r : correlation of the values before and after, -1 to 1.
    """

    m_pre: Column
    m_post: Column
    sd_pre: Column
    n: Column
    r: Column
    sd_post: Column = None


@undefined_rows_stay_silent
def ppc2(
    treatment: PrePost,
    control: PrePost,
    *,
    variance: str = "exact",
    correction: str = "exact",
    correlation: str = "treatment",
) -> EffectSizes:
    """Difference of the two changes in pooled SDs before treatment, times J: d_ppc2 of Morris (2008).

    Parameters
    ----------
    variance : "exact" or "simple"
        With a = 1/n_T + 1/n_C, df = n_T + n_C - 2 and c = J(df), exact is equation 25 of Morris with the
        estimate in the place of the parameter, c² (df/(df-2)) (2(1-r)a + g²) - g², for df > 2; simple is
        2(1-r)a + g²/(2(n_T + n_C)), as on the web site of metafor.
    correction : "exact" or "approximate"
        The form of J; Morris used the approximation.
    correlation : "treatment" or "pooled"
        Which r enters the variance where the arms differ: that of the treated, or the mean weighted by n - 1.

    Notes
    -----
    Morris (2008), Organ Res Methods 11:364-386. Chosen there over d_ppc1 because the pooled SD is estimated
    from more people, and over the pooled SD of both times because treatment may change the spread.
    """
    given = columns(
        t_pre=treatment.m_pre,
        t_post=treatment.m_post,
        t_sd=treatment.sd_pre,
        t_n=treatment.n,
        c_pre=control.m_pre,
        c_post=control.m_post,
        c_sd=control.sd_pre,
        c_n=control.n,
        t_r=treatment.r,
        c_r=control.r,
    )
    t_pre, t_post, t_sd, t_n, c_pre, c_post, c_sd, c_n, t_r, c_r = given
    refuse((t_sd < 0) | (c_sd < 0), "A standard deviation is negative")
    refuse((t_n < 1) | (c_n < 1), "A group has less than one person")
    refuse((np.abs(t_r) > 1) | (np.abs(c_r) > 1), "A correlation lies outside -1 to 1")
    if check_option(correlation, ("treatment", "pooled"), "The correlation") == "treatment":
        r = t_r
        given = given[:-1]
    else:
        r = ((t_n - 1) * t_r + (c_n - 1) * c_r) / (t_n + c_n - 2)
    df = t_n + c_n - 2
    sd2 = pooled_variance(t_sd, t_n, c_sd, c_n)
    j = small_sample_correction(df, correction)
    g = j * ((t_post - t_pre) - (c_post - c_pre)) / np.sqrt(sd2)
    of_change = 2 * (1 - r) * (1 / t_n + 1 / c_n)
    causes: list[Cause] = [(df <= 1, TOO_SMALL), (sd2 == 0, NO_SPREAD)]
    if check_option(variance, ("exact", "simple"), "The variance") == "exact":
        vi = np.where(df > 2, j**2 * df / (df - 2) * (of_change + g**2) - g**2, np.nan)
        causes.append((df <= 2, "the exact variance needs more than four people"))
    else:
        vi = of_change + g**2 / (2 * (t_n + c_n))
    return effect_sizes("PPC2", g, vi, given, causes)


def ppc1(treatment: PrePost, control: PrePost, *, variance: str = "LS") -> EffectSizes:
    """Difference of the standardised changes, each by its own SD before: d_ppc1 (Becker 1988)."""
    arms = [smcr(arm.m_post, arm.m_pre, arm.sd_pre, arm.n, arm.r, variance=variance) for arm in (treatment, control)]
    return _difference("PPC1", *arms)


def smcc_difference(treatment: PrePost, control: PrePost, *, variance: str = "LS") -> EffectSizes:
    """Difference of the two changes, each in SDs of its own change scores (SMCC)."""
    arms = [smcc(*_both_times(arm), variance=variance) for arm in (treatment, control)]
    return _difference("SMCC_DIFF", *arms)


def raw_change_difference(treatment: PrePost, control: PrePost) -> EffectSizes:
    """Difference of the two raw changes, in the outcome's unit; the variances of the arms add up."""
    return _difference("MC_DIFF", mean_change(*_both_times(treatment)), mean_change(*_both_times(control)))


def log_ratio_difference(treatment: PrePost, control: PrePost) -> EffectSizes:
    """Log of the ratio (post/pre of the treated) / (post/pre of the controls), for means above zero."""
    return _difference("ROMC_DIFF", log_ratio_change(*_both_times(treatment)), log_ratio_change(*_both_times(control)))


@dataclass(frozen=True, slots=True, eq=False)
class PercentChange:
    """A log ratio told in percent: 100 (exp(y) - 1), the bounds transformed, not the standard error.

    Attributes
    ----------
    percent, ci_low, ci_high : shape (k,)
        NaN where the log ratio is null.
    """

    percent: Array
    ci_low: Array
    ci_high: Array


def percent_change(log_ratio: EffectSizes, *, level: float = 0.95) -> PercentChange:
    """Percent change that a log ratio means, with its Wald interval at `level`."""
    half = z_quantile((1 + check_level(level)) / 2) * log_ratio.se
    percent, ci_low, ci_high = (100 * np.expm1(log_ratio.yi + shift) for shift in (0.0, -half, half))
    return PercentChange(percent, ci_low, ci_high)


def _both_times(arm: PrePost) -> tuple[Column, ...]:
    spread = np.nan if arm.sd_post is None else arm.sd_post
    return arm.m_post, arm.m_pre, spread, arm.sd_pre, arm.n, arm.r


def _difference(measure: str, treatment: EffectSizes, control: EffectSizes) -> EffectSizes:
    """Treatment minus control of two independent arms; a row is null where either arm's is."""
    t_reason, c_reason = np.broadcast_arrays(treatment.reason, control.reason)
    reason = np.where(
        t_reason != "",
        np.char.add("treatment: ", t_reason),
        np.where(c_reason != "", np.char.add("control: ", c_reason), ""),
    )
    return EffectSizes(treatment.yi - control.yi, treatment.vi + control.vi, reason, measure)
