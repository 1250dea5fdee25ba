"""Agreement on numbers: intraclass correlations and the limits of agreement of Bland and Altman."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from analysis.stats.agreement.ratings import Table, numbers
from analysis.stats.columns import Column, columns
from analysis.stats.distributions import f_quantile, t_quantile, z_quantile
from analysis.stats.errors import NotEstimable, TooFewEffects
from analysis.stats.inputs import check_level


@dataclass(frozen=True, slots=True)
class Coefficient:
    """An intraclass correlation with the bounds of its F-based interval."""

    value: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True, slots=True)
class IntraclassCorrelations:
    """Agreement of single ratings of n targets by k raters.

    Attributes
    ----------
    one_way : ICC(1,1)
        Each target is rated by other raters.
    two_way_random : ICC(2,1)
        The same raters, a sample of many; absolute agreement.
    two_way_mixed : ICC(3,1)
        These raters alone; consistency, so that a rater who is always higher does no harm.
    ms_rows, ms_columns, ms_error, ms_within : mean squares of targets, raters, residual and within targets.
    n, k, omitted : targets, raters, and targets left out because a rating is missing.
    """

    one_way: Coefficient
    two_way_random: Coefficient
    two_way_mixed: Coefficient
    ms_rows: float
    ms_columns: float
    ms_error: float
    ms_within: float
    n: int
    k: int
    omitted: int


def intraclass_correlations(ratings: Table, *, level: float = 0.95) -> IntraclassCorrelations:
    """ICC(1,1), ICC(2,1) and ICC(3,1) of single ratings.

    Parameters
    ----------
    ratings : shape (n, k)
        Targets in rows, raters in columns; targets with a missing rating are left out.

    Raises
    ------
    TooFewEffects
        If there are fewer than two complete targets or two raters.
    NotEstimable
        If every target has the same ratings as every other.

    Notes
    -----
    Shrout & Fleiss (1979); intervals of McGraw & Wong (1996), Psychol Methods 1:30-46.
    """
    upper = (1 + check_level(level)) / 2
    table = numbers(ratings, "The ratings")
    given = ~np.isnan(table).any(axis=1)
    x = table[given]
    n, k = x.shape
    if n < 2 or k < 2:
        raise TooFewEffects(f"An ICC needs two complete targets and two raters; {n} and {k} given.")
    x = x - x.mean()
    of_rows, of_columns = x.mean(axis=1), x.mean(axis=0)
    ms_rows = k * float(of_rows @ of_rows) / (n - 1)
    ms_columns = n * float(of_columns @ of_columns) / (k - 1)
    residual = x - of_rows[:, None] - of_columns
    ms_error = float((residual**2).sum()) / ((n - 1) * (k - 1))
    if ms_rows == 0 and ms_error == 0:
        raise NotEstimable("All targets have the same ratings: there is nothing to tell them apart by.")
    ms_within = float(((x - of_rows[:, None]) ** 2).sum()) / (n * (k - 1))
    return IntraclassCorrelations(
        one_way=_ratio_of_variances(ms_rows, ms_within, n - 1, n * (k - 1), k, upper),
        two_way_random=_absolute_agreement(ms_rows, ms_columns, ms_error, n, k, upper),
        two_way_mixed=_ratio_of_variances(ms_rows, ms_error, n - 1, (n - 1) * (k - 1), k, upper),
        ms_rows=ms_rows,
        ms_columns=ms_columns,
        ms_error=ms_error,
        ms_within=ms_within,
        n=n,
        k=k,
        omitted=int((~given).sum()),
    )


def _ratio_of_variances(
    between: float, within: float, df_between: int, df_within: int, k: int, upper: float
) -> Coefficient:
    """(MS_B - MS_W)/(MS_B + (k - 1) MS_W), its bounds by the F distribution of MS_B/MS_W."""
    bounds = (1.0, f_quantile(upper, df_between, df_within), 1 / f_quantile(upper, df_within, df_between))
    return Coefficient(*((between - f * within) / (between + (k - 1) * f * within) for f in bounds))


def _absolute_agreement(rows: float, columns: float, error: float, n: int, k: int, upper: float) -> Coefficient:
    """ICC(2,1), bounds with the Satterthwaite df of McGraw & Wong."""
    total = rows + (k - 1) * error + k * (columns - error) / n
    if total <= 1e-12 * (rows + columns + error):
        raise NotEstimable("These targets and raters are too few, and too contrary, for an ICC of absolute agreement.")
    value = (rows - error) / total
    if error == 0 and columns == 0:
        return Coefficient(1.0, 1.0, 1.0)
    # a and b over 1 - value, which drops out of the degrees of freedom and may be zero
    a = k * value / n
    b = (1 - value) + k * value * (n - 1) / n
    of_columns, of_error = a * columns, b * error
    df = (of_columns + of_error) ** 2 / (of_columns**2 / (k - 1) + of_error**2 / ((n - 1) * (k - 1)))
    df = max(df, k - 1.0)  # its smallest value; a negative ICC would let the two parts cancel
    low, high = f_quantile(upper, n - 1, df), f_quantile(upper, df, n - 1)
    rest = k * columns + (k * n - k - n) * error
    return Coefficient(
        value, n * (rows - low * error) / (low * rest + n * rows), n * (high * rows - error) / (rest + n * high * rows)
    )


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of agreement with its confidence interval, in the unit of the measurements."""

    value: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True, slots=True)
class LimitsOfAgreement:
    """How far two measurements of the same thing lie apart.

    Attributes
    ----------
    n, omitted : pairs, and pairs left out because a value is missing.
    bias : mean difference x - y, with its t interval.
    sd : standard deviation of the differences.
    lower, upper : limits that hold the share `coverage` of differences, with t intervals.
    limit_se : standard error of a limit.
    """

    n: int
    omitted: int
    bias: Limit
    sd: float
    lower: Limit
    upper: Limit
    limit_se: float
    coverage: float


def bland_altman(x: Column, y: Column, *, coverage: float = 0.95, level: float = 0.95) -> LimitsOfAgreement:
    """Bias and limits of agreement of paired measurements, bias ± z·s.

    Parameters
    ----------
    x, y : shape (n,)
        Pairs of measurements in one unit.
    coverage : share of differences between the limits.
    level : confidence level of the intervals.

    Notes
    -----
    Bland & Altman (1986), Lancet 327:307-310; (1999), Stat Methods Med Res 8:135-160: the standard error of
    a limit is s·√(1/n + z²/(2(n - 1))).
    """
    z = z_quantile((1 + check_level(coverage)) / 2)
    one, other = columns(x=x, y=y)
    given = ~(np.isnan(one) | np.isnan(other))
    difference = (one - other)[given]
    n = difference.size
    if n < 2:
        raise TooFewEffects(f"Limits of agreement need two pairs of measurements; {n} given.")
    q = t_quantile((1 + check_level(level)) / 2, n - 1)
    bias = float(difference.mean())
    sd = float(difference.std(ddof=1))
    bias_se, limit_se = sd / sqrt(n), sd * sqrt(1 / n + z * z / (2 * (n - 1)))
    middle, low, high = (
        Limit(value, value - q * se, value + q * se)
        for value, se in ((bias, bias_se), (bias - z * sd, limit_se), (bias + z * sd, limit_se))
    )
    return LimitsOfAgreement(n, int((~given).sum()), middle, sd, low, high, limit_se, coverage)
