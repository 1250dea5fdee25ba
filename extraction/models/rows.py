"""The rows of an entry: arms, timepoints, outcomes, observations, characteristics; numbers as printed and as read."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from extraction import record
from extraction.models.entry import FINITE, MOST_PEOPLE, Row, choices, number_said, printed, qualifier, status, within
from extraction.models.source import Sourced


class Arm(Row):
    class ControlKind(models.TextChoices):
        NONE = "", "–"
        WAITLIST = "waitlist", "Waiting list"
        NO_TREATMENT = "no_treatment", "No treatment"
        USUAL_CARE = "usual_care", "Usual care"
        ATTENTION = "attention", "Attention or placebo"
        ACTIVE = "active", "Active treatment"

    label = models.CharField(max_length=120, help_text="As printed in the report.")
    role = models.CharField(max_length=12, choices=choices(record.Role), default=record.Role.INTERVENTION.value)
    intervention = models.ForeignKey(
        "Intervention",
        models.PROTECT,
        null=True,
        blank=True,
        help_text="Kind of treatment, from the codebook.",
    )
    control_kind = models.CharField(max_length=12, choices=ControlKind.choices, blank=True, default="")
    n_randomised = models.PositiveIntegerField(null=True, editable=False)
    n_randomised_printed = printed("How many were randomised to this arm, as printed, or NR.")
    n_randomised_status = status()
    n_randomised_qualifier = qualifier()
    eligible = models.BooleanField(default=True, help_text="Untick for an arm outside the review's question.")
    stratum = models.CharField(
        max_length=60, blank=True, help_text="Arms are contrasted only within one stratum; usually empty."
    )
    format = models.CharField(max_length=60, blank=True, help_text="Group, individual, online …")
    sessions = models.CharField(max_length=30, blank=True, help_text="As printed.")
    weeks = models.CharField("weeks of treatment", max_length=30, blank=True, help_text="As printed.")

    class Meta(Row.Meta):
        constraints = [
            models.CheckConstraint(condition=~Q(label=""), name="arm_has_a_label"),
            models.CheckConstraint(
                condition=within("n_randomised", 1, MOST_PEOPLE),
                name="arm_n_randomised_at_least_one",
                violation_error_message="At least one person was randomised.",
            ),
            models.CheckConstraint(condition=number_said("n_randomised"), name="arm_n_randomised_said_with_number"),
        ]

    def __str__(self) -> str:
        return self.label


class Timepoint(Row):
    phase = models.CharField(max_length=9, choices=choices(record.Phase))
    printed = models.CharField(max_length=80, blank=True, help_text="As printed: “3 months after treatment”.")
    weeks = models.FloatField(null=True, blank=True, help_text="Weeks from randomisation; 0 is the baseline.")
    weeks_after_end = models.FloatField(null=True, blank=True, help_text="Weeks from the end of treatment.")

    class Meta(Row.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["entry"],
                condition=Q(phase=record.Phase.BASELINE.value),
                name="timepoint_one_baseline_per_entry",
            ),
            models.CheckConstraint(
                condition=within("weeks", -5200, 5200),
                name="timepoint_weeks_within_a_century",
                violation_error_message="Weeks lie between -5200 and 5200.",
            ),
            models.CheckConstraint(
                condition=within("weeks_after_end", -5200, 5200),
                name="timepoint_weeks_after_end_within_a_century",
                violation_error_message="Weeks lie between -5200 and 5200.",
            ),
        ]

    def __str__(self) -> str:
        if self.printed:
            return self.printed
        weeks = "" if self.weeks is None else f", week {self.weeks:g}"
        return f"{self.phase}{weeks}"


class Outcome(Row):
    """A marker as this trial measured it."""

    name = models.CharField(max_length=160, help_text="As printed in the report.")
    marker = models.ForeignKey(
        "Marker",
        models.PROTECT,
        null=True,
        blank=True,
        help_text="From the codebook; empty until a lead adds it.",
    )
    specimen = models.CharField(max_length=60, blank=True, help_text="Serum, plasma, saliva …")
    assay = models.CharField(max_length=80, blank=True)
    condition = models.CharField(max_length=10, blank=True, default="", choices=choices(record.Condition))
    stimulus = models.CharField(max_length=60, blank=True)
    dose = models.CharField(max_length=60, blank=True)
    unit = models.CharField(max_length=60, blank=True, help_text="As printed.")
    scale = models.CharField(max_length=7, choices=choices(record.Scale), default=record.Scale.RAW.value)
    scale_base = models.CharField(max_length=10, blank=True, help_text="Of a log scale: e, 2 or 10.")
    scale_offset = models.CharField(max_length=20, blank=True, help_text="Added before taking the log.")
    family = models.CharField(max_length=60, blank=True)
    is_primary = models.BooleanField(default=False, help_text="The trial names it a primary outcome.")
    direction_override = models.SmallIntegerField(
        null=True, blank=True, choices=[(1, "higher is better"), (-1, "lower is better")]
    )
    direction_reason = models.CharField(max_length=200, blank=True)

    class Meta(Row.Meta):
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="outcome_has_a_name"),
            models.CheckConstraint(
                condition=Q(direction_override__isnull=True) | ~Q(direction_reason=""),
                name="outcome_direction_override_has_a_reason",
                violation_error_message="Say why the direction differs from the codebook's.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Observation(Sourced):
    """One outcome in one arm at one time, as the report prints it."""

    arm = models.ForeignKey(Arm, models.CASCADE, related_name="observations")
    timepoint = models.ForeignKey(Timepoint, models.CASCADE, related_name="observations")
    outcome = models.ForeignKey(Outcome, models.CASCADE, related_name="observations")
    quantity = models.CharField(
        max_length=6, choices=choices(record.QuantityKind), default=record.QuantityKind.SCORE.value
    )
    n = models.PositiveIntegerField(null=True, editable=False)
    n_printed = printed("People analysed, as printed, or NR.")
    n_status = status()
    n_qualifier = qualifier()
    centre_kind = models.CharField(max_length=14, blank=True, default="", choices=choices(record.CentreKind))
    centre = models.FloatField(null=True, editable=False, help_text="Read from what is printed.")
    centre_printed = printed("Exactly as printed: 1.20")
    centre_status = status()
    centre_qualifier = qualifier()
    spread_kind = models.CharField(max_length=12, blank=True, default="", choices=choices(record.SpreadKind))
    spread = models.FloatField(null=True, editable=False)
    spread_printed = printed("SD, SE … exactly as printed.")
    spread_status = status()
    spread_qualifier = qualifier()
    spread_low = models.FloatField(null=True, editable=False)
    spread_low_printed = printed("Lower end of a CI, IQR or range.")
    spread_high = models.FloatField(null=True, editable=False)
    spread_high_printed = printed("Upper end of a CI, IQR or range.")
    spread_level = models.FloatField(null=True, blank=True, help_text="Of a CI, in percent: 95.")
    analysis_set = models.CharField(max_length=40, blank=True, help_text="ITT, completers …")
    covariates = models.CharField(max_length=200, blank=True, help_text="What an adjusted mean is adjusted for.")
    inferred = models.BooleanField(default=False, help_text="Not printed as such: worked out from the text.")
    axis_calibration = models.CharField(
        max_length=200, blank=True, help_text="Of a number read from a figure: 0 at 412 px, 10 at 118 px."
    )
    second_centre = printed("Centre as read a second time from the figure.")
    second_spread = printed("Spread as read a second time from the figure.")
    notes = models.TextField(blank=True)

    class Meta(Sourced.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["entry", "arm", "timepoint", "outcome", "quantity"], name="observation_once_per_cell"
            ),
            models.CheckConstraint(
                condition=within("n", 1, MOST_PEOPLE),
                name="observation_n_at_least_one",
                violation_error_message="n is at least 1.",
            ),
            models.CheckConstraint(
                condition=within("centre", -FINITE, FINITE),
                name="observation_centre_finite",
                violation_error_message="A centre is a finite number.",
            ),
            models.CheckConstraint(
                condition=within("spread", 0, FINITE),
                name="observation_spread_not_negative",
                violation_error_message="A spread cannot be negative.",
            ),
            models.CheckConstraint(
                condition=within("spread_low", -FINITE, FINITE), name="observation_spread_low_finite"
            ),
            models.CheckConstraint(
                condition=within("spread_high", -FINITE, FINITE), name="observation_spread_high_finite"
            ),
            models.CheckConstraint(
                condition=Q(spread_low__isnull=True, spread_high__isnull=True)
                | Q(spread_low__isnull=False, spread_high__isnull=False, spread_high__gte=models.F("spread_low")),
                name="observation_upper_not_below_lower",
                violation_error_message="The upper end cannot be below the lower end.",
            ),
            models.CheckConstraint(
                condition=Q(spread_level__isnull=True) | Q(spread_level__gte=50, spread_level__lt=100),
                name="observation_level_in_percent",
                violation_error_message="A confidence level is given in percent: 95.",
            ),
            models.CheckConstraint(condition=number_said("n"), name="observation_n_said_with_number"),
            models.CheckConstraint(condition=number_said("centre"), name="observation_centre_said_with_number"),
            models.CheckConstraint(
                condition=(
                    Q(spread_status=record.Status.REPORTED.value)
                    & (Q(spread__isnull=False) | Q(spread_low__isnull=False))
                )
                | (
                    ~Q(spread_status=record.Status.REPORTED.value)
                    & Q(spread__isnull=True, spread_low__isnull=True, spread_high__isnull=True)
                ),
                name="observation_spread_said_with_number",
            ),
            models.CheckConstraint(
                condition=Q(centre__isnull=True) | ~Q(centre_kind=""), name="observation_centre_has_a_kind"
            ),
            models.CheckConstraint(
                condition=~Q(spread_status=record.Status.REPORTED.value) | ~Q(spread_kind=""),
                name="observation_spread_has_a_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome}, {self.arm}, {self.timepoint}, {self.quantity}"


class Characteristic(Row):
    """The value of a moderator for this trial, or for one arm, typed by the moderator's kind."""

    moderator = models.ForeignKey("Moderator", models.PROTECT)
    arm = models.ForeignKey(Arm, models.CASCADE, null=True, blank=True, related_name="characteristics")
    kind = models.CharField(max_length=6, choices=choices(record.ModeratorKind), editable=False)
    value = models.FloatField(null=True, editable=False)
    value_printed = models.CharField(max_length=200, blank=True, default="", help_text="As printed, or NR.")
    value_status = status()
    level = models.ForeignKey("ModeratorLevel", models.PROTECT, null=True, blank=True)

    class Meta(Row.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["entry", "moderator"],
                condition=Q(arm__isnull=True),
                name="characteristic_once_per_trial",
            ),
            models.UniqueConstraint(
                fields=["entry", "moderator", "arm"],
                condition=Q(arm__isnull=False),
                name="characteristic_once_per_arm",
            ),
            models.CheckConstraint(condition=within("value", -FINITE, FINITE), name="characteristic_value_finite"),
            models.CheckConstraint(
                condition=Q(kind="number", level__isnull=True)
                & (Q(value_status="reported", value__isnull=False) | ~Q(value_status="reported"))
                | Q(kind="level", value__isnull=True)
                & (Q(value_status="reported", level__isnull=False) | ~Q(value_status="reported"))
                | Q(kind="text", value__isnull=True, level__isnull=True),
                name="characteristic_typed_by_its_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.moderator}: {self.value_printed or self.value_status or '–'}"
