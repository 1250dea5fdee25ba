"""A pooling that the review wants kept up to date: which effects, which measure, which model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.urls import reverse

from analysis.specification import Filters, InvalidFilters, Measure, Model, Specification, Window
from extraction import access
from extraction.recorded import Recorded, RecordedQuerySet


class SynthesisQuerySet(RecordedQuerySet["Synthesis"]):
    def visible_to(self, user: access.Viewer) -> Self:
        return self.filter(access.visible(user, access.Thing.RESULT, Synthesis.PATHS))


class Synthesis(Recorded):
    """One line of the results page. Leads alone change it; every change asks for a recompute."""

    PATHS = access.Paths(review="review")

    review = models.ForeignKey("extraction.Review", models.PROTECT, related_name="syntheses")
    name = models.CharField(max_length=160)
    group = models.CharField(max_length=80, blank=True, help_text="Heading it stands under: By population.")
    position = models.PositiveSmallIntegerField(default=0)
    is_primary = models.BooleanField(default=False, help_text="The one that the review answers with.")
    measure = models.CharField("effect measure", max_length=10, choices=Measure.choices, default=Measure.CHANGE_G)
    model = models.CharField(max_length=4, choices=Model.choices, default=Model.RVE)
    rho = models.FloatField(
        "assumed correlation", default=0.8, help_text="Between the effects of one trial, 0 to 1; used by RVE."
    )
    imputed_r = models.FloatField(
        "imputed pre-post correlation", null=True, blank=True, help_text="Empty: that of the review."
    )
    level = models.FloatField("confidence level", default=0.95, help_text="Of intervals, as a fraction: 0.95.")
    window = models.CharField("times", max_length=10, choices=Window.choices, default=Window.POST_ANY)
    filters = models.JSONField(
        default=dict,
        blank=True,
        help_text="Codes by name: interventions, outcome_classes, markers, levels (by moderator).",
    )
    moderator = models.ForeignKey(
        "extraction.Moderator",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="For a meta-regression: a number, or a factor against its first level in the alphabet.",
    )

    objects = SynthesisQuerySet.as_manager()

    if TYPE_CHECKING:
        review_id: int
        moderator_id: int | None

    class Meta:
        verbose_name_plural = "syntheses"
        ordering = ["review", "position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["review", "group", "name"],
                name="synthesis_name_once_per_group",
                violation_error_message="There is a synthesis of this name in this group.",
            ),
            models.UniqueConstraint(
                fields=["review"], condition=Q(is_primary=True), name="synthesis_one_primary_per_review"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="synthesis_has_a_name"),
            models.CheckConstraint(
                condition=Q(rho__gte=0, rho__lte=1),
                name="synthesis_rho_between_0_and_1",
                violation_error_message="The assumed correlation lies between 0 and 1.",
            ),
            models.CheckConstraint(
                condition=Q(imputed_r__isnull=True) | Q(imputed_r__gt=-1, imputed_r__lt=1),
                name="synthesis_imputed_r_is_a_correlation",
                violation_error_message="A correlation lies between -1 and 1.",
            ),
            models.CheckConstraint(
                condition=Q(level__gte=0.5, level__lte=0.9999),
                name="synthesis_level_is_a_fraction",
                violation_error_message="A confidence level lies between 0.5 and 0.9999.",
            ),
            models.CheckConstraint(
                condition=Q(measure__in=Measure.values, model__in=Model.values, window__in=Window.values),
                name="synthesis_choices_are_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("analysis:synthesis", args=[self.pk])

    def clean(self) -> None:
        """The form of the filters; whether their codes exist is asked by the verbs."""
        try:
            Filters.from_json(self.filters)
        except InvalidFilters as error:
            raise ValidationError({"filters": str(error)}) from error

    def specification(self) -> Specification:
        """What is to be computed, as plain values. Needs `review` and `moderator`: select them."""
        return Specification(
            measure=self.measure,
            model=self.model,
            rho=self.rho,
            imputed_r=self.review.imputed_r if self.imputed_r is None else self.imputed_r,
            level=self.level,
            window=self.window,
            filters=Filters.from_json(self.filters),
            moderator=self.moderator.code if self.moderator else "",
        )
