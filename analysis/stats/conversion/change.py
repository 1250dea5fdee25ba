"""The spread of a change and the correlation of the values before and after: each gives the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.columns import complete, refuse
from analysis.stats.conversion.record import Converted, Derivation
from analysis.stats.conversion.spread import two_sided_t
from analysis.stats.inputs import Array

HANDBOOK = "Cochrane Handbook 6.5.2.8"
IMPUTED_R = 0.5  # between the extremes of what trials report; never used without `imputed` being set
R_SWEEP = (0.3, 0.5, 0.7, 0.9)  # the sensitivity sweep that an imputed correlation demands


def sd_change(sd_pre: ArrayLike, sd_post: ArrayLike, r: ArrayLike) -> Converted:
    """SD of the change from the SDs of both times, √(s_pre² + s_post² - 2 r s_pre s_post)."""
    before, after, ri = complete(SD_pre=sd_pre, SD_post=sd_post, r=r)
    _refuse_negative(before, after)
    refuse(np.abs(ri) > 1, "A correlation lies outside -1 to 1")
    variance = before**2 + after**2 - 2 * ri * before * after
    record = Derivation(
        "SD_change = √(SD_pre² + SD_post² - 2 r SD_pre SD_post)",
        {"SD_pre": before, "SD_post": after, "r": ri},
        "",
        HANDBOOK,
    )
    return Converted(np.sqrt(np.maximum(variance, 0.0)), record)


def sd_change_from_t(change: ArrayLike, t: ArrayLike, n: ArrayLike) -> Converted:
    """SD of the change from its mean and the paired t statistic, |change|·√n/|t|."""
    c, ti, ni = complete(change=change, t=t, n=n)
    _refuse_small(ni)
    refuse((c == 0) | (ti == 0), "A change of zero does not tell its standard deviation")
    record = Derivation("SD_change = |change| × √n / |t|", {"change": c, "t": ti, "n": ni}, "", HANDBOOK)
    return Converted(np.abs(c) * np.sqrt(ni) / np.abs(ti), record)


def sd_change_from_p(change: ArrayLike, p: ArrayLike, n: ArrayLike, *, bound: bool = False) -> Converted:
    """SD of the change from its mean and the two-sided p value of the paired t test.

    Parameters
    ----------
    bound : bool
        The report says "p < 0.05": the true SD is smaller than the one derived here, and the record says so.
    """
    c, pi, ni = complete(change=change, p=p, n=n)
    _refuse_small(ni)
    t = two_sided_t(pi, ni - 1)
    refuse((c == 0) | (t == 0), "A change of zero does not tell its standard deviation")
    record = Derivation(
        "SD_change = |change| × √n / |t|, t of the two-sided p",
        {"change": c, "p": pi, "n": ni},
        "p was reported as a bound and taken as its value, so the SD is at most this" if bound else "",
        HANDBOOK,
    )
    return Converted(np.abs(c) * np.sqrt(ni) / t, record)


def correlation_from_sds(sd_pre: ArrayLike, sd_post: ArrayLike, sd_of_change: ArrayLike) -> Converted:
    """Correlation of before and after from three SDs, (s_pre² + s_post² - s_change²)/(2 s_pre s_post).

    Raises
    ------
    InvalidInput
        If the SDs contradict each other, which is when |r| > 1, or an SD before or after is zero.
    """
    before, after, change = complete(SD_pre=sd_pre, SD_post=sd_post, SD_change=sd_of_change)
    r = _correlation(before, after, change)
    refuse(
        np.abs(r) > 1,
        "The three standard deviations contradict each other: the correlation lies outside -1 to 1",
    )
    record = Derivation(
        "r = (SD_pre² + SD_post² - SD_change²) / (2 SD_pre SD_post)",
        {"SD_pre": before, "SD_post": after, "SD_change": change},
        "",
        HANDBOOK,
    )
    return Converted(r, record)


@dataclass(frozen=True, slots=True, eq=False)
class PrePostCorrelation:
    """The correlation to use for one arm, and where it came from.

    Attributes
    ----------
    value : float
    imputed : bool
        Nothing in the report tells it: a sensitivity sweep over `R_SWEEP` is due.
    record : Derivation
    """

    value: float
    imputed: bool
    record: Derivation


def prepost_correlation(
    *,
    reported: float | None = None,
    sd_pre: float | None = None,
    sd_post: float | None = None,
    sd_of_change: float | None = None,
    change: float | None = None,
    t: float | None = None,
    p: float | None = None,
    n: float | None = None,
    impute: float = IMPUTED_R,
) -> PrePostCorrelation:
    """The best correlation of the values before and after that one arm's report allows.

    Tried in this order: r as reported; from the three SDs; with the SD of the change derived from the
    paired t, or from the two-sided p, of the mean `change` of `n` people; `impute`. A step that gives an
    impossible correlation is passed over, and the record of what is used instead says so. It is never
    silently 0.
    """
    if reported is not None:
        refuse(np.array([not -1 <= reported <= 1]), "The reported correlation lies outside -1 to 1")
        record = Derivation("r as reported", {"r": np.array([reported])}, "", "the report")
        return PrePostCorrelation(float(reported), False, record)
    refuse(np.array([not -1 <= impute <= 1]), "The correlation to impute lies outside -1 to 1")
    assumption = f"the report does not tell r; {impute:g} was imputed"
    if sd_pre and sd_post:
        before, after = np.array([sd_pre]), np.array([sd_post])
        _refuse_negative(before, after)
        for spread in _spreads_of_change(sd_of_change, change, t, p, n):
            r = float(_correlation(before, after, spread.value)[0])
            if abs(r) <= 1:
                return PrePostCorrelation(r, False, _chained(before, after, spread))
            assumption += f"; {spread.record.formula} contradicts the other SDs (r = {r:.2f})"
    record = Derivation("r imputed", {"r": np.array([impute])}, assumption, "project setting")
    return PrePostCorrelation(impute, True, record)


def _spreads_of_change(
    reported: float | None, change: float | None, t: float | None, p: float | None, n: float | None
) -> list[Converted]:
    """Every SD of the change that the report allows, the most direct first."""
    found = []
    if reported is not None:
        refuse(np.array([reported < 0]), "A standard deviation is negative")
        value = np.array([float(reported)])
        found.append(Converted(value, Derivation("SD_change as reported", {"SD_change": value}, "", "the report")))
    if change and n is not None:
        if t:
            found.append(sd_change_from_t(change, t, n))
        if p is not None and p < 1:
            found.append(sd_change_from_p(change, p, n))
    return found


def _chained(before: Array, after: Array, spread: Converted) -> Derivation:
    return Derivation(
        f"{spread.record.formula}; r = (SD_pre² + SD_post² - SD_change²) / (2 SD_pre SD_post)",
        {"SD_pre": before, "SD_post": after, **spread.record.inputs},
        spread.record.assumption,
        HANDBOOK,
    )


def _correlation(before: Array, after: Array, change: Array) -> Array:
    _refuse_negative(before, after, change)
    refuse((before == 0) | (after == 0), "A standard deviation of zero has no correlation")
    return (before**2 + after**2 - change**2) / (2 * before * after)


def _refuse_negative(*spreads: Array) -> None:
    for spread in spreads:
        refuse(spread < 0, "A standard deviation is negative")


def _refuse_small(n: Array) -> None:
    refuse(n < 2, "A change needs two people or more")
