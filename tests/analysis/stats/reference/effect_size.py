"""The operations of the effect-size cases: metafor's `escalc` and pretest-posttest-control effects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from analysis.stats import effect_size as es
from tests.analysis.stats.reference.values import listed

GROUPS = ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")
CHANGE = ("m1i", "m2i", "sd1i", "sd2i", "ni", "ri")
TABLE = ("ai", "bi", "ci", "di")

# metafor's name: function, its columns in the order of the function's parameters
MEASURES: dict[str, tuple[Callable[..., es.EffectSizes], tuple[str, ...]]] = {
    "MD": (es.md, GROUPS),
    "SMD": (es.smd, GROUPS),
    "SMDH": (es.smdh, GROUPS),
    "SMD1": (es.glass_delta, ("m1i", "n1i", "m2i", "sd2i", "n2i")),
    "SMD1H": (es.glass_delta_unequal, GROUPS),
    "ROM": (es.lnrr, GROUPS),
    "CVR": (es.cvr, GROUPS),
    "VR": (es.vr, ("sd1i", "n1i", "sd2i", "n2i")),
    "D2ORL": (es.d_to_lnor, GROUPS),
    "OR": (es.lnor, TABLE),
    "RR": (es.lnrisk, TABLE),
    "RD": (es.risk_difference, TABLE),
    "PETO": (es.peto_lnor, TABLE),
    "AS": (es.arcsine_difference, TABLE),
    "OR2DL": (es.or_to_d, TABLE),
    "IRR": (es.lnirr, ("x1i", "x2i", "t1i", "t2i")),
    "MN": (es.mean, ("mi", "sdi", "ni")),
    "MNLN": (es.log_mean, ("mi", "sdi", "ni")),
    "COR": (es.correlation, ("ri", "ni")),
    "ZCOR": (es.fisher_z, ("ri", "ni")),
    "MC": (es.mean_change, CHANGE),
    "SMCC": (es.smcc, CHANGE),
    "ROMC": (es.log_ratio_change, CHANGE),
    # metafor's sd1i is here the SD before, although m1i is the mean after
    "SMCR": (es.smcr, ("m1i", "m2i", "sd1i", "ni", "ri")),
    "SMCRH": (es.smcrh, ("m1i", "m2i", "sd2i", "sd1i", "ni", "ri")),
}

ONE_VARIANCE = {"SMD1H", "CVR", "VR", "D2ORL", "MC", "ROMC", "SMCRH"}


def escalc(given: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    measure = options["measure"]
    settings: dict[str, Any] = {}
    vtype = options.get("vtype", "LS")
    if vtype != "LS" and (measure, vtype) != ("MD", "UB"):  # for MD the two are the same
        settings["variance"] = vtype
    if measure in ONE_VARIANCE:  # R takes any kind of variance there, and no notice of it
        settings.pop("variance", None)
    if {"add", "to", "drop00"} & options.keys():
        settings["zero_cells"] = es.ZeroCells(
            add=options.get("add", 0.0 if measure == "AS" else 0.5),
            to=options.get("to", "only0"),
            drop_double_zero=options.get("drop00", False),
        )
    if measure == "SMD" and "di" in given:
        effects = es.smd_from_d(given["di"], given["n1i"], given["n2i"], **settings)
    else:
        compute, columns = MEASURES[measure]
        effects = compute(*(given[name] for name in columns), **settings)
    return {"yi": listed(effects.yi), "vi": listed(effects.vi)}


def _arms(given: dict[str, Any]) -> tuple[es.PrePost, es.PrePost]:
    treatment, control = (
        es.PrePost(
            m_pre=given[f"{arm}_m_pre"],
            m_post=given[f"{arm}_m_post"],
            sd_pre=given[f"{arm}_sd_pre"],
            sd_post=given[f"{arm}_sd_post"],
            n=given[f"{arm}_n"],
            r=given[f"r_{arm}"],
        )
        for arm in ("t", "c")
    )
    return treatment, control


def ppc_smd(given: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    arms = _arms(given)
    if options["measure"] != "PPC2":
        effects = {"PPC1": es.ppc1, "SMCC_DIFF": es.smcc_difference}[options["measure"]](*arms)
        return {"yi": listed(effects.yi), "vi": listed(effects.vi)}
    exact = es.ppc2(*arms)
    approximate = es.ppc2(*arms, correction="approximate")
    df = [t + c - 2 for t, c in zip(given["t_n"], given["c_n"], strict=True)]
    return {
        "d": listed(exact.yi / es.small_sample_correction(df)),
        "g_exactJ": listed(exact.yi),
        "g_approxJ": listed(approximate.yi),
        "vi_metafor_tip": listed(es.ppc2(*arms, variance="simple").vi),
        "vi_morris_eq25_approxJ": listed(approximate.vi),
        "vi_morris_eq25_exactJ": listed(exact.vi),
    }


def ppc_raw(given: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    effects = es.raw_change_difference(*_arms(given))
    return {"yi": listed(effects.yi), "vi": listed(effects.vi)}


def ppc_logratio(given: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    effects = es.log_ratio_difference(*_arms(given))
    percent = es.percent_change(effects, level=options.get("level", 95) / 100)
    return {
        "yi": listed(effects.yi),
        "vi": listed(effects.vi),
        "percent": listed(percent.percent),
        "percent_ci_lb": listed(percent.ci_low),
        "percent_ci_ub": listed(percent.ci_high),
    }


OPS: dict[str, Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]] = {
    "escalc": escalc,
    "ppc_smd": ppc_smd,
    "ppc_raw": ppc_raw,
    "ppc_logratio": ppc_logratio,
}
