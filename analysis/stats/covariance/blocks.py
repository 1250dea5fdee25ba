"""A sampling covariance as blocks, one per trial; the k × k matrix is never formed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.stats.columns import complete, refuse
from analysis.stats.errors import InvalidInput, InvalidVariance, NotPositiveDefinite
from analysis.stats.inputs import Array, Clusters, Indices

SINGULAR = 1e-12  # an eigenvalue of a correlation block that is not above this counts as zero

Correlate = Callable[[Indices, Indices], Array]  # clusters, rows -> correlations, (clusters, size, size)


@dataclass(frozen=True, slots=True, eq=False)
class BlockCovariance:
    """Sampling covariance of k effects, of which those of different trials are independent.

    Attributes
    ----------
    clusters : Clusters
        Which rows belong to one trial.
    stacks : one array of shape (trials, size, size) per entry of `clusters.by_size`
        The blocks, trials of equal size together, rows within a block in the order given.
    """

    clusters: Clusters
    stacks: tuple[Array, ...]

    def blocks(self) -> list[tuple[Indices, Array]]:
        """For each trial, in the order of `clusters.labels`, its rows as given and its covariance matrix."""
        found: dict[int, tuple[Indices, Array]] = {}
        for (_, ids, rows), stack in zip(self.clusters.by_size, self.stacks, strict=True):
            for trial, members, block in zip(ids, rows, stack, strict=True):
                found[int(trial)] = (self.clusters.order[members], block)
        return [found[trial] for trial in range(self.clusters.m)]


def block_covariance(v: Array, clusters: Clusters, correlate: Correlate) -> BlockCovariance:
    """Covariances from sorted variances `v` and what `correlate` says of each size of trial.

    Raises
    ------
    NotPositiveDefinite
        If no set of estimates can correlate like that; the trial is named.
    """
    stacks = []
    for _, ids, rows in clusters.by_size:
        correlation = correlate(ids, rows)
        smallest = np.linalg.eigvalsh(correlation)[:, 0]
        if (smallest <= SINGULAR).any():
            trial = clusters.labels[ids[int(np.argmin(smallest))]]
            raise NotPositiveDefinite(
                f"No estimates can correlate as assumed within {trial}: the matrix is not positive definite."
            )
        se = np.sqrt(v[rows])
        stacks.append(correlation * se[:, :, None] * se[:, None, :])
    return BlockCovariance(clusters, tuple(stacks))


def sorted_variances(vi: ArrayLike, cluster: ArrayLike) -> tuple[Array, Clusters]:
    """Variances in the order of their clusters; all of them are needed, above zero."""
    (v,) = complete(vi=vi)
    refuse(v <= 0, "A sampling variance is not above zero", InvalidVariance)
    clusters = Clusters.of(cluster, v.size)
    return clusters.sort(v), clusters


def codes(values: ArrayLike, k: int, name: str) -> Array:
    """Labels of k rows as numbers, equal where the labels are."""
    labels = np.asarray(values)
    if labels.shape != (k,):
        raise InvalidInput(f"{name} must be given for each of the {k} effects; its shape is {labels.shape}.")
    if labels.dtype == object:
        labels = np.array([str(label) for label in labels])
    return np.unique(labels, return_inverse=True)[1].astype(float)


def same(values: Array, others: Array) -> NDArray[np.bool_]:
    """Which pairs of rows of a block agree, (trials, size) twice -> (trials, size, size)."""
    pairs: NDArray[np.bool_] = values[:, :, None] == others[:, None, :]
    return pairs
