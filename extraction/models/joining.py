"""Links by which people join, and what a person keeps for themselves."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from extraction import access
from extraction.models.people import User
from extraction.models.review import Review, Slot, Trial
from extraction.recorded import Recorded, RecordedQuerySet


class InvitationQuerySet(RecordedQuerySet["Invitation"]):
    def visible_to(self, user: access.Viewer) -> Self:
        return self.filter(access.visible(user, access.Thing.INVITATION, Invitation.PATHS))

    def open(self) -> Self:
        """Those that still let somebody in."""
        return self.filter(used_at=None, withdrawn_at=None, expires_at__gt=timezone.now())


class Invitation(Recorded):
    """A link that makes one person a member, once. Only the hash of its secret is kept."""

    PATHS = access.Paths(review="review")

    review = models.ForeignKey(Review, models.PROTECT, related_name="invitations")
    secret_hash = models.CharField(max_length=64, unique=True, editable=False)
    roles = models.CharField(max_length=60, help_text="Separated by commas: extractor, reader.")
    note = models.CharField(max_length=120, blank=True, help_text="For whom it is: seen by leads alone.")
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, editable=False)
    used_by = models.ForeignKey(User, models.PROTECT, null=True, editable=False, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, editable=False)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(used_at__isnull=True, used_by__isnull=True)
                | Q(used_at__isnull=False, used_by__isnull=False, withdrawn_at__isnull=True),
                name="invitation_used_by_somebody_unless_withdrawn",
            ),
        ]

    def __str__(self) -> str:
        return f"Invitation to {self.review}: {self.roles}"

    @property
    def role_list(self) -> list[str]:
        return [role for role in self.roles.split(",") if role]

    @property
    def roles_in_words(self) -> str:
        return ", ".join(access.Role(role).label.lower() for role in self.role_list)

    @property
    def state(self) -> str:
        if self.used_at:
            return "used"
        if self.withdrawn_at:
            return "withdrawn"
        return "open" if self.expires_at > timezone.now() else "expired"


class FormerHolder(Recorded):
    """Who held a slot before it was handed over. Handing it over does not unlearn: see `access._extracting`."""

    trial = models.ForeignKey(Trial, models.PROTECT, related_name="former_holders")
    slot = models.CharField(max_length=5, choices=Slot.choices)
    user = models.ForeignKey(User, models.PROTECT, related_name="former_slots")
    until = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trial", "slot", "user"], name="former_holder_once_per_slot"),
            models.CheckConstraint(condition=Q(slot__in=["A", "B"]), name="former_holder_of_a_or_b"),
        ]


class SavedSearchQuerySet(RecordedQuerySet["SavedSearch"]):
    def visible_to(self, user: access.Viewer) -> Self:
        """One's own."""
        return self.filter(access.visible(user, access.Thing.SAVED_SEARCH, SavedSearch.PATHS))


class SavedSearch(Recorded):
    """Filters over the trials of a review that a person keeps under a name."""

    PATHS = access.Paths(review="review", person="user")

    review = models.ForeignKey(Review, models.PROTECT, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, related_name="saved_searches")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=400, help_text="As it stands in the address, without the question mark.")

    objects = SavedSearchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "saved searches"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["review", "user", "name"], name="saved_search_name_once_per_person")
        ]

    def __str__(self) -> str:
        return self.name
