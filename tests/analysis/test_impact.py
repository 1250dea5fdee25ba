"""How much a decision moves the primary synthesis: the size that orders the queue."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from analysis import impact, setup
from analysis.admin import ByImpact
from analysis.impact import impacts
from analysis.models import Effect, PooledResult, Snapshot
from analysis.recompute import recompute
from extraction import approve, enter, reconcile
from extraction.decisions import Decision
from extraction.models import Discrepancy, Review, Trial, User
from tests import factories
from tests.analysis.builders import contrast, person, small_review, trial_with
from tests.analysis.conftest import asked_and_recomputed, shown, synthesis

# What the factories' small trial reports: entry B differs in the sign of the treated arm's mean.
A = [{"arm": "T", "mean": -2.1, "sd": 1.5, "n": 24}, {"arm": "C", "mean": -0.4, "sd": 1.7, "n": 25}]
B = [{"arm": "T", "mean": 2.1, "sd": 1.5, "n": 24}, {"arm": "C", "mean": -0.4, "sd": 1.7, "n": 25}]


def differing(review: Review, cells: dict[str, dict[str, str]] | None = None, label: str = "Differs") -> Trial:
    """A trial whose two entries are submitted and differ where `cells` says."""
    trial: Any = factories.TrialFactory(review=review, label=label)
    factories.submitted(trial, "A", marker="CRP")
    factories.submitted(trial, "B", marker="CRP", cells=cells or {"treated": {"centre": "2.1"}})
    return Trial._base_manager.get(pk=trial.pk)


def rows(review: Review) -> list[Discrepancy]:
    return list(Discrepancy._base_manager.filter(trial__review=review).order_by("trial__label_key", "position"))


def sizes(review: Review) -> list[float]:
    found = impacts(review.pk, rows(review))
    return [found[row.pk] for row in rows(review) if row.pk in found]


def estimate(cells: Any, others: tuple[float, ...] = (-1.0, -1.6, -0.4)) -> float:
    """The primary estimate of a review of its own in which the trial is approved with these cells."""
    review = small_review(f"With {cells}")
    for number, difference in enumerate(others):
        trial_with(review, f"Trial {number}", contrast(difference))
    trial_with(review, "Differs", cells)
    one = synthesis(review, person(review, "lead"))
    assert recompute(review.pk) is not None
    found = shown(one).result.estimate
    assert found is not None
    return found


def test_the_impact_is_the_change_of_the_primary_synthesis(pooled: Review) -> None:
    differing(pooled)
    assert sizes(pooled) == [pytest.approx(abs(estimate(A) - estimate(B)), rel=1e-9)]


def test_before_the_first_approval_it_is_the_change_of_the_effect_alone(review: Review, lead: User) -> None:
    synthesis(review, lead)
    differing(review)
    alone = [estimate(cells, others=()) for cells in (A, B)]
    assert sizes(review) == [pytest.approx(abs(alone[0] - alone[1]), rel=1e-9)]


def test_other_open_values_of_the_trial_stand_at_a(pooled: Review) -> None:
    differing(pooled, {"treated": {"centre": "2.1"}, "control": {"centre": "-4.0"}})
    by_field = [A, B, [A[0], {**A[1], "mean": -4.0}]]
    with_a, with_first, with_second = (estimate(cells) for cells in by_field)
    assert sizes(pooled) == [
        pytest.approx(abs(with_a - with_first), rel=1e-9),
        pytest.approx(abs(with_a - with_second), rel=1e-9),
    ]


def test_what_was_decided_stands_as_decided(pooled: Review) -> None:
    differing(pooled, {"treated": {"centre": "2.1"}, "control": {"centre": "-4.0"}})
    first, second = rows(pooled)
    decider = person(pooled, "adjudicator")
    reconcile.resolve(first.pk, Decision(choice="B", reason_code="typo"), by=decider)
    with_b = estimate(B) - estimate([B[0], {**A[1], "mean": -4.0}])
    assert impacts(pooled.pk, rows(pooled))[second.pk] == pytest.approx(abs(with_b), rel=1e-9)
    # and a decided one keeps its size, so that it keeps its place
    assert first.pk in impacts(pooled.pk, rows(pooled))


def test_a_reopened_trial_is_not_counted_twice(pooled: Review, lead: User) -> None:
    trial = differing(pooled)
    decider = person(pooled, "adjudicator", "lead")
    factories.decide_all_for_a(trial, by=decider)
    approve.approve(trial.pk, by=decider)
    asked_and_recomputed(pooled)
    approve.reopen(trial.pk, "look again", by=decider)
    assert sizes(pooled) == [pytest.approx(abs(estimate(A) - estimate(B)), rel=1e-9)]


def test_a_row_that_one_side_lacks_has_the_size_of_its_effect(pooled: Review) -> None:
    trial: Any = factories.TrialFactory(review=pooled)
    factories.submitted(trial, "A", marker="CRP")
    changes = [c for c in factories.small_changes(marker="CRP") if c.values.get("centre") != "-2.1"]
    entry = enter.start(trial.pk, by=factories.holder(trial, "B"))
    enter.save(entry.pk, changes, by=factories.holder(trial, "B"))
    enter.submit(entry.pk, by=factories.holder(trial, "B"))
    before = shown(pooled.syntheses.get()).result.estimate
    assert before is not None
    assert sizes(pooled) == [pytest.approx(abs(estimate(A) - before), rel=1e-9)]


def test_nothing_is_stored_and_the_order_of_asking_changes_nothing(pooled: Review) -> None:
    differing(pooled)
    differing(pooled, {"control": {"n": "22"}}, label="Also")
    before = Effect.objects.count(), PooledResult.objects.count(), Snapshot.objects.count()
    found = impacts(pooled.pk, rows(pooled))
    cache.clear()
    assert impacts(pooled.pk, list(reversed(rows(pooled)))) == found
    assert len(found) == 2
    assert (Effect.objects.count(), PooledResult.objects.count(), Snapshot.objects.count()) == before


def test_without_a_primary_synthesis_or_a_pooled_marker_nothing_has_a_size(review: Review, lead: User) -> None:
    differing(review)
    assert sizes(review) == []
    synthesis(review, lead, filters={"markers": ["IL-10"]})
    trial_with(review, "Approved", contrast(-1.0, marker="IL-10"))
    asked_and_recomputed(review)
    assert sizes(review) == [0.0]  # the decision does not touch what is pooled


def test_sizes_are_worked_out_once_until_something_changes(
    pooled: Review, lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    differing(pooled)
    worked_out: list[Any] = []
    original = impact._Base.shifts

    def counted(self: Any, trial: Any) -> Any:
        worked_out.append(trial)
        return original(self, trial)

    monkeypatch.setattr(impact._Base, "shifts", counted)
    first = sizes(pooled)
    assert sizes(pooled) == first
    assert len(worked_out) == 1
    # another approval, another option, another decision: each is worked out anew
    trial_with(pooled, "Another", contrast(-3.0))
    asked_and_recomputed(pooled)
    second = sizes(pooled)
    setup.change_synthesis(pooled.syntheses.get().pk, {"rho": 0.1}, by=lead)
    sizes(pooled)
    assert len(worked_out) == 3
    assert second != first


def test_many_differences_take_no_more_queries_than_one(pooled: Review, django_assert_max_num_queries: Any) -> None:
    differing(pooled)
    with django_assert_max_num_queries(30) as one:
        sizes(pooled)
    for number in range(4):
        differing(pooled, label=f"More {number}")
    cache.clear()
    with django_assert_max_num_queries(30) as many:
        assert len(sizes(pooled)) == 5
    assert len(many) == len(one)


def test_the_queue_stands_in_the_order_of_impact_and_tells_the_size_only(pooled: Review) -> None:
    small = differing(pooled, {"control": {"centre": "-0.5"}}, label="A small one")
    large = differing(pooled, label="Z large one")
    adjudicator = person(pooled, "adjudicator")
    adjudicator.is_staff = True
    adjudicator.save()
    client = Client()
    client.force_login(adjudicator)
    html = client.get(reverse("admin:extraction_discrepancy_changelist")).content.decode()
    assert html.index(large.label) < html.index(small.label)
    first, second = sizes(pooled)
    for size in (first, second):
        assert f"{size:.4f}" in html
        assert f"−{size:.4f}" not in html


def test_a_deciders_page_shows_no_size_of_another_review(pooled: Review) -> None:
    differing(pooled)
    stranger = person(small_review("Other"), "adjudicator")
    stranger.is_staff = True
    stranger.save()
    client = Client()
    client.force_login(stranger)
    html = client.get(reverse("admin:extraction_discrepancy_changelist")).content.decode()
    assert "shift" not in html


def test_the_administration_filters_by_impact(pooled: Review, monkeypatch: pytest.MonkeyPatch) -> None:
    bound = 0.01  # among four trials nothing moves the result by less than 0.001
    monkeypatch.setattr(ByImpact, "BOUNDS", {"none": (0.0, 0.00005), "small": (0.00005, bound), "large": (bound, None)})
    differing(pooled, {"control": {"n": "24"}}, label="Small")
    differing(pooled, label="Large")
    adjudicator = person(pooled, "adjudicator")
    adjudicator.is_staff = True
    adjudicator.save()
    client = Client()
    client.force_login(adjudicator)
    small, large = (impacts(pooled.pk, rows(pooled))[row.pk] for row in reversed(rows(pooled)))

    def found(value: str) -> list[str]:
        response = client.get(reverse("admin:extraction_discrepancy_changelist"), {"impact": value})
        return [row.trial.label for row in response.context["cl"].result_list]

    assert small < bound <= large, "the two stand on either side of the bound"
    assert (found("large"), found("small")) == (["Large"], ["Small"])
    assert (found("none"), found("unknown"), found("x")) == ([], [], [])
