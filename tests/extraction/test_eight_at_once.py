"""Eight people, one trial: one approval, one saved cell, seven clean refusals. On SQLite as on PostgreSQL."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from extraction import approve, enter
from extraction.checks import Finding
from extraction.enter import Change
from extraction.errors import IllegalMove, StaleVersion
from extraction.looked_over import look_over
from extraction.models import Approval, Entry, Event, Observation, Review
from extraction.models.plain import rows_of
from extraction.record import Subject
from extraction.states import Status
from tests.factories import ReviewFactory, draft, holder, made, member, trial_at
from tests.race import ROUNDS, refused, together

pytestmark = pytest.mark.django_db(transaction=True)

EIGHT = 8


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


@ROUNDS
def test_a_reason_never_outlives_the_value_that_it_was_given_for(rounds: int) -> None:
    """One tab says why n is right while another changes it: kept and void, or refused; never valid for the new n."""
    trial = trial_at(Status.ENTERING)
    extractor = holder(trial, "A")
    entry = draft(trial, "A")
    row: Any = Observation.objects.filter(entry=entry).select_related("arm").first()
    arm: Any = row.arm
    few = Change(Subject.ARM, arm.pk, version=arm.version, values={"n_randomised": "10"})
    enter.save(entry.pk, [few], by=extractor)
    kept_so_far = 0
    for number in range(rounds):
        enter.save(entry.pk, [n_of(row, 20 + 2 * number)], by=extractor)
        seen = warned(entry, row)
        row.refresh_from_db()
        keep = partial(enter.keep, entry.pk, seen.code, seen.row, "As printed", digest=seen.digest, by=extractor)
        kept, saved = together(keep, partial(enter.save, entry.pk, [n_of(row, 21 + 2 * number)], by=extractor))
        assert not refused(saved)
        assert not refused(kept) or isinstance(kept, StaleVersion)
        entry.refresh_from_db()
        (now,) = [one for one in look_over(entry, rows_of(entry), extractor) if one.finding.row == str(row.pk)]
        assert now.is_open  # the reason was given for another n
        assert Event.objects.filter(entry=entry, verb="keep").count() == (
            kept_so_far := kept_so_far + (not refused(kept))
        )


def n_of(row: Any, n: int) -> Change:
    row.refresh_from_db()
    return Change(Subject.OBSERVATION, row.pk, version=row.version, values={"n": str(n)})


def warned(entry: Any, row: Any) -> Finding:
    entry.refresh_from_db()
    found = look_over(entry, rows_of(entry), entry.holder)
    return next(
        one.finding for one in found if one.finding.code == "n_above_randomised" and one.finding.row == str(row.pk)
    )
