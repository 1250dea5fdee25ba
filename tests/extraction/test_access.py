"""Who sees what, written out by hand: the table in `extraction.access` must say the same, state by state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.management import CommandError, call_command

from extraction import access, approve, reconcile
from extraction.access import Act, Thing
from extraction.models import (
    Approval,
    Arm,
    Assignment,
    ContrastStatistic,
    Discrepancy,
    Entry,
    Event,
    Marker,
    Match,
    MatchedRow,
    Membership,
    Observation,
    Resolution,
    Review,
    Trial,
    User,
)
from extraction.recorded import recording
from extraction.states import Status
from tests.factories import (
    MarkerFactory,
    ReviewFactory,
    TrialFactory,
    UserFactory,
    decide_all_for_a,
    holder,
    member,
    submitted,
    trial_at,
)

pytestmark = pytest.mark.django_db

DECIDERS = {"adjudicator", "lead"}
EXTRACTORS = {"a", "b", "lead and a"}  # slot A is held by a lead in one of the worlds
STATES = list(Status)
PAST = [state for state in Status if state != Status.ENTERING]


@dataclass
class World:
    trial: Trial
    people: dict[str, Any]

    def who_sees(self, rows: Any) -> set[str]:
        """The people to whom at least one of the rows is visible."""
        model, keys = rows.model, list(rows.values_list("pk", flat=True))
        assert keys, "there is nothing to see"
        return {name for name, user in self.people.items() if model.objects.visible_to(user).filter(pk__in=keys)}

    def who_may(self, act: Act, thing: Thing, row: Any) -> set[str]:
        return {name for name, user in self.people.items() if access.may(user, act, thing, row, row.PATHS)}


def world(status: str, *, shown: bool = True) -> World:
    """One trial in `status`, two entries begun, and everybody who might look at it."""
    review: Any = ReviewFactory(partner_shown_after_approval=shown)
    deciders = {role: member(review, role) for role in ("adjudicator", "lead")}
    stated = [{"statistic": "t", "value": "2.10"}]
    trial = trial_at(status, review, decider=deciders["lead"], contrasts=stated)
    if status == Status.ENTERING:
        # B is ready; A has not begun: the moment in which a leak would help A most
        submitted(trial, "B", contrasts=stated)
    other: Any = TrialFactory()  # of another review, whose people must see nothing here
    return World(
        trial,
        {
            "a": holder(trial, "A"),
            "b": holder(trial, "B"),
            **deciders,
            "reader": member(review, "reader"),
            "other extractor": member(review, "extractor"),
            "lead of another review": member(other.review, "lead", "adjudicator", "reader"),
            "superuser": UserFactory(is_superuser=True, is_staff=True),
            "inactive lead": member(review, "lead", is_active=False),
            "anonymous": AnonymousUser(),
        },
    )


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize("status", STATES)
def test_an_entry_is_seen_by_its_holder_and_by_deciders_once_nobody_is_blind(status, shown):
    w = world(status, shown=shown)
    expected = {"b"} if status == Status.ENTERING else {"b"} | DECIDERS
    if status == Status.APPROVED and shown:
        expected |= {"a"}
    assert w.who_sees(w.trial.entries.filter(slot="B")) == expected
    assert w.who_sees(Observation.objects.filter(entry__trial=w.trial, entry__slot="B")) == expected
    assert w.who_sees(ContrastStatistic.objects.filter(entry__trial=w.trial, entry__slot="B")) == expected
    assert w.who_sees(Arm.objects.filter(entry__trial=w.trial, entry__slot="B")) == expected
    assert w.who_sees(Event.objects.filter(entry__trial=w.trial, entry__slot="B")) == expected


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize("status", PAST)
def test_what_is_reconciled_is_seen_by_deciders_and_after_approval_by_its_extractors(status, shown):
    w = world(status, shown=shown)
    expected = DECIDERS | ({"a", "b"} if status == Status.APPROVED and shown else set())
    assert w.who_sees(Match.objects.filter(trial=w.trial)) == expected
    assert w.who_sees(MatchedRow.objects.filter(match__trial=w.trial)) == expected
    assert w.who_sees(Event.objects.filter(trial=w.trial, entry=None)) == expected


@pytest.mark.parametrize("shown", [True, False])
def test_discrepancies_and_decisions_are_seen_by_deciders_and_after_approval_by_its_extractors(shown):
    w = world(Status.ADJUDICATING, shown=shown)
    rows = Discrepancy.objects.filter(trial=w.trial)
    assert w.who_sees(rows) == DECIDERS
    decide_all_for_a(w.trial, by=w.people["adjudicator"])
    decisions = Resolution.objects.filter(discrepancy__trial=w.trial)
    assert w.who_sees(decisions) == DECIDERS
    approve.approve(w.trial.pk, by=w.people["lead"])
    after = DECIDERS | ({"a", "b"} if shown else set())
    assert w.who_sees(rows) == w.who_sees(decisions) == after


@pytest.mark.parametrize("shown", [True, False])
def test_a_final_entry_is_for_deciders_until_it_is_approved(shown):
    w = world(Status.AGREED, shown=shown)
    final = w.trial.entries.filter(slot="FINAL")
    assert w.who_sees(final) == DECIDERS
    approve.approve(w.trial.pk, by=w.people["lead"])
    approved = DECIDERS | {"reader"} | ({"a", "b"} if shown else set())
    assert w.who_sees(final) == approved
    assert w.who_sees(Observation.objects.filter(entry__in=final)) == approved
    assert w.who_sees(Approval.objects.filter(trial=w.trial)) == DECIDERS | {"reader"}
    # reopened: the approved version stays readable, but its extractors are extractors again
    approve.reopen(w.trial.pk, "a table was misread", by=w.people["lead"])
    assert w.who_sees(final) == DECIDERS | {"reader"}
    # and returned: nobody but readers of what was approved
    reconcile.return_to_extractors(w.trial.pk, ["A", "B"], "look at table 2", by=w.people["lead"])
    assert w.who_sees(final) == {"reader"}
    assert w.who_sees(w.trial.entries.filter(slot="B")) == {"b"}


@pytest.mark.parametrize("status", STATES)
def test_a_trial_is_seen_by_those_who_work_on_it(status):
    w = world(status)
    expected = {"a", "b"} | DECIDERS | ({"reader"} if status == Status.APPROVED else set())
    assert w.who_sees(Trial.objects.filter(pk=w.trial.pk)) == expected
    assert w.who_sees(Assignment.objects.filter(trial=w.trial, slot="B")) == {"b", "lead"}


def test_a_review_its_vocabulary_and_its_members():
    w = world(Status.ENTERING)
    members = {"a", "b", "reader", "other extractor"} | DECIDERS
    MarkerFactory(review=w.trial.review)
    assert w.who_sees(Review.objects.filter(pk=w.trial.review_id)) == members
    assert w.who_sees(Marker.objects.filter(review=w.trial.review)) == members
    of_b = Membership.objects.filter(review=w.trial.review, user=w.people["b"])
    assert w.who_sees(of_b) == {"b", "lead"}
    assert w.who_sees(User.objects.filter(pk=w.people["b"].pk)) == {"b", "lead"}
    set_up = Event.objects.filter(review=w.trial.review, trial=None)
    with recording():
        Event.record("test", w.trial.review, by=None)
    assert w.who_sees(set_up) == {"lead"}


@pytest.mark.parametrize("role", ["lead", "adjudicator", "reader"])
@pytest.mark.parametrize("status", STATES)
def test_whoever_extracts_a_trial_is_nothing_else_for_it(status, role):
    """A lead in slot A: no partner's entry, no progress, no part in deciding or approving, ever."""
    w = world(status, shown=False)
    a = w.people["a"]
    member(w.trial.review, role, user=a)
    assert w.who_sees(w.trial.entries.filter(slot="B")) & {"a"} == set()
    for model, path in ((Match, "trial"), (Discrepancy, "trial"), (Approval, "trial"), (Entry, "trial")):
        rows = model.objects.visible_to(a).filter(**{path: w.trial})
        assert {getattr(row, "holder_id", None) for row in rows} <= {a.pk}
    for act in (Act.APPROVE, Act.REOPEN, Act.RETURN):
        assert "a" not in w.who_may(act, Thing.TRIAL, w.trial)
    assert not Event.objects.visible_to(a).filter(trial=w.trial, entry=None).exists()


def test_handing_a_slot_over_does_not_unlearn_what_was_entered():
    w = world(Status.ADJUDICATING)
    a = w.people["a"]
    member(w.trial.review, "adjudicator", user=a)
    with recording():
        w.trial.assignments.get(slot="A").delete()
    assert "a" not in w.who_sees(w.trial.entries.filter(slot="B"))
    assert "a" not in w.who_sees(Discrepancy.objects.filter(trial=w.trial))


ACTS = [
    (Act.APPROVE, Thing.TRIAL, {Status.AGREED}, DECIDERS),
    (Act.REOPEN, Thing.TRIAL, {Status.APPROVED}, DECIDERS),
    (Act.RETURN, Thing.TRIAL, {Status.ALIGNING, Status.ADJUDICATING, Status.AGREED}, DECIDERS),
    (Act.EXCLUDE, Thing.TRIAL, set(Status), {"lead"}),
    (Act.MANAGE, Thing.TRIAL, set(Status), {"lead"}),
]


@pytest.mark.parametrize(("act", "thing", "states", "who"), ACTS)
@pytest.mark.parametrize("status", STATES)
def test_acts_on_a_trial(status, act, thing, states, who):
    w = world(status)
    assert w.who_may(act, thing, w.trial) == (who if status in states else set())


@pytest.mark.parametrize("status", STATES)
def test_acts_on_an_entry_and_on_a_match(status):
    w = world(status)
    entry = w.trial.entries.get(slot="B")
    expected = {"b"} if status == Status.ENTERING else set()
    assert w.who_may(Act.EDIT, Thing.ENTRY, entry) == w.who_may(Act.SUBMIT, Thing.ENTRY, entry) == expected
    if status != Status.ENTERING:
        match = Match.objects.filter(trial=w.trial).first()
        assert match is not None
        open_states = {Status.ALIGNING, Status.ADJUDICATING, Status.AGREED}
        assert w.who_may(Act.DECIDE, Thing.RECONCILIATION, match) == (DECIDERS if status in open_states else set())


def test_leads_alone_set_up():
    w = world(Status.ENTERING)
    assert w.who_may(Act.MANAGE, Thing.REVIEW, w.trial.review) == {"lead"}
    marker = MarkerFactory(review=w.trial.review)
    assert w.who_may(Act.MANAGE, Thing.VOCABULARY, marker) == {"lead"}
    membership = Membership.objects.get(review=w.trial.review, user=w.people["b"])
    assert w.who_may(Act.MANAGE, Thing.MEMBERSHIP, membership) == {"lead"}
    assignment = w.trial.assignments.get(slot="B")
    assert w.who_may(Act.MANAGE, Thing.ASSIGNMENT, assignment) == {"lead"}


RESULTS = access.Paths(review="review")
EFFECTS = access.Paths(review="review", trial="")


@pytest.mark.parametrize("status", [Status.ENTERING, Status.APPROVED])
@pytest.mark.parametrize("shown", [True, False])
def test_results_are_for_deciders_and_readers_and_effects_not_for_extractors_of_the_trial(status, shown):
    w = world(status, shown=shown)

    def seen(act: Act, thing: Thing, row: Any, paths: access.Paths) -> set[str]:
        return {name for name, user in w.people.items() if access.may(user, act, thing, row, paths)}

    everything = access.Paths(review="")
    assert seen(Act.SEE, Thing.RESULT, w.trial.review, everything) == DECIDERS | {"reader"}
    assert seen(Act.RECOMPUTE, Thing.RESULT, w.trial.review, everything) == DECIDERS
    assert seen(Act.MANAGE, Thing.RESULT, w.trial.review, everything) == {"lead"}
    extractors = {"a", "b"} if shown and status == Status.APPROVED else set()
    assert seen(Act.SEE, Thing.EFFECT, w.trial, EFFECTS) == DECIDERS | {"reader"} | extractors


def test_a_rule_that_asks_for_a_path_which_a_thing_lacks_is_an_error():
    w = world(Status.ENTERING)
    with pytest.raises(LookupError, match="no path"):
        access.visible(w.people["lead"], Thing.ENTRY, access.Paths(review="trial__review"))


def test_two_trials_of_one_review_do_not_lend_each_other_their_extractors():
    review = ReviewFactory()
    first, second = TrialFactory(review=review), TrialFactory(review=review)
    assert not Trial.objects.visible_to(holder(first, "A")).filter(pk=second.pk).exists()


def test_the_printed_table_has_every_line_of_the_table_once(monkeypatch):
    printed = [rule for rules in access.table_by_thing().values() for rule in rules]
    assert sorted(map(str, printed)) == sorted(map(str, access.TABLE))
    assert list(access.table_by_thing()) == list(Thing)
    call_command("access_table", "--check")
    monkeypatch.setattr(access, "TABLE", access.TABLE[1:])
    with pytest.raises(CommandError, match=r"docs/access\.md is not as extraction/access\.py says"):
        call_command("access_table", "--check")
