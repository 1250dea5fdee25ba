"""Versions of an entry: freezing one, copying one into the next draft."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from extraction.models import CheckReason, Entry
from extraction.models.event import canonical
from extraction.models.plain import ROWS, rows_of
from extraction.record import Subject
from extraction.states import EntryState
from extraction.typed import values_of

REFERENCES = ("arm_id", "versus_id", "timepoint_id", "outcome_id")


def digest_of(rows: Mapping[Subject, list[Any]]) -> str:
    """SHA-256 over everything that an entry says, row by row, as typed.

    Contrasts and the reports of sources count where there are some: an entry that was frozen before they could be
    entered keeps its digest.
    """
    said = {
        subject.value: [{"key": str(row.pk), **_said(row)} for row in found]
        for subject, found in rows.items()
        if found or subject != Subject.CONTRAST
    }
    return hashlib.sha256(canonical(said).encode()).hexdigest()


def _said(row: Any) -> dict[str, str]:
    return {name: text for name, text in values_of(row).items() if text or name != "source_report"}


def freeze(entry: Entry) -> None:
    """Mark as submitted (a FINAL entry: approved) and hash it. The caller holds the trial's lock."""
    entry.state = EntryState.SUBMITTED
    entry.submitted_at = timezone.now()
    entry.digest = digest_of(rows_of(entry))
    entry.save(update_fields=["state", "submitted_at", "digest"])


def copy_rows(rows: Mapping[Subject, list[Any]], target: Entry) -> dict[UUID, UUID]:
    """Give a new draft these rows under new keys; returns which key became which."""
    renamed: dict[UUID, UUID] = {}
    for subject, model in ROWS.items():
        for position, row in enumerate(rows[subject]):
            renamed[row.pk] = uuid4()
            row.pk, row.entry, row.version, row.position = renamed[row.pk], target, 1, position
            for reference in REFERENCES:
                if getattr(row, reference, None):
                    setattr(row, reference, renamed[getattr(row, reference)])
            row._state.adding = True
        model.objects.bulk_create(rows[subject])
    return renamed


def copy_reasons(old: Entry, new: Entry, renamed: Mapping[UUID, UUID]) -> None:
    """Take along why warnings were kept; they rest on texts, not on keys."""
    kept = [one for one in CheckReason.objects.filter(entry=old) if one.row in renamed]
    for one in kept:
        one.pk, one.entry, one.row = None, new, renamed[one.row]
        one._state.adding = True
    CheckReason.objects.bulk_create(kept)
