"""Where two entries of one trial differ, unit by unit, with a verdict for each.

Pure: two entries, the matches of their rows and the unit table of the review in, differences out. What is identical
is not listed. Free text (labels, names, notes, sources, text characteristics) is never compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic

from extraction import contrasts, spreads
from extraction.agreement import (
    DIFFERENT,
    IDENTICAL,
    ONE_MISSING,
    Finding,
    by_status,
    compare_quantities,
    compare_words,
)
from extraction.contrasts import quantity_says
from extraction.estimates import mean_hint
from extraction.numbers import format_value
from extraction.printed import in_words
from extraction.record import (
    Arm,
    CentreKind,
    Characteristic,
    Difference,
    Entry,
    Match,
    ModeratorKind,
    Observation,
    Outcome,
    Quantity,
    Scale,
    Side,
    Status,
    Subject,
    Timepoint,
    Verdict,
)
from extraction.side_by_side import Cell, Contrast, Feature, Pair, Row, SideBySide, lay, said, status_of, statuses_of
from extraction.units import Exact, Inexact, UnitTable

ROW = "row"  # field of a row that one side lacks
PRESENT, ABSENT = "present", "–"

WITHOUT_UNIT = frozenset({CentreKind.EVENTS})  # a centre that counts


def differences(a: Entry, b: Entry, matches: Sequence[Match], units: UnitTable) -> list[Difference]:
    """Every compared unit on which A and B do not say the same.

    Ordered by arms, timepoints, outcomes, observations (by arm, timepoint, outcome, quantity), contrasts (by their
    arms, timepoint, outcome, statistic), characteristics; within each by position in A, then in B. `matches` are
    taken as confirmed. Rows of a merge, and rows that one side alone has, become one difference each, on the field
    "row".

    Raises
    ------
    ValueError
        If an entry has two rows in one place, or a row that names an arm, timepoint or outcome it lacks.
    """
    beside = lay(a, b, matches)
    used = _Used.of(beside)
    return [
        *_structure(Subject.ARM, beside.arms, ARM_FIELDS, used.arms),
        *_structure(Subject.TIMEPOINT, beside.timepoints, TIMEPOINT_FIELDS, used.timepoints),
        *_structure(Subject.OUTCOME, beside.outcomes, OUTCOME_FIELDS, used.outcomes, _unit(units)),
        *(found for cell in beside.cells for found in _cell(cell, beside, units)),
        *(found for contrast in beside.contrasts for found in _contrast(contrast, beside, units)),
        *(found for feature in beside.features for found in _feature(feature, beside)),
    ]


def unit_factor(pair: Pair[Outcome], units: UnitTable) -> Fraction:
    """The exact factor from A's unit to B's for the values of a matched outcome; 1 where none is needed or known.

    Only raw values scale with their unit: a logarithm shifts, a ratio or percent change stays.
    """
    if pair.a is None or pair.b is None or not (pair.a.unit.strip() and pair.b.unit.strip()):
        return Fraction(1)
    found = units.factor(pair.a.unit, pair.b.unit, pair.a.marker or pair.b.marker)
    raw = pair.a.scale is pair.b.scale is Scale.RAW
    return found.factor if isinstance(found, Exact) and raw else Fraction(1)


@dataclass(frozen=True, slots=True)
class Field(Generic[Row]):
    """A compared field of a structure: its name, how two rows agree on it, and how it is shown."""

    name: str
    compare: Callable[[Row, Row], Finding]
    says: Callable[[Row], str]


def _words(name: str) -> Field[Row]:
    def text(row: Row) -> str:
        value = getattr(row, name)
        return ("yes" if value else "no") if isinstance(value, bool) else str(value)

    return Field(name, lambda a, b: compare_words(text(a), text(b)), lambda row: text(row) or ABSENT)


def _number(name: str) -> Field[Row]:
    def quantity(row: Row) -> Quantity:
        value: float | None = getattr(row, name)
        if value is None:
            return Quantity()
        return Quantity(Status.REPORTED, format_value(value) if math.isfinite(value) else str(value), value)

    return Field(
        name,
        lambda a, b: compare_quantities(quantity(a), quantity(b)),
        lambda row: quantity_says(quantity(row)),
    )


ARM_FIELDS: tuple[Field[Arm], ...] = (
    _words("role"),
    _words("intervention"),
    _words("control_kind"),
    Field(
        "n_randomised",
        lambda a, b: compare_quantities(a.n_randomised, b.n_randomised),
        lambda row: quantity_says(row.n_randomised),
    ),
    _words("eligible"),
    _words("stratum"),
)
TIMEPOINT_FIELDS: tuple[Field[Timepoint], ...] = (_words("phase"), _number("weeks"), _number("weeks_after_end"))
OUTCOME_FIELDS: tuple[Field[Outcome], ...] = tuple(
    _words(name)
    for name in (
        "marker",
        "specimen",
        "assay",
        "condition",
        "stimulus",
        "dose",
        "scale",
        "scale_base",
        "scale_offset",
    )
)


def centre_says(row: Observation) -> str:
    said_of_it = quantity_says(row.centre)
    if status_of(row.centre) is not Status.REPORTED or row.centre_kind is CentreKind.NONE:
        return said_of_it
    return f"{row.centre_kind.value.replace('_', ' ')} {said_of_it}"


@dataclass(frozen=True, slots=True)
class _Used:
    """Indices of pairs that an observation or contrast stands on: a structure without any would otherwise go unseen."""

    arms: frozenset[int]
    timepoints: frozenset[int]
    outcomes: frozenset[int]

    @classmethod
    def of(cls, beside: SideBySide) -> _Used:
        cells = [cell for cell in beside.cells if said(cell.rows.a) or said(cell.rows.b)]
        stated = [one for one in beside.contrasts if contrasts.said(one.rows.a) or contrasts.said(one.rows.b)]
        both: list[Cell | Contrast] = [*cells, *stated]
        compared = {arm for one in stated for arm in (one.arm, one.versus) if arm is not None}
        return cls(
            frozenset(cell.arm for cell in cells) | compared,
            frozenset(one.timepoint for one in both),
            frozenset(one.outcome for one in both),
        )


def _structure(
    subject: Subject,
    pairs: Sequence[Pair[Row]],
    fields: Sequence[Field[Row]],
    used: frozenset[int],
    *more: Field[Row],
) -> Iterator[Difference]:
    for position, pair in enumerate(pairs):
        if pair.a is None or pair.b is None:
            if position not in used:
                yield _row(subject, pair)
            continue
        for field in (*fields, *more):
            finding = field.compare(pair.a, pair.b)
            yield from _listed(subject, field.name, pair, finding, field.says(pair.a), field.says(pair.b))


def _unit(units: UnitTable) -> Field[Outcome]:
    def compare(a: Outcome, b: Outcome) -> Finding:
        if not (a.unit.strip() and b.unit.strip()):
            return compare_words(a.unit, b.unit)
        if units.name(a.unit) == units.name(b.unit):
            return IDENTICAL
        found = units.factor(a.unit, b.unit, a.marker or b.marker)
        factor = unit_factor(Pair(a, b), units)
        worked = f"1 {a.unit} {{}} {in_words(found.factor)} {b.unit}" if found else ""
        if isinstance(found, Exact) and factor == found.factor:
            return Finding(Verdict.EQUIVALENT, worked.format("="), Side.A)
        if isinstance(found, Inexact):
            return Finding(Verdict.DIFFERENT, f"{worked.format('≈')}: not exact, never accepted on its own.")
        return Finding(Verdict.DIFFERENT, f"{worked.format('=')} holds for raw values alone." if found else "")

    return Field("unit", compare, lambda row: row.unit.strip() or ABSENT)


def _cell(cell: Cell, beside: SideBySide, units: UnitTable) -> Iterator[Difference]:
    subject, rows = Subject.OBSERVATION, Pair(said(cell.rows.a), said(cell.rows.b))
    a, b = rows.a, rows.b
    if a is None or b is None:
        one = a or b
        if one is not None and not set(statuses_of(one)) <= {Status.UNSAID, Status.NOT_REPORTED}:
            yield _row(subject, rows)
        return
    factor = unit_factor(beside.outcomes[cell.outcome], units)
    yield from _listed(subject, "n", rows, compare_quantities(a.n, b.n), quantity_says(a.n), quantity_says(b.n))
    yield from _listed(subject, "centre", rows, compare_centres(a, b, factor), centre_says(a), centre_says(b))
    spread = spreads.compare_spreads(a, b, factor)
    yield from _listed(subject, "spread", rows, spread, spreads.says(a.spread), spreads.says(b.spread))


def _contrast(contrast: Contrast, beside: SideBySide, units: UnitTable) -> Iterator[Difference]:
    subject, rows = Subject.CONTRAST, Pair(contrasts.said(contrast.rows.a), contrasts.said(contrast.rows.b))
    a, b = rows.a, rows.b
    if a is None or b is None:
        one = a or b
        if one is not None and not set(contrasts.statuses_of(one)) <= {Status.UNSAID, Status.NOT_REPORTED}:
            yield _row(subject, rows)
        return
    factor = unit_factor(beside.outcomes[contrast.outcome], units)
    for field, finding, a_says, b_says in contrasts.compare(a, b, factor, other_way=contrast.turned):
        yield from _listed(subject, field, rows, finding, a_says, b_says)


def compare_centres(a: Observation, b: Observation, factor: Fraction = Fraction(1)) -> Finding:
    """What the centres of two matched observations say together; `factor` turns A's unit into B's."""
    stated = by_status(status_of(a.centre), status_of(b.centre))
    if stated is None and a.centre_kind is not b.centre_kind:
        return Finding(Verdict.DIFFERENT, mean_hint(a, b))
    return compare_quantities(a.centre, b.centre, Fraction(1) if a.centre_kind in WITHOUT_UNIT else factor)


def _feature(feature: Feature, beside: SideBySide) -> Iterator[Difference]:
    """A characteristic of an arm that one side lacks comes and goes with its arm."""
    rows, subject = feature.rows, Subject.CHARACTERISTIC
    blank = Characteristic("", feature.moderator, rows.one.kind)
    free_text = any(row is not None and row.kind is ModeratorKind.TEXT for row in (rows.a, rows.b))
    if not free_text and (feature.arm is None or beside.arms[feature.arm].both):
        a, b = rows.a or blank, rows.b or blank
        finding = _characteristics(a, b)
        yield from _listed(subject, "value", rows, finding, characteristic_says(a), characteristic_says(b))


def _characteristics(a: Characteristic, b: Characteristic) -> Finding:
    known_a, known_b = characteristic_quantity(a), characteristic_quantity(b)
    stated = by_status(status_of(known_a), status_of(known_b))
    if stated is not None:
        return stated
    if a.kind is not b.kind:
        return DIFFERENT
    if a.kind is ModeratorKind.NUMBER:
        return compare_quantities(known_a, known_b)
    return compare_words(a.level or a.printed, b.level or b.printed)


def characteristic_quantity(row: Characteristic) -> Quantity:
    """What is known of a characteristic, with its number where it has one."""
    return Quantity(row.status, row.printed or row.level, row.value)


def characteristic_says(row: Characteristic) -> str:
    return quantity_says(characteristic_quantity(row))


def _row(subject: Subject, pair: Pair[Row]) -> Difference:
    has_a = pair.a is not None
    finding = ONE_MISSING
    says = (PRESENT, ABSENT) if has_a else (ABSENT, PRESENT)
    return Difference(subject, ROW, *pair.keys, finding.verdict, *says)


def _listed(
    subject: Subject, field: str, pair: Pair[Row], finding: Finding, a_says: str, b_says: str
) -> Iterator[Difference]:
    if finding.verdict is not Verdict.IDENTICAL:
        yield Difference(subject, field, *pair.keys, finding.verdict, a_says, b_says, finding.worked, finding.takes)
