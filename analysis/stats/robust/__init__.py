"""Inference for dependent effects that holds whatever their true correlation: robust variance estimation."""

from analysis.stats.robust.fit import RobustFit
from analysis.stats.robust.robu import robu
from analysis.stats.robust.sandwich import Sandwich, sandwich
from analysis.stats.robust.wald import WaldTest, constrain_equal, constrain_zero, wald_test

__all__ = [
    "RobustFit",
    "Sandwich",
    "WaldTest",
    "constrain_equal",
    "constrain_zero",
    "robu",
    "sandwich",
    "wald_test",
]
