"""Confidence intervals of tau², tau, I² and H². Sources: Viechtbauer 2007; Hardy & Thompson 1996."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Literal

from numpy.typing import ArrayLike

from analysis.stats import distributions
from analysis.stats.errors import InvalidInput
from analysis.stats.heterogeneity.estimators import method_name, require_residual
from analysis.stats.heterogeneity.generalised_q import generalised_q_root
from analysis.stats.heterogeneity.likelihood import likelihood_optimum, log_likelihood, score_and_slope
from analysis.stats.inputs import check_level, check_option, effect_data
from analysis.stats.profile import Profile, falling_root, profile


@dataclass(frozen=True)
class Interval:
    """A lower and an upper bound."""

    low: float
    high: float


@dataclass(frozen=True)
class HeterogeneityInterval:
    """Confidence intervals of tau² and of what follows from it; [0, 0] where no tau² fits the data.

    `empty` says that even tau² = 0 shows less variation than chance allows, so that the interval is the null set.
    """

    tau2: Interval
    tau: Interval
    I2: Interval
    H2: Interval
    level: float
    kind: Literal["QP", "PL"]
    empty: bool


def confidence_interval(
    yi: ArrayLike,
    vi: ArrayLike,
    X: ArrayLike | None = None,
    *,
    method: str = "REML",
    kind: Literal["QP", "PL"] = "QP",
    level: float = 0.95,
) -> HeterogeneityInterval:
    """Confidence interval of tau², tau, I² and H².

    "QP" inverts the generalised Q statistic (Viechtbauer 2007); "PL" profiles the likelihood of `method` (ML or
    REML). I² and H² are those of the bounds of tau².

    Raises
    ------
    TooFewEffects, InvalidInput, InvalidVariance, UnknownOption
    """
    check_level(level)
    method = method_name(method)
    check_option(kind, ("QP", "PL"), "The kind of interval")
    data = effect_data(yi, vi, X)
    effects = profile(data)
    require_residual(data.k, data.p, 1)
    df = data.k - data.p
    empty = False
    if kind == "QP":
        high_target = distributions.chi2_quantile(0.5 * (1.0 + level), df)
        low_target = distributions.chi2_quantile(0.5 * (1.0 - level), df)
        low, high = generalised_q_root(effects, high_target), generalised_q_root(effects, low_target)
        empty = high == 0.0 and effects.at(0.0).yPy < low_target
    else:
        if method not in ("ML", "REML"):
            raise InvalidInput("A profile-likelihood interval needs the ML or the REML estimate of tau².")
        low, high = _profile_likelihood_bounds(effects, method == "REML", level)
    typical = df / effects.at(0.0).trP
    return HeterogeneityInterval(
        tau2=Interval(low, high),
        tau=Interval(sqrt(low), sqrt(high)),
        I2=Interval(100.0 * low / (low + typical), 100.0 * high / (high + typical)),
        H2=Interval(low / typical + 1.0, high / typical + 1.0),
        level=level,
        kind=kind,
        empty=empty,
    )


def _profile_likelihood_bounds(effects: Profile, restricted: bool, level: float) -> tuple[float, float]:
    """Where the log-likelihood has fallen by half the chi-squared quantile, on either side of the optimum."""
    best, sums = likelihood_optimum(effects, restricted=restricted)
    threshold = log_likelihood(effects, sums, restricted=restricted)
    threshold -= 0.5 * float(distributions.chi2_quantile(level, 1))

    def fallen(tau2: float) -> float:
        return log_likelihood(effects, effects.at(tau2), restricted=restricted) - threshold

    def slope(tau2: float) -> float:
        return 0.5 * score_and_slope(effects.at(tau2), restricted)[0]

    scale = float(effects.v.min())
    low = 0.0
    if best > 0 and fallen(0.0) < 0:
        # mirrored, so that the function falls from the optimum outwards
        low = best - falling_root(lambda d: (fallen(best - d), -slope(best - d)), 0.0, best, 0.5 * best, scale)
    high = max(best, float(effects.v.mean()))
    while fallen(high) > 0:
        high *= 2.0
    high = falling_root(lambda t: (fallen(t), slope(t)), best, high, 0.5 * (best + high), scale)
    return low, high
