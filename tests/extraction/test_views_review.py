"""The list of trials, one trial, and the codebook: what each person sees of them, and what they may do there."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from extraction import define, matching, reconcile, setup
from extraction.decisions import Decision
from extraction.models import Intervention, Marker, Review, Trial, User
from extraction.states import Status
from tests.factories import (
    MarkerFactory,
    ReviewFactory,
    TrialFactory,
    UserFactory,
    decide_all_for_a,
    draft,
    holder,
    member,
    trial_at,
)

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def trials_page(review: Review, user: User, **asked: Any) -> str:
    response = signed_in(user).get(reverse("extraction:review", args=[review.pk]), asked)
    assert response.status_code == 200
    return str(response.content.decode())


def trial_page(trial: Trial, user: User) -> str:
    response = signed_in(user).get(reverse("extraction:trial", args=[trial.pk]))
    assert response.status_code == 200
    return str(response.content.decode())


def labels(page: str) -> list[str]:
    return re.findall(r'class="title" href="[^"]+">([^<]+)<', page)


# --- The list ---


def test_the_list_narrows_by_state_and_by_search() -> None:
    review = ReviewFactory.create()
    lead = member(review, "lead", "adjudicator")
    trial_at(Status.ENTERING, review, label="Being entered", doi="10.1000/one")
    trial_at(Status.AGREED, review, decider=lead, label="Ready")
    excluded = trial_at(Status.ENTERING, review, label="Out")
    setup.exclude_trial(excluded.pk, "Not randomised", by=lead)
    assert labels(trials_page(review, lead)) == ["Being entered", "Out", "Ready"]
    assert labels(trials_page(review, lead, state="agreed")) == ["Ready"]
    assert labels(trials_page(review, lead, state="excluded")) == ["Out"]
    assert labels(trials_page(review, lead, q="being ENTERED")) == ["Being entered"]
    assert labels(trials_page(review, lead, q="10.1000/ONE")) == ["Being entered"]
    assert "No trial fits" in trials_page(review, lead, q="nothing like it")


@pytest.mark.parametrize("asked", [{"page": "x"}, {"page": "-1"}, {"page": "9999"}, {"state": "nonsense"}, {"q": "%"}])
def test_an_odd_question_is_answered_with_a_page(asked: dict[str, str]) -> None:
    trial = TrialFactory.create()
    trials_page(trial.review, member(trial.review, "lead"), **asked)


def test_the_list_is_paged_and_asks_no_more_for_many_trials() -> None:
    review = ReviewFactory.create()
    lead, pair = member(review, "lead"), {slot: member(review, "extractor") for slot in "AB"}
    client, address = signed_in(lead), reverse("extraction:review", args=[review.pk])

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(address)
        return len(captured)

    for _ in range(5):
        TrialFactory.create(review=review, slots=pair)
    few = queries()
    for _ in range(60):
        TrialFactory.create(review=review, slots=pair)
    assert queries() == few
    assert len(labels(trials_page(review, lead))) == 50
    assert len(labels(trials_page(review, lead, page="2"))) == 15
    assert "51 to 65 of 65" in trials_page(review, lead, page="2")


def test_a_reader_sees_approved_trials_alone_and_a_stranger_nothing() -> None:
    review = ReviewFactory.create()
    lead = member(review, "lead")
    trial_at(Status.ENTERING, review, label="Secret")
    trial_at(Status.APPROVED, review, decider=lead, label="Public")
    assert labels(trials_page(review, member(review, "reader"))) == ["Public"]
    stranger = member(ReviewFactory.create(), "lead")
    assert signed_in(stranger).get(reverse("extraction:review", args=[review.pk])).status_code == 404
    assert (
        signed_in(UserFactory.create(is_superuser=True)).get(reverse("extraction:review", args=[review.pk])).status_code
        == 404
    )


def test_a_lead_adds_trials_by_a_list_of_labels() -> None:
    review = ReviewFactory.create()
    lead = signed_in(member(review, "lead"))
    address = reverse("extraction:add-trials", args=[review.pk])
    lead.post(address, {"labels": "Kim 2015\r\n  Lunt 2014 \n\nKim 2015"})
    assert sorted(review.trials.values_list("label", flat=True)) == ["Kim 2015", "Lunt 2014"]
    # a label that is there already refuses the whole list, and keeps it in the field
    response = lead.post(address, {"labels": "New 2020\nkim  2015"})
    assert response.status_code == 400
    assert "is in the review already" in response.content.decode()
    assert "New 2020\nkim  2015" in response.content.decode()
    assert review.trials.count() == 2
    # and nobody else adds trials
    for role in ("extractor", "adjudicator", "reader"):
        assert signed_in(member(review, role)).post(address, {"labels": "X 2020"}).status_code == 403


def test_ticked_trials_are_approved_each_on_its_own() -> None:
    review = ReviewFactory.create()
    lead = member(review, "lead", "adjudicator")
    ready = [trial_at(Status.AGREED, review, decider=lead) for _ in range(2)]
    differing = trial_at(Status.ADJUDICATING, review, decider=lead, label="Still open")
    wanted = [*(trial.pk for trial in ready), differing.pk]
    page = (
        signed_in(lead)
        .post(reverse("extraction:approve-many", args=[review.pk]), {"trial": wanted}, follow=True)
        .content.decode()
    )
    assert "2 trials approved" in page
    assert "Still open: " in page
    assert [Trial.objects.get(pk=trial.pk).status for trial in ready] == ["approved", "approved"]
    differing.refresh_from_db()
    assert differing.status == Status.ADJUDICATING


def test_slots_are_given_and_taken_back() -> None:
    review = ReviewFactory.create()
    lead = member(review, "lead")
    extractor = member(review, "extractor", username="anna")
    trial = TrialFactory.create(review=review, slots=False)
    client = signed_in(lead)
    page = trial_page(trial, lead)
    assert f'<option value="{extractor.pk}">anna</option>' in page
    client.post(reverse("extraction:assign", args=[trial.pk]), {"slot": "A", "user": extractor.pk})
    assert holder(trial, "A") == extractor
    refused = client.post(reverse("extraction:assign", args=[trial.pk]), {"slot": "B", "user": extractor.pk})
    assert refused.status_code == 409
    client.post(reverse("extraction:unassign", args=[trial.pk]), {"slot": "A"})
    assert not trial.assignments.exists()
    denied = signed_in(extractor).post(
        reverse("extraction:assign", args=[trial.pk]), {"slot": "A", "user": extractor.pk}
    )
    assert denied.status_code == 404


# --- One trial ---


def test_a_decided_trial_tells_its_story() -> None:
    # given a trial with a difference that was decided and approved
    trial = trial_at(Status.ADJUDICATING)
    adjudicator = member(trial.review, "adjudicator", username="decider")
    discrepancy = trial.discrepancies.unresolved().get()
    reconcile.resolve(
        discrepancy.pk, Decision(choice="A", reason_code="misread", comment="Table 2 has the sign."), by=adjudicator
    )
    client = signed_in(adjudicator)
    client.post(reverse("extraction:trial-approve", args=[trial.pk]))
    trial.refresh_from_db()
    assert trial.status == Status.APPROVED
    page = trial_page(trial, adjudicator)
    # then both entries and the final record stand side by side, with an anchor for each observation
    for entry in trial.entries.all():
        for observation in entry.observations.all():
            assert f'id="observation-{observation.pk}"' in page
    assert page.count("mean −2.1") == 3  # A, what A says in the difference, Final
    assert page.count("mean 2.1") == 2
    # and the decision with its reason, and the history
    assert f'id="discrepancy-{discrepancy.pk}"' in page
    assert "Table 2 has the sign." in page
    assert "misread table" in page
    assert [words for words in ("Values compared", "Decided", "Approved") if f"<b>{words}</b>" in page] == [
        "Values compared",
        "Decided",
        "Approved",
    ]


def test_while_a_trial_is_being_entered_each_sees_their_own_entry_and_nobody_both() -> None:
    trial = TrialFactory.create()
    draft(trial, "A", cells={"treated": {"centre": "111.5"}})
    draft(trial, "B", cells={"treated": {"centre": "222.5"}})
    seen_by = {
        "A": trial_page(trial, holder(trial, "A")),
        "B": trial_page(trial, holder(trial, "B")),
        "lead": trial_page(trial, member(trial.review, "lead", "adjudicator")),
    }
    assert {who: [number for number in ("111.5", "222.5") if number in page] for who, page in seen_by.items()} == {
        "A": ["111.5"],
        "B": ["222.5"],
        "lead": [],
    }


@pytest.mark.parametrize("shown", [True, False])
def test_after_approval_an_extractor_sees_the_partners_entry_where_the_review_allows_it(shown: bool) -> None:
    review = ReviewFactory.create(partner_shown_after_approval=shown)
    trial = trial_at(Status.AGREED, review)
    signed_in(member(review, "lead")).post(reverse("extraction:trial-approve", args=[trial.pk]))
    page = trial_page(trial, holder(trial, "A"))
    assert ("Final record" in page) is shown
    assert ("Entry B" in page) is shown
    assert "Entry A" in page


def test_an_adjudicator_who_extracted_the_trial_sees_no_difference_and_cannot_approve() -> None:
    trial = trial_at(Status.ADJUDICATING)
    both = member(trial.review, "adjudicator", "lead", user=holder(trial, "A"))
    assert "Different" not in trial_page(trial, both)
    decide_all_for_a(trial, by=member(trial.review, "adjudicator"))
    assert reverse("extraction:trial-approve", args=[trial.pk]) not in trial_page(trial, both)
    assert signed_in(both).post(reverse("extraction:trial-approve", args=[trial.pk])).status_code == 403


def test_approving_twice_is_a_readable_refusal() -> None:
    trial = trial_at(Status.AGREED)
    client = signed_in(member(trial.review, "lead"))
    address = reverse("extraction:trial-approve", args=[trial.pk])
    assert client.post(address).status_code == 302
    again = client.post(address)
    assert again.status_code == 409
    assert "cannot be approved" in again.content.decode()


def test_rows_that_match_by_their_confirmed_match_stand_on_one_line() -> None:
    # given two entries that name their outcome differently, matched by a person
    trial = trial_at(Status.ALIGNING)
    lead = member(trial.review, "lead")
    for match in trial.matches.filter(state="proposed"):
        rows = {row.side: row.row for row in match.rows.all()}
        if match.subject == "outcome" and rows:
            a, b = (trial.entries.get(slot=slot).outcomes.get().pk for slot in "AB")
            matching.pair(trial.pk, "outcome", [a], [b], by=lead)
            break
    trial.refresh_from_db()
    assert trial.status != Status.ALIGNING
    page = trial_page(trial, lead)
    lines = re.findall(r'<tbody class="line">(.*?)</tbody>', page, re.DOTALL)
    assert len(lines) == 2
    assert all(line.count("observation-") >= 2 for line in lines)


def test_the_page_of_a_trial_asks_no_more_for_more_differences() -> None:
    review = ReviewFactory.create()
    lead = member(review, "lead")
    client = signed_in(lead)

    def queries(trial: Trial) -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("extraction:trial", args=[trial.pk]))
        return len(captured)

    one = trial_at(Status.ADJUDICATING, review, decider=lead)
    few = queries(one)
    decide_all_for_a(one, by=lead)
    assert queries(one) <= few + 8  # the FINAL entry is one more column


# --- The codebook ---


def test_the_codebook_is_what_the_vocabulary_says() -> None:
    review = ReviewFactory.create(question="Does it help?")
    lead, extractor = member(review, "lead"), member(review, "extractor")
    define.put(Intervention, review.pk, {"code": "cbt", "name": "Cognitive behaviour therapy"}, by=lead)
    define.put(Marker, review.pk, {"code": "crp", "name": "C-reactive protein", "canonical_unit": "mg/L"}, by=lead)
    MarkerFactory.create(code="hidden-marker")
    page = signed_in(extractor).get(reverse("extraction:codebook", args=[review.pk])).content.decode()
    for text in ("Does it help?", "Cognitive behaviour therapy", "crp", "mg/L"):
        assert text in page
    assert "hidden-marker" not in page
    assert signed_in(UserFactory.create()).get(reverse("extraction:codebook", args=[review.pk])).status_code == 404
