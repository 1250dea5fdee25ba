"""Who works here: accounts and what they may be in a review."""

from __future__ import annotations

from typing import Self

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models import Q

from extraction import access
from extraction.recorded import Recorded, RecordedQuerySet


class UserQuerySet(models.QuerySet["User"]):
    def visible_to(self, user: access.Viewer) -> Self:
        """Oneself, and for leads the people of their reviews."""
        condition = access.visible(user, access.Thing.PERSON, User.PATHS)
        return self.filter(pk__in=User._base_manager.filter(condition).values("pk"))  # the join repeats rows


class Accounts(UserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]  # a class made at run time
    """Django's account manager with `visible_to`."""

    use_in_migrations = False  # migrations know no project code


class User(AbstractUser):
    """An account. Rights come from memberships alone; `is_staff` only opens the admin's door."""

    PATHS = access.Paths(review="memberships__review", person="")

    time_zone = models.CharField(max_length=64, default="UTC", help_text="Dates and times are shown in this zone.")

    objects = Accounts()  # type: ignore[misc]  # the base declares a plain manager

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class MembershipQuerySet(RecordedQuerySet["Membership"]):
    def visible_to(self, user: access.Viewer) -> Self:
        return self.filter(access.visible(user, access.Thing.MEMBERSHIP, Membership.PATHS))


class Membership(Recorded):
    """What one person may be in one review. A person may carry several roles."""

    PATHS = access.Paths(review="review", person="user")

    review = models.ForeignKey("Review", models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    extractor = models.BooleanField(default=False, help_text="Enters trials, blind to the other extractor.")
    adjudicator = models.BooleanField(default=False, help_text="Decides where two entries differ.")
    lead = models.BooleanField(default=False, help_text="Sets the review up, approves, answers for the result.")
    reader = models.BooleanField(default=False, help_text="Reads approved data and results.")

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["review", "user"]
        constraints = [
            models.UniqueConstraint(fields=["review", "user"], name="membership_once_per_review"),
            models.CheckConstraint(
                condition=Q(extractor=True) | Q(adjudicator=True) | Q(lead=True) | Q(reader=True),
                name="membership_has_a_role",
                violation_error_message="A member needs at least one role.",
            ),
        ]

    @property
    def roles(self) -> list[str]:
        return [role.value for role in access.Role if getattr(self, role.value)]

    def __str__(self) -> str:
        return f"{self.user} in {self.review}: {', '.join(self.roles)}"
