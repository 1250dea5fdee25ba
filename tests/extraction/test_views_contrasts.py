"""Contrasts on the pages: typed without a script, saved by itself, looked over, compared, decided, read."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from extraction import approve, enter
from extraction.enter import Change
from extraction.models import ContrastStatistic, Discrepancy
from extraction.record import Subject
from tests.extraction.entry_pages import client, control, save, shown, trial
from tests.factories import TrialFactory, draft, holder, made, member, submitted
from tests.sent import sent

__all__ = ["client", "trial"]  # fixtures

pytestmark = pytest.mark.django_db

MD = {"statistic": "mean_difference", "value": "-1.70", "ci_low": "-2.6", "ci_high": "-0.80", "ci_level": "95"}


def filled(data: dict[str, str], entry: Any, **texts: str) -> dict[str, str]:
    """The form with one of its contrasts filled in; arms go by their labels."""
    keys = {str(row): str(row.pk) for row in (*entry.arms.all(), *entry.timepoints.all(), *entry.outcomes.all())}
    said = {"outcome": "IL-6", "timepoint": "post, week 12", "arm": "Training", "versus": "Waiting list", **texts}
    return data | {control(data, "contrast", name, -1): keys.get(text, text) for name, text in said.items()}


def page(client: Client, name: str, key: Any) -> str:
    response = client.get(reverse(f"extraction:{name}", args=[key]))
    assert response.status_code == 200
    return response.content.decode()


def test_a_contrast_is_typed_changed_and_removed_without_a_script(client: Client, trial: Any) -> None:
    entry = draft(trial, "A")
    # when a difference with its interval is typed
    data = filled(shown(client, entry), entry, **MD, df="46", adjusted="baseline", source_page="7")
    assert save(client, entry, data).status_code == 302
    # then it stands as printed, and the form shows it again
    row = ContrastStatistic.objects.get(entry=entry)
    assert (row.value_printed, row.ci_high_printed, row.df, row.adjusted) == ("-1.70", "-0.80", 46.0, "baseline")
    data = shown(client, entry)
    assert data[control(data, "contrast", "value", 0)] == "-1.70"
    assert "mean difference, Training against Waiting list" in page(client, "entry", entry.pk)
    # nothing touched is nothing saved; one field changed is one line
    assert save(client, entry, data).status_code == 302
    row.refresh_from_db()
    assert row.version == 1
    save(client, entry, data | {control(data, "contrast", "value", 0): "-1.71"})
    row.refresh_from_db()
    assert (row.version, row.value_printed) == (2, "-1.71")
    data = shown(client, entry)
    save(client, entry, data | {f"contrast.{row.pk}.remove": "yes"})
    assert not ContrastStatistic.objects.exists()


def test_what_cannot_be_read_stays_in_the_form_with_the_reason(client: Client, trial: Any) -> None:
    entry = draft(trial, "A")
    data = filled(shown(client, entry), entry, statistic="p", value="1.2", versus="")
    response = save(client, entry, data)
    told = response.content.decode()
    assert response.status_code == 400
    assert "a p lies between 0 and 1; 1.2 was given." in told
    assert "is needed: p compares two arms." in told
    assert sent(told, "data-entry")[control(data, "contrast", "value", -1)] == "1.2"
    assert not ContrastStatistic.objects.exists()


def test_the_same_statistic_twice_is_told(client: Client, trial: Any) -> None:
    entry = draft(trial, "A", contrasts=[MD])
    data = filled(shown(client, entry), entry, **MD | {"arm": "Waiting list", "versus": "Training"})
    response = save(client, entry, data)
    assert response.status_code == 409
    assert "This statistic is there already" in response.content.decode()


def test_a_blank_contrast_is_nothing_and_an_emptied_one_is_taken_out(client: Client, trial: Any) -> None:
    entry = draft(trial, "A", contrasts=[MD])
    data = shown(client, entry)
    assert len([name for name in data if name.startswith("contrast.") and name.endswith(".statistic")]) == 2
    emptied = {name: "" for name in data if name.startswith("contrast.") and not name.endswith(".was")}
    save(client, entry, data | emptied)
    assert not ContrastStatistic.objects.exists()


def test_with_an_arm_its_contrasts_are_removed_in_one_go(client: Client, trial: Any) -> None:
    entry = draft(trial, "A", contrasts=[MD])
    arm = entry.arms.get(label="Waiting list")
    data = shown(client, entry)
    touched = {control(data, "contrast", "value", 0): "-1.8", f"arm.{arm.pk}.remove": "yes"}
    assert save(client, entry, data | touched).status_code == 302
    assert not ContrastStatistic.objects.exists()


def test_another_tab_that_changed_it_is_shown_with_both_values(client: Client, trial: Any) -> None:
    entry = draft(trial, "A", contrasts=[MD])
    data = shown(client, entry)
    row = ContrastStatistic.objects.get(entry=entry)
    enter.save(entry.pk, [Change(Subject.CONTRAST, row.pk, 1, {"value": "-1.60"})], by=holder(trial, "A"))
    response = save(client, entry, data | {control(data, "contrast", "value", 0): "-1.80"})
    told = response.content.decode()
    assert response.status_code == 409
    assert "mean difference, Training against Waiting list · IL-6 · post, week 12" in told
    assert "-1.60" in told or "\u22121.60" in told
    assert "-1.80" in told or "\u22121.80" in told


def test_it_is_saved_by_itself_and_refused_at_its_row(client: Client, trial: Any) -> None:
    entry = draft(trial, "A")
    data = filled(shown(client, entry), entry, **MD)
    row = control(data, "contrast", "value", -1).removesuffix(".value")
    only = {name: text for name, text in data.items() if name.startswith(f"{row}.")}
    where = reverse("extraction:entry-autosave", args=[entry.pk])
    told = client.post(where, only | {f"{row}.value": "two"}).json()
    assert set(told["problems"]) == {row}
    told = client.post(where, only).json()
    assert told["problems"] == {}
    assert told["rows"][row]["was"].startswith("1:")
    assert client.post(where, only | {f"{row}.was": told["rows"][row]["was"], f"{row}.value": "-2"}).status_code == 200
    assert ContrastStatistic.objects.get(entry=entry).value_printed == "-2"


def test_an_entry_of_contrasts_alone_is_looked_over_and_submitted(client: Client, trial: Any) -> None:
    entry = draft(trial, "A", contrasts=[MD])
    cells = [Change(Subject.OBSERVATION, row.pk, row.version, delete=True) for row in entry.observations.all()]
    enter.save(entry.pk, cells, by=holder(trial, "A"))
    told = page(client, "entry-check", entry.pk)
    assert "1 contrast." in told
    assert "There is no observation or contrast yet" not in told
    assert "mean difference, Training against Waiting list, IL-6, post, week 12" in told  # has no source
    assert (
        client.post(
            reverse("extraction:entry-submit", args=[entry.pk]), {"version": str(entry.version + 1)}
        ).status_code
        == 302
    )
    assert "95% CI \u22122.6 to \u22120.80" in page(client, "entry", entry.pk)


def test_the_pages_of_the_trial_show_both_sides_in_words() -> None:
    trial: Any = made(TrialFactory)
    submitted(trial, "A", contrasts=[MD])
    turned = {"arm": "control", "versus": "treated", "value": "1.07", "ci_low": "0.80", "ci_high": "2.6"}
    submitted(trial, "B", contrasts=[MD | turned])
    lead = member(trial.review, "lead", "adjudicator")
    client = Client()
    client.force_login(lead)
    # on the page of the trial: one line, both ways of naming the arms, the difference under it
    told = page(client, "trial", trial.pk)
    assert told.count('<th scope="row">mean difference, Training against Waiting list') == 1
    assert "mean difference, Waiting list against Training" in told
    assert "Differences in structure and characteristics" not in told
    row = Discrepancy.objects.get(trial=trial, state="open")
    assert f'id="discrepancy-{row.pk}"' in told
    # on the page that decides
    where = f"{reverse('extraction:decide', args=[trial.review_id])}?at={row.pk}"
    told = client.get(where).content.decode()
    assert "mean difference, Training against Waiting list" in told
    assert "IL-6: mean difference" in told
    assert "1.07, the other way round" in told
    resolve = reverse("extraction:resolve", args=[row.pk])
    answer = {"choice": "other", "text": "-1.6", "reason_code": "typo", "version": row.version}
    assert client.post(resolve, answer).status_code == 302
    # on the page that approves, and in the record
    told = page(client, "trial-approve", trial.pk)
    assert "\u22121.6" in told
    approve.approve(trial.pk, by=lead)
    assert ContrastStatistic.objects.get(entry__slot="FINAL").value_printed == "-1.6"


def test_another_interval_is_typed_as_its_two_ends() -> None:
    trial: Any = made(TrialFactory)
    submitted(trial, "A", contrasts=[MD])
    submitted(trial, "B", contrasts=[MD | {"ci_low": "-2.5"}])
    client = Client()
    client.force_login(member(trial.review, "lead", "adjudicator"))
    row = Discrepancy.objects.get(trial=trial, state="open")
    told = client.get(f"{reverse('extraction:decide', args=[trial.review_id])}?at={row.pk}").content.decode()
    assert 'name="spread_low"' in told
    assert not re.search(r'<input[^>]*name="text"', told)  # of the decision; the question to both has an area
    ends = {"spread_low": "-2.4", "spread_high": "-0.8", "spread_level": "95"}
    answer = {"choice": "other", "reason_code": "typo", "version": row.version, **ends}
    assert client.post(reverse("extraction:resolve", args=[row.pk]), answer).status_code == 302
    assert ContrastStatistic.objects.get(entry__slot="FINAL").ci_low == -2.4


def test_the_pages_of_an_entry_ask_no_more_for_many_contrasts(client: Client, trial: Any) -> None:
    entry = draft(trial, "A", contrasts=[MD])

    def asked() -> dict[str, int]:
        found = {}
        for name in ("entry", "entry-check"):
            with CaptureQueriesContext(connection) as caught:
                page(client, name, entry.pk)
            found[name] = len(caught)
        return found

    asked()  # the first look may touch the session
    few = asked()
    row = ContrastStatistic.objects.get(entry=entry)
    texts = {"outcome": str(row.outcome_id), "timepoint": str(row.timepoint_id), "arm": str(row.arm_id)}
    more = [("t", "versus"), ("p", "versus"), ("f", "versus"), ("r", ""), ("sd_change", ""), ("paired_t", "")]
    for statistic, versus in more:
        values = texts | {"statistic": statistic, "value": "0.5", "versus": str(row.versus_id) if versus else ""}
        change = Change(Subject.CONTRAST, uuid4(), values=values)
        enter.save(entry.pk, [change], by=holder(trial, "A"))
    assert asked() == few
