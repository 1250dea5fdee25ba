"""The operations of the cases on publication bias."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from analysis.stats import bias
from tests.analysis.stats.reference.values import listed

Given = dict[str, Any]


def regtest(given: Given, options: Given) -> Given:
    found = bias.egger(
        given["yi"],
        given["vi"],
        given.get("X"),
        model=options.get("model", "rma"),
        predictor=options.get("predictor", "sei"),
        n=given.get("ni"),
        method=options.get("method", "REML"),
        test=options.get("test", "z"),
        level=options.get("level", 95) / 100,
    )
    written = {
        "stat": found.stat,
        "pval": found.p_value,
        "df": found.df,
        "coef": listed(found.coefficients),
        "se": listed(found.se),
    }
    if found.limit is not None:
        written["limit_est"] = found.limit.estimate
        written["limit_ci_lb"], written["limit_ci_ub"] = found.limit.ci_low, found.limit.ci_high
    return written


def ranktest(given: Given, options: Given) -> Given:
    found = bias.begg(given["yi"], given["vi"])
    return {"tau": found.tau, "pval": found.p_value}


def trimfill(given: Given, options: Given) -> Given:
    found = bias.trim_and_fill(
        given["yi"],
        given["vi"],
        estimator=options.get("estimator", "L0"),
        side=options.get("side"),
        method=options["method"],
        test=options.get("test", "z"),
    )
    return {
        "k0": found.missing,
        "se_k0": found.missing_se,
        "side": found.side,
        "beta": float(found.filled.estimate[0]),
        "se": float(found.filled.se[0]),
        "ci_lb": float(found.filled.ci_low[0]),
        "ci_ub": float(found.filled.ci_high[0]),
        "tau2": found.filled.tau2,
        "QE": found.filled.Q,
        "filled_yi": sorted(listed(found.filled_yi)),
        "p_k0": found.missing_p,
    }


def pet_peese(given: Given, options: Given) -> Given:
    found = bias.pet_peese(given["yi"], given["vi"])
    return {
        f"{name}_{key}": getattr(regression, attribute)
        for name, regression in (("pet", found.pet), ("peese", found.peese))
        for key, attribute in (
            ("intercept", "intercept"),
            ("intercept_se", "intercept_se"),
            ("intercept_p", "intercept_p"),
            ("slope", "slope"),
            ("slope_se", "slope_se"),
            ("slope_p", "slope_p"),
        )
    }


def selmodel_stepfun(given: Given, options: Given) -> Given:
    found = bias.step_selection(
        given["yi"],
        given["vi"],
        given.get("X"),
        steps=options["steps"],
        alternative=options.get("alternative", "greater"),
        method=options.get("method", "ML"),
    )
    return {
        "beta": listed(found.estimate),
        "se": listed(found.se),
        "tau2": found.tau2,
        "se_tau2": found.tau2_se,
        "delta": listed(found.weights),
        "se_delta": listed(found.weights_se),
        "loglik": found.loglik,
        "LRT": found.lrt,
        "LRT_df": found.lrt_df,
        "LRT_p": found.lrt_p,
    }


def fsn(given: Given, options: Given) -> Given:
    if options["type"] == "Orwin":
        found = bias.orwin(
            given["yi"],
            given.get("vi"),
            target=options.get("target"),
            weighted=options.get("weighted", False),
        )
    else:
        method = {"Rosenthal": bias.rosenthal, "Rosenberg": bias.rosenberg}[options["type"]]
        found = method(given["yi"], given["vi"], alpha=options.get("alpha", 0.05))
    return {
        "fsnum": found.number,
        "pval": found.p_value,
        "meanes": found.mean_effect,
        "target": found.target,
    }


OPS: dict[str, Callable[[Given, Given], Given]] = {
    operation.__name__: operation for operation in (regtest, ranktest, trimfill, pet_peese, selmodel_stepfun, fsn)
}
