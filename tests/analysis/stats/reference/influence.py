"""The operations of the influence cases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from analysis.stats.influence import Cumulative, LeaveOneOut, baujat, cumulative, influence, leave_one_out
from analysis.stats.inputs import Array
from tests.analysis.stats.reference.values import listed

Given = dict[str, Any]

DIGITS, DIGITS_SETTINGS = 4, 9  # metafor's default: four digits for each of nine kinds of numbers


def _settings(options: Given) -> Given:
    return {"method": options["method"], "test": options.get("test", "z")}


def _tests(found: LeaveOneOut | Cumulative) -> Given:
    names = {
        "estimate": found.estimate,
        "se": found.se,
        "stat": found.stat,
        "pval": found.p_value,
        "ci_lb": found.ci_low,
        "ci_ub": found.ci_high,
        "Q": found.Q,
        "Qp": found.Q_p,
        "tau2": found.tau2,
        "I2": found.I2,
        "H2": found.H2,
    }
    return {name: listed(values) for name, values in names.items()}


def leave1out(given: Given, options: Given) -> Given:
    return _tests(leave_one_out(given["yi"], given["vi"], cluster=given.get("cluster"), **_settings(options)))


def cumul(given: Given, options: Given) -> Given:
    found = cumulative(given["yi"], given["vi"], given.get("order_key"), **_settings(options))
    return {"order": [int(row) + 1 for row in found.order], **_tests(found)}


def case_diagnostics(given: Given, options: Given) -> Given:
    found = influence(given["yi"], given["vi"], given.get("X"), **_settings(options))
    return {
        "rstudent": listed(found.rstudent),
        "rstudent_resid": listed(found.deleted_residual),
        "rstudent_se": listed(found.deleted_residual_se),
        "rstandard_z": listed(found.rstandard),
        "rstandard_se": listed(found.residual_se),
        "dffits": listed(found.dffits),
        "cook_d": listed(found.cook_distance),
        "cov_r": listed(found.cov_ratio),
        "tau2_del": listed(found.tau2_deleted),
        "QE_del": listed(found.Q_deleted),
        "hat": listed(found.hat),
        "weight": listed(found.weight),
        "dfbs": _dfbs_as_recorded(found.dfbetas),
        "is_infl": listed(found.influential),
    }


def _dfbs_as_recorded(dfbetas: Array) -> list[list[float]]:
    """DFBETAS in the form in which the cases hold them.

    They were written by ``do.call(cbind, inf$dfbs[seq_len(p)])``. For an object of this class R takes the first p
    *effects* by that, not the p coefficients, and appends their labels and the nine settings for digits, to
    whose length everything is recycled. That the values of all effects are right is tested against refits.
    """
    p = dfbetas.shape[1]
    return [[*map(float, dfbetas[row % p]), row % p + 1, DIGITS] for row in range(DIGITS_SETTINGS)]


def baujat_plot(given: Given, options: Given) -> Given:
    found = baujat(given["yi"], given["vi"], given.get("X"), **_settings(options))
    return {"x": listed(found.x), "y": listed(found.y)}


OPS: dict[str, Callable[[Given, Given], Given]] = {
    "leave1out": leave1out,
    "cumul": cumul,
    "influence": case_diagnostics,
    "baujat": baujat_plot,
}
