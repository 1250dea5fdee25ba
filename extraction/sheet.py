"""An entry as it is read: every row in words, the grid filled in, and what is still blank."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import prefetch_related_objects

from extraction.access import Viewer
from extraction.compare import centre_says
from extraction.contrasts import quantity_says
from extraction.models import Entry, Moderator
from extraction.models.plain import as_record, link_rows
from extraction.record import Observation, QuantityKind, Subject
from extraction.spreads import says as spread_says
from extraction.stated import Stated, stated

MOST_NAMED: Final = 40  # blanks of one sort that are named one by one


@dataclass(frozen=True, slots=True)
class Said:
    """One observation in words, with the row it comes from."""

    row: Any
    where: str  # outcome, arm and time
    n: str
    centre: str
    spread: str

    @classmethod
    def of(cls, row: Any, where: str, plain: Observation) -> Said:
        return cls(row, where, quantity_says(plain.n), centre_says(plain), spread_says(plain.spread))

    @property
    def remarks(self) -> list[str]:
        row = self.row
        adjusted = f"adjusted for {row.covariates}" if row.covariates else ""
        return [part for part in (row.analysis_set, adjusted, "inferred" if row.inferred else "", row.notes) if part]


@dataclass(frozen=True, slots=True)
class Block:
    """One outcome in one quantity: for each arm a cell per timepoint, None where nothing was entered."""

    outcome: Any
    quantity: str
    rows: Sequence[tuple[Any, Sequence[Said | None]]]

    @property
    def is_change(self) -> bool:
        return self.quantity == QuantityKind.CHANGE


@dataclass(frozen=True, slots=True)
class Sheet:
    arms: Sequence[Any]
    timepoints: Sequence[Any]
    outcomes: Sequence[Any]
    characteristics: Sequence[Any]
    blocks: Sequence[Block]
    said: dict[UUID, Said]
    contrasts: Sequence[Stated] = ()

    @property
    def empty_cells(self) -> list[str]:
        return [
            f"{block.outcome} · {arm} · {timepoint}"
            for block in self.blocks
            for arm, cells in block.rows
            for timepoint, cell in zip(self.timepoints, cells, strict=True)
            if cell is None
        ]


# What `sheet_of` reads of an entry: with this prefetched, several entries cost no more queries than one.
SHOWN_ROWS: Final = (
    "arms__intervention",
    "timepoints",
    "outcomes__marker",
    "observations__source_report",
    "contrasts__source_report",
    "characteristics__moderator",
    "characteristics__level",
    "characteristics__arm",
)


def sheet_of(entry: Entry) -> Sheet:
    """The rows of an entry that the caller found among the visible ones."""
    prefetch_related_objects([entry], *SHOWN_ROWS)  # nothing is asked again where the caller did so for several
    rows = {subject: list(getattr(entry, f"{subject}s").all()) for subject in Subject}
    link_rows(rows)
    arms, timepoints, outcomes = rows[Subject.ARM], rows[Subject.TIMEPOINT], rows[Subject.OUTCOME]
    whole = as_record(rows)
    plain = {one.key: one for one in whole.observations}
    named = {row.pk: str(row) for row in (*arms, *timepoints, *outcomes)}

    def where(row: Any) -> str:
        return " · ".join(named[key] for key in (row.outcome_id, row.arm_id, row.timepoint_id))

    said = {row.pk: Said.of(row, where(row), plain[str(row.pk)]) for row in rows[Subject.OBSERVATION]}
    placed = {
        (row.outcome_id, row.quantity, row.arm_id, row.timepoint_id): said[row.pk] for row in rows[Subject.OBSERVATION]
    }
    blocks = []
    for outcome in outcomes:
        for quantity in _quantities(outcome, rows[Subject.OBSERVATION]):
            grid = [
                (arm, [placed.get((outcome.pk, quantity, arm.pk, timepoint.pk)) for timepoint in timepoints])
                for arm in arms
            ]
            blocks.append(Block(outcome, quantity, grid))
    return Sheet(arms, timepoints, outcomes, rows[Subject.CHARACTERISTIC], blocks, said, stated(rows, whole))


def _quantities(outcome: Any, observations: Iterable[Any]) -> list[str]:
    held = {row.quantity for row in observations if row.outcome_id == outcome.pk}
    return [word.value for word in QuantityKind if word.value in held] or [QuantityKind.SCORE.value]


@dataclass(frozen=True, slots=True)
class Blank:
    """One sort of thing that is not said yet."""

    what: str
    where: Sequence[str]

    @property
    def named(self) -> Sequence[str]:
        return self.where[:MOST_NAMED]

    @property
    def more(self) -> int:
        return max(0, len(self.where) - MOST_NAMED)


def blanks_of(entry: Entry, sheet: Sheet, by: Viewer) -> list[Blank]:
    """What a look over the entry should notice before it is submitted. Nothing here stops a submission."""
    moderators = Moderator.objects.visible_to(by).filter(review=entry.trial.review_id)
    told = {(row.moderator_id, row.arm_id) for row in sheet.characteristics if row.value_printed or row.value_status}
    numbers: list[Said | Stated] = [*sheet.said.values(), *sheet.contrasts]
    of_arms = [one for one in moderators if one.applies_to == Moderator.AppliesTo.ARM]
    of_trial = [one for one in moderators if one.applies_to == Moderator.AppliesTo.TRIAL]
    found = [
        Blank("Characteristics", [str(one) for one in of_trial if (one.pk, None) not in told]),
        Blank(
            "Characteristics of arms",
            [f"{one}, {arm}" for arm in sheet.arms for one in of_arms if (one.pk, arm.pk) not in told],
        ),
        Blank("Arms without the number randomised", [str(arm) for arm in sheet.arms if not arm.n_randomised_status]),
        Blank(
            "Timepoints without weeks",
            [str(one) for one in sheet.timepoints if one.weeks is None and one.weeks_after_end is None],
        ),
        Blank(
            "Outcomes without a marker of the codebook", [str(one) for one in sheet.outcomes if one.marker_id is None]
        ),
        Blank("Empty cells", sheet.empty_cells),
        Blank("Cells that lack n", _lacking(sheet, "n")),
        Blank("Cells that lack a centre", _lacking(sheet, "centre")),
        Blank("Cells that lack a spread", _lacking(sheet, "spread")),
        Blank("Contrasts that lack a value", [one.where for one in sheet.contrasts if one.says.startswith("–")]),
        Blank(
            "Values without a source",
            [one.where for one in numbers if not (one.row.source or one.row.source_quote)],
        ),
    ]
    return [blank for blank in found if blank.where]


def _lacking(sheet: Sheet, name: str) -> list[str]:
    return [one.where for one in sheet.said.values() if not getattr(one.row, f"{name}_status")]
