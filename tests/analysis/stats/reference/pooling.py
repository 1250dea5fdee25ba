"""The operations of the pooling cases: metafor's `rma.uni`, `rma.mh`, `rma.peto`, `predict` and `confint`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from analysis.stats import heterogeneity, pooling, prediction, stratified
from analysis.stats.inputs import Array
from tests.analysis.stats.reference.values import listed


def numbers(values: list[Any]) -> Array:
    """Numbers or rows of numbers with NaN in the place of null."""
    if values and isinstance(values[0], list):
        return np.array([numbers(row) for row in values])
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def level(options: dict[str, Any]) -> float:
    """R's 95 is our 0.95."""
    return float(options.get("level", 95)) / 100.0


def design(given: dict[str, Any]) -> Array | None:
    return numbers(given["X"]) if "X" in given else None


def fitted(given: dict[str, Any], options: dict[str, Any]) -> pooling.Pooled:
    """The model that R's `rma.uni` fits."""
    return pooling.random_effects(
        numbers(given["yi"]),
        numbers(given["vi"]),
        design(given),
        method=options["method"],
        test=options.get("test", "z"),
        level=level(options),
        weights=options.get("weights"),
        weighted=options.get("weighted", True),
        tau2=options.get("tau2_fixed"),
    )


def rma_uni(given: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    fit = fitted(given, options)
    omnibus = fit.moderators
    return {
        "k": fit.k,
        "p": fit.estimate.size,
        "beta": listed(fit.estimate),
        "se": listed(fit.se),
        "stat": None if fit.stat is None else listed(fit.stat),
        "pval": None if fit.p_value is None else listed(fit.p_value),
        "ci_lb": listed(fit.ci_low),
        "ci_ub": listed(fit.ci_high),
        "tau2": fit.tau2,
        "se_tau2": fit.se_tau2,
        "I2": fit.I2,
        "H2": fit.H2,
        "QE": fit.Q,
        "QEp": fit.Q_p,
        "loglik": fit.loglik,
        "AIC": fit.aic,
        "BIC": fit.bic,
        "AICc": fit.aicc,
        "R2": fit.R2,
        "QM": omnibus and omnibus.statistic,
        "QM_df1": omnibus and omnibus.df1,
        "QM_df2": omnibus and omnibus.df2,
        "QMp": omnibus and omnibus.p_value,
    }


def confint_tau2(given: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    fit = fitted(given, options)
    bounds = heterogeneity.confidence_interval(
        numbers(given["yi"]),
        numbers(given["vi"]),
        design(given),
        method=options["method"],
        kind=options["type"],
        level=level(options),
    )
    out: dict[str, Any] = {"tau2": fit.tau2, "tau": float(np.sqrt(fit.tau2)), "I2": fit.I2, "H2": fit.H2}
    for name in ("tau2", "tau", "I2", "H2"):
        interval = getattr(bounds, name)
        out[f"{name}_lb"], out[f"{name}_ub"] = interval.low, interval.high
    return out


def predict(given: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    at = prediction.predict(
        fitted(given, options),
        given.get("newX"),
        kind="hts" if options.get("pi_type") == "riley" else "default",
    )
    return {
        "pred": listed(at.estimate),
        "se": listed(at.se),
        "ci_lb": listed(at.ci_low),
        "ci_ub": listed(at.ci_high),
        "pi_lb": None if at.pi_low is None else listed(at.pi_low),
        "pi_ub": None if at.pi_high is None else listed(at.pi_high),
    }


def _stratified(fit: stratified.Stratified) -> dict[str, Any]:
    return {
        "beta": fit.estimate,
        "se": fit.se,
        "stat": fit.stat,
        "pval": fit.p_value,
        "ci_lb": fit.ci_low,
        "ci_ub": fit.ci_high,
        "QE": fit.Q,
        "QEp": fit.Q_p,
        "I2": fit.I2,
        "CMH": fit.association,
        "CMHp": fit.association_p,
    }


def rma_mh(given: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    cells = (numbers(given[name]) for name in ("ai", "bi", "ci", "di"))
    return _stratified(stratified.mantel_haenszel(*cells, measure=options["measure"], level=level(options)))


def rma_peto(given: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    cells = (numbers(given[name]) for name in ("ai", "bi", "ci", "di"))
    return _stratified(stratified.peto(*cells, level=level(options)))


OPS: dict[str, Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]] = {
    "rma_uni": rma_uni,
    "confint_tau2": confint_tau2,
    "predict": predict,
    "rma_mh": rma_mh,
    "rma_peto": rma_peto,
}
