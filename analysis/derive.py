"""From the forms in which a report prints a group to its n, mean and SD, each step written down.

A number that cannot be used is refused with `NotUsable`, whose text is the reason shown beside the effect.
Nothing is rounded, nothing is guessed in silence: what had to be supposed stands in the step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from analysis.stats import conversion
from analysis.stats.errors import StatsError
from extraction.beside import Beside
from extraction.record import Arm, CentreKind, Observation, Qualifier, Quantity, Spread, SpreadKind, Status

EXACT = frozenset({Qualifier.EQUAL, Qualifier.ABOUT})
MEANS = frozenset({CentreKind.MEAN, CentreKind.ADJUSTED_MEAN})
SAID = {
    Status.UNSAID: "left out",
    Status.NOT_REPORTED: "not reported",
    Status.NOT_MEASURED: "not measured",
    Status.UNCLEAR: "unclear",
}


class NotUsable(ValueError):
    """A group of which no n, mean and SD can be had; the text says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """One derivation: `value` by `formula` from `inputs`, supposing `assumption` ("" for pure algebra)."""

    what: str
    value: float
    formula: str
    inputs: dict[str, float]
    assumption: str = ""
    source: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "value": self.value,
            "formula": self.formula,
            "inputs": self.inputs,
            "assumption": self.assumption,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class Group:
    """n, mean and SD of one arm at one time, in the outcome's unit, and how they came about."""

    n: float
    mean: float
    sd: float
    observation: str  # key of the row they were read from
    steps: tuple[Step, ...] = ()

    @property
    def assumptions(self) -> list[str]:
        return [step.assumption for step in self.steps if step.assumption]


def people(observation: Observation, arm: Arm) -> tuple[float, tuple[Step, ...]]:
    """n of an observation; where it is not said, the number randomised, which is an assumption."""
    if observation.n.status == Status.REPORTED:
        return _number(observation.n, "n")
    randomised = arm.n_randomised
    if randomised.status == Status.REPORTED and randomised.value is not None and randomised.qualifier in EXACT:
        assumption = f"n of {arm.label} is {SAID[observation.n.status]}: all who were randomised are taken"
        return randomised.value, (Step("n", randomised.value, "n randomised", {}, assumption),)
    raise NotUsable(f"n of {arm.label} is {SAID[observation.n.status]}.")


def group(observation: Observation, arm: Arm) -> Group:
    """n, mean and SD of one cell.

    Raises
    ------
    NotUsable
        If a number is missing, printed as a bound, or of a kind that tells no mean or SD.
    """
    n, of_n = people(observation, arm)
    centre, spread = observation.centre, observation.spread
    if centre.status != Status.REPORTED:
        raise NotUsable(f"The mean of {arm.label} is {SAID[centre.status]}.")
    if spread.status != Status.REPORTED:
        raise NotUsable(f"The spread of {arm.label} is {SAID[spread.status]}.")
    value, of_centre = _number(centre, f"{_word(observation.centre_kind)} of {arm.label}")
    _refuse_bound(spread.qualifier, spread.printed, f"spread of {arm.label}")
    known = of_n + of_centre
    if spread.qualifier == Qualifier.ABOUT:
        known += (_approximate(f"spread of {arm.label}", spread.value or 0.0),)
    if observation.centre_kind in MEANS:
        if observation.centre_kind == CentreKind.ADJUSTED_MEAN:
            taken = f"the adjusted mean of {arm.label} is taken as its mean"
            known += (Step("mean", value, "adjusted mean as printed", {}, taken),)
        sd, of_sd = _standard_deviation(spread, n, arm)
        return Group(n, value, sd, observation.key, known + of_sd)
    if observation.centre_kind == CentreKind.MEDIAN:
        mean, sd, steps = _of_median(value, spread, n, arm)
    elif observation.centre_kind == CentreKind.GEOMETRIC_MEAN:
        mean, sd, steps = _of_geometric_mean(value, spread, n, arm)
    else:
        raise NotUsable(f"{arm.label} gives {_word(observation.centre_kind)}, of which no mean can be made.")
    return Group(n, mean, sd, observation.key, known + steps)


def _number(quantity: Quantity, name: str) -> tuple[float, tuple[Step, ...]]:
    if quantity.value is None:
        raise NotUsable(f"The {name} is {SAID.get(quantity.status, 'not a number')}.")
    _refuse_bound(quantity.qualifier, quantity.printed, name)
    if quantity.qualifier == Qualifier.ABOUT:
        return quantity.value, (_approximate(name, quantity.value),)
    return quantity.value, ()


def _approximate(name: str, value: float) -> Step:
    return Step(name, value, "as printed", {}, f"the {name} is printed as approximate")


def _refuse_bound(qualifier: Qualifier, printed: str, name: str) -> None:
    if qualifier not in EXACT:
        raise NotUsable(f"The {name} is printed as a bound, “{printed}”.")


def _standard_deviation(spread: Spread, n: float, arm: Arm) -> tuple[float, tuple[Step, ...]]:
    match spread.kind:
        case SpreadKind.SD if spread.value is not None:
            return spread.value, ()
        case SpreadKind.SE if spread.value is not None:
            se = spread.value
            made = _converted(lambda: conversion.se_to_sd(se, n), arm)
            return _one(made.value), (_step(f"SD of {arm.label}", made.value, made.record),)
        case SpreadKind.CI if spread.low is not None and spread.high is not None:
            low, high, level = spread.low, spread.high, (spread.level or 95.0) / 100
            moments = _converted(lambda: conversion.ci_to_sd(low, high, n, level=level), arm)
            return _one(moments.sd), (_step(f"SD of {arm.label}", moments.sd, moments.record),)
        case SpreadKind.IQR | SpreadKind.RANGE:
            width = spread.value
            if spread.low is not None and spread.high is not None:
                width = spread.high - spread.low
            if width is not None:
                convert = conversion.iqr_to_sd if spread.kind == SpreadKind.IQR else conversion.range_to_sd
                made = _converted(lambda: convert(width, n), arm)
                return _one(made.value), (_step(f"SD of {arm.label}", made.value, made.record),)
        case SpreadKind.UNLABELLED:
            raise NotUsable(f"The spread of {arm.label} is not labelled: it may be an SD or an SE.")
    raise NotUsable(f"The spread of {arm.label}, {_word(spread.kind)}, gives no SD.")


def _of_median(median: float, spread: Spread, n: float, arm: Arm) -> tuple[float, float, tuple[Step, ...]]:
    low, high = spread.low, spread.high
    if spread.kind not in {SpreadKind.IQR, SpreadKind.RANGE} or low is None or high is None:
        raise NotUsable(f"{arm.label} gives a median without both quartiles or both ends of the range.")
    convert = conversion.from_quartiles if spread.kind == SpreadKind.IQR else conversion.from_range
    moments = _converted(lambda: convert(low, median, high, n), arm)
    if bool(moments.skewed[0]):
        raise NotUsable(f"The values of {arm.label} are skewed: a median does not tell their mean.")
    steps = (
        _step(f"mean of {arm.label}", moments.mean, moments.record),
        _step(f"SD of {arm.label}", moments.sd, moments.record),
    )
    return _one(moments.mean), _one(moments.sd), steps


def _of_geometric_mean(centre: float, spread: Spread, n: float, arm: Arm) -> tuple[float, float, tuple[Step, ...]]:
    if spread.kind == SpreadKind.GEOMETRIC_SD and spread.value is not None:
        factor = spread.value
        logs = _converted(lambda: conversion.geometric_sd_to_log(centre, factor), arm)
    elif spread.kind == SpreadKind.CI and spread.low is not None and spread.high is not None:
        low, high, level = spread.low, spread.high, (spread.level or 95.0) / 100
        logs = _converted(lambda: conversion.geometric_mean_ci_to_log(centre, low, high, n, level=level), arm)
    else:
        raise NotUsable(f"{arm.label} gives a geometric mean without a geometric SD or an interval.")
    raw = _converted(lambda: conversion.log_to_raw(logs.mean_log, logs.sd_log), arm)
    steps = (
        _step(f"mean of the logs of {arm.label}", logs.mean_log, logs.record),
        _step(f"SD of the logs of {arm.label}", logs.sd_log, logs.record),
        _step(f"mean of {arm.label}", raw.mean, raw.record),
        _step(f"SD of {arm.label}", raw.sd, raw.record),
    )
    return _one(raw.mean), _one(raw.sd), steps


def _converted(convert: Callable[[], Any], arm: Arm) -> Any:
    try:
        return convert()
    except StatsError as error:
        raise NotUsable(f"{arm.label}: {error}") from error


def _step(what: str, value: Any, record: conversion.Derivation) -> Step:
    inputs = {name: _one(column) for name, column in record.inputs.items()}
    return Step(what, _one(value), record.formula, inputs, record.assumption, record.source)


def _one(column: Any) -> float:
    return float(column[0])


def _word(kind: CentreKind | SpreadKind) -> str:
    return kind.value.replace("_", " ") or "a value without a kind"


# --- In words, beside the cell that is typed ---------------------------------------------------------------------


def beside(observation: Observation, arm: Arm) -> Beside:
    """What is read and derived from a cell, where that is not what stands there: "SD 2.1" by "sd = se * sqrt(n)"."""
    read = [
        _read(observation.centre),
        _read(
            Quantity(
                value=observation.spread.value,
                printed=observation.spread.printed,
                qualifier=observation.spread.qualifier,
            )
        ),
    ]
    try:
        made = group(observation, arm)
    except NotUsable as why_not:
        said = {observation.centre.status, observation.spread.status}
        reason = str(why_not) if said == {Status.REPORTED} else ""
        return Beside("; ".join(part for part in read if part) or ("not usable as it stands" if reason else ""), reason)
    steps = [step for step in made.steps if step.formula != "as printed"]
    whats = {step.what.partition(" ")[0] for step in steps}
    supposed = any(step.assumption for step in steps)
    derived = (
        [f"mean {made.mean:.4g}"] if "mean" in whats and observation.centre_kind != CentreKind.ADJUSTED_MEAN else []
    )
    derived += [f"SD {made.sd:.4g}"] if "SD" in whats else []
    text = " · ".join(derived)
    if derived and supposed:
        text = f"≈ {text}"
    told = [f"{step.what} = {step.formula}" + (f" ({step.assumption})" if step.assumption else "") for step in steps]
    return Beside(", ".join(part for part in (*read, text) if part), "; ".join(told))


def _read(quantity: Quantity) -> str:
    """The value understood, where a careful eye may take the print for something else."""
    if quantity.value is None:
        return ""
    words = {
        Qualifier.LESS: "below", Qualifier.AT_MOST: "at most", Qualifier.MORE: "above", Qualifier.AT_LEAST: "at least",
        Qualifier.BELOW_DETECTION: "below the limit of detection,",
    }  # fmt: skip
    if quantity.qualifier in words:
        return f"{words[quantity.qualifier]} {quantity.value:g}; kept as printed"
    return f"{quantity.value:g}" if "e" in quantity.printed.lower() else ""
