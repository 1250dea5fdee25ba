"""Profile-likelihood intervals of the variances of a three-level model."""

from __future__ import annotations

import numpy as np

from analysis.stats import distributions
from analysis.stats.errors import NotEstimable
from analysis.stats.heterogeneity import Interval
from analysis.stats.inputs import check_level, check_option
from analysis.stats.multilevel.optimum import maximise
from analysis.stats.multilevel.three_level import Multilevel, likelihood_of
from analysis.stats.profile import falling_root

FARTHEST = 1e12  # times the estimate (or sampling variance), beyond which an upper bound is not looked for
COMPONENTS = ("tau2", "omega2")


def variance_interval(fit: Multilevel, component: str, *, level: float = 0.95) -> Interval:
    """Confidence interval of one variance: the values that the likelihood, maximised over the other, allows.

    Parameters
    ----------
    fit : a fitted three-level model
    component : "tau2" (between studies) or "omega2" (within)
    level : confidence level

    Notes
    -----
    NotEstimable is raised where there is no upper bound. The bounds are where twice the profile log-likelihood has
    fallen by the chi-squared quantile with 1 df; 0 where it has not fallen so far at zero. metafor: confint.rma.mv.
    """
    check_level(level)
    which = COMPONENTS.index(check_option(component, COMPONENTS, "The variance component"))
    likelihood = likelihood_of(fit)
    best = np.array([fit.tau2, fit.omega2])
    threshold = likelihood.at(best).loglik - 0.5 * distributions.chi2_quantile(level, 1)
    fixed = np.arange(2) == which
    scale = float(fit.data.v.mean()) * 1e-6

    def profile(value: float) -> tuple[float, float]:
        """How far the profile log-likelihood lies above the threshold, and its slope."""
        start = best.copy()
        start[which] = value
        state = maximise(likelihood, start, fixed)
        return state.loglik - threshold, float(state.score[which])

    def mirrored(distance: float) -> tuple[float, float]:
        height, slope = profile(float(best[which]) - distance)
        return height, -slope

    estimate = float(best[which])
    low = 0.0
    if estimate > 0.0 and profile(0.0)[0] < 0.0:
        low = estimate - falling_root(mirrored, 0.0, estimate, 0.5 * estimate, scale)
    high = 2.0 * max(estimate, float(fit.data.v.mean()))
    farthest = FARTHEST * high
    while profile(high)[0] > 0.0:
        high *= 2.0
        if high > farthest:
            raise NotEstimable("The data set no upper limit to this variance at this level.")
    return Interval(low, falling_root(profile, estimate, high, 0.5 * (estimate + high), scale))
