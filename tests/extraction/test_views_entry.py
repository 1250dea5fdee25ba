"""Entering a trial through the form: what a browser sends, and what comes of it."""

from __future__ import annotations

import html
import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from extraction import enter, reconcile
from extraction.enter import Change
from extraction.models import Arm, Entry, Observation
from extraction.record import Subject
from extraction.states import EntryState, Status
from tests.extraction.entry_pages import client, control, detail, save, shown, trial
from tests.factories import (
    draft,
    holder,
    member,
    small_changes,
    submitted,
)
from tests.sent import sent

__all__ = ["client", "trial"]  # fixtures

pytestmark = pytest.mark.django_db


def test_a_trial_is_entered_by_hand_from_nothing_to_submission(client: Client, trial: Any) -> None:
    # given an extractor who starts a trial
    response = client.post(reverse("extraction:entry-start", args=[trial.pk]))
    entry = Entry.objects.get(trial=trial, slot="A")
    assert response["Location"] == reverse("extraction:entry", args=[entry.pk])
    # when they name two arms, a timepoint and an outcome
    data = shown(client, entry)
    data[control(data, "arm", "label", 0)] = "Training"
    data[control(data, "arm", "intervention", 0)] = "training"
    data[control(data, "arm", "n_randomised", 0)] = "25"
    data[control(data, "arm", "label", 1)] = "Waiting list"
    data[control(data, "arm", "role", 1)] = "control"
    data[control(data, "timepoint", "phase", 0)] = "post"
    data[control(data, "timepoint", "weeks", 0)] = "12"
    data[control(data, "outcome", "name", 0)] = "IL-6 (serum)"
    data[control(data, "outcome", "marker", 0)] = "IL-6"
    assert save(client, entry, data).status_code == 302
    # and fill in the grid that has opened
    data = shown(client, entry)
    for number, (n, mean, sd) in enumerate([("24", "-2.10", "1.5"), ("25", "<0.5", "NR")]):
        data[control(data, "cell", "n", number)] = n
        data[control(data, "cell", "centre", number)] = mean
        data[control(data, "cell", "first", number)] = sd
    data[control(data, "block", "quantity")] = "change"
    data[detail(data, "source_page", 0)] = "5"
    response = save(client, entry, data, then="check")
    assert response["Location"] == reverse("extraction:entry-check", args=[entry.pk])
    # then everything stands as it was printed
    saved = list(Observation.objects.filter(entry=entry).order_by("position"))
    assert [(row.n_printed, row.centre_printed, row.spread_printed) for row in saved] == [
        ("24", "-2.10", "1.5"),
        ("25", "<0.5", ""),
    ]
    assert [(row.quantity, row.centre_kind, row.spread_kind, row.source_page) for row in saved] == [
        ("change", "mean", "sd", "5"),
        ("change", "mean", "sd", ""),
    ]
    assert saved[1].centre_qualifier == "<"
    assert saved[1].spread_status == "NR"
    # and a look over it names what is blank, and lets them submit
    check = client.get(response["Location"]).content.decode()
    assert "Values without a source" in check
    assert "IL-6 (serum) · Waiting list" in check
    version = re.search(r'name="version" value="(\d+)"', check)
    assert version
    client.post(reverse("extraction:entry-submit", args=[entry.pk]), {"version": version[1]})
    entry.refresh_from_db()
    assert entry.state == EntryState.SUBMITTED
    # and afterwards the page is read-only, until they take it back
    page = client.get(reverse("extraction:entry", args=[entry.pk])).content.decode()
    assert "data-entry" not in page
    assert "−2.10" in page
    client.post(reverse("extraction:entry-undo", args=[entry.pk]))
    entry.refresh_from_db()
    assert entry.state == EntryState.DRAFT


def test_sending_the_form_as_it_is_changes_nothing(client: Client, trial: Any) -> None:
    entry = draft(trial, "A")
    before = entry.version
    assert save(client, entry, shown(client, entry)).status_code == 302
    entry.refresh_from_db()
    assert entry.version == before


def test_a_refused_value_stands_at_its_field_and_nothing_typed_is_lost(client: Client, trial: Any) -> None:
    # given a draft
    entry = draft(trial, "A")
    data = shown(client, entry)
    # when one cell cannot be read, and other things were typed too
    cell = control(data, "cell", "centre", 0)
    data[cell] = "1,5"
    data[control(data, "arm", "label", 0)] = "Training, renamed"
    data[control(data, "outcome", "name", 1)] = "A second outcome"
    data[control(data, "timepoint", "weeks", 0)] = "soon"
    response = save(client, entry, data)
    page = response.content.decode()
    # then nothing was saved
    assert response.status_code == 400
    assert not Arm.objects.filter(label="Training, renamed").exists()
    # and the form is as it was typed, with each reason at its field
    again = sent(page, "data-entry")
    typed = {name: text for name, text in data.items() if name != "csrfmiddlewaretoken"}
    assert {name: again.get(name) for name in typed} == typed
    assert "Nothing was saved: 2 values cannot be read" in html.unescape(page)
    problem = re.search(rf'name="{re.escape(cell)}"[^>]*aria-invalid="true" aria-describedby="([^"]+)"', page)
    assert problem
    assert re.search(rf'id="{re.escape(problem[1])}">[^<]*1,5', html.unescape(page))
    # and mending the two values saves all of it
    again[cell], again[control(again, "timepoint", "weeks", 0)] = "1.5", "12"
    assert save(client, entry, again).status_code == 302
    assert entry.arms.filter(label="Training, renamed").exists()
    assert entry.outcomes.filter(name="A second outcome").exists()


def test_two_tabs_that_change_different_rows_are_not_in_each_others_way(client: Client, trial: Any) -> None:
    entry = draft(trial, "A")
    first, second = shown(client, entry), shown(client, entry)
    first[control(first, "arm", "label", 0)] = "From the first tab"
    second[detail(second, "notes", 0)] = "From the second tab"
    assert save(client, entry, first).status_code == 302
    assert save(client, entry, second).status_code == 302
    assert entry.arms.filter(label="From the first tab").exists()
    assert entry.observations.filter(notes="From the second tab").exists()


@pytest.mark.parametrize(("take", "kept"), [("saved", "-1.1"), ("mine", "-9.9")])
def test_two_tabs_that_change_the_same_cell_are_shown_both_values(
    client: Client, trial: Any, take: str, kept: str
) -> None:
    # given two tabs that changed the same cell, the second one another row as well
    entry = draft(trial, "A")
    first, second = shown(client, entry), shown(client, entry)
    cell = control(first, "cell", "centre", 0)
    first[cell], second[cell] = "-1.1", "-9.9"
    second[control(second, "arm", "label", 1)] = "Renamed in the second tab"
    save(client, entry, first)
    # when the second one saves
    response = save(client, entry, second)
    page = html.unescape(response.content.decode())
    # then both values are shown, and nothing was written
    assert response.status_code == 409
    assert "Changed in another tab" in page
    assert "−1.1" in page
    assert "−9.9" in page
    assert not entry.arms.filter(label="Renamed in the second tab").exists()
    # when they choose
    resent = sent(response.content.decode())
    response = save(client, entry, {**resent, cell.replace(".centre", ".take"): take})
    # then the choice is kept, and the other row is saved with it
    assert response.status_code == 302
    assert kept in entry.observations.values_list("centre_printed", flat=True)
    assert entry.arms.filter(label="Renamed in the second tab").exists()


def test_two_tabs_that_fill_the_same_empty_cell_are_shown_both_values(client: Client, trial: Any) -> None:
    # given a cell that is empty in two tabs, one of which is older
    user = holder(trial, "A")
    entry = enter.start(trial.pk, by=user)
    changes = [change for change in small_changes() if change.subject != Subject.OBSERVATION]
    enter.save(entry.pk, changes, by=user)
    old = shown(client, entry)
    enter.save(entry.pk, [Change(Subject.ARM, uuid4(), values={"label": "A third arm"})], by=user)
    new = shown(client, entry)
    new[control(new, "cell", "centre", 0)] = "4.0"
    old[control(old, "cell", "centre", 0)] = "5.0"
    assert save(client, entry, new).status_code == 302
    # when the older one saves
    response = save(client, entry, old)
    assert response.status_code == 409
    # then taking what was typed there changes the one row
    resent = sent(response.content.decode())
    row = entry.observations.get()
    assert save(client, entry, {**resent, f"cell.{row.pk}.take": "mine"}).status_code == 302
    assert entry.observations.get().centre_printed == "5.0"


def test_a_form_that_comes_after_submission_shows_what_was_typed(client: Client, trial: Any) -> None:
    entry = draft(trial, "A")
    data = shown(client, entry)
    data[control(data, "cell", "centre", 0)] = "7.77"
    enter.submit(entry.pk, by=holder(trial, "A"))
    response = save(client, entry, data)
    assert response.status_code == 409
    assert "7.77" in response.content.decode()
    assert not entry.observations.filter(centre_printed="7.77").exists()


def test_sending_a_new_row_twice_makes_it_once(client: Client, trial: Any) -> None:
    entry = draft(trial, "A")
    data = shown(client, entry)
    data[control(data, "outcome", "name", 1)] = "CRP"
    assert save(client, entry, data).status_code == 302
    assert save(client, entry, data).status_code == 302
    assert entry.outcomes.filter(name="CRP").count() == 1


def test_removing_an_arm_removes_its_cells_and_emptying_a_cell_removes_it(client: Client, trial: Any) -> None:
    entry = draft(trial, "A")
    data = shown(client, entry)
    data[control(data, "arm", "was", 0).replace(".was", ".remove")] = "yes"
    data[control(data, "cell", "centre", 0)] = "99"  # typed into the row that is removed with its arm
    for field in ("n", "centre", "first"):
        data[control(data, "cell", field, 1)] = ""
    assert save(client, entry, data).status_code == 302
    assert entry.arms.count() == 1
    assert entry.observations.count() == 0


def test_the_kinds_of_a_block_hold_for_its_cells_and_a_cell_may_differ(client: Client, trial: Any) -> None:
    # given a draft with means and SDs
    entry = draft(trial, "A")
    data = shown(client, entry)
    # when the block becomes median and quartiles, and one cell says it has a range
    data[control(data, "block", "centre_kind")] = "median"
    data[control(data, "block", "spread_kind")] = "iqr"
    for number, (low, high) in enumerate([("1.0", "3.0"), ("0.5", "9.0")]):
        data[control(data, "cell", "first", number)] = low
        data[control(data, "cell", "second", number)] = high
    data[detail(data, "spread_kind", 1)] = "range"
    assert save(client, entry, data).status_code == 302
    # then each cell says its own
    rows = entry.observations.order_by("position").values_list(
        "centre_kind", "spread_kind", "spread_low_printed", "spread_high_printed", "spread_printed"
    )
    assert list(rows) == [("median", "iqr", "1.0", "3.0", ""), ("median", "range", "0.5", "9.0", "")]
    # and the page shows the same again
    again = shown(client, entry)
    assert again[control(again, "cell", "second", 1)] == "9.0"
    assert save(client, entry, again).status_code == 302


def test_an_outcome_can_have_scores_and_changes(client: Client, trial: Any) -> None:
    entry = draft(trial, "A")
    data = shown(client, entry)
    outcome = entry.outcomes.get()
    response = save(client, entry, data, then=f"also:{outcome.pk}")
    data = sent(client.get(response["Location"]).content.decode(), "data-entry")
    name = next(n for n, at in data.items() if n.endswith(".at") and f"{outcome.pk}/score/" in at)
    data[name.replace(".at", ".centre")] = "12.5"
    assert save(client, entry, data).status_code == 302
    assert sorted(entry.observations.values_list("quantity", flat=True)) == ["change", "change", "score"]


def test_a_second_baseline_is_refused_in_words_and_keeps_what_was_typed(client: Client, trial: Any) -> None:
    entry = draft(trial, "A")
    data = shown(client, entry)
    data[control(data, "timepoint", "phase", 0)] = "baseline"
    data[control(data, "timepoint", "printed", 1)] = "Second baseline"
    data[control(data, "timepoint", "phase", 1)] = "baseline"
    response = save(client, entry, data)
    assert response.status_code == 409
    assert "this would be the second" in response.content.decode()
    assert "Second baseline" in response.content.decode()


def test_a_new_timepoint_is_given_no_phase_unasked(client: Client, trial: Any) -> None:
    entry = draft(trial, "A")
    data = shown(client, entry)
    data[control(data, "timepoint", "printed", 1)] = "12 weeks"
    response = save(client, entry, data)
    assert response.status_code == 400
    assert "is needed: baseline, during, post or follow-up" in response.content.decode()
    assert not entry.timepoints.filter(printed="12 weeks").exists()


def test_a_name_that_the_codebook_lacks_is_proposed_from_the_workbench(client: Client, trial: Any) -> None:
    entry = draft(trial, "A")
    workbench = reverse("extraction:entry", args=[entry.pk])
    assert "Not in the codebook:" in client.get(workbench).content.decode()
    client.post(reverse("extraction:propose-names", args=[entry.pk]), {"then": workbench})
    page = client.get(workbench).content.decode()
    assert "Not in the codebook:" not in page
    assert "The lead has:" in page


@pytest.mark.parametrize(
    "wrong", ["arm.not-a-key.label", "cell.{0}.at", "arm.{0}.was"], ids=["key", "place", "version"]
)
def test_what_no_page_of_ours_sends_is_a_bad_request(client: Client, trial: Any, wrong: str) -> None:
    entry = draft(trial, "A")
    data = {wrong.format(uuid4()): "x", f"arm.{uuid4()}.label": "x"}
    assert save(client, entry, data).status_code == 400


def test_nobody_saves_into_anothers_entry(client: Client, trial: Any) -> None:
    entry = draft(trial, "A")
    data = shown(client, entry)
    data[control(data, "arm", "label", 0)] = "Not mine"
    for user in (holder(trial, "B"), member(trial.review, "lead", "adjudicator")):
        other = Client()
        other.force_login(user)
        assert save(other, entry, data).status_code == 404
        assert other.get(reverse("extraction:entry", args=[entry.pk])).status_code == 404
    assert not entry.arms.filter(label="Not mine").exists()


def test_a_returned_entry_shows_the_reason_and_can_be_changed(client: Client, trial: Any) -> None:
    submitted(trial, "A")
    submitted(trial, "B", cells={"treated": {"centre": "2.1"}})
    reconcile.return_to_extractors(trial.pk, ["A"], "Enter Table 3 as changes.", by=member(trial.review, "lead"))
    entry = Entry.objects.get(trial=trial, slot="A", number=2)
    page = client.get(reverse("extraction:entry", args=[entry.pk])).content.decode()
    assert "Enter Table 3 as changes." in page
    data = sent(page, "data-entry")
    data[detail(data, "notes", 0)] = "Looked again"
    assert save(client, entry, data).status_code == 302
    assert entry.observations.filter(notes="Looked again").exists()
    trial.refresh_from_db()
    assert trial.status == Status.ENTERING


def test_a_large_trial_comes_in_parts_and_saving_one_leaves_the_others(client: Client, trial: Any) -> None:
    # given two arms, two timepoints and 160 outcomes
    user = holder(trial, "A")
    entry = enter.start(trial.pk, by=user)
    arms, times, outcomes = [uuid4() for _ in range(2)], [uuid4() for _ in range(2)], [uuid4() for _ in range(160)]
    changes = [Change(Subject.ARM, key, values={"label": f"Arm {i}"}) for i, key in enumerate(arms)]
    changes += [
        Change(Subject.TIMEPOINT, key, values={"phase": "during", "weeks": str(i)}) for i, key in enumerate(times)
    ]
    changes += [Change(Subject.OUTCOME, key, values={"name": f"Outcome {i:03}"}) for i, key in enumerate(outcomes)]
    enter.save(entry.pk, changes, by=user)
    # when a cell of the second part is typed
    address = reverse("extraction:entry", args=[entry.pk])
    data = sent(client.get(f"{address}?part=2").content.decode(), "data-entry")
    assert sum(name.endswith(".at") for name in data) == 40
    data[control(data, "cell", "n", 0)] = "11"
    response = save(client, entry, data)
    # then it is saved at its place, and the page comes back to the part
    assert response["Location"] == f"{address}?part=2"
    assert entry.observations.get().outcome.name == "Outcome 150"


def test_the_source_of_a_cell_opens_without_scripts(client: Client, trial: Any) -> None:
    # given a draft, of which one cell has a source
    entry = draft(trial, "A")
    data = shown(client, entry)
    data[detail(data, "source_page")] = "5"
    at = data[control(data, "cell", "at")]
    # when its source button is pressed
    response = save(client, entry, data, then=f"open:{at}")
    # then all is saved, and the cell shows its source
    page = client.get(response["Location"]).content.decode()
    assert page.count('<details class="more-of" open>') == 1
    again = sent(page, "data-entry")
    assert again[detail(again, "source_page")] == "5"
    again[detail(again, "source_quote")] = "Values are mean ± SD."
    assert save(client, entry, again).status_code == 302
    assert entry.observations.get(source_page="5").source_quote == "Values are mean ± SD."


def test_the_page_asks_the_database_no_more_for_more_rows(
    client: Client, trial: Any, django_assert_max_num_queries: Any
) -> None:
    user = holder(trial, "A")
    small = draft(trial, "A")
    address = reverse("extraction:entry", args=[small.pk])
    client.get(address)  # the first page of a process also asks what is kept from then on
    with django_assert_max_num_queries(25):
        client.get(address)
    arm, time, outcome = small.arms.first(), small.timepoints.get(), small.outcomes.get()
    assert arm
    extra = [Change(Subject.OUTCOME, uuid4(), values={"name": f"Outcome {i}"}) for i in range(20)]
    cells = [
        Change(
            Subject.OBSERVATION,
            uuid4(),
            values={"arm": str(arm.pk), "timepoint": str(time.pk), "outcome": str(one.key), "n": "5"},
        )
        for one in extra
    ]
    enter.save(small.pk, [*extra, *cells], by=user)
    assert outcome.name in client.get(address).content.decode()
    with django_assert_max_num_queries(25):
        client.get(address)
