"""The entry page in tests: what it shows, what is sent back. `trial` and `client` are fixtures."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from extraction.models import Entry
from tests.factories import (
    InterventionFactory,
    MarkerFactory,
    ReviewFactory,
    TrialFactory,
    holder,
)
from tests.sent import sent


@pytest.fixture
def trial() -> Any:
    review = ReviewFactory.create()
    InterventionFactory.create(review=review, code="training", name="Training")
    MarkerFactory.create(review=review, code="IL-6", name="Interleukin-6")
    return TrialFactory.create(review=review)


@pytest.fixture
def client(trial: Any) -> Client:
    client = Client()
    client.force_login(holder(trial, "A"))
    return client


def shown(client: Client, entry: Entry) -> dict[str, str]:
    response = client.get(reverse("extraction:entry", args=[entry.pk]))
    assert response.status_code == 200
    return sent(response.content.decode(), "data-entry")


def save(client: Client, entry: Entry, data: dict[str, str], then: str = "") -> Any:
    return client.post(reverse("extraction:entry-save", args=[entry.pk]), {**data, "then": then})


def control(data: dict[str, str], subject: str, field: str, number: int = 0) -> str:
    """The name of a field of the n-th row of a subject."""
    return [name for name in data if name.startswith(f"{subject}.") and name.endswith(f".{field}")][number]


def detail(data: dict[str, str], field: str, number: int = 0) -> str:
    """The name of what stands behind the source button of the n-th cell; sent only once something is said there."""
    return control(data, "cell", "at", number).replace(".at", f".{field}")
