"""Variance components that maximise a likelihood: average-information steps that respect zero."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.stats.errors import NotConverged
from analysis.stats.inputs import Array
from analysis.stats.multilevel.likelihood import Likelihood, State

ERROR_TOLERANCE = 1e-9  # of the largest component: what is left to the limit, from the rate of convergence
MAX_STEPS = 200
MAX_HALVINGS = 30
ROUNDING, RELATIVE_ROUNDING = 1e-10, 1e-12  # by which rounding may lower a log-likelihood
FARTHEST = 10.0  # times the total variation, beyond which no variance component lies


def maximise(likelihood: Likelihood, start: Array, fixed: NDArray[np.bool_] | None = None) -> State:
    """The maximum over non-negative variance components, from `start`.

    A component at zero whose slope points below zero is held there; a step that would cross zero stops
    on it and is solved again for the others (halving such a step would stall). Steps that lower the likelihood
    are halved.

    Parameters
    ----------
    start : shape (r,), >= 0
    fixed : shape (r,)
        Components that keep their start value.

    Raises
    ------
    NotConverged
    """
    state = likelihood.at(start)
    movable = np.ones(start.size, dtype=bool) if fixed is None else ~fixed
    before = float(np.finfo(float).tiny)
    farthest = FARTHEST * (float(likelihood.y @ likelihood.y) + float(start.max()))
    for _ in range(MAX_STEPS):
        theta, score = state.theta, state.score
        free = movable & ~((theta <= 0.0) & (score <= 0.0))
        if not free.any():
            return state
        target = np.minimum(_bounded_step(state, free), farthest)
        new = _not_worse(likelihood, state, target)
        moved = float(np.abs(new.theta - theta).max())
        state = new
        # the steps shrink by a constant rate, so the rest of the way is a geometric series
        rate = min(moved / before, 0.5)
        if moved * rate / (1.0 - rate) <= ERROR_TOLERANCE * max(float(state.theta.max()), 1e-300):
            return state
        before = moved
    raise NotConverged(f"The variance components did not converge in {MAX_STEPS} steps.")


def _bounded_step(state: State, free: NDArray[np.bool_]) -> Array:
    """Where an average-information step of the free components leads, not below zero."""
    theta, score, information = state.theta, state.score, state.information
    if not information.any():  # the effects are fitted exactly: no variance is the most likely
        return np.where(free, 0.0, theta)
    least = 1e-12 * float(np.trace(information))
    target = theta.copy()
    while free.any():
        held = ~free
        # the linear system for the free ones, given what the held ones have moved already
        rhs = score[free] - information[np.ix_(free, held)] @ (target[held] - theta[held])
        target[free] = theta[free] + _solve(information[np.ix_(free, free)], rhs, least)
        below = free & (target < 0.0)
        if not below.any():
            return target
        target[below] = 0.0
        free = free & ~below
    return target


def _solve(information: Array, rhs: Array, least: float) -> Array:
    """The step, where nothing is known of a direction (below `least`) a long one."""
    values, vectors = np.linalg.eigh(information)
    step: Array = vectors @ ((vectors.T @ rhs) / np.maximum(values, least))
    return step


def _not_worse(likelihood: Likelihood, state: State, target: Array) -> State:
    """The state at `target`, or nearer to the old one where the likelihood fell."""
    slack = ROUNDING + RELATIVE_ROUNDING * abs(state.loglik)
    for _ in range(MAX_HALVINGS):
        new = likelihood.at(target)
        if new.loglik >= state.loglik - slack:
            return new
        target = 0.5 * (target + state.theta)
    raise NotConverged("The likelihood falls in the direction in which it should rise.")
