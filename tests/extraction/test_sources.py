"""Which report a value stands in: named by its extractor, kept with the value, opened where it is decided."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from analysis.exports.frames import contrasts, observations
from extraction import approve, enter, reports
from extraction.enter import Change
from extraction.errors import InvalidValues
from extraction.likeness import Vocabulary
from extraction.models import ContrastStatistic, Discrepancy, Entry, Event, Observation, Report, Slot, Trial, User
from extraction.models.plain import read_entries, rows_of
from extraction.record import Subject
from extraction.revision import changes
from extraction.units import UnitTable
from extraction.versions import digest_of
from extraction.workbook import importing
from extraction.workbook.importing import ImportRefused
from extraction.workbook.plan import State
from tests.extraction.entry_pages import detail, save, shown
from tests.factories import (
    MarkerFactory,
    ReviewFactory,
    TrialFactory,
    draft,
    holder,
    made,
    member,
)
from tests.papers import uploaded
from tests.sent import sent

pytestmark = pytest.mark.django_db

STATED = {"statistic": "p", "value": "0.03"}


@pytest.fixture
def trial() -> Any:
    review = made(ReviewFactory)
    made(MarkerFactory, review=review, code="IL-6")
    return made(TrialFactory, review=review, label="Kim 2015")


@pytest.fixture
def lead(trial: Trial) -> User:
    return member(trial.review, "lead", "adjudicator")


def paper(trial: Trial, by: User, citation: str) -> Report:
    return uploaded(trial, by, citation=citation)


def begun(trial: Trial, slot: str, **kwargs: Any) -> Any:
    return draft(trial, slot, **kwargs)


def observed(entry: Entry) -> Any:
    return Observation.objects.get(entry=entry, arm__label="Training")


def name(entry: Any, report: Report | None, **more: str) -> Any:
    """Let the first observation of a draft name this report."""
    row = observed(entry)
    values = {"source_report": str(report.pk) if report else "", **more}
    enter.save(entry.pk, [Change(Subject.OBSERVATION, row.pk, row.version, values)], by=entry.holder)
    return observed(entry)


# --- named in an entry


def test_a_value_names_a_report_of_the_lead_or_ones_own_and_says_so_in_words(trial: Trial, lead: User) -> None:
    shared, own = paper(trial, lead, "Kim 2015"), paper(trial, holder(trial, "A"), "Supplement 1")
    entry = begun(trial, "A")
    assert name(entry, shared, source_page="4", source_place="Table 2").source == "Kim 2015, page 4, Table 2"
    assert name(entry, own, source_page="", source_place="").source == "Supplement 1"
    row = f"observation:{observed(entry).pk}"
    told = [(one.before.get(row), one.after[row]) for one in Event.objects.filter(entry=entry, verb="save")]
    assert (str(shared.pk), str(own.pk)) in [
        (before["source_report"], after["source_report"]) for before, after in told if before
    ]
    assert name(entry, None).source == ""


@pytest.mark.parametrize("whose", ["the partner's", "another trial's", "nobody's"])
def test_a_report_that_is_not_there_for_the_extractor_is_refused_alike(trial: Trial, lead: User, whose: str) -> None:
    entry = begun(trial, "A")
    other = made(TrialFactory, review=trial.review)
    key = {
        "the partner's": lambda: paper(trial, holder(trial, "B"), "Hidden").pk,
        "another trial's": lambda: paper(other, lead, "Other").pk,
        "nobody's": lambda: "4e7a1f0c-0000-4000-8000-000000000000",
    }[whose]()
    row = observed(entry)
    change = Change(Subject.OBSERVATION, row.pk, row.version, {"source_report": str(key)})
    with pytest.raises(InvalidValues) as refused:
        enter.save(entry.pk, [change], by=entry.holder)
    [problem] = refused.value.problems
    assert (problem.field, problem.message) == (
        "source_report", "names no report of this trial; choose one that is there, or leave it empty.",
    )  # fmt: skip
    assert observed(entry).source_report is None


def test_a_report_that_is_withdrawn_goes_on_being_named(trial: Trial, lead: User) -> None:
    report, entry = paper(trial, lead, "Kim 2015"), begun(trial, "A")
    name(entry, report)
    reports.withdraw(report.pk, "The wrong file", by=lead)
    assert name(entry, report, notes="checked again").source == "Kim 2015"


def test_the_digest_of_an_entry_counts_a_report_and_is_the_old_one_without(trial: Trial, lead: User) -> None:
    report, entry = paper(trial, lead, "Kim 2015"), begun(trial, "A")
    without = digest_of(rows_of(entry))
    name(entry, report)
    named = digest_of(rows_of(entry))
    name(entry, None)
    assert named != without
    assert digest_of(rows_of(entry)) == without


def test_many_entries_read_at_once_say_the_same_as_one(trial: Trial, lead: User) -> None:
    report, entry = paper(trial, lead, "Kim 2015"), begun(trial, "A", contrasts=[STATED])
    name(entry, report, source_page="4")
    stated = ContrastStatistic.objects.get(entry=entry)
    change = Change(Subject.CONTRAST, stated.pk, stated.version, {"source_report": str(report.pk)})
    enter.save(entry.pk, [change], by=entry.holder)
    assert read_entries([entry.pk])[entry.pk].entry == entry.as_record()
    assert {one.source.report_name for one in entry.as_record().observations} == {"Kim 2015", ""}
    assert [one.source.report_name for one in entry.as_record().contrasts] == ["Kim 2015"]


# --- from the entries into the final one


def entered_with(trial: Trial, slot: str, report: Report, page: str, **cells: Any) -> Entry:
    entry = begun(trial, slot, marker="IL-6", **cells)
    name(entry, report, source_page=page)
    return enter.submit(entry.pk, by=holder(trial, slot))


def test_the_final_entry_keeps_the_report_and_a_later_version_tells_that_it_changed(trial: Trial, lead: User) -> None:
    first, second = paper(trial, lead, "Kim 2015"), paper(trial, lead, "Supplement 1")
    entered_with(trial, "A", first, "4")
    entered_with(trial, "B", second, "9")
    approve.approve(trial.pk, by=lead)
    final = Entry.objects.get(trial=trial, slot=Slot.FINAL)
    assert observed(final).source == "Kim 2015, page 4"
    a, b = (Entry.objects.get(trial=trial, slot=slot).as_record() for slot in ("A", "B"))
    told = {one.what: (one.before, one.after) for one in changes(a, b, UnitTable(), Vocabulary())}
    assert told["source report"] == ("Kim 2015", "Supplement 1")
    for frame in (observations([final], lead), observations([final], member(trial.review, "reader"))):
        assert list(frame["report"]) == ["Kim 2015", ""]


def test_the_export_names_the_report_of_a_contrast(trial: Trial, lead: User) -> None:
    entry = begun(trial, "A", contrasts=[STATED])
    stated = ContrastStatistic.objects.get(entry=entry)
    report = paper(trial, lead, "Kim 2015")
    change = Change(Subject.CONTRAST, stated.pk, stated.version, {"source_report": str(report.pk)})
    enter.save(entry.pk, [change], by=entry.holder)
    assert list(contrasts([entry], entry.holder)["report"]) == ["Kim 2015"]


def test_deciding_opens_each_sides_report_at_its_page(trial: Trial, lead: User) -> None:
    first, second = paper(trial, lead, "Kim 2015"), paper(trial, lead, "Supplement 1")
    entered_with(trial, "A", second, "4")
    entered_with(trial, "B", first, "4", cells={"treated": {"centre": "2.1"}})
    client = Client()
    client.force_login(lead)
    page = client.get(reverse("extraction:decide", args=[trial.review_id])).content.decode()
    frames = re.findall(r'class="doc-frame"[^>]* src="([^"]*)"', page)
    assert frames == [f"{reverse('extraction:report-file', args=[one.pk])}#page=4" for one in (second, first)]
    assert page.count("Supplement 1, page 4") == 1
    # and once where both read the same page of the same report
    other = made(TrialFactory, review=trial.review, label="Lee 2016")
    same = paper(other, lead, "Lee 2016")
    entered_with(other, "A", same, "7")
    entered_with(other, "B", same, "7", cells={"treated": {"centre": "2.1"}})
    row = Discrepancy.objects.get(trial=other)
    page = client.get(reverse("extraction:decide", args=[trial.review_id]), {"at": str(row.pk)}).content.decode()
    assert page.count('class="doc-frame"') == 1


# --- the form


def as_holder(trial: Trial, slot: str = "A") -> Client:
    client = Client()
    client.force_login(holder(trial, slot))
    return client


def test_the_form_asks_for_the_report_where_there_is_a_choice(trial: Trial, lead: User) -> None:
    entry, client = begun(trial, "A"), as_holder(trial)
    address = reverse("extraction:entry", args=[entry.pk])
    paper(trial, lead, "Kim 2015")
    paper(trial, holder(trial, "B"), "Hidden")
    assert 'data-field="source_report"' not in client.get(address).content.decode()
    paper(trial, holder(trial, "A"), "Supplement 1")
    page = client.get(address).content.decode()
    assert page.count('data-field="source_report"') == 1
    assert "Supplement 1</option>" in page
    assert "Hidden" not in page


def test_a_report_is_chosen_without_scripts_and_stays_when_the_cell_is_closed(trial: Trial, lead: User) -> None:
    entry, client = begun(trial, "A"), as_holder(trial)
    first, _ = paper(trial, lead, "Kim 2015"), paper(trial, lead, "Supplement 1")
    opened = sent(
        client.get(reverse("extraction:entry", args=[entry.pk]), {"open": _place_of(observed(entry))}).content.decode(),
        "data-entry",
    )
    opened[detail(opened, "source_report")] = str(first.pk)
    assert save(client, entry, opened).status_code == 302
    assert observed(entry).source_report == first
    # when another field is saved by a page on which the cell is closed
    again = shown(client, entry)
    field = next(one for one in again if one.endswith(".n") and again[one] == "24")
    again[field] = "23"
    assert save(client, entry, again).status_code == 302
    assert (observed(entry).source_report, observed(entry).n) == (first, 23)
    assert 'title="Kim 2015"' in client.get(reverse("extraction:entry", args=[entry.pk])).content.decode()


def _place_of(row: Any) -> str:
    return f"{row.outcome_id}/{row.quantity}/{row.arm_id}/{row.timepoint_id}"


# --- files and programs

FILE = """trial,arm,n,marker,unit,weeks,phase,mean,sd,report,page
Kim 2015,Training,24,IL-6,pg/mL,12,change,-2.1,1.5,{},4"""


def test_a_file_names_the_report_by_what_it_is_called(trial: Trial, lead: User) -> None:
    report, entry = paper(trial, lead, "Kim 2015, Table S1"), begun(trial, "A", marker="IL-6")
    paper(trial, lead, "Kim 2015")
    data = FILE.format('"KIM 2015,  Table S1"').encode()
    where: Any = {"review_id": trial.review_id, "by": entry.holder}
    shown = importing.preview("a.csv", data, **where)
    [cell] = [one for t in shown.trials for row in t.rows for one in row.cells if one.field == "source_report"]
    assert (cell.old, cell.new, cell.state) == ("", "Kim 2015, Table S1", State.CHANGED)
    importing.apply("a.csv", data, **where)
    assert observed(entry).source_report == report
    again = importing.preview("a.csv", data, **where)
    assert again.changes_nothing
    assert again.counts[State.CHANGED] == 0


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("Kim 2016", "No report of this trial is called “Kim 2016”. There are: “Kim 2015”, “Kim 2015”."),
        ("Kim 2015", "2 reports are called “Kim 2015”. There are: “Kim 2015”, “Kim 2015”."),
        ("Hidden", "No report of this trial is called “Hidden”. There are: “Kim 2015”, “Kim 2015”."),
    ],
)
def test_a_file_that_names_no_one_report_is_refused_at_its_cell(
    trial: Trial, lead: User, named: str, told: str
) -> None:
    entry = begun(trial, "A", marker="IL-6")
    for _ in range(2):
        paper(trial, lead, "Kim 2015")
    paper(trial, holder(trial, "B"), "Hidden")
    with pytest.raises(ImportRefused) as refused:
        importing.apply("a.csv", FILE.format(named).encode(), review_id=trial.review_id, by=entry.holder)
    [finding] = refused.value.findings
    assert (finding.name, finding.row, finding.message) == ("report", 2, told)
    assert observed(entry).source_page == ""


def test_a_program_reads_and_writes_the_report_of_a_value(trial: Trial, lead: User) -> None:
    entry = begun(trial, "A")
    report, hidden = paper(trial, lead, "Kim 2015"), paper(trial, holder(trial, "B"), "Hidden")
    client = APIClient()
    client.force_login(entry.holder)
    where = f"/api/entries/{entry.pk}/observations/{observed(entry).pk}/"
    assert client.get(where).json()["source_report"] is None
    answer = client.patch(where, {"version": 1, "source_report": str(report.pk)})
    assert (answer.status_code, answer.json()["source_report"]) == (200, str(report.pk))
    refused = client.patch(where, {"version": 2, "source_report": str(hidden.pk)})
    assert refused.status_code == 400
    assert observed(entry).source_report == report


def test_two_tabs_that_name_two_reports_are_shown_both_by_what_they_are_called(trial: Trial, lead: User) -> None:
    entry, client = begun(trial, "A"), as_holder(trial)
    first, second = paper(trial, lead, "Kim 2015"), paper(trial, lead, "Supplement 1")
    address = reverse("extraction:entry", args=[entry.pk])
    place = {"open": _place_of(observed(entry))}
    tabs = [sent(client.get(address, place).content.decode(), "data-entry") for _ in range(2)]
    for tab, report in zip(tabs, (first, second), strict=True):
        tab[detail(tab, "source_report")] = str(report.pk)
    assert save(client, entry, tabs[0]).status_code == 302
    page = save(client, entry, tabs[1]).content.decode()
    shown = page[page.index("another tab") : page.index("</table>")]
    assert ("Kim 2015" in shown, "Supplement 1" in shown, str(first.pk) in shown) == (True, True, False)
    assert observed(entry).source_report == first


def test_the_administration_calls_a_withdrawn_report_by_its_name(trial: Trial, lead: User) -> None:
    report, entry = paper(trial, lead, "Kim 2015"), begun(trial, "A")
    name(entry, report)
    reports.withdraw(report.pk, "The wrong file", by=lead)
    User.objects.filter(pk=entry.holder.pk).update(is_staff=True)
    page = as_holder(trial).get(reverse("admin:extraction_entry_change", args=[entry.pk])).content.decode()
    assert f'<option value="{report.pk}" selected>Kim 2015</option>' in page
    assert f">{report.pk}<" not in page
