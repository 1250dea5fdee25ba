"""The canary: unlikely words and numbers in one entry, and a walk over every route as everybody who may not see it.

Two more nets of the same kind: worlds (the partner does something, the page of the blinded must stay the same to the
byte) and oracles (a search or filter for what is hidden answers like one for what does not exist).
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client

from extraction import approve, enter, proposals, questions, reports
from extraction.enter import Change
from extraction.models import ContrastStatistic, Entry, Event, Observation, Trial
from extraction.record import Subject
from extraction.states import Status
from tests.factories import (
    MarkerFactory,
    ReviewFactory,
    TrialFactory,
    UserFactory,
    holder,
    made,
    member,
    small_changes,
    submitted,
)
from tests.papers import proposal_of, uploaded
from tests.routes import every_route, filled, keys_of, project_models

pytestmark = pytest.mark.django_db

NUMBER, NEARLY = "8642.1357", "8642.14"  # NEARLY rounds to the same and is A's in some worlds
WORD = "Quizzaciously"
HIDDEN = {"centre": NUMBER, "notes": f"{WORD} noted", "source_quote": f"{WORD} quoted", "n": "8641"}
COUNTED, NEARLY_COUNTED = "7531.2468", "7531.25"  # the same two of a contrast
STATED = {"statistic": "mean_difference", "value": COUNTED, "adjusted": f"{WORD} adjusted", "notes": f"{WORD} stated"}
PAPER = "Xylographically"  # what B uploads; a lead who does not extract the trial may see it
ASKED = "Zymurgically"  # what B asks the leads, and the name that B proposes
DECIDERS = ("adjudicator", "lead")


@dataclass
class World:
    trial: Trial
    people: dict[str, Any]
    secrets: list[str] = field(default_factory=list)
    for_leads: list[str] = field(default_factory=list)  # kept from all but the leads who do not extract the trial

    def secrets_from(self, who: str) -> list[str]:
        return self.secrets if who == "lead" else [*self.secrets, *self.for_leads]

    @property
    def keys(self) -> dict[str, list[Any]]:
        """The trial, its review, every entry, something of B's, and one or two rows of every model."""
        of_b = Observation._base_manager.filter(entry__slot="B")[:1]
        stated = ContrastStatistic._base_manager.filter(entry__slot="B")[:1]
        first = [self.trial, self.trial.review, *self.trial.entries.all(), *of_b, *stated]
        rest = [row for model in project_models() for row in model._base_manager.order_by("-pk")[:2]]
        return {**keys_of([*first, *rest]), "*": keys_of([*first, *rest[:6]])["*"]}


def world(status: str) -> World:
    """A trial in `status` in whose slot B stands what nobody blinded may see."""
    review: Any = ReviewFactory(partner_shown_after_approval=False)
    people: dict[str, Any] = {role: member(review, role, is_staff=True) for role in DECIDERS}
    trial: Any = TrialFactory(review=review)
    lead = people["lead"]
    if status in {Status.AGREED, Status.APPROVED}:
        nearly = {"statistic": "mean_difference", "value": NEARLY_COUNTED}
        submitted(trial, "A", cells={"treated": {"centre": NEARLY, "n": "8641"}}, contrasts=[nearly])
    elif status != Status.ENTERING:
        submitted(trial, "A")
    b = holder(trial, "B")
    entry = enter.start(trial.pk, by=b)
    outcome = WORD if status == Status.ALIGNING else "IL-6"
    report = uploaded(trial, b, text=PAPER, name=f"{PAPER}.pdf", citation=f"{PAPER} 2020")
    named = {"source_report": str(report.pk)}  # B's values say in which paper they stand
    said = small_changes(outcome=outcome, cells={"treated": HIDDEN | named}, contrasts=[STATED | named])
    enter.save(entry.pk, said, by=b)
    asking = questions.ask_leads(entry.pk, f"{ASKED}?", by=b, about=ASKED)
    questions.answer(asking.pk, f"{ASKED}.", by=lead)
    proposed = proposal_of(entry, name=f"{ASKED} factor")
    enter.submit(entry.pk, by=b)
    if status == Status.ENTERING:
        mine = enter.start(trial.pk, by=holder(trial, "A"))
        enter.save(mine.pk, small_changes(), by=holder(trial, "A"))
    trial.refresh_from_db()
    if status == Status.APPROVED:
        approve.approve(trial.pk, by=lead)
        trial.refresh_from_db()
    assert trial.status == status
    a = holder(trial, "A")
    a.is_staff = True
    a.save()
    outsider = member(made(ReviewFactory), "lead", "adjudicator", "reader", "extractor", is_staff=True)
    people |= {
        "extractor A": a,
        "lead who extracts": _second_face(trial, a),
        "another extractor": member(review, "extractor", is_staff=True),
        "reader": member(review, "reader", is_staff=True),
        "lead of another review": outsider,
        "superuser": made(UserFactory, is_superuser=True, is_staff=True),
        "anonymous": AnonymousUser(),
    }
    hidden_keys = [str(key) for key in Entry._base_manager.filter(slot="B").values_list("pk", flat=True)]
    for model in (Observation, ContrastStatistic):
        hidden_keys += [str(key) for key in model._base_manager.filter(entry__slot="B").values_list("pk", flat=True)]
    for_leads = [PAPER, str(report.pk), report.digest, ASKED, str(asking.pk), str(proposed.pk)]
    return World(trial, people, [NUMBER, COUNTED, WORD, *hidden_keys], for_leads)


def _second_face(trial: Trial, a: Any) -> Any:
    """A once more, now also a lead, an adjudicator and a reader: it must not help."""
    member(trial.review, "lead", "adjudicator", "reader", user=a)
    return a


BLINDED = {
    Status.ENTERING: [*DECIDERS, "extractor A", "another extractor", "reader", "superuser"],
    Status.ALIGNING: ["lead who extracts", "another extractor", "reader", "superuser"],
    Status.ADJUDICATING: ["lead who extracts", "another extractor", "reader", "lead of another review"],
    Status.AGREED: ["lead who extracts", "another extractor", "reader"],
    Status.APPROVED: ["lead who extracts", "another extractor", "superuser"],
}
ALWAYS_BLIND = ["lead of another review", "anonymous"]
SAFE = re.compile(r"^(static/|admin/jsi18n|admin/logout|accounts/logout|api/docs|api/schema)")


def body(response: Any) -> str:
    """Everything a response tells: headers and text; a workbook part by part."""
    content = b"".join(response.streaming_content) if response.streaming else response.content
    told = [f"{name}: {value}" for name, value in response.headers.items()]
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            told += [archive.read(part).decode("utf-8", "replace") for part in archive.namelist()]
    else:
        told.append(content.decode("utf-8", "replace"))
    return "\n".join(told)


def signed_in(user: Any) -> Client:
    client = Client(raise_request_exception=True)
    if user.is_authenticated:
        client.force_login(user)
    return client


def walk(client: Client, keys: dict[str, list[Any]]) -> Any:
    """Every address of every route, and its answer."""
    for route in every_route():
        if SAFE.search(route.pattern):
            continue
        for address in filled(route, keys):
            yield address, client.get(address)


@pytest.mark.parametrize(
    ("status", "who"),
    [(status, who) for status, people in BLINDED.items() for who in (*people, *ALWAYS_BLIND)],
)
def test_no_route_tells_a_blinded_person_what_the_partner_entered(status, who):
    w = world(status)
    client, keys = signed_in(w.people[who]), w.keys
    leaks, answered = [], 0
    for address, response in walk(client, keys):
        assert response.status_code < 500, f"{address}: {response.status_code}"
        answered += response.status_code == 200
        told = body(response)
        secrets = w.secrets_from(who)
        leaks += [f"{address}: {secret}" for secret in secrets if secret in told and secret not in address]
    assert leaks == []
    assert answered or who == "anonymous", "nothing answered at all: the walk is not looking"


@pytest.mark.parametrize("who", [*BLINDED[Status.ENTERING], "lead who extracts", *ALWAYS_BLIND])
def test_a_lead_sees_what_an_extractor_uploaded_and_nobody_else_does_before_both_submitted(who):
    w = world(Status.ENTERING)
    seen = any(PAPER in body(answer) for _, answer in walk(signed_in(w.people[who]), w.keys))
    assert seen == (who == "lead")


@pytest.mark.parametrize("who", DECIDERS)
def test_the_canary_is_seen_where_it_may_be_seen(who):
    """Otherwise the walk above could pass by looking at nothing."""
    w = world(Status.ADJUDICATING)
    client = signed_in(w.people[who])
    told = [body(response) for _, response in walk(client, w.keys)]
    for number in (NUMBER, COUNTED):
        assert any(number in text for text in told)


MASKS = [
    (re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"'), "csrf"),
    (re.compile(r'"X-CSRFToken": ?"[^"]+"|csrftoken=[^;]+'), "csrf"),
    (re.compile(r"nonce-[^' ;]+"), "nonce"),
    (re.compile(r"(?m)^(Expires|Date|Set-Cookie|Content-Length|Server-Timing): .*$"), "clock"),
    (re.compile(r"as of \d\d:\d\d|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*"), "clock"),
]


def masked(text: str) -> str:
    for pattern, name in MASKS:
        text = pattern.sub(name, text)
    return text


def picture(client: Client, keys: dict[str, list[Any]]) -> dict[str, str]:
    return {address: masked(f"{answer.status_code}\n{body(answer)}") for address, answer in walk(client, keys)}


@pytest.mark.parametrize("roles", [(), ("lead", "adjudicator", "reader")], ids=["extractor", "lead who extracts"])
def test_nothing_that_the_partner_does_while_entering_changes_a_byte_for_the_blinded(roles):
    review: Any = ReviewFactory()
    trial: Any = TrialFactory(review=review)
    a, b = holder(trial, "A"), holder(trial, "B")
    member(review, "extractor", *roles, user=a)
    a.is_staff = True
    a.save()
    lead = member(review, "lead")
    MarkerFactory(review=review, code="known", name=WORD)
    mine = enter.start(trial.pk, by=a)
    enter.save(mine.pk, small_changes(), by=a)
    client = signed_in(a)
    future = uuid4()  # asked for before and after: a key that comes to be must answer like one that never did
    keys = keys_of([trial, mine, review, a, *Event._base_manager.filter(entry=mine)])
    keys["*"] = [trial.pk, mine.pk, review.pk, future]

    def changed(before: dict[str, str]) -> set[str]:
        now = picture(client, keys)
        return {address for address in before if before[address] != now[address]}

    nothing = picture(client, keys)
    assert changed(nothing) == set(), "the picture is not still"
    theirs = enter.start(trial.pk, by=b)
    assert changed(nothing) == set(), "starting shows"
    enter.save(theirs.pk, small_changes(cells={"treated": HIDDEN}, contrasts=[STATED]), by=b)
    enter.save(theirs.pk, [Change(Subject.OUTCOME, future, values={"name": WORD})], by=b)
    assert changed(nothing) == set(), "saving shows"
    report = uploaded(trial, b, text=WORD, name=f"{WORD}.pdf")
    assert changed(nothing) == set(), "uploading a report shows"
    reports.withdraw(report.pk, WORD, by=b)
    assert changed(nothing) == set(), "withdrawing a report shows"
    asking = questions.ask_leads(theirs.pk, WORD, by=b)
    questions.answer(asking.pk, WORD, by=lead)
    assert changed(nothing) == set(), "asking and being answered shows"
    proposed = {proposal.name: proposal for proposal in proposals.propose(theirs.pk, by=b)}
    assert changed(nothing) == set(), "proposing a name shows"
    placed = proposals.place(proposed[WORD].pk, by=lead, code="known")
    assert [one.name for one in placed.filled] == [WORD]
    assert changed(nothing) == set(), "placing a name shows by more than the vocabulary"
    enter.submit(theirs.pk, by=b)
    assert changed(nothing) == set(), "submitting shows"


QUESTIONS = [
    "q",
    "search",
    "centre",
    "n",
    "centre__gt",
    "entry__slot",
    "entries__observations__centre",
    "marker",
    "ordering",
]


def test_a_search_for_what_is_hidden_answers_like_one_for_what_does_not_exist():
    w = world(Status.ENTERING)
    client, keys = signed_in(w.people["extractor A"]), w.keys
    for route in every_route():
        if route.arguments or SAFE.search(route.pattern):
            continue
        for address in filled(route, keys):
            for question in QUESTIONS:
                answers = [client.get(address, {question: text}) for text in (WORD, "Nonesuchword0")]
                told = [masked(body(a)).replace(WORD, "?").replace("Nonesuchword0", "?") for a in answers]
                assert told[0] == told[1], f"{address}?{question}="
                assert answers[0].status_code < 500
