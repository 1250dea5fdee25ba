"""The database refuses what the domain refuses, whoever writes."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, models, transaction

from analysis.models import CurrentResult, Effect, PooledResult, ResultCoefficient, Snapshot, Synthesis
from extraction.models import Review
from extraction.recorded import OutsideVerb, recording
from tests.analysis.conftest import shown


def refused(constraint: str, write: Any) -> None:
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        write()
    assert constraint in str(caught.value) or "UNIQUE" in str(caught.value)


def changed(row: models.Model, **columns: Any) -> Any:
    """The same row with other columns, unsaved, under a new key."""
    copy = type(row)._base_manager.get(pk=row.pk)
    for name, value in columns.items():
        setattr(copy, name, value)
    copy.pk = uuid4() if isinstance(row.pk, type(uuid4())) else None
    copy._state.adding = True
    return copy


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [
        ("effect_is_there_or_says_why_not", {"yi": None}),
        ("effect_is_there_or_says_why_not", {"reason": "kept out"}),
        ("effect_is_there_or_says_why_not", {"direction": 0}),
        ("effect_yi_is_finite", {"yi": float("inf")}),
        ("effect_yi_raw_is_finite", {"yi_raw": float("-inf")}),
        ("effect_vi_is_positive", {"vi": 0.0}),
        ("effect_vi_is_positive", {"vi": float("inf")}),
    ],
)
def test_an_effect_that_cannot_be_is_refused(pooled: Review, constraint: str, columns: dict[str, Any]) -> None:
    effect = changed(Effect.objects.first() or Effect(), position=99, **columns)
    refused(constraint, lambda: Effect.objects.bulk_create([effect]))


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [
        ("result_is_there_or_says_why_not", {"reason": "why"}),
        ("result_is_there_or_says_why_not", {"state": "failed"}),
        ("result_is_there_or_says_why_not", {"trials": 0}),
        ("result_estimate_is_finite", {"estimate": float("inf"), "ci_high": float("inf")}),
        ("result_se_is_not_negative", {"se": -0.1}),
        ("result_interval_holds_the_estimate", {"ci_low": 99.0}),
        ("result_interval_holds_the_estimate", {"ci_high": -99.0}),
        ("result_prediction_upper_not_below_lower", {"pi_low": 2.0, "pi_high": 1.0}),
        ("result_p_between_0_and_1", {"p": 1.1}),
        ("result_df_is_not_negative", {"df": -1.0}),
        ("result_tau2_is_not_negative", {"tau2": -1e-9}),
        ("result_i2_is_a_percentage", {"i2": 100.5}),
        ("result_q_is_not_negative", {"q": float("inf")}),
    ],
)
def test_a_result_that_cannot_be_is_refused(pooled: Review, constraint: str, columns: dict[str, Any]) -> None:
    result = changed(PooledResult.objects.get(), inputs="other", **columns)
    refused(constraint, lambda: PooledResult.objects.bulk_create([result]))


@pytest.mark.parametrize("number", ["se", "p", "tau2", "i2"])
@pytest.mark.postgres
def test_postgresql_refuses_nan_as_well(pooled: Review, number: str) -> None:
    result = changed(PooledResult.objects.get(), inputs="other", **{number: float("nan")})
    refused("result_", lambda: PooledResult.objects.bulk_create([result]))


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [
        ("synthesis_name_once_per_group", {}),
        ("synthesis_one_primary_per_review", {"name": "Other", "is_primary": True}),
        ("synthesis_has_a_name", {"name": ""}),
        ("synthesis_rho_between_0_and_1", {"name": "Other", "rho": 1.1}),
        ("synthesis_imputed_r_is_a_correlation", {"name": "Other", "imputed_r": -1.0}),
        ("synthesis_level_is_a_fraction", {"name": "Other", "level": 95.0}),
        ("synthesis_choices_are_known", {"name": "Other", "measure": "odds"}),
    ],
)
def test_a_synthesis_that_cannot_be_is_refused(pooled: Review, constraint: str, columns: dict[str, Any]) -> None:
    one = changed(pooled.syntheses.get(), **{"is_primary": False, **columns})
    with recording():
        refused(constraint, one.save)


def test_the_same_is_never_stored_twice(pooled: Review) -> None:
    result, snapshot = PooledResult.objects.get(), Snapshot.objects.get()
    effect = Effect.objects.first()
    assert effect is not None
    refused("result_never_computed_twice", lambda: PooledResult.objects.bulk_create([changed(result)]))
    refused("snapshot_digest_once", lambda: Snapshot.objects.bulk_create([changed(snapshot)]))
    refused("effect_once", lambda: Effect.objects.bulk_create([changed(effect)]))


def test_a_coefficient_is_finite_and_its_p_a_probability(pooled: Review) -> None:
    result = PooledResult.objects.get()
    fine = {"result": result, "position": 0, "term": "x", "estimate": 1.0, "se": 1.0, "ci_low": 0.0, "ci_high": 2.0}
    for constraint, bad in (("coefficient_is_finite", {"se": -1.0}), ("coefficient_p", {"p": 2.0})):
        row = ResultCoefficient(**{**fine, **bad})
        refused(constraint, lambda row=row: ResultCoefficient.objects.bulk_create([row]))


@pytest.mark.parametrize("model", [Effect, PooledResult, Snapshot, ResultCoefficient])
def test_what_was_computed_is_never_changed_or_deleted(pooled: Review, model: Any) -> None:
    with pytest.raises(OutsideVerb):
        model.objects.all().update(pk=None)
    with pytest.raises(OutsideVerb):
        model.objects.all().delete()


def test_the_pointer_moves_forward_only(pooled: Review) -> None:
    one = pooled.syntheses.get()
    current = shown(one)
    older = {one.pk: current.result_id}
    CurrentResult.objects.move_to(older, current.snapshot, current.generation - 1)
    assert shown(one).generation == current.generation
    CurrentResult.objects.move_to(older, current.snapshot, current.generation + 5)
    assert shown(one).generation == current.generation + 5


def test_a_synthesis_changes_through_verbs_alone(pooled: Review) -> None:
    with pytest.raises(OutsideVerb):
        Synthesis.objects.update(rho=0.1)
    with pytest.raises(OutsideVerb):
        pooled.syntheses.get().save()
