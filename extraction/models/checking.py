"""Why a warning was kept."""

from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.utils import timezone

from extraction import access
from extraction.models.entry import Entry, entry_visible
from extraction.recorded import Recorded, RecordedQuerySet


class CheckReasonQuerySet(RecordedQuerySet[Any]):
    def visible_to(self, user: access.Viewer) -> Self:
        return self.filter(entry_visible(user, "entry"))


class CheckReason(Recorded):
    """The reason for which an extractor kept what a check warns of. Void once a text it rests on has changed."""

    entry = models.ForeignKey(Entry, models.CASCADE, related_name="check_reasons")
    code = models.CharField(max_length=40, help_text="Of the check.")
    row = models.UUIDField(help_text="Key of the row at which the warning stands.")
    digest = models.CharField(max_length=32, help_text="Of the texts on which the warning rests.")
    reason = models.CharField(max_length=500)
    given_at = models.DateTimeField(default=timezone.now)

    objects = CheckReasonQuerySet.as_manager()

    class Meta:
        ordering = ["entry", "given_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["entry", "code", "row"], name="check_reason_once_per_warning"),
            models.CheckConstraint(condition=~models.Q(reason=""), name="check_reason_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}"
