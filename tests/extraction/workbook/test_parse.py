"""What an import understands of the cells of a workbook, and what it refuses to guess."""

from __future__ import annotations

from typing import Any

import pytest

from extraction.record import ModeratorKind
from extraction.workbook.cells import MAX_FINDINGS, Finding
from extraction.workbook.columns import COLUMNS, ModeratorTerm, Term, Vocabulary
from extraction.workbook.parsed import ParsedTrial, ParsedWorkbook, Said
from extraction.workbook.text import confusable_letters, fold, refused_character, tidied
from tests.extraction.workbook.build import (
    HEADER,
    observations,
    packed,
    parse_inside,
    parts,
    row,
    sheet,
    with_styles,
    workbook,
)

VOCABULARY = Vocabulary(
    markers=(Term("il6", "Interleukin-6", ("IL-6", "TNF")), Term("tnf_a", "TNF-α", ("TNF",))),
    interventions=(Term("cbt", "Cognitive behavior therapy", ("CBT",)),),
    control_kinds=(Term("waitlist", "Waiting list"),),
    moderators=(
        ModeratorTerm(
            "population", "Population", ModeratorKind.LEVEL, levels=(Term("t2d", "T2D"), Term("healthy", "Healthy"))
        ),
        ModeratorTerm("mean_age", "Mean age", ModeratorKind.NUMBER),
        ModeratorTerm("setting", "Setting", ModeratorKind.TEXT),
        ModeratorTerm("sessions", "Sessions", ModeratorKind.NUMBER, of_arm=True),
    ),
)


def csv(text: str) -> ParsedWorkbook:
    lines = [line.strip() for line in text.strip().splitlines()]
    return parse_inside("\n".join(lines).encode(), "a.csv", VOCABULARY)


def observed(**columns: str) -> ParsedWorkbook:
    """One row of observations with these columns besides the coordinates."""
    given = {"trial": "S001", "arm": "Drug A", "marker": "IL-6", "weeks": "12", **columns}
    quoted = ['"' + text.replace('"', '""') + '"' for text in given.values()]
    return parse_inside(f"{','.join(given)}\n{','.join(quoted)}\n".encode(), "a.csv", VOCABULARY)


def only(parsed: ParsedWorkbook) -> ParsedTrial:
    assert not parsed.rejected, [str(finding) for finding in parsed.findings]
    return next(iter(parsed.trials.values()))


def says(**columns: str) -> dict[str, str]:
    return only(observed(**columns)).observations[0].said.values


def found(parsed: ParsedWorkbook) -> set[tuple[str, str]]:
    return {(finding.code.value, finding.name) for finding in parsed.findings}


def excel(*rows: Any) -> ParsedWorkbook:
    return parse_inside(workbook({"observations": observations(*rows)}), "a.xlsx", VOCABULARY)


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
        ({"sd": "0"}, "W_CHECK", "sd"),
        ({"n": "1", "sd": "2"}, "W_CHECK", "n"),
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
        ({"geometric_mean": "5", "geometric_sd": "1.3"}, {"centre_kind": "geometric_mean", "centre": "5", "spread_kind": "geometric_sd", "spread": "1.3"}),
        ({"median": "5", "q1": "4", "q3": "7"}, {"centre_kind": "median", "centre": "5", "spread_kind": "iqr", "spread_low": "4", "spread_high": "7"}),
        ({"mean": "5", "min": "1", "max": "9"}, {"centre_kind": "mean", "centre": "5", "spread_kind": "range", "spread_low": "1", "spread_high": "9"}),
        ( {"mean": "5", "ci_low": "4.0", "ci_high": "6", "ci_level": "95"}, {"centre_kind": "mean", "centre": "5", "spread_kind": "ci", "spread_low": "4.0", "spread_high": "6", "spread_level": "95"}, ),
        ({"events": "3", "n": "20"}, {"centre_kind": "events", "centre": "3", "n": "20"}),
        ({"mean": "NR", "sd": "NR"}, {"centre_kind": "mean", "centre": "NR", "spread_kind": "sd", "spread": "NR"}),
        ({"mean": "NR", "median": "4"}, {"centre_kind": "median", "centre": "4"}),
        ({"sd": "NR", "se": "0.2"}, {"spread_kind": "se", "spread": "0.2"}),
        ({"q1": "NR", "q3": "NR"}, {"spread_kind": "iqr", "spread": "NR"}),
        ({"mean": "1", "page": "5", "source": "Table 2", "quote": "a\nb", "notes": "=1+1"}, {"source_page": "5", "source_place": "Table 2", "source_quote": "a\nb", "notes": "=1+1", "centre_kind": "mean", "centre": "1"}),
        ({"mean": "1", "notes": "'=1+1"}, {"notes": "=1+1", "centre_kind": "mean", "centre": "1"}),
    ],
)  # fmt: skip
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
        ({"marker": "IL‐6"}, {"name": "IL‐6", "marker": "il6"}), ({"marker": "TNF"}, {"name": "TNF"}),
        ({"marker": "NA"}, {"name": "NA"}),
        ({"condition": "Stimulated", "stimulus": "LPS", "dose": "1 ng/mL"}, {"name": "IL-6", "marker": "il6", "condition": "stimulated", "stimulus": "LPS", "dose": "1 ng/mL"}),
        ({"scale": "log10(x+1)"}, {"name": "IL-6", "marker": "il6", "scale": "log", "scale_base": "10", "scale_offset": "1"}),
        ({"scale": "ln"}, {"name": "IL-6", "marker": "il6", "scale": "log", "scale_base": "e", "scale_offset": ""}),
        ({"specimen": "serum", "assay": "ELISA"}, {"name": "IL-6", "marker": "il6", "specimen": "serum", "assay": "ELISA"}),
    ],
)  # fmt: skip
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


# --- keys


@pytest.mark.parametrize("second", ["Drug A", "drug  a ", "DRUG\u00a0A", "Drug A\u00a0"])
def test_two_rows_for_one_cell_are_refused_naming_both(second: str) -> None:
    parsed = excel(row(arm="Drug A"), row(arm=second, weeks=12), row(arm=second))
    duplicate = next(finding for finding in parsed.findings if finding.code == "E_DUP")
    assert (duplicate.where, parsed.rejected) == ("rows 2, 4", True)


def test_composed_and_decomposed_letters_and_all_dashes_make_one_name() -> None:
    assert fold("Caf\u00e9 \u2010 \u2013 B") == fold("CAFE\u0301 - -  b")
    parsed = excel(row(marker="IL-6"), row(marker="IL\u20116"))
    assert "E_DUP" in {finding.code for finding in parsed.findings}


def test_a_score_and_a_change_at_one_time_are_two_cells() -> None:
    parsed = csv("trial,arm,marker,phase,weeks,mean\nS1,A,IL-6,post,8,1\nS1,A,IL-6,change,8,-1")
    assert len(only(parsed).observations) == 2


def test_two_rows_for_one_arm_or_one_trial_are_refused() -> None:
    arms = csv("trial,arm,role\nS1,A,control\nS1,a,control")
    assert [(f.code.value, f.where) for f in arms.findings] == [("E_DUP", "rows 2, 3")]
    trials = csv("trial,mean_age\nS1,5\nS1,5")
    assert [(f.code.value, f.where) for f in trials.findings] == [("E_DUP", "rows 2, 3")]


# --- headers and sheets


@pytest.mark.parametrize(
    ("header", "where", "words"),
    [
        ("trial,arm,marker,weeks,maen", "E1", "Did you mean “mean”?"),
        ("trial,arm,marker,weeks,mеan", "E1", "cyrillic small letter ie"),
        ("trial,arm,marker,weeks,ｍean", "E1", "fullwidth latin small letter m"),
        ("trial,arm,marker,weeks,id", "E1", "set by the system"),
        ("trial,arm,marker,weeks,approved_by", "E1", "set by the system"),
        ("trial,arm,marker,weeks,entry_id", "E1", "set by the system"),
        ("trial,arm,marker,weeks,mean,Mean", "F1", "there twice"),
        ("trial,arm,weeks,mean", "row 1", "“marker” is missing"),
        ("trial,marker,weeks,mean", "row 1", "“arm” is missing"),
        ("trial,arm,marker,mean", "row 1", "“weeks” is missing"),
        ("S001,Drug A,IL-6,0,5.25", "A1", "no column"),
        ("trial,arm,marker,weeks,mean\u200b", "E1", "zero width space"),
    ],
)
def test_a_header_that_is_not_the_known_one_is_refused(header: str, where: str, words: str) -> None:
    parsed = csv(header + "\n" + ",".join("1" for _ in header.split(",")))
    assert {finding.code for finding in parsed.findings} == {"E_HEADER"}
    assert any(finding.where == where and words in finding.message for finding in parsed.findings), parsed.findings


def test_order_case_and_outer_spaces_of_columns_do_not_count() -> None:
    parsed = csv(" Mean ,WEEKS,marker, arm,Trial\n5,0,IL-6,A,S1")
    assert only(parsed).observations[0].said.values["centre"] == "5"


def test_a_column_without_a_name_but_with_values_is_refused_and_an_empty_one_is_not() -> None:
    assert found(csv("trial,arm,marker,weeks,,mean\nS1,A,IL-6,0,x,5")) == {("E_HEADER", "")}
    assert not csv("trial,arm,marker,weeks,,mean,\nS1,A,IL-6,0,,5,").findings


@pytest.mark.parametrize(
    ("sheets", "code"),
    [
        ({"Sheet1": observations()}, "E_SHEET"), ({"extraction": observations()}, "E_SHEET"),
        ({"observations": sheet([])}, "E_EMPTY"), ({"observations": sheet([HEADER])}, "E_EMPTY"),
        ({"observations": sheet([HEADER, ["  "] * 3])}, "E_EMPTY"),
        ({"observations": sheet([[], HEADER, row()])}, "E_HEADER"),
        ({"observations": sheet([["Results of all trials"], HEADER, row()])}, "E_HEADER"),
        ({"observations": sheet([[None, *HEADER], [None, *row()]])}, None),
        ({"observations": sheet([HEADER, row()], after='<mergeCells><mergeCell ref="A1:B1"/></mergeCells>')}, "E_HEADER"),
        ({"observations": sheet([HEADER, row()], after='<mergeCells><mergeCell ref="A2:A3"/></mergeCells>')}, "E_MERGED"),
        ({"observations": observations(), "Observations ": observations()}, "E_SHEET"),
        ({"OBSERVATIONS": observations()}, None),
        ({"observations": observations(), "readme": sheet([["<c><f>1</f></c>"]], after='<mergeCells><mergeCell ref="A1:B9"/></mergeCells>')}, None),
        ({"observations": observations(), "observations (2)": observations()}, "W_CHECK"),
        ({"observations": observations(), "Copy of arms": sheet([])}, None),
    ],
)  # fmt: skip
def test_the_right_sheet_with_one_header_row_on_top_is_needed(sheets: dict[str, str], code: str | None) -> None:
    parsed = parse_inside(workbook(sheets), "a.xlsx", VOCABULARY)
    assert {finding.code.value for finding in parsed.findings} == ({code} if code else set())


def test_hidden_rows_columns_and_sheets_are_read_and_shown() -> None:
    hidden = sheet([HEADER, row(), row(weeks=12)], before='<cols><col min="8" max="8" hidden="1"/></cols>', hidden=[3])
    data = packed(parts({"observations": hidden, "lists": sheet([])}, states={"lists": "hidden"}))
    parsed = parse_inside(data, "a.xlsx", VOCABULARY)
    assert {(f.code.value, f.where, f.sheet) for f in parsed.findings} == {
        ("W_HIDDEN", "row 3", "observations"), ("W_HIDDEN", "column H", "observations"), ("W_HIDDEN", "", "lists"),
    }  # fmt: skip
    assert parsed.rows == 2


def test_blank_rows_between_rows_are_passed_over_and_nothing_after_them_is_lost() -> None:
    assert excel(row(), [], ["", " "], row(weeks=12)).rows == 2


def test_totals_and_footnotes_below_a_table_are_refused() -> None:
    assert ("E_VALUE", "arm") in found(excel(row(), ["Total", None, 50]))
    assert ("E_VALUE", "arm") in found(excel(row(), [], ["* mean (SD)"]))


# --- cells of the wrong kind


@pytest.mark.parametrize(
    ("column", "xml", "code"),
    [
        ("mean", "<c><f>1+1</f><v>2</v></c>", "E_FORMULA"),
        ("notes", '<c t="str"><f>A1</f><v>x</v></c>', "E_FORMULA"),
        ("mean", '<c t="e"><v>#N/A</v></c>', "E_VALUE"),
        ("mean", '<c t="b"><v>1</v></c>', "E_VALUE"),
        ("mean", '<c t="d"><v>2021-02-05</v></c>', "E_DATE"),
        ("mean", "<c><v>NaN</v></c>", "E_VALUE"),
        ("mean", "<c><v>INF</v></c>", "E_VALUE"),
        ("mean", "<c><v>1E+400</v></c>", "E_RANGE"),
        ("mean", "<c><v>1E-400</v></c>", "E_RANGE"),
        ("marker", "<c><v>44441</v></c>", "E_DATE"),
        ("arm", "<c><v>1</v></c>", "E_DATE"),
        ("trial", "<c><v>2020</v></c>", "E_DATE"),
        ("unit", "<c><v>1</v></c>", "E_DATE"),
        ("marker", '<c t="d"><v>2021-09-02</v></c>', "E_DATE"),
        ("arm", "x" * 121, "E_LIMIT"),
        ("notes", "x" * 40_000, "E_LIMIT"),
        ("unit", "x" * 61, "E_LIMIT"),
        ("notes", "a\u202eb", "E_ENCODING"),
        ("arm", "Drug\u200b A", "E_ENCODING"),
        ("arm", "\u200b", "E_ENCODING"),
        ("notes", "a_x0000_b", "E_ENCODING"),
        ("notes", "_xD83D_", "E_ENCODING"),
        ("notes", "\ue000", "E_ENCODING"),
        ("notes", "caf\ufffd", "E_ENCODING"),
        ("notes", "soft\u00adhyphen", "E_ENCODING"),
    ],
)
def test_cells_that_hold_no_plain_value_are_refused(column: str, xml: str, code: str) -> None:
    parsed = excel(row(**{column: xml}))
    assert (code, column) in found(parsed)
    assert parsed.rejected


@pytest.mark.parametrize(
    "marker",
    [
        "2-Sep",
        "Sep-02",
        "02-Sep-2021",
        "1-Mär",
        "2021-09-02",
        "2021-09-02 00:00:00",
        "02/09/2021",
        "2.31E+19",
        "44441",
        "4.5",
    ],
)
def test_a_name_that_a_spreadsheet_has_changed_is_refused(marker: str) -> None:
    assert ("E_DATE", "marker") in found(observed(marker=marker, mean="1"))


@pytest.mark.parametrize(
    "marker", ["SEPT2", "MARCH1", "DEC-205", "CD4", "IL-1", "NA", "null", "None", "nan", "TRUE", "1,25(OH)D", "α-MSH"]
)
def test_odd_but_honest_names_are_taken_as_they_are(marker: str) -> None:
    (measured,) = only(observed(marker=marker, mean="1")).outcomes.values()
    assert measured.said.values["name"] == marker


def test_numbers_shown_as_percentages_or_in_another_form_are_taken_as_stored_and_shown() -> None:
    styles = '<numFmts><numFmt numFmtId="170" formatCode="0.0,"/></numFmts><cellXfs><xf/><xf numFmtId="9"/><xf numFmtId="170"/></cellXfs>'
    xml = observations(row(mean='<c s="1"><v>0.5</v></c>', sd='<c s="2"><v>1200</v></c>'))
    parsed = parse_inside(with_styles({"observations": xml}, styles), "a.xlsx", VOCABULARY)
    assert found(parsed) == {("W_CHECK", "mean"), ("W_CHECK", "sd")}
    assert only(parsed).observations[0].said.values["centre"] == "0.5"


# --- arms and trials


def test_arms_are_read_with_codes_of_the_codebook() -> None:
    parsed = csv(
        """trial,arm,role,intervention,control_kind,n_randomised,eligible,stratum,Sessions
        S1,CBT,Intervention,CBT,,30,,women,12
        S1,WL,control,,waiting list,NR,no,,NR"""
    )
    trial = only(parsed)
    assert [arm.said.values for arm in trial.arms.values()] == [
        {"label": "CBT", "role": "intervention", "intervention": "cbt", "n_randomised": "30", "stratum": "women"},
        {"label": "WL", "role": "control", "control_kind": "waitlist", "n_randomised": "NR", "eligible": "no"},
    ]
    assert [(one.moderator, one.arm, one.said.values["value"]) for one in trial.characteristics] == [
        ("sessions", "cbt", "12"), ("sessions", "wl", "NR"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("role", "placebo", "E_VALUE"), ("intervention", "magic", "E_VALUE"), ("control_kind", "magic", "E_VALUE"),
        ("n_randomised", "0", "E_RANGE"), ("n_randomised", "about 30", "E_VALUE"),
        ("eligible", "perhaps", "E_VALUE"), ("stratum", "x" * 61, "E_LIMIT"),
    ],
)  # fmt: skip
def test_an_arm_that_the_record_cannot_hold_is_refused(column: str, text: str, code: str) -> None:
    assert found(csv(f"trial,arm,{column}\nS1,A,{text}")) == {(code, column)}


def test_trials_are_read_with_the_moderators_of_the_review_by_code_or_name() -> None:
    parsed = csv("trial,year,population,Mean age,setting\nS1,2020,Healthy,54.65,NR\nS2,,t2d,NM,clinic")
    values = {
        trial.label: [(one.moderator, one.said.values["value"]) for one in trial.characteristics]
        for trial in parsed.trials.values()
    }
    assert values == {
        "S1": [("population", "healthy"), ("mean_age", "54.65"), ("setting", "NR")],
        "S2": [("population", "t2d"), ("mean_age", "NM"), ("setting", "clinic")],
    }
    assert parsed.trials["s1"].identity.values == {"year": "2020"}


@pytest.mark.parametrize(
    ("column", "text"), [("population", "sick"), ("mean_age", "about 50"), ("mean_age", "<50"), ("mean_age", "5,5")]
)
def test_a_characteristic_of_the_wrong_kind_is_refused(column: str, text: str) -> None:
    parsed = csv(f'trial,{column}\nS1,"{text}"')
    assert found(parsed) == {("E_VALUE", column)}


def test_a_csv_file_is_the_sheet_whose_columns_it_has() -> None:
    assert only(csv("trial,arm,role\nS1,A,control")).arms
    assert only(csv("trial,population\nS1,T2D")).characteristics
    assert only(csv("trial,arm,marker,weeks\nS1,A,IL-6,0")).observations


# --- findings


def test_at_most_a_hundred_findings_are_shown_refusals_first_and_the_rest_is_counted() -> None:
    lines = ["trial,arm,marker,weeks,mean,sd"]
    lines += [f"S1,A{number},IL-6,0,1,0" for number in range(150)]
    lines += [f"S1,B{number},IL-6,0,oops,1" for number in range(30)]
    parsed = csv("\n".join(lines))
    assert (len(parsed.findings), parsed.more) == (MAX_FINDINGS, 80)
    assert [finding.code.value for finding in parsed.findings] == ["E_VALUE"] * 30 + ["W_CHECK"] * 70


def test_a_finding_says_where_it_is() -> None:
    finding = observed(mean="1,5").findings[0]
    assert str(finding).startswith("observations, E2, mean: “1,5” has a comma")
    assert str(Finding(finding.code, "x", part="xl/styles.xml")) == "xl/styles.xml: x"


def test_no_refused_value_is_among_the_values() -> None:
    parsed = observed(mean="1,5", sd="2")
    (trial,) = parsed.trials.values()
    assert "centre" not in trial.observations[0].said.values


# --- text


@pytest.mark.parametrize("text", ["", "a b", "α-MSH", "naïve", "a\nb", "日本", "👍"])
def test_plain_text_of_any_language_is_not_refused(text: str) -> None:
    assert refused_character(text) == ""


def test_tidied_text() -> None:
    assert tidied("  a \u00a0 b\tc ") == "a b c"
    assert tidied(" a \r\n  b ", lines=True) == "a\n  b"
    assert confusable_letters("mean") == ""


def test_columns_of_one_sheet_have_different_names() -> None:
    for columns in COLUMNS.values():
        names = [column.name for column in columns]
        assert len(names) == len(set(names))


def test_a_said_value_always_has_its_place() -> None:
    trial = only(observed(mean="1", sd="2", n="3", unit="x", notes="y"))
    parts_said: list[Said] = [one.said for one in trial.observations]
    parts_said += [one.said for one in trial.outcomes.values()] + [one.said for one in trial.timepoints.values()]
    assert all(said.values.keys() == said.places.keys() for said in parts_said)
