"""Short ways to parse a small file in a test and to ask what it says."""

from __future__ import annotations

from typing import Any

from extraction.record import ModeratorKind
from extraction.workbook.columns import ModeratorTerm, Term, Vocabulary
from extraction.workbook.parsed import ParsedTrial, ParsedWorkbook
from tests.extraction.workbook.build import observations, parse_inside, workbook

VOCABULARY = Vocabulary(
    markers=(Term("il6", "Interleukin-6", ("IL-6", "TNF")), Term("tnf_a", "TNF-α", ("TNF",))),
    interventions=(Term("cbt", "Cognitive behavior therapy", ("CBT",)),),
    control_kinds=(Term("waitlist", "Waiting list"),),
    moderators=(
        ModeratorTerm(
            "population", "Population", ModeratorKind.LEVEL, levels=(Term("t2d", "T2D"), Term("healthy", "Healthy"))
        ),
        ModeratorTerm("mean_age", "Mean age", ModeratorKind.NUMBER),
        ModeratorTerm("setting", "Setting", ModeratorKind.TEXT),
        ModeratorTerm("sessions", "Sessions", ModeratorKind.NUMBER, of_arm=True),
    ),
)


def csv(text: str) -> ParsedWorkbook:
    lines = [line.strip() for line in text.strip().splitlines()]
    return parse_inside("\n".join(lines).encode(), "a.csv", VOCABULARY)


def observed(**columns: str) -> ParsedWorkbook:
    """One row of observations with these columns besides the coordinates."""
    given = {"trial": "S001", "arm": "Drug A", "marker": "IL-6", "weeks": "12", **columns}
    quoted = ['"' + text.replace('"', '""') + '"' for text in given.values()]
    return parse_inside(f"{','.join(given)}\n{','.join(quoted)}\n".encode(), "a.csv", VOCABULARY)


def only(parsed: ParsedWorkbook) -> ParsedTrial:
    assert not parsed.rejected, [str(finding) for finding in parsed.findings]
    return next(iter(parsed.trials.values()))


def says(**columns: str) -> dict[str, str]:
    return only(observed(**columns)).observations[0].said.values


def found(parsed: ParsedWorkbook) -> set[tuple[str, str]]:
    return {(finding.code.value, finding.name) for finding in parsed.findings}


def excel(*rows: Any) -> ParsedWorkbook:
    return parse_inside(workbook({"observations": observations(*rows)}), "a.xlsx", VOCABULARY)
