"""Requests made from the API's own description, sane and insane: none may fail, and every refusal has its code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings
from rest_framework.authtoken.models import Token
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from extraction.models import Review
from extraction.states import Status
from tests.factories import MarkerFactory, ReviewFactory, draft, holder, made, member, trial_at

DESCRIPTION = Path(__file__).parent.parent / "docs" / "openapi.yaml"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

schema = schemathesis.openapi.from_path(str(DESCRIPTION))
schema.app = get_wsgi_application()

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def the_connection_of_the_test_stays_open() -> Iterator[None]:
    """The real WSGI handler closes old connections around a request, and with it the transaction of the test."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def world() -> dict[str, Any]:
    """One person who may do everything somewhere, and a row of every kind for the requests to hit."""
    review: Review = made(ReviewFactory)
    made(MarkerFactory, review=review, code="il6")
    entering = trial_at(Status.ENTERING, review)
    person = holder(entering, "A")
    member(review, "lead", "adjudicator", "reader", user=person)
    entry = draft(entering, "A", marker="il6", contrasts=[{"statistic": "p", "value": "<0.05"}])
    adjudicating, aligning = trial_at(Status.ADJUDICATING, review), trial_at(Status.ALIGNING, review)
    trial_at(Status.APPROVED, review)
    token = Token.objects.create(user=person)
    return {
        "headers": {"Authorization": f"Token {token.key}"},
        "entry": str(entry.pk),
        "reviews": review.pk,
        "trials": adjudicating.pk,
        "entries": str(entry.pk),
        "matches": str(aligning.matches.earliest("position").pk),
        "discrepancies": str(adjudicating.discrepancies.earliest("position").pk),
        **{
            kind: str(getattr(entry, kind).first().pk)
            for kind in ("arms", "timepoints", "outcomes", "observations", "contrasts")
        },
    }


@schema.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_request_fails(case: Any, world: dict[str, Any]) -> None:
    for path_parameters in (case.path_parameters, real_keys(case, world)):
        case.path_parameters = path_parameters
        response = case.call(headers=world["headers"])
        case.validate_response(response, checks=CHECKS)
        if response.status_code >= 400:
            assert set(response.json()) >= {"code", "detail"}, case.path


def real_keys(case: Any, world: dict[str, Any]) -> dict[str, Any]:
    """Keys of rows that are there, for the requests to come further than "not found"."""
    kinds = [part for part in case.path.split("/") if part in world and part != "headers"]
    known = {"entry": world["entry"], "id": world.get(kinds[-1]) if kinds else None}
    given = dict(case.path_parameters or {})
    return {name: known.get(name) or value for name, value in given.items()}
