"""The two entries of a trial that count now, side by side as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from extraction import record
from extraction.contrasts import arms_in_words
from extraction.likeness import Vocabulary
from extraction.models import Entry, Intervention, Marker, Match, Slot, Trial, UnitFactor
from extraction.models.plain import as_record, rows_of
from extraction.record import Side, Subject
from extraction.states import EntryState
from extraction.units import UnitRow, UnitTable


@dataclass
class Pair:
    a: Entry
    b: Entry
    a_rows: dict[Subject, list[Any]] = field(default_factory=dict)
    b_rows: dict[Subject, list[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.a_rows, self.b_rows = rows_of(self.a), rows_of(self.b)

    @property
    def submitted(self) -> bool:
        return self.a.state == self.b.state == EntryState.SUBMITTED

    @cached_property
    def a_record(self) -> record.Entry:
        return as_record(self.a_rows)

    @cached_property
    def b_record(self) -> record.Entry:
        return as_record(self.b_rows)

    @cached_property
    def by_key(self) -> dict[str, Any]:
        """Every model row of both entries by its key as text."""
        return {str(row.pk): row for rows in (self.a_rows, self.b_rows) for found in rows.values() for row in found}

    def labels(self, subject: Subject) -> dict[tuple[Side, UUID], str]:
        return {
            (side, row.pk): str(row)
            for side, rows in ((Side.A, self.a_rows), (Side.B, self.b_rows))
            for row in rows[subject]
        }

    def where(self, difference: record.Difference) -> tuple[str, str, str]:
        """Labels of arm, outcome and time to show a difference by; the side that has the row names them, A first."""
        row = self.by_key[difference.a or difference.b or ""]
        match difference.subject:
            case Subject.OBSERVATION:
                time = self.by_key[str(row.timepoint_id)]
                arm, outcome = self.by_key[str(row.arm_id)], self.by_key[str(row.outcome_id)]
                change = ", change" if row.quantity == record.QuantityKind.CHANGE else ""
                return str(arm), str(outcome), f"{time}{change}"
            case Subject.ARM:
                return str(row), "", ""
            case Subject.OUTCOME:
                return "", str(row), ""
            case Subject.TIMEPOINT:
                return "", "", str(row)
            case Subject.CONTRAST:
                arm = str(self.by_key[str(row.arm_id)])
                versus = str(self.by_key[str(row.versus_id)]) if row.versus_id else ""
                words = arms_in_words(record.Statistic(row.statistic), arm, versus)
                return words, str(self.by_key[str(row.outcome_id)]), str(self.by_key[str(row.timepoint_id)])
            case Subject.CHARACTERISTIC:
                arm = str(self.by_key[str(row.arm_id)]) if row.arm_id else ""
                return arm, str(row.moderator), ""

    def marker_of(self, difference: record.Difference) -> str:
        row = self.by_key[difference.a or difference.b or ""]
        if difference.subject in {Subject.OBSERVATION, Subject.CONTRAST}:
            row = self.by_key[str(row.outcome_id)]
        elif difference.subject != Subject.OUTCOME:
            return ""
        return row.marker.code if row.marker else ""


def current_pair(trial: Trial) -> Pair | None:
    """The newest versions of A and B; None while a slot has no entry."""
    newest: dict[str, Entry] = {}
    rows = Entry._base_manager.filter(trial=trial, slot__in=[Slot.A, Slot.B]).select_related("holder")
    for entry in rows.order_by("number"):
        newest[entry.slot] = entry
    if newest.keys() != {Slot.A, Slot.B}:
        return None
    return Pair(newest[Slot.A], newest[Slot.B])


def both(trial: Trial) -> Pair:
    """The pair of a trial past entering, which has both entries."""
    pair = current_pair(trial)
    if pair is None:
        raise LookupError(f"Trial {trial.pk} is {trial.status} without two entries.")
    return pair


def record_matches(trial: Trial, pair: Pair) -> list[record.Match]:
    """The confirmed matches of the pair as plain values."""
    kept = Match._base_manager.filter(trial=trial, a_entry=pair.a, b_entry=pair.b, state=Match.State.CONFIRMED)
    matches = []
    for match in kept.prefetch_related("rows").order_by("position", "id"):
        sides = {side: tuple(str(row.row) for row in match.rows.all() if row.side == side) for side in Side}
        matches.append(
            record.Match(
                Subject(match.subject),
                sides[Side.A],
                sides[Side.B],
                match.by_itself,
                match.score,
                match.reason,
            )
        )
    return matches


def known_names(review_id: int) -> Vocabulary:
    """The review's names for interventions and markers, with their synonyms."""
    markers: dict[str, set[str]] = {}
    ambiguous: set[str] = set()
    for marker in Marker._base_manager.filter(review=review_id).prefetch_related("synonyms"):
        synonyms = marker.synonyms.all()
        markers[marker.code] = {marker.name, *(word.text for word in synonyms if not word.ambiguous)}
        ambiguous |= {word.text for word in synonyms if word.ambiguous}
    interventions = {row.code: {row.name} for row in Intervention._base_manager.filter(review=review_id)}
    return Vocabulary(interventions=interventions, markers=markers, ambiguous=ambiguous)


def unit_table(review_id: int) -> UnitTable:
    factors = UnitFactor._base_manager.filter(review=review_id).select_related("marker")
    return UnitTable(
        [
            UnitRow(
                unit=row.unit,
                to_unit=row.to_unit,
                factor=row.factor,
                marker=row.marker.code if row.marker else "",
                transform=row.transform,
                auto_equivalent=row.exact,
                aliases=row.spellings,
            )
            for row in factors
        ]
    )
