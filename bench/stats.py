"""Speed of the statistics engine against R: `python -m bench.stats` prints a table and writes docs/bench-stats.md.

Both sides do the same work on the same data in the same run, each in its own process, and medians are compared.
Ours is the full public call: checks of the input, tests and intervals included. R should use OpenBLAS, which is up
to nine times faster here than its own BLAS, and it may use all cores where ours uses one. Without R and its packages
ours alone is measured.
"""

from __future__ import annotations

import os

CORES = os.cpu_count() or 1
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
os.environ.update(dict.fromkeys(THREADS, "1"))  # ours, before numpy is imported
for setting in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # tuned for one machine: neither side shall have them
    os.environ.pop(setting, None)

import pkgutil
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isclose
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from analysis import stats
from analysis.stats import influence, multilevel, pooling, robust

HERE = Path(__file__).parent
REPORT = HERE.parent / "docs" / "bench-stats.md"
SECONDS = 2.0  # per task and round
ROUNDS = 3  # ours is measured before, between and after R
TOLERANCE = 1e-3  # R stops its searches early; a wrong result differs by more
LARGE = (5_000, 20_035)
GROWTH_LIMIT = 15.0  # times the time for ten times the rows

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Data:
    """Simulated effects: k rows in m studies, a continuous and a three-level moderator."""

    studies: int
    y: Array
    v: Array
    study: NDArray[np.int64]
    X: Array
    path: Path | None

    @property
    def effects(self) -> int:
        return int(self.y.size)


@dataclass(frozen=True)
class Task:
    """Something both sides compute; `goals` by number of effects: times faster than R, or milliseconds."""

    name: str
    title: str
    call: Callable[[Data], Callable[[], Any]]
    faster: dict[int, float]
    at_most: float | None = None  # milliseconds at 20,035 effects
    sizes: tuple[int, ...] = (228, 1_972)  # numbers of effects at which R takes part


@dataclass(frozen=True)
class Measured:
    """One line of the table; times in milliseconds."""

    task: Task
    effects: int
    ours: float
    r: float | None = None

    @property
    def ratio(self) -> float | None:
        return None if self.r is None else self.r / self.ours

    @property
    def goal(self) -> str:
        if self.effects == LARGE[1]:
            return "" if self.task.at_most is None else f"≤ {self.task.at_most:g} ms"
        faster = self.task.faster.get(self.effects)
        return "" if faster is None else f"≥ {faster:,.0f}×"

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None where there is none or R is missing."""
        if self.effects == LARGE[1]:
            return None if self.task.at_most is None else self.ours <= self.task.at_most
        faster = self.task.faster.get(self.effects)
        return None if faster is None or self.ratio is None else self.ratio >= faster


def _cr2_univariate(data: Data) -> Callable[[], Any]:
    fit = pooling.random_effects(data.y, data.v, test="z")
    return lambda: robust.sandwich(fit, data.study)


def _cr2_che(data: Data) -> Callable[[], Any]:
    fit = multilevel.che(data.y, data.v, data.study, rho=0.8)
    return lambda: robust.sandwich(fit)


TASKS = (
    Task(
        "reml",
        "REML mean",
        lambda d: lambda: pooling.random_effects(d.y, d.v, test="z"),
        {228: 20, 1_972: 2_000},
        5.0,
    ),
    Task(
        "reml_moderators",
        "REML, 3 moderator columns, Knapp-Hartung",
        lambda d: lambda: pooling.random_effects(d.y, d.v, d.X),
        {},
    ),
    Task(
        "robu",
        "Robust (CORR), mean",
        lambda d: lambda: robust.robu(d.y, d.v, d.study),
        {228: 50, 1_972: 1_000},
    ),
    Task(
        "robu_moderators",
        "Robust (CORR), 3 moderator columns",
        lambda d: lambda: robust.robu(d.y, d.v, d.study, d.X),
        {228: 30, 1_972: 200},
        50.0,
    ),
    Task("cr2_univariate", "CR2 test of a REML fit", _cr2_univariate, {228: 5, 1_972: 20}),
    Task("cr2_che", "CR2 test of a CHE fit", _cr2_che, {228: 10, 1_972: 50}),
    Task(
        "leave_one_out",
        "Leave-one-out, REML",
        lambda d: lambda: influence.leave_one_out(d.y, d.v, test="z"),
        {228: 1_000},
        100.0,
        sizes=(228,),  # R would take hours at 1,972
    ),
    Task(
        "three_level",
        "Three-level model (R: sparse)",
        lambda d: lambda: multilevel.three_level(d.y, d.v, d.study),
        {228: 100, 1_972: 200},
    ),
    Task(
        "che",
        "CHE model (R: sparse)",
        lambda d: lambda: multilevel.che(d.y, d.v, d.study, rho=0.8),
        {228: 50, 1_972: 100},
        150.0,
    ),
)


def _moderators(x: Array, group: NDArray[Any]) -> Array:
    return np.column_stack([np.ones(x.size), x, group == "b", group == "c"]).astype(float)


def read(studies: int) -> Data:
    """The simulated data that R reads too."""
    path = HERE / "data" / f"sim_{studies}.csv"
    table = np.genfromtxt(path, delimiter=",", names=True, dtype=None, encoding="utf-8")
    group = np.char.strip(table["g"], '"')
    study = table["study"].astype(np.int64)
    return Data(
        studies, table["y"].astype(float), table["v"].astype(float), study, _moderators(table["x"], group), path
    )


def simulate(studies: int, effects: int) -> Data:
    """Data as those of the files, for sizes at which R does not take part."""
    random = np.random.default_rng(20_200)
    size = 1 + random.multinomial(effects - studies, np.full(studies, 1.0 / studies))
    study = np.repeat(np.arange(studies), size)
    n1, n2 = random.integers(15, 121, (2, studies))[:, study]
    x = np.round(random.normal(size=studies)[study] + 0.3 * random.normal(size=effects), 4)
    group = random.choice(["a", "b", "c"], studies)[study]
    true = 0.35 + 0.10 * x + 0.15 * (group == "b") - 0.1 * (group == "c")
    true += 0.30 * random.normal(size=studies)[study] + 0.15 * random.normal(size=effects)
    v = 1.0 / n1 + 1.0 / n2 + true**2 / (2.0 * (n1 + n2))
    error = np.sqrt(0.6) * random.normal(size=studies)[study] + np.sqrt(0.4) * random.normal(size=effects)
    return Data(studies, true + np.sqrt(v) * error, v, study, _moderators(x, group), None)


def time_ours(call: Callable[[], Any], seconds: float = SECONDS) -> list[float]:
    """Durations of repeated calls, milliseconds."""
    call()
    times: list[float] = []
    until = perf_counter() + seconds
    while perf_counter() < until or len(times) < 5:
        start = perf_counter()
        call()
        times.append(1e3 * (perf_counter() - start))
    return times


def r_lines(data: Data, tasks: list[Task]) -> list[str]:
    """What the R script prints."""
    script = str(HERE / "stats.R")
    command = ["Rscript", "--vanilla", script, str(data.path), str(SECONDS), *(task.name for task in tasks)]
    environment = {**os.environ, **dict.fromkeys(THREADS, str(CORES))}
    done = subprocess.run(command, capture_output=True, text=True, timeout=1_800, check=False, env=environment)
    if done.returncode != 0:
        raise RuntimeError(f"R failed: {done.stderr.strip()}")
    return done.stdout.splitlines()


def first_coefficient(result: Any) -> tuple[float, float]:
    return float(np.ravel(result.estimate)[0]), float(np.ravel(result.se)[0])


def against_r(data: Data, notes: list[str]) -> Iterator[Measured]:
    """All tasks that R can do at this size, ours measured around R's turn; the results must agree."""
    tasks = [task for task in TASKS if data.effects in task.sizes]
    calls = {task.name: task.call(data) for task in tasks}
    samples: dict[str, list[float]] = {task.name: [] for task in tasks}
    theirs: dict[str, list[float]] = {task.name: [] for task in tasks}
    for turn in range(ROUNDS):
        for task in tasks:
            samples[task.name] += time_ours(calls[task.name])
        if turn == ROUNDS - 1:
            break
        for line in r_lines(data, tasks):
            if line.startswith("#"):
                notes.append(line.removeprefix("#").strip())
                continue
            name, seconds, _, estimate, se = line.split(",")
            theirs[name].append(1e3 * float(seconds))
            for got, expected in zip(first_coefficient(calls[name]()), (estimate, se), strict=True):
                if not isclose(got, float(expected), rel_tol=TOLERANCE):
                    raise RuntimeError(f"{name} at {data.effects} effects: {got} is not R's {expected}.")
    for task in tasks:
        yield Measured(task, data.effects, median(samples[task.name]), median(theirs[task.name]))


def alone(data: Data) -> Iterator[Measured]:
    for task in TASKS:
        yield Measured(task, data.effects, median(time_ours(task.call(data))))


def r_is_there() -> bool:
    """Whether Rscript and the three packages can be used."""
    if shutil.which("Rscript") is None:
        return False
    packages = "c('metafor', 'robumeta', 'clubSandwich')"
    check = f"for (p in {packages}) if (!requireNamespace(p, quietly = TRUE)) quit(status = 1)"
    return subprocess.run(["Rscript", "--vanilla", "-e", check], capture_output=True, check=False).returncode == 0


def import_time() -> float:
    """Seconds that importing every module of the engine takes beyond numpy and scipy.special, the median of five."""
    engine = ", ".join(module.name for module in pkgutil.walk_packages(stats.__path__, f"{stats.__name__}."))
    program = (
        "import time, numpy, scipy.special\n"
        f"start = time.perf_counter()\nimport {engine}\nprint(time.perf_counter() - start)"
    )
    times = []
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=HERE.parent
        )
        times.append(float(done.stdout))
    return median(times)


def number(milliseconds: float) -> str:
    return f"{milliseconds:,.0f} ms" if milliseconds >= 100 else f"{milliseconds:.3g} ms"


def table(lines: list[Measured]) -> list[str]:
    out = ["| task | effects | ours | R | ratio | goal | reached |", "|---|---:|---:|---:|---:|---|---|"]
    for line in lines:
        r = "–" if line.r is None else number(line.r)
        ratio = "–" if line.ratio is None else f"{line.ratio:,.0f}×"
        reached = {None: "", True: "yes", False: "**no**"}[line.reached]
        out.append(
            f"| {line.task.title} | {line.effects:,} | {number(line.ours)} | {r} | {ratio} | {line.goal} | {reached} |"
        )
    return out


def growth(lines: list[Measured]) -> list[str]:
    """Time at 20,035 effects over time at 1,972, per task."""
    times = {(line.task.name, line.effects): line.ours for line in lines}
    out = ["| task | 1,972 effects | 20,035 effects | growth | at most 15× |", "|---|---:|---:|---:|---|"]
    for task in TASKS:
        small, large = times[task.name, 1_972], times[task.name, LARGE[1]]
        kept = "yes" if large / small <= GROWTH_LIMIT else "**no**"
        out.append(f"| {task.title} | {number(small)} | {number(large)} | {large / small:.1f}× | {kept} |")
    return out


def report(lines: list[Measured], notes: list[str], seconds: float) -> str:
    against = "; ".join(dict.fromkeys(notes)) if notes else "**R was not there: ours alone was measured.**"
    if notes and "openblas" not in against.lower():
        against += ". **R did not use OpenBLAS, with which it is several times faster: the ratios flatter ours.**"
    return "\n".join(
        [
            "# Speed of the statistics engine",
            "",
            "Written by `make bench`. Medians of the full public call (checks, tests and intervals included) on the",
            "simulated data of `bench/data/`, against R on the same data in the same run. Where R is asked, the first",
            "coefficient and its standard error must agree to 1 in 1,000, which is how precisely R searches.",
            "",
            (
                f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}, {CORES} cores "
                f"(ours uses one, R's BLAS may use all), load average {os.getloadavg()[1]:.1f}: above the number of "
                f"cores other work slowed both sides down. {against}"
            ),
            "",
            *table(lines),
            "",
            "## Ten times the rows",
            "",
            *growth(lines),
            "",
            f"Importing the engine takes {seconds:.2f} s beyond numpy and scipy.special (limit 0.30 s).",
            "",
        ]
    )


def main() -> int:
    notes: list[str] = []
    lines: list[Measured] = []
    with_r = r_is_there()
    if not with_r:
        sys.stderr.write("Rscript with metafor, robumeta and clubSandwich is not there: ours alone is measured.\n")
    for studies in (56, 500):
        data = read(studies)
        measured = list(against_r(data, notes)) if with_r else []
        known = {line.task.name for line in measured}
        lines += measured + [line for line in alone(data) if line.task.name not in known]
    lines += alone(simulate(*LARGE))
    text = report(lines, notes, import_time())
    REPORT.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 1 if any(line.reached is False for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
