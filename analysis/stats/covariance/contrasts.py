"""Covariances of contrasts between groups, from what each two contrasts share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.columns import columns, refuse
from analysis.stats.covariance.blocks import BlockCovariance, block_covariance, codes, same, sorted_variances
from analysis.stats.errors import InvalidInput
from analysis.stats.inputs import Array, Clusters, Indices


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The two groups that each of k rows compares.

    Attributes
    ----------
    first, second : shape (k,)
        Names of the groups. One name in two rows of a trial means the same people: a shared control.
    n_first, n_second : shape (k,), optional
        Their sizes, which say how much a shared group weighs; equal sizes unless given.
    """

    first: ArrayLike
    second: ArrayLike
    n_first: ArrayLike = 1.0
    n_second: ArrayLike = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """When the two groups of each row were measured (`second` at the time of `first` unless given).

    `phi` is the autocorrelation: values t apart correlate by phi^t.
    """

    first: ArrayLike
    phi: float
    second: ArrayLike | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What each row measures.

    Attributes
    ----------
    endpoint : shape (k,)
        Different endpoints of one kind correlate by `rho`.
    kind : shape (k,), optional
        Different kinds of outcome correlate by `rho_kinds`, whatever their endpoints.
    """

    endpoint: ArrayLike
    rho: float
    kind: ArrayLike | None = None
    rho_kinds: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """One of the two groups that the rows compare, in sorted order; `sign` is its sign in the contrast."""

    group: Array
    time: Array
    n: Array
    sign: float


def contrast_covariance(
    vi: ArrayLike,
    cluster: ArrayLike,
    *,
    groups: Groups | None = None,
    times: Times | None = None,
    outcomes: Outcomes | None = None,
) -> BlockCovariance:
    """Covariances of contrasts between two groups each, from the groups, times and outcomes they share.

    Parameters
    ----------
    vi, cluster : shape (k,)
        Sampling variances and the trial of each contrast.
    groups : Groups, optional
        By default all rows of a trial compare the same two groups.
    times : Times, optional
        By default all rows of a trial are of one time.
    outcomes : Outcomes, optional
        By default all rows of a trial are of one outcome.

    Raises
    ------
    InvalidInput, InvalidVariance
    NotPositiveDefinite
        Also where two rows of a trial compare the same groups at one time on one outcome.

    Notes
    -----
    Agrees with metafor's `vcalc` (its obs is `endpoint`, its type is `kind`, its weights are the sizes). A
    row is the difference of two group means with variances in proportion to 1/n; two means share what their
    groups, times and outcomes say, and the correlation of two rows follows.
    """
    v, clusters = sorted_variances(vi, cluster)
    correlation_of_outcomes = _outcomes(outcomes, clusters)
    sides, phi = _sides(groups, times, clusters)

    def correlate(ids: Indices, rows: Indices) -> Array:
        shared = np.zeros((*rows.shape, rows.shape[1]))
        for one in sides:
            for other in sides:
                lag = np.abs(one.time[rows][:, :, None] - other.time[rows][:, None, :])
                weight = 1 / np.sqrt(one.n[rows][:, :, None] * other.n[rows][:, None, :])
                people = same(one.group[rows], other.group[rows])
                shared += one.sign * other.sign * people * phi**lag * weight
        spread = np.einsum("jii->ji", shared)
        if (spread <= 0).any():
            raise InvalidInput("A row compares a group with itself at one time.")
        scaled: Array = shared / np.sqrt(spread[:, :, None] * spread[:, None, :])
        return correlation_of_outcomes(rows) * scaled

    return block_covariance(v, clusters, correlate)


def _sides(groups: Groups | None, times: Times | None, clusters: Clusters) -> tuple[tuple[_Side, _Side], float]:
    k = clusters.n
    given = groups or Groups(np.zeros(k), np.ones(k))
    first, second = np.asarray(given.first), np.asarray(given.second)
    names = codes(np.concatenate([np.atleast_1d(first), np.atleast_1d(second)]), 2 * k, "The groups of both sides")
    n1, n2 = _numbers(clusters, given.n_first, given.n_second, "The group sizes")
    refuse((n1 <= 0) | (n2 <= 0), "A group size is not above zero")
    phi = 1.0 if times is None else times.phi
    if not 0 <= phi <= 1:
        raise InvalidInput(f"The autocorrelation phi must lie between 0 and 1, not at {phi:g}.")
    at: ArrayLike = 0.0 if times is None else times.first
    t1, t2 = _numbers(clusters, at, at if times is None or times.second is None else times.second, "The times")
    return (
        _Side(clusters.sort(names[:k]), t1, n1, 1.0),
        _Side(clusters.sort(names[k:]), t2, n2, -1.0),
    ), phi


def _numbers(clusters: Clusters, first: ArrayLike, second: ArrayLike, name: str) -> tuple[Array, Array]:
    one, other, _ = columns(first=first, second=second, rows=np.zeros(clusters.n))
    refuse(np.isnan(one) | np.isnan(other), f"{name} are not all given")
    return clusters.sort(one), clusters.sort(other)


def _outcomes(outcomes: Outcomes | None, clusters: Clusters) -> Callable[[Indices], Array]:
    """The correlation of the outcomes of each two rows of a block."""
    k = clusters.n
    given = outcomes or Outcomes(np.zeros(k), 0.0)
    if not (-1 <= given.rho <= 1 and -1 <= given.rho_kinds <= 1):
        raise InvalidInput("The correlations of outcomes, rho and rho_kinds, must lie between -1 and 1.")
    endpoint = clusters.sort(codes(given.endpoint, k, "The endpoint"))
    kind = clusters.sort(codes(np.zeros(k) if given.kind is None else given.kind, k, "The kind of outcome"))

    def correlation(rows: Indices) -> Array:
        of_one_kind = np.where(same(endpoint[rows], endpoint[rows]), 1.0, given.rho)
        return np.where(same(kind[rows], kind[rows]), of_one_kind, given.rho_kinds)

    return correlation
