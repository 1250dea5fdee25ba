"""Many workers and many approvals at once: one claim, no lost wish, no doubled row."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from django.db import connection

from analysis.models import CurrentResult, Effect, PooledResult, RecomputeRequest, Snapshot
from analysis.recompute import recompute
from extraction.models import Review
from tests.analysis.builders import contrast, person, small_review, trial_with
from tests.analysis.conftest import synthesis

T = TypeVar("T")
WORKERS = 8

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(act: Callable[[], T], times: int = WORKERS) -> list[T]:
    """Run `act` in that many threads that start together; an error in one is an error of the test."""
    barrier, results, errors = threading.Barrier(times), [], []

    def run() -> None:
        try:
            barrier.wait(timeout=20)
            results.append(act())
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert errors == []
    return results


@pytest.fixture
def asked() -> Review:
    """Three approved trials, a synthesis, and a wish that nobody has met."""
    review = small_review()
    for number, difference in enumerate((-1.0, -1.6, -0.4)):
        trial_with(review, f"Trial {number}", contrast(difference))
    synthesis(review, person(review, "lead"))
    return review


def test_of_eight_workers_one_claims_the_request(asked: Review) -> None:
    claims = at_once(lambda: RecomputeRequest.objects.claim(asked.pk))
    assert len([claim for claim in claims if claim is not None]) == 1


def test_of_eight_wishes_at_once_none_is_lost() -> None:
    review = small_review()
    at_once(lambda: RecomputeRequest.objects.raise_for(review.pk))
    assert RecomputeRequest.objects.get().wanted == WORKERS


def test_eight_recomputes_at_once_write_every_row_once(asked: Review) -> None:
    def ask_and_recompute() -> Any:
        RecomputeRequest.objects.raise_for(asked.pk)
        return recompute(asked.pk)

    at_once(ask_and_recompute)
    while recompute(asked.pk) is not None:
        pass
    request = RecomputeRequest.objects.get()
    assert (request.failures, request.last_error) == (0, "")
    assert request.done == request.wanted
    assert CurrentResult.objects.get().generation == request.done
    assert (Effect.objects.count(), PooledResult.objects.count(), Snapshot.objects.count()) == (3, 1, 1)


def test_workers_without_a_claim_between_them_still_write_every_row_once(
    asked: Review, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given leases that end at once, so that every worker may take the request
    from datetime import timedelta

    from analysis.models import request

    monkeypatch.setattr(request, "LEASE", timedelta(seconds=-1))
    at_once(lambda: recompute(asked.pk), times=4)
    assert RecomputeRequest.objects.get().is_met
    assert CurrentResult.objects.get().result.trials == 3
    assert (Effect.objects.count(), PooledResult.objects.count(), Snapshot.objects.count()) == (3, 1, 1)
