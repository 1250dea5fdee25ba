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


def _limit(help_text: str) -> models.FloatField[Any, Any]:
    return models.FloatField(null=True, blank=True, help_text=help_text)


def _ordered(name: str, message: str) -> models.CheckConstraint:
    """One end may be missing; with both, the lower one is not above the other (and neither is NaN)."""
    low, high = f"{name}_low", f"{name}_high"
    return models.CheckConstraint(
        condition=(Q(**{f"{low}__isnull": True}) | Q(**{f"{low}__gt": -1e308, f"{low}__lt": 1e308}))
        & (Q(**{f"{high}__isnull": True}) | Q(**{f"{high}__gt": -1e308, f"{high}__lt": 1e308}))
        & (Q(**{f"{low}__isnull": True}) | Q(**{f"{high}__isnull": True}) | Q(**{f"{low}__lte": models.F(high)})),
        name=f"marker_{name}_range_is_ordered",
        violation_error_message=message,
    )


class Marker(Term):
    """What is measured: "CRP", "VO2max". Its direction wins over that of its class."""

    outcome_class = models.ForeignKey(OutcomeClass, models.PROTECT, null=True, blank=True, related_name="markers")
    direction = models.SmallIntegerField(choices=Direction.choices, null=True, blank=True)
    canonical_unit = models.CharField(max_length=60, blank=True)
    usual_unit = models.CharField(
        max_length=60, blank=True, help_text="The unit of the plausible ranges; empty: the canonical unit."
    )
    plausible_low = _limit("Lowest plausible mean of a group of adults, healthy or ill, as it circulates.")
    plausible_high = _limit("Highest plausible mean of a group.")
    stimulated_low = _limit("Lowest plausible mean after stimulation in the laboratory.")
    stimulated_high = _limit("Highest plausible mean after stimulation.")
    sd_mean_low = _limit("Lowest usual SD divided by the mean, on the raw scale.")
    sd_mean_high = _limit("Highest usual SD divided by the mean.")
    log_usual = models.BooleanField(default=False, help_text="Reports usually analyse its logarithm.")

    class Meta(Term.Meta):
        constraints = [
            *Term.Meta.constraints,
            _ordered("plausible", "A plausible range runs from its lower to its upper end."),
            _ordered("stimulated", "The range after stimulation runs from its lower to its upper end."),
            _ordered("sd_mean", "The range of SD divided by mean runs from its lower to its upper end."),
        ]

    @property
    def unit_of_range(self) -> str:
        return self.usual_unit or self.canonical_unit

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

    class Transform(models.TextChoices):
        LINEAR = "linear", "the value itself"
        LOG10 = "log10", "its decimal logarithm"
        LOG2 = "log2", "its binary logarithm"

    PATHS = access.Paths(review="review")

    review = models.ForeignKey("Review", models.PROTECT, related_name="unit_factors")
    marker = models.ForeignKey(Marker, models.PROTECT, null=True, blank=True, related_name="unit_factors")
    unit = models.CharField(max_length=60)
    to_unit = models.CharField(max_length=60)
    factor = models.CharField(
        max_length=40, blank=True, help_text="Exact, as a fraction where needed: 1/18. Empty: no conversion exists."
    )
    exact = models.BooleanField(default=True, help_text="Only exact factors make two values equal by themselves.")
    transform = models.CharField(
        max_length=6,
        choices=Transform.choices,
        default=Transform.LINEAR,
        help_text="What the unit is of the value: a logarithm has no factor to what it is the logarithm of.",
    )
    aliases = models.TextField(blank=True, help_text="Other spellings, separated by semicolons: pg/ml; pg·mL−1.")
    note = models.CharField(max_length=300, blank=True)

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
        if not self.factor:
            return f"{self.unit}: no conversion"
        return f"{self.unit} × {self.factor} = {self.to_unit}"

    @property
    def spellings(self) -> tuple[str, ...]:
        return tuple(alias.strip() for alias in self.aliases.split(";") if alias.strip())


class Moderator(Term):
    """A characteristic of a trial or of an arm that may explain differences between results."""

    class AppliesTo(models.TextChoices):
        TRIAL = "trial", "the trial"
        ARM = "arm", "each arm"
        EFFECT = "effect", "each effect: derived, never typed in"

    kind = models.CharField(max_length=6, choices=[(kind.value, kind.value) for kind in record.ModeratorKind])
    applies_to = models.CharField(max_length=6, choices=AppliesTo.choices, default=AppliesTo.TRIAL)
    unit = models.CharField(max_length=60, blank=True)


class ModeratorLevel(Recorded):
    PATHS = access.Paths(review="moderator__review")

    moderator = models.ForeignKey(Moderator, models.PROTECT, related_name="levels")
    code = models.CharField(max_length=120)
    name = models.CharField(max_length=160)
    definition = models.TextField(blank=True, help_text="Shown to extractors as help and in the codebook.")
    position = models.PositiveSmallIntegerField(default=0)

    objects = VocabularyQuerySet.as_manager()

    class Meta:
        ordering = ["position", "name"]
        constraints = [models.UniqueConstraint(fields=["moderator", "code"], name="level_code_once_per_moderator")]

    def __str__(self) -> str:
        return self.name
