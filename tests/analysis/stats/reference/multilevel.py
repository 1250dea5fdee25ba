"""The operations of the multilevel cases: metafor's `rma.mv` and its `confint`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from analysis.stats import multilevel
from analysis.stats.covariance import BlockCovariance
from analysis.stats.inputs import Clusters
from tests.analysis.stats.reference.pooling import design, level, numbers
from tests.analysis.stats.reference.values import listed


def nested(given: dict[str, Any], options: dict[str, Any]) -> multilevel.Multilevel:
    """The three-level model, with correlated sampling errors where it is a CHE model."""
    return multilevel.three_level(
        numbers(given["yi"]),
        numbers(given["vi"]),
        given["study"],
        design(given),
        rho=options["rho"] if options.get("model", "che") == "che" else 0.0,
        method=options["method"],
        test=options.get("test", "z"),
        df=options.get("dfs", "residual"),
        level=level(options),
    )


def blocks(V: list[list[float]], cluster: list[Any]) -> BlockCovariance:
    """The blocks of a covariance matrix that is written out in full."""
    full, clusters = numbers(V), Clusters.of(cluster, len(cluster))
    stacks = []
    for _, _, rows in clusters.by_size:
        given = clusters.order[rows]
        stacks.append(full[given[:, :, None], given[:, None, :]])
    return BlockCovariance(clusters, tuple(stacks))


def structured(given: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Several outcomes per trial with a structure between trials."""
    fit = multilevel.multivariate(
        numbers(given["yi"]),
        blocks(given["V"], given["trial"]),
        given["trial"],
        given["outcome"],
        design(given),
        structure=options["model"],
        method=options["method"],
        test=options.get("test", "z"),
        level=level(options),
    )
    omnibus = fit.moderators
    rho = [float(fit.correlation[a, b]) for b in range(len(fit.tau2)) for a in range(b)]
    common = options["model"] == "CS"
    return {
        "k": fit.effects,
        "p": fit.estimate.size,
        "tau2": float(fit.tau2[0]) if common else listed(fit.tau2),
        "rho": rho[0] if common or len(rho) == 1 else rho,
        "beta": listed(fit.estimate),
        "se": listed(fit.se),
        "stat": listed(fit.stat),
        "pval": listed(fit.p_value),
        "ci_lb": listed(fit.ci_low),
        "ci_ub": listed(fit.ci_high),
        "QE": fit.Q,
        "QEp": fit.Q_p,
        "loglik": fit.loglik,
        "ddf": None if fit.df is None else listed(fit.df),
        "QM": omnibus and omnibus.statistic,
        "QM_df1": omnibus and omnibus.df1,
        "QM_df2": omnibus and omnibus.df2,
        "QMp": omnibus and omnibus.p_value,
    }


def rma_mv(given: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    if "V" in given:
        return structured(given, options)
    fit = nested(given, options)
    omnibus = fit.moderators
    return {
        "k": fit.effects,
        "p": fit.estimate.size,
        "sigma2": [fit.tau2, fit.omega2],
        "beta": listed(fit.estimate),
        "se": listed(fit.se),
        "stat": listed(fit.stat),
        "pval": listed(fit.p_value),
        "ci_lb": listed(fit.ci_low),
        "ci_ub": listed(fit.ci_high),
        "QE": fit.Q,
        "QEp": fit.Q_p,
        "loglik": fit.loglik,
        "I2_total": fit.I2.total,
        "I2_levels": [fit.I2.between, fit.I2.within],
        "pi_lb": fit.prediction and fit.prediction.low,
        "pi_ub": fit.prediction and fit.prediction.high,
        "ddf": None if fit.df is None else listed(fit.df),
        "QM": omnibus and omnibus.statistic,
        "QM_df1": omnibus and omnibus.df1,
        "QM_df2": omnibus and omnibus.df2,
        "QMp": omnibus and omnibus.p_value,
    }


def rma_mv_confint(given: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    fit = nested(given, options)
    bounds = (
        multilevel.variance_interval(fit, "tau2", level=level(options)),
        multilevel.variance_interval(fit, "omega2", level=level(options)),
    )
    return {
        "sigma2_1": [fit.tau2, bounds[0].low, bounds[0].high],
        "sigma2_2": [fit.omega2, bounds[1].low, bounds[1].high],
    }


OPS: dict[str, Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]] = {
    "rma_mv": rma_mv,
    "rma_mv_confint": rma_mv_confint,
}
