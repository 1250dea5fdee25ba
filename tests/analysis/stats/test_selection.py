"""Step-function selection models; agreement with metafor is in test_reference.py."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from analysis.stats.bias import step_selection
from analysis.stats.bias.selection_likelihood import Likelihood, Parameters
from analysis.stats.distributions import chi2_tail, z_two_sided
from analysis.stats.errors import InvalidInput, NotConverged, NotEstimable, RankDeficient, TooFewEffects, UnknownOption
from analysis.stats.inputs import Array
from analysis.stats.pooling import random_effects


def selected(k: int, seed: int, mean: float, tau: float, weight: float) -> tuple[Array, Array]:
    """k published effects, of which those with one-sided p >= .025 were published with chance `weight`."""
    rng = np.random.default_rng(seed)
    y: list[float] = []
    v: list[float] = []
    while len(y) < k:
        variance = float(np.exp(rng.normal(-2.5, 0.8)))
        effect = float(rng.normal(mean, np.sqrt(variance + tau**2)))
        if special.ndtr(-effect / np.sqrt(variance)) < 0.025 or rng.uniform() < weight:
            y.append(effect)
            v.append(variance)
    return np.array(y), np.array(v)


@pytest.mark.parametrize("alternative", ["greater", "less", "two.sided"])
@pytest.mark.parametrize("steps", [[0.025], [0.025, 0.3], [0.05, 0.3, 0.6]])
def test_derivatives_are_those_of_the_likelihood(alternative: str, steps: list[float]) -> None:
    rng = np.random.default_rng(1)
    v = rng.uniform(0.02, 0.4, 30)
    y = rng.normal(0.1, np.sqrt(v + 0.1))
    X = np.column_stack([np.ones(30), rng.normal(size=30)])
    likelihood = Likelihood.of(y, v, X, np.array(steps), alternative)
    at = np.array([0.1, -0.05, 0.08, *np.linspace(0.7, 0.4, len(steps))])

    def parameters(x: Array) -> Parameters:
        return Parameters(x[:2], float(x[2]), x[3:])

    gradient, hessian = likelihood.derivatives(parameters(at))
    for i, step in enumerate(1e-5 * np.eye(at.size)):
        ahead, behind = likelihood.value(parameters(at + step)), likelihood.value(parameters(at - step))
        assert gradient[i] == pytest.approx((ahead - behind) / 2e-5, rel=1e-5, abs=1e-5)
        slopes = [likelihood.derivatives(parameters(at + sign * step))[0] for sign in (1, -1)]
        assert hessian[i] == pytest.approx((slopes[0] - slopes[1]) / 2e-5, rel=1e-4, abs=1e-4)


def test_the_likelihood_is_a_density() -> None:
    # given one effect: over all its values the density integrates to one, whatever the weights
    v, at = np.array([0.1]), Parameters(np.array([0.2]), 0.05, np.array([0.3, 0.6]))
    for alternative in ("greater", "less", "two.sided"):
        grid = np.linspace(-4, 4, 80_001)
        density = []
        for y in grid[::40]:
            likelihood = Likelihood.of(np.array([y]), v, np.ones((1, 1)), np.array([0.05, 0.4]), alternative)
            density.append(np.exp(likelihood.value(at)))
        assert np.trapezoid(density, grid[::40]) == pytest.approx(1.0, abs=0.01)


def test_without_selection_the_model_is_the_random_effects_model() -> None:
    y, v = selected(40, seed=2, mean=0.2, tau=0.3, weight=1.0)
    likelihood = Likelihood.of(y, v, np.ones((40, 1)), np.array([0.025]), "greater")
    fit = random_effects(y, v, method="ML", test="z")
    assert likelihood.value(Parameters(fit.estimate, fit.tau2, np.ones(1))) == pytest.approx(fit.loglik)


def test_a_known_selection_is_found_and_corrected() -> None:
    y, v = selected(2000, seed=3, mean=0.2, tau=0.2, weight=0.3)
    found = step_selection(y, v)
    naive = random_effects(y, v, method="ML", test="z")
    assert found.weights[0] == 1.0
    assert found.weights[1] == pytest.approx(0.3, abs=3 * found.weights_se[0])
    assert found.estimate[0] == pytest.approx(0.2, abs=3 * found.se[0])
    assert float(naive.estimate[0]) > 0.2 + 5 * found.se[0]
    assert found.tau2_se is not None
    assert found.tau2 == pytest.approx(0.04, abs=3 * found.tau2_se)
    assert found.lrt_p < 1e-6
    assert found.counts.sum() == 2000
    assert found.lrt == pytest.approx(2 * (found.loglik - naive.loglik))
    assert found.lrt_p == chi2_tail(found.lrt, 1)
    assert found.p_value == pytest.approx([z_two_sided(found.stat[0])])
    assert found.ci_low[0] < found.estimate[0] < found.ci_high[0]


def test_the_maximum_is_one() -> None:
    y, v = selected(50, seed=4, mean=0.1, tau=0.3, weight=0.4)
    found = step_selection(y, v, steps=[0.025, 0.5])
    likelihood = Likelihood.of(y, v, np.ones((50, 1)), np.array([0.025, 0.5]), "greater")
    gradient, _ = likelihood.derivatives(Parameters(found.estimate, found.tau2, found.weights[1:]))
    assert gradient == pytest.approx(np.zeros(4), abs=1e-5)
    assert found.loglik >= random_effects(y, v, method="ML", test="z").loglik


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000), st.sampled_from([1e-6, 0.1, 7.0, 1e6]))
def test_less_is_the_mirror_image_and_the_unit_does_not_matter(seed: int, unit: float) -> None:
    y, v = selected(60, seed, mean=0.25, tau=0.2, weight=0.6)
    here, mirrored = step_selection(y, v), step_selection(-unit * y, unit**2 * v, alternative="less")
    assert mirrored.estimate == pytest.approx(-unit * here.estimate, rel=1e-5, abs=1e-6 * unit)
    assert mirrored.se == pytest.approx(unit * here.se, rel=1e-4)
    assert mirrored.tau2 == pytest.approx(unit**2 * here.tau2, rel=1e-4, abs=1e-7 * unit**2)
    assert mirrored.weights == pytest.approx(here.weights, rel=1e-5)


def test_without_heterogeneity_its_variance_is_not_estimated() -> None:
    y, v = selected(60, seed=5, mean=0.2, tau=0.0, weight=0.5)
    fixed = step_selection(y, v, method="EE")
    assert (fixed.tau2, fixed.tau2_se) == (0.0, None)
    assert fixed.lrt == pytest.approx(max(0.0, 2 * (fixed.loglik - random_effects(y, v, method="EE", test="z").loglik)))


def test_a_between_study_variance_on_its_edge_has_no_error() -> None:
    # given effects that vary less than chance
    rng = np.random.default_rng(6)
    v = rng.uniform(0.05, 0.3, 30)
    y = 0.4 + 0.3 * rng.normal(0, np.sqrt(v))
    found = step_selection(y, v, steps=[0.2])
    assert (found.tau2, found.tau2_se) == (0.0, None)
    assert (found.se > 0).all()


def test_moderators_keep_their_columns() -> None:
    y, v = selected(80, seed=7, mean=0.2, tau=0.2, weight=0.5)
    x = np.random.default_rng(7).normal(size=80)
    found = step_selection(y + 0.5 * x, v, np.column_stack([np.ones(80), x]))
    assert found.estimate.shape == (2,)
    assert found.estimate[1] == pytest.approx(0.5, abs=0.25)


@pytest.mark.parametrize(
    ("compute", "error", "sentence"),
    [
        (lambda y, v: step_selection(y, v, alternative="up"), UnknownOption, "there are greater"),
        (lambda y, v: step_selection(y, v, method="REML"), UnknownOption, "there are ML, EE"),
        (lambda y, v: step_selection(y, v, steps=[0.0]), InvalidInput, "between 0 and 1"),
        (lambda y, v: step_selection(y, v, steps=[1.0]), InvalidInput, "between 0 and 1"),
        (lambda y, v: step_selection(y, v, steps=[1e-12]), NotEstimable, "between 0 and 1e-12"),
        (lambda y, v: step_selection(np.abs(y) + 9, v), NotEstimable, "between 0.025 and 1"),
        (lambda y, v: step_selection(y[:2], v[:2]), TooFewEffects, "3 parameters"),
        (lambda y, v: step_selection(y, v, np.ones((30, 2))), RankDeficient, "cannot be told apart"),
    ],
)
def test_what_cannot_be_fitted_is_refused(
    compute: Callable[[Array, Array], object], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        compute(*selected(30, seed=8, mean=0.2, tau=0.2, weight=0.5))


@pytest.mark.parametrize(("limit", "value"), [("STEPS", 1), ("BEYOND", 1e-9), ("HALVINGS", 0)])
def test_a_search_that_leads_nowhere_is_told(monkeypatch: pytest.MonkeyPatch, limit: str, value: float) -> None:
    monkeypatch.setattr(f"analysis.stats.bias.selection_likelihood.{limit}", value)
    with pytest.raises(NotConverged, match="do not tell selection from heterogeneity"):
        step_selection(*selected(30, seed=9, mean=0.2, tau=0.2, weight=0.5))


def test_a_step_too_small_to_be_seen_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    data = selected(30, seed=9, mean=0.2, tau=0.2, weight=0.5)
    found = step_selection(*data)
    # given a demand no step can meet: the search stays where nothing grows any more
    monkeypatch.setattr("analysis.stats.bias.selection_likelihood.DECREMENT", 1e-60)
    monkeypatch.setattr("analysis.stats.bias.selection_likelihood.NEARLY", 1e-6)
    assert step_selection(*data).estimate == pytest.approx(found.estimate)


def test_a_flat_likelihood_has_no_standard_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    data = selected(30, seed=9, mean=0.2, tau=0.2, weight=0.5)
    maximum = Parameters(np.array([0.2]), 0.04, np.array([0.5]))
    monkeypatch.setattr("analysis.stats.bias.selection.global_maximum", lambda *_, **__: maximum)
    monkeypatch.setattr(Likelihood, "derivatives", lambda *_: (np.zeros(3), np.zeros((3, 3))))
    with pytest.raises(NotConverged, match="flat at its maximum"):
        step_selection(*data)


def test_values_that_could_never_be_seen_are_impossible() -> None:
    # given a mean so far away that the chance of any published result underflows
    likelihood = Likelihood.of(
        np.array([0.1, 0.9]), np.array([0.1, 0.1]), np.ones((2, 1)), np.array([0.025]), "greater"
    )
    assert likelihood.value(Parameters(np.array([-1e4]), 0.0, np.array([1e-300]))) < -1e5
    assert likelihood.value(Parameters(np.array([-1e4]), 0.0, np.array([0.0]))) == -np.inf
