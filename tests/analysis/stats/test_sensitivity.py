"""Sweeps over assumed correlations: the same numbers as one fit each, from less work."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.stats.errors import InvalidInput, TooFewClusters
from analysis.stats.multilevel import che
from analysis.stats.robust import robu, sandwich
from analysis.stats.robust.correlated import ClusteredDesign
from analysis.stats.sensitivity import RHOS, che_sweep, correlated_effects_surface

RANDOM = np.random.default_rng(41)
CLUSTER = np.repeat(np.arange(10), 3)
K = CLUSTER.size
V = RANDOM.uniform(0.05, 0.2, K)
Y = 0.3 + 0.3 * RANDOM.normal(size=10)[CLUSTER] + np.sqrt(V) * RANDOM.normal(size=K)
X = np.column_stack([np.ones(K), RANDOM.normal(size=K)])


def change_scores(r):
    """Effects whose variance shrinks with the correlation of before and after."""
    return Y * (1.0 + 0.1 * r), V * 2.0 * (1.0 - r)


@pytest.mark.parametrize("design", [None, X])
def test_every_point_of_the_surface_is_the_fit_there(design):
    surface = correlated_effects_surface(change_scores, CLUSTER, design, r=(0.3, 0.7), rho=(0.0, 0.5, 1.0))
    assert surface.estimate.shape == (2, 3, 1 if design is None else 2)
    assert surface.tau2.shape == (2, 3)
    for i, r in enumerate(surface.r):
        for j, rho in enumerate(surface.rho):
            fit = robu(*change_scores(r), CLUSTER, design, rho=rho)
            for name in ("estimate", "se", "df", "p_value", "ci_low", "ci_high", "tau2", "I2"):
                assert getattr(surface, name)[i, j] == pytest.approx(getattr(fit, name)), name
    low, high = surface.range()
    assert low == surface.estimate[:, :, 0].min()
    assert high >= low


def test_clusters_and_moderators_are_prepared_once(monkeypatch):
    prepared = []
    original = ClusteredDesign.__init__
    monkeypatch.setattr(ClusteredDesign, "__init__", lambda self, *a: (prepared.append(1), original(self, *a))[1])
    correlated_effects_surface(change_scores, CLUSTER, X)
    assert len(prepared) == 1


def test_a_row_that_only_some_r_can_use_is_left_out_there_alone():
    def effects(r):
        y, v = change_scores(r)
        return (np.r_[float("nan"), y[1:]], v) if r > 0.5 else (y, v)

    surface = correlated_effects_surface(effects, CLUSTER, r=(0.3, 0.7), rho=(0.8,))
    assert surface.se[1, 0] == pytest.approx(robu(*effects(0.7), CLUSTER).se)


def test_the_uncorrected_form_and_another_level_can_be_swept_too():
    surface = correlated_effects_surface(change_scores, CLUSTER, r=(0.5,), rho=(0.8,), small=False, level=0.9)
    fit = robu(*change_scores(0.5), CLUSTER, small=False, level=0.9)
    assert surface.ci_low[0, 0] == pytest.approx(fit.ci_low)


def test_che_is_swept_with_robust_inference():
    points = che_sweep(Y, V, CLUSTER, X)
    assert tuple(point.rho for point in points) == RHOS
    for point in points:
        fit = che(Y, V, CLUSTER, X, rho=point.rho)
        assert (point.fit.tau2, point.fit.omega2) == pytest.approx((fit.tau2, fit.omega2), rel=1e-5, abs=1e-8)
        assert point.robust.se == pytest.approx(sandwich(fit).se, rel=1e-6)


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ({"r": ()}, InvalidInput, "needs values of r"),
        ({"rho": ()}, InvalidInput, "needs values of r"),
        ({"rho": (1.2,)}, InvalidInput, "between 0 and 1"),
        ({"level": 95}, InvalidInput, "level"),
    ],
)
def test_a_sweep_over_nothing_is_refused(how, error, words):
    with pytest.raises(error, match=words):
        correlated_effects_surface(change_scores, CLUSTER, **how)


def test_a_sweep_of_one_trial_is_refused():
    with pytest.raises(TooFewClusters):
        correlated_effects_surface(change_scores, np.zeros(K))
