"""Every difference of two entries with its cause, its sum and the side that looks right, where there is one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction

from extraction.checks.look import MarkerLimits
from extraction.diagnose import diagnose, swaps
from extraction.likelier import Likelier
from extraction.record import Diagnosis, Difference, Entry, Match, Subject
from extraction.side_by_side import Cell, SideBySide, lay
from extraction.units import UnitTable


def explain(
    a: Entry,
    b: Entry,
    matches: Sequence[Match],
    differences: Sequence[Difference],
    units: UnitTable,
    limits: Mapping[str, MarkerLimits],
) -> list[Diagnosis | None]:
    """One diagnosis, or None, for each difference in its order. `limits` are those of the markers by code."""
    beside = lay(a, b, matches)
    named = swaps(a, b, matches, differences, units)
    cells = {cell.rows.keys: cell for cell in beside.cells}
    likelier = Likelier(beside, units, limits)
    explained: list[Diagnosis | None] = []
    for one in differences:
        cell = cells.get((one.a, one.b)) if one.subject is Subject.OBSERVATION else None
        if cell is None:
            explained.append(diagnose(one, None, None))
            continue
        found = named.get(one.a or "") or diagnose(one, cell.rows.a, cell.rows.b, _factors(cell, beside, units))
        explained.append(likelier.weighed(cell, one.field, found) if found is not None else None)
    return explained


def _factors(cell: Cell, beside: SideBySide, units: UnitTable) -> Collection[Fraction]:
    """By which the values of an outcome change when its unit is taken for another one."""
    pair = beside.outcomes[cell.outcome]
    marker = next((row.marker for row in (pair.a, pair.b) if row is not None and row.marker), "")
    return units.factors(pair.one.unit, marker) if pair.one.unit.strip() else ()
