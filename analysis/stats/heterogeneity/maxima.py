"""Every local maximum of the likelihood of tau², none overlooked.

The score is gain - loss with gain = y'PPy and loss = tr P; its slope is up - down with up = tr PP and down = 2 y'PPPy
(for the full likelihood loss is Σw, up is Σw²). As dP/dtau² = -PP and P is positive semi-definite, all four fall as
tau² grows. So their values at the ends of a cell bound score and slope everywhere inside it. A cell is halved until
these bounds say that the score has one sign there, or runs one way: then its ends tell what is inside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.stats.inputs import Array
from analysis.stats.profile import Profile

HALVINGS = 20  # of a cell 0.3 wide in log(tau² + min v): a double root to one part in a million
MOST_CELLS = 400  # undecided at once; more are rounding, where weights differ by more than numbers have digits
TAU2, GAIN, LOSS, UP, DOWN = range(5)  # rows of what `look` saw


@dataclass(frozen=True, slots=True)
class Cell:
    """A stretch of tau² that holds one maximum, and a guess where."""

    low: float
    high: float
    guess: float


def look(effects: Profile, tau2: Array, *, restricted: bool) -> Array:
    """The four falling functions at T values of tau², shape (5, T)."""
    s = effects.scan(tau2)
    loss, up = (s.trP, s.trPP) if restricted else (s.sum_w, s.sum_w2)
    return np.stack([tau2, s.yPPy, loss, up, 2.0 * s.yPPPy])


def cells_with_a_maximum(effects: Profile, seen: Array, unit: float, *, restricted: bool) -> list[Cell]:
    """The cells between what was `seen`, or parts of them, in which the score falls through zero.

    Parameters
    ----------
    seen : shape (5, T), of ascending tau²
    unit : the smallest variance; cells are halved on the scale of log(tau² + unit).
    """
    low, high = seen[:, :-1], seen[:, 1:]
    found: list[Cell] = []
    for _ in range(HALVINGS):
        one_sign = (low[GAIN] < high[LOSS]) | (high[GAIN] > low[LOSS])
        one_way = (low[UP] <= high[DOWN]) | (high[UP] >= low[DOWN])
        decided = one_sign | one_way
        found += _falls(low[:, decided], high[:, decided])
        low, high = low[:, ~decided], high[:, ~decided]
        if low.size == 0 or low.shape[1] > MOST_CELLS:
            break
        middle = np.sqrt((low[TAU2] + unit) * (high[TAU2] + unit)) - unit
        between = look(effects, middle, restricted=restricted)
        low, high = np.hstack([low, between]), np.hstack([between, high])
    return found + _falls(low, high)


def _falls(low: Array, high: Array) -> list[Cell]:
    """The cells whose score is above zero at the low end and not at the high one."""
    through = np.flatnonzero((low[GAIN] > low[LOSS]) & (high[GAIN] <= high[LOSS]))
    return [_cell(low[:, i].tolist(), high[:, i].tolist()) for i in through]


def _cell(low: list[float], high: list[float]) -> Cell:
    """Guessed by a cubic through both ends, tau² as a function of the score; by the straight line where that fails."""
    above, below = low[GAIN] - low[LOSS], high[GAIN] - high[LOSS]
    share = above / (above - below)
    rest = 1.0 - share
    guess = rest * low[TAU2] + share * high[TAU2]
    starting, ending = low[UP] - low[DOWN], high[UP] - high[DOWN]
    if starting < 0.0 and ending < 0.0:
        bend = (1.0 - 2.0 * share) * (low[TAU2] - high[TAU2]) + (below - above) * (rest / starting - share / ending)
        curved = guess + share * rest * bend
        if low[TAU2] < curved < high[TAU2]:
            guess = curved
    return Cell(low[TAU2], high[TAU2], guess)
