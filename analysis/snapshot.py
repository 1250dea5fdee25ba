"""The approved data of a review, read once and frozen for one computation.

Approved entries never change, so their identity and digest stand for their content. A trial under revision
stays in with its last approved version; an excluded or calibration trial is out. The digest covers
everything that a pooled result depends on except what the syntheses themselves say.

The reads are a few single statements. Should a change slip between two of them, then the request it raised
is still unmet and the next run sees it whole; the digest of the mixture is nobody's, so that nothing stale
looks fresh.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from analysis.models import Snapshot, SnapshotTrial
from analysis.specification import ENGINE, digest_of
from extraction.models import Characteristic, Entry, Marker, Moderator, Trial
from extraction.models.plain import as_record, rows_of
from extraction.record import Entry as EntryRecord
from extraction.record import ModeratorKind, Status, Subject

if TYPE_CHECKING:
    from analysis.pooling import ModeratorValues  # with pandas, which pages need not load


@dataclass(frozen=True, slots=True)
class ApprovedEntry:
    trial_id: int
    entry_id: UUID
    digest: str


@dataclass(frozen=True)
class ApprovedData:
    """What analysis reads: the approved entry of each trial, and the vocabulary as far as it bears on numbers.

    `directions` gives the sign of benefit of each marker (by code), `classes` its outcome class.
    """

    review_id: int
    entries: tuple[ApprovedEntry, ...]
    directions: Mapping[str, int]
    classes: Mapping[str, str]

    @cached_property
    def digest(self) -> str:
        return digest_of(
            {
                "entries": [[entry.trial_id, str(entry.entry_id), entry.digest] for entry in self.entries],
                "directions": dict(self.directions),
                "classes": dict(self.classes),
            }
        )


def approved_data(review_id: int) -> ApprovedData:
    """The approved data as they are now: two queries, whatever their size."""
    approved = (
        Trial._base_manager.filter(
            review=review_id, approved_entry__isnull=False, excluded_at__isnull=True, calibration=False
        )
        .order_by("pk")
        .values_list("pk", "approved_entry", "approved_entry__digest")
    )
    markers = list(Marker._base_manager.filter(review=review_id).select_related("outcome_class").order_by("code"))
    return ApprovedData(
        review_id,
        tuple(ApprovedEntry(*row) for row in approved),
        {marker.code: int(marker.benefit) for marker in markers},
        {marker.code: marker.outcome_class.code for marker in markers if marker.outcome_class},
    )


def freeze(data: ApprovedData) -> Snapshot:
    """The snapshot row of these data; made by the first who needs it, the same for all."""
    new = Snapshot(review_id=data.review_id, digest=data.digest, engine=ENGINE)
    Snapshot.objects.bulk_create([new], ignore_conflicts=True)
    snapshot = Snapshot.objects.get(review=data.review_id, digest=data.digest)
    SnapshotTrial.objects.bulk_create(
        (SnapshotTrial(snapshot=snapshot, trial_id=entry.trial_id, entry_id=entry.entry_id) for entry in data.entries),
        ignore_conflicts=True,
    )
    return snapshot


def read_entry(entry_id: UUID) -> tuple[EntryRecord, dict[str, int]]:
    """An entry as plain values, and the direction of its outcomes (by key) where it differs from the marker's."""
    rows = rows_of(Entry._base_manager.get(pk=entry_id))
    overrides = {
        str(outcome.pk): outcome.direction_override
        for outcome in rows[Subject.OUTCOME]
        if outcome.direction_override is not None
    }
    return as_record(rows), overrides


def moderator_values(entries: Iterable[UUID], codes: Iterable[str]) -> ModeratorValues:
    """Of each moderator named: what the entries say of it, by entry or, where it differs by arm, by arm."""
    values: dict[str, dict[str, float | str]] = {code: {} for code in codes}
    said: Iterable[tuple[Any, ...]] = Characteristic._base_manager.filter(
        entry__in=list(entries), moderator__code__in=values, value_status=Status.REPORTED
    ).values_list("moderator__code", "entry", "arm", "kind", "value", "level__code")
    for code, entry, arm, kind, number, level in said:
        value = number if kind == ModeratorKind.NUMBER else level
        if value is not None:
            values[code][str(arm or entry)] = value
    return values


def moderator_kinds(review_id: int) -> dict[str, str]:
    return dict(Moderator._base_manager.filter(review=review_id).values_list("code", "kind"))
