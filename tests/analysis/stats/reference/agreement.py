"""The operations of the agreement cases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from analysis.stats import agreement
from analysis.stats.distributions import z_tail

Given = dict[str, Any]


def cohen_kappa(given: Given, options: Given) -> Given:
    found = agreement.cohen_kappa(
        given["rater1"],
        given["rater2"],
        given.get("categories"),
        weights=options.get("weights", "none"),
        level=options.get("level", 95) / 100,
    )
    return {
        "n": found.n,
        "percent_agreement": found.percent_agreement,
        "kappa": found.kappa,
        "se": found.se,
        "se_null": found.se_null,
        "ci_lb": found.ci_low,
        "ci_ub": found.ci_high,
        "z": found.z,
        "p": found.p,
        "kappa_max": found.kappa_max,
    }


def gwet_ac1(given: Given, options: Given) -> Given:
    found = agreement.gwet_ac1([given["rater1"], given["rater2"]], given.get("categories"))
    return {
        "ac1": found.value,
        "pa": found.agreement,
        "pe": found.by_chance,
        "se": found.se,
        "ci_lb": found.ci_low,
        "ci_ub": found.ci_high,
    }


def fleiss_kappa(given: Given, options: Given) -> Given:
    return {"kappa": agreement.fleiss_kappa(given["ratings"], given.get("categories")).value}


def krippendorff_alpha(given: Given, options: Given) -> Given:
    found = agreement.krippendorff_alpha(given["ratings"], given.get("categories"), measurement=options["level"])
    return {"alpha": found.value}


def icc(given: Given, options: Given) -> Given:
    found = agreement.intraclass_correlations(given["ratings"], level=options.get("level", 95) / 100)
    coefficients = {
        "icc_1_1": found.one_way,
        "icc_2_1": found.two_way_random,
        "icc_3_1": found.two_way_mixed,
    }
    written = {"ms_rows": found.ms_rows, "ms_cols": found.ms_columns, "ms_error": found.ms_error}
    for name, coefficient in coefficients.items():
        written[name] = coefficient.value
        written[f"{name}_ci_lb"], written[f"{name}_ci_ub"] = coefficient.ci_low, coefficient.ci_high
    return written


def bland_altman(given: Given, options: Given) -> Given:
    coverage = 1 - 2 * z_tail(options["z"])
    found = agreement.bland_altman(given["x"], given["y"], coverage=coverage)
    return {
        "bias": found.bias.value,
        "sd": found.sd,
        "loa_lb": found.lower.value,
        "loa_ub": found.upper.value,
        "bias_ci_lb": found.bias.ci_low,
        "bias_ci_ub": found.bias.ci_high,
        "loa_se": found.limit_se,
        "loa_lb_ci_lb": found.lower.ci_low,
        "loa_lb_ci_ub": found.lower.ci_high,
        "loa_ub_ci_lb": found.upper.ci_low,
        "loa_ub_ci_ub": found.upper.ci_high,
    }


OPS: dict[str, Callable[[Given, Given], Given]] = {
    operation.__name__: operation
    for operation in (cohen_kappa, gwet_ac1, fleiss_kappa, krippendorff_alpha, icc, bland_altman)
}
