"""The verdicts on numbers, structure, rows and characteristics."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from extraction.record import (
    Arm,
    CentreKind,
    Characteristic,
    Condition,
    Match,
    ModeratorKind,
    Outcome,
    Phase,
    Quantity,
    Role,
    Scale,
    Side,
    SpreadKind,
    Status,
    Subject,
    Timepoint,
    Verdict,
)
from tests.extraction.entries import (
    by_key,
    cell,
    compared,
    entry,
    sd,
    the_one,
    two_ends,
    verdict_of,
)

IDENTICAL, ROUNDING, ONE_MISSING = Verdict.IDENTICAL, Verdict.ROUNDING, Verdict.ONE_MISSING
DIFFERENT = Verdict.DIFFERENT
A, B = Side.A, Side.B


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
    other = Quantity(Status.REPORTED, "see table")
    assert the_one(compared(entry(replace(cell(), centre=odd)), entry(replace(cell(), centre=other)))).field == "centre"


def test_a_value_without_its_printed_text_is_taken_in_its_shortest_form() -> None:
    bare = Quantity(Status.REPORTED, "", 3.1)
    assert compared(entry(replace(cell(), centre=bare)), entry(cell())) == []
    found = the_one(compared(entry(replace(cell(), centre=bare, centre_kind=CentreKind.NONE)), entry(cell())))
    assert (found.a_says, found.b_says) == ("3.1", "mean 3.1")


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
    found = compared(entry(cell(), characteristics=(a,) if a else ()), entry(cell(), characteristics=(b,) if b else ()))
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
