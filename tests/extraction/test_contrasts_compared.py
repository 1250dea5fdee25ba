"""Contrast statistics of two entries: verdicts, the other way round, and what of them enters FINAL."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from extraction import approve, reconcile
from extraction.contrasts import in_words, negated, turned
from extraction.decisions import Decision as Decided
from extraction.errors import InvalidValues
from extraction.final_decision import Choice, Decision
from extraction.final_values import DecisionError
from extraction.models import ContrastStatistic, Discrepancy
from extraction.numbers import parse_number, parse_quantity
from extraction.pairs import both
from extraction.record import Arm, Entry, Outcome, Side, Source, Statistic, Subject, Verdict
from extraction.record import ContrastStatistic as Row
from extraction.sides import sides, what_of, where
from extraction.states import Status
from tests.extraction.entries import ci, compared, contrast, entry, final, the_one
from tests.factories import TrialFactory, holder, made, member, submitted

ARMS = (Arm("arm1", "CBT"), Arm("arm2", "Waiting list"))
MD, T, P, R = Statistic.MEAN_DIFFERENCE, Statistic.T, Statistic.P, Statistic.CORRELATION


def of(*rows: Row, unit: str = "pg/mL", arms: tuple[Arm, ...] = ARMS) -> Entry:
    return entry(contrasts=rows, arms=arms, outcomes=(Outcome("outcome1", "IL-6", "il6", unit=unit),))


def found(a: Row, b: Row) -> tuple[str, Verdict, Side | None, str] | None:
    """Field, verdict, side and worked line of what two contrasts differ in; None where they do not."""
    listed = compared(of(a), of(b))
    if not listed:
        return None
    one = the_one(listed)
    assert one.subject is Subject.CONTRAST
    return one.field, one.verdict, one.takes, one.worked


@pytest.mark.parametrize(
    ("a", "b", "verdict", "takes"),
    [
        ("2.10", "2.10", None, None),
        ("2.10", "2.1", Verdict.ROUNDING, Side.A),
        ("2.1", "2.12", Verdict.ROUNDING, Side.B),
        ("2.10", "2.20", Verdict.DIFFERENT, None),
        ("2.10", "-2.10", Verdict.DIFFERENT, None),
        ("2.10", "NR", Verdict.ONE_MISSING, None),
        ("NR", "NR", None, None),
        ("NR", "UN", Verdict.DIFFERENT, None),
    ],
)
def test_values(a: str, b: str, verdict: Verdict | None, takes: Side | None) -> None:
    one = found(contrast(value=a), contrast(value=b))
    assert (one[:3] if one else None) == (("value", verdict, takes) if verdict else None)


def test_a_bound_is_not_the_number() -> None:
    one = found(contrast(statistic=P, value="<0.05"), contrast(statistic=P, value="0.05"))
    assert one is not None
    assert one[:2] == ("value", Verdict.DIFFERENT)


def test_intervals_and_degrees_of_freedom_are_compared() -> None:
    a = contrast(statistic=MD, interval=ci("1.0", "3.2"), df="46")
    assert found(a, replace(a, interval=ci("1.0", "3.20"))) == (
        "interval", Verdict.ROUNDING, Side.B, "3.2 is 3.2 at the printed precision",
    )  # fmt: skip
    for other in (ci("1.0", "3.3"), ci("1.0", "3.2", 90.0)):
        one = found(a, replace(a, interval=other))
        assert one is not None
        assert one[:2] == ("interval", Verdict.DIFFERENT)
    one = found(a, replace(a, df=parse_quantity("47")))
    assert one is not None
    assert one[:2] == ("df", Verdict.DIFFERENT)


def test_free_text_is_not_compared() -> None:
    a = contrast(adjusted="age", notes="a", source=Source("3"))
    assert found(a, replace(a, adjusted="", notes="b", source=Source("4"))) is None


@pytest.mark.parametrize(
    ("statistic", "a", "b", "verdict"),
    [
        (T, "2.10", "-2.10", Verdict.EQUIVALENT),
        (T, "2.10", "\u22122.10", Verdict.EQUIVALENT),
        (T, "-2.10", "+2.1", Verdict.EQUIVALENT),
        (MD, "<2.10", ">-2.10", Verdict.EQUIVALENT),
        (T, "2.1", "-2.12", Verdict.DIFFERENT),  # not to the digit: a person looks
        (T, "2.10", "2.10", Verdict.DIFFERENT),
        (MD, "<2.10", "<-2.10", Verdict.DIFFERENT),
        (T, "2.10", "NR", Verdict.ONE_MISSING),
        (T, "NR", "NR", None),
        (P, "0.04", "0.04", None),
        (P, "0.04", "0.040", Verdict.ROUNDING),
        (Statistic.F, "4.41", "4.41", None),
    ],
)
def test_the_two_arms_the_other_way_round(statistic: Statistic, a: str, b: str, verdict: Verdict | None) -> None:
    one = found(
        contrast(statistic=statistic, value=a), contrast(statistic=statistic, value=b, arm="arm2", versus="arm1")
    )
    assert (one and one[1]) == verdict
    if verdict is Verdict.EQUIVALENT:
        assert one is not None
        assert one[3].startswith("B has the arms the other way round: ")


def test_a_turned_difference_says_so_with_its_interval_and_its_unit() -> None:
    a = contrast(statistic=MD, value="-2.1", interval=ci("-3.0", "-1.2"))
    b = contrast(statistic=MD, value="2100", interval=ci("1200", "3000"), arm="arm2", versus="arm1")
    listed = {one.field: one for one in compared(of(a, unit="ng/mL"), of(b)) if one.subject is Subject.CONTRAST}
    assert {name: one.verdict for name, one in listed.items()} == dict.fromkeys(
        ["value", "interval"], Verdict.EQUIVALENT
    )
    assert listed["value"].worked == (
        "B has the arms the other way round: 2100 is -2100 here; -2.1 × 1000 = -2100; B says -2100"
    )
    assert (listed["interval"].a_says, listed["interval"].b_says) == (
        "95% CI -3.0 to -1.2", "95% CI 1200 to 3000, the other way round",
    )  # fmt: skip


def test_a_unit_changes_a_difference_and_an_sd_but_no_t() -> None:
    within = Statistic.SD_CHANGE
    pairs = [(MD, "2.1", "2100"), (within, "2.1", "2100"), (T, "2.1", "2.1"), (Statistic.SMD, "0.5", "0.5")]
    a = of(*(contrast(f"k{n}", one, text) for n, (one, text, _) in enumerate(pairs)), unit="ng/mL")
    b = of(*(contrast(f"k{n}", one, text) for n, (one, _, text) in enumerate(pairs)))
    assert [(one.field, one.verdict) for one in compared(a, b)] == [
        ("unit", Verdict.EQUIVALENT), ("value", Verdict.EQUIVALENT), ("value", Verdict.EQUIVALENT),
    ]  # fmt: skip


def test_a_row_that_one_side_lacks_is_one_difference_and_silence_is_none() -> None:
    one = the_one(compared(of(contrast()), of()))
    assert (one.field, one.verdict, one.a_says, one.b_says) == ("row", Verdict.ONE_MISSING, "present", "–")
    assert compared(of(contrast(value="NR")), of()) == []
    assert compared(of(contrast(value="")), of()) == []


def test_another_statistic_or_another_pair_of_arms_is_another_row() -> None:
    arms = (*ARMS, Arm("arm3", "Usual care"))
    a = of(contrast(), arms=arms)
    for other in (contrast(statistic=P, value="0.04"), contrast(versus="arm3"), contrast(arm="arm3", versus="arm2")):
        assert [one.field for one in compared(a, of(other, arms=arms))] == ["row", "row"]


def test_an_arm_that_only_a_contrast_stands_on_is_no_difference_of_its_own() -> None:
    arms = (*ARMS, Arm("arm3", "Usual care"))
    listed = compared(of(contrast(versus="arm3"), arms=arms), of(arms=ARMS))
    assert [(one.subject, one.field) for one in listed] == [(Subject.CONTRAST, "row")]


# --- FINAL ----------------------------------------------------------------------------------------------------------


def the_row(a: Entry, b: Entry, **decide: Decision) -> Row:
    (row,) = final(a, b, decide).contrasts
    return row


def test_b_decided_for_a_value_that_b_turns_is_turned_with_a_note() -> None:
    a = contrast(value="2.10", df="46")
    b = contrast(value="-2.20", arm="arm2", versus="arm1", source=Source("9"), notes="seen")
    row = the_row(of(a), of(b), value=Decision(Choice.B), df=Decision(Choice.A))
    assert (row.arm, row.versus, row.value.printed, row.value.value) == ("arm1", "arm2", "2.20", 2.2)
    assert (row.source.page, row.notes, row.df.value) == (
        "9", "seen · -2.20 in print, arms the other way round", 46.0,
    )  # fmt: skip


def test_a_difference_of_b_is_taken_in_the_unit_of_a() -> None:
    a = contrast(statistic=MD, value="2.1", interval=ci("1.0", "3.2"))
    b = contrast(statistic=MD, value="2300", interval=ci("1000", "3200"))
    row = the_row(of(a, unit="ng/mL"), of(b), value=Decision(Choice.B))
    assert (row.value.printed, row.interval.low_printed) == ("2.300", "1.0")
    assert row.notes == "2300 in print, × 1/1000"


def test_a_row_of_one_side_is_in_where_its_side_is_taken_with_its_arm() -> None:
    arms = (*ARMS, Arm("arm3", "Usual care"))
    a, b = of(contrast(versus="arm3"), arms=arms), of(arms=ARMS)
    whole = final(a, b, {"row": Decision(Choice.A)})
    assert ([row.versus for row in whole.contrasts], [arm.key for arm in whole.arms]) == (
        ["arm3"], ["arm1", "arm2", "arm3"],
    )  # fmt: skip
    whole = final(a, b, {"row": Decision(Choice.B)})
    assert (whole.contrasts, len(whole.arms)) == ((), 2)


def test_not_reported_and_another_value() -> None:
    a, b = of(contrast(df="46")), of(contrast(value="2.30"))
    row = the_row(a, b, value=Decision(Choice.NOT_REPORTED), df=Decision(Choice.OTHER, text="48"))
    assert (row.value.status, row.value.value, row.df.printed) == ("NR", None, "48")
    row = the_row(a, b, value=Decision(Choice.OTHER, text="2.2"), df=Decision(Choice.NOT_REPORTED))
    assert (row.value.printed, row.df.value) == ("2.2", None)
    row = the_row(a, of(), row=Decision(Choice.OTHER, text="<3"))
    assert (row.value.printed, row.df.value) == ("<3", None)
    for text in ("", "about two"):
        with pytest.raises(DecisionError):
            the_row(a, of(), row=Decision(Choice.OTHER, text=text))


@pytest.mark.parametrize(
    ("printed", "other"),
    [("2.10", "-2.10"), ("-2.10", "2.10"), ("0.00", "0.00"), ("< -1", ">1"), ("~ 3", "~ -3"), (".5", "-.5")],
)
def test_a_number_with_the_other_sign_keeps_its_digits(printed: str, other: str) -> None:
    there = negated(parse_quantity(printed))
    assert there.printed == other
    assert there.value == parse_number(other).value
    assert Fraction(parse_number(negated(there).printed).exact) == Fraction(parse_number(printed).exact)


def test_a_statement_in_words() -> None:
    row = contrast(statistic=MD, value="-1.70", interval=ci("-2.6", "-0.80"), df="46", adjusted="baseline")
    assert in_words(row) == "-1.70 (95% CI -2.6 to -0.80), df 46, adjusted for baseline"
    assert in_words(contrast(value="NR")) == "NR"
    assert turned(contrast(statistic=R, value="0.5")) == contrast(statistic=R, value="0.5")


# --- Through the verbs ----------------------------------------------------------------------------------------------


@pytest.mark.django_db
class TestThroughTheVerbs:
    MINE = {"statistic": "mean_difference", "value": "-1.70", "ci_low": "-2.6", "ci_high": "-0.8", "ci_level": "95"}

    def trial(self, theirs: dict[str, str] | None) -> tuple[Any, Any]:
        trial = made(TrialFactory)
        submitted(trial, "A", contrasts=[self.MINE])
        submitted(trial, "B", contrasts=[theirs] if theirs else [])
        trial.refresh_from_db()
        return trial, member(trial.review, "adjudicator", "lead")

    def decide(self, trial: Any, lead: Any, **values: str) -> ContrastStatistic:
        """Decide the one open difference, approve, and give the one contrast of the record."""
        (row,) = trial.discrepancies.unresolved()
        reconcile.resolve(row.pk, Decided(reason_code="typo", **values), by=lead)
        approve.approve(trial.pk, by=lead)
        trial.refresh_from_db()
        return ContrastStatistic.objects.get(entry=trial.approved_entry)

    def test_the_other_way_round_nobody_has_to_decide(self) -> None:
        turned_round = {"arm": "control", "versus": "treated", "value": "1.70", "ci_low": "0.8", "ci_high": "2.6"}
        trial, lead = self.trial({**self.MINE, **turned_round})
        assert trial.status == Status.AGREED
        assert {row.verdict for row in trial.discrepancies.all()} == {"equivalent"}
        approve.approve(trial.pk, by=lead)
        row = ContrastStatistic.objects.get(entry__trial=trial, entry__slot="FINAL")
        assert (str(row.arm), str(row.versus), row.value_printed) == ("Training", "Waiting list", "-1.70")
        assert {row.arm.entry_id, row.versus.entry_id} == {row.entry_id}  # type: ignore[union-attr]

    def test_a_difference_is_named_and_decided(self) -> None:
        trial, lead = self.trial({**self.MINE, "value": "-1.07"})
        (row,) = trial.discrepancies.unresolved()
        assert where(row) == "IL-6 · mean difference, Training against Waiting list · post, week 12 · value"
        assert row.diagnosis == "digits_transposed"
        a = sides(row, lead)[0]
        assert (a.beside, what_of(row, a.row)) == (
            [("value", "-1.70"), ("95% CI", "-2.6 to -0.8")], "mean difference",
        )  # fmt: skip
        final_row = self.decide(trial, lead, choice="B")
        assert (final_row.value_printed, final_row.ci_low_printed) == ("-1.07", "-2.6")

    def test_another_value_is_read_as_strictly_as_an_extractors(self) -> None:
        trial, lead = self.trial({**self.MINE, "value": "-1.07"})
        (row,) = trial.discrepancies.unresolved()
        for text in ("", "two", "LOD 3"):
            with pytest.raises(InvalidValues):
                reconcile.resolve(row.pk, Decided(choice="other", reason_code="typo", text=text), by=lead)
        assert self.decide(trial, lead, choice="other", text="-1.6").value == -1.6

    def test_another_interval(self) -> None:
        trial, lead = self.trial({**self.MINE, "ci_low": "-2.5"})
        (row,) = trial.discrepancies.unresolved()
        with pytest.raises(InvalidValues):
            reconcile.resolve(row.pk, Decided(choice="other", reason_code="typo", spread_low="-2.4"), by=lead)
        ends = {"spread_low": "-2.4", "spread_high": "-0.7", "spread_level": "90"}
        final_row = self.decide(trial, lead, choice="other", **ends)
        assert (final_row.ci_low, final_row.ci_high, final_row.ci_level) == (-2.4, -0.7, 90.0)

    @pytest.mark.parametrize(
        ("decision", "value"),
        [({"choice": "A"}, -1.7), ({"choice": "NR"}, None), ({"choice": "other", "text": "-2"}, -2)],
    )
    def test_a_row_that_b_lacks(self, decision: dict[str, str], value: float | None) -> None:
        trial, lead = self.trial(None)
        (row,) = trial.discrepancies.unresolved()
        assert (row.field, row.verdict, row.diagnosis) == ("row", "one_missing", "only_a")
        final_row = self.decide(trial, lead, **decision)
        assert final_row.value == value

    def test_a_row_that_b_lacks_is_left_out_for_b(self) -> None:
        trial, lead = self.trial(None)
        (row,) = trial.discrepancies.unresolved()
        reconcile.resolve(row.pk, Decided(choice="B", reason_code="typo"), by=lead)
        assert not ContrastStatistic.objects.filter(entry__trial=trial, entry__slot="FINAL").exists()
        assert len(both(trial).a_record.contrasts) == 1

    def test_the_marker_of_its_outcome_stands_at_the_difference(self) -> None:
        trial, _ = self.trial({**self.MINE, "value": "-1.07"})
        assert Discrepancy.objects.get(trial=trial, state="open").subject == "contrast"
        assert holder(trial, "A") != holder(trial, "B")
