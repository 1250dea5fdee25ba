"""The (restricted) likelihood of tau² and its global optimum.

Every cell of tau² that can hold a maximum is found (`maxima`), each maximum is polished by safeguarded Newton steps,
and the likelihoods are compared, with that of tau² = 0 too. So REML and ML have one answer, also where Fisher
scoring runs in a circle. Sources: Viechtbauer 2005; Harville 1977.
"""

from __future__ import annotations

from math import log, pi, sqrt

import numpy as np

from analysis.stats.heterogeneity.generalised_q import infinite_weight
from analysis.stats.heterogeneity.maxima import GAIN, LOSS, cells_with_a_maximum, look
from analysis.stats.profile import Profile, Sums, falling_root, grid


def log_likelihood(effects: Profile, sums: Sums, *, restricted: bool) -> float:
    """Log-likelihood at `sums.tau2`, with ½ log|X'X| in the restricted one."""
    k, p = effects.y.size, effects.p
    fit = -0.5 * float(np.log(effects.v + sums.tau2).sum()) - 0.5 * sums.yPy
    if not restricted:
        return fit - 0.5 * k * log(2.0 * pi)
    return fit - 0.5 * (k - p) * log(2.0 * pi) - 0.5 * sums.logdet


def score_and_slope(sums: Sums, restricted: bool) -> tuple[float, float]:
    """Twice the derivative of the log-likelihood in tau², and twice the second derivative."""
    if restricted:
        return sums.yPPy - sums.trP, sums.trPP - 2.0 * sums.yPPPy
    return sums.yPPy - sums.sum_w, sums.sum_w2 - 2.0 * sums.yPPPy


def likelihood_optimum(effects: Profile, *, restricted: bool) -> tuple[float, Sums]:
    """The global maximum of the (restricted) likelihood over tau² >= 0, and the sums there."""
    v = effects.v
    df = effects.y.size - (effects.p if restricted else 0)
    spread = float(effects.y @ effects.y) / df
    least, most = float(v.min()), float(v.max())
    # beyond `upper` the score is negative: y'PPy <= y'y / (least + t)² and tr P >= df / (most + t)
    half = 0.5 * spread - least
    upper = half + sqrt(max(0.0, half * half - least * least + spread * most))
    if upper <= 0.0 or spread == 0.0:
        if least == 0.0:
            raise infinite_weight()
        return 0.0, effects.at(0.0)
    points = grid(v, upper)
    seen = look(effects, points, restricted=restricted)
    seen[GAIN, -1] = min(seen[GAIN, -1], seen[LOSS, -1])  # as proven, whatever the rounding
    candidates = [0.0] if seen[GAIN, 0] <= seen[LOSS, 0] else []

    def evaluate(tau2: float) -> tuple[float, float]:
        return score_and_slope(effects.at(tau2), restricted)

    cells = cells_with_a_maximum(effects, seen, least, restricted=restricted)
    candidates += [falling_root(evaluate, cell.low, cell.high, cell.guess, least) for cell in cells]
    if len(candidates) > 1:
        if least == 0.0 and candidates[0] == 0.0:
            candidates[0] = float(points[0])
        fits = [effects.at(tau2) for tau2 in candidates]
        best = max(fits, key=lambda s: log_likelihood(effects, s, restricted=restricted))
    else:
        best = effects.at(candidates[0] if candidates[0] or least else float(points[0]))
    if least == 0.0 and best.tau2 == points[0]:
        raise infinite_weight()
    return best.tau2, best
