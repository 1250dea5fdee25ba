"""What two statements about one quantity say together: the verdicts and their reasons.

Built for `extraction.compare`. A finding whose verdict is accepted names the side whose printed form is taken:
of two roundings the more precise, of two forms the nearer to mean and SD, on a tie A's. Where the units differ
by a factor it is always A's, since FINAL has one unit per outcome and the unit is A's.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from extraction.printed import Printed, in_words
from extraction.record import Quantity, Side, Status, Verdict
from extraction.side_by_side import status_of


@dataclass(frozen=True, slots=True)
class Finding:
    verdict: Verdict
    worked: str = ""
    takes: Side | None = None


IDENTICAL = Finding(Verdict.IDENTICAL, takes=Side.A)
ONE_MISSING = Finding(Verdict.ONE_MISSING)
DIFFERENT = Finding(Verdict.DIFFERENT)


def by_status(a: Status, b: Status) -> Finding | None:
    """What the statuses alone decide; None where both sides report a value.

    Blank and "not reported" agree that there is no value. "Not measured" and "unclear" say more than a blank.
    """
    if a is b is Status.REPORTED:
        return None
    if a is b or {a, b} == {Status.UNSAID, Status.NOT_REPORTED}:
        return IDENTICAL
    if Status.REPORTED in {a, b} or Status.UNSAID in {a, b}:
        return ONE_MISSING
    return DIFFERENT


def compare_quantities(a: Quantity, b: Quantity, factor: Fraction = Fraction(1)) -> Finding:
    """What two quantities say together; `factor` turns A's unit into B's."""
    stated = by_status(status_of(a), status_of(b))
    if stated is not None:
        return stated
    if a.qualifier is not b.qualifier:
        return DIFFERENT
    return compare_printed((a.printed, a.value), (b.printed, b.value), factor)


def compare_printed(
    a: tuple[str, float | None], b: tuple[str, float | None], factor: Fraction = Fraction(1)
) -> Finding:
    """What two numbers, each as printed and as read, say together."""
    if a == b and factor == 1:
        return IDENTICAL  # most are: what needs no reading is not read
    x, y = Printed.of(*a), Printed.of(*b)
    if x is None or y is None:  # not a number: nothing but the text can agree
        return IDENTICAL if x is y and a[0].strip() == b[0].strip() else DIFFERENT
    if factor != 1:
        return _in_two_units(x, y, factor)
    if x == y:
        return IDENTICAL
    if not x.rounds_to(y):
        return DIFFERENT
    finer, coarser = sorted((x, y), key=lambda number: number.half)
    worked = f"{in_words(finer.value)} is {in_words(coarser.value)} at the printed precision"
    return Finding(Verdict.ROUNDING, worked, Side.A if finer is x else Side.B)


def compare_words(a: str, b: str) -> Finding:
    """What two codes or short texts say together; case and white space say nothing."""
    folded_a, folded_b = (" ".join(text.split()).casefold() for text in (a, b))
    if folded_a == folded_b:
        return IDENTICAL
    return DIFFERENT if folded_a and folded_b else ONE_MISSING


def converted(value: Fraction, factor: Fraction) -> str:
    """The end of a sum that changes the unit; nothing where the unit stays."""
    if factor == 1:
        return ""
    return f" × {factor} = {in_words(value * factor)}"


def _in_two_units(x: Printed, y: Printed, factor: Fraction) -> Finding:
    if x.value == y.value == 0:
        return IDENTICAL
    worked = f"{in_words(x.value)}{converted(x.value, factor)}; B says {in_words(y.value)}"
    if x.times(factor).meets(y):
        return Finding(Verdict.EQUIVALENT, worked, Side.A)
    return Finding(Verdict.DIFFERENT, worked)
