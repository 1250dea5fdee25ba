"""The life of a trial and of an entry: one table, one writer (`Trial.move_to`), one CheckConstraint."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import TextChoices

from extraction.errors import IllegalMove


class Status(TextChoices):
    ENTERING = "entering", "Being entered"  # two people work, blind to each other
    ALIGNING = "aligning", "Structures differ"  # which arm is which
    ADJUDICATING = "adjudicating", "Entries differ"  # an adjudicator decides
    AGREED = "agreed", "Entries agree"  # waits for approval
    APPROVED = "approved", "Approved"  # analysis may read it


class EntryState(TextChoices):
    DRAFT = "draft", "Draft"
    SUBMITTED = "submitted", "Submitted"  # frozen and hashed; FINAL: approved


MOVES: Mapping[str, frozenset[str]] = {
    Status.ENTERING: frozenset({Status.ALIGNING, Status.ADJUDICATING, Status.AGREED}),
    Status.ALIGNING: frozenset({Status.ADJUDICATING, Status.AGREED, Status.ENTERING}),
    Status.ADJUDICATING: frozenset({Status.ALIGNING, Status.AGREED, Status.ENTERING}),
    Status.AGREED: frozenset({Status.APPROVED, Status.ADJUDICATING, Status.ALIGNING, Status.ENTERING}),
    Status.APPROVED: frozenset({Status.ADJUDICATING}),
}

AFTER_ENTERING = frozenset(Status) - {Status.ENTERING}


def check_move(before: str, after: str) -> None:
    """Raise `IllegalMove` unless a trial may go from `before` to `after`."""
    if after not in MOVES[before]:
        raise IllegalMove(
            f"A trial that is “{Status(before).label.lower()}” cannot become “{Status(after).label.lower()}”."
        )
