"""Which of two values is the likelier, by what both entries agree on around it.

Every ground is a sum that a person can check: the other SDs of the outcome, the arm's other n, the times before and
after a change, the plausible range of the marker. Grounds are weighed as odds and multiplied; a side is proposed
where they come to `ENOUGH` and not otherwise. The direction of benefit, effects and pooled results are no ground: a
proposal must not look at the outcome.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from extraction.agreement import compare_quantities
from extraction.checks.look import MarkerLimits, same_unit
from extraction.compare import compare_centres, unit_factor
from extraction.numbers import shown
from extraction.printed import Printed
from extraction.record import (
    ACCEPTED_VERDICTS,
    CentreKind,
    Condition,
    Diagnosis,
    Observation,
    Phase,
    Qualifier,
    QuantityKind,
    Scale,
    Side,
    SpreadKind,
)
from extraction.side_by_side import Cell, SideBySide, whole_n
from extraction.spreads import as_sd, compare_spreads
from extraction.units import UnitTable

ENOUGH = math.log(20)  # odds from which a side is proposed
CERTAIN = math.log(1000)  # a sum that comes out for one side and not for the other
AS_DIAGNOSED = math.log(200)  # the cause's own side: the other way round, somebody converted by hand, which is not done
APART = 3.0  # a sum does not come out where it misses by so many times its rounding
STRETCH = 1.5  # by which a mean may leave the plausible range of its marker

# How far what belongs together lies apart, as a standard deviation of logarithms. Wide on purpose.
# Of the demo review's 403 pairs of arms, SDs scatter by 0.31 and one pair in twenty is more than 0.8 apart; n of an arm
# hardly differs; 99 of 100 changes are below 2.7 SD.
SPREADS_APART = 0.45  # SDs of one outcome over arms and times
SIZES_APART = 0.15  # n of one arm over outcomes and times
MEANS_APART = 0.25  # means of one outcome over arms and times; more where the SD is large beside the mean
CHANGES_APART = 1.5  # mean changes, in their own SD
SDS_AT_MOST = 3.0
RATIO_APART = 0.5  # of SD to mean, beyond the usual ratios of its marker


@dataclass(frozen=True, slots=True)
class Ground:
    """`odds` is the logarithm of the odds for A over B; `words` names what the likelier value fits."""

    odds: float
    words: str


class Likelier:
    """Weighs the two sides of one trial's differences."""

    def __init__(self, beside: SideBySide, units: UnitTable, limits: Mapping[str, MarkerLimits]) -> None:
        self._beside, self._limits = beside, limits
        self._factor = [unit_factor(pair, units) for pair in beside.outcomes]
        self._of_outcome: dict[tuple[int, QuantityKind], list[Cell]] = defaultdict(list)
        self._of_arm: dict[int, list[Cell]] = defaultdict(list)
        self._at: dict[tuple[int, int, int, QuantityKind], Cell] = {}
        for cell in beside.cells:
            if cell.rows.both:
                self._of_outcome[cell.outcome, cell.quantity].append(cell)
                self._of_arm[cell.arm].append(cell)
                self._at[cell.arm, cell.timepoint, cell.outcome, cell.quantity] = cell
        self._baseline = next((at for at, pair in enumerate(beside.timepoints) if pair.one.phase is Phase.BASELINE), -1)

    def weighed(self, cell: Cell, field: str, found: Diagnosis) -> Diagnosis:
        """The diagnosis with the side that looks right, and why; with no side where the grounds are not enough."""
        a, b = cell.rows.a, cell.rows.b
        if a is None or b is None or found.code.startswith("only_"):
            return found
        grounds = list(self._grounds(cell, a, b, field, found.code))
        own = 0.0 if found.suggests is None else AS_DIAGNOSED if found.suggests is Side.A else -AS_DIAGNOSED
        odds = own + sum(ground.odds for ground in grounds)
        if abs(odds) < ENOUGH:
            return replace(found, suggests=None)
        side = Side.A if odds > 0 else Side.B
        best = max((ground.odds if odds > 0 else -ground.odds, ground.words) for ground in (*grounds, Ground(0, "")))
        because = f"; {side} fits {best[1]}" if best[1] and best[0] >= math.log(3) else ""
        return replace(found, evidence=found.evidence + because, suggests=side)

    def _grounds(self, cell: Cell, a: Observation, b: Observation, field: str, code: str) -> Iterator[Ground]:
        exchanged = code.endswith("_swapped")
        one_cause = exchanged or code == "unit_factor"  # what is wrong is wrong in the whole row
        if field == "n" or exchanged:
            yield from self._size(cell, a, b, here=exchanged)
        if field != "n" and not exchanged:
            yield from _in_the_middle(a, b)
        if field == "centre" or one_cause:
            yield from self._sum(cell, a, b)
            if not exchanged:
                yield from self._centre(cell, a, b)
        if (field == "spread" or one_cause) and not exchanged:
            yield from self._spread(cell, a, b)

    # --- n -------------------------------------------------------------------------------------------------------

    def _size(self, cell: Cell, a: Observation, b: Observation, *, here: bool) -> Iterator[Ground]:
        """By the n randomised, and by the arm's n of other outcomes at the same time; other times where none is."""
        n_a, n_b = whole_n(a), whole_n(b)
        if n_a is None or n_b is None or n_a == n_b:
            return
        arm, most = self._beside.arms[cell.arm], None
        if arm.a is not None and arm.b is not None:
            agreed = compare_quantities(arm.a.n_randomised, arm.b.n_randomised).verdict in ACCEPTED_VERDICTS
            most = arm.a.n_randomised.value if agreed else None
        if most is not None and (n_a <= most) != (n_b <= most):
            yield Ground(CERTAIN if n_a <= most else -CERTAIN, f"the {most:g} randomised")
        cells = self._of_arm[cell.arm]  # itself has no n that is agreed
        at_once = [n for other in cells if other.timepoint == cell.timepoint and (n := _agreed_n(other)) is not None]
        others = at_once or [n for other in cells if not here and (n := _agreed_n(other)) is not None]
        if others:
            logs = [math.log(n) for n in others]
            odds = _nearer(n_a, n_b, fmean(logs), _apart(logs, SIZES_APART))
            same = [n for n in (n_a, n_b) if n in at_once]
            if len(same) == len(set(at_once)) == 1:  # n is counted: the same number says more than a near one
                odds += ENOUGH if same[0] == n_a else -ENOUGH
            yield Ground(odds, f"the arm’s other n, {_from_to(others)}")
        elif most:
            yield Ground(_nearer(n_a, n_b, math.log(most), SIZES_APART), f"the {most:g} randomised")

    # --- Centres -------------------------------------------------------------------------------------------------

    def _sum(self, cell: Cell, a: Observation, b: Observation) -> Iterator[Ground]:
        """Before + change = after: where the other two are agreed, one side's value comes out and the other's not."""
        x, y = _number(a), _number(b)
        if x is None or y is None or self._baseline < 0:
            return
        place = cell.arm, cell.timepoint, cell.outcome
        if cell.timepoint != self._baseline:
            before = self._agreed_centre(self._at.get((cell.arm, self._baseline, cell.outcome, QuantityKind.SCORE)))
            other = QuantityKind.CHANGE if cell.quantity is QuantityKind.SCORE else QuantityKind.SCORE
            beside = self._agreed_centre(self._at.get((*place, other)))
            if before is None or beside is None:
                return
            sign = 1 if cell.quantity is QuantityKind.SCORE else -1
            wanted = Printed(beside.value + sign * before.value, beside.half + before.half)
            words = "change and baseline" if sign > 0 else "the scores before and after"
            yield from _comes_out(x, y, [wanted], words)
            return
        wanted_here = []
        for time in range(len(self._beside.timepoints)):
            after = self._agreed_centre(self._at.get((cell.arm, time, cell.outcome, QuantityKind.SCORE)))
            change = self._agreed_centre(self._at.get((cell.arm, time, cell.outcome, QuantityKind.CHANGE)))
            if time != self._baseline and after is not None and change is not None:
                wanted_here.append(Printed(after.value - change.value, after.half + change.half))
        yield from _comes_out(x, y, wanted_here, "change and later score")

    def _centre(self, cell: Cell, a: Observation, b: Observation) -> Iterator[Ground]:
        x, y = _number(a), _number(b)
        outcome = self._beside.outcomes[cell.outcome].one
        if x is None or y is None or self._factor[cell.outcome] != 1:
            return
        deviation = self._agreed_sd(cell) or self._usual_sd(cell)
        if cell.quantity is QuantityKind.CHANGE:
            if deviation:
                d_a, d_b = float(x.value) / deviation, float(y.value) / deviation
                if max(abs(d_a), abs(d_b)) > SDS_AT_MOST:  # below it the size of a change is no ground
                    odds = (d_b**2 - d_a**2) / 2 / CHANGES_APART**2
                    yield Ground(odds, "its SD; the other is a change by many SDs")
            return
        if outcome.scale is not Scale.RAW:
            return
        others = [
            float(found.value)
            for other in self._of_outcome[cell.outcome, cell.quantity]
            if (found := self._agreed_centre(other)) is not None
        ]
        if others and min(others) > 0 and x.value > 0 and y.value > 0:
            logs = [math.log(value) for value in others]
            apart = max(_apart(logs, MEANS_APART), 0.5 * deviation / fmean(others) if deviation else 0.0)
            odds = _nearer(float(x.value), float(y.value), fmean(logs), apart)
            yield Ground(odds, f"the outcome’s other means, {_from_to(others)}")
        elif others and min(others) > 0 and (x.value > 0) != (y.value > 0):
            yield Ground(ENOUGH if x.value > 0 else -ENOUGH, f"the outcome’s other means, {_from_to(others)}")
        yield from self._in_range(cell, float(x.value), float(y.value))

    def _in_range(self, cell: Cell, x: float, y: float) -> Iterator[Ground]:
        outcome = self._beside.outcomes[cell.outcome].one
        limits = self._limits.get(outcome.marker)
        if limits is None or not limits.unit or not same_unit(outcome.unit, limits.unit):
            return
        stimulated = outcome.condition is Condition.STIMULATED
        low, high = (limits.stimulated_low, limits.stimulated_high) if stimulated else (limits.low, limits.high)
        if low is None or high is None:
            return
        inside = [low <= value <= high for value in (x, y)]
        outside = [not low / STRETCH <= value <= high * STRETCH for value in (x, y)]
        if inside[0] != inside[1] and outside[0] != outside[1]:
            yield Ground(
                ENOUGH if inside[0] else -ENOUGH, f"the marker’s usual means, {low:g} to {high:g} {limits.unit}"
            )

    # --- Spreads -------------------------------------------------------------------------------------------------

    def _spread(self, cell: Cell, a: Observation, b: Observation) -> Iterator[Ground]:
        sd_a, sd_b = _sd(a), _sd(b)
        if not sd_a or not sd_b or self._factor[cell.outcome] != 1:
            return
        others = self._other_sds(cell)
        if others:
            logs = [math.log(sd) for sd in others]
            odds = _nearer(sd_a, sd_b, fmean(logs), _apart(logs, SPREADS_APART))
            yield Ground(odds, f"the outcome’s other SDs, {_from_to(others)}")
        limits = self._limits.get(self._beside.outcomes[cell.outcome].one.marker)
        mean = self._agreed_centre(cell)
        raw = self._beside.outcomes[cell.outcome].one.scale is Scale.RAW
        if limits is None or limits.ratio_low is None or limits.ratio_high is None or mean is None or not raw:
            return
        if cell.quantity is QuantityKind.SCORE and mean.value > 0 and limits.ratio_low > 0:
            ends = math.log(limits.ratio_low), math.log(limits.ratio_high)
            beyond = [_beyond(math.log(sd / float(mean.value)), *ends) for sd in (sd_a, sd_b)]
            odds = (beyond[1] ** 2 - beyond[0] ** 2) / 2 / RATIO_APART**2
            yield Ground(odds, f"the marker’s usual SD, {limits.ratio_low:g} to {limits.ratio_high:g} of the mean")

    def _other_sds(self, cell: Cell) -> list[float]:
        block = self._of_outcome[cell.outcome, cell.quantity]
        return [sd for other in block if (sd := self._agreed_sd(other))]

    def _usual_sd(self, cell: Cell) -> float | None:
        others = self._other_sds(cell)
        return fmean(others) if others else None

    # --- What both sides agree on ---------------------------------------------------------------------------------

    def _agreed_centre(self, cell: Cell | None) -> Printed | None:
        if cell is None or cell.rows.a is None or cell.rows.b is None or self._factor[cell.outcome] != 1:
            return None
        if compare_centres(cell.rows.a, cell.rows.b).verdict not in ACCEPTED_VERDICTS:
            return None
        both = [found for row in (cell.rows.a, cell.rows.b) if (found := _number(row)) is not None]
        return min(both, key=lambda found: found.half) if len(both) == 2 else None

    def _agreed_sd(self, cell: Cell) -> float | None:
        a, b = cell.rows.a, cell.rows.b
        if a is None or b is None or self._factor[cell.outcome] != 1:
            return None
        return _sd(a) if compare_spreads(a, b).verdict in ACCEPTED_VERDICTS else None


def _agreed_n(cell: Cell) -> int | None:
    if cell.rows.a is None or cell.rows.b is None:
        return None
    n = whole_n(cell.rows.a)
    return n if n == whole_n(cell.rows.b) else None


def _number(row: Observation) -> Printed | None:
    """A mean, as an exact number; None for a bound, and for centres that are not means."""
    plain = row.centre.qualifier is Qualifier.EQUAL and row.centre_kind in {CentreKind.MEAN, CentreKind.NONE}
    return Printed.of(row.centre.printed, row.centre.value) if plain else None


def _sd(row: Observation) -> float | None:
    found = as_sd(row)
    return float(found.sd.value) if found is not None else None


def _in_the_middle(a: Observation, b: Observation) -> Iterator[Ground]:
    """The interval of a mean has the mean in its middle: one side's does, the other's does not even hold it."""
    middle, outside = [], []
    for row in (a, b):
        centre = _number(row)
        low = Printed.of(row.spread.low_printed, row.spread.low)
        high = Printed.of(row.spread.high_printed, row.spread.high)
        if row.spread.kind is not SpreadKind.CI or centre is None or low is None or high is None:
            return
        off = abs((low.value + high.value) / 2 - centre.value)
        middle.append(off <= (low.half + high.half) / 2 + centre.half)
        outside.append(not low.value <= centre.value <= high.value)
    if middle[0] != middle[1] and outside[0] != outside[1] and middle[0] == outside[1]:
        yield Ground(CERTAIN if middle[0] else -CERTAIN, "its own interval")


def _comes_out(x: Printed, y: Printed, wanted: Sequence[Printed], words: str) -> Iterator[Ground]:
    for one in wanted:
        met = [one.meets(value) for value in (x, y)]
        misses = [abs(one.value - v.value) > APART * float(one.half + v.half) for v in (x, y)]
        if met[0] and misses[1]:
            yield Ground(CERTAIN, words)
        elif met[1] and misses[0]:
            yield Ground(-CERTAIN, words)


def _nearer(x: float, y: float, centre: float, apart: float) -> float:
    """Log odds for x over y where logarithms scatter around `centre`. Beyond 4 all are equally far."""
    z_x, z_y = ((math.log(value) - centre) / apart for value in (x, y))
    return (min(abs(z_y), 4.0) ** 2 - min(abs(z_x), 4.0) ** 2) / 2


def _apart(logs: Collection[float], least: float) -> float:
    """How far the neighbours scatter, at least `least`; a few say little about their scatter, hence the 1 + 1/k."""
    centre = fmean(logs)
    spread = math.sqrt(sum((value - centre) ** 2 for value in logs) / (len(logs) - 1)) if len(logs) > 1 else 0.0
    return max(spread, least) * math.sqrt(1 + 1 / len(logs))


def _beyond(value: float, low: float, high: float) -> float:
    return max(low - value, value - high, 0.0)


def _from_to(values: Collection[float]) -> str:
    low, high = (shown(f"{value:.3g}") for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"
