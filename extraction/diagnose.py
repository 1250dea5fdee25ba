"""Why two values may differ, each cause with its sum.

A cause is named only where the printed digits bear it out: the sum of one side must meet the other within the
precision of both. A diagnosis is a question to the person who decides, never a decision.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations

from extraction.agreement import compare_quantities
from extraction.compare import ROW, compare_centres, unit_factor
from extraction.numbers import shown
from extraction.printed import Printed, root
from extraction.record import (
    ACCEPTED_VERDICTS,
    Diagnosis,
    Difference,
    Entry,
    Match,
    Observation,
    Quantity,
    QuantityKind,
    Side,
    Spread,
    SpreadKind,
    Status,
    Subject,
    Verdict,
)
from extraction.side_by_side import Cell, SideBySide, lay, status_of, whole_n
from extraction.spreads import compare_spreads
from extraction.units import UnitTable

LABELS: Mapping[str, str] = {
    "sign": "Sign differs",
    "se_as_sd": "SE as SD?",
    "decimal_point": "Decimal point?",
    "digits_transposed": "Digits swapped?",
    "unit_factor": "Another unit?",
    "arms_swapped": "Arms swapped?",
    "times_swapped": "Times swapped?",
    "only_a": "Only A has it",
    "only_b": "Only B has it",
}

LARGEST_SHIFT = 6  # places by which a decimal point is thought to slip
TELLING = 2  # significant digits of a number whose rounding is taken for more than chance
NEAR = Fraction(1, 20)  # how far a ratio may be from √n, whatever the precision allows


def diagnose(
    difference: Difference,
    a: Observation | None,
    b: Observation | None,
    factors: Collection[Fraction] = (),
) -> Diagnosis | None:
    """The cause that fits a difference, None where none does.

    `a` and `b` are the observations it is about (None for a side without one, and for other subjects); `factors`
    are those by which a value changes when its unit is taken for another (`UnitTable.factors`). Thousands are
    thought of without being told.
    """
    if difference.verdict is Verdict.ONE_MISSING:
        return _only_one(difference, a, b)
    if difference.verdict is not Verdict.DIFFERENT:
        return None
    if a is None or b is None:
        return _of_numbers(_Two.of(Quantity(printed=difference.a_says), Quantity(printed=difference.b_says)))
    match difference.field:
        case "n":
            return _of_numbers(_Two.of(a.n, b.n))
        case "centre":
            return _of_centre(a, b, factors)
        case "spread":
            return _of_spread(a, b, factors)
    return None


def swaps(
    a: Entry,
    b: Entry,
    matches: Sequence[Match],
    differences: Sequence[Difference],
    units: UnitTable | None = None,
) -> dict[str, Diagnosis]:
    """Observations whose values stand at another arm, or another time, on the other side, and the other way round.

    By the key of A's observation. A row is named only where the exchange explains all that differs in it.
    """
    beside, table = lay(a, b, matches), units or UnitTable()
    differing: dict[str | None, set[str]] = defaultdict(set)
    for found in differences:
        if found.verdict is Verdict.DIFFERENT and found.subject is Subject.OBSERVATION:
            differing[found.a].add(found.field)
    blocks: dict[tuple[int, QuantityKind], list[_Full]] = defaultdict(list)
    for cell in beside.cells:
        if cell.rows.a and cell.rows.b and differing[cell.rows.a.key]:
            blocks[cell.outcome, cell.quantity].append(_Full(cell, cell.rows.a, cell.rows.b))
    named: dict[str, Diagnosis] = {}
    for x, y in (pair for block in blocks.values() for pair in permutations(block, 2)):
        code = _exchange(x.cell, y.cell)
        if code and x.a.key not in named and _crossed(x, y, beside, table, differing[x.a.key]):
            named[x.a.key] = Diagnosis(code, _exchanged(code, x, y, beside), None)
    return named


@dataclass(frozen=True, slots=True)
class _Full:
    """A cell with a row on both sides."""

    cell: Cell
    a: Observation
    b: Observation


def _exchange(x: Cell, y: Cell) -> str:
    """What must have been swapped for the values of two cells of an outcome to change places; empty if both."""
    if x.timepoint == y.timepoint:
        return "arms_swapped"
    return "times_swapped" if x.arm == y.arm else ""


def _crossed(x: _Full, y: _Full, beside: SideBySide, units: UnitTable, fields: Collection[str]) -> bool:
    """Whether both sides agree once the rows are exchanged, on centre and spread, and on n where that differs."""
    factor = unit_factor(beside.outcomes[x.cell.outcome], units)
    for one, other in ((x.a, y.b), (y.a, x.b)):
        if status_of(one.centre) is not Status.REPORTED:
            return False
        if compare_centres(one, other, factor).verdict not in ACCEPTED_VERDICTS:
            return False
        if compare_spreads(one, other, factor).verdict not in ACCEPTED_VERDICTS:
            return False
        if "n" in fields and compare_quantities(one.n, other.n).verdict not in ACCEPTED_VERDICTS:
            return False
    return True


def _exchanged(code: str, x: _Full, y: _Full, beside: SideBySide) -> str:
    if code == "arms_swapped":
        names = [beside.arms[full.cell.arm].one.label for full in (x, y)]
    else:
        rows = [beside.timepoints[full.cell.timepoint].one for full in (x, y)]
        names = [row.printed or row.phase.value for row in rows]
    values = [shown(full.a.centre.printed or str(full.a.centre.value)) for full in (x, y)]
    return f"A has {values[0]} for {names[0]} and {values[1]} for {names[1]}; B has them the other way round"


def _only_one(difference: Difference, a: Observation | None, b: Observation | None) -> Diagnosis | None:
    what = "row" if difference.field == ROW else "value"
    if difference.subject is Subject.OBSERVATION and difference.field != ROW:
        given = [one is not None and _reports(one, difference.field) for one in (a, b)]
    else:
        given = [side != "–" and side not in set(Status) for side in (difference.a_says, difference.b_says)]
    if given[0] == given[1]:
        return None
    side = Side.A if given[0] else Side.B
    return Diagnosis(f"only_{side.lower()}", f"Only {side} has this {what}", side)


def _reports(row: Observation, field: str) -> bool:
    quantity: Quantity | Spread = getattr(row, field)
    return status_of(quantity) is Status.REPORTED


@dataclass(frozen=True, slots=True)
class _Two:
    """Two printed numbers that differ."""

    a: Printed
    b: Printed
    a_text: str
    b_text: str

    @classmethod
    def of(cls, a: Quantity, b: Quantity) -> _Two | None:
        x, y = Printed.of(a.printed, a.value), Printed.of(b.printed, b.value)
        if x is None or y is None or a.qualifier is not b.qualifier:
            return None
        return cls(x, y, a.printed, b.printed)

    @property
    def ratio(self) -> Fraction | None:
        """B / A."""
        return self.b.value / self.a.value if self.a.value and self.b.value else None

    @property
    def same(self) -> bool:
        return self.a.value == self.b.value or self.a.rounds_to(self.b)

    def times(self, factor: Fraction) -> bool:
        """Whether B is A times a factor: digit for digit, or rounded and with two digits at least that say so.

        One digit that agrees after rounding (28 and 3) is what chance gives.
        """
        moved = self.a.times(factor)
        if moved.value == self.b.value:
            return True
        return moved.rounds_to(self.b) and min(_digits(self.a), _digits(self.b)) >= TELLING

    def converted(self, factor: Fraction) -> bool:
        """Whether one number may stand behind both, printed by the report once in each of two units."""
        return self.a.times(factor).meets(self.b)


def _of_numbers(two: _Two | None) -> Diagnosis | None:
    """Causes that need nothing but two numbers."""
    if two is None or two.ratio is None:
        return None
    if two.times(Fraction(-1)):
        return Diagnosis("sign", f"B / A = {_short(two.ratio)}: the same digits with the other sign", None)
    if shift := _shift(two):
        return Diagnosis("decimal_point", f"B / A = {_power(shift)}", None)
    if _transposed(two.a_text, two.b_text):
        return Diagnosis(
            "digits_transposed", f"{shown(two.a_text)} and {shown(two.b_text)} have two digits exchanged", None
        )
    return None


def _of_centre(a: Observation, b: Observation, factors: Collection[Fraction]) -> Diagnosis | None:
    if a.centre_kind is not b.centre_kind:
        return None
    two = _Two.of(a.centre, b.centre)
    others = [other for other, _ in _spread_numbers(a.spread, b.spread)]
    found = _of_unit(two, others, factors) or _of_numbers(two)
    if found is None:
        return None
    inside_a, inside_b = _inside(a), _inside(b)
    side = Side.A if inside_a and inside_b is False else Side.B if inside_b and inside_a is False else None
    return Diagnosis(found.code, found.evidence, side)


def _inside(row: Observation) -> bool | None:
    """Whether a centre lies between the ends of its own interval; None where there is none."""
    low, centre, high = row.spread.low, row.centre.value, row.spread.high
    return None if low is None or centre is None or high is None else low <= centre <= high


def _of_spread(a: Observation, b: Observation, factors: Collection[Fraction]) -> Diagnosis | None:
    kinds = {a.spread.kind, b.spread.kind}
    if mirrored := _mirrored(a.spread, b.spread):
        return mirrored
    numbers = list(_spread_numbers(a.spread, b.spread))
    if kinds == {SpreadKind.SD, SpreadKind.SE}:
        return _one_number_two_names(a, b, [two for two, _ in numbers])
    if len(kinds) != 1 or a.spread.level != b.spread.level:
        return None
    centre = _Two.of(a.centre, b.centre)
    others = [centre] if centre is not None else []
    apart = [(two, whole) for two, whole in numbers if not two.same]
    apart = apart or [(two, whole) for two, whole in numbers if two.ratio is not None]
    causes = [
        (_of_unit(two, others, factors) if others else None)  # a factor that the centre has as well says most
        or (_se_as_sd(two, a, b) if whole else None)
        or _of_unit(two, others, factors)
        or _of_numbers(two)
        for two, whole in apart
    ]
    codes = {cause.code if cause else "" for cause in causes}
    return causes[0] if len(codes) == 1 else None


def _mirrored(a: Spread, b: Spread) -> Diagnosis | None:
    """Two ends with the other sign, and so in the other order: the difference taken the other way round."""
    ends = [Printed.of(*end) for end in ((a.low_printed, a.low), (a.high_printed, a.high))]
    others = [Printed.of(*end) for end in ((b.high_printed, b.high), (b.low_printed, b.low))]
    minus = Fraction(-1)
    for one, other in zip(ends, others, strict=True):
        if one is None or other is None:
            return None
        turned = one.times(minus)
        if turned.value != other.value and not turned.rounds_to(other):
            return None
    if all(one is not None and not one.value for one in ends):
        return None
    return Diagnosis("sign", "The ends of B are those of A with the other sign", None)


def _spread_numbers(a: Spread, b: Spread) -> Iterator[tuple[_Two, bool]]:
    """The numbers of two spreads that stand against each other, and whether they are the whole spread."""
    one = _Two.of(
        Quantity(a.status, a.printed, a.value, a.qualifier), Quantity(b.status, b.printed, b.value, b.qualifier)
    )
    low = _Two.of(Quantity(a.status, a.low_printed, a.low), Quantity(b.status, b.low_printed, b.low))
    high = _Two.of(Quantity(a.status, a.high_printed, a.high), Quantity(b.status, b.high_printed, b.high))
    yield from ((two, two is one) for two in (one, low, high) if two is not None)


def _one_number_two_names(a: Observation, b: Observation, numbers: Sequence[_Two]) -> Diagnosis | None:
    if not any(two.same for two in numbers):
        return None
    names = f"{a.spread.kind.upper()} for A, {b.spread.kind.upper()} for B"
    return Diagnosis("se_as_sd", f"Both have {shown(a.spread.printed)}: {names}", None)


def _se_as_sd(two: _Two, a: Observation, b: Observation) -> Diagnosis | None:
    """Whether one number is the other divided by √n, by the n of the side that has the smaller one."""
    ratio = two.ratio
    if ratio is None or ratio <= 0 or a.spread.kind not in {SpreadKind.SD, SpreadKind.SE, SpreadKind.UNLABELLED}:
        return None
    smaller_b = ratio < 1
    small, large = (two.b, two.a) if smaller_b else (two.a, two.b)
    sizes = [whole_n(b), whole_n(a)] if smaller_b else [whole_n(a), whole_n(b)]
    for n in dict.fromkeys(n for n in sizes if n is not None and n > 1):
        as_sd = small.times(root(n))
        if ratio in {Fraction(1, 10), 10} and as_sd.value != large.value:
            continue  # n near 100: the very same digits say that the point slipped
        if as_sd.meets(large) and abs(as_sd.value / large.value - 1) <= NEAR:
            evidence = f"B / A = {_short(ratio)} ≈ {'1/' if smaller_b else ''}√{n}"
            return Diagnosis("se_as_sd", evidence, _right_of(a.spread.kind, smaller_b))
    return None


def _right_of(kind: SpreadKind, smaller_b: bool) -> Side | None:
    """Both say SD: the smaller is an SE. Both say SE: the larger is an SD. Unlabelled: nobody knows."""
    if kind is SpreadKind.UNLABELLED:
        return None
    return Side.A if smaller_b is (kind is SpreadKind.SD) else Side.B


def _of_unit(two: _Two | None, others: Sequence[_Two], factors: Collection[Fraction]) -> Diagnosis | None:
    """Whether another unit explains it: all numbers of the row differ by one factor, or are equal under two units."""
    if two is None or two.ratio is None:
        return None
    if two.same:  # equal digits, and yet different once converted
        return Diagnosis("unit_factor", f"Both have {shown(two.a_text)}, under two units", None)
    known = [other for other in others if other.ratio is not None]
    thousands = {Fraction(1000) ** power for power in (-2, -1, 1, 2)}
    tens = {Fraction(10) ** shift for shift in range(-LARGEST_SHIFT, LARGEST_SHIFT + 1)} - {Fraction(1)}
    turned = {1 / factor for factor in factors}  # A's value may be the one in another unit
    for factor in sorted({*factors, *turned, *thousands, *(tens if known else ())}):
        if two.converted(factor) and all(other.converted(factor) and not other.same for other in known):
            return Diagnosis("unit_factor", f"B / A = {_short(factor)}, in all numbers of the row", None)
    return None


def _shift(two: _Two) -> int:
    """Places by which the decimal point slipped from A to B; 0 where it did not."""
    shifts = sorted((shift for shift in range(-LARGEST_SHIFT, LARGEST_SHIFT + 1) if shift), key=abs)
    return next((shift for shift in shifts if two.times(Fraction(10) ** shift)), 0)


def _transposed(a: str, b: str) -> bool:
    """Whether two neighbouring digits changed places; the point stays where it is."""
    if len(a) != len(b):
        return False
    apart = [place for place in range(len(a)) if a[place] != b[place]]
    digits = [place for place in range(len(a)) if a[place].isdigit()]
    if len(apart) != 2 or not set(apart) <= set(digits):
        return False
    first, second = apart
    neighbours = digits.index(second) - digits.index(first) == 1
    return neighbours and (a[first], a[second]) == (b[second], b[first])


def _digits(number: Printed) -> int:
    """Significant digits as printed: 2 of 0.012 and of 1.0, 1 of 3 and of 0."""
    return len(str(abs(number.value) / (2 * number.half)))


def _short(value: Fraction) -> str:
    return shown(f"{float(value):.3g}")


def _power(shift: int) -> str:
    return f"{10.0**shift:g}"
