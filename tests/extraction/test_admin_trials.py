"""Trials in the administration: progress, what may be done to them, adding and changing."""

from __future__ import annotations

import pytest

from extraction.models import Approval, Assignment, Entry, Event, Trial
from extraction.states import EntryState, Status
from tests.extraction.admin_pages import act, address, form_of, listed, signed_in, told
from tests.factories import ReviewFactory, TrialFactory, holder, member, trial_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def review():
    return ReviewFactory()


@pytest.fixture
def lead(review):
    return member(review, "lead")


@pytest.fixture
def client(lead):
    return signed_in(lead)


def test_the_list_shows_state_progress_and_what_is_open(client, review):
    for status in (Status.ALIGNING, Status.ADJUDICATING, Status.AGREED):
        trial_at(status, review)
    page = client.get(address(Trial, "changelist")).content.decode()
    assert "1 to match" in page
    assert "0 of 1 decided" in page
    assert "waits for approval" in page
    assert [trial.still_open for trial in listed(client, Trial, status="adjudicating")] == [1]


def test_an_excluded_trial_is_listed_as_excluded_and_its_page_says_why(client, review):
    trial = TrialFactory(review=review)
    act(client, Trial, "exclude_selected", [trial], reason="Not randomised.")
    assert ">Excluded<" in client.get(address(Trial, "changelist")).content.decode()
    assert "Not randomised." in client.get(address(trial)).content.decode()
    act(client, Trial, "include_selected", [trial])
    trial.refresh_from_db()
    assert trial.excluded_at is None


def test_approving_many_tells_each_refusal_beside_its_trial(client, review, lead):
    # given one trial that agrees and one that does not
    agreed, differing = trial_at(Status.AGREED, review), trial_at(Status.ADJUDICATING, review)
    # when both are approved at once
    response = act(client, Trial, "approve_selected", [agreed, differing])
    # then the one is, signed, and the other says why not
    assert [approval.trial for approval in Approval.objects.all()] == [agreed]
    assert Approval.objects.get().approved_by == lead
    first, second = told(response)
    assert first == "1 trial approved"
    assert second.startswith(f"{differing}: ")
    assert "Entries differ".lower() in second


def test_reopening_asks_for_a_reason_which_stays_in_the_history(client, review):
    trial = trial_at(Status.APPROVED, review)
    page = act(client, Trial, "reopen_selected", [trial])
    assert page.context["button"] == "Reopen 1 trial"
    trial.refresh_from_db()
    assert trial.status == Status.APPROVED, "the page alone changes nothing"
    act(client, Trial, "reopen_selected", [trial], reason="An erratum appeared.")
    trial.refresh_from_db()
    assert trial.status == Status.ADJUDICATING
    assert Event.objects.get(trial=trial, verb="reopen").reason == "An erratum appeared."


def test_a_reopened_trial_without_changes_is_concluded(client, review):
    trial = trial_at(Status.APPROVED, review)
    act(client, Trial, "reopen_selected", [trial], reason="To look again.")
    act(client, Trial, "conclude_selected", [trial])
    trial.refresh_from_db()
    assert trial.status == Status.AGREED


def test_returning_gives_the_named_extractor_a_new_draft_with_the_reason(client, review):
    trial = trial_at(Status.ADJUDICATING, review)
    act(client, Trial, "return_selected", [trial], slots=["B"], reason="Table 2 was overlooked.")
    draft = Entry.objects.get(trial=trial, state=EntryState.DRAFT)
    assert (draft.slot, draft.number, draft.return_reason) == ("B", 2, "Table 2 was overlooked.")


def test_returning_needs_a_slot_and_a_reason(client, review):
    trial = trial_at(Status.ADJUDICATING, review)
    response = act(client, Trial, "return_selected", [trial], reason="")
    assert set(response.context["form"].errors) == {"slots", "reason"}


def test_assigning_gives_both_slots_of_many_trials(client, review):
    trials = [TrialFactory(review=review, slots=False) for _ in range(2)]
    a, b = member(review, "extractor"), member(review, "extractor")
    act(client, Trial, "assign_selected", trials, a=a.pk, b=b.pk)
    held = {(one.trial, one.slot, one.user) for one in Assignment.objects.all()}
    assert held == {(trial, slot, person) for trial in trials for slot, person in (("A", a), ("B", b))}


def test_only_extractors_of_the_review_are_offered(client, review):
    trial = TrialFactory(review=review, slots=False)
    extractor, reader = member(review, "extractor"), member(review, "reader")
    elsewhere = member(ReviewFactory(), "extractor")
    form = act(client, Trial, "assign_selected", [trial]).context["form"]
    assert list(form.fields["a"].queryset) == [extractor]
    response = act(client, Trial, "assign_selected", [trial], a=reader.pk, b=elsewhere.pk)
    assert set(response.context["form"].errors) == {"a", "b"}


def test_trials_are_added_by_a_list_of_labels(client, review):
    where = address(Trial, "add")
    client.post(where, {"answered": "1", "review": review.pk, "labels": "Kim 2015\n\n  Winn 2018  \n"})
    assert [trial.label for trial in listed(client, Trial)] == ["Kim 2015", "Winn 2018"]


def test_a_label_that_is_there_already_adds_none_of_the_list(client, review):
    TrialFactory(review=review, label="Kim 2015")
    data = {"answered": "1", "review": review.pk, "labels": "Matsuo 2015\nKIM  2015"}
    response = client.post(address(Trial, "add"), data)
    assert "KIM" in response.content.decode()
    assert Trial.objects.count() == 1


def test_changing_a_trial_is_an_event(client, review, lead):
    trial = TrialFactory(review=review)
    client.post(address(trial), {**form_of(client, address(trial), "trial_form"), "year": "2015", "doi": "10.1/x"})
    trial.refresh_from_db()
    assert (trial.year, trial.doi) == (2015, "10.1/x")
    event = Event.objects.get(verb="change trial")
    assert (event.actor, event.after) == (lead, {"year": 2015, "doi": "10.1/x"})
    page = client.get(address(trial, "history")).content.decode()
    assert "change trial" in page


def test_the_same_label_twice_is_refused_at_the_form(client, review):
    TrialFactory(review=review, label="Kim 2015")
    trial = TrialFactory(review=review, label="Winn 2018")
    data = {**form_of(client, address(trial), "trial_form"), "label": "kim 2015"}
    response = client.post(address(trial), data)
    assert response.status_code == 409
    assert 'value="kim 2015"' in response.content.decode()


def test_a_year_that_cannot_be_is_refused_in_words(client, review):
    trial = TrialFactory(review=review)
    response = client.post(address(trial), {**form_of(client, address(trial), "trial_form"), "year": "12"})
    assert "A year lies between 1900 and 2200." in response.content.decode()
    trial.refresh_from_db()
    assert trial.year is None


@pytest.mark.parametrize(
    ("status", "offered"),
    [
        (Status.ENTERING, {"exclude_selected", "assign_selected"}),
        (Status.ADJUDICATING, {"exclude_selected", "return_selected"}),
        (Status.AGREED, {"exclude_selected", "return_selected", "approve_selected"}),
        (Status.APPROVED, {"exclude_selected", "reopen_selected"}),
    ],
)
def test_the_page_of_a_trial_offers_what_its_state_allows(client, review, status, offered):
    trial = trial_at(status, review)
    assert {one["action"] for one in client.get(address(trial)).context["acts"]} == offered


def test_a_lead_who_extracts_a_trial_sets_it_up_and_decides_nothing(review):
    trial = trial_at(Status.AGREED, review)
    both = holder(trial, "A")
    member(review, "lead", user=both)
    client = signed_in(both)
    assert {one["action"] for one in client.get(address(trial)).context["acts"]} == {"exclude_selected"}
    response = act(client, Trial, "approve_selected", [trial])
    assert "role" in " ".join(told(response))
    assert not Approval.objects.exists()


def test_an_adjudicator_approves_and_sets_nothing_up(review):
    trial = trial_at(Status.AGREED, review)
    client = signed_in(member(review, "adjudicator"))
    page = client.get(address(Trial, "changelist"))
    offered = {name for name, _ in page.context["action_form"].fields["action"].choices}
    assert "approve_selected" in offered
    assert not offered & {"exclude_selected", "assign_selected"}
    assert client.get(address(Trial, "add")).status_code == 403
    assert client.post(address(trial), {"label": "Mine"}).status_code == 403
    act(client, Trial, "approve_selected", [trial])
    assert Approval.objects.filter(trial=trial).exists()
