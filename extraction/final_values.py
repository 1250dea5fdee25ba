"""Values of the FINAL record that neither side prints in this form: from a decision's text, or in the other unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Context, Decimal
from fractions import Fraction

from extraction.compare import WITHOUT_UNIT
from extraction.numbers import LONGEST, NumberError, format_value, parse_count, parse_number, parse_quantity
from extraction.record import (
    Characteristic,
    Condition,
    ContrastStatistic,
    ModeratorKind,
    Observation,
    Phase,
    Qualifier,
    Quantity,
    Role,
    Scale,
    Spread,
    Status,
)
from extraction.spreads import WITHOUT_UNIT as SPREADS_WITHOUT_UNIT

_WIDE = Context(prec=2 * LONGEST)  # holds every printed number


class DecisionError(ValueError):
    """A decision that gives no value where it must, one that does not read, or "not reported" where it cannot be."""


def field_value(name: str, text: str) -> object:
    """The value of a field of an arm, timepoint or outcome from the text of a decision."""
    try:
        return _READ.get(name, str.strip)(text)
    except (NumberError, ValueError) as refused:
        raise DecisionError(f"{name}: {refused}") from refused


def unreported(name: str) -> object:
    """The value of a field of an arm, timepoint or outcome of which no report says anything."""
    if name in _ALWAYS_SAID:
        raise DecisionError(f"{name} is never “not reported”: choose A, B or another value.")
    return _UNREPORTED.get(name, "")


def characteristic_value(row: Characteristic, text: str) -> Characteristic:
    """A characteristic with the value of a decision's text, read by its kind."""
    try:
        quantity = parse_quantity(text) if row.kind is ModeratorKind.NUMBER else Quantity(Status.REPORTED, text.strip())
    except NumberError as refused:
        raise DecisionError(str(refused)) from refused
    if quantity.status is not Status.UNSAID and (quantity.value is not None or quantity.printed):
        level = quantity.printed if row.kind is ModeratorKind.LEVEL else ""
        return replace(row, status=Status.REPORTED, printed=quantity.printed, value=quantity.value, level=level)
    raise DecisionError("Another value of a characteristic is not blank and no status.")


def in_other_unit(row: Observation, factor: Fraction) -> Observation:
    """The numbers of an observation times an exact factor; counts and geometric SDs have no unit."""
    if factor == 1:
        return row  # as printed, to the letter
    if row.centre_kind not in WITHOUT_UNIT:
        row = replace(row, centre=_times(row.centre, factor))
    spread = row.spread
    if spread.kind in SPREADS_WITHOUT_UNIT:
        return row
    return replace(row, spread=_spread_times(spread, factor))


def contrast_in_other_unit(row: ContrastStatistic, factor: Fraction) -> ContrastStatistic:
    """A difference or an SD of change times an exact factor, with its interval."""
    if factor == 1:
        return row
    return replace(row, value=_times(row.value, factor), interval=_spread_times(row.interval, factor))


def _spread_times(spread: Spread, factor: Fraction) -> Spread:
    one = _times(Quantity(spread.status, spread.printed, spread.value, spread.qualifier), factor)
    low = _times(Quantity(spread.status, spread.low_printed, spread.low), factor)
    high = _times(Quantity(spread.status, spread.high_printed, spread.high), factor)
    return replace(
        spread,
        printed=one.printed,
        value=one.value,
        low_printed=low.printed,
        low=low.value,
        high_printed=high.printed,
        high=high.value,
    )


def _times(quantity: Quantity, factor: Fraction) -> Quantity:
    """A printed number times a factor, its qualifier and (for powers of ten) its precision kept."""
    if quantity.value is None:
        return quantity
    try:
        exact = parse_number(quantity.printed).exact
    except NumberError:
        exact = Decimal(quantity.value)
    try:
        text = _shifted(exact, factor) or format_value(float(Fraction(exact) * factor))
        value = parse_number(text).value
    except (NumberError, ArithmeticError, ValueError) as refused:
        raise DecisionError(f"{quantity.printed or quantity.value} × {factor} is no number: {refused}") from refused
    sign = {Qualifier.EQUAL: "", Qualifier.BELOW_DETECTION: "LOD "}.get(quantity.qualifier, quantity.qualifier.value)
    return Quantity(quantity.status, f"{sign}{text}", value, quantity.qualifier)


def _shifted(exact: Decimal, factor: Fraction) -> str:
    """The decimal point moved, where the factor is a power of ten: 2.50 × 1000 = 2.50e3. Else nothing."""
    digits = str(factor.numerator if factor.denominator == 1 else factor.denominator)
    if (factor.numerator != 1 and factor.denominator != 1) or digits.strip("0") != "1":
        return ""
    places = len(digits) - 1
    moved = str(_WIDE.scaleb(exact, places if factor.denominator == 1 else -places))
    moved = moved.replace("E+", "e").replace("E", "e")
    return moved if len(moved) < LONGEST - len("LOD ") else ""


def _yes_no(text: str) -> bool:
    known = {"yes": True, "no": False}.get(text.strip().casefold())
    if known is None:
        raise ValueError("yes or no")
    return known


def _weeks(text: str) -> float | None:
    return parse_number(text).value if text.strip() else None


_READ: dict[str, Callable[[str], object]] = {
    "role": Role,
    "phase": Phase,
    "condition": Condition,
    "scale": Scale,
    "eligible": _yes_no,
    "weeks": _weeks,
    "weeks_after_end": _weeks,
    "n_randomised": parse_count,
}
_ALWAYS_SAID = frozenset({"role", "phase", "scale", "eligible"})
_UNREPORTED: dict[str, object] = {
    "n_randomised": Quantity(Status.NOT_REPORTED),
    "weeks": None,
    "weeks_after_end": None,
    "condition": Condition.UNSAID,
}
