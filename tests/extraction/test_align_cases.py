"""The cases of aligned structures in the folder EXTRACTION_CASES (default: tests/extraction/cases)."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from extraction.align import propose
from extraction.likeness import Vocabulary
from extraction.numbers import format_value, parse_quantity
from extraction.record import (
    Arm,
    Condition,
    Entry,
    Match,
    Observation,
    Outcome,
    Phase,
    Quantity,
    Role,
    Scale,
    Subject,
    Timepoint,
)
from extraction.units import Exact, UnitRow, UnitTable
from tests.extraction.entries import sd

CASES = Path(os.environ.get("EXTRACTION_CASES", Path(__file__).parent / "cases"))
TEMPLATE = Path(__file__).parent / "cases" / "psychosocial_immune"


def of(subject: Subject, matches: Iterable[Match]) -> list[tuple[tuple[str, ...], tuple[str, ...], bool]]:
    return [(match.a, match.b, match.exact) for match in matches if match.subject is subject]


def read_csv(name: str) -> list[dict[str, str]]:
    with (TEMPLATE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def texts(cell: str) -> list[str]:
    return [text.strip() for text in cell.split(";") if text.strip()]


def vocabulary() -> Vocabulary:
    markers = read_csv("markers.csv")
    return Vocabulary(
        {row["code"]: [*texts(row["synonyms"]), row["label"]] for row in read_csv("interventions.csv")},
        {row["code"]: [*texts(row["synonyms"]), row["label"]] for row in markers},
        [label for row in markers for label in texts(row["synonyms_ambiguous"])],
    )


def unit_table() -> UnitTable:
    return UnitTable(
        UnitRow(
            row["unit"],
            row["to_unit"],
            row["factor"],
            row["marker"],
            row["transform"],
            row["auto_equivalent"] == "y",
            tuple(texts(row["aliases"])),
        )
        for row in read_csv("units.csv")
    )


WORDS, TABLE = vocabulary(), unit_table()


def number(value: float | None) -> Quantity:
    return Quantity() if value is None else parse_quantity(format_value(value))


def weeks(row: dict[str, Any]) -> float | None:
    if row["value"] is None:
        return None
    factor = TABLE.factor(row["unit"], "week")
    assert isinstance(factor, Exact)
    return float(Fraction(row["value"]) * factor.factor)


def of_case(side: dict[str, Any]) -> Entry:
    """An entry from the structure of a case: a comparator has no intervention, a detail is a stimulus."""
    return Entry(
        tuple(
            Arm(
                row["id"],
                row["label"],
                Role.INTERVENTION if row["intervention"] else Role.CONTROL,
                row["intervention"] or "",
                row["control_kind"] or "",
                number(row["n_randomised"]),
            )
            for row in side["arms"]
        ),
        tuple(
            Timepoint(row["id"], Phase.BASELINE if row["is_baseline"] else Phase.POST, row["label"], weeks(row))
            for row in side["timepoints"]
        ),
        tuple(
            Outcome(
                row["id"],
                row["label"],
                row["marker"] or "",
                row["specimen"] or "",
                condition=Condition(row["condition"] or ""),
                stimulus=row["detail"] or "",
                unit=row["unit"] or "",
                scale=Scale.RAW if row["scale"] == "raw" else Scale.LOG,
                scale_base="" if row["scale"] == "raw" else row["scale"],
            )
            for row in side["outcomes"]
        ),
        tuple(
            Observation(
                str(place),
                row["arm"],
                row["timepoint"],
                row["outcome"],
                n=number(row["n"]),
                centre=parse_quantity(row["centre"]),
                spread=sd(row["spread"]),
            )
            for place, row in enumerate(side["cells"])
        ),
    )


PAIRS = json.loads((CASES / "alignment_pairs.json").read_text(encoding="utf-8"))["pairs"]
LEVELS = {"arms": Subject.ARM, "timepoints": Subject.TIMEPOINT, "outcomes": Subject.OUTCOME}


@pytest.mark.parametrize("case", PAIRS, ids=lambda case: case["id"])
def test_a_pair_of_structures_is_matched_as_expected(case: dict[str, Any]) -> None:
    found = propose(of_case(case["a"]), of_case(case["b"]), TABLE, WORDS)
    for level, subject in LEVELS.items():
        expected = {(tuple(row["a"]), tuple(row["b"]), row["auto_confirm"]) for row in case["expected"][level]}
        assert set(of(subject, found)) == expected
