"""Covariances from an assumed correlation of the effects within a trial."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.columns import complete
from analysis.stats.covariance.blocks import BlockCovariance, block_covariance, codes, same, sorted_variances
from analysis.stats.errors import InvalidInput
from analysis.stats.inputs import Array, Clusters, Indices


def assumed_correlation(
    vi: ArrayLike,
    cluster: ArrayLike,
    r: ArrayLike | None = None,
    *,
    time: ArrayLike | None = None,
    phi: ArrayLike | None = None,
    subgroup: ArrayLike | None = None,
    smooth: bool = False,
) -> BlockCovariance:
    """Covariances from one correlation of the effects of a trial, from one that fades with time, or both.

    Parameters
    ----------
    vi, cluster : shape (k,)
        Sampling variances and the trial of each effect.
    r : number or shape (m,), optional
        Correlation of any two effects of a trial; one for all, or one per trial in the sorted order of the
        trials.
    time : shape (k,), and phi : number or shape (m,), optional
        Continuous autocorrelation phi^|t_i - t_j|, phi from 0 to 1; together with `r` it is
        r + (1 - r) phi^|t_i - t_j|.
    subgroup : shape (k,), optional
        Effects of different subgroups of a trial are of different people and independent.
    smooth : bool
        Give every effect of a trial the mean of its variances.

    Raises
    ------
    InvalidInput, InvalidVariance, NotPositiveDefinite

    Notes
    -----
    The working model of Pustejovsky & Tipton (2022), Prev Sci 23:425-438; agrees with
    `clubSandwich::impute_covariance_matrix`.
    """
    v, clusters = sorted_variances(vi, cluster)
    if smooth:
        v = clusters.spread(clusters.sum(v) / clusters.size)
    if r is None and phi is None:
        raise InvalidInput("A covariance needs a correlation r, an autocorrelation phi with times, or both.")
    constant = _per_cluster(0.0 if r is None else r, clusters, -1.0, "The correlation r")
    fading = _per_cluster(0.0 if phi is None else phi, clusters, 0.0, "The autocorrelation phi")
    times = np.arange(clusters.n, dtype=float)  # all apart: 0 to the power of a lag is 0, and 1 on the diagonal
    if phi is not None:
        (times,) = complete(time=time)
        if times.size != clusters.n:
            raise InvalidInput(f"Times must be given for each of the {clusters.n} effects.")
        times = clusters.sort(times)
    groups = clusters.sort(codes(np.zeros(clusters.n) if subgroup is None else subgroup, clusters.n, "subgroup"))

    def correlate(ids: Indices, rows: Indices) -> Array:
        lag = np.abs(times[rows][:, :, None] - times[rows][:, None, :])
        between = constant[ids, None, None]
        correlation = between + (1 - between) * fading[ids, None, None] ** lag
        return correlation * same(groups[rows], groups[rows])

    return block_covariance(v, clusters, correlate)


def _per_cluster(values: ArrayLike, clusters: Clusters, least: float, name: str) -> Array:
    (given,) = complete(**{name: values})
    if given.size not in (1, clusters.m):
        raise InvalidInput(f"{name} must be one number, or one for each of the {clusters.m} trials.")
    if (given < least).any() or (given > 1).any():
        raise InvalidInput(f"{name} must lie between {least:g} and 1.")
    return np.broadcast_to(given, clusters.m)
