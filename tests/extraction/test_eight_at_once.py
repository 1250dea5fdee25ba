"""Eight people, one trial: one approval, one saved cell, seven clean refusals. On SQLite as on PostgreSQL."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from extraction import approve, enter
from extraction.enter import Change
from extraction.errors import IllegalMove, StaleVersion
from extraction.models import Approval, Entry, Event, Observation, Review
from extraction.record import Subject
from extraction.states import Status
from tests.factories import ReviewFactory, draft, holder, made, member, trial_at
from tests.race import refused, together

pytestmark = pytest.mark.django_db(transaction=True)

EIGHT = 8
ROUNDS = pytest.mark.parametrize("rounds", [3, pytest.param(40, marks=pytest.mark.slow)])


@ROUNDS
def test_of_eight_approvals_one_is_signed(rounds: int) -> None:
    review: Review = made(ReviewFactory)
    leads = [member(review, "lead") for _ in range(EIGHT)]
    for _ in range(rounds):
        trial = trial_at(Status.AGREED, review)
        outcomes = together(*(partial(approve.approve, trial.pk, by=lead) for lead in leads))
        assert [type(one) for one in outcomes if refused(one)] == [IllegalMove] * (EIGHT - 1)
        assert Approval.objects.filter(trial=trial).count() == 1
        assert Event.objects.filter(trial=trial, entry=None, verb="approve").count() == 1
        assert Entry.objects.filter(trial=trial, slot="FINAL").count() == 1


@ROUNDS
def test_of_eight_saves_of_one_cell_from_one_version_one_is_kept(rounds: int) -> None:
    trial = trial_at(Status.ENTERING)
    extractor = holder(trial, "A")
    entry = draft(trial, "A")
    row: Any = Observation.objects.filter(entry=entry).first()
    for _ in range(rounds):
        row.refresh_from_db()
        before, lines = row.version, Event.objects.filter(entry=entry).count()
        typed = [f"{before}.{number}" for number in range(EIGHT)]
        outcomes = together(*(partial(enter.save, entry.pk, [change_of(row, text)], by=extractor) for text in typed))
        assert [type(one) for one in outcomes if refused(one)] == [StaleVersion] * (EIGHT - 1)
        (winner,) = (number for number, one in enumerate(outcomes) if not refused(one))
        row.refresh_from_db()
        assert (row.centre_printed, row.version) == (typed[winner], before + 1)
        assert Event.objects.filter(entry=entry).count() == lines + 1


def change_of(row: Any, text: str) -> Change:
    return Change(Subject.OBSERVATION, row.pk, version=row.version, values={"centre": text})
