"""Set-up in the administration: reviews, members, assignments, the codebook, matches, accounts."""

from __future__ import annotations

import pytest

from extraction.models import (
    Assignment,
    Discrepancy,
    Event,
    Intervention,
    Marker,
    MarkerSynonym,
    Match,
    Membership,
    Moderator,
    ModeratorLevel,
    Review,
    UnitFactor,
    User,
)
from extraction.record import Subject
from extraction.states import Status
from tests.extraction.admin_pages import act, address, form_of, listed, signed_in, told
from tests.factories import (
    InterventionFactory,
    MarkerFactory,
    ReviewFactory,
    TrialFactory,
    UserFactory,
    draft,
    holder,
    member,
    trial_at,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def review():
    return ReviewFactory()


@pytest.fixture
def lead(review):
    return member(review, "lead")


@pytest.fixture
def client(lead):
    return signed_in(lead)


def submit(client, where, **values):
    return client.post(where, {**form_of(client, where), "_save": "1", **values})


# --- Reviews and members -----------------------------------------------------------------------------------------


def test_who_makes_a_review_leads_it(client, lead):
    submit(client, address(Review, "add"), title="Sleep and CRP")
    made = Review.objects.get(title="Sleep and CRP")
    assert made.memberships.get().user == lead
    assert made.memberships.get().roles == ["lead"]


def test_changing_a_setting_is_an_event(client, review):
    submit(client, address(review), imputed_r="0.6")
    review.refresh_from_db()
    assert review.imputed_r == 0.6
    assert Event.objects.get(verb="change review").after == {"imputed_r": "0.6"}


def test_a_refused_setting_stays_in_the_form(client, review):
    response = submit(client, address(review), imputed_r="1.5")
    assert "between -1 and 1" in response.content.decode()
    assert 'value="1.5"' in response.content.decode()


def test_members_see_the_settings_and_do_not_change_them(review):
    client = signed_in(member(review, "extractor"))
    assert client.get(address(review)).status_code == 200
    assert client.post(address(review), {"title": "Mine"}).status_code == 403


def test_a_lead_brings_in_an_account_by_its_name(client, review):
    person = UserFactory(username="newcomer")
    submit(client, address(Membership, "add"), review=review.pk, username="newcomer", roles=["extractor", "reader"])
    assert Membership.objects.get(user=person).roles == ["extractor", "reader"]
    assert Event.objects.filter(verb="set member").exists()


def test_an_unknown_name_is_told_at_its_field(client, review):
    response = submit(client, address(Membership, "add"), review=review.pk, username="nobody", roles=["reader"])
    assert response.context["adminform"].form.errors.keys() == {"username"}


def test_the_last_lead_stays(client, review, lead):
    own = Membership.objects.get(review=review, user=lead)
    response = submit(client, address(own), roles=["reader"])
    assert response.status_code == 409
    assert "at least one lead" in response.content.decode()
    client.post(address(own, "delete"), {"post": "yes"})
    assert Membership.objects.filter(pk=own.pk).exists()


def test_a_membership_ends_and_what_hangs_on_the_person_is_not_listed(client, review):
    trial = TrialFactory(review=review)
    person = holder(trial, "A")
    draft(trial, "A")
    theirs = Membership.objects.get(review=review, user=person)
    page = client.get(address(theirs, "delete")).content.decode()
    assert str(trial) not in page
    client.post(address(theirs, "delete"), {"post": "yes"})
    assert not Membership.objects.filter(pk=theirs.pk).exists()


def test_no_role_at_all_is_refused(client, review):
    theirs = Membership.objects.get(user=member(review, "reader"))
    data = {name: value for name, value in form_of(client, address(theirs)).items() if name != "roles"}
    response = client.post(address(theirs), data)
    assert response.context["adminform"].form.errors.keys() == {"roles"}


# --- Assignments -------------------------------------------------------------------------------------------------


def test_a_slot_is_given_and_taken_back(client, review):
    trial, person = TrialFactory(review=review, slots=False), member(review, "extractor")
    submit(client, address(Assignment, "add"), trial=trial.pk, slot="A", user=person.pk)
    assignment = Assignment.objects.get()
    assert (assignment.trial, assignment.slot, assignment.user) == (trial, "A", person)
    client.post(address(assignment, "delete"), {"post": "yes"})
    assert not Assignment.objects.exists()


def test_a_taken_slot_is_refused_at_the_form(client, review):
    trial = TrialFactory(review=review)
    response = submit(client, address(Assignment, "add"), trial=trial.pk, slot="A", user=member(review, "extractor").pk)
    assert response.status_code in {200, 409}
    assert "errornote" in response.content.decode()
    assert Assignment.objects.count() == 2


def test_an_extractor_sees_the_own_slots_only(review):
    trial = TrialFactory(review=review)
    client = signed_in(holder(trial, "A"))
    assert [one.slot for one in listed(client, Assignment)] == ["A"]
    assert client.get(address(Assignment, "add")).status_code == 403


# --- The codebook ------------------------------------------------------------------------------------------------


def test_a_marker_is_defined_with_its_synonyms(client, review):
    response = submit(
        client,
        address(Marker, "add"),
        review=review.pk,
        code="crp",
        name="CRP",
        direction="-1",
        **{"synonyms-0-text": "hs-CRP", "synonyms-0-ambiguous": "on"},
    )
    assert response.status_code == 302
    marker = Marker.objects.get()
    assert (marker.code, marker.direction) == ("crp", -1)
    assert [(one.text, one.ambiguous) for one in marker.synonyms.all()] == [("hs-CRP", True)]
    assert Event.objects.filter(review=review, verb="define").count() == 2


def test_synonyms_are_changed_and_dropped(client, review):
    marker = MarkerFactory(review=review, code="crp")
    submit(client, address(marker), **{"synonyms-0-text": "hs-CRP"})
    submit(client, address(marker), **{"synonyms-0-text": "hsCRP"})
    assert [one.text for one in MarkerSynonym.objects.all()] == ["hsCRP"]
    submit(client, address(marker), **{"synonyms-0-DELETE": "on"})
    assert not MarkerSynonym.objects.exists()


def test_a_moderator_is_defined_with_its_levels(client, review):
    submit(
        client,
        address(Moderator, "add"),
        review=review.pk,
        code="population",
        name="Population",
        kind="level",
        applies_to="trial",
        **{"levels-0-code": "t2d", "levels-0-name": "Type 2 diabetes", "levels-0-position": "1"},
    )
    assert [level.code for level in ModeratorLevel.objects.filter(moderator__code="population")] == ["t2d"]


def test_a_unit_factor_that_is_no_number_is_refused_at_its_field(client, review):
    response = submit(
        client, address(UnitFactor, "add"), review=review.pk, unit="mg/dL", factor="about 18", to_unit="mmol/L"
    )
    assert response.status_code == 400
    assert response.context["adminform"].form.errors.keys() == {"factor"}


def test_an_unused_term_is_dropped_and_a_used_one_is_kept(client, review):
    unused, used = InterventionFactory(review=review, code="unused"), MarkerFactory(review=review, code="il6")
    trial_at(Status.AGREED, review, marker="il6")
    for term in (unused, used):
        page = client.get(address(term, "delete")).content.decode()
        assert "Training" not in page, "what uses it may be out of sight"
        client.post(address(term, "delete"), {"post": "yes"})
    assert not Intervention.objects.filter(pk=unused.pk).exists()
    assert Marker.objects.filter(pk=used.pk).exists()


def test_terms_of_another_review_are_neither_seen_nor_offered(client, review):
    elsewhere = MarkerFactory(code="secret")
    assert listed(client, Marker) == []
    assert client.get(address(elsewhere)).status_code == 404
    form = client.get(address(UnitFactor, "add")).context["adminform"].form
    assert list(form.fields["marker"].queryset) == []
    response = submit(
        client, address(UnitFactor, "add"), review=review.pk, unit="a", factor="2", to_unit="b", marker=elsewhere.pk
    )
    assert response.context["adminform"].form.errors.keys() == {"marker"}


def test_an_extractor_reads_the_codebook_and_changes_nothing(review):
    marker = MarkerFactory(review=review)
    client = signed_in(member(review, "extractor"))
    assert listed(client, Marker) == [marker]
    assert client.post(address(marker), {"name": "Mine"}).status_code == 403
    assert client.post(address(marker, "delete"), {"post": "yes"}).status_code == 403


# --- Matches -----------------------------------------------------------------------------------------------------


@pytest.fixture
def aligning(review):
    return trial_at(Status.ALIGNING, review)


def open_match(trial):
    return Match.objects.get(trial=trial, state=Match.State.PROPOSED)


def test_confirming_the_last_proposal_compares_the_values(client, aligning):
    match = open_match(aligning)
    assert match.subject == Subject.OUTCOME
    submit(client, address(match), answer="as_proposed")
    aligning.refresh_from_db()
    assert aligning.status != Status.ALIGNING


def test_several_proposals_are_confirmed_from_the_list(client, aligning):
    response = act(client, Match, "confirm_selected", [open_match(aligning)])
    assert told(response) == ["1 match confirmed"]


def test_only_one_saw_it_leaves_the_other_to_be_said(client, aligning):
    match = open_match(aligning)
    submit(client, address(match), answer="only_a")
    left = open_match(aligning)
    assert {row.side for row in left.rows.all()} == {"B"}
    submit(client, address(left), answer="as_proposed")
    aligning.refresh_from_db()
    assert aligning.status == Status.ADJUDICATING
    assert {row.field for row in Discrepancy.objects.filter(trial=aligning, state="open")} >= {"row"}


def test_another_partner_is_chosen_by_hand(client, aligning):
    match = open_match(aligning)
    form = client.get(address(match)).context["adminform"].form
    a, b = form.fields["a"].choices[0][0], form.fields["b"].choices[0][0]
    submit(client, address(match), answer="another", a=[a], b=[b])
    aligning.refresh_from_db()
    assert aligning.status != Status.ALIGNING


def test_choosing_nothing_is_refused(client, aligning):
    where = address(open_match(aligning))
    data = {name: value for name, value in form_of(client, where).items() if name not in {"a", "b"}}
    response = client.post(where, {**data, "answer": "another"})
    assert "Choose at least one row." in response.content.decode()


def test_a_settled_match_is_said_otherwise_until_the_trial_is_approved(client, review):
    match = trial_at(Status.APPROVED, review).matches.first()
    assert client.get(address(match)).status_code == 200
    assert client.post(address(match), {"answer": "not_same"}).status_code == 403
    trial = trial_at(Status.ADJUDICATING, review)
    match = trial.matches.filter(subject="arm").first()
    submit(client, address(match), answer="as_proposed")
    assert trial.matches.filter(pk=match.pk, state="confirmed").exists()  # there is nothing left to confirm
    submit(client, address(match), answer="not_same")
    trial.refresh_from_db()
    assert trial.status == Status.ALIGNING
    assert trial.matches.filter(subject="arm", state="proposed").count() == 2


# --- Accounts ----------------------------------------------------------------------------------------------------


def test_leads_do_not_reach_accounts(client):
    person = UserFactory()
    for where in (address(User, "changelist"), address(User, "add"), address(person), address(person, "history")):
        assert client.get(where).status_code == 403, where


def test_a_superuser_keeps_accounts_and_sees_nothing_of_a_review(review):
    trial_at(Status.APPROVED, review)
    client = signed_in(UserFactory(is_superuser=True))
    person = UserFactory(username="somebody")
    submit(client, address(person), first_name="Some", is_active="on")
    person.refresh_from_db()
    assert person.first_name == "Some"
    for model in (Marker, Match, Discrepancy, Membership, Assignment):
        assert client.get(address(model, "changelist")).status_code == 403, model
    assert listed(client, Review) == []


def test_an_account_is_switched_off_never_deleted(review):
    client = signed_in(UserFactory(is_superuser=True))
    assert client.get(address(UserFactory(), "delete")).status_code == 403
