"""Trials as reports print them, drawn at random: the values of the demo review, and markers of the shipped protocol.

Half of the trials are those of the demo review (changes from baseline; its means and SDs, printed with few digits as
reports do). The other half measure markers of the protocol before and after treatment: means within the marker's
plausible range, SDs within its usual share of the mean. Everything follows from the generator that is given.
"""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from scipy.special import stdtrit

from extraction.checks.look import MarkerLimits
from extraction.numbers import parse_count, parse_quantity
from extraction.record import (
    Arm,
    CentreKind,
    Entry,
    Observation,
    Outcome,
    Phase,
    QuantityKind,
    Role,
    Spread,
    SpreadKind,
    Timepoint,
)
from extraction.units import UnitRow, UnitTable
from tests.extraction.entries import ci, demo_entries, sd, se

PROTOCOL = Path(__file__).parents[2] / "extraction" / "protocols" / "psychosocial_immune"


@dataclass(frozen=True, slots=True)
class Marker:
    code: str
    unit: str
    low: float
    high: float
    ratio_low: float
    ratio_high: float


@cache
def markers() -> tuple[Marker, ...]:
    """Those of the protocol that are measured on a ratio scale and have all their ranges."""
    wanted = ("plausible_mean_low", "plausible_mean_high", "sd_mean_low", "sd_mean_high")
    with (PROTOCOL / "markers.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if all(row[name] for name in wanted)]
    made = [Marker(row["code"], row["canonical_unit"], *(float(row[name]) for name in wanted)) for row in rows]
    return tuple(marker for marker in made if marker.low > 0)


@cache
def units() -> UnitTable:
    with (PROTOCOL / "units.csv").open(encoding="utf-8", newline="") as file:
        return UnitTable(
            [
                UnitRow(
                    row["unit"], row["to_unit"], row["factor"], row["marker"], row["transform"],
                    row["auto_equivalent"] == "y", tuple(part.strip() for part in row["aliases"].split(";")),
                )
                for row in csv.DictReader(file)
            ]
        )  # fmt: skip


@cache
def limits() -> Mapping[str, MarkerLimits]:
    return {
        marker.code: MarkerLimits(
            marker.unit, marker.low, marker.high, ratio_low=marker.ratio_low, ratio_high=marker.ratio_high
        )
        for marker in markers()
    }


@cache
def demo() -> tuple[Entry, ...]:
    return tuple(demo_entries("a").values())


def at_places(value: float, places: int) -> str:
    """Rounded as a report rounds, never "-0.0"."""
    text = f"{value:.{max(places, 0)}f}"
    return text.lstrip("-") if not float(text) else text


def places_for(size: float, digits: int) -> int:
    """Decimals that show a number of this size with so many digits."""
    return max(0, min(9, digits - 1 - math.floor(math.log10(size))))


def printed_spread(kind: SpreadKind, mean: float, deviation: float, n: int, places: int) -> Spread:
    if kind is SpreadKind.SD:
        return sd(at_places(deviation, places))
    error = deviation / math.sqrt(n)
    if kind is SpreadKind.SE:
        return se(at_places(error, max(places, places_for(error, 2))))
    half = float(stdtrit(n - 1, 0.975)) * error
    return ci(at_places(mean - half, places), at_places(mean + half, places))


def a_trial(chance: random.Random) -> Entry:
    return _changes(chance) if chance.random() < 0.5 else _scores(chance)


def _kind(chance: random.Random) -> SpreadKind:
    return chance.choices([SpreadKind.SD, SpreadKind.SE, SpreadKind.CI], [6, 3, 1])[0]


def _changes(chance: random.Random) -> Entry:
    """A trial of the demo review, each outcome printed with its own number of digits."""
    trial = chance.choice(demo())
    rows: list[Observation] = []
    for outcome in trial.outcomes:
        kind, digits = _kind(chance), chance.choice([2, 2, 3])
        own = [row for row in trial.observations if row.outcome == outcome.key]
        deviations = {row.key: _deviation(row) for row in own}
        if not all(deviations.values()):
            continue
        places = places_for(min(deviations.values()), digits)
        for row in own:
            assert row.centre.value is not None
            assert row.n.value is not None
            mean, n = row.centre.value, int(row.n.value)
            rows.append(
                replace(
                    row,
                    centre=parse_quantity(at_places(mean, places)),
                    spread=printed_spread(kind, mean, deviations[row.key], n, places),
                )
            )
    return replace(trial, observations=tuple(rows)) if rows else _changes(chance)


def _deviation(row: Observation) -> float:
    assert row.n.value is not None
    value = row.spread.value or 0.0
    return value * math.sqrt(row.n.value) if row.spread.kind is SpreadKind.SE else value


def _scores(chance: random.Random) -> Entry:
    """Two or three arms before and after treatment, now and then at a follow-up; some print changes beside scores."""
    sizes = [chance.randint(8, 120)]
    sizes += [max(6, round(sizes[0] * chance.uniform(0.8, 1.2))) for _ in range(chance.choice([1, 1, 1, 2]))]
    arms = tuple(
        Arm(f"arm{place}", f"Arm {place + 1}", Role.CONTROL if place else Role.INTERVENTION, "cbt",
            n_randomised=parse_count(str(n)))
        for place, n in enumerate(sizes)
    )  # fmt: skip
    later = [("time1", Phase.POST, 10.0), ("time2", Phase.FOLLOW_UP, 26.0)][: chance.choice([1, 1, 2])]
    times = (
        Timepoint("time0", Phase.BASELINE, "baseline", 0.0),
        *(Timepoint(key, phase, f"{weeks:g} weeks", weeks) for key, phase, weeks in later),
    )
    chosen = chance.sample(markers(), chance.choice([1, 2, 3, 4]))
    outcomes = tuple(Outcome(f"o:{one.code}", one.code, one.code, unit=one.unit) for one in chosen)
    rows = [row for one in chosen for row in _of_marker(chance, one, arms, times)]
    return Entry(arms, times, outcomes, tuple(rows))


def _of_marker(
    chance: random.Random, marker: Marker, arms: tuple[Arm, ...], times: tuple[Timepoint, ...]
) -> list[Observation]:
    level = math.exp(chance.uniform(math.log(marker.low), math.log(marker.high)))
    ratio = chance.uniform(marker.ratio_low, min(marker.ratio_high, 1.2))
    kind, digits = _kind(chance), chance.choice([2, 2, 3])
    places = places_for(level * ratio, digits)
    changes_too = chance.random() < 0.3
    rows: list[Observation] = []
    for arm in arms:
        n = int(arm.n_randomised.value or 0)
        before = 0.0
        for time in times:
            deviation = level * ratio * math.exp(chance.gauss(0, 0.15))
            drift = chance.gauss(0, 0.3) if time.phase is not Phase.BASELINE else 0.0
            # what a group's mean is by chance and by treatment, around the level of the trial
            mean = abs(level + level * ratio * (chance.gauss(0, 1) / math.sqrt(n) + drift)) or level
            rows.append(_row(arm, time, marker, QuantityKind.SCORE, n, mean, deviation, kind, places))
            if time.phase is Phase.BASELINE:
                before = float(at_places(mean, places))
            elif changes_too:
                change = float(at_places(mean, places)) - before
                own = QuantityKind.CHANGE
                rows.append(_row(arm, time, marker, own, n, change, deviation * 0.9, kind, places))
            if time.phase is not Phase.FOLLOW_UP:
                n = max(5, round(n * chance.uniform(0.85, 1.0)))
    return rows


def _row(
    arm: Arm, time: Timepoint, marker: Marker, quantity: QuantityKind,
    n: int, mean: float, deviation: float, kind: SpreadKind, places: int,
) -> Observation:  # fmt: skip
    return Observation(
        f"{arm.key}:{time.key}:{marker.code}:{quantity}",
        arm.key,
        time.key,
        f"o:{marker.code}",
        quantity,
        parse_count(str(n)),
        CentreKind.MEAN,
        parse_quantity(at_places(mean, places)),
        printed_spread(kind, mean, deviation, n, places),
    )
