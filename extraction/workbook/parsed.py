"""What an import understood of a workbook: per trial the rows it describes, each value with the cell it came from.

The values of a row are texts under the names of `extraction.typed.FIELDS`, as the verbs take them; every one has passed
the strict grammar. A field that no cell speaks of is absent: an import never says more than its file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from extraction.workbook.cells import MAX_FINDINGS, Finding, first_findings


class Place(NamedTuple):
    """Where a value stands: sheet, row (line of a CSV file), letter and name of the column, and its text there."""

    sheet: str
    row: int
    column: str
    name: str
    seen: str

    @property
    def cell(self) -> str:
        return f"{self.column}{self.row}"


@dataclass(frozen=True, slots=True)
class Said:
    """The texts of one row of the record by field, and the place of each."""

    values: dict[str, str] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)

    def say(self, name: str, text: str, place: Place) -> None:
        self.values[name] = text
        self.places[name] = place


Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParsedArm:
    key: str  # folded label
    label: str
    said: Said


@dataclass(frozen=True, slots=True)
class ParsedTimepoint:
    """`key` is ("baseline",), (phase, "weeks", "8") or (phase, "printed", folded text)."""

    key: Key
    said: Said


@dataclass(frozen=True, slots=True)
class ParsedOutcome:
    """`key` is what tells outcomes of a trial apart: marker, specimen, assay, condition, stimulus, dose, scale."""

    key: Key
    said: Said


@dataclass(frozen=True, slots=True)
class ParsedObservation:
    place: Place  # of its arm
    arm: str  # folded label
    timepoint: Key
    outcome: Key
    said: Said


@dataclass(frozen=True, slots=True)
class ParsedContrast:
    place: Place  # of its arm
    arm: str  # folded label
    versus: str  # folded label, "" within one arm
    versus_place: Place
    timepoint: Key
    outcome: Key
    said: Said


@dataclass(frozen=True, slots=True)
class ParsedCharacteristic:
    moderator: str
    arm: str  # folded label, "" for the trial
    said: Said


@dataclass(slots=True)
class ParsedTrial:
    label: str
    place: Place
    identity: Said = field(default_factory=Said)
    arms: dict[str, ParsedArm] = field(default_factory=dict)
    timepoints: dict[Key, ParsedTimepoint] = field(default_factory=dict)
    outcomes: dict[Key, ParsedOutcome] = field(default_factory=dict)
    observations: list[ParsedObservation] = field(default_factory=list)
    contrasts: list[ParsedContrast] = field(default_factory=list)
    characteristics: list[ParsedCharacteristic] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ParsedWorkbook:
    """`trials` by folded label. `findings` holds at most 100, refusals first; `more` counts the rest."""

    trials: Mapping[str, ParsedTrial] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    more: int = 0
    rows: int = 0  # of data, in all sheets

    @property
    def rejected(self) -> bool:
        return any(finding.rejects for finding in self.findings)


class Findings:
    """Collects findings without keeping more than can be shown."""

    def __init__(self) -> None:
        self._kept: dict[bool, list[Finding]] = {True: [], False: []}
        self._more = 0

    def add(self, finding: Finding) -> None:
        kept = self._kept[finding.rejects]
        if len(kept) < MAX_FINDINGS:
            kept.append(finding)
        else:
            self._more += 1

    @property
    def reject(self) -> bool:
        return bool(self._kept[True])

    def shown(self) -> tuple[tuple[Finding, ...], int]:
        shown, more = first_findings([*self._kept[True], *self._kept[False]])
        return tuple(shown), more + self._more
