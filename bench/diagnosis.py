"""How often the diagnosis of a difference is right: `python -m bench.diagnosis` writes the table of docs/diagnosis.md.

Errors of every kind are planted in trials drawn at random (tests/extraction/planted.py), and honest differences made.
The same generators, with fewer draws, are held to limits by tests/extraction/test_diagnosis_planted.py.
"""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
os.environ.setdefault("DATABASE_URL", "sqlite://:memory:")

from pathlib import Path

from tests.extraction.planted import PLANTERS
from tests.extraction.tallied import Tally, measure, measure_honest

DRAWS, HONEST, SEED = 600, 5000, 11
PAGE = Path(__file__).parents[1] / "docs" / "diagnosis.md"
BEGIN, END = "<!-- figures: written by python -m bench.diagnosis -->", "<!-- end of figures -->"


def of(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def line(kind: str, tally: Tally) -> str:
    proposed = tally.side_right + tally.side_wrong
    taken = ", ".join(f"{code} {count}" for code, count in tally.took_for.most_common()) or "–"
    return (
        f"| {kind} | {tally.drawn} | {of(tally.right, tally.drawn)} | {taken} "
        f"| {of(proposed, tally.drawn)} | {of(tally.side_right, proposed)} |"
    )


def main() -> None:
    rows = [
        "| planted | differences | right cause | taken for | side proposed | of these right |",
        "|---|---:|---:|---|---:|---:|",
        *(line(kind, measure(kind, DRAWS, SEED)) for kind in PLANTERS),
    ]
    honest = measure_honest(HONEST, SEED)
    alarms = honest.drawn - honest.right
    taken = ", ".join(f"{code} {count}" for code, count in honest.took_for.most_common()) or "–"
    rows += [
        "",
        f"Honest differences: {honest.drawn}, of which {alarms} ({of(alarms, honest.drawn)}) got a cause: {taken}.",
    ]
    figures = "\n".join(rows)
    print(figures)
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{figures}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
