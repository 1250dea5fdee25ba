"""Hedges' correction of the small-sample bias of a standardised mean difference."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from analysis.stats.inputs import Array, check_option

CORRECTIONS = ("exact", "approximate")


def small_sample_correction(df: ArrayLike, correction: str = "exact") -> Array:
    """The factor J(df) by which d is multiplied to give g.

    Parameters
    ----------
    df : shape (k,)
        Degrees of freedom of the standardiser, n1 + n2 - 2 for a pooled SD. J is undefined (NaN) for df <= 1.
    correction : "exact" or "approximate"
        Exact is gamma(df/2) / (sqrt(df/2) gamma((df-1)/2)); approximate is 1 - 3 / (4 df - 1), which Morris
        (2008) and many papers used and which differs in the third or fourth digit below df = 20.

    Notes
    -----
    Hedges (1981), J Educ Stat 6:107-128.
    """
    m = np.asarray(df, dtype=float)
    usable = np.where(m > 1, m, 2.0)
    if check_option(correction, CORRECTIONS, "The correction") == "exact":
        factor = np.exp(special.gammaln(usable / 2) - 0.5 * np.log(usable / 2) - special.gammaln((usable - 1) / 2))
    else:
        factor = 1 - 3 / (4 * usable - 1)
    return np.where(m > 1, factor, np.nan)
