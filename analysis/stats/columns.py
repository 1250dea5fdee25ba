"""Columns of values per row, as effect sizes and conversions take them, and refusals that name the row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.stats.errors import InvalidInput, StatsError
from analysis.stats.inputs import Array

Mask = NDArray[np.bool_]
Column = ArrayLike | Sequence[float | None] | None  # None, as the column or in it, is a missing value

MANY = 6  # rows named one by one in a refusal


def columns(**given: Column) -> tuple[Array, ...]:
    """Vectors of one common length from vectors and single numbers, in the order given.

    A single number stands for itself in every row; None, as a column or as an element, is a missing value
    and becomes NaN. Infinity is refused: no report prints it.
    """
    vectors = [_vector(name, values) for name, values in given.items()]
    lengths = {vector.size for vector in vectors if vector.size != 1}
    if len(lengths) > 1:
        described = ", ".join(f"{name} {vector.size}" for name, vector in zip(given, vectors, strict=True))
        raise InvalidInput(f"All columns must have the same number of rows; given are {described}.")
    k = lengths.pop() if lengths else 1
    return tuple(vector if vector.size == k else np.broadcast_to(vector, k) for vector in vectors)


def complete(**given: Column) -> tuple[Array, ...]:
    """Like `columns`, where every value must be there."""
    vectors = columns(**given)
    for name, vector in zip(given, vectors, strict=True):
        refuse(np.isnan(vector), f"{name} is missing")
    return vectors


def refuse(rows: Mask | np.bool, sentence: str, error: type[StatsError] = InvalidInput) -> None:
    """Raise `error` with the sentence and the rows, counted from 1, where `rows` is true; if any is."""
    if rows.any():
        raise error(f"{sentence} ({named(rows)}).")


def named(rows: Mask | np.bool) -> str:
    """The true rows as a reader counts them: "row 3", "rows 3, 7 and 8", "rows 1, 2, 3 and 40 more"."""
    numbers = [str(row + 1) for row in np.flatnonzero(rows)]
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    if len(numbers) > MANY:
        return f"rows {', '.join(numbers[:3])} and {len(numbers) - 3} more"
    return f"rows {', '.join(numbers[:-1])} and {numbers[-1]}"


def _vector(name: str, values: Column) -> Array:
    try:
        vector = np.atleast_1d(np.asarray(np.nan if values is None else values, dtype=float))
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{name} must be numbers.") from error
    if vector.ndim != 1:
        raise InvalidInput(f"{name} must be a single column; its shape is {vector.shape}.")
    refuse(np.isinf(vector), f"{name} is infinite")
    return vector
