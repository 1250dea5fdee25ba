"""Which side looks right: each ground by itself, grounds that contradict each other, and the demo review."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from extraction.align import propose
from extraction.checks import MarkerLimits
from extraction.compare import differences
from extraction.explain import explain
from extraction.numbers import parse_count
from extraction.record import (
    Arm,
    Diagnosis,
    Entry,
    Observation,
    Outcome,
    Phase,
    QuantityKind,
    Side,
    Spread,
    Timepoint,
    Verdict,
)
from extraction.units import UnitTable
from tests.extraction.entries import UNITS, by_key, cell, ci, demo_entries, rows_of, sd

USUAL = {"il6": MarkerLimits("pg/mL", 0.3, 15.0, ratio_low=0.4, ratio_high=2.5)}
CHANGE = QuantityKind.CHANGE


def trial(*rows: Observation, randomised: str = "30") -> Entry:
    return Entry(
        (
            Arm("arm1", "CBT", n_randomised=parse_count(randomised)),
            Arm("arm2", "Waitlist", n_randomised=parse_count("30")),
        ),
        (Timepoint("time0", Phase.BASELINE), Timepoint("time1", Phase.POST, "10 weeks", 10.0)),
        (Outcome("outcome1", "IL-6", "il6", unit="pg/mL"), Outcome("outcome2", "Stress", unit="points")),
        rows,
    )


def judged(rows: list[Observation], limits: dict[str, MarkerLimits] | None = None, **in_b: Any) -> Diagnosis:
    """The one diagnosis, where B has the first row otherwise."""
    a, b = trial(*rows), trial(replace_in(rows[0], in_b), *rows[1:])
    matches = by_key(a, b)
    found = differences(a, b, matches, UNITS)
    (diagnosis,) = explain(a, b, matches, found, UNITS, limits or {})
    assert diagnosis is not None
    return diagnosis


def replace_in(row: Observation, texts: dict[str, Any]) -> Observation:
    other = cell(**texts)
    return replace(row, **{name: getattr(other, name) for name in texts})


def spread_out(*spreads: Spread) -> list[Observation]:
    return [
        cell(f"o{place}", arm=f"arm{1 + place % 2}", timepoint=f"time{place // 2}", spread=one)
        for place, one in enumerate(spreads)
    ]


def test_more_than_were_randomised_is_impossible() -> None:
    found = judged([cell(n="27")], n="72")
    assert (found.code, found.suggests) == ("digits_transposed", Side.A)
    assert found.evidence == "27 and 72 have two digits exchanged; A fits the 30 randomised"
    assert judged([cell(n="32")], n="23").suggests is Side.B  # though 32 is nearer to 30


def test_an_n_that_the_arm_has_elsewhere_at_the_same_time() -> None:
    others = [
        cell(f"other{place}", n="12", outcome="outcome2", quantity=kind) for place, kind in enumerate(QuantityKind)
    ]
    found = judged([cell(n="12"), *others], n="21")
    assert (found.code, found.suggests) == ("digits_transposed", Side.A)
    # those of another arm say nothing
    elsewhere = [replace(row, arm="arm2") for row in others]
    assert judged([cell(n="12"), *elsewhere], n="21").suggests is Side.B  # nearer to the 30 randomised


def test_before_and_change_make_after() -> None:
    rows = [
        cell("change", centre="-1.1", quantity=CHANGE),
        cell("before", centre="6.2", timepoint="time0"),
        cell("after", centre="5.1"),
    ]
    found = judged(rows, centre="1.1")
    assert (found.code, found.suggests) == ("sign", Side.A)
    assert found.evidence.endswith("A fits the scores before and after")
    wrong_in_a = [replace_in(rows[0], {"centre": "1.1"}), *rows[1:]]
    assert judged(wrong_in_a, centre="-1.1").suggests is Side.B
    # a score is held against the baseline and the change, a baseline against what came after
    for first in (rows[1], rows[2]):
        others = [row for row in rows if row is not first]
        assert judged([first, *others], centre=first.centre.printed[::-1]).suggests is Side.A
    # with the change alone the sign is nobody's to say
    assert judged(rows[:1], centre="1.1") == Diagnosis("sign", "B / A = −1: the same digits with the other sign", None)


def test_the_direction_in_which_others_changed_is_no_ground() -> None:
    others = [cell(f"o{place}", centre="-1.2", arm=f"arm{place}", quantity=CHANGE) for place in (2,)]
    others += [cell("o9", centre="-1.3", outcome="outcome2", quantity=CHANGE)]
    assert judged([cell(centre="-1.1", quantity=CHANGE), *others], centre="1.1").suggests is None


def test_a_mean_lies_in_the_middle_of_its_interval() -> None:
    row = cell(centre="1.42", spread=ci("1.26", "1.58"))
    assert judged([row], centre="14.2").suggests is Side.A
    found = judged([cell(centre="0.16", quantity=CHANGE, spread=ci("-1.26", "1.58"))], spread=ci("1.26", "1.58"))
    assert (found.code, found.suggests) == ("sign", Side.A)
    assert found.evidence.endswith("A fits its own interval")


def test_the_other_sds_of_the_outcome() -> None:
    found = judged(spread_out(sd("2.1"), sd("1.9"), sd("2.4"), sd("2.2")), spread=sd("21"))
    assert (found.code, found.suggests) == ("decimal_point", Side.A)
    assert found.evidence == "B / A = 10; A fits the outcome’s other SDs, 1.9 to 2.4"
    # SDs as far apart as these two say nothing
    scattered = spread_out(sd("2.1"), sd("1.1"), sd("30"), sd("1.5"))
    assert judged(scattered, spread=sd("21")).suggests is None


def test_an_sd_of_another_quantity_or_outcome_is_no_neighbour() -> None:
    others = [cell("o2", quantity=CHANGE, spread=sd("2.0")), cell("o3", outcome="outcome2", spread=sd("2.0"))]
    assert judged([cell(spread=sd("2.1")), *others], spread=sd("21")).suggests is None


def test_where_the_other_sds_contradict_the_cause_nothing_is_proposed() -> None:
    # given an SE for an SD by its sum, and yet the smaller one is like all others
    agreeing = spread_out(sd("10.1"), sd("9.8"), sd("10.4"), sd("9.9"))
    assert judged(agreeing, spread=sd("2.02")).suggests is Side.A
    like_the_smaller = spread_out(sd("10.1"), sd("2.0"), sd("2.1"), sd("1.9"))
    assert judged(like_the_smaller, spread=sd("2.02")).suggests is not Side.A


def test_the_other_means_of_the_outcome() -> None:
    rows = [
        cell(f"o{place}", arm=f"arm{1 + place % 2}", timepoint=f"time{place // 2}", centre=centre, spread=sd("0.8"))
        for place, centre in enumerate(["3.1", "3.4", "2.9", "3.0"])
    ]
    found = judged(rows, centre="31")
    assert (found.code, found.suggests) == ("decimal_point", Side.A)
    assert found.evidence.endswith("A fits the outcome’s other means, 2.9 to 3.4")
    assert judged(rows, centre="-3.1").suggests is Side.A
    # 1.3 and 3.1 may both be means of such groups where the SD is as large as the mean
    wide = [replace_in(row, {"spread": sd("3.1")}) for row in rows]
    assert judged(wide, centre="1.3").suggests is None


def test_the_plausible_range_of_the_marker() -> None:
    found = judged([cell(centre="3.1")], USUAL, centre="31000")
    assert (found.code, found.suggests) == ("decimal_point", Side.A)
    assert found.evidence.endswith("A fits the marker’s usual means, 0.3 to 15 pg/mL")
    assert judged([cell(centre="3.1")], centre="31000").suggests is None
    assert judged([cell(centre="1.3")], USUAL, centre="13").suggests is None  # both may be


def test_the_usual_ratio_of_sd_to_mean() -> None:
    found = judged([cell(centre="3.1", spread=sd("2.1"))], USUAL, spread=sd("0.021"))
    assert (found.code, found.suggests) == ("decimal_point", Side.A)
    assert found.evidence.endswith("A fits the marker’s usual SD, 0.4 to 2.5 of the mean")


def test_a_change_by_many_sds() -> None:
    found = judged([cell(centre="-2.1", quantity=CHANGE, spread=sd("3"))], centre="-21")
    assert (found.code, found.suggests) == ("decimal_point", Side.A)
    # which of two changes is the larger is no ground where both may be
    assert judged([cell(centre="-2.1", quantity=CHANGE, spread=sd("9"))], centre="-21").suggests is None
    rows = [replace(row, quantity=CHANGE) for row in spread_out(sd("0.8"), sd("2.1"), sd("2.1"), sd("2.1"))]
    rows[0] = replace_in(rows[0], {"centre": "0.6"})
    a, b = trial(*rows), trial(replace_in(rows[0], {"centre": "6.0", "spread": sd("8.0")}), *rows[1:])
    found_in_row = differences(a, b, by_key(a, b), UNITS)
    assert [one and one.suggests for one in explain(a, b, by_key(a, b), found_in_row, UNITS, {})] == [None, None]


def test_a_row_in_another_unit_is_weighed_as_a_whole() -> None:
    rows = [
        cell(f"o{place}", arm=f"arm{1 + place % 2}", timepoint=f"time{place // 2}", centre=centre, spread=sd("0.8"))
        for place, centre in enumerate(["3.1", "3.4", "2.9", "3.0"])
    ]
    a, b = trial(*rows), trial(replace_in(rows[0], {"centre": "3100", "spread": sd("800")}), *rows[1:])
    found = differences(a, b, by_key(a, b), UNITS)
    causes = explain(a, b, by_key(a, b), found, UNITS, {})
    assert [(one.code, one.suggests) for one in causes if one] == [("unit_factor", Side.A)] * 2


@pytest.mark.parametrize("missing", [None, "NR"])
def test_what_one_side_lacks_keeps_its_side(missing: str | None) -> None:
    a = trial(cell())
    b = trial(*([cell(centre=missing)] if missing else []))
    found = differences(a, b, by_key(a, b), UNITS)
    (cause,) = explain(a, b, by_key(a, b), found, UNITS, USUAL)
    assert cause is not None
    assert (cause.code, cause.suggests) == ("only_a", Side.A)


def test_the_34_open_differences_of_the_demo_review() -> None:
    """Whatever is proposed there is A: all errors were planted in B."""
    second, proposed, seen = demo_entries("b"), 0, 0
    for name, a in demo_entries("a").items():
        b = second[name]
        matches = propose(a, b)
        found = differences(a, b, matches, UnitTable())
        for one, cause in zip(found, explain(a, b, matches, found, UnitTable(), {}), strict=True):
            if one.verdict in {Verdict.DIFFERENT, Verdict.ONE_MISSING}:
                seen += 1
                assert cause is not None
                assert cause.suggests is not Side.B, (name, cause)
                proposed += cause.suggests is Side.A
    assert seen == sum(row["verdict"] in {"different", "one_missing"} for row in rows_of("planted")) == 34
    assert proposed >= 24  # 8 signs of changes without scores beside them are nobody's to say
