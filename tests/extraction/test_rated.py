"""What two entries rated twice: which units there are, and which there are not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from extraction.numbers import parse_count
from extraction.rated import Rated, Sort, rated
from extraction.record import (
    Arm,
    Characteristic,
    Match,
    ModeratorKind,
    Outcome,
    Scale,
    Statistic,
    Status,
    Subject,
    Verdict,
)
from tests.extraction.entries import UNITS, by_key, cell, ci, contrast, entry, sd, se

OUTCOME = Outcome("outcome1", "IL-6", "il6", "serum", unit="pg/mL")


def of(a: Any, b: Any, sort: Sort, matches: Any = None) -> list[Rated]:
    found = rated(a, b, by_key(a, b) if matches is None else matches, UNITS)
    return [one for one in found if one.sort is sort]


def number(field: str, a: Any, b: Any, **parts: Any) -> Rated:
    found = [one for one in of(entry(a, **parts), entry(b, **parts), Sort.NUMBER) if one.field == field]
    assert len(found) == 1
    return found[0]


def test_rows_of_both_and_of_one_side_alone():
    more = Arm("arm2", "Waitlist")
    a = entry(cell("c1"), cell("c2", arm="arm2"), arms=(Arm("arm1", "CBT"), more))
    b = entry(cell("c1"), arms=(Arm("arm1", "CBT"),))
    found = [(one.field, one.both) for one in of(a, b, Sort.STRUCTURE)]
    assert found == [
        ("arms", True), ("arms", False), ("timepoints", True), ("outcomes", True), ("cells", True), ("cells", False),
    ]  # fmt: skip


def test_a_merge_is_not_seen_alike():
    a = entry(arms=(Arm("arm1", "CBT"), Arm("arm2", "CBT plus")))
    b = entry(arms=(Arm("arm1", "CBT, both"),))
    merge = Match(Subject.ARM, ("arm1", "arm2"), ("arm1",), exact=False, score=0.6, reason="")
    found = [one.both for one in of(a, b, Sort.STRUCTURE, [merge]) if one.field == "arms"]
    assert found == [False, False, False]


@pytest.mark.parametrize(
    ("a", "b", "verdict", "values"),
    [
        ({}, {}, Verdict.IDENTICAL, (3.1, 3.1)),
        ({}, {"centre": "3.10"}, Verdict.ROUNDING, (3.1, 3.1)),
        ({}, {"centre": "3.2"}, Verdict.DIFFERENT, (3.1, 3.2)),
        ({}, {"centre": "NR"}, Verdict.ONE_MISSING, None),
        ({}, {"centre": "<3.2"}, Verdict.DIFFERENT, None),
    ],
)
def test_a_number_has_its_verdict_and_its_values_where_both_give_one(a, b, verdict, values):
    found = number("centre", cell("c", **a), cell("c", **b))
    assert (found.verdict, found.values, found.marker) == (verdict, values, "il6")


def test_values_of_two_kinds_are_compared_but_have_no_pair():
    found = number("spread", cell("c", n="25", spread=sd("2.1")), cell("c", n="25", spread=se("0.42")))
    assert (found.verdict, found.values) == (Verdict.EQUIVALENT, None)


def test_values_in_two_units_stand_in_as_unit():
    a = entry(cell("c", centre="2000"), outcomes=(OUTCOME,))
    b = entry(cell("c", centre="2.0"), outcomes=(replace(OUTCOME, unit="ng/mL"),))
    (found,) = [one for one in of(a, b, Sort.NUMBER) if one.field == "centre"]
    assert found.values == pytest.approx((2000.0, 2000.0))
    assert found.verdict == Verdict.EQUIVALENT


def test_where_neither_says_anything_there_is_no_number_and_that_both_say_not_reported_is_a_category():
    a = b = entry(cell("c", n="NR"))
    assert [one.field for one in of(a, b, Sort.NUMBER)] == ["n randomised", "weeks", "centre", "spread"]
    assert [(one.a, one.b) for one in of(a, b, Sort.CATEGORY) if one.field == "status of n"] == [("NR", "NR")]


def test_categories_of_matched_rows_without_what_neither_says():
    a = entry(cell("c"))
    b = replace(a, arms=(replace(a.arms[0], intervention="support"),))
    found = {one.field: (one.a, one.b) for one in of(a, b, Sort.CATEGORY)}
    assert found["intervention"] == ("cbt", "support")
    assert found["role"] == ("intervention", "intervention")
    assert found["kind of spread"] == ("sd", "sd")
    assert "control kind" not in found


def test_characteristics_are_categories_or_numbers_by_their_kind():
    level = Characteristic("k1", "setting", ModeratorKind.LEVEL, status=Status.REPORTED, level="clinic")
    age = Characteristic("k2", "age", ModeratorKind.NUMBER, status=Status.REPORTED, printed="44.1", value=44.1)
    text = Characteristic("k3", "remark", ModeratorKind.TEXT, status=Status.REPORTED, printed="x")
    a = entry(cell("c"), characteristics=(level, age, text))
    b = entry(cell("c"), characteristics=(replace(level, level="home"), replace(age, printed="44", value=44.0), text))
    found = {one.field: (one.sort, one.a, one.b) for one in rated(a, b, by_key(a, b), UNITS)}
    assert found["setting"] == (Sort.CATEGORY, "clinic", "home")
    assert found["age"] == (Sort.NUMBER, 44.1, 44.0)
    assert "remark" not in found


def test_the_number_randomised_and_weeks_are_numbers():
    a = entry(cell("c"))
    arm = replace(a.arms[0], n_randomised=parse_count("31"))
    b = replace(a, arms=(arm,), timepoints=(replace(a.timepoints[0], weeks=12.0),))
    found = {one.field: (one.values, one.verdict) for one in of(a, b, Sort.NUMBER)}
    assert found["n randomised"] == ((30.0, 31.0), Verdict.DIFFERENT)
    assert found["weeks"] == ((10.0, 12.0), Verdict.DIFFERENT)


TWO = (Arm("arm1", "CBT"), Arm("arm2", "Waiting list"))
MD = Statistic.MEAN_DIFFERENCE


def stated(*rows: Any, **outcome: Any) -> Any:
    return entry(contrasts=rows, arms=TWO, outcomes=(replace(OUTCOME, **outcome),))


def contrasted(a: Any, b: Any) -> dict[str, tuple[Any, Verdict | None]]:
    """Values and verdict by field of what two entries say between two arms."""
    own = [one for one in of(a, b, Sort.NUMBER) if one.field not in {"n randomised", "weeks"}]
    assert {one.marker for one in own} <= {"il6"}
    return {one.field: (one.values, one.verdict) for one in own}


def test_numbers_between_two_arms_go_by_the_name_of_their_statistic():
    a = stated(contrast("k1", value="2.10", df="46"), contrast("k2", Statistic.P, "0.04"))
    b = stated(contrast("k1", value="2.1", df="48"), contrast("k2", Statistic.P, "<0.05"))
    assert contrasted(a, b) == {
        "t": ((2.1, 2.1), Verdict.ROUNDING),
        "degrees of freedom": ((46.0, 48.0), Verdict.DIFFERENT),
        "p": (None, Verdict.DIFFERENT),
    }


def test_with_the_arms_the_other_way_round_the_numbers_stand_as_a_has_them():
    a = stated(contrast(statistic=MD, value="-1.70", interval=ci("-2.6", "-0.8")))
    b = stated(contrast(statistic=MD, value="1.70", interval=ci("0.8", "2.6"), arm="arm2", versus="arm1"))
    found = contrasted(a, b)
    assert found["mean difference"] == ((-1.7, -1.7), Verdict.EQUIVALENT)
    assert found["CI of mean difference"] == (pytest.approx((1.8, 1.8)), Verdict.EQUIVALENT)


def test_a_difference_in_another_unit_stands_in_as_and_an_r_has_no_unit():
    r = contrast("k2", Statistic.CORRELATION, "0.8")
    found = contrasted(
        stated(contrast(statistic=MD, value="1700"), r),
        stated(contrast(statistic=MD, value="1.7"), r, unit="ng/mL"),
    )
    assert found["mean difference"] == (pytest.approx((1700.0, 1700.0)), Verdict.EQUIVALENT)
    assert found["pre-post correlation r"] == ((0.8, 0.8), Verdict.IDENTICAL)


def test_differences_on_two_scales_and_intervals_of_two_levels_have_no_pair():
    row = contrast(statistic=MD, value="1.7", interval=ci("0.8", "2.6"))
    log = contrasted(stated(row), stated(row, scale=Scale.LOG))
    assert [values for values, _ in log.values()] == [None, None]
    other = contrasted(stated(row), stated(replace(row, interval=ci("0.8", "2.6", 90.0))))
    assert other["mean difference"][0] == (1.7, 1.7)
    assert other["CI of mean difference"][0] is None


def test_a_contrast_of_one_side_is_structure_and_one_that_says_nothing_is_none():
    a = stated(contrast("k1"), contrast("k2", Statistic.P, ""), contrast("k3", Statistic.F, "NR"))
    b = stated(contrast("k3", Statistic.F, "4.1"))
    found = [(one.marker, one.both) for one in of(a, b, Sort.STRUCTURE) if one.field == "contrasts"]
    assert found == [("il6", False), ("il6", True)]
    assert [(one.a, one.b) for one in of(a, b, Sort.CATEGORY) if one.field == "status of a contrast"] == [
        ("NR", "reported")
    ]
