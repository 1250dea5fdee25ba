"""The grid of observations: one block per outcome and quantity, arms down, timepoints across.

A block says once what kind of centre and spread its cells hold; a cell may say otherwise. A spread has one box, or
two where its kind has two ends; the record keeps `spread`, `spread_low` and `spread_high`, and this module goes
between the two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import BadRequest

from extraction.beside import Beside
from extraction.forms.inputs import Option, Posted, Texts, Was, read_key
from extraction.record import TWO_ENDED, CentreKind, QuantityKind, Scale, SpreadKind, Subject
from extraction.typed import values_of

IQR_WIDTH: Final = "iqr_width"  # an IQR given as one number
CENTRES: Final[tuple[Option, ...]] = (
    (CentreKind.MEAN, "mean"),
    (CentreKind.MEDIAN, "median"),
    (CentreKind.GEOMETRIC_MEAN, "geometric mean"),
    (CentreKind.ADJUSTED_MEAN, "adjusted mean"),
    (CentreKind.EVENTS, "events"),
)
SPREADS: Final[tuple[Option, ...]] = (
    (SpreadKind.SD, "SD"),
    (SpreadKind.SE, "SE"),
    (SpreadKind.CI, "CI"),
    (SpreadKind.IQR, "Q1, Q3"),
    (IQR_WIDTH, "width of the IQR"),
    (SpreadKind.RANGE, "range"),
    (SpreadKind.GEOMETRIC_SD, "geometric SD"),
    (SpreadKind.UNLABELLED, "unlabelled ±"),
)
QUANTITIES: Final[tuple[Option, ...]] = (
    (QuantityKind.SCORE, "scores"),
    (QuantityKind.CHANGE, "change from baseline"),
)
ENDS: Final[Mapping[str, tuple[str, str]]] = {
    SpreadKind.CI: ("lower", "upper"),
    SpreadKind.IQR: ("Q1", "Q3"),
    SpreadKind.RANGE: ("lowest", "highest"),
}
USUAL_LEVEL: Final = "95"
NUMBERS: Final = ("n", "centre", "first", "second")
DETAILS: Final = (
    "analysis_set", "covariates", "inferred", "source_report", "source_page", "source_place", "source_quote",
    "axis_calibration", "second_centre", "second_spread", "notes",
)  # fmt: skip
OWN_KINDS: Final = ("centre_kind", "spread_kind", "spread_level")
# Where a problem of the record's field is shown in the cell.
SHOWN_AT: Final[Mapping[str, str]] = {"spread": "first", "spread_low": "first", "spread_high": "second"}
STATUSES: Final = frozenset({"NR", "NM", "UN"})


NOTHING: Final = Beside()


@dataclass(frozen=True, slots=True)
class Kinds:
    """How a block's cells are reported, in the words of the form."""

    quantity: str = QuantityKind.SCORE.value
    centre: str = CentreKind.MEAN.value
    spread: str = SpreadKind.SD.value
    level: str = USUAL_LEVEL

    @property
    def two_ended(self) -> bool:
        return self.spread in TWO_ENDED

    @property
    def centre_word(self) -> str:
        return dict(CENTRES).get(self.centre, self.centre)

    @property
    def spread_words(self) -> tuple[str, str]:
        return ENDS.get(self.spread, (dict(SPREADS).get(self.spread, self.spread), "upper"))


@dataclass(slots=True)
class Cell:
    """One arm at one time. `texts` has NUMBERS, OWN_KINDS ("" is: as the block) and DETAILS."""

    key: UUID
    at: str  # outcome/quantity/arm/timepoint, as the block was shown
    was: str
    texts: Texts
    problems: dict[str, list[str]] = field(default_factory=dict)
    open: bool = False  # source and notes are shown with it
    beside: Beside = NOTHING

    @property
    def name(self) -> str:
        return f"cell.{self.key}"

    @property
    def says_more(self) -> bool:
        return any(self.texts.get(name, "") not in {"", "no"} for name in (*DETAILS, *OWN_KINDS))

    @property
    def all_problems(self) -> list[str]:
        return [problem for problems in self.problems.values() for problem in problems]


@dataclass(slots=True)
class Block:
    """One outcome in one quantity: kinds, and a row of cells for each arm."""

    outcome: Any
    shown_as: str  # the quantity under which the block was shown
    kinds: Kinds
    timepoints: Sequence[Any]
    rows: list[tuple[Any, list[tuple[Any, Cell]]]]  # arm → (timepoint, cell)
    alone: bool  # the outcome's only block on this page
    reports: Sequence[Option] = ()  # what a source may name; empty where there is nothing to choose

    @property
    def about(self) -> list[str]:
        """What tells this outcome from others of its name."""
        one = self.outcome
        condition = " ".join(part for part in (one.condition, one.stimulus, one.dose) if part)
        scale = "" if one.scale == Scale.RAW else one.scale
        return [part for part in (one.specimen, one.assay, condition, one.unit, scale) if part]

    @property
    def name(self) -> str:
        return f"block.{self.outcome.pk}/{self.shown_as}"


def typed(texts: Mapping[str, str], kinds: Kinds) -> Texts:
    """What a cell says, as the fields of an observation. A kind counts only where a number or a status stands."""
    text = {name: texts.get(name, "").strip() for name in (*NUMBERS, *OWN_KINDS)}
    spread = text["spread_kind"] or kinds.spread
    first, second = text["first"], text["second"]
    values = {name: texts.get(name, "").strip() for name in DETAILS} | {
        "inferred": "yes" if texts.get("inferred") in {"yes", "on"} else "no",
        "quantity": kinds.quantity,
        "n": text["n"],
        "centre": text["centre"],
        "centre_kind": (text["centre_kind"] or kinds.centre) if text["centre"] else "",
        "spread": "",
        "spread_low": "",
        "spread_high": "",
        "spread_kind": (SpreadKind.IQR.value if spread == IQR_WIDTH else spread) if first or second else "",
        "spread_level": (text["spread_level"] or kinds.level) if spread == SpreadKind.CI and (first or second) else "",
    }
    if spread in TWO_ENDED and not (first.upper() in STATUSES and not second):
        return values | {"spread_low": first, "spread_high": second}
    return values | {"spread": first, "spread_high": second}


def shown(values: Mapping[str, str], kinds: Kinds) -> Texts:
    """The inverse of `typed`: a saved observation in the boxes of its block."""
    spread = values["spread_kind"]
    if spread == SpreadKind.IQR and values["spread"] and values["spread"] not in STATUSES:
        spread = IQR_WIDTH
    level = values["spread_level"]
    return {name: values[name] for name in DETAILS} | {
        "n": values["n"],
        "centre": values["centre"],
        "first": values["spread"] or values["spread_low"],
        "second": values["spread_high"],
        "centre_kind": "" if values["centre_kind"] in {"", kinds.centre} else values["centre_kind"],
        "spread_kind": "" if spread in {"", kinds.spread} else spread,
        "spread_level": "" if level in {"", kinds.level} else level,
    }


def is_blank(values: Mapping[str, str]) -> bool:
    """Nothing was said: the kinds alone make no observation."""
    names = ("n", "centre", "spread", "spread_low", "spread_high", *DETAILS)
    return not any(values.get(name, "") not in {"", "no"} for name in names)


def kinds_of(observations: Sequence[Mapping[str, str]], quantity: str, otherwise: Kinds) -> Kinds:
    """What most cells of a block hold; what `otherwise` says where no cell says it."""

    def most(name: str) -> str:
        return next((text for text, _ in Counter(one[name] for one in observations if one[name]).most_common(1)), "")

    spread = most("spread_kind")
    widths = [
        one for one in observations if one["spread_kind"] == SpreadKind.IQR and one["spread"] not in {"", *STATUSES}
    ]
    if spread == SpreadKind.IQR and 2 * len(widths) > len(observations):
        spread = IQR_WIDTH
    return Kinds(
        quantity=quantity,
        centre=most("centre_kind") or otherwise.centre,
        spread=spread or otherwise.spread,
        level=most("spread_level") or otherwise.level,
    )


def blocks(
    outcomes: Iterable[Any],
    arms: Sequence[Any],
    timepoints: Sequence[Any],
    observations: Sequence[Any],
    posted: Posted,
    new_key: Callable[[str], UUID],
    also: frozenset[str] = frozenset(),
) -> list[Block]:
    """The blocks of the given outcomes. `also` names outcomes whose other quantity is wanted as an empty block."""
    values = {row.pk: values_of(row) for row in observations}
    by_place = {
        (str(row.outcome_id), row.quantity, str(row.arm_id), str(row.timepoint_id)): row for row in observations
    }
    sent = {texts.get("at", ""): (key, texts) for key, texts in posted.of("cell")}
    usual = kinds_of(list(values.values()), _usual_quantity(observations), Kinds())

    def cell_at(outcome: Any, quantity: str, arm: Any, time: Any, kinds: Kinds) -> Cell:
        place = (str(outcome.pk), quantity, str(arm.pk), str(time.pk))
        at = "/".join(place)
        if at in sent:
            return _sent_cell(at, *sent[at])
        row = by_place.get(place)
        return _saved_cell(at, row, values[row.pk], kinds) if row else Cell(new_key(at), at, "", {})

    made = []
    for outcome in outcomes:
        quantities = _quantities(outcome, observations, usual.quantity, also)
        for quantity in quantities:
            own = [values[row.pk] for place, row in by_place.items() if place[:2] == (str(outcome.pk), quantity)]
            saved_kinds = kinds_of(own, quantity, usual)
            rows = [
                (arm, [(time, cell_at(outcome, quantity, arm, time, saved_kinds)) for time in timepoints])
                for arm in arms
            ]
            kinds = read_kinds(posted.get("block", f"{outcome.pk}/{quantity}"), saved_kinds)
            made.append(Block(outcome, quantity, kinds, timepoints, rows, alone=len(quantities) == 1))
    return made


def read_kinds(posted: Texts | None, otherwise: Kinds) -> Kinds:
    if posted is None:
        return otherwise
    return Kinds(
        quantity=posted.get("quantity", otherwise.quantity),
        centre=posted.get("centre_kind", otherwise.centre),
        spread=posted.get("spread_kind", otherwise.spread),
        level=posted.get("spread_level", "").strip() or USUAL_LEVEL,
    )


def sent_values(texts: Texts, posted: Posted) -> Texts:
    """The fields of an observation from what was sent for one cell and its block."""
    outcome, quantity, arm, timepoint = read_place(texts.get("at", ""))
    kinds = read_kinds(posted.get("block", f"{outcome}/{quantity}"), Kinds(quantity=quantity))
    return typed(texts, kinds) | {"outcome": outcome, "arm": arm, "timepoint": timepoint}


def read_place(at: str) -> tuple[str, str, str, str]:
    """Outcome, quantity, arm and timepoint of a cell."""
    parts = at.split("/")
    if len(parts) != 4:
        raise BadRequest("The place of a cell cannot be read.")
    return parts[0], parts[1], parts[2], parts[3]


def _sent_cell(at: str, key: str, texts: Texts) -> Cell:
    inferred = {"inferred": "yes" if texts.get("inferred") else "no"}
    return Cell(read_key(key), at, texts.get("was", ""), texts | inferred)


def _saved_cell(at: str, row: Any, values: Texts, kinds: Kinds) -> Cell:
    texts = shown(values, kinds)
    outcome, _, arm, timepoint = read_place(at)
    said = typed(texts, kinds) | {"outcome": outcome, "arm": arm, "timepoint": timepoint}
    return Cell(row.pk, at, str(Was.of(row.version, said)), texts)


def _quantities(outcome: Any, observations: Sequence[Any], usual: str, also: frozenset[str]) -> list[str]:
    """In which quantities an outcome has blocks, scores first."""
    held = {row.quantity for row in observations if row.outcome_id == outcome.pk} or {usual}
    if str(outcome.pk) in also:
        held = {word.value for word in QuantityKind}
    return [word.value for word in QuantityKind if word.value in held]


def _usual_quantity(observations: Sequence[Any]) -> str:
    counted = Counter(row.quantity for row in observations).most_common(1)
    return counted[0][0] if counted else QuantityKind.SCORE.value


def place_in_words(values: Mapping[str, str], labels: Mapping[str, str]) -> str:
    """“IL-6 · HIIT · baseline” for an observation's fields; `labels` by key."""
    return " · ".join(
        labels.get(values.get(subject.value, ""), "?") for subject in (Subject.OUTCOME, Subject.ARM, Subject.TIMEPOINT)
    )
