"""Robust variance estimation: against matrices written out, invariants, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stats import robust
from analysis.stats.errors import (
    InvalidInput,
    NotEstimable,
    RankDeficient,
    StatsError,
    TooFewClusters,
    UnknownOption,
)
from analysis.stats.inputs import Clusters
from analysis.stats.multilevel import che, three_level
from analysis.stats.pooling import random_effects
from analysis.stats.robust import robu, sandwich
from analysis.stats.robust.correlated import inverse_root_of_rest
from analysis.stats.robust.kernel import WorkingModel, sandwich_parts
from tests.analysis.stats.review_effects import effects

SIZES = np.array([3, 1, 2, 4, 1, 2, 3])
CLUSTER = np.repeat(np.arange(7), SIZES)
RANDOM = np.random.default_rng(7)
K = CLUSTER.size
Y = 0.3 + 0.4 * RANDOM.normal(size=7)[CLUSTER] + 0.2 * RANDOM.normal(size=K)
V = RANDOM.uniform(0.02, 0.2, K)
X = np.column_stack([np.ones(K), RANDOM.normal(size=K)])


def symmetric_root(matrix, power):
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-12 * max(1.0, values.max())
    return (vectors * np.where(kept, np.where(kept, values, 1.0) ** power, 0.0)) @ vectors.T


def written_out(X, y, W, theta, cluster, correction, df_theta=None):
    """Robust covariance and Satterthwaite df with k × k matrices, as in the papers."""
    k, p = X.shape
    M = np.linalg.inv(X.T @ W @ X)
    rest = np.eye(k) - X @ M @ X.T @ W
    e = rest @ y
    labels = np.unique(cluster)
    m = labels.size
    meat = np.zeros((p, p))
    G = []
    for label in labels:
        j = np.flatnonzero(cluster == label)
        block = np.ix_(j, j)
        if correction == "CR2":
            D = np.linalg.cholesky(theta[block]).T
            inner = D @ (rest[j] @ theta @ rest[j].T) @ D.T
            A = D.T @ symmetric_root(inner, -0.5) @ D
        elif correction == "CR3":
            A = np.linalg.inv(rest[block])
        else:
            factor = {"CR0": 1.0, "CR1": m / (m - 1), "CR1p": m / (m - p), "CR1S": m * (k - 1) / ((m - 1) * (k - p))}
            A = np.sqrt(factor[correction]) * np.eye(j.size)
        half = M @ X[j].T @ W[block] @ A
        score = half @ e[j]
        meat += np.outer(score, score)
        G.append(half @ rest[j])  # (p, k)
    psi = theta if df_theta is None else df_theta
    df = []
    for c in range(p):
        g = np.array([one[c] for one in G])
        P = g @ psi @ g.T
        df.append(np.trace(P) ** 2 / (P**2).sum())
    return meat, np.array(df)


@pytest.mark.parametrize("correction", ["CR0", "CR1", "CR1p", "CR1S", "CR2", "CR3"])
@pytest.mark.parametrize("own", [False, True])
def test_the_sandwich_of_a_univariate_fit_is_that_of_the_matrices(correction, own):
    fit = random_effects(Y, V, X, test="z", weights=RANDOM.uniform(1, 2, K) if own else None)
    found = sandwich(fit, CLUSTER, correction=correction)
    vcov, df = written_out(X, Y, np.diag(fit.weights), np.diag(V + fit.tau2), CLUSTER, correction)
    assert found.vcov == pytest.approx(vcov, rel=1e-8)
    assert found.df == pytest.approx(df, rel=1e-8)


@pytest.mark.parametrize("correction", ["CR0", "CR2", "CR3"])
def test_the_sandwich_of_a_che_fit_is_that_of_the_matrices(correction):
    fit = che(Y, V, CLUSTER, X, rho=0.6)
    same = CLUSTER[:, None] == CLUSTER
    theta = same * (fit.tau2 + 0.6 * np.sqrt(np.outer(V, V))) + np.diag(0.4 * V + fit.omega2)
    vcov, df = written_out(X, Y, np.linalg.inv(theta), theta, CLUSTER, correction)
    found = sandwich(fit, correction=correction)
    assert found.vcov == pytest.approx(vcov, rel=1e-7)
    assert found.df == pytest.approx(df, rel=1e-7)


@pytest.mark.parametrize("X_", [None, X])
@pytest.mark.parametrize("model", ["CORR", "HIER"])
def test_small_sample_robu_is_cr2_under_its_own_working_model(model, X_):
    fit = robu(Y, V, CLUSTER, X_, model=model)
    design = np.ones((K, 1)) if X_ is None else X_
    vcov, df = written_out(design, Y, np.diag(fit.weights), np.diag(1 / fit.weights), CLUSTER, "CR2")
    assert fit.vcov == pytest.approx(vcov, rel=1e-8)
    assert fit.df == pytest.approx(df, rel=1e-8)
    # and the general sandwich of the fit says the same
    assert sandwich(fit).se == pytest.approx(fit.se, rel=1e-8)
    assert sandwich(fit, CLUSTER).df == pytest.approx(fit.df, rel=1e-8)


def test_many_trials_of_little_leverage_are_cr2_under_the_working_model_too():
    # given so many trials that none has much leverage
    random = np.random.default_rng(3)
    trial = np.repeat(np.arange(150), 2)
    y, v = random.normal(size=300), random.uniform(0.05, 0.1, 300)
    X = np.column_stack([np.ones(300), random.normal(size=300), np.arange(300) % 2])
    # when
    fit = robu(y, v, trial, X)
    # then
    vcov, df = written_out(X, y, np.diag(fit.weights), np.diag(1 / fit.weights), trial, "CR2")
    assert fit.vcov == pytest.approx(vcov, rel=1e-9)
    assert fit.df == pytest.approx(df, rel=1e-9)


@pytest.mark.parametrize("leverage", [[0.0, 1e-6], [0.04, 0.049], [0.02, 0.7], [0.9, 1.0]])
def test_the_inverse_root_is_that_of_the_eigenvalues(leverage):
    # given positive semi-definite matrices of these traces, one column each
    random = np.random.default_rng(4)
    x = random.normal(size=(2, 3))
    H = np.array(leverage)[:, None, None] * np.einsum("ja,jb->jab", x, x) / (x * x).sum(axis=1)[:, None, None]
    # then I - H is as I but for 1 - trace in one direction; its root is I but for 1/√(1 - trace)
    stretch = np.array([1 / np.sqrt(1 - trace) - 1 if trace < 1 else -1.0 for trace in leverage])
    expected = np.eye(3) + stretch[:, None, None] * np.einsum("ja,jb->jab", x, x) / (x * x).sum(axis=1)[:, None, None]
    assert inverse_root_of_rest(H) == pytest.approx(expected, abs=1e-12)


def test_own_weights_take_df_under_independence_as_robumeta_does():
    w = RANDOM.uniform(1, 3, K)
    fit = robu(Y, V, CLUSTER, X, weights=w)
    mean_v = np.array([V[CLUSTER == j].mean() for j in range(7)])[CLUSTER]
    vcov, df = written_out(X, Y, np.diag(w), np.diag(mean_v), CLUSTER, "CR2", df_theta=np.eye(K))
    assert fit.model == "USER"
    assert fit.tau2 is None
    assert fit.vcov == pytest.approx(vcov, rel=1e-8)
    assert fit.df == pytest.approx(df, rel=1e-8)
    # clubSandwich takes them under the working model
    df = written_out(X, Y, np.diag(w), np.diag(mean_v), CLUSTER, "CR2")[1]
    assert sandwich(fit).df == pytest.approx(df, rel=1e-8)


@pytest.mark.parametrize("how", [{}, {"model": "HIER"}, {"weights": np.linspace(1, 2, K)}])
@pytest.mark.parametrize("X_", [None, X])
def test_without_small_sample_correction_it_is_the_scaled_sandwich(how, X_):
    fit = robu(Y, V, CLUSTER, X_, small=False, **how)
    design = np.ones((K, 1)) if X_ is None else X_
    p = design.shape[1]
    vcov, _ = written_out(design, Y, np.diag(fit.weights), np.eye(K), CLUSTER, "CR0")
    assert fit.vcov == pytest.approx(vcov * 7 / (7 - p), rel=1e-8)
    assert fit.df == pytest.approx(np.full(p, 7.0 - p))
    assert not fit.small


@given(effects(least=4, dependent=True), st.sampled_from(["CORR", "HIER"]), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_shift_scale_sign_and_order(drawn, model, moderated, small):
    y, v, g = drawn.y, drawn.v, drawn.cluster
    design = drawn.X if moderated else None
    how = {"model": model, "small": small}
    fit = robu(y, v, g, design, **how)
    order = np.random.default_rng(0).permutation(y.size)
    mixed = robu(y[order], v[order], g[order], None if design is None else design[order], **how)
    shifted = robu(y + 5.0, v, g, design, **how)
    scaled = robu(10 * y, 100 * v, g, design, **how)
    turned = robu(-y, v, g, design, **how)
    close = {"rel": 1e-6, "abs": 1e-8}
    assert mixed.estimate == pytest.approx(fit.estimate, **close)
    assert mixed.df == pytest.approx(fit.df, **close)
    assert mixed.weights == pytest.approx(fit.weights[order], **close)
    assert shifted.se == pytest.approx(fit.se, **close)
    assert shifted.estimate[0] == pytest.approx(fit.estimate[0] + 5.0, **close)
    assert scaled.se == pytest.approx(10 * fit.se, **close)
    assert scaled.p_value == pytest.approx(fit.p_value, rel=1e-5, abs=1e-12)
    assert turned.ci_low == pytest.approx(-fit.ci_high, **close)
    assert (fit.ci_low < fit.estimate).all()
    assert (fit.estimate < fit.ci_high).all()
    assert (fit.reliable == (fit.df >= 4)).all()


@given(effects(least=5))
@settings(max_examples=40, deadline=None)
def test_on_singleton_clusters_rho_plays_no_part_and_cr2_is_hc2(drawn):
    # given one effect per trial
    fit = robu(drawn.y, drawn.v, drawn.cluster, drawn.X, rho=0.0)
    other = robu(drawn.y, drawn.v, drawn.cluster, drawn.X, rho=1.0)
    assert other.tau2 == pytest.approx(fit.tau2, abs=1e-12)
    # then CR2 is HC2: residuals over √(1 - leverage)
    W, design = fit.weights, drawn.X
    M = np.linalg.inv(design.T @ (design * W[:, None]))
    h = np.einsum("ij,jk,ik->i", design, M, design) * W
    scores = (M @ (design * W[:, None]).T) * ((drawn.y - design @ fit.estimate) / np.sqrt(1 - h))
    assert fit.vcov == pytest.approx(scores @ scores.T, rel=1e-6)
    # and the correlated-effects fit is the sandwich of a univariate one with the same tau²
    same = random_effects(drawn.y, drawn.v, design, tau2=fit.tau2, test="z")
    assert sandwich(same, drawn.cluster).se == pytest.approx(fit.se, rel=1e-6)


def test_duplicating_whole_trials_halves_the_uncorrected_variance():
    once = sandwich(random_effects(Y, V, tau2=0.1), CLUSTER, correction="CR0")
    again = random_effects(np.tile(Y, 2), np.tile(V, 2), tau2=0.1)
    twice = sandwich(again, np.r_[CLUSTER, CLUSTER + 7], correction="CR0")
    assert twice.vcov == pytest.approx(once.vcov / 2)


def test_duplicating_effects_inside_their_trial_changes_no_uncorrected_variance():
    once = sandwich(random_effects(Y, V, tau2=0.1), CLUSTER, correction="CR0")
    twice = sandwich(random_effects(np.tile(Y, 2), np.tile(V, 2), tau2=0.1), np.tile(CLUSTER, 2), correction="CR0")
    assert twice.vcov == pytest.approx(once.vcov)


def test_rho_enters_tau2_in_a_straight_line():
    low, middle, high = (robu(Y, V, CLUSTER, rho=rho).tau2 for rho in (0.0, 0.5, 1.0))
    assert middle == pytest.approx((low + high) / 2)


def test_a_dummy_for_one_trial_is_fitted_and_its_df_say_how_much_it_can_be_trusted():
    # given a moderator that only the first trial has
    dummy = np.column_stack([np.ones(K), CLUSTER == 0])
    fit = robu(Y, V, CLUSTER, dummy)
    assert np.isfinite(fit.se).all()
    assert (fit.df > 0).all()
    # but the mean of that trial alone has nothing to vary
    means = np.column_stack([CLUSTER == 0, CLUSTER != 0])
    with pytest.raises(NotEstimable, match=r"single cluster|without any remainder"):
        robu(Y, V, CLUSTER, means)
    # where its effects have different weights there is a number, as in R, and one degree of freedom
    alone = sandwich(random_effects(Y, V, means), CLUSTER)
    assert alone.df[0] == pytest.approx(1.0)
    assert not alone.reliable[0]


def test_a_mean_that_rests_on_one_trial_with_one_effect_is_refused():
    means = np.column_stack([CLUSTER == 1, CLUSTER != 1])
    for refused in (
        lambda: robu(Y, V, CLUSTER, means, model="HIER"),
        lambda: sandwich(random_effects(Y, V, means), CLUSTER),
        lambda: sandwich(che(Y, V, CLUSTER, means)),
    ):
        with pytest.raises(NotEstimable, match=r"single cluster|without any remainder"):
            refused()


def test_cr3_cannot_leave_out_what_alone_determines_a_coefficient():
    dummy = np.column_stack([np.ones(K), CLUSTER == 1])  # a trial with one effect
    with pytest.raises(NotEstimable, match="CR3"):
        sandwich(random_effects(Y, V, dummy), CLUSTER, correction="CR3")


def test_cr3_refuses_an_exactly_singular_cluster_too():
    model = WorkingModel(np.ones((1, 1)), np.ones((1, 1)), np.ones((1, 1)), np.ones(1))
    with pytest.raises(NotEstimable, match="CR3"):
        sandwich_parts(model, np.zeros(1), Clusters.of([1], 1), "CR3")


@pytest.mark.parametrize("X_", [None, X])
def test_effects_that_are_all_fitted_exactly_have_no_robust_error(X_):
    y = np.full(K, 0.3) if X_ is None else X_ @ [0.3, 0.2]
    with pytest.raises(NotEstimable, match="without any remainder"):
        robu(y, V, CLUSTER, X_)
    with pytest.raises(NotEstimable, match="without any remainder"):
        sandwich(random_effects(y, V, X_, test="z"), CLUSTER)


def test_moderators_that_take_every_trial_leave_no_tau2():
    # given as many trial-level columns as trials
    dummies = (CLUSTER[:, None] == np.arange(7)).astype(float)
    with pytest.raises(NotEstimable, match="no study"):
        robu(Y, V, CLUSTER, dummies)
    # nor two variances, where two trials of two effects have a mean each
    with pytest.raises(NotEstimable, match="do not separate"):
        robu(Y[:4], [0.1, 0.1, 0.2, 0.2], [1, 1, 2, 2], [[1, 0], [1, 0], [0, 1], [0, 1]], model="HIER")


def test_an_i2_of_equal_effects_is_zero():
    # given trials that agree exactly on average but not inside
    y = np.tile([0.2, 0.4], 4)
    fit = robu(y, np.full(8, 0.5), np.repeat(np.arange(4), 2), np.column_stack([np.ones(8), np.arange(8) ** 2]))
    assert fit.I2 == 0.0
    assert fit.tau2 == 0.0


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: robu(Y, V, np.zeros(K)), TooFewClusters, "come from one"),
        (lambda: robu(Y[:5], V[:5], [1, 1, 2, 2, 2], X[:5], small=False), TooFewClusters, "more than 2 clusters"),
        (lambda: robu(Y, V, np.arange(K), model="HIER"), NotEstimable, "every study has one"),
        (lambda: robu(Y, V, CLUSTER, np.column_stack([X, X[:, 1]])), RankDeficient, "cannot be told apart"),
        (lambda: robu(Y, V, CLUSTER, rho=1.1), InvalidInput, "between 0 and 1"),
        (lambda: robu(Y, V, CLUSTER, model="XX"), UnknownOption, "CORR, HIER"),
        (lambda: robu(Y, V, CLUSTER, weights=[1.0]), InvalidInput, "weights"),
        (lambda: robu(Y, V, CLUSTER, level=95), InvalidInput, "level"),
        (lambda: sandwich(random_effects(Y, V), None), InvalidInput, "name them"),
        (lambda: sandwich(random_effects(Y, V), [1, 2]), InvalidInput, "2 clusters given"),
        (lambda: sandwich(random_effects(Y, V), CLUSTER, correction="CR9"), UnknownOption, "CR2"),
        (
            lambda: sandwich(random_effects(Y[:5], V[:5], X[:5]), [1, 1, 2, 2, 2], correction="CR1p"),
            TooFewClusters,
            "CR1p",
        ),
        (lambda: sandwich(che(Y, V, CLUSTER), np.arange(K)), InvalidInput, "two clusters"),
    ],
)
def test_what_cannot_be_robust_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_naive_p_values_stand_beside_the_satterthwaite_one():
    found = sandwich(random_effects(Y, V, X), CLUSTER)
    assert (found.p_normal < found.p_naive).all()
    assert found.p_naive_p is not None
    assert (found.p_naive < found.p_naive_p).all()
    # with no more clusters than coefficients there is none with m - p df
    few = sandwich(random_effects(Y[:9], V[:9], X[:9]), np.r_[np.zeros(5), np.ones(4)])
    assert few.p_naive_p is None


def test_missing_rows_take_their_clusters_with_them():
    y = Y.copy()
    y[3] = float("nan")
    there = np.arange(K) != 3
    found = sandwich(random_effects(y, V), CLUSTER)
    expected = sandwich(random_effects(Y[there], V[there]), CLUSTER[there])
    assert found.se == pytest.approx(expected.se)
    assert robu(y, V, CLUSTER).omitted == (3,)


def test_clusters_of_several_studies_are_allowed_for_a_multilevel_fit():
    # given laboratories that ran several trials
    laboratory = CLUSTER // 2
    fit = three_level(Y, V, CLUSTER)
    found = sandwich(fit, laboratory)
    theta = np.diag(V + fit.omega2) + fit.tau2 * (CLUSTER[:, None] == CLUSTER)
    vcov, df = written_out(np.ones((K, 1)), Y, np.linalg.inv(theta), theta, laboratory, "CR2")
    assert found.studies == 4
    assert found.vcov == pytest.approx(vcov, rel=1e-7)
    assert found.df == pytest.approx(df, rel=1e-7)


def test_the_package_names_what_it_offers():
    assert set(robust.__all__) >= {"robu", "sandwich", "wald_test"}


@given(
    st.lists(
        st.tuples(st.floats(-1e4, 1e4), st.floats(1e-6, 1e4), st.integers(1, 5), st.sampled_from([0.0, 1.0, 2.5])),
        min_size=2,
        max_size=15,
    ),
    st.sampled_from(["CORR", "HIER"]),
    st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_whatever_the_effects_there_is_a_finite_result_or_a_refusal(drawn, model, moderated):
    y, v, cluster, x = (np.array(column) for column in zip(*drawn, strict=True))
    try:
        fit = robu(y, v, cluster, np.column_stack([np.ones(y.size), x]) if moderated else None, model=model)
    except StatsError:
        return
    for name in ("estimate", "se", "df", "p_value", "ci_low", "ci_high"):
        assert np.isfinite(getattr(fit, name)).all(), name
