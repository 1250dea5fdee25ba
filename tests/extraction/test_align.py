"""Which rows are the same: what confirms itself, what is proposed, what is only on one side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from extraction.align import propose
from extraction.likeness import Vocabulary, nearness, tolerance
from extraction.numbers import parse_quantity
from extraction.record import (
    Arm,
    Condition,
    Entry,
    Match,
    Outcome,
    Phase,
    Quantity,
    Role,
    Scale,
    Status,
    Subject,
    Timepoint,
)
from tests.extraction.any_entries import entries, pairs
from tests.extraction.entries import UNITS, cell, demo_entries, entry, renamed, sd


def of(subject: Subject, matches: Iterable[Match]) -> list[tuple[tuple[str, ...], tuple[str, ...], bool]]:
    return [(match.a, match.b, match.exact) for match in matches if match.subject is subject]


def arms(*rows: Arm, vocabulary: Vocabulary | None = None, against: Iterable[Arm]) -> list[Match]:
    found = propose(Entry(arms=rows), Entry(arms=tuple(against)), UNITS, vocabulary)
    assert all(match.subject is Subject.ARM for match in found)
    return found


def times(a: Iterable[Timepoint], b: Iterable[Timepoint]) -> list[tuple[tuple[str, ...], tuple[str, ...], bool]]:
    return of(Subject.TIMEPOINT, propose(Entry(timepoints=tuple(a)), Entry(timepoints=tuple(b))))


def outcome_match(a: Outcome, b: Outcome, vocabulary: Vocabulary | None = None) -> list[Match]:
    return propose(Entry(outcomes=(a,)), Entry(outcomes=(b,)), UNITS, vocabulary)


def arm(key: str, label: str, n: str = "30", **more: Any) -> Arm:
    return Arm(key, label, n_randomised=parse_quantity(n), **({"intervention": "cbt"} | more))


def control(key: str, label: str, n: str = "30", kind: str = "waitlist") -> Arm:
    return Arm(key, label, Role.CONTROL, control_kind=kind, n_randomised=parse_quantity(n))


CBT_A, CBT_B = arm("a1", "CBT"), arm("b1", "cbt ")
IL6 = Outcome("a", "IL-6", "il6", "serum", "ELISA", Condition.BASAL, unit="pg/mL")


# Arms


def test_the_same_arm_confirms_itself() -> None:
    (match,) = arms(CBT_A, against=[CBT_B])
    assert (match.a, match.b, match.exact, match.score) == (("a1",), ("b1",), True, 1.0)
    assert match.reason == "Same label, role, intervention and n."


@pytest.mark.parametrize(
    "other",
    [
        replace(CBT_B, role=Role.CONTROL),
        replace(CBT_B, intervention="behavior"),
        replace(CBT_B, intervention=""),
        replace(CBT_B, stratum="HIV+"),
        replace(CBT_B, label="CBT group"),
        replace(CBT_B, n_randomised=parse_quantity("27")),  # and the label is not written alike
        replace(CBT_B, n_randomised=Quantity()),
    ],
)
def test_an_arm_that_differs_in_what_tells_arms_apart_is_for_a_person(other: Arm) -> None:
    (match,) = arms(CBT_A, against=[other])
    assert (match.a, match.b, match.exact) == (("a1",), ("b1",), False)
    assert match.score < 1 or match.reason.startswith("Same label, role")


def test_another_n_is_a_difference_of_values_where_the_label_is_written_alike() -> None:
    (match,) = arms(CBT_A, against=[arm("b1", "CBT", "27")])
    assert match.exact
    assert match.reason == "Same label, role and intervention; n differs."


def test_a_comparator_is_a_group_arm_or_condition_all_the_same() -> None:
    assert arms(control("a", "Waitlist"), against=[control("b", "waitlist group")])[0].exact
    assert not arms(control("a", "Control"), against=[control("b", "Control", kind="usual care")])[0].exact


def test_synonyms_of_a_code_that_each_side_has_once_are_one_label() -> None:
    words = Vocabulary({"cbt": ["CBT", "cognitive behavioural therapy"]})
    long = arm("b1", "Cognitive behavioural therapy")
    assert arms(CBT_A, against=[long], vocabulary=words)[0].exact
    assert not arms(CBT_A, against=[long])[0].exact
    both = [long, arm("b2", "CBT with medication", "20")]
    assert not any(match.exact for match in arms(CBT_A, against=both, vocabulary=words))


def test_two_arms_that_nothing_tells_apart_confirm_nothing() -> None:
    found = arms(CBT_A, arm("a2", "CBT"), against=[CBT_B])
    assert [match.exact for match in found] == [False, False]
    assert {match.a for match in found} == {("a1",), ("a2",)}


def test_a_label_that_the_other_side_uses_for_another_arm_confirms_nothing() -> None:
    words = Vocabulary({"cbt": ["CBT", "talking"]})
    # given "talking" in A is listed as CBT, but B calls its second arm so
    found = arms(
        arm("a1", "talking"),
        against=[arm("b1", "CBT"), control("b2", "talking")],
        vocabulary=words,
    )
    assert not any(match.exact for match in found)


def test_arms_without_anything_in_common_stay_alone() -> None:
    found = arms(arm("a1", "Relaxation", intervention="behavior"), against=[control("b1", "Waitlist", "12")])
    assert [(match.a, match.b, match.exact) for match in found] == [(("a1",), (), False), ((), ("b1",), False)]
    assert [match.reason for match in found] == ["Only A has it.", "Only B has it."]


@pytest.mark.parametrize("turn", [False, True])
def test_arms_that_add_up_to_one_are_proposed_as_a_merge(turn: bool) -> None:
    parts = [arm("p1", "Group CBT", "14"), arm("p2", "Individual CBT", "16"), arm("p3", "CBT by phone", "9")]
    whole = [arm("w", "Any CBT", "30")]
    first, second = (whole, parts) if turn else (parts, whole)
    found = arms(*first, against=second)
    merge = next(match for match in found if len(match.a) + len(match.b) == 3)
    assert (set(merge.a) | set(merge.b), merge.exact) == ({"p1", "p2", "w"}, False)
    assert merge.reason == f"14 + 16 randomised in {'B' if turn else 'A'} make the 30 of the other."


def test_numbers_that_do_not_add_up_make_no_merge() -> None:
    found = arms(arm("p1", "Group", "14"), arm("p2", "Individual", "15"), against=[arm("w", "Any", "NR")])
    assert all(len(match.a) < 2 for match in found)


def test_two_swapped_arms_are_not_confirmed_and_the_reason_says_so() -> None:
    # given labels that agree, with the numbers of the other arm inside
    rows = [cell("o1", arm="a1", centre="3.1"), cell("o2", arm="a2", centre="4.7", spread=sd("1.1"))]
    a = entry(*rows, arms=(CBT_A, control("a2", "Waitlist")))
    swapped = [replace(rows[0], arm="a2"), replace(rows[1], arm="a1")]
    # when they are aligned
    found = of(Subject.ARM, matches := propose(a, replace(a, observations=tuple(swapped))))
    # then the labels are proposed, and a person is asked
    assert found == [(("a1",), ("a1",), False), (("a2",), ("a2",), False)]
    assert "numbers inside" in matches[0].reason
    assert all(match.exact for match in propose(a, a))


# Timepoints


def time(key: str, weeks: float | None, printed: str = "", phase: Phase = Phase.POST) -> Timepoint:
    return Timepoint(key, phase, printed, weeks)


def test_the_tolerance_is_a_week_or_a_twentieth_and_never_more_than_two() -> None:
    assert [tolerance(weeks) for weeks in (4, 30, 100)] == [1.0, 1.5, 2.0]
    assert nearness(time("a", 12), time("b", 84 / 7)) == 1.0
    assert nearness(time("a", 12), time("b", 13)) == pytest.approx(0.5)
    assert nearness(time("a", 12), time("b", 13.1)) == 0.0
    assert nearness(time("a", None), time("b", 13)) is None
    assert nearness(time("a", None, phase=Phase.BASELINE), time("b", 0, phase=Phase.BASELINE)) == 1.0


@pytest.mark.parametrize(
    ("a", "b", "exact"),
    [
        (time("a", 8, "post"), time("b", 8, "T1"), True),
        (time("a", 8), time("b", 8.5), True),
        (time("a", 8), time("b", 8, phase=Phase.FOLLOW_UP), False),
        (time("a", None, "post"), time("b", None, " Post"), True),
        (time("a", None, "post"), time("b", None, "after"), False),
        (time("a", None), time("b", None), False),
        (time("a", None, "post"), time("b", 8, "post"), False),
        (time("a", None, "pre", Phase.BASELINE), time("b", 0, "T0", Phase.BASELINE), True),
        (time("a", -4, "pre", Phase.BASELINE), time("b", 0, "T0", Phase.BASELINE), False),
    ],
)
def test_one_time_or_a_question(a: Timepoint, b: Timepoint, exact: bool) -> None:
    assert times([a], [b]) == [(("a",), ("b",), exact)]


def test_times_beyond_the_tolerance_stay_alone() -> None:
    for printed in ("", "post"):
        found = times([time("a", 8, printed)], [time("b", 12, printed)])
        assert found == [(("a",), (), False), ((), ("b",), False)]


def test_times_near_to_each_other_confirm_themselves_only_where_they_are_equal() -> None:
    weekly = [time(f"w{week}", week) for week in (38, 39, 40)]
    assert times(weekly, weekly) == [((f"w{week}",), (f"w{week}",), True) for week in (38, 39, 40)]
    near = times([time("a", 10)], [time("b1", 9.6), time("b2", 10.4)])
    assert not any(exact for *_, exact in near)


def test_a_label_used_for_another_time_confirms_nothing() -> None:
    found = times([time("a1", 10, "post"), time("a2", 20, "later")], [time("b1", 10, "T1"), time("b2", 20, "post")])
    assert found == [(("a1",), ("b1",), False), (("a2",), ("b2",), False)]


# Outcomes


@pytest.mark.parametrize(
    "other",
    [
        replace(IL6, key="b", name="Interleukin 6"),
        replace(IL6, key="b", unit="pg/ml"),
        replace(IL6, key="b", unit="ng/mL"),
        replace(IL6, key="b", unit=""),
        replace(IL6, key="b", specimen="Serum ", assay="elisa"),
    ],
)
def test_the_same_outcome_confirms_itself_whatever_its_unit_if_that_is_exactly_joined(other: Outcome) -> None:
    (match,) = outcome_match(IL6, other)
    assert match.exact
    assert (match.a, match.b) == (("a",), ("b",))


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (replace(IL6, key="b", unit="IU/mL"), "unit differs"),
        (replace(IL6, key="b", specimen="plasma"), "specimen differs"),
        (replace(IL6, key="b", specimen=""), "specimen differs"),
        (replace(IL6, key="b", assay="Luminex"), "assay differs"),
        (replace(IL6, key="b", condition=Condition.UNSAID), "detail differs"),
        (replace(IL6, key="b", marker=""), "Same marker or name"),
        (replace(IL6, key="b", marker="", name="Interleukin six"), "marker or name differs"),
    ],
)
def test_an_outcome_that_may_be_another_is_for_a_person(other: Outcome, words: str) -> None:
    (match,) = outcome_match(IL6, other)
    assert not match.exact
    assert words in match.reason


@pytest.mark.parametrize(
    "other",
    [
        replace(IL6, key="b", marker="crp"),
        replace(IL6, key="b", scale=Scale.LOG),
        replace(IL6, key="b", condition=Condition.STIMULATED),
        replace(IL6, key="b", stimulus="PHA"),
        replace(IL6, key="b", dose="10 µg"),
    ],
)
def test_another_marker_scale_condition_stimulus_or_dose_is_another_outcome(other: Outcome) -> None:
    a = replace(IL6, stimulus="LPS", dose="1 µg")
    assert [match.exact for match in outcome_match(a, other)] == [False, False]


def test_without_a_marker_the_name_counts_unless_it_may_mean_several() -> None:
    a, b = Outcome("a", "NK"), Outcome("b", "nk")
    assert outcome_match(a, b)[0].exact
    assert not outcome_match(a, b, Vocabulary(ambiguous=["NK"]))[0].exact


def test_an_ambiguous_name_is_sure_where_both_chose_the_marker_and_all_is_given() -> None:
    words = Vocabulary(ambiguous=["IL-6"])
    assert outcome_match(IL6, replace(IL6, key="b"), words)[0].exact
    assert not outcome_match(IL6, replace(IL6, key="b", unit=""), words)[0].exact


def test_synonyms_propose_a_marker() -> None:
    words = Vocabulary(markers={"tnf_a": ["TNF-α", "cachectin"]})
    a, b = Outcome("a", "TNF-α"), Outcome("b", "Cachectin")
    (match,) = outcome_match(a, b, words)
    assert (match.exact, match.score) == (False, 1.0)
    assert len(outcome_match(a, b)) == 2
    coded = outcome_match(replace(a, marker="tnf_a", name="x"), b, words)
    assert [match.b for match in coded] == [("b",)]


@pytest.mark.parametrize("turn", [False, True])
def test_where_two_could_be_meant_both_are_shown(turn: bool) -> None:
    strains = [replace(IL6, key=key, stimulus=key) for key in ("H1N1", "H3N2")]
    one = [replace(IL6, key="flu")]
    first, second = (one, strains) if turn else (strains, one)
    (match,) = propose(Entry(outcomes=tuple(first)), Entry(outcomes=tuple(second)))
    assert (match.a, match.b) == ((("flu",), ("H1N1", "H3N2")) if turn else (("H1N1", "H3N2"), ("flu",)))
    assert match.reason == "One of these outcomes, but nothing tells which."


# Anything at all, and the demo review

ANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@ANY
@given(pairs())
def test_every_row_is_named_once(given_pair: tuple[Entry, Entry, list[Match]]) -> None:
    a, b, _ = given_pair
    found = propose(a, b, UNITS)
    for subject, rows_a, rows_b in (
        (Subject.ARM, a.arms, b.arms),
        (Subject.TIMEPOINT, a.timepoints, b.timepoints),
        (Subject.OUTCOME, a.outcomes, b.outcomes),
    ):
        mine = [match for match in found if match.subject is subject]
        assert sorted(key for match in mine for key in match.a) == sorted(row.key for row in rows_a)
        assert sorted(key for match in mine for key in match.b) == sorted(row.key for row in rows_b)
        assert [match.a[0] for match in mine if match.a] == sorted(
            (match.a[0] for match in mine if match.a), key=[row.key for row in rows_a].index
        )
    for match in found:
        assert 0 <= match.score <= 1
        assert match.reason
        assert not match.exact or len(match.a) == len(match.b) == 1


@ANY
@given(entries("a"))
def test_a_row_confirms_itself_with_no_other_than_its_copy(whole: Entry) -> None:
    for match in propose(whole, renamed(whole, "a", "b"), UNITS):
        if match.exact:
            assert match.b == tuple("b" + key.removeprefix("a") for key in match.a)


@ANY
@given(pairs())
def test_the_sides_may_change(given_pair: tuple[Entry, Entry, list[Match]]) -> None:
    a, b, _ = given_pair
    there = {(match.subject, match.a, match.b) for match in propose(a, b, UNITS) if match.exact}
    back = {(match.subject, match.b, match.a) for match in propose(b, a, UNITS) if match.exact}
    assert there == back


def test_all_rows_of_the_demo_review_confirm_themselves() -> None:
    second = demo_entries("b")
    matches = [match for trial, a in demo_entries("a").items() for match in propose(a, second[trial])]
    assert len(matches) > 115 + 56
    assert all(match.exact and match.a[0][1:] == match.b[0][1:] for match in matches)
    assert Status.REPORTED in {row.n.status for row in second["Kim 2015"].observations}
