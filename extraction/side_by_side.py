"""Two entries laid side by side by their matches, in an order that depends on their rows alone.

A match of one row with one row makes a pair. A merge (several rows on a side), "only one side saw it" and a row
that no match names leave each row alone in its pair: it cannot be compared one to one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from extraction.record import (
    Arm,
    Characteristic,
    ContrastStatistic,
    Entry,
    Match,
    Observation,
    Outcome,
    Qualifier,
    Quantity,
    QuantityKind,
    Side,
    Spread,
    Statistic,
    Status,
    Subject,
    Timepoint,
)


class Keyed(Protocol):
    @property
    def key(self) -> str: ...


Row = TypeVar("Row", bound=Keyed)

_QUANTITY_ORDER, _STATISTIC_ORDER = tuple(QuantityKind), tuple(Statistic)


@dataclass(frozen=True, slots=True)
class Pair(Generic[Row]):
    """A's row and B's row for the same thing; one of them None where one side lacks it."""

    a: Row | None
    b: Row | None

    @property
    def keys(self) -> tuple[str | None, str | None]:
        return (self.a.key if self.a else None, self.b.key if self.b else None)

    @property
    def both(self) -> bool:
        return self.a is not None and self.b is not None

    @property
    def one(self) -> Row:
        """A's row where A has it, else B's."""
        return next(row for row in (self.a, self.b) if row is not None)

    @property
    def key(self) -> str:
        """The key under which the pair goes on: A's where A has the row, else B's."""
        return self.one.key

    def of(self, side: Side) -> Row | None:
        return self.a if side is Side.A else self.b


@dataclass(frozen=True, slots=True)
class Cell:
    """A pair of observations with its place: indices into the pairs of arms, timepoints and outcomes."""

    arm: int
    timepoint: int
    outcome: int
    quantity: QuantityKind
    rows: Pair[Observation]


@dataclass(frozen=True, slots=True)
class Contrast:
    """A pair of contrast statistics with its place; `arm` and `versus` as A's row has them, where A has the row."""

    arm: int
    versus: int | None  # None within one arm
    timepoint: int
    outcome: int
    statistic: Statistic
    rows: Pair[ContrastStatistic]
    turned: bool  # B's row has the two arms the other way round


@dataclass(frozen=True, slots=True)
class Feature:
    """A pair of characteristics; `arm` is the index of the pair of arms, None for the trial itself."""

    moderator: str
    arm: int | None
    rows: Pair[Characteristic]


@dataclass(frozen=True, slots=True)
class SideBySide:
    arms: tuple[Pair[Arm], ...]
    timepoints: tuple[Pair[Timepoint], ...]
    outcomes: tuple[Pair[Outcome], ...]
    cells: tuple[Cell, ...]  # by arm, timepoint, outcome, quantity
    features: tuple[Feature, ...]
    contrasts: tuple[Contrast, ...]  # by arms, timepoint, outcome, statistic


def lay(a: Entry, b: Entry, matches: Sequence[Match]) -> SideBySide:
    """Pair all rows of two entries.

    Raises
    ------
    ValueError
        If an entry has two rows in one place, or a row that names an arm, timepoint or outcome it lacks.
    """
    arms = _pairs(a.arms, b.arms, _joins(matches, Subject.ARM))
    timepoints = _pairs(a.timepoints, b.timepoints, _joins(matches, Subject.TIMEPOINT))
    outcomes = _pairs(a.outcomes, b.outcomes, _joins(matches, Subject.OUTCOME))
    arm_at, time_at, outcome_at = _index(arms), _index(timepoints), _index(outcomes)

    def place(row: Observation, side: Side) -> tuple[int, int, int, int]:
        return (
            arm_at[side, row.arm],
            time_at[side, row.timepoint],
            outcome_at[side, row.outcome],
            _QUANTITY_ORDER.index(row.quantity),
        )

    def feature_place(row: Characteristic, side: Side) -> tuple[str, int | None]:
        return row.moderator, arm_at[side, row.arm] if row.arm else None

    def contrast_place(row: ContrastStatistic, side: Side) -> tuple[int, int, int, int, int]:
        """The same whichever of the two arms is named first; -1 is no second arm."""
        arms_named = sorted((arm_at[side, row.arm], arm_at[side, row.versus] if row.versus else -1))
        places = time_at[side, row.timepoint], outcome_at[side, row.outcome], _STATISTIC_ORDER.index(row.statistic)
        return arms_named[0], arms_named[1], *places

    def contrast(rows: Pair[ContrastStatistic]) -> Contrast:
        side = Side.A if rows.a is not None else Side.B
        one = rows.one
        arm = arm_at[side, one.arm]
        return Contrast(
            arm,
            arm_at[side, one.versus] if one.versus else None,
            time_at[side, one.timepoint],
            outcome_at[side, one.outcome],
            one.statistic,
            rows,
            turned=rows.a is not None and rows.b is not None and arm_at[Side.B, rows.b.arm] != arm,
        )

    stated = _by_place(a.contrasts, b.contrasts, contrast_place)
    observations = _by_place(a.observations, b.observations, place)
    features = _by_place(a.characteristics, b.characteristics, feature_place)
    return SideBySide(
        arms,
        timepoints,
        outcomes,
        tuple(
            Cell(arm, timepoint, outcome, _QUANTITY_ORDER[quantity], rows)
            for (arm, timepoint, outcome, quantity), rows in sorted(observations.items(), key=lambda item: item[0])
        ),
        tuple(Feature(moderator, arm, rows) for (moderator, arm), rows in features.items()),
        tuple(contrast(rows) for _, rows in sorted(stated.items(), key=lambda item: item[0])),
    )


def status_of(quantity: Quantity | Spread) -> Status:
    """What is known of a quantity: REPORTED where it has a number or a text, whatever its status forgot to say."""
    status = quantity.status
    if status is Status.NOT_REPORTED or status is Status.NOT_MEASURED or status is Status.UNCLEAR:
        return status
    if quantity.value is not None or quantity.printed.strip():
        return Status.REPORTED
    if isinstance(quantity, Spread) and (quantity.low is not None or quantity.high is not None):
        return Status.REPORTED
    return Status.UNSAID


def statuses_of(row: Observation) -> tuple[Status, Status, Status]:
    """What is known of n, centre and spread."""
    return status_of(row.n), status_of(row.centre), status_of(row.spread)


def said(row: Observation | None) -> Observation | None:
    """The row, or None where nothing was said in it: a grid makes such rows, and they say no more than none."""
    blank = row is None or all(status_of(one) is Status.UNSAID for one in (row.n, row.centre, row.spread))
    return None if blank else row


def whole_n(row: Observation) -> int | None:
    """The n of an observation where it is reported, exact and whole."""
    n = row.n
    known = status_of(n) is Status.REPORTED and n.qualifier is Qualifier.EQUAL
    if not known or n.value is None or n.value < 1 or not n.value.is_integer():
        return None
    return int(n.value)


def _joins(matches: Iterable[Match], subject: Subject) -> list[tuple[str, str]]:
    return [
        (match.a[0], match.b[0])
        for match in matches
        if match.subject is subject and len(match.a) == 1 and len(match.b) == 1
    ]


def _pairs(rows_a: Sequence[Row], rows_b: Sequence[Row], joins: Iterable[tuple[str, str]]) -> tuple[Pair[Row], ...]:
    """A's rows in their order with their partners, then what is left of B."""
    of_a, of_b = {row.key for row in rows_a}, {row.key: row for row in rows_b}
    partner: dict[str, str] = {}
    for key_a, key_b in joins:
        if key_a in of_a - partner.keys() and key_b in of_b.keys() - set(partner.values()):
            partner[key_a] = key_b
    taken = set(partner.values())
    pairs = [Pair(row, of_b[partner[row.key]] if row.key in partner else None) for row in rows_a]
    pairs += [Pair(None, row) for row in rows_b if row.key not in taken]
    return tuple(pairs)


def _index(pairs: Sequence[Pair[Row]]) -> Mapping[tuple[Side, str], int]:
    return {
        (side, row.key): position
        for position, pair in enumerate(pairs)
        for side, row in ((Side.A, pair.a), (Side.B, pair.b))
        if row is not None
    }


Place = TypeVar("Place")


def _by_place(
    rows_a: Sequence[Row], rows_b: Sequence[Row], place: Callable[[Row, Side], Place]
) -> dict[Place, Pair[Row]]:
    """Rows of both sides by their place, A's places first."""
    at: dict[Side, dict[Place, Row]] = {Side.A: {}, Side.B: {}}
    for side, rows in ((Side.A, rows_a), (Side.B, rows_b)):
        for row in rows:
            try:
                where = place(row, side)
            except KeyError as missing:
                raise ValueError(f"Entry {side} has a row that names what it lacks: {missing}") from missing
            if where in at[side]:
                raise ValueError(f"Entry {side} has two rows in one place: {row.key} and {at[side][where].key}")
            at[side][where] = row
    places = dict.fromkeys([*at[Side.A], *at[Side.B]])
    return {where: Pair(at[Side.A].get(where), at[Side.B].get(where)) for where in places}
