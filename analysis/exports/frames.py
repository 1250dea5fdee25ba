"""The sheets of an export as pandas frames, each made from `visible_to` rows of one review.

Long frames have one row per thing; the wide frame of observations sets A, B and FINAL side by side. Numbers stand
twice: as printed (text) and as read (number).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import pandas as pd

from analysis.models import CurrentResult, Effect, ResultCoefficient, SnapshotTrial, Synthesis
from extraction.access import Viewer
from extraction.models import (
    Arm,
    Characteristic,
    ContrastStatistic,
    Discrepancy,
    Entry,
    Intervention,
    Marker,
    Moderator,
    Observation,
    OutcomeClass,
    Resolution,
    Review,
    Slot,
    Trial,
    UnitFactor,
)

SAID: Final = ("n", "centre_kind", "centre", "spread_kind", "spread", "spread_low", "spread_high", "spread_level")
PLACE: Final = ["trial", "arm", "outcome", "timepoint", "quantity"]


def frame(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> pd.DataFrame:
    """Objects as they are: no guessing of types, no NaN for what is empty."""
    return pd.DataFrame(list(rows), columns=list(columns), dtype=object)


def trials(review: Review, by: Viewer) -> pd.DataFrame:
    """One row per trial; the moderators of the approved version as columns."""
    rows = list(Trial.objects.visible_to(by).filter(review=review).order_by("label_key"))
    long = frame(
        [
            "trial", "year", "doi", "pmid", "registry_id", "design", "state", "under_revision", "calibration",
            "excluded", "exclusion_reason", "citation",
        ],
        (
            [
                row.label, row.year, row.doi, row.pmid, row.registry_id, row.design, row.status, row.under_revision,
                row.calibration, row.excluded_at is not None, row.exclusion_reason, row.citation,
            ]
            for row in rows
        ),
    )  # fmt: skip
    approved = [row.approved_entry_id for row in rows if row.approved_entry_id]
    values = frame(
        ["trial", "moderator", "value"],
        Characteristic.objects.visible_to(by)
        .filter(entry__in=approved, arm__isnull=True)
        .order_by("moderator__position", "moderator__name")
        .values_list("entry__trial__label", "moderator__code", "value_printed"),
    )
    if values.empty:
        return long
    wide = values.pivot(index="trial", columns="moderator", values="value")
    return long.merge(wide[list(dict.fromkeys(values["moderator"]))], how="left", left_on="trial", right_index=True)


def newest(review: Review, by: Viewer) -> list[Entry]:
    """The newest version of each slot that the person may see; of FINAL the approved one where there is one."""
    found: dict[tuple[int, str], Entry] = {}
    rows = Entry.objects.visible_to(by).filter(trial__review=review).select_related("trial")
    for entry in rows.order_by("trial__label_key", "slot", "number"):
        place = (entry.trial_id, entry.slot)
        if entry.slot == Slot.FINAL and entry.is_draft and place in found:
            continue  # under revision: the approved version still counts
        found[place] = entry
    return list(found.values())


def arms(entries: list[Entry], by: Viewer) -> pd.DataFrame:
    fields = (
        "label", "role", "intervention__code", "control_kind", "n_randomised_printed", "n_randomised",
        "n_randomised_status", "eligible", "stratum", "format", "sessions", "weeks",
    )  # fmt: skip
    rows = Arm.objects.visible_to(by).filter(entry__in=entries)
    ordered = rows.order_by("entry__trial__label_key", "entry__slot", "position", "id")
    return frame(
        ["trial", "slot", "version", "arm", *(name.replace("__code", "") for name in fields[1:])],
        ordered.values_list("entry__trial__label", "entry__slot", "entry__number", *fields),
    )


def observations(entries: list[Entry], by: Viewer) -> pd.DataFrame:
    """Long: one row per cell and slot, as printed and as read."""
    rows = (
        Observation.objects.visible_to(by)
        .filter(entry__in=entries)
        .select_related("entry__trial", "arm", "timepoint", "outcome__marker", "source_report")
    )
    columns = [
        "trial", "slot", "version", "arm", "outcome", "marker", "unit", "specimen", "condition", "timepoint", "weeks",
        "quantity", "n_printed", "n", "n_status", "centre_kind", "centre_printed", "centre_qualifier", "centre",
        "centre_status", "spread_kind", "spread_printed", "spread", "spread_low_printed", "spread_high_printed",
        "spread_low", "spread_high", "spread_level", "spread_status", "analysis_set", "report", "source_page",
        "source_place", "source_quote", "notes",
    ]  # fmt: skip
    own = columns[columns.index("quantity") :]
    return frame(
        columns,
        (
            [
                row.entry.trial.label, row.entry.slot, row.entry.number, row.arm.label, row.outcome.name,
                row.outcome.marker.code if row.outcome.marker else "", row.outcome.unit, row.outcome.specimen,
                row.outcome.condition, str(row.timepoint), row.timepoint.weeks, *(getattr(row, name) for name in own),
            ]
            for row in rows.order_by("entry__trial__label_key", "entry__slot", "position", "id")
        ),
    )  # fmt: skip


def contrasts(entries: list[Entry], by: Viewer) -> pd.DataFrame:
    """Long: one row per contrast statistic and slot, as printed and as read; `versus` is empty within one arm."""
    fields = (
        "value_printed", "value_qualifier", "value", "value_status", "ci_low_printed", "ci_high_printed", "ci_low",
        "ci_high", "ci_level", "df_printed", "df", "adjusted", "report", "source_page", "source_place",
        "source_quote", "notes",
    )  # fmt: skip
    rows = ContrastStatistic.objects.visible_to(by).filter(entry__in=entries)
    found = rows.select_related("entry__trial", "arm", "versus", "timepoint", "outcome__marker", "source_report")
    return frame(
        [
            "trial", "slot", "version", "statistic", "arm", "versus", "outcome", "marker", "unit", "timepoint", "weeks",
            *fields,
        ],
        (
            [
                row.entry.trial.label, row.entry.slot, row.entry.number, row.get_statistic_display(), row.arm.label,
                row.versus.label if row.versus else "", row.outcome.name,
                row.outcome.marker.code if row.outcome.marker else "", row.outcome.unit, str(row.timepoint),
                row.timepoint.weeks, *(getattr(row, name) for name in fields),
            ]
            for row in found.order_by("entry__trial__label_key", "entry__slot", "position", "id")
        ),
    )  # fmt: skip


def side_by_side(long: pd.DataFrame) -> pd.DataFrame:
    """Wide: one row per cell with what A, B and FINAL print. Labels are each entry's own, so rows that only one
    entry names so stand alone."""
    printed = {
        name: long[f"{name}_printed"].where(
            long[f"{name}_printed"] != "", long[f"{name}_status"].replace("reported", "")
        )
        for name in ("n", "centre", "spread")
    }
    said = long.assign(**printed)[[*PLACE, "slot", *[name for name in SAID if name in long or name in printed]]]
    said = said.assign(spread_low=long["spread_low_printed"], spread_high=long["spread_high_printed"])
    said = said.drop_duplicates([*PLACE, "slot"])
    slots = [slot for slot in (Slot.A, Slot.B, Slot.FINAL) if slot in set(said["slot"])]
    if said.empty:
        return frame(PLACE, [])
    order = [(name, slot) for name in SAID for slot in slots]
    wide = said.pivot(index=PLACE, columns="slot", values=list(SAID))[order]
    wide.columns = pd.Index([f"{name} {slot}" for name, slot in order])
    return wide.reset_index().astype(object)


def effects(review: Review, by: Viewer) -> pd.DataFrame:
    """The effects behind the current results, also those that are kept out, with the reason; the ledger in words."""
    current = list(
        CurrentResult.objects.visible_to(by)
        .filter(synthesis__review=review)
        .values_list("result__effects_made_by", "snapshot")
    )
    entries = SnapshotTrial.objects.visible_to(by).filter(snapshot__in={snapshot for _, snapshot in current})
    rows = (
        Effect.objects.visible_to(by)
        .filter(specification__in={made_by for made_by, _ in current}, entry__in=entries.values("entry"))
        .select_related("trial", "marker", "intervention")
        .order_by("measure", "trial__label_key", "entry", "position")
    )
    columns = [
        "measure", "trial", "marker", "outcome", "timepoint", "intervention", "treatment", "control", "n_t", "n_c",
        "yi", "vi", "yi_raw", "direction", "something_assumed", "kept_out_because", "derivation",
    ]  # fmt: skip
    return frame(
        columns,
        (
            [
                row.get_measure_display(), row.trial.label, row.marker.code if row.marker else "", row.outcome_name,
                row.timepoint_label, row.intervention.code if row.intervention else "", row.treatment_label,
                row.control_label, row.n_t, row.n_c, row.yi, row.vi, row.yi_raw, row.direction, row.assumed, row.reason,
                in_words(row.ledger),
            ]
            for row in rows
        ),
    )  # fmt: skip


def in_words(ledger: Any) -> str:
    """A derivation ledger as one line of text."""
    if isinstance(ledger, dict):
        return "; ".join(
            f"{name}: {in_words(value)}" for name, value in ledger.items() if value not in ("", None, [], {})
        )
    if isinstance(ledger, list):
        return ", ".join(in_words(value) for value in ledger)
    return str(ledger)


def results(review: Review, by: Viewer) -> pd.DataFrame:
    """One row per synthesis with its current result, and one per coefficient of a meta-regression."""
    numbers = (
        "trials", "effects", "estimate", "se", "ci_low", "ci_high", "statistic", "df_num", "df", "p", "tau2", "i2", "q",
        "pi_low", "pi_high",
    )  # fmt: skip
    terms = ("estimate", "se", "ci_low", "ci_high", "statistic", "df", "p")
    syntheses = list(Synthesis.objects.visible_to(by).filter(review=review).order_by("position", "id"))
    current = {
        row.synthesis_id: row
        for row in CurrentResult.objects.visible_to(by)
        .filter(synthesis__review=review)
        .select_related("result", "snapshot")
    }
    slopes: dict[Any, list[ResultCoefficient]] = {}
    shown = [row.result_id for row in current.values()]
    for slope in ResultCoefficient.objects.visible_to(by).filter(result__in=shown).order_by("position"):
        slopes.setdefault(slope.result_id, []).append(slope)
    rows: list[list[Any]] = []
    for synthesis in syntheses:
        head = [synthesis.group, synthesis.name, synthesis.get_measure_display(), synthesis.get_model_display()]
        row = current.get(synthesis.pk)
        if row is None:
            rows.append([*head, "", "not computed yet", *[None] * len(numbers), ""])
            continue
        state = row.result.reason or row.result.get_state_display()
        rows.append([*head, "", state, *(getattr(row.result, name) for name in numbers), row.snapshot.digest])
        for slope in slopes.get(row.result_id, []):
            said = {name: getattr(slope, name) for name in terms}
            rows.append([*head, slope.term, state, *(said.get(name) for name in numbers), row.snapshot.digest])
    return frame(["group", "synthesis", "measure", "model", "term", "state", *numbers, "snapshot"], rows)


def decisions(review: Review, by: Viewer) -> pd.DataFrame:
    """Every difference with its verdict, and every decision on it, oldest first."""
    differences = Discrepancy.objects.visible_to(by).filter(trial__review=review).select_related("trial", "marker")
    made: dict[Any, list[Resolution]] = {}
    rows = Resolution.objects.visible_to(by).filter(discrepancy__trial__review=review).select_related("decided_by")
    for row in rows.order_by("discrepancy", "number"):
        made.setdefault(row.discrepancy_id, []).append(row)
    columns = [
        "trial", "arm", "outcome", "timepoint", "field", "a", "b", "verdict", "diagnosis", "evidence", "state",
        "superseded", "decision", "other_value", "reason", "comment", "decided_by", "decided_at", "outcome_shown",
    ]  # fmt: skip
    found: list[list[Any]] = []
    for one in differences.order_by("trial__label_key", "position", "id"):
        head = [
            one.trial.label, one.arm_label, one.outcome_label, one.time_label, one.field, one.a_says, one.b_says,
            one.verdict, one.get_diagnosis_display() if one.diagnosis else "", one.evidence, one.state, one.superseded,
        ]  # fmt: skip
        found += [[*head, *_decided(decision)] for decision in made.get(one.pk, [])] or [[*head, *[""] * 7]]
    return frame(columns, found)


def _decided(row: Resolution) -> list[Any]:
    other = [
        row.n_printed,
        row.centre_printed,
        row.spread_printed,
        row.spread_low_printed,
        row.spread_high_printed,
        row.text,
    ]
    return [
        row.in_words, " ".join(text for text in other if text), row.get_reason_code_display(), row.comment,
        str(row.decided_by), row.decided_at, row.outcome_shown,
    ]  # fmt: skip


def codebook(review: Review, by: Viewer) -> pd.DataFrame:
    """The review's vocabulary, one row per term."""

    def terms(model: Any) -> Any:
        return model.objects.visible_to(by).filter(review=review)

    rows: list[list[Any]] = [
        ["intervention", term.code, term.name, term.definition, "", ""] for term in terms(Intervention)
    ]
    rows += [
        ["outcome class", term.code, term.name, term.definition, term.get_direction_display(), ""]
        for term in terms(OutcomeClass)
    ]
    for term in terms(Marker).select_related("outcome_class").prefetch_related("synonyms"):
        benefit = {1: "higher is better", -1: "lower is better"}.get(term.benefit, "not set")
        also = ", ".join(word.text for word in term.synonyms.all())
        rows.append(["marker", term.code, term.name, term.definition or also, benefit, term.canonical_unit])
    for term in terms(Moderator).prefetch_related("levels"):
        levels = ", ".join(level.code for level in term.levels.all())
        rows.append([f"moderator ({term.kind})", term.code, term.name, term.definition or levels, "", term.unit])
    rows += [
        ["unit", term.unit, str(term), "exact" if term.exact else "a hint only", "", term.to_unit]
        for term in terms(UnitFactor)
    ]
    return frame(["kind", "code", "name", "definition", "direction", "unit"], rows)
