"""Between-study variance tau²: thirteen estimators and their standard errors.

All allow moderators and are truncated at zero. Sources: DerSimonian & Laird 1986; Hedges & Olkin 1985; Hunter &
Schmidt 2004; Sidik & Jonkman 2005; Paule & Mandel 1982; Viechtbauer 2005, 2007; Viechtbauer, López-López,
Sánchez-Meca & Marín-Martínez 2015.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats import distributions
from analysis.stats.errors import TooFewEffects
from analysis.stats.heterogeneity.generalised_q import generalised_q_root, infinite_weight
from analysis.stats.heterogeneity.likelihood import likelihood_optimum
from analysis.stats.inputs import check_option, effect_data
from analysis.stats.profile import Profile, falling_root, profile

Method = Literal["EE", "DL", "DLIT", "HE", "HS", "HSk", "SJ", "SJIT", "PM", "PMM", "EB", "ML", "REML"]
METHODS: tuple[str, ...] = get_args(Method)
ALIASES = {"FE": "EE", "CE": "EE", "MP": "PM"}
NEEDS_POSITIVE_VARIANCES = {"EE", "DL", "HS", "HSk", "PM", "PMM", "SJIT", "DLIT"}


@dataclass(frozen=True)
class Tau2:
    """Between-study variance and its standard error.

    Attributes
    ----------
    value : tau², in squared units of the effects, >= 0.
    se : its standard error, None where there is none (common effect, one effect, all variances zero).
    """

    value: float
    se: float | None


def method_name(method: str) -> str:
    """The method in our words: FE and CE are EE (one equal effect), MP is PM."""
    return check_option(ALIASES.get(method, method), METHODS, "The between-study variance estimator")


def estimate_tau2(yi: ArrayLike, vi: ArrayLike, X: ArrayLike | None = None, *, method: str = "REML") -> Tau2:
    """Between-study variance of effects, given their sampling variances.

    Parameters
    ----------
    yi, vi : shape (k,)
        Effects and sampling variances; rows with NaN are left out.
    X : shape (k, p), optional
        Model matrix with intercept.
    method : one of METHODS

    Raises
    ------
    TooFewEffects, InvalidInput, InvalidVariance, UnknownOption, NotEstimable, NotConverged
    """
    method = method_name(method)
    data = effect_data(yi, vi, X, zero_variance=method not in NEEDS_POSITIVE_VARIANCES)
    return tau2_of(profile(data), method)


def tau2_of(effects: Profile, method: str) -> Tau2:
    """As `estimate_tau2`, on a prepared profile and a known method."""
    k, p = effects.y.size, effects.p
    if method == "EE" or (k == 1 and p == 1):
        return Tau2(0.0, None)
    require_residual(k, p, 1)
    if method == "REML" or method == "ML":
        value, sums = likelihood_optimum(effects, restricted=method == "REML")
        return Tau2(value, sqrt(2.0 / (sums.trPP if method == "REML" else sums.sum_w2)))
    if method in ("PM", "EB", "SJIT", "PMM"):
        target = k - p if method != "PMM" else distributions.chi2_quantile(0.5, k - p)
        value = generalised_q_root(effects, target)
        if value == 0.0 and effects.v.min() == 0.0:
            raise infinite_weight()
        sum_w = effects.at(value).sum_w
        return Tau2(value, sqrt(2.0 * k * k / (k - p)) / sum_w)
    return _moment_estimate(effects, method)


def standard_error(effects: Profile, tau2: float, method: str) -> float | None:
    """Standard error that `method` would give a tau² that was fixed in advance."""
    k, p = effects.y.size, effects.p
    if method == "EE" or k <= p or (method in NEEDS_POSITIVE_VARIANCES and effects.v.min() == 0.0):
        return None
    if method in ("REML", "ML", "PM", "EB", "SJIT", "PMM"):
        sums = effects.at(tau2)
        if method == "REML":
            return sqrt(2.0 / sums.trPP)
        return sqrt(2.0 / sums.sum_w2) if method == "ML" else sqrt(2.0 * k * k / (k - p)) / sums.sum_w
    return _moment_estimate(effects, method, fixed=tau2).se


def require_residual(k: int, p: int, variances: int) -> None:
    """Refuse a model with more parameters than effects."""
    if p + variances > k:
        need = "two trials are" if p == 1 else f"{p + variances} effects are"
        what = "to estimate between-study variance" if variances else f"for {p} coefficients"
        raise TooFewEffects(f"{need.capitalize()} needed {what}; {k} given.")


def _moment_estimate(effects: Profile, method: str, fixed: float | None = None) -> Tau2:
    """Estimators in closed form (and DLIT, a fixed point of one), with the standard errors of Viechtbauer 2007.

    Each is (y'Py - E₀) / f for some weights; its variance for normal effects is that of a quadratic form,
    2 tr(P(V + tau² I)P(V + tau² I)) / f², written with the traces that need no k × k matrix.
    """
    k, p, y = effects.y.size, effects.p, effects.y
    if method == "HE":
        raw, trPV, trPVPV = _unweighted_traces(effects)
        tau2 = max(0.0, (raw - trPV) / (k - p)) if fixed is None else fixed
        return Tau2(tau2, sqrt(2.0 * trPVPV + 4.0 * tau2 * trPV + 2.0 * tau2**2 * (k - p)) / (k - p))
    if method == "SJ":
        crude = float(y @ y) / k if p == 1 else _crude_variance(effects)
        if crude == 0.0:
            return Tau2(0.0 if fixed is None else fixed, None)
        s = effects.at(crude)
        tau2 = max(0.0, crude * s.yPy / (k - p)) if fixed is None else fixed
        trPVPV = (k - p) - 2.0 * crude * s.trP + crude**2 * s.trPP
        trPVP = s.trP - crude * s.trPP
        return Tau2(tau2, crude / (k - p) * sqrt(2.0 * trPVPV + 4.0 * tau2 * trPVP + 2.0 * tau2**2 * s.trPP))
    if method == "DLIT":
        tau2 = _iterated_dersimonian_laird(effects) if fixed is None else fixed
        s = effects.at(tau2)
        factor = s.trP
    else:
        s = effects.at(0.0)
        if method == "DL":
            tau2, factor = (s.yPy - (k - p)) / s.trP, s.trP
        elif method == "HS":
            tau2, factor = (s.yPy - k) / s.sum_w, s.sum_w
        else:  # HSk
            tau2, factor = (k / (k - p) * s.yPy - k) / s.sum_w, s.sum_w * (k - p) / k
        tau2 = max(0.0, tau2) if fixed is None else fixed
    return Tau2(tau2, sqrt(2.0 * (k - p) + 4.0 * tau2 * s.trP + 2.0 * tau2**2 * s.trPP) / factor)


def _unweighted_traces(effects: Profile) -> tuple[float, float, float]:
    """y'Py, tr PV and tr PVPV of ordinary least squares (P = I - QQ')."""
    y, v = effects.y, effects.v
    Q = getattr(effects, "Q", None)
    if Q is None:
        Q = np.full((y.size, 1), 1.0 / sqrt(y.size))
    QVQ = Q.T @ (Q * v[:, None])
    QVVQ = np.einsum("i,ij,ij->", v * v, Q, Q)
    return float(y @ y), float(v.sum() - np.trace(QVQ)), float(v @ v - 2.0 * QVVQ + np.vdot(QVQ, QVQ))


def _crude_variance(effects: Profile) -> float:
    """Variance of the effects about their plain mean, divisor k, where moderators are in the model."""
    original = effects.y + effects.Q @ effects.start  # type: ignore[attr-defined]
    return float(np.var(original))


def _iterated_dersimonian_laird(effects: Profile) -> float:
    """Fixed point of the DerSimonian-Laird step: y'Py - (k - p) - tau² tr P = 0, which falls in tau²."""
    df = effects.y.size - effects.p

    def evaluate(tau2: float) -> tuple[float, float]:
        s = effects.at(tau2)
        return s.yPy - df - tau2 * s.trP, -s.yPPy - s.trP + tau2 * s.trPP

    if evaluate(0.0)[0] <= 0:
        return 0.0
    high = float(effects.y @ effects.y) / df
    return falling_root(evaluate, 0.0, high, 0.5 * high, float(effects.v.min()))
