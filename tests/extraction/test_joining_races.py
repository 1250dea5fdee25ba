"""Members who come by a link while others change members: nobody loses a role, and nobody meets an error."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from extraction import setup
from extraction.errors import IllegalMove
from extraction.invite import invite, join, withdraw_invitation
from extraction.models import Event, Invitation, Membership, Review
from tests.factories import ReviewFactory, UserFactory, made, member
from tests.race import ROUNDS, refused, together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def review(transactional_db: None) -> Any:
    return made(ReviewFactory)


@ROUNDS
def test_one_person_with_two_links_gets_what_both_give(review: Review, rounds: int) -> None:
    lead = member(review, "lead")
    for _ in range(rounds):
        person: Any = UserFactory.create()
        secrets = [invite(review.pk, [role], by=lead)[1] for role in ("extractor", "adjudicator")]
        answers = together(*(partial(join, secret, by=person) for secret in secrets))
        assert not any(refused(answer) for answer in answers)
        (found,) = Membership.objects.filter(review=review, user=person)
        assert (found.extractor, found.adjudicator) == (True, True)


@ROUNDS
def test_what_a_lead_gives_meanwhile_is_kept(review: Review, rounds: int) -> None:
    lead = member(review, "lead")
    for _ in range(rounds):
        person = member(review, "reader")
        _, secret = invite(review.pk, ["extractor"], by=lead)
        together(partial(join, secret, by=person), partial(setup.set_member, review.pk, person.pk, ["lead"], by=lead))
        found = Membership.objects.get(review=review, user=person)
        lines = Event.objects.filter(object_type="user", object_key=str(person.pk))
        said = [event.after["roles"] for event in lines.order_by("seq")]
        assert sorted(said[-1]) == sorted(found.roles)
        assert found.lead
        assert found.extractor == ("extractor" in said[-1])


@ROUNDS
def test_a_link_is_followed_or_withdrawn(review: Review, rounds: int) -> None:
    lead = member(review, "lead")
    for _ in range(rounds):
        person: Any = UserFactory.create()
        invitation, secret = invite(review.pk, ["extractor"], by=lead)
        answers = together(partial(join, secret, by=person), partial(withdraw_invitation, invitation.pk, by=lead))
        (refusal,) = [answer for answer in answers if refused(answer)]
        assert isinstance(refusal, IllegalMove)
        joined = Membership.objects.filter(review=review, user=person).exists()
        assert joined == (refusal is answers[1])
        assert Invitation.objects.get(pk=invitation.pk).state == ("used" if joined else "withdrawn")
