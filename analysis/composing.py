"""A trial whose values are in dispute, composed one way and another: what FINAL would be if it were decided so.

Read, never written: no FINAL entry is made here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from extraction import final, record
from extraction.decisions import as_final
from extraction.models import Discrepancy, Match, Resolution
from extraction.models.plain import ROWS, WITH_CODES, as_record
from extraction.record import Side, Subject, Verdict
from extraction.units import UnitTable

BY_A: Final = final.Decision(final.Choice.A)
BY_B: Final = final.Decision(final.Choice.B)


@dataclass(frozen=True)
class Composable:
    """A trial's two entries as plain values, their differences, and what was decided; what is open stands at A."""

    trial_id: int
    a: record.Entry
    b: record.Entry
    overrides: Mapping[str, int]  # direction of single outcomes, by key
    matches: Sequence[record.Match]
    differences: Sequence[record.Difference]
    units: UnitTable
    decisions: Mapping[final.Unit, final.Decision] = field(default_factory=dict)
    asked: Mapping[final.Unit, UUID] = field(default_factory=dict)  # the discrepancy that each unit is

    def composed(self, unit: final.Unit | None = None, decision: final.Decision = BY_A) -> record.Entry:
        decisions = self.decisions if unit is None else {**self.decisions, unit: decision}
        return final.compose(self.a, self.b, self.matches, self.differences, decisions, self.units)

    @cached_property
    def _partner(self) -> Mapping[str, frozenset[str]]:
        """Both keys of an outcome, by either."""
        pairs = [frozenset((*m.a, *m.b)) for m in self.matches if m.subject is Subject.OUTCOME]
        return {key: pair for pair in pairs for key in pair}

    @cached_property
    def _outcome_of(self) -> Mapping[str, str]:
        """The outcome of each observation."""
        return {row.key: row.outcome for row in (*self.a.observations, *self.b.observations)}

    def outcome(self, unit: final.Unit) -> frozenset[str]:
        """The keys of the one outcome that a unit is about; none where it may touch several."""
        subject, _, a, b = unit
        if subject is not Subject.OBSERVATION:
            return frozenset()
        key = self._outcome_of[a or b or ""]
        return self._partner.get(key, frozenset({key}))

    def part(self, outcome: frozenset[str]) -> Composable:
        """The trial with this outcome alone."""

        def of(entry: record.Entry) -> record.Entry:
            return replace(
                entry,
                outcomes=tuple(row for row in entry.outcomes if row.key in outcome),
                observations=tuple(row for row in entry.observations if row.outcome in outcome),
            )

        kept = [
            one
            for one in self.differences
            if (one.subject is not Subject.OBSERVATION or self._outcome_of[one.a or one.b or ""] in outcome)
            and (one.subject is not Subject.OUTCOME or {one.a, one.b} & outcome)
        ]
        return replace(self, a=of(self.a), b=of(self.b), differences=kept)


def composables(by_trial: Mapping[int, Sequence[Discrepancy]], units: UnitTable) -> Iterator[Composable]:
    """The trials of these discrepancies, all read in nine queries."""
    found = [row for rows in by_trial.values() for row in rows]
    rows_of_entry = rows_of_entries({row.a_entry_id for row in found} | {row.b_entry_id for row in found})
    matches = _matches(by_trial)
    newest = Resolution.objects.that_count(found)
    for trial_id, rows in by_trial.items():
        a_rows, b_rows = rows_of_entry[rows[0].a_entry_id], rows_of_entry[rows[0].b_entry_id]
        decisions: dict[final.Unit, final.Decision] = {}
        asked: dict[final.Unit, UUID] = {}
        differences = [_difference(row) for row in rows]
        for row, difference in zip(rows, differences, strict=True):
            unit = final.unit_of(difference)
            if row.pk in newest:
                decisions[unit] = as_final(newest[row.pk], row)
            elif difference.verdict not in record.ACCEPTED_VERDICTS:
                decisions[unit] = BY_A
            if row.state != Discrepancy.State.ACCEPTED:
                asked[unit] = row.pk
        overrides = {
            str(outcome.pk): outcome.direction_override
            for outcome in (*a_rows[Subject.OUTCOME], *b_rows[Subject.OUTCOME])
            if outcome.direction_override is not None
        }
        a, b = as_record(a_rows), as_record(b_rows)
        yield Composable(trial_id, a, b, overrides, matches[trial_id], differences, units, decisions, asked)


def _difference(row: Discrepancy) -> record.Difference:
    """What the comparison found, as it was kept."""
    return record.Difference(
        Subject(row.subject),
        row.field,
        str(row.a_key) if row.a_key else None,
        str(row.b_key) if row.b_key else None,
        Verdict(row.verdict),
        row.a_says,
        row.b_says,
        row.worked,
        Side(row.takes) if row.takes else None,
    )


def rows_of_entries(entries: Iterable[UUID]) -> dict[UUID, dict[Subject, list[Any]]]:
    """The rows of many entries: one query for each sort of row."""
    found: dict[UUID, dict[Subject, list[Any]]] = defaultdict(lambda: {subject: [] for subject in ROWS})
    for subject, model in ROWS.items():
        rows = model._base_manager.filter(entry__in=list(entries)).order_by("entry", "position", "id")
        codes = WITH_CODES.get(subject)  # `select_related()` without a name would fetch everything that a row points to
        for row in rows.select_related(*codes) if codes else rows:
            found[row.entry_id][subject].append(row)
    return found


def _matches(trials: Iterable[int]) -> dict[int, list[record.Match]]:
    found: dict[int, list[record.Match]] = defaultdict(list)
    confirmed = Match._base_manager.filter(trial__in=list(trials), state=Match.State.CONFIRMED)
    kept: Iterable[Any] = confirmed.prefetch_related("rows").order_by("position", "id")
    for match in kept:
        sides = {side: tuple(str(row.row) for row in match.rows.all() if row.side == side) for side in Side}
        found[match.trial_id].append(
            record.Match(
                Subject(match.subject), sides[Side.A], sides[Side.B], match.by_itself, match.score, match.reason
            )
        )
    return found
