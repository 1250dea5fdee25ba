"""Factors, continuous moderators, subgroups and predicted lines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from analysis.stats.errors import InvalidInput, NotEstimable, TooFewEffects, UnknownOption
from analysis.stats.moderators import (
    curve,
    factor,
    model_matrix,
    number,
    robust_subgroups,
    subgroups,
)
from analysis.stats.multilevel import three_level
from analysis.stats.pooling import random_effects
from analysis.stats.prediction import predict
from analysis.stats.robust import robu, sandwich, wald_test
from tests.analysis.stats.review_effects import effects

NAN = float("nan")
RANDOM = np.random.default_rng(31)
CLUSTER = np.repeat(np.arange(12), 3)
K = CLUSTER.size
V = RANDOM.uniform(0.02, 0.2, K)
Y = 0.3 + 0.3 * RANDOM.normal(size=12)[CLUSTER] + np.sqrt(V) * RANDOM.normal(size=K)
GROUP = np.array(["CBT", "other", "psychoeducation"])[np.arange(12) % 3][CLUSTER].tolist()
AGE = RANDOM.normal(40, 10, K)


def test_a_factor_is_compared_with_its_first_level_in_a_dictionary():
    coded = factor(["other", "CBT", "cognitive", None], "therapy")
    assert coded.levels == ("CBT", "cognitive", "other")
    assert coded.names == ("therapy: cognitive", "therapy: other")
    assert coded.columns[:3].tolist() == [[0, 1], [0, 0], [1, 0]]
    assert np.isnan(coded.columns[3]).all()


def test_a_factor_is_compared_with_the_level_named():
    coded = factor(["b", "a", "c"], "x", reference="c")
    assert coded.levels == ("c", "a", "b")
    assert coded.row("c").tolist() == [0, 0]
    assert coded.row("b").tolist() == [0, 1]


def test_levels_that_are_numbers_are_ordered_by_size():
    assert factor([10, 9, 100, NAN, ""], "dose").levels == (9, 10, 100)


def test_cell_means_have_a_column_for_every_level():
    coded = factor(["b", "a", "b"], "x", coding="cell means")
    assert coded.columns.tolist() == [[0, 1], [1, 0], [0, 1]]
    assert coded.row("a").tolist() == [1, 0]


def test_a_number_is_raw_centred_or_standardised():
    values = [10.0, 20.0, 30.0, NAN]
    assert number(values, "age").columns[:3, 0].tolist() == [10, 20, 30]
    assert number(values, "age", scaling="centred").columns[:3, 0].tolist() == [-10, 0, 10]
    z = number(values, "age", scaling="z")
    assert z.columns[:3, 0].tolist() == [-1, 0, 1]
    assert z.row(40).tolist() == [2.0]
    assert np.isnan(z.columns[3, 0])


def test_a_model_matrix_knows_its_columns_and_what_tests_a_moderator():
    matrix = model_matrix([factor(GROUP, "therapy"), number(AGE, "age")])
    assert matrix.names == ("intercept", "therapy: other", "therapy: psychoeducation", "age")
    assert matrix.constraints("therapy").tolist() == [[0, 1, 0, 0], [0, 0, 1, 0]]
    assert matrix.constraints("age").tolist() == [[0, 0, 0, 1]]
    assert matrix.row(therapy="other", age=50).tolist() == [1, 1, 0, 50]
    means = model_matrix([factor(GROUP, "therapy", coding="cell means")], intercept=False)
    assert means.constraints("therapy").tolist() == [[-1, 1, 0], [-1, 0, 1]]
    assert means.row(therapy="CBT").tolist() == [1, 0, 0]


def test_what_other_moderators_say_already_is_left_out_with_a_message():
    # given a moderator that is another one, and an empty level after missing values
    matrix = model_matrix([number(AGE, "age"), number(2 * AGE, "twice the age")])
    assert matrix.names == ("intercept", "age")
    assert matrix.messages == ("twice the age was left out: the moderators before it say the same.",)
    assert matrix.row(age=1, **{"twice the age": 2}).tolist() == [1, 1]
    with pytest.raises(InvalidInput, match="nothing to test"):
        matrix.constraints("twice the age")


def test_rows_without_a_value_are_left_out_by_the_fit():
    age = AGE.copy()
    age[4] = NAN
    fit = random_effects(Y, V, model_matrix([number(age, "age")]).X)
    assert fit.omitted == (4,)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: factor(["a", "b"], "x", reference="c"), UnknownOption, "no level 'c'; there are a, b"),
        (lambda: factor(["a", "b"], "x", coding="helmert"), UnknownOption, "treatment, cell means"),
        (lambda: factor([None, ""], "x"), TooFewEffects, "x has no value"),
        (lambda: factor(["a", "b"], "x").row("c"), UnknownOption, "no level 'c'"),
        (lambda: number([NAN], "age"), TooFewEffects, "age has no value"),
        (lambda: number([1, float("inf")], "age"), InvalidInput, "infinite"),
        (lambda: number([1, 1], "age", scaling="z"), InvalidInput, "does not vary"),
        (lambda: number([1], "age", scaling="z"), InvalidInput, "does not vary"),
        (lambda: number([1, 2], "age", scaling="log"), UnknownOption, "raw, centred, z"),
        (lambda: model_matrix([]), InvalidInput, "needs a moderator"),
        (lambda: model_matrix([number([1, 2], "a"), number([1], "b")]), InvalidInput, "same effects"),
        (lambda: model_matrix([number([1, 2], "a"), number([1, 3], "a")]), InvalidInput, "different names"),
        (lambda: model_matrix([factor(["a", "b"], "x", coding="cell means")]), InvalidInput, "without one"),
        (lambda: model_matrix([number([1, NAN], "a"), number([NAN, 1], "b")]), TooFewEffects, "every moderator"),
        (lambda: model_matrix([number([1, 2], "a")]).row(b=1), InvalidInput, "exactly these moderators: a"),
        (lambda: model_matrix([number([1, 2], "a")]).constraints("b"), UnknownOption, "no moderator 'b'"),
    ],
)
def test_moderators_that_make_no_sense_are_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_one_level_has_nothing_to_test():
    with pytest.raises(InvalidInput, match="nothing to test"):
        model_matrix([factor(["a", "a"], "x", coding="cell means")], intercept=False).constraints("x")


@given(effects(least=8))
@settings(max_examples=30, deadline=None)
def test_contrasts_and_cell_means_are_one_model(drawn):
    labels = np.where(np.arange(drawn.y.size) % 2, "b", "a").tolist()
    contrasts = random_effects(drawn.y, drawn.v, model_matrix([factor(labels, "x")]).X)
    means = random_effects(drawn.y, drawn.v, factor(labels, "x", coding="cell means").columns)
    assert means.tau2 == pytest.approx(contrasts.tau2, abs=1e-9)
    assert means.estimate[1] - means.estimate[0] == pytest.approx(contrasts.estimate[1], abs=1e-8)
    other = random_effects(drawn.y, drawn.v, model_matrix([factor(labels, "x", reference="b")]).X)
    assert other.estimate[1] == pytest.approx(-contrasts.estimate[1], abs=1e-8)
    found = subgroups(drawn.y, drawn.v, labels)
    assert found.common_test.statistic == pytest.approx(contrasts.moderators.statistic, rel=1e-6, abs=1e-9)


def test_subgroups_are_pooled_alone_and_together():
    found = subgroups(Y, V, GROUP, test="z")
    assert found.levels == ("CBT", "other", "psychoeducation")
    for level, fit in zip(found.levels, found.separate, strict=True):
        rows = np.array(GROUP) == level
        assert fit.estimate == pytest.approx(random_effects(Y[rows], V[rows], test="z").estimate)
    w = np.array([fit.se[0] ** -2 for fit in found.separate])
    b = np.array([fit.estimate[0] for fit in found.separate])
    assert found.between.statistic == pytest.approx(w @ (b - w @ b / w.sum()) ** 2)
    assert (found.between.df1, found.between.df2) == (2, None)
    assert found.common.estimate.size == 3
    assert subgroups(Y, V, GROUP).common_test.df2 == K - 3


def test_a_level_with_one_study_is_shown_with_tau2_zero():
    found = subgroups(Y[:7], V[:7], ["a", "a", "a", "b", "b", "b", "c"])
    assert found.separate[2].k == 1
    assert found.separate[2].tau2 == 0.0
    assert found.separate[2].test == "z"
    assert found.separate[0].test == "knha"


def test_rows_without_a_level_or_effect_are_left_out_and_empty_levels_dropped():
    found = subgroups([0.1, 0.2, 0.3, NAN, 0.5], [0.1] * 5, ["a", "a", None, "b", "a"])
    assert found.levels == ("a",)
    assert found.separate[0].k == 3
    assert found.between is None
    assert found.common_test is None


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: subgroups([1, 2], [1, 1], ["a"]), InvalidInput, "1 group labels"),
        (lambda: subgroups([NAN], [1], ["a"]), TooFewEffects, "no effect with a group"),
        (lambda: subgroups([1.0, 1.0, 2, 3, 4], [1] * 5, ["a", "a", "b", "b", "b"]), NotEstimable, "test='z'"),
        (lambda: robust_subgroups([1, 2], [1, 1], [1, 2], ["a"]), InvalidInput, "same number of rows"),
    ],
)
def test_subgroups_that_make_no_sense_are_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_dependent_effects_are_compared_by_htz():
    found = robust_subgroups(Y, V, CLUSTER, GROUP)
    rows = np.array(GROUP) == "CBT"
    assert found.separate[0].se == pytest.approx(robu(Y[rows], V[rows], CLUSTER[rows]).se)
    contrasts = model_matrix([factor(GROUP, "therapy")])
    test = wald_test(sandwich(robu(Y, V, CLUSTER, contrasts.X)), contrasts.constraints("therapy"))
    assert (found.equal.F, found.equal.df_denom) == pytest.approx((test.F, test.df_denom))
    assert found.reasons == ("", "", "")
    assert found.messages == ()


def test_a_level_of_one_trial_says_why_it_has_no_robust_result():
    labels = ["a" if cluster else "b" for cluster in CLUSTER]
    found = robust_subgroups(Y, V, CLUSTER, labels)
    assert found.separate[1] is None
    assert "one" in found.reasons[1]
    assert found.common is None
    assert found.equal is None
    assert len(found.messages) == 1


def test_one_level_is_pooled_without_a_comparison():
    found = robust_subgroups(Y, V, CLUSTER, ["a"] * K)
    assert found.common is not None
    assert found.equal is None


@pytest.mark.parametrize("kind", ["pooled", "three-level", "robust", "sandwich", "uncorrected"])
def test_a_line_goes_along_one_moderator_with_the_others_held(kind):
    matrix = model_matrix([factor(GROUP, "therapy"), number(AGE, "age", scaling="z")])
    fit = {
        "pooled": lambda: random_effects(Y, V, matrix.X),
        "three-level": lambda: three_level(Y, V, CLUSTER, matrix.X),
        "robust": lambda: robu(Y, V, CLUSTER, matrix.X),
        "sandwich": lambda: sandwich(random_effects(Y, V, matrix.X), CLUSTER),
        "uncorrected": lambda: robu(Y, V, CLUSTER, matrix.X, small=False),
    }[kind]()
    line = curve(fit, matrix, "age", held={"therapy": "other"})
    # then it spans the ages, and at each age it is the prediction there
    assert (line.x[0], line.x[-1]) == pytest.approx((AGE.min(), AGE.max()))
    assert line.held == {"therapy": "other"}
    at = curve(fit, matrix, "age", at=[35.0, 45.0], held={"therapy": "other"})
    rows = [matrix.row(therapy="other", age=35.0), matrix.row(therapy="other", age=45.0)]
    assert at.predicted.estimate == pytest.approx(np.array(rows) @ fit.estimate)
    assert (at.predicted.ci_low < at.predicted.estimate).all()
    if kind == "sandwich":
        assert at.predicted.pi_low is None
    else:
        assert (at.predicted.pi_low <= at.predicted.ci_low + 1e-12).all()


def test_what_is_not_held_stands_at_its_reference_or_mean():
    therapy, dose = factor(GROUP, "therapy"), number(RANDOM.normal(size=K), "dose", scaling="centred")
    matrix = model_matrix([therapy, number(AGE, "age"), dose])
    line = curve(random_effects(Y, V, matrix.X), matrix, "age")
    assert line.held["therapy"] == "CBT"
    assert line.held["dose"] == pytest.approx(dose.centre)


def test_df_of_a_robust_prediction_are_those_of_the_combination():
    # given a recoding that makes a combination a coefficient
    matrix = model_matrix([number(AGE, "age")])
    moved = model_matrix([number(AGE - 50.0, "age")])
    at = predict(robu(Y, V, CLUSTER, matrix.X), [[1.0, 50.0], [0.0, 0.0]])
    there = robu(Y, V, CLUSTER, moved.X)
    assert at.df[0] == pytest.approx(there.df[0], rel=1e-6)
    assert at.se[0] == pytest.approx(there.se[0], rel=1e-6)
    assert at.se[1] == 0.0
    mean = robu(Y, V, CLUSTER)
    assert predict(mean).df == pytest.approx(mean.df)
    assert predict(mean, kind="hts").pi_low is not None
    weighted = robu(Y, V, CLUSTER, weights=np.ones(K))
    assert predict(weighted).pi_low is None


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ({"moderator": "therapy"}, UnknownOption, "not a continuous moderator"),
        ({"moderator": "dose"}, UnknownOption, "not a continuous moderator"),
        ({"moderator": "age", "held": {"age": 1}}, InvalidInput, "Not another moderator"),
        ({"moderator": "age", "held": {"therapy": "x"}}, UnknownOption, "no level 'x'"),
    ],
)
def test_a_line_along_nothing_is_refused(how, error, words):
    matrix = model_matrix([factor(GROUP, "therapy"), number(AGE, "age")])
    with pytest.raises(error, match=words):
        curve(random_effects(Y, V, matrix.X), matrix, **how)
