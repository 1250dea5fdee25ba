"""Robust variance estimation as in the R package robumeta: correlated and hierarchical effects.

Sources: Hedges, Tipton & Johnson 2010; Tipton 2015; Fisher & Tipton 2015.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.errors import InvalidInput
from analysis.stats.inputs import Clusters, check_level, check_option, effect_data
from analysis.stats.robust.correlated import ClusteredDesign, CorrelatedEffects
from analysis.stats.robust.fit import RobustFit, require_clusters
from analysis.stats.robust.weighted import hierarchical_effects, own_weights

Model = Literal["CORR", "HIER"]
MODELS: tuple[str, ...] = get_args(Model)


def robu(
    yi: ArrayLike,
    vi: ArrayLike,
    cluster: ArrayLike,
    X: ArrayLike | None = None,
    *,
    model: str = "CORR",
    rho: float = 0.8,
    small: bool = True,
    level: float = 0.95,
    weights: ArrayLike | None = None,
) -> RobustFit:
    """Meta-analysis of dependent effects by robust variance estimation.

    Parameters
    ----------
    yi, vi : shape (n,)
        Effects and sampling variances (squared units of `yi`); rows with NaN are left out and reported.
    cluster : shape (n,)
        The trial of each effect.
    X : shape (n, p), optional
        Model matrix with intercept; None pools to one mean.
    model : {"CORR", "HIER"}
        Weights of correlated effects (several outcomes of one sample) or of hierarchical effects (several
        samples in a study).
    rho : float in [0, 1]
        Assumed correlation of the effects of a study; enters only tau² of "CORR". 0.8 by custom; sweep it
        (`sensitivity.correlated_effects_surface`).
    small : bool
        Bias-reduced variance (CR2) with Satterthwaite df; else the plain sandwich times m/(m - p), m - p df.
    weights : shape (n,), optional
        Own weights; then `model` and `rho` play no part.

    Raises
    ------
    TooFewClusters
        With one cluster, or, without small-sample correction, no more clusters than coefficients.
    NotEstimable
        If a coefficient rests on one cluster, all clusters of a hierarchical model hold one effect, or
        nothing varies.
    RankDeficient, InvalidInput, InvalidVariance, UnknownOption

    Notes
    -----
    Checked against robumeta 2.0: tests/analysis/stats/test_reference.py. "CORR" costs O(k p² + m p³).
    """
    check_level(level)
    check_option(model, MODELS, "The model of dependence")
    if not 0.0 <= rho <= 1.0:
        raise InvalidInput(f"The correlation rho lies between 0 and 1; {rho} was given.")
    data = effect_data(yi, vi, X, redundant="refuse")
    n = np.size(yi)
    clusters = Clusters.of(cluster, n, data.rows)
    require_clusters(clusters.m, data.p, small)
    if weights is not None:
        return own_weights(data, clusters, weights, n, small=small, level=level)
    if model == "HIER":
        return hierarchical_effects(data, clusters, small=small, level=level)
    return CorrelatedEffects(data, ClusteredDesign(data, clusters)).fit(rho, small=small, level=level)
