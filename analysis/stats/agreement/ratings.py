"""Reading ratings: categories into positions, numbers into a table with gaps."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.errors import InvalidInput
from analysis.stats.inputs import Array, Indices

Table = ArrayLike | Sequence[Sequence[float | None]]


def is_missing(rating: Any) -> bool:
    """None and NaN are missing."""
    return rating is None or (isinstance(rating, float) and np.isnan(rating))


def positions(
    raters: Sequence[Sequence[Hashable | None]], categories: Sequence[Hashable] | None
) -> tuple[Indices, list[Hashable]]:
    """Each rating's place among the categories, -1 where it is missing, shape (raters, units).

    Without declared categories those that occur are used, sorted where they can be.
    """
    units = {len(rater) for rater in raters}
    if len(units) != 1:
        raise InvalidInput(f"All raters must rate the same units; they rated {sorted(units)}.")
    used = dict.fromkeys(rating for rater in raters for rating in rater if not is_missing(rating))
    known = list(used) if categories is None else list(categories)
    if categories is None and all(isinstance(label, str | int | float | np.number) for label in known):
        known.sort(key=lambda label: (isinstance(label, str), label))
    place = {label: i for i, label in enumerate(known)}
    if len(place) < len(known):
        raise InvalidInput("A category is declared twice.")
    strange = [label for label in used if label not in place]
    if strange:
        raise InvalidInput(f"{strange[0]!r} is not among the categories {', '.join(map(str, known))}.")
    return (
        np.array([[-1 if is_missing(rating) else place[rating] for rating in rater] for rater in raters]),
        known,
    )


def counts(coded: Indices, q: int) -> Array:
    """How many raters put each unit into each category, shape (units, q)."""
    units = coded.shape[1]
    there = coded >= 0
    flat = np.broadcast_to(np.arange(units), coded.shape)[there] * q + coded[there]
    return np.bincount(flat, minlength=units * q).reshape(units, q).astype(float)


def numbers(ratings: Table, what: str) -> Array:
    """A table of numbers in which None is NaN."""
    try:
        table = np.asarray(ratings, dtype=float)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{what} must be a table of numbers.") from error
    if table.ndim != 2:
        raise InvalidInput(f"{what} must be a table; its shape is {table.shape}.")
    if np.isinf(table).any():
        raise InvalidInput(f"{what} hold an infinite value.")
    return table
