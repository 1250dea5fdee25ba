"""Leads set up what is pooled; every change is recorded and asks for a recompute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from analysis import setup
from analysis.models import RecomputeRequest, Synthesis
from analysis.specification import Measure, Model
from extraction.errors import ExtractionError, InvalidValues, NotAllowed, NotFound
from extraction.models import Event, Moderator, Review, User
from extraction.recorded import recording
from tests.analysis.builders import contrast, person, small_review, trial_with
from tests.analysis.conftest import recomputed, shown, synthesis


def wanted(review: Review) -> int:
    return sum(RecomputeRequest.objects.filter(review=review).values_list("wanted", flat=True))


def test_a_new_synthesis_is_recorded_and_asked_for(review: Review, lead: User) -> None:
    one = synthesis(review, lead, name="CRP", filters={"markers": ["CRP"]}, rho=0.6)
    event = Event.objects.get(review=review, verb="create synthesis")
    assert (event.actor, event.object_key) == (lead, str(one.pk))
    assert event.after["filters"] == {"markers": ["CRP"]}
    assert wanted(review) == 1


def test_the_first_synthesis_is_the_primary_one(review: Review, lead: User) -> None:
    first, second = synthesis(review, lead, name="One"), synthesis(review, lead, name="Two")
    assert (first.is_primary, second.is_primary) == (True, False)


def test_another_may_become_the_primary_one(review: Review, lead: User) -> None:
    first, second = synthesis(review, lead, name="One"), synthesis(review, lead, name="Two")
    setup.set_primary(second.pk, by=lead)
    assert list(Synthesis.objects.filter(is_primary=True)) == [second]
    assert Event.objects.get(verb="set primary").before == {"primary": first.pk}


def test_a_change_is_recorded_with_before_and_after(pooled: Review, lead: User) -> None:
    one = pooled.syntheses.get()
    setup.change_synthesis(one.pk, {"rho": 0.5, "name": "All"}, by=lead)
    event = Event.objects.get(verb="change synthesis")
    assert (event.before, event.after) == ({"rho": "0.8"}, {"rho": "0.5"})
    assert wanted(pooled) == 2


def test_a_change_that_changes_nothing_asks_for_nothing(pooled: Review, lead: User) -> None:
    before = wanted(pooled)
    setup.change_synthesis(pooled.syntheses.get().pk, {"rho": 0.8}, by=lead)
    assert wanted(pooled) == before
    assert not Event.objects.filter(verb="change synthesis").exists()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"rho": 1.5}, "row"),
        ({"measure": "odds"}, "measure"),
        ({"filters": {"markers": "CRP"}}, "filters"),
        ({"filters": {"markers": ["no such"]}}, "markers"),
        ({"filters": {"interventions": ["no such"]}}, "interventions"),
        ({"filters": {"outcome_classes": ["no such"]}}, "outcome_classes"),
        ({"filters": {"levels": {"setting": ["no such"]}}}, "levels of setting"),
        ({"filters": {"levels": {"no such": ["Home"]}}}, "levels of no such"),
        ({"name": ""}, "name"),
        ({"owner": 1}, "owner"),
    ],
)
def test_what_the_vocabulary_or_the_model_refuses_is_told_by_field(
    review: Review, lead: User, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidValues) as caught:
        synthesis(review, lead, **values)
    assert [problem.field for problem in caught.value.problems] == [field]
    assert not Synthesis.objects.exists()
    assert wanted(review) == 0


def test_a_moderator_of_another_review_or_of_text_is_refused(review: Review, lead: User) -> None:
    other = Moderator._base_manager.get(review=small_review("Other"), code="age")
    with recording():
        text = Moderator(review=review, code="note", name="Note", kind="text")
        text.save()
    for moderator in (other, text):
        with pytest.raises(InvalidValues, match="not a number or a factor"):
            synthesis(review, lead, moderator=moderator)


ACTS: dict[str, Callable[[Review, Synthesis, User], Any]] = {
    "create": lambda review, one, by: synthesis(review, by, name="Other"),
    "change": lambda review, one, by: setup.change_synthesis(one.pk, {"rho": 0.1}, by=by),
    "primary": lambda review, one, by: setup.set_primary(one.pk, by=by),
    "defaults": lambda review, one, by: setup.create_default_syntheses(review.pk, by=by),
    "recompute": lambda review, one, by: setup.request_recompute(review.pk, by=by),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("role", ["lead", "adjudicator", "reader", "extractor", "stranger"])
def test_who_may_do_what(pooled: Review, act: str, role: str) -> None:
    by = person(pooled if role != "stranger" else small_review("Other"), "lead" if role == "stranger" else role)
    before = Event.objects.count()
    allowed = role == "lead" or (act == "recompute" and role == "adjudicator")
    if allowed:
        ACTS[act](pooled, pooled.syntheses.get(), by)
    else:
        with pytest.raises((NotAllowed, NotFound)) as caught:
            ACTS[act](pooled, pooled.syntheses.get(), by)
        assert isinstance(caught.value, ExtractionError)
        assert Event.objects.count() == before


def test_asking_for_a_recompute_is_recorded(pooled: Review, lead: User) -> None:
    before = wanted(pooled)
    setup.request_recompute(pooled.pk, by=lead)
    assert wanted(pooled) == before + 1
    assert Event.objects.filter(verb="request recompute", actor=lead).count() == 1


# --- The usual set ------------------------------------------------------------------------------------------


def test_the_usual_set_follows_from_the_vocabulary(review: Review, lead: User) -> None:
    made = setup.create_default_syntheses(review.pk, by=lead, measure=Measure.POST_G)
    assert [(one.group, one.name, one.model) for one in made] == [
        ("", "All outcomes", Model.RVE),
        ("By setting", "Clinic", Model.RVE),
        ("By setting", "Home", Model.RVE),
        ("By intervention", "CBT", Model.RVE),
        ("By intervention", "Support", Model.RVE),
        ("By outcome class", "Inflammation", Model.RVE),
        ("By marker", "CRP", Model.REML),
        ("By marker", "IL-10", Model.REML),
        ("By marker", "NK cells", Model.REML),
        ("Moderators", "Mean age", Model.RVE),
    ]
    assert {one.measure for one in made} == {Measure.POST_G}
    assert [one.is_primary for one in made] == [True] + [False] * 9
    assert made[-1].moderator == Moderator._base_manager.get(review=review, code="age")


def test_what_is_there_already_is_not_made_again(review: Review, lead: User) -> None:
    first = setup.create_default_syntheses(review.pk, by=lead)
    assert len(first) == 10
    assert setup.create_default_syntheses(review.pk, by=lead) == []


def test_interventions_that_only_controls_receive_are_left_out_once_it_is_known(review: Review, lead: User) -> None:
    arms = {"T": {"role": "intervention", "intervention": "CBT"}, "C": {"role": "control", "intervention": "Support"}}
    trial_with(review, "Trial", contrast(-1.0), arms=arms)
    made = setup.create_default_syntheses(review.pk, by=lead)
    assert [one.name for one in made if one.group == "By intervention"] == ["CBT"]


def test_filters_by_level_class_and_intervention_reach_the_effects(review: Review, lead: User) -> None:
    for number, place in enumerate(("Clinic", "Home", "Clinic")):
        trial_with(review, f"Trial {number}", contrast(-1.0 - number), said={"setting": place, "age": str(40 + number)})
    trial_with(review, "Other marker", contrast(1.0, marker="IL-10"), said={"setting": "Home"})
    made = {one.name: one for one in setup.create_default_syntheses(review.pk, by=lead, measure=Measure.CHANGE_G)}
    recomputed(review)
    assert {name: shown(one).result.effects for name, one in made.items()} == {
        "All outcomes": 4, "Clinic": 2, "Home": 2, "CBT": 4, "Inflammation": 3, "CRP": 3, "IL-10": 1,
        "NK cells": 0, "Mean age": 3,
    }  # fmt: skip
