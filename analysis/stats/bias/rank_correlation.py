"""Funnel-plot asymmetry by rank correlation: the test of Begg and Mazumdar."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.distributions import z_two_sided
from analysis.stats.errors import NotEstimable, TooFewEffects
from analysis.stats.inputs import Array, Indices, effect_data

EXACT_UP_TO = 1000  # effects; the exact distribution costs their cube, and the normal one is as good


@dataclass(frozen=True, slots=True)
class RankCorrelation:
    """Kendall's tau_b between standardised effects and sampling variances.

    Attributes
    ----------
    k : effects used.
    tau : rank correlation, -1 to 1.
    p_value : two-sided.
    exact : whether the p-value is exact; not with ties or more than `EXACT_UP_TO` effects.
    """

    k: int
    tau: float
    p_value: float
    exact: bool


def begg(yi: ArrayLike, vi: ArrayLike) -> RankCorrelation:
    """Rank correlation test of funnel-plot asymmetry.

    Parameters
    ----------
    yi, vi : shape (k,)
        Effects and sampling variances above zero; rows with NaN are left out.

    Raises
    ------
    TooFewEffects
        If there are fewer than three effects.
    NotEstimable
        If all variances, or all standardised effects, are equal.

    Notes
    -----
    Begg & Mazumdar (1994), Biometrics 50:1088-1101, with the variances themselves as the second variable;
    exact p unless there are ties, then the normal approximation without continuity correction, as metafor's
    `ranktest`.
    """
    data = effect_data(yi, vi)
    if data.k < 3:
        raise TooFewEffects(f"A rank correlation needs three effects; {data.k} given.")
    w = 1.0 / data.v
    total = float(w.sum())
    centred = data.y - float(w @ data.y) / total
    standardised = centred / np.sqrt(data.v - 1.0 / total)
    first, second = _ranks(standardised), _ranks(data.v)
    ties1, ties2 = np.bincount(first), np.bincount(second)
    n = data.k
    pairs = n * (n - 1) / 2
    tied1, tied2 = float((ties1 * (ties1 - 1)).sum()) / 2, float((ties2 * (ties2 - 1)).sum()) / 2
    if tied1 == pairs or tied2 == pairs:
        raise NotEstimable("All effects or all variances are equal: there is nothing to rank.")
    score = _concordance(first, second, tied1, tied2)
    tau = score / (sqrt(pairs - tied1) * sqrt(pairs - tied2))
    exact = tied1 == 0 and tied2 == 0 and n <= EXACT_UP_TO
    p_value = _exact_p(score, n) if exact else z_two_sided(score / sqrt(_variance(n, ties1, ties2)))
    return RankCorrelation(n, tau, min(1.0, p_value), exact)


def _ranks(values: Array) -> Indices:
    """Position among the different values, from 0."""
    return np.unique(values, return_inverse=True)[1]


def _concordance(first: Indices, second: Indices, tied1: float, tied2: float) -> float:
    """Concordant less discordant pairs; O(k log² k), no k × k comparison."""
    n = first.size
    order = np.lexsort((second, first))
    ranks = second[order]
    both = np.unique(np.stack([first, second]), axis=1, return_counts=True)[1]
    tied_twice = float((both * (both - 1)).sum()) / 2
    comparable = n * (n - 1) / 2 - tied1 - tied2 + tied_twice
    return comparable - 2.0 * _inversions(ranks)


def _inversions(ranks: Indices) -> int:
    """Pairs of which the earlier is the larger, by merging sorted runs of doubling width."""
    n = ranks.size
    place = np.arange(n)
    span = int(ranks.max()) + 1
    found, width = 0, 1
    while width < n:
        pair = place // (2 * width)
        key = pair * span + ranks
        left = (place // width) % 2 == 0
        sorted_left, right = np.sort(key[left]), key[~left]
        # of the left half of a pair, those not above a right element; left halves of earlier pairs are full
        not_above = np.searchsorted(sorted_left, right, side="right") - pair[~left] * width
        found += int((width - not_above).sum())
        width *= 2
    return found


def _variance(n: int, ties1: Indices, ties2: Indices) -> float:
    """Variance of the score under independence with ties (Kendall 1970)."""

    def sums(t: Indices) -> tuple[float, float, float]:
        u = t.astype(float)
        pairs = u * (u - 1)
        return float(pairs @ (2 * u + 5)), float(pairs.sum()), float(pairs @ (u - 2))

    a1, b1, c1 = sums(ties1)
    a2, b2, c2 = sums(ties2)
    free = (n * (n - 1) * (2 * n + 5) - a1 - a2) / 18
    return free + b1 * b2 / (2 * n * (n - 1)) + c1 * c2 / (9 * n * (n - 1) * (n - 2))


def _exact_p(score: float, n: int) -> float:
    """Two-sided p by the distribution of the number of concordant pairs of n different values.

    That number is a sum of independent uniform ones on 0..i-1. Only its lower half is worked out, where the running
    sums lose no digits; the upper one mirrors it.
    """
    pairs = n * (n - 1) // 2
    concordant = round((score + pairs) / 2)
    extreme = min(concordant, pairs - concordant)
    chance = np.zeros(extreme + 1)
    chance[0] = 1.0
    for i in range(2, n + 1):
        running = np.cumsum(chance)
        running[i:] -= running[:-i].copy()
        chance = running / i
    return 2.0 * float(chance.sum())
