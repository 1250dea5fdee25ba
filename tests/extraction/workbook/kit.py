"""The kit of dirty and hostile workbooks, and how its manifest is compared with what an import made of a file.

The kit lies beside the tests; the environment variable DIRTY_WORKBOOKS names another folder of the same form. Nothing
here knows a file by its name: what is expected stands in the manifest alone.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extraction.workbook.cells import Finding
from extraction.workbook.columns import Term, Vocabulary
from extraction.workbook.parsed import ParsedWorkbook, Said

FOLDER = Path(os.environ.get("DIRTY_WORKBOOKS") or Path(__file__).resolve().parents[2] / "dirty_workbooks")

VOCABULARY = Vocabulary(
    markers=(
        Term("il6", "Interleukin-6", ("IL-6", "IL6")),
        Term("tnf_a", "TNF-α"),
        Term("il10", "Interleukin-10", ("IL-10",)),
    ),
    control_kinds=(Term("attention", "Attention or placebo"),),
)


@dataclass(frozen=True)
class Case:
    file: str
    expect: str
    reason: str | None
    where: str | None
    rows: int
    tolerable: tuple[str, ...]
    values: dict[str, Any]
    note: str
    category: str

    @property
    def data(self) -> bytes:
        return (FOLDER / "files" / self.file).read_bytes()

    @property
    def outcomes(self) -> set[str]:
        return {self.expect, *self.tolerable}

    @property
    def reasons(self) -> set[str]:
        """The reason and those that the note calls as good."""
        return ({self.reason} if self.reason else set()) | set(re.findall(r"\b[EW]_[A-Z]+\b", self.note))


def cases() -> list[Case]:
    manifest = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
    names = ("file", "expect", "reason", "where", "rows", "values", "category")
    return [
        Case(**{name: entry[name] for name in names}, tolerable=tuple(entry["tolerable"]), note=entry["note"] or "")
        for entry in manifest["files"]
    ]


def is_at(finding: Finding, where: str) -> bool:
    """Whether a finding names the place: "G2", "row 4", "line 6", "rows 2,6", a part, or a header's text."""
    if match := re.fullmatch(r"(?:row|line) (\d+)", where):
        return finding.row == int(match[1])
    if match := re.fullmatch(r"rows (\d+), ?(\d+)", where):
        return {finding.row, finding.other_row} == {int(match[1]), int(match[2])}
    if re.fullmatch(r"[A-Z]{1,3}\d+", where):
        return finding.where == where
    return where in (finding.part, finding.seen, finding.name, finding.sheet, finding.column, finding.where)


def outcome(findings: Iterable[Finding]) -> str:
    found = list(findings)
    if any(finding.rejects for finding in found):
        return "reject"
    return "warn" if found else "accept"


def texts_by_cell(parsed: ParsedWorkbook) -> dict[str, str]:
    """What the import took from each cell, by its reference."""
    taken: dict[str, str] = {}

    def take(said: Said) -> None:
        for name, place in said.places.items():
            if name not in ("quantity", "centre_kind", "spread_kind", "phase", "marker"):
                taken[place.cell] = said.values[name]

    for trial in parsed.trials.values():
        taken[trial.place.cell] = trial.label
        for observation in trial.observations:
            take(observation.said)
            taken[observation.place.cell] = observation.place.seen
        for timepoint in trial.timepoints.values():
            take(timepoint.said)
        for measured in trial.outcomes.values():
            take(measured.said)
    return taken
