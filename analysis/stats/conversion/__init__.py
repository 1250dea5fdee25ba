"""Means, spreads and effects from what trials report instead of them.

Every conversion returns its value **and** a `Derivation`, the line it adds to the derivation ledger:
formula, inputs, assumption and source. Input that cannot be right is refused with the row named. Formulas
and sources in docs/statistics/effect-sizes.md.
"""

from analysis.stats.conversion.change import (
    IMPUTED_R,
    R_SWEEP,
    PrePostCorrelation,
    correlation_from_sds,
    prepost_correlation,
    sd_change,
    sd_change_from_p,
    sd_change_from_t,
)
from analysis.stats.conversion.five_numbers import (
    SkewnessScreen,
    five_number_skewness,
    from_five_numbers,
    from_quartiles,
    from_range,
    iqr_to_sd,
    quartile_skewness,
    range_skewness,
    range_to_sd,
)
from analysis.stats.conversion.groups import CombinedGroup, combine_groups
from analysis.stats.conversion.log_scale import (
    LogMoments,
    geometric_mean_ci_to_log,
    geometric_sd_to_log,
    log_to_raw,
    raw_to_log,
)
from analysis.stats.conversion.record import Converted, Derivation, Estimate, Moments, Spread
from analysis.stats.conversion.spread import (
    ci_to_sd,
    md_ci_to_sd,
    md_p_to_sd,
    md_se_to_sd,
    md_t_to_sd,
    ratio_ci_to_log,
    se_to_sd,
)
from analysis.stats.conversion.standardised import (
    Standardised,
    d_to_lnor,
    f_to_d,
    lnor_to_d,
    p_to_d,
    paired_t_to_d,
    t_to_d,
)

__all__ = [
    "IMPUTED_R",
    "R_SWEEP",
    "CombinedGroup",
    "Converted",
    "Derivation",
    "Estimate",
    "LogMoments",
    "Moments",
    "PrePostCorrelation",
    "SkewnessScreen",
    "Spread",
    "Standardised",
    "ci_to_sd",
    "combine_groups",
    "correlation_from_sds",
    "d_to_lnor",
    "f_to_d",
    "five_number_skewness",
    "from_five_numbers",
    "from_quartiles",
    "from_range",
    "geometric_mean_ci_to_log",
    "geometric_sd_to_log",
    "iqr_to_sd",
    "lnor_to_d",
    "log_to_raw",
    "md_ci_to_sd",
    "md_p_to_sd",
    "md_se_to_sd",
    "md_t_to_sd",
    "p_to_d",
    "paired_t_to_d",
    "prepost_correlation",
    "quartile_skewness",
    "range_skewness",
    "range_to_sd",
    "ratio_ci_to_log",
    "raw_to_log",
    "sd_change",
    "sd_change_from_p",
    "sd_change_from_t",
    "se_to_sd",
    "t_to_d",
]
