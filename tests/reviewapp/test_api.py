"""What every address of the API shares: pages, filters, the schema."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from reviewapp.api import depth
from tests.factories import UserFactory

pytestmark = [pytest.mark.urls("tests.reviewapp.raising_urls"), pytest.mark.django_db]


@pytest.fixture
def people() -> None:
    UserFactory.create_batch(60)


@pytest.mark.parametrize(
    ("asked", "rows"), [({}, 50), ({"page": 2}, 10), ({"page_size": 7}, 7), ({"page_size": 200}, 60)]
)
@pytest.mark.usefixtures("people")
def test_a_page_has_fifty_rows_or_as_many_as_asked(client: APIClient, asked: dict[str, int], rows: int) -> None:
    body = client.get("/api/people", asked).json()
    assert body["count"] == 60
    assert len(body["results"]) == rows


@pytest.mark.parametrize("asked", ["0", "201", "-1", "1e2", "٣", "", "all", "9" * 5000])
def test_a_page_size_that_is_not_from_1_to_200_is_400(client: APIClient, asked: str) -> None:
    response = client.get("/api/people", {"page_size": asked})
    assert response.status_code == 400
    assert response.json() == {
        "code": "invalid_values",
        "detail": "Some values are refused.",
        "fields": {"page_size": ["From 1 to 200."]},
    }


@pytest.mark.parametrize("page", ["0", "9", "x"])
@pytest.mark.usefixtures("people")
def test_a_page_that_is_not_there_is_404(client: APIClient, page: str) -> None:
    response = client.get("/api/people", {"page": page})
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.usefixtures("people")
def test_a_filter_filters_and_one_that_is_unknown_is_400(client: APIClient) -> None:
    someone = UserFactory.create(username="someone", is_active=False)
    assert [row["username"] for row in client.get("/api/people", {"is_active": "false"}).json()["results"]] == [
        someone.username
    ]
    for unknown in ("is_actve", "password__startswith", "ordering", "format"):
        response = client.get("/api/people", {unknown: "x"})
        assert response.status_code == 400
        assert response.json()["fields"] == {unknown: ["There is no such filter."]}


def test_a_value_that_a_filter_does_not_understand_is_400(client: APIClient) -> None:
    response = client.get("/api/people", {"last_login": "yesterday"})
    assert response.status_code == 400
    assert "last_login" in response.json()["fields"]


def test_a_method_that_is_not_there_is_405(client: APIClient) -> None:
    response = client.delete("/api/people")
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")


def test_depth_counts_lists_and_objects() -> None:
    assert [depth(value) for value in (1, [], {}, [1, [2]], {"a": [{"b": 1}], "c": 2})] == [0, 1, 1, 2, 3]
