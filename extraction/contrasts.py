"""What a contrast statistic is and says, and how two of them compare, also with the arms the other way round. Pure.

A's difference of CBT and waiting list and B's of waiting list and CBT are one statement if the sign alone is turned:
that is exact, so it is accepted as equivalent, and the worked line says so.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Final

from extraction.agreement import Finding, compare_quantities
from extraction.numbers import E_RANGE, E_VALUE, NumberError, format_value, parse_number
from extraction.printed import Printed
from extraction.record import ContrastStatistic, Qualifier, Quantity, Spread, Statistic, Status, Verdict
from extraction.side_by_side import status_of
from extraction.spreads import compare_intervals
from extraction.spreads import says as interval_says

NAMES: Final[Mapping[Statistic, str]] = {
    Statistic.MEAN_DIFFERENCE: "mean difference",
    Statistic.SMD: "standardised mean difference",
    Statistic.T: "t",
    Statistic.F: "F",
    Statistic.P: "p",
    Statistic.CORRELATION: "pre-post correlation r",
    Statistic.SD_CHANGE: "SD of change",
    Statistic.PAIRED_T: "paired t",
    Statistic.P_CHANGE: "p of change",
}
DIFFERENCES: Final = frozenset({Statistic.MEAN_DIFFERENCE, Statistic.SMD})  # that may have a CI
DIRECTED: Final = DIFFERENCES | {Statistic.T}  # change their sign with the order of the arms
IN_UNITS: Final = frozenset({Statistic.MEAN_DIFFERENCE, Statistic.SD_CHANGE})  # of the outcome

_MIRRORED = {
    Qualifier.LESS: Qualifier.MORE,
    Qualifier.AT_MOST: Qualifier.AT_LEAST,
    Qualifier.MORE: Qualifier.LESS,
    Qualifier.AT_LEAST: Qualifier.AT_MOST,
}
_PARTS = re.compile(r"(?P<before>[^0-9.+\-\u2212]*)(?P<sign>[+\-\u2212]?)(?P<digits>.*)", re.DOTALL)


def said(row: ContrastStatistic | None) -> ContrastStatistic | None:
    """The row, or None where nothing was said in it."""
    return None if row is None or set(statuses_of(row)) == {Status.UNSAID} else row


def statuses_of(row: ContrastStatistic) -> tuple[Status, Status, Status]:
    """What is known of the value, the interval and the degrees of freedom."""
    return status_of(row.value), status_of(row.interval), status_of(row.df)


def arms_in_words(statistic: Statistic, arm: str, versus: str) -> str:
    """ "t, CBT against waiting list": which statistic of which arms."""
    return f"{NAMES[statistic]}, {arm} against {versus}" if versus else f"{NAMES[statistic]}, {arm}"


def turned(row: ContrastStatistic) -> ContrastStatistic:
    """The same statement with its two arms the other way round; within one arm there is no other way."""
    if not row.versus:
        return row
    row = replace(row, arm=row.versus, versus=row.arm)
    if row.statistic not in DIRECTED:
        return row
    return replace(row, value=negated(row.value), interval=_mirrored(row.interval))


def negated(quantity: Quantity) -> Quantity:
    """A printed number with the other sign and its digits kept: "<-2.10" is ">2.10"."""
    if quantity.value is None:
        return quantity
    qualifier = _MIRRORED.get(quantity.qualifier, quantity.qualifier)
    printed, value = _with_other_sign(quantity.printed, quantity.value)
    if qualifier is not quantity.qualifier:
        printed = f"{qualifier.value}{_digits(printed)}"
    return Quantity(quantity.status, printed, value, qualifier)


def _mirrored(interval: Spread) -> Spread:
    if interval.low is None or interval.high is None:
        return interval
    low_printed, low = _with_other_sign(interval.high_printed, interval.high)
    high_printed, high = _with_other_sign(interval.low_printed, interval.low)
    return replace(interval, low_printed=low_printed, low=low, high_printed=high_printed, high=high)


def _with_other_sign(printed: str, value: float) -> tuple[str, float]:
    turned_value = 0.0 - value
    try:
        number = parse_number(printed)
    except NumberError:
        return (format_value(turned_value) if math.isfinite(value) else printed), turned_value
    parts = _PARTS.match(printed.strip())
    if parts is None or number.exact == 0:
        return printed, turned_value
    sign = "-" if number.exact > 0 else ""
    return f"{parts['before']}{sign}{parts['digits']}", turned_value


def _digits(printed: str) -> str:
    parts = _PARTS.match(printed)
    return f"{parts['sign']}{parts['digits']}" if parts else printed


# --- Two of them ----------------------------------------------------------------------------------------------------

TURNED: Final = ", the other way round"


def compare(
    a: ContrastStatistic, b: ContrastStatistic, factor: Fraction = Fraction(1), *, other_way: bool = False
) -> Iterator[tuple[str, Finding, str, str]]:
    """Field, finding, what A and what B says; `factor` turns A's unit into B's, `other_way`: B turns the arms."""
    if a.statistic not in IN_UNITS:
        factor = Fraction(1)
    directed = other_way and a.statistic in DIRECTED
    same_way = turned(b) if other_way else b
    value = compare_quantities(a.value, same_way.value, factor)
    interval = compare_intervals(a.interval, same_way.interval, factor)
    says = quantity_says(a.value), quantity_says(b.value)
    ends = interval_says(a.interval), interval_says(b.interval)
    if directed:
        shown, shown_ends = quantity_says(same_way.value), interval_says(same_way.interval)
        same = _same([(a.value.printed, a.value.value)], [(same_way.value.printed, same_way.value.value)])
        value, says = _other_way(value, says[1], shown, same), (says[0], _marked(says[1], status_of(b.value)))
        same = _same(_ends(a.interval), _ends(same_way.interval))
        interval, ends = (
            _other_way(interval, ends[1], shown_ends, same),
            (ends[0], _marked(ends[1], status_of(b.interval))),
        )
    yield "value", value, *says
    yield "interval", interval, *ends
    yield "df", compare_quantities(a.df, b.df), quantity_says(a.df), quantity_says(b.df)


def _other_way(finding: Finding, printed: str, read: str, same: bool) -> Finding:
    """What is found of a statement with its arms turned: the same is equivalent, and nothing is rounded on the way."""
    worked = f"B has the arms the other way round: {printed} is {read} here"
    match finding.verdict:
        case Verdict.ONE_MISSING:
            return finding
        case Verdict.IDENTICAL:
            return Finding(Verdict.EQUIVALENT, worked, finding.takes) if _is_number(read) else finding
        case Verdict.ROUNDING if same:  # 2.1 and 2.10
            return Finding(Verdict.EQUIVALENT, worked, finding.takes)
        case Verdict.EQUIVALENT:
            return Finding(Verdict.EQUIVALENT, f"{worked}; {finding.worked}", finding.takes)
        case _:
            return Finding(Verdict.DIFFERENT, "; ".join(part for part in (worked, finding.worked) if part))


def _ends(interval: Spread) -> list[tuple[str, float | None]]:
    return [(interval.low_printed, interval.low), (interval.high_printed, interval.high)]


def _same(a: list[tuple[str, float | None]], b: list[tuple[str, float | None]]) -> bool:
    """Whether all these numbers are the same, however many decimals are printed."""
    numbers = [(Printed.of(*one), Printed.of(*other)) for one, other in zip(a, b, strict=True)]
    return all(one is not None and other is not None and one.value == other.value for one, other in numbers)


def _is_number(read: str) -> bool:
    return read not in {"–", *(status.value for status in Status)}


def _marked(says: str, status: Status) -> str:
    return f"{says}{TURNED}" if status is Status.REPORTED else says


def quantity_says(quantity: Quantity) -> str:
    """A number as it is shown: as printed, or its status, or a dash where nothing was said."""
    status = status_of(quantity)
    return (quantity.printed or str(quantity.value)) if status is Status.REPORTED else status.value or "–"


def in_words(row: ContrastStatistic) -> str:
    """All that a row says: "-1.70 (95% CI -2.6 to -0.80), df 46, adjusted for baseline"."""
    ends = f" ({interval_says(row.interval)})" if status_of(row.interval) is Status.REPORTED else ""
    df = f", df {row.df.printed}" if row.df.printed else ""
    adjusted = f", adjusted for {row.adjusted}" if row.adjusted else ""
    return f"{quantity_says(row.value)}{ends}{df}{adjusted}"


# --- Degrees of freedom ---------------------------------------------------------------------------------------------

A_DF: Final = "degrees of freedom above 0, such as 48, or of an F both, such as 1, 48; or nothing"
_BOTH_OF_F: Final = re.compile(r"\s*(?P<first>[^,;\s]+)\s*[,;]\s*(?P<second>[^,;\s]+)\s*")


LONGEST_DF: Final = 60  # characters, both of an F together


def read_df(text: str, statistic: Statistic) -> Quantity:
    """Degrees of freedom as printed; of an F both may be given, "1, 48", and the second counts.

    Raises
    ------
    NumberError
        If it is no plain number above 0, two numbers that are not of an F, or more than is kept.
    """
    printed = text.strip()
    if len(printed) > LONGEST_DF:
        raise NumberError(E_VALUE, text, f"has more than {LONGEST_DF} characters, degrees of freedom are", A_DF)
    parts = _BOTH_OF_F.fullmatch(printed) if statistic is Statistic.F else None
    read = [_one_df(part) for part in (parts["first"], parts["second"])] if parts else [_one_df(printed)]
    value = read[-1]
    return Quantity() if value is None else Quantity(Status.REPORTED, printed, value)


def first_df(row: ContrastStatistic) -> float | None:
    """The first of both degrees of freedom of an F, where both are printed."""
    parts = _BOTH_OF_F.fullmatch(row.df.printed)
    return parse_number(parts["first"]).value if parts else None


def _one_df(text: str) -> float | None:
    if not text:
        return None
    number = parse_number(text)
    if number.qualifier is not Qualifier.EQUAL:
        raise NumberError(E_VALUE, text, "is not exact, degrees of freedom are", A_DF)
    if number.value <= 0:
        raise NumberError(E_RANGE, text, "cannot be degrees of freedom", A_DF)
    return number.value
