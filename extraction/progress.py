"""How far a review is, person by person, as a lead may know it: states and dates, never values.

Trials that the asker extracts are left out altogether: they would tell about the partner.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Min, OuterRef, Subquery
from django.utils import timezone

from extraction import access
from extraction.models import Assignment, Entry, Review, Slot, User
from extraction.states import EntryState, Status

WEEKS_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Pace:
    """Submissions per week, the last weeks first to last, and when the rest is submitted at this pace.

    Weeks before the first submission do not slow the pace: it counts from there.
    """

    weeks: tuple[int, ...]
    begins: date
    left: int

    @property
    def submitted(self) -> int:
        return sum(self.weeks)

    @property
    def worked(self) -> int:
        """Weeks from the first submission on, this one included; at least 1."""
        first = next((number for number, count in enumerate(self.weeks) if count), len(self.weeks) - 1)
        return len(self.weeks) - first

    @property
    def per_week(self) -> str:
        """With one decimal, for reading."""
        return f"{self.submitted / self.worked:.1f}"

    @property
    def weeks_left(self) -> int | None:
        """Whole weeks until nothing is left; None while nothing tells a pace."""
        if not self.submitted:
            return None
        return -(-self.left * self.worked // self.submitted)

    @property
    def ends(self) -> date | None:
        """When the last one is submitted at this pace."""
        weeks = self.weeks_left
        return None if weeks is None else timezone.localdate() + timedelta(weeks=weeks)


@dataclass(slots=True)
class Person:
    """One extractor: how many of the assigned trials are where, and the pace."""

    user: User
    counts: Counter[str] = field(default_factory=Counter)
    submissions: list[datetime] = field(default_factory=list)

    @property
    def assigned(self) -> int:
        return self.counts.total()

    @property
    def submitted(self) -> int:
        return self.counts["done"] + self.counts["waiting"]

    @property
    def left(self) -> int:
        return self.assigned - self.submitted

    @property
    def pace(self) -> Pace:
        return pace(self.submissions, self.left)


def extractors(user: access.Viewer, review: Review) -> list[Person]:
    """Everybody who holds a slot A or B of a trial whose progress `user` may see. One query."""
    paths = access.Paths(review="trial__review", trial="trial")
    of_slot = Entry._base_manager.filter(trial=OuterRef("trial"), slot=OuterRef("slot"))
    rows = (
        Assignment._base_manager.filter(access.visible(user, access.Thing.PROGRESS, paths))
        .filter(trial__review=review, trial__excluded_at=None, slot__in=[Slot.A, Slot.B])
        .select_related("user", "trial")
        .annotate(
            newest_state=Subquery(of_slot.order_by("-number").values("state")[:1]),
            newest_number=Subquery(of_slot.order_by("-number").values("number")[:1]),
            first_submitted=Subquery(
                of_slot.order_by().values("slot").annotate(first=Min("submitted_at")).values("first")
            ),
        )
        .order_by("user__username")
    )
    people: dict[int, Person] = {}
    for row in rows:
        person = people.setdefault(row.user_id, Person(row.user))
        person.counts[_part(row.trial.status, row.newest_state, row.newest_number)] += 1
        if row.first_submitted:
            person.submissions.append(row.first_submitted)
    return list(people.values())


def pace(submissions: Sequence[datetime], left: int, weeks: int = WEEKS_SHOWN) -> Pace:
    """Count submissions by week; weeks begin on Monday, the last one is this week."""
    today = timezone.localdate()
    begins = today - timedelta(days=today.weekday(), weeks=weeks - 1)
    by_week: dict[int, int] = defaultdict(int)
    for moment in submissions:
        by_week[(timezone.localdate(moment) - begins).days // 7] += 1
    return Pace(tuple(by_week[week] for week in range(weeks)), begins, left)


def _part(status: str, state: str | None, number: int | None) -> str:
    if status == Status.APPROVED:
        return "done"
    if state is None:
        return "start"
    if state == EntryState.SUBMITTED:
        return "waiting"
    return "returned" if (number or 1) > 1 else "progress"
