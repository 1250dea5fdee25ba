"""What the engine is given, checked once: effects, their variances, the model matrix and the clusters.

Missing (NaN) rows are left out and reported; everything else that cannot be pooled is refused with a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.stats.errors import InvalidInput, InvalidVariance, RankDeficient, TooFewEffects, UnknownOption

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
Scalar = TypeVar("Scalar", bound=np.generic)

SMALLEST, LARGEST = 1e-90, 1e90  # cubes of effects, variances and weights stay finite
RANK_TOLERANCE = 1e-7  # as R's lm: a column that adds less than this share of itself is redundant


@dataclass(frozen=True, eq=False)
class EffectData:
    """Effects ready to be pooled: k rows without a missing value, and a model matrix of full rank.

    Attributes
    ----------
    y, v : shape (k,)
        Effects and their sampling variances.
    X : shape (k, p)
        Model matrix in the caller's column order, redundant columns left out.
    rows : shape (k,)
        Position of each used row in what was given.
    omitted : rows left out because a value was missing.
    redundant : columns of the given X left out because earlier ones determine them.
    intercept : position of the column of ones in X, or None.
    factors : Q and R of X = QR, where the check of its columns made them.
    """

    y: Array
    v: Array
    X: Array
    rows: Indices
    omitted: tuple[int, ...] = ()
    redundant: tuple[int, ...] = ()
    intercept: int | None = 0
    factors: tuple[Array, Array] | None = field(default=None, repr=False)

    @cached_property
    def basis(self) -> Array:
        """Orthonormal basis of the columns of X, shape (k, p)."""
        return self._factors[0]

    @cached_property
    def back(self) -> Array:
        """From coefficients in that basis to those of the columns of X, shape (p, p)."""
        return cast(Array, np.linalg.inv(self._factors[1]))

    @cached_property
    def _factors(self) -> tuple[Array, Array]:
        Q, R = self.factors or np.linalg.qr(self.X)
        return Q, R

    @property
    def k(self) -> int:
        return int(self.y.size)

    @property
    def p(self) -> int:
        return int(self.X.shape[1])

    @property
    def intercept_only(self) -> bool:
        return self.p == 1 and self.intercept == 0


def vector(values: ArrayLike, name: str) -> Array:
    """`values` as a one-dimensional array of floats."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{name} must be numbers.") from error
    if array.ndim != 1:
        raise InvalidInput(f"{name} must be one list of numbers; its shape is {array.shape}.")
    return array


def effect_data(
    yi: ArrayLike,
    vi: ArrayLike,
    X: ArrayLike | None = None,
    *,
    zero_variance: bool = False,
    redundant: Literal["drop", "refuse"] = "drop",
) -> EffectData:
    """Check effects, variances and model matrix; leave out rows with a missing value.

    Parameters
    ----------
    yi, vi : shape (n,)
        Effects and sampling variances (squared units of `yi`); NaN means missing.
    X : shape (n, p), optional
        Model matrix with its intercept column; None is the intercept alone.
    zero_variance : bool
        Whether a sampling variance of exactly zero is allowed.
    redundant : {"drop", "refuse"}
        What to do with columns that are linear combinations of earlier ones.

    Raises
    ------
    InvalidInput, InvalidVariance, TooFewEffects, RankDeficient
    """
    y, v = vector(yi, "The effects"), vector(vi, "The sampling variances")
    if y.size != v.size:
        raise InvalidInput(f"There are {y.size} effects but {v.size} sampling variances.")
    matrix = None if X is None else model_matrix(X, y.size)
    complete = bool(np.isfinite(y).all() and np.isfinite(v).all())
    if matrix is not None:
        complete = complete and bool(np.isfinite(matrix).all())
    rows = np.arange(y.size)
    omitted: tuple[int, ...] = ()
    if not complete:
        y, v, matrix, rows, omitted = _without_missing(y, v, matrix)
    if y.size == 0:
        raise TooFewEffects("There is no effect to pool.")
    _check_range(y, v, zero_variance)
    if matrix is None:
        return EffectData(y, v, np.ones((y.size, 1)), rows, omitted)
    factors = full_rank_factors(matrix)
    keep = list(range(matrix.shape[1])) if factors else independent_columns(matrix)
    if len(keep) < matrix.shape[1] and redundant == "refuse":
        raise RankDeficient(
            f"The {matrix.shape[1]} columns of the model matrix carry the information of {len(keep)} only: "
            "some moderators cannot be told apart in these effects."
        )
    lost = tuple(j for j in range(matrix.shape[1]) if j not in keep)
    matrix = matrix[:, keep] if lost else matrix
    ones = np.flatnonzero((matrix == 1.0).all(axis=0))
    return EffectData(y, v, matrix, rows, omitted, lost, int(ones[0]) if ones.size else None, factors)


def model_matrix(X: ArrayLike, n: int) -> Array:
    """`X` as a float matrix of n rows."""
    try:
        matrix = np.asarray(X, dtype=float)
    except (TypeError, ValueError) as error:
        raise InvalidInput("The model matrix must be numbers; code factors as dummies first.") from error
    if matrix.ndim == 1:
        matrix = matrix[:, None]
    if matrix.ndim != 2 or matrix.shape[0] != n or matrix.shape[1] == 0:
        raise InvalidInput(f"The model matrix must have {n} rows and a column; its shape is {matrix.shape}.")
    return matrix


def _without_missing(
    y: Array, v: Array, X: Array | None
) -> tuple[Array, Array, Array | None, Indices, tuple[int, ...]]:
    everything = np.column_stack([y, v] if X is None else [y, v, X])
    if np.isinf(everything).any():
        raise InvalidInput("An effect, sampling variance or moderator is infinite.")
    given = ~np.isnan(everything).any(axis=1)
    rows = np.flatnonzero(given)
    omitted = tuple(int(i) for i in np.flatnonzero(~given))
    return y[rows], v[rows], None if X is None else X[rows], rows, omitted


def _check_range(y: Array, v: Array, zero_allowed: bool) -> None:
    smallest = v.min()
    if smallest < 0:
        raise InvalidVariance(f"A sampling variance is negative ({smallest:g}).")
    if smallest == 0 and not zero_allowed:
        raise InvalidVariance("A sampling variance is zero, so its effect would have infinite weight.")
    if 0 < smallest < SMALLEST or v.max() > LARGEST or np.abs(y).max() > LARGEST:
        raise InvalidInput(
            f"Effects and sampling variances must lie between {SMALLEST:g} and {LARGEST:g}; "
            "beyond it sums of squares cannot be computed."
        )


def full_rank_factors(X: Array) -> tuple[Array, Array] | None:
    """Q and R of X = QR, if no column is determined by earlier ones."""
    if X.shape[0] < X.shape[1]:
        return None
    Q, R = np.linalg.qr(X)
    # the columns of R are as long as those of X
    size = np.sqrt(np.einsum("ij,ij->j", R, R))
    return (Q, R) if (np.abs(np.diagonal(R)) > RANK_TOLERANCE * size).all() else None


def independent_columns(X: Array) -> list[int]:
    """Columns of X that earlier ones do not determine, in order (as R's lm)."""
    size = np.sqrt(np.einsum("ij,ij->j", X, X))
    basis = np.empty((X.shape[0], 0))
    keep: list[int] = []
    for j in range(X.shape[1]):
        rest = X[:, j] - basis @ (basis.T @ X[:, j])
        rest -= basis @ (basis.T @ rest)  # twice is enough
        length = np.sqrt(rest @ rest)
        if length > RANK_TOLERANCE * size[j]:
            keep.append(j)
            basis = np.column_stack([basis, rest / length])
    return keep


def positive_weights(weights: ArrayLike, n: int, rows: Indices) -> Array:
    """Own weights of the used `rows` of n effects."""
    given = vector(weights, "The weights")
    if given.size != n:
        raise InvalidInput(f"There are {n} effects but {given.size} weights.")
    used = given[rows]
    if not (np.isfinite(used).all() and (used > 0).all()):
        raise InvalidInput("Weights must be positive and finite.")
    return used


def check_level(level: float) -> float:
    """A confidence level strictly between 0 and 1."""
    if not 0.0 < level < 1.0:
        raise InvalidInput(f"A confidence level lies between 0 and 1, for example 0.95; {level} was given.")
    return level


def check_option(value: str, options: Sequence[str], what: str) -> str:
    """`value` if it is one of `options`."""
    if value not in options:
        raise UnknownOption(f"{what} {value!r} is not known; there are {', '.join(options)}.")
    return value


@dataclass(frozen=True, eq=False)
class Clusters:
    """Rows grouped by cluster (trial), for segment sums.

    Attributes
    ----------
    order : shape (k,)
        Rows sorted by cluster, stable; sorted arrays are `a[order]`.
    start, size : shape (m,)
        First sorted row of each cluster and its number of rows.
    labels : shape (m,)
        The cluster identifiers, sorted.
    """

    order: Indices
    start: Indices
    size: Indices
    labels: NDArray[Any]
    contiguous: bool  # the rows came sorted by cluster

    @classmethod
    def of(cls, cluster: ArrayLike, n: int, rows: Indices | None = None) -> Clusters:
        """Group n given rows by `cluster`, of which only `rows` are used."""
        given = np.asarray(cluster)
        if given.ndim != 1 or given.size != n:
            raise InvalidInput(f"Each of the {n} effects needs its cluster; the shape given is {given.shape}.")
        if rows is not None and rows.size < n:
            given = given[rows]
        if given.dtype == object:
            if any(label is None for label in given):
                raise InvalidInput("An effect has no cluster.")
            given = np.array([str(label) for label in given])
        elif given.dtype.kind == "f" and np.isnan(given).any():
            raise InvalidInput("An effect has no cluster.")
        contiguous = bool((given[1:] >= given[:-1]).all())
        order = np.arange(given.size) if contiguous else np.argsort(given, kind="stable")
        ordered = given if contiguous else given[order]
        start = np.concatenate([[0], np.flatnonzero(ordered[1:] != ordered[:-1]) + 1])
        size = np.diff(start, append=given.size)
        return cls(order, start, size, ordered[start], contiguous)

    @property
    def m(self) -> int:
        return int(self.start.size)

    @property
    def n(self) -> int:
        return int(self.order.size)

    @cached_property
    def index(self) -> Indices:
        """Number of the cluster of each sorted row."""
        return np.repeat(np.arange(self.m), self.size)

    @cached_property
    def by_size(self) -> tuple[tuple[int, Indices, Indices], ...]:
        """For each distinct size: the size, the clusters of that size, their sorted rows (clusters, size)."""
        groups = []
        for size in np.unique(self.size):
            ids = np.flatnonzero(self.size == size)
            groups.append((int(size), ids, self.start[ids][:, None] + np.arange(size)))
        return tuple(groups)

    def sort(self, values: NDArray[Scalar]) -> NDArray[Scalar]:
        """`values` (rows first) in cluster order."""
        return values if self.contiguous else values[self.order]

    def sum(self, values: Array) -> Array:
        """Sum of sorted `values` within each cluster: shape (k,) gives (m,), shape (rows, k) gives (rows, m)."""
        if values.ndim == 1:
            # several times faster than reduceat, whose clusters are many and short
            return cast(Array, np.bincount(self.index, values, self.m))
        out = np.empty((values.shape[0], self.m))
        for total, row in zip(out, values, strict=True):
            total[:] = np.bincount(self.index, row, self.m)
        return out

    def spread(self, per_cluster: Array) -> Array:
        """A value per cluster repeated for its rows, in cluster order."""
        return per_cluster[self.index]

    def unsort(self, values: NDArray[Scalar]) -> NDArray[Scalar]:
        """Sorted `values` back in the order given."""
        if self.contiguous:
            return values
        out = np.empty_like(values)
        out[self.order] = values
        return out
