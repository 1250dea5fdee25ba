"""FINAL: fields of arms, timepoints and outcomes, and characteristics."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from extraction.final_decision import Choice, Decision
from extraction.final_values import DecisionError
from extraction.numbers import parse_count, parse_quantity
from extraction.record import (
    Arm,
    Characteristic,
    Condition,
    ModeratorKind,
    Phase,
    Quantity,
    Role,
    Scale,
    Status,
)
from tests.extraction.entries import (
    cell,
    entry,
    final,
)

FOR_A, FOR_B, NOT_REPORTED = Decision(Choice.A), Decision(Choice.B), Decision(Choice.NOT_REPORTED)
NR = Quantity(Status.NOT_REPORTED)


@pytest.mark.parametrize(
    ("field", "a", "b", "text", "value"),
    [
        ("role", Role.INTERVENTION, Role.CONTROL, "control", Role.CONTROL),
        ("intervention", "cbt", "behavior", " cognitive ", "cognitive"),
        ("eligible", True, False, "No", False),
        ("n_randomised", parse_count("30"), parse_count("27"), "29", parse_count("29")),
    ],
)
def test_a_field_of_an_arm(field: str, a: Any, b: Any, text: str, value: Any) -> None:
    whole = [entry(cell(), arms=(replace(entry().arms[0], **{field: one}),)) for one in (a, b)]
    for decision, expected in ((FOR_A, a), (FOR_B, b), (Decision(Choice.OTHER, text=text), value)):
        assert getattr(final(whole[0], whole[1], {field: decision}).arms[0], field) == expected


def test_another_n_randomised_may_be_given_as_a_quantity() -> None:
    whole = [entry(cell(), arms=(Arm("arm1", "CBT", n_randomised=parse_count(n)),)) for n in ("30", "27")]
    given_n = Decision(Choice.OTHER, n=parse_count("28"))
    assert final(whole[0], whole[1], {"n_randomised": given_n}).arms[0].n_randomised == parse_count("28")
    assert final(whole[0], whole[1], {"n_randomised": NOT_REPORTED}).arms[0].n_randomised == NR


@pytest.mark.parametrize(
    ("field", "a", "b", "text", "value"),
    [
        ("phase", Phase.POST, Phase.FOLLOW_UP, "during", Phase.DURING),
        ("weeks", 10.0, 12.0, "11.5", 11.5),
        ("weeks", 10.0, 12.0, " ", None),
        ("weeks_after_end", None, 2.0, "1", 1.0),
    ],
)
def test_a_field_of_a_timepoint(field: str, a: Any, b: Any, text: str, value: Any) -> None:
    whole = [entry(cell(), timepoints=(replace(entry().timepoints[0], **{field: one}),)) for one in (a, b)]
    for decision, expected in ((FOR_B, b), (Decision(Choice.OTHER, text=text), value)):
        assert getattr(final(whole[0], whole[1], {field: decision}).timepoints[0], field) == expected


@pytest.mark.parametrize(
    ("field", "a", "b", "text", "value", "unreported"),
    [
        ("specimen", "serum", "plasma", "saliva", "saliva", ""),
        ("condition", Condition.BASAL, Condition.STIMULATED, "basal", Condition.BASAL, Condition.UNSAID),
        ("unit", "kU", "pg/mL", "ng/mL", "ng/mL", ""),
    ],
)
def test_a_field_of_an_outcome(field: str, a: Any, b: Any, text: str, value: Any, unreported: Any) -> None:
    whole = [entry(cell(), outcomes=(replace(entry().outcomes[0], **{field: one}),)) for one in (a, b)]
    for decision, expected in (
        (FOR_A, a),
        (Decision(Choice.OTHER, text=text), value),
        (NOT_REPORTED, unreported),
    ):
        assert getattr(final(whole[0], whole[1], {field: decision}).outcomes[0], field) == expected


@pytest.mark.parametrize(
    ("field", "a", "b", "decision", "message"),
    [
        ("role", Role.INTERVENTION, Role.CONTROL, NOT_REPORTED, "role is never “not reported”"),
        ("role", Role.INTERVENTION, Role.CONTROL, Decision(Choice.OTHER, text="both"), "role: 'both'"),
        ("role", Role.INTERVENTION, Role.CONTROL, Decision(Choice.OTHER), "role: the decision"),
        ("eligible", True, False, Decision(Choice.OTHER, text="perhaps"), "eligible: yes or no"),
        ("n_randomised", parse_count("30"), parse_count("27"), Decision(Choice.OTHER, text="2,8"), "has a comma"),
    ],
)
def test_a_decision_that_does_not_read_is_refused(field: str, a: Any, b: Any, decision: Decision, message: str) -> None:
    whole = [entry(cell(), arms=(replace(entry().arms[0], **{field: one}),)) for one in (a, b)]
    with pytest.raises(DecisionError, match=message):
        final(whole[0], whole[1], {field: decision})


def test_scales_are_read_from_a_decision() -> None:
    whole = [entry(cell(), outcomes=(replace(entry().outcomes[0], scale=scale),)) for scale in (Scale.RAW, Scale.LOG)]
    other = Decision(Choice.OTHER, text="ratio")
    assert final(whole[0], whole[1], {"scale": other}).outcomes[0].scale is Scale.RATIO


# Characteristics


def age(printed: str, key: str = "c1", **more: Any) -> Characteristic:
    known = parse_quantity(printed)
    return Characteristic(key, "age", ModeratorKind.NUMBER, "", known.status, known.printed, known.value, **more)


def final_age(a: Characteristic | None, b: Characteristic | None, decision: Decision | None) -> Characteristic | None:
    whole = [entry(cell(), characteristics=(row,) if row else ()) for row in (a, b)]
    found = final(whole[0], whole[1], {"value": decision} if decision else None).characteristics
    return found[0] if found else None


@pytest.mark.parametrize(
    ("a", "b", "decision", "expected"),
    [
        (age("40"), age("40", "c2"), None, age("40")),
        (age("40"), age("41", "c2"), FOR_B, age("41")),
        (age("40"), age("41", "c2"), FOR_A, age("40")),
        (age("40"), None, FOR_A, age("40")),
        (age("40"), None, FOR_B, None),
        (None, age("40", "c2"), FOR_B, age("40", "c2")),
        (age(""), age("NR", "c2"), None, age("NR")),
        (None, age("NR", "c2"), None, age("NR", "c2")),
        (age(""), None, None, age("")),
        (age("40"), age("41", "c2"), NOT_REPORTED, age("NR")),
        (age("40"), age("41", "c2"), Decision(Choice.OTHER, text="42.5"), age("42.5")),
    ],
)
def test_a_characteristic(
    a: Characteristic | None, b: Characteristic | None, decision: Decision | None, expected: Characteristic | None
) -> None:
    assert final_age(a, b, decision) == expected


def test_a_level_is_given_by_its_code() -> None:
    def level(code: str) -> Characteristic:
        return Characteristic("c", "population", ModeratorKind.LEVEL, "", Status.REPORTED, code, None, code)

    assert final_age(level("healthy"), level("ill"), Decision(Choice.OTHER, text="mixed")) == level("mixed")


@pytest.mark.parametrize("text", ["", "NR", "4,5", None])
def test_another_characteristic_has_a_value(text: str | None) -> None:
    with pytest.raises(DecisionError):
        final_age(age("40"), age("41"), Decision(Choice.OTHER, text=text))


def test_a_characteristic_goes_with_its_arm() -> None:
    arms = (*entry().arms, Arm("arm2", "Waitlist"))
    more = entry(cell(), cell("o2", arm="arm2"), arms=arms, characteristics=(replace(age("40"), arm="arm2"),))
    assert final(more, entry(cell()), {"row": FOR_A}) == more
    assert final(more, entry(cell()), {"row": FOR_B}) == entry(cell())
