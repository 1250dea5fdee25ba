"""The operations of the conversion cases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from analysis.stats import conversion as cv
from analysis.stats.covariance import shared_control
from tests.analysis.stats.reference.values import listed

Given = dict[str, Any]


def _level(options: Given) -> float:
    return float(options.get("level", 95)) / 100


def se_to_sd(given: Given, options: Given) -> Given:
    return {"sd": listed(cv.se_to_sd(given["se"], given["n"]).value)}


def ci_to_sd(given: Given, options: Given) -> Given:
    moments = cv.ci_to_sd(
        given["ci_lb"], given["ci_ub"], given["n"], level=_level(options), dist=options.get("dist", "t")
    )
    return {"sd": listed(moments.sd), "mean": listed(moments.mean)}


def md_ci_to_sd(given: Given, options: Given) -> Given:
    columns = (given[name] for name in ("ci_lb", "ci_ub", "n1", "n2"))
    spread = cv.md_ci_to_sd(*columns, level=_level(options), dist=options.get("dist", "t"))
    return {"se": listed(spread.se), "sd": listed(spread.sd)}


def md_p_to_sd(given: Given, options: Given) -> Given:
    spread = cv.md_p_to_sd(given["md"], given["p"], given["n1"], given["n2"])
    return {"se": listed(spread.se), "sd": listed(spread.sd)}


def ratio_ci_to_log(given: Given, options: Given) -> Given:
    estimate = cv.ratio_ci_to_log(given["ci_lb"], given["ci_ub"], level=_level(options))
    return {"yi": listed(estimate.yi), "se": listed(estimate.se)}


def t_to_d(given: Given, options: Given) -> Given:
    return _standardised(cv.t_to_d(given["t"], given["n1"], given["n2"]))


def f_to_d(given: Given, options: Given) -> Given:
    df1: Any = given.get("df1", options.get("df1", 1))
    return _standardised(cv.f_to_d(given["F"], given["sign"], given["n1"], given["n2"], df1=df1))


def p_to_d(given: Given, options: Given) -> Given:
    columns = (given[name] for name in ("p", "sign", "n1", "n2"))
    return _standardised(cv.p_to_d(*columns, sided=options.get("sided", 2)))


def _standardised(found: cv.Standardised) -> Given:
    return {name: listed(getattr(found, name)) for name in ("t", "d", "g", "vi")}


def or_to_d(given: Given, options: Given) -> Given:
    forth = cv.lnor_to_d(given["lnor"], given["v"])
    back = cv.d_to_lnor(forth.yi, forth.se**2)
    return {"d": listed(forth.yi), "vd": listed(forth.se**2), "back_lnor": listed(back.yi)}


def combine_groups(given: Given, options: Given) -> Given:
    group = cv.combine_groups(given["n"], given["mean"], given["sd"])
    return {"n": [group.n], "mean": [group.mean], "sd": [group.sd]}


def sd_change(given: Given, options: Given) -> Given:
    return {"sd": listed(cv.sd_change(given["sd_pre"], given["sd_post"], given["r"]).value)}


def corr_from_sd(given: Given, options: Given) -> Given:
    return {"r": listed(cv.correlation_from_sds(given["sd_pre"], given["sd_post"], given["sd_change"]).value)}


def raw_to_log(given: Given, options: Given) -> Given:
    logs = cv.raw_to_log(given["mean"], given["sd"])
    return {
        "mean_log": listed(logs.mean_log),
        "sd_log": listed(logs.sd_log),
        "geo_mean": listed(logs.geometric_mean),
        "geo_sd": listed(logs.geometric_sd),
    }


def log_to_raw(given: Given, options: Given) -> Given:
    moments = cv.log_to_raw(given["mean_log"], given["sd_log"])
    return {"mean": listed(moments.mean), "sd": listed(moments.sd)}


def geomean_ci_to_log(given: Given, options: Given) -> Given:
    columns = (given[name] for name in ("geo_mean", "ci_lb", "ci_ub", "n"))
    logs = cv.geometric_mean_ci_to_log(*columns, level=_level(options), dist=options.get("dist", "t"))
    return {"mean_log": listed(logs.mean_log), "sd_log": listed(logs.sd_log)}


SCENARIOS: dict[str, tuple[Callable[..., cv.Moments], tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    # scenario: function, its columns, its methods for the mean, its methods for the SD
    "S1": (cv.from_range, ("min", "median", "max", "n"), ("luo", "wan", "hozo"), ("wan", "hozo")),
    "S2": (cv.from_quartiles, ("q1", "median", "q3", "n"), ("luo", "wan"), ("wan",)),
    "S3": (
        cv.from_five_numbers,
        ("min", "q1", "median", "q3", "max", "n"),
        ("luo", "wan"),
        ("shi", "wan"),
    ),
}


def fivenum(given: Given, options: Given) -> Given:
    convert, names, of_mean, of_sd = SCENARIOS[options["case"]]
    columns = [given[name] for name in names]
    found = {f"mean_{method}": listed(convert(*columns, mean_by=method).mean) for method in of_mean}
    for method in of_sd:
        settings = {"sd_by": method} if len(of_sd) > 1 else {}
        found[f"sd_{method}"] = listed(convert(*columns, **settings).sd)
    return found


def fivenum_skew(given: Given, options: Given) -> Given:
    by_range = cv.range_skewness(given["min"], given["median"], given["max"], given["n"])
    by_quartiles = cv.quartile_skewness(given["q1"], given["median"], given["q3"], given["n"])
    return {
        "s1_stat": listed(by_range.statistic),
        "s1_crit": listed(by_range.critical),
        "s2_stat": listed(by_quartiles.statistic),
        "s2_crit": listed(by_quartiles.critical),
    }


def multiarm_cov(given: Given, options: Given) -> Given:
    if options["measure"] == "SMD":
        return {"V": listed(shared_control.smd(given["d"], given["n_t"], given["n_c"][0]))}
    if options["measure"] == "MD_ROM":
        m, sd, n = (given[f"{name}_c"][0] for name in ("m", "sd", "n"))
        return {
            "V_md": listed(shared_control.md(given["sd_t"], given["n_t"], sd, n)),
            "V_rom": listed(shared_control.lnrr(given["m_t"], given["sd_t"], given["n_t"], m, sd, n)),
        }
    table = (given["e_t"], given["n_t"], given["e_c"][0], given["n_c"][0])
    return {
        "V_or": listed(shared_control.lnor(*table)),
        "V_rr": listed(shared_control.lnrisk(*table)),
        "V_rd": listed(shared_control.risk_difference(*table)),
    }


def multiendpoint_cov(given: Given, options: Given) -> Given:
    columns = (given[name] for name in ("d1", "d2", "n1", "n2", "rho"))
    return {"cov": listed(shared_control.endpoints_smd(*columns))}


OPS: dict[str, Callable[[Given, Given], Given]] = {
    operation.__name__: operation
    for operation in (
        se_to_sd,
        ci_to_sd,
        md_ci_to_sd,
        md_p_to_sd,
        ratio_ci_to_log,
        t_to_d,
        f_to_d,
        p_to_d,
        or_to_d,
        combine_groups,
        sd_change,
        corr_from_sd,
        raw_to_log,
        log_to_raw,
        geomean_ci_to_log,
        fivenum,
        fivenum_skew,
        multiarm_cov,
        multiendpoint_cov,
    )
}
