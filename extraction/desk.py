"""The adjudicator's queue: the discrepancies of a review, in the order in which they are worth deciding.

The order is worked out when somebody comes to the queue, and kept for them while they work: what was decided stays
where it was, and nothing is sorted again under their hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, cast
from uuid import UUID

from django.core.cache import cache
from django.db.models import OuterRef, QuerySet, Subquery

from extraction import access
from extraction.access import Act, Thing
from extraction.models import Choice, Claim, Discrepancy, Resolution, Review, User
from extraction.sides import diagnosis_in_words, short
from extraction.signals import impact_asked

KEPT_FOR: Final = 12 * 3600  # seconds
NOTHING: Final = 0.00005  # an impact that is printed as 0.0000
MOST_SHOWN: Final = 150  # rows of the list on one page, around the one that is open
State = Discrepancy.State
ORDERS: Final = {"impact": "Largest impact first", "trial": "By trial", "oldest": "Oldest first"}
WHICH: Final = {"": "All", "open": "Open", "decided": "Decided"}


@dataclass(frozen=True, slots=True)
class Impact:
    """How far the choice moves the primary synthesis; `change` (B minus A) only where it may be known."""

    size: float
    change: float | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the queue."""

    row: Any  # a Discrepancy with its newest choice
    impact: Impact | None
    largest: float
    taken_by_another: bool
    here: bool

    @property
    def is_open(self) -> bool:
        return bool(self.row.state == State.OPEN)

    @property
    def place(self) -> str:
        return short(self.row)

    @property
    def diagnosis(self) -> str:
        return diagnosis_in_words(self.row)

    @property
    def took(self) -> str:
        if self.is_open:
            return ""
        choice = self.row.newest_choice
        return f"{choice} taken" if choice in {Choice.A, Choice.B} else Choice(choice).label

    @property
    def reach(self) -> float:
        """Where the bar ends on the 96 units of its drawing: from the middle if the direction may be known."""
        if self.impact is None:
            return 0.0
        if self.impact.change is not None:
            return round(48 + 39 * self.impact.change / self.largest, 1)
        return round(4 + 88 * self.impact.size / self.largest, 1)

    @property
    def number(self) -> str:
        if self.impact is None:
            return "–"
        if self.impact.change is None:
            return f"{self.impact.size:.4f}"
        return f"{self.impact.change:+.4f}".replace("-", "−")


@dataclass(frozen=True)
class Desk:
    """The queue of one review as one person sees it."""

    review: Review
    rows: Sequence[Any]  # all that a person decides, in order
    impacts: Mapping[UUID, Impact]
    claimed: frozenset[UUID]  # by others
    order: str = "impact"
    which: str = ""
    trial: int | None = None
    at: UUID | None = None

    @classmethod
    def of(
        cls,
        review: Review,
        by: User,
        *,
        at: UUID | None = None,
        order: str = "",
        which: str = "",
        trial: int | None = None,
    ) -> Desk:
        """With `at` in the order that this person has before them; without, in a new one."""
        rows = list(decidable(review, by).filter(**({"trial": trial} if trial else {})))
        found: dict[UUID, Impact] = {}
        for _, told in impact_asked.send(sender=Discrepancy, review_id=review.pk, discrepancies=rows):
            found |= cast("Mapping[UUID, Impact]", told)
        order = order if order in ORDERS else "impact"
        ordered = _kept_order(review, by, rows, found, order, trial, anew=at is None)
        others = Claim.objects.visible_to(by).of_others(by, [row.pk for row in rows if row.state == State.OPEN])
        claimed = frozenset(others.values_list("discrepancy", flat=True))
        desk = cls(review, ordered, found, claimed, order, which if which in WHICH else "", trial, at)
        if desk.current is None:
            first = next(iter(desk.following(None)), None) or next((row.pk for row in desk.listed), None)
            return cls(review, ordered, found, claimed, order, desk.which, trial, first)
        return desk

    @cached_property
    def current(self) -> Any:
        return next((row for row in self.rows if row.pk == self.at), None)

    @cached_property
    def listed(self) -> list[Any]:
        """The rows that the filter leaves, and the one that is open whatever the filter says."""
        return [row for row in self.rows if not self.which or row.state == self.which or row.pk == self.at]

    @cached_property
    def place(self) -> int:
        return next((place for place, row in enumerate(self.listed) if row.pk == self.at), 0)

    @cached_property
    def items(self) -> list[Item]:
        first = max(0, min(self.place - MOST_SHOWN // 2, len(self.listed) - MOST_SHOWN))
        largest = max((impact.size for impact in self.impacts.values()), default=0.0) or 1.0
        return [
            Item(row, self.impacts.get(row.pk), largest, row.pk in self.claimed, row.pk == self.at)
            for row in self.listed[first : first + MOST_SHOWN]
        ]

    @property
    def before(self) -> Any:
        return self.listed[self.place - 1] if self.place else None

    @property
    def after(self) -> Any:
        return self.listed[self.place + 1] if self.place + 1 < len(self.listed) else None

    def following(self, pk: UUID | None) -> Iterable[UUID]:
        """The open ones that nobody else has in hand, from the one after `pk` on and round to it."""
        place = next((place for place, row in enumerate(self.rows) if row.pk == pk), -1)
        for row in (*self.rows[place + 1 :], *self.rows[: max(place, 0)]):
            if row.state == State.OPEN and row.pk not in self.claimed:
                yield row.pk

    @cached_property
    def total(self) -> int:
        return len(self.rows)

    @cached_property
    def decided(self) -> int:
        return sum(row.state == State.DECIDED for row in self.rows)

    @property
    def open(self) -> int:
        return self.total - self.decided

    @cached_property
    def moving_nothing(self) -> list[Any]:
        """Open, and whichever way it goes the answer stays the same to the fourth decimal."""
        return [
            row
            for row in self.rows
            if row.state == State.OPEN and row.pk in self.impacts and self.impacts[row.pk].size < NOTHING
        ]


def decidable(review: Review, by: access.Viewer) -> QuerySet[Any]:
    """What a person decides or has decided in a review, each with its newest choice."""
    newest = Resolution.objects.visible_to(by).filter(discrepancy=OuterRef("pk")).order_by("-number")
    rows = Discrepancy.objects.visible_to(by).current().filter(trial__review=review, trial__excluded_at=None)
    found: QuerySet[Any] = rows.filter(state__in=[State.OPEN, State.DECIDED]).select_related(
        "trial__review", "a_entry", "b_entry"
    )
    annotated: QuerySet[Any] = found.annotate(newest_choice=Subquery(newest.values("choice")[:1]))
    return annotated


def last_decided(review: Review, by: User) -> Any:
    """The newest decision of this person that can still be taken back, by anybody's right to decide there."""
    allowed = Discrepancy.objects.visible_to(by).filter(
        access.permitted(by, Act.DECIDE, Thing.RECONCILIATION, Discrepancy.PATHS), state=State.DECIDED, superseded=False
    )
    mine = Resolution.objects.visible_to(by).filter(
        decided_by=by, withdraws=False, discrepancy__in=allowed, discrepancy__trial__review=review
    )
    newest: Any = mine.select_related("discrepancy__trial").order_by("-decided_at", "-pk").first()
    return newest.discrepancy if newest is not None and newest.number == newest.discrepancy.version - 1 else None


def _kept_order(
    review: Review,
    by: User,
    rows: Sequence[Any],
    impacts: Mapping[UUID, Impact],
    order: str,
    trial: int | None,
    *,
    anew: bool,
) -> list[Any]:
    if order == "impact":
        sizes = {pk: -impact.size for pk, impact in impacts.items()}
        ranked = sorted(rows, key=lambda row: (sizes.get(row.pk, 1.0), row.trial.label_key, row.position))
    elif order == "oldest":
        ranked = sorted(rows, key=lambda row: (row.created_at, row.trial.label_key, row.position))
    else:
        ranked = sorted(rows, key=lambda row: (row.trial.label_key, row.position))
    name = f"desk:{review.pk}:{by.pk}:{order}:{trial or ''}"
    before: dict[UUID, int] = {} if anew else cache.get(name, {})
    if before:
        ranked.sort(key=lambda row: before.get(row.pk, len(before)))
    else:
        cache.set(name, {row.pk: place for place, row in enumerate(ranked)}, KEPT_FOR)
    return ranked
