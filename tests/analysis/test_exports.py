"""The export: everything the person may see, as text that no program runs, with what it needs to be re-run."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import openpyxl
import pytest
from django.test import Client
from django.urls import reverse

from analysis.exports import workbook_of
from analysis.exports.workbook import cell_of
from analysis.recompute import recompute
from analysis.setup import create_default_syntheses
from analysis.specification import Measure
from extraction import approve, enter
from extraction.models import Entry
from extraction.states import Status
from tests.factories import (
    MarkerFactory,
    ReviewFactory,
    TrialFactory,
    decide_all_for_a,
    draft,
    holder,
    member,
    small_changes,
    submitted,
    trial_at,
)

pytestmark = pytest.mark.django_db

SHEETS = [
    "trials", "arms", "observations", "observations side by side", "contrasts", "effects", "results", "decisions",
    "agreement",
    "codebook",
    "about",
]  # fmt: skip
FORMULAS = ["=1+1", "+1", "-1+2", "@SUM(1)", "\tx"]


def read(content: bytes) -> dict[str, list[dict[str, Any]]]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    found = {}
    for page in book:
        head, *rows = list(page.iter_rows(values_only=True))
        found[page.title] = [dict(zip(head, row, strict=True)) for row in rows]
    return found  # type: ignore[return-value]  # cells hold more kinds than an export writes


@pytest.fixture
def review():
    """Two approved trials, one decided, one open; pooled."""
    review = ReviewFactory(title="HIIE versus MICT")
    MarkerFactory(review=review, code="il6", direction=-1)
    lead = member(review, "lead", "adjudicator", username="lead")
    able = TrialFactory(review=review, label="Able 2001")
    for slot in "AB":
        submitted(able, slot, marker="il6", cells={"treated": {"centre": "-3.0"}})
    approve.approve(able.pk, by=lead)
    decided = trial_at(Status.ADJUDICATING, review, decider=lead, marker="il6", label="Baker 2002")
    decide_all_for_a(decided, by=lead)
    approve.approve(decided.pk, by=lead)
    trial_at(Status.ADJUDICATING, review, decider=lead, marker="il6", label="Cole 2003")
    create_default_syntheses(review.pk, by=lead, measure=Measure.CHANGE_G)
    recompute(review.pk)
    return review


def test_every_sheet_is_there_and_filled(review):
    lead = review.memberships.get(lead=True).user
    found = read(workbook_of(review, lead))
    assert list(found) == SHEETS
    assert [row["trial"] for row in found["trials"]] == ["Able 2001", "Baker 2002", "Cole 2003"]
    assert {(row["trial"], row["slot"]) for row in found["observations"]} == {
        *(("Able 2001", slot) for slot in ("A", "B", "FINAL")),
        *(("Baker 2002", slot) for slot in ("A", "B", "FINAL")),
        *(("Cole 2003", slot) for slot in ("A", "B")),
    }
    side = next(
        row for row in found["observations side by side"] if row["trial"] == "Baker 2002" and row["arm"] == "Training"
    )
    assert (side["centre A"], side["centre B"], side["centre FINAL"]) == ("-2.1", "2.1", "-2.1")
    assert {row["trial"] for row in found["effects"]} == {"Able 2001", "Baker 2002"}
    assert all(isinstance(row["yi"], float) and row["derivation"] for row in found["effects"])
    primary = found["results"][0]
    assert (primary["synthesis"], primary["trials"], primary["state"]) == ("All outcomes", 2, "computed")
    decisions = {row["trial"]: row for row in found["decisions"]}
    assert (decisions["Baker 2002"]["decision"], decisions["Baker 2002"]["decided_by"]) == ("A", "lead")
    assert decisions["Cole 2003"]["decision"] in ("", None)
    assert any(row["kind"] == "marker" and row["direction"] == "lower is better" for row in found["codebook"])
    said = {row["what"]: row["value"] for row in found["about"]}
    assert said["review"] == "HIIE versus MICT"
    assert len(said["digest of the approved data (SHA-256)"]) == 64


def test_the_same_data_give_the_same_digest(review):
    lead = review.memberships.get(lead=True).user

    def digest() -> object:
        about = read(workbook_of(review, lead))["about"]
        return {row["what"]: row["value"] for row in about}["digest of these sheets (SHA-256)"]

    assert digest() == digest()
    before = digest()
    approve.reopen(review.trials.get(label="Able 2001").pk, "look again", by=lead)
    assert digest() != before


def test_a_reader_gets_approved_data_and_no_entries(review):
    found = read(workbook_of(review, member(review, "reader")))
    assert [row["trial"] for row in found["trials"]] == ["Able 2001", "Baker 2002"]
    assert {row["slot"] for row in found["observations"]} == {"FINAL"}
    assert found["decisions"] == []
    assert found["effects"]


def test_an_extractor_gets_the_own_entry_and_nothing_of_the_partners(review):
    trial = TrialFactory(review=review, label="Dunn 2004")
    a = holder(trial, "A")
    draft(trial, "A")
    entry = enter.start(trial.pk, by=holder(trial, "B"))
    enter.save(entry.pk, small_changes(cells={"treated": {"centre": "8642.1"}}), by=holder(trial, "B"))
    content = workbook_of(review, a)
    found = read(content)
    assert {(row["trial"], row["slot"]) for row in found["observations"]} == {("Dunn 2004", "A")}
    assert found["effects"] == found["results"] == found["decisions"] == []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert not any(b"8642" in archive.read(part) for part in archive.namelist())


def test_text_that_looks_like_a_formula_stays_text(review):
    trial = TrialFactory(review=review, label="=HYPERLINK(1)")
    submitted(trial, "A", outcome="@SUM(A1)", cells={"treated": {"notes": "=cmd|'/C calc'!A0", "centre": "-2.1"}})
    book = openpyxl.load_workbook(io.BytesIO(workbook_of(review, holder(trial, "A"))))
    types = {cell.data_type for page in book for row in page.iter_rows() for cell in row}
    assert "f" not in types
    cells = {cell.value: cell for row in book["observations"].iter_rows() for cell in row}
    assert cells["=cmd|'/C calc'!A0"].quotePrefix
    assert cells["-2.1"].data_type == "s"


@pytest.mark.parametrize("text", FORMULAS)
def test_each_beginning_of_a_formula_is_quoted(text):
    cell = cell_of(openpyxl.Workbook(write_only=True).create_sheet(), text)
    assert (cell.data_type, bool(cell.quotePrefix)) == ("s", True)


def test_control_characters_that_a_workbook_refuses_do_not_break_the_export():
    cell = cell_of(openpyxl.Workbook(write_only=True).create_sheet(), "a\x0bb")
    assert cell.value == "a\N{REPLACEMENT CHARACTER}b"


def test_the_address_asks_who_it_is(review):
    address = reverse("analysis:export", args=[review.pk])
    client = Client()
    assert client.get(address).status_code == 302
    client.force_login(member(ReviewFactory(), "lead"))
    assert client.get(address).status_code == 404
    client.force_login(review.memberships.get(lead=True).user)
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == 'attachment; filename="hiie-versus-mict.xlsx"'
    assert "no-store" in answer["Cache-Control"]


def test_an_empty_review_is_an_empty_workbook():
    review = ReviewFactory()
    found = read(workbook_of(review, member(review, "lead")))
    assert list(found) == SHEETS
    assert found["observations side by side"] == []


def test_queries_do_not_grow_with_the_trials(review, django_assert_max_num_queries):
    lead = review.memberships.get(lead=True).user
    with django_assert_max_num_queries(50):
        workbook_of(review, lead)
    assert Entry.objects.filter(trial__review=review).count() > 6


def test_contrasts_stand_as_printed_and_as_read_for_who_may_see_them():
    review = ReviewFactory()
    stated = [{"statistic": "p", "value": "<0.050", "df": "47", "notes": "=1+1"}]
    trial_at(Status.ADJUDICATING, review, label="Eve 2005", contrasts=stated)
    own = trial_at(Status.ENTERING, review, label="Finn 2006")
    draft(own, "A", contrasts=stated)
    lead = member(review, "lead", "adjudicator")
    found = read(workbook_of(review, lead))["contrasts"]
    assert [(row["trial"], row["slot"]) for row in found] == [("Eve 2005", "A"), ("Eve 2005", "B")]
    row = found[0]
    assert (row["statistic"], row["arm"], row["versus"], row["outcome"]) == ("p", "Training", "Waiting list", "IL-6")
    assert (row["value_printed"], row["value_qualifier"], row["value"], row["df"]) == ("<0.050", "<", 0.05, 47)
    assert row["notes"] == "=1+1"
    mine = read(workbook_of(review, holder(own, "A")))["contrasts"]
    assert [(row["trial"], row["slot"]) for row in mine] == [("Finn 2006", "A")]
