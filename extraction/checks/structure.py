"""Outcomes and times that cannot be, and values without a source."""

from __future__ import annotations

from collections.abc import Iterator

from extraction.checks.look import Checking, Finding, time_name
from extraction.record import Phase, Status, Subject, Timepoint


def structure(look: Checking) -> Iterator[Finding]:
    forbidden = {word.casefold() for word in look.limits.words("not_immune", "labels")}
    used = {cell.outcome.key for cell in look.cells}
    for outcome in look.entry.outcomes:
        if outcome.name.casefold() in forbidden:
            message = f"{outcome.name} is outside the review’s question, as its set-up says."
            yield _row(look, "not_immune", Subject.OUTCOME, outcome.key, "name", message, outcome.name)
        marker = look.limits.markers.get(outcome.marker)
        if marker is not None and not marker.direction and outcome.key in used:
            message = (
                f"{outcome.name}: whether higher or lower is better is not said. Choose a direction, or ask the lead."
            )
            yield _row(
                look, "direction_missing", Subject.OUTCOME, outcome.key, "direction_override", message, outcome.marker
            )
    baseline = next((time for time in look.entry.timepoints if time.phase is Phase.BASELINE), None)
    weeks: dict[float, Timepoint] = {}
    for time in look.entry.timepoints:
        if time.weeks is None:
            continue
        earlier = baseline is not None and time is not baseline and time.weeks < (baseline.weeks or 0)
        twin = weeks.setdefault(time.weeks, time)
        if earlier or twin is not time:
            what = "comes before the baseline" if earlier else f"is as late as {time_name(twin)}"
            message = f"{time_name(time)} {what}."
            yield _row(
                look, "timepoint_order", Subject.TIMEPOINT, time.key, "weeks", message, f"{time.weeks}", time_name(twin)
            )


def sources(look: Checking) -> Iterator[Finding]:
    if not look.limits.source_required:
        return  # what lacks a source is listed with the blanks, and asks for no reason
    for cell in look.cells:
        source = cell.row.source
        reported = Status.REPORTED in {cell.row.centre.status, cell.row.spread.status, cell.row.n.status}
        if reported and not (source.page or source.place or source.quote):
            yield look.at(cell, "source_missing", "source_page", "no page, table, figure or quote is given.")


def _row(look: Checking, code: str, subject: Subject, key: str, where: str, message: str, *texts: str) -> Finding:
    return Finding(code, look.limits.severity(code), subject, key, where, message, texts)
