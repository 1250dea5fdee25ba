"""Agreement of two raters on categories: percent agreement, Cohen's kappa and weighted kappa."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.stats.agreement.ratings import positions
from analysis.stats.distributions import z_quantile, z_two_sided
from analysis.stats.errors import InvalidInput, TooFewEffects
from analysis.stats.inputs import Array, check_level, check_option

WEIGHTS = ("none", "linear", "quadratic")


@dataclass(frozen=True, slots=True, eq=False)
class Kappa:
    """Agreement of two raters beyond chance.

    Attributes
    ----------
    n, omitted : units rated by both, and units left out because a rating is missing.
    percent_agreement : share of units on which the raters agree exactly, 0 to 1.
    kappa : None where it is undefined because chance alone would agree on everything.
    se, ci_low, ci_high : standard error and interval that let kappa be what it is; None where kappa is.
    se_null, z, p : standard error under kappa = 0 and the test of it; None where that error is zero.
    kappa_max : largest kappa that the raters' own totals allow.
    table : shape (q, q), units by category of the first rater (rows) and of the second.
    """

    n: int
    omitted: int
    percent_agreement: float
    kappa: float | None
    se: float | None
    ci_low: float | None
    ci_high: float | None
    se_null: float | None
    z: float | None
    p: float | None
    kappa_max: float | None
    table: Array


def cohen_kappa(
    rater1: Sequence[Hashable | None],
    rater2: Sequence[Hashable | None],
    categories: Sequence[Hashable] | None = None,
    *,
    weights: str = "none",
    level: float = 0.95,
) -> Kappa:
    """Cohen's kappa of two raters, plain or weighted.

    Parameters
    ----------
    rater1, rater2 : n ratings each; None is missing.
    categories : the categories in their order
        Needed for weights, because the order decides how bad a disagreement is; without weights, those that
        were used.
    weights : "none", "linear" or "quadratic"
        Credit for a disagreement j - i steps apart among q categories: none; 1 - |j - i|/(q - 1); the square.

    Raises
    ------
    InvalidInput
        If lengths differ, a rating is of no declared category, or weights come without categories.
    TooFewEffects
        If no unit was rated by both.

    Notes
    -----
    Cohen (1960, 1968). The interval has the standard error of Fleiss, Cohen & Everitt (1969), Psychol Bull
    72:323-327, which does not suppose kappa = 0; the test has the one that does.
    """
    check_option(weights, WEIGHTS, "The kind of weights")
    z = z_quantile((1 + check_level(level)) / 2)
    if categories is None and weights != "none":
        raise InvalidInput("Weighted kappa needs the categories in their declared order.")
    coded, known = positions([rater1, rater2], categories)
    both = (coded >= 0).all(axis=0)
    n, q = int(both.sum()), len(known)
    if n == 0:
        raise TooFewEffects("Agreement needs a unit that both raters rated; there is none.")
    table = np.bincount(coded[0, both] * q + coded[1, both], minlength=q * q).reshape(q, q).astype(float)
    p = table / n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    credit = _credit(q, weights)
    expected = float(rows @ credit @ columns)
    exact = float(np.trace(table)) / n  # of whole numbers: all of n is 1 and not a hair less
    if expected >= 1.0:
        return Kappa(n, both.size - n, exact, None, None, None, None, None, None, None, None, table)
    kappa = (float((credit * p).sum()) - expected) / (1 - expected)
    typical = (credit @ columns)[:, None] + (rows @ credit)[None, :]  # credit a chance partner would give
    scale = n * (1 - expected) ** 2
    spread = float((p * (credit - typical * (1 - kappa)) ** 2).sum()) - (kappa - expected * (1 - kappa)) ** 2
    chance = float((np.outer(rows, columns) * (credit - typical) ** 2).sum()) - expected**2
    se, se_null = np.sqrt(max(spread, 0.0) / scale), np.sqrt(max(chance, 0.0) / scale)
    tested = bool(se_null > 0)
    return Kappa(
        n=n,
        omitted=both.size - n,
        percent_agreement=exact,
        kappa=kappa,
        se=float(se),
        ci_low=kappa - z * float(se),
        ci_high=kappa + z * float(se),
        se_null=float(se_null) if tested else None,
        z=kappa / float(se_null) if tested else None,
        p=z_two_sided(kappa / se_null) if tested else None,
        kappa_max=_largest(rows, columns, credit, expected),
        table=table,
    )


def _credit(q: int, weights: str) -> Array:
    if weights == "none" or q == 1:
        return np.eye(q)
    steps = np.abs(np.subtract.outer(np.arange(q), np.arange(q))) / (q - 1)
    return 1 - steps if weights == "linear" else 1 - steps**2


def _largest(rows: Array, columns: Array, credit: Array, expected: float) -> float:
    """Kappa if the raters agreed as far as their own totals let them: both put in order and matched.

    For plain kappa the best match fills the diagonal; for convex costs of disagreement (linear, quadratic) it
    pairs the k-th lowest rating of one with the k-th lowest of the other.
    """
    if np.count_nonzero(credit) == credit.shape[0]:
        best = float(np.minimum(rows, columns).sum())
    else:
        cumulative = np.unique(np.concatenate([np.cumsum(rows), np.cumsum(columns)]).round(12))
        mass = np.diff(cumulative, prepend=0.0)
        middle = cumulative - mass / 2
        pairs = (np.searchsorted(np.cumsum(side), middle) for side in (rows, columns))
        i, j = (np.minimum(found, rows.size - 1) for found in pairs)
        best = float(mass @ credit[i, j])
    return (best - expected) / (1 - expected)
