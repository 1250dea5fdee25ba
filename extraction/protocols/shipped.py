"""The templates that come with the application, read from their folders of CSV and JSON files."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from extraction.protocols.content import Content

HERE = Path(__file__).parent
TITLES = {"psychosocial_immune": "Psychosocial interventions and immune function"}
QUESTION = "Do psychosocial interventions improve immune function in adults, compared with control?"
KINDS = {"continuous": "number", "categorical": "level"}


@cache
def shipped(code: str) -> Content:
    """The set-up of a template by the name of its folder. Raises KeyError where there is none."""
    name = TITLES[code]
    folder = HERE / code
    levels = _rows(folder / "moderator_levels.csv")
    return {
        "format": 1,
        "name": name,
        "question": QUESTION,
        "settings": {},
        "guidance": (folder / "codebook.md").read_text(encoding="utf-8"),
        "checks": json.loads((folder / "checks.json").read_text(encoding="utf-8")),
        "syntheses": json.loads((folder / "syntheses.json").read_text(encoding="utf-8"))["syntheses"],
        "interventions": [
            {
                **_term(row),
                "definition": _text(row, "definition", "Examples: examples", "Not this: excludes_and_tie_break"),
            }
            for row in _rows(folder / "interventions.csv")
        ],
        "outcome_classes": [
            {
                **_term(row),
                "direction": int(row["direction"]),
                "definition": _text(row, "definition", "Belongs here: belongs", "Borderline: borderline_cases"),
            }
            for row in _rows(folder / "outcome_classes.csv")
        ],
        "markers": [_marker(row) for row in _rows(folder / "markers.csv")],
        "units": [
            {
                "unit": row["unit"],
                "to_unit": row["to_unit"],
                "factor": row["factor"],
                "marker": row["marker"] or None,
                "exact": row["auto_equivalent"] == "y",
                "transform": row["transform"],
                "aliases": row["aliases"],
                "note": row["note"],
            }
            for row in _rows(folder / "units.csv")
        ],
        "moderators": [
            {
                **_term(row),
                "kind": KINDS[row["kind"]],
                "applies_to": row["level"],
                "unit": row["unit"],
                "definition": _text(row, "definition", "help_text", "When unclear: how_when_unclear"),
                "levels": [
                    {**_term(level), "definition": _text(level, "definition", "Also: synonyms")}
                    for level in levels
                    if level["moderator"] == row["code"]
                ],
            }
            for row in _rows(folder / "moderators.csv")
        ],
    }


def _marker(row: dict[str, str]) -> dict[str, Any]:
    limits: dict[str, str] = {
        "plausible_low": "plausible_mean_low",
        "plausible_high": "plausible_mean_high",
        "stimulated_low": "stimulated_mean_low",
        "stimulated_high": "stimulated_mean_high",
        "sd_mean_low": "sd_mean_low",
        "sd_mean_high": "sd_mean_high",
    }
    number: Callable[[str], float | None] = lambda text: float(text) if text else None  # noqa: E731
    return {
        **_term(row),
        "outcome_class": row["outcome_class"],
        "direction": int(row["direction"]),
        "canonical_unit": row["canonical_unit"],
        "usual_unit": row["canonical_unit"],
        "log_usual": row["log_usual"] == "y",
        **{field: number(row[column]) for field, column in limits.items()},
        "definition": _text(row, "pitfalls", "Usually measured in: specimen_usual", "Direction: direction_reason"),
        "synonyms": _listed(row["synonyms"]),
        "ambiguous": _listed(row["synonyms_ambiguous"]),
    }


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _term(row: dict[str, str]) -> dict[str, Any]:
    return {"code": row["code"], "name": row["label"]}


def _text(row: dict[str, str], *parts: str) -> str:
    """The named columns as lines of help; “Examples: examples” puts a word before a column."""
    lines = []
    for part in parts:
        *label, column = part.rsplit(": ", 1)
        if row[column]:
            lines.append(": ".join([*label, row[column]]))
    return "\n".join(lines)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]
