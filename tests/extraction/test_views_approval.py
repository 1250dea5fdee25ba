"""The pages of approval: a look at the whole, a signature, a reopening, what changed between versions."""

from __future__ import annotations

import html

import pytest
from django.urls import reverse

from extraction import enter, reconcile
from extraction.decisions import Decision
from extraction.looked_over import look_over
from extraction.models import Discrepancy, Entry, Event
from extraction.models.plain import rows_of
from extraction.states import Status
from tests.factories import ReviewFactory, TrialFactory, decide_all_for_a, draft, made, member, submitted, trial_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(client):
    person = member(made(ReviewFactory), "lead", "adjudicator")
    client.force_login(person)
    return person


def review_of(person):
    return person.memberships.get().review


def agreed_after_deciding(lead):
    trial = trial_at(Status.ADJUDICATING, review_of(lead), decider=lead)
    decide_all_for_a(trial, by=lead)
    return trial


def draft_of(trial):
    return Entry.objects.get(trial=trial, slot="FINAL", state="draft")


def text(client, name, trial, **asked):
    response = client.get(reverse(name, args=[trial.pk]), asked)
    assert response.status_code == 200
    return response.content.decode()


def test_the_page_shows_the_whole_final_entry_what_is_open_and_what_was_decided(client, lead):
    trial = agreed_after_deciding(lead)
    page = text(client, "extraction:trial-approve", trial)
    for row in draft_of(trial).observations.all():
        assert f"observation-{row.pk}" in page
    assert "Values without a source" in page  # a warning that is still open
    assert "1 decided" in page
    assert "Typo" in page or "typo" in page
    assert reverse("analysis:approval-preview", args=[trial.pk]) in page


def test_the_page_shows_what_the_checks_say_and_why_an_extractor_kept_it(client, lead):
    trial = made(TrialFactory, review=review_of(lead))
    entry = draft(trial, "A", cells={"treated": {"n": "26"}})
    (seen,) = [one.finding for one in look_over(entry, rows_of(entry), entry.holder) if one.finding.field == "n"]
    enter.keep(entry.pk, seen.code, seen.row, "Table 1 counts one more", digest=seen.digest, by=entry.holder)
    enter.submit(entry.pk, by=entry.holder)
    submitted(trial, "B", cells={"treated": {"n": "26"}})
    page = text(client, "extraction:trial-approve", trial)
    assert seen.message in html.unescape(page)
    assert "Kept, A: Table 1 counts one more" in page
    warnings = page[page.index('id="checks"') : page.index('id="entry"')]
    assert warnings.count("Nobody said why") == warnings.count('class="open-point"') - 1


def test_the_signature_is_for_the_draft_that_was_read(client, lead):
    trial = agreed_after_deciding(lead)
    seen = draft_of(trial)
    reconcile.resolve(Discrepancy.objects.get(trial=trial).pk, Decision("B", "misread"), by=lead)
    refused = client.post(reverse("extraction:trial-approve", args=[trial.pk]), {"draft": seen.pk})
    assert refused.status_code == 409
    assert "decided again since you looked" in refused.content.decode()
    trial.refresh_from_db()
    assert trial.status == Status.AGREED
    answer = client.post(reverse("extraction:trial-approve", args=[trial.pk]), {"draft": draft_of(trial).pk})
    assert answer.status_code == 302
    trial.refresh_from_db()
    assert trial.approved_entry.observations.get(arm__label="Training").centre_printed == "2.1"


@pytest.mark.parametrize("draft", ["nonsense", "00000000-0000-4000-8000-000000000007"])
def test_a_form_that_names_no_draft_signs_nothing(client, lead, draft):
    trial = trial_at(Status.AGREED, review_of(lead), decider=lead)
    assert client.post(reverse("extraction:trial-approve", args=[trial.pk]), {"draft": draft}).status_code == 409
    trial.refresh_from_db()
    assert trial.status == Status.AGREED


def test_who_decided_is_told_that_somebody_else_signs_where_the_review_asks_for_it(client):
    review = made(ReviewFactory, approver_is_not_adjudicator=True)
    person = member(review, "adjudicator")
    trial = trial_at(Status.ADJUDICATING, review, decider=person)
    decide_all_for_a(trial, by=person)
    for who, may in ((person, False), (member(review, "adjudicator"), True)):
        client.force_login(who)
        page = text(client, "extraction:trial-approve", trial)
        assert ("Not yours to approve" in page) != may
        assert ("Approve version 1" in page) == may


def test_reopening_wants_a_reason_and_keeps_what_was_typed(client, lead):
    trial = trial_at(Status.APPROVED, review_of(lead), decider=lead)
    address = reverse("extraction:trial-reopen", args=[trial.pk])
    assert "Why it is reopened" in client.get(address).content.decode()
    refused = client.post(address, {"reason": "  "})
    assert refused.status_code == 400
    assert "Say why" in refused.content.decode()
    assert client.post(address, {"reason": " wrong table "}).status_code == 302
    line = Event.objects.get(trial=trial, verb="reopen")
    assert (line.reason, line.before) == ("wrong table", {"version": 1})
    assert client.post(address, {"reason": "again"}).status_code == 409
    assert client.get(address).status_code == 404


def test_a_reopened_trial_in_which_nothing_changes_is_agreed_again_and_approved_as_version_2(client, lead):
    trial = agreed_after_deciding(lead)
    client.post(reverse("extraction:trial-approve", args=[trial.pk]))
    client.post(reverse("extraction:trial-reopen", args=[trial.pk]), {"reason": "to be sure"})
    assert "Nothing more to change" in text(client, "extraction:trial", trial)
    client.post(reverse("extraction:trial-conclude", args=[trial.pk]))
    page = text(client, "extraction:trial-versions", trial)
    assert "Version 2 says the same as version 1" in page
    assert "to be sure" in page
    client.post(reverse("extraction:trial-approve", args=[trial.pk]))
    trial.refresh_from_db()
    assert trial.approved_entry.number == 2


def test_what_changed_between_versions_is_shown_beside_each_other(client, lead):
    trial = agreed_after_deciding(lead)
    for choice in ("B", "A"):
        client.post(reverse("extraction:trial-approve", args=[trial.pk]))
        client.post(reverse("extraction:trial-reopen", args=[trial.pk]), {"reason": f"now {choice}"})
        reconcile.resolve(Discrepancy.objects.get(trial=trial).pk, Decision(choice, "misread"), by=lead)
    page = text(client, "extraction:trial-versions", trial)
    assert "Version 3 says 1 thing otherwise than version 2" in page
    assert "<del>mean 2.1</del>" in page
    assert "<ins>mean −2.1</ins>" in page
    assert "Version 3 says the same as version 1" in text(client, "extraction:trial-versions", trial, old=1, new=3)
    assert "than version 2" in text(client, "extraction:trial-versions", trial, old="x", new="99")  # as if not asked


def test_readers_see_approved_versions_and_no_reason(client, lead):
    trial = trial_at(Status.APPROVED, review_of(lead), decider=lead)
    client.post(reverse("extraction:trial-reopen", args=[trial.pk]), {"reason": "a word for deciders"})
    reconcile.conclude(trial.pk, by=lead)
    client.post(reverse("extraction:trial-approve", args=[trial.pk]))
    client.force_login(member(review_of(lead), "reader"))
    page = text(client, "extraction:trial-versions", trial)
    assert "Version 2" in page
    assert "a word for deciders" not in page
