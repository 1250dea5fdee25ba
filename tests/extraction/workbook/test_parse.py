"""What an import understands of the sheets of a workbook, and what it refuses to guess."""

from __future__ import annotations

import pytest

from extraction.workbook.cells import MAX_FINDINGS, Finding
from extraction.workbook.columns import COLUMNS
from extraction.workbook.parsed import Said
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
from tests.extraction.workbook.said import VOCABULARY, csv, excel, found, observed, only

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


def merged(reference: str) -> str:
    return f'<mergeCells><mergeCell ref="{reference}"/></mergeCells>'


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
        ({"observations": sheet([HEADER, row()], after=merged("A1:B1"))}, "E_HEADER"),
        ({"observations": sheet([HEADER, row()], after=merged("A2:A3"))}, "E_MERGED"),
        ({"observations": observations(), "Observations ": observations()}, "E_SHEET"),
        ({"OBSERVATIONS": observations()}, None),
        ({"observations": observations(), "readme": sheet([["<c><f>1</f></c>"]], after=merged("A1:B9"))}, None),
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
    custom = '<numFmts><numFmt numFmtId="170" formatCode="0.0,"/></numFmts>'
    styles = f'{custom}<cellXfs><xf/><xf numFmtId="9"/><xf numFmtId="170"/></cellXfs>'
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
