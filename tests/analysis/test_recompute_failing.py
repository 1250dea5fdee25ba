"""A recompute that fails: noted, tried again, given up after five times, and nothing written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from analysis import recompute as machinery
from analysis import setup
from analysis.models import CurrentResult, PooledResult, RecomputeRequest
from analysis.models.request import MOST_FAILURES
from analysis.recompute import recompute
from extraction.models import Review, User
from tests.analysis.builders import contrast, trial_with


def request_of(review: Review) -> RecomputeRequest:
    return RecomputeRequest.objects.get(review=review)


def breaks(*args: Any) -> Any:
    raise RuntimeError("a value that must not be told: 4711")


def test_a_failed_run_is_noted_and_tried_again_after_a_pause(pooled: Review, monkeypatch: pytest.MonkeyPatch) -> None:
    RecomputeRequest.objects.raise_for(pooled.pk)
    with monkeypatch.context() as patched:
        patched.setattr(machinery, "freeze", breaks)
        assert recompute(pooled.pk) is None
    failed = request_of(pooled)
    assert failed.failures == 1
    assert failed.last_error.startswith("RuntimeError in test_recompute_failing.py")
    assert "4711" not in failed.last_error
    assert recompute(pooled.pk) is None  # not yet
    RecomputeRequest.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert recompute(pooled.pk) is not None
    assert (request_of(pooled).failures, request_of(pooled).last_error) == (0, "")


def test_a_failed_run_writes_nothing(pooled: Review, monkeypatch: pytest.MonkeyPatch) -> None:
    trial_with(pooled, "Fourth", contrast(-2.0))
    RecomputeRequest.objects.raise_for(pooled.pk)
    monkeypatch.setattr(type(CurrentResult.objects), "move_to", breaks)
    assert recompute(pooled.pk) is None
    assert PooledResult.objects.count() == 1
    assert not request_of(pooled).is_met


def test_five_failures_stop_it_until_it_is_asked_for_again(
    pooled: Review, lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    RecomputeRequest.objects.raise_for(pooled.pk)
    with monkeypatch.context() as patched:
        patched.setattr(machinery, "approved_data", breaks)
        for _ in range(MOST_FAILURES + 2):
            RecomputeRequest.objects.update(lease_until=None)
            assert recompute(pooled.pk) is None
    stopped = request_of(pooled)
    assert (stopped.failures, stopped.given_up) == (MOST_FAILURES, True)
    RecomputeRequest.objects.update(lease_until=None)
    assert recompute(pooled.pk) is None
    # a lead's wish starts afresh
    setup.request_recompute(pooled.pk, by=lead)
    assert recompute(pooled.pk) is not None
