"""Before an approval: what it will change, equal to what it then did change."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from analysis import preview
from analysis.models import CurrentResult, Effect, PooledResult, Synthesis
from analysis.recompute import recompute
from analysis.setup import create_default_syntheses
from analysis.specification import Measure
from extraction import approve, reconcile
from extraction.decisions import Decision
from extraction.demo import load
from extraction.models import Discrepancy, Entry, Review, Trial
from extraction.recorded import recording
from extraction.signals import pooled_data_changed
from extraction.states import Status
from tests import factories
from tests.analysis.builders import contrast, entry_with, trial_with
from tests.analysis.conftest import shown, synthesis

NUMBERS = ("estimate", "se", "ci_low", "ci_high", "statistic", "df", "p", "tau2", "i2", "q", "pi_low", "pi_high")
WITHIN = 1e-9


@pytest.fixture(scope="module")
def demo(django_db_setup: Any, django_db_blocker: Any) -> Any:
    """The demo review as it is delivered, its 34 open differences decided, nothing of that approved yet."""
    with django_db_blocker.unblock(), transaction.atomic():
        people, _ = load.make_people()
        review = load.load(people)
        create_default_syntheses(review.pk, by=people.lead, measure=Measure.CHANGE_G)
        recompute(review.pk)
        for number, row in enumerate(Discrepancy.objects.filter(state="open").order_by("trial__label_key", "position")):
            choice = "AB"[number % 2]
            reconcile.resolve(row.pk, Decision(choice, "judgement"), by=people.adjudicator)
        yield review, people
        transaction.set_rollback(True)


def draft_of(trial: Trial) -> Entry:
    return Entry.objects.get(trial=trial, slot="FINAL", state="draft")


def results(review: Review) -> dict[int, PooledResult]:
    found = CurrentResult.objects.filter(synthesis__review=review).select_related("result")
    return {one.synthesis_id: one.result for one in found}


def same(one: PooledResult, other: PooledResult) -> None:
    assert one.pk == other.pk
    assert (one.trials, one.effects, one.reason, one.note) == (other.trials, other.effects, other.reason, other.note)
    for name in NUMBERS:
        expected = getattr(other, name)
        assert getattr(one, name) == (None if expected is None else pytest.approx(expected, rel=WITHIN, abs=WITHIN))


@pytest.mark.django_db
def test_the_preview_of_each_approval_of_the_demo_review_equals_the_results_after_it(demo: Any) -> None:
    review, people = demo
    waiting = list(Trial.objects.filter(review=review, status=Status.AGREED).order_by("label_key"))
    assert len(waiting) > 15
    changed = 0
    for trial in waiting:
        before = results(review)
        found = preview.of_approval(trial, draft_of(trial))
        for move in found.moves:
            same(move.now, before[move.synthesis.pk])
        approve.approve(trial.pk, by=people.lead)
        assert recompute(review.pk) is not None
        after = results(review)
        for move in found.moves:
            same(move.then, after[move.synthesis.pk])
            assert move.moves == (before[move.synthesis.pk].pk != after[move.synthesis.pk].pk)
        changed += len(found.moved)
        assert bool(found.moved) == bool(found.pooled)  # a trial without an effect moves nothing
        assert not found.moved or found.moved[0].synthesis.is_primary
        effects = Effect.objects.filter(entry=draft_id(trial), reason="").order_by("position")
        assert [row.yi for row in found.pooled] == pytest.approx([effect.yi for effect in effects], rel=WITHIN)
    assert changed > 60


def draft_id(trial: Trial) -> Any:
    return Trial.objects.get(pk=trial.pk).approved_entry_id


@pytest.mark.django_db
def test_asking_writes_nothing_and_needs_no_recompute_before(review: Review, lead: Any) -> None:
    for number, difference in enumerate((-1.0, -1.6, -0.4)):
        trial_with(review, f"Trial {number}", contrast(difference))
    one = synthesis(review, lead)
    trial = factories.trial_at(Status.AGREED, review, marker="CRP")
    found = preview.of_approval(trial, draft_of(trial))
    assert not PooledResult.objects.filter(synthesis=one).exists()
    assert not Effect.objects.filter(trial__review=review).exists()
    assert recompute(review.pk) is not None
    same(found.moves[0].now, shown(one).result)
    then, now = found.moves[0].then.estimate, found.moves[0].now.estimate
    assert then is not None
    assert now is not None
    assert found.moves[0].by == pytest.approx(then - now)


@pytest.mark.django_db
def test_a_training_trial_changes_nothing(pooled: Review) -> None:
    trial = factories.trial_at(Status.AGREED, pooled, marker="CRP", calibration=True)
    found = preview.of_approval(trial, draft_of(trial))
    assert (found.moved, found.unmoved) == ([], 1)


@pytest.mark.django_db
def test_the_first_approval_is_previewed_from_nothing(review: Review, lead: Any) -> None:
    one = synthesis(review, lead)
    trial = factories.trial_at(Status.AGREED, review, marker="CRP")
    found = preview.of_approval(trial, draft_of(trial)).moved
    assert [(move.now.estimate, move.by) for move in found] == [(None, None)]
    approve.approve(trial.pk, by=factories.member(review, "lead"))
    assert recompute(review.pk) is not None
    same(found[0].then, shown(one).result)


@pytest.mark.django_db
def test_what_a_trial_adds_is_the_difference_to_the_results_without_it(pooled: Review) -> None:
    one = Synthesis.objects.get(review=pooled)
    trial = Trial.objects.get(review=pooled, label="Trial 2")
    (move,) = preview.without(trial, [one])
    assert move.then.pk == shown(one).result.pk
    with recording():
        trial.excluded_at, trial.exclusion_reason = trial.review.created_at, "for the test"
        trial.save()
    pooled_data_changed.send(sender=Trial, review_id=pooled.pk)
    assert recompute(pooled.pk) is not None
    same(move.now, shown(one).result)


@pytest.mark.django_db
def test_what_cannot_be_pooled_is_told_before(pooled: Review) -> None:
    trial = factories.made(factories.TrialFactory, review=pooled)
    cells = [*contrast(-1.0), {"arm": "T", "marker": "NK", "mean": 1.0, "sd": 2.0}]
    draft = entry_with(trial, cells, state="draft")
    found = preview.of_approval(trial, draft)
    assert len(found.pooled) == 1
    assert [row.outcome.name for row in found.kept_out] == ["NK"]
