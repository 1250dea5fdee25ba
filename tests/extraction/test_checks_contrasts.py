"""The checks of contrasts: each on an entry that has what it looks for, and none on one that has not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from scipy import stats

import extraction
from extraction.checks import Finding, Limits, check
from extraction.contrasts import turned
from extraction.numbers import parse_count, parse_quantity
from extraction.record import (
    Arm,
    CentreKind,
    ContrastStatistic,
    Entry,
    Observation,
    Outcome,
    Phase,
    QuantityKind,
    Spread,
    SpreadKind,
    Statistic,
    Subject,
    Timepoint,
)
from tests.extraction.any_entries import contrasted
from tests.extraction.entries import ci, contrast

SHIPPED = Path(extraction.__file__).parent / "protocols" / "psychosocial_immune" / "checks.json"
LIMITS = Limits.of(json.loads(SHIPPED.read_text(encoding="utf-8")), {}, source_required=False)
S = Statistic


def cell(arm: str, time: str, n: str, mean: str, sd: str, kind: QuantityKind = QuantityKind.SCORE) -> Observation:
    spread = Spread(SpreadKind.SD, parse_quantity(sd).status, sd, parse_quantity(sd).value)
    key = f"{arm}{time}{kind}"
    return Observation(key, arm, time, "outcome1", kind, parse_count(n), CentreKind.MEAN, parse_quantity(mean), spread)


ARMS = (Arm("arm1", "CBT"), Arm("arm2", "Waiting list"))
TIMES = (Timepoint("time0", Phase.BASELINE, weeks=0.0), Timepoint("time1", Phase.POST, weeks=12.0))
CELLS = (
    cell("arm1", "time0", "26", "5.0", "2.0"),
    cell("arm1", "time1", "26", "3.4", "2.0"),
    cell("arm2", "time0", "24", "5.1", "2.1"),
    cell("arm2", "time1", "24", "5.0", "2.2"),
)
# What these cells give: pooled t of 3.4, 2.0, 26 against 5.0, 2.2, 24.
TRUE = stats.ttest_ind_from_stats(3.4, 2.0, 26, 5.0, 2.2, 24)


def entry(*rows: ContrastStatistic, cells: tuple[Observation, ...] = CELLS) -> Entry:
    numbered = tuple(replace(row, key=f"k{place}") for place, row in enumerate(rows))
    return Entry(ARMS, TIMES, (Outcome("outcome1", "Score"),), cells, contrasts=numbered)


def found(*rows: ContrastStatistic, cells: tuple[Observation, ...] = CELLS) -> dict[str, Finding]:
    return {one.code: one for one in check(entry(*rows, cells=cells), LIMITS) if one.subject is Subject.CONTRAST}


MD = contrast(statistic=S.MEAN_DIFFERENCE, value="-1.6", interval=ci("-2.8", "-0.4"))
T = contrast(value=f"{TRUE.statistic:.2f}", df="48")
P = contrast(statistic=S.P, value=f"{TRUE.pvalue:.3f}")
SOUND = (MD, T, P, contrast(statistic=S.F, value=f"{TRUE.statistic**2:.2f}", df="1, 48"))
WITHIN = (contrast(statistic=S.SD_CHANGE, value="1.79"), contrast(statistic=S.CORRELATION, value="0.6"))


def test_sound_contrasts_are_left_alone_whichever_arm_is_named_first() -> None:
    assert TRUE.pvalue == pytest.approx(0.0097, abs=5e-5)
    assert found(*SOUND, *WITHIN, contrast(statistic=S.PAIRED_T, value="-4.1", df="25")) == {}
    assert found(*(turned(row) for row in SOUND)) == {}
    assert found(turned(MD), T, turned(P)) == {}
    assert found(*SOUND, cells=()) == {}


CASES: dict[str, tuple[tuple[ContrastStatistic, ...], str]] = {
    "contrast_means": ((replace(MD, value=parse_quantity("-0.9"), interval=Spread()),), "differ by -1.6"),
    "contrast_interval": ((replace(MD, interval=ci("-1.2", "-0.4")),), "does not lie"),
    "contrast_t": ((MD, contrast(value="-1.90", df="48")), "give t -2.68"),
    "contrast_p_of_means": ((contrast(statistic=S.P, value="0.21"),), "give p 0.0"),
    "contrast_df": ((replace(T, df=parse_quantity("58")),), "of 60 people; the grid has 50"),
    "sd_change_r": ((contrast(statistic=S.SD_CHANGE, value="4.5"),), "which cannot be"),
    "r_mismatch": ((WITHIN[0], contrast(statistic=S.CORRELATION, value="0.2")), "give r 0.60, not 0.2"),
}


@pytest.mark.parametrize("code", CASES)
def test_each_check_finds_what_it_looks_for(code: str) -> None:
    rows, words = CASES[code]
    finding = found(*rows)[code]
    assert words in finding.message
    assert finding.severity.value == "warning"
    assert finding.row in {f"k{place}" for place in range(len(rows))}
    # a reason for it is void once a number changes
    other = tuple(replace(row, value=parse_quantity("0.001")) for row in rows)
    changed = found(*other).get(code)
    assert changed is None or changed.digest != finding.digest


@pytest.mark.parametrize(
    ("p", "wrong"),
    [("0.010", False), ("0.0097", False), ("0.01", False), ("<0.01", False), ("<0.05", False), ("<0.001", True),
     ("0.06", True), ("0.0001", True), (">0.05", True), ("0.096", True), ("NR", False)],
)  # fmt: skip
def test_a_p_is_held_against_t_and_its_degrees_of_freedom(p: str, wrong: bool) -> None:
    said = contrast(statistic=S.P, value=p, adjusted="age")  # so that the means are no evidence
    assert ("contrast_p" in found(T, said)) is wrong
    assert ("contrast_p" in found(turned(T), said)) is wrong


@pytest.mark.parametrize(
    ("p", "wrong"),
    [("0.010", False), ("<0.05", False), ("0.049", False), ("0.051", True), ("<0.001", True), (">0.05", True)],
)
def test_a_p_is_held_against_the_means(p: str, wrong: bool) -> None:
    assert ("contrast_p_of_means" in found(contrast(statistic=S.P, value=p))) is wrong


def test_what_is_adjusted_is_not_held_against_raw_numbers() -> None:
    rows = [replace(row, adjusted="baseline", df=parse_quantity("40")) for row in (MD, T, P)]
    rows[0] = replace(rows[0], value=parse_quantity("-1.1"), interval=Spread())
    rows[2] = replace(rows[2], value=parse_quantity("0.2"))
    assert set(found(*rows)) == {"contrast_p"}


def test_a_difference_may_be_of_the_scores_or_of_the_changes() -> None:
    of_changes = replace(MD, value=parse_quantity("-1.5"), interval=Spread())  # -1.6 - -0.1
    assert found(of_changes) == {}
    changes = (
        cell("arm1", "time1", "26", "-1.2", "1.8", QuantityKind.CHANGE),
        cell("arm2", "time1", "24", "0.3", "1.8", QuantityKind.CHANGE),
    )
    assert found(of_changes, cells=changes) == {}
    assert "contrast_means" in found(replace(of_changes, value=parse_quantity("-1.9")), cells=changes)


def test_the_other_sign_is_named() -> None:
    finding = found(replace(MD, value=parse_quantity("1.6"), interval=Spread()))["contrast_means"]
    assert "the sign is the other one" in finding.message
    finding = found(MD, contrast(value="2.68", df="48"))["contrast_t"]
    assert "the other sign" in finding.message


def test_welchs_degrees_of_freedom_are_sound_and_those_of_a_paired_t_are_n_less_1() -> None:
    assert "contrast_df" not in found(replace(T, df=parse_quantity("46.2")))
    assert "contrast_df" in found(replace(T, df=parse_quantity("12.5")))
    assert "contrast_df" in found(contrast(statistic=S.PAIRED_T, value="-4.1", df="24"))


def test_the_root_of_an_f_of_more_than_two_groups_is_no_t() -> None:
    p = contrast(statistic=S.P, value="0.5", adjusted="age")
    f: dict[str, Any] = {"statistic": S.F, "value": "7.2"}
    assert "contrast_p" in found(contrast(**f, df="1, 48"), p)
    assert "contrast_p" not in found(contrast(**f, df="2, 48"), p)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(contrasted("a"))
def test_any_contrasts_at_all_are_looked_at(whole: Entry) -> None:
    found_there = check(whole, LIMITS)
    keys = {row.key for row in whole.contrasts}
    assert {one.row for one in found_there if one.subject is Subject.CONTRAST} <= keys
    other = replace(whole, contrasts=tuple(turned(row) for row in whole.contrasts))
    codes = [{(one.code, one.row) for one in check(entry, LIMITS)} for entry in (whole, other)]
    assert codes[0] == codes[1]
