"""How a pooled effect moves with the correlations that had to be assumed.

Two are assumed in a review of dependent change scores: r, between a measurement before and after (it enters effects and
variances), and rho, between the effects of a trial (it enters the weights). What does not depend on them is done once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.errors import InvalidInput
from analysis.stats.inputs import Array, Clusters, check_level, effect_data
from analysis.stats.multilevel.three_level import Multilevel, three_level
from analysis.stats.robust.correlated import ClusteredDesign, CorrelatedEffects
from analysis.stats.robust.fit import require_clusters
from analysis.stats.robust.sandwich import Sandwich, sandwich

RHOS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.95)
Effects = Callable[[float], tuple[ArrayLike, ArrayLike]]


@dataclass(frozen=True, eq=False)
class Surface:
    """Robust results over a grid of assumed correlations.

    Attributes
    ----------
    r, rho : shapes (R,), (S,), the correlations.
    estimate, se, df, p_value, ci_low, ci_high : shape (R, S, p).
    tau2, I2 : shape (R, S).
    """

    r: Array
    rho: Array
    estimate: Array
    se: Array
    df: Array
    p_value: Array
    ci_low: Array
    ci_high: Array
    tau2: Array
    I2: Array

    def range(self, coefficient: int = 0) -> tuple[float, float]:
        """Smallest and largest estimate of a coefficient over the surface."""
        values = self.estimate[:, :, coefficient]
        return float(values.min()), float(values.max())


def correlated_effects_surface(
    effects: Effects,
    cluster: ArrayLike,
    X: ArrayLike | None = None,
    *,
    r: Sequence[float] = (0.3, 0.5, 0.7, 0.9),
    rho: Sequence[float] = RHOS,
    small: bool = True,
    level: float = 0.95,
) -> Surface:
    """Correlated-effects results (`robust.robu`) for each assumed r and rho.

    Parameters
    ----------
    effects : function of r that returns yi and vi, each of shape (n,)
    cluster : shape (n,), the trial of each effect
    X : shape (n, p), optional, model matrix
    r, rho : the assumed correlations

    Raises
    ------
    As `robust.robu`; InvalidInput if there is nothing to sweep over.

    Notes
    -----
    Clusters and cross-products of the moderators are shared by all r; for one r, tau² is linear in rho, so a further
    rho costs one weighted fit.
    """
    if not r or not rho or not all(0.0 <= value <= 1.0 for value in rho):
        raise InvalidInput("A sweep needs values of r, and values of rho between 0 and 1.")
    check_level(level)
    design: ClusteredDesign | None = None
    fits = []
    for value in r:
        yi, vi = effects(value)
        data = effect_data(yi, vi, X, redundant="refuse")
        if design is None or not np.array_equal(design.rows, data.rows):
            design = ClusteredDesign(data, Clusters.of(cluster, np.size(yi), data.rows))
            require_clusters(design.clusters.m, data.p, small)
        model = CorrelatedEffects(data, design)
        fits.append([model.fit(one, small=small, level=level) for one in rho])

    def gather(name: str) -> Array:
        return np.array([[getattr(fit, name) for fit in row] for row in fits], dtype=float)

    return Surface(
        r=np.asarray(r, dtype=float),
        rho=np.asarray(rho, dtype=float),
        estimate=gather("estimate"),
        se=gather("se"),
        df=gather("df"),
        p_value=gather("p_value"),
        ci_low=gather("ci_low"),
        ci_high=gather("ci_high"),
        tau2=gather("tau2"),
        I2=gather("I2"),
    )


@dataclass(frozen=True)
class SweepPoint:
    """A CHE fit with its robust (CR2) inference for one assumed rho."""

    rho: float
    fit: Multilevel
    robust: Sandwich


def che_sweep(
    yi: ArrayLike,
    vi: ArrayLike,
    cluster: ArrayLike,
    X: ArrayLike | None = None,
    *,
    rho: Sequence[float] = RHOS,
    correction: str = "CR2",
    level: float = 0.95,
) -> tuple[SweepPoint, ...]:
    """The CHE model with robust inference for each assumed correlation of sampling errors.

    Each search starts from the variances of the rho before. Parameters and errors as `multilevel.three_level`.
    """
    points: list[SweepPoint] = []
    start: tuple[float, float] | None = None
    for value in rho:
        fit = three_level(yi, vi, cluster, X, rho=value, level=level, start=start)
        start = (fit.tau2, fit.omega2)
        points.append(SweepPoint(value, fit, sandwich(fit, correction=correction, level=level)))
    return tuple(points)
