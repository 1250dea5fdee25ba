"""Effects as hypothesis draws them: sizes, variances and clusters that a review could have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from analysis.stats.covariance import BlockCovariance
from analysis.stats.inputs import Clusters

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Effects:
    y: Array
    v: Array
    cluster: NDArray[np.intp]
    x: Array

    @property
    def X(self) -> Array:
        return np.column_stack([np.ones(self.y.size), self.x])


@st.composite
def effects(draw: st.DrawFn, least: int = 3, most: int = 25, dependent: bool = False) -> Effects:
    """Effects of `least` to `most` trials, heterogeneous or not, one or several per trial."""
    trials = draw(st.integers(least, most))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = 1 + random.poisson(2.0, trials) if dependent else np.ones(trials, dtype=int)
    if dependent:
        size[0] += 1  # at least one trial with two effects
    cluster = np.repeat(np.arange(trials), size)
    k = cluster.size
    v = random.uniform(0.01, 0.3, k)
    between = draw(st.sampled_from([0.0, 0.05, 0.5]))
    x = random.normal(size=trials)[cluster] + 0.3 * random.normal(size=k)
    y = 0.3 + np.sqrt(between) * random.normal(size=trials)[cluster] + np.sqrt(v) * random.normal(size=k)
    return Effects(y, v, cluster, x)


def blocks_of(rho: float, cluster: ArrayLike, v: ArrayLike) -> BlockCovariance:
    """The sampling covariance of effects that correlate by `rho` inside their cluster."""
    clusters = Clusters.of(cluster, np.size(cluster))
    variances = clusters.sort(np.asarray(v, dtype=float))
    stacks = []
    for size, _, rows in clusters.by_size:
        root = np.sqrt(variances[rows])
        stacks.append((rho + (1.0 - rho) * np.eye(size)) * root[:, :, None] * root[:, None, :])
    return BlockCovariance(clusters, tuple(stacks))
