"""What the tests of analysis share."""

from __future__ import annotations

import pytest

from analysis import setup
from analysis.models import CurrentResult, RecomputeRequest, Synthesis
from analysis.recompute import Run, recompute
from analysis.specification import Measure
from extraction.models import Review, User
from tests.analysis.builders import contrast, person, small_review, trial_with


@pytest.fixture
def review(db: None) -> Review:
    """A small review without trials."""
    return small_review()


@pytest.fixture
def lead(review: Review) -> User:
    return person(review, "lead")


@pytest.fixture
def pooled(review: Review, lead: User) -> Review:
    """A review of three approved trials whose one synthesis is computed."""
    for number, difference in enumerate((-1.0, -1.6, -0.4)):
        trial_with(review, f"Trial {number}", contrast(difference))
    synthesis(review, lead)
    assert recomputed(review).computed == 1
    return review


def synthesis(review: Review, lead: User, **values: object) -> Synthesis:
    return setup.create_synthesis(review.pk, {"name": "All", "measure": Measure.CHANGE_G, **values}, by=lead)


def recomputed(review: Review) -> Run:
    """What the worker does once it hears of a wish."""
    run = recompute(review.pk)
    assert run is not None, RecomputeRequest.objects.filter(review=review).values()
    return run


def asked_and_recomputed(review: Review) -> Run:
    RecomputeRequest.objects.raise_for(review.pk)
    return recomputed(review)


def shown(one: Synthesis) -> CurrentResult:
    return CurrentResult.objects.select_related("result", "snapshot").get(synthesis=one)
