"""Agreement of any number of raters on categories, with missing ratings: Fleiss' kappa and Gwet's AC1.

Both are (p_a - p_e)/(1 - p_e) with the same agreement p_a and a different chance p_e, and both take the
standard error of Gwet's linearisation over the units (Gwet 2014, Handbook of Inter-Rater Reliability, 4th
ed.), which counts units as the sample.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.stats.agreement.ratings import counts, positions
from analysis.stats.distributions import t_quantile
from analysis.stats.errors import TooFewEffects
from analysis.stats.inputs import Array, check_level


@dataclass(frozen=True, slots=True, eq=False)
class ChanceCorrected:
    """An agreement coefficient corrected for chance.

    Attributes
    ----------
    units, compared : units with a rating, and of these units with two or more.
    agreement : share of pairs of ratings of a unit that agree, p_a.
    by_chance : share that would agree by chance, p_e.
    value : the coefficient; None where chance alone would agree on everything.
    se, ci_low, ci_high : standard error over units and t interval with units - 1 df; None where undefined.
    """

    units: int
    compared: int
    agreement: float
    by_chance: float
    value: float | None
    se: float | None
    ci_low: float | None
    ci_high: float | None


def gwet_ac1(
    raters: Sequence[Sequence[Hashable | None]],
    categories: Sequence[Hashable] | None = None,
    *,
    level: float = 0.95,
) -> ChanceCorrected:
    """Gwet's AC1: agreement corrected for the chance that hard units are rated at random.

    Parameters
    ----------
    raters : shape (r, n)
        The ratings of each rater; None is missing.
    categories : the declared categories
        Their number matters for chance, so declare those that nobody used too; by default those that were
        used.

    Notes
    -----
    p_e = Σ π(1 - π)/(q - 1); Gwet (2008), Br J Math Stat Psychol 61:29-48. Unlike kappa it does not
    collapse where nearly everything falls into one category.
    """

    def chance(share: Array, pi: Array) -> tuple[float, Array]:
        possible = max(pi.size - 1, 1)
        by_unit = share @ (1 - pi) / possible
        return (float(pi @ (1 - pi)) / possible, by_unit) if pi.size > 1 else (1.0, by_unit)

    return _chance_corrected(raters, categories, level, chance)


def fleiss_kappa(
    raters: Sequence[Sequence[Hashable | None]],
    categories: Sequence[Hashable] | None = None,
    *,
    level: float = 0.95,
) -> ChanceCorrected:
    """Fleiss' kappa of several raters, who need not be the same ones for each unit.

    Parameters
    ----------
    raters : shape (r, n)
        The ratings of each rater; None is missing.

    Notes
    -----
    p_e = Σ π²; Fleiss (1971), Psychol Bull 76:378-382; with missing ratings as Gwet (2014) extends it.
    """
    return _chance_corrected(raters, categories, level, lambda share, pi: (float(pi @ pi), share @ pi))


def _chance_corrected(
    raters: Sequence[Sequence[Hashable | None]],
    categories: Sequence[Hashable] | None,
    level: float,
    chance: Callable[[Array, Array], tuple[float, Array]],
) -> ChanceCorrected:
    check_level(level)
    coded, known = positions(raters, categories)
    table = counts(coded, len(known))
    table = table[table.sum(axis=1) > 0]
    ratings = table.sum(axis=1)
    several = ratings >= 2
    n, compared = len(table), int(several.sum())
    if compared == 0:
        raise TooFewEffects("Agreement needs a unit with two ratings; there is none.")
    pairs = np.where(several, ratings * (ratings - 1), 1.0)
    agreeing = (table * (table - 1)).sum(axis=1) / pairs
    agreement = float(agreeing.sum()) / compared
    share = table / ratings[:, None]
    by_chance, chance_of_unit = chance(share, share.mean(axis=0))
    if by_chance >= 1.0:
        return ChanceCorrected(n, compared, agreement, by_chance, None, None, None, None)
    value = (agreement - by_chance) / (1 - by_chance)
    if n < 2:
        return ChanceCorrected(n, compared, agreement, by_chance, value, None, None, None)
    own = np.where(several, n / compared * (agreeing - by_chance) / (1 - by_chance), 0.0)
    linear = own - 2 * (1 - value) * (chance_of_unit - by_chance) / (1 - by_chance)
    se = float(np.sqrt(((linear - value) ** 2).sum() / (n * (n - 1))))
    half = t_quantile((1 + level) / 2, n - 1) * se
    return ChanceCorrected(n, compared, agreement, by_chance, value, se, value - half, value + half)
