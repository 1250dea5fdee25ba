"""Covariances of the arms of one trial that share a control group, and of endpoints of the same people.

Each function takes the arms of one trial, shape (a,), and its one control group, and returns the covariance
matrix of the a effects, shape (a, a).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.columns import complete, refuse
from analysis.stats.errors import InvalidInput
from analysis.stats.inputs import Array


def smd(d: ArrayLike, n_arms: ArrayLike, n_control: float) -> Array:
    """Of standardised mean differences against one control, 1/n_C + d_i d_j/2N off the diagonal.

    Notes
    -----
    N counts the people of all arms and the control, whose SDs are pooled together; Gleser & Olkin (2009),
    in The Handbook of Research Synthesis and Meta-Analysis, 2nd ed., 357-376.
    """
    di, n = complete(d=d, n_arms=n_arms)
    shared = 1 / _size(n_control)
    _refuse_empty(n)
    covariance: Array = np.diag(1 / n) + shared + np.outer(di, di) / (2 * (n.sum() + n_control))
    return covariance


def md(sd_arms: ArrayLike, n_arms: ArrayLike, sd_control: float, n_control: float) -> Array:
    """Of mean differences against one control, which share its sampling variance sd_C²/n_C."""
    sd, n = complete(sd_arms=sd_arms, n_arms=n_arms)
    _refuse_empty(n)
    refuse(np.append(sd, sd_control) < 0, "A standard deviation is negative")
    return np.diag(sd**2 / n) + sd_control**2 / _size(n_control)


def lnrr(
    m_arms: ArrayLike,
    sd_arms: ArrayLike,
    n_arms: ArrayLike,
    m_control: float,
    sd_control: float,
    n_control: float,
) -> Array:
    """Of log ratios of means against one control, which share sd_C²/(n_C m_C²).

    Notes
    -----
    Lajeunesse (2011), Ecology 92:2049-2055.
    """
    m, sd, n = complete(m_arms=m_arms, sd_arms=sd_arms, n_arms=n_arms)
    refuse(np.append(m, m_control) == 0, "A mean of zero has no ratio")
    return md(sd / m, n, sd_control / m_control, n_control)


def lnor(events: ArrayLike, n_arms: ArrayLike, events_control: float, n_control: float) -> Array:
    """Of log odds ratios against one control, which share 1/c + 1/d of its table."""
    own, shared = _binary(events, n_arms, events_control, n_control, lambda e, n: 1 / e + 1 / (n - e))
    return np.diag(own) + shared


def lnrisk(events: ArrayLike, n_arms: ArrayLike, events_control: float, n_control: float) -> Array:
    """Of log risk ratios against one control, which share 1/c - 1/n_C."""
    own, shared = _binary(events, n_arms, events_control, n_control, lambda e, n: 1 / e - 1 / n)
    return np.diag(own) + shared


def risk_difference(events: ArrayLike, n_arms: ArrayLike, events_control: float, n_control: float) -> Array:
    """Of risk differences against one control, which share p_C q_C/n_C."""
    own, shared = _binary(events, n_arms, events_control, n_control, lambda e, n: e * (n - e) / n**3)
    return np.diag(own) + shared


def endpoints_smd(d1: ArrayLike, d2: ArrayLike, n1: ArrayLike, n2: ArrayLike, rho: ArrayLike) -> Array:
    """Covariance of the standardised differences of two endpoints of the same people, shape (k,).

    ρ(1/n1 + 1/n2) + ρ² d1 d2/2N, with ρ the correlation of the endpoints within groups (Gleser & Olkin 2009).
    """
    a, b, na, nb, r = complete(d1=d1, d2=d2, n1=n1, n2=n2, rho=rho)
    _refuse_empty(np.minimum(na, nb))
    refuse(np.abs(r) > 1, "A correlation lies outside -1 to 1")
    return r * (1 / na + 1 / nb) + r**2 * a * b / (2 * (na + nb))


def split_control(n_control: float, arms: int) -> float:
    """People per comparison when a shared control is divided among `arms` comparisons.

    Means and SDs stay (Cochrane Handbook 23.3.4); the events of a binary outcome are divided like the
    people. The other way out, to merge the arms, is `conversion.combine_groups`.
    """
    if arms < 1:
        raise InvalidInput(f"A control group is shared by one arm or more, not by {arms}.")
    return _size(n_control) / arms


def _binary(
    events: ArrayLike,
    n_arms: ArrayLike,
    events_control: float,
    n_control: float,
    variance: Callable[[Array, Array], Array],
) -> tuple[Array, float]:
    e, n = complete(events=events, n_arms=n_arms)
    e, n = np.append(e, events_control), np.append(n, n_control)
    refuse((e <= 0) | (e >= n), "Every arm needs events and people without; correct zero cells first")
    each = variance(e, n)
    return each[:-1], float(each[-1])


def _size(n: float) -> float:
    _refuse_empty(np.array([n]))
    return float(n)


def _refuse_empty(n: Array) -> None:
    refuse(n < 1, "A group has less than one person")
