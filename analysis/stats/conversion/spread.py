"""Standard deviations and standard errors from what a report prints instead: SE, interval, p value, t."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.columns import complete, refuse
from analysis.stats.conversion.record import Converted, Derivation, Estimate, Moments, Spread, none_skewed
from analysis.stats.distributions import t_quantile, z_quantile
from analysis.stats.errors import InvalidVariance
from analysis.stats.inputs import Array, check_level, check_option

DISTRIBUTIONS = ("t", "z")
P_IS_BOUND = "p was reported as a bound and taken as its value, so the SE is at most this"
EQUAL_SDS = "both groups have the same SD"


def se_to_sd(se: ArrayLike, n: ArrayLike) -> Converted:
    """SD of a group from the standard error of its mean, SE·√n (Cochrane Handbook 6.5.2.2)."""
    s, k = complete(SE=se, n=n)
    refuse(s < 0, "A standard error is negative", InvalidVariance)
    _refuse_sizes(k, least=1)
    return Converted(s * np.sqrt(k), Derivation("SD = SE × √n", {"SE": s, "n": k}, "", "Cochrane Handbook 6.5.2.2"))


def ci_to_sd(ci_lb: ArrayLike, ci_ub: ArrayLike, n: ArrayLike, *, level: float = 0.95, dist: str = "t") -> Moments:
    """Mean and SD of a group from the interval of its mean, √n (U - L)/2q (Cochrane Handbook 6.5.2.2).

    Parameters
    ----------
    ci_lb, ci_ub : bounds, in the outcome's unit.
    n : people in the group, two or more.
    level : confidence level of the interval, a proportion.
    dist : "t" or "z"
        q is the quantile of t with n - 1 degrees of freedom (the default: right at every n) or of the normal.
    """
    low, high, k = complete(L=ci_lb, U=ci_ub, n=n)
    _refuse_reversed(low, high)
    _refuse_sizes(k, least=2)
    q = quantile_of_interval(level, dist, k - 1)
    record = Derivation(
        f"SD = √n × (U - L) / (2q), q of {'t(n - 1)' if dist == 't' else 'the normal'}",
        {"L": low, "U": high, "n": k, "q": q},
        f"the {level:.4g} interval is symmetric and was made with {dist}",
        "Cochrane Handbook 6.5.2.2",
    )
    return Moments((low + high) / 2, np.sqrt(k) * (high - low) / (2 * q), none_skewed(low), record)


def md_ci_to_sd(
    ci_lb: ArrayLike,
    ci_ub: ArrayLike,
    n1: ArrayLike,
    n2: ArrayLike,
    *,
    level: float = 0.95,
    dist: str = "t",
) -> Spread:
    """SE of a mean difference from its interval, and the SD that both groups would share.

    Notes
    -----
    SE = (U - L)/2q with t(n1 + n2 - 2) or the normal; SD = SE/√(1/n1 + 1/n2); Cochrane Handbook 6.5.2.3.
    """
    low, high, a, b = complete(L=ci_lb, U=ci_ub, n1=n1, n2=n2)
    _refuse_reversed(low, high)
    q = quantile_of_interval(level, dist, degrees_of_freedom(a, b))
    se = (high - low) / (2 * q)
    return _spread(se, a, b, "SE = (U - L) / (2q)", {"L": low, "U": high, "q": q})


def md_se_to_sd(se: ArrayLike, n1: ArrayLike, n2: ArrayLike) -> Spread:
    """SD that both groups would share from the SE of their mean difference (Cochrane Handbook 6.5.2.3)."""
    s, a, b = complete(SE=se, n1=n1, n2=n2)
    refuse(s < 0, "A standard error is negative", InvalidVariance)
    degrees_of_freedom(a, b)
    return _spread(s, a, b, "SE as reported", {"SE": s})


def md_t_to_sd(md: ArrayLike, t: ArrayLike, n1: ArrayLike, n2: ArrayLike) -> Spread:
    """SE of a mean difference from its t statistic, |MD / t|, and the SD that both groups would share."""
    d, ti, a, b = complete(MD=md, t=t, n1=n1, n2=n2)
    degrees_of_freedom(a, b)
    _refuse_uninformative(d, ti)
    return _spread(np.abs(d / ti), a, b, "SE = |MD / t|", {"MD": d, "t": ti})


def md_p_to_sd(md: ArrayLike, p: ArrayLike, n1: ArrayLike, n2: ArrayLike, *, bound: bool = False) -> Spread:
    """SE of a mean difference from its two-sided p value by t(n1 + n2 - 2), and the SD of both groups.

    Parameters
    ----------
    bound : bool
        The report says "p < 0.05": the true SE is smaller than the one derived here, and the record says so.
    """
    d, pi, a, b = complete(MD=md, p=p, n1=n1, n2=n2)
    t = two_sided_t(pi, degrees_of_freedom(a, b))
    _refuse_uninformative(d, t)
    return _spread(np.abs(d / t), a, b, "SE = |MD| / t, t of p", {"MD": d, "p": pi, "t": t}, bound=bound)


def ratio_ci_to_log(ci_lb: ArrayLike, ci_ub: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Log of a ratio and its SE from the ratio's interval, (ln U - ln L)/2z (Cochrane Handbook 6.3.2)."""
    low, high = complete(L=ci_lb, U=ci_ub)
    refuse(low <= 0, "The interval of a ratio must lie above zero")
    _refuse_reversed(low, high)
    q = z_quantile((1 + check_level(level)) / 2)
    record = Derivation(
        "ln ratio = (ln L + ln U) / 2, SE = (ln U - ln L) / (2z)",
        {"L": low, "U": high, "z": np.full_like(low, q)},
        f"the {level:.4g} interval is symmetric on the log scale",
        "Cochrane Handbook 6.3.2",
    )
    return Estimate((np.log(low) + np.log(high)) / 2, (np.log(high) - np.log(low)) / (2 * q), record)


def two_sided_t(p: Array, df: Array) -> Array:
    """The |t| whose two-sided p value is p; p = 1 gives 0, p = 0 is refused."""
    refuse((p <= 0) | (p > 1), "A p value must lie above 0 and not above 1")
    return -np.asarray(t_quantile(p / 2, df))


def degrees_of_freedom(n1: Array, n2: Array) -> Array:
    """n1 + n2 - 2 of two independent groups, refused where it is not above zero."""
    refuse((n1 < 1) | (n2 < 1) | (n1 + n2 <= 2), "Two groups need three people in all, one or more in each")
    return n1 + n2 - 2


def _spread(se: Array, n1: Array, n2: Array, how: str, inputs: dict[str, Array], *, bound: bool = False) -> Spread:
    record = Derivation(
        f"{how}, SD = SE / √(1/n1 + 1/n2)",
        {**inputs, "n1": n1, "n2": n2},
        f"{EQUAL_SDS}; {P_IS_BOUND}" if bound else EQUAL_SDS,
        "Cochrane Handbook 6.5.2.3",
    )
    return Spread(se, se / np.sqrt(1 / n1 + 1 / n2), record)


def quantile_of_interval(level: float, dist: str, df: Array) -> Array:
    """Half the width of an interval at `level` in standard errors: of t with `df`, or of the normal."""
    upper = (1 + check_level(level)) / 2
    if check_option(dist, DISTRIBUTIONS, "The distribution") == "z":
        return np.full_like(df, z_quantile(upper))
    return np.asarray(t_quantile(upper, df))


def _refuse_reversed(low: Array, high: Array) -> None:
    refuse(low > high, "The lower bound of an interval lies above the upper one")


def _refuse_sizes(n: Array, least: int) -> None:
    refuse(n < least, f"A group needs {least} or more people for this conversion")


def _refuse_uninformative(md: Array, t: Array) -> None:
    refuse((md == 0) | (t == 0), "A difference of zero does not tell its standard error")
