"""Joining by a link, new passwords by a link, slots that change hands, even assignment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extraction import access, assign, enter, reconcile
from extraction.access import Thing
from extraction.balance import Free, balanced
from extraction.errors import (
    DuplicateRow,
    ExtractionError,
    IllegalMove,
    InvalidValues,
    NotAllowed,
    NotFound,
    SlotTaken,
)
from extraction.invite import (
    invite,
    join,
    join_with_new_account,
    open_invitation,
    password_link,
    withdraw_invitation,
)
from extraction.models import Assignment, Entry, Event, Invitation, Membership, Trial, User
from extraction.progress import extractors
from extraction.recorded import recording
from extraction.states import Status
from tests.factories import ReviewFactory, TrialFactory, UserFactory, draft, holder, member, submitted, trial_at

pytestmark = pytest.mark.django_db
GOOD = "seventeen green llamas"


@pytest.fixture
def review():
    return ReviewFactory()


@pytest.fixture
def lead(review):
    return member(review, "lead")


def new(secret, **said):
    wanted = {"username": "mira", "full_name": "Mira de Vries", "email": "m@example.org", "password": GOOD}
    return join_with_new_account(secret, **(wanted | said))


def test_a_link_lets_one_person_in_once(review, lead):
    made, secret = invite(review.pk, ["extractor"], by=lead, note="Mira")
    assert secret not in str(Invitation.objects.values())
    person = new(secret).user
    assert (person.first_name, person.last_name, person.is_staff) == ("Mira de", "Vries", False)
    assert person.check_password(GOOD)
    assert Membership.objects.get(user=person).roles == ["extractor"]
    made.refresh_from_db()
    assert made.used_by == person
    with pytest.raises(IllegalMove):
        join(secret, by=UserFactory())
    assert Event.objects.get(verb="join").actor == person


def test_an_account_that_exists_keeps_its_roles_and_gets_more(review, lead):
    person = member(review, "reader")
    _, secret = invite(review.pk, ["adjudicator"], by=lead)
    assert join(secret, by=person).roles == ["adjudicator", "reader"]
    person.refresh_from_db()
    assert person.is_staff


@pytest.mark.parametrize(
    "said",
    [{"password": "short"}, {"password": "password123"}, {"username": "a b"}, {"username": ""}, {"email": "no"}],
)
def test_a_refused_account_leaves_the_link_open(review, lead, said):
    _, secret = invite(review.pk, ["extractor"], by=lead)
    with pytest.raises(InvalidValues):
        new(secret, **said)
    assert open_invitation(secret) is not None
    assert not User.objects.filter(username="mira").exists()


def test_a_taken_name_is_told(review, lead):
    _, secret = invite(review.pk, ["extractor"], by=lead)
    UserFactory(username="mira")
    with pytest.raises(ExtractionError, match="already exists"):
        new(secret)


def test_a_name_that_somebody_takes_while_the_form_is_read_is_told(review, lead, monkeypatch):
    _, secret = invite(review.pk, ["extractor"], by=lead)
    lines = Event.objects.count()
    # another takes the name after it was looked up and before it is written
    monkeypatch.setattr("extraction.invite.validate_password", lambda *args: UserFactory(username="mira"))
    with pytest.raises(DuplicateRow, match=r"^Somebody has just taken this user name\.$"):
        new(secret)
    assert open_invitation(secret) is not None
    assert not Membership.objects.filter(user__username="mira").exists()
    assert Event.objects.count() == lines


def test_withdrawn_expired_and_wrong_links_let_nobody_in(review, lead):
    withdrawn, secret = invite(review.pk, ["extractor"], by=lead)
    withdraw_invitation(withdrawn.pk, by=lead)
    expired, late = invite(review.pk, ["extractor"], by=lead)
    expired.expires_at = timezone.now() - timedelta(seconds=1)
    with recording():
        expired.save()
    for closed in (secret, late, "nonsense", ""):
        with pytest.raises(IllegalMove, match="lets nobody in"):
            join(closed, by=UserFactory())
        with pytest.raises(IllegalMove, match="lets nobody in"):
            new(closed)
    assert not User.objects.filter(username="mira").exists()
    with pytest.raises(IllegalMove):
        withdraw_invitation(withdrawn.pk, by=lead)


def test_leads_alone_invite(review, lead):
    for person in (member(review, "adjudicator"), member(review, "extractor")):
        with pytest.raises(NotAllowed):
            invite(review.pk, ["lead"], by=person)
    with pytest.raises(NotFound):
        invite(review.pk, ["lead"], by=UserFactory())
    for roles in ([], ["boss"]):
        with pytest.raises(InvalidValues):
            invite(review.pk, roles, by=lead)
    with pytest.raises(NotAllowed):
        join("x", by=AnonymousUser())


def test_a_password_link_works_once_and_never_opens_what_blinding_closes(review, lead, client):
    trial = TrialFactory(review=review)
    person = holder(trial, "A")
    uid, token = password_link(review.pk, person.pk, by=lead)
    address = client.get(reverse("password-reset-confirm", args=[uid, token]))["Location"]
    client.post(address, {"new_password1": GOOD, "new_password2": GOOD})
    person.refresh_from_db()
    assert person.check_password(GOOD)
    again = client.get(reverse("password-reset-confirm", args=[uid, token]))
    assert b"This link is closed" in again.content
    member(review, "lead", user=holder(trial, "B"))
    with pytest.raises(NotAllowed, match="together"):
        password_link(review.pk, person.pk, by=holder(trial, "B"))
    member(ReviewFactory(), "reader", user=person)
    with pytest.raises(NotAllowed, match="further"):
        password_link(review.pk, person.pk, by=lead)
    with pytest.raises(NotAllowed):
        password_link(review.pk, member(review, "reader", is_superuser=True).pk, by=lead)


def test_no_password_link_is_made_for_who_is_no_member_or_left(review, lead):
    gone = member(review, "reader", is_active=False)
    for person in (UserFactory(), member(ReviewFactory(), "reader"), gone):
        with pytest.raises(NotFound, match="not a member of the review"):
            password_link(review.pk, person.pk, by=lead)
    assert not Event.objects.filter(verb="make password link").exists()


def test_a_slot_is_handed_over_with_its_draft_and_nobody_unlearns(review, lead):
    trial = TrialFactory(review=review)
    leaves, comes = holder(trial, "A"), member(review, "extractor")
    entry = draft(trial, "A")
    assign.hand_over(trial.pk, "A", comes.pk, "on leave", by=lead)
    entry.refresh_from_db()
    assert (entry.holder, holder(trial, "A")) == (comes, comes)
    enter.submit(entry.pk, by=comes)
    assert not Entry.objects.visible_to(leaves).exists()
    # whoever held A is still an extractor for the trial: never a decider, never B
    member(review, "lead", "adjudicator", user=leaves)
    assert not access.may(leaves, access.Act.APPROVE, Thing.TRIAL, trial, Trial.PATHS, in_any_state=True)
    with recording():
        trial.assignments.get(slot="B").delete()
    for slot in ("B", "FINAL"):
        with pytest.raises((NotAllowed, SlotTaken)):
            assign.assign(trial.pk, slot, leaves.pk, by=lead)


def test_a_slot_is_not_handed_to_the_partner_a_stranger_or_by_the_partner(review, lead):
    trial = TrialFactory(review=review)
    a, b = holder(trial, "A"), holder(trial, "B")
    for user, error in (
        (b, SlotTaken),
        (a, SlotTaken),
        (UserFactory(), NotAllowed),
        (member(review, "reader"), NotAllowed),
    ):
        with pytest.raises(error):
            assign.hand_over(trial.pk, "A", user.pk, "why", by=lead)
    other = member(review, "extractor")
    with pytest.raises(InvalidValues):
        assign.hand_over(trial.pk, "A", other.pk, " ", by=lead)
    member(review, "lead", user=b)
    for act in (
        lambda: assign.hand_over(trial.pk, "A", other.pk, "why", by=b),
        lambda: assign.unassign(trial.pk, "A", by=b),
    ):
        with pytest.raises(NotAllowed, match="yourself"):
            act()
    submitted(trial, "A")
    with pytest.raises(IllegalMove, match="submitted"):
        assign.hand_over(trial.pk, "A", other.pk, "why", by=lead)


def test_a_slot_that_nobody_holds_is_not_handed_over(review, lead):
    trial = TrialFactory(review=review, slots=False)
    person = member(review, "extractor")
    assign.assign(trial.pk, "FINAL", lead.pk, by=lead)
    for slot in ("A", "FINAL", "C"):
        with pytest.raises(NotFound, match="Nobody holds this slot"):
            assign.hand_over(trial.pk, slot, person.pk, "on leave", by=lead)
    assert Assignment.objects.get(trial=trial).user == lead
    assert not Event.objects.filter(verb="hand over").exists()


def test_free_slots_are_shared_evenly(review, lead):
    people = [member(review, "extractor") for _ in range(3)]
    for _ in range(6):
        TrialFactory(review=review, slots=False)
    made = assign.assign_evenly(review.pk, [one.pk for one in people], by=lead)
    assert len(made) == 12
    assert {Assignment.objects.filter(user=one).count() for one in people} == {4}
    assert assign.assign_evenly(review.pk, [one.pk for one in people], by=lead) == []
    with pytest.raises(InvalidValues):
        assign.assign_evenly(review.pk, [lead.pk], by=lead)


def test_slots_for_deciding_and_of_others_are_no_load_and_who_left_a_slot_gets_no_other(review, lead):
    # given one who decides two trials of others, and handed a slot of a third over
    first, second = (member(review, "extractor", "adjudicator") for _ in range(2))
    for decided in (TrialFactory(review=review), TrialFactory(review=review)):
        assign.assign(decided.pk, "FINAL", first.pk, by=lead)
    left = TrialFactory(review=review, slots=False)
    assign.assign(left.pk, "A", first.pk, by=lead)
    assign.hand_over(left.pk, "A", member(review, "extractor").pk, "on leave", by=lead)
    # when free slots are given out
    assert assign.assign_evenly(review.pk, [first.pk], by=lead) == []
    fresh = TrialFactory(review=review, slots=False)
    made = assign.assign_evenly(review.pk, [first.pk, second.pk], by=lead)
    # then the trial that one left is for the other, and slot FINAL did not count
    assert {(one.trial, one.slot, one.user) for one in made} == {
        (left, "B", second), (fresh, "A", first), (fresh, "B", second),
    }  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(st.sets(st.integers(1, 6), max_size=2), max_size=8),
    st.sets(st.integers(1, 6), min_size=1, max_size=6),
)
def test_nobody_gets_two_slots_of_a_trial_and_loads_stay_within_one_of_each_other(holders, people):
    trials = [Free(n, ["A", "B"][len(held) :], frozenset(held)) for n, held in enumerate(holders)]
    given_out = balanced(trials, dict.fromkeys(people, 0))
    for n, held in enumerate(holders):
        got = [person for trial, _, person in given_out if trial == n]
        assert len(got) == len(set(got))
        assert not set(got) & held
    if not any(holders) and len(people) > 2:
        loads = [sum(person == one for _, _, person in given_out) for one in people]
        assert max(loads) - min(loads) <= 1


def test_progress_counts_where_each_is_and_leaves_out_what_the_asker_extracts(review, lead):
    waiting, begun, fresh = (TrialFactory(review=review) for _ in range(3))
    submitted(waiting, "A")
    draft(begun, "A")
    counts = {one.user: dict(one.counts) for one in extractors(lead, review)}
    assert counts[holder(waiting, "A")] == {"waiting": 1}
    assert counts[holder(begun, "A")] == {"progress": 1}
    assert counts[holder(fresh, "A")] == {"start": 1}
    b = holder(waiting, "B")
    member(review, "lead", user=b)
    assert holder(waiting, "A") not in {one.user for one in extractors(b, review)}
    assert extractors(member(review, "adjudicator"), review) == []


def test_a_returned_entry_counts_as_returned(review, lead):
    trial = trial_at(Status.ADJUDICATING, review)
    reconcile.return_to_extractors(trial.pk, ["A"], "look again", by=lead)
    counts = {one.user: dict(one.counts) for one in extractors(lead, review)}
    assert counts[holder(trial, "A")] == {"returned": 1}


@pytest.mark.django_db(transaction=True)
def test_two_who_follow_one_link_at_once_do_not_both_get_in():
    from concurrent.futures import ThreadPoolExecutor

    review = ReviewFactory()
    _, secret = invite(review.pk, ["reader"], by=member(review, "lead"))
    people = [UserFactory() for _ in range(4)]

    def follow(person):
        try:
            join(secret, by=person)
        except IllegalMove:
            return 0
        else:
            return 1
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(follow, people)) == 1
    assert Membership.objects.filter(review=review, reader=True).count() == 1
