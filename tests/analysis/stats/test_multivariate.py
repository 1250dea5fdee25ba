"""Several outcomes per trial: against matrices written out, structures against each other, edges."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from analysis.stats.errors import InvalidInput, NotConverged, TooFewEffects, UnknownOption
from analysis.stats.multilevel import multivariate
from analysis.stats.pooling import random_effects
from analysis.stats.robust import sandwich
from tests.analysis.stats.review_effects import blocks_of

RANDOM = np.random.default_rng(21)
TRIAL = np.repeat(np.arange(15), 2)
OUTCOME = np.tile(["pain", "mood"], 15)
TRUE = RANDOM.multivariate_normal([0.3, -0.2], [[0.08, 0.05], [0.05, 0.12]], 15).ravel()
V = RANDOM.uniform(0.01, 0.05, 30)
Y = TRUE + np.sqrt(V) * RANDOM.normal(size=30)
X = np.column_stack([OUTCOME == "mood", OUTCOME == "pain"]).astype(float)


def structured(structure, **how):
    return multivariate(Y, blocks_of(0.4, TRIAL, V), TRIAL, OUTCOME, X, structure=structure, **how)


def test_outcomes_are_named_in_order_with_their_variances_and_correlation():
    fit = structured("UN")
    assert fit.outcomes == ("mood", "pain")
    assert fit.tau2.shape == (2,)
    assert -1.0 <= fit.correlation[0, 1] <= 1.0
    assert fit.between == pytest.approx(fit.correlation * np.sqrt(np.outer(fit.tau2, fit.tau2)))
    assert (fit.studies, fit.effects, fit.Q_df) == (15, 30, 28)


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_richer_structures_are_at_least_as_likely(method):
    un, cs, diagonal = (structured(s, method=method) for s in ("UN", "CS", "DIAG"))
    assert un.loglik >= cs.loglik - 1e-8
    assert un.loglik >= diagonal.loglik - 1e-8
    assert cs.tau2[0] == pytest.approx(cs.tau2[1])
    assert diagonal.correlation[0, 1] == 0.0
    assert un.aic == pytest.approx(-2 * un.loglik + 2 * (2 + 3))


def test_the_unstructured_optimum_has_no_slope():
    fit = structured("UN")

    def loglik(a, b, c):
        total = np.zeros((30, 30))
        G = np.array([[a, c], [c, b]])
        index = (OUTCOME == "pain").astype(int)
        same = TRIAL[:, None] == TRIAL
        total += same * (0.4 * np.sqrt(np.outer(V, V))) + np.diag(0.6 * V) + same * G[index[:, None], index]
        W = np.linalg.inv(total)
        A = X.T @ W @ X
        r = Y - X @ np.linalg.solve(A, X.T @ W @ Y)
        return -0.5 * (np.linalg.slogdet(total)[1] + np.linalg.slogdet(A)[1] + r @ W @ r)

    best = np.array([fit.between[0, 0], fit.between[1, 1], fit.between[0, 1]])
    for step in 1e-5 * np.eye(3):
        assert (loglik(*(best + step)) - loglik(*(best - step))) / 2e-5 == pytest.approx(0.0, abs=1e-3)


def test_one_outcome_is_the_random_effects_model():
    one = np.repeat("pain", 15)
    y, v = Y[::2], V[::2]
    expected = random_effects(y, v, test="z")
    for structure in ("UN", "CS", "DIAG"):
        fit = multivariate(y, blocks_of(0.0, np.arange(15), v), np.arange(15), one, structure=structure)
        assert fit.tau2[0] == pytest.approx(expected.tau2, rel=1e-6)
        assert fit.estimate == pytest.approx(expected.estimate, rel=1e-7)
        assert fit.moderators is None


def test_outcomes_without_variance_between_trials_have_no_correlation_to_speak_of():
    flat = multivariate(
        np.tile([0.3, 0.1], 15), blocks_of(0.4, TRIAL, V), TRIAL, OUTCOME, X, structure="DIAG", test="t"
    )
    assert flat.tau2.tolist() == [0.0, 0.0]
    assert flat.correlation.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert flat.df.tolist() == [28.0, 28.0]


def test_a_perfect_correlation_between_trials_is_found():
    # given two outcomes that differ by a constant and little error
    base = np.random.default_rng(2).normal(size=15)
    y = np.column_stack([base, 0.5 * base + 0.2]).ravel()
    fit = multivariate(y, blocks_of(0.0, TRIAL, np.full(30, 0.01)), TRIAL, OUTCOME, X)
    assert fit.correlation[0, 1] == pytest.approx(1.0, abs=1e-4)


def test_robust_inference_on_several_outcomes():
    fit = structured("UN")
    found = sandwich(fit)
    assert found.studies == 15
    assert found.se == pytest.approx(fit.se, rel=0.6)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: structured("HCS"), UnknownOption, "UN, CS, DIAG"),
        (lambda: structured("UN", method="DL"), UnknownOption, "REML, ML"),
        (lambda: structured("UN", test="knha"), UnknownOption, "z, t"),
        (lambda: structured("UN", level=2), InvalidInput, "level"),
        (
            lambda: multivariate(Y, blocks_of(0.4, TRIAL, V), TRIAL, OUTCOME[:5], X),
            InvalidInput,
            "needs its outcome",
        ),
        (
            lambda: multivariate(np.r_[float("nan"), Y[1:]], blocks_of(0.4, TRIAL, V), TRIAL, OUTCOME, X),
            InvalidInput,
            "missing",
        ),
        (
            lambda: multivariate(Y[:4], blocks_of(0.4, TRIAL[:4], V[:4]), TRIAL[:4], OUTCOME[:4], X[:4]),
            TooFewEffects,
            "5 effects; 4 given",
        ),
    ],
)
def test_a_multivariate_model_that_cannot_be_fitted_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_the_search_for_an_unstructured_covariance_ends(monkeypatch):
    module = importlib.import_module("analysis.stats.multilevel.multivariate")
    monkeypatch.setattr(module, "MAX_STEPS", 1)
    with pytest.raises(NotConverged, match="1 steps"):
        multivariate(Y, blocks_of(0.4, TRIAL, V), TRIAL, OUTCOME, X)
