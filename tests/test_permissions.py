"""Role × route × method × state, over all routes: who gets in is written out here by hand, route by route.

A route without a row fails, so a new address cannot be added without saying who may use it. What the rows of an
answer contain is the business of tests/test_blinding.py; here it is who reaches the address at all, that nobody else
changes anything, and that nothing ends in a 500.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.urls import NoReverseMatch, reverse

from analysis.models import Effect, RecomputeRequest, Snapshot, Synthesis
from analysis.recompute import recompute
from analysis.setup import create_default_syntheses
from extraction.finding import save_search
from extraction.invite import invite
from extraction.models import (
    Arm,
    ContrastStatistic,
    Discrepancy,
    Event,
    Match,
    Membership,
    Observation,
    Outcome,
    Timepoint,
    Trial,
)
from extraction.protocols.start import save_template
from extraction.rules import make_rule
from extraction.states import Status
from tests.factories import MarkerFactory, ReviewFactory, UserFactory, holder, made, member, submitted, trial_at
from tests.knocking import client_of, kept_out, post
from tests.matrix import (
    ADJUDICATOR,
    ANONYMOUS,
    DECIDERS,
    IDLE,
    LEAD,
    MATRIX,
    OUTSIDER,
    READER,
    SUPERUSER,
    A,
    B,
    Row,
    Who,
    no_one,
)
from tests.papers import Paper, placed, proposal_of, question_of
from tests.routes import every_route

pytestmark = pytest.mark.django_db


@dataclass
class World:
    people: dict[str, Any]
    keys: dict[str, Any]


def world(status: str) -> World:
    """A trial in `status` with two entries, an approved and pooled trial beside it, and everybody."""
    review: Any = ReviewFactory(partner_shown_after_approval=False)
    MarkerFactory(review=review, code="il6")
    deciders = {role: member(review, role) for role in DECIDERS}
    lead = deciders[LEAD]
    pooled = trial_at(Status.APPROVED, review, decider=lead, marker="il6")
    stated = [{"statistic": "t", "value": "2.10"}]
    trial = trial_at(status, review, decider=lead, marker="il6", contrasts=stated)
    if status == Status.ENTERING:
        submitted(trial, "B", contrasts=stated)
    create_default_syntheses(review.pk, by=lead)
    recompute(review.pk)
    entry = trial.entries.get(slot="B")
    synthesis = Synthesis.objects.filter(review=review).first()
    assert synthesis is not None

    def one(model: Any, **where: Any) -> Any:
        return getattr(model._base_manager.filter(**where).first(), "pk", None)

    return World(
        {
            ANONYMOUS: AnonymousUser(),
            A: holder(trial, "A"),
            B: holder(trial, "B"),
            **deciders,
            READER: member(review, "reader"),
            IDLE: member(review, "extractor"),
            OUTSIDER: member(made(ReviewFactory), "lead", "adjudicator", "reader", "extractor"),
            SUPERUSER: made(UserFactory, is_superuser=True, is_staff=True),
        },
        {
            "review": review.pk,
            "secret": "not-a-secret",
            "template": save_template(review.pk, "Kept", by=lead).pk,
            "invitation": invite(review.pk, ["reader"], by=lead)[0].pk,
            "search": save_search(review.pk, "Mine", "state=agreed", by=lead).pk,
            "member": one(Membership, review=review, user=deciders[ADJUDICATOR]),
            "trial": trial.pk,
            "entry": entry.pk,
            "report": placed(entry).pk,
            "question": question_of(entry).pk,
            "proposal": proposal_of(entry).pk,
            "arm": one(Arm, entry=entry),
            "timepoint": one(Timepoint, entry=entry),
            "outcome": one(Outcome, entry=entry),
            "observation": one(Observation, entry=entry),
            "contrast": one(ContrastStatistic, entry=entry),
            "subject": "observation",
            "field": "n",
            "discrepancy": one(Discrepancy, trial=trial),
            "match": one(Match, trial=trial),
            "synthesis": synthesis.pk,
            "effect": one(Effect, trial=pooled),
            "result": synthesis.current.result_id,
            "snapshot": one(Snapshot, review=review),
            "request": one(RecomputeRequest, review=review),
            "rule": make_rule(review.pk, {"text": "Use the ITT n", **AT_N}, by=lead).pk,
        },
    )


def address(name: str, row: Row, keys: dict[str, Any]) -> str | None:
    route = next(route for route in every_route() if route.name == name)
    values = [keys[fill] for fill in row.fill]
    if None in values:
        return None  # there is no such thing in this state
    try:
        return reverse(name, kwargs=dict(zip(route.arguments, values, strict=True)))
    except NoReverseMatch as error:
        raise AssertionError(f"{name} is not filled by {row.fill}") from error


def test_every_route_has_a_row():
    names = {route.name for route in every_route() if not route.name.startswith("admin:")}
    assert names == MATRIX.keys()


def _reads(row: Row) -> Who:
    return row.reads or no_one


@pytest.mark.parametrize("status", list(Status))
def test_who_may_read(status):
    w = world(status)
    wrong = []
    for who, user in w.people.items():
        client = client_of(user)
        for name, row in MATRIX.items():
            where = address(name, row, w.keys)
            if where is None or name == "logout":
                continue
            response = client.get(where)
            assert response.status_code < 500, f"{where} as {who}: {response.status_code}"
            if kept_out(response) == (who in _reads(row)(status)):
                wrong.append(f"{name} as {who}: {response.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("status", list(Status))
def test_whoever_may_write_is_heard(status):
    """An empty post of somebody who may: told what is missing, or that the state forbids it; never kept out."""
    w = world(status)
    wrong = []
    for who, user in w.people.items():
        for name, row in MATRIX.items():
            where = address(name, row, w.keys)
            heard = row.writes is not None and who in row.writes(status)
            if where is None or not heard or name in CHANGES_ON_AN_EMPTY_POST:
                continue
            response = post(client_of(user), name, where, {})
            assert response.status_code < 500, f"{where} as {who}: {response.status_code}"
            if kept_out(response):
                wrong.append(f"{name} as {who}: {response.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("status", list(Status))
def test_whoever_may_not_write_changes_nothing_with_a_post_that_would_be_right(status):
    w = world(status)
    before = Event._base_manager.count()
    wrong = []
    for who, user in w.people.items():
        for name, row in MATRIX.items():
            where = address(name, row, w.keys)
            if where is None or (row.writes is not None and who in row.writes(status)):
                continue
            response = post(client_of(user), name, where, RIGHT.get(name, {}))
            assert response.status_code < 500, f"{where} as {who}: {response.status_code}"
            if Event._base_manager.count() != before:
                wrong.append(f"{name} as {who}: {response.status_code} and wrote")
                before = Event._base_manager.count()
    assert not wrong, "\n".join(wrong)


WHY, AT_N = {"reason": "because"}, {"subject": "observation", "field": "n"}
RULE = {"text": "Another rule", "at": "observation.n"}
DECISION = {"choice": "A", "reason_code": "typo"}
RIGHT: dict[str, dict[str, Any]] = {
    "extraction:question-answer": {"text": "Table 2."},
    "extraction:ask-leads": {"text": "Which table?"},
    "extraction:ask-extractors": {"text": "Which table?"},
    "extraction:place-name": {"how": "leave"},
    "api-question-answer": {"text": "Table 2."},
    "api-proposal-place": {"marker": None},
    "extraction:report-add": {"file": Paper()},
    "extraction:report-replace": {"file": Paper(), "version": "1"},
    "extraction:report-withdraw": WHY,
    "extraction:add-trials": {"labels": "New 2020"},
    **dict.fromkeys(("api-trial-reopen", "api-trial-exclude", "extraction:trial-reopen"), WHY),
    **dict.fromkeys(("extraction:rule-create", "extraction:rule-change"), RULE),
    "extraction:rule-withdraw": WHY,
    "extraction:new-review": {"title": "Another", "start": "nothing"},
    "extraction:settings": {"title": "Renamed", "imputed_r": "0.7"},
    "extraction:template-save": {"name": "Taken"},
    "extraction:member-add": {"username": "person0", "roles": ["lead"]},
    "extraction:member-change": {"act": "change", "roles": ["lead"]},
    "extraction:invitation-make": {"roles": ["lead"]},
    "extraction:hand-over": {"slot": "A", "user": "1", **WHY},
    "extraction:exclude": WHY,
    "api-trial-return": {"slots": ["A", "B"], **WHY},
    "api-discrepancy-resolve": DECISION,
    "extraction:resolve": {**DECISION, "version": "1"},
    "api-entry-save": {"changes": []},
    "api-arm-list": {"values": {"label": "One more"}, "label": "One more"},
    "api-outcome-list": {"values": {"name": "One more"}, "name": "One more"},
    "api-timepoint-list": {"values": {"phase": "during"}, "phase": "during"},
}

CHANGES_ON_AN_EMPTY_POST = {
    "extraction:member-password", "extraction:invitation-withdraw", "extraction:template-drop",
    "extraction:search-drop", "token-make", "token-revoke",
    "extraction:trial-approve", "extraction:trial-conclude", "extraction:entry-start", "extraction:entry-submit",
    "extraction:entry-undo", "extraction:entry-save", "extraction:propose-names",
    "extraction:entry-autosave",
    "analysis:recompute", "analysis:synthesis-defaults",
    "analysis:synthesis-primary", "api-trial-start", "api-trial-approve", "api-trial-conclude", "api-trial-include",
    "api-entry-submit", "api-entry-undo-submit", "api-match-confirm", "api-synthesis-make-primary",
    "api-synthesis-recompute", "logout",
}  # fmt: skip


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "head"])
def test_other_methods_change_nothing_and_never_fail(method):
    w = world(Status.ADJUDICATING)
    before = Event._base_manager.count(), Observation._base_manager.count(), Trial._base_manager.count()
    for user in w.people.values():
        client = client_of(user)
        for name, row in MATRIX.items():
            where = address(name, row, w.keys)
            if where is not None:
                assert getattr(client, method)(where).status_code < 500, f"{method} {where}"
    assert before == (Event._base_manager.count(), Observation._base_manager.count(), Trial._base_manager.count())
