"""Two people at once on the matches of a trial: one winner, a clean refusal, and nothing that rests on two versions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from extraction import matching, reconcile
from extraction.decisions import Decision
from extraction.models import Discrepancy, Entry, Event, Match, MatchedRow, Resolution, Trial
from extraction.states import EntryState, Status
from tests.extraction.structures import arm, described
from tests.factories import ReviewFactory, TrialFactory, made, member, trial_at
from tests.race import ROUNDS, refused, together

pytestmark = pytest.mark.django_db(transaction=True)

DECISION = Decision(choice="B", reason_code="typo")


def sound(trial: Trial) -> None:
    """Every row stands in one match; what is current fits the state; the history is one chain."""
    trial.refresh_from_db()
    rows = [row.row for match in Match.objects.filter(trial=trial) for row in match.rows.all()]
    assert len(rows) == len(set(rows))
    structure = 0
    for entry in Entry.objects.filter(trial=trial, slot__in=["A", "B"]):
        structure += entry.arms.count() + entry.timepoints.count() + entry.outcomes.count()
    assert len(rows) == structure
    waiting = Match.objects.filter(trial=trial, state="proposed").exists()
    assert waiting == (trial.status == Status.ALIGNING)
    current = Discrepancy.objects.filter(trial=trial).current()
    if waiting:
        assert not current.exists()
    else:
        open_now = current.filter(state="open").exists()
        assert trial.status == (Status.ADJUDICATING if open_now else Status.AGREED)
    final = Entry.objects.filter(trial=trial, slot="FINAL", state=EntryState.DRAFT).exists()
    assert final == (trial.status == Status.AGREED)
    chain = list(Event.objects.filter(chain=f"trial:{trial.pk}").order_by("seq"))
    assert [event.seq for event in chain] == list(range(1, len(chain) + 1))
    assert all(event.hash == event.expected_hash() for event in chain)


def race(first: Callable[[], Any], second: Callable[[], Any], turn: int) -> list[Any]:
    """Both at once, each of them first in every second round."""
    if turn % 2:
        return together(second, first)[::-1]
    return together(first, second)


@ROUNDS
def test_two_confirm_one_match(rounds: int) -> None:
    review = made(ReviewFactory)
    people = [member(review, "adjudicator") for _ in range(2)]
    for turn in range(rounds):
        trial = trial_at(Status.ALIGNING, review)
        keys = list(Match.objects.filter(trial=trial, state="proposed").values_list("pk", flat=True))
        acts = [partial(matching.confirm_many, trial.pk, keys, by=person) for person in people]
        outcomes = race(acts[0], acts[1], turn)
        assert sum(refused(outcome) for outcome in outcomes) == 1
        assert Event.objects.filter(trial=trial, verb="confirm match").count() == 1
        sound(trial)


@ROUNDS
def test_a_match_is_changed_while_somebody_decides(rounds: int) -> None:
    review = made(ReviewFactory)
    first, second = (member(review, "adjudicator") for _ in range(2))
    arms = [arm("HIIT", "20"), arm("Rest", "25", "control")]
    for turn in range(rounds):
        trial = made(TrialFactory, review=review)
        described(trial, "A", arms, centres={"HIIT": "5.1", "Rest": "9.1"})
        described(trial, "B", arms, centres={"HIIT": "5.7", "Rest": "9.1"})
        row = Discrepancy.objects.filter(trial=trial, state="open").order_by("position")[0]
        match = Match.objects.filter(trial=trial, subject="arm", rows__label="HIIT").distinct().get()
        parted, decided = race(
            partial(matching.part, match.pk, by=first),
            partial(reconcile.resolve, row.pk, DECISION, by=second, version=1),
            turn,
        )
        assert not refused(parted)  # a match may be changed before and after a decision
        row.refresh_from_db()
        assert row.superseded
        assert Resolution.objects.filter(discrepancy=row).exists() != refused(decided)
        sound(trial)
        matching.undo(trial.pk, by=first)
        row.refresh_from_db()
        assert not row.superseded
        assert (row.state == "decided") != refused(decided)
        sound(trial)


@ROUNDS
def test_two_match_one_row_to_different_partners(rounds: int) -> None:
    review = made(ReviewFactory)
    people = [member(review, "adjudicator") for _ in range(2)]
    arms = [arm("One", "20"), arm("Two", "20"), arm("Three", "25", "control")]
    others = [arm("Uno", "20"), arm("Due", "20"), arm("Tre", "25", "control")]
    for turn in range(rounds):
        trial = made(TrialFactory, review=review)
        described(trial, "A", arms, centres={"Three": "9.1"})
        described(trial, "B", others, centres={"Tre": "9.1"})
        rows = {row.label: row for row in MatchedRow.objects.filter(match__trial=trial)}
        one = rows["One"]
        acts = [
            partial(
                matching.pair, trial.pk, "arm", [one.row], [rows[label].row], by=person,
                seen={one.match_id, rows[label].match_id},
            )
            for label, person in zip(("Uno", "Due"), people, strict=True)
        ]  # fmt: skip
        outcomes = race(acts[0], acts[1], turn)
        assert sum(refused(outcome) for outcome in outcomes) == 1
        sound(trial)
