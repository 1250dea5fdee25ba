"""Results in the admin: read-only, and only for those who may see them."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from analysis.models import Effect, PooledResult, RecomputeRequest, Snapshot
from extraction.models import Assignment, Review, Trial, User
from extraction.recorded import recording
from tests.analysis.builders import person, small_review

MODELS = ("synthesis", "recomputerequest", "snapshot", "pooledresult", "effect")


def staff(review: Review, *roles: str) -> User:
    user = person(review, *roles)
    user.is_staff = True
    user.save()
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def rows(review: Review) -> dict[str, object]:
    return {
        "synthesis": review.syntheses.get().pk,
        "recomputerequest": RecomputeRequest.objects.get().pk,
        "snapshot": Snapshot.objects.get().pk,
        "pooledresult": PooledResult.objects.get().pk,
        "effect": Effect.objects.first().pk,  # type: ignore[union-attr]
    }


def test_a_lead_reads_every_list_and_every_row_and_may_change_none(pooled: Review) -> None:
    client = signed_in(staff(pooled, "lead"))
    for model, key in rows(pooled).items():
        assert client.get(reverse(f"admin:analysis_{model}_changelist")).status_code == 200
        shown = client.get(reverse(f"admin:analysis_{model}_change", args=[key]))
        assert shown.status_code == 200
        assert b'name="_save"' not in shown.content
        assert client.post(reverse(f"admin:analysis_{model}_change", args=[key]), {"rho": "0.1"}).status_code == 403
        assert client.get(reverse(f"admin:analysis_{model}_add")).status_code == 403
        assert client.post(reverse(f"admin:analysis_{model}_delete", args=[key]), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", MODELS)
def test_nobody_else_finds_anything(pooled: Review, model: str) -> None:
    key = rows(pooled)[model]
    for user in (staff(pooled, "extractor"), staff(small_review("Other"), "lead")):
        client = signed_in(user)
        listed = client.get(reverse(f"admin:analysis_{model}_changelist"))
        address = reverse(f"admin:analysis_{model}_change", args=[key])
        assert listed.status_code == 403 or address not in listed.content.decode()
        assert client.get(address).status_code in {403, 404}


def test_an_effect_of_a_trial_that_the_reader_extracts_is_not_listed(pooled: Review) -> None:
    reader = staff(pooled, "reader")
    trial = Trial._base_manager.get(label="Trial 1")
    with recording():
        Assignment(trial=trial, slot="A", user=reader).save()
        trial.status = "adjudicating"
        trial.save()
    html = signed_in(reader).get(reverse("admin:analysis_effect_changelist")).content.decode()
    assert "Trial 0" in html
    assert "Trial 1" not in html


def test_a_run_can_be_asked_for(pooled: Review) -> None:
    key = RecomputeRequest.objects.get().pk
    client = signed_in(staff(pooled, "lead"))
    address = reverse("admin:analysis_recomputerequest_changelist")
    client.post(address, {"action": "ask_again", "_selected_action": [key]})
    assert RecomputeRequest.objects.get().wanted == 2
    # not by somebody who may only read
    signed_in(staff(pooled, "reader")).post(address, {"action": "ask_again", "_selected_action": [key]})
    assert RecomputeRequest.objects.get().wanted == 2
