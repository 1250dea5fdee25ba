"""What a conversion returns beside its value: the line it adds to the derivation ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.stats.columns import Mask
from analysis.stats.inputs import Array


@dataclass(frozen=True, slots=True, eq=False)
class Derivation:
    """How a value came about, for the derivation ledger.

    Attributes
    ----------
    formula : str
        The formula in words a reviewer reads: "SD = SE × √n".
    inputs : mapping of name to column of shape (k,)
        The numbers it was applied to.
    assumption : str
        What had to be taken for granted; "" for pure algebra, which is the only case that counts as exact.
    source : str
        Where the formula comes from.
    """

    formula: str
    inputs: Mapping[str, Array]
    assumption: str
    source: str

    @property
    def exact(self) -> bool:
        """Whether the value follows from the inputs without any assumption."""
        return self.assumption == ""

    def line(self, row: int = 0) -> str:
        """The ledger's line for one row (from 0): "SD = SE × √n, with SE = 0.42, n = 25; ..."."""
        numbers = ", ".join(f"{name} = {column[row]:.6g}" for name, column in self.inputs.items())
        told = f"{self.formula}, with {numbers}"
        return told if self.exact else f"{told}; {self.assumption}"


@dataclass(frozen=True, slots=True, eq=False)
class Converted:
    """One converted quantity of k rows, shape (k,), and its record."""

    value: Array
    record: Derivation


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Mean and standard deviation of k groups, in the outcome's unit.

    `skewed` marks the rows whose quantiles say that the values are not normal, so that a mean made of them
    would mislead; none are where the conversion has no such screen.
    """

    mean: Array
    sd: Array
    skewed: Mask
    record: Derivation


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Standard error of a mean difference and the pooled standard deviation it implies, shape (k,)."""

    se: Array
    sd: Array
    record: Derivation


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """An effect and its standard error, shape (k,), such as a log ratio read from its interval."""

    yi: Array
    se: Array
    record: Derivation


def none_skewed(like: Array) -> Mask:
    return np.zeros(like.shape, dtype=bool)
