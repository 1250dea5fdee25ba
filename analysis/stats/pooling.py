"""One pooled effect, or a meta-regression, from independent effects: the common-effect and random-effects models.

Sources: Hedges & Olkin 1985; DerSimonian & Laird 1986; Knapp & Hartung 2003; Higgins, Thompson & Spiegelhalter 2009;
Viechtbauer 2010 (metafor, whose conventions are followed; differences are listed in docs/statistics/pooling.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite, log, pi, sqrt
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats import distributions
from analysis.stats.errors import InvalidInput, InvalidVariance, TooFewEffects
from analysis.stats.heterogeneity import (
    NEEDS_POSITIVE_VARIANCES,
    Interval,
    heterogeneity,
    infinite_weight,
    method_name,
    require_residual,
    standard_error,
    tau2_of,
)
from analysis.stats.information import covariance_of
from analysis.stats.inputs import (
    Array,
    EffectData,
    check_level,
    check_option,
    effect_data,
    positive_weights,
)
from analysis.stats.profile import InterceptProfile, Profile, Sums, profile

Test = Literal["z", "t", "knha", "adhoc"]
TESTS: tuple[str, ...] = get_args(Test)


@dataclass(frozen=True)
class OmnibusTest:
    """Test that several coefficients are all zero; `df2` None means chi-squared with `df1`, else F(df1, df2)."""

    statistic: float
    df1: int
    df2: float | None
    p_value: float


@dataclass(frozen=True, eq=False)
class Pooled:
    """A fitted univariate model: p coefficients (one, the pooled effect, without moderators) and heterogeneity.

    Attributes
    ----------
    estimate, se, stat, p_value, ci_low, ci_high : shape (p,)
        Coefficients in the units of the effects, standard errors, z or t statistics, two-sided p-values and
        confidence bounds. Where a standard error is 0 (all effects equal, with "knha") there is no test:
        `stat` and `p_value` are None.
    df : degrees of freedom of t; None means normal.
    vcov : shape (p, p), covariance of the coefficients.
    tau2, se_tau2 : between-study variance (squared units) and its standard error (None where there is none).
    Q, Q_df, Q_p : residual heterogeneity test; None with a zero sampling variance, as are I2 (percent) and H2.
    prediction : interval of a new study's true effect with the quantile of `test` (metafor's); intercept-only.
    prediction_hts : the same with t on k - 2 df (Higgins, Thompson & Spiegelhalter); None for k < 3.
    moderators : omnibus test of all coefficients but the intercept; None without moderators.
    R2 : percent of tau² that the moderators explain (common effect: adjusted R²); None without moderators.
    scale : the Knapp-Hartung factor s² that multiplied `vcov`; 1 where it is not used.
    omitted, redundant : rows with missing values and columns of X that were left out.
    data : what was used, in order.
    weights : shape (k,), the weights of the estimate.
    """

    method: str
    test: str
    level: float
    k: int
    estimate: Array
    se: Array
    stat: Array | None
    df: int | None
    p_value: Array | None
    ci_low: Array
    ci_high: Array
    vcov: Array
    tau2: float
    se_tau2: float | None
    Q: float | None
    Q_df: int
    Q_p: float | None
    I2: float | None
    H2: float | None
    prediction: Interval | None
    prediction_hts: Interval | None
    moderators: OmnibusTest | None
    R2: float | None
    loglik: float
    aic: float
    bic: float | None
    aicc: float
    scale: float
    omitted: tuple[int, ...]
    redundant: tuple[int, ...]
    data: EffectData = field(repr=False)
    weights: Array = field(repr=False)
    inverse_variance: bool = field(repr=False)


def common_effect(
    yi: ArrayLike, vi: ArrayLike, X: ArrayLike | None = None, *, test: str = "z", level: float = 0.95
) -> Pooled:
    """The common-effect (fixed-effect) model: inverse-variance weights, no between-study variance."""
    return random_effects(yi, vi, X, method="EE", test=test, level=level)


def random_effects(
    yi: ArrayLike,
    vi: ArrayLike,
    X: ArrayLike | None = None,
    *,
    method: str = "REML",
    test: str = "knha",
    level: float = 0.95,
    weights: ArrayLike | None = None,
    weighted: bool = True,
    tau2: float | None = None,
) -> Pooled:
    """Random-effects model of independent effects, with or without moderators.

    Parameters
    ----------
    yi : shape (n,)
        Effect of each trial, all on one scale; NaN means missing, the row is left out and reported.
    vi : shape (n,)
        Sampling variance of each `yi`, squared units of `yi`, > 0 (REML, ML, EB, HE, SJ take 0 as well).
    X : shape (n, p), optional
        Model matrix with its intercept column first; None pools to one mean.
    method : {"REML", "ML", "DL", "HE", "HS", "HSk", "SJ", "PM", "EB", "PMM", "DLIT", "SJIT", "EE"}
        Estimator of tau². "EE" (or "FE", "CE") is the common-effect model.
    test : {"knha", "z", "t", "adhoc"}
        Knapp-Hartung (default: its intervals hold their level with few trials), normal, plain t with k - p df,
        or Knapp-Hartung never narrower than normal. One effect alone has the normal test, whatever is asked.
    level : float
        Confidence level of all intervals, as a fraction.
    weights : shape (n,), optional
        Weights to use instead of 1 / (v + tau²); the standard errors stay those of the model.
    weighted : bool
        False gives every effect the same weight.
    tau2 : float, optional
        Take tau² as known.

    Raises
    ------
    InvalidInput, InvalidVariance, UnknownOption
        If lengths differ, values are infinite, a variance is negative (or zero where it must not be).
    TooFewEffects
        If there are fewer effects than parameters, or no residual degree of freedom for a t-type test.
    NotEstimable
        If a zero variance meets tau² = 0.

    Notes
    -----
    Checked against metafor 3.8: tests/analysis/stats/test_reference.py. tau² is the exact (global) optimum,
    where metafor stops Fisher scoring at 1e-5.
    """
    method, test, level = method_name(method), check_option(test, TESTS, "The test"), check_level(level)
    needs_positive = (tau2 is None or tau2 == 0.0) and method in NEEDS_POSITIVE_VARIANCES
    data = effect_data(yi, vi, X, zero_variance=not needs_positive)
    own = _own_weights(weights, weighted, data, np.size(yi))
    effects = profile(data)
    k, p = data.k, data.p
    known = method == "EE" or tau2 is not None
    if not (k == 1 and data.intercept_only):
        require_residual(k, p, 0 if known else 1)
    if k == 1 and data.intercept_only:
        test = "z"  # one effect leaves nothing to estimate a variance from
    if test != "z" and k <= p:
        raise TooFewEffects(f"A t test needs more effects than coefficients; {k} given. Use the normal test.")
    if tau2 is not None and method != "EE":
        value, se_tau2 = _known_tau2(effects, tau2, method)
    else:
        estimated = tau2_of(effects, method)
        value, se_tau2 = estimated.value, estimated.se
        if value == 0.0 and effects.v.min() == 0.0:
            raise infinite_weight()
    sums = effects.at(value)
    estimate, vcov = effects.coefficients(sums)
    residual = sums.yPy
    if own is not None:
        estimate, vcov, residual = _user_weighted(data, own, value)
    scale = 1.0
    if test in ("knha", "adhoc"):
        scale = sums.yPy / (k - p) if sums.yPy > np.finfo(float).eps else 0.0
        scale = max(1.0, scale) if test == "adhoc" else scale
        vcov = scale * vcov
    df = None if test == "z" else k - p
    se = np.sqrt(np.diagonal(vcov))
    certain = bool((se == 0.0).any())
    stat = None if certain else estimate / se
    half = distributions.quantile(0.5 * (1.0 + level), df) * se
    found = heterogeneity(effects, value, method)
    fit = _fit_statistics(effects, sums, residual, method, known)
    tests_mean = data.intercept_only
    return Pooled(
        method=method,
        test=test,
        level=level,
        k=k,
        estimate=estimate,
        se=se,
        stat=stat,
        df=df,
        p_value=None if stat is None else np.atleast_1d(distributions.two_sided(stat, df)),
        ci_low=estimate - half,
        ci_high=estimate + half,
        vcov=vcov,
        tau2=value,
        se_tau2=se_tau2,
        Q=found.Q,
        Q_df=found.Q_df,
        Q_p=found.Q_p,
        I2=found.I2,
        H2=found.H2,
        prediction=_prediction(estimate, se, value, df, level) if tests_mean else None,
        prediction_hts=_prediction(estimate, se, value, k - 2, level) if tests_mean and k >= 3 else None,
        moderators=None if tests_mean or certain else moderator_test(estimate, vcov, data.intercept, df),
        R2=None if tests_mean or data.intercept is None else _explained(data, method, value, own),
        loglik=fit[0],
        aic=fit[1],
        bic=fit[2],
        aicc=fit[3],
        scale=scale,
        omitted=data.omitted,
        redundant=data.redundant,
        data=data,
        weights=sums.w if own is None else own,
        inverse_variance=own is None,
    )


def _own_weights(weights: ArrayLike | None, weighted: bool, data: EffectData, n: int) -> Array | None:
    """The user's weights of the used rows; None for inverse-variance weights."""
    if not weighted:
        return np.ones(data.k)
    if weights is None:
        return None
    return positive_weights(weights, n, data.rows)


def _known_tau2(effects: Profile, tau2: float, method: str) -> tuple[float, float | None]:
    if not (isfinite(tau2) and tau2 >= 0):
        raise InvalidInput(f"A between-study variance is finite and not negative; {tau2} was given.")
    if tau2 == 0.0 and effects.v.min() == 0.0:
        raise InvalidVariance("A sampling variance is zero, so its effect would have infinite weight.")
    return tau2, standard_error(effects, tau2, method)


def _user_weighted(data: EffectData, weights: Array, tau2: float) -> tuple[Array, Array, float]:
    """Coefficients, their covariance under the model, and residual sum of squares with other weights."""
    WX = data.X * weights[:, None]
    M = covariance_of(data.X.T @ WX)
    estimate = M @ (WX.T @ data.y)
    meat = WX.T @ (WX * (data.v + tau2)[:, None])
    r = data.y - data.X @ estimate
    return estimate, M @ meat @ M, float(r @ (r / (data.v + tau2)))


def _prediction(estimate: Array, se: Array, tau2: float, df: int | None, level: float) -> Interval:
    half = distributions.quantile(0.5 * (1.0 + level), df) * sqrt(float(se[0]) ** 2 + tau2)
    return Interval(float(estimate[0]) - half, float(estimate[0]) + half)


def moderator_test(estimate: Array, vcov: Array, intercept: int | None, df: float | None) -> OmnibusTest:
    """Wald test that all coefficients but the intercept are zero."""
    which = np.array([j for j in range(estimate.size) if j != intercept])
    b = estimate[which]
    m = which.size
    statistic = float(b @ np.linalg.solve(vcov[np.ix_(which, which)], b))
    if df is None:
        return OmnibusTest(statistic, m, None, distributions.chi2_tail(statistic, m))
    return OmnibusTest(statistic / m, m, df, distributions.f_tail(statistic / m, m, df))


def _fit_statistics(
    effects: Profile, sums: Sums, residual: float, method: str, known: bool
) -> tuple[float, float, float | None, float]:
    """Log-likelihood, AIC, BIC and AICc: restricted for REML, else full; BIC is None where log(k - p) is not there."""
    k, p = effects.y.size, effects.p
    restricted = method == "REML"
    n = k - p if restricted else k
    loglik = -0.5 * n * log(2.0 * pi) - 0.5 * float(np.log(effects.v + sums.tau2).sum()) - 0.5 * residual
    if restricted:
        loglik -= 0.5 * sums.logdet
    parameters = p + (0 if known else 1)
    effective = max(n, parameters + 2)
    return (
        loglik,
        -2.0 * loglik + 2.0 * parameters,
        -2.0 * loglik + parameters * log(n) if n > 0 else None,
        -2.0 * loglik + 2.0 * parameters * effective / (effective - parameters - 1),
    )


def _explained(data: EffectData, method: str, tau2: float, own: Array | None) -> float | None:
    """R², percent: share of the null model's tau² that is gone; for a common effect the adjusted R²."""
    if method != "EE":
        null = tau2_of(InterceptProfile(data.y, data.v), method).value
        return max(0.0, 100.0 * (null - tau2) / null) if null > 0 else 0.0
    w = 1.0 / data.v if own is None else own
    WX = data.X * w[:, None]
    r = data.y - data.X @ np.linalg.solve(data.X.T @ WX, WX.T @ data.y)
    centred = data.y - (w @ data.y) / w.sum()
    total = float(w @ (centred * centred))
    if total == 0.0 or data.k <= data.p:
        return 0.0
    share = 1.0 - float(w @ (r * r)) / total
    return max(0.0, 100.0 * (1.0 - (1.0 - share) * (data.k - 1) / (data.k - data.p)))
