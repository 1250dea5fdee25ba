"""Which effects a synthesis takes, and what happens at the edges; results against R stand in test_demo_results."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.pooling import ModeratorValues, Pooled, effects_frame, inputs, pool, selected
from analysis.specification import Filters, InvalidFilters, Model, Specification, Window
from analysis.stats.errors import NotEstimable, StatsError, TooFewEffects

CLASSES = {"CRP": "inflammation", "IL-10": "cytokine"}
KINDS = {"age": "number", "setting": "level", "dose": "number"}
VALUES: ModeratorValues = {
    "age": {"e1": 30.0, "e2": 40.0, "e3": 55.0},
    "setting": {"e1": "clinic", "e2": "home", "e3": "clinic", "e4": "home"},
    "dose": {"e1": 1.0, "t2": 2.0, "e2": 9.0, "e3": 3.0, "e4": 1.5},
}


def row(trial: int, yi: float = 0.5, vi: float = 0.1, **more: Any) -> tuple[Any, ...]:
    said = {
        "trial": trial, "entry": f"e{trial}", "position": 0, "treatment": f"t{trial}", "control": f"c{trial}",
        "outcome": f"o{trial}", "marker": "CRP", "intervention": "CBT", "weeks": 12.0, "weeks_after_end": 0.0,
        "yi": yi, "vi": vi,
    }  # fmt: skip
    return tuple({**said, **more}.values())


ROWS = [row(1), row(1, 0.1, position=1, marker="IL-10"), row(2, 0.9), row(3, 0.2, intervention="Support"), row(4, 0.6)]


def given(specification: Specification, rows: list[Any] = ROWS) -> Any:
    chosen = selected(effects_frame(rows), specification, CLASSES, VALUES)
    return inputs(chosen, specification, VALUES, KINDS)


def done(specification: Specification, rows: list[Any] = ROWS) -> Pooled:
    return pool(given(specification, rows), specification)


@pytest.mark.parametrize(
    ("filters", "trials"),
    [
        (Filters(), [1, 1, 2, 3, 4]),
        (Filters(markers=("IL-10",)), [1]),
        (Filters(outcome_classes=("inflammation",)), [1, 2, 3, 4]),
        (Filters(interventions=("Support",)), [3]),
        (Filters(levels={"setting": ("home",)}), [2, 4]),
        (Filters(interventions=("CBT",), levels={"setting": ("clinic",)}), [1, 1]),
        (Filters(levels={"unknown": ("x",)}), []),
    ],
)
def test_filters_choose_effects(filters: Filters, trials: list[int]) -> None:
    assert given(Specification(filters=filters)).trial.tolist() == trials


def test_the_order_of_the_rows_changes_neither_digest_nor_digits() -> None:
    turned = list(reversed(ROWS))
    specification = Specification()
    assert given(specification).digest() == given(specification, turned).digest()
    assert done(specification) == done(specification, turned)


def test_first_measurement_after_treatment() -> None:
    rows = [row(1), row(1, position=1, weeks=30.0), row(2, weeks=None), row(2, position=1, weeks=8.0)]
    frame = effects_frame(rows)
    chosen = selected(frame, Specification(window=Window.FIRST_POST), CLASSES, VALUES)
    assert list(zip(chosen["trial"], chosen["position"], strict=True)) == [(1, 0), (2, 1)]


def test_follow_up_is_26_weeks_or_more_after_the_end() -> None:
    rows = [row(1, weeks_after_end=25.9), row(2, weeks_after_end=26.0), row(3, weeks_after_end=None)]
    assert given(Specification(window=Window.FOLLOW_UP), rows).trial.tolist() == [2]


def test_effects_whose_moderator_is_not_known_are_left_out_and_counted() -> None:
    chosen = given(Specification(moderator="age"))
    assert (chosen.trial.tolist(), chosen.left_out) == ([1, 1, 2, 3], 1)
    assert done(Specification(moderator="age")).note == "1 effects left out: their moderator is not known."


def test_an_arms_own_value_wins_over_its_trials() -> None:
    assert given(Specification(moderator="dose")).X[:, 1].tolist() == [1.0, 1.0, 2.0, 3.0, 1.5]


def test_a_factor_stands_against_its_first_level_in_the_alphabet() -> None:
    chosen = given(Specification(moderator="setting"))
    assert chosen.terms == ("Intercept (clinic)", "home")
    assert chosen.X[:, 1].tolist() == [0.0, 0.0, 1.0, 0.0, 1.0]


@pytest.mark.parametrize("model", Model.values)
def test_a_factor_of_two_levels_has_a_slope_and_one_of_three_has_none(model: str) -> None:
    two = done(Specification(moderator="setting", model=model))
    assert two.main is not None
    assert two.main == two.coefficients[1]
    values = {"place": {f"e{n}": level for n, level in enumerate("aabbcc", start=1)}}
    rows = [row(n, 0.1 * n) for n in range(1, 7)]
    specification = Specification(moderator="place", model=model)
    three = pool(inputs(effects_frame(rows), specification, values, {"place": "level"}), specification)
    assert three.main is None
    assert [term.term for term in three.coefficients] == ["Intercept (a)", "b", "c"]
    assert (three.factor is not None) == (model == Model.REML)


@pytest.mark.parametrize("model", Model.values)
def test_nothing_to_pool_is_said(model: str) -> None:
    with pytest.raises(TooFewEffects, match="No effect of an approved trial fits"):
        done(Specification(model=model), [])


@pytest.mark.parametrize("model", Model.values)
def test_a_moderator_with_one_value_cannot_be_tested(model: str) -> None:
    clinics = [row(1), row(3, 0.3)]
    with pytest.raises(NotEstimable, match="same value"):
        done(Specification(moderator="setting", model=model), clinics)
    same = {"age": {"e1": 40.0, "e2": 40.0, "e3": 40.0}}
    specification = Specification(moderator="age", model=model)
    with pytest.raises(StatsError):
        pool(inputs(effects_frame([row(1), row(2), row(3)]), specification, same, KINDS), specification)


def test_one_trial_of_several_effects_is_their_mean_with_the_assumed_correlation() -> None:
    pooled = done(Specification(rho=0.8), [row(1, 0.2), row(1, 0.6, position=1)])
    assert pooled.main is not None
    assert pooled.main.estimate == pytest.approx(0.4)
    assert pooled.main.se**2 == pytest.approx((2 * 0.1 + 2 * 0.8 * 0.1) / 4)
    assert (pooled.main.df, pooled.tau2) == (None, None)


def test_equal_effects_have_no_test_by_knapp_and_hartung() -> None:
    pooled = done(Specification(model=Model.REML), [row(1), row(2), row(3)])
    assert pooled.main is not None
    assert (pooled.main.se, pooled.main.statistic, pooled.main.p) == (0.0, None, None)


def test_every_option_is_in_the_digest_of_the_specification() -> None:
    base = Specification()
    others: list[dict[str, Any]] = [
        {"measure": "post_g"}, {"model": "reml"}, {"rho": 0.7}, {"imputed_r": 0.6}, {"level": 0.9},
        {"window": "first_post"}, {"filters": Filters(markers=("CRP",))}, {"moderator": "age"},
    ]  # fmt: skip
    digests = {base.digest(), *(Specification(**{**_columns(base), **other}).digest() for other in others)}
    assert len(digests) == len(others) + 1


def _columns(specification: Specification) -> dict[str, Any]:
    return {name: getattr(specification, name) for name in specification.__slots__}


def test_every_part_of_the_inputs_is_in_their_digest() -> None:
    base = given(Specification()).digest()
    assert given(Specification(), [row(1, 0.5000000001), *ROWS[1:]]).digest() != base
    assert given(Specification(), [row(1, vi=0.11), *ROWS[1:]]).digest() != base
    assert given(Specification(), [row(9), *ROWS[1:]]).digest() != base
    assert given(Specification(moderator="setting")).digest() != base


@pytest.mark.parametrize(
    "filters",
    [
        [], {"markers": "CRP"}, {"marker": ["CRP"]}, {"markers": [1]}, {"markers": [""]}, {"levels": ["x"]},
        {"levels": {"setting": "home"}},
    ],
)  # fmt: skip
def test_filters_of_another_form_are_refused(filters: Any) -> None:
    with pytest.raises(InvalidFilters):
        Filters.from_json(filters)


def test_filters_read_back_as_written() -> None:
    said = {"markers": ["CRP", "IL-10"], "levels": {"setting": ["home"]}}
    assert Filters.from_json(said).as_json() == said
