"""Reading columns of rows, and the sentences of their refusals."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.stats.columns import columns, complete, named, refuse
from analysis.stats.errors import InvalidInput, InvalidVariance, StatsError


def test_a_single_number_stands_for_every_row() -> None:
    mean, n = columns(mean=[1, 2, 3], n=20)
    assert mean.tolist() == [1, 2, 3]
    assert n.tolist() == [20, 20, 20]


def test_numbers_alone_are_one_row() -> None:
    assert [column.tolist() for column in columns(mean=1, n=20)] == [[1], [20]]


def test_none_is_a_missing_value() -> None:
    mean, sd = columns(mean=[1, None], sd=None)
    assert mean[0] == 1
    assert np.isnan(mean[1])
    assert np.isnan(sd).all()


def test_columns_of_different_lengths_are_refused_with_their_lengths() -> None:
    with pytest.raises(InvalidInput, match=r"same number of rows; given are mean 3, n 2\."):
        columns(mean=[1, 2, 3], n=[1, 2])


@pytest.mark.parametrize(
    ("value", "sentence"),
    [("many", "n must be numbers"), ([[1, 2]], r"n must be a single column; its shape is \(1, 2\)")],
)
def test_what_is_no_column_of_numbers_is_refused(value: object, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        columns(n=value)  # type: ignore[arg-type]


def test_infinity_is_refused_with_its_row() -> None:
    with pytest.raises(InvalidInput, match=r"sd is infinite \(row 2\)\."):
        columns(sd=[1, np.inf])


def test_complete_columns_lack_nothing() -> None:
    assert complete(sd=[1, 2])[0].tolist() == [1, 2]
    with pytest.raises(InvalidInput, match=r"sd is missing \(rows 2 and 3\)\."):
        complete(sd=[1, None, np.nan])


@pytest.mark.parametrize(
    ("rows", "words"),
    [([2], "row 3"), ([0, 1, 4], "rows 1, 2 and 5"), (list(range(10)), "rows 1, 2, 3 and 7 more")],
)
def test_rows_are_named_as_a_reader_counts_them(rows: list[int], words: str) -> None:
    mask = np.zeros(12, dtype=bool)
    mask[rows] = True
    assert named(mask) == words


def test_nothing_is_refused_where_no_row_is_wrong() -> None:
    refuse(np.zeros(3, dtype=bool), "Something is wrong")
    with pytest.raises(InvalidVariance, match=r"^Something is wrong \(row 1\)\.$"):
        refuse(np.array([True]), "Something is wrong", InvalidVariance)


def test_every_refusal_is_a_value_error() -> None:
    assert issubclass(StatsError, ValueError)
    assert issubclass(InvalidVariance, InvalidInput)
