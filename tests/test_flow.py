"""The whole way on real data, by the public verbs: two entries in, planted differences found, the numbers of R out."""

from __future__ import annotations

import csv
from collections import Counter
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from analysis.models import Effect, PooledResult, Snapshot, Synthesis
from analysis.recompute import recompute
from analysis.setup import create_default_syntheses, create_synthesis
from analysis.specification import Measure
from extraction import approve, reconcile
from extraction.decisions import Decision
from extraction.demo import load
from extraction.models import Discrepancy, Entry, Resolution, Trial
from extraction.states import Status

pytestmark = pytest.mark.django_db

FIELD = {"mean": "centre", "sd": "spread", "n": "n", "": "row"}


def rows(name: str) -> list[dict[str, str]]:
    with (load.DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def demo(django_db_setup: Any, django_db_blocker: Any) -> Any:
    """Both entries of all 56 trials imported and submitted; nothing approved. Rolled back after the module."""
    from django.db import transaction

    with django_db_blocker.unblock():
        outer = transaction.atomic()
        outer.__enter__()
        people, _ = load.make_people()
        review = load.define_review(people)
        load.import_entries(review, people)
        load.submit_entries(review, people)
        create_default_syntheses(review.pk, by=people.lead, measure=Measure.CHANGE_G)
        population = review.moderators.get(code="population")
        by_population = {"name": "Population as a factor", "measure": Measure.CHANGE_G, "moderator": population}
        create_synthesis(review.pk, by_population, by=people.lead)
        yield review, people
        transaction.set_rollback(True)
        outer.__exit__(None, None, None)


@pytest.fixture(scope="module")
def pooled(demo: Any, django_db_blocker: Any) -> Any:
    """All decided for A, all approved, computed once."""
    review, people = demo
    with django_db_blocker.unblock():
        keys = list(Discrepancy.objects.filter(state="open").values_list("pk", flat=True))
        reconcile.resolve_many(keys, Decision("A", "judgement"), by=people.adjudicator)
        agreed = list(Trial.objects.filter(review=review, status=Status.AGREED).values_list("pk", flat=True))
        outcomes = approve.approve_many(agreed, by=people.lead)
        assert [refusal for _, _, refusal in outcomes if refusal] == []
        recompute(review.pk)
        yield review, people


def test_the_planted_differences_are_found_each_in_its_place_and_nothing_else(demo):
    planted = Counter(
        (row["trial"], row["arm"], row["marker"], FIELD[row["field"]], row["verdict"]) for row in rows("planted.csv")
    )
    found = Counter(Discrepancy.objects.values_list("trial__label", "arm_label", "outcome_label", "field", "verdict"))
    assert found == planted
    assert Counter(verdict for *_, verdict in found.elements()) == {
        "rounding": 60, "equivalent": 20, "different": 28, "one_missing": 6,
    }  # fmt: skip


def test_equal_roundings_and_exact_forms_are_accepted_and_the_rest_wait(demo):
    states = Counter(Discrepancy.objects.values_list("verdict", "state"))
    if not Resolution.objects.exists():  # before the decisions of the other tests
        assert states[("different", "open")] + states[("one_missing", "open")] == 34
    assert states[("rounding", "accepted")] == 60
    assert states[("equivalent", "accepted")] == 20


def test_each_open_difference_has_the_cause_that_was_planted(demo):
    codes = {
        "sign flipped": "sign", "standard error entered as SD": "se_as_sd", "decimal point slipped": "decimal_point",
        "digits transposed": "digits_transposed", "row left out": "only_a",
    }  # fmt: skip
    expected = {
        (row["trial"], row["arm"], row["marker"], FIELD[row["field"]]): codes[row["cause"]]
        for row in rows("planted.csv")
        if row["verdict"] in {"different", "one_missing"}
    }
    found = Discrepancy.objects.filter(verdict__in=["different", "one_missing"])
    assert expected == {
        (row.trial.label, row.arm_label, row.outcome_label, row.field): row.diagnosis
        for row in found.select_related("trial")
    }


def test_all_decided_for_a_gives_the_effects_of_the_published_table(pooled):
    review, _ = pooled
    expected = {(row["trial"], row["marker"], row["arm.t"]): row for row in rows("expected_effects.csv")}
    effects = Effect.objects.filter(trial__review=review, yi__isnull=False).select_related("trial", "marker")
    found = {(effect.trial.label, effect.marker.code, effect.treatment_label): effect for effect in effects}
    assert len(effects) == len(expected) == 391
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        assert found[key].yi == pytest.approx(float(row["yi"]), rel=1e-6, abs=1e-12), key
        assert found[key].vi == pytest.approx(float(row["vi"]), rel=1e-6), key


def result(review: Any, **synthesis: Any) -> PooledResult:
    return Synthesis.objects.get(review=review, **synthesis).current.result


def agree(found: PooledResult, row: dict[str, str]) -> None:
    names = {
        "estimate": "estimate",
        "se": "se",
        "df": "df",
        "p": "p",
        "lo": "ci_low",
        "hi": "ci_high",
        "t": "statistic",
    }
    for theirs, ours in names.items():
        assert getattr(found, ours) == pytest.approx(float(row[theirs]), rel=1e-6), (row["id"], theirs)
    assert found.tau2 == pytest.approx(float(row["tau2"]), rel=1e-6, abs=1e-10)
    assert found.i2 == pytest.approx(float(row["I2"]), rel=1e-6, abs=1e-8)
    assert (found.trials, found.effects) == (int(row["studies"]), int(row["effects"]))


RVE = [row for row in rows("expected_rve.csv") if not row["id"].startswith("rve_moderator")]


@pytest.mark.parametrize("row", RVE, ids=lambda row: row["id"])
def test_robust_variance_estimation_equals_robumeta(pooled, row):
    review, _ = pooled
    _, _, level = row["id"].partition("=")
    found = result(review, is_primary=True) if not level else result(review, name=named(review, level), model="rve")
    agree(found, row)


def named(review: Any, code: str) -> str:
    """The name of the synthesis of a level or an intervention."""
    term = review.interventions.filter(code=code).first()
    return term.name if term else code


PREFIX = "rve_moderator_"
MODERATORS = sorted({row["id"].removeprefix(PREFIX) for row in rows("expected_rve.csv") if PREFIX in row["id"]})


@pytest.mark.parametrize("moderator", MODERATORS)
def test_meta_regression_equals_robumeta(pooled, moderator):
    review, _ = pooled
    expected = [row for row in rows("expected_rve.csv") if row["id"] == f"rve_moderator_{moderator}"]
    synthesis = Synthesis.objects.get(review=review, moderator__code=moderator)
    found = list(synthesis.current.result.coefficients.order_by("position"))
    assert len(found) == len(expected)
    for coefficient, row in zip(found, expected, strict=True):
        assert coefficient.estimate == pytest.approx(float(row["estimate"]), rel=1e-6)
        assert coefficient.se == pytest.approx(float(row["se"]), rel=1e-6)
        assert coefficient.df == pytest.approx(float(row["df"]), rel=1e-6)
        assert coefficient.p == pytest.approx(float(row["p"]), rel=1e-6)


@pytest.mark.parametrize("row", rows("expected_by_marker.csv"), ids=lambda row: row["marker"])
def test_random_effects_by_marker_equal_metafor(pooled, row):
    review, _ = pooled
    found = result(review, name=row["marker"], model="reml")
    assert found.effects == int(row["k"])
    pairs = {"estimate": "estimate", "se": "se", "lo": "ci_low", "hi": "ci_high", "Q": "q"}
    for theirs, ours in pairs.items():
        assert getattr(found, ours) == pytest.approx(float(row[theirs]), rel=1e-6), theirs
    for theirs, ours in {"pi_lo": "pi_low", "pi_hi": "pi_high"}.items():
        assert getattr(found, ours) == pytest.approx(float(row[theirs]), rel=1e-6), theirs
    assert found.tau2 == pytest.approx(float(row["tau2"]), rel=1e-6, abs=1e-8)
    assert found.i2 == pytest.approx(float(row["I2"]), rel=1e-6, abs=1e-6)


def test_approving_again_changes_nothing_and_computes_nothing(pooled):
    review, people = pooled
    before = (PooledResult.objects.count(), Snapshot.objects.count(), Effect.objects.count(), Entry.objects.count())
    outcomes = approve.approve_many(
        list(Trial.objects.filter(review=review).values_list("pk", flat=True)), by=people.lead
    )
    assert {type(refusal).__name__ for _, _, refusal in outcomes} == {"IllegalMove"}
    recompute(review.pk)
    after = (PooledResult.objects.count(), Snapshot.objects.count(), Effect.objects.count(), Entry.objects.count())
    assert before == after


def test_importing_the_same_file_again_changes_nothing(demo):
    from extraction.workbook import importing

    review, people = demo
    assert not Trial.objects.visible_to(AnonymousUser()).exists()
    entry = Entry.objects.filter(trial__review=review, slot="A").first()
    assert entry is not None
    seen = importing.preview("entry-a.xlsx", load.workbook_of("a"), review_id=review.pk, by=people.extractor_a)
    assert all(not trial.changes for trial in seen.trials)
