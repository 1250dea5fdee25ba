"""Sampling covariances of effects that share people: one control group, several endpoints, several times.

Effects of different trials are independent, so a covariance is a set of blocks, one per trial.
`assumed_correlation` and `contrast_covariance` build it for a whole review; `shared_control` gives the
exact matrix of one trial's arms; `aggregate` makes one effect of each trial's.
"""

from analysis.stats.covariance import shared_control
from analysis.stats.covariance.aggregation import Aggregated, aggregate
from analysis.stats.covariance.assumed import assumed_correlation
from analysis.stats.covariance.blocks import BlockCovariance
from analysis.stats.covariance.contrasts import Groups, Outcomes, Times, contrast_covariance

__all__ = [
    "Aggregated",
    "BlockCovariance",
    "Groups",
    "Outcomes",
    "Times",
    "aggregate",
    "assumed_correlation",
    "contrast_covariance",
    "shared_control",
]
