"""What the rows of an entry may refer to outside themselves, loaded once for all that are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from extraction.models import Entry, Intervention, Marker, Moderator, Report
from extraction.record import Subject


@dataclass
class Context:
    """What a row may refer to: the review's codes and the rows of the same entry."""

    interventions: Mapping[str, Intervention]
    markers: Mapping[str, Marker]
    moderators: Mapping[str, Moderator]
    levels: Mapping[tuple[str, str], Any]
    reports: Mapping[UUID, Report]
    rows: dict[Subject, set[UUID]] = field(default_factory=dict)

    @classmethod
    def of(cls, entry: Entry) -> Context:
        review = entry.trial.review_id
        typed_in = Moderator._base_manager.filter(review=review).exclude(applies_to=Moderator.AppliesTo.EFFECT)
        moderators = {m.code: m for m in typed_in.prefetch_related("levels")}
        return cls(
            interventions={row.code: row for row in Intervention._base_manager.filter(review=review)},
            markers={row.code: row for row in Marker._base_manager.filter(review=review)},
            moderators=moderators,
            levels={(m.code, level.code): level for m in moderators.values() for level in m.levels.all()},
            reports=nameable_reports({entry.trial_id: entry.slot})[entry.trial_id],
        )


def nameable_reports(slots: Mapping[int, str]) -> dict[int, dict[UUID, Report]]:
    """What an entry may name as a source, for one slot of each trial: the leads' reports and those of the slot itself.

    Withdrawn ones are among them: what names one goes on naming it.
    """
    found: dict[int, dict[UUID, Report]] = {trial: {} for trial in slots}
    for report in Report._base_manager.filter(trial__in=list(slots)).select_related("entry"):
        if report.entry is None or report.entry.slot == slots[report.trial_id]:
            found[report.trial_id][report.pk] = report
    return found
