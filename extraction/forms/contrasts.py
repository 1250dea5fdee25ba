"""The fields of a contrast in the entry form, and its place in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from extraction.contrasts import NAMES, arms_in_words
from extraction.forms.inputs import Option
from extraction.forms.rows import Control
from extraction.record import Statistic

STANDS_ON: Final = ("arm", "versus", "timepoint", "outcome")


def contrast_controls(
    reports: Sequence[Option], arms: Iterable[Any], timepoints: Iterable[Any], outcomes: Iterable[Any]
) -> tuple[Control, ...]:
    """Every field of a contrast; what it stands on is chosen among the saved rows of the entry.

    Its report is asked for where there is a choice.
    """

    def own(rows: Iterable[Any], none: str) -> list[Option]:
        return [("", none), *((str(row.pk), str(row)) for row in rows)]

    named = list(arms)
    statistics = [("", "choose"), *((one.value, name) for one, name in NAMES.items())]
    return (
        Control("outcome", "Outcome", "select", own(outcomes, "choose")),
        Control("timepoint", "Time", "select", own(timepoints, "choose")),
        Control("statistic", "Statistic", "select", statistics),
        Control("arm", "Arm", "select", own(named, "choose")),
        Control("versus", "Against", "select", own(named, "its own baseline")),
        Control("value", "Value, as printed", "number", hint="-2.10, <0.05 or NR"),
        Control("df", "df", "number", hint="48; of an F 1, 48", main=False),
        Control("ci_low", "CI of a difference, from", "number", main=False),
        Control("ci_high", "CI, to", "number", main=False),
        Control("ci_level", "CI, level in %", "number", hint="95", main=False),
        Control("adjusted", "Adjusted for", hint="Baseline, age …", main=False),
        *([Control("source_report", "Report", "select", reports, main=False)] if reports else []),
        Control("source_page", "Page", main=False),
        Control("source_place", "Table or figure", main=False),
        Control("source_quote", "Quote", "area", main=False),
        Control("notes", "Notes", "area", main=False),
    )


def contrast_in_words(values: Mapping[str, str], labels: Mapping[str, str]) -> str:
    """“t, CBT against waiting list · IL-6 · post” for a contrast's fields; `labels` by key."""
    named = {name: labels.get(values.get(name, ""), "?" if values.get(name) else "") for name in STANDS_ON}
    statistic = values.get("statistic", "")
    known = statistic in {one.value for one in Statistic}
    what = arms_in_words(Statistic(statistic), named["arm"], named["versus"]) if known else named["arm"]
    return " · ".join(part for part in (what, named["outcome"], named["timepoint"]) if part)
