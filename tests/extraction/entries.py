"""Entries to compare: short builders, and the demo review read without a database."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from extraction import contrasts
from extraction.compare import differences
from extraction.final import compose, unit_of
from extraction.final_decision import Decision
from extraction.numbers import parse_count, parse_number, parse_quantity
from extraction.record import (
    WITHIN_ARM,
    Arm,
    CentreKind,
    Condition,
    ContrastStatistic,
    Difference,
    Entry,
    Match,
    Observation,
    Outcome,
    Phase,
    QuantityKind,
    Role,
    Side,
    Spread,
    SpreadKind,
    Statistic,
    Status,
    Subject,
    Timepoint,
    Verdict,
)
from extraction.units import UnitRow, UnitTable

DEMO = Path(__file__).parents[2] / "extraction" / "demo" / "data"

UNITS = UnitTable(
    [
        UnitRow("pg/mL", "pg/mL", "1"),
        UnitRow("ng/L", "pg/mL", "1"),
        UnitRow("ng/mL", "pg/mL", "1000"),
        UnitRow("mmol/L", "mg/dL", "18"),
        UnitRow("IU/mL", "pg/mL", "10", marker="il6", auto_equivalent=False),
    ]
)


def one_number(kind: SpreadKind, printed: str) -> Spread:
    """A spread with one number, or with the status that `printed` names."""
    quantity = parse_quantity(printed)
    return Spread(kind, quantity.status, quantity.printed, quantity.value, quantity.qualifier)


def two_ends(kind: SpreadKind, low: str, high: str, level: float | None = None) -> Spread:
    return Spread(
        kind,
        Status.REPORTED,
        low_printed=low,
        low=parse_number(low).value,
        high_printed=high,
        high=parse_number(high).value,
        level=level,
    )


def sd(printed: str) -> Spread:
    return one_number(SpreadKind.SD, printed)


def se(printed: str) -> Spread:
    return one_number(SpreadKind.SE, printed)


def ci(low: str, high: str, level: float | None = 95.0) -> Spread:
    return two_ends(SpreadKind.CI, low, high, level)


def cell(
    key: str = "o1",
    *,
    n: str = "25",
    centre: str = "3.1",
    spread: Spread | None = None,
    centre_kind: CentreKind = CentreKind.MEAN,
    arm: str = "arm1",
    timepoint: str = "time1",
    outcome: str = "outcome1",
    **more: Any,
) -> Observation:
    """An observation from printed texts: n 25, mean 3.1, SD 2.1."""
    return Observation(
        key,
        arm,
        timepoint,
        outcome,
        n=parse_count(n),
        centre_kind=centre_kind,
        centre=parse_quantity(centre),
        spread=sd("2.1") if spread is None else spread,
        **more,
    )


def entry(*observations: Observation, **parts: Any) -> Entry:
    """An entry with one arm, one timepoint and one outcome, unless `parts` say otherwise."""
    whole = {
        "arms": (Arm("arm1", "CBT", intervention="cbt", n_randomised=parse_count("30")),),
        "timepoints": (Timepoint("time1", Phase.POST, "post", 10.0),),
        "outcomes": (Outcome("outcome1", "IL-6", "il6", "serum", "ELISA", Condition.BASAL, unit="pg/mL"),),
    }
    return Entry(observations=observations, **(whole | parts))


def by_key(a: Entry, b: Entry) -> list[Match]:
    """Confirmed matches of all rows that have the same key on both sides."""
    return [
        Match(subject, (row.key,), (row.key,), exact=True, score=1.0, reason="same key")
        for subject, rows_a, rows_b in (
            (Subject.ARM, a.arms, b.arms),
            (Subject.TIMEPOINT, a.timepoints, b.timepoints),
            (Subject.OUTCOME, a.outcomes, b.outcomes),
        )
        for row in rows_a
        if row.key in {other.key for other in rows_b}
    ]


def turned(matches: Sequence[Match]) -> list[Match]:
    """The same matches when A and B change places."""
    return [replace(match, a=match.b, b=match.a) for match in matches]


# Comparing


def compared(a: Entry, b: Entry, matches: Sequence[Match] | None = None) -> list[Difference]:
    return differences(a, b, by_key(a, b) if matches is None else list(matches), UNITS)


def contrast(
    key: str = "k1", statistic: Statistic = Statistic.T, value: str = "2.10", **more: Any
) -> ContrastStatistic:
    """A contrast of arm1 against arm2 from printed texts; within arm1 for a statistic of a change."""
    df = contrasts.read_df(more.pop("df", ""), statistic)
    place = {"arm": "arm1", "timepoint": "time1", "outcome": "outcome1"}
    place["versus"] = "" if statistic in WITHIN_ARM else "arm2"
    return ContrastStatistic(key, statistic=statistic, value=parse_quantity(value), df=df, **place | more)


def the_one(found: Sequence[Difference]) -> Difference:
    assert len(found) == 1, found
    return found[0]


def verdict_of(a: Observation, b: Observation, field: str, **parts: Any) -> tuple[Verdict, Side | None]:
    """What two observations say together on one field; they must agree on all others."""
    found = compared(entry(a, **parts), entry(b, **parts))
    assert {difference.field for difference in found} <= {field}
    return (found[0].verdict, found[0].takes) if found else (Verdict.IDENTICAL, None)


def final(
    a: Entry, b: Entry, decide: Mapping[str, Decision] | None = None, matches: Sequence[Match] | None = None
) -> Entry:
    """FINAL with a decision per field."""
    joined = by_key(a, b) if matches is None else matches
    found = differences(a, b, joined, UNITS)
    fields = {one.field for one in found}
    assert set(decide or {}) <= fields, f"nothing to decide on {set(decide or {}) - fields}"
    decisions = {unit_of(one): decide[one.field] for one in found if decide and one.field in decide}
    return compose(a, b, joined, found, decisions, UNITS)


def renamed(whole: Entry, old: str, new: str) -> Entry:
    """The same entry as the other side would hold it: all keys begin with another prefix."""

    def key(text: str) -> str:
        return new + text.removeprefix(old) if text else text

    return Entry(
        tuple(replace(row, key=key(row.key)) for row in whole.arms),
        tuple(replace(row, key=key(row.key)) for row in whole.timepoints),
        tuple(replace(row, key=key(row.key)) for row in whole.outcomes),
        tuple(
            replace(row, key=key(row.key), arm=key(row.arm), timepoint=key(row.timepoint), outcome=key(row.outcome))
            for row in whole.observations
        ),
        tuple(replace(row, key=key(row.key), arm=key(row.arm)) for row in whole.characteristics),
        tuple(
            replace(
                row,
                key=key(row.key),
                arm=key(row.arm),
                versus=key(row.versus),
                timepoint=key(row.timepoint),
                outcome=key(row.outcome),
            )
            for row in whole.contrasts
        ),
    )


def other_way(whole: Entry) -> Entry:
    """The same entry with the two arms of every contrast named the other way round."""
    return replace(whole, contrasts=tuple(contrasts.turned(row) for row in whole.contrasts))


# The demo review


def rows_of(name: str) -> list[dict[str, str]]:
    with (DEMO / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def demo_entries(side: str) -> Mapping[str, Entry]:
    """Trial → entry of one side ("a" or "b") of the demo review. Keys name what they are: "a:HIIT", "a:HIIT:BMI"."""
    arms: dict[str, dict[str, Arm]] = defaultdict(dict)
    for row in rows_of(f"arms_{side}"):
        key = f"{side}:{row['arm']}"
        n = parse_count(row["n_randomised"])
        arm = Arm(key, row["arm"], Role(row["role"]), row["intervention"], n_randomised=n)
        arms[row["trial"]][row["arm"]] = arm
    times: dict[str, dict[str, Timepoint]] = defaultdict(dict)
    outcomes: dict[str, dict[str, Outcome]] = defaultdict(dict)
    observations: dict[str, list[Observation]] = defaultdict(list)
    for row in rows_of(f"observations_{side}"):
        trial, marker = row["trial"], row["marker"]
        weeks = parse_number(row["weeks"])
        time = times[trial].setdefault(row["weeks"], Timepoint(f"{side}:{row['weeks']}", Phase.POST, "", weeks.value))
        outcome = outcomes[trial].setdefault(marker, Outcome(f"{side}:{marker}", marker, marker, unit=row["unit"]))
        observations[trial].append(
            cell(
                f"{side}:{row['arm']}:{marker}",
                n=row["n"],
                centre=row["mean"],
                spread=sd(row["sd"]) if row["sd"] else se(row["se"]),
                arm=arms[trial][row["arm"]].key,
                timepoint=time.key,
                outcome=outcome.key,
                quantity=QuantityKind.CHANGE,
            )
        )
    return {
        trial: Entry(
            tuple(arms[trial].values()),
            tuple(times[trial].values()),
            tuple(outcomes[trial].values()),
            tuple(observations[trial]),
        )
        for trial in arms
    }
