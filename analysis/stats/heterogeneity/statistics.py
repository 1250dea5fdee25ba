"""Q, I² and H². Sources: Cochran 1954; Higgins & Thompson 2002."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.stats import distributions
from analysis.stats.profile import Profile


@dataclass(frozen=True)
class Heterogeneity:
    """How far the effects differ beyond sampling error.

    Attributes
    ----------
    Q, Q_df, Q_p : Cochran's Q (residual Q with moderators) with its df and p; None with a zero variance.
    I2 : share of total variance that lies between studies, percent.
    H2 : total over sampling variance.
    typical_variance : the "typical" sampling variance of Higgins & Thompson (2002), (k - p) / tr P₀.
    """

    Q: float | None
    Q_df: int
    Q_p: float | None
    I2: float | None
    H2: float | None
    typical_variance: float | None


def heterogeneity(effects: Profile, tau2: float, method: str) -> Heterogeneity:
    """Q, I² and H² of a model with `tau2`.

    I² = 100 tau² / (tau² + typical variance), so it is (Q - df)/Q only where tau² is the DerSimonian-Laird
    estimate; the common-effect model, without a tau², uses (Q - df)/Q.
    """
    k, p = effects.y.size, effects.p
    if k <= p:
        return Heterogeneity(0.0, k - p, 1.0, 0.0, 1.0, 0.0)
    if effects.v.min() == 0.0:
        return Heterogeneity(None, k - p, None, None, None, None)
    zero = effects.at(0.0)
    q = max(0.0, zero.yPy)
    typical = (k - p) / zero.trP
    if method == "EE":
        i2 = max(0.0, 100.0 * (q - (k - p)) / q) if q > 0 else 0.0
        h2 = q / (k - p)
    else:
        i2, h2 = 100.0 * tau2 / (tau2 + typical), tau2 / typical + 1.0
    return Heterogeneity(q, k - p, distributions.chi2_tail(q, k - p), i2, h2, typical)
