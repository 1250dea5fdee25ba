"""Numbers, centres, spreads, times and outcomes: what a row of observations says, and what it must not say."""

from __future__ import annotations

import pytest

from tests.extraction.workbook.build import row
from tests.extraction.workbook.said import csv, excel, found, observed, only, says

# --- numbers as printed


@pytest.mark.parametrize(
    "text", ["5.250", "<0.5", "≤ 3", ">= 10", "~12", "LOD 0.5", "-0.30", "1.2e3", "NR", "NM", "UN"]
)
def test_a_cell_is_kept_as_printed_qualifier_included(text: str) -> None:
    assert says(mean=text)["centre"] == text


def test_a_number_cell_is_taken_as_the_shortest_text_of_what_it_stores() -> None:
    trial = only(excel(row(mean="<c><v>5.2500000000000004</v></c>", n="<c><v>24.0</v></c>", sd=0.1)))
    said = trial.observations[0].said
    assert (said.values["centre"], said.values["n"], said.values["spread"]) == ("5.25", "24", "0.1")
    assert (said.places["centre"].cell, said.places["centre"].name, said.places["centre"].sheet) == (
        "G2",
        "mean",
        "observations",
    )


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("mean", "1,234", "E_VALUE"), ("mean", "5,25", "E_VALUE"), ("mean", "5.25 ± 1.1", "E_VALUE"),
        ("mean", "5.2*", "E_VALUE"), ("mean", "5.2 pg/mL", "E_VALUE"), ("mean", "NaN", "E_VALUE"),
        ("mean", "inf", "E_VALUE"), ("mean", "TRUE", "E_VALUE"), ("mean", "1_000", "E_VALUE"),
        ("mean", "0x10", "E_VALUE"), ("mean", "1e309", "E_RANGE"), ("mean", "1e-400", "E_RANGE"),
        ("mean", "=1+1", "E_FORMULA"), ("mean", "@SUM(1)", "E_FORMULA"), ("mean", "#DIV/0!", "E_VALUE"),
        ("mean", "05.Feb", "E_VALUE"), ("mean", "-", "E_VALUE"), ("mean", "?", "E_VALUE"),
        ("mean", "n/a", "E_VALUE"), ("mean", "5²", "E_VALUE"), ("mean", "50%", "E_VALUE"), ("n", "12.5", "E_VALUE"),
        ("n", "0", "E_RANGE"), ("n", "-9", "E_RANGE"), ("n", "99999999999", "E_RANGE"), ("n", "<5", "E_VALUE"),
        ("n", "50000000", "E_RANGE"), ("sd", "-1", "E_RANGE"), ("se", "-0.1", "E_RANGE"),
        ("events", "-1", "E_RANGE"), ("weeks", "-4", "E_RANGE"), ("weeks", "6000", "E_RANGE"),
        ("weeks", "12 weeks", "E_VALUE"), ("weeks", "~12", "E_VALUE"), ("weeks", "NR", "E_VALUE"),
        ("phase", "pre", "E_VALUE"), ("condition", "resting", "E_VALUE"), ("scale", "log7", "E_VALUE"),
        ("scale", "raw(x+1)", "E_VALUE"),
    ],
)  # fmt: skip
def test_a_value_that_needs_a_guess_or_cannot_be_is_refused_at_its_cell(column: str, text: str, code: str) -> None:
    others = {} if column == "events" else {"mean": "1"}
    parsed = observed(**{**others, column: text})
    assert parsed.rejected
    assert (code, column) in found(parsed)


@pytest.mark.parametrize(
    ("columns", "code", "column"),
    [
        ({"mean": "1", "sd": "0"}, "W_CHECK", "sd"),
        ({"mean": "1", "n": "1", "sd": "2"}, "W_CHECK", "n"),
        ({"median": "9", "q1": "1", "q3": "3"}, "W_CHECK", "median"),
        ({"mean": "9", "ci_low": "1", "ci_high": "3", "ci_level": "95"}, "W_CHECK", "mean"),
        ({"mean": "2", "ci_low": "1", "ci_high": "3"}, "W_CHECK", "ci_low"),
        ({"phase": "post", "weeks": "0", "mean": "1"}, "W_CHECK", "weeks"),
        ({"mean": "−5.25"}, "W_NORMALISED", "mean"),
        ({"mean": " 5.25"}, "W_NORMALISED", "mean"),
        ({"arm": "Drug\u00a0A", "mean": "1"}, "W_NORMALISED", "arm"),
        ({"arm": "Cafe\u0301", "mean": "1"}, "W_NORMALISED", "arm"),
        ({"notes": "cafÃ©", "mean": "1"}, "W_CHECK", "notes"),
        ({}, "W_CHECK", "marker"),
        ({"sd": "2"}, "W_CHECK", "sd"),
    ],
)
def test_what_is_plausible_but_odd_is_taken_and_shown(columns: dict[str, str], code: str, column: str) -> None:
    parsed = observed(**columns)
    assert not parsed.rejected
    assert found(parsed) == {(code, column)}


@pytest.mark.parametrize(
    ("columns", "code", "column"),
    [
        ({"mean": "5", "median": "4"}, "E_VALUE", "median"),
        ({"sd": "5", "se": "4"}, "E_VALUE", "se"),
        ({"mean": "2", "sd": "5", "q1": "1", "q3": "4"}, "E_VALUE", "q1"),
        ({"q1": "5", "q3": "4"}, "E_RANGE", "q1"),
        ({"ci_low": "5", "ci_high": "4"}, "E_RANGE", "ci_low"),
        ({"min": "5", "max": "4"}, "E_RANGE", "min"),
        ({"q1": "5"}, "E_VALUE", "q1"),
        ({"ci_high": "5"}, "E_VALUE", "ci_high"),
        ({"q1": "5", "q3": "NR"}, "E_VALUE", "q3"),
        ({"q1": "<5", "q3": "6"}, "E_VALUE", "q1"),
        ({"ci_level": "95", "mean": "1"}, "E_VALUE", "ci_level"),
        ({"ci_low": "1", "ci_high": "2", "ci_level": "0.95"}, "E_RANGE", "ci_level"),
        ({"mean": "NR", "median": "NM"}, "E_VALUE", "mean"),
        ({"phase": "baseline", "weeks": "8"}, "E_RANGE", "weeks"),
        ({"phase": "change", "weeks": "0"}, "E_RANGE", "weeks"),
        ({"weeks": ""}, "E_VALUE", "weeks"),
        ({"arm": ""}, "E_VALUE", "arm"),
        ({"trial": " "}, "E_VALUE", "trial"),
    ],
)
def test_a_row_that_says_two_things_at_once_or_half_a_thing_is_refused(
    columns: dict[str, str], code: str, column: str
) -> None:
    parsed = observed(**columns)
    assert parsed.rejected
    assert (code, column) in found(parsed)


@pytest.mark.parametrize(
    ("columns", "values"),
    [
        ({"mean": "5", "sd": "1"}, {"centre_kind": "mean", "centre": "5", "spread_kind": "sd", "spread": "1"}),
        (
            {"geometric_mean": "5", "geometric_sd": "1.3"},
            {"centre_kind": "geometric_mean", "centre": "5", "spread_kind": "geometric_sd", "spread": "1.3"},
        ),
        (
            {"median": "5", "q1": "4", "q3": "7"},
            {"centre_kind": "median", "centre": "5", "spread_kind": "iqr", "spread_low": "4", "spread_high": "7"},
        ),
        (
            {"mean": "5", "min": "1", "max": "9"},
            {"centre_kind": "mean", "centre": "5", "spread_kind": "range", "spread_low": "1", "spread_high": "9"},
        ),
        (
            {"mean": "5", "ci_low": "4.0", "ci_high": "6", "ci_level": "95"},
            {
                "centre_kind": "mean",
                "centre": "5",
                "spread_kind": "ci",
                "spread_low": "4.0",
                "spread_high": "6",
                "spread_level": "95",
            },
        ),
        ({"events": "3", "n": "20"}, {"centre_kind": "events", "centre": "3", "n": "20"}),
        ({"mean": "NR", "sd": "NR"}, {"centre_kind": "mean", "centre": "NR", "spread_kind": "sd", "spread": "NR"}),
        ({"mean": "NR", "median": "4"}, {"centre_kind": "median", "centre": "4"}),
        ({"sd": "NR", "se": "0.2"}, {"spread_kind": "se", "spread": "0.2"}),
        ({"q1": "NR", "q3": "NR"}, {"spread_kind": "iqr", "spread": "NR"}),
        (
            {"mean": "1", "page": "5", "source": "Table 2", "quote": "a\nb", "notes": "=1+1"},
            {
                "source_page": "5",
                "source_place": "Table 2",
                "source_quote": "a\nb",
                "notes": "=1+1",
                "centre_kind": "mean",
                "centre": "1",
            },
        ),
        ({"mean": "1", "notes": "'=1+1"}, {"notes": "=1+1", "centre_kind": "mean", "centre": "1"}),
    ],
)
def test_each_form_of_centre_and_spread_is_parse_inside(columns: dict[str, str], values: dict[str, str]) -> None:
    assert says(**columns) == {"quantity": "score", **values}


# --- times and outcomes


@pytest.mark.parametrize(
    ("columns", "time", "quantity"),
    [
        ({"weeks": "0"}, {"phase": "baseline", "weeks": "0"}, "score"),
        ({"weeks": "12"}, {"phase": "post", "weeks": "12"}, "score"),
        ({"phase": "change", "weeks": "8.0"}, {"phase": "post", "weeks": "8"}, "change"),
        ({"phase": "Follow-Up", "weeks": "26"}, {"phase": "follow-up", "weeks": "26"}, "score"),
        ({"phase": "follow-up change", "weeks": "26"}, {"phase": "follow-up", "weeks": "26"}, "change"),
        ({"phase": "baseline", "weeks": "-1"}, {"phase": "baseline", "weeks": "-1"}, "score"),
        ({"phase": "post", "weeks": "", "timepoint": "3 months"}, {"phase": "post", "printed": "3 months"}, "score"),
        ({"phase": "post", "weeks": ""}, {"phase": "post"}, "score"),
    ],
)
def test_phase_and_weeks_say_which_time_it_is(columns: dict[str, str], time: dict[str, str], quantity: str) -> None:
    trial = only(observed(mean="1", **columns))
    (timepoint,) = trial.timepoints.values()
    assert timepoint.said.values == time
    assert trial.observations[0].said.values["quantity"] == quantity


@pytest.mark.parametrize(
    ("columns", "outcome"),
    [
        ({"marker": "il-6", "unit": "pg/mL"}, {"name": "il-6", "marker": "il6", "unit": "pg/mL"}),
        ({"marker": "IL‐6"}, {"name": "IL‐6", "marker": "il6"}),
        ({"marker": "TNF"}, {"name": "TNF"}),
        ({"marker": "NA"}, {"name": "NA"}),
        (
            {"condition": "Stimulated", "stimulus": "LPS", "dose": "1 ng/mL"},
            {"name": "IL-6", "marker": "il6", "condition": "stimulated", "stimulus": "LPS", "dose": "1 ng/mL"},
        ),
        (
            {"scale": "log10(x+1)"},
            {"name": "IL-6", "marker": "il6", "scale": "log", "scale_base": "10", "scale_offset": "1"},
        ),
        ({"scale": "ln"}, {"name": "IL-6", "marker": "il6", "scale": "log", "scale_base": "e", "scale_offset": ""}),
        (
            {"specimen": "serum", "assay": "ELISA"},
            {"name": "IL-6", "marker": "il6", "specimen": "serum", "assay": "ELISA"},
        ),
    ],
)
def test_an_outcome_is_the_marker_as_printed_and_how_it_was_measured(
    columns: dict[str, str], outcome: dict[str, str]
) -> None:
    (measured,) = only(observed(mean="1", **columns)).outcomes.values()
    assert measured.said.values == outcome


def test_rows_of_one_outcome_and_one_time_share_them_and_may_not_contradict_each_other() -> None:
    good = csv(
        """trial,arm,marker,unit,weeks,timepoint,phase,mean
        S1,A,IL-6,pg/mL,0,start,,1
        s1,B,il-6,,0,,baseline,2
        S1,A,CRP,mg/L,0,start,,3"""
    )
    trial = only(good)
    assert (len(good.trials), len(trial.timepoints), len(trial.outcomes), len(trial.observations)) == (1, 1, 2, 3)
    bad = csv(
        """trial,arm,marker,unit,weeks,timepoint,mean
        S1,A,IL-6,pg/mL,12,end,1
        S1,B,IL-6,ng/mL,12,END,2
        S1,B,CRP,mg/L,12,follow-up,2"""
    )
    assert {(f.code.value, f.where) for f in bad.findings} == {("E_VALUE", "D3"), ("E_VALUE", "F4")}


def test_two_baselines_at_different_weeks_are_refused() -> None:
    parsed = csv("trial,arm,marker,phase,weeks,mean\nS1,A,IL-6,baseline,0,1\nS1,B,IL-6,baseline,-2,1")
    assert [(f.code.value, f.where) for f in parsed.findings] == [("E_VALUE", "E3")]
