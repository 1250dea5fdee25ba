"""How often the diagnosis is right: errors planted at random in realistic trials, and honest differences.

`python -m bench.diagnosis` measures the same on more draws and writes docs/diagnosis.md.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from extraction.record import Side
from tests.extraction.planted import PLANTERS, honest
from tests.extraction.tallied import found_in, measure, measure_honest
from tests.extraction.trials_at_random import a_trial

DRAWS = 200
LEAST_RIGHT = 0.95
MOST_ALARMS = 0.02
MOST_WRONG_SIDES = 0.05  # a side is proposed from odds of 20 to 1


@pytest.mark.parametrize("kind", PLANTERS)
def test_a_planted_error_is_named(kind: str) -> None:
    tally = measure(kind, DRAWS)
    assert tally.drawn >= DRAWS
    assert tally.share >= LEAST_RIGHT, tally.misses[:5]
    assert tally.side_wrong <= MOST_WRONG_SIDES * (tally.side_right + tally.side_wrong), tally.misses[:5]


@pytest.mark.parametrize(
    "kind",
    [
        "minus of an interval's end lost", "SE from elsewhere as SD", "decimal point of a mean",
        "decimal point of a spread", "a zero too many in n", "digits of n", "unit of a row", "row left out",
    ],
)  # fmt: skip
def test_where_the_entries_say_which_side_is_wrong_a_side_is_proposed(kind: str) -> None:
    tally = measure(kind, DRAWS, seed=2)
    assert tally.side_right >= tally.drawn / 2


def test_honest_differences_get_no_cause() -> None:
    tally = measure_honest(1000)
    assert 1 - tally.share <= MOST_ALARMS, tally.misses[:10]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.integers(0, 2**32), st.sampled_from([*PLANTERS, "honest"]))
def test_what_is_said_does_not_depend_on_who_is_a(seed: int, kind: str) -> None:
    chance = random.Random(seed)
    a = a_trial(chance)
    if kind == "honest":
        b = honest(chance, a)
    else:
        made = PLANTERS[kind](chance, a)
        assume(made is not None)
        assert made is not None
        b = made.entry
    there = {((one.a or one.b), one.field): said for one, said in found_in(a, b)}
    back = {((one.a or one.b), one.field): said for one, said in found_in(b, a)}
    turned = {Side.A: Side.B, Side.B: Side.A, None: None}
    codes = {"only_a": "only_b", "only_b": "only_a"}
    assert there.keys() == back.keys()
    for place, said in there.items():
        other = back[place]
        assert (said is None) == (other is None), place
        if said is not None and other is not None:
            assert codes.get(other.code, other.code) == said.code
            assert turned[other.suggests] is said.suggests, (said, other)
