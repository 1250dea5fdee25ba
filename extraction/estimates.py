"""Rough means and SDs from medians, ranges and geometric means, shown as a hint to the person who decides.

They rest on a normal or log-normal distribution, so no two values are ever called equal because of them.
Wan et al. 2014, BMC Med Res Methodol 14:135 (SD from IQR and from range, mean from quartiles); Hozo et al. 2005,
BMC Med Res Methodol 5:13 (mean from range); Higgins et al. 2008, Stat Med 27:6072 (log-normal).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from scipy.special import ndtri

from extraction.record import CentreKind, Observation, SpreadKind
from extraction.side_by_side import whole_n


def sd_hint(a: Observation, b: Observation) -> str:
    """What the spreads that are no SD would be as one; empty where nothing can be said."""
    return _hint(a, b, estimated_sd, "SD")


def mean_hint(a: Observation, b: Observation) -> str:
    """What the centres that are no mean would be as one; empty where nothing can be said."""
    return _hint(a, b, estimated_mean, "mean")


def estimated_sd(row: Observation) -> float | None:
    """The SD behind an IQR, a range, or a geometric SD with its geometric mean; None for all else."""
    spread, n = row.spread, whole_n(row)
    if spread.kind is SpreadKind.GEOMETRIC_SD:
        mean, log_sd = estimated_mean(row), _log(spread.value)
        return None if mean is None or log_sd is None else mean * math.sqrt(math.expm1(log_sd**2))
    width = spread.value if spread.low is None or spread.high is None else spread.high - spread.low
    if width is None or n is None or n < 2:
        return None
    if spread.kind is SpreadKind.IQR:
        return width / (2 * float(ndtri((0.75 * n - 0.125) / (n + 0.25))))
    if spread.kind is SpreadKind.RANGE:
        return width / (2 * float(ndtri((n - 0.375) / (n + 0.25))))
    return None


def estimated_mean(row: Observation) -> float | None:
    """The mean behind a median with its quartiles or range, or behind a geometric mean; None for all else."""
    spread, centre = row.spread, row.centre.value
    if centre is None:
        return None
    if row.centre_kind is CentreKind.GEOMETRIC_MEAN and spread.kind is SpreadKind.GEOMETRIC_SD:
        log_sd = _log(spread.value)
        return None if log_sd is None else centre * math.exp(log_sd**2 / 2)
    if row.centre_kind is not CentreKind.MEDIAN or spread.low is None or spread.high is None:
        return None
    if spread.kind is SpreadKind.IQR:
        return (spread.low + centre + spread.high) / 3
    if spread.kind is SpreadKind.RANGE:
        return (spread.low + 2 * centre + spread.high) / 4
    return None


def _log(geometric_sd: float | None) -> float | None:
    """ln of a geometric SD within what the log-normal formulas bear; above 1000 it is no geometric SD."""
    return math.log(geometric_sd) if geometric_sd is not None and 1 <= geometric_sd <= 1000 else None


def _hint(a: Observation, b: Observation, estimate: Callable[[Observation], float | None], name: str) -> str:
    found = [
        f"{side} is about {name} {value:.4g}"
        for side, value in (("A", estimate(a)), ("B", estimate(b)))
        if value is not None and math.isfinite(value)
    ]
    return f"{'; '.join(found)}: an estimate, never accepted on its own." if found else ""
