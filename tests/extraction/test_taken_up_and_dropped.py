"""A term of the codebook that is taken up and dropped at one moment: under two locks, and whoever is second is told."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError

from extraction import define, enter
from extraction.enter import Change
from extraction.errors import InvalidValues, StaleVersion
from extraction.models import CodebookVersion, Entry, Marker, Outcome, Review
from extraction.record import Subject
from extraction.recorded import verb
from tests.factories import MarkerFactory, ReviewFactory, TrialFactory, draft, holder, made, member
from tests.race import ROUNDS, refused, together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def review(transactional_db: None) -> Any:
    return made(ReviewFactory)


def taking(entry: Entry, marker: Marker) -> list[Change]:
    row = entry.outcomes.get()
    return [Change(Subject.OUTCOME, row.pk, row.version, {"marker": marker.code})]


def entered(review: Review) -> tuple[Entry, Any]:
    trial = made(TrialFactory, review=review)
    return draft(trial, "A"), holder(trial, "A")


@pytest.mark.postgres
def test_what_is_dropped_while_a_save_is_under_way_is_told_to_the_save(review: Review) -> None:
    entry, extractor = entered(review)
    marker: Any = MarkerFactory.create(review=review, code="GRE")
    lead = member(review, "lead")
    saved, dropped = threading.Event(), threading.Event()

    @verb
    def save() -> None:
        enter.save(entry.pk, taking(entry, marker), by=extractor)
        saved.set()
        assert dropped.wait(timeout=20)

    def drop() -> None:
        assert saved.wait(timeout=20)
        define.drop(Marker, marker.pk, by=lead)
        dropped.set()

    refusal, nothing = together(save, drop)
    assert isinstance(refusal, StaleVersion)
    assert nothing is None
    assert not Marker.objects.filter(pk=marker.pk).exists()
    assert Outcome.objects.get(entry=entry).marker is None
    # and the draft goes on
    enter.save(entry.pk, [Change(Subject.OUTCOME, entry.outcomes.get().pk, 1, {"unit": "ng/mL"})], by=extractor)


@ROUNDS
def test_a_term_is_taken_up_or_dropped_never_both(review: Review, rounds: int) -> None:
    lead = member(review, "lead")
    entry, extractor = entered(review)
    for number in range(rounds):
        marker: Any = MarkerFactory.create(review=review, code=f"M{number}")
        version = review.codebook_version
        answers = together(
            partial(enter.save, entry.pk, taking(entry, marker), by=extractor),
            partial(define.drop, Marker, marker.pk, by=lead),
        )
        (refusal,) = [answer for answer in answers if refused(answer)]
        kept = refusal is answers[1]
        review.refresh_from_db()
        assert Marker.objects.filter(pk=marker.pk).exists() is kept
        assert (Outcome.objects.get(entry=entry).marker == marker) is kept
        if kept:  # a drop that was refused left nothing behind
            assert review.codebook_version == version
            assert not CodebookVersion.objects.filter(review=review, changes__icontains=marker.code).exists()
        else:
            assert isinstance(refusal, InvalidValues | StaleVersion)


class ForeignKeyViolation(Exception):
    """What PostgreSQL's driver raises, by the one thing that is read of it."""

    sqlstate = "23503"


@pytest.mark.parametrize(("cause", "told"), [(ForeignKeyViolation(), StaleVersion), (None, IntegrityError)])
def test_only_a_named_row_that_is_gone_is_told_so(cause: Exception | None, told: type[Exception]) -> None:
    @verb
    def wrong() -> None:
        raise IntegrityError("two rows in one place, or a row that names none") from cause

    with pytest.raises(told):
        wrong()
