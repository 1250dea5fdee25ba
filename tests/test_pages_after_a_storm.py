"""Every page of a review in which everything was done at once: returned, reopened, superseded, withdrawn, left open.

The table of routes tells what an address is filled with; here each is filled with many rows in whatever state they are.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from typing import Any

import pytest
from django.urls import NoReverseMatch, reverse

from analysis.recompute import recompute
from extraction.models import User
from extraction.number import FIELDS
from tests.extraction.storm import FIRST, Storm, raging
from tests.knocking import client_of
from tests.matrix import MATRIX
from tests.routes import every_route, project_models

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

MOST = 20  # rows of a kind, and addresses of a route
CALLED = {"request": "recomputerequest", "result": "pooledresult", "contrast": "contraststatistic"}
MODELS = {model._meta.model_name: model for model in project_models()}


def some(name: str) -> list[Any]:
    """Keys of rows of a kind, as the table of routes calls it; none for what is no row."""
    model = MODELS.get(CALLED.get(name, name))
    keys = list(model._base_manager.order_by("pk").values_list("pk", flat=True)) if model else []
    return random.Random(1).sample(keys, min(MOST, len(keys)))


def addresses() -> list[tuple[str, str]]:
    arguments = {route.name: route.arguments for route in every_route()}
    found = []
    for name, row in MATRIX.items():
        for keys in itertools.islice(itertools.product(*map(some, row.fill)), MOST):
            try:
                found.append((name, reverse(name, kwargs=dict(zip(arguments[name], keys, strict=True)))))
            except NoReverseMatch:
                continue
    for subject, fields in FIELDS.items():
        found += [
            ("analysis:number", reverse("analysis:number", args=[subject.value, key, field]))
            for key, field in itertools.product(some(subject.value), fields)
        ]
    for name, taken in arguments.items():
        if name.startswith(("admin:extraction_", "admin:analysis_")):
            rows = [[key] for key in some(name.split("_")[1])] if taken else [[]]
            found += [(name, reverse(name, args=row)) for row in rows]
    return [(name, where) for name, where in found if name != "logout"]


def test_every_page_answers_whatever_happened_before() -> None:
    storm = Storm(FIRST)
    for _ in range(2):
        raging(storm)
    recompute(storm.review.pk)
    people = [storm.leads[0], storm.extractors[0]]
    User.objects.filter(pk__in=[user.pk for user in people]).update(is_staff=True)
    answers: Counter[int] = Counter()
    failed = []  # with what failed in the log that pytest shows
    for user in people:
        client = client_of(User.objects.get(pk=user.pk))
        client.raise_request_exception = False
        for name, where in addresses():
            status = client.get(where).status_code
            answers[status] += 1
            if status >= 500:
                failed.append(f"{name} {where} as {user}: {status}")
    assert not failed, "\n".join(failed)
    assert answers[200] > 300, answers
