"""The workbook and the paper form that are made from a review's vocabulary."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any
from uuid import uuid4

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from extraction import enter
from extraction.enter import Change
from extraction.models import MarkerSynonym, Moderator, ModeratorLevel
from extraction.record import Subject
from extraction.recorded import recording
from extraction.workbook.blank import blank_form
from extraction.workbook.cells import Kind
from extraction.workbook.codebook import vocabulary_of
from extraction.workbook.plan import State
from extraction.workbook.preflight import preflight
from extraction.workbook.template import template_workbook, write_text
from extraction.workbook.text import refused_character
from tests.extraction.workbook.build import read_inside
from tests.extraction.workbook.conftest import Desk, everything
from tests.factories import InterventionFactory, MarkerFactory, member

MEASURED = {"specimen": "serum", "assay": "ELISA", "condition": "stimulated", "stimulus": "LPS", "dose": "1 ng/mL"}
QUOTED = {"page": "5", "source": "Table 2", "quote": 'a "quote", yes', "notes": "=1+1"}
EVERY_KIND: list[dict[str, str]] = [
    {"arm": "Drug A", "marker": "IL-6", "unit": "pg/mL", "phase": "baseline", "weeks": "0", "timepoint": "before"}
    | {"n": "25", "mean": "5.250", "sd": "1.1", "scale": "log10(x+1)"} | MEASURED | QUOTED,
    {"arm": "Drug A", "marker": "IL-10", "unit": "pg/mL", "weeks": "12", "median": "3", "q1": "2", "q3": "4"},
    {"arm": "Drug A", "marker": "TNF-α", "unit": "pg/mL", "phase": "change", "weeks": "12", "n": "NR", "mean": "NR"}
    | {"sd": "NR", "notes": "-2+3", "scale": "ln"},
    {"arm": "Placebo", "marker": "IL-6", "phase": "follow-up", "weeks": "52", "timepoint": "a year", "n": "25"}
    | {"ci_low": "4.0", "ci_high": "6", "ci_level": "95", "geometric_mean": "5", "scale": "log10(x+1)"} | MEASURED,
    {"arm": "Placebo", "marker": "IL-10", "phase": "post", "weeks": "12", "min": "1", "max": "9"}
    | {"adjusted_mean": "3.0"},
    {"arm": "Placebo", "marker": "TNF-α", "phase": "during", "weeks": "4", "geometric_mean": "5.1", "scale": "ln"}
    | {"geometric_sd": "1.3", "notes": "@x"},
    {"arm": "Placebo", "marker": "Deaths", "phase": "post", "weeks": "12", "n": "24", "events": "3"},
    {"arm": "Placebo", "marker": "CRP", "phase": "post", "weeks": "12", "mean": "<0.5", "unlabelled_spread": "0.2"},
]  # fmt: skip


def as_csv(rows: list[dict[str, str]]) -> bytes:
    buffer = io.StringIO()
    names = ["trial", *dict.fromkeys(name for texts in rows for name in texts)]
    writer = csv.DictWriter(buffer, names, restval="")
    writer.writeheader()
    writer.writerows({"trial": "S001", **texts} for texts in rows)
    return buffer.getvalue().encode()


@pytest.fixture
def rich(desk: Desk) -> Desk:
    """The desk with moderators of every kind in its vocabulary, and names that are trouble."""
    with recording():
        population = Moderator.objects.create(review=desk.review, code="population", name="Population", kind="level")
        ModeratorLevel.objects.create(moderator=population, code="t2d", name="Type 2 diabetes")
        Moderator.objects.create(review=desk.review, code="age", name="Mean age", kind="number", unit="years")
        Moderator.objects.create(review=desk.review, code="format", name="Format", kind="text", applies_to="arm")
        marker = MarkerFactory.create(review=desk.review, code="sept2", name="SEPT2")
        MarkerSynonym.objects.create(marker=marker, text="septin 2")
        MarkerFactory.create(review=desk.review, code="evil", name='=HYPERLINK("http://127.0.0.1:9")', definition="+1")
        InterventionFactory.create(review=desk.review, code="a_x0041_b", name="@SUM(1)")
    return desk


def opened(data: bytes) -> Any:
    return load_workbook(io.BytesIO(data))


def test_the_template_passes_the_preflight_and_has_the_sheets_of_an_import(rich: Desk) -> None:
    data = template_workbook(rich.review, by=rich.me)
    checked = preflight(data, "template.xlsx")
    assert checked.findings == ()
    assert [sheet.name for sheet in checked.sheets] == [
        "read me", "trials", "arms", "observations", "contrasts", "codebook",
    ]  # fmt: skip
    headers = {sheet.name: [cell.text for cell in sheet.rows[0].cells] for sheet in checked.sheets if sheet.rows}
    assert headers["trials"][0] == "trial"
    assert set(headers["trials"][-3:]) == {"population", "age", "format"}
    assert headers["arms"][-1] == "format"
    assert {"trial", "arm", "marker", "mean", "ci_level", "notes"} < set(headers["observations"])


def test_an_empty_template_says_that_it_is_empty(rich: Desk) -> None:
    shown = rich.preview(template_workbook(rich.review, by=rich.me), "template.xlsx")
    assert [finding.code.value for finding in shown.findings] == ["E_EMPTY"]


def test_nothing_in_the_template_is_a_formula_and_every_column_is_text(rich: Desk) -> None:
    data = template_workbook(rich.review, by=rich.me)
    book = opened(data)
    assert all(cell.data_type == "s" for sheet in book for line in sheet for cell in line if cell.value is not None)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheets = [archive.read(name).decode() for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
    assert not any("<f>" in sheet for sheet in sheets)
    for name in ("trials", "arms", "observations", "contrasts"):
        assert {dimension.number_format for dimension in book[name].column_dimensions.values()} == {"@"}
    words = [cell.value for cell in book["codebook"]["C"]]
    assert {'=HYPERLINK("http://127.0.0.1:9")', "@SUM(1)", "SEPT2"} < set(words)


def test_the_columns_offer_the_words_of_the_codebook(rich: Desk) -> None:
    book = opened(template_workbook(rich.review, by=rich.me))
    offered: dict[str, tuple[list[str], bool]] = {}
    for name in ("trials", "arms", "observations", "contrasts"):
        sheet = book[name]
        for offer in sheet.data_validations.dataValidation:
            column = str(offer.sqref).rstrip("0123456789").partition("2:")[0]
            reference = offer.formula1.lstrip("=").partition("!")[2].replace("$", "")
            words = [line[0].value for line in book["codebook"][reference]] if ":" in reference else []
            offered[sheet[f"{column}1"].value] = (words, bool(offer.showErrorMessage))
    assert offered["role"] == (["intervention", "control"], True)
    assert offered["population"] == (["Type 2 diabetes", "NR", "NM", "UN"], True)
    assert {"IL-10", "IL-6", "TNF-α", "SEPT2"} < set(offered["marker"][0])
    assert offered["marker"][1] is False
    assert {"intervention", "control_kind", "phase", "condition", "scale", "eligible", "statistic"} < offered.keys()


@pytest.mark.parametrize("word", ["Type 2 diabetes", "NR"])
def test_what_is_offered_is_taken_back(rich: Desk, word: str) -> None:
    # given the template, filled in with offered words in a spreadsheet program
    book = opened(template_workbook(rich.review, by=rich.me))
    arm = {"role": "control", "intervention": "@SUM(1)", "control_kind": "Waiting list"}
    seen = {"marker": "SEPT2", "weeks": "0", "mean": "5.20", "condition": "basal", "scale": "log2"}
    filled = {"trials": {"population": word, "age": "54.65"}, "arms": {"arm": "Drug A"} | arm}
    for name, said in (filled | {"observations": {"arm": "Drug A"} | seen}).items():
        sheet, values = book[name], {"trial": "S001"} | said
        columns = {cell.value: cell.column for cell in sheet[1]}
        for column, text in values.items():
            write_text(sheet.cell(2, columns[column]), text)
    buffer = io.BytesIO()
    book.save(buffer)
    # when it is imported
    rich.apply(buffer.getvalue(), "filled.xlsx")
    # then all of it has arrived
    stored = rich.entry.as_record()
    assert {one.moderator for one in stored.characteristics} == {"population", "age"}
    given = next(one for one in stored.arms if one.label == "Drug A")
    assert (given.role, given.intervention, given.control_kind) == ("control", "a_x0041_b", "waitlist")
    (outcome,) = stored.outcomes
    assert (outcome.marker, outcome.condition, outcome.scale, outcome.scale_base) == ("sept2", "basal", "log", "2")
    assert stored.observations[0].centre.printed == "5.20"


def test_a_workbook_of_ones_own_drafts_comes_back_unchanged_and_without_a_finding(rich: Desk) -> None:
    # given a draft with every kind of value in it
    rich.apply(as_csv(EVERY_KIND))
    rich.apply("trial,population,age\nS001,t2d,NM")
    arms = "trial,arm,role,intervention,n_randomised,eligible,stratum,format"
    rich.apply(f"{arms}\nS001,Drug A,intervention,cbt,30,no,women,group")
    before = everything()
    # when the workbook of the drafts is imported
    data = template_workbook(rich.review, by=rich.me, with_drafts=True)
    shown = rich.apply(data, "drafts.xlsx")
    # then it says nothing new, and every observation of the draft is in it
    assert {finding.code.value for finding in shown.findings} <= {"W_CHECK"}
    assert {state for state, count in shown.counts.items() if count} == {State.UNCHANGED}
    assert everything() == before
    assert shown.trials[0].untouched == []
    assert shown.rows == 1 + 2 + 8


def test_the_workbook_of_drafts_holds_nothing_of_the_partner(rich: Desk) -> None:
    entry = enter.start(rich.trial.pk, by=rich.partner)
    enter.save(entry.pk, [Change(Subject.ARM, uuid4(), values={"label": "Quizzaciously"})], by=rich.partner)
    assert b"Quizzaciously" not in b"".join(_parts(template_workbook(rich.review, by=rich.me, with_drafts=True)))
    assert b"Quizzaciously" in b"".join(_parts(template_workbook(rich.review, by=rich.partner, with_drafts=True)))


def test_the_workbook_of_somebody_without_drafts_is_the_empty_template(rich: Desk) -> None:
    lead = member(rich.review, "lead")
    checked = preflight(template_workbook(rich.review, by=lead, with_drafts=True), "a.xlsx")
    assert [len(sheet.rows) for sheet in checked.sheets if sheet.known] == [1, 1, 1, 1]


def _parts(data: bytes) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [archive.read(name) for name in archive.namelist()]


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn", "Co", "Cf", "Zl", "Zp"]), min_size=1, max_size=30))
def test_any_text_that_is_written_is_read_back_as_the_same_text(text: str) -> None:
    comes_back(text)


def comes_back(text: str) -> None:
    assert not refused_character(text)
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "observations"
    cell = sheet.cell(1, 1)
    write_text(cell, text)  # type: ignore[arg-type]  # no merged cell
    buffer = io.BytesIO()
    book.save(buffer)
    (read,) = read_inside(buffer.getvalue(), "a.xlsx").sheets[0].rows[0].cells
    assert (read.kind, read.text) == (Kind.TEXT, text)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "_x0041_", "__x005F_x0041_", "_x000B_", "<b>&amp;</b>"])
def test_text_that_programs_like_to_understand_stays_text(text: str) -> None:
    comes_back(text)


def test_a_workbook_of_the_usual_writer_is_read_as_that_writer_wrote_it(rich: Desk) -> None:
    # given a workbook written by openpyxl with its own types
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "observations"
    sheet.append(["trial", "arm", "marker", "weeks", "n", "mean", "sd"])
    sheet.append(["S001", "Drug A", "IL-6", 0, 25, 5.25, 0.1])
    buffer = io.BytesIO()
    book.save(buffer)
    # when it is imported, then numbers are as stored
    rich.apply(buffer.getvalue(), "a.xlsx")
    (one,) = rich.entry.as_record().observations
    assert (one.n.printed, one.centre.printed, one.spread.printed) == ("25", "5.25", "0.1")


def test_the_vocabulary_leaves_out_ambiguous_synonyms(rich: Desk) -> None:
    with recording():
        MarkerSynonym.objects.create(
            marker=MarkerFactory.create(review=rich.review, code="tnf"), text="TNF", ambiguous=True
        )
    vocabulary = vocabulary_of(rich.review, by=rich.me)
    assert vocabulary.code("marker", "Septin  2") == "sept2"
    assert vocabulary.code("marker", "TNF") == "tnf"  # by its code, not by the synonym
    assert vocabulary.code("control_kind", "waiting list") == "waitlist"


def test_the_blank_form_shows_the_vocabulary_and_the_columns(rich: Desk) -> None:
    form = blank_form(rich.review, by=rich.me)
    assert [moderator.code for moderator in form.moderators] == ["age", "population"]  # by name
    assert "format" in [column.name for column in form.arm_columns]
    request = RequestFactory().get("/")
    request.user = rich.me
    request.session = {}  # type: ignore[assignment]
    request.resolver_match = None
    page = render_to_string("extraction/blank_form.html", {"form": form}, request=request)
    for words in (
        "Type 2 diabetes",
        "Mean age (years)",
        "SEPT2",
        "=HYPERLINK(&quot;http://127.0.0.1:9&quot;)",
        "q1",
        "NM",
    ):
        assert words in page
    assert "style=" not in page.partition("print-form")[2].partition("</main")[0]
