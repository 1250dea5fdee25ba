"""Nothing lost, nothing doubled, nothing older over newer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import F
from django.utils import timezone

from analysis import recompute as machinery
from analysis import setup, tasks
from analysis.models import CurrentResult, Effect, PooledResult, RecomputeRequest, Snapshot
from analysis.pooling import pool
from analysis.recompute import recompute
from analysis.snapshot import approved_data
from analysis.specification import Measure
from extraction.models import Marker, Review, Trial, User
from extraction.recorded import recording
from tests.analysis.builders import approve, contrast, entry_with, small_review, trial_with
from tests.analysis.conftest import asked_and_recomputed, recomputed, shown, synthesis


def request_of(review: Review) -> RecomputeRequest:
    return RecomputeRequest.objects.get(review=review)


# --- What is computed ---------------------------------------------------------------------------------------


def test_one_more_approval_computes_its_own_trials_effects_and_no_others(pooled: Review) -> None:
    # given a pooled review and one more approved trial
    trial = trial_with(pooled, "Another", contrast(-2.0))
    before = set(Effect.objects.values_list("pk", flat=True))
    # when it is recomputed
    run = asked_and_recomputed(pooled)
    # then only the new trial's effect was made, and the result holds four trials
    new = Effect.objects.exclude(pk__in=before).get()
    assert (run.new_effects, new.trial_id) == (1, trial.pk)
    assert CurrentResult.objects.get().result.trials == 4


def test_asking_again_computes_nothing(pooled: Review) -> None:
    before = shown(pooled.syntheses.get())
    run = asked_and_recomputed(pooled)
    after = shown(pooled.syntheses.get())
    assert (run.new_effects, run.computed, run.unchanged) == (0, 0, 1)
    assert after.result_id == before.result_id
    assert after.generation == before.generation + 1
    assert (PooledResult.objects.count(), Snapshot.objects.count()) == (1, 1)


def test_a_changed_option_is_always_computed(pooled: Review, lead: User) -> None:
    one = pooled.syntheses.get()
    before = shown(one).result
    setup.change_synthesis(one.pk, {"rho": 0.3}, by=lead)
    assert recomputed(pooled).computed == 1
    after = shown(one).result
    assert after.pk != before.pk
    assert after.specification != before.specification


def test_an_approval_that_a_synthesis_does_not_take_leaves_its_result_and_renews_its_snapshot(
    pooled: Review, lead: User
) -> None:
    # given a synthesis of CRP alone
    crp = synthesis(pooled, lead, name="CRP", filters={"markers": ["CRP"]})
    recomputed(pooled)
    before = shown(crp)
    # when a trial of another marker is approved
    trial_with(pooled, "Another", contrast(1.0, marker="IL-10"))
    asked_and_recomputed(pooled)
    # then the same result is shown as of the new data
    after = shown(crp)
    assert after.result_id == before.result_id
    assert after.snapshot_id != before.snapshot_id


def test_a_markers_direction_turns_effects_and_results_round(pooled: Review) -> None:
    before = shown(pooled.syntheses.get()).result
    with recording():
        Marker._base_manager.filter(code="CRP").update(direction=1)
    asked_and_recomputed(pooled)
    after = shown(pooled.syntheses.get()).result
    assert before.estimate is not None
    assert after.estimate == pytest.approx(-before.estimate, rel=1e-12)
    assert after.se == pytest.approx(before.se, rel=1e-12)


@pytest.mark.parametrize("field", ["excluded", "calibration"])
def test_a_trial_taken_out_leaves_the_pool(pooled: Review, field: str) -> None:
    out = Trial._base_manager.get(label="Trial 0")
    with recording():
        if field == "excluded":
            out.excluded_at, out.exclusion_reason = timezone.now(), "a duplicate"
        else:
            out.calibration = True
        out.save()
    asked_and_recomputed(pooled)
    assert CurrentResult.objects.get().result.trials == 2


def test_a_reopened_trial_stays_in_with_its_approved_version(pooled: Review) -> None:
    trial = Trial._base_manager.get(label="Trial 0")
    before = shown(pooled.syntheses.get()).result_id
    with recording():
        trial.status = "adjudicating"
        trial.save()
    entry_with(trial, contrast(9.0), state="draft")
    asked_and_recomputed(pooled)
    assert shown(pooled.syntheses.get()).result_id == before


def test_a_new_approved_version_replaces_the_old_one(pooled: Review) -> None:
    trial = Trial._base_manager.get(label="Trial 0")
    approve(trial, entry_with(trial, contrast(-3.0)))
    asked_and_recomputed(pooled)
    result = CurrentResult.objects.get().result
    assert (result.trials, result.effects) == (3, 3)


def test_without_an_approved_trial_every_synthesis_says_so(review: Review, lead: User) -> None:
    one = synthesis(review, lead)
    assert recomputed(review).failed == 1
    assert shown(one).result.reason == "No effect of an approved trial fits this synthesis."


def test_one_trial_is_its_own_average_and_the_note_says_so(review: Review, lead: User) -> None:
    one = synthesis(review, lead)
    trial_with(review, "Only", contrast(-1.0, n=30))
    recomputed(review)
    result, effect = shown(one).result, Effect.objects.get()
    assert result.state == "ok"
    assert (result.estimate, result.se) == (effect.yi, pytest.approx(effect.vi**0.5))  # type: ignore[operator]
    assert result.tau2 is None
    assert result.note.startswith("One trial")


# --- A synthesis that fails ---------------------------------------------------------------------------------


def test_a_synthesis_that_cannot_be_computed_fails_nothing_else(pooled: Review, lead: User) -> None:
    nothing = synthesis(pooled, lead, name="Nothing", filters={"markers": ["IL-10"]})
    fine = synthesis(pooled, lead, name="CRP", filters={"markers": ["CRP"]})
    run = recomputed(pooled)
    assert (run.computed, run.failed) == (2, 1)
    assert shown(nothing).result.state == "failed"
    assert shown(nothing).result.estimate is None
    assert shown(fine).result.state == "ok"


def test_an_unexpected_error_in_one_synthesis_is_stored_as_its_reason(
    pooled: Review, lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a synthesis in which the engine breaks, and one that is fine
    broken = synthesis(pooled, lead, name="Broken", rho=0.11)
    fine = synthesis(pooled, lead, name="Fine", rho=0.5)

    def breaks(given: Any, specification: Any) -> Any:
        if specification.rho == 0.11:
            raise ZeroDivisionError("no")
        return pool(given, specification)

    monkeypatch.setattr("analysis.recompute.pool", breaks)
    # when the review is recomputed
    run = recomputed(pooled)
    # then the one says why and the other is there
    assert run.failed == 1
    assert shown(broken).result.reason.startswith("Unexpected: ZeroDivisionError")
    assert shown(fine).result.state == "ok"


# --- The request --------------------------------------------------------------------------------------------


def test_each_wish_counts_and_the_first_unmet_one_is_remembered(review: Review) -> None:
    RecomputeRequest.objects.raise_for(review.pk)
    first = request_of(review).wanted_at
    RecomputeRequest.objects.raise_for(review.pk)
    assert request_of(review).wanted == 2
    assert request_of(review).wanted_at == first


def test_a_claim_is_exclusive_until_its_lease_ends(review: Review) -> None:
    RecomputeRequest.objects.raise_for(review.pk)
    claim = RecomputeRequest.objects.claim(review.pk)
    assert claim is not None
    assert RecomputeRequest.objects.claim(review.pk) is None
    # when the lease has run out, another worker may take it
    RecomputeRequest.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    other = RecomputeRequest.objects.claim(review.pk)
    assert other is not None
    assert (other.generation, other.token != claim.token) == (claim.generation, True)


def test_a_met_request_cannot_be_claimed(pooled: Review) -> None:
    assert request_of(pooled).is_met
    assert RecomputeRequest.objects.claim(pooled.pk) is None
    assert recompute(pooled.pk) is None


def test_nobody_asked_is_nothing_to_do(review: Review) -> None:
    assert recompute(review.pk) is None


def test_a_holder_that_lost_its_lease_does_not_free_the_new_holders(review: Review) -> None:
    RecomputeRequest.objects.raise_for(review.pk)
    old = RecomputeRequest.objects.claim(review.pk)
    RecomputeRequest.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    new = RecomputeRequest.objects.claim(review.pk)
    assert old is not None
    assert new is not None
    RecomputeRequest.objects.raise_for(review.pk)
    RecomputeRequest.objects.finish(old)
    assert request_of(review).lease_token == new.token
    assert RecomputeRequest.objects.claim(review.pk) is None


def test_a_wish_during_a_run_is_met_by_another_run(pooled: Review, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a run into whose middle another approval falls
    def and_then_approve(review_id: int) -> Any:
        data = approved_data(review_id)
        trial_with(pooled, "In between", contrast(-5.0))
        RecomputeRequest.objects.raise_for(review_id)
        return data

    monkeypatch.setattr("analysis.recompute.approved_data", and_then_approve)
    run = asked_and_recomputed(pooled)
    monkeypatch.undo()
    # then it says that more is wanted, and the next run holds the new trial
    assert run.more_wanted
    assert CurrentResult.objects.get().result.trials == 3
    recomputed(pooled)
    assert CurrentResult.objects.get().result.trials == 4
    assert request_of(pooled).is_met


def test_the_task_tells_the_workers_again_where_more_is_wanted(pooled: Review, monkeypatch: pytest.MonkeyPatch) -> None:
    nudged: list[int] = []
    monkeypatch.setattr(tasks, "nudge", nudged.append)
    finish = RecomputeRequest.objects.finish

    def asked_meanwhile(claim: Any) -> bool:
        done = finish(claim)
        RecomputeRequest.objects.raise_for(pooled.pk)
        return done

    monkeypatch.setattr(type(RecomputeRequest.objects), "finish", lambda self, claim: asked_meanwhile(claim))
    RecomputeRequest.objects.raise_for(pooled.pk)
    tasks.recompute_review(pooled.pk)
    assert nudged == [pooled.pk]


def test_an_old_run_never_overwrites_a_newer_one(pooled: Review, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a slow run that read the data before a fourth trial was approved
    one = pooled.syntheses.get()
    prepared = machinery.prepared

    def overtaken(*args: Any) -> Any:
        task = prepared(*args)
        monkeypatch.setattr(machinery, "prepared", prepared)
        trial_with(pooled, "Newer", contrast(-4.0))
        RecomputeRequest.objects.raise_for(pooled.pk)
        RecomputeRequest.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        assert recompute(pooled.pk) is not None  # a second worker, after the lease ran out
        return task

    monkeypatch.setattr(machinery, "prepared", overtaken)
    RecomputeRequest.objects.raise_for(pooled.pk)
    # when the slow run writes last
    assert recompute(pooled.pk) is not None
    # then the newer result stays
    assert shown(one).result.trials == 4
    assert request_of(pooled).done == request_of(pooled).wanted == shown(one).generation


def test_delivering_a_message_many_times_changes_nothing(pooled: Review) -> None:
    RecomputeRequest.objects.raise_for(pooled.pk)
    for _ in range(5):
        tasks.recompute_review(pooled.pk)
    assert (PooledResult.objects.count(), CurrentResult.objects.count()) == (1, 1)
    assert request_of(pooled).is_met


def test_two_runs_of_one_generation_write_the_same_rows_once(pooled: Review, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a run whose lease ends while it computes, so that another worker does the same work
    trial_with(pooled, "Fourth", contrast(-2.0))
    computed = machinery.computed

    def doubled(*args: Any) -> Any:
        monkeypatch.setattr(machinery, "computed", computed)
        RecomputeRequest.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        assert recompute(pooled.pk) is not None
        return computed(*args)

    monkeypatch.setattr(machinery, "computed", doubled)
    asked_and_recomputed(pooled)
    assert PooledResult.objects.filter(trials=4).count() == 1
    assert Effect.objects.count() == 4


# --- The sweeper --------------------------------------------------------------------------------------------


def test_the_sweeper_finds_what_nobody_works_on(pooled: Review, monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    nudged: list[int] = []
    monkeypatch.setattr(tasks, "nudge", nudged.append)
    held = small_review("Held")
    met, lost, dead = pooled, small_review("Lost"), small_review("Dead worker")
    for one in (held, lost, dead):
        RecomputeRequest.objects.raise_for(one.pk)
    RecomputeRequest.objects.claim(held.pk)
    RecomputeRequest.objects.claim(dead.pk)
    RecomputeRequest.objects.filter(review=dead).update(lease_until=timezone.now() - timedelta(seconds=1))
    tasks.sweep()
    assert sorted(nudged) == sorted([lost.pk, dead.pk])
    assert met.pk not in nudged


def test_results_of_an_older_engine_are_asked_for_once(pooled: Review, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "nudge", lambda review_id: None)
    monkeypatch.setattr(tasks, "ENGINE", "a newer engine")
    before = request_of(pooled).wanted
    tasks.sweep()
    tasks.sweep()
    assert request_of(pooled).wanted == before + 1


def test_another_engine_computes_everything_anew(pooled: Review, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machinery, "ENGINE", "a newer engine")
    assert asked_and_recomputed(pooled).computed == 1
    assert CurrentResult.objects.get().result.engine == "a newer engine"
    assert PooledResult.objects.count() == 2


def test_the_generation_counters_cannot_run_apart(pooled: Review) -> None:
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        RecomputeRequest.objects.update(done=F("wanted") + 1)


def test_a_claim_that_failed_after_losing_its_lease_blames_nobody(review: Review) -> None:
    RecomputeRequest.objects.raise_for(review.pk)
    claim = RecomputeRequest.objects.claim(review.pk)
    assert claim is not None
    RecomputeRequest.objects.update(lease_token=uuid4())
    RecomputeRequest.objects.fail(claim, "too late")
    assert request_of(review).failures == 0


def test_syntheses_with_different_measures_share_a_review(pooled: Review, lead: User) -> None:
    post = synthesis(pooled, lead, name="Scores", measure=Measure.POST_G)
    recomputed(pooled)
    assert shown(post).result.state == "failed"  # the trials report changes alone
    reasons = set(Effect.objects.filter(measure=Measure.POST_G).values_list("reason", flat=True))
    assert reasons == {"T has no score for this outcome and time."}
