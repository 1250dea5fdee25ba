"""What a team of two, of three, of more cannot have of four eyes."""

from __future__ import annotations

import pytest
from django.urls import reverse

from extraction.team import limits
from tests.factories import ReviewFactory, made, member

ANN, BEN, CAM, DEE = {1: "Ann"}, {2: "Ben"}, {3: "Cam"}, {4: "Dee"}


def said(extractors, deciders, *, strict=False):
    return " ".join(limits(extractors, deciders, approver_is_not_adjudicator=strict))


def test_one_person_cannot_enter_twice():
    assert "entered twice" in said(ANN, ANN | BEN)


@pytest.mark.parametrize("strict", [False, True])
def test_two_people_who_both_extract_leave_nobody_to_decide(strict):
    assert said(ANN | BEN, ANN | BEN, strict=strict).startswith("Nobody is left to decide and approve")


def test_of_three_the_one_who_decides_also_approves():
    assert said(ANN | BEN, CAM).startswith("With so few people the one who decides also approves")
    assert said(ANN | BEN | CAM, ANN | BEN | CAM).startswith("With so few people")


def test_of_three_nobody_approves_what_was_decided_where_the_approver_must_be_another():
    assert "nobody can approve" in said(ANN | BEN, CAM, strict=True)


def test_a_pair_that_holds_every_decider_is_named():
    found = said(ANN | BEN | CAM, ANN | BEN)
    assert "Trials of Ann and Ben have nobody" in found
    assert "In trials of Ann and Cam, Ben and Cam the one who decides" in found


@pytest.mark.parametrize("strict", [False, True])
def test_two_extractors_and_two_deciders_can_have_all_of_it(strict):
    assert said(ANN | BEN, CAM | DEE, strict=strict) == ""


@pytest.mark.django_db
def test_the_lead_is_told_on_the_page_of_the_review_and_nobody_else(client):
    review = made(ReviewFactory)
    lead, adjudicator = member(review, "lead"), member(review, "extractor", "adjudicator")
    member(review, "extractor")
    for person, told in ((lead, True), (adjudicator, False)):
        client.force_login(person)
        page = client.get(reverse("extraction:review", args=[review.pk])).content.decode()
        assert ("What this team cannot have" in page) == told
