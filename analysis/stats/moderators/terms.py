"""Moderators as columns of a model matrix: factors by dummies, numbers as they are, centred or standardised.

A missing value makes its row missing, so that the fit leaves it out and reports it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.errors import InvalidInput, TooFewEffects, UnknownOption
from analysis.stats.inputs import Array, check_option, independent_columns, vector

CODINGS = ("treatment", "cell means")
SCALINGS = ("raw", "centred", "z")


@dataclass(frozen=True, eq=False)
class Factor:
    """A categorical moderator.

    Attributes
    ----------
    columns : shape (k, c), dummies; NaN where the value is missing.
    names : of the columns.
    levels : those that occur, in order; with treatment contrasts the reference first.
    coding : "treatment" or "cell means".
    """

    name: str
    columns: Array
    names: tuple[str, ...]
    levels: tuple[Any, ...]
    coding: str

    def row(self, value: Any) -> Array:
        """The columns for one level."""
        if value not in self.levels:
            raise UnknownOption(f"{self.name} has no level {value!r}; there are {', '.join(map(str, self.levels))}.")
        shown = self.levels if self.coding == "cell means" else self.levels[1:]
        return np.array([float(level == value) for level in shown])


@dataclass(frozen=True, eq=False)
class Number:
    """A continuous moderator: (value - centre) / scale."""

    name: str
    columns: Array
    names: tuple[str, ...]
    centre: float
    scale: float

    def row(self, value: Any) -> Array:
        """The column for one value on the moderator's own scale."""
        return np.array([(float(value) - self.centre) / self.scale])


Term = Factor | Number


def factor(values: Sequence[Any], name: str, *, reference: Any = None, coding: str = "treatment") -> Factor:
    """Dummies of a categorical moderator.

    Parameters
    ----------
    values : k levels; None, "" or NaN is missing.
    name : of the moderator.
    reference : level to compare with; the first in (case-blind) alphabetical order where not given.
    coding : {"treatment", "cell means"}
        Differences from the reference, beside an intercept; or one column per level, without one.

    Raises
    ------
    UnknownOption, TooFewEffects
    """
    check_option(coding, CODINGS, "The coding")
    given = [None if _is_missing(value) else value for value in values]
    levels = sorted({value for value in given if value is not None}, key=_alphabetical)
    if not levels:
        raise TooFewEffects(f"{name} has no value.")
    if reference is not None:
        if reference not in levels:
            raise UnknownOption(f"{name} has no level {reference!r}; there are {', '.join(map(str, levels))}.")
        levels = [reference, *(level for level in levels if level != reference)]
    shown = levels if coding == "cell means" else levels[1:]
    columns = np.array(
        [[np.nan if value is None else float(value == level) for level in shown] for value in given]
    ).reshape(len(given), len(shown))
    return Factor(name, columns, tuple(f"{name}: {level}" for level in shown), tuple(levels), coding)


def _is_missing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and np.isnan(value))


def _alphabetical(value: Any) -> tuple[int, Any, str]:
    """Numbers by size, then text as a dictionary has it."""
    if isinstance(value, int | float | np.integer | np.floating):
        return (0, float(value), "")
    return (1, str(value).casefold(), str(value))


def number(values: ArrayLike, name: str, *, scaling: str = "raw") -> Number:
    """The column of a continuous moderator; NaN is missing.

    Parameters
    ----------
    scaling : {"raw", "centred", "z"}
        As it is; minus its mean (the intercept is then the effect at the mean); the same per standard deviation.

    Raises
    ------
    InvalidInput
        If a standard deviation is asked of a moderator that does not vary.
    """
    check_option(scaling, SCALINGS, "The scaling")
    x = vector(values, name)
    known = x[~np.isnan(x)]
    if known.size == 0:
        raise TooFewEffects(f"{name} has no value.")
    if np.isinf(known).any():
        raise InvalidInput(f"{name} is infinite in a row.")
    centre = 0.0 if scaling == "raw" else float(known.mean())
    scale = 1.0
    if scaling == "z":
        scale = float(known.std(ddof=1)) if known.size > 1 else 0.0
        if scale == 0.0:
            raise InvalidInput(f"{name} does not vary, so it has no standard deviation to be scaled by.")
    return Number(name, ((x - centre) / scale)[:, None], (name,), centre, scale)


@dataclass(frozen=True, eq=False)
class ModelMatrix:
    """Terms put together.

    Attributes
    ----------
    X : shape (k, p), NaN where a moderator is missing.
    names : of the columns, "intercept" first where there is one.
    terms : the moderators by name.
    positions : columns of X that belong to each moderator.
    messages : sentences about columns that were left out as redundant.
    """

    X: Array
    names: tuple[str, ...]
    terms: Mapping[str, Term]
    positions: Mapping[str, tuple[int, ...]]
    messages: tuple[str, ...]

    def row(self, **values: Any) -> Array:
        """The model matrix's row at given values of all moderators (levels, or numbers on their own scale)."""
        if values.keys() != self.terms.keys():
            raise InvalidInput(f"Values are needed of exactly these moderators: {', '.join(self.terms)}.")
        full = [np.ones(1)] if self.names[0] == "intercept" else []
        full_names = ["intercept"] if full else []
        for name, term in self.terms.items():
            full.append(term.row(values[name]))
            full_names.extend(term.names)
        by_name = dict(zip(full_names, np.concatenate(full), strict=True))
        return np.array([by_name[name] for name in self.names])

    def constraints(self, name: str) -> Array:
        """What a test of the whole moderator constrains to zero, shape (q, p).

        Differences from the reference all zero; with cell means all means equal.

        Raises
        ------
        InvalidInput
            If the moderator has no column left to test.
        """
        if name not in self.terms:
            raise UnknownOption(f"There is no moderator {name!r}; there are {', '.join(self.terms)}.")
        where = list(self.positions[name])
        term = self.terms[name]
        C = np.eye(len(self.names))[where]
        if isinstance(term, Factor) and term.coding == "cell means":
            C = C[1:] - C[:1]
        if C.shape[0] == 0:
            raise InvalidInput(f"{name} has nothing to test: it does not vary, or other moderators say the same.")
        return C


def model_matrix(terms: Sequence[Term], *, intercept: bool = True) -> ModelMatrix:
    """Put moderators side by side, leaving out columns that the earlier ones determine (as R does).

    Parameters
    ----------
    terms : moderators of the same k effects
    intercept : whether a column of ones comes first; not with cell means.

    Raises
    ------
    InvalidInput
        If the terms differ in length or name, or cell means meet an intercept.
    """
    if not terms:
        raise InvalidInput("A model matrix needs a moderator.")
    sizes = {term.columns.shape[0] for term in terms}
    if len(sizes) > 1 or len({term.name for term in terms}) < len(terms):
        raise InvalidInput("Moderators must cover the same effects and have different names.")
    if intercept and any(isinstance(term, Factor) and term.coding == "cell means" for term in terms):
        raise InvalidInput("Cell means take the place of the intercept; ask for the matrix without one.")
    k = sizes.pop()
    blocks = [np.ones((k, 1))] if intercept else []
    names = ["intercept"] if intercept else []
    owners = [""] if intercept else []
    for term in terms:
        blocks.append(term.columns)
        names.extend(term.names)
        owners.extend([term.name] * len(term.names))
    X = np.column_stack(blocks)
    complete = ~np.isnan(X).any(axis=1)
    if not complete.any():
        raise TooFewEffects("No effect has a value of every moderator.")
    keep = independent_columns(X[complete])
    messages = tuple(
        f"{names[j]} was left out: the moderators before it say the same." for j in range(len(names)) if j not in keep
    )
    return ModelMatrix(
        X=X[:, keep],
        names=tuple(names[j] for j in keep),
        terms={term.name: term for term in terms},
        positions={term.name: tuple(i for i, j in enumerate(keep) if owners[j] == term.name) for term in terms},
        messages=messages,
    )
