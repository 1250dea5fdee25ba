"""What a report gives in the place of means: a statistic between two arms, or of the change within one."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Greatest, Least

from extraction import record
from extraction.contrasts import DIFFERENCES, NAMES, arms_in_words
from extraction.models.entry import FINITE, Entry, number_said, printed, qualifier, status, within
from extraction.models.rows import Arm, Outcome, Timepoint
from extraction.models.source import Sourced

_WITHIN_ARM = sorted(one.value for one in record.WITHIN_ARM)


def _bounded(statistics: list[record.Statistic], low: float, high: float) -> Q:
    """For these statistics a value within both bounds, or none."""
    return ~Q(statistic__in=[one.value for one in statistics]) | within("value", low, high)


class ContrastStatistic(Sourced):
    """A statistic of one outcome at one time, as printed: t, p or a difference of two arms, r or SD of a change."""

    entry = models.ForeignKey(Entry, models.CASCADE, related_name="contrasts")
    outcome = models.ForeignKey(Outcome, models.CASCADE, related_name="contrasts")
    timepoint = models.ForeignKey(Timepoint, models.CASCADE, related_name="contrasts")
    arm = models.ForeignKey(Arm, models.CASCADE, related_name="contrasts")
    versus = models.ForeignKey(
        Arm,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="contrasts_against",
        help_text="The arm that is compared with; empty within one arm, against its own baseline.",
    )
    statistic = models.CharField(max_length=15, choices=[(one.value, name) for one, name in NAMES.items()])
    value = models.FloatField(null=True, editable=False, help_text="Read from what is printed.")
    value_printed = printed("Exactly as printed: -2.10, <0.05; or NR.")
    value_status = status()
    value_qualifier = qualifier()
    ci_low = models.FloatField(null=True, editable=False)
    ci_low_printed = printed("Lower end of the CI of a difference.")
    ci_high = models.FloatField(null=True, editable=False)
    ci_high_printed = printed("Upper end of the CI of a difference.")
    ci_level = models.FloatField(null=True, blank=True, help_text="In percent: 95.")
    df = models.FloatField("degrees of freedom", null=True, editable=False)
    df_printed = printed("Degrees of freedom as printed: 48; of an F both: 1, 48.")
    adjusted = models.CharField(max_length=200, blank=True, help_text="What it is adjusted for: baseline, age.")
    notes = models.TextField(blank=True)

    class Meta(Sourced.Meta):
        verbose_name = "contrast statistic"
        constraints = [
            models.UniqueConstraint(
                fields=["entry", "outcome", "timepoint", "arm", "statistic"],
                condition=Q(versus__isnull=True),
                name="contrast_once_within_an_arm",
            ),
            models.UniqueConstraint(  # the other way round it is the same contrast
                "entry",
                "outcome",
                "timepoint",
                Least("arm", "versus"),
                Greatest("arm", "versus"),
                "statistic",
                condition=Q(versus__isnull=False),
                name="contrast_once_between_two_arms",
            ),
            models.CheckConstraint(
                condition=Q(versus__isnull=True, statistic__in=_WITHIN_ARM)
                | (Q(versus__isnull=False) & ~Q(statistic__in=_WITHIN_ARM)),
                name="contrast_versus_where_it_is_between_arms",
                violation_error_message="A statistic between arms names two arms, one within an arm names one.",
            ),
            models.CheckConstraint(
                condition=Q(versus__isnull=True) | ~Q(versus=models.F("arm")),
                name="contrast_of_two_different_arms",
                violation_error_message="An arm is not compared with itself.",
            ),
            models.CheckConstraint(
                condition=Q(statistic__in=[one.value for one in record.Statistic]), name="contrast_statistic_is_known"
            ),
            models.CheckConstraint(condition=within("value", -FINITE, FINITE), name="contrast_value_finite"),
            models.CheckConstraint(
                condition=_bounded([record.Statistic.P, record.Statistic.P_CHANGE], 0, 1),
                name="contrast_p_from_0_to_1",
                violation_error_message="p lies between 0 and 1.",
            ),
            models.CheckConstraint(
                condition=_bounded([record.Statistic.CORRELATION], -1, 1),
                name="contrast_r_from_minus_1_to_1",
                violation_error_message="A correlation lies between -1 and 1.",
            ),
            models.CheckConstraint(
                condition=_bounded([record.Statistic.SD_CHANGE, record.Statistic.F], 0, FINITE),
                name="contrast_sd_and_f_not_negative",
                violation_error_message="An SD of change and an F are not negative.",
            ),
            models.CheckConstraint(condition=within("ci_low", -FINITE, FINITE), name="contrast_ci_low_finite"),
            models.CheckConstraint(condition=within("ci_high", -FINITE, FINITE), name="contrast_ci_high_finite"),
            models.CheckConstraint(
                condition=Q(ci_low__isnull=True, ci_high__isnull=True)
                | Q(ci_low__isnull=False, ci_high__isnull=False, ci_high__gte=models.F("ci_low")),
                name="contrast_upper_not_below_lower",
                violation_error_message="The upper end cannot be below the lower end.",
            ),
            models.CheckConstraint(
                condition=Q(ci_low__isnull=True) | Q(statistic__in=sorted(one.value for one in DIFFERENCES)),
                name="contrast_interval_of_a_difference",
                violation_error_message="Only a difference has a CI here.",
            ),
            models.CheckConstraint(
                condition=Q(ci_level__isnull=True) | Q(ci_level__gte=50, ci_level__lt=100),
                name="contrast_level_in_percent",
                violation_error_message="A confidence level is given in percent: 95.",
            ),
            models.CheckConstraint(
                condition=Q(df__isnull=True, df_printed="")
                | (Q(df__isnull=False, df__gt=0, df__lte=FINITE) & ~Q(df_printed="")),
                name="contrast_df_above_zero_and_printed",
            ),
            models.CheckConstraint(condition=number_said("value"), name="contrast_value_said_with_number"),
        ]

    def __str__(self) -> str:
        arms = arms_in_words(record.Statistic(self.statistic), str(self.arm), str(self.versus or ""))
        return f"{arms}, {self.outcome}, {self.timepoint}"
