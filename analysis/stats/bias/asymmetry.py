"""Funnel-plot asymmetry by regression: Egger's test in its forms, and for dependent effects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.columns import complete, refuse
from analysis.stats.errors import InvalidInput, NotEstimable, RankDeficient
from analysis.stats.inputs import Array, check_option, model_matrix, vector
from analysis.stats.multilevel import three_level
from analysis.stats.pooling import Pooled, random_effects
from analysis.stats.robust import Sandwich, robu, sandwich

PREDICTORS = ("sei", "vi", "ni", "ninv", "sqrtni", "sqrtninv")
WITHOUT_LIMIT = ("ni", "sqrtni")  # they do not go to zero as trials grow
MODELS = ("lm", "rma")
DEPENDENCE = ("CHE", "CORR")


@dataclass(frozen=True, slots=True)
class Limit:
    """The effect that the regression predicts for an infinitely large trial, with its interval."""

    estimate: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True, slots=True, eq=False)
class Asymmetry:
    """A regression of effects on a measure of their precision; its slope is the test.

    Attributes
    ----------
    model, predictor : what was fitted; "given" where the predictor was passed as numbers.
    k : effects used.
    slope, slope_se, stat, p_value : the slope, its standard error, and the two-sided test of it.
    df : degrees of freedom of t; None means normal.
    coefficients, se : shape (p + 1,)
        Of all columns, the predictor last.
    limit : None with moderators, or where the predictor does not vanish for large trials.
    tau2 : between-study variance of the regression; 0 with "lm".
    """

    model: str
    predictor: str
    k: int
    slope: float
    slope_se: float
    stat: float
    p_value: float
    df: float | None
    coefficients: Array
    se: Array
    limit: Limit | None
    tau2: float | None


def egger(
    yi: ArrayLike,
    vi: ArrayLike,
    X: ArrayLike | None = None,
    *,
    model: str = "lm",
    predictor: str | ArrayLike = "sei",
    n: ArrayLike | None = None,
    method: str = "REML",
    test: str = "knha",
    level: float = 0.95,
) -> Asymmetry:
    """Regression test of funnel-plot asymmetry for independent effects.

    Parameters
    ----------
    yi, vi : shape (k,)
        Effects and sampling variances.
    X : shape (k, p), optional
        Moderators with their intercept, so that heterogeneity is not taken for asymmetry.
    model : "lm" or "rma"
        "lm" is the test of Egger et al. (1997): least squares with weights 1/v and t with k - p - 1 df. "rma" is the
        random-effects regression, with `method` and `test`.
    predictor : "sei", "vi", "ni", "ninv", "sqrtni", "sqrtninv", or numbers of shape (k,)
        Standard error, variance, sample size, its inverse, and the roots of these. For standardised
        differences pass `design_se`: their standard error is a function of the effect itself.
    n : shape (k,)
        Sample sizes, for the predictors made of them.

    Raises
    ------
    TooFewEffects
        If there are not more effects than coefficients.
    RankDeficient
        If the predictor is the same for all effects, or told by the moderators.
    NotEstimable
        If the effects lie exactly on a line, so that there is no error to test against.

    Notes
    -----
    Egger et al. (1997), BMJ 315:629-634; Sterne & Egger (2005); agrees with metafor's `regtest`.
    """
    check_option(model, MODELS, "The model")
    values, name = precision(yi, vi, predictor, n)
    design = with_predictor(X, values)
    if model == "lm":
        fit = least_squares(yi, vi, design, level)
    else:
        fit = random_effects(yi, vi, design, method=method, test=test, level=level)
        _refuse_redundant(fit.redundant)
    found = _tested(fit)
    limit = _limit(found, X, name)
    return _asymmetry(found, limit, model=model, predictor=name, k=fit.k, df=fit.df, tau2=fit.tau2)


def least_squares(yi: ArrayLike, vi: ArrayLike, design: Array, level: float) -> Pooled:
    """Regression with weights 1/v and a free residual variance, as R's `lm` with weights; t with k - p df."""
    fit = random_effects(yi, vi, design, method="EE", test="knha", level=level)
    _refuse_redundant(fit.redundant)
    return fit


@dataclass(frozen=True, slots=True, eq=False)
class _Tested:
    """The part of a fit that is common to models with and without a sandwich."""

    estimate: Array
    se: Array
    stat: Array
    p_value: Array
    ci_low: Array
    ci_high: Array


def _tested(fit: Pooled | Sandwich) -> _Tested:
    if fit.stat is None or fit.p_value is None:
        raise NotEstimable("The effects lie exactly on the regression line: there is no error to test against.")
    return _Tested(fit.estimate, fit.se, fit.stat, fit.p_value, fit.ci_low, fit.ci_high)


def _limit(found: _Tested, X: ArrayLike | None, predictor: str) -> Limit | None:
    if X is not None or predictor in WITHOUT_LIMIT:
        return None
    return Limit(float(found.estimate[0]), float(found.ci_low[0]), float(found.ci_high[0]))


def _asymmetry(
    found: _Tested,
    limit: Limit | None,
    *,
    model: str,
    predictor: str,
    k: int,
    df: float | None,
    tau2: float | None,
) -> Asymmetry:
    return Asymmetry(
        model=model,
        predictor=predictor,
        k=k,
        slope=float(found.estimate[-1]),
        slope_se=float(found.se[-1]),
        stat=float(found.stat[-1]),
        p_value=float(found.p_value[-1]),
        df=df,
        coefficients=found.estimate,
        se=found.se,
        limit=limit,
        tau2=tau2,
    )


def egger_dependent(
    yi: ArrayLike,
    vi: ArrayLike,
    cluster: ArrayLike,
    X: ArrayLike | None = None,
    *,
    model: str = "CHE",
    predictor: str | ArrayLike = "sei",
    n: ArrayLike | None = None,
    rho: float = 0.8,
    level: float = 0.95,
) -> Asymmetry:
    """Egger's sandwich test: asymmetry where trials give several effects.

    Parameters
    ----------
    yi, vi, X, predictor, n : as in `egger`.
    cluster : shape (k,)
        The trial of each effect.
    model : "CHE" or "CORR"
        Working model: correlated and hierarchical effects, or correlated effects of robust variance estimation.
    rho : assumed correlation of the effects of a trial.

    Raises
    ------
    TooFewClusters, RankDeficient, NotEstimable

    Notes
    -----
    Rodgers & Pustejovsky (2021), Psychol Methods 26:141-160: the slope is tested by the CR2 variance with
    Satterthwaite df, so that the test holds its level whatever the true dependence.
    """
    check_option(model, DEPENDENCE, "The working model")
    values, name = precision(yi, vi, predictor, n)
    design = with_predictor(X, values)
    tau2: float | None
    if model == "CHE":
        fit = three_level(yi, vi, cluster, design, rho=rho, level=level)
        _refuse_redundant(fit.redundant)
        tested, tau2, k = sandwich(fit, level=level), fit.tau2, fit.effects
    else:
        robust = robu(yi, vi, cluster, design, rho=rho, level=level)
        tested, tau2, k = sandwich(robust, level=level), robust.tau2, robust.data.k
    found = _tested(tested)
    limit, df = _limit(found, X, name), float(tested.df[-1])
    return _asymmetry(found, limit, model=model, predictor=name, k=k, df=df, tau2=tau2)


def design_se(n1: ArrayLike, n2: ArrayLike) -> Array:
    """√(1/n1 + 1/n2): the part of the standard error of a standardised difference that its size does not touch."""
    first, second = complete(n1=n1, n2=n2)
    refuse((first < 1) | (second < 1), "A group has less than one person")
    return np.sqrt(1 / first + 1 / second)


def precision(yi: ArrayLike, vi: ArrayLike, predictor: str | ArrayLike, n: ArrayLike | None) -> tuple[Array, str]:
    """The predictor's values, NaN where they are missing, and its name."""
    v = vector(vi, "The sampling variances")
    if not isinstance(predictor, str):
        values = vector(predictor, "The predictor")
        if values.size != v.size:
            raise InvalidInput(f"There are {v.size} effects but {values.size} values of the predictor.")
        return values, "given"
    check_option(predictor, PREDICTORS, "The predictor")
    if predictor in ("sei", "vi"):
        # a negative variance is refused with its own sentence where the effects are read
        return (np.sqrt(np.maximum(v, 0.0)) if predictor == "sei" else v), predictor
    if n is None:
        raise InvalidInput(f"The predictor {predictor} needs the sample sizes.")
    size = vector(n, "The sample sizes")
    if size.size != v.size:
        raise InvalidInput(f"There are {v.size} effects but {size.size} sample sizes.")
    refuse(size <= 0, "A sample size is not above zero")
    values = {"ni": size, "ninv": 1 / size, "sqrtni": np.sqrt(size), "sqrtninv": 1 / np.sqrt(size)}[predictor]
    return values, predictor


def with_predictor(X: ArrayLike | None, values: Array) -> Array:
    """The model matrix (an intercept by default) with the predictor as its last column."""
    left = np.ones((values.size, 1)) if X is None else model_matrix(X, values.size)
    return np.column_stack([left, values])


def _refuse_redundant(redundant: tuple[int, ...]) -> None:
    if redundant:
        raise RankDeficient(
            "The predictor is the same for all effects, or told by the moderators: asymmetry cannot be seen."
        )
