"""A spread from the texts in which a person gives it: one number, or two ends."""

from __future__ import annotations

from extraction import numbers, record
from extraction.record import TWO_ENDED, SpreadKind, Status

SPREAD_TEXTS = ("spread_kind", "spread", "spread_low", "spread_high", "spread_level")


class SpreadProblem(ValueError):
    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


def read_spread(
    *, spread_kind: str, spread: str, spread_low: str, spread_high: str, spread_level: str
) -> record.Spread:
    """A spread from its texts; raises `SpreadProblem` naming the field."""
    kind = SpreadKind(spread_kind)
    one = _part("spread", spread)
    low, high = _end("spread_low", spread_low), _end("spread_high", spread_high)
    try:
        level = numbers.parse_level(spread_level)
    except numbers.NumberError as error:
        raise SpreadProblem("spread_level", str(error)) from error
    _check_ends(kind, one, low, high)
    _check_one(kind, one)
    reported = one.value is not None or low.value is not None
    return record.Spread(
        kind=kind,
        status=Status.REPORTED if reported else one.status,
        printed=one.printed,
        value=one.value,
        qualifier=one.qualifier,
        low_printed=low.printed,
        low=low.value,
        high_printed=high.printed,
        high=high.value,
        level=level,
    )


def _part(name: str, text: str) -> record.Quantity:
    try:
        return numbers.parse_quantity(text)
    except numbers.NumberError as error:
        raise SpreadProblem(name, str(error)) from error


def _end(name: str, text: str) -> record.Quantity:
    end = _part(name, text)
    if end.status not in {Status.UNSAID, Status.REPORTED} or end.qualifier != record.Qualifier.EQUAL:
        raise SpreadProblem(name, "an end is a plain number; put NR, NM or UN in the spread itself.")
    return end


def _check_ends(kind: SpreadKind, one: record.Quantity, low: record.Quantity, high: record.Quantity) -> None:
    if low.value is None and high.value is None:
        return
    if low.value is None or high.value is None:
        raise SpreadProblem("spread_low" if low.value is None else "spread_high", "both ends are needed.")
    if kind not in TWO_ENDED:
        named = f"not {kind.value}" if kind else "and its kind is needed"
        raise SpreadProblem("spread_kind", f"two ends are given; that is a CI, an IQR or a range, {named}.")
    if high.value < low.value:
        raise SpreadProblem("spread_high", f"the upper end {high.printed} is below the lower end {low.printed}.")
    if one.status != Status.UNSAID:
        raise SpreadProblem("spread", "give the two ends or one number, not both.")


def _check_one(kind: SpreadKind, one: record.Quantity) -> None:
    if one.value is None:
        return
    if kind == SpreadKind.NONE:
        raise SpreadProblem("spread_kind", "say what kind of spread this is: SD, SE, CI …")
    if kind in {SpreadKind.CI, SpreadKind.RANGE}:
        raise SpreadProblem("spread", f"a {kind.value} has two ends; one number was given.")
    if one.value < 0:
        raise SpreadProblem("spread", f"a spread cannot be negative; {one.printed} was given.")
