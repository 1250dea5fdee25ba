"""Contrasts that contradict each other, the means of the grid, or the number of people.

Each sum is taken with the printed precision of all that goes into it: what may be rounding is no finding. An adjusted
statistic is not held against raw means or numbers of people, since it need not follow from them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from scipy.special import ndtri, stdtr, stdtrit

from extraction.checks.look import Cell, Checking, Finding
from extraction.contrasts import arms_in_words, first_df, turned
from extraction.printed import Printed
from extraction.record import Arm, ContrastStatistic, Outcome, Phase, Qualifier, Statistic, Subject, Timepoint

SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Known:
    """A plain number of a contrast, and half of the unit of its last printed digit."""

    row: ContrastStatistic
    value: float
    half: float

    @property
    def relative(self) -> float:
        return self.half / abs(self.value) if self.value else math.inf


@dataclass(slots=True)
class AtOnePlace:
    """What is said of one outcome at one time: of two arms, named one way round, or of the change in one."""

    arms: tuple[Arm, ...]
    time: Timepoint
    outcome: Outcome
    rows: dict[Statistic, ContrastStatistic] = field(default_factory=dict)

    def known(self, statistic: Statistic) -> Known | None:
        """The value of a statistic that is printed as a plain number."""
        row = self.rows.get(statistic)
        if row is None or row.value.value is None or row.value.qualifier is not Qualifier.EQUAL:
            return None
        printed = Printed.of(row.value.printed, row.value.value)
        return None if printed is None else Known(row, row.value.value, float(printed.half))

    @property
    def t(self) -> Known | None:
        """t as printed; or the root of an F of two groups."""
        if t := self.known(Statistic.T):
            return t
        f = self.known(Statistic.F)
        if f is None or f.value <= 0 or first_df(f.row) not in {None, 1.0}:
            return None
        root = math.sqrt(f.value)
        return Known(f.row, root, f.half / (2 * root))

    @property
    def df(self) -> float | None:
        named = (Statistic.T, Statistic.F, Statistic.P, Statistic.MEAN_DIFFERENCE, Statistic.SMD)
        return next((row.df.value for one in named if (row := self.rows.get(one)) and row.df.value), None)


def contrasts(look: Checking) -> Iterator[Finding]:
    cells = _Cells(look)
    for stated in _stated(look):
        if len(stated.arms) == 2:
            yield from _difference(look, stated, cells)
            yield from _interval(look, stated)
            yield from _p_of_t(look, stated, cells)
            yield from _p_of_means(look, stated, cells)
            yield from _people(look, stated, cells)
        else:
            yield from _correlation(look, stated, cells)
            yield from _people_within(look, stated, cells)


def _stated(look: Checking) -> list[AtOnePlace]:
    arms = {arm.key: arm for arm in look.entry.arms}
    times = {time.key: time for time in look.entry.timepoints}
    outcomes = {outcome.key: outcome for outcome in look.entry.outcomes}
    found: dict[tuple[str, ...], AtOnePlace] = {}
    for row in look.entry.contrasts:
        place = (row.outcome, row.timepoint, *sorted((row.arm, row.versus)))
        named = (arms[row.arm], arms[row.versus]) if row.versus else (arms[row.arm],)
        stated = found.setdefault(place, AtOnePlace(named, times[row.timepoint], outcomes[row.outcome]))
        stated.rows[row.statistic] = row if row.arm == stated.arms[0].key else turned(row)
    return list(found.values())


class _Cells:
    """The cells of the grid by arm, time, outcome and quantity."""

    def __init__(self, look: Checking) -> None:
        self.at: dict[tuple[str, str, str], dict[bool, Cell]] = defaultdict(dict)
        for cell in look.cells:
            self.at[cell.arm.key, cell.time.key, cell.outcome.key][cell.is_score] = cell
        self.baseline = next((one.key for one in look.entry.timepoints if one.phase is Phase.BASELINE), "")

    def score(self, arm: Arm, stated: AtOnePlace, *, baseline: bool = False) -> Cell | None:
        time = self.baseline if baseline else stated.time.key
        return self.at.get((arm.key, time, stated.outcome.key), {}).get(True)

    def change(self, arm: Arm, stated: AtOnePlace) -> Cell | None:
        return self.at.get((arm.key, stated.time.key, stated.outcome.key), {}).get(False)

    def pairs(self, stated: AtOnePlace) -> list[tuple[Cell, Cell]]:
        """Both arms' cells of one quantity, scores and changes, as far as they are there."""
        found = []
        for get in (self.score, self.change):
            one, other = (get(arm, stated) for arm in stated.arms)
            if one is not None and other is not None:
                found.append((one, other))
        return found

    def n(self, stated: AtOnePlace) -> list[tuple[Cell, ...]]:
        return [pair for pair in self.pairs(stated) if all(cell.n for cell in pair)]


def _difference(look: Checking, stated: AtOnePlace, cells: _Cells) -> Iterator[Finding]:
    """A mean difference that none of the differences of the means is: of scores, of changes, or of both scores."""
    said = stated.known(Statistic.MEAN_DIFFERENCE)
    if said is None or said.row.adjusted:
        return
    options: list[tuple[float, float]] = []
    used: list[Cell] = []
    for one, other in cells.pairs(stated):
        if one.mean is not None and other.mean is not None:
            options.append((one.mean - other.mean, _half(one) + _half(other)))
            used += [one, other]
    four = [cells.score(arm, stated, baseline=first) for arm in stated.arms for first in (False, True)]
    means = [cell.mean for cell in four if cell is not None and cell.mean is not None]
    whole = [cell for cell in four if cell is not None]
    if len(means) == 4 and cells.baseline != stated.time.key:
        options.append(((means[0] - means[1]) - (means[2] - means[3]), sum(_half(cell) for cell in whole)))
        used += [cell for cell in whole if cell not in used]
    slack = look.limits.limit("contrast_means", "relative_off_above")
    if not options or any(abs(said.value - d) <= said.half + half + slack * abs(d) for d, half in options):
        return
    if any(abs(said.value + d) <= said.half + half + slack * abs(d) for d, half in options):
        words = f"the means give {options[0][0]:.3g}: the sign is the other one. Which arm is subtracted?"
    else:
        words = f"the means of the grid differ by {options[0][0]:.3g}. Adjusted, or of other people?"
    yield _at(look, "contrast_means", said.row, stated, "value", words, *used)


def _interval(look: Checking, stated: AtOnePlace) -> Iterator[Finding]:
    """A difference outside its CI, and a t that the difference and its CI do not give."""
    said = stated.known(Statistic.MEAN_DIFFERENCE) or stated.known(Statistic.SMD)
    if said is None or said.row.interval.low is None or said.row.interval.high is None:
        return
    low, high = said.row.interval.low, said.row.interval.high
    if not low - said.half <= said.value <= high + said.half:
        words = f"{said.value:g} does not lie from {low:g} to {high:g}."
        yield _at(look, "contrast_interval", said.row, stated, "ci_low", words)
        return
    t, level = stated.known(Statistic.T), said.row.interval.level
    if t is None or level is None or high <= low or said.row.statistic is Statistic.SMD or not (t.value and said.value):
        return
    df = stated.df
    critical = float(stdtrit(df, 0.5 + level / 200)) if df else float(ndtri(0.5 + level / 200))
    given = said.value / ((high - low) / (2 * critical))
    ends = [Printed.of(said.row.interval.low_printed, low), Printed.of(said.row.interval.high_printed, high)]
    rounding = sum(float(one.half) for one in ends if one is not None) / (high - low)
    slack = look.limits.limit("contrast_t", "relative_off_above") + rounding + said.relative + t.relative
    if given * t.value < 0:
        words = f"the difference is {said.value:g} and t {t.value:g}: one of them has the other sign."
    elif abs(given / t.value - 1) > slack + (0 if df else 0.1):
        words = f"the difference and its CI give t {given:.3g}, not {t.value:g}. An SE, or another level?"
    else:
        return
    yield _at(look, "contrast_t", t.row, stated, "value", words, others=(said.row,))


def _p_of_t(look: Checking, stated: AtOnePlace, cells: _Cells) -> Iterator[Finding]:
    t, row = stated.t, stated.rows.get(Statistic.P)
    df = stated.df or next((sum(cell.n or 0 for cell in pair) - 2 for pair in cells.n(stated)), None)
    if t is None or row is None or df is None or df <= 0:
        return
    low, high = _p(abs(t.value) + t.half, df), _p(max(0.0, abs(t.value) - t.half), df)
    if _contradicts(row, low, high, look.limits.limit("contrast_p", "times_off_above")):
        words = f"t {t.value:.3g} with {df:g} df gives p {_shown_p(_p(abs(t.value), df))}. One-sided, or of another t?"
        yield _at(look, "contrast_p", row, stated, "value", words, others=(t.row,))


def _p_of_means(look: Checking, stated: AtOnePlace, cells: _Cells) -> Iterator[Finding]:
    """A p that neither Welch's nor the pooled t of the scores or of the changes gives."""
    row = stated.rows.get(Statistic.P)
    if row is None or row.adjusted:
        return
    given: list[float] = []
    used: list[Cell] = []
    for one, other in cells.pairs(stated):
        found = [_p(abs(t), df) for t, df in _t_tests(one, other)]
        given += found
        used += [one, other] if found else []
    times = look.limits.limit("contrast_p_of_means", "times_off_above")
    if given and all(_contradicts(row, p, p, times) for p in given):
        words = f"the means and SDs of the grid give p {_shown_p(given[0])}. Adjusted, of the change, or an SE as SD?"
        yield _at(look, "contrast_p_of_means", row, stated, "value", words, *used)


def _people(look: Checking, stated: AtOnePlace, cells: _Cells) -> Iterator[Finding]:
    """Degrees of freedom that are not n1 + n2 - 2; fewer with a fraction are Welch's."""
    for statistic in (Statistic.T, Statistic.F, Statistic.MEAN_DIFFERENCE):
        row = stated.rows.get(statistic)
        pairs = cells.n(stated)
        if row is None or row.df.value is None or row.adjusted or not pairs or first_df(row) not in {None, 1.0}:
            continue
        df = row.df.value
        sums = [(sum(cell.n or 0 for cell in pair), min(cell.n or 0 for cell in pair)) for pair in pairs]
        welch = not df.is_integer() and any(few - 1 <= df <= whole - 2 for whole, few in sums)
        if welch or any(df == whole - 2 for whole, _ in sums):
            continue
        words = f"{df:g} degrees of freedom are of {df + 2:g} people; the grid has {sums[0][0]:g}."
        yield _at(look, "contrast_df", row, stated, "df", words, *pairs[0])
        return


def _people_within(look: Checking, stated: AtOnePlace, cells: _Cells) -> Iterator[Finding]:
    row = stated.rows.get(Statistic.PAIRED_T)
    arm = stated.arms[0]
    found = [cell for cell in (cells.score(arm, stated), cells.change(arm, stated)) if cell is not None and cell.n]
    if row is None or row.df.value is None or not found:
        return
    if all(row.df.value != (cell.n or 0) - 1 for cell in found):
        words = f"{row.df.value:g} degrees of freedom are of {row.df.value + 1:g} people; the grid has {found[0].n:g}."
        yield _at(look, "contrast_df", row, stated, "df", words, *found)


def _correlation(look: Checking, stated: AtOnePlace, cells: _Cells) -> Iterator[Finding]:
    """r from SD of change² = SD0² + SD1² - 2 r SD0 SD1: not plausible, or not the r that is printed."""
    said, r = stated.known(Statistic.SD_CHANGE), stated.known(Statistic.CORRELATION)
    arm = stated.arms[0]
    before, after = cells.score(arm, stated, baseline=True), cells.score(arm, stated)
    if said is None or before is None or after is None or not (before.sd and after.sd):
        return
    given = (before.sd**2 + after.sd**2 - said.value**2) / (2 * before.sd * after.sd)
    low, high = (look.limits.limit("sd_change_r", name) for name in ("below", "above"))
    sums = f"SD {before.sd:.3g} before, {after.sd:.3g} after and {said.value:g} of change give r {given:.2f}"
    if not low <= given <= high:
        impossible = ", which cannot be" if abs(given) > 1 else ""
        words = f"{sums}{impossible}. An SE, or other people?"
        yield _at(look, "sd_change_r", said.row, stated, "value", words, before, after)
    elif r is not None and abs(given - r.value) > look.limits.limit("r_mismatch", "off_above") + r.half:
        words = f"{sums}, not {r.value:g}."
        yield _at(look, "r_mismatch", r.row, stated, "value", words, before, after, others=(said.row,))


def _t_tests(one: Cell, other: Cell) -> Iterator[tuple[float, float]]:
    """t and df of Welch's and of the pooled test; none where a number is missing or nothing varies."""
    if one.mean is None or other.mean is None or one.sd is None or other.sd is None or not (one.n and other.n):
        return
    if one.n < 2 or other.n < 2:
        return
    a, b = one.sd**2 / one.n, other.sd**2 / other.n
    if a + b <= 0:
        return
    yield (one.mean - other.mean) / math.sqrt(a + b), (a + b) ** 2 / (a**2 / (one.n - 1) + b**2 / (other.n - 1))
    df = one.n + other.n - 2
    pooled = ((one.n - 1) * one.sd**2 + (other.n - 1) * other.sd**2) / df
    yield (one.mean - other.mean) / math.sqrt(pooled * (1 / one.n + 1 / other.n)), df


def _p(t: float, df: float) -> float:
    """Two-sided."""
    return float(2 * stdtr(df, -t))


def _contradicts(row: ContrastStatistic, low: float, high: float, times: float) -> bool:
    """Whether a printed p cannot be one from `low` to `high`: off by a factor, or on the other side of 0.05."""
    said = row.value.value
    printed = Printed.of(row.value.printed, said)
    if said is None or printed is None:
        return False
    if row.value.qualifier in {Qualifier.LESS, Qualifier.AT_MOST}:
        return low > said
    if row.value.qualifier in {Qualifier.MORE, Qualifier.AT_LEAST}:
        return high < said
    bottom, top = said - float(printed.half), said + float(printed.half)
    across = (low > SIGNIFICANT > top) or (high < SIGNIFICANT < bottom)
    return across or low > times * top or high * times < bottom


def _shown_p(p: float) -> str:
    return "below 0.0001" if p < 0.0001 else f"{p:.2g}"


def _half(cell: Cell) -> float:
    printed = Printed.of(cell.row.centre.printed, cell.row.centre.value)
    return float(printed.half) if printed else 0.0


def _at(
    look: Checking,
    code: str,
    row: ContrastStatistic,
    stated: AtOnePlace,
    where: str,
    message: str,
    *cells: Cell,
    others: tuple[ContrastStatistic, ...] = (),
) -> Finding:
    versus = stated.arms[1].label if len(stated.arms) == 2 else ""
    title = f"{arms_in_words(row.statistic, stated.arms[0].label, versus)}, {stated.outcome.name}"
    texts = [text for one in (row, *others) for text in _texts(one)] + [text for cell in cells for text in cell.texts]
    said = f"{title}: {message}"
    return Finding(code, look.limits.severity(code), Subject.CONTRAST, row.key, where, said, tuple(texts))


def _texts(row: ContrastStatistic) -> tuple[str, ...]:
    return (
        row.statistic.value,
        row.value.printed,
        row.interval.low_printed,
        row.interval.high_printed,
        f"{row.interval.level}",
        row.df.printed,
        row.adjusted,
    )
