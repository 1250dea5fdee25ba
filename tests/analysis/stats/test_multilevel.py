"""Three-level and CHE models: against matrices written out, invariants, edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stats import distributions, multilevel
from analysis.stats.covariance import assumed_correlation
from analysis.stats.errors import (
    InvalidInput,
    NotConverged,
    NotEstimable,
    TooFewClusters,
    TooFewEffects,
    UnknownOption,
)
from analysis.stats.inputs import Clusters, effect_data
from analysis.stats.multilevel import che, three_level, variance_interval
from analysis.stats.multilevel.likelihood import BlockLikelihood, NestedLikelihood
from analysis.stats.multilevel.optimum import maximise
from analysis.stats.multilevel.three_level import likelihood_of
from analysis.stats.pooling import random_effects
from analysis.stats.prediction import predict
from analysis.stats.robust import sandwich
from tests.analysis.stats.review_effects import blocks_of, effects

SIZES = np.array([3, 1, 2, 4, 1, 2, 3, 5])
CLUSTER = np.repeat(np.arange(8), SIZES)
RANDOM = np.random.default_rng(21)
K = CLUSTER.size
V = RANDOM.uniform(0.02, 0.1, K)
Y = 0.3 + 0.5 * RANDOM.normal(size=8)[CLUSTER] + 0.4 * RANDOM.normal(size=K)
X = np.column_stack([np.ones(K), RANDOM.normal(size=8)[CLUSTER], RANDOM.normal(size=K)])
SAME = CLUSTER[:, None] == CLUSTER


def written_out(tau2, omega2, rho, design, restricted):
    """Log-likelihood with k × k matrices."""
    S = rho * SAME * np.sqrt(np.outer(V, V)) + np.diag((1 - rho) * V)
    total = S + tau2 * SAME + omega2 * np.eye(K)
    W = np.linalg.inv(total)
    A = design.T @ W @ design
    b = np.linalg.solve(A, design.T @ W @ Y)
    r = Y - design @ b
    p = design.shape[1]
    fit = -0.5 * np.linalg.slogdet(total)[1] - 0.5 * r @ W @ r
    if not restricted:
        return fit - 0.5 * K * np.log(2 * np.pi)
    fit += 0.5 * np.linalg.slogdet(design.T @ design)[1] - 0.5 * np.linalg.slogdet(A)[1]
    return fit - 0.5 * (K - p) * np.log(2 * np.pi)


@pytest.mark.parametrize("rho", [0.0, 0.6])
@pytest.mark.parametrize("restricted", [False, True])
@pytest.mark.parametrize("design", [np.ones((K, 1)), X])
def test_likelihood_score_and_curvature_are_those_of_the_matrices(rho, restricted, design):
    # given both forms of the likelihood
    data, clusters = effect_data(Y, V, design), Clusters.of(CLUSTER, K)
    nested = NestedLikelihood(data, clusters, rho, restricted)
    stacks = blocks_of(rho, CLUSTER, V).stacks
    basis = [np.stack([np.ones_like(S), np.broadcast_to(np.eye(S.shape[1]), S.shape)]) for S in stacks]
    dense = BlockLikelihood(data, clusters, stacks, basis, restricted)
    theta = np.array([0.2, 0.07])
    # when
    one, other = nested.at(theta), dense.at(theta)
    # then they agree with each other and with the definition
    expected = written_out(0.2, 0.07, rho, design, restricted)
    assert one.loglik == pytest.approx(expected)
    assert other.loglik == pytest.approx(expected)
    h = 1e-6
    for a in range(2):
        step = h * np.eye(2)[a]
        up, down = (written_out(*(theta + side), rho, design, restricted) for side in (step, -step))
        assert one.score[a] == pytest.approx((up - down) / (2 * h), rel=1e-4, abs=1e-6)
    assert other.score == pytest.approx(one.score)
    assert other.information == pytest.approx(one.information)
    assert other.trace_p == pytest.approx(one.trace_p)
    assert dense.coefficients(other)[0] == pytest.approx(nested.coefficients(one)[0])


@given(effects(least=4, most=12, dependent=True), st.sampled_from([0.0, 0.5, 0.9]), st.sampled_from(["REML", "ML"]))
@settings(max_examples=40, deadline=None)
def test_no_variances_are_more_likely_than_those_found(drawn, rho, method):
    fit = three_level(drawn.y, drawn.v, drawn.cluster, rho=rho, method=method)
    likelihood = likelihood_of(fit)
    scale = max(fit.tau2, fit.omega2, 0.01)
    assert fit.loglik == pytest.approx(likelihood.at(np.array([fit.tau2, fit.omega2])).loglik)
    for tau2 in np.linspace(0, 3 * scale, 13):
        for omega2 in np.linspace(0, 3 * scale, 13):
            assert likelihood.at(np.array([tau2, omega2])).loglik <= fit.loglik + 1e-7


@given(effects(least=4, most=12, dependent=True), st.sampled_from([0.0, 0.8]))
@settings(max_examples=30, deadline=None)
def test_shift_scale_sign_and_order(drawn, rho):
    y, v, g = drawn.y, drawn.v, drawn.cluster
    fit = three_level(y, v, g, rho=rho)
    order = np.random.default_rng(1).permutation(y.size)
    mixed = three_level(y[order], v[order], g[order], rho=rho)
    shifted = three_level(y + 4.0, v, g, rho=rho)
    scaled = three_level(10 * y, 100 * v, g, rho=rho)
    turned = three_level(-y, v, g, rho=rho)
    close = {"rel": 1e-5, "abs": 1e-7}
    for other in (mixed, turned):
        assert (other.tau2, other.omega2) == pytest.approx((fit.tau2, fit.omega2), **close)
    assert mixed.estimate == pytest.approx(fit.estimate, **close)
    assert shifted.estimate == pytest.approx(fit.estimate + 4.0, **close)
    assert scaled.estimate == pytest.approx(10 * fit.estimate, **close)
    assert scaled.I2.between == pytest.approx(fit.I2.between, rel=1e-4, abs=1e-4)
    assert turned.ci_low == pytest.approx(-fit.ci_high, **close)
    assert fit.ci_low[0] < fit.estimate[0] < fit.ci_high[0]
    assert fit.prediction.low <= fit.ci_low[0] + 1e-12
    assert fit.I2.total == pytest.approx(fit.I2.between + fit.I2.within)


def test_a_known_covariance_equal_to_the_assumed_one_gives_the_same_fit():
    assumed = che(Y, V, CLUSTER, X, rho=0.6)
    known = three_level(Y, V, CLUSTER, X, sampling=assumed_correlation(V, CLUSTER, r=0.6))
    assert (known.tau2, known.omega2) == pytest.approx((assumed.tau2, assumed.omega2), rel=1e-6)
    assert known.estimate == pytest.approx(assumed.estimate, rel=1e-7)
    assert known.rho is None
    assert sandwich(known).se == pytest.approx(sandwich(assumed).se, rel=1e-6)
    assert variance_interval(known, "tau2").high == pytest.approx(variance_interval(assumed, "tau2").high, rel=1e-4)


def test_with_known_covariances_clusters_are_the_studies_of_the_model():
    known = three_level(Y, V, CLUSTER, sampling=blocks_of(0.6, CLUSTER, V))
    with pytest.raises(InvalidInput, match="must be the studies"):
        sandwich(known, CLUSTER // 2)
    with pytest.raises(InvalidInput, match="exactly the effects used"):
        three_level(Y, V, CLUSTER, sampling=blocks_of(0.6, CLUSTER[:-1], V[:-1]))


def test_a_start_near_the_end_leads_to_the_same_place():
    fit = che(Y, V, CLUSTER, rho=0.6)
    again = three_level(Y, V, CLUSTER, rho=0.6, start=(fit.tau2, fit.omega2))
    assert (again.tau2, again.omega2) == pytest.approx((fit.tau2, fit.omega2), rel=1e-7)


def test_effects_that_agree_have_no_variances():
    fit = three_level(np.full(K, 0.3), V, CLUSTER)
    assert (fit.tau2, fit.omega2) == (0.0, 0.0)
    assert fit.I2.total == 0.0
    common = random_effects(np.full(K, 0.3), V, method="EE", test="z")
    assert fit.se == pytest.approx(common.se)


def test_degrees_of_freedom_by_containment_count_studies_for_what_varies_between_them():
    fit = three_level(Y, V, CLUSTER, X, test="t", df="contain")
    assert fit.df is not None
    assert fit.df.tolist() == [8 - 3, 8 - 3, K - 3]
    assert fit.moderators.df2 == 5
    residual = three_level(Y, V, CLUSTER, X, test="t")
    assert residual.df.tolist() == [K - 3] * 3
    quantile = distributions.t_quantile(0.975, K - 3)
    assert residual.ci_high == pytest.approx(residual.estimate + quantile * residual.se)


def test_missing_rows_are_left_out_and_named():
    y = Y.copy()
    y[2] = float("nan")
    there = np.arange(K) != 2
    fit = three_level(y, V, CLUSTER)
    expected = three_level(Y[there], V[there], CLUSTER[there])
    assert fit.omitted == (2,)
    assert fit.tau2 == pytest.approx(expected.tau2)


def test_predictions_of_a_three_level_model():
    fit = three_level(Y, V, CLUSTER, X, test="t", df="contain")
    at = predict(fit, [[1, 0, 0], [1, 1, 1]])
    assert at.df.tolist() == [5, 5]
    assert at.pi_high == pytest.approx(
        at.estimate + distributions.t_quantile(0.975, 5) * np.sqrt(at.se**2 + fit.tau2 + fit.omega2)
    )
    plain = three_level(Y, V, CLUSTER)
    assert predict(plain).pi_low[0] == pytest.approx(plain.prediction.low)
    assert predict(plain, kind="hts").pi_low[0] < plain.prediction.low


@pytest.mark.parametrize("component", ["tau2", "omega2"])
def test_a_profile_interval_ends_where_the_likelihood_has_fallen_enough(component):
    fit = three_level(Y, V, CLUSTER)
    bounds = variance_interval(fit, component)
    likelihood = likelihood_of(fit)
    which = 0 if component == "tau2" else 1
    assert bounds.low < getattr(fit, component) < bounds.high
    for bound in (bounds.low, bounds.high):
        if bound > 0:
            start = np.array([fit.tau2, fit.omega2])
            start[which] = bound
            profile = maximise(likelihood, start, np.arange(2) == which).loglik
            assert 2 * (fit.loglik - profile) == pytest.approx(distributions.chi2_quantile(0.95, 1), rel=1e-5)


def test_a_profile_interval_of_a_variance_at_zero_starts_at_zero():
    # given effects that agree, and large effects that need a wide search
    bounds = variance_interval(three_level(np.full(K, 0.3), V, CLUSTER), "tau2")
    assert bounds.low == 0.0
    assert bounds.high > 0.0
    wide = three_level(10 * RANDOM.normal(size=8)[CLUSTER] + Y, V, CLUSTER)
    assert variance_interval(wide, "tau2", level=0.999).high > 3 * wide.tau2


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: three_level(Y, V, np.zeros(K)), TooFewClusters, "two studies"),
        (lambda: three_level(Y, V, np.arange(K)), NotEstimable, "cannot be told apart"),
        (lambda: three_level(Y[:3], V[:3], [1, 1, 2], X[:3, [0, 2]]), TooFewEffects, "4 effects; 3 given"),
        (lambda: three_level(Y, V, CLUSTER, rho=1.0), InvalidInput, "below 1"),
        (lambda: three_level(Y, V, CLUSTER, method="DL"), UnknownOption, "REML, ML"),
        (lambda: three_level(Y, V, CLUSTER, test="knha"), UnknownOption, "z, t"),
        (lambda: three_level(Y, V, CLUSTER, df="kenward"), UnknownOption, "residual, contain"),
        (lambda: three_level(Y, V, CLUSTER, level=95), InvalidInput, "level"),
        (
            lambda: three_level(Y, V, CLUSTER, (CLUSTER[:, None] == np.arange(8)).astype(float)),
            NotEstimable,
            "mean of every study",
        ),
        (
            lambda: variance_interval(three_level(Y[:5], V[:5], [1, 1, 2, 2, 2]), "tau2", level=1 - 1e-15),
            NotEstimable,
            "no upper limit",
        ),
        (lambda: variance_interval(three_level(Y, V, CLUSTER), "sigma"), UnknownOption, "tau2, omega2"),
    ],
)
def test_what_cannot_be_fitted_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_maximum_at_the_edge_is_compared_with_one_inside():
    # whatever the start, the same variances are found
    for seed in range(12):
        random = np.random.default_rng(seed)
        y = 0.2 * random.normal(size=8)[CLUSTER] + np.sqrt(V) * random.normal(size=K)
        fit = three_level(y, V, CLUSTER, rho=0.5)
        for start in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (2.0, 2.0)):
            other = three_level(y, V, CLUSTER, rho=0.5, start=start)
            assert other.loglik == pytest.approx(fit.loglik, abs=1e-7)


class _Endless:
    """A likelihood that always rises a little further out."""

    r = 1
    y = np.array([1e90])

    def at(self, theta):
        from analysis.stats.multilevel.likelihood import State

        one = np.ones(1)
        return State(theta, float(theta[0]), one, np.eye(1) / (1.0 + theta[0]), one, np.eye(1), 1.0, 1.0)


class _Lying(_Endless):
    """A likelihood that falls where its score says that it rises."""

    def at(self, theta):
        import dataclasses

        return dataclasses.replace(super().at(theta), loglik=-float(theta[0]))


def test_a_search_without_end_or_sense_says_so():
    with pytest.raises(NotConverged, match="200 steps"):
        maximise(_Endless(), np.ones(1))
    with pytest.raises(NotConverged, match="falls"):
        maximise(_Lying(), np.ones(1))


class _Exact(_Endless):
    """A likelihood that says nothing about how far to go: the effects are fitted without a remainder."""

    def at(self, theta):
        import dataclasses

        return dataclasses.replace(
            super().at(theta), score=-np.ones(1), information=np.zeros((1, 1)), loglik=-float(theta[0])
        )


def test_without_any_information_the_variances_are_zero():
    assert maximise(_Exact(), np.ones(1)).theta == [0.0]


def test_the_package_names_what_it_offers():
    assert set(multilevel.__all__) >= {"che", "multivariate", "three_level", "variance_interval"}
