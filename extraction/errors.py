"""What the verbs refuse. Each refusal has a stable code and the HTTP status that surfaces answer with.

409 is the one answer to "the world has moved on": stale version, wrong state, already decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass


class ExtractionError(Exception):
    """Base of every refusal. `str(error)` is a sentence for the person who asked."""

    code = "refused"
    status = 409

    def details(self) -> list[dict[str, str]]:
        """More than the sentence, where there is more: one line per refused field."""
        return []


class NotFound(ExtractionError):
    """Also the answer for what exists but may not be seen: the two must not be told apart."""

    code = "not_found"
    status = 404

    def __init__(self, message: str = "There is nothing here that you may see.") -> None:
        super().__init__(message)


class NotAllowed(ExtractionError):
    code = "not_allowed"
    status = 403


class IllegalMove(ExtractionError):
    """The trial is not in a state in which this can be done."""

    code = "illegal_move"


class StaleVersion(ExtractionError):
    """Somebody (or another tab) changed the row since it was read."""

    code = "stale_version"


class NotADraft(ExtractionError):
    code = "not_a_draft"


class UnresolvedDiscrepancies(ExtractionError):
    code = "unresolved_discrepancies"


class Claimed(ExtractionError):
    """Somebody else has it in hand just now."""

    code = "claimed"


class SlotTaken(ExtractionError):
    code = "slot_taken"


class DuplicateRow(ExtractionError):
    code = "duplicate_row"


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One refused value: which row, which field, what was seen and what is allowed."""

    row: str
    field: str
    message: str
    seen: str = ""


class InvalidValues(ExtractionError):
    """Values that the strict grammar or the record refuses. Nothing of the request was written."""

    code = "invalid_values"
    status = 400

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{first.row}, {first.field}: {first.message}{more}")

    def details(self) -> list[dict[str, str]]:
        return [asdict(problem) for problem in self.problems]
