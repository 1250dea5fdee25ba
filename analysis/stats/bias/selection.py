"""Selection models: a random-effects model in which significant results were likelier to be seen.

The step function of Vevea and Hedges gives each interval of one-sided p-values a weight, the chance of being published
relative to the most significant interval. The likelihood is maximised by Newton steps with exact derivatives,
from several starting points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.stats.bias.selection_likelihood import Likelihood, Parameters, global_maximum, without_units
from analysis.stats.distributions import chi2_tail, z_quantile, z_two_sided
from analysis.stats.errors import InvalidInput, NotConverged, NotEstimable, TooFewEffects
from analysis.stats.inputs import Array, check_level, check_option, effect_data, vector
from analysis.stats.pooling import random_effects

ALTERNATIVES = ("greater", "less", "two.sided")
METHODS = ("ML", "EE")
SINGULAR = 1e-12  # smallest eigenvalue of the information, its diagonal being one


@dataclass(frozen=True, slots=True, eq=False)
class SelectionModel:
    """A fitted step-function selection model.

    Attributes
    ----------
    steps : shape (s,)
        Cut points of the one-sided p-values.
    counts : shape (s + 1,)
        Effects in each interval.
    estimate, se, stat, p_value, ci_low, ci_high : shape (p,)
        Coefficients corrected for selection, with normal tests; standard errors from the Hessian.
    tau2, tau2_se : between-study variance; the error is None where it is zero, which is the edge of its range.
    weights, weights_se : shapes (s + 1,), (s,)
        Relative chance of being published, 1 for the most significant interval; errors of the others.
    loglik : log-likelihood at its maximum.
    lrt, lrt_df, lrt_p : likelihood-ratio test of no selection.
    """

    steps: Array
    counts: NDArray[np.intp]
    estimate: Array
    se: Array
    stat: Array
    p_value: Array
    ci_low: Array
    ci_high: Array
    tau2: float
    tau2_se: float | None
    weights: Array
    weights_se: Array
    loglik: float
    lrt: float
    lrt_df: int
    lrt_p: float


def step_selection(
    yi: ArrayLike,
    vi: ArrayLike,
    X: ArrayLike | None = None,
    *,
    steps: ArrayLike = (0.025,),
    alternative: str = "greater",
    method: str = "ML",
    level: float = 0.95,
) -> SelectionModel:
    """Fit a step-function selection model; one step at .025 is the three-parameter model.

    Parameters
    ----------
    yi, vi : shape (k,)
        Effects and sampling variances above zero; rows with NaN are left out.
    X : shape (k, p), optional
        Model matrix with intercept.
    steps : cut points of the p-values, between 0 and 1.
    alternative : "greater", "less" or "two.sided"
        Which results were likelier to be published: large ones, small ones, or both; p-values are of that test.
    method : "ML" or "EE"
        With tau² estimated, or without heterogeneity.

    Raises
    ------
    NotEstimable
        If an interval of p-values holds no effect, so that its weight cannot be estimated.
    TooFewEffects
        If there are fewer effects than parameters.
    NotConverged
        If the likelihood has no maximum: too few effects, or too little heterogeneity between the intervals.

    Notes
    -----
    Vevea & Hedges (1995), Psychometrika 60:419-435; agrees with metafor's `selmodel(type = "stepfun")` at the exact
    optimum.
    """
    check_option(alternative, ALTERNATIVES, "The alternative")
    check_option(method, METHODS, "The method")
    z = z_quantile((1 + check_level(level)) / 2)
    data = effect_data(yi, vi, X, redundant="refuse")
    cuts = _cut_points(steps)
    parameters = data.p + (method == "ML") + cuts.size
    if data.k < parameters:
        raise TooFewEffects(f"A selection model with {parameters} parameters needs as many effects; {data.k} given.")
    unselected = random_effects(data.y, data.v, data.X, method=method, test="z")
    likelihood = Likelihood.of(data.y, data.v, data.X, cuts, alternative)
    _refuse_empty(likelihood.counts, cuts)
    found = global_maximum(likelihood, unselected.estimate, unselected.tau2, free_tau2=method == "ML")
    tau2_inside = method == "ML" and found.tau2 > 0
    se = _standard_errors(likelihood, found, tau2_inside)
    p, loglik = data.p, likelihood.value(found)
    lrt = max(0.0, 2.0 * (loglik - unselected.loglik))
    return SelectionModel(
        steps=cuts,
        counts=likelihood.counts,
        estimate=found.beta,
        se=se[:p],
        stat=found.beta / se[:p],
        p_value=np.atleast_1d(z_two_sided(found.beta / se[:p])),
        ci_low=found.beta - z * se[:p],
        ci_high=found.beta + z * se[:p],
        tau2=found.tau2,
        tau2_se=float(se[p]) if tau2_inside else None,
        weights=np.concatenate([[1.0], found.weights]),
        weights_se=se[p + 1 :],
        loglik=loglik,
        lrt=lrt,
        lrt_df=cuts.size,
        lrt_p=chi2_tail(lrt, cuts.size),
    )


def _cut_points(steps: ArrayLike) -> Array:
    cuts: Array = np.unique(vector(steps, "The steps"))
    cuts = cuts[cuts != 1.0]
    if cuts.size == 0 or not ((cuts > 0) & (cuts < 1)).all():
        raise InvalidInput("The steps of a selection model are p-values between 0 and 1.")
    return cuts


def _refuse_empty(counts: NDArray[np.intp], cuts: Array) -> None:
    empty = np.flatnonzero(counts == 0)
    if empty.size:
        edges = np.concatenate([[0.0], cuts, [1.0]])
        raise NotEstimable(
            f"No effect has a p-value between {edges[empty[0]]:g} and {edges[empty[0] + 1]:g}: "
            "the chance of publication there cannot be estimated. Use fewer steps."
        )


def _standard_errors(likelihood: Likelihood, at: Parameters, tau2_inside: bool) -> Array:
    """From the inverse of the observed information; a tau² of zero is taken as known."""
    _, hessian = likelihood.derivatives(at)
    free = np.ones(hessian.shape[0], dtype=bool)
    free[at.beta.size] = tau2_inside
    information, unit = without_units(-hessian[np.ix_(free, free)])
    if float(np.linalg.eigvalsh(information)[0]) <= SINGULAR:
        raise NotConverged("The likelihood of the selection model is flat at its maximum.")
    se: Array = np.zeros(free.size)
    se[free] = unit * np.sqrt(np.diagonal(np.linalg.inv(information)))
    return se
