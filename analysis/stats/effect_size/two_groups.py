"""Differences and ratios between the means, or the spreads, of two independent groups.

Group 1 is the treatment and group 2 the control: a positive effect means the treatment's value is the
larger one. Every function takes columns of k rows (or single numbers) and returns `EffectSizes`.
"""

from __future__ import annotations

import math

import numpy as np

from analysis.stats.columns import Column, columns, refuse
from analysis.stats.effect_size.correction import small_sample_correction
from analysis.stats.effect_size.result import Cause, EffectSizes, effect_sizes
from analysis.stats.inputs import Array, check_option

undefined_rows_stay_silent = np.errstate(divide="ignore", invalid="ignore", over="ignore")

TOO_SMALL = "the groups are too small to correct for bias"
NO_SPREAD = "the standard deviation to divide by is zero"
NOT_ABOVE_ZERO = "a ratio needs both means on the same side of zero"


@undefined_rows_stay_silent
def md(
    m1: Column,
    sd1: Column,
    n1: Column,
    m2: Column,
    sd2: Column,
    n2: Column,
    *,
    variance: str = "LS",
) -> EffectSizes:
    """Raw mean difference m1 - m2.

    Parameters
    ----------
    variance : "LS" or "HO"
        LS keeps each group's own SD, sd1²/n1 + sd2²/n2; HO pools them (homoscedastic).

    Raises
    ------
    InvalidInput
        If an SD is negative, a group has less than one person or the columns differ in length.
    """
    given = groups(m1, sd1, n1, m2, sd2, n2)
    a, s1, na, b, s2, nb = given
    if check_option(variance, ("LS", "HO"), "The variance") == "LS":
        vi = s1**2 / na + s2**2 / nb
    else:
        vi = pooled_variance(s1, na, s2, nb) * (1 / na + 1 / nb)
    return effect_sizes("MD", a - b, vi, given, [(na + nb <= 2, "two people give no spread")])


@undefined_rows_stay_silent
def smd(
    m1: Column,
    sd1: Column,
    n1: Column,
    m2: Column,
    sd2: Column,
    n2: Column,
    *,
    variance: str = "LS",
) -> EffectSizes:
    """Standardised mean difference, Hedges' g: the difference in pooled SDs, times the exact J(n1 + n2 - 2).

    Parameters
    ----------
    variance : "LS", "LS2", "UB" or "AV"
        With N = n1 + n2 and m = N - 2. LS: 1/n1 + 1/n2 + g²/2N (large-sample, the default of metafor); LS2:
        J²(1/n1 + 1/n2 + d²/2N) (Borenstein 2009); UB: 1/n1 + 1/n2 + (1 - (m-2)/(mJ²)) g², exactly unbiased
        (Hedges 1983); AV: LS with the N-weighted mean of all g in the place of each row's own, so that
        weights do not depend on the effect.

    Notes
    -----
    Hedges (1981), J Educ Stat 6:107-128; Hedges & Olkin (1985).
    """
    given = groups(m1, sd1, n1, m2, sd2, n2)
    a, s1, na, b, s2, nb = given
    sp2 = pooled_variance(s1, na, s2, nb)
    d = (a - b) / np.sqrt(sp2)
    yi, vi = corrected(d, na + nb - 2, na, nb, na + nb, variance)
    return effect_sizes("SMD", yi, vi, given, [(na + nb - 2 <= 1, TOO_SMALL), (sp2 == 0, NO_SPREAD)])


@undefined_rows_stay_silent
def smd_from_d(d: Column, n1: Column, n2: Column, *, variance: str = "LS") -> EffectSizes:
    """Hedges' g where a report gives Cohen's d itself (or t, see `conversion.t_to_d`)."""
    given = columns(d=d, n1=n1, n2=n2)
    di, na, nb = given
    _refuse_impossible_sizes(na, nb)
    yi, vi = corrected(di, na + nb - 2, na, nb, na + nb, variance)
    return effect_sizes("SMD", yi, vi, given, [(na + nb - 2 <= 1, TOO_SMALL)])


@undefined_rows_stay_silent
def smdh(
    m1: Column,
    sd1: Column,
    n1: Column,
    m2: Column,
    sd2: Column,
    n2: Column,
    *,
    variance: str = "LS",
) -> EffectSizes:
    """Standardised mean difference for unequal SDs: the difference over the root mean square of the two.

    Notes
    -----
    Bonett (2008), Psychol Methods 13:99-109. The variance follows metafor 3.8 (LS with the factor J², which
    metafor dropped from version 4 on; LS2 as it stood then).
    """
    given = groups(m1, sd1, n1, m2, sd2, n2)
    a, s1, na, b, s2, nb = given
    v1, v2 = s1**2, s2**2
    total = v1 + v2
    j = small_sample_correction(na + nb - 2)
    g = j * (a - b) / np.sqrt(total / 2)
    if check_option(variance, ("LS", "LS2"), "The variance") == "LS":
        of_spread = g**2 * (v1**2 / (na - 1) + v2**2 / (nb - 1)) / (2 * total**2)
        of_means = (v1 / (na - 1) + v2 / (nb - 1)) / (total / 2)
        vi = j**2 * (of_spread + of_means)
    else:
        vi = g**2 * (v1 / na + v2 / nb) / (2 * total**2) + 2 * (v1 / na + v2 / nb) / total
    causes = [((na + nb - 2 <= 1) | (na <= 1) | (nb <= 1), TOO_SMALL), (total == 0, NO_SPREAD)]
    return effect_sizes("SMDH", g, vi, given, causes)


@undefined_rows_stay_silent
def glass_delta(m1: Column, n1: Column, m2: Column, sd2: Column, n2: Column, *, variance: str = "LS") -> EffectSizes:
    """Glass's delta (metafor's SMD1): the difference in SDs of the control group, times J(n2 - 1).

    Parameters
    ----------
    variance : "LS", "LS2", "UB" or "AV"
        As in `smd`, with n2 in the place of N and n2 - 1 in that of m; LS is 1/n1 + 1/n2 + g²/2n2.
    """
    given = columns(m1=m1, n1=n1, m2=m2, sd2=sd2, n2=n2)
    a, na, b, s2, nb = given
    refuse_impossible_groups(s2, na, s2, nb)
    yi, vi = corrected((a - b) / s2, nb - 1, na, nb, nb, variance)
    return effect_sizes("SMD1", yi, vi, given, [(nb <= 2, TOO_SMALL), (s2 == 0, NO_SPREAD)])


@undefined_rows_stay_silent
def glass_delta_unequal(m1: Column, sd1: Column, n1: Column, m2: Column, sd2: Column, n2: Column) -> EffectSizes:
    """Glass's delta with a variance that lets the SDs differ (SMD1H): (sd1²/sd2²)/n1 + 1/n2 + g²/2n2."""
    given = groups(m1, sd1, n1, m2, sd2, n2)
    a, s1, na, b, s2, nb = given
    g = small_sample_correction(nb - 1) * (a - b) / s2
    vi = (s1 / s2) ** 2 / na + 1 / nb + g**2 / (2 * nb)
    return effect_sizes("SMD1H", g, vi, given, [(nb <= 2, TOO_SMALL), (s2 == 0, NO_SPREAD)])


@undefined_rows_stay_silent
def lnrr(
    m1: Column,
    sd1: Column,
    n1: Column,
    m2: Column,
    sd2: Column,
    n2: Column,
    *,
    variance: str = "LS",
    bias_corrected: bool = False,
) -> EffectSizes:
    """Log ratio of means, ln(m1/m2) (metafor's ROM); null unless both means lie on the same side of zero.

    Parameters
    ----------
    variance : "LS", "HO", "AV" or "AVHO"
        LS: sd1²/(n1 m1²) + sd2²/(n2 m2²); HO with the pooled SD; AV with the n-weighted mean coefficient of
        variation of each group over all rows; AVHO with that of both groups together.
    bias_corrected : bool
        Add half the difference of the two terms of the LS variance (Lajeunesse 2015), which metafor does by
        default from version 4 on. Off by default, as in most published reviews.

    Notes
    -----
    Hedges, Gurevitch & Curtis (1999), Ecology 80:1150-1156; Lajeunesse (2015), Ecology 96:2056-2063.
    """
    given = groups(m1, sd1, n1, m2, sd2, n2)
    a, s1, na, b, s2, nb = given
    cv1, cv2 = s1 / a, s2 / b
    term1, term2 = cv1**2 / na, cv2**2 / nb
    match check_option(variance, ("LS", "HO", "AV", "AVHO"), "The variance"):
        case "LS":
            vi = term1 + term2
        case "HO":
            vi = pooled_variance(s1, na, s2, nb) * (1 / (na * a**2) + 1 / (nb * b**2))
        case "AV":
            vi = weighted_mean(cv1, na) ** 2 / na + weighted_mean(cv2, nb) ** 2 / nb
        case _:
            both = np.isfinite(cv1 * cv2 * na * nb)
            mean_cv = weighted_mean(np.r_[cv1[both], cv2[both]], np.r_[na[both], nb[both]])
            vi = mean_cv**2 * (1 / na + 1 / nb)
    yi = np.log(a / b)
    if bias_corrected:
        yi = yi + (term1 - term2) / 2
    return effect_sizes("ROM", yi, vi, given, [(a * b <= 0, NOT_ABOVE_ZERO)])


@undefined_rows_stay_silent
def cvr(m1: Column, sd1: Column, n1: Column, m2: Column, sd2: Column, n2: Column) -> EffectSizes:
    """Log ratio of coefficients of variation: is one group more variable relative to its mean?

    Notes
    -----
    Nakagawa et al. (2015), Methods Ecol Evol 6:143-152; without the correlation of mean and SD, as metafor.
    """
    given = groups(m1, sd1, n1, m2, sd2, n2)
    a, s1, na, b, s2, nb = given
    yi = np.log(s1 / a) + 1 / (2 * (na - 1)) - np.log(s2 / b) - 1 / (2 * (nb - 1))
    vi = 1 / (2 * (na - 1)) + (s1 / a) ** 2 / na + 1 / (2 * (nb - 1)) + (s2 / b) ** 2 / nb
    causes = [
        ((a <= 0) | (b <= 0), "a coefficient of variation needs a mean above zero"),
        _no_log_sd(s1, na, s2, nb),
    ]
    return effect_sizes("CVR", yi, vi, given, causes)


@undefined_rows_stay_silent
def vr(sd1: Column, n1: Column, sd2: Column, n2: Column) -> EffectSizes:
    """Log ratio of SDs, corrected for the small-sample bias of each (Nakagawa et al. 2015)."""
    given = columns(sd1=sd1, n1=n1, sd2=sd2, n2=n2)
    s1, na, s2, nb = given
    refuse_impossible_groups(s1, na, s2, nb)
    yi = np.log(s1 / s2) + 1 / (2 * (na - 1)) - 1 / (2 * (nb - 1))
    vi = 1 / (2 * (na - 1)) + 1 / (2 * (nb - 1))
    return effect_sizes("VR", yi, vi, given, [_no_log_sd(s1, na, s2, nb)])


@undefined_rows_stay_silent
def d_to_lnor(m1: Column, sd1: Column, n1: Column, m2: Column, sd2: Column, n2: Column) -> EffectSizes:
    """Log odds ratio implied by two means (D2ORL), d·π/√3 of the uncorrected d; Chinn (2000)."""
    given = groups(m1, sd1, n1, m2, sd2, n2)
    a, s1, na, b, s2, nb = given
    sp2 = pooled_variance(s1, na, s2, nb)
    d = (a - b) / np.sqrt(sp2)
    factor = math.pi / math.sqrt(3)
    vi = factor**2 * (1 / na + 1 / nb + d**2 / (2 * (na + nb)))
    return effect_sizes("D2ORL", factor * d, vi, given, [(sp2 == 0, NO_SPREAD)])


def corrected(d: Array, df: Array, n1: Array, n2: Array, n_of_sd: Array, variance: str) -> tuple[Array, Array]:
    """g = J(df)·d and its variance, where the SD that d is divided by rests on `n_of_sd` people."""
    j = small_sample_correction(df)
    g = j * d
    sampling = 1 / n1 + 1 / n2
    match check_option(variance, ("LS", "LS2", "UB", "AV"), "The variance"):
        case "LS":
            return g, sampling + g**2 / (2 * n_of_sd)
        case "LS2":
            return g, j**2 * (sampling + d**2 / (2 * n_of_sd))
        case "UB":
            return g, sampling + (1 - (df - 2) / (df * j**2)) * g**2
        case _:
            return g, sampling + weighted_mean(g, n1 + n2) ** 2 / (2 * n_of_sd) + 0 * g


def pooled_variance(sd1: Array, n1: Array, sd2: Array, n2: Array) -> Array:
    """Variance pooled over two groups; NaN where they have two people in all."""
    return ((n1 - 1) * sd1**2 + (n2 - 1) * sd2**2) / (n1 + n2 - 2)


def weighted_mean(values: Array, weights: Array) -> float:
    """Weighted mean over the rows where the value is there; NaN where it is there in none."""
    there = np.isfinite(values) & np.isfinite(weights)
    return float(values[there] @ weights[there] / weights[there].sum()) if there.any() else np.nan


def groups(
    m1: Column, sd1: Column, n1: Column, m2: Column, sd2: Column, n2: Column
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """The six columns of two groups, refused where no group can be like that."""
    a, s1, na, b, s2, nb = columns(m1=m1, sd1=sd1, n1=n1, m2=m2, sd2=sd2, n2=n2)
    refuse_impossible_groups(s1, na, s2, nb)
    return a, s1, na, b, s2, nb


def refuse_impossible_groups(sd1: Array, n1: Array, sd2: Array, n2: Array) -> None:
    refuse((sd1 < 0) | (sd2 < 0), "A standard deviation is negative")
    _refuse_impossible_sizes(n1, n2)


def _refuse_impossible_sizes(n1: Array, n2: Array) -> None:
    refuse((n1 < 1) | (n2 < 1), "A group has less than one person")


def _no_log_sd(sd1: Array, n1: Array, sd2: Array, n2: Array) -> Cause:
    impossible = (sd1 == 0) | (sd2 == 0) | (n1 <= 1) | (n2 <= 1)
    return impossible, "the logarithm of a spread needs a spread above zero from two people or more"
