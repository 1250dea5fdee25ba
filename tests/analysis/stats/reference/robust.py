"""The operations of the robust cases: robumeta's `robu`, clubSandwich's `coef_test` and `Wald_test`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from analysis.stats import robust
from analysis.stats.robust.wald import WALD_TESTS
from tests.analysis.stats.reference.multilevel import nested
from tests.analysis.stats.reference.pooling import design, fitted, level, numbers
from tests.analysis.stats.reference.values import listed


def robu(given: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    model, small = options["modelweights"], options["small"]
    fit = robust.robu(
        numbers(given["yi"]),
        numbers(given["vi"]),
        given["study"],
        design(given),
        model="CORR" if model == "USER" else model,
        rho=options.get("rho", 0.8),
        small=small,
        weights=given.get("userweights"),
    )
    m, p = fit.studies, fit.estimate.size
    return {
        "n_studies": m,
        "n_effects": fit.effects,
        "beta": listed(fit.estimate),
        "se": listed(fit.se),
        "t": listed(fit.stat),
        "df": listed(fit.df),
        "pval": listed(fit.p_value),
        "ci_lb": listed(fit.ci_low),
        "ci_ub": listed(fit.ci_high),
        # robumeta keeps the factor m / (m - p) of its uncorrected form out of the matrix
        "vcov": listed(fit.vcov if small else fit.vcov * (m - p) / m),
        "tau2": fit.tau2,
        "omega2": fit.omega2,
        "I2": fit.I2,
    }


def base_fit(given: dict[str, Any], options: dict[str, Any]) -> Any:
    """The model on which the robust inference rests, as R's words in `options.base` name it."""
    kind, _, structure = options["base"].partition(" ")
    if kind == "rma_uni":
        return fitted(given, options)
    if kind == "rma_mv":
        return nested(given, {**options, "model": structure})
    return robust.robu(
        numbers(given["yi"]),
        numbers(given["vi"]),
        given["cluster"],
        design(given),
        model=structure or "CORR",
        rho=options.get("rho", 0.8),
    )


def clubsandwich_coef(given: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    fit = base_fit(given, options)
    found = robust.sandwich(fit, given["cluster"], correction=options["type"], level=level(options))
    return {
        "beta": listed(found.estimate),
        "se": listed(found.se),
        "t": listed(found.stat),
        "df": listed(found.df),
        "pval": listed(found.p_value),
        "p_z": listed(found.p_normal),
        "p_naive_t": listed(found.p_naive),
        "p_naive_tp": None if found.p_naive_p is None else listed(found.p_naive_p),
        "ci_lb": listed(found.ci_low),
        "ci_ub": listed(found.ci_high),
        "vcov": listed(found.vcov),
        "tau2": fit.tau2,
    }


def wald_test(given: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    found = robust.sandwich(base_fit(given, options), given["cluster"], correction=options["type"])
    out: dict[str, Any] = {}
    for test in WALD_TESTS:
        result = robust.wald_test(found, given["C"], test=test)
        name = test.replace("-", "_")
        out[f"{name}_F"] = result.F
        out[f"{name}_df_num"] = result.df_num
        out[f"{name}_df_denom"] = result.df_denom
        out[f"{name}_p"] = result.p_value
    return out


OPS: dict[str, Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]] = {
    "robu": robu,
    "clubsandwich_coef": clubsandwich_coef,
    "wald_test": wald_test,
}
