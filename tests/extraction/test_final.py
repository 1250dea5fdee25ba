"""The FINAL record, from what agrees, what was accepted and what was decided."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from extraction.final import Undecided
from extraction.final_decision import Choice, Decision
from extraction.final_values import DecisionError
from extraction.numbers import parse_count, parse_quantity
from extraction.record import (
    Arm,
    CentreKind,
    Characteristic,
    Match,
    ModeratorKind,
    Observation,
    Outcome,
    Phase,
    Qualifier,
    Quantity,
    Role,
    Source,
    Spread,
    Status,
    Subject,
    Timepoint,
)
from tests.extraction.entries import (
    by_key,
    cell,
    entry,
    final,
    renamed,
    sd,
    se,
)

FOR_A, FOR_B, NOT_REPORTED = Decision(Choice.A), Decision(Choice.B), Decision(Choice.NOT_REPORTED)
NR = Quantity(Status.NOT_REPORTED)


def final_row(a: Observation, b: Observation, **decide: Decision) -> Observation:
    (row,) = final(entry(a), entry(b), decide).observations
    return row


# What agrees and what is accepted


def test_equal_entries_give_that_entry() -> None:
    whole = entry(cell(), characteristics=(Characteristic("c", "age", ModeratorKind.NUMBER),))
    assert final(whole, whole) == whole


def test_the_more_precise_of_two_roundings_is_taken() -> None:
    assert final_row(cell(centre="3.14"), cell(centre="3.1")).centre.printed == "3.14"
    assert final_row(cell(centre="3.1"), cell(centre="3.14")).centre.printed == "3.14"


def test_an_sd_is_taken_before_an_se_and_an_se_stays_one() -> None:
    assert final_row(cell(spread=se("0.42")), cell()).spread == sd("2.1")
    assert final_row(cell(spread=se("0.42")), cell(spread=se("0.42"))).spread == se("0.42")


def test_a_decision_counts_also_where_nobody_had_to_decide() -> None:
    assert final_row(cell(centre="3.14"), cell(centre="3.1"), centre=FOR_B).centre.printed == "3.1"


def test_not_reported_says_more_than_a_blank() -> None:
    silent_a = cell(n="", centre="", spread=sd(""))
    row = final_row(replace(silent_a, n=parse_count("25")), cell(n="25", centre="NR", spread=sd("NR")))
    assert (row.centre, row.spread.status) == (NR, Status.NOT_REPORTED)
    arms = [entry(cell(), arms=(Arm("arm1", "CBT", n_randomised=n),)) for n in (Quantity(), NR)]
    assert final(arms[0], arms[1]).arms[0].n_randomised == NR
    assert final(arms[1], arms[0]).arms[0].n_randomised == NR


def test_words_that_a_left_out_come_from_b() -> None:
    a = entry(cell(), timepoints=(Timepoint("time1", Phase.POST, "", 10.0),))
    b = entry(cell(notes="per protocol", source=Source("5")))
    whole = final(a, b)
    assert whole.timepoints[0].printed == "post"
    assert whole.observations[0].notes == "per protocol"


def test_what_is_taken_stays_printed_to_the_letter() -> None:
    row = final_row(cell(centre="+3.10", spread=sd("<=2.1")), cell(centre="−4.7", spread=sd("<=2.1")), centre=FOR_A)
    assert (row.centre.printed, row.spread.printed) == ("+3.10", "<=2.1")
    assert final_row(cell(centre="+3.10"), cell(centre="−4.7"), centre=FOR_B).centre.printed == "−4.7"


# What was decided


@pytest.mark.parametrize(("choice", "printed"), [(FOR_A, "3.1"), (FOR_B, "4.7")])
def test_a_side_is_taken(choice: Decision, printed: str) -> None:
    row = final_row(cell(centre="3.1"), cell(centre="4.7"), centre=choice)
    assert (row.centre.printed, row.key) == (printed, "o1")


def test_the_kind_of_centre_comes_with_it() -> None:
    b = cell(centre="4.7", centre_kind=CentreKind.MEDIAN)
    assert final_row(cell(), b, centre=FOR_B).centre_kind is CentreKind.MEDIAN


def test_the_source_is_that_of_the_centre() -> None:
    a, b = cell(centre="3.1", source=Source("5")), cell(centre="4.7", source=Source("6"))
    assert final_row(a, b, centre=FOR_A).source.page == "5"
    assert final_row(a, b, centre=FOR_B).source.page == "6"
    assert final_row(a, replace(b, source=Source()), centre=FOR_B).source.page == "5"


def test_another_value_is_taken_as_given() -> None:
    row = final_row(
        cell(n="25", centre="3.1", spread=sd("2.1")),
        cell(n="24", centre="4.7", spread=sd("9.9")),
        n=Decision(Choice.OTHER, n=parse_count("26")),
        centre=Decision(Choice.OTHER, centre=parse_quantity("<5"), centre_kind=CentreKind.MEDIAN),
        spread=Decision(Choice.OTHER, spread=se("0.5")),
    )
    assert row.n == parse_count("26")
    assert (row.centre.printed, row.centre.qualifier, row.centre_kind) == ("<5", Qualifier.LESS, CentreKind.MEDIAN)
    assert row.spread == se("0.5")


def test_another_centre_without_a_kind_keeps_the_kind() -> None:
    other = Decision(Choice.OTHER, centre=parse_quantity("5"))
    assert final_row(cell(), cell(centre="4.7"), centre=other).centre_kind is CentreKind.MEAN


def test_not_reported_drops_the_number() -> None:
    row = final_row(
        cell(), cell(n="24", centre="4.7", spread=sd("9.9")), n=NOT_REPORTED, centre=NOT_REPORTED, spread=NOT_REPORTED
    )
    assert (row.n, row.centre, row.centre_kind) == (NR, NR, CentreKind.NONE)
    assert row.spread == Spread(status=Status.NOT_REPORTED)


def test_an_open_difference_stops_it() -> None:
    a, b = entry(cell(n="25", centre="3.1")), entry(cell(n="24", centre="4.7"))
    with pytest.raises(Undecided, match="1 differences are not decided") as caught:
        final(a, b, {"n": FOR_A})
    assert [one.field for one in caught.value.differences] == ["centre"]


@pytest.mark.parametrize("field", ["n", "centre", "spread"])
def test_another_value_has_a_value(field: str) -> None:
    with pytest.raises(DecisionError, match=f"{field}: the decision for another value gives none"):
        final_row(
            cell(),
            cell(n="24", centre="4.7", spread=sd("9.9")),
            **({"n": FOR_A, "centre": FOR_A, "spread": FOR_A} | {field: Decision(Choice.OTHER)}),
        )


def test_a_choice_may_be_given_in_words() -> None:
    by_word: Any = "B"
    assert final_row(cell(centre="3.1"), cell(centre="4.7"), centre=Decision(by_word)).centre.printed == "4.7"


# Rows and structure that one side has


@pytest.mark.parametrize(
    ("a", "b", "decision", "kept"),
    [
        (True, False, FOR_A, True),
        (True, False, FOR_B, False),
        (False, True, FOR_B, True),
        (False, True, FOR_A, False),
    ],
)
def test_a_row_that_one_side_has_is_in_where_its_side_is_taken(
    a: bool, b: bool, decision: Decision, kept: bool
) -> None:
    rows = [cell("o1"), cell("o2", outcome="outcome2")]
    outcomes = (*entry().outcomes, Outcome("outcome2", "CRP", "crp"))
    whole = [entry(*rows[: 2 if has else 1], outcomes=outcomes) for has in (a, b)]
    found = final(whole[0], whole[1], {"row": decision})
    assert [row.key for row in found.observations] == (["o1", "o2"] if kept else ["o1"])
    assert found.outcomes == outcomes  # both describe it


def test_a_row_may_be_another_or_not_reported() -> None:
    a, b = entry(cell()), entry()
    (row,) = final(a, b, {"row": NOT_REPORTED}).observations
    assert (row.n, row.centre, row.spread.status, row.centre_kind) == (NR, NR, Status.NOT_REPORTED, CentreKind.NONE)
    other = Decision(Choice.OTHER, centre=parse_quantity("9"), centre_kind=CentreKind.MEDIAN)
    (row,) = final(b, a, {"row": other}).observations
    assert (row.n, row.centre.printed, row.centre_kind, row.spread) == (Quantity(), "9", CentreKind.MEDIAN, Spread())
    with pytest.raises(DecisionError, match="row"):
        final(a, b, {"row": Decision(Choice.OTHER)})


def test_an_arm_that_one_side_has_is_in_where_a_row_of_it_is() -> None:
    arms = (*entry().arms, Arm("arm2", "Waitlist", Role.CONTROL))
    more = entry(cell(), cell("o2", arm="arm2"), arms=arms)
    assert final(entry(cell()), more, {"row": FOR_B}).arms == arms
    left_out = final(entry(cell()), more, {"row": FOR_A})
    assert left_out == entry(cell())


def test_an_arm_without_rows_is_decided_itself() -> None:
    arms = (*entry().arms, Arm("arm2", "Waitlist", Role.CONTROL))
    more = entry(cell(), arms=arms)
    assert final(more, entry(cell()), {"row": FOR_A}).arms == arms
    assert final(more, entry(cell()), {"row": FOR_B}).arms == arms[:1]
    with pytest.raises(DecisionError, match="choose A or B"):
        final(more, entry(cell()), {"row": NOT_REPORTED})


def test_of_merged_arms_the_rows_that_were_taken_are_in() -> None:
    # given CBT 1 and CBT 2 in A, which are CBT in B
    a = entry(cell("a1"), cell("a2", arm="arm2"), arms=(Arm("arm1", "CBT 1"), Arm("arm2", "CBT 2")))
    b = entry(cell("b1", arm="both"), arms=(Arm("both", "CBT"),))
    matches = [
        *by_key(a, b),
        Match(Subject.ARM, ("arm1", "arm2"), ("both",), exact=False, score=0.6, reason="merge"),
    ]
    # when everything is decided for B
    whole = final(a, b, {"row": FOR_B}, matches)
    # then the arm is B's, and the rest is A's
    assert [arm.key for arm in whole.arms] == ["both"]
    assert [(row.key, row.arm, row.timepoint) for row in whole.observations] == [("b1", "both", "time1")]


def test_a_row_that_says_nothing_or_not_reported_is_kept_without_a_question() -> None:
    blank, silent = cell("x", n="", centre="", spread=sd("")), cell("y", n="NR", centre="NR", spread=sd("NR"))
    assert final(entry(blank), entry()).observations == (blank,)
    assert final(entry(), entry(silent)).observations == (silent,)
    (row,) = final(entry(blank), entry(silent)).observations
    assert row == replace(silent, key="x")
    # but a blank row of A does not outlive the decision that B's row is none
    assert final(entry(blank), entry(cell("z")), {"row": FOR_A}).observations == ()
    assert final(entry(blank), entry(cell("z")), {"row": FOR_B}).observations == (cell("z"),)


def test_b_joins_under_the_keys_of_a() -> None:
    a = entry(cell())
    b = renamed(entry(cell(centre="4.7")), "", "b-")
    matches = [
        Match(subject, (key,), (f"b-{key}",), exact=True, score=1, reason="")
        for subject, key in ((Subject.ARM, "arm1"), (Subject.TIMEPOINT, "time1"), (Subject.OUTCOME, "outcome1"))
    ]
    whole = final(a, b, {"centre": FOR_B}, matches)
    assert whole == entry(cell(centre="4.7"))
