"""The generalised Q statistic y'Py as a function of tau², turned round: the tau² at which it has a given value."""

from __future__ import annotations

from analysis.stats.errors import NotEstimable
from analysis.stats.profile import Profile, falling_root


def generalised_q_root(effects: Profile, target: float) -> float:
    """The tau² at which the generalised Q statistic y'Py equals `target`; 0 where it never reaches it.

    Solved on 1/Q, which is linear in tau² for equal variances.
    """
    smallest = float(effects.v.min())
    high = float(effects.y @ effects.y) / target - smallest  # y'Py <= y'y / (min v + tau²)
    if high <= 0:
        return 0.0
    if smallest > 0:
        at_zero = effects.at(0.0)
        if at_zero.yPy <= target:
            return 0.0

    def evaluate(tau2: float) -> tuple[float, float]:
        s = effects.at(tau2)
        return 1.0 / target - 1.0 / s.yPy, -s.yPPy / s.yPy**2

    low = 0.0 if smallest > 0 else 1e-12 * high
    if smallest == 0 and effects.at(low).yPy <= target:
        return 0.0
    return falling_root(evaluate, low, high * (1 + 1e-12), low, float(effects.v.mean()) * 1e-6)


def infinite_weight() -> NotEstimable:
    """The refusal where a sampling variance of zero meets tau² = 0."""
    return NotEstimable(
        "A sampling variance is zero and so is the between-study variance: that effect would have infinite weight."
    )
