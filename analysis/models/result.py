"""What was computed: the data it rests on, the effects, the results. Written once, never changed.

A result is keyed by what went in (specification, effects, engine), so that the same is never computed
twice. Which result is the current one of a synthesis says `CurrentResult`, whose generation only grows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self, TypeVar
from uuid import NAMESPACE_OID, UUID, uuid5

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from analysis.specification import Measure
from extraction import access
from extraction.recorded import AppendOnlyQuerySet

M = TypeVar("M", bound=models.Model)
FINITE = 1e308  # two-sided bounds: PostgreSQL lets NaN through `>= 0`


class WrittenOnceQuerySet(AppendOnlyQuerySet[M]):
    thing = access.Thing.RESULT

    def visible_to(self, user: access.Viewer) -> Self:
        return self.filter(access.visible(user, self.thing, self.model.PATHS))  # type: ignore[attr-defined]


class EffectQuerySet(WrittenOnceQuerySet["Effect"]):
    thing = access.Thing.EFFECT


def within(field: str, low: float, high: float) -> Q:
    return Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__gte": low, f"{field}__lte": high})


def number(help_text: str = "") -> models.FloatField[float | None, float | None]:
    return models.FloatField(null=True, help_text=help_text)


class Snapshot(models.Model):
    """The approved data of a review as one computation read them."""

    PATHS = access.Paths(review="review")

    review = models.ForeignKey("extraction.Review", models.PROTECT, related_name="snapshots")
    digest = models.CharField(max_length=64, help_text="SHA-256 of all that pooled results depend on.")
    engine = models.CharField(max_length=80)
    created_at = models.DateTimeField(default=timezone.now)

    objects = WrittenOnceQuerySet["Snapshot"].as_manager()

    if TYPE_CHECKING:
        review_id: int

    class Meta:
        ordering = ["review", "-created_at"]
        constraints = [models.UniqueConstraint(fields=["review", "digest"], name="snapshot_digest_once_per_review")]

    def __str__(self) -> str:
        return self.digest[:8]


class SnapshotTrial(models.Model):
    """Which approved version of a trial stands in a snapshot."""

    PATHS = access.Paths(review="snapshot__review")

    snapshot = models.ForeignKey(Snapshot, models.PROTECT, related_name="trials")
    trial = models.ForeignKey("extraction.Trial", models.PROTECT, related_name="+")
    entry = models.ForeignKey("extraction.Entry", models.PROTECT, related_name="+")

    objects = WrittenOnceQuerySet["SnapshotTrial"].as_manager()

    class Meta:
        ordering = ["snapshot", "trial"]
        constraints = [models.UniqueConstraint(fields=["snapshot", "trial"], name="snapshot_trial_once_per_snapshot")]


class Effect(models.Model):
    """One effect of an approved entry, or why there is none; with its ledger.

    Keyed by the entry and the digest of the effect specification: one more approval computes its own trial's
    effects and no other's. Keys and labels are those of the entry's rows, which are frozen.
    """

    PATHS = access.Paths(review="trial__review", trial="trial")

    id = models.UUIDField(primary_key=True, editable=False)
    trial = models.ForeignKey("extraction.Trial", models.PROTECT, related_name="effects")
    entry = models.ForeignKey("extraction.Entry", models.PROTECT, related_name="effects")
    specification = models.CharField(max_length=64, help_text="Digest of the effect specification.")
    position = models.PositiveIntegerField(help_text="Within the entry.")
    measure = models.CharField(max_length=10, choices=Measure.choices)
    marker = models.ForeignKey("extraction.Marker", models.PROTECT, null=True, related_name="+")
    intervention = models.ForeignKey("extraction.Intervention", models.PROTECT, null=True, related_name="+")
    treatment_key = models.UUIDField(help_text="The intervention arm.")
    treatment_label = models.CharField(max_length=120)
    control_key = models.UUIDField(null=True, help_text="The control arm.")
    control_label = models.CharField(max_length=120, blank=True)
    outcome_key = models.UUIDField()
    outcome_name = models.CharField(max_length=160)
    timepoint_key = models.UUIDField()
    timepoint_label = models.CharField(max_length=120)
    weeks = number("From randomisation.")
    weeks_after_end = number("From the end of treatment.")
    n_t = models.PositiveIntegerField(null=True, help_text="People in the intervention arm.")
    n_c = models.PositiveIntegerField(null=True, help_text="People in the control arm.")
    yi_raw = number("Intervention minus control, as measured.")
    direction = models.SmallIntegerField(help_text="+1: higher is better, -1: lower is, 0: not set.")
    yi = number("The effect, turned so that larger is better.")
    vi = number("Sampling variance, in squared units of the effect.")
    assumed = models.BooleanField(default=False, help_text="Something had to be supposed; see the ledger.")
    reason = models.CharField(max_length=400, blank=True, help_text="Why it is not pooled.")
    ledger = models.JSONField(default=dict, help_text="Formula, inputs, assumptions, engine.")

    objects = EffectQuerySet.as_manager()

    if TYPE_CHECKING:
        trial_id: int
        entry_id: UUID

    class Meta:
        ordering = ["trial", "entry", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["entry", "specification", "position"], name="effect_once_per_entry_and_specification"
            ),
            models.CheckConstraint(
                condition=Q(reason="", yi__isnull=False, vi__isnull=False, direction__in=[-1, 1])
                | (Q(yi__isnull=True) & ~Q(reason="")),
                name="effect_is_there_or_says_why_not",
            ),
            models.CheckConstraint(condition=within("yi", -FINITE, FINITE), name="effect_yi_is_finite"),
            models.CheckConstraint(condition=within("yi_raw", -FINITE, FINITE), name="effect_yi_raw_is_finite"),
            models.CheckConstraint(
                condition=Q(vi__isnull=True) | Q(vi__gt=0, vi__lt=FINITE), name="effect_vi_is_positive"
            ),
        ]

    def __str__(self) -> str:
        against = f" against {self.control_label}" if self.control_label else ""
        return f"{self.outcome_name}, {self.treatment_label}{against}"

    @staticmethod
    def key(entry_id: UUID, specification: str, position: int) -> UUID:
        """The same effect has the same key whoever computes it, so that a second writer changes nothing."""
        return uuid5(entry_id, f"{specification}:{position}")


class PooledResult(models.Model):
    """What one synthesis gave on one set of effects, or why it gave nothing."""

    class State(models.TextChoices):
        OK = "ok", "computed"
        FAILED = "failed", "cannot be computed"

    PATHS = access.Paths(review="synthesis__review")

    id = models.UUIDField(primary_key=True, editable=False)
    synthesis = models.ForeignKey("Synthesis", models.PROTECT, related_name="results")
    snapshot = models.ForeignKey(
        Snapshot, models.PROTECT, related_name="results", help_text="The data on which it was first computed."
    )
    specification = models.CharField(max_length=64, help_text="Digest of what was to be computed.")
    inputs = models.CharField(max_length=64, help_text="Digest of the effects that went in.")
    effects_made_by = models.CharField(
        max_length=64, blank=True, help_text="Digest of the effect specification, by which its effects are found."
    )
    engine = models.CharField(max_length=80)
    generation = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=6, choices=State.choices)
    reason = models.CharField(max_length=400, blank=True, help_text="Why it could not be computed.")
    note = models.CharField(max_length=400, blank=True)
    trials = models.PositiveIntegerField(default=0)
    effects = models.PositiveIntegerField(default=0)
    estimate = number("Pooled effect, or the slope of a meta-regression.")
    se = number()
    ci_low = number()
    ci_high = number()
    statistic = number("t, z, or F of a factor.")
    df_num = number("Of F.")
    df = number("Of t or F; empty: normal.")
    p = number()
    tau2 = number("Variance between trials.")
    i2 = number("Percent.")
    q = number()
    pi_low = number("Prediction interval of a new trial's true effect.")
    pi_high = number()

    objects = WrittenOnceQuerySet["PooledResult"].as_manager()

    if TYPE_CHECKING:
        synthesis_id: int
        snapshot_id: int

    class Meta:
        ordering = ["synthesis", "-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["synthesis", "specification", "inputs", "engine"], name="result_never_computed_twice"
            ),
            models.CheckConstraint(
                condition=Q(state="ok", reason="", trials__gte=1)
                | (Q(state="failed", estimate__isnull=True) & ~Q(reason="")),
                name="result_is_there_or_says_why_not",
            ),
            models.CheckConstraint(condition=within("estimate", -FINITE, FINITE), name="result_estimate_is_finite"),
            models.CheckConstraint(condition=within("se", 0, FINITE), name="result_se_is_not_negative"),
            models.CheckConstraint(
                condition=Q(ci_low__isnull=True, ci_high__isnull=True)
                | Q(ci_low__gte=-FINITE, ci_low__lte=F("estimate"), ci_high__gte=F("estimate"), ci_high__lte=FINITE),
                name="result_interval_holds_the_estimate",
            ),
            models.CheckConstraint(
                condition=Q(pi_low__isnull=True, pi_high__isnull=True)
                | Q(pi_low__gte=-FINITE, pi_high__gte=F("pi_low"), pi_high__lte=FINITE),
                name="result_prediction_upper_not_below_lower",
            ),
            models.CheckConstraint(condition=within("p", 0, 1), name="result_p_between_0_and_1"),
            models.CheckConstraint(condition=within("df", 0, FINITE), name="result_df_is_not_negative"),
            models.CheckConstraint(condition=within("tau2", 0, FINITE), name="result_tau2_is_not_negative"),
            models.CheckConstraint(condition=within("i2", 0, 100), name="result_i2_is_a_percentage"),
            models.CheckConstraint(condition=within("q", 0, FINITE), name="result_q_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.synthesis}, {self.get_state_display()}"

    @staticmethod
    def key(synthesis_id: int, specification: str, inputs: str, engine: str) -> UUID:
        return uuid5(NAMESPACE_OID, f"{synthesis_id}:{specification}:{inputs}:{engine}")

    @property
    def few_df(self) -> bool:
        """Whether interval and p cannot be relied on: fewer than four degrees of freedom."""
        return self.df is not None and self.df < 4


class ResultCoefficient(models.Model):
    """One term of a meta-regression."""

    PATHS = access.Paths(review="result__synthesis__review")

    result = models.ForeignKey(PooledResult, models.PROTECT, related_name="coefficients")
    position = models.PositiveSmallIntegerField()
    term = models.CharField(max_length=200)
    estimate = models.FloatField()
    se = models.FloatField()
    ci_low = models.FloatField()
    ci_high = models.FloatField()
    statistic = number()
    df = number()
    p = number()

    objects = WrittenOnceQuerySet["ResultCoefficient"].as_manager()

    class Meta:
        ordering = ["result", "position"]
        constraints = [
            models.UniqueConstraint(fields=["result", "position"], name="coefficient_once_per_place"),
            models.CheckConstraint(
                condition=Q(estimate__gte=-FINITE, estimate__lte=FINITE, se__gte=0, se__lte=FINITE),
                name="coefficient_is_finite",
            ),
            models.CheckConstraint(condition=within("p", 0, 1), name="coefficient_p_between_0_and_1"),
        ]

    def __str__(self) -> str:
        return self.term

    @property
    def few_df(self) -> bool:
        return self.df is not None and self.df < 4


class CurrentResultQuerySet(models.QuerySet["CurrentResult"]):
    def visible_to(self, user: access.Viewer) -> Self:
        return self.filter(access.visible(user, access.Thing.RESULT, CurrentResult.PATHS))

    def move_to(self, results: Mapping[int, UUID], snapshot: Snapshot, generation: int) -> None:
        """Show these results (by synthesis) from now on, except where a later generation is shown.

        One UPDATE that names the generation, so that an old run never overwrites a newer one.
        """
        if not results:
            return
        said = {"snapshot": snapshot, "generation": generation, "as_of": timezone.now()}
        fresh = [CurrentResult(synthesis_id=key, result_id=result, **said) for key, result in results.items()]
        self.bulk_create(fresh, ignore_conflicts=True)
        of_each = Case(*(When(synthesis=key, then=Value(result)) for key, result in results.items()))
        self.filter(synthesis__in=results, generation__lt=generation).update(result=of_each, **said)


class CurrentResult(models.Model):
    """Which result a synthesis shows, and on which data it was last found to hold. Moves forward only."""

    PATHS = access.Paths(review="synthesis__review")

    synthesis = models.OneToOneField("Synthesis", models.PROTECT, related_name="current")
    result = models.ForeignKey(PooledResult, models.PROTECT, related_name="+")
    snapshot = models.ForeignKey(Snapshot, models.PROTECT, related_name="+")
    generation = models.PositiveIntegerField()
    as_of = models.DateTimeField()

    objects = CurrentResultQuerySet.as_manager()

    if TYPE_CHECKING:
        synthesis_id: int
        result_id: UUID
        snapshot_id: int

    class Meta:
        ordering = ["synthesis"]

    def __str__(self) -> str:
        return f"{self.result}, generation {self.generation}"
