"""The pooled effect as trials came in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.stats.errors import InvalidInput
from analysis.stats.heterogeneity import method_name
from analysis.stats.influence.leave_out import tests_of
from analysis.stats.influence.many_fits import fit_many
from analysis.stats.influence.quantities import Basis
from analysis.stats.influence.subsets import FirstOf
from analysis.stats.inputs import Array, EffectData, Indices, check_level, check_option, effect_data, vector
from analysis.stats.pooling import TESTS


@dataclass(frozen=True, slots=True, eq=False)
class Cumulative:
    """The model of the first effect, the first two, and so on, all of shape (k,).

    Attributes
    ----------
    order : row, as given, of the effect that each step adds.
    estimate, se, stat, p_value, ci_low, ci_high : NaN, with the reason, where a step cannot be fitted.
    df : degrees of freedom of t; NaN with the normal test.
    Q, Q_p, tau2, I2, H2 : heterogeneity of each step; a single effect has none (Q = 0, H2 = 1).
    k : effects so far.
    reason : "" where the step was fitted.
    """

    order: Indices
    estimate: Array
    se: Array
    stat: Array
    p_value: Array
    ci_low: Array
    ci_high: Array
    df: Array
    Q: Array
    Q_p: Array
    tau2: Array
    I2: Array
    H2: Array
    k: Array
    reason: NDArray[Any]


def cumulative(
    yi: ArrayLike,
    vi: ArrayLike,
    order: ArrayLike | None = None,
    *,
    method: str = "REML",
    test: str = "knha",
    level: float = 0.95,
) -> Cumulative:
    """Pool the effects one after the other.

    Parameters
    ----------
    yi, vi, method, test, level : as in `pooling.random_effects`, sampling variances above zero.
    order : shape (n,), optional
        What to sort by, such as the year; ties keep the order given. By default the order given.

    Notes
    -----
    Equal to refitting each step, in time that grows with k, not k². Agrees with metafor's `cumul`. The
    first step has one effect and with it the normal test.
    """
    check_level(level)
    method, test = method_name(method), check_option(test, TESTS, "The test")
    data = effect_data(yi, vi)
    key = np.arange(data.k) if order is None else vector(order, "The order")
    if order is not None and key.size != np.size(yi):
        raise InvalidInput(f"There are {np.size(yi)} effects but {key.size} values to sort by.")
    key = key if order is None else key[data.rows]
    if np.isnan(key).any():
        raise InvalidInput("The order must be given for every effect.")
    rank = np.argsort(key, kind="stable")
    ordered = EffectData(data.y[rank], data.v[rank], data.X[rank], data.rows[rank])
    basis = Basis.of(ordered)
    fits = fit_many(
        ordered,
        FirstOf(ordered.v, basis.products),
        lambda step: np.arange(step + 1),
        np.zeros(ordered.k, dtype=bool),
        method=method,
        test=test,
        basis=basis,
    )
    return Cumulative(order=ordered.rows, **tests_of(fits, True, test, level))
