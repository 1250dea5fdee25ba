"""Approval: signed once, by somebody who did not extract; reopened with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from extraction import approve, reconcile
from extraction.decisions import Decision
from extraction.errors import IllegalMove, NotAllowed, NotFound, UnresolvedDiscrepancies
from extraction.models import Approval, Discrepancy, Entry, Event
from extraction.recorded import recording
from extraction.signals import pooled_data_changed
from extraction.states import MOVES, Status, check_move
from tests.factories import ReviewFactory, decide_all_for_a, holder, member, trial_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard():
    """The reviews for which `pooled_data_changed` was sent."""
    reviews = []

    def hear(sender, review_id, **kwargs):
        reviews.append(review_id)

    pooled_data_changed.connect(hear)
    yield reviews
    pooled_data_changed.disconnect(hear)


def test_approval_freezes_signs_and_announces(heard):
    trial = trial_at(Status.AGREED)
    lead = member(trial.review, "lead")
    approve.approve(trial.pk, by=lead)
    trial.refresh_from_db()
    approval = Approval.objects.get(trial=trial)
    final = Entry.objects.get(trial=trial, slot="FINAL")
    assert trial.status == Status.APPROVED
    assert trial.approved_entry == approval.entry == final
    assert approval.approved_by == lead
    assert approval.digest == final.digest
    assert len(final.digest) == 64
    assert heard == [trial.review_id]


def test_a_second_approval_is_refused_and_leaves_one_signature():
    trial = trial_at(Status.APPROVED)
    lead = member(trial.review, "lead")
    with pytest.raises(IllegalMove, match="approved"):
        approve.approve(trial.pk, by=lead)
    assert Approval.objects.filter(trial=trial).count() == 1


def test_nobody_else_approves():
    trial = trial_at(Status.AGREED)
    for role in ("reader", "extractor"):
        with pytest.raises((NotAllowed, NotFound)):
            approve.approve(trial.pk, by=member(trial.review, role))
    extractor = holder(trial, "A")
    member(trial.review, "lead", user=extractor)
    with pytest.raises(NotAllowed):
        approve.approve(trial.pk, by=extractor)


def test_open_differences_are_decided_first():
    trial = trial_at(Status.ADJUDICATING)
    with pytest.raises(IllegalMove):
        approve.approve(trial.pk, by=member(trial.review, "lead"))
    with recording():  # even if the state were wrong, open discrepancies stop it
        trial.status = Status.AGREED
        trial.save()
    with pytest.raises(UnresolvedDiscrepancies):
        approve.approve(trial.pk, by=member(trial.review, "lead"))


def test_an_excluded_trial_is_not_approved():
    trial = trial_at(Status.AGREED)
    with recording():
        trial.excluded_at, trial.exclusion_reason = trial.review.created_at, "no randomisation"
        trial.save()
    with pytest.raises(IllegalMove, match="excluded"):
        approve.approve(trial.pk, by=member(trial.review, "lead"))


def test_four_eyes_where_the_review_asks_for_them():
    review = ReviewFactory(approver_is_not_adjudicator=True)
    trial = trial_at(Status.ADJUDICATING, review)
    adjudicator = member(review, "adjudicator")
    decide_all_for_a(trial, by=adjudicator)
    with pytest.raises(NotAllowed, match="decided nothing"):
        approve.approve(trial.pk, by=adjudicator)
    approve.approve(trial.pk, by=member(review, "adjudicator"))


def test_many_are_approved_each_on_its_own():
    review = ReviewFactory()
    good, bad = trial_at(Status.AGREED, review), trial_at(Status.ADJUDICATING, review)
    outcomes = approve.approve_many([good.pk, bad.pk, 10**9], by=member(review, "lead"))
    assert [(pk, trial is not None, type(refusal).__name__) for pk, trial, refusal in outcomes] == [
        (good.pk, True, "NoneType"),
        (bad.pk, False, "IllegalMove"),
        (10**9, False, "NotFound"),
    ]


def test_reopening_keeps_the_approved_version_and_makes_the_next(heard):
    trial = trial_at(Status.ADJUDICATING)
    lead = member(trial.review, "lead", "adjudicator")
    decide_all_for_a(trial, by=lead)
    approve.approve(trial.pk, by=lead)
    with pytest.raises(IllegalMove, match="Say why"):
        approve.reopen(trial.pk, " ", by=lead)
    approve.reopen(trial.pk, "wrong table", by=lead)
    trial.refresh_from_db()
    assert (trial.status, trial.under_revision) == (Status.ADJUDICATING, True)
    first = trial.approved_entry
    row = Discrepancy.objects.get(trial=trial)
    reconcile.resolve(row.pk, Decision("B", "misread"), by=lead)
    approve.approve(trial.pk, by=lead)
    trial.refresh_from_db()
    assert (first.number, trial.approved_entry.number, trial.under_revision) == (1, 2, False)
    assert first.observations.get(arm__label="Training").centre_printed == "-2.1"
    assert trial.approved_entry.observations.get(arm__label="Training").centre_printed == "2.1"
    assert len(heard) == 3
    with pytest.raises(NotAllowed):
        approve.reopen(trial.pk, "mine", by=holder(trial, "A"))


@pytest.mark.parametrize("before", list(Status))
@pytest.mark.parametrize("after", list(Status))
def test_the_moves_of_a_trial_are_the_table(before, after):
    if after in MOVES[before]:
        check_move(before, after)
    else:
        with pytest.raises(IllegalMove, match="cannot become"):
            check_move(before, after)


# the history


def test_the_history_of_a_review_is_whole(settings, django_capture_on_commit_callbacks, capsys):
    trial = trial_at(Status.AGREED)
    with django_capture_on_commit_callbacks(execute=True):
        approve.approve(trial.pk, by=member(trial.review, "lead"))
    head = json.loads(Path(settings.HISTORY_ANCHOR).read_text().splitlines()[-1])
    assert head["hash"] == Approval.objects.get(trial=trial).history_head
    call_command("verify_history")
    assert "whole" in capsys.readouterr().out
    line = Event.objects.filter(chain=head["chain"]).latest("seq")
    assert line.hash == head["hash"]


TAMPERINGS = [
    ("UPDATE extraction_event SET reason = 'x' WHERE id = %s", "was changed"),
    ("UPDATE extraction_event SET seq = seq + 5 WHERE id = %s", "is missing"),
    ("DELETE FROM extraction_event WHERE id = %s", "is missing|anchored"),
]


@pytest.mark.parametrize(("statement", "words"), TAMPERINGS)
@pytest.mark.parametrize("place", ["first", "last"])
def test_any_tampering_with_the_history_is_found(
    statement, words, place, settings, tmp_path, django_capture_on_commit_callbacks
):
    settings.HISTORY_ANCHOR = tmp_path / "heads"
    trial = trial_at(Status.AGREED)
    with django_capture_on_commit_callbacks(execute=True):
        approve.approve(trial.pk, by=member(trial.review, "lead"))
    lines = Event.objects.filter(chain=f"trial:{trial.pk}").order_by("seq")
    victim = lines.first() if place == "first" else lines.last()
    key = victim.pk.hex if connection.vendor == "sqlite" else victim.pk
    with connection.cursor() as cursor:
        cursor.execute(statement, [key])
    with pytest.raises(CommandError, match=words):
        call_command("verify_history")


def test_a_full_disk_does_not_undo_an_approval(settings, tmp_path, caplog, django_capture_on_commit_callbacks):
    settings.HISTORY_ANCHOR = tmp_path / "file" / "heads"
    (tmp_path / "file").write_text("a file where a folder should be")
    trial = trial_at(Status.AGREED)
    with django_capture_on_commit_callbacks(execute=True):
        approve.approve(trial.pk, by=member(trial.review, "lead"))
    trial.refresh_from_db()
    assert trial.status == Status.APPROVED
    assert "anchor log" in caplog.text
