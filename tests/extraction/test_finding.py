"""Saved searches: a person's own, in a review that they see."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from extraction.errors import InvalidValues, NotAllowed, NotFound
from extraction.finding import drop_search, save_search
from extraction.models import Review, SavedSearch
from tests.factories import ReviewFactory, made, member

pytestmark = pytest.mark.django_db


@pytest.fixture
def review() -> Review:
    found: Review = made(ReviewFactory)
    return found


def test_the_same_name_again_replaces_what_it_kept(review: Review) -> None:
    reader = member(review, "reader")
    first = save_search(review.pk, "Mine", "state=agreed", by=reader)
    again = save_search(review.pk, " Mine ", "state=approved", by=reader)
    assert (again.pk, again.query) == (first.pk, "state=approved")
    assert SavedSearch.objects.get().query == "state=approved"


def test_a_search_is_saved_by_members_alone(review: Review) -> None:
    with pytest.raises(NotAllowed, match=r"^Sign in first\.$"):
        save_search(review.pk, "Mine", "state=agreed", by=AnonymousUser())
    with pytest.raises(NotFound):
        save_search(review.pk, "Mine", "state=agreed", by=member(made(ReviewFactory), "lead"))
    assert not SavedSearch.objects.exists()


@pytest.mark.parametrize(
    ("name", "query", "field", "told"),
    [
        ("Mine", "", "query", "choose a filter or type a search first."),
        (" ", "state=agreed", "name", "This field cannot be blank."),
        ("x" * 61, "state=agreed", "name", "Ensure this value has at most 60 characters (it has 61)."),
    ],
)
def test_a_search_has_a_name_and_something_to_look_for(
    review: Review, name: str, query: str, field: str, told: str
) -> None:
    with pytest.raises(InvalidValues) as refusal:
        save_search(review.pk, name, query, by=member(review, "reader"))
    assert [(problem.field, problem.message) for problem in refusal.value.problems] == [(field, told)]
    assert not SavedSearch.objects.exists()


def test_a_search_is_dropped_by_its_owner_alone(review: Review) -> None:
    owner: Any = member(review, "reader")
    kept = save_search(review.pk, "Mine", "state=agreed", by=owner)
    for person in (member(review, "lead"), AnonymousUser()):
        with pytest.raises(NotFound):
            drop_search(kept.pk, by=person)
    assert SavedSearch.objects.filter(pk=kept.pk).exists()
    assert drop_search(kept.pk, by=owner).pk == kept.pk
    with pytest.raises(NotFound):
        drop_search(kept.pk, by=owner)
