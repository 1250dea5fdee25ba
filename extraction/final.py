"""The FINAL record: what A and B agree on, what was accepted by itself, and what a person decided.

Nothing is converted that a report prints: an SE stays an SE. The one exception is a number taken from the side
whose unit FINAL does not have: it is converted by the exact factor, and a note keeps what was printed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, cast

from extraction import spreads
from extraction.compare import (
    ARM_FIELDS,
    OUTCOME_FIELDS,
    ROW,
    TIMEPOINT_FIELDS,
    centre_says,
    characteristic_quantity,
    unit_factor,
)
from extraction.final_contrasts import FinalContrasts
from extraction.final_decision import SIDE, UNREPORTED, Choice, Decision
from extraction.final_values import DecisionError, characteristic_value, field_value, in_other_unit, unreported
from extraction.record import (
    ACCEPTED_VERDICTS,
    CentreKind,
    Characteristic,
    Difference,
    Entry,
    Match,
    Observation,
    Quantity,
    Side,
    Source,
    Spread,
    Status,
    Subject,
    Verdict,
)
from extraction.side_by_side import Cell, Contrast, Feature, Pair, Row, SideBySide, lay, said, status_of
from extraction.units import UnitTable

Unit = tuple[Subject, str, str | None, str | None]


COMPARED: Mapping[Subject, Sequence[str]] = {
    Subject.ARM: [field.name for field in ARM_FIELDS],
    Subject.TIMEPOINT: [field.name for field in TIMEPOINT_FIELDS],
    Subject.OUTCOME: [*(field.name for field in OUTCOME_FIELDS), "unit"],
}
FREE_TEXT: Mapping[Subject, Sequence[str]] = {
    Subject.ARM: ["label"],
    Subject.TIMEPOINT: ["printed"],
    Subject.OUTCOME: ["name"],
}


class Undecided(ValueError):
    """Differences that wait for a person."""

    def __init__(self, differences: Sequence[Difference]) -> None:
        self.differences = tuple(differences)
        super().__init__(f"{len(self.differences)} differences are not decided.")


def unit_of(difference: Difference) -> Unit:
    """What a decision is about: the same for a difference that is found again in the same two entries."""
    return difference.subject, difference.field, difference.a, difference.b


def compose(
    a: Entry,
    b: Entry,
    matches: Sequence[Match],
    differences: Sequence[Difference],
    decisions: Mapping[Unit, Decision],
    units: UnitTable | None = None,
) -> Entry:
    """The FINAL entry. Rows are keyed by A's key where A has the row, else by B's.

    A decision counts also on a difference that was accepted by itself. A row that only one side has is in where
    its side was taken; an arm, timepoint or outcome that only one side has is in where a row of it is.

    Raises
    ------
    Undecided
        If a difference that nobody may accept by itself has no decision.
    DecisionError
        If a decision gives no value where it must, or "not reported" for what no report leaves out.
    ValueError
        If two units were called equivalent and `units` does not know them.
    """
    return compose_laid(a, b, lay(a, b, matches), differences, decisions, units)


def compose_laid(
    a: Entry,
    b: Entry,
    beside: SideBySide,
    differences: Sequence[Difference],
    decisions: Mapping[Unit, Decision],
    units: UnitTable | None = None,
) -> Entry:
    """`compose` of two entries that are laid side by side already: for who composes them again and again."""
    waiting = [
        found for found in differences if found.verdict not in ACCEPTED_VERDICTS and unit_of(found) not in decisions
    ]
    if waiting:
        raise Undecided(waiting)
    table = units or UnitTable()
    _check_units(beside, differences, table)
    settled = {unit_of(found): Decision(Choice(found.takes or Side.A)) for found in differences}
    settled |= {unit: decision for unit, decision in decisions.items() if unit in settled}
    return _Composer(a, b, beside, settled, table).entry()


def _check_units(beside: SideBySide, differences: Sequence[Difference], units: UnitTable) -> None:
    """Refuse to take two units for one where they were called equivalent by another table."""
    equivalent = {
        (found.a, found.b)
        for found in differences
        if found.subject is Subject.OUTCOME and found.field == "unit" and found.verdict is Verdict.EQUIVALENT
    }
    for pair in beside.outcomes:
        if pair.a is None or pair.b is None or pair.keys not in equivalent:
            continue
        if units.factor(pair.a.unit, pair.b.unit, pair.a.marker or pair.b.marker) is None:
            raise ValueError(f"No factor from {pair.a.unit} to {pair.b.unit}: give the unit table of the review.")


@dataclass(frozen=True)
class _Composer:
    a: Entry
    b: Entry
    beside: SideBySide
    settled: Mapping[Unit, Decision]
    units: UnitTable

    def entry(self) -> Entry:
        rows = {cell: row for cell in self.beside.cells if (row := self._observation(cell)) is not None}
        stated = FinalContrasts(self.beside, self._decision, self._to_final_unit)
        used: list[Cell | Contrast] = [*rows, *stated.rows]
        arms = self._structure(Subject.ARM, self.beside.arms, {cell.arm for cell in rows} | stated.arms)
        times = self._structure(Subject.TIMEPOINT, self.beside.timepoints, {one.timepoint for one in used})
        outcomes = self._structure(Subject.OUTCOME, self.beside.outcomes, {one.outcome for one in used})
        for cell in self.beside.cells:
            placed = cell.arm in arms and cell.timepoint in times and cell.outcome in outcomes
            if placed and cell not in rows and (silent := self._silent(cell)) is not None:
                rows[cell] = silent
        known = dict.fromkeys(row.key for row in (*self.a.observations, *self.b.observations))
        order = {key: place for place, key in enumerate(known)}
        return Entry(
            tuple(arms.values()),
            tuple(times.values()),
            tuple(outcomes.values()),
            tuple(sorted(rows.values(), key=lambda row: order[row.key])),
            tuple(
                about
                for feature in self.beside.features
                if feature.arm is None or feature.arm in arms
                if (about := self._characteristic(feature)) is not None
            ),
            stated.all(arms, times, outcomes, [row.key for row in (*self.a.contrasts, *self.b.contrasts)]),
        )

    def _decision(self, subject: Subject, field: str, rows: Pair[Row]) -> Decision | None:
        return self.settled.get((subject, field, *rows.keys))

    def _structure(self, subject: Subject, pairs: Sequence[Pair[Row]], used: Collection[int]) -> dict[int, Row]:
        """The rows of FINAL by the position of their pair."""
        found: dict[int, Row] = {}
        for position, pair in enumerate(pairs):
            if pair.a is not None and pair.b is not None:
                found[position] = self._merged(subject, pair.a, pair.b)
            elif position in used or self._keeps(subject, pair):
                found[position] = pair.one
        return found

    def _keeps(self, subject: Subject, pair: Pair[Row]) -> bool:
        decision = self._decision(subject, ROW, pair)
        if decision is not None and decision.choice not in SIDE:
            raise DecisionError(f"The {subject.value} that one side lacks is taken in or left out: choose A or B.")
        return decision is not None and pair.of(SIDE[decision.choice]) is not None

    def _merged(self, subject: Subject, a: Row, b: Row) -> Row:
        """A's row with what was decided otherwise; words that A left out come from B."""
        changes: dict[str, Any] = {}
        for name in FREE_TEXT[subject]:
            changes[name] = getattr(a, name) or getattr(b, name)
        for name in COMPARED[subject]:
            decision = self._decision(subject, name, Pair(a, b))
            if decision is None:
                changes[name] = _that_says(getattr(a, name), getattr(b, name))
            elif decision.choice in SIDE:
                changes[name] = getattr(a if SIDE[decision.choice] is Side.A else b, name)
            elif decision.choice == Choice.NOT_REPORTED:
                changes[name] = unreported(name)
            else:
                changes[name] = decision.n or field_value(name, _given(decision.text, name))
        other = {name: value for name, value in changes.items() if value is not getattr(a, name)}
        return cast("Row", replace(cast("Any", a), **other)) if other else a

    def _observation(self, cell: Cell) -> Observation | None:
        """A row in which both sides say something, or that a decision on the whole row takes in."""
        rows = Pair(said(cell.rows.a), said(cell.rows.b))
        if rows.a is not None and rows.b is not None:
            return self._joined(cell, rows.a, rows.b)
        decision = self._decision(Subject.OBSERVATION, ROW, rows)
        if decision is None:
            return None
        if decision.choice == Choice.OTHER:
            row = _with_values(rows.one, decision)
        elif decision.choice == Choice.NOT_REPORTED:
            row = _with_values(rows.one, UNREPORTED)
        else:
            side = SIDE[decision.choice]
            taken = rows.of(side)
            if taken is None:
                return None
            factor = self._to_final_unit(cell.outcome, side)
            row = replace(in_other_unit(taken, factor), notes=_noted(taken.notes, factor, taken, "centre", "spread"))
        return self._placed(row, cell, rows.key)

    def _joined(self, cell: Cell, a: Observation, b: Observation) -> Observation:
        rows = Pair(a, b)
        factors = {side: self._to_final_unit(cell.outcome, side) for side in Side}
        offered = {side: in_other_unit(row, factors[side]) for side, row in ((Side.A, a), (Side.B, b))}
        values: dict[str, Any] = {}
        sides: dict[str, Side] = {}
        for name in ("n", "centre", "spread"):
            decision = self._decision(Subject.OBSERVATION, name, rows)
            if decision is not None and decision.choice not in SIDE:
                values |= _values(name, UNREPORTED if decision.choice == Choice.NOT_REPORTED else decision)
                continue
            silent_a, silent_b = (status_of(getattr(row, name)) is Status.UNSAID for row in (a, b))
            sides[name] = SIDE[decision.choice] if decision else Side.B if silent_a and not silent_b else Side.A
            values |= _values(name, offered[sides[name]])
        whole = b if sides.get("centre") is Side.B else a
        notes = a.notes or b.notes
        for name, side in sides.items():
            row = a if side is Side.A else b
            notes = _noted(notes, factors[side], row, name)
        source = whole.source if whole.source != Source() else a.source
        return replace(a, **values, source=source, notes=notes, **self._place(cell), key=rows.key)

    def _silent(self, cell: Cell) -> Observation | None:
        """A row without a difference that one side has, or that says nothing on both: it says no more than NR."""
        rows = Pair(said(cell.rows.a), said(cell.rows.b))
        if self._decision(Subject.OBSERVATION, ROW, rows) is not None:
            return None
        return self._placed(rows.a or rows.b or cell.rows.one, cell, cell.rows.key)

    def _placed(self, row: Observation, cell: Cell, key: str) -> Observation:
        return replace(row, key=key, **self._place(cell))

    def _place(self, cell: Cell) -> dict[str, Any]:
        return {
            "arm": self.beside.arms[cell.arm].key,
            "timepoint": self.beside.timepoints[cell.timepoint].key,
            "outcome": self.beside.outcomes[cell.outcome].key,
        }

    def _to_final_unit(self, outcome: int, side: Side) -> Fraction:
        """The factor from a side's unit of an outcome to the unit that FINAL has."""
        pair = self.beside.outcomes[outcome]
        decision = self._decision(Subject.OUTCOME, "unit", pair)
        if decision is None or decision.choice not in SIDE or SIDE[decision.choice] is side:
            return Fraction(1)
        factor = unit_factor(pair, self.units)
        return factor if side is Side.A else 1 / factor

    def _characteristic(self, feature: Feature) -> Characteristic | None:
        rows = feature.rows
        decision = self._decision(Subject.CHARACTERISTIC, "value", rows)
        row: Characteristic | None
        if decision is None:
            known = [one for one in (rows.a, rows.b) if one and status_of(characteristic_quantity(one))]
            row = known[0] if known else rows.one
        elif decision.choice in SIDE:
            row = rows.of(SIDE[decision.choice])
        elif decision.choice == Choice.NOT_REPORTED:
            row = replace(rows.one, status=Status.NOT_REPORTED, printed="", value=None, level="")
        else:
            row = characteristic_value(rows.one, _given(decision.text, feature.moderator))
        if row is None:
            return None
        arm = "" if feature.arm is None else self.beside.arms[feature.arm].key
        return replace(row, key=rows.key, arm=arm)


def _that_says(a: Any, b: Any) -> Any:
    """Of two values without a difference A's; B's where A's is a blank and B's "not reported"."""
    return b if isinstance(a, Quantity) and status_of(a) is Status.UNSAID else a


def _given(text: str | None, name: str) -> str:
    if text is None:
        raise DecisionError(f"{name}: the decision for another value gives none.")
    return text


def _values(name: str, of: Observation | Decision) -> dict[str, Any]:
    """One of the three quantities of an observation, from a row or a decision; a centre with its kind if given."""
    value = getattr(of, name)
    if value is None:
        raise DecisionError(f"{name}: the decision for another value gives none.")
    return (
        {name: value, "centre_kind": of.centre_kind}
        if name == "centre" and of.centre_kind is not None
        else {name: value}
    )


def _with_values(row: Observation, decision: Decision) -> Observation:
    """A row with the values of a decision on the whole of it; what the decision leaves out stays unsaid."""
    if not (decision.n or decision.centre or decision.spread):
        raise DecisionError("row: the decision for another value gives none.")
    return replace(
        row,
        n=decision.n or Quantity(),
        centre_kind=decision.centre_kind or CentreKind.NONE,
        centre=decision.centre or Quantity(),
        spread=decision.spread or Spread(),
    )


def _noted(notes: str, factor: Fraction, printed: Observation, *names: str) -> str:
    """The notes of a row, with what was printed for each quantity that is now in another unit."""
    if factor == 1:
        return notes
    says = {
        "centre": centre_says(printed) if status_of(printed.centre) is Status.REPORTED else "",
        "spread": spreads.says(printed.spread) if status_of(printed.spread) is Status.REPORTED else "",
    }
    added = [f"{says[name]} in print, × {factor}" for name in names if says.get(name)]
    return " · ".join([text for text in (notes, *added) if text])
