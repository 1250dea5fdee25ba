"""Refusals and failures: the right status and code for the API, a page for people, a notice for HTMX."""

from __future__ import annotations

import json
import logging

import pytest
from django.test import Client
from rest_framework.test import APIClient

from tests.reviewapp.raising_urls import SECRET

pytestmark = [pytest.mark.urls("tests.reviewapp.raising_urls"), pytest.mark.django_db]

TOLD = [
    ("stale", 409, "stale_version"),
    ("not-allowed", 403, "not_allowed"),
    ("not-found", 404, "not_found"),
    ("hidden", 404, "not_found"),
    ("http404", 404, "not_found"),
    ("invalid", 400, "invalid_values"),
    ("denied", 403, "not_allowed"),
    ("suspicious", 400, "bad_request"),
    ("too-big", 413, "too_large"),
    ("conflict", 409, "conflict"),
    ("busy", 503, "unavailable"),
]


@pytest.fixture
def person() -> Client:
    """A client that gets the page of a failure, as a browser would, instead of the exception."""
    return Client(raise_request_exception=False)


@pytest.fixture
def program() -> APIClient:
    return APIClient(raise_request_exception=False)


@pytest.mark.parametrize(("what", "status", "code"), [*TOLD, ("defect", 500, "failed")])
def test_the_api_tells_a_stable_code_and_a_sentence(program: APIClient, what: str, status: int, code: str) -> None:
    # when an address of the API raises
    response = program.get(f"/api/raise/{what}")
    # then the answer is JSON with the status and the code, and quotes nothing
    assert response.status_code == status
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert body["code"] == code
    assert body["detail"].endswith(".")
    assert SECRET not in response.content.decode()


@pytest.mark.parametrize(("what", "status", "code"), [*TOLD, ("defect", 500, "failed")])
def test_a_person_gets_a_page(person: Client, what: str, status: int, code: str) -> None:
    # when a page raises
    response = person.get(f"/raise/{what}")
    # then the answer is a page with a heading that quotes nothing
    assert response.status_code == status
    page = response.content.decode()
    assert "<h1" in page
    assert SECRET not in page


@pytest.mark.parametrize(("what", "status", "code"), TOLD)
def test_htmx_gets_a_notice_that_leaves_the_refused_form_where_it_is(
    person: Client, what: str, status: int, code: str
) -> None:
    # when a request of HTMX is refused
    response = person.get(f"/raise/{what}", headers={"HX-Request": "true"})
    # then a fragment goes to the notices
    assert response.status_code == status
    assert response["HX-Retarget"] == "#notices"
    assert "<html" not in response.content.decode()
    assert SECRET not in response.content.decode()


def test_missing_hidden_and_unknown_are_told_in_the_same_bytes(program: APIClient) -> None:
    bodies = {program.get(f"/api/raise/{what}").content for what in ("not-found", "hidden", "http404")}
    bodies.add(program.get("/api/no-such-address").content)
    assert len(bodies) == 1


def test_single_refused_values_are_named(program: APIClient) -> None:
    ours = program.get("/api/raise/invalid").json()
    assert ours["problems"] == [{"row": "Arm 1", "field": "n", "message": "Write a whole number.", "seen": "12.5"}]
    models = program.get("/api/raise/model-invalid")
    assert models.status_code == 400
    assert models.json()["fields"] == {"label": ["This name is taken."]}


def test_a_busy_database_says_when_to_come_back(person: Client, program: APIClient) -> None:
    assert person.get("/raise/busy")["Retry-After"] == "5"
    assert program.get("/api/raise/busy")["Retry-After"] == "5"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("[" * 100_000, 400),
        ("[" * 40 + "]" * 40, 400),
        ('{"a":' * 50 + "1" + "}" * 50, 400),
        ("[" * 20 + "]" * 20, 200),
        ("[1, 2", 400),
        ("[NaN]", 400),
        ("\x00", 400),
        ('"\\ud800"', 200),
        ("[" + "1," * 2_000_000 + "1]", 413),
    ],
    ids=["bottomless", "deep", "deep objects", "20 levels", "cut off", "NaN", "NUL", "surrogate", "4 MB"],
)
def test_bad_json_is_400_or_413_and_never_a_failure(program: APIClient, body: str, status: int) -> None:
    response = program.post("/api/echo", body, content_type="application/json")
    assert response.status_code == status
    if status != 200:
        assert set(response.json()) == {"code", "detail"}


def test_json_in_another_wrapping_is_415(program: APIClient) -> None:
    response = program.post("/api/echo", "a=1", content_type="application/x-www-form-urlencoded")
    assert response.status_code == 415
    assert response.json()["code"] == "unsupported_media_type"


def test_a_form_that_is_too_large_is_413(person: Client) -> None:
    response = person.post("/echo", {"text": "x" * 3_000_000})
    assert response.status_code == 413
    too_many = person.post("/echo", {f"field{number}": "1" for number in range(10_001)})
    assert too_many.status_code == 400


def test_an_upload_over_the_limit_is_refused_before_it_is_read(person: Client) -> None:
    response = person.generic("POST", "/echo", b"x", headers={"Content-Length": str(11 * 1024 * 1024)})
    assert response.status_code == 413
    lying = person.generic("POST", "/echo", b"x", headers={"Content-Length": "-1"})
    assert lying.status_code == 400


@pytest.mark.parametrize("address", ["/raise/%00", "/accounts/login/?next=%00", "/api/raise/a%00b"])
def test_a_nul_in_the_address_is_400(person: Client, address: str) -> None:
    assert person.get(address).status_code == 400


def test_an_unknown_page_is_a_page(person: Client) -> None:
    response = person.get("/no-such-page")
    assert response.status_code == 404
    assert "<h1" in response.content.decode()


def test_a_form_without_its_token_is_told_what_to_do() -> None:
    response = Client(enforce_csrf_checks=True).post("/accounts/login/", {"username": "a", "password": "b"})
    assert response.status_code == 403
    assert "reload the page" in response.content.decode()


def test_the_log_of_a_failure_says_where_and_never_what(program: APIClient, capsys: pytest.CaptureFixture[str]) -> None:
    # given the log as it is configured, to stderr
    handler = logging.StreamHandler()
    from reviewapp.logs import WithoutValues

    handler.setFormatter(WithoutValues())
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        # when a defect, a conflict and a task fail with an exception that quotes a value
        program.get("/api/raise/defect")
        program.get("/api/raise/conflict")
        try:
            raise ValueError(SECRET) from KeyError(SECRET)
        except ValueError:
            logging.getLogger("celery.app.trace").exception(
                "Task %(name)s raised: %(exc)s", {"name": "recompute", "exc": f"ValueError({SECRET!r})"}
            )
    finally:
        root.removeHandler(handler)
    # then the places and kinds are in it, the value is not
    log = capsys.readouterr().err
    assert "ZeroDivisionError" in log
    assert "IntegrityError" in log
    assert "builtins.ValueError" in log
    assert "builtins.KeyError" in log
    assert "raising_urls.py" in log
    assert SECRET not in log


def test_bodies_are_json_all_the_way(program: APIClient) -> None:
    response = program.post("/api/echo", json.dumps({"a": 1}), content_type="application/json")
    assert response.json() == {"items": 1}
