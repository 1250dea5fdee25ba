"""The operations of the covariance and aggregation cases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from analysis.stats.covariance import (
    BlockCovariance,
    Groups,
    Outcomes,
    Times,
    aggregate,
    assumed_correlation,
    contrast_covariance,
)
from tests.analysis.stats.reference.values import listed

Given = dict[str, Any]


def dense(covariance: BlockCovariance) -> list[Any]:
    """The blocks written into one matrix, as R prints it."""
    k = covariance.clusters.n
    matrix = np.zeros((k, k))
    for rows, block in covariance.blocks():
        matrix[np.ix_(rows, rows)] = block
    return listed(matrix)


def impute_cov(given: Given, options: Given) -> Given:
    covariance = assumed_correlation(
        given["vi"],
        given["cluster"],
        options.get("r"),
        time=given.get("ti"),
        phi=options.get("ar1"),
        subgroup=given.get("subgroup"),
        smooth=options.get("smooth_vi", False),
    )
    return {"V": dense(covariance)}


def vcalc(given: Given, options: Given) -> Given:
    k = len(given["vi"])
    groups = times = outcomes = None
    if "grp1" in given:
        sizes: Any = given.get("w1", [1.0] * k)
        second = given.get("grp2", ["second"] * k)
        groups = Groups(given["grp1"], second, sizes, given.get("w2", sizes))
    if "time1" in given:
        times = Times(given["time1"], options["phi"], given.get("time2"))
    if "obs" in given or "type" in given:
        rho = options["rho"]
        within, between = rho if isinstance(rho, list) else (rho, rho)
        outcomes = Outcomes(given.get("obs", [1] * k), within, given.get("type"), between)
    return {
        "V": dense(contrast_covariance(given["vi"], given["cluster"], groups=groups, times=times, outcomes=outcomes))
    }


def aggregated(given: Given, options: Given) -> Given:
    covariance = assumed_correlation(given["vi"], given["cluster"], options.get("rho", 0))
    found = aggregate(given["yi"], covariance, weighted=options.get("weighted", True))
    return {"cluster": listed(found.cluster), "yi": listed(found.yi), "vi": listed(found.vi)}


OPS: dict[str, Callable[[Given, Given], Given]] = {
    "impute_cov": impute_cov,
    "vcalc": vcalc,
    "aggregate": aggregated,
}
