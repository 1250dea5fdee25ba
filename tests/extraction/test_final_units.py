"""FINAL: numbers of the side whose unit it does not have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from extraction.compare import differences
from extraction.final import compose, unit_of
from extraction.final_decision import Choice, Decision
from extraction.final_values import DecisionError
from extraction.numbers import parse_quantity
from extraction.record import (
    ACCEPTED_VERDICTS,
    CentreKind,
    Entry,
    Observation,
    Phase,
    Qualifier,
    Quantity,
    SpreadKind,
    Status,
    Timepoint,
)
from tests.extraction.entries import (
    UNITS,
    by_key,
    cell,
    ci,
    entry,
    final,
    one_number,
    sd,
    se,
)

FOR_A, FOR_B, NOT_REPORTED = Decision(Choice.A), Decision(Choice.B), Decision(Choice.NOT_REPORTED)
NR = Quantity(Status.NOT_REPORTED)


def in_unit(unit: str, *rows: Observation) -> Entry:
    return entry(*rows, outcomes=(replace(entry().outcomes[0], unit=unit),))


def test_a_number_from_the_other_unit_is_converted_and_its_print_noted() -> None:
    a = in_unit("ng/mL", cell(centre="2.5", spread=se("0.42")))
    b = in_unit("pg/mL", cell(centre="<3100", spread=sd("1500"), notes="Table 2"))
    whole = final(a, b, {"centre": FOR_B, "spread": FOR_B})
    (row,) = whole.observations
    assert whole.outcomes[0].unit == "ng/mL"
    assert (row.centre.printed, row.centre.value, row.centre.qualifier) == ("<3.100", 3.1, Qualifier.LESS)
    assert (row.spread.printed, row.spread.kind) == ("1.500", SpreadKind.SD)
    assert row.notes == "Table 2 · mean <3100 in print, × 1/1000 · SD 1500 in print, × 1/1000"


def test_the_unit_of_b_brings_the_numbers_of_a_over() -> None:
    a, b = (
        in_unit("ng/mL", cell(centre="2.5", spread=ci("1.0", "4"))),
        in_unit("pg/mL", cell(centre="9", spread=sd("NR"))),
    )
    (row,) = final(a, b, {"unit": FOR_B, "centre": FOR_A, "spread": FOR_A}).observations
    assert (row.centre.printed, row.centre.value) == ("2.5e3", 2500.0)
    assert (row.spread.low_printed, row.spread.high, row.spread.level) == ("1.0e3", 4000.0, 95.0)


def test_a_row_that_only_b_has_comes_in_the_unit_of_final() -> None:
    both = cell("o1", centre="0")
    second = Timepoint("time2", Phase.FOLLOW_UP, "", 20.0)
    times = (*entry().timepoints, second)
    a = replace(in_unit("mmol/L", both), timepoints=times)
    b = replace(in_unit("mg/dL", both, cell("o2", timepoint="time2", centre="100", spread=sd("NR"))), timepoints=times)
    whole = final(a, b, {"row": FOR_B, "spread": FOR_A})
    row = whole.observations[1]
    assert (row.centre.value, row.centre.printed) == (100 / 18, "5.555555555555555")
    assert row.notes == "mean 100 in print, × 1/18"


def test_counts_statuses_and_geometric_sds_stay() -> None:
    counts = cell(centre="7", centre_kind=CentreKind.EVENTS, spread=one_number(SpreadKind.GEOMETRIC_SD, "2"))
    b = cell(centre="8", centre_kind=CentreKind.EVENTS, spread=one_number(SpreadKind.GEOMETRIC_SD, "3"))
    (row,) = final(in_unit("ng/mL", counts), in_unit("pg/mL", b), {"centre": FOR_B, "spread": FOR_B}).observations
    assert (row.centre.printed, row.spread.printed) == ("8", "3")
    silent = cell(centre="NR", spread=sd("UN"))
    (row,) = final(in_unit("ng/mL", cell()), in_unit("pg/mL", silent), {"centre": FOR_B, "spread": FOR_B}).observations
    assert (row.centre, row.spread.status, row.notes) == (NR, Status.UNCLEAR, "")


def test_a_number_without_print_or_too_long_for_it_is_converted_too() -> None:
    bare = replace(cell(), centre=Quantity(Status.REPORTED, "", 2500.0))
    long = sd("0." + "1" * 34)
    a = in_unit("ng/mL", cell(centre="9"))
    b = in_unit("pg/mL", replace(bare, spread=long))
    (row,) = final(a, b, {"centre": FOR_B, "spread": FOR_B}).observations
    assert (row.centre.printed, row.centre.value) == ("2.500", 2.5)  # 2500 is exact to its units
    assert row.spread.printed == "0.00011111111111111112"
    lod = cell(centre="LOD 3100")
    (row,) = final(a, in_unit("pg/mL", lod), {"centre": FOR_B, "spread": FOR_A}).observations
    assert row.centre == Quantity(Status.REPORTED, "LOD 3.100", 3.1, Qualifier.BELOW_DETECTION)


@pytest.mark.parametrize("centre", [parse_quantity("9e307"), Quantity(Status.REPORTED, "?", float("nan"))])
def test_a_number_that_cannot_be_converted_is_refused(centre: Quantity) -> None:
    a, b = in_unit("ng/mL", replace(cell(), centre=centre)), in_unit("pg/mL", cell(centre="1", spread=sd("2100")))
    with pytest.raises(DecisionError, match="× 1000 is no number"):
        final(a, b, {"unit": FOR_B, "centre": FOR_A})


def test_a_unit_that_is_neither_leaves_the_numbers_as_printed() -> None:
    a, b = in_unit("ng/mL", cell(centre="2.5")), in_unit("pg/mL", cell(centre="9", spread=sd("2100")))
    (row,) = final(a, b, {"unit": Decision(Choice.OTHER, text="µg/mL"), "centre": FOR_B}).observations
    assert row.centre.printed == "9"


def test_without_the_unit_table_two_units_are_not_taken_for_one() -> None:
    a, b = in_unit("ng/mL", cell()), in_unit("pg/mL", cell())
    found = differences(a, b, by_key(a, b), UNITS)
    decisions = {unit_of(one): FOR_B for one in found if one.verdict not in ACCEPTED_VERDICTS}
    with pytest.raises(ValueError, match="give the unit table"):
        compose(a, b, by_key(a, b), found, decisions)
