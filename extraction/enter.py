"""Verbs of the extractor: start, save, submit, undo. One trial lock, one transaction, one line of history each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from extraction import access, matching
from extraction.access import Act, Thing
from extraction.context import Context
from extraction.errors import (
    DuplicateRow,
    ExtractionError,
    FieldProblem,
    IllegalMove,
    InvalidValues,
    NotADraft,
    NotAllowed,
    NotFound,
    StaleVersion,
)
from extraction.locks import locked_entry, locked_trial, require
from extraction.looked_over import look_over
from extraction.models import CheckReason, Entry, Event, Slot
from extraction.models.plain import POINTS_TO, ROWS, rows_of
from extraction.record import Phase, Subject
from extraction.recorded import verb
from extraction.states import EntryState, Status
from extraction.typed import Reading, values_of
from extraction.versions import freeze

ORDER = list(ROWS)  # arms, timepoints and outcomes before what refers to them
STANDS_ON = {subject: (f"{subject.value}_id", *(["versus_id"] if subject == Subject.ARM else [])) for subject in ORDER}
# What places a row: no two rows of an entry share all of theirs.
PLACED_BY = {"arm", "versus", "timepoint", "outcome", "quantity", "statistic", "moderator"}
MOST_ROWS = 20_000  # of one entry
LONGEST_REASON = 500  # characters


@dataclass(frozen=True, slots=True)
class Change:
    """One row to make (version None), change (the version that was read) or delete. Values are texts as typed."""

    subject: Subject
    key: UUID
    version: int | None = None
    values: dict[str, str] = field(default_factory=dict)
    delete: bool = False


@verb
def start(trial_id: int, *, by: access.Viewer) -> Entry:
    """The caller's draft in the slot they hold; made on the first call, the same one after that."""
    trial = locked_trial(trial_id, by)
    assignment = trial.assignments.filter(user=by.pk, slot__in=[Slot.A, Slot.B]).first()
    if assignment is None:
        raise NotAllowed("You hold neither slot A nor slot B of this trial.")
    newest = trial.entries.filter(slot=assignment.slot, holder=by.pk).order_by("-number").first()
    if newest is not None:
        return newest
    if trial.status != Status.ENTERING or trial.excluded_at:
        raise IllegalMove("This trial is no longer being entered.")
    entry = Entry(
        trial=trial,
        slot=assignment.slot,
        holder=assignment.user,
        codebook_version=trial.review.codebook_version,
    )
    entry.save()
    Event.record("start", entry, by=assignment.user)
    return entry


@verb
def save(entry_id: UUID, changes: Sequence[Change], *, by: access.Viewer) -> Entry:
    """Make, change and delete rows of one's own draft: all of them or none.

    Raises
    ------
    InvalidValues
        With every refused field of every row; nothing was written.
    StaleVersion
        If a row was changed or deleted since its version was read.
    DuplicateRow
        If two rows would stand in one cell, or the entry would have two baselines.
    """
    entry = _own_draft(entry_id, by)
    if not changes:
        return entry
    writer = _Writer(entry)
    for change in sorted(changes, key=lambda change: (ORDER.index(change.subject), change.delete)):
        writer.take(change)
    if writer.problems:
        raise InvalidValues(writer.problems)
    if not writer.before and not writer.after:
        return entry
    try:
        with transaction.atomic():
            writer.write()
    except IntegrityError as error:
        raise _refusal(error) from error
    return _saved(entry, by, "save", before=writer.before, after=writer.after)


@verb
def submit(entry_id: UUID, *, by: access.Viewer, version: int | None = None) -> Entry:
    """Freeze and hash the draft. With the second submission the two entries are aligned and compared."""
    entry = _own_draft(entry_id, by)
    if version is not None and version != entry.version:
        raise StaleVersion("The entry was changed in another tab. Look it over and submit again.")
    if not (entry.observations.exists() or entry.contrasts.exists()):
        raise InvalidValues(
            [FieldProblem("entry", "observations", "there is no observation to submit, and no contrast.")]
        )
    errors = [one.finding for one in look_over(entry, rows_of(entry), by) if one.is_error]
    if errors:
        raise InvalidValues([FieldProblem(one.row, one.field, one.message) for one in errors])
    freeze(entry)
    Event.record("submit", entry, by=entry.holder, after={"digest": entry.digest, "number": entry.number})
    matching.begin(entry.trial)
    return entry


@verb
def keep(entry_id: UUID, code: str, row: str, reason: str, *, digest: str, by: access.Viewer) -> Entry:
    """Say why what a check warns of is right. The reason is void once a value that it rests on changes.

    `digest` is that of the finding which the person saw: a reason for one value is never kept for another.
    """
    entry = _own_draft(entry_id, by)
    reason = reason.strip()
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise InvalidValues([FieldProblem(row, "reason", f"say why in 1 to {LONGEST_REASON} characters.")])
    found = [one.finding for one in look_over(entry, rows_of(entry), by) if not one.is_error]
    warned = next((one for one in found if (one.code, one.row) == (code, row)), None)
    if warned is None:
        raise StaleVersion("Nothing is warned of there any more.")
    if warned.digest != digest:
        raise StaleVersion("The value was changed since you saw this warning. Look at it again.")
    CheckReason.objects.update_or_create(
        entry=entry, code=code, row=UUID(row), defaults={"digest": warned.digest, "reason": reason}
    )
    Event.record(
        "keep", entry, by=entry.holder, after={"check": code, "row": row, "says": warned.message}, reason=reason
    )
    return entry


@verb
def undo_submit(entry_id: UUID, *, by: access.Viewer) -> Entry:
    """Back to draft: possible until the partner has submitted too."""
    entry = locked_entry(entry_id, by)
    require(Act.SUBMIT, entry, by, thing=Thing.ENTRY, message="A submission cannot be undone any more.")
    if entry.is_draft:
        raise NotADraft("This entry is not submitted.")
    if Entry._base_manager.filter(trial=entry.trial, slot=entry.slot, number__gt=entry.number).exists():
        raise IllegalMove("A later version of this entry exists.")
    digest = entry.digest
    entry.state, entry.submitted_at, entry.digest = EntryState.DRAFT, None, ""
    return _saved(entry, by, "undo submit", before={"digest": digest}, after={})


def _own_draft(entry_id: UUID, by: access.Viewer) -> Entry:
    entry = locked_entry(entry_id, by)
    require(Act.EDIT, entry, by, thing=Thing.ENTRY, message="This entry cannot be changed.")
    if not entry.is_draft:
        raise NotADraft("This entry is submitted; it is read-only.")
    if not entry.trial.assignments.filter(user=by.pk, slot=entry.slot).exists():
        raise NotAllowed("The slot was handed to somebody else.")
    return entry


def _saved(entry: Entry, by: access.Viewer, name: str, *, before: dict[str, Any], after: dict[str, Any]) -> Entry:
    entry.version += 1
    entry.saved_at = timezone.now()
    entry.save(update_fields=["version", "saved_at", "state", "submitted_at", "digest"])
    Event.record(name, entry, by=entry.holder, before=before, after=after)
    return entry


class _Writer:
    """Reads the changes against the rows as they are, then writes them in the fewest statements."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.context = Context.of(entry)
        self.rows: dict[Subject, dict[UUID, Any]] = {}
        for subject, found in rows_of(entry).items():
            self.rows[subject] = {row.pk: row for row in found}
            self.context.rows[subject] = set(self.rows[subject])
        self.next_position = 1 + max(
            (row.position for found in self.rows.values() for row in found.values()), default=0
        )
        self.made: dict[Subject, list[Any]] = {subject: [] for subject in ORDER}
        self.changed: dict[Subject, list[Any]] = {subject: [] for subject in ORDER}
        self.moved: dict[Subject, list[Any]] = {subject: [] for subject in ORDER}
        self.deleted: dict[Subject, list[UUID]] = {subject: [] for subject in ORDER}
        self.problems: list[FieldProblem] = []
        self.before: dict[str, Any] = {}
        self.after: dict[str, Any] = {}

    def take(self, change: Change) -> None:
        row = self.rows[change.subject].get(change.key)
        if change.version is None:
            self._make(change, row)
        elif row is None or row.version != change.version:
            raise StaleVersion(
                f"This {change.subject.value} was {'changed' if row else 'deleted'} since you opened it, "
                "in another tab or elsewhere."
            )
        elif change.delete:
            self._delete(change.subject, row)
        else:
            self._change(change, row)

    def _delete(self, subject: Subject, row: Any) -> None:
        """Delete a row and what stands on it, each with its line in the history."""
        if row.pk in self.deleted[subject]:
            return
        for dependent in (Subject.OBSERVATION, Subject.CONTRAST, Subject.CHARACTERISTIC):
            for other in self.rows[dependent].values():
                if row.pk in {getattr(other, name, None) for name in STANDS_ON[subject]}:
                    self._delete(dependent, other)
        self.deleted[subject].append(row.pk)
        self.context.rows[subject].discard(row.pk)
        self.before[f"{subject}:{row.pk}"] = values_of(row)
        self.after[f"{subject}:{row.pk}"] = None

    def _make(self, change: Change, row: Any) -> None:
        if row is not None or change.delete:
            raise StaleVersion(f"This {change.subject.value} exists already; say which version was read.")
        if ROWS[change.subject]._base_manager.filter(pk=change.key).exists():
            raise NotFound  # a key of somebody else's row: as if it did not exist
        if sum(map(len, self.context.rows.values())) >= MOST_ROWS:
            raise InvalidValues(
                [FieldProblem("entry", change.subject.value, f"an entry holds at most {MOST_ROWS} rows.")]
            )
        reading = Reading(change.subject, str(change.key), change.values, self.context)
        self.problems += reading.problems
        if reading.problems:
            return
        made = ROWS[change.subject](pk=change.key, entry=self.entry, position=self.next_position, **reading.columns)
        self.next_position += 1
        self.made[change.subject].append(made)
        self.rows[change.subject][change.key] = made
        self.context.rows[change.subject].add(change.key)
        said = {name: text for name, text in values_of(made).items() if text}
        self.after[f"{change.subject}:{change.key}"] = said

    def _change(self, change: Change, row: Any) -> None:
        old = values_of(row)
        reading = Reading(change.subject, str(change.key), {**old, **change.values}, self.context)
        self.problems += reading.problems
        if reading.problems:
            return
        for name, value in reading.columns.items():
            setattr(row, name, value)
        new = values_of(row)
        differing = {name for name in new if new[name] != old.get(name)}
        if not differing:
            return
        row.version += 1
        moves = change.subject in POINTS_TO and not differing.isdisjoint(PLACED_BY)
        (self.moved if moves else self.changed)[change.subject].append(row)
        self.before[f"{change.subject}:{change.key}"] = {name: old.get(name, "") for name in differing}
        self.after[f"{change.subject}:{change.key}"] = {name: new[name] for name in differing}

    def write(self) -> None:
        """Rows let go of their places before others take them, so that two may exchange theirs in one save."""
        for subject in reversed(ORDER):
            leaving = [*self.deleted[subject], *(row.pk for row in self.moved[subject])]
            if leaving:
                ROWS[subject].objects.filter(entry=self.entry, pk__in=leaving).delete()
        for subject in ORDER:
            model = ROWS[subject]
            for row in sorted(self.changed[subject], key=_is_baseline):
                row.save()
            model.objects.bulk_create([*self.moved[subject], *self.made[subject]])


def _is_baseline(row: Any) -> bool:
    return getattr(row, "phase", "") == Phase.BASELINE


def _refusal(error: IntegrityError) -> ExtractionError:
    """What the database refused, without its words: they may name values."""
    text = str(error)
    if "CHECK constraint" in text or "check constraint" in text:
        return InvalidValues([FieldProblem("entry", "values", "the values of a row contradict each other.")])
    if "timepoint_one_baseline" in text or "extraction_timepoint.entry_id" in text:
        return DuplicateRow("An entry has one baseline; this would be the second.")
    if "characteristic_once" in text or "extraction_characteristic.entry_id" in text:
        return DuplicateRow("This characteristic is there already.")
    if "contrast_once" in text or "extraction_contraststatistic.entry_id" in text:
        return DuplicateRow("This statistic is there already, maybe with the two arms the other way round.")
    return DuplicateRow("This cell is there already: one row per arm, timepoint, outcome and quantity.")
