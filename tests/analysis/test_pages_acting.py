"""What leads do on the pages on results: set up syntheses, choose the primary one, ask for a recompute."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from analysis.models import RecomputeRequest, Synthesis
from analysis.specification import Measure
from extraction.models import Review, User
from tests.analysis.builders import person
from tests.analysis.conftest import synthesis
from tests.analysis.reading import signed_in


def test_a_lead_sets_up_the_usual_syntheses_by_one_button(review: Review, lead: User) -> None:
    address = reverse("analysis:synthesis-defaults", args=[review.pk])
    response = signed_in(lead).post(address, {"measure": Measure.CHANGE_G})
    assert response.status_code == 302
    assert Synthesis.objects.filter(review=review).count() == 10
    assert signed_in(lead).post(address, {"measure": "odds"}).status_code == 302
    assert Synthesis.objects.filter(review=review, measure="odds").count() == 0


def test_a_lead_makes_and_changes_a_synthesis_by_form(review: Review, lead: User) -> None:
    values = {
        "name": "CRP at home", "group": "", "measure": "change_g", "window": "post_any", "model": "reml", "rho": "0.8",
        "imputed_r": "", "level": "0.9", "moderator": "", "markers": ["CRP"], "level:setting": ["Home"],
    }  # fmt: skip
    client = signed_in(lead)
    assert client.post(reverse("analysis:synthesis-create", args=[review.pk]), values).status_code == 302
    one = Synthesis.objects.get()
    assert (one.name, one.level, one.filters) == (
        "CRP at home",
        0.9,
        {"markers": ["CRP"], "levels": {"setting": ["Home"]}},
    )
    # the form shows what was chosen, and changes it
    address = reverse("analysis:synthesis-change", args=[one.pk])
    assert '<option value="Home" selected>' in client.get(address).content.decode()
    age = review.moderators.get(code="age")
    changed = {**values, "markers": [], "level:setting": [], "moderator": str(age.pk)}
    assert client.post(address, changed).status_code == 302
    one.refresh_from_db()
    assert (one.filters, one.moderator) == ({}, age)


@pytest.mark.parametrize(
    ("field", "value"), [("rho", "7"), ("name", ""), ("markers", ["no such"]), ("moderator", "99")]
)
def test_a_refused_form_says_what_is_wrong_and_writes_nothing(
    review: Review, lead: User, field: str, value: Any
) -> None:
    values = {
        "name": "One", "measure": "change_g", "window": "post_any", "model": "rve", "rho": "0.8", "level": "0.95",
        field: value,
    }  # fmt: skip
    response = signed_in(lead).post(reverse("analysis:synthesis-create", args=[review.pk]), values)
    assert response.status_code == 400
    assert "problem" in response.content.decode() or "note-bad" in response.content.decode()
    assert not Synthesis.objects.exists()


def test_two_syntheses_of_one_name_are_refused_in_words(pooled: Review, lead: User) -> None:
    values = {
        "name": "All", "measure": "change_g", "window": "post_any", "model": "rve", "rho": "0.8", "level": "0.95",
    }  # fmt: skip
    response = signed_in(lead).post(reverse("analysis:synthesis-create", args=[pooled.pk]), values)
    assert response.status_code == 400
    assert "There is a synthesis of this name in this group." in response.content.decode()


@pytest.mark.parametrize("name", ["synthesis-create", "synthesis-defaults", "recompute"])
def test_readers_cannot_act(pooled: Review, name: str) -> None:
    response = signed_in(person(pooled, "reader")).post(
        reverse(f"analysis:{name}", args=[pooled.pk]), {"measure": "post_g"}
    )
    assert response.status_code in {403, 404}
    assert Synthesis.objects.count() == 1


def test_a_lead_asks_for_a_recompute_and_chooses_the_primary_synthesis(pooled: Review, lead: User) -> None:
    other = synthesis(pooled, lead, name="Other")
    before = RecomputeRequest.objects.get().wanted
    client = signed_in(lead)
    assert client.post(reverse("analysis:recompute", args=[pooled.pk])).status_code == 302
    assert client.post(reverse("analysis:synthesis-primary", args=[other.pk])).status_code == 302
    assert RecomputeRequest.objects.get().wanted == before + 2
    assert Synthesis.objects.get(is_primary=True) == other
