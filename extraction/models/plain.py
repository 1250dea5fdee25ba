"""Between the rows of an entry and the plain values of `extraction.record`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from extraction import record
from extraction.models.contrast import ContrastStatistic
from extraction.models.entry import Entry
from extraction.models.rows import Arm, Characteristic, Observation, Outcome, Timepoint
from extraction.record import Qualifier, Status

ROWS: Mapping[record.Subject, type[Any]] = {
    record.Subject.ARM: Arm,
    record.Subject.TIMEPOINT: Timepoint,
    record.Subject.OUTCOME: Outcome,
    record.Subject.OBSERVATION: Observation,
    record.Subject.CONTRAST: ContrastStatistic,
    record.Subject.CHARACTERISTIC: Characteristic,
}
# What a row points to outside its entry, and the column by which a record names it.
NAMING: Mapping[record.Subject, Mapping[str, str]] = {
    record.Subject.ARM: {"intervention": "code"},
    record.Subject.OUTCOME: {"marker": "code"},
    record.Subject.OBSERVATION: {"source_report": "citation"},
    record.Subject.CONTRAST: {"source_report": "citation"},
    record.Subject.CHARACTERISTIC: {"moderator": "code", "level": "code"},
}

STRUCTURE = {"arm": record.Subject.ARM, "timepoint": record.Subject.TIMEPOINT, "outcome": record.Subject.OUTCOME}
POINTS_TO = {
    record.Subject.OBSERVATION: tuple(STRUCTURE),
    record.Subject.CONTRAST: (*STRUCTURE, "versus"),
    record.Subject.CHARACTERISTIC: ("arm",),
}


class Codes(Protocol):
    """The review's vocabulary by code; `extraction.typed.Context` is one."""

    interventions: Mapping[str, Any]
    markers: Mapping[str, Any]
    levels: Mapping[tuple[str, str], Any]


RecordRow = (
    record.Arm
    | record.Timepoint
    | record.Outcome
    | record.Observation
    | record.ContrastStatistic
    | record.Characteristic
)


def subject_of(row: Any) -> record.Subject:
    """Which kind of row a model row is."""
    return next(subject for subject, model in ROWS.items() if isinstance(row, model))


def rows_of(entry: Entry) -> dict[record.Subject, list[Any]]:
    """All rows of an entry by subject, in their order, with the codes they need: six queries, whatever the size.

    Each row knows its entry, and its arm, time and outcome among these rows, without having been joined to them:
    `select_related()` without a name would join a row to all that it points to, up to the review.
    """
    found: dict[record.Subject, list[Any]] = {}
    for subject, model in ROWS.items():
        rows = model._base_manager.filter(entry=entry).order_by("position", "id")
        named = NAMING.get(subject)
        found[subject] = list(rows.select_related(*named) if named else rows)
    for rows in found.values():
        for row in rows:
            row.entry = entry
    link_rows(found)
    return found


def link_rows(rows: Mapping[record.Subject, Iterable[Any]]) -> None:
    """Let each row of an entry know its arms, time and outcome among the others: no query."""
    known = {row.pk: row for subject in STRUCTURE.values() for row in rows[subject]}
    for subject, names in POINTS_TO.items():
        for row in rows[subject]:
            for name in names:
                if (key := getattr(row, f"{name}_id")) in known:
                    setattr(row, name, known[key])


def as_record(rows: dict[record.Subject, list[Any]]) -> record.Entry:
    """The entry as plain values, in the order in which its rows stand."""
    return record.Entry(
        arms=tuple(_arm(row, _code(row.intervention)) for row in rows[record.Subject.ARM]),
        timepoints=tuple(_timepoint(row) for row in rows[record.Subject.TIMEPOINT]),
        outcomes=tuple(_outcome(row, _code(row.marker)) for row in rows[record.Subject.OUTCOME]),
        observations=tuple(_observation(row, _citation(row.source_report)) for row in rows[record.Subject.OBSERVATION]),
        characteristics=tuple(
            _characteristic(row, row.moderator.code, _code(row.level)) for row in rows[record.Subject.CHARACTERISTIC]
        ),
        contrasts=tuple(_contrast(row, _citation(row.source_report)) for row in rows[record.Subject.CONTRAST]),
    )


@dataclass(frozen=True, slots=True)
class Read:
    """What an entry says, and the direction of its outcomes, by key, where it differs from the marker's."""

    entry: record.Entry
    overrides: Mapping[str, int]


def read_entries(entries: Iterable[UUID]) -> dict[UUID, Read]:
    """Many entries as plain values: one query for each sort of row, whatever their number, and no model rows.

    To make model rows of some thousand observations takes most of the time of a page that compares all entries.
    """
    keys = list(entries)
    found: dict[record.Subject, dict[UUID, list[Any]]] = {}
    for subject, model in ROWS.items():
        names = [column.attname for column in model._meta.concrete_fields]
        codes = [f"{name}__{column}" for name, column in NAMING.get(subject, {}).items()]
        rows = model._base_manager.filter(entry__in=keys).order_by("entry", "position", "id")
        found[subject] = of_entry = defaultdict(list)
        for row in rows.values_list(*names, *codes, named=True):
            of_entry[row.entry_id].append(row)
    return {key: _read({subject: of_entry.get(key, []) for subject, of_entry in found.items()}) for key in keys}


def _read(rows: Mapping[record.Subject, list[Any]]) -> Read:
    outcomes = rows[record.Subject.OUTCOME]
    return Read(
        record.Entry(
            arms=tuple(_arm(row, row.intervention__code or "") for row in rows[record.Subject.ARM]),
            timepoints=tuple(_timepoint(row) for row in rows[record.Subject.TIMEPOINT]),
            outcomes=tuple(_outcome(row, row.marker__code or "") for row in outcomes),
            observations=tuple(
                _observation(row, row.source_report__citation or "") for row in rows[record.Subject.OBSERVATION]
            ),
            characteristics=tuple(
                _characteristic(row, row.moderator__code, row.level__code or "")
                for row in rows[record.Subject.CHARACTERISTIC]
            ),
            contrasts=tuple(_contrast(row, row.source_report__citation or "") for row in rows[record.Subject.CONTRAST]),
        ),
        {str(row.id): row.direction_override for row in outcomes if row.direction_override is not None},
    )


def _code(row: Any) -> str:
    return row.code if row else ""


def _citation(row: Any) -> str:
    return row.citation if row else ""


def _quantity(row: Any, prefix: str) -> record.Quantity:
    value = getattr(row, prefix)
    return record.Quantity(
        status=Status(getattr(row, f"{prefix}_status")),
        printed=getattr(row, f"{prefix}_printed"),
        value=None if value is None else float(value),
        qualifier=Qualifier(getattr(row, f"{prefix}_qualifier")),
    )


def _arm(row: Any, intervention: str) -> record.Arm:
    return record.Arm(
        key=str(row.id),
        label=row.label,
        role=record.Role(row.role),
        intervention=intervention,
        control_kind=row.control_kind,
        n_randomised=_quantity(row, "n_randomised"),
        eligible=row.eligible,
        stratum=row.stratum,
    )


def _timepoint(row: Any) -> record.Timepoint:
    return record.Timepoint(str(row.id), record.Phase(row.phase), row.printed, row.weeks, row.weeks_after_end)


def _outcome(row: Any, marker: str) -> record.Outcome:
    return record.Outcome(
        key=str(row.id),
        name=row.name,
        marker=marker,
        specimen=row.specimen,
        assay=row.assay,
        condition=record.Condition(row.condition),
        stimulus=row.stimulus,
        dose=row.dose,
        unit=row.unit,
        scale=record.Scale(row.scale),
        scale_base=row.scale_base,
        scale_offset=row.scale_offset,
    )


def _observation(row: Any, report: str) -> record.Observation:
    return record.Observation(
        key=str(row.id),
        arm=str(row.arm_id),
        timepoint=str(row.timepoint_id),
        outcome=str(row.outcome_id),
        quantity=record.QuantityKind(row.quantity),
        n=_quantity(row, "n"),
        centre_kind=record.CentreKind(row.centre_kind),
        centre=_quantity(row, "centre"),
        spread=record.Spread(
            kind=record.SpreadKind(row.spread_kind),
            status=Status(row.spread_status),
            printed=row.spread_printed,
            value=row.spread,
            qualifier=Qualifier(row.spread_qualifier),
            low_printed=row.spread_low_printed,
            low=row.spread_low,
            high_printed=row.spread_high_printed,
            high=row.spread_high,
            level=row.spread_level,
        ),
        source=_source(row, report),
        notes=row.notes,
    )


def _source(row: Any, report: str) -> record.Source:
    one = record.Report(str(row.source_report_id), report) if row.source_report_id else None
    return record.Source(row.source_page, row.source_place, row.source_quote, one)


def _contrast(row: Any, report: str) -> record.ContrastStatistic:
    has_ends = row.ci_low is not None
    return record.ContrastStatistic(
        key=str(row.id),
        arm=str(row.arm_id),
        timepoint=str(row.timepoint_id),
        outcome=str(row.outcome_id),
        statistic=record.Statistic(row.statistic),
        versus=str(row.versus_id) if row.versus_id else "",
        value=_quantity(row, "value"),
        interval=record.Spread(
            kind=record.SpreadKind.CI,
            status=Status.REPORTED,
            low_printed=row.ci_low_printed,
            low=row.ci_low,
            high_printed=row.ci_high_printed,
            high=row.ci_high,
            level=row.ci_level,
        )
        if has_ends
        else record.Spread(),
        df=record.Quantity(Status.UNSAID if row.df is None else Status.REPORTED, row.df_printed, row.df),
        adjusted=row.adjusted,
        source=_source(row, report),
        notes=row.notes,
    )


def _characteristic(row: Any, moderator: str, level: str) -> record.Characteristic:
    return record.Characteristic(
        key=str(row.id),
        moderator=moderator,
        kind=record.ModeratorKind(row.kind),
        arm=str(row.arm_id) if row.arm_id else "",
        status=Status(row.value_status),
        printed=row.value_printed,
        value=row.value,
        level=level,
    )


def quantity_columns(prefix: str, quantity: record.Quantity, whole: bool = False) -> dict[str, Any]:
    """The four columns in which a quantity is kept; n and n randomised are whole."""
    value = quantity.value
    return {
        prefix: int(value) if whole and value is not None else value,
        f"{prefix}_printed": quantity.printed,
        f"{prefix}_status": quantity.status.value,
        f"{prefix}_qualifier": quantity.qualifier.value,
    }


def spread_columns(spread: record.Spread) -> dict[str, Any]:
    return {
        "spread_kind": spread.kind.value,
        "spread": spread.value,
        "spread_printed": spread.printed,
        "spread_status": spread.status.value,
        "spread_qualifier": spread.qualifier.value,
        "spread_low": spread.low,
        "spread_low_printed": spread.low_printed,
        "spread_high": spread.high,
        "spread_high_printed": spread.high_printed,
        "spread_level": spread.level,
    }


def interval_columns(interval: record.Spread) -> dict[str, Any]:
    """The columns of the CI of a contrast; the level counts with its ends alone."""
    return {
        "ci_low": interval.low,
        "ci_low_printed": interval.low_printed,
        "ci_high": interval.high,
        "ci_high_printed": interval.high_printed,
        "ci_level": None if interval.low is None else interval.level,
    }


def source_columns(source: record.Source) -> dict[str, Any]:
    return {
        "source_report_id": UUID(source.report.key) if source.report else None,
        "source_page": source.page,
        "source_place": source.place,
        "source_quote": source.quote,
    }


def columns_of(row: RecordRow, codes: Codes) -> dict[str, Any]:
    """The columns of a model row that say what `row` says; the inverse of `as_record` for what is compared."""
    match row:
        case record.Arm():
            return {
                "label": row.label,
                "role": row.role.value,
                "intervention": codes.interventions.get(row.intervention),
                "control_kind": row.control_kind,
                "eligible": row.eligible,
                "stratum": row.stratum,
                **quantity_columns("n_randomised", row.n_randomised, whole=True),
            }
        case record.Timepoint():
            return {
                "phase": row.phase.value,
                "printed": row.printed,
                "weeks": row.weeks,
                "weeks_after_end": row.weeks_after_end,
            }
        case record.Outcome():
            texts = ("name", "specimen", "assay", "stimulus", "dose", "unit", "scale_base", "scale_offset")
            return {
                "marker": codes.markers.get(row.marker),
                "condition": row.condition.value,
                "scale": row.scale.value,
                **{name: getattr(row, name) for name in texts},
            }
        case record.Observation():
            return {
                "arm_id": UUID(row.arm),
                "timepoint_id": UUID(row.timepoint),
                "outcome_id": UUID(row.outcome),
                "quantity": row.quantity.value,
                "centre_kind": row.centre_kind.value,
                **source_columns(row.source),
                "notes": row.notes,
                **quantity_columns("n", row.n, whole=True),
                **quantity_columns("centre", row.centre),
                **spread_columns(row.spread),
            }
        case record.ContrastStatistic():
            return {
                "arm_id": UUID(row.arm),
                "versus_id": UUID(row.versus) if row.versus else None,
                "timepoint_id": UUID(row.timepoint),
                "outcome_id": UUID(row.outcome),
                "statistic": row.statistic.value,
                "df": row.df.value,
                "df_printed": row.df.printed,
                "adjusted": row.adjusted,
                **source_columns(row.source),
                "notes": row.notes,
                **quantity_columns("value", row.value),
                **interval_columns(row.interval),
            }
        case record.Characteristic():
            return {
                "arm_id": UUID(row.arm) if row.arm else None,
                "value": row.value,
                "value_printed": row.printed,
                "value_status": row.status.value,
                "level": codes.levels.get((row.moderator, row.level)),
            }
