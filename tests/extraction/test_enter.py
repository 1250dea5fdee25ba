"""Entering: what is saved stays as printed, all or nothing, one tab at a time."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from extraction import enter, reconcile
from extraction.enter import Change
from extraction.errors import (
    DuplicateRow,
    IllegalMove,
    InvalidValues,
    NotADraft,
    NotAllowed,
    NotFound,
    StaleVersion,
)
from extraction.models import Arm, Event, Moderator, Observation, Timepoint
from extraction.record import Subject
from extraction.recorded import OutsideVerb, recording
from extraction.states import Status
from extraction.typed import values_of
from tests.factories import TrialFactory, draft, holder, made, member, small_changes, submitted, trial_at

pytestmark = pytest.mark.django_db


def cell(entry, arm="Training"):
    return Observation.objects.get(entry=entry, arm__label=arm)


def change(row, **values):
    return Change(Subject(type(row).__name__.lower()), row.pk, row.version, values)


def test_starting_twice_gives_one_draft():
    trial = TrialFactory()
    first, second = (enter.start(trial.pk, by=holder(trial, "A")) for _ in range(2))
    assert first == second
    assert (first.slot, first.number, first.is_draft) == ("A", 1, True)
    assert Event.objects.filter(entry=first, verb="start").count() == 1


def test_only_who_holds_a_slot_may_start():
    trial = TrialFactory()
    with pytest.raises(NotAllowed):
        enter.start(trial.pk, by=member(trial.review, "lead"))
    with pytest.raises(NotFound):
        enter.start(trial.pk, by=member(trial.review, "extractor"))
    with pytest.raises(NotFound):
        enter.start(10**12, by=holder(trial, "A"))


def test_an_excluded_trial_is_not_started():
    trial = TrialFactory()
    with recording():
        trial.excluded_at, trial.exclusion_reason = trial.review.created_at, "not randomised"
        trial.save()
    with pytest.raises(IllegalMove):
        enter.start(trial.pk, by=holder(trial, "A"))


def test_numbers_are_kept_as_printed_beside_what_was_read():
    entry = draft(TrialFactory(), "A", cells={"treated": {"centre": "<1.20", "spread": "0.30", "n": "24"}})
    row = cell(entry)
    assert (row.centre_printed, row.centre, row.centre_qualifier) == ("<1.20", 1.2, "<")
    assert (row.spread_printed, row.spread, row.spread_kind) == ("0.30", 0.3, "sd")
    assert (row.n_printed, row.n) == ("24", 24)


def test_missing_is_a_status_and_not_a_blank():
    entry = draft(TrialFactory(), "A", cells={"treated": {"n": "NR", "centre": "NM", "spread": "un"}})
    row = cell(entry)
    assert (row.n_status, row.centre_status, row.spread_status) == ("NR", "NM", "UN")
    assert row.n is row.centre is row.spread is None


def test_an_interval_has_two_ends_and_a_level():
    entry = draft(
        TrialFactory(),
        "A",
        cells={
            "treated": {
                "spread_kind": "ci", "spread": "", "spread_low": "-3.0", "spread_high": "-1.2", "spread_level": "95",
            }
        },
    )  # fmt: skip
    row = cell(entry)
    assert (row.spread_low_printed, row.spread_low, row.spread_high, row.spread_level) == ("-3.0", -3.0, -1.2, 95.0)


REFUSED = [
    ({"n": "12.5"}, "n"),
    ({"n": "0"}, "n"),
    ({"n": "24 people"}, "n"),
    ({"centre": "1,234"}, "centre"),
    ({"centre": "NaN"}, "centre"),
    ({"centre": "1_000"}, "centre"),
    ({"centre": "True"}, "centre"),
    ({"centre": "1e400"}, "centre"),
    ({"centre_kind": "mode"}, "centre_kind"),
    ({"centre_kind": ""}, "centre_kind"),
    ({"spread": "-1"}, "spread"),
    ({"spread_kind": ""}, "spread_kind"),
    ({"spread_kind": "half-width"}, "spread_kind"),
    ({"spread_kind": "ci"}, "spread"),
    ({"spread_kind": "ci", "spread": "", "spread_low": "1"}, "spread_high"),
    ({"spread_kind": "ci", "spread": "", "spread_high": "1"}, "spread_low"),
    ({"spread_kind": "ci", "spread": "", "spread_low": "2", "spread_high": "1"}, "spread_high"),
    ({"spread_kind": "ci", "spread": "", "spread_low": "<1", "spread_high": "2"}, "spread_low"),
    ({"spread_kind": "sd", "spread": "", "spread_low": "1", "spread_high": "2"}, "spread_kind"),
    ({"spread_kind": "", "spread": "", "spread_low": "1", "spread_high": "2"}, "spread_kind"),
    ({"spread_kind": "iqr", "spread": "3", "spread_low": "1", "spread_high": "2"}, "spread"),
    ({"spread_low": "a"}, "spread_low"),
    (
        {"spread_kind": "ci", "spread": "", "spread_low": "1", "spread_high": "2", "spread_level": "0.95"},
        "spread_level",
    ),
    ({"quantity": "ratio"}, "quantity"),
    ({"arm": "not a key"}, "arm"),
    ({"arm": ""}, "arm"),
    ({"arm": str(uuid4())}, "arm"),
    ({"inferred": "perhaps"}, "inferred"),
    ({"notes": "a\x00b"}, "notes"),
    ({"source_page": "x" * 21}, "source_page"),
    ({"mean": "3"}, "mean"),
    ({"notes": 3}, "notes"),
]


@pytest.mark.parametrize(("values", "field"), REFUSED)
def test_what_the_grammar_refuses_names_the_field_and_writes_nothing(values, field):
    trial = TrialFactory()
    entry = draft(trial, "A")
    before = values_of(cell(entry))
    with pytest.raises(InvalidValues) as refusal:
        enter.save(entry.pk, [change(cell(entry), **values)], by=holder(trial, "A"))
    assert field in {problem.field for problem in refusal.value.problems}
    assert values_of(cell(entry)) == before


OTHER_ROWS = [
    (Subject.ARM, {"label": ""}, "label"),
    (Subject.ARM, {"label": "x", "role": "placebo"}, "role"),
    (Subject.ARM, {"label": "x", "intervention": "unheard of"}, "intervention"),
    (Subject.TIMEPOINT, {"phase": "later"}, "phase"),
    (Subject.TIMEPOINT, {"phase": "post", "weeks": "NR"}, "weeks"),
    (Subject.TIMEPOINT, {"phase": "post", "weeks": "9999"}, "weeks"),
    (Subject.TIMEPOINT, {"phase": "post", "weeks": "six"}, "weeks"),
    (Subject.OUTCOME, {"name": "x", "direction_override": "up"}, "direction_override"),
    (Subject.OUTCOME, {"name": "x", "direction_override": "1"}, "direction_reason"),
    (Subject.OUTCOME, {"name": "zero\u200bwidth"}, "name"),
    (Subject.CHARACTERISTIC, {"moderator": "", "value": "3"}, "moderator"),
    (Subject.CHARACTERISTIC, {"moderator": "unheard of", "value": "3"}, "moderator"),
]


@pytest.mark.parametrize(("subject", "values", "field"), OTHER_ROWS)
def test_other_rows_are_refused_in_the_same_words(subject, values, field):
    trial = TrialFactory()
    entry = draft(trial, "A")
    with pytest.raises(InvalidValues) as refusal:
        enter.save(entry.pk, [Change(subject, uuid4(), values=values)], by=holder(trial, "A"))
    assert {problem.field for problem in refusal.value.problems} == {field}


def test_one_bad_row_keeps_the_good_ones_out_too():
    trial = TrialFactory()
    user = holder(trial, "A")
    entry = enter.start(trial.pk, by=user)
    changes = small_changes(cells={"control": {"n": "lots"}})
    with pytest.raises(InvalidValues):
        enter.save(entry.pk, changes, by=user)
    assert not Arm.objects.filter(entry=entry).exists()


def test_the_second_save_from_one_version_is_stale():
    trial = TrialFactory()
    entry = draft(trial, "A")
    seen = cell(entry)
    enter.save(entry.pk, [change(seen, centre="-2.2")], by=holder(trial, "A"))
    with pytest.raises(StaleVersion, match="changed"):
        enter.save(entry.pk, [change(seen, centre="-2.3")], by=holder(trial, "A"))
    assert cell(entry).centre_printed == "-2.2"


def test_saving_the_same_again_changes_nothing_and_records_nothing():
    trial = TrialFactory()
    entry = draft(trial, "A")
    lines = Event.objects.filter(entry=entry).count()
    again = enter.save(entry.pk, [change(cell(entry), centre="-2.1")], by=holder(trial, "A"))
    assert (again.version, cell(entry).version) == (entry.version, 1)
    assert enter.save(entry.pk, [], by=holder(trial, "A")).version == entry.version
    assert Event.objects.filter(entry=entry).count() == lines


def test_deleting_an_arm_takes_its_observations_and_says_so_in_the_history():
    trial = TrialFactory()
    entry = draft(trial, "A")
    row = cell(entry)
    arm = row.arm
    enter.save(entry.pk, [Change(Subject.ARM, arm.pk, arm.version, delete=True)], by=holder(trial, "A"))
    assert not Observation.objects.filter(pk=row.pk).exists()
    line = Event.objects.filter(entry=entry).latest("seq")
    assert line.before[f"observation:{row.pk}"]["centre"] == "-2.1"
    assert line.after[f"observation:{row.pk}"] is None
    with pytest.raises(StaleVersion, match="deleted"):
        enter.save(entry.pk, [Change(Subject.ARM, arm.pk, arm.version, delete=True)], by=holder(trial, "A"))


def test_deleting_an_arm_and_its_cell_together_deletes_each_once():
    trial = TrialFactory()
    entry = draft(trial, "A")
    row = cell(entry)
    both = [Change(Subject.ARM, row.arm_id, 1, delete=True), Change(Subject.OBSERVATION, row.pk, 1, delete=True)]
    enter.save(entry.pk, both, by=holder(trial, "A"))
    assert not Observation.objects.filter(pk=row.pk).exists()


def test_a_second_baseline_or_a_second_cell_is_refused_in_words():
    trial = TrialFactory()
    user = holder(trial, "A")
    entry = draft(trial, "A")
    baselines = [Change(Subject.TIMEPOINT, uuid4(), values={"phase": "baseline", "weeks": "0"}) for _ in range(2)]
    with pytest.raises(DuplicateRow, match="one baseline"):
        enter.save(entry.pk, baselines, by=user)
    same = Change(Subject.OBSERVATION, uuid4(), values=values_of(cell(entry)))
    with pytest.raises(DuplicateRow, match="one row per arm"):
        enter.save(entry.pk, [same], by=user)
    assert Timepoint.objects.filter(entry=entry).count() == 1


@pytest.mark.parametrize("of_an_arm", [False, True])
def test_a_second_value_of_one_characteristic_is_refused_in_words(of_an_arm):
    trial = TrialFactory()
    entry = draft(trial, "A")
    with recording():
        Moderator.objects.create(review=trial.review, code="age", name="Age", kind="number")
    values = {"moderator": "age", "arm": str(cell(entry).arm_id) if of_an_arm else ""}
    both = [Change(Subject.CHARACTERISTIC, uuid4(), values={**values, "value": text}) for text in ("51", "52")]
    with pytest.raises(DuplicateRow, match=r"^This characteristic is there already\.$"):
        enter.save(entry.pk, both, by=holder(trial, "A"))
    assert not entry.characteristics.exists()


def test_a_key_that_exists_anywhere_is_never_made_again():
    trial = TrialFactory()
    mine, theirs = draft(trial, "A"), draft(trial, "B")
    arm = Arm.objects.filter(entry=theirs).first()
    with pytest.raises(NotFound):
        enter.save(mine.pk, [Change(Subject.ARM, arm.pk, values={"label": "x"})], by=holder(trial, "A"))
    own = Arm.objects.filter(entry=mine).first()
    with pytest.raises(StaleVersion):
        enter.save(mine.pk, [Change(Subject.ARM, own.pk, values={"label": "x"})], by=holder(trial, "A"))
    with pytest.raises(StaleVersion):
        enter.save(mine.pk, [Change(Subject.ARM, uuid4(), delete=True)], by=holder(trial, "A"))


def test_an_entry_has_a_largest_size(monkeypatch):
    monkeypatch.setattr(enter, "MOST_ROWS", 6)
    trial = TrialFactory()
    entry = draft(trial, "A")
    with pytest.raises(InvalidValues, match="at most 6 rows"):
        enter.save(entry.pk, [Change(Subject.ARM, uuid4(), values={"label": "x"})], by=holder(trial, "A"))


def test_the_partners_entry_does_not_exist_for_an_extractor():
    trial = TrialFactory()
    theirs = draft(trial, "B")
    for act in (lambda by: enter.save(theirs.pk, [], by=by), lambda by: enter.submit(theirs.pk, by=by)):
        with pytest.raises(NotFound):
            act(holder(trial, "A"))
    with pytest.raises(NotFound):
        enter.submit(uuid4(), by=holder(trial, "A"))
    with pytest.raises(NotFound):
        enter.submit("no key", by=holder(trial, "A"))


def test_a_submitted_entry_is_frozen_and_hashed():
    trial = TrialFactory()
    user = holder(trial, "A")
    entry = submitted(trial, "A")
    assert len(entry.digest) == 64
    with pytest.raises(NotADraft):
        enter.save(entry.pk, [change(cell(entry), centre="3")], by=user)
    with pytest.raises(NotADraft):
        enter.submit(entry.pk, by=user)
    trial.refresh_from_db()
    assert trial.status == Status.ENTERING


def test_an_entry_without_an_observation_is_not_submitted():
    trial = TrialFactory()
    entry = enter.start(trial.pk, by=holder(trial, "A"))
    with pytest.raises(InvalidValues, match="no observation"):
        enter.submit(entry.pk, by=holder(trial, "A"))


def test_submitting_what_another_tab_changed_is_stale():
    trial = TrialFactory()
    user = holder(trial, "A")
    entry = draft(trial, "A")
    enter.save(entry.pk, [change(cell(entry), centre="-2.2")], by=user)
    with pytest.raises(StaleVersion):
        enter.submit(entry.pk, by=user, version=entry.version)
    assert not enter.submit(entry.pk, by=user, version=entry.version + 1).is_draft


def test_undo_works_until_the_partner_has_submitted():
    trial = TrialFactory()
    user = holder(trial, "A")
    entry = submitted(trial, "A")
    undone = enter.undo_submit(entry.pk, by=user)
    assert undone.is_draft
    with pytest.raises(NotADraft):
        enter.undo_submit(entry.pk, by=user)
    enter.submit(entry.pk, by=user)
    submitted(trial, "B")
    with pytest.raises(IllegalMove):
        enter.undo_submit(entry.pk, by=user)


def test_what_was_returned_is_not_undone_in_its_older_version():
    trial = trial_at(Status.ADJUDICATING)
    reconcile.return_to_extractors(trial.pk, ["A"], "look again", by=member(trial.review, "adjudicator"))
    old = trial.entries.get(slot="A", number=1)
    with pytest.raises(IllegalMove, match=r"^A later version of this entry exists\.$"):
        enter.undo_submit(old.pk, by=holder(trial, "A"))
    assert list(trial.entries.filter(slot="A").values_list("number", "state")) == [(1, "submitted"), (2, "draft")]


def test_the_same_values_give_the_same_digest_whenever_they_are_frozen():
    trial = TrialFactory()
    user = holder(trial, "A")
    entry = submitted(trial, "A")
    digest = entry.digest
    enter.undo_submit(entry.pk, by=user)
    assert enter.submit(entry.pk, by=user).digest == digest
    enter.undo_submit(entry.pk, by=user)
    enter.save(entry.pk, [change(cell(entry), centre="-2.10")], by=user)
    assert enter.submit(entry.pk, by=user).digest != digest


def test_who_gave_the_slot_back_edits_no_more():
    trial = TrialFactory()
    user = holder(trial, "A")
    entry = draft(trial, "A")
    with recording():
        trial.assignments.get(slot="A").delete()
    with pytest.raises(NotAllowed, match="handed"):
        enter.save(entry.pk, [change(cell(entry), centre="3")], by=user)


def test_recorded_rows_change_through_verbs_alone():
    entry = draft(TrialFactory(), "A")
    row = cell(entry)
    writes = [
        row.save,
        row.delete,
        lambda: Observation.objects.filter(pk=row.pk).update(centre=1.0),
        lambda: Observation.objects.filter(pk=row.pk).delete(),
        lambda: Observation.objects.bulk_update([row], ["notes"]),
        lambda: Observation.objects.bulk_create([Observation()]),
    ]
    for write in writes:
        with pytest.raises(OutsideVerb):
            write()
    line = Event.objects.first()
    for write in (line.save, line.delete, Event.objects.all().delete, lambda: Event.objects.update(reason="x")):
        with recording(), pytest.raises(OutsideVerb):
            write()
    with pytest.raises(OutsideVerb):
        Event.record("x", entry, by=None)


def test_a_trial_past_entering_is_not_started_by_a_new_holder():
    trial = trial_at(Status.AGREED)
    newcomer = member(trial.review, "extractor")
    with recording():
        trial.assignments.filter(slot="A").update(user=newcomer)
    with pytest.raises(IllegalMove):
        enter.start(trial.pk, by=newcomer)


@pytest.mark.parametrize("ends", [{"spread_low": 1.0}, {"spread_low": 2.0, "spread_high": 1.0}, {"spread_high": 1.0}])
def test_the_database_keeps_no_interval_without_both_ends_in_order(ends):
    trial = made(TrialFactory)
    row = draft(trial, "A").observations.first()
    said = {"spread": None, "spread_printed": "", "spread_kind": "ci", "spread_status": "reported"}
    for name, value in {**said, **ends}.items():
        setattr(row, name, value)
    with recording(), pytest.raises(IntegrityError, match="observation_"), transaction.atomic():
        row.save()
