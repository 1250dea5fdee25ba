"""Nothing is k × k: many effects cost memory in proportion, and importing the engine costs little."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from analysis import stats
from analysis.stats import bias, heterogeneity, influence, moderators, multilevel, pooling, robust, sensitivity

RANDOM = np.random.default_rng(11)
K = 4_000
TRIAL = np.repeat(np.arange(K // 4), 4)
V = RANDOM.uniform(0.02, 0.1, K)
Y = 0.3 + 0.2 * RANDOM.normal(size=K // 4)[TRIAL] + RANDOM.normal(size=K) * np.sqrt(V + 0.02)
X = np.column_stack([np.ones(K), RANDOM.normal(size=K), TRIAL % 2])
SQUARE = 8 * K * K  # bytes of one k × k matrix

CALLS: dict[str, Callable[[], Any]] = {
    "a mean": lambda: pooling.random_effects(Y, V),
    "moderators": lambda: pooling.random_effects(Y, V, X),
    "an interval of tau²": lambda: heterogeneity.confidence_interval(Y, V, X),
    "correlated effects": lambda: robust.robu(Y, V, TRIAL, X),
    "hierarchical effects": lambda: robust.robu(Y, V, TRIAL, X, model="HIER"),
    "CR2": lambda: robust.sandwich(pooling.random_effects(Y, V, X), TRIAL),
    "CR3": lambda: robust.sandwich(pooling.random_effects(Y, V, X), TRIAL, correction="CR3"),
    "CHE": lambda: robust.sandwich(multilevel.che(Y, V, TRIAL, X)),
    "subgroups": lambda: moderators.subgroups(Y, V, list(TRIAL % 3)),
    "leaving out each effect": lambda: influence.leave_one_out(Y, V),
    "leaving out each trial": lambda: influence.leave_one_out(Y, V, X, cluster=TRIAL),
    "adding up": lambda: influence.cumulative(Y, V),
    "influence": lambda: influence.influence(Y, V),
    "Begg": lambda: bias.begg(Y, V),
    "trim and fill": lambda: bias.trim_and_fill(Y, V),
    "Egger for dependent effects": lambda: bias.egger_dependent(Y, V, TRIAL),
    "selection": lambda: bias.step_selection(Y, V),
    "r × rho": lambda: sensitivity.correlated_effects_surface(lambda r: (Y, V * (1.5 - r)), TRIAL, X),
}


@pytest.mark.parametrize("name", CALLS)
def test_nothing_is_effects_by_effects(name: str) -> None:
    tracemalloc.start()
    try:
        CALLS[name]()
        assert tracemalloc.get_traced_memory()[1] < 0.25 * SQUARE
    finally:
        tracemalloc.stop()


def test_every_module_together_loads_numpy_and_scipy_special_alone() -> None:
    # given every module of the engine
    engine = [module.name for module in pkgutil.walk_packages(stats.__path__, f"{stats.__name__}.")]
    program = (
        "import sys, numpy, scipy.special\n"
        "before = set(sys.modules)\n"
        f"import {', '.join(engine)}\n"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names))"
    )
    # when they are imported
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    # then nothing comes with them that numpy and scipy.special have not brought, but the standard library
    assert done.stdout.split() == ["analysis"]
