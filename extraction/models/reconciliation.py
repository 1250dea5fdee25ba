"""What comes between two submitted entries and the approved one: matches, discrepancies, decisions, approvals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self
from uuid import UUID, uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone

from extraction import access, record
from extraction.models.entry import choices
from extraction.recorded import AppendOnlyQuerySet, Recorded, RecordedQuerySet

DIAGNOSES = [
    ("", "–"),
    ("sign", "sign differs"),
    ("se_as_sd", "SE as SD"),
    ("decimal_point", "decimal point"),
    ("digits_transposed", "digits swapped"),
    ("unit_factor", "unit"),
    ("arms_swapped", "arms swapped"),
    ("times_swapped", "times swapped"),
    ("only_a", "only A has this row"),
    ("only_b", "only B has this row"),
]


class ReconciliationQuerySet(RecordedQuerySet[Any]):
    def visible_to(self, user: access.Viewer) -> Self:
        return self.filter(access.visible(user, access.Thing.RECONCILIATION, self.model.PATHS))


class Match(Recorded):
    """ "A's arm 2 is B's arm 1". Several rows on a side are a merge; an empty side: only the other saw it."""

    class State(models.TextChoices):
        PROPOSED = "proposed", "Yours to say"
        CONFIRMED = "confirmed", "Confirmed"

    PATHS = access.Paths(review="trial__review", trial="trial")

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    trial = models.ForeignKey("Trial", models.PROTECT, related_name="matches")
    a_entry = models.ForeignKey("Entry", models.PROTECT, related_name="+")
    b_entry = models.ForeignKey("Entry", models.PROTECT, related_name="+")
    subject = models.CharField(max_length=14, choices=choices(record.Subject))
    state = models.CharField(max_length=9, choices=State.choices, default=State.PROPOSED)
    by_itself = models.BooleanField(default=False, help_text="Exact: confirmed without a person.")
    score = models.FloatField(help_text="0 to 1.")
    reason = models.CharField(max_length=300, blank=True, help_text="Why the two are taken for the same.")
    position = models.PositiveIntegerField(default=0)

    objects = ReconciliationQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "matches"
        ordering = ["trial", "subject", "position"]
        constraints = [
            models.CheckConstraint(condition=Q(score__gte=0, score__lte=1), name="match_score_between_0_and_1")
        ]

    def __str__(self) -> str:
        return f"{self.subject} of {self.trial}: {self.get_state_display()}"


class MatchedRow(Recorded):
    """One row on one side of a match; `row` is the UUID of an arm, timepoint or outcome of that side's entry."""

    PATHS = access.Paths(review="match__trial__review", trial="match__trial")

    match = models.ForeignKey(Match, models.CASCADE, related_name="rows")
    side = models.CharField(max_length=1, choices=choices(record.Side))
    row = models.UUIDField()
    label = models.CharField(max_length=200, blank=True)

    objects = ReconciliationQuerySet.as_manager()

    class Meta:
        ordering = ["match", "side", "id"]
        constraints = [models.UniqueConstraint(fields=["match", "side", "row"], name="matched_row_once_per_match")]


class DiscrepancyQuerySet(ReconciliationQuerySet):
    def current(self) -> Self:
        """Of the entry versions that count now; a return to the extractors supersedes the older ones."""
        return self.filter(superseded=False)

    def unresolved(self) -> Self:
        return self.current().filter(state=Discrepancy.State.OPEN)


class Discrepancy(Recorded):
    """One compared unit on which A and B do not say the same, with a verdict."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACCEPTED = "accepted", "Accepted by itself"
        DECIDED = "decided", "Decided"

    PATHS = access.Paths(review="trial__review", trial="trial")

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    trial = models.ForeignKey("Trial", models.PROTECT, related_name="discrepancies")
    a_entry = models.ForeignKey("Entry", models.PROTECT, related_name="+")
    b_entry = models.ForeignKey("Entry", models.PROTECT, related_name="+")
    subject = models.CharField(max_length=14, choices=choices(record.Subject))
    field = models.CharField(max_length=40, help_text="n, centre, spread, row, unit, …")
    a_key = models.UUIDField(null=True, help_text="The row in A's entry.")
    b_key = models.UUIDField(null=True)
    arm_label = models.CharField(max_length=120, blank=True)
    outcome_label = models.CharField(max_length=160, blank=True)
    time_label = models.CharField(max_length=120, blank=True)
    marker = models.ForeignKey("Marker", models.PROTECT, null=True, related_name="+")
    a_says = models.CharField(max_length=300)
    b_says = models.CharField(max_length=300)
    verdict = models.CharField(max_length=11, choices=choices(record.Verdict))
    worked = models.CharField(max_length=400, blank=True, help_text="Why two forms are called equivalent; or a hint.")
    takes = models.CharField(max_length=1, blank=True, choices=choices(record.Side))
    diagnosis = models.CharField(max_length=20, blank=True, choices=DIAGNOSES)
    evidence = models.CharField(max_length=300, blank=True)
    suggests = models.CharField(max_length=1, blank=True, choices=choices(record.Side))
    state = models.CharField(max_length=8, choices=State.choices)
    superseded = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1, help_text="Counts the decisions; guards against two at once.")
    position = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = DiscrepancyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "discrepancies"
        ordering = ["trial__label_key", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["a_entry", "b_entry", "subject", "field", "a_key", "b_key"],
                condition=Q(superseded=False),
                name="discrepancy_once_per_unit",
            ),
            models.CheckConstraint(
                condition=Q(state="accepted", takes__in=["A", "B"], verdict__in=["rounding", "equivalent"])
                | Q(state__in=["open", "decided"], takes="", verdict__in=["one_missing", "different"]),
                name="discrepancy_accepted_by_itself_only_where_exact",
            ),
        ]
        indexes = [models.Index(fields=["trial", "superseded", "state"], name="discrepancy_queue")]

    def __str__(self) -> str:
        where = " · ".join(part for part in (self.outcome_label, self.arm_label, self.time_label, self.field) if part)
        return f"{self.trial}: {where}"

    @property
    def outcome_may_be_seen(self) -> bool:
        """Direction, estimates and p of what the choice changes: after the decision, or by the review's setting."""
        return self.state == self.State.DECIDED or not self.trial.review.outcome_hidden_while_deciding


class Choice(models.TextChoices):
    A = "A", "A"
    B = "B", "B"
    OTHER = "other", "Another value"
    NOT_REPORTED = "NR", "Not reported"


class ReasonCode(models.TextChoices):
    TYPO = "typo", "Typo"
    MISREAD = "misread", "Misread table"
    SE_AS_SD = "se_as_sd", "SE as SD"
    UNIT = "unit", "Unit"
    WRONG_TIME = "wrong_time", "Wrong timepoint"
    WRONG_N = "wrong_n", "Wrong n"
    CODEBOOK_GAP = "codebook_gap", "Codebook gap"
    AMBIGUOUS = "ambiguous", "Ambiguous source"
    JUDGEMENT = "judgement", "Judgement"

    @property
    def in_sentence(self) -> str:
        """In the middle of a sentence: "misread table", but "SE as SD"."""
        label = str(self.label)
        return label if label[:2].isupper() else label[:1].lower() + label[1:]


class ResolutionQuerySet(AppendOnlyQuerySet["Resolution"]):
    def that_count(self, discrepancies: Iterable[Discrepancy]) -> dict[UUID, Resolution]:
        """The newest decision on each of these that is decided; what was taken back counts no more."""
        rows = self.filter(discrepancy__in=discrepancies, discrepancy__state=Discrepancy.State.DECIDED)
        return {row.discrepancy_id: row for row in rows.order_by("number")}

    def visible_to(self, user: access.Viewer) -> Self:
        return self.filter(access.visible(user, access.Thing.RECONCILIATION, Resolution.PATHS))


class Resolution(Recorded):
    """A decision on a discrepancy. Append-only: the newest counts, the older ones stay."""

    PATHS = access.Paths(review="discrepancy__trial__review", trial="discrepancy__trial")

    discrepancy = models.ForeignKey(Discrepancy, models.PROTECT, related_name="resolutions")
    number = models.PositiveIntegerField(help_text="1, 2 … within the discrepancy.")
    decided_by = models.ForeignKey("User", models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(default=timezone.now)
    withdraws = models.BooleanField(default=False, help_text="Takes the decision before it back and decides nothing.")
    choice = models.CharField(max_length=5, choices=Choice.choices, blank=True)
    reason_code = models.CharField(max_length=12, choices=ReasonCode.choices, blank=True)
    comment = models.TextField(blank=True)
    outcome_shown = models.BooleanField(
        default=False, help_text="Whether direction and estimates were visible when deciding."
    )
    # Another value, as printed. Which of these apply depends on the discrepancy's field.
    n_printed = models.CharField(max_length=60, blank=True)
    centre_kind = models.CharField(max_length=14, blank=True)
    centre_printed = models.CharField(max_length=60, blank=True)
    spread_kind = models.CharField(max_length=12, blank=True)
    spread_printed = models.CharField(max_length=60, blank=True)
    spread_low_printed = models.CharField(max_length=60, blank=True)
    spread_high_printed = models.CharField(max_length=60, blank=True)
    spread_level = models.CharField(max_length=20, blank=True)
    text = models.CharField(max_length=200, blank=True)

    objects = ResolutionQuerySet.as_manager()

    class Meta:
        ordering = ["discrepancy", "number"]
        constraints = [
            models.UniqueConstraint(fields=["discrepancy", "number"], name="resolution_number_once"),
            models.CheckConstraint(
                condition=Q(withdraws=False, choice__in=Choice.values) | Q(withdraws=True, choice="", reason_code=""),
                name="resolution_chooses_or_withdraws",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.discrepancy}: {self.in_words}"

    @property
    def in_words(self) -> str:
        return "Taken back" if self.withdraws else self.get_choice_display()

    @property
    def reason_in_sentence(self) -> str:
        return ReasonCode(self.reason_code).in_sentence if self.reason_code else ""


class ApprovalQuerySet(AppendOnlyQuerySet["Approval"]):
    def visible_to(self, user: access.Viewer) -> Self:
        return self.filter(access.visible(user, access.Thing.APPROVAL, Approval.PATHS))


class Approval(Recorded):
    """The signed acceptance of one FINAL entry version."""

    PATHS = access.Paths(review="trial__review", trial="trial")

    trial = models.ForeignKey("Trial", models.PROTECT, related_name="approvals")
    entry = models.OneToOneField("Entry", models.PROTECT, related_name="approval")
    approved_by = models.ForeignKey("User", models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(default=timezone.now)
    digest = models.CharField(max_length=64, help_text="Of the entry as approved.")
    history_head = models.CharField(
        max_length=64, help_text="Last hash of the trial's history; also in the anchor log."
    )

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        ordering = ["-approved_at"]

    def __str__(self) -> str:
        return f"{self.trial}, approved by {self.approved_by}"
