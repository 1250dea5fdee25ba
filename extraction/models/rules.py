"""Decision rules: what a decision taught, written down for the next time. Versioned; a rule never decides."""

from __future__ import annotations

from typing import Any, Self
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone

from extraction import access, record
from extraction.models.entry import choices
from extraction.recorded import Recorded, RecordedQuerySet


class RuleQuerySet(RecordedQuerySet["Rule"]):
    def visible_to(self, user: access.Viewer) -> Self:
        return self.filter(access.visible(user, access.Thing.RULE, Rule.PATHS))

    def current(self) -> Self:
        """The newest versions of the rules that hold."""
        return self.filter(current=True)


class Rule(Recorded):
    """One version of a rule of the codebook: "use the ITT n", at a field, for all markers or for one."""

    class Prefers(models.TextChoices):
        """What it takes where two entries differ, as far as a machine can tell."""

        WORDS = "", "in words only: a person reads it"
        LARGER = "larger", "the larger number"
        SMALLER = "smaller", "the smaller number"
        REPORTED = "reported", "the value, where the other entry has none"
        ITT = "itt", "the analysis by intention to treat"
        COMPLETERS = "completers", "the analysis of completers"
        SD = "sd", "the standard deviation"
        MEAN = "mean", "the mean"

    PATHS = access.Paths(review="review")

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    review = models.ForeignKey("Review", models.PROTECT, related_name="rules")
    number = models.PositiveIntegerField(editable=False, help_text="1, 2 … within the review; all versions share it.")
    version = models.PositiveIntegerField(default=1, editable=False)
    current = models.BooleanField(default=True, editable=False, help_text="Off: a newer version, or withdrawn.")
    text = models.CharField(max_length=300, help_text="What extractors read at the field: use the ITT n.")
    text_key = models.CharField(max_length=400, editable=False, help_text="The text as it is looked up.")
    subject = models.CharField(max_length=14, choices=choices(record.Subject))
    field = models.CharField(max_length=40, help_text="n, centre, spread …")
    marker = models.ForeignKey("Marker", models.PROTECT, null=True, blank=True, related_name="rules")
    prefers = models.CharField(max_length=10, blank=True, choices=Prefers.choices, default=Prefers.WORDS)
    origin = models.ForeignKey(
        "Discrepancy", models.PROTECT, null=True, editable=False, related_name="+", help_text="What taught it."
    )
    made_by = models.ForeignKey("User", models.PROTECT, editable=False, related_name="+")
    made_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = RuleQuerySet.as_manager()

    class Meta:
        ordering = ["review", "number", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["review", "number", "version"], name="rule_version_once"),
            models.UniqueConstraint(
                fields=["review", "number"], condition=Q(current=True), name="rule_one_current_version"
            ),
            models.UniqueConstraint(
                fields=["review", "subject", "field", "marker", "text_key"],
                condition=Q(current=True, marker__isnull=False),
                name="rule_said_once_per_marker",
            ),
            models.UniqueConstraint(
                fields=["review", "subject", "field", "text_key"],
                condition=Q(current=True, marker__isnull=True),
                name="rule_said_once_for_all_markers",
            ),
            models.CheckConstraint(condition=~Q(text=""), name="rule_says_something"),
        ]

    def __str__(self) -> str:
        return f"Rule {self.number}: {self.text}"

    @property
    def about(self) -> str:
        """Where it holds, in words."""
        field = {"row": f"a whole {self.subject}"}.get(self.field, self.field.replace("_", " "))
        of = "" if self.subject == record.Subject.OBSERVATION or self.field == "row" else f" of the {self.subject}"
        marker: Any = self.marker
        return f"{field}{of}, {marker}" if marker else f"{field}{of}"
