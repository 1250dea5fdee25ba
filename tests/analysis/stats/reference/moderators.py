"""The operation of the subgroup cases: each level on its own, and all with a common tau²."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from analysis.stats.moderators import subgroups
from tests.analysis.stats.reference.pooling import level, numbers


def subgroup(given: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    found = subgroups(
        numbers(given["yi"]),
        numbers(given["vi"]),
        given["group"],
        method=options["method"],
        test=options.get("test", "z"),
        level=level(options),
    )
    between, common = found.between, found.common_test
    return {
        "levels": list(found.levels),
        "k": [fit.k for fit in found.separate],
        "estimate": [float(fit.estimate[0]) for fit in found.separate],
        "se": [float(fit.se[0]) for fit in found.separate],
        "tau2": [fit.tau2 for fit in found.separate],
        "I2": [fit.I2 for fit in found.separate],
        "Q_between": between and between.statistic,
        "Q_between_df": between and between.df1,
        "Q_between_p": between and between.p_value,
        "common_tau2": found.common.tau2,
        "common_QM": common and common.statistic,
        "common_QMp": common and common.p_value,
    }


OPS: dict[str, Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]] = {"subgroup": subgroup}
