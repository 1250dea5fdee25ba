"""The checks of an entry: each on an entry that has what it looks for, and none on one that has not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import extraction
from extraction.checks import Limits, MarkerLimits, Severity, check
from extraction.numbers import parse_count, parse_quantity
from extraction.record import (
    Arm,
    CentreKind,
    Characteristic,
    Entry,
    ModeratorKind,
    Observation,
    Outcome,
    Phase,
    QuantityKind,
    Scale,
    Source,
    Spread,
    SpreadKind,
    Status,
    Timepoint,
)

SHIPPED = Path(extraction.__file__).parent / "protocols" / "psychosocial_immune" / "checks.json"
IL6 = MarkerLimits("pg/mL", 0.3, 15.0, 100.0, 100_000.0, 0.4, 2.5, log_usual=True, direction=-1)
LIMITS = Limits.of(json.loads(SHIPPED.read_text(encoding="utf-8")), {"il6": IL6}, source_required=False)

ARMS = (
    Arm("a", "Therapy", n_randomised=parse_count("30")),
    Arm("b", "Waiting list", n_randomised=parse_count("31")),
)
TIMES = (Timepoint("t0", Phase.BASELINE, weeks=0.0), Timepoint("t1", Phase.POST, weeks=12.0))
OUTCOME = Outcome("o", "IL-6", marker="il6", unit="pg/mL")


def cell(
    arm: str, time: str, n: str, centre: str, printed: str, kind: SpreadKind = SpreadKind.SD, **more: Any
) -> Observation:
    number = parse_quantity(printed)
    said = Spread(kind, number.status, number.printed, number.value)
    base = Observation(f"{arm}{time}", arm, time, "o", QuantityKind.SCORE, parse_count(n), CentreKind.MEAN)
    return replace(base, **{"centre": parse_quantity(centre), "spread": said, **more})


SOUND = (
    cell("a", "t0", "28", "2.31", "1.24"),
    cell("a", "t1", "26", "1.98", "1.02"),
    cell("b", "t0", "29", "2.27", "1.31"),
    cell("b", "t1", "27", "2.11", "1.18"),
)


def entry(*cells: Observation, outcome: Outcome = OUTCOME, **more: Any) -> Entry:
    """The sound entry with these cells in the place of its own."""
    keys = {one.key for one in cells}
    rows = (*(one for one in SOUND if one.key not in keys), *cells)
    return replace(Entry(ARMS, TIMES, (outcome,), rows), **more)


def codes(found: Entry, limits: Limits = LIMITS) -> set[str]:
    return {finding.code for finding in check(found, limits)}


def test_a_sound_entry_is_left_alone() -> None:
    assert check(entry(), LIMITS) == []


def ci(low: str, high: str) -> Spread:
    return Spread(
        SpreadKind.CI, Status.REPORTED, low_printed=low, low=float(low), high_printed=high, high=float(high), level=95.0
    )


CHANGED = replace(SOUND[1], key="c", quantity=QuantityKind.CHANGE)
CASES: dict[str, Entry] = {
    "n_above_randomised": entry(cell("a", "t0", "33", "2.31", "1.24")),
    "n_grows": entry(cell("a", "t1", "29", "1.98", "1.02")),
    "n_attrition": entry(cell("a", "t1", "11", "1.98", "1.02")),
    "n_small": entry(cell("a", "t1", "4", "1.98", "1.02")),
    "n_large": entry(cell("a", "t1", "800", "1.98", "1.02")),
    "sd_zero": entry(cell("a", "t0", "28", "2.31", "0.0")),
    "sd_over_mean": entry(cell("a", "t0", "28", "2.31", "7.2")),
    "se_as_sd": entry(cell("a", "t0", "28", "2.31", "0.24")),
    "sd_under_mean": entry(cell("a", "t0", "28", "2.31", "0.02")),
    "sd_differs_between_arms": entry(cell("a", "t0", "28", "2.31", "1.24", SpreadKind.SE)),
    "sd_differs_between_times": entry(cell("a", "t0", "28", "2.31", "1.24", SpreadKind.SE)),
    "mean_out_of_range": entry(cell("a", "t0", "28", "2000000", "1240000")),
    "unit_power_of_ten": entry(cell("a", "t0", "28", "0.0023", "0.0012")),
    "condition_mismatch": entry(cell("a", "t0", "28", "2310", "1240")),
    "change_between_times": entry(cell("a", "t1", "26", "14", "8")),
    "baseline_imbalance": entry(cell("a", "t0", "28", "4.31", "1.24")),
    "same_value_twice": entry(cell("b", "t0", "29", "2.31", "1.24")),
    "ci_order": entry(cell("a", "t0", "28", "2.31", "1", spread=ci("2.5", "3.1"))),
    "ci_asymmetric": entry(cell("a", "t0", "28", "2.31", "1", spread=ci("2.1", "4.1"))),
    "change_mismatch": entry(replace(CHANGED, centre=parse_quantity("0.33"))),
    "r_impossible": entry(
        replace(CHANGED, centre=parse_quantity("-0.33"), spread=Spread(SpreadKind.SD, Status.REPORTED, "9.9", 9.9))
    ),
    "negative_value": entry(cell("a", "t0", "28", "-2.31", "1.24")),
    "percent_range": entry(cell("a", "t0", "28", "131", "12"), outcome=replace(OUTCOME, marker="", unit="%")),
    "raw_suspect": entry(
        cell("a", "t0", "28", "231", "12"), outcome=replace(OUTCOME, scale=Scale.LOG, scale_base="10")
    ),
    "lod": entry(cell("a", "t0", "28", "<0.5", "NR")),
    "excel_date": entry(cell("a", "t0", "28", "45353", "1.24")),
    "impossible_mean": entry(cell("a", "t0", "28", "2.31", "1.24"), outcome=replace(OUTCOME, marker="", unit="count")),
    "spread_kind_unclear": entry(cell("a", "t0", "28", "2.31", "1.24", SpreadKind.UNLABELLED)),
    "timepoint_order": entry(timepoints=(TIMES[0], replace(TIMES[1], weeks=0.0))),
    "not_immune": entry(outcome=replace(OUTCOME, name="Cortisol")),
    "arms_sum": entry(
        characteristics=(
            Characteristic("k", "n_randomised", ModeratorKind.NUMBER, status=Status.REPORTED, printed="60", value=60.0),
        )
    ),
}  # fmt: skip


@pytest.mark.parametrize("code", CASES)
def test_what_looks_wrong_is_found_and_said(code: str) -> None:
    found = [finding for finding in check(CASES[code], LIMITS) if finding.code == code]
    assert found, codes(CASES[code])
    assert all(finding.message and finding.row for finding in found)


def test_a_marker_without_a_direction_is_an_error() -> None:
    limits = replace(LIMITS, markers={"il6": replace(IL6, direction=0)})
    [finding] = check(entry(), limits)
    assert (finding.code, finding.severity) == ("direction_missing", Severity.ERROR)


def test_a_source_is_needed_where_the_review_says_so() -> None:
    needed = replace(LIMITS, source_required=True)
    assert [finding.severity for finding in check(entry(), needed)] == [Severity.ERROR] * 4
    given = tuple(replace(one, source=Source(page="5")) for one in SOUND)
    assert check(entry(*given), needed) == []


def test_the_set_up_says_what_stops_a_submission() -> None:
    found = entry(cell("a", "t0", "33", "2.31", "1.24"))
    severities = [[one.severity for one in check(found, limits)] for limits in (LIMITS, Limits())]
    assert severities == [[Severity.ERROR], [Severity.WARNING]]


def test_a_finding_rests_on_the_values_it_speaks_of() -> None:
    before = {one.code: one.digest for one in check(CASES["se_as_sd"], LIMITS)}["se_as_sd"]
    elsewhere = entry(cell("a", "t0", "28", "2.31", "0.24"), cell("b", "t1", "26", "2.12", "1.18"))
    changed = entry(cell("a", "t0", "27", "2.31", "0.24"))
    assert {one.code: one.digest for one in check(elsewhere, LIMITS)}["se_as_sd"] == before
    assert {one.code: one.digest for one in check(changed, LIMITS)}["se_as_sd"] != before


NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda number: f"{number:.3f}")


@given(NUMBERS, st.floats(0, 1e6).map(lambda number: f"{number:.3f}"), st.integers(1, 10_000).map(str))
def test_whatever_the_numbers_checking_ends_in_findings(centre: str, spread: str, n: str) -> None:
    for kind in (SpreadKind.SD, SpreadKind.SE, SpreadKind.IQR, SpreadKind.UNLABELLED):
        for finding in check(entry(cell("a", "t0", n, centre, spread, kind)), LIMITS):
            assert finding.message
