"""What a choice changes: told after the decision, or before it where the review says so; never to others."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from analysis.impact import outcomes_of, shifts
from analysis.recompute import recompute
from extraction import reconcile
from extraction.decisions import Decision
from extraction.desk import Desk
from extraction.models import Discrepancy, Review, User
from extraction.recorded import recording
from tests.analysis.builders import contrast, person, small_review, trial_with
from tests.analysis.conftest import synthesis
from tests.analysis.test_impact import A, B, differing, estimate, rows
from tests.factories import holder, member


def choice(user: User, row: Discrepancy, **headers: str) -> Any:
    client = Client()
    client.force_login(user)
    return client.get(reverse("analysis:choice", args=[row.pk]), headers=headers)


def decided(review: Review) -> tuple[Discrepancy, User]:
    differing(review)
    (row,) = rows(review)
    adjudicator = person(review, "adjudicator")
    reconcile.resolve(row.pk, Decision(choice="A", reason_code="typo"), by=adjudicator)
    return rows(review)[0], adjudicator


def test_both_ways_are_pooled_in_full_with_their_interval(pooled: Review) -> None:
    row, _ = decided(pooled)
    first, second = outcomes_of(pooled.pk, row)
    assert first.estimate == pytest.approx(estimate(A))
    assert second.estimate == pytest.approx(estimate(B))
    assert first.low is not None
    assert first.low < first.estimate < first.high  # type: ignore[operator]
    shift = shifts(pooled.pk, [row])[row.pk]
    assert shift.change == pytest.approx(second.estimate - first.estimate, abs=1e-12)  # type: ignore[operator]
    assert shift.size == abs(shift.change)  # type: ignore[arg-type]


def test_before_the_decision_it_is_closed_and_the_queue_tells_the_size_alone(pooled: Review) -> None:
    differing(pooled)
    (row,) = rows(pooled)
    adjudicator = person(pooled, "adjudicator")
    response = choice(adjudicator, row)
    assert response.status_code == 403
    assert "opens once it is decided" in response.content.decode()
    impact = Desk.of(pooled, adjudicator).impacts[row.pk]
    assert impact.size > 0
    assert impact.change is None


def test_a_review_may_show_it_before(pooled: Review) -> None:
    differing(pooled)
    with recording():
        pooled.outcome_hidden_while_deciding = False
        pooled.save()
    (row,) = rows(pooled)
    adjudicator = person(pooled, "adjudicator")
    assert choice(adjudicator, row).status_code == 200
    impact = Desk.of(pooled, adjudicator).impacts[row.pk]
    assert impact.change is not None
    assert abs(impact.change) == impact.size


def test_after_the_decision_it_stands_on_the_page_and_by_itself(pooled: Review) -> None:
    row, adjudicator = decided(pooled)
    part = choice(adjudicator, row, HX_Request="true").content.decode()
    whole = choice(adjudicator, row).content.decode()
    assert "From A to B the pooled estimate moves by" in part
    assert "<html" not in part
    assert "<html" in whole
    change = Desk.of(pooled, adjudicator).impacts[row.pk].change
    assert f"{abs(change or 0):.4f}" in part


def test_it_is_not_for_extractors_readers_or_strangers(pooled: Review) -> None:
    row, _ = decided(pooled)
    extractor = member(pooled, "lead", "adjudicator", "reader", user=holder(row.trial, "A"))
    for user in (extractor, person(pooled, "reader"), person(pooled, "extractor")):
        assert choice(user, row).status_code == 404


def test_where_one_way_leaves_nothing_to_pool_it_says_so(db: None) -> None:
    review = small_review()
    trial_with(review, "Of another marker", contrast(-1.0, marker="IL-10"))
    synthesis(review, person(review, "lead"), filters={"markers": ["CRP"]})
    assert recompute(review.pk) is not None
    differing(review, {"treated": {"centre": "NR"}})
    (row,) = rows(review)
    adjudicator = person(review, "adjudicator")
    reconcile.resolve(row.pk, Decision(choice="A", reason_code="typo"), by=adjudicator)
    first, second = outcomes_of(review.pk, row)
    assert first.p is not None
    assert (second.estimate, second.low, second.high, second.p) == (None, None, None, None)
    answer = choice(adjudicator, row)
    assert answer.status_code == 200
    assert "The pooled result cannot be computed one way or the other." in answer.content.decode()
