"""What every effect-size function returns, and the one rule for rows that have no effect size.

Two kinds of trouble are kept apart. **Impossible input** (a negative SD, a correlation of 1.2, more events
than people) is refused with an error that names the rows. **Undefined effects** (a zero mean under a log, a
zero SD to divide by, two people in all) are no fault of the caller: the row is null, which is NaN in `yi`
or `vi`, with the cause in `reason`; never infinity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from analysis.stats.columns import Column, Mask, columns, refuse
from analysis.stats.inputs import Array


@dataclass(frozen=True, slots=True, eq=False)
class EffectSizes:
    """Effect sizes of k rows and their sampling variances.

    Attributes
    ----------
    yi : shape (k,)
        Effect, in the measure's unit; NaN where null.
    vi : shape (k,)
        Sampling variance in squared units of `yi`; NaN where null. Zero where nothing varied: no value to weigh
        an effect by, so that such a row is not `valid`.
    reason : shape (k,), text
        Why a row cannot be pooled; "" where it can.
    measure : str
        Name of the measure as metafor calls it, such as "SMD".
    """

    yi: Array
    vi: Array
    reason: NDArray[np.str_]
    measure: str

    @property
    def valid(self) -> Mask:
        """Rows that can be pooled: effect and variance are both there."""
        poolable: Mask = self.reason == ""
        return poolable

    @property
    def se(self) -> Array:
        """Standard error, the root of `vi`."""
        return np.sqrt(self.vi)

    def coded(self, direction: Column) -> Self:
        """Effects turned so that larger is better: `direction` +1 keeps a row, -1 flips its sign.

        Done once, here, and never on the raw means: a log ratio needs them positive.
        """
        (signs,) = columns(direction=direction)
        refuse(np.abs(signs) != 1.0, "The direction must be +1 (higher is better) or -1 (lower is better)")
        return replace(self, yi=self.yi * signs)


Cause = tuple[Mask, str]


def effect_sizes(
    measure: str, yi: Array, vi: Array, given: tuple[Array, ...], causes: Sequence[Cause] = ()
) -> EffectSizes:
    """Finish a computation: rows without a defined effect become null and say why.

    Parameters
    ----------
    given : columns of shape (k,)
        What the effect was computed from. A row in which one is missing keeps its effect where that could be
        computed (a mean difference needs no SD) and has no variance.
    causes : pairs of a mask of shape (k,) and a sentence
        The measure's own reasons, the first that holds is told where the effect is not finite.

    Notes
    -----
    A variance below zero, which some unbiased estimators give for tiny groups, is null; one of zero stays and has
    its reason, for such an effect would have infinite weight.
    """
    missing: Mask = np.logical_or.reduce([np.isnan(column) for column in given])
    lost = ~missing & ~(np.isfinite(yi) & np.isfinite(vi))
    negative = ~missing & ~lost & (vi < 0)
    unweighable = ~missing & ~lost & (vi == 0)
    reasons: list[Cause] = [(missing, "a value is missing")]
    reasons += [(lost & mask, sentence) for mask, sentence in causes]
    reasons += [
        (lost, "the effect is not defined for these numbers"),
        (negative, "the groups are too small to give a sampling variance"),
        (unweighable, "nothing varied: the sampling variance is zero"),
    ]
    masks, sentences = zip(*reasons, strict=True)
    return EffectSizes(
        yi=np.where(lost | ~np.isfinite(yi), np.nan, yi),
        vi=np.where(missing | lost | negative, np.nan, vi),
        reason=np.select(masks, sentences, ""),
        measure=measure,
    )
