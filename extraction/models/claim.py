"""Who has a discrepancy in hand just now, so that two adjudicators do not work on the same one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Self
from uuid import UUID

from django.db import models
from django.utils import timezone

from extraction import access
from extraction.models.reconciliation import Discrepancy
from extraction.recorded import Recorded, RecordedQuerySet

if TYPE_CHECKING:
    from extraction.models import User

LEASE: Final = timedelta(minutes=2)  # the open page renews it; whoever goes away keeps nobody waiting for long


class ClaimQuerySet(RecordedQuerySet["Claim"]):
    def visible_to(self, user: access.Viewer) -> Self:
        return self.filter(access.visible(user, access.Thing.RECONCILIATION, Claim.PATHS))

    def live(self) -> Self:
        return self.filter(until__gt=timezone.now())

    def of_others(self, user: User, discrepancies: Iterable[UUID]) -> Self:
        return self.live().filter(discrepancy__in=discrepancies).exclude(user=user.pk)


class Claim(Recorded):
    """A lease, not a record: it says nothing about the data, ends by itself, and stands in no history."""

    PATHS = access.Paths(review="discrepancy__trial__review", trial="discrepancy__trial")

    discrepancy = models.OneToOneField(Discrepancy, models.CASCADE, related_name="claim")
    user = models.ForeignKey("User", models.CASCADE, related_name="+")
    until = models.DateTimeField()

    objects = ClaimQuerySet.as_manager()

    class Meta:
        ordering = ["discrepancy"]

    def __str__(self) -> str:
        return f"{self.discrepancy}, until {self.until:%H:%M}"
