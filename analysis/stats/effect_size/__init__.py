"""Effect sizes and their sampling variances from what trials report.

Arrays in, `EffectSizes` out; formulas and sources in docs/statistics/effect-sizes.md.
"""

from analysis.stats.effect_size.binary import (
    ZeroCells,
    arcsine_difference,
    lnirr,
    lnor,
    lnrisk,
    or_to_d,
    peto_lnor,
    risk_difference,
)
from analysis.stats.effect_size.change_control import (
    PercentChange,
    PrePost,
    log_ratio_difference,
    percent_change,
    ppc1,
    ppc2,
    raw_change_difference,
    smcc_difference,
)
from analysis.stats.effect_size.correction import small_sample_correction
from analysis.stats.effect_size.result import EffectSizes
from analysis.stats.effect_size.single_group import (
    correlation,
    fisher_z,
    log_mean,
    log_ratio_change,
    mean,
    mean_change,
    smcc,
    smcr,
    smcrh,
)
from analysis.stats.effect_size.two_groups import (
    cvr,
    d_to_lnor,
    glass_delta,
    glass_delta_unequal,
    lnrr,
    md,
    smd,
    smd_from_d,
    smdh,
    vr,
)

__all__ = [
    "EffectSizes",
    "PercentChange",
    "PrePost",
    "ZeroCells",
    "arcsine_difference",
    "correlation",
    "cvr",
    "d_to_lnor",
    "fisher_z",
    "glass_delta",
    "glass_delta_unequal",
    "lnirr",
    "lnor",
    "lnrisk",
    "lnrr",
    "log_mean",
    "log_ratio_change",
    "log_ratio_difference",
    "md",
    "mean",
    "mean_change",
    "or_to_d",
    "percent_change",
    "peto_lnor",
    "ppc1",
    "ppc2",
    "raw_change_difference",
    "risk_difference",
    "small_sample_correction",
    "smcc",
    "smcc_difference",
    "smcr",
    "smcrh",
    "smd",
    "smd_from_d",
    "smdh",
    "vr",
]
