"""A review's set-up as a thing of its own: templates to start from, and the versions of a codebook."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from extraction import access
from extraction.models.people import User
from extraction.models.review import Review
from extraction.recorded import Recorded, RecordedQuerySet


class TemplateQuerySet(RecordedQuerySet["Template"]):
    def visible_to(self, user: access.Viewer) -> Self:
        """Templates that their makers share, and one's own. They hold words, never data."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        return self.filter(Q(made_by=user.pk) | Q(shared=True))


class Template(Recorded):
    """The set-up of a review, kept to start others from."""

    name = models.CharField(max_length=160)
    description = models.TextField(blank=True)
    content = models.JSONField(help_text="As extraction.protocols.content describes it.")
    shared = models.BooleanField(default=True, help_text="Everybody who may make a review can start from it.")
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TemplateQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["made_by", "name"],
                name="template_name_once_per_person",
                violation_error_message="You have a template of this name already.",
            )
        ]

    def __str__(self) -> str:
        return self.name


class CodebookVersionQuerySet(RecordedQuerySet["CodebookVersion"]):
    def visible_to(self, user: access.Viewer) -> Self:
        return self.filter(access.visible(user, access.Thing.VOCABULARY, CodebookVersion.PATHS))


class CodebookVersion(Recorded):
    """A codebook that changed after entries had begun: what changed, and what it said before."""

    PATHS = access.Paths(review="review")

    review = models.ForeignKey(Review, models.PROTECT, related_name="codebook_versions")
    number = models.PositiveIntegerField(help_text="2, 3 …: the version that the changes made.")
    begun_at = models.DateTimeField(default=timezone.now, editable=False)
    begun_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    changes = models.JSONField(default=list, help_text="One object per change: act, kind, key, name, before, after.")
    previous = models.JSONField(default=dict, help_text="The vocabulary of the version before.")

    objects = CodebookVersionQuerySet.as_manager()

    class Meta:
        ordering = ["review", "-number"]
        constraints = [models.UniqueConstraint(fields=["review", "number"], name="codebook_version_once_per_review")]

    def __str__(self) -> str:
        return f"Codebook version {self.number}"
