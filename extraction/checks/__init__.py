"""What looks wrong in an entry: errors that stop a submission, and warnings that ask for a reason.

The limits come from the review's set-up (`Review.checks`, ranges of markers); those of `look` hold where it says
nothing. A finding rests on certain texts of the entry. A reason given for it is void as soon as one of them changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from extraction.checks.centres import centres, centres_side_by_side, changes
from extraction.checks.contrasts import contrasts
from extraction.checks.look import Checking, Finding, Limits, MarkerLimits, Severity
from extraction.checks.people import arms, people
from extraction.checks.spreads import spreads, spreads_side_by_side
from extraction.checks.structure import sources, structure
from extraction.record import Entry

__all__ = ["Finding", "Limits", "MarkerLimits", "Severity", "check"]

RULES: Final[Sequence[Callable[[Checking], Iterable[Finding]]]] = (
    people, arms, spreads, spreads_side_by_side, centres, centres_side_by_side, changes, structure, sources, contrasts,
)  # fmt: skip


def check(entry: Entry, limits: Limits) -> list[Finding]:
    """Everything found in an entry, one finding per code and row, errors first, each sort in the order of the grid."""
    look = Checking(entry, limits)
    found: dict[tuple[str, str], Finding] = {}
    for rule in RULES:
        for finding in rule(look):
            found.setdefault((finding.code, finding.row), finding)
    return sorted(found.values(), key=lambda finding: finding.severity is not Severity.ERROR)
