"""Several groups taken together as one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.columns import complete, refuse
from analysis.stats.conversion.record import Derivation


@dataclass(frozen=True, slots=True, eq=False)
class CombinedGroup:
    """Size, mean and SD of several groups put together, as if their people had been one group."""

    n: float
    mean: float
    sd: float
    record: Derivation


def combine_groups(n: ArrayLike, mean: ArrayLike, sd: ArrayLike) -> CombinedGroup:
    """Size, mean and SD of any number of groups together.

    Parameters
    ----------
    n, mean, sd : shape (g,)
        Of each group; the people of all groups are different ones and two or more in all.

    Notes
    -----
    N = Σn; mean = Σ n·mean / N; SD = √{[Σ(n - 1)sd² + Σ n(mean_i - mean)²]/(N - 1)}, which for two groups
    is the formula of the Cochrane Handbook, Table 6.5.a. The SD holds the differences between the groups'
    means too.
    """
    sizes, means, spreads = complete(n=n, mean=mean, sd=sd)
    refuse(sizes < 1, "A group has less than one person")
    refuse(spreads < 0, "A standard deviation is negative")
    total = float(sizes.sum())
    refuse(np.array([total < 2]), "Groups to be combined need two people in all")
    centre = float(sizes @ means / total)
    squares = float((sizes - 1) @ spreads**2 + sizes @ (means - centre) ** 2)
    record = Derivation(
        "N = Σn, mean = Σ(n × mean) / N, SD = √{[Σ(n - 1)SD² + Σn(mean_i - mean)²] / (N - 1)}",
        {"n": sizes, "mean": means, "SD": spreads},
        "",
        "Cochrane Handbook 6.5.2.10",
    )
    return CombinedGroup(total, centre, (squares / (total - 1)) ** 0.5, record)
