"""What the engine is given: checks, missing rows, redundant columns, clusters."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.stats.errors import (
    InvalidInput,
    InvalidVariance,
    RankDeficient,
    StatsError,
    TooFewEffects,
    UnknownOption,
)
from analysis.stats.inputs import (
    Clusters,
    check_level,
    check_option,
    effect_data,
    independent_columns,
    model_matrix,
    positive_weights,
    vector,
)

NAN = float("nan")


def test_rows_with_a_missing_value_are_left_out_and_named():
    # given a missing effect, a missing variance and a missing moderator
    data = effect_data(
        [0.1, NAN, 0.3, 0.4, 0.5],
        [0.1, 0.1, NAN, 0.1, 0.2],
        [[1, 1], [1, 2], [1, 3], [1, NAN], [1, 5]],
    )
    # then the complete rows remain
    assert data.k == 2
    assert data.omitted == (1, 2, 3)
    assert data.rows.tolist() == [0, 4]
    assert data.y.tolist() == [0.1, 0.5]
    assert data.X.tolist() == [[1, 1], [1, 5]]


def test_a_model_without_moderators_has_a_column_of_ones():
    data = effect_data([0.1, 0.2], [0.1, 0.1])
    assert data.X.tolist() == [[1.0], [1.0]]
    assert data.intercept_only
    assert data.p == 1


def test_redundant_columns_are_dropped_and_named_as_r_does():
    # given a third column that is the sum of the first two, and a fourth that is new
    one, x = np.ones(6), np.arange(6.0)
    X = np.column_stack([one, x, one + x, x**2])
    # when / then
    data = effect_data(np.arange(6.0), np.ones(6), X)
    assert data.redundant == (2,)
    assert data.p == 3
    assert data.intercept == 0
    with pytest.raises(RankDeficient, match="cannot be told apart"):
        effect_data(np.arange(6.0), np.ones(6), X, redundant="refuse")


def test_more_columns_than_rows_are_reduced_to_independent_ones():
    assert independent_columns(np.array([[1.0, 2.0, 3.0], [1.0, 5.0, 4.0]])) == [0, 1]


def test_a_column_of_zeros_is_redundant():
    assert independent_columns(np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])) == [0]


def test_a_single_column_may_be_given_as_a_vector():
    assert model_matrix([1, 2, 3], 3).shape == (3, 1)
    data = effect_data([1, 2, 3], [1, 1, 1], [1, 2, 3])
    assert data.intercept is None
    assert not data.intercept_only


@pytest.mark.parametrize(
    ("yi", "vi", "X", "error", "words"),
    [
        ([1, 2], [1], None, InvalidInput, "2 effects but 1 sampling variances"),
        ([[1, 2]], [1, 2], None, InvalidInput, "one list of numbers"),
        (["a", "b"], [1, 2], None, InvalidInput, "must be numbers"),
        ([1, float("inf")], [1, 2], None, InvalidInput, "infinite"),
        ([1, 2], [1, -2], None, InvalidVariance, "negative"),
        ([1, 2], [1, 1e-200], None, InvalidInput, "between 1e-90 and 1e"),
        ([1, 2], [1, 1e200], None, InvalidInput, "between 1e-90 and 1e"),
        ([1, -1e200], [1, 1], None, InvalidInput, "between 1e-90 and 1e"),
        ([1, 2], [1, 0], None, InvalidVariance, "infinite weight"),
        ([], [], None, TooFewEffects, "no effect"),
        ([NAN], [1], None, TooFewEffects, "no effect"),
        ([1, 2], [1, 2], [[1, 2]], InvalidInput, "2 rows"),
        ([1, 2], [1, 2], [["x"], ["y"]], InvalidInput, "factors as dummies"),
        ([1, 2], [1, 2], np.ones((2, 0)), InvalidInput, "a column"),
    ],
)
def test_what_cannot_be_pooled_is_refused_with_a_sentence(yi, vi, X, error, words):
    with pytest.raises(error, match=words) as refusal:
        effect_data(yi, vi, X)
    assert isinstance(refusal.value, StatsError)
    assert str(refusal.value).endswith(".")


def test_a_variance_of_zero_is_taken_where_it_is_allowed():
    assert effect_data([1, 2], [1, 0], zero_variance=True).k == 2


@pytest.mark.parametrize("level", [0.0, 1.0, 95, -0.1])
def test_a_level_is_a_fraction(level):
    with pytest.raises(InvalidInput, match=r"0\.95"):
        check_level(level)


def test_an_unknown_option_is_answered_with_those_that_exist():
    assert check_option("a", ("a", "b"), "The letter") == "a"
    with pytest.raises(UnknownOption, match="The letter 'c' is not known; there are a, b"):
        check_option("c", ("a", "b"), "The letter")


def test_weights_of_ones_own_are_positive_and_as_many_as_the_effects():
    rows = np.array([0, 2])
    assert positive_weights([1, 2, 3], 3, rows).tolist() == [1, 3]
    with pytest.raises(InvalidInput, match="3 effects but 2 weights"):
        positive_weights([1, 2], 3, rows)
    with pytest.raises(InvalidInput, match="positive"):
        positive_weights([1, 2, 0], 3, rows)


def test_clusters_group_rows_in_any_order_and_give_them_back():
    # given rows of three trials, mixed, with text labels
    clusters = Clusters.of(["b", "a", "b", "c", "a"], 5)
    y = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    # then sums, order and way back are those of the trials
    assert clusters.labels.tolist() == ["a", "b", "c"]
    assert clusters.m == 3
    assert clusters.n == 5
    assert clusters.sum(clusters.sort(y)).tolist() == [7.0, 4.0, 4.0]
    assert clusters.unsort(clusters.sort(y)).tolist() == y.tolist()
    assert clusters.spread(np.array([10.0, 20.0, 30.0])).tolist() == [10, 10, 20, 20, 30]
    assert [(size, ids.tolist(), rows.tolist()) for size, ids, rows in clusters.by_size] == [
        (1, [2], [[4]]),
        (2, [0, 1], [[0, 1], [2, 3]]),
    ]


def test_clusters_that_come_sorted_are_not_moved():
    clusters = Clusters.of([1, 1, 2], 3)
    y = np.arange(3.0)
    assert clusters.sort(y) is y
    assert clusters.unsort(y) is y


def test_clusters_of_left_out_rows_are_left_out():
    assert Clusters.of([1, 2, 2], 3, np.array([1, 2])).labels.tolist() == [2]


def test_labels_of_mixed_kinds_are_compared_as_text():
    assert Clusters.of(np.array(["x", 1, "x"], dtype=object), 3).size.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("cluster", "words"),
    [
        ([1, 2], "needs its cluster"),
        ([1.0, NAN, 2.0], "no cluster"),
        (np.array([1, None, 2], dtype=object), "no cluster"),
    ],
)
def test_an_effect_without_cluster_is_refused(cluster, words):
    with pytest.raises(InvalidInput, match=words):
        Clusters.of(cluster, 3)


def test_a_vector_is_a_vector():
    assert vector((1, 2), "x").tolist() == [1.0, 2.0]
