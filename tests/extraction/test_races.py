"""Two people at once: one wins, the other is told so cleanly, and no version is a mixture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from extraction import approve, chains, reconcile
from extraction.decisions import Decision
from extraction.errors import DuplicateRow, IllegalMove, StaleVersion
from extraction.models import Approval, Discrepancy, Entry, Resolution, Rule, Trial
from extraction.rules import make_rule
from extraction.states import Status
from tests.factories import ReviewFactory, decide_all_for_a, made, member, trial_at
from tests.race import ROUNDS, refused, together

pytestmark = pytest.mark.django_db(transaction=True)


def refusals(answers: Sequence[Any]) -> list[Any]:
    return [answer for answer in answers if refused(answer)]


def decided(review: Any, lead: Any) -> tuple[Trial, Discrepancy]:
    trial = trial_at(Status.ADJUDICATING, review, decider=lead)
    decide_all_for_a(trial, by=lead)
    return trial, Discrepancy.objects.get(trial=trial)


def says(entry: Entry) -> str:
    return str(entry.observations.get(arm__label="Training").centre_printed)


@ROUNDS
def test_approve_against_resolve(rounds: int) -> None:
    """Whoever approves signs what they read: a decision that slips in first makes the signature stale."""
    review = made(ReviewFactory)
    lead, other = member(review, "lead", "adjudicator"), member(review, "adjudicator")
    won = {"approve": 0, "resolve": 0}
    for _ in range(rounds):
        trial, difference = decided(review, lead)
        draft = Entry.objects.get(trial=trial, slot="FINAL")
        answers = together(
            partial(approve.approve, trial.pk, by=lead, draft=draft.pk),
            partial(reconcile.resolve, difference.pk, Decision("B", "misread"), by=other),
        )
        (refusal,) = refusals(answers)
        trial.refresh_from_db()
        final = Entry.objects.get(trial=trial, slot="FINAL")
        if refusal is answers[0]:
            won["resolve"] += 1
            assert isinstance(refusal, StaleVersion)
            assert (trial.status, Approval.objects.filter(trial=trial).count()) == (Status.AGREED, 0)
            assert (says(final), final.state) == ("2.1", "draft")
        else:
            won["approve"] += 1
            assert isinstance(refusal, IllegalMove)
            assert (trial.status, Resolution.objects.filter(discrepancy=difference).count()) == (Status.APPROVED, 1)
            assert (says(final), final.state) == ("-2.1", "submitted")
            assert Approval.objects.get(trial=trial).digest == final.digest
    assert chains.read_all([]).whole
    assert rounds < 100 or min(won.values()) > 0, f"one side always came first: {won}"


@ROUNDS
def test_reopen_against_approve(rounds: int) -> None:
    """One approved version a trial at a time, and no reopening of what is not approved."""
    review = made(ReviewFactory)
    lead, other = member(review, "lead", "adjudicator"), member(review, "adjudicator")
    won = {"approved, then reopened": 0, "reopened too soon": 0}
    for _ in range(rounds):
        trial, _difference = decided(review, lead)
        answers = together(
            partial(approve.approve, trial.pk, by=lead),
            partial(approve.reopen, trial.pk, "the wrong table", by=other),
        )
        trial.refresh_from_db()
        assert not refused(answers[0])
        assert Approval.objects.filter(trial=trial).count() == 1
        assert trial.approved_entry == Entry.objects.get(trial=trial, slot="FINAL")
        if refusals(answers):
            won["reopened too soon"] += 1
            assert isinstance(answers[1], IllegalMove)
            assert trial.status == Status.APPROVED
        else:
            won["approved, then reopened"] += 1
            assert (trial.status, trial.under_revision) == (Status.ADJUDICATING, True)
    assert chains.read_all([]).whole
    assert rounds < 100 or min(won.values()) > 0, f"one side always came first: {won}"


@ROUNDS
def test_two_approvals_at_once_make_one_signature(rounds: int) -> None:
    review = made(ReviewFactory)
    lead, other = member(review, "lead", "adjudicator"), member(review, "adjudicator")
    for _ in range(rounds):
        trial, _difference = decided(review, lead)
        acts = [partial(approve.approve, trial.pk, by=by) for by in (lead, other)]
        (refusal,) = refusals(together(*acts))
        assert isinstance(refusal, IllegalMove)
        assert Approval.objects.filter(trial=trial).count() == 1


@ROUNDS
def test_a_rule_made_twice_at_once_is_one_rule(rounds: int) -> None:
    review = made(ReviewFactory)
    lead, other = member(review, "lead", "adjudicator"), member(review, "adjudicator")
    _trial, difference = decided(review, lead)
    for number in range(1, rounds + 1):
        values = {"text": f"Use the table of round {number}"}
        acts = [partial(make_rule, review.pk, values, by=by, origin=difference.pk) for by in (lead, other)]
        (refusal,) = refusals(together(*acts))
        assert isinstance(refusal, DuplicateRow)
        assert Rule.objects.get(review=review, text=values["text"]).number == number
    assert chains.read_all([]).whole
