"""Where everything of a figure stands; the templates draw it as SVG that carries classes only.

Coordinates are texts with one decimal, ready for an attribute. Every figure has a table beside it with its
numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, isfinite, log10, sqrt

from analysis.wording import decimals, interval

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a forest: an estimate with its interval and what is told beside it."""

    name: str
    estimate: float | None
    low: float | None
    high: float | None
    address: str = ""
    trials: int | None = None
    effects: int | None = None
    prediction: tuple[float, float] | None = None
    weight: float | None = None  # share, 0 to 1: the area of the square
    tau2: float | None = None
    few_df: bool = False
    pooled: bool = False  # a diamond; else a square
    heading: bool = False  # set off from the rows above
    indented: bool = False

    @property
    def says(self) -> str:
        return decimals(self.estimate)

    @property
    def says_interval(self) -> str:
        return interval(self.low, self.high)

    @property
    def says_prediction(self) -> str:
        return interval(*self.prediction) if self.prediction else decimals(None)

    @property
    def says_weight(self) -> str:
        if self.weight is None:
            return ""
        return "<1%" if self.weight < 0.005 else f"{100 * self.weight:.0f}%"

    @property
    def says_tau2(self) -> str:
        return "" if self.tau2 is None else decimals(self.tau2)


@dataclass(frozen=True, slots=True)
class Layout:
    width: float
    left: float  # of the axis
    right: float
    row: float
    first: float  # middle of the first row
    mark: float  # of the mark below the middle of its text
    gap: float  # above a heading
    top: float = 0.0  # of what is shown


WIDE = Layout(1064, 320, 750, 24, 74, 0, 8, top=24)
NARROW = Layout(358, 8, 350, 36, 38, 17, 10)


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to places along an axis."""

    low: float
    high: float
    left: float
    right: float

    def x(self, value: float) -> float:
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.left + share * (self.right - self.left)

    def at(self, value: float) -> str:
        return place(self.x(value))

    def ticks(self) -> list[tuple[str, str]]:
        """Places and labels of three to seven round values."""
        rough = (self.high - self.low) / 5
        power = 10.0 ** floor(log10(rough))
        step = next(s * power for s in STEPS if s * power >= rough)
        places = max(0, -floor(log10(step) + 1e-9)) + (1 if step / power == 2.5 else 0)
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        return [(self.at(k * step), decimals(k * step, places)) for k in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A row of a forest with its place. Paths are "" where there is nothing to draw."""

    line: Line
    y: str  # base line of the text
    band: str = ""
    whisker: str = ""
    shape: str = ""
    rule: str = ""  # above a heading
    hit: str = ""  # top of the area that can be clicked


@dataclass(frozen=True)
class Forest:
    layout: Layout
    height: float
    rows: Sequence[Drawn]
    overall: Drawn | None
    zero: str
    reference: str  # of the overall estimate, "" without one
    bottom: str
    ticks: Sequence[tuple[str, str]]
    label: str

    @property
    def box(self) -> str:
        return f"0 {self.layout.top:g} {self.layout.width:g} {self.height - self.layout.top:g}"

    @property
    def below(self) -> dict[str, str]:
        """Places under the axis: tick labels, and the line that names it."""
        bottom = float(self.bottom)
        return {"labels": place(bottom + 18), "name": place(bottom + 38)}

    @property
    def beside_zero(self) -> dict[str, str]:
        return {"left": place(float(self.zero) - 10), "right": place(float(self.zero) + 10)}

    @property
    def any_trials(self) -> bool:
        return any(row.line.trials is not None for row in self.rows)

    @property
    def any_weight(self) -> bool:
        return any(row.line.weight is not None for row in self.rows)

    @property
    def any_few_df(self) -> bool:
        rows = [*self.rows, *([self.overall] if self.overall else [])]
        return any(row.line.few_df for row in rows)


def place(value: float) -> str:
    return f"{value:.1f}"


def span(lines: Iterable[Line]) -> tuple[float, float]:
    """An axis that holds zero, every estimate and nine in ten interval ends; what is wider ends in an arrow."""
    shown = [line for line in lines if line.estimate is not None and isfinite(line.estimate)]
    estimates = [line.estimate or 0.0 for line in shown]
    ends = [end for line in shown for end in (line.low, line.high) if end is not None and isfinite(end)]
    reach = 1.15 * sorted(map(abs, ends))[int(0.9 * (len(ends) - 1))] if ends else 0.0
    low = min([0.0, *estimates, max(min(ends, default=0.0), -reach)])
    high = max([0.0, *estimates, min(max(ends, default=0.0), reach)])
    room = 0.06 * (high - low) or 0.5
    return low - room, high + room


def forest(lines: Sequence[Line], overall: Line | None, layout: Layout) -> Forest:
    """Rows from top to bottom, the overall estimate as a diamond at the end."""
    shown = [*lines, *([overall] if overall else [])]
    scale = Scale(*span(shown), layout.left, layout.right)
    y, rows = layout.first, []
    for number, line in enumerate(lines):
        rule = ""
        if line.heading and number:
            rule = f"M0 {place(y - layout.row / 2 + layout.gap / 2)}H{layout.width:g}"
            y += layout.gap
        rows.append(_drawn(line, y, scale, layout, rule))
        y += layout.row
    last = None
    if overall is not None:
        y += layout.gap
        rule = f"M0 {place(y - layout.row / 2 - layout.gap / 2)}H{layout.width:g}"
        last = _drawn(overall, y, scale, layout, rule, half=8.0)
        y += layout.row
    bottom = y - layout.row / 2 + layout.mark + 8
    reference = scale.at(overall.estimate) if overall and overall.estimate is not None else ""
    return Forest(
        layout, bottom + 46, rows, last, scale.at(0.0), reference, place(bottom), scale.ticks(), _label(lines, overall)
    )


def _drawn(line: Line, y: float, scale: Scale, layout: Layout, rule: str, half: float = 6.0) -> Drawn:
    middle, text, top = y + layout.mark, place(y + 4.5), place(y - layout.row / 2)
    if line.estimate is None or line.low is None or line.high is None:
        return Drawn(line, text, rule=rule, hit=top)
    band = ""
    if line.prediction is not None:
        left, right = scale.x(line.prediction[0]), scale.x(line.prediction[1])
        band = f"M{place(left)} {place(middle - 6)}H{place(right)}v12H{place(left)}z"
    left, right = scale.x(line.low), scale.x(line.high)
    whisker = f"M{place(left)} {place(middle)}H{place(right)}"
    if line.low < scale.low:
        whisker += f"M{place(left + 5)} {place(middle - 4)}L{place(left)} {place(middle)}l5 4"
    if line.high > scale.high:
        whisker += f"M{place(right - 5)} {place(middle - 4)}L{place(right)} {place(middle)}l-5 4"
    x = scale.x(line.estimate)
    if line.pooled:
        shape = (
            f"M{place(left)} {place(middle)}L{place(x)} {place(middle - half)}"
            f"L{place(right)} {place(middle)}L{place(x)} {place(middle + half)}z"
        )
        return Drawn(line, text, band, "", shape, rule, top)
    side = 5.0 if line.weight is None else 4.0 + 12.0 * sqrt(min(line.weight, 0.7))
    shape = f"M{place(x - side / 2)} {place(middle - side / 2)}h{place(side)}v{place(side)}h-{place(side)}z"
    return Drawn(line, text, band, whisker, shape, rule, top)


def _label(lines: Sequence[Line], overall: Line | None) -> str:
    rows = f"Forest plot of {len(lines)} rows."
    if overall is not None:
        rows += f" {overall.name}: g {overall.says}, interval {overall.says_interval}."
    return f"{rows} The same numbers are in the table below."


@dataclass(frozen=True, slots=True)
class Mini:
    """One interval in a row of a table, on the scale that all rows share."""

    zero: str
    whisker: str
    shape: str
    pooled: bool


def minis(lines: Sequence[Line], width: float = 160.0) -> list[Mini | None]:
    """One small drawing per line, None where it has no estimate."""
    scale = Scale(*span(lines), 4.0, width - 4.0)
    layout = Layout(width, 4.0, width - 4.0, 18.0, 9.0, 0.0, 0.0)
    drawn = [_drawn(line, 9.0, scale, layout, "", half=5.5) for line in lines]
    return [Mini(scale.at(0.0), row.whisker, row.shape, row.line.pooled) if row.shape else None for row in drawn]


@dataclass(frozen=True, slots=True)
class Point:
    name: str
    estimate: float
    se: float


@dataclass(frozen=True)
class Funnel:
    """Estimates against their standard errors, the more precise above, with 95% and 99% bands."""

    width: float
    height: float
    bottom: float
    points: Sequence[tuple[str, str, str]]  # x, y, title
    outside: Sequence[tuple[str, str]]  # a path at the edge, title
    bands: Sequence[str]
    centre: str
    zero: str
    across: Sequence[tuple[str, str]]
    down: Sequence[tuple[str, str]]
    label: str
    frame: dict[str, str] = field(default_factory=dict)

    @property
    def box(self) -> str:
        return f"0 0 {self.width:g} {self.height:g}"


def funnel(points: Sequence[Point], centre: float, width: float = 520.0, height: float = 300.0) -> Funnel:
    """A funnel of trial averages around the pooled estimate."""
    left, right, top, bottom = 36.0, width - 10.0, 14.0, height - 46.0
    deepest = max((point.se for point in points), default=0.1) * 1.08
    reach = sorted(abs(point.estimate - centre) for point in points)
    half = max(2.2 * deepest, reach[int(0.95 * (len(reach) - 1))] * 1.1 if reach else 0.0)
    across = Scale(centre - half, centre + half, left, right)
    down = Scale(0.0, deepest, top, bottom)
    bands = []
    for z in (2.5758, 1.96):
        edge = z * deepest / (2 * half) * (right - left)
        bands.append(
            f"M{across.at(centre)} {place(top)}L{place(across.x(centre) - edge)} {place(bottom)}"
            f"H{place(across.x(centre) + edge)}z"
        )
    inside, outside = [], []
    for point in points:
        title = f"{point.name}: g {decimals(point.estimate)}, standard error {decimals(point.se)}"
        y = down.x(point.se)
        if across.low <= point.estimate <= across.high:
            inside.append((across.at(point.estimate), place(y), title))
        elif point.estimate > across.high:
            outside.append((f"M{place(right - 8)} {place(y - 4.5)}l8 4.5-8 4.5z", title))
        else:
            outside.append((f"M{place(left + 8)} {place(y - 4.5)}l-8 4.5 8 4.5z", title))
    return Funnel(
        width,
        height,
        bottom,
        inside,
        outside,
        bands,
        across.at(centre),
        across.at(0.0),
        across.ticks(),
        down.ticks(),
        f"Funnel plot of {len(points)} trial averages against their standard error, with 95% and 99% bands "
        f"around {decimals(centre)}",
        {"left": place(left), "right": place(right), "top": place(top), "bottom": place(bottom)},
    )


# --- Bars: counts of a few classes --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    count: int
    y: str  # top of the bar
    text: str  # base line of its texts
    width: str
    end: str  # where the count stands


@dataclass(frozen=True, slots=True)
class Bars:
    """Lying bars, one a class, with the count at the end; the names stand on the left."""

    bars: Sequence[Bar]
    left: str
    height: float
    label: str

    @property
    def box(self) -> str:
        return f"0 0 680 {self.height:g}"


def bars(classes: Sequence[tuple[str, int]], *, left: float = 104.0, right: float = 620.0, row: float = 28.0) -> Bars:
    most = max((count for _, count in classes), default=0) or 1
    drawn = []
    for number, (name, count) in enumerate(classes):
        width, top = (right - left) * count / most, 6 + number * row
        drawn.append(Bar(name, count, place(top), place(top + 14), place(width), place(left + width + 8)))
    total = sum(count for _, count in classes)
    return Bars(drawn, place(left), 12 + len(classes) * row, f"{total} effects by how far the two entries lie apart")
