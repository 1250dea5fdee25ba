"""Names that the vocabulary lacks: proposed as printed, placed by a lead, filled into drafts alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from extraction import enter, proposals
from extraction.errors import IllegalMove, InvalidValues, NotAllowed, NotFound
from extraction.models import Event, Marker, Proposal
from tests.factories import MarkerFactory, ReviewFactory, TrialFactory, draft, holder, member, small_changes

pytestmark = pytest.mark.django_db

NAME = "IL-6 sR"


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def review() -> Any:
    review: Any = ReviewFactory()
    MarkerFactory(review=review, code="il6r", name="Soluble IL-6 receptor")
    return review


def proposed(review: Any, name: str = NAME, slot: str = "A") -> tuple[Any, Proposal]:
    trial: Any = TrialFactory(review=review)
    entry = draft(trial, slot, outcome=name)
    proposals.propose(entry.pk, by=holder(trial, slot))
    return entry, Proposal._base_manager.get(entry=entry)


def test_a_name_is_pointed_to_its_marker_and_fills_the_drafts_that_wait(review):
    lead = member(review, "lead")
    entry, proposal = proposed(review)
    other, _ = proposed(review, name="il-6  SR")
    page = signed_in(lead).get(reverse("extraction:names", args=[review.pk])).content.decode()
    assert page.count("Point it there") == 1, "one name, however it is spelled"
    assert "1 name to place" in signed_in(lead).get(reverse("extraction:work")).content.decode()
    marker = Marker._base_manager.get(code="il6r")
    said = {"how": "point", "marker": marker.pk}
    placing = signed_in(lead).post(reverse("extraction:place-name", args=[proposal.pk]), said, follow=True)
    assert "Filled in 2 drafts." in placing.content.decode()
    for filled in (entry, other):
        outcome = filled.outcomes.get()
        assert (outcome.marker, outcome.version) == (marker, 2)
        line = Event._base_manager.get(chain=f"entry:{filled.pk}", verb="place name")
        assert line.after["marker"] == "il6r"
    assert [one.text for one in marker.synonyms.all()] == [NAME]
    assert "No name waits" in signed_in(lead).get(reverse("extraction:names", args=[review.pk])).content.decode()


def test_a_new_marker_is_added_with_the_name(review):
    lead = member(review, "lead")
    entry, proposal = proposed(review)
    said = {"how": "add", "name": "Soluble receptor", "code": "sil6r", "direction": "-1", "canonical_unit": "ng/mL"}
    signed_in(lead).post(reverse("extraction:place-name", args=[proposal.pk]), said)
    marker = entry.outcomes.get().marker
    assert (marker.code, marker.direction, marker.canonical_unit) == ("sil6r", -1, "ng/mL")
    lines = Event._base_manager.filter(chain=f"review:{review.pk}", verb="define")
    told = str([(line.before, line.after, line.reason) for line in lines])
    assert entry.trial.label not in told, "the vocabulary does not say whence"
    assert str(entry.pk) not in told


def test_a_submitted_entry_is_listed_and_not_touched(review):
    lead = member(review, "lead")
    entry, proposal = proposed(review)
    enter.submit(entry.pk, by=entry.holder)
    digest = type(entry)._base_manager.get(pk=entry.pk).digest
    placed = proposals.place(proposal.pk, by=lead, code="il6r")
    assert [one.pk for one in placed.submitted] == [proposal.pk]
    assert entry.outcomes.get().marker is None
    assert type(entry)._base_manager.get(pk=entry.pk).digest == digest
    page = signed_in(lead).get(reverse("extraction:names", args=[review.pk])).content.decode()
    assert "Placed, but not filled in" in page


def test_a_name_that_was_changed_meanwhile_is_not_filled(review):
    lead = member(review, "lead")
    entry, proposal = proposed(review)
    row = entry.outcomes.get()
    change = enter.Change(small_changes()[3].subject, row.pk, row.version, {"name": "Something else"})
    enter.save(entry.pk, [change], by=entry.holder)
    assert not proposals.place(proposal.pk, by=lead, code="il6r").filled
    assert entry.outcomes.get().marker is None


def test_refusals_change_nothing(review):
    lead, reader = member(review, "lead"), member(review, "reader")
    entry, proposal = proposed(review)
    before = Event._base_manager.count()
    with pytest.raises(InvalidValues):
        proposals.place(proposal.pk, by=lead, code="nonesuch")
    with pytest.raises(InvalidValues):
        proposals.place(proposal.pk, by=lead, new={"code": "il6r", "name": "Twice"})
    with pytest.raises(NotFound):
        proposals.place(proposal.pk, by=reader, code="il6r")
    with pytest.raises(NotAllowed):
        proposals.place(proposal.pk, by=entry.holder, code="il6r")
    with pytest.raises(NotFound):
        proposals.propose(entry.pk, by=lead)
    assert proposals.propose(entry.pk, by=entry.holder) == [], "proposed already"
    page = signed_in(lead).post(reverse("extraction:place-name", args=[proposal.pk]), {"how": "add"})
    assert page.status_code == 400
    assert "A new marker needs it." in page.content.decode()
    assert Event._base_manager.count() == before
    proposals.place(proposal.pk, by=lead)
    with pytest.raises(IllegalMove):
        proposals.place(proposal.pk, by=lead, code="il6r")


def test_a_lead_who_extracts_a_trial_is_told_nothing_of_the_partners_name(review):
    trial: Any = TrialFactory(review=review)
    a = member(review, "lead", user=holder(trial, "A"))
    theirs = draft(trial, "B", outcome=NAME)
    proposals.propose(theirs.pk, by=holder(trial, "B"))
    page = signed_in(a).get(reverse("extraction:names", args=[review.pk])).content.decode()
    assert NAME not in page
    _, elsewhere = proposed(review)
    placed = proposals.place(elsewhere.pk, by=a, code="il6r")
    assert [one.pk for one in placed.filled] == [elsewhere.pk], "what is told"
    assert theirs.outcomes.get().marker is not None, "what was done"


def test_the_page_of_names_asks_as_often_for_many_as_for_one(review):
    client = signed_in(member(review, "lead"))
    address = reverse("extraction:names", args=[review.pk])

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(address).status_code == 200
        return len(asked)

    proposed(review, "First")
    queries()  # the session's own
    once = queries()
    for number in range(4):
        proposed(review, f"Next {number}")
    assert queries() == once
