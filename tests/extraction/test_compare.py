"""The five verdicts, on made cases, on any entries at all, and on the demo review."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extraction.align import propose
from extraction.compare import differences
from extraction.record import (
    ACCEPTED_VERDICTS,
    Arm,
    CentreKind,
    Characteristic,
    Condition,
    Difference,
    Entry,
    Match,
    ModeratorKind,
    Observation,
    Outcome,
    Phase,
    Quantity,
    Role,
    Scale,
    Side,
    Spread,
    SpreadKind,
    Status,
    Subject,
    Timepoint,
    Verdict,
)
from extraction.units import UnitTable
from tests.extraction.entries import (
    UNITS,
    by_key,
    cell,
    ci,
    demo_entries,
    entries,
    entry,
    one_number,
    pairs,
    renamed,
    rows_of,
    sd,
    se,
    turned,
    two_ends,
)

IDENTICAL, ROUNDING, EQUIVALENT = Verdict.IDENTICAL, Verdict.ROUNDING, Verdict.EQUIVALENT
ONE_MISSING, DIFFERENT = Verdict.ONE_MISSING, Verdict.DIFFERENT
A, B = Side.A, Side.B


def compared(a: Entry, b: Entry, matches: list[Match] | None = None) -> list[Difference]:
    return differences(a, b, by_key(a, b) if matches is None else matches, UNITS)


def verdict_of(a: Observation, b: Observation, field: str, **parts: Any) -> tuple[Verdict, Side | None]:
    """What two observations say together on one field; they must agree on all others."""
    found = compared(entry(a, **parts), entry(b, **parts))
    assert {difference.field for difference in found} <= {field}
    return (found[0].verdict, found[0].takes) if found else (IDENTICAL, None)


def the_one(found: list[Difference]) -> Difference:
    assert len(found) == 1, found
    return found[0]


# One number


@pytest.mark.parametrize(
    ("a", "b", "verdict", "takes"),
    [
        ("3.1", "3.1", IDENTICAL, None),
        ("3.1", "+3.1", IDENTICAL, None),
        ("-3.1", "−3.1", IDENTICAL, None),
        ("2.475", "2.48", ROUNDING, A),
        ("2.475", "2.47", ROUNDING, A),
        ("2.48", "2.475", ROUNDING, B),
        ("2.475", "2.49", DIFFERENT, None),
        ("2.4751", "2.47", DIFFERENT, None),
        ("2.5", "2.50", ROUNDING, B),
        ("0.1", "0.10000000000000001", ROUNDING, B),
        ("2.47", "2.48", DIFFERENT, None),
        ("1234", "1.2e3", ROUNDING, A),
        ("1250", "1.2e3", ROUNDING, A),
        ("1251", "1.2e3", DIFFERENT, None),
        ("-0.4", "0", ROUNDING, A),
        ("-0.6", "0", DIFFERENT, None),
        ("<0.5", "<0.5", IDENTICAL, None),
        ("<0.5", "0.5", DIFFERENT, None),
        ("<0.5", "<=0.5", DIFFERENT, None),
        ("LOD 0.5", "<0.5", DIFFERENT, None),
        ("<0.54", "<0.5", ROUNDING, A),
        ("3.1", "", ONE_MISSING, None),
        ("NR", "3.1", ONE_MISSING, None),
        ("3.1", "NM", ONE_MISSING, None),
        ("UN", "3.1", ONE_MISSING, None),
        ("", "", IDENTICAL, None),
        ("", "NR", IDENTICAL, None),
        ("NR", "", IDENTICAL, None),
        ("NR", "NR", IDENTICAL, None),
        ("UN", "UN", IDENTICAL, None),
        ("NR", "NM", DIFFERENT, None),
        ("NR", "UN", DIFFERENT, None),
        ("NM", "UN", DIFFERENT, None),
        ("", "UN", ONE_MISSING, None),
        ("NM", "", ONE_MISSING, None),
    ],
)
def test_two_centres(a: str, b: str, verdict: Verdict, takes: Side | None) -> None:
    assert verdict_of(cell(centre=a), cell(centre=b), "centre") == (verdict, takes)


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [("25", "25", IDENTICAL), ("25", "24", DIFFERENT), ("85", "58", DIFFERENT), ("25", "NR", ONE_MISSING)],
)
def test_two_n(a: str, b: str, verdict: Verdict) -> None:
    assert verdict_of(cell(n=a), cell(n=b), "n")[0] == verdict


def test_two_kinds_of_centre_differ_and_a_hint_is_no_verdict() -> None:
    a = cell(spread=two_ends(SpreadKind.IQR, "1", "6"), centre_kind=CentreKind.MEDIAN)
    b = cell(spread=two_ends(SpreadKind.IQR, "1", "6"))
    found = the_one(compared(entry(a), entry(b)))
    assert (found.field, found.verdict, found.takes) == ("centre", DIFFERENT, None)
    assert (found.a_says, found.b_says) == ("median 3.1", "mean 3.1")
    assert found.worked == "A is about mean 3.367: an estimate, never accepted on its own."


def test_a_kind_without_a_value_says_nothing() -> None:
    a, b = cell(centre="NR", centre_kind=CentreKind.MEDIAN), cell(centre="")
    assert compared(entry(a), entry(b)) == []


def test_a_text_that_is_no_number_agrees_with_the_same_text_alone() -> None:
    odd = Quantity(Status.REPORTED, "see figure")
    assert compared(entry(replace(cell(), centre=odd)), entry(replace(cell(), centre=odd))) == []
    found = the_one(compared(entry(replace(cell(), centre=odd)), entry(cell())))
    assert (found.verdict, found.a_says) == (DIFFERENT, "mean see figure")


def test_a_value_without_its_printed_text_is_taken_in_its_shortest_form() -> None:
    bare = Quantity(Status.REPORTED, "", 3.1)
    assert compared(entry(replace(cell(), centre=bare)), entry(cell())) == []
    found = the_one(compared(entry(replace(cell(), centre=bare, centre_kind=CentreKind.NONE)), entry(cell())))
    assert (found.a_says, found.b_says) == ("3.1", "mean 3.1")


# Spreads


@pytest.mark.parametrize(
    ("a", "b", "verdict", "takes"),
    [
        (sd("2.1"), sd("2.1"), IDENTICAL, None),
        (sd("4.25464"), sd("4.25"), ROUNDING, A),
        (sd("2.1"), sd("2.2"), DIFFERENT, None),
        (se("0.42"), se("0.42"), IDENTICAL, None),
        (sd("2.1"), se("0.42"), EQUIVALENT, A),
        (se("0.42"), sd("2.1"), EQUIVALENT, B),
        (se("0.42"), sd("2.2"), DIFFERENT, None),
        (se("0.4"), sd("2.25"), EQUIVALENT, B),  # 0.45 × 5
        (se("0.4"), sd("2.4"), DIFFERENT, None),
        (se("0"), sd("2.1"), DIFFERENT, None),
        (sd("2.1"), sd("NR"), ONE_MISSING, None),
        (sd(""), sd("2.1"), ONE_MISSING, None),
        (sd("NR"), sd("NM"), DIFFERENT, None),
        (sd("NR"), se(""), IDENTICAL, None),
        (sd("<2.1"), sd("2.1"), DIFFERENT, None),
        (sd("<2.1"), se("0.42"), DIFFERENT, None),
        (sd("2.1"), one_number(SpreadKind.UNLABELLED, "2.1"), DIFFERENT, None),
        (sd("2.1"), one_number(SpreadKind.GEOMETRIC_SD, "2.1"), DIFFERENT, None),
        # t with 24 df: 2.0639 at 95 %, 1.7109 at 90 %
        (ci("2.233", "3.967"), sd("2.1"), EQUIVALENT, B),
        (ci("2.233", "3.967"), se("0.42"), EQUIVALENT, B),
        (se("0.42"), ci("2.233", "3.967"), EQUIVALENT, A),
        (ci("2.381", "3.819", 90.0), ci("2.233", "3.967"), EQUIVALENT, A),
        (ci("2.233", "3.967", 90.0), ci("2.233", "3.967"), DIFFERENT, None),
        (ci("2.233", "3.967", None), ci("2.233", "3.967"), DIFFERENT, None),
        (ci("2.233", "3.967", 20.0), sd("2.1"), DIFFERENT, None),
        (ci("3", "3"), sd("2.1"), DIFFERENT, None),
        (ci("2.233", "3.967", None), ci("2.23", "3.967", None), ROUNDING, A),
        (ci("2.23", "3.967"), ci("2.233", "3.97"), ROUNDING, A),  # each finer at one end: a tie
        (ci("2.23", "3.97"), ci("2.233", "3.967"), ROUNDING, B),
        (ci("2.23", "3.967"), ci("2.233", "3.967"), ROUNDING, B),
        (ci("2.233", "3.967"), ci("2.233", "3.9"), DIFFERENT, None),
        (two_ends(SpreadKind.IQR, "1", "3"), two_ends(SpreadKind.IQR, "1", "3"), IDENTICAL, None),
        (two_ends(SpreadKind.IQR, "1", "3"), two_ends(SpreadKind.RANGE, "1", "3"), DIFFERENT, None),
        (two_ends(SpreadKind.IQR, "1.0", "2.9"), one_number(SpreadKind.IQR, "1.9"), EQUIVALENT, A),
        (one_number(SpreadKind.IQR, "1.9"), two_ends(SpreadKind.IQR, "1.0", "2.9"), EQUIVALENT, B),
        (one_number(SpreadKind.IQR, "2.9"), two_ends(SpreadKind.IQR, "1.0", "2.9"), DIFFERENT, None),
        (one_number(SpreadKind.IQR, "<1.9"), two_ends(SpreadKind.IQR, "1.0", "2.9"), DIFFERENT, None),
        (one_number(SpreadKind.IQR, "1.9"), one_number(SpreadKind.IQR, "1.9"), IDENTICAL, None),
        (replace(ci("1", "3"), high=None, high_printed=""), sd("2"), DIFFERENT, None),
        (replace(ci("1", "3"), high=None, high_printed=""), one_number(SpreadKind.CI, "2"), DIFFERENT, None),
    ],
)
def test_two_spreads(a: Spread, b: Spread, verdict: Verdict, takes: Side | None) -> None:
    assert verdict_of(cell(spread=a), cell(spread=b), "spread") == (verdict, takes)


def test_an_equivalence_shows_its_sum() -> None:
    found = the_one(compared(entry(cell(spread=se("0.42"))), entry(cell(spread=sd("2.1")))))
    assert (found.a_says, found.b_says) == ("SE 0.42", "SD 2.1")
    assert found.worked == "SE 0.42 × √25 = SD 2.1; SD 2.1"
    found = the_one(compared(entry(cell(spread=ci("2.233", "3.967"))), entry(cell())))
    assert (found.a_says, found.b_says) == ("95% CI 2.233 to 3.967", "SD 2.1")
    assert found.worked == "95% CI of width 1.734 / (2 × 2.064) × √25 = SD 2.10039; SD 2.1"


def test_each_side_is_converted_by_its_own_n() -> None:
    # given SE 0.42 with 16 in A and SE by CI with 25 in B: both are an SD of 1.68, not one SE
    a = cell(n="16", spread=se("0.42"))
    b = cell(n="25", spread=ci("2.4064", "3.7936"))
    found = {difference.field: difference for difference in compared(entry(a), entry(b))}
    assert found["n"].verdict == DIFFERENT
    assert found["spread"].verdict == EQUIVALENT
    assert found["spread"].worked.endswith("n differs, and each side is converted by its own")
    # and with A's n for both they would not meet
    assert verdict_of(a, replace(b, n=a.n), "spread") == (DIFFERENT, None)


@pytest.mark.parametrize("n", ["", "NR"])
def test_an_se_without_n_is_not_converted(n: str) -> None:
    a, b = cell(n=n, spread=se("0.42")), cell(n=n)
    found = the_one(compared(entry(a), entry(b)))
    assert (found.verdict, found.worked) == (DIFFERENT, "Not converted: n is not given as a whole number.")


@pytest.mark.parametrize("n", [Quantity(Status.REPORTED, "~25", 25.0), Quantity(Status.REPORTED, "25.5", 25.5)])
def test_an_n_that_is_not_whole_converts_nothing(n: Quantity) -> None:
    n = replace(n, qualifier="~") if n.printed == "~25" else n  # type: ignore[arg-type]
    a, b = replace(cell(spread=se("0.42")), n=n), replace(cell(), n=n)
    assert verdict_of(a, b, "spread") == (DIFFERENT, None)


def test_one_person_has_no_confidence_interval() -> None:
    a, b = cell(n="1", spread=ci("1", "3")), cell(n="1", spread=sd("2"))
    assert verdict_of(a, b, "spread") == (DIFFERENT, None)


@pytest.mark.parametrize("kind", [CentreKind.ADJUSTED_MEAN, CentreKind.MEDIAN, CentreKind.EVENTS])
def test_the_se_of_another_centre_than_a_mean_is_no_sd(kind: CentreKind) -> None:
    a, b = cell(spread=se("0.42"), centre_kind=kind), cell(centre_kind=kind)
    assert verdict_of(a, b, "spread") == (DIFFERENT, None)


@pytest.mark.parametrize(
    ("row", "hint"),
    [
        (cell(spread=two_ends(SpreadKind.IQR, "1", "4")), "A is about SD 2.358"),
        (cell(spread=one_number(SpreadKind.IQR, "3")), "A is about SD 2.358"),
        (cell(spread=two_ends(SpreadKind.RANGE, "1", "9")), "A is about SD 2.036"),
        (
            cell(
                centre="2", centre_kind=CentreKind.GEOMETRIC_MEAN, spread=one_number(SpreadKind.GEOMETRIC_SD, "2")
            ),
            "A is about SD 1.997",
        ),
    ],
)
def test_an_estimate_is_a_hint(row: Observation, hint: str) -> None:
    """Wan 2014: n 25, IQR 3, range 8. Log-normal: exp(ln 2 + s²/2) √(exp s² - 1) with s = ln 2."""
    b = replace(row, spread=sd("2.35"))
    found = the_one(compared(entry(row), entry(b)))
    assert (found.verdict, found.takes) == (DIFFERENT, None)
    assert found.worked.startswith(hint)


@pytest.mark.parametrize(
    "row",
    [
        cell(n="1", spread=one_number(SpreadKind.IQR, "3")),
        cell(spread=one_number(SpreadKind.GEOMETRIC_SD, "2")),
        cell(centre_kind=CentreKind.GEOMETRIC_MEAN, spread=one_number(SpreadKind.GEOMETRIC_SD, "1001")),
        cell(centre_kind=CentreKind.GEOMETRIC_MEAN, centre="NR", spread=one_number(SpreadKind.GEOMETRIC_SD, "2")),
        cell(spread=one_number(SpreadKind.UNLABELLED, "2")),
        cell(spread=replace(sd("x1"[1:]), kind=SpreadKind.RANGE, value=float("inf"), printed="")),
    ],
)
def test_no_hint_where_nothing_can_be_estimated(row: Observation) -> None:
    assert the_one(compared(entry(row), entry(replace(row, spread=sd("2.35"))))).worked == ""


@pytest.mark.parametrize(
    ("spread", "hint"),
    [
        (two_ends(SpreadKind.RANGE, "1", "6"), "A is about mean 3.3:"),
        (sd("2.1"), ""),
        (one_number(SpreadKind.IQR, "2"), ""),
        (ci("1", "6"), ""),
    ],
)
def test_a_median_hints_at_its_mean(spread: Spread, hint: str) -> None:
    a, b = cell(spread=spread, centre_kind=CentreKind.MEDIAN), cell(spread=spread, centre="4")
    assert the_one(compared(entry(a), entry(b))).worked.startswith(hint)


def test_a_geometric_mean_hints_at_its_mean() -> None:
    spread = one_number(SpreadKind.GEOMETRIC_SD, "2")
    a, b = cell(centre="2", spread=spread, centre_kind=CentreKind.GEOMETRIC_MEAN), cell(spread=spread)
    assert the_one(compared(entry(a), entry(b))).worked.startswith("A is about mean 2.543:")


# Units


def with_unit(unit: str, *observations: Observation, **more: Any) -> Entry:
    outcome = Outcome("outcome1", "IL-6", "il6", "serum", "ELISA", Condition.BASAL, unit=unit, **more)
    return entry(*observations, outcomes=(outcome,))


def test_another_spelling_of_a_unit_is_no_difference() -> None:
    assert compared(with_unit("pg/mL", cell()), with_unit("pg/ml", cell())) == []


def test_units_joined_by_one_leave_the_values_alone() -> None:
    found = the_one(compared(with_unit("pg/mL", cell()), with_unit("ng/L", cell())))
    assert (found.subject, found.field, found.verdict, found.takes) == (Subject.OUTCOME, "unit", EQUIVALENT, A)
    assert found.worked == "1 pg/mL = 1 ng/L"


def test_values_are_compared_after_an_exact_conversion() -> None:
    a = with_unit("ng/mL", cell(centre="2.5", spread=sd("0.4")))
    b = with_unit("pg/mL", cell(centre="2480", spread=sd("500")))
    found = {difference.field: difference for difference in compared(a, b)}
    assert found["unit"].verdict == EQUIVALENT
    # 2.5 ng/mL is 2450 to 2550 pg/mL; 0.4 ng/mL is at most 450
    assert (found["centre"].verdict, found["centre"].takes) == (EQUIVALENT, A)
    assert found["centre"].worked == "2.5 × 1000 = 2500; B says 2480"
    assert (found["spread"].verdict, found["spread"].takes) == (DIFFERENT, None)


def test_in_two_units_final_keeps_the_unit_of_a_and_so_its_values() -> None:
    # given B's SD and A's SE, in another unit: B's form is nearer, but its number is in the other unit
    a = with_unit("ng/mL", cell(centre="0", spread=se("0.42")))
    b = with_unit("pg/mL", cell(centre="0", spread=sd("2100")))
    found = {difference.field: difference for difference in compared(a, b)}
    assert found.keys() == {"unit", "spread"}  # a zero is zero in any unit
    assert (found["spread"].verdict, found["spread"].takes) == (EQUIVALENT, A)
    assert found["spread"].worked == "SE 0.42 × √25 = SD 2.1 × 1000 = 2100; SD 2100"


def test_intervals_and_widths_are_converted_too() -> None:
    ends = with_unit("ng/mL", cell(spread=two_ends(SpreadKind.IQR, "1.0", "2.9")))
    other_ends = with_unit("pg/mL", cell(centre="3100", spread=two_ends(SpreadKind.IQR, "1010", "2900")))
    width = with_unit("pg/mL", cell(centre="3100", spread=one_number(SpreadKind.IQR, "1900")))
    for b in (other_ends, width):
        found = {difference.field: (difference.verdict, difference.takes) for difference in compared(ends, b)}
        assert found == {"unit": (EQUIVALENT, A), "centre": (EQUIVALENT, A), "spread": (EQUIVALENT, A)}


def test_counts_and_geometric_sds_have_no_unit() -> None:
    rows = cell(centre="7", centre_kind=CentreKind.EVENTS, spread=one_number(SpreadKind.GEOMETRIC_SD, "2"))
    found = the_one(compared(with_unit("ng/mL", rows), with_unit("pg/mL", rows)))
    assert found.field == "unit"


def test_an_inexact_factor_is_a_hint() -> None:
    found = the_one(compared(with_unit("IU/mL", cell()), with_unit("pg/mL", cell())))
    assert (found.field, found.verdict) == ("unit", DIFFERENT)
    assert found.worked == "1 IU/mL ≈ 10 pg/mL: not exact, never accepted on its own."


def test_units_that_nothing_joins_differ() -> None:
    found = the_one(compared(with_unit("kU", cell()), with_unit("pg/mL", cell())))
    assert (found.verdict, found.worked) == (DIFFERENT, "")


def test_a_logarithm_is_not_multiplied() -> None:
    log = {"scale": Scale.LOG, "scale_base": "10"}
    found = the_one(compared(with_unit("ng/mL", cell(), **log), with_unit("pg/mL", cell(), **log)))
    assert (found.field, found.verdict) == ("unit", DIFFERENT)
    assert found.worked == "1 ng/mL = 1000 pg/mL holds for raw values alone."
    found = the_one(compared(with_unit("ng/L", cell(), **log), with_unit("pg/mL", cell(), **log)))
    assert found.verdict == EQUIVALENT  # log(1 x) = log x


@pytest.mark.parametrize(("a", "b", "verdict"), [("", "pg/mL", ONE_MISSING), ("pg/mL", " ", ONE_MISSING)])
def test_a_unit_that_one_side_left_out(a: str, b: str, verdict: Verdict) -> None:
    found = the_one(compared(with_unit(a, cell()), with_unit(b, cell())))
    assert (found.field, found.verdict) == ("unit", verdict)
    assert "–" in {found.a_says, found.b_says}


# Structure


@pytest.mark.parametrize(
    ("field", "a", "b", "verdict"),
    [
        ("role", Role.INTERVENTION, Role.CONTROL, DIFFERENT),
        ("intervention", "cbt", "behavior", DIFFERENT),
        ("intervention", "cbt", "", ONE_MISSING),
        ("control_kind", "waitlist", "usual care", DIFFERENT),
        ("n_randomised", Quantity(Status.REPORTED, "30", 30.0), Quantity(Status.REPORTED, "27", 27.0), DIFFERENT),
        ("n_randomised", Quantity(), Quantity(Status.NOT_REPORTED), IDENTICAL),
        ("eligible", True, False, DIFFERENT),
        ("stratum", "HIV+", "hiv+ ", IDENTICAL),
        ("label", "CBT", "Treatment", IDENTICAL),
    ],
)
def test_two_arms(field: str, a: object, b: object, verdict: Verdict) -> None:
    arm = Arm("arm1", "CBT")
    found = compared(
        entry(cell(), arms=(replace(arm, **{field: a}),)),  # type: ignore[arg-type]
        entry(cell(), arms=(replace(arm, **{field: b}),)),  # type: ignore[arg-type]
    )
    if verdict is IDENTICAL:
        assert found == []
    else:
        assert (the_one(found).subject, found[0].field, found[0].verdict) == (Subject.ARM, field, verdict)


@pytest.mark.parametrize(
    ("field", "a", "b", "verdict"),
    [
        ("phase", Phase.POST, Phase.FOLLOW_UP, DIFFERENT),
        ("weeks", 12.0, 12.0, IDENTICAL),
        ("weeks", 90 / 7, 13.0, ROUNDING),
        ("weeks", 12.0, 13.0, DIFFERENT),
        ("weeks", None, 12.0, ONE_MISSING),
        ("weeks", float("inf"), 12.0, DIFFERENT),
        ("weeks_after_end", 0.0, None, ONE_MISSING),
        ("printed", "post", "after therapy", IDENTICAL),
    ],
)
def test_two_timepoints(field: str, a: object, b: object, verdict: Verdict) -> None:
    time = Timepoint("time1", Phase.POST)
    found = compared(
        entry(cell(), timepoints=(replace(time, **{field: a}),)),  # type: ignore[arg-type]
        entry(cell(), timepoints=(replace(time, **{field: b}),)),  # type: ignore[arg-type]
    )
    assert [(one.subject, one.field, one.verdict) for one in found] == (
        [] if verdict is IDENTICAL else [(Subject.TIMEPOINT, field, verdict)]
    )


@pytest.mark.parametrize(
    ("field", "a", "b"),
    [
        ("marker", "il6", "crp"),
        ("specimen", "serum", "plasma"),
        ("assay", "ELISA", "Luminex"),
        ("condition", Condition.BASAL, Condition.STIMULATED),
        ("stimulus", "LPS", "PHA"),
        ("dose", "1 µg", "10 µg"),
        ("scale", Scale.RAW, Scale.LOG),
        ("scale_base", "2", "10"),
        ("scale_offset", "0", "1"),
    ],
)
def test_two_outcomes(field: str, a: str, b: str) -> None:
    outcome = Outcome("outcome1", "IL-6")
    found = the_one(
        compared(
            entry(cell(), outcomes=(replace(outcome, **{field: a}),)),  # type: ignore[arg-type]
            entry(cell(), outcomes=(replace(outcome, name="il 6", **{field: b}),)),  # type: ignore[arg-type]
        )
    )
    assert (found.subject, found.field, found.verdict) == (Subject.OUTCOME, field, DIFFERENT)
    assert (found.a_says, found.b_says) == (a, b)


# Rows


def test_a_row_that_one_side_lacks_is_one_difference() -> None:
    found = the_one(compared(entry(cell()), entry()))
    assert (found.subject, found.field, found.a, found.b) == (Subject.OBSERVATION, "row", "o1", None)
    assert (found.verdict, found.a_says, found.b_says, found.takes) == (ONE_MISSING, "present", "–", None)
    found = the_one(compared(entry(), entry(cell())))
    assert (found.a, found.b, found.a_says, found.b_says) == (None, "o1", "–", "present")


@pytest.mark.parametrize(("status", "listed"), [("NR", False), ("", False), ("NM", True), ("UN", True)])
def test_a_row_that_says_not_reported_says_no_more_than_no_row(status: str, listed: bool) -> None:
    silent = cell(n=status, centre=status, spread=sd(status))
    assert bool(compared(entry(silent), entry())) is listed
    assert bool(compared(entry(), entry(silent))) is listed


def test_a_row_in_which_nothing_was_said_is_no_row() -> None:
    found = the_one(compared(entry(cell()), entry(cell("o2", n="", centre="", spread=sd("")))))
    assert (found.field, found.a, found.b) == ("row", "o1", None)


def test_a_structure_without_rows_that_one_side_lacks_does_not_go_unseen() -> None:
    arm = Arm("arm2", "Waitlist", Role.CONTROL)
    a = entry(cell(), arms=(*entry().arms, arm))
    found = the_one(compared(a, entry(cell())))
    assert (found.subject, found.field, found.a, found.b) == (Subject.ARM, "row", "arm2", None)
    assert the_one(compared(entry(cell()), a)).b == "arm2"


def test_rows_of_merged_arms_are_not_compared_one_to_one() -> None:
    # given two arms of A that are one in B
    a = entry(cell("a1"), cell("a2", arm="arm2"), arms=(Arm("arm1", "CBT 1"), Arm("arm2", "CBT 2")))
    b = entry(cell("b1", arm="both"), arms=(Arm("both", "CBT"),))
    merge = Match(Subject.ARM, ("arm1", "arm2"), ("both",), exact=False, score=0.6, reason="15 + 15 = 30")
    # when they are compared
    found = compared(a, b, [*by_key(a, b), merge])
    # then each row is there for the person to decide, and nothing else
    assert [(one.field, one.a, one.b, one.verdict) for one in found] == [
        ("row", "a1", None, ONE_MISSING),
        ("row", "a2", None, ONE_MISSING),
        ("row", None, "b1", ONE_MISSING),
    ]


def test_the_first_match_of_a_row_counts() -> None:
    a, b = entry(cell()), entry(cell())
    again = Match(Subject.ARM, ("arm1",), ("arm1",), exact=True, score=1, reason="")
    unknown = Match(Subject.ARM, ("nowhere",), ("arm1",), exact=True, score=1, reason="")
    assert compared(a, b, [*by_key(a, b), again, unknown]) == []


def test_an_entry_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="two rows in one place: o2 and o1"):
        compared(entry(cell("o1"), cell("o2")), entry())
    with pytest.raises(ValueError, match="names what it lacks"):
        compared(entry(), entry(cell(arm="nowhere")))


def test_the_order_is_that_of_the_rows() -> None:
    # given two arms and two outcomes, listed in another order in B, with rows in any order
    outcomes = (Outcome("x", "CRP", "crp"), Outcome("y", "IL-6", "il6"))
    arms = (Arm("one", "CBT"), Arm("two", "Waitlist"))
    rows = [
        cell(f"{arm}-{outcome}", arm=arm, outcome=outcome, centre=centre)
        for arm, outcome, centre in (("two", "y", "4"), ("two", "x", "3"), ("one", "y", "2"), ("one", "x", "1"))
    ]
    a = entry(*rows, arms=arms, outcomes=outcomes)
    other = [replace(row, centre=Quantity(Status.REPORTED, "9", 9.0), n=Quantity()) for row in reversed(rows)]
    b = entry(*other, arms=arms[::-1], outcomes=outcomes[::-1])
    # when they are compared
    found = compared(a, b)
    # then arms come in A's order, within them outcomes, within these the fields
    assert [(one.a, one.field) for one in found] == [
        (key, field) for key in ("one-x", "one-y", "two-x", "two-y") for field in ("n", "centre")
    ]


# Characteristics


def about(value: str = "", kind: ModeratorKind = ModeratorKind.NUMBER, **more: Any) -> Characteristic:
    number = cell(centre=value).centre if kind is ModeratorKind.NUMBER else None
    if number is not None:
        return Characteristic("c1", "age", kind, "", number.status, number.printed, number.value, **more)
    return Characteristic("c1", "age", kind, "", Status.REPORTED, value, None, **more)


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        (about("40"), about("40"), IDENTICAL),
        (about("40.4"), about("40"), ROUNDING),
        (about("40"), about("41"), DIFFERENT),
        (about("40"), about("NR"), ONE_MISSING),
        (about("40"), None, ONE_MISSING),
        (None, about("40"), ONE_MISSING),
        (None, about("NR"), IDENTICAL),
        (about("40"), about("40", ModeratorKind.LEVEL, level="40"), DIFFERENT),
        (
            about("Adults", ModeratorKind.LEVEL, level="adults"),
            about("adults", ModeratorKind.LEVEL, level="adults"),
            IDENTICAL,
        ),
        (
            about("x", ModeratorKind.LEVEL, level="adults"),
            about("x", ModeratorKind.LEVEL, level="children"),
            DIFFERENT,
        ),
        (about("long text", ModeratorKind.TEXT), about("other text", ModeratorKind.TEXT), IDENTICAL),
        (about("long text", ModeratorKind.TEXT), None, IDENTICAL),
    ],
)
def test_two_characteristics(a: Characteristic | None, b: Characteristic | None, verdict: Verdict) -> None:
    found = compared(
        entry(cell(), characteristics=(a,) if a else ()), entry(cell(), characteristics=(b,) if b else ())
    )
    if verdict is IDENTICAL:
        assert found == []
    else:
        assert (the_one(found).subject, found[0].field, found[0].verdict) == (
            Subject.CHARACTERISTIC,
            "value",
            verdict,
        )


def test_a_characteristic_of_an_arm_that_one_side_lacks_comes_with_its_arm() -> None:
    arms = (*entry().arms, Arm("arm2", "Waitlist"))
    a = entry(cell(), arms=arms, characteristics=(replace(about("40"), arm="arm2"),))
    assert [one.subject for one in compared(a, entry(cell()))] == [Subject.ARM]
    assert the_one(compared(a, entry(cell(), arms=arms))).subject is Subject.CHARACTERISTIC


# Anything at all

ANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@ANY
@given(pairs())
def test_changing_sides_changes_sides_and_nothing_else(given_pair: tuple[Entry, Entry, list[Match]]) -> None:
    a, b, matches = given_pair
    there = {(one.subject, one.field, one.a, one.b): one for one in differences(a, b, matches, UNITS)}
    back = {(one.subject, one.field, one.b, one.a): one for one in differences(b, a, turned(matches), UNITS)}
    assert there.keys() == back.keys()
    for unit, one in there.items():
        other = back[unit]
        assert (one.verdict, one.a_says, one.b_says) == (other.verdict, other.b_says, other.a_says)
        assert (one.takes is None) == (other.takes is None) == (one.verdict not in ACCEPTED_VERDICTS)
        assert one.takes is not other.takes or one.takes in {None, Side.A}  # a tie goes to A, whoever is A


@ANY
@given(entries("a"))
def test_an_entry_compared_with_itself_differs_in_nothing(whole: Entry) -> None:
    assert differences(whole, whole, by_key(whole, whole), UNITS) == []


@ANY
@given(entries("a"), st.randoms())
def test_the_order_of_the_rows_of_b_changes_nothing_but_the_order(whole: Entry, random: Any) -> None:
    other = renamed(whole, "a", "b")
    matches = [
        Match(subject, (row.key,), ("b" + row.key.removeprefix("a"),), exact=True, score=1, reason="")
        for subject, rows in (
            (Subject.ARM, whole.arms),
            (Subject.TIMEPOINT, whole.timepoints),
            (Subject.OUTCOME, whole.outcomes),
        )
        for row in rows
    ]
    rows = list(other.observations)
    random.shuffle(rows)
    assert differences(whole, replace(other, observations=tuple(rows)), matches, UNITS) == []


# The demo review

FIELDS = {"mean": "centre", "sd": "spread", "n": "n", "": "row"}


def test_the_demo_review_gives_the_planted_differences_and_nothing_else() -> None:
    # given both entries of the 56 trials
    first, second = demo_entries("a"), demo_entries("b")
    found: Counter[tuple[str, str, str, str, str]] = Counter()
    for trial, a in first.items():
        matches = propose(a, second[trial])
        # when their rows are matched, which needs nobody, and their values are compared
        assert all(match.exact for match in matches)
        for one in differences(a, second[trial], matches, UnitTable()):
            _, arm, marker = (one.a or one.b or "").split(":")
            found[trial, arm, marker, one.field, one.verdict.value] += 1
            assert one.takes is (Side.A if one.verdict in ACCEPTED_VERDICTS else None)
    # then there is one difference per planted one, at its place, with the verdict it deserves
    planted = Counter(
        (row["trial"], row["arm"], row["marker"], FIELDS[row["field"]], row["verdict"]) for row in rows_of("planted")
    )
    assert found == planted
    assert Counter(verdict for *_, verdict in found.elements()) == {
        "different": 28,
        "one_missing": 6,
        "rounding": 60,
        "equivalent": 20,
    }
