"""One effect per trial out of several dependent ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.stats.columns import complete
from analysis.stats.covariance.blocks import BlockCovariance
from analysis.stats.errors import InvalidInput
from analysis.stats.inputs import Array, Indices


@dataclass(frozen=True, slots=True, eq=False)
class Aggregated:
    """One effect per trial, in the order in which the trials first appear.

    Attributes
    ----------
    cluster : shape (m,)
    yi, vi : shape (m,)
        Effect and its sampling variance.
    size : shape (m,)
        Effects that went into each.
    """

    cluster: NDArray[Any]
    yi: Array
    vi: Array
    size: Indices


def aggregate(yi: ArrayLike, covariance: BlockCovariance, *, weighted: bool = True) -> Aggregated:
    """Mean effect of each trial with the variance that the covariance of its effects gives it.

    Parameters
    ----------
    yi : shape (k,)
    covariance : BlockCovariance
        Of the k effects, such as `assumed_correlation` gives.
    weighted : bool
        Generalised least squares, which has the smallest variance; otherwise the plain mean, which does not
        let a wrong correlation turn weights negative.

    Notes
    -----
    Agrees with metafor's `aggregate.escalc`.
    """
    (y,) = complete(yi=yi)
    clusters = covariance.clusters
    if y.size != clusters.n:
        raise InvalidInput(f"There are {y.size} effects but a covariance of {clusters.n}.")
    ordered = clusters.sort(y)
    mean, variance = np.empty(clusters.m), np.empty(clusters.m)
    for (size, ids, rows), stack in zip(clusters.by_size, covariance.stacks, strict=True):
        if weighted:
            weights = np.linalg.solve(stack, np.ones((ids.size, size, 1)))[:, :, 0]
            variance[ids] = 1 / weights.sum(axis=1)
            mean[ids] = np.einsum("ji,ji->j", weights, ordered[rows]) * variance[ids]
        else:
            variance[ids] = stack.sum(axis=(1, 2)) / size**2
            mean[ids] = ordered[rows].mean(axis=1)
    first_seen = np.argsort(clusters.order[clusters.start], kind="stable")
    return Aggregated(clusters.labels[first_seen], mean[first_seen], variance[first_seen], clusters.size[first_seen])
