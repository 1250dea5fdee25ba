"""Names of outcomes that the vocabulary lacks, as an extractor proposes them to the leads."""

from __future__ import annotations

from typing import Self
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone

from extraction import access
from extraction.recorded import Recorded, RecordedQuerySet


class ProposalQuerySet(RecordedQuerySet["Proposal"]):
    def visible_to(self, user: access.Viewer) -> Self:
        return self.filter(access.visible(user, access.Thing.PROPOSAL, Proposal.PATHS))

    def permitting(self, act: access.Act, user: access.Viewer) -> Self:
        return self.filter(access.permitted(user, act, access.Thing.PROPOSAL, Proposal.PATHS))

    def waiting(self) -> Self:
        return self.filter(placed_at=None)


class Proposal(Recorded):
    """One name of one outcome, as printed. A lead points it to a marker, old or new, or leaves it without one."""

    PATHS = access.Paths(review="trial__review", trial="trial", person="proposed_by")

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    trial = models.ForeignKey("Trial", models.PROTECT, related_name="proposals")
    entry = models.ForeignKey("Entry", models.PROTECT, related_name="proposals")
    outcome = models.UUIDField(help_text="The outcome's row in that entry.")
    name = models.CharField(max_length=160, help_text="As printed.")
    name_key = models.CharField(max_length=200, editable=False, help_text="The name as it is looked up.")
    unit = models.CharField(max_length=60, blank=True)
    proposed_by = models.ForeignKey("User", models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(default=timezone.now)
    marker = models.ForeignKey("Marker", models.PROTECT, null=True, related_name="+")
    placed_by = models.ForeignKey("User", models.PROTECT, null=True, related_name="+")
    placed_at = models.DateTimeField(null=True)
    filled = models.BooleanField(default=False, help_text="Placing filled in the outcome's marker.")

    objects = ProposalQuerySet.as_manager()

    class Meta:
        ordering = ["name_key", "proposed_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["entry", "outcome", "name_key"], name="proposal_once_per_outcome_and_name"),
            models.CheckConstraint(
                condition=Q(marker__isnull=True) | Q(placed_at__isnull=False), name="proposal_placed_is_dated"
            ),
        ]

    def __str__(self) -> str:
        return self.name
