"""FINAL from any entries at all, and from the demo review."""

from __future__ import annotations

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from extraction.align import propose
from extraction.compare import differences
from extraction.final import Unit, compose, unit_of
from extraction.final_decision import Choice, Decision
from extraction.final_values import DecisionError
from extraction.record import (
    ACCEPTED_VERDICTS,
    Entry,
    Match,
    Subject,
)
from extraction.side_by_side import lay
from extraction.units import UnitTable
from tests.extraction.any_entries import entries, pairs
from tests.extraction.entries import UNITS, by_key, demo_entries, renamed

FOR_A, FOR_B, NOT_REPORTED = Decision(Choice.A), Decision(Choice.B), Decision(Choice.NOT_REPORTED)

ANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@ANY
@given(entries("a"))
def test_two_copies_of_an_entry_give_that_entry(whole: Entry) -> None:
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
    found = differences(whole, other, matches, UNITS)
    assert found == []
    assert compose(whole, other, matches, found, {}, UNITS) == whole


@ANY
@given(pairs(), st.sampled_from([FOR_A, FOR_B]))
def test_all_decided_for_one_side_final_says_what_that_side_says(
    given_pair: tuple[Entry, Entry, list[Match]], decision: Decision
) -> None:
    # given any two entries, and every open difference decided for one of them
    a, b, matches = given_pair
    found = differences(a, b, matches, UNITS)
    decisions: dict[Unit, Decision] = {unit_of(one): decision for one in found if one.verdict not in ACCEPTED_VERDICTS}
    # when FINAL is composed
    try:
        whole = compose(a, b, matches, found, decisions, UNITS)
    except DecisionError as refused:
        assume("is no number" not in str(refused))  # a number beyond all floats in the other unit
        raise
    # then it holds together, and differs from that side in nothing that anybody would have to decide
    side = a if decision is FOR_A else b
    beside = lay(a, b, matches)
    back = [
        Match(subject, (pair.key,), (key,), exact=True, score=1, reason="")
        for subject, joined in (
            (Subject.ARM, beside.arms),
            (Subject.TIMEPOINT, beside.timepoints),
            (Subject.OUTCOME, beside.outcomes),
        )
        for pair in joined
        if (key := pair.keys[decision is FOR_B]) is not None
    ]
    again = differences(whole, side, back, UNITS)
    assert [one for one in again if one.verdict not in ACCEPTED_VERDICTS] == []


@ANY
@given(pairs(), st.data())
def test_any_decisions_give_a_record_that_holds_together(
    given_pair: tuple[Entry, Entry, list[Match]], data: st.DataObject
) -> None:
    a, b, matches = given_pair
    found = differences(a, b, matches, UNITS)
    choices = {
        Subject.OBSERVATION: [FOR_A, FOR_B, NOT_REPORTED],
        Subject.CONTRAST: [FOR_A, FOR_B, NOT_REPORTED],
        Subject.CHARACTERISTIC: [FOR_A, FOR_B, NOT_REPORTED],
    }
    decisions = {unit_of(one): data.draw(st.sampled_from(choices.get(one.subject, [FOR_A, FOR_B]))) for one in found}
    try:
        whole = compose(a, b, matches, found, decisions, UNITS)
    except DecisionError as refused:
        assume("is no number" not in str(refused))
        raise
    assert differences(whole, whole, by_key(whole, whole), UNITS) == []
    keys = [
        row.key
        for rows in (whole.arms, whole.timepoints, whole.outcomes, whole.observations, whole.contrasts)
        for row in rows
    ]
    assert len(keys) == len(set(keys))


# The demo review


def test_the_demo_review_decided_for_a_is_entry_a() -> None:
    second = demo_entries("b")
    for trial, a in demo_entries("a").items():
        matches = propose(a, second[trial])
        found = differences(a, second[trial], matches, UnitTable())
        decisions = {unit_of(one): FOR_A for one in found if one.takes is None}
        assert compose(a, second[trial], matches, found, decisions) == a


def test_the_demo_review_decided_for_b_is_entry_b_but_for_what_was_accepted() -> None:
    second, rows = demo_entries("b"), 0
    for trial, a in demo_entries("a").items():
        b = second[trial]
        matches = propose(a, b)
        found = differences(a, b, matches, UnitTable())
        whole = compose(a, b, matches, found, {unit_of(one): FOR_B for one in found}, UnitTable())
        assert [(row.n, row.centre, row.spread) for row in whole.observations] == [
            (row.n, row.centre, row.spread) for row in b.observations
        ]
        rows += len(whole.observations)
    assert rows == 764
