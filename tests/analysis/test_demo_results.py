"""The demo review's effects and results against what R gives (extraction/demo/data/README.md)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from analysis import setup
from analysis.models import CurrentResult, Effect, PooledResult
from analysis.recompute import Run, recompute
from analysis.specification import Measure
from extraction.models import Moderator, Review
from tests.analysis.builders import demo_labels, demo_review, demo_rows, demo_trial, person

RELATIVE = 1e-6
R_ZERO = 1e-12  # R stops at a tau² of 5e-14 where it is zero
COLUMNS = {"estimate": "estimate", "se": "se", "ci_low": "lo", "ci_high": "hi", "statistic": "t", "df": "df", "p": "p"}


@pytest.fixture(scope="module")
def whole(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[Review, Run]]:
    """All 56 trials approved with entry A's numbers, and the default syntheses; undone after the module."""
    with django_db_blocker.unblock(), transaction.atomic():
        review = demo_review()
        for label in demo_labels():
            demo_trial(review, label)
        lead = person(review, "lead")
        setup.create_default_syntheses(review.pk, by=lead, measure=Measure.CHANGE_G)
        population = Moderator._base_manager.get(review=review, code="population")
        values = {"group": "Moderators", "name": "population", "measure": Measure.CHANGE_G, "moderator": population}
        setup.create_synthesis(review.pk, values, by=lead)
        run = recompute(review.pk)
        assert run is not None
        yield review, run
        transaction.set_rollback(True)


def result(review: Review, group: str, name: str) -> PooledResult:
    return CurrentResult.objects.get(synthesis__review=review, synthesis__group=group, synthesis__name=name).result


def about(expected: str) -> Any:
    return pytest.approx(float(expected), rel=RELATIVE, abs=R_ZERO)


@pytest.mark.django_db
def test_the_demo_review_has_the_391_effects_that_metafor_computes(whole: tuple[Review, Run]) -> None:
    review, run = whole
    effects = {
        (effect.trial.label, effect.outcome_name, effect.treatment_label): effect
        for effect in Effect.objects.filter(trial__review=review).select_related("trial")
    }
    assert run.new_effects == len(effects) == 391
    for row in demo_rows("expected_effects.csv"):
        effect = effects[row["trial"], row["marker"], row["arm.t"]]
        assert (effect.control_label, effect.n_t, effect.n_c) == (row["arm.c"], int(row["n.t"]), int(row["n.c"]))
        assert effect.yi == about(row["yi"])
        assert effect.vi == about(row["vi"])
        assert effect.reason == ""


@pytest.mark.django_db
def test_robust_means_and_meta_regressions_are_those_of_robumeta(whole: tuple[Review, Run]) -> None:
    review, _ = whole
    by_id: dict[str, list[Any]] = defaultdict(list)
    for row in demo_rows("expected_rve.csv"):
        by_id[row["id"].removeprefix("rve_")].append(row)
    for what, terms in by_id.items():
        group, name = _place(what)
        found = result(review, group, name)
        assert (found.trials, found.effects) == (int(terms[0]["studies"]), int(terms[0]["effects"]))
        assert found.tau2 == about(terms[0]["tau2"])
        assert found.i2 == about(terms[0]["I2"])
        shown = list(found.coefficients.all()) if group == "Moderators" else [found]
        for one, term in zip(shown, terms, strict=True):
            assert {ours: getattr(one, ours) for ours in COLUMNS} == {
                ours: about(term[theirs]) for ours, theirs in COLUMNS.items()
            }


def _place(what: str) -> tuple[str, str]:
    if what == "all":
        return "", "All outcomes"
    if what.startswith("moderator_"):
        return "Moderators", what.removeprefix("moderator_")
    kind, _, name = what.partition("=")
    return f"By {kind}", name


@pytest.mark.django_db
def test_the_slope_of_a_number_stands_in_the_result_itself(whole: tuple[Review, Run]) -> None:
    review, _ = whole
    slope = next(row for row in demo_rows("expected_rve.csv") if row["term"] == "mean_age")
    found = result(review, "Moderators", "mean_age")
    assert found.estimate == about(slope["estimate"])
    assert found.p == about(slope["p"])


@pytest.mark.django_db
def test_markers_are_pooled_as_by_metafor(whole: tuple[Review, Run]) -> None:
    review, _ = whole
    for row in demo_rows("expected_by_marker.csv"):
        found = result(review, "By marker", row["marker"])
        assert found.effects == int(row["k"])
        columns = {"estimate": "estimate", "se": "se", "ci_low": "lo", "ci_high": "hi", "tau2": "tau2", "q": "Q"}
        assert {ours: getattr(found, ours) for ours in columns} == {
            ours: about(row[theirs]) for ours, theirs in columns.items()
        }
        # where R's tau² is not quite zero, its prediction interval and I² are not quite ours
        assert found.pi_low == pytest.approx(float(row["pi_lo"]), rel=RELATIVE)
        assert found.pi_high == pytest.approx(float(row["pi_hi"]), rel=RELATIVE)
        assert found.i2 == pytest.approx(float(row["I2"]), rel=RELATIVE, abs=1e-9)


@pytest.mark.django_db
def test_every_synthesis_of_the_demo_review_can_be_computed(whole: tuple[Review, Run]) -> None:
    review, run = whole
    assert run.failed == 0
    assert run.computed == review.syntheses.count() == 30
