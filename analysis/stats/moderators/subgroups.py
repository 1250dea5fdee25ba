"""Subgroup analyses: each level on its own, and all levels in one model with a common between-study variance.

Sources: Borenstein, Hedges, Higgins & Rothstein 2009 ch. 19; Rubio-Aparicio et al. 2020 (separate or common tau²).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats import distributions
from analysis.stats.errors import InvalidInput, NotEstimable, StatsError, TooFewEffects
from analysis.stats.inputs import Array, vector
from analysis.stats.moderators.terms import Factor, factor, model_matrix
from analysis.stats.pooling import OmnibusTest, Pooled, random_effects
from analysis.stats.robust import RobustFit, WaldTest, robu, sandwich, wald_test


@dataclass(frozen=True)
class Subgroups:
    """Effects pooled within the levels of a factor, in two ways; report which one is used.

    Attributes
    ----------
    levels : in order.
    separate : one fit per level, each with its own tau². A level with one study has tau² = 0 by
        convention and normal inference.
    between : test that the separate estimates are equal: Q_B of the levels' estimates and standard errors.
    common : meta-regression with one column per level and one tau²; its `estimate` are the levels' means.
    common_test : test that these means are equal; None for one level.
    """

    levels: tuple[Any, ...]
    separate: tuple[Pooled, ...]
    between: OmnibusTest | None
    common: Pooled
    common_test: OmnibusTest | None


def subgroups(
    yi: ArrayLike,
    vi: ArrayLike,
    group: Sequence[Any],
    *,
    method: str = "REML",
    test: str = "knha",
    level: float = 0.95,
) -> Subgroups:
    """Pool independent effects within the levels of `group` and compare the levels.

    Parameters
    ----------
    yi, vi : shape (k,)
        Effects and sampling variances; rows with NaN, or without a level, are left out.
    group : k levels
    method, test, level : as in `pooling.random_effects`

    Raises
    ------
    As `pooling.random_effects`; TooFewEffects where the common model has more levels than effects allow.
    """
    y, v, coded = _coded(yi, vi, group)
    separate = []
    for dummy in coded.columns.T:
        rows = dummy == 1.0
        separate.append(random_effects(y[rows], v[rows], method=method, test=test, level=level))
    common = random_effects(y, v, coded.columns, method=method, test=test, level=level)
    return Subgroups(
        levels=coded.levels,
        separate=tuple(separate),
        between=_between(separate),
        common=common,
        common_test=_equal_means(common),
    )


def _coded(yi: ArrayLike, vi: ArrayLike, group: Sequence[Any]) -> tuple[Array, Array, Factor]:
    """The complete rows, and cell-mean columns of their levels."""
    y, v = vector(yi, "The effects"), vector(vi, "The sampling variances")
    if not y.size == v.size == len(group):
        raise InvalidInput(f"There are {y.size} effects, {v.size} sampling variances and {len(group)} group labels.")
    everything = factor(group, "group", coding="cell means")
    complete = ~(np.isnan(y) | np.isnan(v) | np.isnan(everything.columns).any(axis=1))
    if not complete.any():
        raise TooFewEffects("There is no effect with a group to pool.")
    kept = factor([label for label, here in zip(group, complete, strict=True) if here], "group", coding="cell means")
    return y[complete], v[complete], kept


def _between(fits: Sequence[Pooled]) -> OmnibusTest | None:
    """Q between the levels: their estimates weighted by their inverse variances."""
    if len(fits) < 2:
        return None
    b = np.array([fit.estimate[0] for fit in fits])
    variance = np.array([fit.se[0] ** 2 for fit in fits])
    if not (variance > 0.0).all():
        raise NotEstimable("All effects of a level are equal, so its standard error is zero; compare with test='z'.")
    w = 1.0 / variance
    b = b - (w @ b) / w.sum()
    q = float(w @ (b * b))
    return OmnibusTest(q, len(fits) - 1, None, distributions.chi2_tail(q, len(fits) - 1))


def _equal_means(common: Pooled) -> OmnibusTest | None:
    L = common.estimate.size
    if L < 2:
        return None
    C = np.eye(L)[1:] - np.eye(L)[:1]
    b = C @ common.estimate
    statistic = float(b @ np.linalg.solve(C @ common.vcov @ C.T, b))
    if common.df is None:
        return OmnibusTest(statistic, L - 1, None, distributions.chi2_tail(statistic, L - 1))
    F = statistic / (L - 1)
    return OmnibusTest(F, L - 1, common.df, distributions.f_tail(F, L - 1, common.df))


@dataclass(frozen=True)
class RobustSubgroups:
    """Dependent effects pooled within the levels of a factor by robust variance estimation.

    Attributes
    ----------
    levels : in order.
    separate : one fit per level, each with its own tau²; None where a level has too few studies.
    reasons : why a level has no fit, "" where it has.
    common : one model of all effects with a column per level; None where a level rests on one study.
    equal : HTZ (CR2) test that the levels' means are equal, in the common model; None without one.
    messages : why there is no common model or test.
    """

    levels: tuple[Any, ...]
    separate: tuple[RobustFit | None, ...]
    reasons: tuple[str, ...]
    common: RobustFit | None
    equal: WaldTest | None
    messages: tuple[str, ...]


def robust_subgroups(
    yi: ArrayLike,
    vi: ArrayLike,
    cluster: ArrayLike,
    group: Sequence[Any],
    *,
    model: str = "CORR",
    rho: float = 0.8,
    level: float = 0.95,
) -> RobustSubgroups:
    """Pool dependent effects within the levels of `group` and compare the levels.

    Parameters
    ----------
    yi, vi, cluster : shape (k,)
        As in `robust.robu`.
    group : k levels; a study may have effects of several.

    Raises
    ------
    InvalidInput, InvalidVariance, UnknownOption
    """
    coded = factor(group, "group", coding="cell means")
    y, v, studies = np.asarray(yi, dtype=float), np.asarray(vi, dtype=float), np.asarray(cluster)
    if not y.size == v.size == studies.size == len(group):
        raise InvalidInput("Effects, variances, clusters and groups must have the same number of rows.")
    separate: list[RobustFit | None] = []
    reasons = []
    for dummy in coded.columns.T:
        rows = dummy == 1.0
        try:
            separate.append(robu(y[rows], v[rows], studies[rows], model=model, rho=rho, level=level))
            reasons.append("")
        except (NotEstimable, TooFewEffects) as refusal:
            separate.append(None)
            reasons.append(str(refusal))
    common, equal, messages = None, None, []
    try:
        matrix = model_matrix([coded], intercept=False)
        common = robu(y, v, studies, matrix.X, model=model, rho=rho, level=level)
        if len(coded.levels) > 1:
            equal = wald_test(sandwich(common, cluster), matrix.constraints("group"))
    except (NotEstimable, TooFewEffects) as refusal:
        messages.append(str(refusal))
    return RobustSubgroups(coded.levels, tuple(separate), tuple(reasons), common, equal, tuple(messages))


__all__ = ["RobustSubgroups", "StatsError", "Subgroups", "robust_subgroups", "subgroups"]
