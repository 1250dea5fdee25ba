"""What a rule looks at: the cells of an entry side by side, the limits, and what a finding is."""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from extraction.record import (
    Arm,
    CentreKind,
    Entry,
    Observation,
    Outcome,
    Phase,
    Qualifier,
    QuantityKind,
    SpreadKind,
    Subject,
    Timepoint,
)


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class MarkerLimits:
    """Plausible means of a group in `unit`, and SD divided by the mean on the raw scale."""

    unit: str = ""
    low: float | None = None
    high: float | None = None
    stimulated_low: float | None = None
    stimulated_high: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    log_usual: bool = False
    direction: int = 0  # of benefit; 0 where nobody has said


@dataclass(frozen=True, slots=True)
class Limits:
    """`rules`: code → (severity, parameters) as the set-up gives them; `markers` by code."""

    rules: Mapping[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    markers: Mapping[str, MarkerLimits] = field(default_factory=dict)
    source_required: bool = False

    @classmethod
    def of(cls, checks: Mapping[str, Any], markers: Mapping[str, MarkerLimits], source_required: bool) -> Limits:
        """From the JSON of a set-up: `{"rules": [{"code", "severity", "parameters"}, …]}`."""
        rules = {rule["code"]: (rule["severity"], rule.get("parameters", {})) for rule in checks.get("rules", [])}
        return cls(rules, markers, source_required)

    def severity(self, code: str) -> Severity:
        if code == "source_missing":
            return Severity.ERROR if self.source_required else Severity.WARNING
        said = self.rules.get(code, (DEFAULT_SEVERITY.get(code, "warning"), {}))[0]
        return Severity.ERROR if said == "error" else Severity.WARNING

    def limit(self, code: str, name: str) -> float:
        """A parameter of a rule; the usual one where the set-up does not give a number."""
        given = self.rules.get(code, ("", {}))[1].get(name)
        return float(given) if isinstance(given, int | float) else USUAL[code, name]

    def words(self, code: str, name: str) -> list[str]:
        given = self.rules.get(code, ("", {}))[1].get(name, [])
        return [str(word) for word in given]


DEFAULT_SEVERITY: Final = {
    "ci_order": "error", "negative_value": "error", "percent_range": "error", "timepoint_order": "error",
    "r_impossible": "error", "direction_missing": "error",
}  # fmt: skip
USUAL: Final[Mapping[tuple[str, str], float]] = {
    ("n_small", "below"): 5, ("n_large", "above"): 600, ("n_attrition", "share_lost_above"): 0.5,
    ("sd_over_mean", "ratio_above_general"): 2.0, ("sd_under_mean", "below_marker_low_times"): 0.5,
    ("se_as_sd", "window_factor"): 1.5, ("sd_differs_between_arms", "ratio_above"): 3.0,
    ("sd_differs_between_arms", "ratio_above_n_under_15"): 4.0, ("sd_differs_between_times", "ratio_above"): 4.0,
    ("mean_out_of_range", "stretch"): 1.5, ("change_between_times", "ratio_above"): 5.0,
    ("baseline_imbalance", "abs_smd_above"): 0.5, ("baseline_imbalance", "abs_z_above"): 2.8,
    ("ci_asymmetric", "relative_asymmetry_above"): 0.1, ("impossible_mean", "max_n"): 100,
    ("impossible_mean", "decimals_max"): 2, ("percent_range", "min"): 0, ("percent_range", "max"): 100,
    ("raw_suspect", "log10_above"): 7, ("raw_suspect", "ln_above"): 16, ("arms_sum", "tolerance"): 0,
    ("contrast_means", "relative_off_above"): 0.05, ("contrast_t", "relative_off_above"): 0.05,
    ("contrast_p", "times_off_above"): 10, ("contrast_p_of_means", "times_off_above"): 10,
    ("sd_change_r", "below"): 0, ("sd_change_r", "above"): 0.99, ("r_mismatch", "off_above"): 0.1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """`row` is the key of the row at which it is shown, `field` the control, `rests_on` the texts it rests on."""

    code: str
    severity: Severity
    subject: Subject
    row: str
    field: str
    message: str
    rests_on: tuple[str, ...]

    @property
    def digest(self) -> str:
        said = json.dumps([self.code, *self.rests_on], ensure_ascii=False)
        return hashlib.sha256(said.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Cell:
    """An observation with what it stands at. `n`, `mean` and `sd` are None where they are no plain numbers."""

    row: Observation
    arm: Arm
    time: Timepoint
    outcome: Outcome

    @property
    def n(self) -> float | None:
        return self.row.n.value if self.row.n.qualifier is Qualifier.EQUAL else None

    @property
    def mean(self) -> float | None:
        plain = self.row.centre.qualifier is Qualifier.EQUAL
        return self.row.centre.value if plain and self.row.centre_kind is CentreKind.MEAN else None

    @property
    def spread(self) -> float | None:
        """The number printed as SD."""
        spread = self.row.spread
        return spread.value if spread.kind is SpreadKind.SD and spread.qualifier is Qualifier.EQUAL else None

    @property
    def sd(self) -> float | None:
        """The SD, also from an SE."""
        spread, n = self.row.spread, self.n
        if spread.kind is SpreadKind.SE and spread.value is not None and n:
            return spread.value * math.sqrt(n)
        return self.spread

    @property
    def is_score(self) -> bool:
        return self.row.quantity is QuantityKind.SCORE

    @property
    def where(self) -> str:
        return f"{self.outcome.name}, {self.arm.label}, {time_name(self.time)}"

    @property
    def texts(self) -> tuple[str, ...]:
        row = self.row
        spread = (row.spread.printed, row.spread.low_printed, row.spread.high_printed, row.spread.kind.value)
        return (
            row.n.printed,
            row.centre.printed,
            row.centre_kind.value,
            *spread,
            self.outcome.unit,
            self.outcome.marker,
        )


def time_name(time: Timepoint) -> str:
    return time.printed or time.phase.value


class Checking:
    """One entry under its limits, as the rules look at it."""

    def __init__(self, entry: Entry, limits: Limits) -> None:
        self.entry, self.limits = entry, limits
        arms = {arm.key: arm for arm in entry.arms}
        times = {time.key: time for time in entry.timepoints}
        outcomes = {outcome.key: outcome for outcome in entry.outcomes}
        self.cells = [
            Cell(row, arms[row.arm], times[row.timepoint], outcomes[row.outcome]) for row in entry.observations
        ]

    @cached_property
    def rows(self) -> list[list[Cell]]:
        """The times of one arm, outcome and quantity, baseline first."""
        order = {time.key: n for n, time in enumerate(self.entry.timepoints)}
        grouped: dict[tuple[str, ...], list[Cell]] = defaultdict(list)
        for cell in self.cells:
            grouped[cell.outcome.key, cell.row.quantity, cell.arm.key].append(cell)
        return [
            sorted(cells, key=lambda cell: (cell.time.phase is not Phase.BASELINE, order[cell.time.key]))
            for cells in grouped.values()
        ]

    @cached_property
    def columns(self) -> list[list[Cell]]:
        """The arms of one outcome, quantity and time."""
        grouped: dict[tuple[str, ...], list[Cell]] = defaultdict(list)
        for cell in self.cells:
            grouped[cell.outcome.key, cell.row.quantity, cell.time.key].append(cell)
        return list(grouped.values())

    def marker(self, cell: Cell) -> MarkerLimits:
        return self.limits.markers.get(cell.outcome.marker, MarkerLimits())

    def at(self, cell: Cell, code: str, where: str, message: str, *others: Cell) -> Finding:
        texts = tuple(text for one in (cell, *others) for text in one.texts)
        said = f"{cell.where}: {message}"
        return Finding(code, self.limits.severity(code), Subject.OBSERVATION, cell.row.key, where, said, texts)


def resting(finding: Finding, *texts: str) -> Finding:
    return Finding(
        finding.code, finding.severity, finding.subject, finding.row, finding.field, finding.message,
        (*finding.rests_on, *texts),
    )  # fmt: skip


def decimals(printed: str) -> int:
    return len(printed.partition(".")[2]) if "e" not in printed.lower() else 0


def step(cell: Cell) -> float:
    """The unit of the last printed digit of the centre."""
    return float(10 ** -decimals(cell.row.centre.printed))


def same_unit(one: str, other: str) -> bool:
    def plain(unit: str) -> str:
        return unit.replace(" ", "").replace("μ", "µ").casefold()

    return plain(one) == plain(other)
