"""Comparing any entries at all, and the demo review."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extraction.align import propose
from extraction.compare import differences
from extraction.contrasts import TURNED
from extraction.record import (
    ACCEPTED_VERDICTS,
    Entry,
    Match,
    Side,
    Subject,
    Verdict,
)
from extraction.units import UnitTable
from tests.extraction.any_entries import contrasted, entries, pairs
from tests.extraction.entries import UNITS, by_key, demo_entries, other_way, renamed, rows_of, turned

ANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@ANY
@given(pairs())
def test_changing_sides_changes_sides_and_nothing_else(given_pair: tuple[Entry, Entry, list[Match]]) -> None:
    a, b, matches = given_pair
    there = {(one.subject, one.field, one.a, one.b): one for one in differences(a, b, matches, UNITS)}
    back = {(one.subject, one.field, one.b, one.a): one for one in differences(b, a, turned(matches), UNITS)}
    assert there.keys() == back.keys()
    for unit, one in there.items():
        other = back[unit]
        says = [text.removesuffix(TURNED) for text in (one.a_says, one.b_says, other.b_says, other.a_says)]
        assert (one.verdict, *says[:2]) == (other.verdict, *says[2:])
        assert (one.takes is None) == (other.takes is None) == (one.verdict not in ACCEPTED_VERDICTS)
        assert one.takes is not other.takes or one.takes in {None, Side.A}  # a tie goes to A, whoever is A


@ANY
@given(entries("a"))
def test_an_entry_compared_with_itself_differs_in_nothing(whole: Entry) -> None:
    assert differences(whole, whole, by_key(whole, whole), UNITS) == []


@ANY
@given(entries("a"), st.randoms())
def test_the_order_of_the_rows_of_b_changes_nothing_but_the_order(whole: Entry, random: Any) -> None:
    other = renamed(whole, "a", "b")
    matches = [
        Match(subject, (row.key,), ("b" + row.key.removeprefix("a"),), exact=True, score=1, reason="")
        for subject, rows in (
            (Subject.ARM, whole.arms),
            (Subject.TIMEPOINT, whole.timepoints),
            (Subject.OUTCOME, whole.outcomes),
        )
        for row in rows
    ]
    rows = list(other.observations)
    random.shuffle(rows)
    assert differences(whole, replace(other, observations=tuple(rows)), matches, UNITS) == []


@ANY
@given(contrasted("a"))
def test_arms_named_the_other_way_round_are_equivalent_and_nothing_else_differs(whole: Entry) -> None:
    found = differences(whole, other_way(whole), by_key(whole, whole), UNITS)
    assert {(one.subject, one.verdict) for one in found} <= {(Subject.CONTRAST, Verdict.EQUIVALENT)}
    assert all("the other way round" in one.worked and one.takes is Side.A for one in found)
    assert other_way(other_way(whole)).observations == whole.observations
    assert differences(whole, other_way(other_way(whole)), by_key(whole, whole), UNITS) == []


# The demo review

FIELDS = {"mean": "centre", "sd": "spread", "n": "n", "": "row"}


def test_the_demo_review_gives_the_planted_differences_and_nothing_else() -> None:
    # given both entries of the 56 trials
    first, second = demo_entries("a"), demo_entries("b")
    found: Counter[tuple[str, str, str, str, str]] = Counter()
    for trial, a in first.items():
        matches = propose(a, second[trial])
        # when their rows are matched, which needs nobody, and their values are compared
        assert all(match.exact for match in matches)
        for one in differences(a, second[trial], matches, UnitTable()):
            _, arm, marker = (one.a or one.b or "").split(":")
            found[trial, arm, marker, one.field, one.verdict.value] += 1
            assert one.takes is (Side.A if one.verdict in ACCEPTED_VERDICTS else None)
    # then there is one difference per planted one, at its place, with the verdict it deserves
    planted = Counter(
        (row["trial"], row["arm"], row["marker"], FIELDS[row["field"]], row["verdict"]) for row in rows_of("planted")
    )
    assert found == planted
    assert Counter(verdict for *_, verdict in found.elements()) == {
        "different": 28,
        "one_missing": 6,
        "rounding": 60,
        "equivalent": 20,
    }
