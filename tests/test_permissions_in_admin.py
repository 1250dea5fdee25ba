"""The admin's doors: for staff alone, and nothing is added or deleted there by who may not."""

from __future__ import annotations

import pytest
from django.urls import reverse

from extraction.models import Event
from extraction.states import Status
from tests.knocking import client_of, kept_out
from tests.matrix import ADJUDICATOR, LEAD, NOBODY, OUTSIDER, SUPERUSER, A
from tests.routes import every_route
from tests.test_permissions import world

pytestmark = pytest.mark.django_db

ADMIN = [route for route in every_route() if route.name.startswith("admin:")]
OPEN_ADMIN = {"admin:login", "admin:jsi18n", "admin:logout"}


def test_the_admin_is_for_staff():
    w = world(Status.ADJUDICATING)
    for who, user in w.people.items():
        if who == SUPERUSER:
            continue
        client = client_of(user)
        for route in ADMIN:
            if route.arguments or route.name in OPEN_ADMIN or route.name.endswith(":?"):
                continue
            assert kept_out(client.get(reverse(route.name))), f"{route.name} as {who}"


@pytest.mark.parametrize("who", [LEAD, ADJUDICATOR, A, SUPERUSER, OUTSIDER])
def test_nothing_in_the_admin_is_added_or_deleted_by_who_may_not(who):
    w = world(Status.ADJUDICATING)
    user = w.people[who]
    user.is_staff = True
    user.save()
    client = client_of(user)
    before = Event._base_manager.count()
    for route in ADMIN:
        if route.name.endswith("_add") and route.name.split("_")[0] in {"admin:extraction", "admin:analysis"}:
            response = client.get(reverse(route.name))
            assert response.status_code < 500, route.name
            if response.status_code == 200:
                assert who in MAY_ADD.get(route.name.split("_")[1], NOBODY), f"{route.name} as {who}"
    assert Event._base_manager.count() == before


VOCABULARY = ("intervention", "outcomeclass", "marker", "markersynonym", "unitfactor", "moderator", "moderatorlevel")
MAY_ADD: dict[str, frozenset[str]] = {
    **{model: frozenset({LEAD, OUTSIDER}) for model in (*VOCABULARY, "trial", "membership", "assignment")},
    "review": frozenset({LEAD, ADJUDICATOR, A, SUPERUSER, OUTSIDER}),  # whoever is staff may begin one
    "entry": frozenset({A, LEAD, ADJUDICATOR, OUTSIDER}),  # begins the own draft, in a slot that one holds
    "user": frozenset({SUPERUSER}),
    "synthesis": frozenset({LEAD, OUTSIDER}),
}
