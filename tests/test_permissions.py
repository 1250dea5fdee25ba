"""Role × route × method × state, over all routes: who gets in is written out here by hand, route by route.

A route without a row fails, so a new address cannot be added without saying who may use it. What the rows of an
answer contain is the business of tests/test_blinding.py; here it is who reaches the address at all, that nobody else
changes anything, and that nothing ends in a 500.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.urls import NoReverseMatch, reverse

from analysis.models import Effect, RecomputeRequest, Snapshot, Synthesis
from analysis.recompute import recompute
from analysis.setup import create_default_syntheses
from extraction.models import Arm, Discrepancy, Event, Match, Observation, Outcome, Timepoint, Trial
from extraction.rules import make_rule
from extraction.states import Status
from tests.factories import MarkerFactory, ReviewFactory, UserFactory, holder, made, member, submitted, trial_at
from tests.knocking import client_of, kept_out, post
from tests.papers import Paper, placed, proposal_of, question_of
from tests.routes import every_route

pytestmark = pytest.mark.django_db

ANONYMOUS, A, B, ADJUDICATOR, LEAD, READER = "anonymous", "a", "b", "adjudicator", "lead", "reader"
IDLE, OUTSIDER, SUPERUSER = "another extractor", "lead of another review", "superuser"
EVERYBODY = frozenset({ANONYMOUS, A, B, ADJUDICATOR, LEAD, READER, IDLE, OUTSIDER, SUPERUSER})
SIGNED_IN = EVERYBODY - {ANONYMOUS}
MEMBERS = frozenset({A, B, ADJUDICATOR, LEAD, READER, IDLE})
DECIDERS = frozenset({ADJUDICATOR, LEAD})
NOBODY: frozenset[str] = frozenset()
PAST = frozenset(Status) - {Status.ENTERING}
OPEN = frozenset({Status.ALIGNING, Status.ADJUDICATING, Status.AGREED})

Who = Callable[[str], frozenset[str]]


def always(*people: str) -> Who:
    return lambda status: frozenset(people)


def when(states: frozenset[str], *people: str) -> Who:
    return lambda status: frozenset(people) if status in states else NOBODY


def any_of(*parts: Who) -> Who:
    return lambda status: frozenset().union(*(part(status) for part in parts))


no_one = always()
members, deciders = always(*MEMBERS), always(*DECIDERS)
results = always(*DECIDERS, READER)
on_trial = any_of(always(A, B, *DECIDERS), when(frozenset({Status.APPROVED}), READER))
entry_of_b = any_of(always(B), when(PAST, *DECIDERS))
reconciling = when(PAST, *DECIDERS)
ENTERING = frozenset({Status.ENTERING})
uploading = any_of(always(LEAD), when(ENTERING, A, B))
upload_of_b = any_of(always(B, LEAD), when(PAST, ADJUDICATOR))
managing_upload_of_b = any_of(always(LEAD), when(ENTERING, B))
waiting, signed = (when(frozenset({state}), *DECIDERS) for state in (Status.AGREED, Status.APPROVED))


@dataclass(frozen=True)
class Row:
    """What fills the address, who may read it, who may post to it and be heard (a 400 or 409 is being heard)."""

    fill: tuple[str, ...] = ()
    reads: Who | None = None
    writes: Who | None = None


MATRIX: dict[str, Row] = {
    "extraction:work": Row(reads=always(*SIGNED_IN)),
    "extraction:choose-review": Row(),
    "extraction:review": Row(("review",), reads=members),
    "extraction:add-trials": Row(("review",), writes=always(LEAD)),
    "extraction:approve-many": Row(("review",), writes=always(*DECIDERS)),
    "extraction:decide": Row(("review",), reads=always(*DECIDERS)),
    "extraction:decide-together": Row(("review",), reads=always(*DECIDERS), writes=always(*DECIDERS)),
    "extraction:resolve": Row(("discrepancy",), writes=reconciling),
    "extraction:undo-decision": Row(("discrepancy",), writes=reconciling),
    "extraction:claim": Row(("discrepancy",), writes=reconciling),
    "extraction:codebook": Row(("review",), reads=members),
    **{f"extraction:{name}": Row((fill,), reads=members) for name, fill in (("rules", "review"), ("rule", "rule"))},
    "extraction:rule-create": Row(("review",), reads=deciders, writes=deciders),
    "extraction:rule-change": Row(("rule",), reads=deciders, writes=deciders),
    "extraction:rule-withdraw": Row(("rule",), writes=deciders),
    "extraction:template-workbook": Row(("review",), reads=members),
    "extraction:blank-form": Row(("review",), reads=members),
    "extraction:trial": Row(("trial",), reads=on_trial),
    "extraction:trial-approve": Row(("trial",), reads=waiting, writes=always(*DECIDERS)),
    "extraction:trial-reopen": Row(("trial",), reads=signed, writes=always(*DECIDERS)),
    "extraction:trial-conclude": Row(("trial",), writes=always(*DECIDERS)),
    "extraction:trial-versions": Row(("trial",), reads=on_trial),
    "extraction:align": Row(("trial",), reads=reconciling),
    "extraction:align-say": Row(("trial",), writes=reconciling),
    "extraction:assign": Row(("trial",), writes=always(LEAD)),
    "extraction:unassign": Row(("trial",)),
    "extraction:entry-start": Row(("trial",), writes=always(A, B)),
    "extraction:entry": Row(("entry",), reads=entry_of_b),
    "extraction:entry-save": Row(("entry",), reads=always(*SIGNED_IN), writes=always(B)),  # reading sends to the entry
    "extraction:entry-autosave": Row(("entry",), writes=always(B)),
    "extraction:entry-paste": Row(("entry",), writes=always(B)),
    "extraction:entry-check": Row(("entry",), reads=entry_of_b),
    "extraction:entry-submit": Row(("entry",), writes=always(B)),
    "extraction:entry-undo": Row(("entry",), writes=always(B)),
    "extraction:import": Row(reads=always(*SIGNED_IN), writes=always(*SIGNED_IN)),
    "extraction:import-preview": Row(),
    "extraction:import-apply": Row(),
    "extraction:report-at": Row(reads=always(*SIGNED_IN)),  # what it asks for is asked again
    "extraction:report-add": Row(("trial",), reads=uploading, writes=uploading),
    "extraction:report": Row(("report",), reads=upload_of_b),
    "extraction:report-file": Row(("report",), reads=upload_of_b),
    "extraction:report-replace": Row(("report",), writes=managing_upload_of_b),
    "extraction:report-withdraw": Row(("report",), writes=managing_upload_of_b),
    "api-report-list": Row(reads=always(*SIGNED_IN)),
    "api-report-detail": Row(("report",), reads=upload_of_b),
    "extraction:questions": Row(("review",), reads=members),
    "extraction:question": Row(("question",), reads=upload_of_b),
    "extraction:question-answer": Row(("question",), writes=always(LEAD)),
    "extraction:entry-ask": Row(("entry",), reads=entry_of_b),
    "extraction:ask-leads": Row(("entry",), writes=when(ENTERING, B)),
    "extraction:ask-extractors": Row(("discrepancy",), writes=when(OPEN, *DECIDERS)),
    "extraction:names": Row(("review",), reads=always(LEAD)),
    "extraction:propose-names": Row(("entry",), writes=when(ENTERING, B)),
    "extraction:place-name": Row(("proposal",), writes=always(LEAD)),
    "api-question-list": Row(reads=always(*SIGNED_IN), writes=always(*SIGNED_IN)),
    "api-question-detail": Row(("question",), reads=upload_of_b),
    "api-question-answer": Row(("question",), writes=always(LEAD)),
    "api-proposal-list": Row(reads=always(*SIGNED_IN), writes=always(*SIGNED_IN)),
    "api-proposal-detail": Row(("proposal",), reads=always(B, LEAD)),
    "api-proposal-place": Row(("proposal",), writes=always(LEAD)),
    "analysis:results": Row(("review",), reads=results),
    "analysis:freshness": Row(("review",), reads=results),
    "analysis:recompute": Row(("review",), writes=always(*DECIDERS)),
    "analysis:export": Row(("review",), reads=members),
    "analysis:synthesis": Row(("synthesis",), reads=results),
    "analysis:synthesis-create": Row(("review",), reads=always(LEAD), writes=always(LEAD)),
    "analysis:synthesis-defaults": Row(("review",), writes=always(LEAD)),
    "analysis:synthesis-change": Row(("synthesis",), reads=always(LEAD), writes=always(LEAD)),
    "analysis:synthesis-primary": Row(("synthesis",), writes=always(LEAD)),
    "analysis:agreement": Row(("review",), reads=always(*DECIDERS)),
    "analysis:number": Row(("subject", "observation", "field"), reads=entry_of_b),
    "analysis:approval-preview": Row(("trial",), reads=waiting),
    "analysis:choice": Row(("discrepancy",), reads=no_one),  # it is open: nobody looks at the outcome yet
    "analysis:effect": Row(("effect",), reads=results),
    "api-review-list": Row(reads=always(*SIGNED_IN)),
    "api-review-detail": Row(("review",), reads=members),
    "api-review-codebook": Row(("review",), reads=members),
    "api-trial-list": Row(reads=always(*SIGNED_IN)),
    "api-trial-detail": Row(("trial",), reads=on_trial),
    "api-trial-start": Row(("trial",), writes=always(A, B)),
    "api-trial-approve": Row(("trial",), writes=always(*DECIDERS)),
    "api-trial-conclude": Row(("trial",), writes=always(*DECIDERS)),
    "api-trial-exclude": Row(("trial",), writes=always(LEAD)),
    "api-trial-include": Row(("trial",), writes=always(LEAD)),
    "api-trial-pair": Row(("trial",), writes=always(*DECIDERS)),
    "api-trial-reopen": Row(("trial",), writes=always(*DECIDERS)),
    "api-trial-return": Row(("trial",), writes=always(*DECIDERS)),
    "api-entry-list": Row(reads=always(*SIGNED_IN)),
    "api-entry-detail": Row(("entry",), reads=entry_of_b),
    "api-entry-save": Row(("entry",), writes=always(B)),
    "api-entry-submit": Row(("entry",), writes=always(B)),
    "api-entry-undo-submit": Row(("entry",), writes=always(B)),
    **{
        f"api-{kind}-list": Row(("entry",), reads=entry_of_b, writes=always(B))
        for kind in ("arm", "timepoint", "outcome", "observation", "characteristic")
    },
    **{
        f"api-{kind}-detail": Row(("entry", kind), reads=entry_of_b)
        for kind in ("arm", "timepoint", "outcome", "observation")
    },
    "api-characteristic-detail": Row(("entry", "arm"), reads=no_one),
    "api-discrepancy-list": Row(reads=always(*SIGNED_IN)),
    "api-discrepancy-detail": Row(("discrepancy",), reads=reconciling),
    "api-discrepancy-resolve": Row(("discrepancy",), writes=reconciling),
    "api-discrepancy-undo": Row(("discrepancy",), writes=reconciling),
    "api-discrepancy-resolve-many": Row(writes=always(*SIGNED_IN)),
    "api-match-list": Row(reads=always(*SIGNED_IN)),
    "api-match-detail": Row(("match",), reads=reconciling),
    "api-match-confirm": Row(("match",), writes=reconciling),
    "api-effect-list": Row(reads=always(*SIGNED_IN)),
    "api-effect-detail": Row(("effect",), reads=results),
    "api-result-list": Row(reads=always(*SIGNED_IN)),
    "api-result-detail": Row(("result",), reads=results),
    "api-snapshot-list": Row(reads=always(*SIGNED_IN)),
    "api-snapshot-detail": Row(("snapshot",), reads=results),
    "api-synthesis-list": Row(reads=always(*SIGNED_IN)),
    "api-synthesis-detail": Row(("synthesis",), reads=results),
    "api-synthesis-make-primary": Row(("synthesis",), writes=always(LEAD)),
    "api-synthesis-recompute": Row(("synthesis",), writes=always(*DECIDERS)),
    "api-recompute-request-list": Row(reads=always(*SIGNED_IN)),
    "api-recompute-request-detail": Row(("request",), reads=results),
    "api-token": Row(writes=always(*EVERYBODY)),
    "api-schema": Row(reads=always(*SIGNED_IN)),
    "api-docs": Row(reads=always(*SIGNED_IN)),
    "login": Row(reads=always(*EVERYBODY), writes=always(*EVERYBODY)),
    "logout": Row(writes=always(*EVERYBODY)),
    "healthz": Row(reads=always(*EVERYBODY)),
    "healthz-alive": Row(reads=always(*EVERYBODY)),
}


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
    trial = trial_at(status, review, decider=lead, marker="il6")
    if status == Status.ENTERING:
        submitted(trial, "B")
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
            "trial": trial.pk,
            "entry": entry.pk,
            "report": placed(entry).pk,
            "question": question_of(entry).pk,
            "proposal": proposal_of(entry).pk,
            "arm": one(Arm, entry=entry),
            "timepoint": one(Timepoint, entry=entry),
            "outcome": one(Outcome, entry=entry),
            "observation": one(Observation, entry=entry),
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
    "api-trial-return": {"slots": ["A", "B"], **WHY},
    "api-discrepancy-resolve": DECISION,
    "extraction:resolve": {**DECISION, "version": "1"},
    "api-entry-save": {"changes": []},
    "api-arm-list": {"values": {"label": "One more"}, "label": "One more"},
    "api-outcome-list": {"values": {"name": "One more"}, "name": "One more"},
    "api-timepoint-list": {"values": {"phase": "during"}, "phase": "during"},
}

CHANGES_ON_AN_EMPTY_POST = {
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
