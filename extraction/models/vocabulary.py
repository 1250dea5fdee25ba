"""What a review calls things: interventions, outcome classes, markers, units, moderators.

A review brings its own vocabulary; nothing here is tied to a topic. Leads alone change it.
"""

from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.db.models import Q

from extraction import access, record
from extraction.recorded import Recorded, RecordedQuerySet


class Direction(models.IntegerChoices):
    HIGHER = 1, "higher is better"
    LOWER = -1, "lower is better"
    UNSET = 0, "not set: kept out of pooling"


class VocabularyQuerySet(RecordedQuerySet[Any]):
    def visible_to(self, user: access.Viewer) -> Self:
        return self.filter(access.visible(user, access.Thing.VOCABULARY, self.model.PATHS))


class Term(Recorded):
    """One word of a review's vocabulary."""

    PATHS = access.Paths(review="review")

    review = models.ForeignKey("extraction.Review", models.PROTECT, related_name="%(class)ss")
    code = models.CharField(max_length=120, help_text="Short and stable: used in files and filters.")
    name = models.CharField(max_length=160)
    definition = models.TextField(blank=True, help_text="Shown to extractors as help and in the codebook.")
    position = models.PositiveSmallIntegerField(default=0)

    objects = VocabularyQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["position", "name"]
        constraints = [models.UniqueConstraint(fields=["review", "code"], name="%(class)s_code_once_per_review")]

    def __str__(self) -> str:
        return self.name


class Intervention(Term):
    """A kind of treatment that an arm may receive; comparators that are treatments as well."""


class OutcomeClass(Term):
    direction = models.SmallIntegerField(choices=Direction.choices, default=Direction.UNSET)

    class Meta(Term.Meta):
        verbose_name_plural = "outcome classes"


class Marker(Term):
    """What is measured: "CRP", "VO2max". Its direction wins over that of its class."""

    outcome_class = models.ForeignKey(OutcomeClass, models.PROTECT, null=True, blank=True, related_name="markers")
    direction = models.SmallIntegerField(choices=Direction.choices, null=True, blank=True)
    canonical_unit = models.CharField(max_length=60, blank=True)

    @property
    def benefit(self) -> int:
        """+1 where higher is better, -1 where lower is, 0 where nobody has said."""
        if self.direction is not None:
            return self.direction
        return self.outcome_class.direction if self.outcome_class else Direction.UNSET


class MarkerSynonym(Recorded):
    PATHS = access.Paths(review="marker__review")

    marker = models.ForeignKey(Marker, models.PROTECT, related_name="synonyms")
    text = models.CharField(max_length=160)
    ambiguous = models.BooleanField(default=False, help_text="Proposes the marker, never confirms it.")

    objects = VocabularyQuerySet.as_manager()

    class Meta:
        ordering = ["text"]
        constraints = [models.UniqueConstraint(fields=["marker", "text"], name="synonym_once_per_marker")]

    def __str__(self) -> str:
        return self.text


class UnitFactor(Recorded):
    """value in `unit` × factor = value in `to_unit`; for one marker where it is named."""

    PATHS = access.Paths(review="review")

    review = models.ForeignKey("Review", models.PROTECT, related_name="unit_factors")
    marker = models.ForeignKey(Marker, models.PROTECT, null=True, blank=True, related_name="unit_factors")
    unit = models.CharField(max_length=60)
    to_unit = models.CharField(max_length=60)
    factor = models.CharField(max_length=40, help_text="Exact, as a fraction where needed: 1/18.")
    exact = models.BooleanField(default=True, help_text="Only exact factors make two values equal by themselves.")

    objects = VocabularyQuerySet.as_manager()

    class Meta:
        ordering = ["unit"]
        constraints = [
            models.UniqueConstraint(
                fields=["review", "marker", "unit", "to_unit"],
                condition=Q(marker__isnull=False),
                name="unit_factor_once_per_marker",
                violation_error_message="There is a factor between these two units already.",
            ),
            models.UniqueConstraint(
                fields=["review", "unit", "to_unit"],
                condition=Q(marker__isnull=True),
                name="unit_factor_once_for_all_markers",
                violation_error_message="There is a factor between these two units already.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit} × {self.factor} = {self.to_unit}"


class Moderator(Term):
    """A characteristic of a trial or of an arm that may explain differences between results."""

    class AppliesTo(models.TextChoices):
        TRIAL = "trial", "the trial"
        ARM = "arm", "each arm"

    kind = models.CharField(max_length=6, choices=[(kind.value, kind.value) for kind in record.ModeratorKind])
    applies_to = models.CharField(max_length=5, choices=AppliesTo.choices, default=AppliesTo.TRIAL)
    unit = models.CharField(max_length=60, blank=True)


class ModeratorLevel(Recorded):
    PATHS = access.Paths(review="moderator__review")

    moderator = models.ForeignKey(Moderator, models.PROTECT, related_name="levels")
    code = models.CharField(max_length=120)
    name = models.CharField(max_length=160)
    position = models.PositiveSmallIntegerField(default=0)

    objects = VocabularyQuerySet.as_manager()

    class Meta:
        ordering = ["position", "name"]
        constraints = [models.UniqueConstraint(fields=["moderator", "code"], name="level_code_once_per_moderator")]

    def __str__(self) -> str:
        return self.name
