"""Effects within one group: a mean, a correlation, and the change from before to after."""

from __future__ import annotations

import numpy as np

from analysis.stats.columns import Column, columns, refuse
from analysis.stats.effect_size.correction import small_sample_correction
from analysis.stats.effect_size.result import EffectSizes, effect_sizes
from analysis.stats.effect_size.two_groups import (
    NO_SPREAD,
    NOT_ABOVE_ZERO,
    TOO_SMALL,
    undefined_rows_stay_silent,
    weighted_mean,
)
from analysis.stats.inputs import Array, check_option

LEAST_FOR_R = 3  # people up to whom a correlation has no sampling variance
NO_VARIANCE = -1.0  # where an effect is known but its variance is not


@undefined_rows_stay_silent
def mean(m: Column, sd: Column, n: Column) -> EffectSizes:
    """One mean (MN), variance sd²/n."""
    given = columns(m=m, sd=sd, n=n)
    mi, si, ni = given
    _refuse_impossible(ni, si)
    return effect_sizes("MN", mi, si**2 / ni, given)


@undefined_rows_stay_silent
def log_mean(m: Column, sd: Column, n: Column) -> EffectSizes:
    """Logarithm of one mean (MNLN), variance sd²/(n m²); null unless the mean is above zero."""
    given = columns(m=m, sd=sd, n=n)
    mi, si, ni = given
    _refuse_impossible(ni, si)
    causes = [(mi <= 0, "the logarithm of a mean needs a mean above zero")]
    return effect_sizes("MNLN", np.log(mi), si**2 / (ni * mi**2), given, causes)


@undefined_rows_stay_silent
def correlation(r: Column, n: Column, *, variance: str = "LS") -> EffectSizes:
    """Raw correlation (COR), variance (1 - r²)²/(n - 1); three people or fewer give no variance.

    Parameters
    ----------
    variance : "LS" or "AV"
        AV puts the n-weighted mean correlation of all rows in the place of the row's own.
    """
    given = columns(r=r, n=n)
    ri, ni = given
    _refuse_impossible(ni, np.zeros_like(ni), ri)
    centre = ri
    if check_option(variance, ("LS", "AV"), "The variance") == "AV":
        centre = np.full_like(ri, weighted_mean(ri, ni))
    vi = np.where(ni > LEAST_FOR_R, (1 - centre**2) ** 2 / (ni - 1), NO_VARIANCE)
    return effect_sizes("COR", ri, vi, given)


@undefined_rows_stay_silent
def fisher_z(r: Column, n: Column) -> EffectSizes:
    """Fisher's z (ZCOR), atanh r with variance 1/(n - 3); null for |r| = 1, no variance for n <= 3."""
    given = columns(r=r, n=n)
    ri, ni = given
    _refuse_impossible(ni, np.zeros_like(ni), ri)
    causes = [(np.abs(ri) == 1, "a perfect correlation has no Fisher z")]
    vi = np.where(ni > LEAST_FOR_R, 1 / (ni - 3), NO_VARIANCE)
    return effect_sizes("ZCOR", np.arctanh(ri), vi, given, causes)


@undefined_rows_stay_silent
def mean_change(m_post: Column, m_pre: Column, sd_post: Column, sd_pre: Column, n: Column, r: Column) -> EffectSizes:
    """Raw change post - pre (MC), variance of the change over n, with r the pre-post correlation."""
    given, (post, pre, s_post, s_pre, ni, ri) = _change(m_post, m_pre, sd_post, sd_pre, n, r)
    return effect_sizes("MC", post - pre, _change_variance(s_post, s_pre, ri) / ni, given)


@undefined_rows_stay_silent
def smcc(
    m_post: Column,
    m_pre: Column,
    sd_post: Column,
    sd_pre: Column,
    n: Column,
    r: Column,
    *,
    variance: str = "LS",
) -> EffectSizes:
    """Change standardised by the SD of the change itself (SMCC), J(n - 1)(post - pre)/s_change.

    Parameters
    ----------
    variance : "LS" or "LS2"
        LS: 1/n + g²/2n; LS2: J²(1/n + d²/2n).
    """
    given, (post, pre, s_post, s_pre, ni, ri) = _change(m_post, m_pre, sd_post, sd_pre, n, r)
    s_change = np.sqrt(_change_variance(s_post, s_pre, ri))
    d = (post - pre) / s_change
    yi, vi = _corrected(d, 1 / ni, ni, variance)
    return effect_sizes("SMCC", yi, vi, given, [(ni <= 2, TOO_SMALL), (s_change == 0, NO_SPREAD)])


@undefined_rows_stay_silent
def smcr(
    m_post: Column,
    m_pre: Column,
    sd_pre: Column,
    n: Column,
    r: Column,
    *,
    variance: str = "LS",
) -> EffectSizes:
    """Change standardised by the SD before (SMCR), J(n - 1)(post - pre)/s_pre.

    The standardiser is always the SD before treatment. metafor calls it `sd1i`, beside `m1i`, which is the
    mean *after*: a trap that these names avoid.

    Parameters
    ----------
    variance : "LS" or "LS2"
        LS: 2(1 - r)/n + g²/2n (Becker 1988, Br J Math Stat Psychol 41:257-278); LS2: J²(2(1 - r)/n + d²/2n).
    """
    given = columns(m_post=m_post, m_pre=m_pre, sd_pre=sd_pre, n=n, r=r)
    post, pre, s_pre, ni, ri = given
    _refuse_impossible(ni, s_pre, ri)
    yi, vi = _corrected((post - pre) / s_pre, 2 * (1 - ri) / ni, ni, variance)
    return effect_sizes("SMCR", yi, vi, given, [(ni <= 2, TOO_SMALL), (s_pre == 0, NO_SPREAD)])


@undefined_rows_stay_silent
def smcrh(m_post: Column, m_pre: Column, sd_post: Column, sd_pre: Column, n: Column, r: Column) -> EffectSizes:
    """Change standardised by the SD before, with a variance that lets the SD change (SMCRH).

    Notes
    -----
    Bonett (2008), Psychol Methods 13:99-109: J²(s_change²/(s_pre²(n - 1)) + g²/2(n - 1)); metafor 3.8.
    """
    given, (post, pre, s_post, s_pre, ni, ri) = _change(m_post, m_pre, sd_post, sd_pre, n, r)
    j = small_sample_correction(ni - 1)
    g = j * (post - pre) / s_pre
    vi = j**2 * (_change_variance(s_post, s_pre, ri) / (s_pre**2 * (ni - 1)) + g**2 / (2 * (ni - 1)))
    return effect_sizes("SMCRH", g, vi, given, [(ni <= 2, TOO_SMALL), (s_pre == 0, NO_SPREAD)])


@undefined_rows_stay_silent
def log_ratio_change(
    m_post: Column, m_pre: Column, sd_post: Column, sd_pre: Column, n: Column, r: Column
) -> EffectSizes:
    """Log ratio of the means after and before (ROMC), ln(post/pre); Lajeunesse (2011)."""
    given, (post, pre, s_post, s_pre, ni, ri) = _change(m_post, m_pre, sd_post, sd_pre, n, r)
    cv_post, cv_pre = s_post / post, s_pre / pre
    vi = (cv_post**2 + cv_pre**2 - 2 * ri * cv_post * cv_pre) / ni
    return effect_sizes("ROMC", np.log(post / pre), vi, given, [(post * pre <= 0, NOT_ABOVE_ZERO)])


def _corrected(d: Array, sampling: Array, n: Array, variance: str) -> tuple[Array, Array]:
    j = small_sample_correction(n - 1)
    if check_option(variance, ("LS", "LS2"), "The variance") == "LS":
        return j * d, sampling + (j * d) ** 2 / (2 * n)
    return j * d, j**2 * (sampling + d**2 / (2 * n))


def _change_variance(sd_post: Array, sd_pre: Array, r: Array) -> Array:
    """Variance of one person's change; rounding must not make it negative where r = 1."""
    return np.maximum(sd_post**2 + sd_pre**2 - 2 * r * sd_post * sd_pre, 0.0)


def _change(
    m_post: Column, m_pre: Column, sd_post: Column, sd_pre: Column, n: Column, r: Column
) -> tuple[tuple[Array, ...], tuple[Array, Array, Array, Array, Array, Array]]:
    post, pre, s_post, s_pre, ni, ri = columns(m_post=m_post, m_pre=m_pre, sd_post=sd_post, sd_pre=sd_pre, n=n, r=r)
    _refuse_impossible(ni, np.fmin(s_post, s_pre), ri)
    given = (post, pre, s_post, s_pre, ni, ri)
    return given, given


def _refuse_impossible(n: Array, sd: Array, r: Array | None = None) -> None:
    refuse(sd < 0, "A standard deviation is negative")
    refuse(n < 1, "A group has less than one person")
    if r is not None:
        refuse(np.abs(r) > 1, "A correlation lies outside -1 to 1")
