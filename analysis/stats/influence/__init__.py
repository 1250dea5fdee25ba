"""What single effects and single trials do to a result: leaving out, adding up, case diagnostics."""

from analysis.stats.influence.cumulative import Cumulative, cumulative
from analysis.stats.influence.diagnostics import Baujat, Influence, baujat, influence
from analysis.stats.influence.leave_out import LeaveOneOut, Refit, leave_one_out, refit_without_each

__all__ = [
    "Baujat",
    "Cumulative",
    "Influence",
    "LeaveOneOut",
    "Refit",
    "baujat",
    "cumulative",
    "influence",
    "leave_one_out",
    "refit_without_each",
]
