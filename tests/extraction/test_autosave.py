"""Saving single rows while the page stays open, and what the checks say of them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from extraction import enter, reconcile
from extraction.errors import InvalidValues, StaleVersion
from extraction.looked_over import look_over
from extraction.models import CheckReason, Entry, Event
from extraction.models.plain import rows_of
from extraction.record import Subject
from extraction.recorded import recording
from tests.extraction.entry_pages import client, control, save, shown, trial
from tests.factories import (
    draft,
    holder,
    member,
    small_changes,
    submitted,
)

__all__ = ["client", "trial"]  # fixtures

pytestmark = pytest.mark.django_db


def autosave(client: Client, entry: Entry, data: dict[str, str]) -> Any:
    return client.post(reverse("extraction:entry-autosave", args=[entry.pk]), data)


def row_of(data: dict[str, str], name: str) -> dict[str, str]:
    """What a page sends to save one row: its controls and those of the blocks."""
    row = name.rpartition(".")[0]
    return {key: text for key, text in data.items() if key.startswith((f"{row}.", "block."))}


def test_one_cell_is_saved_while_the_page_stays_open(client: Client, trial: Any) -> None:
    entry = draft(trial, "A")
    data = shown(client, entry)
    cell = control(data, "cell", "centre", 0)
    data[cell] = "-2.2"
    data[control(data, "arm", "label", 0)] = "Not sent"
    told = autosave(client, entry, row_of(data, cell)).json()
    assert entry.observations.filter(centre_printed="-2.2").exists()
    assert not entry.arms.filter(label="Not sent").exists()
    # and the page can go on with what it was told
    row = cell.rpartition(".")[0]
    data |= {cell: "-2.3", f"{row}.was": told["rows"][row]["was"]}
    assert autosave(client, entry, row_of(data, cell)).status_code == 200
    assert entry.observations.filter(centre_printed="-2.3").exists()


def test_a_value_that_cannot_be_read_keeps_no_other_from_being_saved(client: Client, trial: Any) -> None:
    entry = draft(trial, "A")
    data = shown(client, entry)
    bad, good = control(data, "cell", "centre", 0), control(data, "cell", "centre", 1)
    data |= {bad: "1,5", good: "1.5"}
    told = autosave(client, entry, row_of(data, bad) | row_of(data, good)).json()
    assert "1,5" in told["problems"][bad.rpartition(".")[0]]["centre"]
    assert set(entry.observations.values_list("centre_printed", flat=True)) == {"-2.1", "1.5"}


def test_a_row_sent_twice_because_the_answer_was_lost_can_be_changed_after_that(client: Client, trial: Any) -> None:
    # given an empty cell of which the first save was answered into the void
    user = holder(trial, "A")
    entry = enter.start(trial.pk, by=user)
    changes = [change for change in small_changes() if change.subject != Subject.OBSERVATION]
    enter.save(entry.pk, changes, by=user)
    data = shown(client, entry)
    cell = control(data, "cell", "centre", 0)
    data[cell] = "4.0"
    autosave(client, entry, row_of(data, cell))
    # when it is sent again, and then changed
    told = autosave(client, entry, row_of(data, cell)).json()
    row = cell.rpartition(".")[0]
    data |= {cell: "5.0", f"{row}.was": told["rows"][row]["was"]}
    assert autosave(client, entry, row_of(data, cell)).status_code == 200
    assert entry.observations.get().centre_printed == "5.0"


def test_another_tab_is_noticed_while_saving_by_itself(client: Client, trial: Any) -> None:
    entry = draft(trial, "A")
    first, second = shown(client, entry), shown(client, entry)
    cell = control(first, "cell", "centre", 0)
    first[cell], second[cell] = "-1.1", "-9.9"
    assert autosave(client, entry, row_of(first, cell)).status_code == 200
    refusal = autosave(client, entry, row_of(second, cell))
    assert (refusal.status_code, refusal.json()["code"]) == (409, "stale_version")
    # an untouched row that was sent along does not take on the other tab's version
    second = shown(client, entry) | {"x": ""}
    other = shown(client, entry)
    other[cell] = "-1.2"
    autosave(client, entry, row_of(other, cell))
    told = autosave(client, entry, row_of(second, cell)).json()
    second |= {cell: "-8.8", f"{cell.rpartition('.')[0]}.was": told["rows"][cell.rpartition(".")[0]]["was"]}
    assert autosave(client, entry, row_of(second, cell)).status_code == 409


def test_what_is_derived_stands_beside_the_cell_with_its_formula(client: Client, trial: Any) -> None:
    entry = draft(trial, "A")
    data = shown(client, entry)
    data[control(data, "block", "spread_kind")] = "se"
    cell = control(data, "cell", "first", 0)
    told = autosave(client, entry, row_of(data, cell)).json()["rows"][cell.rpartition(".")[0]]
    assert told["beside"] == "SD 7.348"  # 1.5 * sqrt(24)
    assert "SE × √n" in told["formula"]
    assert "SD 7.348" in client.get(reverse("extraction:entry", args=[entry.pk])).content.decode()


def test_a_warning_asks_for_a_reason_which_is_void_once_its_value_changes(client: Client, trial: Any) -> None:
    # given a draft in which an arm has grown since it was randomised
    entry = draft(trial, "A", cells={"treated": {"n": "26"}})
    check = reverse("extraction:entry-check", args=[entry.pk])
    page = client.get(check).content.decode()
    assert "1 warning without a reason" in page
    button = re.search(r'value="(keep:n_above_randomised:[^"]+)"', page)
    assert button
    name = ".".join(["reason", *button[1].split(":")[1:3]])
    # when it is kept with a reason
    response = client.post(
        reverse("extraction:entry-save", args=[entry.pk]),
        {"then": button[1], name: "Table 1 counts one more", "from": "check"},
    )
    assert response["Location"] == check
    page = client.get(check).content.decode()
    assert "without a reason" not in page
    assert "Table 1 counts one more" in page
    # then the reason holds until the value changes
    data = shown(client, entry)
    data[control(data, "cell", "n", 0)] = "27"
    save(client, entry, data)
    assert "1 warning without a reason" in client.get(check).content.decode()


def test_what_cannot_be_right_is_not_submitted(client: Client, trial: Any) -> None:
    trial.review.source_required = True
    with recording():
        trial.review.save()
    entry = draft(trial, "A")
    page = client.get(reverse("extraction:entry-check", args=[entry.pk])).content.decode()
    assert "2 things cannot be right" in page
    assert "Submit " not in page
    response = client.post(reverse("extraction:entry-submit", args=[entry.pk]), {"version": entry.version})
    assert response.status_code == 400
    entry.refresh_from_db()
    assert entry.is_draft


def test_a_returned_entry_brings_its_reasons_along(client: Client, trial: Any) -> None:
    user = holder(trial, "A")
    entry = draft(trial, "A", cells={"treated": {"n": "26"}})
    row = entry.observations.get(n=26)
    (warned,) = [one.finding for one in look_over(entry, rows_of(entry), user) if one.finding.row == str(row.pk)]
    enter.keep(entry.pk, warned.code, warned.row, "As printed", digest=warned.digest, by=user)
    enter.submit(entry.pk, by=user)
    submitted(trial, "B", cells={"treated": {"centre": "2.1"}})
    reconcile.return_to_extractors(trial.pk, ["A"], "Look at Table 3.", by=member(trial.review, "lead"))
    again = Entry.objects.get(trial=trial, slot="A", number=2)
    assert "As printed" in client.get(reverse("extraction:entry-check", args=[again.pk])).content.decode()
    assert "without a reason" not in client.get(reverse("extraction:entry-check", args=[again.pk])).content.decode()


def warned_of(trial: Any) -> tuple[Entry, Any, Any]:
    """A draft with more people analysed than randomised, what is warned of there, and who kept what."""
    user = holder(trial, "A")
    entry = draft(trial, "A", cells={"treated": {"n": "26"}})
    row = entry.observations.get(n=26)
    (warned,) = [one.finding for one in look_over(entry, rows_of(entry), user) if one.finding.row == str(row.pk)]
    return entry, warned, user


@pytest.mark.parametrize("reason", ["", " \n", "x" * 501])
def test_a_warning_is_kept_with_a_reason_that_can_be_read(trial: Any, reason: str) -> None:
    entry, warned, user = warned_of(trial)
    with pytest.raises(InvalidValues) as refusal:
        enter.keep(entry.pk, warned.code, warned.row, reason, digest=warned.digest, by=user)
    assert [(one.row, one.field, one.message) for one in refusal.value.problems] == [
        (warned.row, "reason", "say why in 1 to 500 characters.")
    ]
    assert not CheckReason.objects.exists()
    assert not Event.objects.filter(verb="keep").exists()


def test_a_reason_is_kept_for_the_warning_that_was_seen_alone(trial: Any) -> None:
    entry, warned, user = warned_of(trial)
    keep = [entry.pk, warned.code, warned.row, "As printed"]
    with pytest.raises(StaleVersion, match="The value was changed since you saw this warning"):
        enter.keep(*keep, digest="of another value", by=user)
    row = entry.observations.get(n=26)
    enter.save(entry.pk, [enter.Change(Subject.OBSERVATION, row.pk, row.version, {"n": "24"})], by=user)
    with pytest.raises(StaleVersion, match=r"^Nothing is warned of there any more\.$"):
        enter.keep(*keep, digest=warned.digest, by=user)
    assert not CheckReason.objects.exists()
    assert not Event.objects.filter(verb="keep").exists()
