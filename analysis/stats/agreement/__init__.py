"""Agreement of raters: on categories, on ordered scales and on numbers. Every coefficient with an interval."""

from analysis.stats.agreement.continuous import (
    Coefficient,
    IntraclassCorrelations,
    Limit,
    LimitsOfAgreement,
    bland_altman,
    intraclass_correlations,
)
from analysis.stats.agreement.kappa import Kappa, cohen_kappa
from analysis.stats.agreement.krippendorff import Alpha, krippendorff_alpha
from analysis.stats.agreement.many_raters import ChanceCorrected, fleiss_kappa, gwet_ac1

__all__ = [
    "Alpha",
    "ChanceCorrected",
    "Coefficient",
    "IntraclassCorrelations",
    "Kappa",
    "Limit",
    "LimitsOfAgreement",
    "bland_altman",
    "cohen_kappa",
    "fleiss_kappa",
    "gwet_ac1",
    "intraclass_correlations",
    "krippendorff_alpha",
]
