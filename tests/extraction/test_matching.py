"""Which row is which: confirming, changing and taking back, also once the values are compared."""

from __future__ import annotations

from uuid import uuid4

import pytest

from extraction import approve, enter, matching, reconcile
from extraction.decisions import Decision
from extraction.errors import IllegalMove, NotAllowed, StaleVersion
from extraction.models import Arm, Discrepancy, Entry, Event, Match, Resolution
from extraction.states import Status
from tests.extraction.structures import arm, described, matched, tangled
from tests.factories import TrialFactory, decide_all_for_a, holder, member, trial_at

pytestmark = pytest.mark.django_db

FOR_A, FOR_B = (Decision(choice=side, reason_code="typo") for side in "AB")


@pytest.fixture
def trial():
    return tangled(TrialFactory())


@pytest.fixture
def adjudicator(trial):
    return member(trial.review, "adjudicator")


def the(trial, label, subject="arm"):
    """The match in which rows of this label stand."""
    return Match.objects.filter(trial=trial, subject=subject, rows__label=label).distinct().get()


def row(trial, slot, label):
    return Arm.objects.get(entry__trial=trial, entry__slot=slot, label=label).pk


def confirm_all(trial, by):
    open_now = Match.objects.filter(trial=trial, state="proposed").values_list("pk", flat=True)
    return matching.confirm_many(trial.pk, list(open_now), by=by)


def test_swapped_and_merged_arms_are_proposed_and_named(trial):
    assert trial.status == Status.ALIGNING
    assert matched(trial) == {
        ("HIIT", "Interval training", "proposed"),
        ("MICT", "Moderate continuous", "proposed"),
        ("Yoga at home + Yoga in class", "Yoga", "proposed"),
        ("Waiting list", "Waiting list", "confirmed"),
    }
    assert "10 + 12 randomised" in the(trial, "Yoga").reason
    assert "equal pairs of numbers inside" in the(trial, "HIIT").reason


def test_several_are_confirmed_together_or_not_at_all(trial, adjudicator):
    keys = [the(trial, label).pk for label in ("HIIT", "MICT")]
    with pytest.raises(StaleVersion):
        matching.confirm_many(trial.pk, [*keys, uuid4()], by=adjudicator)
    assert the(trial, "HIIT").state == "proposed"
    matching.confirm_many(trial.pk, keys, by=adjudicator)
    assert {the(trial, label).state for label in ("HIIT", "MICT")} == {"confirmed"}
    with pytest.raises(StaleVersion):
        matching.confirm_many(trial.pk, keys, by=adjudicator)
    with pytest.raises(StaleVersion):
        matching.confirm_many(trial.pk, [], by=adjudicator)


def test_what_is_not_the_same_waits_on_both_sides(trial, adjudicator):
    matching.part(the(trial, "HIIT").pk, by=adjudicator)
    assert {("HIIT", "", "proposed"), ("", "Interval training", "proposed")} <= matched(trial)
    with pytest.raises(IllegalMove, match="Only one entry"):
        matching.part(the(trial, "HIIT").pk, by=adjudicator)


def test_acts_are_taken_back_one_after_the_other(trial, adjudicator):
    before = matched(trial)
    matching.part(the(trial, "HIIT").pk, by=adjudicator)
    matching.confirm(the(trial, "Interval training").pk, by=adjudicator)
    seen = matched(trial)
    matching.pair(trial.pk, "arm", [row(trial, "A", "HIIT")], [row(trial, "B", "Yoga")], by=adjudicator)
    assert ("Yoga at home + Yoga in class", "", "proposed") in matched(trial)
    matching.undo(trial.pk, by=adjudicator)
    assert matched(trial) == seen
    matching.undo(trial.pk, by=adjudicator)
    matching.undo(trial.pk, by=adjudicator)
    assert matched(trial) == before
    assert "10 + 12 randomised" in the(trial, "Yoga").reason
    with pytest.raises(IllegalMove, match="nothing of yours"):
        matching.undo(trial.pk, by=adjudicator)
    assert Event.objects.filter(verb="undo match").count() == 3


def test_nobody_takes_back_what_another_said_or_changed(trial, adjudicator):
    other = member(trial.review, "lead")
    matching.confirm(the(trial, "HIIT").pk, by=adjudicator)
    with pytest.raises(IllegalMove, match="nothing of yours"):
        matching.undo(trial.pk, by=other)
    matching.part(the(trial, "HIIT").pk, by=other)
    with pytest.raises(StaleVersion):
        matching.undo(trial.pk, by=adjudicator)
    with pytest.raises(NotAllowed):
        matching.undo(trial.pk, by=holder(trial, "A"))


def test_a_pair_on_matches_that_were_changed_meanwhile_is_refused(trial, adjudicator):
    rows = [row(trial, "A", "HIIT")], [row(trial, "B", "Interval training")]
    seen = [the(trial, "HIIT").pk]
    matching.part(seen[0], by=adjudicator)
    with pytest.raises(StaleVersion):
        matching.pair(trial.pk, "arm", *rows, by=adjudicator, seen=seen)
    now = [the(trial, "HIIT").pk, the(trial, "Interval training").pk]
    assert matching.pair(trial.pk, "arm", *rows, by=adjudicator, seen=now).state == "confirmed"


def differing(trial):
    """Two arms matched, each with one difference: MICT 7 against 8, HIIT 5 against 6."""
    arms = [arm("HIIT", "20"), arm("MICT", "30"), arm("Rest", "25", "control")]
    described(trial, "A", arms, centres={"HIIT": "5.1", "MICT": "7.1", "Rest": "9.1"})
    described(trial, "B", arms, centres={"HIIT": "5.7", "MICT": "7.7", "Rest": "9.1"})
    trial.refresh_from_db()
    return trial


def decisions(trial):
    return {
        (one.arm_label, one.time_label, one.state)
        for one in Discrepancy.objects.filter(trial=trial).current().exclude(state="accepted")
    }


@pytest.mark.parametrize("agreed", [False, True])
def test_changing_a_match_later_keeps_the_decisions_that_still_hold(agreed):
    trial = differing(TrialFactory())
    adjudicator = member(trial.review, "adjudicator")
    assert trial.status == Status.ADJUDICATING
    kept = Discrepancy.objects.get(trial=trial, arm_label="HIIT", time_label="Baseline")
    reconcile.resolve(kept.pk, FOR_B, by=adjudicator)
    lost = Discrepancy.objects.get(trial=trial, arm_label="MICT", time_label="Baseline")
    reconcile.resolve(lost.pk, FOR_B, by=adjudicator)
    if agreed:
        decide_all_for_a(trial, by=adjudicator)
    # when MICT turns out to be two arms, one in each entry
    matching.part(the(trial, "MICT").pk, by=adjudicator)
    # then nothing counts until each is said to be alone
    trial.refresh_from_db()
    assert trial.status == Status.ALIGNING
    assert decisions(trial) == set()
    assert not Entry.objects.filter(trial=trial, slot="FINAL").exists()
    with pytest.raises(StaleVersion, match="a match was changed"):
        reconcile.resolve(kept.pk, FOR_A, by=adjudicator)
    confirm_all(trial, adjudicator)
    # and then the decision on the other arm stands, that on this arm does not
    trial.refresh_from_db()
    assert trial.status == Status.ADJUDICATING
    after = "decided" if agreed else "open"
    assert decisions(trial) == {
        ("HIIT", "Baseline", "decided"),
        ("HIIT", "Post", after),
        ("MICT", "Baseline", "open"),
        ("MICT", "Post", "open"),
    }
    assert Discrepancy.objects.get(pk=kept.pk).superseded is False
    assert Resolution.objects.filter(discrepancy=lost).count() == 1  # kept with what it decided
    assert Event.objects.filter(verb="compare").last().after["kept"] == 2
    decide_all_for_a(trial, by=adjudicator)
    final = Entry.objects.get(trial=trial, slot="FINAL")
    assert final.observations.get(arm__label="HIIT", timepoint__printed="Baseline").centre_printed == "5.70"
    # and when all of it is taken back, so are the differences of before, with their decisions
    matching.undo(trial.pk, by=adjudicator)
    matching.undo(trial.pk, by=adjudicator)
    assert ("MICT", "Baseline", "decided") in decisions(trial)
    assert ("HIIT", "Baseline", "decided") in decisions(trial)


def test_an_approved_trial_keeps_its_matches(adjudicator, trial):
    confirm_all(trial, adjudicator)
    decide_all_for_a(trial, by=adjudicator)
    approve.approve(trial.pk, by=adjudicator)
    with pytest.raises(IllegalMove, match="approved"):
        matching.part(the(trial, "HIIT").pk, by=adjudicator)
    with pytest.raises(IllegalMove, match="approved"):
        matching.undo(trial.pk, by=adjudicator)


def test_another_match_of_what_was_agreed_compares_anew_at_once():
    # given a trial that is agreed, with its final draft
    trial = trial_at(Status.AGREED)
    adjudicator = member(trial.review, "adjudicator")
    draft = Entry.objects.get(trial=trial, slot="FINAL")
    # when the two arms of each entry are said to be one, so that nothing is left to say of the arms
    sides = [[row(trial, slot, label) for label in ("Training", "Waiting list")] for slot in "AB"]
    matching.pair(trial.pk, "arm", *sides, by=adjudicator)
    # then the cells of merged arms wait for a person, and the draft that rested on the matches is gone
    trial.refresh_from_db()
    assert trial.status == Status.ADJUDICATING
    assert set(trial.discrepancies.unresolved().values_list("field", flat=True)) == {"row"}
    assert not Entry.objects.filter(trial=trial, slot="FINAL").exists()
    # and when that is taken back, the trial agrees again, with a draft of its own
    matching.undo(trial.pk, by=adjudicator)
    trial.refresh_from_db()
    assert trial.status == Status.AGREED
    assert Entry.objects.get(trial=trial, slot="FINAL").pk != draft.pk
    assert not trial.discrepancies.current().exists()


def test_the_same_match_said_again_leaves_the_differences_and_their_decisions():
    trial = differing(TrialFactory())
    adjudicator = member(trial.review, "adjudicator")
    kept = Discrepancy.objects.get(trial=trial, arm_label="HIIT", time_label="Baseline")
    reconcile.resolve(kept.pk, FOR_B, by=adjudicator)
    before = decisions(trial)
    matching.pair(trial.pk, "arm", [row(trial, "A", "MICT")], [row(trial, "B", "MICT")], by=adjudicator)
    trial.refresh_from_db()
    assert (trial.status, decisions(trial)) == (Status.ADJUDICATING, before)
    assert Event.objects.filter(verb="compare").last().after == {"differ": 4, "open": 3, "kept": 4}


def test_a_match_of_older_versions_is_neither_confirmed_nor_taken_apart(trial, adjudicator):
    old = list(Match.objects.filter(trial=trial))
    reconcile.return_to_extractors(trial.pk, ["A"], "Table 2, please", by=adjudicator)
    enter.submit(Entry.objects.get(trial=trial, slot="A", state="draft").pk, by=holder(trial, "A"))
    for match in old:
        for act in (matching.confirm, matching.part):
            with pytest.raises(StaleVersion, match="returned and submitted again"):
                act(match.pk, by=adjudicator)
    assert {(match.pk, match.state) for match in Match.objects.filter(pk__in=[one.pk for one in old])} == {
        (match.pk, match.state) for match in old
    }
