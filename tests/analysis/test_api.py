"""The API of results: what is read, by whom, and the named actions."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from analysis.models import Effect, PooledResult, RecomputeRequest, Snapshot
from extraction.models import Assignment, Review, Trial, User
from extraction.recorded import recording
from tests.analysis.builders import contrast, person, small_review, trial_with
from tests.analysis.conftest import asked_and_recomputed, recomputed, synthesis

LISTS = ("syntheses", "results", "effects", "snapshots", "recompute-requests")


def api(user: User | None) -> APIClient:
    client = APIClient()
    if user is not None:
        client.force_authenticate(user)
    return client


def get(user: User, path: str, **query: Any) -> Any:
    response = api(user).get(f"/api/{path}/", query)
    assert response.status_code == 200, response.content
    return response.json()


def test_a_synthesis_tells_its_result_and_how_it_stands_to_the_data(pooled: Review, lead: User) -> None:
    (one,) = get(lead, "syntheses")["results"]
    assert one["freshness"] == "fresh"
    result = PooledResult.objects.get()
    assert one["current"]["result"]["estimate"] == result.estimate
    assert one["current"]["result"]["trials"] == 3
    assert one["current"]["snapshot"] == Snapshot.objects.get().digest
    trial_with(pooled, "Another", contrast(-2.0))
    assert get(lead, f"syntheses/{one['id']}")["freshness"] == "old"


def test_before_the_first_run_there_is_no_result(review: Review, lead: User) -> None:
    one = synthesis(review, lead)
    assert get(lead, f"syntheses/{one.pk}")["current"] is None


def test_results_effects_snapshots_and_requests_are_listed(pooled: Review, lead: User) -> None:
    assert [row["state"] for row in get(lead, "results")["results"]] == ["ok"]
    effects = get(lead, "effects", review=pooled.pk)["results"]
    assert [row["marker"] for row in effects] == ["CRP"] * 3
    assert effects[0]["ledger"]["inputs"][0]["n"] == 20
    (snapshot,) = get(lead, "snapshots")["results"]
    assert len(snapshot["trials"]) == 3
    (request,) = get(lead, "recompute-requests")["results"]
    assert request["done"] == request["wanted"] == 1


def test_a_meta_regression_lists_its_coefficients(pooled: Review, lead: User) -> None:
    for number in range(3, 9):
        trial_with(pooled, f"Trial {number}", contrast(-0.3 * (number % 4)), said={"age": str(30 + 5 * number)})
    one = synthesis(pooled, lead, name="Age", moderator=pooled.moderators.get(code="age"))
    recomputed(pooled)
    shown = get(lead, f"syntheses/{one.pk}")
    assert shown["moderator"] == "age"
    assert [term["term"] for term in shown["current"]["result"]["coefficients"]] == ["Intercept", "age"]


@pytest.mark.parametrize("path", LISTS)
def test_extractors_strangers_and_visitors_read_nothing(pooled: Review, path: str) -> None:
    for user in (person(pooled, "extractor"), person(small_review("Other"), "lead")):
        assert get(user, path)["results"] == []
    assert api(None).get(f"/api/{path}/").status_code == 401


def test_an_effect_of_a_trial_that_the_caller_extracts_is_not_there(pooled: Review) -> None:
    reader = person(pooled, "reader")
    trial = Trial._base_manager.get(label="Trial 1")
    with recording():
        Assignment(trial=trial, slot="A", user=reader).save()
        trial.status = "adjudicating"
        trial.save()
    effect = Effect.objects.get(trial=trial)
    assert api(reader).get(f"/api/effects/{effect.pk}/").status_code == 404
    assert len(get(reader, "effects")["results"]) == 2


@pytest.mark.parametrize("path", LISTS)
def test_an_unknown_filter_is_refused(pooled: Review, lead: User, path: str) -> None:
    assert api(lead).get(f"/api/{path}/", {"yi__gt": "0"}).status_code == 400
    assert api(lead).get(f"/api/{path}/", {"review": "x"}).status_code == 400


def test_filters_narrow(pooled: Review, lead: User) -> None:
    other = synthesis(pooled, lead, name="Other", rho=0.1)
    recomputed(pooled)
    assert [row["name"] for row in get(lead, "syntheses", is_primary="true")["results"]] == ["All"]
    assert [row["synthesis"] for row in get(lead, "results", synthesis=other.pk)["results"]] == [other.pk]
    assert get(lead, "results", state="failed")["results"] == []
    assert get(lead, "effects", measure="post_g")["results"] == []


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_nothing_computed_is_changed_by_the_api(pooled: Review, lead: User, method: str) -> None:
    for path in (f"results/{PooledResult.objects.get().pk}", f"syntheses/{pooled.syntheses.get().pk}"):
        assert getattr(api(lead), method)(f"/api/{path}/", {}).status_code == 405


def test_recompute_is_a_named_action(pooled: Review, lead: User) -> None:
    path = f"/api/syntheses/{pooled.syntheses.get().pk}/recompute/"
    response = api(lead).post(path, {})
    assert (response.status_code, response.json()["wanted"]) == (200, 2)
    assert api(person(pooled, "adjudicator")).post(path, {}).status_code == 200
    assert api(person(pooled, "reader")).post(path, {}).status_code == 403
    assert api(person(pooled, "extractor")).post(path, {}).status_code == 404
    assert api(lead).post(path, {"force": True}).status_code == 400
    assert RecomputeRequest.objects.get().wanted == 3


def test_making_a_synthesis_primary_is_a_named_action(pooled: Review, lead: User) -> None:
    other = synthesis(pooled, lead, name="Other")
    response = api(lead).post(f"/api/syntheses/{other.pk}/make-primary/", {})
    assert response.json()["is_primary"] is True
    assert api(person(pooled, "adjudicator")).post(f"/api/syntheses/{other.pk}/make-primary/", {}).status_code == 403


def test_a_list_asks_the_database_no_more_for_many_than_for_few(
    pooled: Review, lead: User, django_assert_max_num_queries: Any
) -> None:
    def queries() -> dict[str, int]:
        counted = {}
        for path in LISTS:
            with django_assert_max_num_queries(20) as captured:
                get(lead, path)
            counted[path] = len(captured)
        return counted

    few = queries()
    for number in range(10):
        trial_with(pooled, f"More {number}", contrast(-0.1 * number))
        synthesis(pooled, lead, name=f"More {number}", rho=number / 20)
    asked_and_recomputed(pooled)
    assert queries() == few
