"""Publications about a trial, with the PDF that was attached to them."""

from __future__ import annotations

from typing import Self
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone

from extraction import access
from extraction.recorded import Recorded, RecordedQuerySet


class ReportQuerySet(RecordedQuerySet["Report"]):
    def visible_to(self, user: access.Viewer) -> Self:
        """A lead's reports like the trial; what an extractor uploaded like that extractor's entry."""
        return self.filter(_allowed(user, access.Act.SEE))

    def permitting(self, act: access.Act, user: access.Viewer) -> Self:
        return self.filter(_allowed(user, act))

    def standing(self) -> Self:
        """Those that were not withdrawn."""
        return self.filter(withdrawn_at=None)


def _allowed(user: access.Viewer, act: access.Act) -> Q:
    shared = access.permitted(user, act, access.Thing.REPORT, Report.PATHS)
    own = access.permitted(user, act, access.Thing.UPLOAD, Report.PATHS)
    return (Q(entry=None) & shared) | (Q(entry__isnull=False) & own)


class Report(Recorded):
    """A publication about a trial; a trial may have several. Its key is random: numbers tell who came first."""

    PATHS = access.Paths(review="trial__review", trial="trial", person="uploaded_by")

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    trial = models.ForeignKey("Trial", models.PROTECT, related_name="reports")
    entry = models.ForeignKey(
        "Entry",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="reports",
        help_text="Of the extractor who uploaded it; empty: a lead did, for both.",
    )
    citation = models.TextField(help_text="What it is: the reference, or “Supplement 1”.")
    doi = models.CharField("DOI", max_length=200, blank=True)
    pmid = models.CharField("PMID", max_length=20, blank=True)
    file_name = models.CharField(max_length=100, editable=False, help_text="As it was uploaded; for the eye alone.")
    stored_as = models.CharField(max_length=32, editable=False, unique=True, help_text="Random; in the data folder.")
    size = models.PositiveBigIntegerField(editable=False, help_text="Bytes.")
    digest = models.CharField(max_length=64, editable=False, help_text="SHA-256 of the file.")
    version = models.PositiveIntegerField(default=1, editable=False, help_text="Counts the files: 2 after a new one.")
    uploaded_by = models.ForeignKey("User", models.PROTECT, editable=False, related_name="+")
    uploaded_at = models.DateTimeField(default=timezone.now, editable=False)
    withdrawn_at = models.DateTimeField(null=True, editable=False)
    withdrawal_reason = models.CharField(max_length=300, blank=True, editable=False)

    objects = ReportQuerySet.as_manager()

    class Meta:
        ordering = ["uploaded_at", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(citation=""), name="report_says_what_it_is"),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | ~Q(withdrawal_reason=""),
                name="report_withdrawal_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.citation if len(self.citation) <= 80 else f"{self.citation[:79]}…"
