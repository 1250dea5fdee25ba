"""Fail-safe numbers, contours of the funnel and p-curves; agreement with metafor is in test_reference.py."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from analysis.stats import bias
from analysis.stats.distributions import z_quantile, z_two_sided
from analysis.stats.inputs import Array


def sample(k: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(12)
    vi = np.exp(rng.normal(-2.5, 0.9, k))
    return 0.3 + rng.normal(0, np.sqrt(vi + 0.02)), vi


# -- fail-safe N --------------------------------------------------------------------------------------------------


def test_adding_so_many_null_trials_undoes_the_result() -> None:
    y, v = sample(12)
    z = y / np.sqrt(v)
    found = bias.rosenthal(y, v)
    critical = z_quantile(0.95)
    assert found.number > 0
    assert z.sum() / sqrt(12 + found.number) <= critical < z.sum() / sqrt(12 + found.number - 1)
    weighted = bias.rosenberg(y, v)
    w = 1 / v
    for extra, significant in ((weighted.number, False), (weighted.number - 1, True)):
        total = w.sum() + extra * w.mean()
        assert (abs(w @ y) / sqrt(total) > z_quantile(0.975)) is np.bool_(significant)
    halved = bias.orwin(y)
    assert halved.number == 12
    assert halved.target == pytest.approx(y.mean() / 2)
    assert bias.orwin(y, v, weighted=True).mean_effect == pytest.approx(w @ y / w.sum())


def test_a_result_that_is_not_significant_needs_no_trials() -> None:
    assert bias.rosenthal([0.1, -0.1], [1, 1]).number == 0
    assert bias.rosenberg([0.1, -0.1], [1, 1]).number == 0
    assert bias.orwin([0.1, 0.2], target=0.5).number == 0


def test_the_target_of_orwin_takes_the_sign_of_the_mean() -> None:
    assert bias.orwin([-0.4, -0.6, np.nan], target=0.1).target == -0.1
    assert bias.orwin([-0.4, -0.6], target=-0.1).number == 8
    assert bias.orwin([0.4, 0.6], target=0.3).number == 2  # 1.33 rounded up


# -- funnel and p-curve -------------------------------------------------------------------------------------------


def test_on_the_contour_an_effect_has_just_that_p_value() -> None:
    bands = bias.contour_bands([0.0, 0.1, 0.4], levels=[0.01, 0.10], centre=0.2)
    assert bands.levels.tolist() == [0.10, 0.01]
    assert bands.low[:, 0].tolist() == bands.high[:, 0].tolist() == [0.2, 0.2]
    for level, low, high in zip(bands.levels, bands.low, bands.high, strict=True):
        assert z_two_sided((high[2] - 0.2) / 0.4) == pytest.approx(level)
        assert z_two_sided((low[1] - 0.2) / 0.1) == pytest.approx(level)


def test_effects_are_counted_into_their_band() -> None:
    assert bias.contour_of([0.1, 1.8, 2.0, -3.0], [1, 1, 1, 1]).tolist() == [0, 1, 2, 3]


def test_a_p_curve_of_strong_effects_is_right_skewed() -> None:
    found = bias.p_curve([5.0, 4.0, 6.0, 0.1], [1, 1, 1, 1])
    assert (found.significant, found.below_half) == (3, 3)
    assert found.binomial_p == pytest.approx(1 / 8)
    assert found.stouffer_z < -3
    assert found.stouffer_p < 0.001
    hacked = bias.p_curve([1.97, 2.0, 1.98], [1, 1, 1])
    assert (hacked.below_half, hacked.binomial_p) == (0, 1.0)
    assert hacked.stouffer_p > 0.9
    assert np.isfinite(bias.p_curve([60.0], [1.0]).stouffer_z)  # a p-value below the smallest number
