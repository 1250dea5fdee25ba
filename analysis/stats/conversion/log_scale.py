"""Between the raw and the log scale of a positive, skewed outcome, and geometric means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.columns import complete, refuse
from analysis.stats.conversion.record import Derivation, Moments, none_skewed
from analysis.stats.conversion.spread import quantile_of_interval
from analysis.stats.inputs import Array

HIGGINS = "Higgins, White & Anzures-Cabrera (2008), Stat Med 27:6072-6092"
LOG_NORMAL = "the outcome is log-normal"


@dataclass(frozen=True, slots=True, eq=False)
class LogMoments:
    """Mean and SD of the natural logarithm of an outcome, shape (k,)."""

    mean_log: Array
    sd_log: Array
    record: Derivation

    @property
    def geometric_mean(self) -> Array:
        """exp of the mean log, in the outcome's unit."""
        return np.exp(self.mean_log)

    @property
    def geometric_sd(self) -> Array:
        """exp of the SD of the logs, a factor."""
        return np.exp(self.sd_log)


def raw_to_log(mean: ArrayLike, sd: ArrayLike) -> LogMoments:
    """Log-scale mean and SD of a log-normal outcome from its raw mean and SD.

    Notes
    -----
    σ² = ln(1 + s²/m²), μ = ln m - σ²/2; method 1 of Higgins et al. (2008).
    """
    m, s = complete(mean=mean, SD=sd)
    refuse(m <= 0, "A log-normal outcome has a mean above zero")
    refuse(s < 0, "A standard deviation is negative")
    variance = np.log1p((s / m) ** 2)
    record = Derivation("σ² = ln(1 + SD²/mean²), μ = ln mean - σ²/2", {"mean": m, "SD": s}, LOG_NORMAL, HIGGINS)
    return LogMoments(np.log(m) - variance / 2, np.sqrt(variance), record)


def log_to_raw(mean_log: ArrayLike, sd_log: ArrayLike) -> Moments:
    """Raw mean and SD of a log-normal outcome from its log-scale mean and SD.

    Notes
    -----
    m = exp(μ + σ²/2), s = m·√(exp σ² - 1), the inverse of `raw_to_log`.
    """
    mu, sigma = complete(mean_log=mean_log, SD_log=sd_log)
    refuse(sigma < 0, "A standard deviation is negative")
    with np.errstate(over="ignore"):
        mean = np.exp(mu + sigma**2 / 2)
        sd = mean * np.sqrt(np.expm1(sigma**2))
    refuse(~np.isfinite(sd), "A value on the log scale is too large to be taken back")
    record = Derivation("mean = exp(μ + σ²/2), SD = mean × √(exp σ² - 1)", {"μ": mu, "σ": sigma}, LOG_NORMAL, HIGGINS)
    return Moments(mean, sd, none_skewed(mean), record)


def geometric_sd_to_log(geometric_mean: ArrayLike, geometric_sd: ArrayLike) -> LogMoments:
    """Log-scale mean and SD from a geometric mean and a geometric SD, which is a factor of 1 or more."""
    gm, gsd = complete(GM=geometric_mean, GSD=geometric_sd)
    _refuse_not_above_zero(gm)
    refuse(gsd < 1, "A geometric standard deviation is a factor of 1 or more")
    record = Derivation("μ = ln GM, σ = ln GSD", {"GM": gm, "GSD": gsd}, "", HIGGINS)
    return LogMoments(np.log(gm), np.log(gsd), record)


def geometric_mean_ci_to_log(
    geometric_mean: ArrayLike,
    ci_lb: ArrayLike,
    ci_ub: ArrayLike,
    n: ArrayLike,
    *,
    level: float = 0.95,
    dist: str = "t",
) -> LogMoments:
    """Log-scale mean and SD from a geometric mean and its interval, √n (ln U - ln L)/2q."""
    gm, low, high, ni = complete(GM=geometric_mean, L=ci_lb, U=ci_ub, n=n)
    _refuse_not_above_zero(gm, low)
    refuse((gm < low) | (gm > high), "A geometric mean lies outside its own interval")
    refuse(ni < 2, "A group needs 2 or more people for this conversion")
    q = quantile_of_interval(level, dist, ni - 1)
    record = Derivation(
        "μ = ln GM, σ = √n × (ln U - ln L) / (2q)",
        {"GM": gm, "L": low, "U": high, "n": ni, "q": q},
        f"the {level:.4g} interval is symmetric on the log scale and was made with {dist}",
        HIGGINS,
    )
    return LogMoments(np.log(gm), np.sqrt(ni) * (np.log(high) - np.log(low)) / (2 * q), record)


def _refuse_not_above_zero(*values: Array) -> None:
    for value in values:
        refuse(value <= 0, "A geometric mean and its interval lie above zero")
