"""A review, its trials and who holds which slot."""

from __future__ import annotations

import unicodedata
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from extraction import access
from extraction.recorded import Recorded, RecordedQuerySet
from extraction.states import Status, check_move


def folded(text: str) -> str:
    """The form in which two spellings are one name: NFC, case folded, single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


class ReviewQuerySet(RecordedQuerySet["Review"]):
    def visible_to(self, user: access.Viewer) -> Self:
        return self.filter(access.visible(user, access.Thing.REVIEW, Review.PATHS))


class Review(Recorded):
    """One systematic review: vocabulary, members, settings, trials, syntheses."""

    PATHS = access.Paths(review="")

    title = models.CharField(max_length=200)
    question = models.TextField(blank=True, help_text="The review's question in a sentence or two.")
    partner_shown_after_approval = models.BooleanField(
        default=True, help_text="Extractors may read the partner's entry once the trial is approved."
    )
    outcome_hidden_while_deciding = models.BooleanField(
        default=True,
        help_text="Direction, estimates and p stay hidden until a decision is made: it must not look at the outcome.",
    )
    approver_is_not_adjudicator = models.BooleanField(
        default=False, help_text="Who decided a discrepancy of a trial may not approve that trial."
    )
    source_required = models.BooleanField(
        default=False,
        help_text="Every reported value needs a page, table, figure or quote before submission.",
    )
    imputed_r = models.FloatField(
        default=0.5,
        help_text="Pre-post correlation where a report gives none and none can be derived; flagged wherever used.",
    )
    guidance = models.TextField(
        blank=True, help_text="Decision rules for extractors, shown in the codebook. A line “## …” is a heading."
    )
    checks = models.JSONField(
        default=dict, blank=True, editable=False, help_text="Limits of the soft checks, as a template brings them."
    )
    codebook_version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["title"]
        constraints = [
            models.CheckConstraint(
                condition=Q(imputed_r__gt=-1, imputed_r__lt=1),
                name="review_imputed_r_is_a_correlation",
                violation_error_message="A correlation lies between -1 and 1.",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class TrialQuerySet(RecordedQuerySet["Trial"]):
    def visible_to(self, user: access.Viewer) -> Self:
        return self.filter(access.visible(user, access.Thing.TRIAL, Trial.PATHS))

    def permitting(self, act: access.Act, user: access.Viewer, thing: access.Thing = access.Thing.TRIAL) -> Self:
        """The trials for which the table lets `user` do `act` in the state they are in."""
        return self.filter(access.permitted(user, act, thing, Trial.PATHS))


class Trial(Recorded):
    """One randomised trial: identity only. What it reports stands in entries."""

    class Design(models.TextChoices):
        PARALLEL = "parallel", "Parallel groups"
        CROSSOVER = "crossover", "Crossover"
        CLUSTER = "cluster", "Cluster randomised"

    PATHS = access.Paths(review="review", trial="")

    review = models.ForeignKey(Review, models.PROTECT, related_name="trials")
    label = models.CharField(max_length=120, help_text="First author and year: Abdelbasset 2020.")
    label_key = models.CharField(max_length=160, editable=False, help_text="The label as it is looked up.")
    year = models.PositiveSmallIntegerField(null=True, blank=True)
    doi = models.CharField("DOI", max_length=200, blank=True)
    pmid = models.CharField("PMID", max_length=20, blank=True)
    registry_id = models.CharField("registry number", max_length=60, blank=True)
    citation = models.TextField(blank=True, help_text="The full reference of the main report.")
    design = models.CharField(max_length=10, choices=Design.choices, default=Design.PARALLEL)
    clusters = models.PositiveIntegerField(null=True, blank=True, help_text="Of a cluster randomised trial.")
    icc = models.FloatField("ICC", null=True, blank=True, help_text="Intracluster correlation, 0 to 1.")
    calibration = models.BooleanField(
        default=False, help_text="For training: kept out of agreement statistics and of pooling."
    )
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ENTERING, editable=False)
    excluded_at = models.DateTimeField(null=True, editable=False)
    exclusion_reason = models.CharField(max_length=300, blank=True, editable=False)
    approved_entry = models.ForeignKey(
        "Entry",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        help_text="The FINAL version that analysis reads; stays while the trial is under revision.",
    )

    objects = TrialQuerySet.as_manager()

    class Meta:
        ordering = ["label_key"]
        constraints = [
            models.UniqueConstraint(fields=["review", "label_key"], name="trial_label_once_per_review"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="trial_status_is_known"),
            models.CheckConstraint(
                condition=Q(icc__isnull=True) | Q(icc__gte=0, icc__lte=1),
                name="trial_icc_between_0_and_1",
                violation_error_message="An intracluster correlation lies between 0 and 1.",
            ),
            models.CheckConstraint(
                condition=Q(year__isnull=True) | Q(year__gte=1900, year__lte=2200),
                name="trial_year_is_plausible",
                violation_error_message="A year lies between 1900 and 2200.",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.APPROVED) | Q(approved_entry__isnull=False),
                name="trial_approved_has_an_approved_entry",
            ),
            models.CheckConstraint(
                condition=Q(excluded_at__isnull=True) | ~Q(exclusion_reason=""),
                name="trial_exclusion_has_a_reason",
            ),
        ]
        indexes = [models.Index(fields=["review", "status"], name="trial_review_status")]

    def __str__(self) -> str:
        return self.label

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.label_key = folded(self.label)
        super().save(*args, **kwargs)

    def move_to(self, status: Status) -> None:
        """The one writer of `status`. The caller holds the trial's lock."""
        check_move(self.status, status)
        self.status = status
        self.save(update_fields=["status"])

    @property
    def under_revision(self) -> bool:
        return self.approved_entry_id is not None and self.status != Status.APPROVED


class Slot(models.TextChoices):
    A = "A", "A"
    B = "B", "B"
    FINAL = "FINAL", "Final"


class AssignmentQuerySet(RecordedQuerySet["Assignment"]):
    def visible_to(self, user: access.Viewer) -> Self:
        return self.filter(access.visible(user, access.Thing.ASSIGNMENT, Assignment.PATHS))


class Assignment(Recorded):
    """Who holds a slot of a trial: one holder per slot, one slot per person."""

    PATHS = access.Paths(review="trial__review", trial="trial", person="user")

    trial = models.ForeignKey(Trial, models.PROTECT, related_name="assignments")
    slot = models.CharField(max_length=5, choices=Slot.choices)
    user = models.ForeignKey("User", models.PROTECT, related_name="assignments")
    assigned_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        ordering = ["trial", "slot"]
        constraints = [
            models.UniqueConstraint(fields=["trial", "slot"], name="assignment_one_holder_per_slot"),
            models.UniqueConstraint(fields=["trial", "user"], name="assignment_one_slot_per_person"),
            models.CheckConstraint(condition=Q(slot__in=Slot.values), name="assignment_slot_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.trial}, slot {self.slot}: {self.user}"
