"""Between two submissions and agreement: align, compare, decide, return."""

from __future__ import annotations

from uuid import uuid4

import pytest

from extraction import approve, enter, matching, reconcile
from extraction.decisions import Decision
from extraction.enter import Change
from extraction.errors import (
    IllegalMove,
    InvalidValues,
    NotAllowed,
    NotFound,
    StaleVersion,
    UnresolvedDiscrepancies,
)
from extraction.models import Discrepancy, Entry, Event, Match, Observation, Resolution
from extraction.record import Subject
from extraction.states import Status
from tests.factories import (
    MarkerFactory,
    ReviewFactory,
    TrialFactory,
    decide_all_for_a,
    draft,
    holder,
    member,
    submitted,
    trial_at,
)

pytestmark = pytest.mark.django_db

FOR_A = Decision(choice="A", reason_code="typo")


def differing(a=None, b=None):
    """A trial of which both are in, with these texts of the treated arm; and its adjudicator."""
    trial = TrialFactory()
    submitted(trial, "A", cells={"treated": a or {}})
    submitted(trial, "B", cells={"treated": b or {}})
    trial.refresh_from_db()
    return trial, member(trial.review, "adjudicator")


def only(trial):
    return Discrepancy.objects.get(trial=trial, superseded=False)


def final_cell(trial, arm="Training"):
    return Observation.objects.get(entry__trial=trial, entry__slot="FINAL", entry__state="draft", arm__label=arm)


def test_nothing_is_compared_while_one_is_still_entering():
    trial = TrialFactory()
    submitted(trial, "A")
    draft(trial, "B")
    assert not Match.objects.exists()
    assert not Discrepancy.objects.exists()


def test_two_equal_entries_agree_at_once_and_final_says_the_same():
    trial, _ = differing()
    assert trial.status == Status.AGREED
    assert not Discrepancy.objects.exists()
    final = Entry.objects.get(trial=trial, slot="FINAL")
    assert (final.state, final.holder) == ("draft", None)
    assert final_cell(trial).centre_printed == "-2.1"
    assert final.arms.count() == 2


def test_rounding_and_exact_forms_are_accepted_by_themselves_and_the_better_form_enters_final():
    trial, _ = differing({"centre": "-2.13", "spread": "1.5"}, {"centre": "-2.1", "spread": "1.50"})
    assert trial.status == Status.AGREED
    assert set(Discrepancy.objects.values_list("field", "verdict", "state", "takes")) == {
        ("centre", "rounding", "accepted", "A"),
        ("spread", "rounding", "accepted", "B"),
    }
    cell = final_cell(trial)
    assert (cell.centre_printed, cell.spread_printed) == ("-2.13", "1.50")


def test_a_standard_error_that_is_the_same_spread_is_accepted_and_the_sd_enters_final():
    trial, _ = differing({"spread": "4.9", "n": "24"}, {"spread": "1.0", "spread_kind": "se", "n": "24"})
    row = only(trial)
    assert (row.verdict, row.state, row.takes) == ("equivalent", "accepted", "A")
    assert "√24" in row.worked
    assert final_cell(trial).spread_kind == "sd"


def test_an_accepted_difference_has_nothing_to_decide():
    trial, _ = differing({"centre": "-2.13"}, {"centre": "-2.1"})
    decider = member(trial.review, "adjudicator")
    with pytest.raises(IllegalMove, match="nothing to decide"):
        reconcile.resolve(only(trial).pk, FOR_A, by=decider)


def test_a_difference_waits_with_its_diagnosis():
    trial, _ = differing({"spread": "4.9"}, {"spread": "1.0"})
    row = only(trial)
    assert trial.status == Status.ADJUDICATING
    assert (row.verdict, row.state, row.diagnosis, row.suggests) == ("different", "open", "se_as_sd", "A")
    assert (row.arm_label, row.outcome_label, row.a_says, row.b_says) == ("Training", "IL-6", "SD 4.9", "SD 1.0")


def test_an_observation_that_one_side_lacks_is_one_discrepancy():
    trial = TrialFactory()
    submitted(trial, "A")
    entry = draft(trial, "B")
    row = Observation.objects.get(entry=entry, arm__label="Training")
    user = holder(trial, "B")
    enter.save(entry.pk, [Change(Subject.OBSERVATION, row.pk, row.version, delete=True)], by=user)
    enter.submit(entry.pk, by=user)
    found = only(trial)
    assert (found.field, found.verdict, found.diagnosis, found.b_key) == ("row", "one_missing", "only_a", None)
    decider = member(trial.review, "adjudicator")
    reconcile.resolve(found.pk, Decision(choice="B", reason_code="misread"), by=decider)
    assert not Observation.objects.filter(entry__slot="FINAL", arm__label="Training").exists()
    reconcile.resolve(found.pk, FOR_A, by=decider)
    assert final_cell(trial).centre_printed == "-2.1"


CHOICES = [
    (Decision("A", "typo"), "2.0", "reported"),
    (Decision("B", "typo"), "-2.0", "reported"),
    (Decision("other", "typo", centre="-2.05", centre_kind="mean"), "-2.05", "reported"),
    (Decision("NR", "ambiguous"), "", "NR"),
]


@pytest.mark.parametrize(("decision", "printed", "status"), CHOICES)
def test_the_decided_value_enters_final_and_the_trial_is_agreed(decision, printed, status):
    trial, adjudicator = differing({"centre": "2.0"}, {"centre": "-2.0"})
    found = reconcile.resolve(only(trial).pk, decision, by=adjudicator, version=1)
    trial.refresh_from_db()
    assert (trial.status, found.state, found.version) == (Status.AGREED, "decided", 2)
    cell = final_cell(trial)
    assert (cell.centre_printed, cell.centre_status) == (printed, status)
    line = Event.objects.get(verb="resolve")
    assert (line.actor, line.after["choice"], line.chain) == (adjudicator, decision.choice, f"trial:{trial.pk}")


def test_another_n_and_another_spread():
    trial, adjudicator = differing({"n": "24", "spread": "1.5"}, {"n": "42", "spread": "5.1"})
    n, spread = Discrepancy.objects.order_by("position")
    reconcile.resolve(n.pk, Decision("other", "wrong_n", n="23"), by=adjudicator)
    ends = {"spread_low": "-3.0", "spread_high": "-1.2", "spread_level": "95"}
    reconcile.resolve(spread.pk, Decision("other", "misread", spread_kind="ci", **ends), by=adjudicator)
    cell = final_cell(trial)
    assert (cell.n, cell.spread_kind, cell.spread_low_printed, cell.spread_level) == (23, "ci", "-3.0", 95.0)


BAD = [
    (Decision("C", "typo"), "choice"),
    (Decision("A", "mood"), "reason_code"),
    (Decision("A", "typo", centre="3"), "centre"),
    (Decision("A", "typo", comment="x" * 4001), "comment"),
    (Decision("other", "typo"), "centre"),
    (Decision("other", "typo", centre="3"), "centre_kind"),
    (Decision("other", "typo", centre="3", centre_kind="mode"), "centre_kind"),
    (Decision("other", "typo", centre="1,234", centre_kind="mean"), "centre"),
]


@pytest.mark.parametrize(("decision", "field"), BAD)
def test_a_decision_is_read_as_strictly_as_an_entry(decision, field):
    trial, adjudicator = differing({"centre": "2.0"}, {"centre": "-2.0"})
    with pytest.raises(InvalidValues) as refusal:
        reconcile.resolve(only(trial).pk, decision, by=adjudicator)
    assert field in {problem.field for problem in refusal.value.problems}
    assert not Resolution.objects.exists()


@pytest.mark.parametrize("texts", [{"spread_kind": "wide", "spread": "3"}, {"spread_kind": "sd", "spread": "-3"}])
def test_a_bad_spread_is_named(texts):
    trial, adjudicator = differing({"spread": "1.5"}, {"spread": "5.1"})
    with pytest.raises(InvalidValues):
        reconcile.resolve(only(trial).pk, Decision("other", "typo", **texts), by=adjudicator)


def test_two_adjudicators_cannot_both_decide_what_they_saw_open():
    trial, adjudicator = differing({"centre": "2.0"}, {"centre": "-2.0"})
    seen = only(trial)
    reconcile.resolve(seen.pk, FOR_A, by=adjudicator, version=seen.version)
    with pytest.raises(StaleVersion):
        reconcile.resolve(seen.pk, FOR_A, by=member(trial.review, "adjudicator"), version=seen.version)
    # but who has seen the decision may decide again, and both decisions stay
    reconcile.resolve(seen.pk, Decision("B", "judgement"), by=adjudicator, version=seen.version + 1)
    assert list(Resolution.objects.values_list("number", "choice")) == [(1, "A"), (2, "B")]
    assert final_cell(trial).centre_printed == "-2.0"


def test_who_extracts_the_trial_decides_nothing_in_it():
    trial, _ = differing({"centre": "2.0"}, {"centre": "-2.0"})
    extractor = holder(trial, "A")
    member(trial.review, "adjudicator", "lead", user=extractor)
    with pytest.raises(NotFound):
        reconcile.resolve(only(trial).pk, FOR_A, by=extractor)
    with pytest.raises(NotFound):
        reconcile.resolve(uuid4(), FOR_A, by=extractor)


def test_many_are_decided_together_or_not_at_all():
    trial, adjudicator = differing({"centre": "2.0", "n": "24"}, {"centre": "-2.0", "n": "42"})
    keys = list(Discrepancy.objects.values_list("pk", flat=True))
    with pytest.raises(NotFound):
        reconcile.resolve_many([*keys, uuid4()], FOR_A, by=adjudicator)
    assert not Resolution.objects.exists()
    assert reconcile.resolve_many(keys, FOR_A, by=adjudicator) == 2
    trial.refresh_from_db()
    assert trial.status == Status.AGREED


def test_a_return_makes_a_new_draft_and_supersedes_the_old_differences():
    trial, adjudicator = differing({"centre": "2.0"}, {"centre": "-2.0"})
    old = only(trial)
    reconcile.return_to_extractors(trial.pk, ["B"], "read table 2 again", by=adjudicator)
    trial.refresh_from_db()
    assert trial.status == Status.ENTERING
    new = Entry.objects.get(trial=trial, slot="B", number=2)
    assert (new.state, new.return_reason, new.holder) == ("draft", "read table 2 again", holder(trial, "B"))
    with pytest.raises(NotFound):  # nobody looks at differences while somebody is blind
        reconcile.resolve(old.pk, FOR_A, by=adjudicator)
    row = Observation.objects.get(entry=new, arm__label="Training")
    enter.save(new.pk, [Change(Subject.OBSERVATION, row.pk, row.version, {"centre": "1.9"})], by=holder(trial, "B"))
    enter.submit(new.pk, by=holder(trial, "B"))
    with pytest.raises(StaleVersion, match="older version"):
        reconcile.resolve(old.pk, FOR_A, by=adjudicator)
    assert only(trial).b_says.endswith("1.9")
    assert Entry.objects.get(trial=trial, slot="B", number=1).digest  # what was submitted first stays


def test_a_return_names_slots_and_a_reason():
    trial, adjudicator = differing({"centre": "2.0"}, {"centre": "-2.0"})
    for slots, reason in ((["A"], " "), ([], "why"), (["FINAL"], "why"), (["A", "C"], "why")):
        with pytest.raises(IllegalMove):
            reconcile.return_to_extractors(trial.pk, slots, reason, by=adjudicator)
    with pytest.raises(NotAllowed):
        reconcile.return_to_extractors(trial.pk, ["A"], "why", by=holder(trial, "A"))


def test_structures_that_differ_wait_for_a_person():
    trial = trial_at(Status.ALIGNING)
    adjudicator = member(trial.review, "adjudicator")
    assert not Discrepancy.objects.exists()
    waiting = Match.objects.filter(trial=trial, state="proposed")
    assert {match.subject for match in waiting} == {"outcome"}
    for match in waiting:
        matching.confirm(match.pk, by=adjudicator)
    trial.refresh_from_db()
    assert trial.status != Status.ALIGNING
    with pytest.raises(IllegalMove):
        matching.confirm(match.pk, by=adjudicator)


def test_a_person_says_which_outcome_is_which():
    trial = trial_at(Status.ALIGNING)
    adjudicator = member(trial.review, "adjudicator")
    a, b = (Entry.objects.get(trial=trial, slot=slot).outcomes.get().pk for slot in "AB")
    made = matching.pair(trial.pk, "outcome", [a], [b], by=adjudicator)
    trial.refresh_from_db()
    assert (made.state, trial.status) == ("confirmed", Status.AGREED)
    assert Observation.objects.filter(entry__slot="FINAL", outcome__name="IL-6").count() == 2


def test_only_one_saw_it_makes_its_rows_differences_of_their_own():
    trial = trial_at(Status.ALIGNING)
    adjudicator = member(trial.review, "adjudicator")
    a, b = (Entry.objects.get(trial=trial, slot=slot).outcomes.get().pk for slot in "AB")
    matching.pair(trial.pk, "outcome", [a], [], by=adjudicator)
    matching.pair(trial.pk, "outcome", [], [b], by=adjudicator)
    trial.refresh_from_db()
    assert trial.status == Status.ADJUDICATING
    assert sorted(trial.discrepancies.values_list("field", "diagnosis")) == [
        ("row", "only_a"), ("row", "only_a"), ("row", "only_b"), ("row", "only_b"),
    ]  # fmt: skip
    decide_all_for_a(trial, by=adjudicator)
    names = set(Observation.objects.filter(entry__slot="FINAL").values_list("outcome__name", flat=True))
    assert names == {"IL-6"}


def test_a_pair_is_of_rows_that_both_entries_hold():
    trial = trial_at(Status.ALIGNING)
    adjudicator = member(trial.review, "adjudicator")
    outcome = Entry.objects.get(trial=trial, slot="A").outcomes.get().pk
    for subject, a, b in (
        ("outcome", [uuid4()], []),
        ("outcome", [], []),
        ("arm", [outcome], []),
        ("observation", [outcome], []),
    ):
        with pytest.raises(NotFound):
            matching.pair(trial.pk, subject, a, b, by=adjudicator)
    with pytest.raises(NotAllowed):
        matching.pair(trial.pk, "outcome", [outcome], [], by=holder(trial, "B"))


def test_taking_one_row_out_of_a_merge_leaves_the_rest_to_say():
    trial = trial_at(Status.ALIGNING)
    adjudicator = member(trial.review, "adjudicator")
    a_arms = list(Entry.objects.get(trial=trial, slot="A").arms.values_list("pk", flat=True))
    b_arms = list(Entry.objects.get(trial=trial, slot="B").arms.values_list("pk", flat=True))
    matching.pair(trial.pk, "arm", a_arms, b_arms[:1], by=adjudicator)
    left = Match.objects.get(trial=trial, subject="arm", state="proposed")
    assert [row.row for row in left.rows.all()] == [b_arms[1]]
    matching.pair(trial.pk, "arm", a_arms[:1], b_arms[:1], by=adjudicator)
    assert Match.objects.filter(trial=trial, subject="arm", state="proposed").count() == 2


def test_a_reopened_trial_is_concluded_or_decided_anew():
    trial = trial_at(Status.APPROVED)
    lead = member(trial.review, "lead")
    with pytest.raises(IllegalMove):
        reconcile.conclude(trial.pk, by=lead)
    approve.reopen(trial.pk, "checked again", by=lead)
    reconcile.conclude(trial.pk, by=lead)
    trial.refresh_from_db()
    assert trial.status == Status.AGREED
    with pytest.raises(IllegalMove, match="Only a trial whose entries differ"):
        reconcile.conclude(trial.pk, by=lead)


def test_a_trial_with_open_differences_is_not_concluded():
    trial, adjudicator = differing({"centre": "2.0"}, {"centre": "-2.0"})
    with pytest.raises(UnresolvedDiscrepancies):
        reconcile.conclude(trial.pk, by=adjudicator)


def structural(**b):
    """B describes the treated arm otherwise."""
    trial = TrialFactory()
    submitted(trial, "A")
    entry = draft(trial, "B")
    arm = entry.arms.get(label="Training")
    enter.save(entry.pk, [Change(Subject.ARM, arm.pk, arm.version, b)], by=holder(trial, "B"))
    enter.submit(entry.pk, by=holder(trial, "B"))
    trial.refresh_from_db()
    return trial, member(trial.review, "adjudicator")


def test_what_a_report_cannot_leave_out_is_not_decided_as_not_reported():
    trial, adjudicator = structural(eligible="no")
    row = only(trial)
    assert row.field == "eligible"
    with pytest.raises(InvalidValues, match="not something a report leaves out"):
        reconcile.resolve(row.pk, Decision("NR", "typo"), by=adjudicator)
    with pytest.raises(InvalidValues, match="yes or no"):
        reconcile.resolve(row.pk, Decision("other", "typo", text="perhaps"), by=adjudicator)
    reconcile.resolve(row.pk, Decision("other", "typo", text="yes"), by=adjudicator)
    assert Entry.objects.get(trial=trial, slot="FINAL").arms.get(label="Training").eligible


def test_how_many_were_randomised_may_be_another_number_or_not_reported():
    trial, adjudicator = structural(n_randomised="52")
    row = only(trial)
    with pytest.raises(InvalidValues):
        reconcile.resolve(row.pk, Decision("other", "typo", text="many"), by=adjudicator)
    reconcile.resolve(row.pk, Decision("other", "typo", text="27"), by=adjudicator)
    final = Entry.objects.get(trial=trial, slot="FINAL")
    assert final.arms.get(label="Training").n_randomised == 27
    reconcile.resolve(row.pk, Decision("NR", "typo"), by=adjudicator)
    arm = Entry.objects.get(trial=trial, slot="FINAL").arms.get(label="Training")
    assert (arm.n_randomised, arm.n_randomised_status) == (None, "NR")


def test_a_difference_knows_its_marker():
    review = ReviewFactory()
    marker = MarkerFactory(review=review, code="il6")
    trial = trial_at(Status.ADJUDICATING, review, marker="il6")
    assert only(trial).marker == marker
