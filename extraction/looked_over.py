"""What the checks find in an entry, with the reasons for which warnings were kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from extraction.access import Viewer
from extraction.checks import Finding, Limits, MarkerLimits, Severity, check
from extraction.models import CheckReason, Entry, Marker, Review, Slot
from extraction.models.plain import as_record, rows_of
from extraction.record import Subject


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding and the reason that holds for it, "" where none was given or it is void."""

    finding: Finding
    reason: str = ""

    @property
    def is_error(self) -> bool:
        return self.finding.severity is Severity.ERROR

    @property
    def is_open(self) -> bool:
        return self.is_error or not self.reason

    def as_json(self) -> dict[str, Any]:
        one = self.finding
        return {
            "code": one.code, "severity": one.severity.value, "subject": one.subject.value, "row": one.row,
            "field": one.field, "message": one.message, "reason": self.reason, "digest": one.digest,
        }  # fmt: skip


def limits_of(review: Review, by: Viewer) -> Limits:
    """The limits of a review's set-up, and the plausible ranges of its markers."""
    markers = Marker.objects.visible_to(by).filter(review=review).select_related("outcome_class")
    return Limits.of(review.checks, {marker.code: marker_limits(marker) for marker in markers}, review.source_required)


def marker_limits(marker: Marker) -> MarkerLimits:
    return MarkerLimits(
        unit=marker.unit_of_range,
        low=marker.plausible_low,
        high=marker.plausible_high,
        stimulated_low=marker.stimulated_low,
        stimulated_high=marker.stimulated_high,
        ratio_low=marker.sd_mean_low,
        ratio_high=marker.sd_mean_high,
        log_usual=marker.log_usual,
        direction=marker.benefit,
    )


def looked_over_again(final: Entry, by: Viewer) -> list[Judged]:
    """What the checks find in a final entry, with the reasons that an extractor gave for the same values."""
    kept = CheckReason.objects.visible_to(by).filter(entry__trial=final.trial_id, entry__slot__in=[Slot.A, Slot.B])
    reasons: dict[tuple[str, str], dict[str, str]] = {}
    for one in kept.select_related("entry").order_by("entry__slot", "entry__number"):
        reasons.setdefault((one.code, one.digest), {})[one.entry.slot] = one.reason
    found = [one.finding for one in look_over(final, rows_of(final), by)]
    return [
        Judged(one, " · ".join(f"{slot}: {reason}" for slot, reason in reasons.get((one.code, one.digest), {}).items()))
        for one in found
    ]


def look_over(entry: Entry, rows: dict[Subject, list[Any]], by: Viewer) -> list[Judged]:
    """Everything found in an entry whose rows the caller has read."""
    overridden = {str(row.pk) for row in rows[Subject.OUTCOME] if row.direction_override}
    reasons: Mapping[tuple[str, str], Any] = {
        (one.code, str(one.row)): one for one in CheckReason.objects.visible_to(by).filter(entry=entry)
    }
    judged = []
    for finding in check(as_record(rows), limits_of(entry.trial.review, by)):
        if finding.code == "direction_missing" and finding.row in overridden:
            continue
        kept = reasons.get((finding.code, finding.row))
        judged.append(Judged(finding, kept.reason if kept and kept.digest == finding.digest else ""))
    return judged
