"""Unit spellings and exact factors."""

from __future__ import annotations

import csv
import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.units import Exact, Inexact, UnitError, UnitRow, UnitTable, fold, parse_factor

TEMPLATE = Path(__file__).parent / "cases" / "psychosocial_immune" / "units.csv"


def template_rows() -> list[dict[str, str]]:
    with TEMPLATE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def template() -> UnitTable:
    return UnitTable(
        UnitRow(
            row["unit"],
            row["to_unit"],
            row["factor"],
            row["marker"],
            row["transform"],
            row["auto_equivalent"] == "y",
            tuple(alias.strip() for alias in row["aliases"].split(";") if alias.strip()),
        )
        for row in template_rows()
    )


TABLE = template()


@pytest.mark.parametrize(
    ("text", "factor"),
    [("1/18", Fraction(1, 18)), ("0.0555", Fraction(555, 10000)), ("1e-6", Fraction(1, 10**6)), (" 1000 ", 1000)],
)
def test_a_factor_is_read_exactly(text: str, factor: Fraction) -> None:
    assert parse_factor(text) == factor


@pytest.mark.parametrize("text", ["", "0", "-1", "1/0", "0/5", "1_000", "1,5", "1/2/3", "nan", "1e400", "a"])
def test_what_is_no_positive_factor_is_refused(text: str) -> None:
    with pytest.raises(UnitError, match="Allowed is a positive number"):
        parse_factor(text)


@pytest.mark.parametrize(
    ("unit", "folded"),
    [
        ("pg/ml", "pg/mL"),
        (" pg / mL ", "pg/mL"),
        ("pg per ml", "pg/mL"),
        ("pg·ml⁻¹", "pg/mL"),
        ("pg mL−1", "pg/mL"),
        ("ug/l", "µg/L"),
        ("mcg/mL", "µg/mL"),
        ("μmol/L", "µmol/L"),
        ("ml·kg⁻¹·min⁻¹", "mL/kg/min"),
        ("kg/m²", "kg/m2"),
        ("x 10⁹/l", "10^9/L"),
        ("10*9/L", "10^9/L"),
        ("log₁₀ copies/ml", "log10 copies/mL"),
        ("mM", "mM"),
        ("mm", "mm"),
        ("Ml", "Ml"),
        ("", ""),
    ],
)
def test_a_unit_has_one_spelling(unit: str, folded: str) -> None:
    assert fold(unit) == folded


@given(st.text(max_size=15) | st.from_regex(r"[µμunmkxl0-9^/ ·⁻¹−-]{0,10}", fullmatch=True))
def test_folding_a_folded_unit_changes_nothing(unit: str) -> None:
    assert fold(fold(unit)) == fold(unit)


@pytest.mark.parametrize(
    ("a", "b", "marker", "found"),
    [
        ("pg/mL", "ng/L", "", Exact(Fraction(1))),
        ("PG/ML", "pg/mL", "", Exact(Fraction(1))),
        ("ng/mL", "pg/mL", "", Exact(Fraction(1000))),
        ("pg/mL", "ng/mL", "", Exact(Fraction(1, 1000))),
        ("mg/dl", "mg/L", "crp", Exact(Fraction(10))),
        ("10⁹/L", "cells/µL", "", Exact(Fraction(1000))),
        ("IU/mL", "pg/mL", "il6", Inexact(Fraction(10))),
        ("IU/mL", "ng/mL", "il6", Inexact(Fraction(1, 100))),
        ("IU/mL", "pg/mL", "", None),
        ("kIU/L", "IU/mL", "il6", Exact(Fraction(1))),
        ("kU/L", "IU/mL", "ige", Exact(Fraction(1))),
        ("kU/L", "IU/mL", "", None),
        ("ng/mL", "pg/mL", "ige", Exact(Fraction(1000))),
        ("mM", "mm", "", None),
        ("log10 copies/mL", "copies/mL", "", None),
        ("log10 copies/mL", "log copies/mL", "", Exact(Fraction(1))),
        ("nowhere", "pg/mL", "", None),
        ("Nowhere", "nowhere", "", None),
        ("nowhere ", "nowhere", "", Exact(Fraction(1))),
        ("day", "weeks", "", Exact(Fraction(1, 7))),
    ],
)
def test_the_factor_between_two_units(a: str, b: str, marker: str, found: Exact | Inexact | None) -> None:
    assert TABLE.factor(a, b, marker) == found


def test_every_example_of_the_template_comes_out() -> None:
    """`test` of a row: "2.5 ng/mL -> 2500 pg/mL; …"."""
    seen = 0
    for row in template_rows():
        for example in filter(None, row["test"].split("; ")):
            told = re.fullmatch(r"(\S+) (.+) -> (\S+) (.+)", example)
            if row["transform"] != "linear":
                assert TABLE.factor(row["unit"], row["to_unit"], row["marker"]) is None
                continue
            assert told, example
            found = TABLE.factor(told[2], told[4], row["marker"])
            assert found is not None
            assert float(Fraction(told[1]) * found.factor) == float(told[3])
            # and exactness is what the row says, unless rows for all markers join the two exactly
            assert isinstance(found, Exact) == (row["auto_equivalent"] == "y") or isinstance(
                TABLE.factor(told[2], told[4]), Exact
            )
            seen += 1
    assert seen > 250


def test_every_alias_of_the_template_is_its_unit() -> None:
    for row in template_rows():
        for alias in filter(None, (alias.strip() for alias in row["aliases"].split(";"))):
            assert TABLE.name(alias) == TABLE.name(row["unit"]), alias


@given(st.sampled_from(template_rows()), st.sampled_from(template_rows()))
def test_the_way_back_is_the_inverse(x: dict[str, str], y: dict[str, str]) -> None:
    there, back = TABLE.factor(x["unit"], y["unit"]), TABLE.factor(y["unit"], x["unit"])
    assert (there is None) == (back is None)
    if there is not None and back is not None:
        assert type(there) is type(back)
        assert there.factor * back.factor == 1


def test_a_row_for_a_marker_wins_over_the_row_for_all() -> None:
    table = UnitTable([UnitRow("U", "mg", "2", marker="x"), UnitRow("U", "mg", "3")])
    assert table.factor("U", "mg", "x") == Exact(Fraction(2))
    assert table.factor("U", "mg", "y") == Exact(Fraction(3))


def test_an_exact_chain_wins_over_a_short_inexact_one() -> None:
    table = UnitTable([UnitRow("a", "c", "5", auto_equivalent=False), UnitRow("a", "b", "2"), UnitRow("b", "c", "3")])
    assert table.factor("a", "c") == Exact(Fraction(6))


def test_a_logarithm_has_no_factor_even_where_its_row_forgot_to_say_so() -> None:
    table = UnitTable([UnitRow("log10 copies/mL", "copies/mL", "1")])
    assert table.factor("log10 copies/mL", "copies/mL") is None


def test_an_alias_of_two_units_is_of_neither() -> None:
    table = UnitTable([UnitRow("a", "a", "1", aliases=("x",)), UnitRow("b", "b", "1", aliases=("x", "y"))])
    assert (table.name("x"), table.name("y")) == ("x", "b")


def test_a_spelling_in_any_case_is_taken_only_where_one_unit_has_it() -> None:
    table = UnitTable([UnitRow("mM", "mM", "1"), UnitRow("mm", "mm", "1"), UnitRow("Cpm", "Cpm", "1")])
    assert (table.name("CPM"), table.name("MM"), table.name("mm")) == ("Cpm", "MM", "mm")


def test_the_factors_by_which_a_unit_may_be_mistaken() -> None:
    factors = TABLE.factors("pg/mL", "il6")
    assert {Fraction(1, 1000), Fraction(1, 10), Fraction(5, 104)} <= set(factors)
    assert Fraction(1) not in factors
    assert Fraction(1, 25) in TABLE.factors("pg/mL", "tnf_a")
    assert Fraction(1, 25) not in TABLE.factors("pg/mL", "crp")
    assert UnitTable().factors("pg/mL") == frozenset()
