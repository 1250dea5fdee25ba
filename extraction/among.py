"""Where A's and B's value lie among what the approved trials report of the same marker."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import F

from extraction.access import Viewer
from extraction.models import Discrepancy, Observation
from extraction.record import Subject
from extraction.sides import Side, what_of
from extraction.states import Status

FIELDS: Final = ("centre", "spread", "n")
FEWEST: Final = 5  # fewer dots say nothing about where a value lies
MOST: Final = 400
LEFT, RIGHT, BASE = 20.0, 600.0, 44.5


@dataclass(frozen=True, slots=True)
class Mark:
    letter: str
    value: float
    x: float
    anchor: str  # class of its label

    @property
    def text(self) -> str:
        return f"{self.letter} {self.value:.3g}".replace("-", "−")

    @property
    def diamond(self) -> str:
        return f"M{self.x} 23l7 7-7 7-7-7z"


@dataclass(frozen=True, slots=True)
class Strip:
    """A row of dots, drawn in 620 × 64; `said` is the same in words."""

    what: str
    scale: str
    dots: Sequence[tuple[float, float]]
    marks: Sequence[Mark]
    ticks: Sequence[tuple[float, str]]
    said: str


def among(row: Discrepancy, both: tuple[Side, Side], by: Viewer) -> Strip | None:
    """Approved trials only, the same quantity, kind and unit; None where there are too few to compare with."""
    if row.subject != Subject.OBSERVATION or row.field not in FIELDS or row.marker_id is None:
        return None
    own: Any = next((side.row for side in both if side.row is not None), None)
    if own is None:
        return None
    unit = own.outcome.unit
    same: dict[str, Any] = {"quantity": own.quantity, "outcome__marker": row.marker_id, "outcome__unit": unit}
    if row.field != "n":
        same[f"{row.field}_kind"] = getattr(own, f"{row.field}_kind")
    others = Observation.objects.visible_to(by).filter(
        entry__trial__approved_entry=F("entry"), entry__trial__status=Status.APPROVED, entry__trial__excluded_at=None
    )
    found = others.filter(**same, **{f"{row.field}__isnull": False}).exclude(entry__trial=row.trial_id)
    values = [float(value) for value in found.order_by(row.field).values_list(row.field, flat=True)[:MOST]]
    said = [
        (side.letter, float(value))
        for side in both
        if side.row is not None
        and side.row.outcome.unit == unit
        and (value := getattr(side.row, row.field)) is not None
    ]
    if len(values) < FEWEST or not said:
        return None
    return drawn(values, said, f"{what_of(row, own)} of {row.marker}", unit)


def drawn(values: Sequence[float], said: Sequence[tuple[str, float]], what: str, unit: str) -> Strip:
    everything = [*values, *(value for _, value in said)]
    low, high = min(everything), max(everything)
    log = low > 0 and high / low >= 5
    place = math.log10 if log else float
    start, end = place(low), place(high)
    margin = (end - start) * 0.04 or 0.5
    start, end = start - margin, end + margin

    def x(value: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * (place(value) - start) / (end - start), 1)

    dots = [(x(value), round(37.5 - (n * 7 % 5) * 3.2, 1)) for n, value in enumerate(values)]
    marks = [Mark(letter, value, x(value), side_of(x(value))) for letter, value in said]
    ticks = [(x(value), f"{value:g}".replace("-", "−")) for value in round_values(low, high, log=log)]
    count = len(values)
    words = [f"{letter}, {value:.3g}, is {standing(value, values)}" for letter, value in said]
    scale = ", ".join(part for part in (f"{count} arms", "log scale" if log else "", unit) if part)
    return Strip(
        what, scale, dots, marks, ticks, f"{count} values of approved trials. {'. '.join(words)}.".replace("-", "−")
    )


def side_of(x: float) -> str:
    return "" if x < 80 else "e" if x > 540 else "m"


def standing(value: float, values: Sequence[float]) -> str:
    below = sum(one < value for one in values)
    above = sum(one > value for one in values)
    if not below:
        return "below all of them"
    if not above:
        return "above all of them"
    return f"above {below} and below {above} of them"


def round_values(low: float, high: float, *, log: bool) -> list[float]:
    """Between four and eight round numbers within the range."""
    if log:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        steps = (1, 2, 5) if high / low < 1000 else (1,)
        return [step * 10.0**power for power in powers for step in steps if low <= step * 10.0**power <= high]
    span = (high - low) or 1.0
    raw = span / 5
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= raw)
    first = math.ceil(low / step)
    return [round(n * step, 12) for n in range(first, math.floor(high / step) + 1)]
