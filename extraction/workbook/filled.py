"""One's own drafts as rows of the workbook: what an import of these rows would find unchanged."""

from __future__ import annotations

from collections.abc import Mapping

from extraction import access
from extraction.contrasts import NAMES
from extraction.models import Entry, Review, Slot
from extraction.models.plain import as_record, rows_of
from extraction.numbers import format_value
from extraction.record import (
    TWO_ENDED,
    Arm,
    CentreKind,
    Observation,
    Outcome,
    Quantity,
    QuantityKind,
    Scale,
    Spread,
    SpreadKind,
    Status,
    Timepoint,
)
from extraction.record import Entry as Record
from extraction.states import EntryState
from extraction.workbook.columns import ONE_NUMBER_SPREADS, TWO_ENDED_SPREADS, Vocabulary, columns_of
from extraction.workbook.measured import PHASES
from extraction.workbook.rows import text_of

PHASE_OF = {pair: word for word, pair in PHASES.items()}
COLUMN_OF_SPREAD = {kind: name for name, kind in ONE_NUMBER_SPREADS.items()}
COLUMNS_OF_ENDS = {kind: pair for pair, kind in TWO_ENDED_SPREADS.items()}

Texts = dict[str, str]


def filled_rows(review: Review, vocabulary: Vocabulary, *, by: access.Viewer) -> Mapping[str, list[list[str]]]:
    """The rows of each sheet, in the order of its columns, for all drafts that the caller holds in the review."""
    drafts = Entry.objects.visible_to(by).filter(
        holder=by.pk, slot__in=[Slot.A, Slot.B], state=EntryState.DRAFT, trial__review=review
    )
    found: dict[str, list[Texts]] = {"trials": [], "arms": [], "observations": [], "contrasts": []}
    for entry in drafts.select_related("trial").order_by("trial__label_key"):
        record = as_record(rows_of(entry))
        label = {"trial": entry.trial.label}
        found["trials"].append(label | _characteristics(record, arm=""))
        for arm in record.arms:
            found["arms"].append(label | _arm(arm) | _characteristics(record, arm.key))
        found["observations"] += [label | texts for texts in _observations(record)]
        found["contrasts"] += [label | texts for texts in _contrasts(record)]
    return {
        sheet: [[texts.get(column.name, "") for column in columns_of(sheet, vocabulary)] for texts in rows]
        for sheet, rows in found.items()
    }


def _characteristics(record: Record, arm: str) -> Texts:
    return {
        one.moderator: one.level or one.printed or one.status.value for one in record.characteristics if one.arm == arm
    }


def _arm(arm: Arm) -> Texts:
    return {
        "arm": arm.label,
        "role": arm.role.value,
        "intervention": arm.intervention,
        "control_kind": arm.control_kind,
        "n_randomised": text_of(arm.n_randomised),
        "eligible": "yes" if arm.eligible else "no",
        "stratum": arm.stratum,
    }


def _observations(record: Record) -> list[Texts]:
    arms = {arm.key: arm.label for arm in record.arms}
    times = {time.key: time for time in record.timepoints}
    outcomes = {outcome.key: outcome for outcome in record.outcomes}
    return [
        {"arm": arms[one.arm]}
        | _time_of(times[one.timepoint], one.quantity)
        | _outcome(outcomes[one.outcome])
        | _values(one)
        for one in record.observations
    ]


def _time_of(time: Timepoint, quantity: QuantityKind) -> Texts:
    return {
        "phase": PHASE_OF.get((time.phase, quantity), ""),
        "weeks": "" if time.weeks is None else format_value(time.weeks),
        "timepoint": time.printed,
    }


def _outcome(outcome: Outcome) -> Texts:
    return {
        "marker": outcome.name,
        "unit": outcome.unit,
        "specimen": outcome.specimen,
        "assay": outcome.assay,
        "condition": outcome.condition.value,
        "stimulus": outcome.stimulus,
        "dose": outcome.dose,
        "scale": _scale(outcome),
    }


def _contrasts(record: Record) -> list[Texts]:
    arms = {arm.key: arm.label for arm in record.arms} | {"": ""}
    times = {time.key: time for time in record.timepoints}
    outcomes = {outcome.key: outcome for outcome in record.outcomes}
    return [
        _time_of(times[one.timepoint], QuantityKind.SCORE)
        | {name: text for name, text in _outcome(outcomes[one.outcome]).items() if name != "unit"}
        | {
            "arm": arms[one.arm],
            "versus": arms[one.versus],
            "statistic": NAMES[one.statistic],
            "value": _said(one.value),
            "df": one.df.printed,
            "ci_low": one.interval.low_printed,
            "ci_high": one.interval.high_printed,
            "ci_level": "" if one.interval.level is None else format_value(one.interval.level),
            "adjusted": one.adjusted,
            "report": one.source.report_name,
            "page": one.source.page,
            "source": one.source.place,
            "quote": one.source.quote,
            "notes": one.notes,
        }
        for one in record.contrasts
    ]


def _scale(outcome: Outcome) -> str:
    if outcome.scale is not Scale.LOG:
        return "" if outcome.scale is Scale.RAW else outcome.scale.value
    word = {"e": "ln", "2": "log2", "10": "log10"}.get(outcome.scale_base, "log")
    return f"{word}(x+{outcome.scale_offset})" if outcome.scale_offset else word


def _values(one: Observation) -> Texts:
    texts = {
        "n": text_of(one.n),
        "report": one.source.report_name,
        "page": one.source.page,
        "source": one.source.place,
        "quote": one.source.quote,
        "notes": one.notes,
    }
    if one.centre_kind is not CentreKind.NONE:
        texts[one.centre_kind.value] = _said(one.centre)
    return texts | _spread(one.spread)


def _spread(spread: Spread) -> Texts:
    """In the columns of its kind. The width of an IQR as one number has none and stays in the entry alone."""
    if spread.kind in COLUMN_OF_SPREAD:
        return {COLUMN_OF_SPREAD[spread.kind]: spread.printed or _status(spread.status)}
    if spread.kind not in TWO_ENDED or spread.value is not None:
        return {}
    low, high = COLUMNS_OF_ENDS[spread.kind]
    status = _status(spread.status)
    texts = {low: spread.low_printed or status, high: spread.high_printed or status}
    if spread.kind is SpreadKind.CI and spread.level is not None and spread.low_printed:
        texts["ci_level"] = format_value(spread.level)
    return texts


def _said(quantity: Quantity) -> str:
    return quantity.printed or _status(quantity.status)


def _status(status: Status) -> str:
    return "" if status is Status.REPORTED else status.value
