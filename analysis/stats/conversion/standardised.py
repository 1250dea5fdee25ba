"""Standardised mean differences from test statistics, and the bridge to odds ratios."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.columns import complete, refuse
from analysis.stats.conversion.record import Derivation, Estimate
from analysis.stats.conversion.spread import degrees_of_freedom, two_sided_t
from analysis.stats.distributions import t_quantile
from analysis.stats.effect_size import smd_from_d
from analysis.stats.effect_size.correction import small_sample_correction
from analysis.stats.errors import InvalidVariance, NotEstimable, UnknownOption
from analysis.stats.inputs import Array

D_OF_T = "d = t × √(1/n1 + 1/n2)"
SIGN_BY_HAND = "the sign was given by hand"
P_IS_BOUND = "p was reported as a bound and taken as its value, so the absolute d is at least this"
LOGISTIC = math.sqrt(3) / math.pi  # SD of the standard logistic distribution is pi / sqrt(3)


@dataclass(frozen=True, slots=True, eq=False)
class Standardised:
    """A standardised difference read from a test statistic, shape (k,).

    Attributes
    ----------
    t : the t statistic with its sign.
    d : Cohen's d, uncorrected.
    g : Hedges' g, d times the exact J; NaN where the groups are too small to correct.
    vi : sampling variance of `g`; NaN where null.
    """

    t: Array
    d: Array
    g: Array
    vi: Array
    record: Derivation


def t_to_d(t: ArrayLike, n1: ArrayLike, n2: ArrayLike) -> Standardised:
    """d = t·√(1/n1 + 1/n2) of two independent groups; variance of g is 1/n1 + 1/n2 + g²/2N."""
    ti, a, b = complete(t=t, n1=n1, n2=n2)
    return _standardised(ti, a, b, D_OF_T, {"t": ti}, "")


def f_to_d(f: ArrayLike, sign: ArrayLike, n1: ArrayLike, n2: ArrayLike, *, df1: ArrayLike = 1) -> Standardised:
    """d of two independent groups from F with one numerator degree of freedom, |t| = √F.

    Parameters
    ----------
    sign : +1 or -1
        The direction, which F does not tell.
    df1 : numerator degrees of freedom
        More than 1 compares more than two means at once and is refused: no single difference follows from it.
    """
    fi, s, a, b, numerator = complete(F=f, sign=sign, n1=n1, n2=n2, df1=df1)
    refuse(
        numerator != 1,
        "F with more than one numerator degree of freedom does not give a difference",
        NotEstimable,
    )
    refuse(fi < 0, "F is negative")
    _refuse_sign(s)
    return _standardised(s * np.sqrt(fi), a, b, f"t = ±√F, {D_OF_T}", {"F": fi, "sign": s}, SIGN_BY_HAND)


def p_to_d(
    p: ArrayLike, sign: ArrayLike, n1: ArrayLike, n2: ArrayLike, *, sided: int = 2, bound: bool = False
) -> Standardised:
    """d of two independent groups from the p value of their t test.

    Parameters
    ----------
    p : p value, 0 < p <= 1.
    sign : +1 or -1
        The direction, which p does not tell.
    sided : 1 or 2
        Whether p is of a one-sided or a two-sided test; a one-sided p above one half points against `sign`.
    bound : bool
        The report says "p < 0.05": the true |d| is larger than the one derived here, and the record says so.
    """
    pi, s, a, b = complete(p=p, sign=sign, n1=n1, n2=n2)
    _refuse_sign(s)
    if sided == 2:
        t = two_sided_t(pi, degrees_of_freedom(a, b))
    elif sided == 1:
        refuse((pi <= 0) | (pi >= 1), "A one-sided p value must lie between 0 and 1")
        t = -np.asarray(t_quantile(pi, degrees_of_freedom(a, b)))
    else:
        raise UnknownOption(f"A p value is one-sided (1) or two-sided (2), not {sided}-sided.")
    assumption = f"{SIGN_BY_HAND}; {P_IS_BOUND}" if bound else SIGN_BY_HAND
    how = f"t of the {'two' if sided == 2 else 'one'}-sided p, {D_OF_T}"
    return _standardised(s * t, a, b, how, {"p": pi, "sign": s}, assumption)


@np.errstate(divide="ignore", invalid="ignore")
def paired_t_to_d(t: ArrayLike, n: ArrayLike) -> Standardised:
    """Change in SDs of the change, d_z = t/√n, from a paired t test; variance of g is 1/n + g²/2n (SMCC)."""
    ti, ni = complete(t=t, n=n)
    refuse(ni < 2, "A paired test needs two people or more")
    d = ti / np.sqrt(ni)
    g = small_sample_correction(ni - 1) * d
    record = Derivation("d = t / √n", {"t": ti, "n": ni}, "", "Borenstein et al. (2009)")
    return Standardised(ti, d, g, 1 / ni + g**2 / (2 * ni), record)


def lnor_to_d(lnor: ArrayLike, vi: ArrayLike) -> Estimate:
    """Standardised difference from a log odds ratio and its variance, lnOR·√3/π (Chinn 2000)."""
    y, v = complete(lnOR=lnor, v=vi)
    return _rescaled(y, v, LOGISTIC, "d = lnOR × √3/π", "lnOR")


def d_to_lnor(d: ArrayLike, vi: ArrayLike) -> Estimate:
    """Log odds ratio from a standardised difference and its variance, d·π/√3 (Chinn 2000)."""
    y, v = complete(d=d, v=vi)
    return _rescaled(y, v, 1 / LOGISTIC, "lnOR = d × π/√3", "d")


def _rescaled(y: Array, v: Array, factor: float, how: str, name: str) -> Estimate:
    refuse(v < 0, "A sampling variance is negative", InvalidVariance)
    assumption = "the outcome behind the table is logistic and equally spread in both groups"
    record = Derivation(how, {name: y, "v": v}, assumption, "Chinn (2000), Stat Med 19:3127-3131")
    return Estimate(factor * y, factor * np.sqrt(v), record)


def _standardised(t: Array, n1: Array, n2: Array, how: str, inputs: dict[str, Array], assumption: str) -> Standardised:
    degrees_of_freedom(n1, n2)
    d = t * np.sqrt(1 / n1 + 1 / n2)
    effects = smd_from_d(d, n1, n2)
    record = Derivation(how, {**inputs, "n1": n1, "n2": n2}, assumption, "Borenstein et al. (2009)")
    return Standardised(t, d, effects.yi, effects.vi, record)


def _refuse_sign(sign: Array) -> None:
    refuse(np.abs(sign) != 1, "The sign must be +1 or -1")
