"""What pages say of a result: fresh, recomputing, or older than the data."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from analysis import setup
from analysis.freshness import Freshness, State, freshness
from analysis.models import RecomputeRequest, Synthesis
from extraction.models import Marker, Moderator, Review, Trial, User
from extraction.recorded import recording
from tests.analysis.builders import contrast, trial_with
from tests.analysis.conftest import asked_and_recomputed, recomputed, synthesis


def told(review: Review) -> Freshness:
    rows = Synthesis._base_manager.filter(review=review).select_related(
        "review", "moderator", "current__result", "current__snapshot"
    )
    return freshness(review.pk, list(rows))


def states(review: Review) -> list[State]:
    return list(told(review).states.values())


def test_a_result_on_the_data_as_they_are_is_fresh(pooled: Review) -> None:
    assert states(pooled) == [State.FRESH]


def test_a_new_approval_makes_results_recompute_until_the_run_is_done(pooled: Review) -> None:
    trial_with(pooled, "Another", contrast(-2.0))
    RecomputeRequest.objects.raise_for(pooled.pk)
    assert states(pooled) == [State.RECOMPUTING]
    recomputed(pooled)
    assert states(pooled) == [State.FRESH]


def test_changed_data_that_nobody_announced_are_noticed_all_the_same(pooled: Review) -> None:
    # no flag is raised: the digests tell
    trial_with(pooled, "Unannounced", contrast(-2.0))
    assert states(pooled) == [State.OLD]


@pytest.mark.parametrize("what", ["direction", "imputed r", "exclusion"])
def test_everything_that_results_depend_on_is_in_the_digest(pooled: Review, what: str) -> None:
    with recording():
        if what == "direction":
            Marker._base_manager.filter(review=pooled, code="CRP").update(direction=1)
        elif what == "imputed r":
            Review._base_manager.filter(pk=pooled.pk).update(imputed_r=0.7)
        else:
            Trial._base_manager.filter(label="Trial 0").update(excluded_at=timezone.now(), exclusion_reason="double")
    assert states(pooled) == [State.OLD]


def test_what_results_do_not_depend_on_leaves_them_fresh(pooled: Review) -> None:
    with recording():
        Review._base_manager.filter(pk=pooled.pk).update(title="Another title", question="Why?")
        Marker._base_manager.filter(review=pooled, code="CRP").update(definition="C-reactive protein")
        Moderator._base_manager.filter(review=pooled, code="age").update(name="Age")
    assert states(pooled) == [State.FRESH]


def test_a_changed_synthesis_is_not_fresh_while_the_others_are(pooled: Review, lead: User) -> None:
    other = synthesis(pooled, lead, name="Other", rho=0.5)
    recomputed(pooled)
    setup.change_synthesis(other.pk, {"rho": 0.4}, by=lead)
    assert states(pooled) == [State.FRESH, State.RECOMPUTING]


def test_a_wish_that_nobody_takes_for_long_is_not_called_recomputing(pooled: Review) -> None:
    trial_with(pooled, "Another", contrast(-2.0))
    RecomputeRequest.objects.raise_for(pooled.pk)
    RecomputeRequest.objects.update(wanted_at=timezone.now() - timedelta(minutes=2))
    assert states(pooled) == [State.OLD]
    # unless a worker is at it
    assert RecomputeRequest.objects.claim(pooled.pk) is not None
    assert states(pooled) == [State.RECOMPUTING]


def test_a_failed_try_is_told_with_its_time(pooled: Review) -> None:
    trial_with(pooled, "Another", contrast(-2.0))
    RecomputeRequest.objects.raise_for(pooled.pk)
    claim = RecomputeRequest.objects.claim(pooled.pk)
    assert claim is not None
    RecomputeRequest.objects.fail(claim, "ValueError in somewhere")
    now = told(pooled)
    assert list(now.states.values()) == [State.OLD]
    assert now.last_failed is not None
    assert not now.given_up


def test_before_the_first_run_there_is_nothing_to_be_fresh(review: Review, lead: User) -> None:
    synthesis(review, lead)
    assert states(review) == [State.RECOMPUTING]
    RecomputeRequest.objects.update(done=1)
    assert states(review) == [State.OLD]


def test_the_version_changes_with_everything_that_a_page_shows_of_it(pooled: Review) -> None:
    seen = [told(pooled).version]
    assert told(pooled).version == seen[0]
    trial_with(pooled, "Another", contrast(-2.0))
    seen.append(told(pooled).version)
    RecomputeRequest.objects.raise_for(pooled.pk)
    seen.append(told(pooled).version)
    recomputed(pooled)
    seen.append(told(pooled).version)
    assert len(set(seen)) == 4


def test_the_counts_are_those_of_the_strip(pooled: Review, lead: User) -> None:
    synthesis(pooled, lead, name="Other", rho=0.5)
    now = told(pooled)
    assert (now.fresh, now.recomputing, now.old, now.trials) == (1, 1, 0, 3)
    asked_and_recomputed(pooled)
    assert told(pooled).fresh == 2
