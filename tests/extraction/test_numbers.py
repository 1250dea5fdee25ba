"""The strict number grammar."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.numbers import (
    E_RANGE,
    E_VALUE,
    LONGEST,
    NumberError,
    format_value,
    parse_cell_value,
    parse_count,
    parse_level,
    parse_number,
    parse_quantity,
    shown,
)
from extraction.record import Qualifier, Quantity, Status

FORMS = Path(os.environ.get("EXTRACTION_CASES", Path(__file__).parent / "cases")) / "number_forms.json"


def refused(parse: Callable[[Any], object], text: object) -> NumberError:
    with pytest.raises(NumberError) as caught:
        parse(text)
    return caught.value


def refusal_of(parse: Callable[[Any], object], text: object) -> NumberError | None:
    try:
        parse(text)
    except NumberError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("text", "value", "decimals", "step"),
    [
        ("12", 12.0, 0, 1.0),
        ("1.20", 1.2, 2, 0.01),
        ("12.0", 12.0, 1, 0.1),
        (".45", 0.45, 2, 0.01),
        ("-.5", -0.5, 1, 0.1),
        ("+0.3", 0.3, 1, 0.1),
        ("0", 0.0, 0, 1.0),
        ("1.2e3", 1200.0, 0, 100.0),
        ("1.2E-3", 0.0012, 4, 0.0001),
        ("1e+3", 1000.0, 0, 1000.0),
        ("  7 ", 7.0, 0, 1.0),
        ("0.30000000000000004", 0.30000000000000004, 17, 1e-17),
    ],
)
def test_a_plain_number_keeps_its_precision(text: str, value: float, decimals: int, step: float) -> None:
    number = parse_number(text)
    assert (number.value, number.decimals, number.step) == (value, decimals, step)
    assert number.qualifier is Qualifier.EQUAL
    assert number.printed == text.strip()
    assert float(number.exact_step) == step


def test_the_minus_sign_of_print_is_a_minus_and_stays_as_printed() -> None:
    number = parse_number("−5.25")
    assert (number.printed, number.value, number.exact) == ("−5.25", -5.25, Decimal("-5.25"))
    assert parse_number("1e−3").value == 0.001


def test_a_negative_zero_is_zero() -> None:
    assert math.copysign(1, parse_number("-0.00").value) == 1
    assert parse_number("-0.00").decimals == 2


@pytest.mark.parametrize(
    ("text", "qualifier"),
    [
        ("<0.5", Qualifier.LESS),
        ("< 0.5", Qualifier.LESS),
        ("<=0.5", Qualifier.AT_MOST),
        ("≤0.5", Qualifier.AT_MOST),
        (">0.5", Qualifier.MORE),
        (">=0.5", Qualifier.AT_LEAST),
        ("≥ 0.5", Qualifier.AT_LEAST),
        ("~0.5", Qualifier.ABOUT),
        ("LOD 0.5", Qualifier.BELOW_DETECTION),
        ("lod 0.5", Qualifier.BELOW_DETECTION),
        ("<LOD 0.5", Qualifier.BELOW_DETECTION),
    ],
)
def test_a_qualifier_is_never_dropped(text: str, qualifier: Qualifier) -> None:
    number = parse_number(text)
    assert (number.value, number.qualifier, number.printed) == (0.5, qualifier, text)


@pytest.mark.parametrize(
    ("text", "suggestions"),
    [
        ("1,234", ("1234", "1.234")),
        ("12,5", ("12.5",)),
        ("0,450", ("0.450",)),
        ("1,234,567", ("1234567",)),
        ("12,345.678", ("12345.678",)),
        ("1.234,5", ("1234.5",)),
        ("1.234.567", ("1234567",)),
        ("1,23,456", ()),
        ("1 234", ("1234",)),
        ("1\u00a0234", ("1234",)),
        ("1 23", ()),
        ("1_000", ("1000",)),
        ("- 0.3", ("-0.3",)),
        ("–0.3", ("-0.3",)),
        ("—0.3", ("-0.3",)),
        ("3．5", ("3.5",)),
        ("３.5", ("3.5",)),
        ("٥.٥", ("5.5",)),
        ("2٫1", ("2.1",)),
        ("2.1\u00ad", ("2.1",)),
        ("5²", ()),
        ("½", ()),
        ("5-", ("-5",)),
        ("5.", ("5",)),
        ("'2.1", ("2.1",)),
        ("*2.1", ("2.1",)),
        ("2.1*", ("2.1",)),
        ("2.1†", ("2.1",)),
        ("2.1 b,c", ("2.1",)),
        ("12 %", ("12",)),
        ("0.3 mg/dl", ("0.3",)),
        ("<20 copies/mL", ("<20",)),
        ("6,500/µl", ()),
        ("3.4 x 10^5", ("3.4e5",)),
        ("3.4×10⁻⁵", ("3.4e-5",)),
        ("2.1 (0.4)", ()),
        ("2.1, 0.4", ()),
        ("2.1 ± 0.4", ()),
        ("±0.3", ("0.3",)),
        ("1–3", ()),
        ("4 to 8", ()),
        ("ca. 12", ("~12",)),
        ("≈12", ("~12",)),
        ("n=23", ("23",)),
        ("O.5", ()),
        ("twenty", ()),
        ("--5", ()),
        ("0x10", ("0",)),
    ],
)
def test_what_needs_a_guess_is_refused_with_what_may_be_meant(text: str, suggestions: tuple[str, ...]) -> None:
    error = refused(parse_number, text)
    assert error.code == E_VALUE
    assert error.suggestions == suggestions
    assert "Allowed is a number with a decimal point" in str(error)
    for suggestion in suggestions:
        assert suggestion in str(error)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("–0.3", "the character – (en dash)"),
        ("３", "the character ３ (fullwidth digit three)"),
        ("5²", "the character ² (superscript two)"),
        ("٥", "the character ٥ (arabic-indic digit five)"),
        ("2.1\u200b", "an invisible zero width space"),
        ("05.Feb", "is a date"),
        ("2024-03-05", "is a date"),
        ("Mar-05", "is a date"),
        ("3/5/2024", "is a date"),
        ("4/5", "a fraction, a count of a total or a date"),
        ("10:30", "a time of day"),
        ("=1+1", "is a formula"),
        ("+A1", "is a formula"),
        ("#REF!", "an error of a spreadsheet"),
        ("TRUE", "a true/false value"),
        ("nan", "not a finite number"),
        ("-Infinity", "not a finite number"),
        ("p<.05", "the result of a test"),
        ("0.05 > p > 0.01", "the result of a test"),
        ("not significant", "the result of a test"),
        ("marker", "is not a number"),
        ("decreased", "is not a number"),
        ("", "is blank"),
    ],
)
def test_the_refusal_names_what_was_seen(text: str, why: str) -> None:
    assert why in str(refused(parse_number, text))


@pytest.mark.parametrize(
    "text", ["1e308", "-1e308", "1e400", "1e-400", "1e-310", "1e99999999999999999999", "0e400", "0e99999"]
)
def test_a_number_that_no_float_holds_is_out_of_range(text: str) -> None:
    assert refused(parse_number, text).code == E_RANGE


def test_the_ends_of_the_range_are_read() -> None:
    assert parse_number("9.99e307").value == 9.99e307
    assert parse_number("5.696189077778436e-306").value == 5.696189077778436e-306
    assert parse_number("2.2250738585072014e-308").step > 0


def test_a_long_text_is_refused_and_not_repeated_in_full() -> None:
    error = refused(parse_number, "1" * 5000)
    assert (error.code, len(error.seen)) == (E_VALUE, LONGEST + 2)
    assert parse_number("1" * LONGEST).decimals == 0


@pytest.mark.parametrize("value", [True, None, 2.5, 7, b"1"])
def test_only_text_is_read(value: object) -> None:
    assert "is not text" in str(refused(parse_number, value))


def test_a_cell_holds_a_number_a_status_or_nothing() -> None:
    assert parse_quantity("<0.5") == Quantity(Status.REPORTED, "<0.5", 0.5, Qualifier.LESS)
    assert parse_quantity(" nr ") == Quantity(Status.NOT_REPORTED)
    assert parse_quantity("NM") == Quantity(Status.NOT_MEASURED)
    assert parse_quantity("Un") == Quantity(Status.UNCLEAR)
    assert parse_quantity(" \t\u00a0") == Quantity()


@pytest.mark.parametrize(
    ("text", "suggestions"),
    [
        ("NA", ("NR", "NM", "UN")),
        ("n/a", ("NR", "NM", "UN")),
        ("-", ("NR", "NM", "UN")),
        (".", ("NR", "NM", "UN")),
        ("–", ("NR", "NM", "UN")),
        ("n/r", ("NR",)),
        ("not reported", ("NR",)),
        ("not done", ("NM",)),
        ("?", ("UN",)),
        ("BDL", ("UN",)),
        ("<LOD", ("UN",)),
        ("<NR", ("NR",)),
    ],
)
def test_a_missing_code_is_asked_about_and_never_taken(text: str, suggestions: tuple[str, ...]) -> None:
    assert refused(parse_quantity, text).suggestions == suggestions
    assert refused(parse_number, text).suggestions == ()


@pytest.mark.parametrize("text", ["25", "1", "2147483647"])
def test_a_count_is_whole(text: str) -> None:
    assert parse_count(text) == Quantity(Status.REPORTED, text, float(text))


def test_a_count_may_be_a_status_or_blank() -> None:
    assert parse_count("nr") == Quantity(Status.NOT_REPORTED)
    assert parse_count("") == Quantity()


@pytest.mark.parametrize(
    ("text", "code", "suggestions"),
    [
        ("23.0", E_VALUE, ("23",)),
        ("1e3", E_VALUE, ("1000",)),
        ("+25", E_VALUE, ("25",)),
        ("23.5", E_VALUE, ()),
        ("~25", E_VALUE, ()),
        ("<25", E_VALUE, ()),
        ("0", E_RANGE, ()),
        ("-5", E_RANGE, ()),
        ("2147483648", E_RANGE, ()),
        ("1e400", E_RANGE, ()),
        ("1,234", E_VALUE, ("1234",)),
        ("n = 23", E_VALUE, ("23",)),
        ("12,5", E_VALUE, ()),
        ("NA", E_VALUE, ("NR", "NM", "UN")),
    ],
)
def test_a_count_that_is_not_whole_is_refused(text: str, code: str, suggestions: tuple[str, ...]) -> None:
    error = refused(parse_count, text)
    assert (error.code, error.suggestions) == (code, suggestions)
    assert "a whole number from 1" in error.allowed


def test_a_level_is_in_percent() -> None:
    assert [parse_level(text) for text in ("95", "99.9", "50", "")] == [95.0, 99.9, 50.0, None]


@pytest.mark.parametrize(
    ("text", "code", "suggestions"),
    [
        ("0.95", E_RANGE, ("95",)),
        (".999", E_RANGE, ("99.9",)),
        ("100", E_RANGE, ()),
        ("49", E_RANGE, ()),
        ("0.2", E_RANGE, ()),
        ("-95", E_RANGE, ()),
        ("95%", E_VALUE, ("95",)),
        (">95", E_VALUE, ()),
        ("NR", E_VALUE, ()),
    ],
)
def test_another_level_is_refused(text: str, code: str, suggestions: tuple[str, ...]) -> None:
    error = refused(parse_level, text)
    assert (error.code, error.suggestions) == (code, suggestions)
    assert "percent" in error.allowed


def test_a_cell_of_a_spreadsheet_is_read_by_its_type() -> None:
    assert parse_cell_value(None, parse_quantity) == Quantity()
    assert parse_cell_value("<5", parse_quantity).qualifier is Qualifier.LESS
    assert parse_cell_value(25.0, parse_count).printed == "25"
    assert parse_cell_value(25, parse_count).value == 25.0
    assert parse_cell_value(0.1, parse_quantity).printed == "0.1"
    assert parse_cell_value(95, parse_level) == 95.0


@pytest.mark.parametrize(
    ("value", "code", "why"),
    [
        (True, E_VALUE, "true/false"),
        (math.nan, E_RANGE, "finite"),
        (math.inf, E_RANGE, "finite"),
        (1e308, E_RANGE, "out of range"),
        pytest.param(10**5000, E_RANGE, "out of range", id="huge"),
        (dt.datetime(2021, 2, 5), E_VALUE, "date"),  # noqa: DTZ001
        (dt.time(10, 30), E_VALUE, "date"),
        ([1], E_VALUE, "list"),
    ],
)
def test_a_cell_of_another_type_is_refused(value: object, code: str, why: str) -> None:
    error = refused(lambda cell: parse_cell_value(cell, parse_quantity), value)
    assert error.code == code
    assert why in str(error)


def test_a_value_is_formatted_in_the_shortest_way() -> None:
    assert [format_value(value) for value in (25.0, 0.1, -2.2, 1e22, -0.0, 7)] == [
        "25",
        "0.1",
        "-2.2",
        "1e+22",
        "0",
        "7",
    ]


def test_the_eye_sees_a_minus_where_a_hyphen_means_one() -> None:
    assert shown("-2.2") == "−2.2"
    assert shown("<-.5 to 1e-3") == "<−.5 to 1e−3"
    assert shown("IL-6, 2021-03, x-1") == "IL-6, 2021-03, x-1"


@given(st.floats(min_value=-9e307, max_value=9e307, allow_subnormal=False))
def test_every_float_reads_back_as_itself(value: float) -> None:
    assert parse_number(format_value(value)).value == value


@given(st.text(max_size=50) | st.from_regex(r"[<≤~ ]{0,2}[-+−–]?[0-9.,' ]{0,12}[eE%*x]?[-0-9 ]{0,4}", fullmatch=True))
def test_any_text_is_read_or_refused_and_what_is_suggested_is_read(text: str) -> None:
    parsers: list[Callable[[str], object]] = [parse_number, parse_quantity, parse_count, parse_level]
    for parse in parsers:
        error = refusal_of(parse, text)
        if error is not None:
            assert error.code in {E_VALUE, E_RANGE}
            assert all(refusal_of(parse, suggestion) is None for suggestion in error.suggestions)


@given(st.from_regex(r"[-+]?([0-9]{1,12}(\.[0-9]{1,12})?|\.[0-9]{1,9})", fullmatch=True))
def test_a_number_in_digits_is_what_python_reads(text: str) -> None:
    number = parse_number(text)
    assert number.value == float(text)
    assert number.exact == Decimal(text)
    assert number.decimals == len(text.partition(".")[2])


@pytest.mark.parametrize("form", json.loads(FORMS.read_text(encoding="utf-8"))["forms"], ids=lambda form: form["id"])
def test_a_printed_form_is_read_as_a_careful_reader_does_or_refused(form: dict[str, Any]) -> None:
    """`-99` and `1.234` are what they are here: asking back is for pasted cells."""
    try:
        quantity = parse_quantity(form["text"])
    except NumberError:
        return
    expected = form["expect"]
    readings = expected.get("options", [expected])
    if quantity.value is None:
        assert expected["kind"] in {"empty", "status"}
    else:
        first = readings[0]
        qualifier = {"<=": "≤", ">=": "≥"}.get(first["qualifier"], first["qualifier"])
        assert (quantity.value, quantity.qualifier.value) == (first["value"], qualifier)
