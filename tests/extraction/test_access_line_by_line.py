"""The table of access against one written by hand, person by person; and without each line and condition in turn.

Rows of slot A and B stand for whatever a rule speaks of: each has a review, a trial, a person and an entry.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from django.contrib.auth.models import AnonymousUser

from extraction import access, approve
from extraction.access import Act, Paths, Thing
from extraction.models import Assignment, Entry, FormerHolder, Slot, Trial
from extraction.recorded import recording
from extraction.states import EntryState, Status
from tests.factories import ReviewFactory, UserFactory, draft, made, member, submitted, trial_at

pytestmark = pytest.mark.django_db

# a and b hold the slots, w held one before; b and w are lead, adjudicator and reader besides. l, j and r are lead,
# adjudicator and reader alone, o extracts other trials. h is the one of a and b whose row it is. One more trial is
# HANDED_ON: o holds slot A and has not begun, a entered it and holds nothing.
MEMBERS: Final = "abwljro"
GENERIC: Final = Paths(review="trial__review", trial="trial", person="holder", entry="")
OPEN: Final = (Status.ALIGNING, Status.ADJUDICATING, Status.AGREED)
SHOWN: Final = "approved, partner shown"
HANDED_ON: Final = "Handed on"

CONDITIONS: Final = [  # of extraction/access.py, and what stands in the place of each
    ("& (Q() if in_any_state else _when(rule, paths))", ""),
    ("_who(user, rule.who, paths) & (", "("),
    ("or not user.is_active", ""),
    ("_in_review(user, paths) & _extracting(user, paths)", "_extracting(user, paths)"),
    ("_in_review(user, paths) & _extracting(user, paths)", "_in_review(user, paths)"),
    (" & ~_extracting(user, paths)", ""),
    ("if rule.states != ALWAYS:", "if False:"),
    ("if rule.if_partner_shown:", "if False:"),
    ("if rule.frozen_only:", "if False:"),
    ("memberships = memberships.filter(**{role.value: True})", "pass"),
    ('| Q(**{_join(paths.trial, "in"): entered})', ""),
    ('Q(**{_join(paths.trial, "in"): holds}) | ', ""),
    ('return now_or_once | Q(**{_join(paths.trial, "in"): held})', "return now_or_once"),
]


def always(people: str, **more: str) -> dict[str, str]:
    """The same people in every state, and more of them in those that are named."""
    return {state: people + more.get(state, "") for state in (*Status, SHOWN)}


def after_entering(people: str, *, before: str = "", at_the_end: str = "") -> dict[str, str]:
    """More people once entering is over, and still more after approval where the partner is shown."""
    late: dict[str, str] = {state: before + people for state in Status if state != Status.ENTERING}
    return {Status.ENTERING: before, **late, SHOWN: before + people + at_the_end}


def while_in(people: str, *states: str) -> dict[str, str]:
    return {state: people if state in states else "" for state in (*Status, SHOWN)}


ENTERING, APPROVED = (Status.ENTERING,), (Status.APPROVED, SHOWN)
ONCE_APPROVED: Final = {Status.APPROVED.value: "r", SHOWN: "r"}
EXPECTED: Final[Mapping[tuple[Thing, Act], Mapping[str, str]]] = {
    (Thing.REVIEW, Act.SEE): always(MEMBERS),
    (Thing.REVIEW, Act.MANAGE): always("bwl"),
    (Thing.VOCABULARY, Act.SEE): always(MEMBERS),
    (Thing.VOCABULARY, Act.MANAGE): always("bwl"),
    (Thing.PERSON, Act.SEE): always("hbwl"),
    (Thing.MEMBERSHIP, Act.SEE): always("hbwl"),
    (Thing.MEMBERSHIP, Act.MANAGE): always("bwl"),
    (Thing.INVITATION, Act.SEE): always("bwl"),
    (Thing.SAVED_SEARCH, Act.SEE): always("h"),
    (Thing.REVIEW_EVENT, Act.SEE): always("bwl"),
    (Thing.TRIAL, Act.SEE): always("abwlj", **ONCE_APPROVED),
    (Thing.TRIAL, Act.MANAGE): always("bwl"),
    (Thing.TRIAL, Act.EXCLUDE): always("bwl"),
    (Thing.TRIAL, Act.UPLOAD): always("l"),
    (Thing.TRIAL, Act.RETURN): while_in("lj", *OPEN),
    (Thing.TRIAL, Act.APPROVE): while_in("lj", Status.AGREED),
    (Thing.TRIAL, Act.REOPEN): while_in("lj", *APPROVED),
    (Thing.ASSIGNMENT, Act.SEE): always("hbwl"),
    (Thing.ASSIGNMENT, Act.MANAGE): always("bwl"),
    (Thing.PROGRESS, Act.SEE): always("l"),
    (Thing.REPORT, Act.SEE): always("abwlj", **ONCE_APPROVED),
    (Thing.REPORT, Act.MANAGE): always("l"),
    (Thing.UPLOAD, Act.SEE): after_entering("j", before="hl", at_the_end="abw"),
    (Thing.UPLOAD, Act.MANAGE): {**always("l"), Status.ENTERING: "hl"},
    (Thing.QUESTION, Act.SEE): after_entering("j", before="hl"),
    (Thing.QUESTION, Act.ANSWER): always("l"),
    (Thing.PROPOSAL, Act.SEE): always("hl"),
    (Thing.PROPOSAL, Act.PLACE): always("l"),
    (Thing.ENTRY, Act.SEE): after_entering("lj", before="h", at_the_end="abw"),
    (Thing.ENTRY, Act.EDIT): while_in("h", *ENTERING),
    (Thing.ENTRY, Act.SUBMIT): while_in("h", *ENTERING),
    (Thing.ENTRY, Act.UPLOAD): while_in("h", *ENTERING),
    (Thing.ENTRY, Act.ASK): while_in("h", *ENTERING),
    (Thing.ENTRY, Act.PROPOSE): while_in("h", *ENTERING),
    (Thing.FINAL, Act.SEE): after_entering("lj"),  # and more of them once it is approved: see `people_of`
    (Thing.RECONCILIATION, Act.SEE): after_entering("lj", at_the_end="abw"),
    (Thing.RECONCILIATION, Act.DECIDE): while_in("lj", *OPEN),
    (Thing.RECONCILIATION, Act.ASK): while_in("lj", *OPEN),
    (Thing.INQUIRY, Act.SEE): after_entering("lj", before="abw"),
    (Thing.INQUIRY, Act.ANSWER): while_in("abw", *OPEN),
    (Thing.OWN_ANSWER, Act.SEE): always("h"),
    (Thing.ANSWER, Act.SEE): after_entering("lj", at_the_end="abw"),
    (Thing.APPROVAL, Act.SEE): always("ljr"),
    (Thing.RULE, Act.SEE): always(MEMBERS),
    (Thing.RULE, Act.MANAGE): always("bwlj"),
    (Thing.AGREEMENT, Act.SEE): always("bwlj"),
    (Thing.RESULT, Act.SEE): always("bwljr"),
    (Thing.RESULT, Act.MANAGE): always("bwl"),
    (Thing.RESULT, Act.RECOMPUTE): always("bwlj"),
    (Thing.EFFECT, Act.SEE): always("ljr", **{SHOWN: "abw"}),
}


def people_of(thing: Thing, act: Act, row: Entry) -> set[str]:
    """Who may, by the table above."""
    shown = row.trial.review.partner_shown_after_approval
    state = SHOWN if shown and row.trial.status == Status.APPROVED else row.trial.status
    people = set(EXPECTED[thing, act][state])
    if thing is Thing.FINAL and row.state == EntryState.SUBMITTED:
        people |= set("rabw" if state == SHOWN else "r")
    if row.trial.label.startswith(HANDED_ON) and "a" in people:
        people.add("o")
    if "h" in people:
        people = people - {"h"} | {row.slot.lower()}
    return people


@pytest.fixture
def people() -> dict[str, Any]:
    """Everybody, in two reviews: in one the partner is shown after approval; a trial in every state in each."""
    reviews: list[Any] = [made(ReviewFactory, partner_shown_after_approval=shown) for shown in (True, False)]
    known: dict[str, Any] = {name: made(UserFactory) for name in MEMBERS}
    known |= {
        "lead of another review": member(made(ReviewFactory), "lead", "adjudicator", "reader", "extractor"),
        "superuser": made(UserFactory, is_superuser=True, is_staff=True),
        "inactive lead": made(UserFactory, is_active=False),
        "left the review": made(UserFactory),
        "anonymous": AnonymousUser(),
    }
    everything = ("lead", "adjudicator", "reader", "extractor")
    roles = {"a": ["extractor"], "b": everything, "w": everything, "l": ["lead"], "j": ["adjudicator"],
             "r": ["reader"], "o": ["extractor"], "inactive lead": everything}  # fmt: skip
    for review in reviews:
        for name, had in roles.items():
            member(review, *had, user=known[name])
        slots = {"A": known["a"], "B": known["b"]}
        for status in Status:
            trial = trial_at(status, review, decider=known["l"], slots=slots)
            if status == Status.ENTERING:
                draft(trial, "A")
                submitted(trial, "B")
        again = trial_at(Status.APPROVED, review, decider=known["l"], slots=slots)
        approve.reopen(again.pk, "A table was misread.", by=known["l"])
        handed = trial_at(Status.ADJUDICATING, review, decider=known["l"], slots=slots, label=HANDED_ON)
        Assignment._base_manager.filter(trial=handed, slot="A").update(user=known["o"])
    with recording():
        for trial in Trial.objects.filter(review__in=reviews):
            for name in ("w", "left the review"):
                FormerHolder.objects.create(trial=trial, user=known[name], slot="A")
    return known


def rows_for(thing: Thing) -> Any:
    final = Entry._base_manager.filter(slot=Slot.FINAL)
    others = Entry._base_manager.exclude(slot=Slot.FINAL)
    return (final if thing is Thing.FINAL else others).select_related("trial__review")


def found(people: Mapping[str, Any], thing: Thing, act: Act, by: Any = access) -> dict[str, set[str]]:
    """Who may do this to each row, by the table of the code: one question per person."""
    may: dict[str, set[str]] = {label(row): set() for row in rows_for(thing)}
    for name, user in people.items():
        for row in rows_for(thing).filter(by.permitted(user, act, thing, GENERIC)):
            may[label(row)].add(name)
    return may


def expected(thing: Thing, act: Act) -> dict[str, set[str]]:
    return {label(row): people_of(thing, act, row) for row in rows_for(thing)}


def label(row: Entry) -> str:
    shown = "shown" if row.trial.review.partner_shown_after_approval else "not shown"
    return f"{row.trial.status}, {shown}, {row.slot} {row.number}, {row.state}, {row.trial_id}"


def test_every_pair_of_the_table_is_written_here_and_no_other() -> None:
    assert {(rule.thing, rule.act) for rule in access.TABLE} == EXPECTED.keys()


def test_each_person_may_what_is_written_here_and_nothing_else(people: dict[str, Any]) -> None:
    states = {row.trial.status for row in Entry._base_manager.select_related("trial")}
    assert states == set(Status)
    assert {row.state for row in Entry._base_manager.filter(slot=Slot.FINAL)} == {"draft", "submitted"}
    differing = {
        (thing.value, act.value): (one, may)
        for thing, act in EXPECTED
        if (one := found(people, thing, act)) != (may := expected(thing, act))
    }
    assert differing == {}


def test_no_line_of_the_table_could_be_left_out(people: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    whole, missed = access.TABLE, []
    for number, rule in enumerate(whole):
        monkeypatch.setattr(access, "TABLE", whole[:number] + whole[number + 1 :])
        access._condition.cache_clear()
        if found(people, rule.thing, rule.act) == expected(rule.thing, rule.act):
            missed.append(rule)
    monkeypatch.setattr(access, "TABLE", whole)
    access._condition.cache_clear()
    assert missed == []


def test_no_condition_of_the_table_could_be_left_out(people: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    source, missed = Path(access.__file__).read_text(encoding="utf-8"), []
    for condition, instead in CONDITIONS:
        assert condition in source, f"extraction/access.py has no “{condition}” any more"
        without = ModuleType("access_without")
        monkeypatch.setitem(sys.modules, "access_without", without)
        exec(compile(source.replace(condition, instead, 1), "access_without", "exec"), vars(without))
        if all(found(people, *pair, by=without) == expected(*pair) for pair in EXPECTED):
            missed.append(condition)
    assert missed == []
