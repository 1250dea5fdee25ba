"""Two at once on one trial: one winner, a clean refusal for the other, and no version mixed of both.

The few rounds of every run show that the test works; the many marked slow look for what is rare. On SQLite as
on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from extraction import approve, reconcile
from extraction.adjudicate import claim, undo
from extraction.decisions import Decision
from extraction.errors import ExtractionError
from extraction.models import Approval, Claim, Discrepancy, Entry, Event, Resolution, Review, Trial, User
from extraction.states import EntryState, Status
from tests.factories import ReviewFactory, made, member, trial_at
from tests.race import ROUNDS, refused, together

pytestmark = pytest.mark.django_db(transaction=True)

A, B = (Decision(choice=choice, reason_code="typo") for choice in "AB")
PRINTED = {"A": "-2.1", "B": "2.1"}


class Desk:
    """One review with two deciders; each round has a trial of its own."""

    def __init__(self) -> None:
        self.review: Review = made(ReviewFactory)
        self.first, self.second = (member(self.review, "adjudicator", "lead") for _ in range(2))

    def trial(self, *decisions: Decision) -> tuple[Trial, Any]:
        trial = trial_at(Status.ADJUDICATING, self.review)
        row = trial.discrepancies.get(state="open")
        for decision in decisions:
            reconcile.resolve(row.pk, decision, by=self.first)
        return trial, row.pk


@pytest.fixture
def desk() -> Desk:
    return Desk()


def sound(trial: Trial) -> str:
    """The state of the trial, once what it holds agrees with it."""
    trial.refresh_from_db()
    row = Discrepancy.objects.get(trial=trial, superseded=False)
    lines = list(Resolution.objects.filter(discrepancy=row).order_by("number"))
    assert [line.number for line in lines] == list(range(1, row.version))
    decided = bool(lines) and not lines[-1].withdraws
    assert (row.state == "decided") == decided
    draft = Entry.objects.filter(trial=trial, slot="FINAL", state=EntryState.DRAFT).first()
    assert (draft is not None) == (trial.status == Status.AGREED)
    approved = trial.approved_entry
    assert Approval.objects.filter(trial=trial).count() == (approved is not None)
    standing = draft or (approved if trial.status == Status.APPROVED else None)
    if standing is not None:
        final = standing.observations.get(arm__label="Training")
        assert decided
        assert final.centre_printed == PRINTED[lines[-1].choice]
    verify(trial)
    return str(trial.status)


def verify(trial: Trial) -> None:
    """The history is one unbroken chain: each line holds the hash of the one before it."""
    chain = list(Event.objects.filter(trial=trial, entry=None).order_by("seq").values_list("previous_hash", "hash"))
    assert all(after[0] == before[1] for before, after in pairwise(chain))


def race(first: Callable[[], Any], second: Callable[[], Any]) -> list[Any]:
    outcomes = together(first, second)
    for outcome in outcomes:
        assert not refused(outcome) or isinstance(outcome, ExtractionError)
        assert not refused(outcome) or outcome.status in {403, 409}, outcome
    return outcomes


def resolving(row: Any, decision: Decision, by: User, version: int = 1) -> Callable[[], Any]:
    return lambda: reconcile.resolve(row, decision, by=by, version=version)


@ROUNDS
def test_two_adjudicators_and_one_discrepancy(desk: Desk, rounds: int) -> None:
    for _ in range(rounds):
        trial, row = desk.trial()
        outcomes = race(resolving(row, A, desk.first), resolving(row, B, desk.second))
        assert sorted(map(refused, outcomes)) == [False, True]
        assert sound(trial) == Status.AGREED


@ROUNDS
def test_two_adjudicators_take_the_same_one_in_hand(desk: Desk, rounds: int) -> None:
    for _ in range(rounds):
        _, row = desk.trial()
        outcomes = race(partial(claim, row, by=desk.first), partial(claim, row, by=desk.second))
        assert sorted(map(refused, outcomes)) == [False, True]
        assert Claim.objects.filter(discrepancy=row).count() == 1


@ROUNDS
def test_resolve_against_reopen(desk: Desk, rounds: int) -> None:
    for _ in range(rounds):
        trial, row = desk.trial(A)
        approve.approve(trial.pk, by=desk.first)
        decided, reopened = race(
            resolving(row, B, desk.second, version=2),
            partial(approve.reopen, trial.pk, "look again", by=desk.first),
        )
        assert not refused(reopened)
        # either the decision came first and met an approved trial, or it came into the reopened one
        assert sound(trial) == (Status.ADJUDICATING if refused(decided) else Status.AGREED)


@ROUNDS
def test_approve_against_resolve(desk: Desk, rounds: int) -> None:
    for _ in range(rounds):
        trial, row = desk.trial(A)
        approved, decided = race(
            partial(approve.approve, trial.pk, by=desk.first), resolving(row, B, desk.second, version=2)
        )
        assert not refused(approved), "it is agreed before and after the decision"
        assert sound(trial) == Status.APPROVED
        final = Entry.objects.get(trial=trial, slot="FINAL").observations.get(arm__label="Training")
        assert final.centre_printed == PRINTED["A" if refused(decided) else "B"]


@ROUNDS
def test_undo_against_approve(desk: Desk, rounds: int) -> None:
    for _ in range(rounds):
        trial, row = desk.trial(A)
        undone, approved = race(
            partial(undo, row, by=desk.second, version=2),
            partial(approve.approve, trial.pk, by=desk.first),
        )
        assert sorted(map(refused, (undone, approved))) == [False, True]
        assert sound(trial) == (Status.APPROVED if refused(undone) else Status.ADJUDICATING)


@ROUNDS
def test_undo_against_undo(desk: Desk, rounds: int) -> None:
    for _ in range(rounds):
        trial, row = desk.trial(A)
        acts = [partial(undo, row, by=by, version=2) for by in (desk.first, desk.second)]
        assert sorted(map(refused, race(*acts))) == [False, True]
        assert sound(trial) == Status.ADJUDICATING
