"""Bars and columns as drawings: widths are attributes of SVG, since the content policy forbids styles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

BAR_ORDER: Final = ("done", "waiting", "returned", "progress", "start")
BAR_WIDTH, GAP = 1000.0, 4.0
FLOOR, HEIGHT, STEP = 52.0, 44.0, 30


@dataclass(frozen=True, slots=True)
class Part:
    """One segment of a bar, in units of its viewBox."""

    fill: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Column:
    """One week of a pace, in units of its viewBox; the last one is this week."""

    fill: str
    x: int
    y: float
    height: float


def segments(counts: Iterable[tuple[str, int]]) -> list[Part]:
    """A bar of (class, count), left to right; what counts nothing is left out."""
    shown = [(fill, count) for fill, count in counts if count]
    total = sum(count for _, count in shown)
    room, x, parts = BAR_WIDTH - GAP * max(len(shown) - 1, 0), 0.0, []
    for fill, count in shown:
        width = room * count / total
        parts.append(Part(fill, round(x, 1), round(width, 1)))
        x += width + GAP
    return parts


def columns(weeks: tuple[int, ...]) -> list[Column]:
    most = max(weeks, default=0) or 1
    heights = [round(max(2.0, HEIGHT * count / most), 1) for count in weeks]
    last = len(weeks) - 1
    return [
        Column("up" if number == last else "past", STEP * number, round(FLOOR - height, 1), height)
        for number, height in enumerate(heights)
    ]
