"""Entries and pairs of entries of any kind, as hypothesis strategies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from hypothesis import strategies as st

from extraction.contrasts import DIFFERENCES
from extraction.numbers import parse_number
from extraction.record import (
    WITHIN_ARM,
    Arm,
    CentreKind,
    Characteristic,
    Condition,
    ContrastStatistic,
    Entry,
    Match,
    ModeratorKind,
    Observation,
    Outcome,
    Phase,
    Qualifier,
    Quantity,
    QuantityKind,
    Role,
    Scale,
    Spread,
    SpreadKind,
    Statistic,
    Status,
    Subject,
    Timepoint,
)
from tests.extraction.entries import other_way, renamed

_PRINTED = st.one_of(
    st.decimals(-300, 300, places=2).map(str),
    st.decimals(0, 30, places=1).map(str),
    st.integers(0, 40).map(str),
    st.sampled_from(["2.5", "2.50", "2.4", "2", "2500", "2.1", "0.42", "0", "-2.5", "1e3"]),
)
_SILENT = st.sampled_from(
    [Quantity(), *(Quantity(status) for status in (Status.NOT_REPORTED, Status.NOT_MEASURED, Status.UNCLEAR))]
)
_RAW = st.builds(
    Quantity,
    st.sampled_from(Status),
    st.sampled_from(["", "?", "1.2 (3)", "7"]),
    st.one_of(st.none(), st.floats(), st.sampled_from([0.0, 25.0, 2.5])),
    st.sampled_from(Qualifier),
)


@st.composite
def printed_quantities(draw: st.DrawFn) -> Quantity:
    number = parse_number(draw(_PRINTED))
    qualifier = draw(st.sampled_from([Qualifier.EQUAL] * 4 + [Qualifier.LESS, Qualifier.BELOW_DETECTION]))
    return Quantity(Status.REPORTED, number.printed, number.value, qualifier)


def quantities() -> st.SearchStrategy[Quantity]:
    return st.one_of(printed_quantities(), printed_quantities(), _SILENT, _RAW)


@st.composite
def spreads(draw: st.DrawFn) -> Spread:
    kind = draw(st.sampled_from(SpreadKind))
    one = draw(quantities())
    if draw(st.booleans()):
        return Spread(kind, one.status, one.printed, one.value, one.qualifier)
    low, high = draw(quantities()), draw(quantities())
    level = draw(st.sampled_from([None, 90.0, 95.0, 99.0, 20.0]))
    status = draw(st.sampled_from(Status))
    return Spread(
        kind,
        status,
        low_printed=low.printed,
        low=low.value,
        high_printed=high.printed,
        high=high.value,
        level=level,
    )


_WORDS = st.sampled_from(["", "serum", "Serum", "plasma"])
_WEEKS = st.one_of(st.none(), st.sampled_from([0.0, 8.0, 8.5, 90 / 7, 13.0, float("inf")]))


@st.composite
def entries(draw: st.DrawFn, prefix: str) -> Entry:
    """A valid entry: keys are unique, references resolve, one row per place. Its values may be anything."""
    arms = tuple(
        Arm(
            f"{prefix}arm{place}",
            draw(st.sampled_from(["CBT", "cbt ", "Waitlist", "Waitlist group", "Group 1"])),
            draw(st.sampled_from(Role)),
            draw(st.sampled_from(["", "cbt", "other"])),
            draw(st.sampled_from(["", "waitlist", "usual care"])),
            draw(quantities()),
            draw(st.booleans()),
            draw(_WORDS),
        )
        for place in range(draw(st.integers(0, 3)))
    )
    times = tuple(
        Timepoint(
            f"{prefix}time{place}",
            draw(st.sampled_from(Phase)),
            draw(st.sampled_from(["", "post", "T1"])),
            draw(_WEEKS),
            draw(_WEEKS),
        )
        for place in range(draw(st.integers(0, 2)))
    )
    outcomes = tuple(
        Outcome(
            f"{prefix}outcome{place}",
            draw(st.sampled_from(["IL-6", "il-6", "CRP", "NK"])),
            draw(st.sampled_from(["", "il6", "crp"])),
            draw(_WORDS),
            draw(st.sampled_from(["", "ELISA"])),
            draw(st.sampled_from(Condition)),
            draw(st.sampled_from(["", "LPS"])),
            "",
            draw(st.sampled_from(["", "pg/mL", "pg/ml", "ng/L", "ng/mL", "IU/mL", "kU"])),
            draw(st.sampled_from([Scale.RAW, Scale.RAW, Scale.LOG])),
        )
        for place in range(draw(st.integers(0, 2)))
    )
    places = [
        (arm.key, time.key, outcome.key, quantity)
        for arm in arms
        for time in times
        for outcome in outcomes
        for quantity in QuantityKind
    ]
    chosen = draw(st.lists(st.sampled_from(places), unique=True, max_size=6)) if places else []
    observations = tuple(
        Observation(
            f"{prefix}cell{place}",
            *where,
            draw(quantities()),
            draw(st.sampled_from([CentreKind.MEAN, CentreKind.MEAN, *CentreKind])),
            draw(quantities()),
            draw(spreads()),
            notes=draw(st.sampled_from(["", "a note"])),
        )
        for place, where in enumerate(chosen)
    )
    owners = draw(st.lists(st.sampled_from(["", *(arm.key for arm in arms)]), unique=True, max_size=2))
    characteristics = tuple(
        Characteristic(
            f"{prefix}char{place}",
            draw(st.sampled_from(["age", "population"])),
            draw(st.sampled_from(ModeratorKind)),
            owner,
            (known := draw(quantities())).status,
            known.printed,
            known.value,
            draw(st.sampled_from(["", "adults", "Adults"])),
        )
        for place, owner in enumerate(owners)
    )
    contrasts = tuple(draw(_contrasts(prefix, arms, times, outcomes)))
    return Entry(arms, times, outcomes, observations, characteristics, contrasts)


@st.composite
def contrasted(draw: st.DrawFn, prefix: str) -> Entry:
    """An entry of contrasts alone, so that two of them meet in one place more often than by chance."""
    arms = tuple(Arm(f"{prefix}arm{place}", f"Group {place}") for place in range(3))
    times = (Timepoint(f"{prefix}time0", Phase.POST),)
    unit = draw(st.sampled_from(["pg/mL", "ng/mL"]))
    outcomes = (Outcome(f"{prefix}outcome0", "IL-6", "il6", unit=unit),)
    return Entry(arms, times, outcomes, contrasts=tuple(draw(_contrasts(prefix, arms, times, outcomes))))


@st.composite
def _contrasts(
    draw: st.DrawFn, prefix: str, arms: Sequence[Arm], times: Sequence[Timepoint], outcomes: Sequence[Outcome]
) -> list[ContrastStatistic]:
    """One statistic per place, whichever of its two arms is named first."""
    compared = [(one.key, other.key) for one, other in combinations(arms, 2)]
    places = [
        (*named, time.key, outcome.key, statistic)
        for time in times
        for outcome in outcomes
        for statistic in Statistic
        for named in ([(arm.key, "") for arm in arms] if statistic in WITHIN_ARM else compared)
    ]
    found = []
    for place, (arm, versus, time_key, outcome_key, statistic) in enumerate(
        draw(st.lists(st.sampled_from(places), unique=True, max_size=8)) if places else []
    ):
        one, other = (versus, arm) if versus and draw(st.booleans()) else (arm, versus)
        low, high = draw(quantities()), draw(quantities())
        interval = Spread(SpreadKind.CI, Status.REPORTED, low_printed=low.printed, low=low.value)
        interval = replace(interval, high_printed=high.printed, high=high.value, level=95.0)
        found.append(
            ContrastStatistic(
                f"{prefix}contrast{place}",
                one,
                time_key,
                outcome_key,
                statistic,
                versus=other,
                value=draw(quantities()),
                interval=interval if statistic in DIFFERENCES and draw(st.booleans()) else Spread(),
                df=draw(quantities()),
                adjusted=draw(st.sampled_from(["", "age"])),
                notes=draw(st.sampled_from(["", "a note"])),
            )
        )
    return found


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Entry, Entry, list[Match]]:
    """Two entries (one of three times near copies) and confirmed matches of their rows, merges and gaps included."""
    kind = draw(st.sampled_from([entries, entries, contrasted]))
    a = draw(kind("a"))
    b = renamed(a, "a", "b") if draw(st.integers(0, 2)) == 0 else draw(kind("b"))
    if kind is contrasted and draw(st.booleans()):
        b = other_way(b)
    matches: list[Match] = []
    for subject, rows_a, rows_b in (
        (Subject.ARM, a.arms, b.arms),
        (Subject.TIMEPOINT, a.timepoints, b.timepoints),
        (Subject.OUTCOME, a.outcomes, b.outcomes),
    ):
        keys_a = [row.key for row in rows_a]
        keys_b = draw(st.permutations([row.key for row in rows_b])) if draw(st.booleans()) else [r.key for r in rows_b]
        if len(keys_a) > 1 and keys_b and draw(st.integers(0, 4)) == 0:
            matches.append(Match(subject, tuple(keys_a), tuple(keys_b[:1]), exact=False, score=0.6, reason="merge"))
            continue
        for key_a, key_b in zip(keys_a, keys_b, strict=False):
            matches.append(Match(subject, (key_a,), (key_b,), exact=True, score=1.0, reason="pair"))
    return a, b, matches
