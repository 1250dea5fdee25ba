"""The wish that results be computed again: a row in the transaction of whatever changed the data.

Two counters: `wanted` grows with every wish, `done` follows when a run for that many wishes was written. A
worker takes a request by one conditional UPDATE with a lease, timed by the database's clock, so that a dead
worker's claim ends by itself and no two clocks need agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Self
from uuid import UUID, uuid4

from django.conf import settings
from django.db import models
from django.db.models import Case, Exists, ExpressionWrapper, F, OuterRef, Q, Value, When
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

from extraction import access

LEASE: Final = timedelta(seconds=settings.RECOMPUTE_LEASE_SECONDS)  # long runs renew it
RETRY_AFTER: Final = timedelta(seconds=10)  # times the number of failures
MOST_FAILURES: Final = 5  # then a person must look; a new wish starts afresh


def from_now(delay: timedelta) -> ExpressionWrapper[CombinedExpression]:
    """A time by the database's clock."""
    return ExpressionWrapper(Now() + Value(delay), output_field=models.DateTimeField())


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to compute a review up to `generation`, until the lease ends."""

    review_id: int
    generation: int
    token: UUID


class RecomputeRequestQuerySet(models.QuerySet["RecomputeRequest"]):
    def visible_to(self, user: access.Viewer) -> Self:
        return self.filter(access.visible(user, access.Thing.RESULT, RecomputeRequest.PATHS))

    def unmet(self) -> Self:
        return self.filter(done__lt=F("wanted"))

    def claimable(self) -> Self:
        """Unmet, not given up, and nobody works on it."""
        free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
        return self.unmet().filter(free, failures__lt=MOST_FAILURES)

    def raise_for(self, review_id: int) -> None:
        """One more wish, in the caller's transaction. Starts afresh what had been given up."""
        if not self._raise(review_id):
            self.bulk_create([RecomputeRequest(review_id=review_id)], ignore_conflicts=True)
            self._raise(review_id)

    def _raise(self, review_id: int) -> int:
        waiting = When(done__lt=F("wanted"), then=F("wanted_at"))
        return self.filter(review=review_id).update(
            wanted=F("wanted") + 1,
            wanted_at=Case(waiting, default=Now()),  # since when the oldest unmet wish waits
            failures=0,
        )

    def claim(self, review_id: int) -> Claim | None:
        """Take the request if it is unmet and free: one UPDATE, so that of many workers one succeeds."""
        token = uuid4()
        taken = (
            self.filter(review=review_id)
            .claimable()
            .update(claimed=F("wanted"), lease_token=token, lease_until=from_now(LEASE))
        )
        if not taken:
            return None
        generation = self.filter(lease_token=token).values_list("claimed", flat=True).first()
        return None if generation is None else Claim(review_id, generation, token)

    def renew(self, claim: Claim) -> None:
        self.filter(lease_token=claim.token).update(lease_until=from_now(LEASE))

    def finish(self, claim: Claim) -> bool:
        """Note the generation as done, unless a later one is; true where this run is the newest."""
        newest = self.filter(review=claim.review_id, done__lt=claim.generation).update(
            done=claim.generation, done_at=Now(), failures=0, last_error=""
        )
        self.filter(lease_token=claim.token).update(lease_token=None, lease_until=None)
        return bool(newest)

    def fail(self, claim: Claim, error: str) -> None:
        """Note a failed run of the holder; it may be tried again after a pause that grows."""
        for failures in range(MOST_FAILURES):
            failed = self.filter(lease_token=claim.token, failures=failures).update(
                failures=failures + 1,
                last_error=error,
                failed_at=Now(),
                lease_token=None,
                lease_until=from_now(RETRY_AFTER * (failures + 1)),
            )
            if failed:
                return

    def with_lease_state(self) -> Self:
        """Each with `is_held`: whether somebody computes it now, by the database's clock."""
        held = RecomputeRequest._base_manager.filter(
            pk=OuterRef("pk"), lease_token__isnull=False, lease_until__gt=Now()
        )
        return self.annotate(is_held=Exists(held))


class RecomputeRequest(models.Model):
    """One row per review that was ever asked for."""

    PATHS = access.Paths(review="review")

    review = models.OneToOneField("extraction.Review", models.PROTECT, related_name="recompute_request")
    wanted = models.PositiveIntegerField(default=0, help_text="How many times a recompute was asked for.")
    done = models.PositiveIntegerField(default=0, help_text="Up to which of these results were written.")
    claimed = models.PositiveIntegerField(default=0, help_text="What the last worker set out to do.")
    lease_token = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, help_text="Until then nobody else takes it.")
    wanted_at = models.DateTimeField(null=True, help_text="Since when the oldest unmet wish waits.")
    done_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    failures = models.PositiveSmallIntegerField(default=0, help_text="In a row; five stop it.")
    last_error = models.TextField(blank=True)

    objects = RecomputeRequestQuerySet.as_manager()

    if TYPE_CHECKING:
        review_id: int
        is_held: bool

    class Meta:
        ordering = ["review"]
        constraints = [
            models.CheckConstraint(condition=Q(done__lte=F("wanted")), name="recompute_request_done_is_at_most_wanted"),
            models.CheckConstraint(
                condition=Q(failures__gte=0, failures__lte=MOST_FAILURES),
                name="recompute_request_failures_are_counted",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.review}: {self.done} of {self.wanted} done"

    @property
    def is_met(self) -> bool:
        return self.done >= self.wanted

    @property
    def given_up(self) -> bool:
        return not self.is_met and self.failures >= MOST_FAILURES
