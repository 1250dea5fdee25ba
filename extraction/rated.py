"""What two entries of a trial rated twice: the units that agreement is counted on. Pure.

Three sorts. Structure: a row that both have, or one alone (rows of a merge stand alone: they were not seen alike).
Category: a word that both chose for a matched row. Number: a value that at least one of the two prints in a matched
cell or contrast. Where neither says anything there is no unit; that both call a value not reported is a category, not
a number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from extraction import contrasts
from extraction.agreement import Finding, compare_quantities
from extraction.compare import characteristic_quantity, compare_centres, unit_factor
from extraction.record import (
    ContrastStatistic,
    Entry,
    Match,
    ModeratorKind,
    Observation,
    Outcome,
    Qualifier,
    Quantity,
    Spread,
    Status,
    Verdict,
)
from extraction.side_by_side import Cell, Contrast, Pair, SideBySide, lay, said, status_of
from extraction.spreads import compare_spreads
from extraction.units import UnitTable


class Sort(StrEnum):
    STRUCTURE = "structure"
    CATEGORY = "category"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Rated:
    """One unit. `a` and `b`: words of a category, or values of a number in A's unit where both give one of a kind."""

    sort: Sort
    field: str
    marker: str = ""
    both: bool = True  # structure: seen by both
    a: str | float | None = None
    b: str | float | None = None
    verdict: Verdict | None = None  # of a number

    @property
    def values(self) -> tuple[float, float] | None:
        if isinstance(self.a, float) and isinstance(self.b, float):
            return self.a, self.b
        return None


ARM_WORDS = ("role", "intervention", "control_kind", "eligible")
TIME_WORDS = ("phase",)
OUTCOME_WORDS = ("marker", "specimen", "condition", "scale")
SAID_OF = {"n": "status of n", "centre": "status of centre", "spread": "status of spread"}


def rated(a: Entry, b: Entry, matches: Sequence[Match], units: UnitTable) -> list[Rated]:
    """Every unit of two entries whose rows these matches pair.

    Raises
    ------
    ValueError
        If an entry has two rows in one place, or a row that names an arm, timepoint or outcome it lacks.
    """
    beside = lay(a, b, matches)
    return [*_structure(beside), *_categories(beside), *_numbers(beside, units), *_contrasts(beside, units)]


def _structure(beside: SideBySide) -> Iterator[Rated]:
    for pair in beside.arms:
        yield Rated(Sort.STRUCTURE, "arms", both=pair.both)
    for time in beside.timepoints:
        yield Rated(Sort.STRUCTURE, "timepoints", both=time.both)
    for outcome in beside.outcomes:
        yield Rated(Sort.STRUCTURE, "outcomes", outcome.one.marker, both=outcome.both)
    for cell in beside.cells:
        rows = Pair(said(cell.rows.a), said(cell.rows.b))
        if rows.a is not None or rows.b is not None:
            yield Rated(Sort.STRUCTURE, "cells", _marker(beside, cell), both=rows.both)


def _categories(beside: SideBySide) -> Iterator[Rated]:
    for arm in beside.arms:
        yield from _words(arm.a, arm.b, ARM_WORDS)
    for time in beside.timepoints:
        yield from _words(time.a, time.b, TIME_WORDS)
    for outcome in beside.outcomes:
        yield from _words(outcome.a, outcome.b, OUTCOME_WORDS, outcome.one.marker)
    for feature in beside.features:
        a, b = feature.rows.a, feature.rows.b
        if a is not None and b is not None and a.kind is b.kind is ModeratorKind.LEVEL and (a.level or b.level):
            yield Rated(Sort.CATEGORY, feature.moderator, a=a.level, b=b.level)
    for cell in beside.cells:
        one, other = said(cell.rows.a), said(cell.rows.b)
        if one is None or other is None:
            continue
        marker = _marker(beside, cell)
        for field, words in SAID_OF.items():
            statuses = [status_of(getattr(row, field)).value or "blank" for row in (one, other)]
            yield Rated(Sort.CATEGORY, words, marker, a=statuses[0], b=statuses[1])
        if status_of(one.centre) is status_of(other.centre) is Status.REPORTED:
            kinds = one.centre_kind.value, other.centre_kind.value
            yield Rated(Sort.CATEGORY, "kind of centre", marker, a=kinds[0], b=kinds[1])
        if status_of(one.spread) is status_of(other.spread) is Status.REPORTED:
            kinds = one.spread.kind.value, other.spread.kind.value
            yield Rated(Sort.CATEGORY, "kind of spread", marker, a=kinds[0], b=kinds[1])


def _words(a: object, b: object, names: Sequence[str], marker: str = "") -> Iterator[Rated]:
    if a is None or b is None:
        return
    for name in names:
        one, other = (" ".join(str(getattr(row, name)).split()).casefold() for row in (a, b))
        if one or other:
            yield Rated(Sort.CATEGORY, name.replace("_", " "), marker, a=one, b=other)


def _numbers(beside: SideBySide, units: UnitTable) -> Iterator[Rated]:
    for arm in beside.arms:
        if arm.a is not None and arm.b is not None:
            yield from _quantity("n randomised", arm.a.n_randomised, arm.b.n_randomised)
    for time in beside.timepoints:
        if time.a is not None and time.b is not None:
            yield from _quantity("weeks", _known(time.a.weeks), _known(time.b.weeks))
    for feature in beside.features:
        a, b = feature.rows.a, feature.rows.b
        if a is not None and b is not None and a.kind is b.kind is ModeratorKind.NUMBER:
            yield from _quantity(feature.moderator, characteristic_quantity(a), characteristic_quantity(b))
    for cell in beside.cells:
        one, other = said(cell.rows.a), said(cell.rows.b)
        if one is not None and other is not None:
            outcome, marker = beside.outcomes[cell.outcome], _marker(beside, cell)
            yield from _cell(one, other, outcome, units, marker)


def _cell(a: Observation, b: Observation, outcome: Pair[Outcome], units: UnitTable, marker: str) -> Iterator[Rated]:
    factor = unit_factor(outcome, units)
    yield from _quantity("n", a.n, b.n, marker)
    of_a_kind = a.centre_kind is b.centre_kind and _one_scale(outcome)
    centres = (_value(a.centre), _value(b.centre, factor)) if of_a_kind else (None, None)
    yield from _number("centre", compare_centres(a, b, factor), marker, _says_any(a.centre, b.centre), centres)
    of_a_kind = a.spread.kind is b.spread.kind and a.spread.level == b.spread.level and _one_scale(outcome)
    spreads = (_size(a.spread), _size(b.spread, factor)) if of_a_kind else (None, None)
    yield from _number("spread", compare_spreads(a, b, factor), marker, _says_any(a.spread, b.spread), spreads)


def _contrasts(beside: SideBySide, units: UnitTable) -> Iterator[Rated]:
    """All of what is stated between two arms or of the change in one; a row in which nothing is said is none."""
    for contrast in beside.contrasts:
        outcome, marker = beside.outcomes[contrast.outcome], _marker(beside, contrast)
        a, b = contrasts.said(contrast.rows.a), contrasts.said(contrast.rows.b)
        if a is not None or b is not None:
            yield Rated(Sort.STRUCTURE, "contrasts", marker, both=a is not None and b is not None)
        if a is not None and b is not None:
            words = [status_of(row.value).value or "blank" for row in (a, b)]
            yield Rated(Sort.CATEGORY, "status of a contrast", marker, a=words[0], b=words[1])
            yield from _contrast(contrast, a, b, outcome, units)


def _contrast(
    contrast: Contrast, a: ContrastStatistic, b: ContrastStatistic, outcome: Pair[Outcome], units: UnitTable
) -> Iterator[Rated]:
    """Its value and interval by the name of the statistic: a t and a p have nothing in common to be counted on."""
    name, marker = contrasts.NAMES[contrast.statistic], outcome.one.marker
    in_units = contrast.statistic in contrasts.IN_UNITS
    factor = unit_factor(outcome, units) if in_units else Fraction(1)
    found = {field: finding for field, finding, *_ in contrasts.compare(a, b, factor, other_way=contrast.turned)}
    b = contrasts.turned(b) if contrast.turned else b
    of_a_kind = not in_units or _one_scale(outcome)
    values = (_value(a.value), _value(b.value, factor)) if of_a_kind else (None, None)
    yield from _number(name, found["value"], marker, _says_any(a.value, b.value), values)
    of_a_kind = of_a_kind and a.interval.level == b.interval.level
    widths = (_size(a.interval), _size(b.interval, factor)) if of_a_kind else (None, None)
    yield from _number(f"CI of {name}", found["interval"], marker, _says_any(a.interval, b.interval), widths)
    yield from _number("degrees of freedom", found["df"], marker, _says_any(a.df, b.df), (_value(a.df), _value(b.df)))


def _one_scale(outcome: Pair[Outcome]) -> bool:
    return outcome.a is not None and outcome.b is not None and outcome.a.scale is outcome.b.scale


def _quantity(field: str, a: Quantity, b: Quantity, marker: str = "") -> Iterator[Rated]:
    yield from _number(field, compare_quantities(a, b), marker, _says_any(a, b), (_value(a), _value(b)))


def _number(
    field: str, finding: Finding, marker: str, says_any: bool, values: tuple[float | None, float | None]
) -> Iterator[Rated]:
    if says_any:
        a, b = values if None not in values else (None, None)
        yield Rated(Sort.NUMBER, field, marker, a=a, b=b, verdict=finding.verdict)


def _says_any(*quantities: Quantity | Spread) -> bool:
    return any(status_of(one) is Status.REPORTED for one in quantities)


def _value(one: Quantity, factor: Fraction = Fraction(1)) -> float | None:
    """An exact value; `factor` turns A's unit into B's, so B's value over it stands in A's unit."""
    if status_of(one) is not Status.REPORTED or one.qualifier is not Qualifier.EQUAL or one.value is None:
        return None
    return float(one.value) / float(factor)


def _size(one: Spread, factor: Fraction = Fraction(1)) -> float | None:
    """An SD or SE as it is; of an interval its width."""
    if status_of(one) is not Status.REPORTED or one.qualifier is not Qualifier.EQUAL:
        return None
    if one.value is not None:
        return float(one.value) / float(factor)
    return None if one.low is None or one.high is None else (one.high - one.low) / float(factor)


def _known(weeks: float | None) -> Quantity:
    return Quantity() if weeks is None else Quantity(Status.REPORTED, f"{weeks:g}", weeks)


def _marker(beside: SideBySide, placed: Cell | Contrast) -> str:
    return beside.outcomes[placed.outcome].one.marker
