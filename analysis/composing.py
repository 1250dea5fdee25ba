"""A trial whose values are in dispute, composed one way and another: what FINAL would be if it were decided so.

Read, never written: no FINAL entry is made here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from extraction import final, final_decision, record
from extraction.decisions import as_final
from extraction.models import Discrepancy, Match, Resolution
from extraction.models.plain import read_entries
from extraction.record import Side, Subject, Verdict
from extraction.side_by_side import SideBySide, lay
from extraction.units import UnitTable

BY_A: Final = final_decision.Decision(final_decision.Choice.A)
BY_B: Final = final_decision.Decision(final_decision.Choice.B)
OF_AN_OUTCOME: Final = frozenset({Subject.OBSERVATION, Subject.CONTRAST})


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
    decisions: Mapping[final.Unit, final_decision.Decision] = field(default_factory=dict)
    asked: Mapping[final.Unit, UUID] = field(default_factory=dict)  # the discrepancy that each unit is

    def composed(self, unit: final.Unit | None = None, decision: final_decision.Decision = BY_A) -> record.Entry:
        decisions = self.decisions if unit is None else {**self.decisions, unit: decision}
        return final.compose_laid(self.a, self.b, self._beside, self.differences, decisions, self.units)

    @cached_property
    def _beside(self) -> SideBySide:
        return lay(self.a, self.b, self.matches)

    @cached_property
    def _partner(self) -> Mapping[str, frozenset[str]]:
        """Both keys of an outcome, by either."""
        pairs = [frozenset((*m.a, *m.b)) for m in self.matches if m.subject is Subject.OUTCOME]
        return {key: pair for pair in pairs for key in pair}

    @cached_property
    def _outcome_of(self) -> Mapping[str, str]:
        """The outcome of each observation and contrast."""
        cells = {row.key: row.outcome for row in (*self.a.observations, *self.b.observations)}
        return cells | {row.key: row.outcome for row in (*self.a.contrasts, *self.b.contrasts)}

    def outcome(self, unit: final.Unit) -> frozenset[str]:
        """The keys of the one outcome that a unit is about; none where it may touch several."""
        subject, _, a, b = unit
        if subject not in OF_AN_OUTCOME:
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
                contrasts=tuple(row for row in entry.contrasts if row.outcome in outcome),
            )

        kept = [
            one
            for one in self.differences
            if (one.subject not in OF_AN_OUTCOME or self._outcome_of[one.a or one.b or ""] in outcome)
            and (one.subject is not Subject.OUTCOME or {one.a, one.b} & outcome)
        ]
        return replace(self, a=of(self.a), b=of(self.b), differences=kept)


def composables(by_trial: Mapping[int, Sequence[Discrepancy]], units: UnitTable) -> Iterator[Composable]:
    """The trials of these discrepancies, all read in eight queries."""
    found = [row for rows in by_trial.values() for row in rows]
    read = read_entries({row.a_entry_id for row in found} | {row.b_entry_id for row in found})
    matches = _matches(by_trial)
    newest = Resolution.objects.that_count(found)
    for trial_id, rows in by_trial.items():
        a, b = read[rows[0].a_entry_id], read[rows[0].b_entry_id]
        decisions: dict[final.Unit, final_decision.Decision] = {}
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
        overrides = {**a.overrides, **b.overrides}
        yield Composable(trial_id, a.entry, b.entry, overrides, matches[trial_id], differences, units, decisions, asked)


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


def _matches(trials: Iterable[int]) -> dict[int, list[record.Match]]:
    found: dict[int, list[record.Match]] = defaultdict(list)
    confirmed = Match._base_manager.filter(trial__in=list(trials), state=Match.State.CONFIRMED)
    for row, match in read_matches(confirmed):
        found[row.trial_id].append(match)
    return found


def read_matches(matches: QuerySet[Any]) -> Iterator[tuple[Any, record.Match]]:
    """Matches in their order as plain values, each beside its own columns: one query, and no model rows."""
    columns = ("id", "trial_id", "a_entry_id", "b_entry_id", "state", "subject", "by_itself", "score", "reason")
    ordered = matches.order_by("position", "id", "rows__side", "rows__id")
    rows: Iterable[Any] = ordered.values_list(*columns, "rows__side", "rows__row", named=True)
    for _, group in groupby(rows, key=attrgetter("id")):
        joined = list(group)
        row = joined[0]
        a, b = (tuple(str(one.rows__row) for one in joined if one.rows__side == side) for side in Side)
        yield row, record.Match(Subject(row.subject), a, b, row.by_itself, row.score, row.reason)
