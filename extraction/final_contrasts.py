"""The contrasts of the FINAL record: as `extraction.final` does it for observations, in the order of arms that A has.

What is taken from a side that has the two arms the other way round is turned, and a note keeps what was printed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from extraction import contrasts
from extraction.contrasts import DIRECTED, IN_UNITS, quantity_says
from extraction.final_decision import SIDE, Choice, Decision
from extraction.final_values import DecisionError, contrast_in_other_unit
from extraction.numbers import NumberError, parse_quantity
from extraction.record import ContrastStatistic, Quantity, Side, Source, Spread, Status, Subject
from extraction.side_by_side import Contrast, Pair, SideBySide, status_of
from extraction.spreads import says as interval_says

ROW = "row"
NAMES = ("value", "interval", "df")
Decide = Callable[[Subject, str, Pair[Any]], Decision | None]


@dataclass
class FinalContrasts:
    beside: SideBySide
    decided: Decide
    to_final_unit: Callable[[int, Side], Fraction]
    rows: dict[Contrast, ContrastStatistic] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one in self.beside.contrasts:
            if (row := self._row(one)) is not None:
                self.rows[one] = row

    @property
    def arms(self) -> set[int]:
        return {arm for one in self.rows for arm in (one.arm, one.versus) if arm is not None}

    def all(
        self,
        arms: Mapping[int, Any],
        times: Mapping[int, Any],
        outcomes: Mapping[int, Any],
        order: Sequence[str],
    ) -> tuple[ContrastStatistic, ...]:
        """Every contrast of FINAL, with those that say nothing where what they stand on is there."""
        found = dict(self.rows)
        for one in self.beside.contrasts:
            named = one.arm in arms and (one.versus is None or one.versus in arms)
            placed = named and one.timepoint in times and one.outcome in outcomes
            if placed and one not in found and (silent := self._silent(one)) is not None:
                found[one] = silent
        place = {key: number for number, key in enumerate(dict.fromkeys(order))}
        return tuple(sorted(found.values(), key=lambda row: place[row.key]))

    def _row(self, one: Contrast) -> ContrastStatistic | None:
        """A row in which both sides say something, or that a decision on the whole row takes in."""
        rows = self._said(one)
        if rows.a is not None and rows.b is not None:
            return self._joined(one, rows.a, rows.b)
        decision = self.decided(Subject.CONTRAST, ROW, rows)
        if decision is None:
            return None
        if decision.choice in SIDE:
            side = SIDE[decision.choice]
            taken = rows.of(side)
            if taken is None:
                return None
            return self._placed(self._noted(one, side, self._offered(one, side, taken), taken), one, rows.key)
        value = _value(decision) if decision.choice == Choice.OTHER else Quantity(Status.NOT_REPORTED)
        row = replace(rows.one, value=value, interval=Spread(), df=Quantity())
        return self._placed(row, one, rows.key)

    def _joined(self, one: Contrast, a: ContrastStatistic, b: ContrastStatistic) -> ContrastStatistic:
        offered = {Side.A: self._offered(one, Side.A, a), Side.B: self._offered(one, Side.B, b)}
        values: dict[str, Any] = {}
        sides: dict[str, Side] = {}
        for name in NAMES:
            decision = self.decided(Subject.CONTRAST, name, Pair(a, b))
            if decision is not None and decision.choice not in SIDE:
                values[name] = _decided(name, decision, a)
                continue
            silent_a, silent_b = (status_of(getattr(row, name)) is Status.UNSAID for row in (a, b))
            sides[name] = SIDE[decision.choice] if decision else Side.B if silent_a and not silent_b else Side.A
            values[name] = getattr(offered[sides[name]], name)
        first, second = (b, a) if sides.get("value") is Side.B else (a, b)
        row = replace(
            a,
            **values,
            adjusted=first.adjusted or second.adjusted,
            source=first.source if first.source != Source() else second.source,
            notes=a.notes or b.notes,
        )
        for side in sorted({sides[name] for name in ("value", "interval") if name in sides}):
            taken = [name for name in ("value", "interval") if sides.get(name) is side]
            row = self._noted(one, side, row, a if side is Side.A else b, taken)
        return self._placed(row, one, Pair(a, b).key)

    def _silent(self, one: Contrast) -> ContrastStatistic | None:
        """A row without a difference that one side has, or that says nothing on both: it says no more than NR."""
        rows = self._said(one)
        if self.decided(Subject.CONTRAST, ROW, rows) is not None:
            return None
        return self._placed(rows.a or rows.b or one.rows.one, one, one.rows.key)

    @staticmethod
    def _said(one: Contrast) -> Pair[ContrastStatistic]:
        return Pair(contrasts.said(one.rows.a), contrasts.said(one.rows.b))

    def _offered(self, one: Contrast, side: Side, row: ContrastStatistic) -> ContrastStatistic:
        """A side's row in the order of arms and in the unit of FINAL."""
        row = contrasts.turned(row) if one.turned and side is Side.B else row
        return contrast_in_other_unit(row, self._factor(one, side))

    def _factor(self, one: Contrast, side: Side) -> Fraction:
        return self.to_final_unit(one.outcome, side) if one.statistic in IN_UNITS else Fraction(1)

    def _noted(
        self,
        one: Contrast,
        side: Side,
        row: ContrastStatistic,
        printed: ContrastStatistic,
        names: Collection[str] = ("value", "interval"),
    ) -> ContrastStatistic:
        """With a note of what was printed where that was turned or is now in another unit."""
        factor = self._factor(one, side)
        changed = [f"× {factor}"] if factor != 1 else []
        if one.turned and side is Side.B and one.statistic in DIRECTED:
            changed.append("arms the other way round")
        says = {"value": quantity_says(printed.value), "interval": interval_says(printed.interval)}
        reported = [name for name in names if status_of(getattr(printed, name)) is Status.REPORTED]
        added = [f"{says[name]} in print, {', '.join(changed)}" for name in reported] if changed else []
        return replace(row, notes=" · ".join(text for text in (row.notes, *added) if text))

    def _placed(self, row: ContrastStatistic, one: Contrast, key: str) -> ContrastStatistic:
        return replace(
            row,
            key=key,
            arm=self.beside.arms[one.arm].key,
            versus="" if one.versus is None else self.beside.arms[one.versus].key,
            timepoint=self.beside.timepoints[one.timepoint].key,
            outcome=self.beside.outcomes[one.outcome].key,
        )


def _decided(name: str, decision: Decision, row: ContrastStatistic) -> Quantity | Spread:
    """What stands in FINAL where neither side was taken. An interval and df have no "not reported": they are blank."""
    if decision.choice == Choice.NOT_REPORTED:
        blank: dict[str, Quantity | Spread] = {"interval": Spread(), "df": Quantity()}
        return blank.get(name, Quantity(Status.NOT_REPORTED))
    if name == "interval":
        if decision.spread is None:
            raise DecisionError("interval: the decision for another value gives none.")
        return decision.spread
    if name == "df":
        try:
            return contrasts.read_df(decision.text or "", row.statistic)
        except NumberError as refused:
            raise DecisionError(f"df: {refused}") from refused
    return _value(decision)


def _value(decision: Decision) -> Quantity:
    try:
        value = parse_quantity(decision.text or "")
    except NumberError as refused:
        raise DecisionError(f"value: {refused}") from refused
    if value.status is Status.UNSAID:
        raise DecisionError("value: the decision for another value gives none.")
    return value
