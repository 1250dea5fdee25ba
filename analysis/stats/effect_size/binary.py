"""Effects from two-by-two tables and from event rates.

A table's row is a trial: `a` with and `b` without the event in group 1 (treatment), `c` and `d` in group 2
(control).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analysis.stats.columns import Column, Mask, columns, refuse
from analysis.stats.effect_size.result import Cause, EffectSizes, effect_sizes
from analysis.stats.effect_size.two_groups import undefined_rows_stay_silent, weighted_mean
from analysis.stats.inputs import Array, check_option

EMPTY_CELL = "a cell is zero and no correction was asked for"
NO_EVENTS = "no events in either group, and such rows were to be dropped"
ADD_TO = ("only0", "all", "if0all", "none")


@dataclass(frozen=True, slots=True)
class ZeroCells:
    """What is done about zero cells: `add` to the cells of the rows that `to` names.

    Attributes
    ----------
    add : float
        The amount, a half by default.
    to : "only0", "all", "if0all" or "none"
        The rows with a zero cell alone (the default: the other rows need no correction); every row; every
        row if any row has a zero cell; no row.
    drop_double_zero : bool
        Make rows without (or with only) events in both groups null: they say nothing about a ratio.
    """

    add: float = 0.5
    to: str = "only0"
    drop_double_zero: bool = False

    def rows(self, has_zero: Mask) -> Mask:
        """Which rows get the correction, given those with a zero."""
        match check_option(self.to, ADD_TO, "The choice of rows to correct"):
            case "only0":
                return has_zero
            case "all":
                return np.ones_like(has_zero)
            case "if0all":
                return np.full_like(has_zero, has_zero.any())
            case _:
                return np.zeros_like(has_zero)


HALF_TO_ROWS_WITH_ZERO = ZeroCells()
NOTHING_ADDED = ZeroCells(to="none")


@dataclass(frozen=True, slots=True, eq=False)
class _Tables:
    """Two-by-two tables after the correction of zero cells, with the risks that follow from them."""

    a: Array
    b: Array
    c: Array
    d: Array
    given: tuple[Array, ...]
    causes: list[Cause]

    @property
    def n1(self) -> Array:
        return self.a + self.b

    @property
    def n2(self) -> Array:
        return self.c + self.d

    @property
    def p1(self) -> Array:
        return self.a / self.n1

    @property
    def p2(self) -> Array:
        return self.c / self.n2


def _tables(a: Column, b: Column, c: Column, d: Column, zero_cells: ZeroCells) -> _Tables:
    given = columns(a=a, b=b, c=c, d=d)
    refuse(np.column_stack([cell < 0 for cell in given]).any(axis=1), "A count is negative")
    cells = np.column_stack(given)
    one_sided = ((cells[:, 0] == 0) & (cells[:, 2] == 0)) | ((cells[:, 1] == 0) & (cells[:, 3] == 0))
    if zero_cells.drop_double_zero:
        cells = np.where(one_sided[:, None], np.nan, cells)
    add = np.where(zero_cells.rows((cells == 0).any(axis=1)), zero_cells.add, 0.0)
    filled = cells + add[:, None]
    causes = [(np.isnan(filled).any(axis=1), NO_EVENTS), ((filled == 0).any(axis=1), EMPTY_CELL)]
    return _Tables(filled[:, 0], filled[:, 1], filled[:, 2], filled[:, 3], given, causes)


@undefined_rows_stay_silent
def lnor(a: Column, b: Column, c: Column, d: Column, *, zero_cells: ZeroCells = HALF_TO_ROWS_WITH_ZERO) -> EffectSizes:
    """Log odds ratio, variance 1/a + 1/b + 1/c + 1/d (Woolf)."""
    t = _tables(a, b, c, d, zero_cells)
    return effect_sizes("OR", np.log(t.a / t.b) - np.log(t.c / t.d), _woolf(t), t.given, t.causes)


@undefined_rows_stay_silent
def lnrisk(
    a: Column, b: Column, c: Column, d: Column, *, zero_cells: ZeroCells = HALF_TO_ROWS_WITH_ZERO
) -> EffectSizes:
    """Log risk ratio, variance 1/a - 1/n1 + 1/c - 1/n2; corrected cells count in n1 and n2 as well."""
    t = _tables(a, b, c, d, zero_cells)
    vi = 1 / t.a - 1 / t.n1 + 1 / t.c - 1 / t.n2
    return effect_sizes("RR", np.log(t.p1) - np.log(t.p2), vi, t.given, t.causes)


@undefined_rows_stay_silent
def risk_difference(
    a: Column,
    b: Column,
    c: Column,
    d: Column,
    *,
    variance: str = "LS",
    zero_cells: ZeroCells = HALF_TO_ROWS_WITH_ZERO,
) -> EffectSizes:
    """Difference of risks p1 - p2.

    Parameters
    ----------
    variance : "LS", "UB" or "AV"
        LS: p1 q1/n1 + p2 q2/n2; UB divides by n - 1; AV puts the n-weighted mean risk of each group over
        all rows in the place of the row's own.
    """
    t = _tables(a, b, c, d, zero_cells)
    match check_option(variance, ("LS", "UB", "AV"), "The variance"):
        case "LS":
            vi = t.p1 * (1 - t.p1) / t.n1 + t.p2 * (1 - t.p2) / t.n2
        case "UB":
            vi = t.p1 * (1 - t.p1) / (t.n1 - 1) + t.p2 * (1 - t.p2) / (t.n2 - 1)
        case _:
            p1, p2 = weighted_mean(t.p1, t.n1), weighted_mean(t.p2, t.n2)
            vi = p1 * (1 - p1) / t.n1 + p2 * (1 - p2) / t.n2
    return effect_sizes("RD", t.p1 - t.p2, vi, t.given, t.causes)


@undefined_rows_stay_silent
def peto_lnor(
    a: Column, b: Column, c: Column, d: Column, *, zero_cells: ZeroCells = HALF_TO_ROWS_WITH_ZERO
) -> EffectSizes:
    """Peto's one-step log odds ratio (a - E)/V with variance 1/V, V the hypergeometric variance.

    Notes
    -----
    Yusuf et al. (1985), Prog Cardiovasc Dis 27:335-371. metafor's `escalc` adds a half to rows with a zero
    cell and so does this by default; its `rma.peto` adds nothing: pass ``ZeroCells(to="none")`` to get the
    effects that it pools.
    """
    t = _tables(a, b, c, d, zero_cells)
    total, events, others = t.n1 + t.n2, t.a + t.c, t.b + t.d
    hypergeometric = events * others * (t.n1 / total) * (t.n2 / total) / (total - 1)
    yi = (t.a - events * t.n1 / total) / hypergeometric
    return effect_sizes("PETO", yi, 1 / hypergeometric, t.given, t.causes)


@undefined_rows_stay_silent
def arcsine_difference(
    a: Column, b: Column, c: Column, d: Column, *, zero_cells: ZeroCells = NOTHING_ADDED
) -> EffectSizes:
    """Difference of arcsine-transformed risks (AS), variance 1/4n1 + 1/4n2 (Ruecker et al. 2009).

    It is defined with zero cells, so by default, as in `escalc`, nothing is added to any row.
    """
    t = _tables(a, b, c, d, zero_cells)
    yi = np.arcsin(np.sqrt(t.p1)) - np.arcsin(np.sqrt(t.p2))
    return effect_sizes("AS", yi, 1 / (4 * t.n1) + 1 / (4 * t.n2), t.given, t.causes)


@undefined_rows_stay_silent
def or_to_d(
    a: Column, b: Column, c: Column, d: Column, *, zero_cells: ZeroCells = HALF_TO_ROWS_WITH_ZERO
) -> EffectSizes:
    """Standardised mean difference implied by a two-by-two table, lnOR·√3/π (OR2DL), Chinn (2000)."""
    t = _tables(a, b, c, d, zero_cells)
    factor = math.sqrt(3) / math.pi
    yi = factor * (np.log(t.a / t.b) - np.log(t.c / t.d))
    return effect_sizes("OR2DL", yi, factor**2 * _woolf(t), t.given, t.causes)


@undefined_rows_stay_silent
def lnirr(
    events1: Column,
    events2: Column,
    time1: Column,
    time2: Column,
    *,
    zero_cells: ZeroCells = HALF_TO_ROWS_WITH_ZERO,
) -> EffectSizes:
    """Log incidence rate ratio from events and person-time of two groups, variance 1/x1 + 1/x2."""
    given = columns(events1=events1, events2=events2, time1=time1, time2=time2)
    x1, x2, t1, t2 = given
    refuse((x1 < 0) | (x2 < 0), "A count is negative")
    refuse((t1 <= 0) | (t2 <= 0), "A person-time is not above zero")
    dropped = (x1 == 0) & (x2 == 0) & zero_cells.drop_double_zero
    x1, x2 = np.where(dropped, np.nan, x1), np.where(dropped, np.nan, x2)
    add = np.where(zero_cells.rows((x1 == 0) | (x2 == 0)), zero_cells.add, 0.0)
    x1, x2 = x1 + add, x2 + add
    causes = [(dropped, NO_EVENTS), ((x1 == 0) | (x2 == 0), EMPTY_CELL)]
    return effect_sizes("IRR", np.log(x1 / t1) - np.log(x2 / t2), 1 / x1 + 1 / x2, given, causes)


def _woolf(t: _Tables) -> Array:
    return 1 / t.a + 1 / t.b + 1 / t.c + 1 / t.d
