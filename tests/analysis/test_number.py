"""The story of one number: two printed values, verdict, decisions, approvals, versions, the results it went into."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from analysis.models import PooledResult
from extraction import approve, enter, reconcile
from extraction.decisions import Decision
from extraction.enter import Change
from extraction.models import Entry, Event, Review, Trial
from extraction.number import row_of, story_of
from extraction.record import Subject
from extraction.states import Status
from tests import factories
from tests.analysis.conftest import asked_and_recomputed, shown

pytestmark = pytest.mark.django_db


@pytest.fixture
def judge(pooled: Review) -> Any:
    return factories.member(pooled, "lead", "adjudicator")


def differing(review: Review, judge: Any) -> Trial:
    """Entered twice with other signs, decided for A, approved, pooled; reopened, decided for B, approved, pooled."""
    trial = factories.trial_at(Status.ADJUDICATING, review, decider=judge, marker="CRP")
    for choice in ("A", "B"):
        difference = trial.discrepancies.get()
        reconcile.resolve(difference.pk, Decision(choice, "misread", f"Table 3 prints {choice}"), by=judge)
        approve.approve(trial.pk, by=judge)
        asked_and_recomputed(review)
        if choice == "A":
            approve.reopen(trial.pk, "the erratum", by=judge)
    trial.refresh_from_db()
    return trial


def cell(trial: Trial, slot: str, arm: str = "Training", number: int = 1) -> Any:
    return Entry.objects.get(trial=trial, slot=slot, number=number).observations.get(arm__label=arm)


def page(user: Any, row: Any, field: str = "centre", subject: str = "observation") -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(reverse("analysis:number", args=[subject, row.pk, field]))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_the_story_from_two_printed_values_to_the_results(pooled: Review, judge: Any) -> None:
    trial = differing(pooled, judge)
    text = page(judge, cell(trial, "FINAL", number=2))
    for told in (
        "Two people entered it differently; B was taken; approved on",
        "mean −2.1", "mean 2.1", "Entered twice, blind", "Different", "Decided: A", "Decided: B",
        "“Table 3 prints A”", "Misread table", "Approved: version 1", "“the erratum”", "Approved: version 2",
        "Went into 1 result", "unbroken",
    ):  # fmt: skip
        assert told in text
    order = [text.index(words) for words in ("Entered twice", "Decided: A", "Decided: B", "Approved: version 1",
             "“the erratum”", "Approved: version 2", "Went into")]  # fmt: skip
    assert order == sorted(order)


@pytest.mark.parametrize(("slot", "number"), [("A", 1), ("B", 1), ("FINAL", 1), ("FINAL", 2)])
def test_the_story_is_the_same_from_whichever_row_it_is_asked(pooled, judge, slot, number) -> None:
    trial = differing(pooled, judge)
    story = story_of(row_of("observation", cell(trial, slot, number=number).pk, judge), "centre", judge)
    assert [(one.entry.slot, one.entry.number, one.says) for one in story.printed] == [
        ("A", 1, "mean -2.1"), ("B", 1, "mean 2.1"), ("FINAL", 1, "mean -2.1"), ("FINAL", 2, "mean 2.1"),
    ]  # fmt: skip
    assert story.now.says == "mean 2.1"
    assert [decision.choice for decision in story.differences[0].decisions] == ["B", "A"]


def test_what_it_adds_is_the_change_of_each_result_with_its_trial(pooled: Review, judge: Any) -> None:
    one = pooled.syntheses.get()
    without = PooledResult.objects.get(synthesis=one, trials=3).estimate or 0.0
    trial = differing(pooled, judge)
    text = page(judge, cell(trial, "FINAL", number=2))
    now = shown(one).result.estimate or 0.0
    assert f'<td class="num strong">{now:.2f}</td>'.replace("-", "−") in text
    assert f'<td class="num">{without:.2f}</td>'.replace("-", "−") in text
    assert f"{now - without:+.4f}".replace("-", "−") in text


def test_numbers_that_agree_and_numbers_of_structure_have_a_story_too(pooled: Review, judge: Any) -> None:
    trial = differing(pooled, judge)
    assert "Two people entered it alike; approved on" in page(judge, cell(trial, "A", "Waiting list"), "n")
    arm = cell(trial, "A").arm
    assert "25" in page(judge, arm, "n_randomised", "arm")
    assert "12" in page(judge, cell(trial, "A").timepoint, "weeks", "timepoint")


def test_what_was_typed_over_is_told_from_the_history(pooled: Review, judge: Any) -> None:
    trial = factories.made(factories.TrialFactory, review=pooled)
    extractor = factories.holder(trial, "A")
    entry = factories.draft(trial, "A")
    row = entry.observations.get(arm__label="Training")
    enter.save(entry.pk, [Change(Subject.OBSERVATION, row.pk, row.version, {"centre": "-2.10"})], by=extractor)
    text = page(extractor, row)
    assert "Typed 2 times" in text
    assert "−2.1 mean → −2.10" in text or "−2.1 → −2.10" in text


def test_while_entering_nothing_of_the_partner_is_in_it_to_the_byte(pooled: Review) -> None:
    trial = factories.made(factories.TrialFactory, review=pooled)
    entry = factories.draft(trial, "A")
    extractor, row = factories.holder(trial, "A"), entry.observations.get(arm__label="Training")
    client = Client()
    client.force_login(extractor)
    address = reverse("analysis:number", args=["observation", row.pk, "centre"])

    def told() -> str:
        from tests.test_blinding import masked

        return masked(client.get(address).content.decode())

    before = told()
    assert "One entry is shown" in before
    theirs = factories.draft(trial, "B", cells={"treated": {"centre": "7.77"}})
    assert told() == before
    enter.submit(theirs.pk, by=factories.holder(trial, "B"))
    assert told() == before
    for other in theirs.observations.all():
        assert client.get(reverse("analysis:number", args=["observation", other.pk, "n"])).status_code == 404


def test_a_lead_who_extracts_sees_neither_the_partner_nor_what_the_trial_adds(pooled: Review, judge: Any) -> None:
    trial = differing(pooled, judge)
    trial.review.partner_shown_after_approval = False
    Review._base_manager.filter(pk=pooled.pk).update(partner_shown_after_approval=False)
    blind = factories.member(pooled, "lead", user=factories.holder(trial, "A"))
    text = page(blind, cell(trial, "A"))
    assert "One entry is shown" in text
    assert "mean 2.1" not in text
    assert "Went into" not in text


def test_a_broken_history_is_said_on_the_page(pooled: Review, judge: Any) -> None:
    trial = differing(pooled, judge)
    Event._base_manager.filter(trial=trial, verb="approve").update(reason="added later")
    assert "broken:" in page(judge, cell(trial, "FINAL", number=2))


@pytest.mark.parametrize(
    "address", [("observation", "colour"), ("outcome", "name"), ("entry", "n"), ("arm", "n"), ("timepoint", "n")]
)
def test_what_is_no_number_has_no_story(pooled: Review, judge: Any, address: tuple[str, str]) -> None:
    trial = differing(pooled, judge)
    client = Client()
    client.force_login(judge)
    for key in (cell(trial, "A").pk, cell(trial, "A").arm_id, uuid4()):
        assert client.get(reverse("analysis:number", args=[address[0], key, address[1]])).status_code == 404


def test_the_queries_do_not_grow_with_the_trial(pooled, judge, django_assert_max_num_queries) -> None:
    trial = differing(pooled, judge)
    row = row_of("observation", cell(trial, "FINAL", number=2).pk, judge)
    with django_assert_max_num_queries(20):
        story_of(row, "centre", judge)
