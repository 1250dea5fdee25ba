"""The strict number grammar: one reading of a printed number for form, API and import.

A number has ASCII digits, a decimal point, an optional sign (`+`, `-`, or U+2212, which reports print and
which means nothing else) and an optional power of ten (`1.2e3`). A qualifier may stand before it: `<0.5`,
`>= 10`, `~12`, `LOD 0.5`. Whatever needs a guess is refused with a sentence that says what was seen and what
to write. The text is kept as printed, since "1.20" says more than 1.2.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from extraction.number_refusals import explain
from extraction.record import Qualifier, Quantity, Status

E_VALUE = "E_VALUE"  # cannot be read without a guess
E_RANGE = "E_RANGE"  # read, but outside what is possible

MINUS = "\N{MINUS SIGN}"
LARGEST = 1e308  # bound of every stored number, exclusive
SMALLEST = sys.float_info.min  # below it a float loses digits
LARGEST_COUNT = 2**31 - 1  # what an integer column holds
LONGEST = 40  # characters of a printed number

A_NUMBER = "a number with a decimal point, such as 12.5, -0.3, <0.5 or 1.2e3"
A_STATUS = "NR (not reported), NM (not measured) or UN (unclear)"
A_QUANTITY = f"{A_NUMBER}, or {A_STATUS}"
A_COUNT = f"a whole number from 1, such as 25, or {A_STATUS}"
A_LEVEL = "a confidence level in percent, from 50 to below 100, such as 95"

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE](?P<exponent>[+-]?[0-9]+))?")
_QUALIFIER = re.compile(r"(?P<sign>(?:<\s?)?LOD(?=\s)|<=|>=|[<≤>≥~])\s*", re.IGNORECASE)
_QUALIFIERS = {
    "<": Qualifier.LESS,
    "<=": Qualifier.AT_MOST,
    "≤": Qualifier.AT_MOST,
    ">": Qualifier.MORE,
    ">=": Qualifier.AT_LEAST,
    "≥": Qualifier.AT_LEAST,
    "~": Qualifier.ABOUT,
}
_STATUSES = {status.value.casefold(): status for status in (Status.NOT_REPORTED, Status.NOT_MEASURED, Status.UNCLEAR)}

T = TypeVar("T")


class NumberError(ValueError):
    """A text that the grammar refuses.

    `code` is E_VALUE or E_RANGE, `seen` what was given, `allowed` what may stand there, and `suggestions` are
    texts that are taken there and that may be meant (none where nothing can be said).
    """

    def __init__(self, code: str, seen: str, why: str, allowed: str, suggestions: tuple[str, ...] = ()) -> None:
        self.code = code
        self.seen = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in seen[: LONGEST + 1])
        if len(seen) > LONGEST:
            self.seen += "…"
        self.why = why
        self.allowed = allowed
        self.suggestions = suggestions
        advice = f": write {' or '.join(suggestions)}" if suggestions else ""
        super().__init__(f"“{self.seen}” {why}{advice}. Allowed is {allowed}.")

    def allowing(self, allowed: str, parse: Callable[[str], object]) -> NumberError:
        """The same refusal in a place where something else may stand, namely what `parse` reads."""
        possible = tuple(suggestion for suggestion in self.suggestions if _reads(parse, suggestion))
        return NumberError(self.code, self.seen, self.why, allowed, possible)


@dataclass(frozen=True, slots=True)
class Number:
    """A printed number, read.

    `value` is the nearest float64 and `exact` the number itself; `decimals` counts the digits after the point
    when it is written out, and `step` is the unit of the last printed digit: 1.20 → 0.01, 1.2e3 → 100.
    """

    printed: str
    value: float
    qualifier: Qualifier
    decimals: int
    step: float
    exact: Decimal

    @property
    def exact_step(self) -> Decimal:
        return Decimal(1).scaleb(int(self.exact.as_tuple().exponent))


def parse_number(text: str) -> Number:
    """Read one printed number, qualifier included; raise `NumberError` for anything else, blank included."""
    return _number(_text(text, A_NUMBER), A_NUMBER)


def parse_quantity(text: str) -> Quantity:
    """Read a cell: a number, a status (NR, NM, UN in any case), or nothing said where it is blank."""
    printed = _text(text, A_QUANTITY)
    if not printed:
        return Quantity()
    if status := _STATUSES.get(printed.casefold()):
        return Quantity(status)
    number = _number(printed, A_QUANTITY, *_STATUSES)
    return Quantity(Status.REPORTED, number.printed, number.value, number.qualifier)


def parse_count(text: str) -> Quantity:
    """Read a cell that holds a number of people: whole, exact, from 1; or a status; or nothing said.

    "23.0" is refused and 23 suggested: nobody prints a number of people with decimals, so it was not copied.
    """
    try:
        quantity = parse_quantity(text)
    except NumberError as refused:
        raise refused.allowing(A_COUNT, parse_count) from None
    if quantity.value is None:
        return quantity
    printed, value = quantity.printed, quantity.value
    if quantity.qualifier is not Qualifier.EQUAL:
        raise NumberError(E_VALUE, printed, "is not exact, a count is", A_COUNT)
    if not 1 <= value <= LARGEST_COUNT:
        raise NumberError(E_RANGE, printed, "cannot be a number of people", A_COUNT)
    if not value.is_integer():
        raise NumberError(E_VALUE, printed, "is not a whole number", A_COUNT)
    if not re.fullmatch("[0-9]+", printed):
        raise NumberError(E_VALUE, printed, "is not written as a whole number", A_COUNT, (f"{value:.0f}",))
    return quantity


def parse_level(text: str) -> float | None:
    """Read the level of a confidence interval in percent, 50 <= level < 100; None where it is blank."""
    if not _text(text, A_LEVEL):
        return None
    try:
        number = parse_number(text)
    except NumberError as refused:
        raise refused.allowing(A_LEVEL, parse_level) from None
    if number.qualifier is not Qualifier.EQUAL:
        raise NumberError(E_VALUE, number.printed, "is not exact, a confidence level is", A_LEVEL)
    if not 50 <= number.value < 100:
        percent = format_value(float(number.exact * 100))
        possible = (percent,) if 0.5 <= number.value < 1 else ()
        raise NumberError(E_RANGE, number.printed, "is not a confidence level in percent", A_LEVEL, possible)
    return number.value


def parse_cell_value(value: object, parse: Callable[[str], T]) -> T:
    """Read what a spreadsheet or JSON holds in a cell: text as it is, a number as its shortest text.

    `parse` is one of the functions above. A spreadsheet keeps 25 and 25.0 alike, so a whole float reads "25".
    """
    match value:
        case None:
            return parse("")
        case str():
            return parse(value)
        case bool():
            raise NumberError(E_VALUE, str(value).upper(), "is a true/false value", A_QUANTITY)
        case int() | float():
            return parse(format_value(value))
        case dt.date() | dt.time() | dt.timedelta():
            why = "is a date or time: a spreadsheet makes these of numbers such as 5.2, check the report"
            raise NumberError(E_VALUE, str(value), why, A_QUANTITY)
    raise NumberError(E_VALUE, str(value), f"is not a number but {type(value).__name__}", A_QUANTITY)


def format_value(value: float) -> str:
    """The shortest text that reads back as the same float64: 25.0 → "25", 0.1 → "0.1"."""
    if isinstance(value, int) and abs(value) >= LARGEST:
        raise NumberError(E_RANGE, f"{value.bit_length()} bits", "is out of range, 1e308 or more", A_NUMBER)
    if not math.isfinite(value):
        raise NumberError(E_RANGE, repr(value), "is not a finite number", A_NUMBER)
    return repr(float(value) + 0.0).removesuffix(".0")


def shown(text: str) -> str:
    """A number for the eye: a hyphen that means minus becomes U+2212. Never store or compare the result."""
    return re.sub(r"(?<![\w.)])-(?=\.?\d)|(?<=\d[eE])-(?=\d)", MINUS, text)


def _text(text: str, allowed: str) -> str:
    if not isinstance(text, str):
        raise NumberError(E_VALUE, str(text), f"is not text but {type(text).__name__}", allowed)
    return text.strip()


def _number(printed: str, allowed: str, *statuses: str) -> Number:
    """Read a stripped text, or raise with what may be meant: numbers, and words of `statuses`."""
    if not printed:
        raise NumberError(E_VALUE, "", "is blank", allowed)
    if len(printed) > LONGEST:
        raise NumberError(E_VALUE, printed, f"is longer than {LONGEST} characters", allowed)
    sign, rest = _split(printed)
    number = _read(printed, sign, rest, allowed)
    if number is None:
        why, proposals = explain(rest)
        words = [proposal for proposal in proposals if proposal.casefold() in statuses]
        numbers = [f"{sign}{proposal}" for proposal in proposals if _reads(_must_read, f"{sign}{proposal}")]
        raise NumberError(E_VALUE, printed, why, allowed, (*words, *numbers))
    return number


def _read(printed: str, sign: str, rest: str, allowed: str) -> Number | None:
    """The number that the grammar reads, None where it reads none; raise where it is out of range."""
    plain = rest.replace(MINUS, "-")
    found = _NUMBER.fullmatch(plain)
    if found is None:
        return None
    if len((found["exponent"] or "").lstrip("+-0")) > 4:
        raise NumberError(E_RANGE, printed, "has a power of ten that is out of range", allowed)
    exact, value = Decimal(plain), float(plain) + 0.0  # -0.00 is 0
    exponent = int(exact.as_tuple().exponent)
    if abs(value) >= LARGEST or exponent > 307:
        raise NumberError(E_RANGE, printed, "is out of range, 1e308 or more", allowed)
    if exact and abs(value) < SMALLEST:
        raise NumberError(E_RANGE, printed, "is out of range, nearer to 0 than 2.3e-308", allowed)
    step = float(Decimal(1).scaleb(exponent)) or math.ulp(0.0)
    return Number(printed, value, _qualifier(sign), max(0, -exponent), step, exact)


def _must_read(text: str) -> Number:
    number = _read(text, *_split(text), A_NUMBER)
    if number is None:
        raise NumberError(E_VALUE, text, "is not a number", A_NUMBER)
    return number


def _reads(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except NumberError:
        return False
    return True


def _split(printed: str) -> tuple[str, str]:
    """The qualifier as written, and the number after it."""
    found = _QUALIFIER.match(printed)
    return (found[0], printed[found.end() :]) if found else ("", printed)


def _qualifier(sign: str) -> Qualifier:
    if not sign:
        return Qualifier.EQUAL
    return _QUALIFIERS.get(sign.strip(), Qualifier.BELOW_DETECTION)
