"""What a person typed ↔ the columns of a row. Form, API, admin and import all pass here, so all read alike.

Reading is strict and collects every problem of a row before it refuses; the texts that were typed stay with the
caller, so nothing is lost. Codes of the vocabulary and UUIDs of the entry's own rows are looked up in a `Context` that
the verb loads once.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from extraction import numbers, record
from extraction.context import Context
from extraction.errors import FieldProblem
from extraction.models import (
    Arm,
    Characteristic,
    ContrastStatistic,
    Moderator,
    Observation,
    Outcome,
    Timepoint,
)
from extraction.models.plain import quantity_columns, spread_columns
from extraction.record import SpreadKind, Status, Subject
from extraction.typed_contrast import contrast_texts, read_contrast
from extraction.typed_spread import SPREAD_TEXTS, SpreadProblem, read_spread

FIELDS: Final[Mapping[Subject, tuple[str, ...]]] = {
    Subject.ARM: (
        "label", "role", "intervention", "control_kind", "n_randomised", "eligible", "stratum", "format", "sessions",
        "weeks",
    ),
    Subject.TIMEPOINT: ("phase", "printed", "weeks", "weeks_after_end"),
    Subject.OUTCOME: (
        "name", "marker", "specimen", "assay", "condition", "stimulus", "dose", "unit", "scale", "scale_base",
        "scale_offset", "family", "is_primary", "direction_override", "direction_reason",
    ),
    Subject.OBSERVATION: (
        "arm", "timepoint", "outcome", "quantity", "n", "centre_kind", "centre", "spread_kind", "spread", "spread_low",
        "spread_high", "spread_level", "analysis_set", "covariates", "inferred", "source_report", "source_page",
        "source_place", "source_quote", "axis_calibration", "second_centre", "second_spread", "notes",
    ),
    Subject.CONTRAST: (
        "outcome", "timepoint", "arm", "versus", "statistic", "value", "ci_low", "ci_high", "ci_level", "df",
        "adjusted", "source_report", "source_page", "source_place", "source_quote", "notes",
    ),
    Subject.CHARACTERISTIC: ("moderator", "arm", "value"),
}  # fmt: skip

DEFAULTS: Final[Mapping[Subject, Mapping[str, str]]] = {
    Subject.ARM: {"role": "intervention", "eligible": "yes"},
    Subject.TIMEPOINT: {},
    Subject.OUTCOME: {"scale": "raw"},
    Subject.OBSERVATION: {"quantity": "score"},
    Subject.CONTRAST: {},
    Subject.CHARACTERISTIC: {},
}

WEEKS_OF_A_CENTURY = 5200
YES, NO = frozenset({"yes", "true", "1", "on"}), frozenset({"no", "false", "0", "off", ""})
SAID = {Status.NOT_REPORTED.value, Status.NOT_MEASURED.value, Status.UNCLEAR.value}


class Reading:
    """Reads one row's texts into columns and collects what it must refuse."""

    def __init__(self, subject: Subject, row: str, values: Mapping[str, str], context: Context) -> None:
        self.subject, self.row, self.context = subject, row, context
        self.values = {**DEFAULTS[subject], **values}
        self.columns: dict[str, Any] = {}
        self.problems: list[FieldProblem] = []
        for name in values.keys() - set(FIELDS[subject]):
            self.refuse(name, f"{subject.value} has no such field.")
        given: Mapping[str, object] = self.values  # JSON and imports hand over what they hold
        for name in [name for name, value in given.items() if not isinstance(value, str)]:
            self.refuse(name, f"text was expected, as typed; {type(given[name]).__name__} was given.")
            self.values[name] = ""
        READERS[subject](self)

    def refuse(self, name: str, message: str) -> None:
        self.problems.append(FieldProblem(self.row, name, message, seen=str(self.values.get(name, ""))[:80]))

    def text(self, *names: str, required: bool = False, model: type[Any]) -> None:
        for name in names:
            self.columns[name] = value = unicodedata.normalize("NFC", self.values.get(name, "").strip())
            if wrong := unfit(value, model._meta.get_field(name).max_length):
                self.refuse(name, wrong)
            elif required and not value:
                self.refuse(name, "is needed.")

    def one_of(self, name: str, words: Any) -> None:
        value = self.values.get(name, "").strip()
        allowed = [word.value for word in words]
        if value not in allowed:
            self.refuse(name, f"is one of {', '.join(w for w in allowed if w)}.")
            return
        self.columns[name] = value

    def yes_no(self, name: str) -> None:
        value = self.values.get(name, "").strip().casefold()
        if value not in YES | NO:
            self.refuse(name, "is yes or no.")
        self.columns[name] = value in YES

    def code(self, name: str, known: Mapping[str, Any]) -> Any:
        value = self.values.get(name, "").strip()
        self.columns[name] = known.get(value)
        if value and value not in known:
            self.refuse(name, "is not in the codebook; leave it empty and ask a lead to add it.")
        return known.get(value)

    def own_row(self, name: str, subject: Subject, required: bool = True) -> None:
        value = self.values.get(name, "").strip()
        try:
            key = UUID(value) if value else None
        except ValueError:
            key = None
            self.refuse(name, f"names no {subject.value} of this entry.")
        else:
            if key is None and required:
                self.refuse(name, "is needed.")
            elif key is not None and key not in self.context.rows.get(subject, set()):
                self.refuse(name, f"names no {subject.value} of this entry.")
                key = None
        self.columns[f"{name}_id"] = key

    def report(self, name: str) -> None:
        value = self.values.get(name, "").strip()
        known = {str(key): report for key, report in self.context.reports.items()}
        if value and value not in known:
            self.refuse(name, "names no report of this trial; choose one that is there, or leave it empty.")
        self.columns[name] = known.get(value)

    def weeks(self, name: str) -> None:
        """A plain number of weeks, or nothing."""
        try:
            quantity = numbers.parse_quantity(self.values.get(name, ""))
        except numbers.NumberError as error:
            self.refuse(name, str(error))
            return
        if quantity.status not in {Status.UNSAID, Status.REPORTED} or quantity.qualifier != record.Qualifier.EQUAL:
            self.refuse(name, "is a plain number, or empty.")
            return
        if quantity.value is not None and abs(quantity.value) > WEEKS_OF_A_CENTURY:
            self.refuse(name, f"lies between -{WEEKS_OF_A_CENTURY} and {WEEKS_OF_A_CENTURY}.")
        self.columns[name] = quantity.value

    def quantity(self, name: str, whole: bool = False) -> record.Quantity:
        parse = numbers.parse_count if whole else numbers.parse_quantity
        try:
            quantity = parse(self.values.get(name, ""))
        except numbers.NumberError as error:
            self.refuse(name, str(error))
            quantity = record.Quantity()
        self.columns |= quantity_columns(name, quantity, whole)
        return quantity


REFUSED_CHARACTERS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def unfit(text: str, most: int | None) -> str:
    """Why a text cannot be kept: too many characters, or one that nobody sees; empty where it can."""
    if most and len(text) > most:
        return f"{len(text)} characters; at most {most} are kept."
    bad = next((one for one in text if unicodedata.category(one) in REFUSED_CHARACTERS and one not in "\n\t"), None)
    return f"holds the invisible character U+{ord(bad):04X}; type the text again without it." if bad else ""


def _arm(read: Reading) -> None:
    read.text("label", required=True, model=Arm)
    read.text("stratum", "format", "sessions", "weeks", model=Arm)
    read.one_of("role", record.Role)
    read.one_of("control_kind", Arm.ControlKind)
    read.code("intervention", read.context.interventions)
    read.quantity("n_randomised", whole=True)
    read.yes_no("eligible")


def _timepoint(read: Reading) -> None:
    read.text("printed", model=Timepoint)
    if read.values.get("phase", "").strip():
        read.one_of("phase", record.Phase)
    else:
        read.refuse("phase", "is needed: baseline, during, post or follow-up.")
    read.weeks("weeks")
    read.weeks("weeks_after_end")


def _outcome(read: Reading) -> None:
    read.text("name", required=True, model=Outcome)
    read.text(
        "specimen",
        "assay",
        "stimulus",
        "dose",
        "unit",
        "scale_base",
        "scale_offset",
        "family",
        "direction_reason",
        model=Outcome,
    )
    read.one_of("condition", record.Condition)
    read.one_of("scale", record.Scale)
    read.code("marker", read.context.markers)
    read.yes_no("is_primary")
    override = read.values.get("direction_override", "").strip()
    if override not in {"", "1", "-1"}:
        read.refuse("direction_override", "is 1 (higher is better), -1 (lower is better) or empty.")
    elif override and not read.columns["direction_reason"]:
        read.refuse("direction_reason", "say why the direction differs from the codebook's.")
    else:
        read.columns["direction_override"] = int(override) if override else None


def _observation(read: Reading) -> None:
    for subject in (Subject.ARM, Subject.TIMEPOINT, Subject.OUTCOME):
        read.own_row(subject.value, subject)
    read.one_of("quantity", record.QuantityKind)
    read.quantity("n", whole=True)
    read.one_of("centre_kind", record.CentreKind)
    if read.quantity("centre").value is not None and not read.columns.get("centre_kind"):
        read.refuse("centre_kind", "say what kind of centre this is: mean, median …")
    _spread(read)
    read.yes_no("inferred")
    read.report("source_report")
    read.text(
        "analysis_set",
        "covariates",
        "source_page",
        "source_place",
        "source_quote",
        "axis_calibration",
        "second_centre",
        "second_spread",
        "notes",
        model=Observation,
    )


def _spread(read: Reading) -> None:
    read.one_of("spread_kind", SpreadKind)
    if "spread_kind" not in read.columns:
        return
    try:
        spread = read_spread(**{name: read.values.get(name, "") for name in SPREAD_TEXTS})
    except SpreadProblem as problem:
        read.refuse(problem.field, problem.message)
        return
    read.columns |= spread_columns(spread)


def _characteristic(read: Reading) -> None:
    moderator: Moderator | None = read.code("moderator", read.context.moderators)
    read.own_row("arm", Subject.ARM, required=False)
    if moderator is None:
        if not read.values.get("moderator", "").strip():
            read.refuse("moderator", "is needed.")
        return
    text = unicodedata.normalize("NFC", read.values.get("value", "").strip())
    read.columns |= {
        "kind": moderator.kind,
        "value": None,
        "level": None,
        "value_printed": "",
        "value_status": "",
    }
    if text.upper() in SAID:
        read.columns["value_status"] = text.upper()
    elif text and moderator.kind == record.ModeratorKind.LEVEL:
        level = read.context.levels.get((moderator.code, text))
        if level is None:
            known = ", ".join(code for owner, code in read.context.levels if owner == moderator.code)
            read.refuse("value", f"is one of {known}, or NR, NM, UN.")
        read.columns |= {"level": level, "value_printed": text, "value_status": Status.REPORTED.value}
    elif text and moderator.kind == record.ModeratorKind.NUMBER:
        read.columns |= _number_value(read, text)
    elif text:
        if wrong := unfit(text, 200):
            read.refuse("value", wrong)
        read.columns |= {"value_printed": text, "value_status": Status.REPORTED.value}


def _number_value(read: Reading, text: str) -> dict[str, Any]:
    try:
        quantity = numbers.parse_quantity(text)
    except numbers.NumberError as error:
        read.refuse("value", str(error))
        return {}
    if quantity.qualifier != record.Qualifier.EQUAL:
        read.refuse("value", "is a plain number, or NR, NM, UN.")
    return {"value": quantity.value, "value_printed": quantity.printed, "value_status": quantity.status.value}


READERS: Final = {
    Subject.ARM: _arm,
    Subject.TIMEPOINT: _timepoint,
    Subject.OUTCOME: _outcome,
    Subject.OBSERVATION: _observation,
    Subject.CONTRAST: read_contrast,
    Subject.CHARACTERISTIC: _characteristic,
}


def values_of(row: Any) -> dict[str, str]:
    """The texts that a form shows for a saved row, from which reading gives the same row again."""
    if isinstance(row, Arm):
        return _plain(row, FIELDS[Subject.ARM]) | {
            "intervention": row.intervention.code if row.intervention else "",
            "n_randomised": _said(row, "n_randomised"),
        }
    if isinstance(row, Timepoint):
        return _plain(row, FIELDS[Subject.TIMEPOINT])
    if isinstance(row, Outcome):
        return _plain(row, FIELDS[Subject.OUTCOME]) | {"marker": row.marker.code if row.marker else ""}
    if isinstance(row, Observation):
        return _plain(row, FIELDS[Subject.OBSERVATION]) | {
            "arm": str(row.arm_id),
            "timepoint": str(row.timepoint_id),
            "outcome": str(row.outcome_id),
            "n": _said(row, "n"),
            "centre": _said(row, "centre"),
            "spread": _said(row, "spread"),
            "spread_low": row.spread_low_printed,
            "spread_high": row.spread_high_printed,
            "source_report": str(row.source_report_id or ""),
        }
    if isinstance(row, ContrastStatistic):
        return _plain(row, FIELDS[Subject.CONTRAST]) | contrast_texts(row) | {"value": _said(row, "value")}
    if isinstance(row, Characteristic):
        said = row.value_printed or row.value_status
        return {"moderator": row.moderator.code, "arm": str(row.arm_id or ""), "value": said}
    raise TypeError(f"{type(row).__name__} is not a row of an entry.")


def _said(row: Any, name: str) -> str:
    """What was printed; or the status, where it says more than "reported"."""
    status = getattr(row, f"{name}_status")
    return getattr(row, f"{name}_printed") or (status if status in SAID else "")


# Fields of which the text is not the column's: related rows and codes, read without a query of their own.
RELATED = frozenset({"arm", "versus", "timepoint", "outcome", "intervention", "marker", "source_report"})


def _plain(row: Any, names: tuple[str, ...]) -> dict[str, str]:
    return {name: _text(getattr(row, name)) for name in names if name not in RELATED}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return numbers.format_value(value) if isinstance(value, float) else str(value)
