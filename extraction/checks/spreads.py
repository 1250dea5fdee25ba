"""Spreads that do not fit their means, their kind, or each other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations

from extraction.checks.look import Cell, Checking, Finding, step, time_name
from extraction.record import CentreKind, Scale, SpreadKind, Status


def spreads(look: Checking) -> Iterator[Finding]:
    for cell in look.cells:
        spread = cell.row.spread
        if spread.kind is SpreadKind.UNLABELLED and spread.status is Status.REPORTED:
            message = "what the spread is, is not stated: the value stays out of pooling until it is known."
            yield look.at(cell, "spread_kind_unclear", "first", message)
        if spread.kind in {SpreadKind.SD, SpreadKind.SE} and spread.value == 0:
            yield look.at(cell, "sd_zero", "first", "the spread is 0. Rounded, or all below detection?")
        yield from _ratio(look, cell)
        yield from _interval(look, cell)


def _ratio(look: Checking, cell: Cell) -> Iterator[Finding]:
    mean, printed, n, marker = cell.mean, cell.spread, cell.n, look.marker(cell)
    if mean is None or mean <= 0 or printed is None or not printed or not cell.is_score:
        return
    if cell.outcome.scale is not Scale.RAW:
        return
    ratio = printed / mean
    if marker.ratio_low is not None and n:
        window = look.limits.limit("se_as_sd", "window_factor")
        as_sd = ratio * math.sqrt(n)
        high = (marker.ratio_high or 2) * window
        if ratio < marker.ratio_low / window and marker.ratio_low / window <= as_sd <= high:
            message = f"SD {printed:g} × √{n:g} = {printed * math.sqrt(n):.3g}, which fits the marker. Is it the SE?"
            yield look.at(cell, "se_as_sd", "first", message)
            return
        if ratio < marker.ratio_low * look.limits.limit("sd_under_mean", "below_marker_low_times"):
            yield look.at(cell, "sd_under_mean", "first", f"SD / mean = {ratio:.2g} is unusually small. Is it the SE?")
    above = look.limits.limit("sd_over_mean", "ratio_above_general")
    if ratio > (marker.ratio_high or above):
        hint = " This marker is usually analysed as a logarithm." if marker.log_usual else ""
        yield look.at(
            cell, "sd_over_mean", "first",
            f"the SD is {ratio:.2g} times the mean of a positive marker. A median, or a log scale?{hint}",
        )  # fmt: skip


def _interval(look: Checking, cell: Cell) -> Iterator[Finding]:
    spread, centre = cell.row.spread, cell.row.centre.value
    if spread.low is None or spread.high is None or centre is None:
        return
    if not spread.low <= centre <= spread.high:
        yield look.at(cell, "ci_order", "first", f"{centre:g} does not lie from {spread.low:g} to {spread.high:g}.")
    elif spread.kind is SpreadKind.CI and cell.row.centre_kind is CentreKind.MEAN and spread.high > spread.low:
        half = (spread.high - spread.low) / 2
        off = abs(spread.high + spread.low - 2 * centre) / 2
        if off > look.limits.limit("ci_asymmetric", "relative_asymmetry_above") * half + 2 * step(cell):
            yield look.at(cell, "ci_asymmetric", "first", "the CI is not symmetric about the mean. A log scale?")


def spreads_side_by_side(look: Checking) -> Iterator[Finding]:
    for column in look.columns:
        for one, other in combinations(column, 2):
            yield from _compared(look, one, other, "sd_differs_between_arms")
    for row in look.rows:
        for one, other in combinations(row, 2):
            yield from _compared(look, one, other, "sd_differs_between_times")


def _compared(look: Checking, one: Cell, other: Cell, code: str) -> Iterator[Finding]:
    if not (one.sd and other.sd):
        return
    large, small = (one, other) if one.sd >= other.sd else (other, one)
    ratio = (large.sd or 0) / (small.sd or 1)
    few = min(one.n or 15, other.n or 15) < 15 and code == "sd_differs_between_arms"
    limit = look.limits.limit(code, "ratio_above_n_under_15" if few else "ratio_above")
    if ratio <= limit:
        return
    root = math.sqrt(small.n) if small.n else None
    if small.spread and large.spread and root and abs(ratio / root - 1) < 0.15:
        message = f"the SD of {large.where} is {ratio:.3g} times this one, and √{small.n:g} = {root:.3g}. Is it the SE?"
        yield look.at(small, "se_as_sd", "first", message, large)
        return
    kind = "SE" if large.row.spread.kind is SpreadKind.SE else "SD"
    printed = f"{kind} {large.row.spread.printed} would be SD {large.sd:.3g}, " if kind == "SE" else ""
    ask = " Was an SD entered as SE?" if kind == "SE" else ""
    message = f"{printed}{ratio:.2g} times the {small.sd:.3g} of {small.arm.label}, {time_name(small.time)}.{ask}"
    yield look.at(large, code, "first", message, small)
