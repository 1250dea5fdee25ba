"""How far effects differ beyond sampling error: tau², Q, I², H² and their intervals."""

from analysis.stats.heterogeneity.estimators import (
    METHODS,
    NEEDS_POSITIVE_VARIANCES,
    Method,
    Tau2,
    estimate_tau2,
    method_name,
    require_residual,
    standard_error,
    tau2_of,
)
from analysis.stats.heterogeneity.generalised_q import infinite_weight
from analysis.stats.heterogeneity.interval import HeterogeneityInterval, Interval, confidence_interval
from analysis.stats.heterogeneity.likelihood import log_likelihood
from analysis.stats.heterogeneity.statistics import Heterogeneity, heterogeneity

__all__ = [
    "METHODS",
    "NEEDS_POSITIVE_VARIANCES",
    "Heterogeneity",
    "HeterogeneityInterval",
    "Interval",
    "Method",
    "Tau2",
    "confidence_interval",
    "estimate_tau2",
    "heterogeneity",
    "infinite_weight",
    "log_likelihood",
    "method_name",
    "require_residual",
    "standard_error",
    "tau2_of",
]
