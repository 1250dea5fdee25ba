"""Centres outside what is plausible, or that contradict each other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from typing import Final

from extraction.checks.look import Cell, Checking, Finding, decimals, same_unit, step, time_name
from extraction.record import Condition, Phase, Qualifier, Scale

POWERS: Final = (10, 100, 1000, 0.1, 0.01, 0.001)
COUNTED: Final = frozenset({"count", "counts", "points", "score", "number", "n"})
DATES: Final = (36526, 54788)  # 2000 to 2049 as a spreadsheet numbers its days


def centres(look: Checking) -> Iterator[Finding]:
    limit = look.limits.limit
    for cell in look.cells:
        value, scale = cell.row.centre.value, cell.outcome.scale
        if value is None:
            continue
        if cell.row.centre.qualifier not in {Qualifier.EQUAL, Qualifier.ABOUT}:
            yield look.at(cell, "lod", "centre", "a bound is kept as printed and is not pooled as a number.")
        if scale is Scale.LOG and value > limit(
            "raw_suspect", "log10_above" if cell.outcome.scale_base == "10" else "ln_above"
        ):
            yield look.at(cell, "raw_suspect", "centre", f"{value:g} is too large for a logarithm. A raw value?")
        if not cell.is_score:
            continue
        if scale is Scale.RAW and value < 0 and (look.marker(cell).low or -1) >= 0:
            yield look.at(cell, "negative_value", "centre", f"{value:g} is negative; this marker never is.")
        share = cell.outcome.unit.replace(" ", "") in {"%", "%lysis"} and scale is Scale.RAW
        if share and not limit("percent_range", "min") <= value <= limit("percent_range", "max"):
            yield look.at(cell, "percent_range", "centre", f"a share of {value:g} % is not possible.")
        yield from _plausible(look, cell, value)
        yield from _whole(look, cell, value)
        yield from _date(look, cell, value)


def _plausible(look: Checking, cell: Cell, value: float) -> Iterator[Finding]:
    marker = look.marker(cell)
    stimulated = cell.outcome.condition is Condition.STIMULATED
    low, high = (marker.stimulated_low, marker.stimulated_high) if stimulated else (marker.low, marker.high)
    if low is None or high is None or cell.outcome.scale is not Scale.RAW or value <= 0:
        return
    if not marker.unit or not same_unit(cell.outcome.unit, marker.unit):
        return
    stretch = look.limits.limit("mean_out_of_range", "stretch")
    if low / stretch <= value <= high * stretch:
        return
    usual = f"usually {low:g} to {high:g} {marker.unit}"
    power = next((power for power in POWERS if low <= value * power <= high), None)
    other = (marker.low, marker.high) if stimulated else (marker.stimulated_low, marker.stimulated_high)
    if other[0] is not None and other[1] is not None and other[0] <= value <= other[1] and not stimulated:
        message = f"{value:g} fits stimulated samples alone ({usual}). Which condition is it?"
        yield look.at(cell, "condition_mismatch", "centre", message)
    elif power is not None:
        message = f"{value:g} × {power:g} would fit ({usual}). Is the unit {cell.outcome.unit}?"
        yield look.at(cell, "unit_power_of_ten", "centre", message)
    else:
        yield look.at(cell, "mean_out_of_range", "centre", f"{value:g} lies outside the range, {usual}.")


def _whole(look: Checking, cell: Cell, value: float) -> Iterator[Finding]:
    """A mean of whole numbers times n is whole, within what rounding hides (GRIM)."""
    n, places = cell.n, decimals(cell.row.centre.printed)
    if cell.outcome.unit.casefold() not in COUNTED or n is None or cell.mean is None:
        return
    if n > look.limits.limit("impossible_mean", "max_n") or not 1 <= places <= look.limits.limit(
        "impossible_mean", "decimals_max"
    ):
        return
    nearest = round(value * n) / n
    if abs(nearest - value) > 0.5 * 10**-places * (1 + 1e-9):
        yield look.at(cell, "impossible_mean", "centre", f"{n:g} whole numbers cannot have the mean {value:g}.")


def _date(look: Checking, cell: Cell, value: float) -> Iterator[Finding]:
    if value.is_integer() and DATES[0] <= value <= DATES[1]:
        rest = [one.row.centre.value for one in look.cells if one.outcome.key == cell.outcome.key and one is not cell]
        if any(other is not None and abs(other) < 1000 for other in rest):
            yield look.at(cell, "excel_date", "centre", f"{value:g} may be a date that a spreadsheet made of a number.")


def centres_side_by_side(look: Checking) -> Iterator[Finding]:
    for column in look.columns:
        for one, other in combinations(column, 2):
            if one.time.phase is Phase.BASELINE and one.is_score:
                yield from _imbalance(look, one, other)
            yield from _twice(look, one, other)
    for row in look.rows:
        for one, other in combinations(row, 2):
            yield from _twice(look, one, other)
        first = row[0]
        for later in row[1:]:
            if not (first.is_score and first.mean and later.mean and first.outcome.scale is Scale.RAW):
                continue
            ratio = max(first.mean / later.mean, later.mean / first.mean)
            if ratio > look.limits.limit("change_between_times", "ratio_above"):
                message = f"the mean changes {ratio:.2g}-fold from {time_name(first.time)}. Decimal point, or unit?"
                yield look.at(later, "change_between_times", "centre", message, first)


def _imbalance(look: Checking, one: Cell, other: Cell) -> Iterator[Finding]:
    if one.mean is None or other.mean is None or not (one.sd and other.sd and one.n and other.n):
        return
    pooled = math.sqrt((one.sd**2 + other.sd**2) / 2)
    smd = (one.mean - other.mean) / pooled
    z = (one.mean - other.mean) / math.sqrt(one.sd**2 / one.n + other.sd**2 / other.n)
    limit = look.limits.limit
    if abs(smd) > limit("baseline_imbalance", "abs_smd_above") and abs(z) > limit("baseline_imbalance", "abs_z_above"):
        message = f"differs from {other.arm.label} by {abs(smd):.2f} SD at baseline. Arms swapped, or an SE as SD?"
        yield look.at(one, "baseline_imbalance", "centre", message, other)


def _twice(look: Checking, one: Cell, other: Cell) -> Iterator[Finding]:
    centre, spread = one.row.centre.printed, one.row.spread.printed
    digits = sum(character.isdigit() for character in centre)
    if digits >= 3 and spread and (centre, spread) == (other.row.centre.printed, other.row.spread.printed):
        yield look.at(other, "same_value_twice", "centre", f"the same numbers as in {one.where}. Copied?", one)


def changes(look: Checking) -> Iterator[Finding]:
    scores = {(c.outcome.key, c.arm.key, c.time.key): c for c in look.cells if c.is_score}
    baseline = next((time.key for time in look.entry.timepoints if time.phase is Phase.BASELINE), "")
    for cell in look.cells:
        before = scores.get((cell.outcome.key, cell.arm.key, baseline))
        after = scores.get((cell.outcome.key, cell.arm.key, cell.time.key))
        if cell.is_score or before is None or after is None or cell.time.key == baseline:
            continue
        if cell.mean is not None and before.mean is not None and after.mean is not None:
            off = abs(after.mean - before.mean - cell.mean)
            if off > 1.0001 * (step(cell) + step(before) + step(after)) / 2:
                message = (
                    f"change {cell.mean:g}, but {after.mean:g} − {before.mean:g} = {after.mean - before.mean:.4g}."
                )
                yield look.at(cell, "change_mismatch", "centre", message, before, after)
        if cell.sd and before.sd and after.sd:
            r = (before.sd**2 + after.sd**2 - cell.sd**2) / (2 * before.sd * after.sd)
            if abs(r) > 1.02:
                message = f"the SDs would need a pre-post correlation of {r:.2f}. An SE among them?"
                yield look.at(cell, "r_impossible", "first", message, before, after)
