"""One error at random in a copy of a trial, or one honest difference."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from extraction.numbers import parse_count, parse_quantity
from extraction.record import (
    Entry,
    Observation,
    Quantity,
    Spread,
    SpreadKind,
    Status,
)
from extraction.side_by_side import whole_n
from extraction.units import fold
from tests.extraction.entries import ci, sd, se
from tests.extraction.trials_at_random import at_places, places_for, units


@dataclass(frozen=True, slots=True)
class Planted:
    """A copy with an error; `at` are the (row, field) that it shows at."""

    entry: Entry
    at: frozenset[tuple[str, str]]
    code: str


Planter = Callable[[random.Random, Entry], Planted | None]  # None: the trial has no place for it


def with_rows(entry: Entry, rows: Mapping[str, Observation | None]) -> Entry:
    kept = (rows.get(row.key, row) for row in entry.observations)
    return replace(entry, observations=tuple(row for row in kept if row is not None))


def one_row(entry: Entry, row: Observation, what: str, code: str) -> Planted:
    return Planted(with_rows(entry, {row.key: row}), frozenset({(row.key, what)}), code)


def written(value: Decimal) -> str:
    return format(value, "f")


# --- Sign -----------------------------------------------------------------------------------------------------------


def turned(printed: str) -> str:
    return printed[1:] if printed.startswith("-") else f"-{printed}"


def sign_of_centre(chance: random.Random, entry: Entry) -> Planted | None:
    rows = [row for row in entry.observations if row.centre.value]
    if not rows:
        return None
    row = chance.choice(rows)
    return one_row(entry, replace(row, centre=parse_quantity(turned(row.centre.printed))), "centre", "sign")


def sign_of_an_end(chance: random.Random, entry: Entry) -> Planted | None:
    rows = [row for row in entry.observations if row.spread.kind is SpreadKind.CI and (row.spread.low or 0) < 0]
    if not rows:
        return None
    row = chance.choice(rows)
    changed = ci(turned(row.spread.low_printed), row.spread.high_printed)
    return one_row(entry, replace(row, spread=changed), "spread", "sign")


def sign_of_a_row(chance: random.Random, entry: Entry) -> Planted | None:
    """The difference taken the other way round: the mean and its interval are mirrored."""
    rows = [row for row in entry.observations if row.spread.kind is SpreadKind.CI and row.centre.value]
    if not rows:
        return None
    row = chance.choice(rows)
    mirrored = replace(
        row,
        centre=parse_quantity(turned(row.centre.printed)),
        spread=ci(turned(row.spread.high_printed), turned(row.spread.low_printed)),
    )
    return Planted(with_rows(entry, {row.key: mirrored}), frozenset({(row.key, "centre"), (row.key, "spread")}), "sign")


# --- SE as SD -------------------------------------------------------------------------------------------------------


def se_under_the_name_of_sd(chance: random.Random, entry: Entry) -> Planted | None:
    """The report prints an SE; one side has the same digits as SD."""
    rows = [row for row in entry.observations if row.spread.kind is SpreadKind.SE and (whole_n(row) or 0) > 1]
    if not rows:
        return None
    row = chance.choice(rows)
    return one_row(entry, replace(row, spread=sd(row.spread.printed)), "spread", "se_as_sd")


def se_from_another_place(chance: random.Random, entry: Entry) -> Planted | None:
    """The report prints the SD in a table and the SE in the text or a figure; one side has the SE as SD."""
    rows = [row for row in entry.observations if row.spread.kind is SpreadKind.SD and (whole_n(row) or 0) > 2]
    if not rows:
        return None
    row = chance.choice(rows)
    error = float(row.spread.value or 0) / math.sqrt(whole_n(row) or 1)
    printed = at_places(error, places_for(error, chance.choice([2, 2, 3])))
    if Fraction(row.spread.printed) == 10 * Fraction(printed):
        return None  # n near 100 and the very same digits: nobody can say whether the point slipped
    return one_row(entry, replace(row, spread=sd(printed)), "spread", "se_as_sd")


def sd_under_the_name_of_se(chance: random.Random, entry: Entry) -> Planted | None:
    rows = [row for row in entry.observations if row.spread.kind is SpreadKind.SD and (whole_n(row) or 0) > 1]
    if not rows:
        return None
    row = chance.choice(rows)
    return one_row(entry, replace(row, spread=se(row.spread.printed)), "spread", "se_as_sd")


# --- Digits ---------------------------------------------------------------------------------------------------------


def slipped(chance: random.Random, printed: str) -> str | None:
    value = Decimal(printed)
    return written(value.scaleb(chance.choice([-2, -1, -1, 1, 1, 2]))) if value else None


def exchanged(chance: random.Random, printed: str) -> str | None:
    """Two neighbouring digits exchanged. Not 0.10 and 0.01, of which nobody can say whether the point slipped."""
    digits = [place for place, mark in enumerate(printed) if mark.isdigit()]
    pairs = [(i, j) for i, j in pairwise(digits) if printed[i] != printed[j]]
    if not pairs:
        return None
    i, j = chance.choice(pairs)
    marks = list(printed)
    marks[i], marks[j] = marks[j], marks[i]
    made = "".join(marks)
    ratio = Fraction(made) / Fraction(printed) if Fraction(printed) else Fraction(0)
    ambiguous = not ratio or ratio in {Fraction(10) ** shift for shift in (-2, -1, 1, 2)}
    leading = made.lstrip("-").startswith("0") and not made.lstrip("-").startswith("0.")
    return None if ambiguous or leading else made


def in_a_number(change: Callable[[random.Random, str], str | None], what: str, code: str) -> Planter:
    def plant(chance: random.Random, entry: Entry) -> Planted | None:
        row = chance.choice(entry.observations)
        if what == "centre":
            made = change(chance, row.centre.printed)
            return one_row(entry, replace(row, centre=parse_quantity(made)), what, code) if made else None
        if row.spread.kind is SpreadKind.CI:
            made = change(chance, row.spread.high_printed)
            if made is None or float(made) < float(row.spread.low_printed):
                return None
            return one_row(entry, replace(row, spread=ci(row.spread.low_printed, made)), what, code)
        made = change(chance, row.spread.printed)
        if made is None or float(made) == 0:
            return None
        spread = sd(made) if row.spread.kind is SpreadKind.SD else se(made)
        return one_row(entry, replace(row, spread=spread), what, code)

    return plant


def digits_of_n(chance: random.Random, entry: Entry) -> Planted | None:
    row = chance.choice(entry.observations)
    made = exchanged(chance, row.n.printed)
    return one_row(entry, replace(row, n=parse_count(made)), "n", "digits_transposed") if made else None


def point_of_n(chance: random.Random, entry: Entry) -> Planted | None:
    row = chance.choice(entry.observations)
    return one_row(entry, replace(row, n=parse_count(f"{row.n.printed}0")), "n", "decimal_point")


# --- Units ----------------------------------------------------------------------------------------------------------


def times(row: Observation, factor: Fraction, digits: int) -> Observation:
    """The row as the same report would print it in another unit: rounded anew, from the same numbers."""

    def text(value: float | None) -> str:
        moved = float(value or 0) * float(factor)
        return at_places(moved, places_for(abs(moved), digits) if moved else digits)

    if row.spread.kind is SpreadKind.CI:
        spread = ci(text(row.spread.low), text(row.spread.high))
    else:
        spread = (sd if row.spread.kind is SpreadKind.SD else se)(text(row.spread.value))
    return replace(row, centre=parse_quantity(text(row.centre.value)), spread=spread)


def another_unit(whole_outcome: bool) -> Planter:
    def plant(chance: random.Random, entry: Entry) -> Planted | None:
        outcome = chance.choice(entry.outcomes)
        known = sorted({Fraction(1000), Fraction(1, 1000), *units().factors(outcome.unit, outcome.marker)})
        factor = chance.choice([one for one in known if Fraction(1, 10**6) <= one <= 10**6])
        rows = [row for row in entry.observations if row.outcome == outcome.key]
        if not whole_outcome:
            rows = [chance.choice(rows)] if rows else []
        rows = [row for row in rows if row.centre.value]
        if not rows:
            return None
        digits = chance.choice([2, 3, 3])
        made = {row.key: times(row, factor, digits) for row in rows}
        at = frozenset((row.key, what) for row in rows for what in ("centre", "spread"))
        return Planted(with_rows(entry, dict(made)), at, "unit_factor")

    return plant


def another_name_of_the_unit(chance: random.Random, entry: Entry) -> Planted | None:
    """The digits of the report under a unit a thousand times as large."""
    outcome = chance.choice(entry.outcomes)
    larger = {"pg/mL": "ng/mL", "ng/mL": "µg/mL", "mg/L": "g/L", "µg/L": "mg/L"}.get(fold(outcome.unit))
    if larger is None:
        return None
    others = tuple(replace(one, unit=larger) if one is outcome else one for one in entry.outcomes)
    rows = [row for row in entry.observations if row.outcome == outcome.key and row.centre.value]
    at = frozenset((row.key, what) for row in rows for what in ("centre", "spread"))
    return Planted(replace(entry, outcomes=others), at, "unit_factor")


# --- Rows -----------------------------------------------------------------------------------------------------------


def swapped(by: str, code: str) -> Planter:
    """The values of two rows of an outcome stand at each other's place, in one block or in all of them."""

    def plant(chance: random.Random, entry: Entry) -> Planted | None:
        outcome = chance.choice(entry.outcomes)
        rows = [row for row in entry.observations if row.outcome == outcome.key]
        pairs = [
            (x, y)
            for x in rows
            for y in rows
            if x.key < y.key
            and x.quantity is y.quantity
            and getattr(x, by) != getattr(y, by)
            and all(getattr(x, name) == getattr(y, name) for name in ("arm", "timepoint") if name != by)
            and x.centre.value != y.centre.value
        ]
        if not pairs:
            return None
        x, y = chance.choice(pairs)
        takes_n = chance.random() < 0.5
        made = {
            one.key: replace(one, centre=other.centre, spread=other.spread, n=other.n if takes_n else one.n)
            for one, other in ((x, y), (y, x))
        }
        return Planted(with_rows(entry, dict(made)), frozenset({(x.key, "centre"), (y.key, "centre")}), code)

    return plant


def left_out(chance: random.Random, entry: Entry) -> Planted | None:
    row = chance.choice(entry.observations)
    return Planted(with_rows(entry, {row.key: None}), frozenset({(row.key, "row")}), "only")


def not_reported(chance: random.Random, entry: Entry) -> Planted | None:
    row, what = chance.choice(entry.observations), chance.choice(["n", "centre", "spread"])
    silent: Quantity | Spread = Quantity(Status.NOT_REPORTED)
    if what == "spread":
        silent = Spread(row.spread.kind, Status.NOT_REPORTED)
    return one_row(entry, replace(row, **{what: silent}), what, "only")  # type: ignore[arg-type]


PLANTERS: Mapping[str, Planter] = {
    "sign of a mean": sign_of_centre,
    "minus of an interval's end lost": sign_of_an_end,
    "mean and interval mirrored": sign_of_a_row,
    "SE under the name of SD": se_under_the_name_of_sd,
    "SE from elsewhere as SD": se_from_another_place,
    "SD under the name of SE": sd_under_the_name_of_se,
    "decimal point of a mean": in_a_number(slipped, "centre", "decimal_point"),
    "decimal point of a spread": in_a_number(slipped, "spread", "decimal_point"),
    "a zero too many in n": point_of_n,
    "digits of a mean": in_a_number(exchanged, "centre", "digits_transposed"),
    "digits of a spread": in_a_number(exchanged, "spread", "digits_transposed"),
    "digits of n": digits_of_n,
    "unit of a row": another_unit(whole_outcome=False),
    "unit of an outcome": another_unit(whole_outcome=True),
    "unit under another name": another_name_of_the_unit,
    "arms swapped": swapped("arm", "arms_swapped"),
    "times swapped": swapped("timepoint", "times_swapped"),
    "row left out": left_out,
    "value left out": not_reported,
}


# --- Honest differences ---------------------------------------------------------------------------------------------


def honest(chance: random.Random, entry: Entry) -> Entry:
    """Another table of the same report for one outcome: completers for all, adjusted for raw, read off a figure."""
    outcome = chance.choice(entry.outcomes)
    manner = chance.choice(["completers", "figure", "one number"])
    rows = [row for row in entry.observations if row.outcome == outcome.key]
    if manner == "one number":
        rows = [chance.choice(rows)] if rows else []
    return with_rows(entry, {row.key: _otherwise(chance, row, manner) for row in rows})


def _otherwise(chance: random.Random, row: Observation, manner: str) -> Observation:
    n = whole_n(row) or 10
    spread, centre = row.spread, float(row.centre.value or 0)
    if spread.kind is SpreadKind.CI:
        half = ((spread.high or 0) - (spread.low or 0)) / 2
        deviation, places = half * math.sqrt(n) / 2, _decimals(spread.high_printed)
    else:
        places = _decimals(spread.printed)
        deviation = float(spread.value or 0) * (math.sqrt(n) if spread.kind is SpreadKind.SE else 1)
    shift = {"completers": 0.2, "figure": 0.1, "one number": 0.5}[manner]
    scale = {"completers": 0.15, "figure": 0.1, "one number": 0.4}[manner]
    moved = centre + deviation * chance.gauss(0, shift)
    if centre > 0 and row.quantity == "score":
        moved = abs(moved)
    factor = math.exp(chance.gauss(0, scale))
    fewer = max(3, n - chance.randint(1, max(1, n // 5))) if manner != "figure" else n
    if spread.kind is SpreadKind.CI:
        half = max(((spread.high or 0) - (spread.low or 0)) / 2 * factor, 10.0**-places)
        other = ci(at_places(moved - half, places), at_places(moved + half, places))
    else:
        other = (sd if spread.kind is SpreadKind.SD else se)(at_places(float(spread.value or 0) * factor, places))
    centre_places = _decimals(row.centre.printed)
    return replace(row, n=parse_count(str(fewer)), centre=parse_quantity(at_places(moved, centre_places)), spread=other)


def _decimals(printed: str) -> int:
    return len(printed.partition(".")[2])
