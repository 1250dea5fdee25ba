"""Dependent effects by their structure: three levels, correlated sampling errors, several outcomes per trial."""

from analysis.stats.multilevel.multivariate import Multivariate, multivariate
from analysis.stats.multilevel.profile_interval import variance_interval
from analysis.stats.multilevel.three_level import Multilevel, Shares, che, three_level

__all__ = ["Multilevel", "Multivariate", "Shares", "che", "multivariate", "three_level", "variance_interval"]
