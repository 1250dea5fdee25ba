"""Mean and SD from a median with its range, its quartiles, or both, and the screen for skewness.

Notes
-----
Hozo, Djulbegovic & Hozo (2005), BMC Med Res Methodol 5:13; Wan et al. (2014), BMC Med Res Methodol 14:135;
Luo et al. (2018), Stat Methods Med Res 27:1785-1805; Shi et al. (2020), Res Synth Methods 11:641-654; Shi
et al. (2023), Stat Methods Med Res 32:1338-1360. Defaults are the methods those authors and metafor's
`conv.fivenum` recommend. All suppose normal values: rows that the screen marks as skewed are converted,
marked in `Moments.skewed`, and not to be used without a decision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.columns import Mask, complete, named, refuse
from analysis.stats.conversion.record import Converted, Derivation, Moments
from analysis.stats.distributions import z_quantile
from analysis.stats.inputs import Array, check_option

NORMAL = "the values are normal"
SMALLEST = 5  # people; below, quantiles say too little


@dataclass(frozen=True, slots=True, eq=False)
class SkewnessScreen:
    """The test of Shi et al. (2023), shape (k,): a row is `skewed` where `statistic` reaches `critical`."""

    statistic: Array
    critical: Array

    @property
    def skewed(self) -> Mask:
        return self.statistic >= self.critical


def from_range(
    minimum: ArrayLike,
    median: ArrayLike,
    maximum: ArrayLike,
    n: ArrayLike,
    *,
    mean_by: str = "luo",
    sd_by: str = "wan",
) -> Moments:
    """Mean and SD from minimum, median and maximum (scenario S1).

    Parameters
    ----------
    mean_by : "luo", "wan" or "hozo"
    sd_by : "wan" or "hozo"
    """
    a, m, b, k = complete(min=minimum, median=median, max=maximum, n=n)
    _refuse_unsorted(k, a, m, b)
    match check_option(mean_by, ("luo", "wan", "hozo"), "The method for the mean"):
        case "luo":
            w = 4 / (4 + k**0.75)
            mean, told = w * (a + b) / 2 + (1 - w) * m, "w(min + max)/2 + (1 - w) median, w = 4/(4 + n^0.75)"
        case "wan":
            mean, told = (a + 2 * m + b) / 4, "(min + 2 median + max)/4"
        case _:
            mean = np.where(k <= 25, (a + 2 * m + b) / 4, m)
            told = "(min + 2 median + max)/4 to n = 25, the median above"
    if check_option(sd_by, ("wan", "hozo"), "The method for the SD") == "wan":
        sd, spread_told = (b - a) / _expected_range(k), "(max - min)/ξ(n)"
    else:
        smallest = np.sqrt(((a - 2 * m + b) ** 2 / 4 + (b - a) ** 2) / 12)
        sd = np.select([k <= 15, k <= 70], [smallest, (b - a) / 4], (b - a) / 6)
        spread_told = "by n: √{[(min - 2 median + max)²/4 + (max - min)²]/12} to 15, range/4 to 70, range/6 above"
    return _moments(
        mean,
        sd,
        range_skewness(a, m, b, k),
        f"mean = {told}; SD = {spread_told}",
        {"min": a, "median": m, "max": b, "n": k},
    )


def from_quartiles(q1: ArrayLike, median: ArrayLike, q3: ArrayLike, n: ArrayLike, *, mean_by: str = "luo") -> Moments:
    """Mean and SD from the quartiles and the median (scenario S2).

    Parameters
    ----------
    mean_by : "luo" or "wan"
    """
    a, m, b, k = complete(q1=q1, median=median, q3=q3, n=n)
    _refuse_unsorted(k, a, m, b)
    if check_option(mean_by, ("luo", "wan"), "The method for the mean") == "luo":
        w = 0.7 + 0.39 / k
        mean, told = w * (a + b) / 2 + (1 - w) * m, "w(q1 + q3)/2 + (1 - w) median, w = 0.7 + 0.39/n"
    else:
        mean, told = (a + m + b) / 3, "(q1 + median + q3)/3"
    return _moments(
        mean,
        (b - a) / _expected_iqr(k),
        quartile_skewness(a, m, b, k),
        f"mean = {told}; SD = (q3 - q1)/η(n)",
        {"q1": a, "median": m, "q3": b, "n": k},
    )


def from_five_numbers(
    minimum: ArrayLike,
    q1: ArrayLike,
    median: ArrayLike,
    q3: ArrayLike,
    maximum: ArrayLike,
    n: ArrayLike,
    *,
    mean_by: str = "luo",
    sd_by: str = "shi",
) -> Moments:
    """Mean and SD from minimum, quartiles, median and maximum (scenario S3).

    Parameters
    ----------
    mean_by : "luo" or "wan"
    sd_by : "shi" or "wan"
    """
    a, low, m, high, b, k = complete(min=minimum, q1=q1, median=median, q3=q3, max=maximum, n=n)
    _refuse_unsorted(k, a, low, m, high, b)
    if check_option(mean_by, ("luo", "wan"), "The method for the mean") == "luo":
        w1, w2 = 2.2 / (2.2 + k**0.75), 0.7 - 0.72 / k**0.55
        mean = w1 * (a + b) / 2 + w2 * (low + high) / 2 + (1 - w1 - w2) * m
        told = "w1(min + max)/2 + w2(q1 + q3)/2 + (1 - w1 - w2) median, w1 = 2.2/(2.2 + n^0.75), w2 = 0.7 - 0.72/n^0.55"
    else:
        mean, told = (a + 2 * low + 2 * m + 2 * high + b) / 8, "(min + 2 q1 + 2 median + 2 q3 + max)/8"
    by_range, by_quartiles = (b - a) / _expected_range(k), (high - low) / _expected_iqr(k)
    if check_option(sd_by, ("shi", "wan"), "The method for the SD") == "shi":
        w = 1 / (1 + 0.07 * k**0.6)
        spread_told = "w(max - min)/ξ(n) + (1 - w)(q3 - q1)/η(n), w = 1/(1 + 0.07 n^0.6)"
    else:
        w = np.full_like(k, 0.5)
        spread_told = "half of (max - min)/ξ(n) + (q3 - q1)/η(n)"
    return _moments(
        mean,
        w * by_range + (1 - w) * by_quartiles,
        five_number_skewness(a, low, m, high, b, k),
        f"mean = {told}; SD = {spread_told}",
        {"min": a, "q1": low, "median": m, "q3": high, "max": b, "n": k},
    )


def range_to_sd(width: ArrayLike, n: ArrayLike) -> Converted:
    """SD from the width of a range alone, width/ξ(n) (Wan et al. 2014)."""
    return _width_to_sd("range", "ξ", _expected_range, width, n)


def iqr_to_sd(width: ArrayLike, n: ArrayLike) -> Converted:
    """SD from the width of an interquartile range alone, width/η(n) (Wan et al. 2014)."""
    return _width_to_sd("IQR", "η", _expected_iqr, width, n)


def range_skewness(minimum: ArrayLike, median: ArrayLike, maximum: ArrayLike, n: ArrayLike) -> SkewnessScreen:
    """|min + max - 2 median|/(max - min) against 1/ln(n + 9) + 2.5/(n + 1)."""
    a, m, b, k = complete(min=minimum, median=median, max=maximum, n=n)
    return SkewnessScreen(_asymmetry(a, m, b), 1 / np.log(k + 9) + 2.5 / (k + 1))


def quartile_skewness(q1: ArrayLike, median: ArrayLike, q3: ArrayLike, n: ArrayLike) -> SkewnessScreen:
    """|q1 + q3 - 2 median|/(q3 - q1) against 2.65/√n - 6/n²."""
    a, m, b, k = complete(q1=q1, median=median, q3=q3, n=n)
    return SkewnessScreen(_asymmetry(a, m, b), 2.65 / np.sqrt(k) - 6 / k**2)


def five_number_skewness(
    minimum: ArrayLike, q1: ArrayLike, median: ArrayLike, q3: ArrayLike, maximum: ArrayLike, n: ArrayLike
) -> SkewnessScreen:
    """The larger asymmetry, that of the range times 2.65 ln(0.6 n)/√n, against 3/√n - 40/n³."""
    a, low, m, high, b, k = complete(min=minimum, q1=q1, median=median, q3=q3, max=maximum, n=n)
    of_range = 2.65 * np.log(0.6 * k) / np.sqrt(k) * _asymmetry(a, m, b)
    return SkewnessScreen(np.maximum(of_range, _asymmetry(low, m, high)), 3 / np.sqrt(k) - 40 / k**3)


def _asymmetry(low: Array, median: Array, high: Array) -> Array:
    """How far the median lies from the middle, as a share of the width; 0 where there is no width."""
    width = high - low
    return np.abs(low + high - 2 * median) / np.where(width > 0, width, 1.0)


def _expected_range(n: Array) -> Array:
    """ξ(n): the range of n normal values in SDs, as Wan et al. (2014) approximate it."""
    return 2 * np.asarray(z_quantile((n - 0.375) / (n + 0.25)))


def _expected_iqr(n: Array) -> Array:
    """η(n): the interquartile range of n normal values in SDs."""
    return 2 * np.asarray(z_quantile((0.75 * n - 0.125) / (n + 0.25)))


def _width_to_sd(
    name: str, symbol: str, expected: Callable[[Array], Array], width: ArrayLike, n: ArrayLike
) -> Converted:
    w, k = complete(width=width, n=n)
    refuse(w < 0, "A width is negative")
    _refuse_few(k)
    record = Derivation(f"SD = {name} / {symbol}(n)", {name: w, "n": k}, NORMAL, "Wan et al. (2014)")
    return Converted(w / expected(k), record)


def _moments(mean: Array, sd: Array, screen: SkewnessScreen, formula: str, inputs: dict[str, Array]) -> Moments:
    assumption = NORMAL
    if screen.skewed.any():
        assumption += f", which the skewness screen of Shi et al. (2023) denies for {named(screen.skewed)}"
    sources = "Wan et al. (2014), Luo et al. (2018), Shi et al. (2020, 2023)"
    return Moments(mean, sd, screen.skewed, Derivation(formula, inputs, assumption, sources))


def _refuse_unsorted(n: Array, *ascending: Array) -> None:
    refuse(
        (np.diff(np.column_stack(ascending)) < 0).any(axis=1),
        "Minimum, quartiles, median and maximum must ascend",
    )
    _refuse_few(n)


def _refuse_few(n: Array) -> None:
    refuse(n < SMALLEST, f"Quantiles of less than {SMALLEST} people say too little about mean and spread")
