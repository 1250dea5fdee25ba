"""Values that stand at another arm or time on the other side."""

from __future__ import annotations

from dataclasses import replace

from extraction.compare import differences
from extraction.diagnose import swaps
from extraction.record import (
    Arm,
    Diagnosis,
    Entry,
    Outcome,
    Phase,
    Timepoint,
)
from tests.extraction.entries import (
    UNITS,
    by_key,
    cell,
    sd,
)


def four(centres: tuple[str, str, str, str], n: tuple[str, str] = ("25", "25")) -> Entry:
    """Two arms at two times: CBT before and after, waitlist before and after."""
    places = [(arm, time) for arm in ("cbt", "wait") for time in ("pre", "post")]
    return Entry(
        (Arm("cbt", "CBT"), Arm("wait", "Waitlist")),
        (Timepoint("pre", Phase.BASELINE), Timepoint("post", Phase.POST, "10 weeks", 10.0)),
        (Outcome("il6", "IL-6", "il6"),),
        tuple(
            cell(f"{arm}-{time}", arm=arm, timepoint=time, outcome="il6", centre=centre, n=n[arm == "wait"])
            for (arm, time), centre in zip(places, centres, strict=True)
        ),
    )


def exchanged(a: Entry, b: Entry) -> dict[str, Diagnosis]:
    matches = by_key(a, b)
    return swaps(a, b, matches, differences(a, b, matches, UNITS))


def test_swapped_arms() -> None:
    a, b = four(("3.1", "2.5", "3.3", "3.2")), four(("3.3", "2.5", "3.1", "3.2"))
    found = exchanged(a, b)
    assert found.keys() == {"cbt-pre", "wait-pre"}
    assert found["cbt-pre"] == Diagnosis(
        "arms_swapped", "A has 3.1 for CBT and 3.3 for Waitlist; B has them the other way round", None
    )


def test_swapped_times() -> None:
    found = exchanged(four(("3.1", "-2.5", "3.3", "3.2")), four(("-2.5", "3.1", "3.2", "3.3")))
    assert found.keys() == {"cbt-pre", "cbt-post", "wait-pre", "wait-post"}
    assert found["cbt-post"].code == "times_swapped"
    assert found["cbt-pre"].evidence == "A has 3.1 for baseline and −2.5 for 10 weeks; B has them the other way round"


def test_an_exchange_of_one_way_is_none() -> None:
    assert exchanged(four(("3.1", "2.5", "3.3", "3.2")), four(("3.3", "2.5", "3.4", "3.2"))) == {}
    assert exchanged(four(("3.1", "2.5", "NR", "3.2")), four(("NR", "2.5", "3.1", "3.2"))) == {}


def test_an_exchange_that_does_not_explain_n_is_none() -> None:
    a = four(("3.1", "2.5", "3.3", "3.2"), n=("25", "20"))
    assert exchanged(a, four(("3.3", "2.5", "3.1", "3.2"), n=("20", "25"))).keys() == {"cbt-pre", "wait-pre"}
    assert exchanged(a, four(("3.3", "2.5", "3.1", "3.2"), n=("11", "12"))) == {}


def test_an_exchange_of_the_centres_alone_is_none() -> None:
    a, b = four(("3.1", "2.5", "3.3", "3.2")), four(("3.3", "2.5", "3.1", "3.2"))
    for side in (a, b):
        own = (replace(row, spread=sd(f"{place + 1}")) for place, row in enumerate(side.observations))
        a, b = b, replace(side, observations=tuple(own))
    assert exchanged(a, b) == {}


def test_an_n_alone_is_no_exchange_of_values() -> None:
    silent = ("NR", "NR", "NR", "NR")
    assert exchanged(four(silent, n=("25", "20")), four(silent, n=("20", "25"))) == {}


def test_entries_that_agree_have_nothing_exchanged() -> None:
    a = four(("3.1", "2.5", "3.3", "3.2"))
    assert exchanged(a, a) == {}
