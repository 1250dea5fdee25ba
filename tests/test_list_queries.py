"""No page with a list asks the database more for many trials than for few: every list of the pages, admin and API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from analysis.models import Synthesis
from analysis.recompute import recompute
from analysis.setup import create_default_syntheses
from analysis.specification import Measure
from extraction import rules
from extraction.models import Discrepancy, Review, User
from extraction.states import Status
from tests import factories
from tests.papers import proposal_of, question_of

FEW = 1  # rounds, each of a trial in every state with what hangs on it: 5 trials
OF_REVIEW = (
    "extraction:review", "extraction:codebook", "extraction:rules", "extraction:questions", "extraction:names",
    "extraction:decide", "extraction:decide-together", "analysis:results", "analysis:agreement", "extraction:setup",
    "extraction:people", "extraction:references", "extraction:dashboard",
)  # fmt: skip
API_LISTS = (
    "reviews", "trials", "questions", "proposals", "entries", "matches", "discrepancies", "syntheses", "results",
    "effects", "snapshots", "recompute-requests",
)  # fmt: skip


def grown(review: Review, people: Mapping[str, User], rounds: int) -> None:
    """More of everything that a list may show."""
    slots = {"A": people["extractor"], "B": people["partner"]}
    for _ in range(rounds):
        number = review.trials.count()
        for status in (Status.ALIGNING, Status.ADJUDICATING, Status.AGREED, Status.APPROVED):
            factories.trial_at(status, review, decider=people["boss"], slots=slots, marker="CRP")
        entered = factories.made(factories.TrialFactory, review=review, slots=slots)
        draft = factories.draft(entered, "A")
        question_of(draft, f"Which table? {number}")
        proposal_of(draft, f"IL-6 {number}")
        values = {"text": f"Rule {number}", "subject": "observation", "field": "spread", "marker": None}
        rules.make_rule(review.pk, values, by=people["boss"])
        factories.member(review, "reader")
    recompute(review.pk)


def lists(review: Review) -> Iterator[tuple[str, str]]:
    """Who looks at which address."""
    for person in ("extractor", "boss"):
        yield person, reverse("extraction:work")
    for name in OF_REVIEW:
        yield "boss", reverse(name, args=[review.pk])
    synthesis = Synthesis.objects.get(review=review, is_primary=True)
    yield "boss", reverse("analysis:synthesis", args=[synthesis.pk])
    first = Discrepancy.objects.filter(trial__review=review, state="open").order_by("trial__label_key", "position")[0]
    yield "boss", reverse("admin:extraction_discrepancy_change", args=[first.pk])
    for model in admin.site._registry:
        yield "boss", reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    for name in API_LISTS:
        yield "boss", f"/api/{name}/"


def queries(review: Review, clients: Mapping[str, Client]) -> dict[str, list[str]]:
    """What each list asks with an empty cache; the first look, which may also touch the session, is not counted."""
    found = {}
    for person, address in lists(review):
        client = clients[person]
        assert client.get(address).status_code == 200, address
        cache.clear()
        with CaptureQueriesContext(connection) as caught:
            client.get(address)
        found[f"{person}: {address}"] = [query["sql"] for query in caught]
    return found


@pytest.mark.django_db
@pytest.mark.parametrize(
    "many",
    [pytest.param(8, id="40 trials"), pytest.param(100, id="500 trials", marks=pytest.mark.slow)],
)
def test_no_list_asks_more_for_many_trials_than_for_few(many: int) -> None:
    # given a review with a trial in every state
    review = factories.made(factories.ReviewFactory)
    factories.made(factories.MarkerFactory, review=review, code="CRP")
    boss = factories.member(review, "lead", "adjudicator", is_staff=True, is_superuser=True)
    people = {
        "boss": boss,
        "extractor": factories.member(review, "extractor"),
        "partner": factories.member(review, "extractor"),
    }
    create_default_syntheses(review.pk, by=boss, measure=Measure.CHANGE_G)
    grown(review, people, FEW)
    clients: dict[str, Any] = {name: Client() for name in people}
    for name, client in clients.items():
        client.force_login(people[name])
    before = queries(review, clients)
    # when there are many
    grown(review, people, many - FEW)
    after = queries(review, clients)
    # then no list asks more
    assert before.keys() == after.keys()
    more = {where: (len(before[where]), len(after[where])) for where in before}
    assert {where: found for where, found in more.items() if found[1] > found[0]} == {}
