"""Publication bias and small-study effects: tests, corrections, and what a funnel plot shows."""

from analysis.stats.bias.asymmetry import Asymmetry, Limit, design_se, egger, egger_dependent
from analysis.stats.bias.fail_safe import FailSafe, orwin, rosenberg, rosenthal
from analysis.stats.bias.funnel import ContourBands, PCurve, contour_bands, contour_of, p_curve
from analysis.stats.bias.pet_peese import MetaRegressionEstimate, PetPeese, pet_peese
from analysis.stats.bias.rank_correlation import RankCorrelation, begg
from analysis.stats.bias.selection import SelectionModel, step_selection
from analysis.stats.bias.trim_fill import TrimFill, trim_and_fill

__all__ = [
    "Asymmetry",
    "ContourBands",
    "FailSafe",
    "Limit",
    "MetaRegressionEstimate",
    "PCurve",
    "PetPeese",
    "RankCorrelation",
    "SelectionModel",
    "TrimFill",
    "begg",
    "contour_bands",
    "contour_of",
    "design_se",
    "egger",
    "egger_dependent",
    "orwin",
    "p_curve",
    "pet_peese",
    "rosenberg",
    "rosenthal",
    "step_selection",
    "trim_and_fill",
]
