"""The impact of every open discrepancy of the demo review against what a full recompute makes of it.

The real path: decide as asked, approve the trial, freeze the approved data, compute the effects, pool, and read the
primary result; once with A's value and once with B's. Everything is undone after each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.core.cache import cache
from django.db import transaction

from analysis import setup
from analysis.impact import shifts
from analysis.models import CurrentResult, Synthesis
from analysis.recompute import recompute
from analysis.specification import Measure
from extraction import approve, reconcile
from extraction.decisions import Decision
from extraction.demo.load import People, load, make_people
from extraction.models import Discrepancy, Review

CLOSE = 1e-9


@pytest.fixture(scope="module")
def demo(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[Review, People]]:
    """The demo review with its primary synthesis computed; the others would only cost time here."""
    with django_db_blocker.unblock(), transaction.atomic():
        people, _ = make_people()
        review = load(people)
        setup.create_default_syntheses(review.pk, by=people.lead, measure=Measure.CHANGE_G)
        Synthesis._base_manager.filter(review=review, is_primary=False).delete()
        assert recompute(review.pk) is not None
        yield review, people
        transaction.set_rollback(True)


def estimate(review: Review, people: People, rows: list[Discrepancy], by: dict[UUID, str]) -> float:
    """The primary estimate once the trial of `rows` is decided so and approved; then all of it is undone."""
    with transaction.atomic():
        for row in rows:
            reconcile.resolve(row.pk, Decision(choice=by[row.pk], reason_code="judgement"), by=people.adjudicator)
        approve.approve(rows[0].trial_id, by=people.lead)
        assert recompute(review.pk) is not None
        value = CurrentResult.objects.get(synthesis__review=review).result.estimate
        transaction.set_rollback(True)
    assert value is not None
    return value


@pytest.mark.django_db
def test_each_of_the_34_impacts_is_that_of_a_full_recompute(demo: tuple[Review, People]) -> None:
    review, people = demo
    of_trial: dict[int, list[Discrepancy]] = defaultdict(list)
    open_ones = Discrepancy.objects.filter(trial__review=review, state="open").select_related("trial__review")
    for row in open_ones.order_by("trial", "position"):
        of_trial[row.trial_id].append(row)
    cache.clear()
    told = shifts(review.pk, list(open_ones))
    assert len(told) == 34
    wrong = []
    for rows in of_trial.values():
        at_a = {row.pk: "A" for row in rows}
        base = estimate(review, people, rows, at_a)
        for row in rows:
            change = estimate(review, people, rows, {**at_a, row.pk: "B"}) - base
            shift = told[row.pk]
            if abs(shift.size - abs(change)) > CLOSE or shift.change is None or abs(shift.change - change) > CLOSE:
                wrong.append(f"{row}: {shift.change} is told, {change} comes out")
    assert wrong == []
    assert sorted(told.values(), key=lambda shift: shift.size)[-1].size > 0.005, "not all of them are zero"
