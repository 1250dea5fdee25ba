"""Numbers with their printed precision, exactly: a printed 2.48 stands for all between 2.475 and 2.485.

Both ends count, because 2.475 may have been rounded either way. Everything is a fraction, so that no
comparison depends on float noise; only square roots are cut, at 50 digits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

from extraction.numbers import NumberError, format_value, parse_number

_DIGITS = Context(prec=50)


@dataclass(frozen=True, slots=True)
class Printed:
    """The value as printed, and half of the unit of its last digit."""

    value: Fraction
    half: Fraction

    @classmethod
    def of(cls, printed: str, value: float | None) -> Printed | None:
        """From the printed text; from the value where the text is not a number; None where neither is one."""
        try:
            exact = parse_number(printed).exact
        except NumberError:
            if value is None or not math.isfinite(value):
                return None
            exact = Decimal(format_value(value))
        return cls(Fraction(exact), Fraction(Decimal(1).scaleb(int(exact.as_tuple().exponent))) / 2)

    def times(self, factor: Fraction) -> Printed:
        return Printed(self.value * factor, self.half * abs(factor))

    def below(self, high: Printed) -> Printed:
        """The width from this number up to another one."""
        return Printed(high.value - self.value, high.half + self.half)

    def meets(self, other: Printed) -> bool:
        """Whether one number may stand behind both."""
        return abs(self.value - other.value) <= self.half + other.half

    def rounds_to(self, other: Printed) -> bool:
        """Whether the more precise of the two, rounded to the other's precision, is the other. Half goes either way.

        False where both have the same precision: then they are equal or they are not.
        """
        return self.half != other.half and abs(self.value - other.value) <= max(self.half, other.half)


def root(n: int) -> Fraction:
    """√n: exact for squares, else to 50 digits."""
    return Fraction(Decimal(n).sqrt(_DIGITS))


def in_words(value: Fraction) -> str:
    """A number in a worked line, to 6 significant digits: enough to see that two agree."""
    try:
        return f"{float(value):.6g}"
    except OverflowError:
        return "a number out of range"
