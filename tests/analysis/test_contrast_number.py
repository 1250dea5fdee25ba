"""The story of a number that stands between two arms: t, r, a difference with its interval and df."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from analysis.recompute import recompute
from analysis.setup import create_default_syntheses
from analysis.specification import Measure
from extraction import approve, enter, reconcile
from extraction.decisions import Decision
from extraction.enter import Change
from extraction.models import Entry, Review, Trial
from extraction.number import row_of, story_of
from extraction.record import Subject
from tests.analysis.test_contrast_effects import entered
from tests.factories import MarkerFactory, ReviewFactory, TrialFactory, draft, holder, made, member, submitted

pytestmark = pytest.mark.django_db

MD = {"statistic": "mean_difference", "value": "-1.70", "ci_low": "-2.6", "ci_high": "-0.80", "ci_level": "95"}
OTHER_WAY = {"arm": "control", "versus": "treated", **MD, "value": "1.9", "ci_low": "0.80", "ci_high": "2.6"}


@pytest.fixture
def trial(db: None) -> Any:
    """Two entries whose difference is stated with the arms in either order; A says df 46 besides."""
    made_one = made(TrialFactory, label="Kim 2015")
    submitted(made_one, "A", contrasts=[{**MD, "df": "46"}])
    submitted(made_one, "B", contrasts=[OTHER_WAY])
    return made_one


@pytest.fixture
def judge(trial: Trial) -> Any:
    return member(trial.review, "lead", "adjudicator")


def contrast_in(trial: Trial, slot: str) -> Any:
    return Entry.objects.get(trial=trial, slot=slot).contrasts.get()


def page(user: Any, row: Any, field: str, status: int = 200) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(reverse("analysis:number", args=["contrast", row.pk, field]))
    assert answer.status_code == status
    return " ".join(answer.content.decode().split())


def said(trial: Trial, slot: str, field: str, judge: Any) -> list[tuple[str, str]]:
    story = story_of(row_of("contrast", contrast_in(trial, slot).pk, judge), field, judge)
    return [(one.entry.slot, one.says) for one in story.printed]


@pytest.mark.parametrize("slot", ["A", "B"])
def test_both_are_found_whichever_arm_they_name_first(trial: Trial, judge: Any, slot: str) -> None:
    assert said(trial, slot, "value", judge) == [("A", "-1.70"), ("B", "1.9")]
    assert said(trial, slot, "interval", judge) == [("A", "95% CI -2.6 to -0.80"), ("B", "95% CI 0.80 to 2.6")]
    assert said(trial, slot, "df", judge) == [("A", "46"), ("B", "–")]


def test_it_goes_from_two_printed_values_to_the_approved_one(trial: Trial, judge: Any) -> None:
    for difference in trial.discrepancies.unresolved():
        reconcile.resolve(difference.pk, Decision("A", "misread", f"Table 3, {difference.field}"), by=judge)
    approve.approve(trial.pk, by=judge)
    text = page(judge, contrast_in(trial, "FINAL"), "value")
    for told in (
        "Value of IL-6, mean difference, Training against Waiting list, post, week 12",
        "Two people entered it differently; A was taken; approved on", "−1.70", "1.9", "pg/mL",
        "There: IL-6, mean difference, Waiting list against Training, post, week 12",
        "Decided: A", "“Table 3, value”", "Approved", "unbroken", "confidence interval</a>", "degrees of freedom</a>",
    ):  # fmt: skip
        assert told in text
    assert "Table 3, df" not in text
    # the interval says the same once the arms are turned, and df has no unit
    text = page(judge, contrast_in(trial, "FINAL"), "interval")
    assert "Two people entered it in two forms that say the same; approved on" in text
    assert "pg/mL" not in page(judge, contrast_in(trial, "FINAL"), "df")


def test_the_trial_leads_to_it(trial: Trial, judge: Any) -> None:
    client = Client()
    client.force_login(judge)
    text = client.get(reverse("extraction:trial", args=[trial.pk])).content.decode()
    assert "2 cells and 1 contrast, entered twice: 2 say the same. Differences:" in text
    assert reverse("analysis:number", args=["contrast", contrast_in(trial, "B").pk, "value"]) in text


def test_an_r_tells_which_effects_stand_on_it() -> None:
    review: Review = made(ReviewFactory)
    made(MarkerFactory, review=review, code="il6")
    lead = member(review, "lead", "adjudicator")
    trial: Trial = made(TrialFactory, review=review)
    for slot in "AB":
        entered(trial, slot, {"statistic": "r", "value": "0.80"})
    approve.approve(trial.pk, by=lead)
    create_default_syntheses(review.pk, by=lead, measure=Measure.PPC_G)
    recompute(review.pk)
    text = page(lead, contrast_in(trial, "FINAL"), "value")
    assert "Two people entered it alike" in text
    assert "Went into" in text
    assert "Every step of the calculation" in text


def test_what_was_typed_over_is_told(trial: Trial) -> None:
    other: Trial = made(TrialFactory, review=trial.review)
    entry = draft(other, "A", contrasts=[MD])
    row = entry.contrasts.get()
    enter.save(entry.pk, [Change(Subject.CONTRAST, row.pk, row.version, {"ci_low": "-2.60"})], by=holder(other, "A"))
    assert "Typed 2 times" in page(holder(other, "A"), row, "interval")
    assert "Typed 2 times" not in page(holder(other, "A"), row, "value")


def test_while_entering_nothing_of_the_partner_is_in_it_to_the_byte() -> None:
    from tests.test_blinding import masked

    trial: Trial = made(TrialFactory)
    row = draft(trial, "A", contrasts=[MD]).contrasts.get()
    extractor = holder(trial, "A")
    before = masked(page(extractor, row, "value"))
    assert "One entry is shown" in before
    theirs = draft(trial, "B", contrasts=[{**MD, "value": "-7.77"}])
    assert masked(page(extractor, row, "value")) == before
    enter.submit(theirs.pk, by=holder(trial, "B"))
    assert masked(page(extractor, row, "value")) == before
    page(extractor, theirs.contrasts.get(), "value", status=404)


@pytest.mark.parametrize("field", ["statistic", "adjusted", "n", "ci_low"])
def test_what_is_no_number_of_a_contrast_has_no_story(trial: Trial, judge: Any, field: str) -> None:
    page(judge, contrast_in(trial, "A"), field, status=404)
