"""Verbs of approval: the FINAL draft, approve, reopen."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any
from uuid import UUID

from extraction import access, anchor, compare, final, record
from extraction.access import Act, Thing
from extraction.context import Context
from extraction.decisions import as_final
from extraction.errors import ExtractionError, IllegalMove, NotAllowed, StaleVersion, UnresolvedDiscrepancies
from extraction.locks import locked_trial, require
from extraction.models import Approval, Discrepancy, Entry, Event, Resolution, Slot, Trial
from extraction.models.plain import ROWS, columns_of
from extraction.pairs import Pair, both, record_matches, unit_table
from extraction.record import Subject
from extraction.recorded import verb
from extraction.signals import pooled_data_changed
from extraction.states import EntryState, Status
from extraction.versions import copy_rows, freeze


@verb
def approve(trial_id: int, *, by: access.Viewer, draft: UUID | None = None) -> Trial:
    """Accept a trial's agreed values as the record that analysis reads.

    Locks the trial, so two clicks give one approval and one IllegalMove. Sends `pooled_data_changed`; the one
    listener asks for a recompute in this transaction.

    Raises
    ------
    StaleVersion
        If `draft`, the FINAL draft that the approver looked at, was built anew since: something was decided again.
    """
    trial = locked_trial(trial_id, by)
    approver = require(Act.APPROVE, trial, by, thing=Thing.TRIAL, message="This trial cannot be approved.")
    if trial.excluded_at:
        raise IllegalMove("An excluded trial cannot be approved.")
    if trial.discrepancies.unresolved().exists():
        raise UnresolvedDiscrepancies("Resolve every discrepancy before approving.")
    if hindrance := four_eyes(trial, approver):
        raise NotAllowed(hindrance)
    entry = Entry._base_manager.get(trial=trial, slot=Slot.FINAL, state=EntryState.DRAFT)
    if draft is not None and draft != entry.pk:
        raise StaleVersion("Something was decided again since you looked. Read the final entry again, then approve.")
    entry.trial = trial
    freeze(entry)
    trial.approved_entry = entry
    trial.save(update_fields=["approved_entry"])
    trial.move_to(Status.APPROVED)
    heads = anchor.heads_of(trial)
    after = {"entry": str(entry.pk), "number": entry.number, "digest": entry.digest, "heads": heads}
    event = Event.record("approve", trial, by=approver, after=after)
    Approval(
        trial=trial, entry=entry, approved_by=approver, digest=entry.digest, history_head=event.hash
    ).save()  # fmt: skip
    own = anchor.Head(event.chain, event.seq, event.hash)
    anchor.write_after_commit([*(head for head in heads if head.chain != own.chain), own])
    pooled_data_changed.send(sender=Trial, review_id=trial.review_id)
    return trial


def four_eyes(trial: Trial, approver: access.Viewer) -> str:
    """Why the review's own rule keeps this person from approving the trial; "" where it does not."""
    if not trial.review.approver_is_not_adjudicator:
        return ""
    deciders = Resolution._base_manager.filter(discrepancy__trial=trial).values_list("decided_by", flat=True)
    if approver.pk not in set(deciders):
        return ""
    return "In this review somebody who decided nothing in the trial approves it."


def approve_many(
    trial_ids: Sequence[int], *, by: access.Viewer
) -> list[tuple[int, Trial | None, ExtractionError | None]]:
    """Approve each trial on its own; a refusal is told beside its trial and stops no other."""
    outcomes: list[tuple[int, Trial | None, ExtractionError | None]] = []
    for trial_id in trial_ids:
        try:
            outcomes.append((trial_id, approve(trial_id, by=by), None))
        except ExtractionError as refusal:
            outcomes.append((trial_id, None, refusal))
    return outcomes


@verb
def reopen(trial_id: int, reason: str, *, by: access.Viewer) -> Trial:
    """Back to adjudicating, with a reason. The approved version stays in the pool, shown as under revision."""
    trial = locked_trial(trial_id, by)
    actor = require(Act.REOPEN, trial, by, thing=Thing.TRIAL, message="This trial cannot be reopened.")
    if not reason.strip():
        raise IllegalMove("Say why the trial is reopened; it stays in its history.")
    trial.move_to(Status.ADJUDICATING)
    version = trial.approved_entry.number if trial.approved_entry else None
    Event.record("reopen", trial, by=actor, reason=reason.strip(), before={"version": version})
    pooled_data_changed.send(sender=Trial, review_id=trial.review_id)
    return trial


def draft_final(trial: Trial) -> Entry:
    """Build the FINAL draft from both entries, what was accepted and what was decided. Under the trial's lock.

    An older draft is replaced: it was built from older decisions. Approved versions stay.
    """
    pair = both(trial)
    Entry.objects.filter(trial=trial, slot=Slot.FINAL, state=EntryState.DRAFT).delete()
    last = Entry._base_manager.filter(trial=trial, slot=Slot.FINAL).order_by("-number").first()
    entry = Entry(
        trial=trial,
        slot=Slot.FINAL,
        number=last.number + 1 if last else 1,
        codebook_version=trial.review.codebook_version,
    )
    entry.save()
    composed = compose(trial, pair)
    codes = Context.of(entry)
    rows: dict[Subject, list[Any]] = {}
    for subject in ROWS:
        rows[subject] = []
        for row in getattr(composed, f"{subject.value}s"):
            kept = copy(pair.by_key[row.key])
            for name, value in columns_of(row, codes).items():
                setattr(kept, name, value)
            rows[subject].append(kept)
    copy_rows(rows, entry)
    return entry


def compose(trial: Trial, pair: Pair) -> record.Entry:
    """The FINAL record as plain values: what agrees, what was accepted, what was decided."""
    matches = record_matches(trial, pair)
    units = unit_table(trial.review_id)
    differences = compare.differences(pair.a_record, pair.b_record, matches, units)
    current = Discrepancy._base_manager.filter(trial=trial, a_entry=pair.a, b_entry=pair.b, superseded=False)
    by_unit = {unit_of(row): row for row in current.select_related("a_entry__trial", "b_entry__trial")}
    newest = Resolution.objects.that_count(by_unit.values())
    decisions = {}
    for difference in differences:
        row = by_unit[unit_of(difference)]
        if row.pk in newest:
            decisions[final.unit_of(difference)] = as_final(newest[row.pk], row)
    return final.compose(pair.a_record, pair.b_record, matches, differences, decisions, units)


def unit_of(row: Discrepancy | record.Difference) -> tuple[str, str, str, str]:
    """What a discrepancy and the difference it was made from have in common."""
    if isinstance(row, Discrepancy):
        return row.subject, row.field, str(row.a_key or ""), str(row.b_key or "")
    return row.subject.value, row.field, row.a or "", row.b or ""
