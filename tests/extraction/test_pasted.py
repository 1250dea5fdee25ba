"""Reading pasted cells: the printed forms of the folder EXTRACTION_CASES (default: the copy beside this file)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.numbers import parse_number, parse_quantity
from extraction.pasted import Kind, Reading, Value, read

CASES = Path(os.environ.get("EXTRACTION_CASES", Path(__file__).parent / "cases"))
FORMS = json.loads((CASES / "number_forms.json").read_text(encoding="utf-8"))["forms"]
STATUSES = {"NR": "not_reported", "NM": "not_measured", "UN": "unclear"}
QUALIFIERS = {"≤": "<=", "≥": ">="}
# What is said of a reading besides its value, under the same name in the cases.
SAID = ("pair_kind", "unit", "footnote", "scale", "statistic", "level", "count", "of", "percent", "n_candidate")


def number(value: Value | None) -> dict[str, Any] | None:
    if value is None:
        return None
    told: dict[str, Any] = {"value": value.value, "decimals": value.decimals}
    told["qualifier"] = QUALIFIERS.get(value.qualifier.value, value.qualifier.value)
    return told | ({"precision": value.precision} if value.precision is not None else {})


def told(reading: Reading) -> dict[str, Any]:
    """A reading in the words of the cases."""
    said: dict[str, Any] = {"kind": reading.kind.value}
    if reading.value is not None:
        said |= number(reading.value) or {}
    if reading.status:
        said["status"] = STATUSES[reading.status.value]
    names = ("pre", "post") if reading.pair_kind == "pre_post" else ("lower", "upper")
    parts = {"centre": reading.centre, "spread": reading.spread, names[0]: reading.lower, names[1]: reading.upper}
    said |= {name: number(part) for name, part in parts.items() if part is not None}
    said |= {"spread_kind": reading.spread_kind, "interval_kind": reading.interval_kind}
    said |= {
        name: getattr(reading, name) for name in (*SAID, "centre_kind") if getattr(reading, name) not in {"", None}
    }
    return said


def agrees(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether everything that a case says and a reading can say is the same; reasons are in each one's own words."""
    for name, expected in wanted.items():
        if name in {"notes", "problem", "detail", "limit", "options", "reason"}:
            continue
        if name == "qualifier" and wanted["kind"] == "status":
            continue
        here = found.get(name)
        if isinstance(here, dict) and not isinstance(expected, dict):
            here = here["value"]
        if isinstance(expected, dict):
            if not isinstance(here, dict) or not agrees(here, expected | {"kind": ""}):
                return False
        elif isinstance(expected, float) and isinstance(here, float):
            if here != pytest.approx(expected, rel=1e-3 if wanted.get("decimals", 0) is None else 1e-12):
                return False
        elif (name != "kind" or expected) and here != expected:
            return False
    return True


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form["id"])
def test_a_printed_form_is_read_as_a_careful_reader_does(form: dict[str, Any]) -> None:
    reading = read(form["text"], form["field"], form.get("locale_hint"))
    wanted = form["expect"]
    assert reading.kind.value == wanted["kind"], told(reading)
    if reading.kind is Kind.AMBIGUOUS:
        found = [told(option) for option in reading.options]
        for option in wanted["options"]:
            assert any(agrees(one, option) for one in found), (option, found)
    else:
        assert agrees(told(reading), wanted), told(reading)


@pytest.mark.parametrize(
    ("text", "entered"),
    [
        ("2,31", "2.31"), ("0,5", "0.5"), ("−0.4", "−0.4"), ("–0.4", "-0.4"), ("<0,5", "<0.5"), ("≤ 12", "≤12"),
        ("~ 3.4", "~3.4"), ("ca. 3,4", "~3.4"), ("1 234,5", "1234.5"), ("1.234,5", "1234.5"), ("1,234.5", "1234.5"),
        ("12.345.678", "12345678"), ("2·31", "2.31"), ("2．31", "2.31"), ("٣٫١", "3.1"), ("7.90*", "7.90"),
        ("7.90 a", "7.90"), ("†7.90", "7.90"), ("15 pg/ml", "15"), ("98 %", "98"), ("3 × 10²", "3e2"), ("n = 15", "15"),
        ("+ 0.3", "+0.3"), ("2.50", "2.50"), ("'0.7", "0.7"), ("1e-3", "1e-3"),
    ],
)  # fmt: skip
def test_what_would_be_entered_is_a_text_of_the_strict_grammar(text: str, entered: str) -> None:
    reading = read(text)
    assert reading.kind is Kind.VALUE
    assert reading.value is not None
    assert reading.value.text.replace("−", "-") == entered.replace("−", "-")
    assert parse_number(reading.value.text).value == reading.value.value


@pytest.mark.parametrize("text", ["1,234", "1.234", "-99", "n.d.", "NA", "–", "1:160", "3/5", "10:30", "3 x 104"])
def test_what_may_mean_two_things_comes_as_all_of_them(text: str) -> None:
    reading = read(text)
    assert reading.kind is Kind.AMBIGUOUS
    assert len(reading.options) >= 2


def test_a_locale_settles_what_its_separators_mean() -> None:
    for hint, comma, point in [("de", 1.234, 1234.0), ("en", 1234.0, 1.234)]:
        found = [read(text, hint=hint).value for text in ("1,234", "1.234")]
        assert [one.value for one in found if one] == [comma, point]


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_and_every_number_can_be_entered(text: str) -> None:
    reading = read(text)
    for one in (reading, *reading.options):
        for value in (one.value, one.centre, one.spread, one.lower, one.upper):
            if value is not None:
                assert parse_quantity(value.text).value == pytest.approx(value.value)


@given(st.decimals(-10_000, 10_000, places=3, allow_nan=False), st.sampled_from([".", ","]))
def test_a_number_with_three_decimals_is_never_taken_for_another(number: Any, separator: str) -> None:
    """Whatever the separator, the number itself is among the readings."""
    reading = read(f"{number:.3f}".replace(".", separator))
    options = reading.options or (reading,)
    assert float(number) in [one.value.value for one in options if one.value]
