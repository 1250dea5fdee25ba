"""Trim and fill: how many trials seem to be missing on one side, and the result with them imputed."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.errors import NotConverged, NotEstimable, TooFewEffects
from analysis.stats.inputs import Array, check_option, effect_data
from analysis.stats.pooling import Pooled, random_effects

ESTIMATORS = ("L0", "R0", "Q0")
SIDES = ("left", "right")
ITERATIONS = 100


@dataclass(frozen=True, slots=True, eq=False)
class TrimFill:
    """The result of trim and fill.

    Attributes
    ----------
    estimator, side : how the number was estimated, and on which side trials seem to be missing.
    missing, missing_se : estimated number, and its standard error (None where its formula gives none).
    missing_p : p-value of "none are missing"; R0 only.
    filled_yi, filled_vi : shape (missing,)
        Imputed effects, mirror images of the most extreme ones, and their variances.
    original, filled : the pooled models without and with the imputed effects.
    """

    estimator: str
    side: str
    missing: int
    missing_se: float | None
    missing_p: float | None
    filled_yi: Array
    filled_vi: Array
    original: Pooled
    filled: Pooled


def trim_and_fill(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    estimator: str = "L0",
    side: str | None = None,
    method: str = "REML",
    test: str = "knha",
    level: float = 0.95,
) -> TrimFill:
    """Estimate the number of trials missing from one side of the funnel, and impute them.

    Parameters
    ----------
    yi, vi : shape (k,)
        Effects and sampling variances above zero; rows with NaN are left out.
    estimator : "L0", "R0" or "Q0"
        From the rank sum (robust, the default), from the longest run of ranks on one side, or a quadratic form of the
        rank sum.
    side : "left" or "right", optional
        Where trials are missing; by default the side to which small trials do not reach, told by the sign of
        Egger's slope.
    method, test, level : of the pooled models; trimming itself needs only the estimate.

    Raises
    ------
    TooFewEffects
        If there are fewer than three effects.
    NotEstimable
        If Q0 is not defined, because nearly all effects lie on one side.
    NotConverged
        If the number keeps changing.

    Notes
    -----
    Duval & Tweedie (2000), Biometrics 56:455-463 and J Am Stat Assoc 95:89-98. Ranks of ties follow the order of the
    effects and the number is rounded half to even, as in metafor. A sensitivity analysis: the imputed trials
    are no evidence.
    """
    check_option(estimator, ESTIMATORS, "The estimator")
    data = effect_data(yi, vi)
    k = data.k
    if k < 3:
        raise TooFewEffects(f"Trim and fill needs three effects; {k} given.")
    original = random_effects(data.y, data.v, method=method, test=test, level=level)
    side = _side(data.y, data.v, method) if side is None else check_option(side, SIDES, "The side")
    mirror = -1.0 if side == "right" else 1.0
    order = np.argsort(mirror * data.y, kind="stable")
    y, v = mirror * data.y[order], data.v[order]
    missing, earlier, centre, se = 0, -1, 0.0, None
    for _ in range(ITERATIONS):
        earlier = missing
        centre = float(random_effects(y[: k - missing], v[: k - missing], method=method, test="z").estimate[0])
        missing, se = _number_missing(y - centre, estimator)
        if missing == earlier:
            break
    else:
        raise NotConverged(f"Trim and fill did not settle in {ITERATIONS} steps: the number missing keeps changing.")
    extreme = slice(k - missing, k)
    filled_yi, filled_vi = mirror * (2.0 * centre - y[extreme]), v[extreme]
    filled = original
    if missing:
        filled = random_effects(
            np.concatenate([data.y, filled_yi]),
            np.concatenate([data.v, filled_vi]),
            method=method,
            test=test,
            level=level,
        )
    return TrimFill(
        estimator=estimator,
        side=side,
        missing=missing,
        missing_se=se,
        missing_p=0.5 ** (missing + 1) if estimator == "R0" else None,
        filled_yi=filled_yi,
        filled_vi=filled_vi,
        original=original,
        filled=filled,
    )


def _side(y: Array, v: Array, method: str) -> str:
    """Right where smaller trials have smaller effects; left otherwise, also where all are equally precise."""
    design = np.column_stack([np.ones(y.size), np.sqrt(v)])
    fit = random_effects(y, v, design, method=method, test="z")
    return "right" if not fit.redundant and fit.estimate[1] < 0 else "left"


def _number_missing(centred: Array, estimator: str) -> tuple[int, float | None]:
    """How many effects are missing on the left of centred, ascending ones, and the standard error of that."""
    k = centred.size
    rank = np.empty(k)
    rank[np.argsort(np.abs(centred), kind="stable")] = np.arange(1, k + 1)
    above = rank[centred > 0]
    if estimator == "R0":
        below = rank[centred < 0]
        run = int((above > (below.max() if below.size else 0.0)).sum())
        missing = max(0, run - 1)
        return missing, sqrt(2.0 * missing + 2.0)
    total = float(above.sum())
    if estimator == "L0":
        raw = (4.0 * total - k * (k + 1)) / (2 * k - 1)
        scale = 4.0 / (2 * k - 1)
    else:
        inside = 2.0 * k * k - 4.0 * total + 0.25
        if inside < 0:
            raise NotEstimable("Q0 is not defined: nearly all effects lie on one side. Use L0 or R0.")
        raw = k - 0.5 - sqrt(inside)
        below_root = (k - 0.5) ** 2 - raw * (2 * k - raw - 1)
        scale = 2.0 / sqrt(below_root) if below_root > 0 else 0.0
    variance = (
        k * (k + 1) * (2 * k + 1)
        + 10 * raw**3
        + 27 * raw**2
        + 17 * raw
        - 18 * k * raw**2
        - 18 * k * raw
        + 6 * k * k * raw
    ) / 24
    return max(0, round(raw)), scale * sqrt(variance) if variance >= 0 and scale > 0 else None
