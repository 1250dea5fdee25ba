"""Krippendorff's alpha: any number of raters, missing ratings, four levels of measurement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.stats.agreement.ratings import counts, positions
from analysis.stats.distributions import t_quantile
from analysis.stats.errors import InvalidInput, TooFewEffects
from analysis.stats.inputs import Array, check_level, check_option

MEASUREMENTS = ("nominal", "ordinal", "interval", "ratio")


@dataclass(frozen=True, slots=True, eq=False)
class Alpha:
    """Krippendorff's alpha.

    Attributes
    ----------
    units, ratings : units with two or more ratings, and the ratings of these; the rest cannot be compared.
    value : None where all ratings are the same, so that nothing could have disagreed.
    se, ci_low, ci_high : jackknife over units and t interval with units - 1 df; None where undefined.
    """

    units: int
    ratings: int
    value: float | None
    se: float | None
    ci_low: float | None
    ci_high: float | None


def krippendorff_alpha(
    raters: Sequence[Sequence[float | str | None]],
    categories: Sequence[float | str] | None = None,
    *,
    measurement: str = "nominal",
    level: float = 0.95,
) -> Alpha:
    """Krippendorff's alpha, 1 - observed/expected disagreement.

    Parameters
    ----------
    raters : shape (r, n)
        The ratings of each rater; None is missing.
    categories : the values in their order
        Needed for an ordinal scale of words; numbers are sorted by themselves.
    measurement : "nominal", "ordinal", "interval" or "ratio"
        How far apart two values are: different or not; ranks between them; their difference; their difference
        over their sum (values must not be negative).

    Raises
    ------
    InvalidInput
        If words stand where the measurement needs numbers, or their order is not declared.
    TooFewEffects
        If no unit has two ratings.

    Notes
    -----
    Krippendorff (2019), Content Analysis, 4th ed., chapter 12. The usual bootstrap interval differs from
    run to run; the delete-one-unit jackknife is used instead. Memory grows with the square of the number of
    different values.
    """
    check_option(measurement, MEASUREMENTS, "The level of measurement")
    check_level(level)
    declared = None if categories is None else list(categories)
    coded, known = positions([list(rater) for rater in raters], declared)
    _check_values(known, measurement, declared is not None)
    table = counts(coded, len(known))
    table = table[table.sum(axis=1) >= 2]
    if len(table) == 0:
        raise TooFewEffects("Agreement needs a unit with two ratings; there is none.")
    units, ratings = len(table), int(table.sum())
    values = np.array(known, dtype=float) if measurement in ("interval", "ratio") else np.zeros(len(known))
    total = table.sum(axis=0)
    apart = _distance(total, values, measurement)
    observed = _disagreement(table, apart)
    value = _alpha(float(observed.sum()), total, apart)
    left_out = [] if value is None else _without_each_unit(table, values, measurement, observed, apart)
    if value is None or units < 2 or None in left_out:
        return Alpha(units, ratings, value, None, None, None)
    jackknifed = np.array(left_out, dtype=float)
    se = float(np.sqrt((units - 1) / units * ((jackknifed - jackknifed.mean()) ** 2).sum()))
    half = t_quantile((1 + level) / 2, units - 1) * se
    return Alpha(units, ratings, value, se, value - half, value + half)


def _without_each_unit(
    table: Array, values: Array, measurement: str, observed: Array, apart: Array
) -> list[float | None]:
    """Alpha with each unit left out in turn; ordinal distances depend on all ratings and are made anew."""
    total = table.sum(axis=0)
    found = []
    for unit, own in enumerate(table):
        rest = total - own
        disagreement = float(observed.sum() - observed[unit])
        distance = apart
        if measurement == "ordinal":
            distance = _distance(rest, values, measurement)
            others = _disagreement(table, distance)
            disagreement = float(others.sum() - others[unit])
        found.append(_alpha(disagreement, rest, distance))
    return found


def _disagreement(table: Array, apart: Array) -> Array:
    """Summed distances of the pairs of ratings of each unit, over its ratings less one."""
    disagreement: Array = ((table @ apart) * table).sum(axis=1) / (table.sum(axis=1) - 1)
    return disagreement


def _alpha(observed: float, total: Array, apart: Array) -> float | None:
    expected = float(total @ apart @ total)
    return None if expected <= 0 else 1 - (float(total.sum()) - 1) * max(observed, 0.0) / expected


def _distance(total: Array, values: Array, measurement: str) -> Array:
    """Squared distance of each two values, shape (q, q)."""
    if measurement == "nominal":
        return 1 - np.eye(total.size)
    place = np.cumsum(total) - total / 2 if measurement == "ordinal" else values  # ordinal: mid-ranks
    difference = np.subtract.outer(place, place)
    if measurement == "ratio":
        size = np.add.outer(place, place)
        difference = difference / np.where(size > 0, size, 1.0)
    distance: Array = difference**2
    return distance


def _check_values(known: Sequence[object], measurement: str, declared: bool) -> None:
    numeric = all(isinstance(value, int | float | np.number) for value in known)
    if measurement == "ordinal" and not (numeric or declared):
        raise InvalidInput("An ordinal scale of words needs its categories in their declared order.")
    if measurement in ("interval", "ratio") and not numeric:
        raise InvalidInput(f"The {measurement} level needs numbers; words are nominal or ordinal.")
    if measurement == "ratio" and any(isinstance(value, int | float | np.number) and value < 0 for value in known):
        raise InvalidInput("A ratio scale has no values below zero.")
