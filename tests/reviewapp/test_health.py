"""What machines are told about this installation."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from wsgiref.handlers import SimpleHandler
from wsgiref.util import setup_testing_defaults

import pytest
from celery import Celery
from django.db import DatabaseError, connection
from django.test import Client
from django.utils.timezone import now
from pytest_django import Settings

from analysis.models import RecomputeRequest
from reviewapp import health
from reviewapp.wsgi import application
from tests.factories import ReviewFactory

pytestmark = pytest.mark.django_db

ALL_WELL = {"database": "ok", "broker": "ok", "recompute": "ok"}


@pytest.fixture
def request_for_a_review() -> RecomputeRequest:
    request = RecomputeRequest(review=ReviewFactory.create(), wanted=2, done=1)
    request.wanted_at = now() - timedelta(minutes=6)
    request.save()
    return request


def test_a_working_installation_says_so(client: Client) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, ALL_WELL)
    assert client.post("/healthz").status_code == 405


def test_the_entry_point_of_the_web_server_answers() -> None:
    environ: dict[str, Any] = {"PATH_INFO": "/healthz/alive", "HTTP_HOST": "127.0.0.1"}
    setup_testing_defaults(environ)
    handler = SimpleHandler(BytesIO(), answer := BytesIO(), StringIO(), environ)
    handler.run(application)
    assert answer.getvalue().splitlines()[0].endswith(b" 200 OK")
    assert answer.getvalue().endswith(b"\r\n\r\nok\n")


def test_a_broker_folder_that_cannot_be_written_is_told_while_people_are_let_through(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.CELERY_BROKER_URL = "folder://"
    settings.BROKER_DIR = tmp_path / "broker"
    settings.BROKER_DIR.write_text("in the way")
    response = client.get("/healthz")
    assert response.status_code == 503
    assert response.json() == {**ALL_WELL, "broker": "cannot be written"}
    assert client.get("/healthz/alive").status_code == 200


def test_asking_leaves_nothing_in_the_broker_folder(client: Client, settings: Settings, tmp_path: Path) -> None:
    settings.CELERY_BROKER_URL = "folder://"
    settings.BROKER_DIR = tmp_path / "broker"
    assert client.get("/healthz").status_code == 200
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_redis_that_is_away_is_told_within_two_seconds(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)  # which Celery would prefer
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"  # nobody listens there
    monkeypatch.setattr(health, "app", Celery(broker=settings.CELERY_BROKER_URL))
    assert client.get("/healthz").json() == {**ALL_WELL, "broker": "does not answer"}


def test_a_request_that_nobody_meets_for_five_minutes_is_told(
    client: Client, request_for_a_review: RecomputeRequest
) -> None:
    response = client.get("/healthz")
    assert response.status_code == 503
    assert re.fullmatch(r"a request waits for 36\d s: is a worker with beat running\?", response.json()["recompute"])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda: {"done": 2}, id="it is met"),
        pytest.param(lambda: {"wanted_at": now() - timedelta(minutes=1)}, id="it has waited for a minute"),
        pytest.param(lambda: {"lease_until": now() + timedelta(minutes=1)}, id="somebody computes it"),
        pytest.param(lambda: {"failures": 5}, id="it was given up, which the admin shows"),
    ],
)
def test_a_request_is_no_alarm_while(
    client: Client, request_for_a_review: RecomputeRequest, change: Callable[[], dict[str, Any]]
) -> None:
    RecomputeRequest.objects.filter(pk=request_for_a_review.pk).update(**change())
    assert client.get("/healthz").json() == ALL_WELL


def test_a_database_that_does_not_answer_is_told(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object, **kwargs: object) -> None:
        raise DatabaseError("the password is swordfish")

    monkeypatch.setattr(connection, "cursor", fails)
    response = client.get("/healthz")
    assert response.status_code == 503
    assert response.json()["database"] == "does not answer"
    assert "unknown" in response.json()["recompute"]
    assert "swordfish" not in response.content.decode()
