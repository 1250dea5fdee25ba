"""Several outcomes per trial with a fully known sampling covariance and a covariance between trials.

Sources: Berkey, Hoaglin, Antczak-Bouckoms, Mosteller & Colditz 1998; Jackson, Riley & White 2011.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.stats import distributions
from analysis.stats.covariance import BlockCovariance
from analysis.stats.errors import InvalidInput, NotConverged, TooFewEffects
from analysis.stats.inputs import Array, Clusters, EffectData, Indices, check_level, check_option, effect_data
from analysis.stats.multilevel.likelihood import BlockLikelihood, State
from analysis.stats.multilevel.optimum import maximise
from analysis.stats.multilevel.three_level import METHODS, TESTS, matching_stacks, residual_heterogeneity
from analysis.stats.pooling import OmnibusTest, moderator_test

STRUCTURES = ("UN", "CS", "DIAG")
MAX_STEPS = 500
STEP_TOLERANCE = 1e-10  # of the largest element of the covariance, for the last step
SLACK = 1e-10  # by which rounding may lower a log-likelihood


@dataclass(frozen=True, eq=False)
class Multivariate:
    """A fitted multivariate model of q outcomes.

    Attributes
    ----------
    outcomes : the q outcomes in the order of `tau2` and `correlation`.
    tau2 : shape (q,), variance between trials of each outcome.
    correlation : shape (q, q), correlation between trials of the true effects.
    The rest as in `Multilevel`.
    """

    structure: str
    method: str
    test: str
    level: float
    estimate: Array
    se: Array
    stat: Array
    df: Array | None
    p_value: Array
    ci_low: Array
    ci_high: Array
    vcov: Array
    outcomes: tuple[Any, ...]
    tau2: Array
    correlation: Array
    Q: float
    Q_df: int
    Q_p: float
    moderators: OmnibusTest | None
    loglik: float
    aic: float
    bic: float
    studies: int
    effects: int
    data: EffectData = field(repr=False)
    clusters: Clusters = field(repr=False)
    sampling: BlockCovariance = field(repr=False)
    outcome_index: Indices = field(repr=False)  # of each row, sorted by trial

    @property
    def between(self) -> Array:
        """Covariance of the true effects between trials, shape (q, q)."""
        root = np.sqrt(self.tau2)
        covariance: Array = self.correlation * np.outer(root, root)
        return covariance


def multivariate(
    yi: ArrayLike,
    sampling: BlockCovariance,
    cluster: ArrayLike,
    outcome: ArrayLike,
    X: ArrayLike | None = None,
    *,
    structure: str = "UN",
    method: str = "REML",
    test: str = "z",
    level: float = 0.95,
) -> Multivariate:
    """Effects of several outcomes per trial, correlated within trials and between them.

    Parameters
    ----------
    yi : shape (k,)
        Effects; none may be missing, for the covariance belongs to them.
    sampling : BlockCovariance
        Their sampling covariance, one block per trial.
    cluster, outcome : shape (k,)
        Trial and outcome of each effect.
    X : shape (k, p), optional
        Model matrix, usually one dummy per outcome (see `moderators.cell_means`).
    structure : {"UN", "CS", "DIAG"}
        Covariance between trials: unstructured; one variance and one correlation; a variance each, uncorrelated.

    Raises
    ------
    InvalidInput, InvalidVariance, TooFewEffects, UnknownOption, NotConverged
    """
    check_option(structure, STRUCTURES, "The structure")
    check_option(method, METHODS, "The method")
    check_option(test, TESTS, "The test")
    check_level(level)
    n = np.size(yi)
    clusters = Clusters.of(cluster, n)
    stacks = matching_stacks(sampling, clusters)
    data = effect_data(yi, _variances(stacks, clusters), X)
    if data.omitted:
        raise InvalidInput("An effect is missing; leave its row out of the sampling covariance too.")
    given = np.asarray(outcome)
    if given.shape != (n,):
        raise InvalidInput(f"Each of the {n} effects needs its outcome; the shape given is {given.shape}.")
    labels, found = np.unique(given, return_inverse=True)
    index = clusters.sort(found)
    q = labels.size
    parameters = {"UN": q * (q + 1) // 2, "CS": min(q, 2), "DIAG": q}[structure]
    if data.k < data.p + parameters:
        raise TooFewEffects(
            f"{data.p} coefficients and {parameters} (co)variances need {data.p + parameters} effects; {data.k} given."
        )
    basis = [_basis(structure, q, index[rows]) for _, _, rows in clusters.by_size]
    likelihood = BlockLikelihood(data, clusters, stacks, basis, method == "REML")
    start = max(0.01, float(likelihood.y @ likelihood.y) / data.k - float(likelihood.v.mean()))
    if structure == "UN":
        state, between = _unstructured_optimum(likelihood, q, start)
    else:
        state = maximise(likelihood, np.full(likelihood.r, start))
        between = _structured(structure, q, state.theta)
    return _fitted(
        data, clusters, likelihood, state, between, sampling, labels, index, parameters, structure, method, test, level
    )


def _variances(stacks: tuple[Array, ...], clusters: Clusters) -> Array:
    """Sampling variances in the order given."""
    v = np.empty(clusters.n)
    for (_, _, rows), S in zip(clusters.by_size, stacks, strict=True):
        v[rows] = np.einsum("jii->ji", S)
    return clusters.unsort(v)


def pairs(q: int) -> list[tuple[int, int]]:
    """The free elements of a symmetric q × q matrix: variances first."""
    return [(a, a) for a in range(q)] + [(a, b) for a in range(q) for b in range(a + 1, q)]


def _basis(structure: str, q: int, outcome: Indices) -> Array:
    """The matrices E_a of trials of one size, given the outcomes of their rows, shape (r, trials, n, n)."""
    same: Array = (outcome[:, :, None] == outcome[:, None, :]).astype(float)
    if structure == "CS":  # eigenvalues of the common matrix: of its mean and of its differences
        if q == 1:
            return np.stack([same])
        return np.stack([np.full_like(same, 1.0 / q), same - 1.0 / q])
    dummies = [(outcome == a).astype(float) for a in range(q)]
    if structure == "DIAG":
        return np.stack([d[:, :, None] * d[:, None, :] for d in dummies])
    out = []
    for a, b in pairs(q):
        one = dummies[a][:, :, None] * dummies[b][:, None, :]
        out.append(one if a == b else one + one.transpose(0, 2, 1))
    return np.stack(out)


def _structured(structure: str, q: int, theta: Array) -> Array:
    """The covariance between trials of CS and DIAG."""
    if structure == "DIAG" or q == 1:
        return np.diag(theta)
    covariance: Array = theta[1] * np.eye(q) + (theta[0] - theta[1]) / q
    return covariance


def _unstructured_optimum(likelihood: BlockLikelihood, q: int, start: float) -> tuple[State, Array]:
    """Damped Newton steps in the Cholesky factor, whose products are always possible covariances.

    The curvature is the average information carried over to the factor, less the slope times the second derivative of
    the product: without the latter a correlation of one, where an element of the factor is zero, is never reached.
    """
    free = [(c, d) for c in range(q) for d in range(c + 1)]
    factor, damping = np.sqrt(start) * np.eye(q), 1e-3
    G = factor @ factor.T
    state = likelihood.at(_elements(G))
    for _ in range(MAX_STEPS):
        gradient, curvature = _slope_and_curvature(state, factor, free)
        step = _damped_step(curvature, gradient, damping)
        moved = factor.copy()
        for value, (c, d) in zip(step, free, strict=True):
            moved[c, d] += value
        new_G = moved @ moved.T
        new = likelihood.at(_elements(new_G))
        if new.loglik < state.loglik - SLACK:
            damping *= 10.0
            continue
        change = float(np.abs(new_G - G).max())
        factor, G, state, damping = moved, new_G, new, max(damping * 0.1, 1e-12)
        if change <= STEP_TOLERANCE * float(np.abs(G).max()) and damping < 1e-2:
            return state, G
    raise NotConverged(f"The covariance between trials did not converge in {MAX_STEPS} steps.")


def _elements(G: Array) -> Array:
    return np.array([G[a, b] for a, b in pairs(G.shape[0])])


def _slope_and_curvature(state: State, factor: Array, free: list[tuple[int, int]]) -> tuple[Array, Array]:
    """First and (minus) second derivatives of the log-likelihood in the free elements of the Cholesky factor."""
    q = factor.shape[0]
    slope = np.zeros((q, q))  # dl/dG, symmetric
    for value, (a, b) in zip(state.score, pairs(q), strict=True):
        slope[a, b] = slope[b, a] = value if a == b else value / 2.0
    J = np.empty((state.score.size, len(free)))
    for column, (c, d) in enumerate(free):
        dG = np.zeros((q, q))
        dG[c] += factor[:, d]
        dG[:, c] += factor[:, d]
        J[:, column] = _elements(dG)
    bend = np.array([[2.0 * slope[c, e] if d == f else 0.0 for e, f in free] for c, d in free])
    return J.T @ state.score, J.T @ state.information @ J - bend


def _damped_step(curvature: Array, gradient: Array, damping: float) -> Array:
    """A step uphill: the curvature is made positive where it is not."""
    values, vectors = np.linalg.eigh(curvature)
    largest = max(float(np.abs(values).max()), 1e-300)
    safe = np.maximum(np.abs(values), 1e-9 * largest) + damping * largest
    step: Array = vectors @ ((vectors.T @ gradient) / safe)
    return step


def _fitted(
    data: EffectData,
    clusters: Clusters,
    likelihood: BlockLikelihood,
    state: State,
    between: Array,
    sampling: BlockCovariance,
    labels: NDArray[Any],
    index: Indices,
    parameters: int,
    structure: str,
    method: str,
    test: str,
    level: float,
) -> Multivariate:
    k, p = data.k, data.p
    estimate, vcov = likelihood.coefficients(state)
    se = np.sqrt(np.diagonal(vcov))
    stat = estimate / se
    dof = None if test == "z" else max(1, k - p)
    half = distributions.quantile(0.5 * (1.0 + level), dof) * se
    Q, _ = residual_heterogeneity(likelihood)
    tau2 = np.diagonal(between).copy()
    root = np.sqrt(np.where(tau2 > 0.0, tau2, 1.0))
    correlation = between / np.outer(root, root)
    np.fill_diagonal(correlation, 1.0)
    n = k - p if method == "REML" else k
    free = p + parameters
    return Multivariate(
        structure=structure,
        method=method,
        test=test,
        level=level,
        estimate=estimate,
        se=se,
        stat=stat,
        df=None if dof is None else np.full(p, float(dof)),
        p_value=np.atleast_1d(distributions.two_sided(stat, dof)),
        ci_low=estimate - half,
        ci_high=estimate + half,
        vcov=vcov,
        outcomes=tuple(labels.tolist()),
        tau2=tau2,
        correlation=correlation,
        Q=Q,
        Q_df=k - p,
        Q_p=distributions.chi2_tail(Q, k - p),
        moderators=None if data.intercept_only else moderator_test(estimate, vcov, data.intercept, dof),
        loglik=state.loglik,
        aic=-2.0 * state.loglik + 2.0 * free,
        bic=-2.0 * state.loglik + free * log(n),
        studies=clusters.m,
        effects=k,
        data=data,
        clusters=clusters,
        sampling=sampling,
        outcome_index=index,
    )
