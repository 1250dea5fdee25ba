"""Taking a discrepancy in hand, and taking a decision back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from extraction import approve, reconcile
from extraction.adjudicate import claim, undo
from extraction.decisions import Decision
from extraction.errors import Claimed, IllegalMove, NotAllowed, NotFound, StaleVersion
from extraction.models import Claim, Discrepancy, Entry, Event, Resolution, Trial
from extraction.models.claim import LEASE
from extraction.recorded import recording
from extraction.states import Status
from tests.factories import ReviewFactory, TrialFactory, holder, made, member, submitted, trial_at

pytestmark = pytest.mark.django_db

A = Decision(choice="A", reason_code="typo")
B = Decision(choice="B", reason_code="typo")


@pytest.fixture
def trial() -> Trial:
    return trial_at(Status.ADJUDICATING)


def only(trial: Trial) -> Discrepancy:
    found: Discrepancy = trial.discrepancies.get(state__in=["open", "decided"])
    return found


def test_undo_opens_the_discrepancy_and_its_trial_and_keeps_both_lines(trial: Trial) -> None:
    # given a decision after which the trial agrees and has a final draft
    adjudicator = member(trial.review, "adjudicator")
    reconcile.resolve(only(trial).pk, A, by=adjudicator)
    assert Entry.objects.filter(trial=trial, slot="FINAL").exists()
    # when it is taken back
    undo(only(trial).pk, by=adjudicator, version=2)
    # then it waits again, nothing built on it is left, and both lines stand
    trial.refresh_from_db()
    assert (trial.status, only(trial).state) == (Status.ADJUDICATING, "open")
    assert not Entry.objects.filter(trial=trial, slot="FINAL").exists()
    lines = Resolution.objects.filter(discrepancy=only(trial)).values_list("number", "choice", "withdraws")
    assert list(lines) == [(1, "A", False), (2, "", True)]
    assert Event.objects.filter(trial=trial, verb="withdraw", actor=adjudicator).count() == 1
    # and it can be decided the other way, as the third line, by somebody who may have seen what the first one changed
    reconcile.resolve(only(trial).pk, B, by=adjudicator, version=3)
    last = Resolution.objects.get(number=3)
    assert (last.choice, last.outcome_shown) == ("B", True)
    final = Entry.objects.get(trial=trial, slot="FINAL").observations.get(arm__label="Training")
    assert final.centre_printed == "2.1"


def test_a_decision_that_was_taken_back_does_not_count_beside_another_open_one() -> None:
    trial = trial_at(Status.ADJUDICATING)
    row = only(trial)
    reconcile.resolve(row.pk, B, by=member(trial.review, "lead"))
    assert Resolution.objects.that_count([row])[row.pk].choice == "B"
    undo(row.pk, by=member(trial.review, "lead"))
    assert Resolution.objects.that_count([row]) == {}


def test_undo_of_one_decision_leaves_the_trial_and_the_other_as_they_are() -> None:
    # given two differences, of which one is decided
    trial: Trial = made(TrialFactory)
    submitted(trial, "A")
    submitted(trial, "B", cells={"treated": {"n": "30", "centre": "2.1"}})
    first, second = trial.discrepancies.order_by("position")
    adjudicator = member(trial.review, "adjudicator")
    reconcile.resolve(first.pk, A, by=adjudicator)
    # when that decision is taken back
    undo(first.pk, by=adjudicator, version=2)
    # then both wait, the trial waits as before, and the line is there
    trial.refresh_from_db()
    assert trial.status == Status.ADJUDICATING
    assert {(row.pk, row.state, row.version) for row in trial.discrepancies.all()} == {
        (first.pk, "open", 3), (second.pk, "open", 1),
    }  # fmt: skip
    assert Event.objects.get(trial=trial, verb="withdraw").after == {"number": 2}


def test_undo_is_refused_once_the_trial_is_approved(trial: Trial) -> None:
    adjudicator = member(trial.review, "adjudicator")
    reconcile.resolve(only(trial).pk, A, by=adjudicator)
    approve.approve(trial.pk, by=adjudicator)
    with pytest.raises(IllegalMove):
        undo(only(trial).pk, by=adjudicator)
    assert Resolution.objects.count() == 1


def test_undo_of_what_is_open_or_was_decided_anew_since_is_refused(trial: Trial) -> None:
    adjudicator = member(trial.review, "adjudicator")
    with pytest.raises(IllegalMove):
        undo(only(trial).pk, by=adjudicator)
    reconcile.resolve(only(trial).pk, A, by=adjudicator)
    reconcile.resolve(only(trial).pk, B, by=adjudicator)
    with pytest.raises(StaleVersion):
        undo(only(trial).pk, by=adjudicator, version=2)


@pytest.mark.parametrize("act", [undo, claim])
def test_neither_is_for_extractors_readers_or_strangers(trial: Trial, act: Any) -> None:
    row = only(trial)
    reader, stranger = member(trial.review, "reader"), member(made(ReviewFactory), "adjudicator")
    lead_who_extracts = member(trial.review, "lead", "adjudicator", user=holder(trial, "A"))
    for person in (reader, stranger, lead_who_extracts, holder(trial, "B")):
        with pytest.raises((NotFound, NotAllowed)):
            act(row.pk, by=person)


def test_while_one_has_it_in_hand_another_can_neither_take_nor_decide_it(trial: Trial) -> None:
    row, first, second = only(trial), member(trial.review, "adjudicator"), member(trial.review, "lead")
    claim(row.pk, by=first)
    for act in (
        lambda: claim(row.pk, by=second),
        lambda: reconcile.resolve(row.pk, A, by=second),
        lambda: reconcile.resolve_many([row.pk], A, by=second),
        lambda: undo(row.pk, by=second),
    ):
        with pytest.raises(Claimed, match="The adjudicator on duty has this one"):
            act()
    # whoever has it keeps it, decides, and lets go of it by deciding
    claim(row.pk, by=first)
    reconcile.resolve(row.pk, A, by=first)
    assert not Claim.objects.exists()
    undo(row.pk, by=second)


def test_a_claim_ends_by_itself(trial: Trial) -> None:
    row, first, second = only(trial), member(trial.review, "adjudicator"), member(trial.review, "lead")
    held = claim(row.pk, by=first)
    assert timezone.now() < held.until <= timezone.now() + LEASE
    with recording():
        Claim.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert claim(row.pk, by=second).user == second


def test_what_is_not_to_be_decided_is_not_claimed() -> None:
    trial = trial_at(Status.APPROVED)
    assert not trial.discrepancies.exists()
    open_one = trial_at(Status.ADJUDICATING)
    adjudicator = member(open_one.review, "adjudicator")
    reconcile.return_to_extractors(open_one.pk, ["B"], "look again", by=adjudicator)
    with pytest.raises(NotFound):
        claim(only(open_one).pk, by=adjudicator)
    assert not Claim.objects.exists()


@pytest.mark.parametrize("hidden", [True, False])
def test_what_could_be_seen_is_kept_with_the_first_decision(hidden: bool) -> None:
    review = made(ReviewFactory, outcome_hidden_while_deciding=hidden)
    trial = trial_at(Status.ADJUDICATING, review)
    reconcile.resolve(only(trial).pk, A, by=member(review, "adjudicator"))
    assert Resolution.objects.get().outcome_shown is not hidden
