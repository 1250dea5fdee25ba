"""Values in two units: an exact factor, a hint, or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from extraction.compare import differences
from extraction.record import (
    CentreKind,
    Condition,
    Entry,
    Observation,
    Outcome,
    Scale,
    Side,
    SpreadKind,
    Subject,
    Verdict,
)
from extraction.units import UnitRow, UnitTable
from tests.extraction.entries import (
    by_key,
    cell,
    compared,
    entry,
    one_number,
    sd,
    se,
    the_one,
    two_ends,
)

EQUIVALENT, ONE_MISSING, DIFFERENT = Verdict.EQUIVALENT, Verdict.ONE_MISSING, Verdict.DIFFERENT
A, B = Side.A, Side.B


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


def test_a_number_that_leaves_the_range_of_floats_is_compared_all_the_same() -> None:
    a = with_unit("ng/mL", cell(centre="9e307"))
    b = with_unit("pg/mL", cell(centre="9e300", spread=sd("2100")))
    found = {difference.field: difference for difference in compared(a, b)}
    assert found["centre"].verdict == DIFFERENT
    assert found["centre"].worked == "9e+307 × 1000 = a number out of range; B says 9e+300"


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


@pytest.mark.parametrize("turn", [False, True])
def test_a_factor_for_a_marker_counts_where_one_side_chose_the_marker(turn: bool) -> None:
    # given IgE in kU/L and IU/mL, which are one for this marker, and one entry without the marker
    table = UnitTable([UnitRow("kU/L", "IU/mL", "2", marker="ige")])
    rows = [
        entry(cell(centre=centre, spread=sd("NR")), outcomes=(Outcome("outcome1", "IgE", marker, unit=unit),))
        for centre, marker, unit in (("3", "", "kU/L"), ("6", "ige", "IU/mL"))
    ]
    a, b = rows[::-1] if turn else rows
    # when they are compared
    found = {one.field: one.verdict for one in differences(a, b, by_key(a, b), table)}
    # then unit and value are equivalent, and the marker is what is left to say
    assert found == {"unit": EQUIVALENT, "centre": EQUIVALENT, "marker": ONE_MISSING}


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
