"""What explains differences between effects: factors, continuous moderators, subgroups and predicted lines."""

from analysis.stats.moderators.curve import Curve, curve
from analysis.stats.moderators.subgroups import RobustSubgroups, Subgroups, robust_subgroups, subgroups
from analysis.stats.moderators.terms import Factor, ModelMatrix, Number, Term, factor, model_matrix, number

__all__ = [
    "Curve",
    "Factor",
    "ModelMatrix",
    "Number",
    "RobustSubgroups",
    "Subgroups",
    "Term",
    "curve",
    "factor",
    "model_matrix",
    "number",
    "robust_subgroups",
    "subgroups",
]
