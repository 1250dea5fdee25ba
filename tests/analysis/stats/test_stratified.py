"""Mantel-Haenszel and Peto."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.stats.errors import InvalidInput, NotEstimable, TooFewEffects, UnknownOption
from analysis.stats.stratified import mantel_haenszel, peto

TABLES = ([4, 6, 3, 62], [119, 300, 228, 13536], [11, 29, 11, 248], [128, 274, 209, 12619])


def test_one_table_gives_its_own_odds_ratio_risk_ratio_and_difference():
    a, b, c, d = 12, 88, 20, 80
    assert mantel_haenszel([a], [b], [c], [d]).estimate == pytest.approx(np.log(a * d / (b * c)))
    assert mantel_haenszel([a], [b], [c], [d], measure="RR").estimate == pytest.approx(np.log(12 / 20))
    assert mantel_haenszel([a], [b], [c], [d], measure="RD").estimate == pytest.approx(-0.08)
    # with the usual standard errors
    assert mantel_haenszel([a], [b], [c], [d]).se == pytest.approx(np.sqrt(1 / a + 1 / b + 1 / c + 1 / d))
    assert mantel_haenszel([a], [b], [c], [d], measure="RR").se == pytest.approx(
        np.sqrt(1 / a - 1 / 100 + 1 / c - 1 / 100)
    )
    alone = mantel_haenszel([a], [b], [c], [d])
    assert (alone.Q, alone.Q_df, alone.Q_p, alone.I2) == (0.0, 0, 1.0, 0.0)


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_swapping_the_groups_turns_the_sign(measure):
    a, b, c, d = TABLES
    one, other = mantel_haenszel(a, b, c, d, measure=measure), mantel_haenszel(c, d, a, b, measure=measure)
    assert other.estimate == pytest.approx(-one.estimate)
    assert other.se == pytest.approx(one.se)
    assert other.ci_low == pytest.approx(-one.ci_high)
    assert peto(c, d, a, b).estimate == pytest.approx(-peto(a, b, c, d).estimate)


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_repeating_every_table_halves_the_variance(measure):
    tables = [np.array(cells) for cells in TABLES]
    once = mantel_haenszel(*tables, measure=measure)
    twice = mantel_haenszel(*(np.tile(cells, 2) for cells in tables), measure=measure)
    assert twice.estimate == pytest.approx(once.estimate)
    assert twice.se == pytest.approx(once.se / np.sqrt(2))


def test_tables_without_events_say_nothing_about_a_ratio():
    a, b, c, d = (list(cells) for cells in TABLES)
    plus = [[*cells, extra] for cells, extra in zip((a, b, c, d), (0, 50, 0, 60), strict=True)]
    one, other = mantel_haenszel(a, b, c, d), mantel_haenszel(*plus)
    assert other.estimate == pytest.approx(one.estimate)
    assert other.Q == pytest.approx(one.Q)
    assert (other.k, other.Q_df) == (5, 3)
    assert peto(*plus).Q_df == 3


def test_a_table_with_a_missing_cell_is_left_out():
    a, b, c, d = (list(map(float, cells)) for cells in TABLES)
    a[1] = float("nan")
    found = mantel_haenszel(a, b, c, d)
    assert (found.k, found.omitted) == (3, (1,))


def test_the_test_of_association_comes_with_the_odds_ratio_alone():
    # given also tables of one person a group
    found = mantel_haenszel([1, 0], [0, 1], [0, 1], [1, 0])
    assert found.association is not None
    one_each = mantel_haenszel([5, 5], [5, 5], [5, 5], [5, 5])
    assert one_each.estimate == pytest.approx(0.0)
    assert one_each.association_p is not None
    assert mantel_haenszel([5], [5], [5], [5], measure="RD").association is None


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: mantel_haenszel([0], [10], [5], [5]), NotEstimable, "odds ratio is zero or infinite"),
        (lambda: mantel_haenszel([0], [10], [5], [5], measure="RR"), NotEstimable, "risk ratio is zero"),
        (lambda: mantel_haenszel([10], [0], [5], [0], measure="RR"), NotEstimable, "Everybody had the event"),
        (lambda: mantel_haenszel([0], [10], [0], [5], measure="RD"), NotEstimable, "Nobody or everybody"),
        (lambda: peto([0], [10], [0], [5]), NotEstimable, "Peto"),
        (lambda: mantel_haenszel([1], [1], [1], [1], measure="IRR"), UnknownOption, "OR, RR, RD"),
        (lambda: mantel_haenszel([-1], [1], [1], [1]), InvalidInput, "negative"),
        (lambda: mantel_haenszel([0], [0], [1], [1]), InvalidInput, "no persons"),
        (lambda: mantel_haenszel([float("nan")], [1], [1], [1]), TooFewEffects, "no complete"),
        (lambda: mantel_haenszel([1], [1], [1], [1], level=2), InvalidInput, "level"),
        (lambda: peto([1], [1], [1], [1], level=2), InvalidInput, "level"),
    ],
)
def test_tables_that_say_nothing_are_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
