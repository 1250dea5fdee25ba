"""Setting up: reviews, members, trials, slots, vocabulary. Leads alone, each change recorded."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser

from extraction import assign, define, enter, setup
from extraction.errors import DuplicateRow, IllegalMove, InvalidValues, NotAllowed, NotFound, SlotTaken
from extraction.models import (
    Event,
    Intervention,
    Marker,
    MarkerSynonym,
    Membership,
    Moderator,
    ModeratorLevel,
    OutcomeClass,
    Review,
    Trial,
    UnitFactor,
)
from extraction.states import Status
from tests.factories import MarkerFactory, ReviewFactory, TrialFactory, UserFactory, draft, holder, member, trial_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def review():
    return ReviewFactory()


@pytest.fixture
def lead(review):
    return member(review, "lead")


def test_whoever_makes_a_review_leads_it():
    person = UserFactory(is_staff=True)
    review = setup.create_review(" HIIE versus MICT ", by=person)
    assert review.title == "HIIE versus MICT"
    assert Membership.objects.get(review=review).roles == ["lead"]
    for other in (UserFactory(), AnonymousUser(), UserFactory(is_staff=True, is_active=False)):
        with pytest.raises(NotAllowed):
            setup.create_review("x", by=other)
    with pytest.raises(InvalidValues):
        setup.create_review(" ", by=person)


def test_settings_change_with_a_line_in_the_history(review, lead):
    setup.change_review(review.pk, {"imputed_r": 0.7, "source_required": True}, by=lead)
    review.refresh_from_db()
    assert (review.imputed_r, review.source_required) == (0.7, True)
    line = Event.objects.get(verb="change review")
    assert (line.before["imputed_r"], line.after["imputed_r"]) == ("0.5", "0.7")
    setup.change_review(review.pk, {"imputed_r": 0.7}, by=lead)
    assert Event.objects.filter(verb="change review").count() == 1
    for bad in ({"imputed_r": 1.0}, {"codebook_version": 7}, {"title": ""}):
        with pytest.raises(InvalidValues):
            setup.change_review(review.pk, bad, by=lead)
    with pytest.raises(NotAllowed):
        setup.change_review(review.pk, {"title": "x"}, by=member(review, "adjudicator"))
    with pytest.raises(NotFound):
        setup.change_review(review.pk, {"title": "x"}, by=UserFactory())


def test_members_come_and_go_and_a_lead_stays(review, lead):
    person = UserFactory()
    assert setup.set_member(review.pk, person.pk, ["extractor", "reader"], by=lead).roles == ["extractor", "reader"]
    assert setup.set_member(review.pk, person.pk, ["adjudicator"], by=lead).roles == ["adjudicator"]
    setup.remove_member(review.pk, person.pk, by=lead)
    assert not Membership.objects.filter(user=person).exists()
    assert Event.objects.filter(object_type="user", object_key=str(person.pk)).count() == 3
    with pytest.raises(NotFound):
        setup.remove_member(review.pk, person.pk, by=lead)
    for roles in ([], ["boss"]):
        with pytest.raises(InvalidValues):
            setup.set_member(review.pk, person.pk, roles, by=lead)
    with pytest.raises(NotFound):
        setup.set_member(review.pk, 10**9, ["reader"], by=lead)
    for act in (
        lambda: setup.remove_member(review.pk, lead.pk, by=lead),
        lambda: setup.set_member(review.pk, lead.pk, ["reader"], by=lead),
    ):
        with pytest.raises(IllegalMove, match="at least one lead"):
            act()


def test_trials_are_added_by_label_all_or_none(review, lead):
    made = setup.add_trials(review.pk, [{"label": "Bækkerud 2016", "year": 2016}, {"label": "Beetham 2019"}], by=lead)
    assert [trial.label for trial in made] == ["Bækkerud 2016", "Beetham 2019"]
    with pytest.raises(InvalidValues) as refusal:
        setup.add_trials(review.pk, [{"label": "New 2020"}, {"label": " bækkerud  2016"}, {"label": ""}], by=lead)
    assert len(refusal.value.problems) == 2
    assert Trial.objects.filter(review=review).count() == 2
    with pytest.raises(NotAllowed):
        setup.add_trials(review.pk, [{"label": "x"}], by=member(review, "extractor"))


def test_a_trial_is_changed_excluded_and_taken_back(review, lead):
    trial = TrialFactory(review=review, label="Jo 2020")
    TrialFactory(review=review, label="Kim 2015")
    setup.change_trial(trial.pk, {"label": "Jo 2021", "icc": 0.05, "design": "cluster"}, by=lead)
    setup.change_trial(trial.pk, {"label": "Jo 2021"}, by=lead)
    assert Event.objects.filter(verb="change trial").count() == 1
    with pytest.raises(DuplicateRow):
        setup.change_trial(trial.pk, {"label": "KIM 2015"}, by=lead)
    with pytest.raises(InvalidValues):
        setup.change_trial(trial.pk, {"icc": 1.5}, by=lead)
    with pytest.raises(InvalidValues):
        setup.change_trial(trial.pk, {"status": Status.APPROVED}, by=lead)
    with pytest.raises(IllegalMove):
        setup.include_trial(trial.pk, by=lead)
    for reason in (" ", "x" * 301):
        with pytest.raises(InvalidValues):
            setup.exclude_trial(trial.pk, reason, by=lead)
    setup.exclude_trial(trial.pk, "not randomised", by=lead)
    with pytest.raises(IllegalMove):
        setup.exclude_trial(trial.pk, "again", by=lead)
    setup.include_trial(trial.pk, by=lead)
    trial.refresh_from_db()
    assert (trial.excluded_at, trial.exclusion_reason) == (None, "")
    for act in (setup.exclude_trial, setup.change_trial):
        with pytest.raises(NotAllowed):
            act(trial.pk, {} if act is setup.change_trial else "why", by=member(review, "adjudicator"))


def test_one_person_one_slot_and_one_slot_one_person(review, lead):
    trial = TrialFactory(review=review, slots=False)
    person, other = member(review, "extractor"), member(review, "extractor")
    assign.assign(trial.pk, "A", person.pk, by=lead)
    for slot, user in (("B", person), ("A", other)):
        with pytest.raises(SlotTaken):
            assign.assign(trial.pk, slot, user.pk, by=lead)
    assign.assign(trial.pk, "B", other.pk, by=lead)
    with pytest.raises(IllegalMove):
        assign.assign(trial.pk, "C", other.pk, by=lead)
    with pytest.raises(NotFound):
        assign.assign(trial.pk, "A", UserFactory().pk, by=lead)
    with pytest.raises(NotAllowed):
        assign.assign(trial.pk, "FINAL", member(review, "extractor").pk, by=lead)
    with pytest.raises(NotAllowed):
        assign.assign(trial.pk, "A", member(review, "reader").pk, by=lead)
    with pytest.raises(NotAllowed):
        assign.assign(trial.pk, "FINAL", lead.pk, by=member(review, "adjudicator"))
    assign.assign(trial.pk, "FINAL", lead.pk, by=lead)


def test_a_slot_is_taken_back_until_its_holder_begins(review, lead):
    trial = TrialFactory(review=review)
    assign.unassign(trial.pk, "A", by=lead)
    with pytest.raises(NotFound):
        assign.unassign(trial.pk, "A", by=lead)
    draft(trial, "B")
    with pytest.raises(IllegalMove, match="begun"):
        assign.unassign(trial.pk, "B", by=lead)
    with pytest.raises(NotAllowed):
        assign.unassign(trial.pk, "B", by=member(review, "adjudicator"))


def test_who_entered_data_never_holds_final(review, lead):
    trial = TrialFactory(review=review)
    person = holder(trial, "A")
    draft(trial, "A")
    member(review, "adjudicator", user=person)
    with pytest.raises(NotAllowed, match="never decides"):
        assign.assign(trial.pk, "FINAL", person.pk, by=lead)


def test_the_vocabulary_is_made_changed_and_dropped_by_leads(review, lead):
    group = define.put(OutcomeClass, review.pk, {"code": "pro", "name": "Proinflammatory", "direction": -1}, by=lead)
    marker = define.put(Marker, review.pk, {"code": "il6", "name": "IL-6", "outcome_class": group}, by=lead)
    assert marker.benefit == -1
    define.put(Marker, review.pk, {"direction": 1}, by=lead, pk=marker.pk)
    marker.refresh_from_db()
    assert marker.benefit == 1
    lines = Event.objects.count()
    define.put(Marker, review.pk, {"direction": 1}, by=lead, pk=marker.pk)
    assert Event.objects.count() == lines
    define.put(MarkerSynonym, review.pk, {"marker": marker, "text": "interleukin 6"}, by=lead)
    population = define.put(Moderator, review.pk, {"code": "pop", "name": "Population", "kind": "level"}, by=lead)
    level = define.put(ModeratorLevel, review.pk, {"moderator": population, "code": "t2d", "name": "T2D"}, by=lead)
    define.put(ModeratorLevel, review.pk, {"name": "Type 2 diabetes"}, by=lead, pk=level.pk)
    define.drop(ModeratorLevel, level.pk, by=lead)
    factor = {"unit": "pg/mL", "to_unit": "ng/L", "factor": "1"}
    define.put(UnitFactor, review.pk, factor, by=lead)
    with pytest.raises(InvalidValues, match="unit factor, row: There is a factor between"):
        define.put(UnitFactor, review.pk, factor, by=lead)
    with pytest.raises(InvalidValues, match="factor"):
        define.put(UnitFactor, review.pk, {**factor, "unit": "x", "factor": "a lot"}, by=lead)
    with pytest.raises(InvalidValues, match="Review and Code already exists"):
        define.put(Marker, review.pk, {"code": "il6", "name": "again"}, by=lead)
    with pytest.raises(InvalidValues):
        define.put(Marker, review.pk, {"code": "x", "name": "x", "colour": "red"}, by=lead)
    with pytest.raises(IllegalMove, match="in use"):
        define.drop(OutcomeClass, group.pk, by=lead)
    with pytest.raises(NotAllowed):
        define.put(Intervention, review.pk, {"code": "x", "name": "x"}, by=member(review, "adjudicator"))
    with pytest.raises(NotAllowed):
        define.drop(Marker, marker.pk, by=member(review, "extractor"))


def test_terms_of_another_review_do_not_exist(review, lead):
    foreign = MarkerFactory()
    with pytest.raises(NotFound):
        define.put(MarkerSynonym, review.pk, {"marker": foreign, "text": "x"}, by=lead)
    with pytest.raises(NotFound):
        define.put(Marker, review.pk, {"name": "x"}, by=lead, pk=foreign.pk)
    with pytest.raises(NotFound):
        define.drop(Marker, foreign.pk, by=lead)
    with pytest.raises(NotFound):
        define.put(Review, review.pk, {"title": "x"}, by=lead)
    member(foreign.review, "lead", user=lead)  # seen now, but of another review still
    with pytest.raises(NotFound):
        define.put(Marker, review.pk, {"name": "x"}, by=lead, pk=foreign.pk)


def test_a_change_under_an_entry_is_a_new_codebook_version(review, lead):
    define.put(Intervention, review.pk, {"code": "x", "name": "x"}, by=lead)
    review.refresh_from_db()
    assert review.codebook_version == 1
    trial = TrialFactory(review=review)
    enter.start(trial.pk, by=holder(trial, "A"))
    define.put(Intervention, review.pk, {"code": "y", "name": "y"}, by=lead)
    review.refresh_from_db()
    assert review.codebook_version == 2


def test_a_term_in_use_is_not_dropped(review, lead):
    marker = MarkerFactory(review=review, code="il6")
    trial_at(Status.AGREED, review, marker="il6")
    with pytest.raises(IllegalMove, match="in use"):
        define.drop(Marker, marker.pk, by=lead)
