"""An entry as it is read: every number as printed beside what the strict grammar read."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from extraction.api.strict import ModelSerializer, Serializer
from extraction.models import Arm, Characteristic, ContrastStatistic, Entry, Observation, Outcome, Timepoint
from extraction.record import Subject


class QuantitySerializer(Serializer):
    """A number as printed. `status`: reported, NR, NM, UN, or empty where nobody has said anything."""

    status = serializers.CharField()
    printed = serializers.CharField()
    value = serializers.FloatField(allow_null=True)
    qualifier = serializers.CharField()


class EndSerializer(Serializer):
    """One end of a CI, an IQR or a range; or degrees of freedom."""

    printed = serializers.CharField()
    value = serializers.FloatField(allow_null=True)


@extend_schema_field(QuantitySerializer)
class QuantityField(serializers.Field):  # type: ignore[type-arg]  # not subscriptable at run time
    """The four columns of a quantity, by their common prefix."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(source="*", read_only=True, **kwargs)

    def to_representation(self, row: Any) -> dict[str, Any]:
        name = self.field_name
        return {
            "status": getattr(row, f"{name}_status"),
            "printed": getattr(row, f"{name}_printed"),
            "value": getattr(row, str(name)),
            "qualifier": getattr(row, f"{name}_qualifier"),
        }


@extend_schema_field(EndSerializer)
class EndField(serializers.Field):  # type: ignore[type-arg]
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(source="*", read_only=True, **kwargs)

    def to_representation(self, row: Any) -> dict[str, Any]:
        return {"printed": getattr(row, f"{self.field_name}_printed"), "value": getattr(row, str(self.field_name))}


class ArmSerializer(ModelSerializer):
    intervention = serializers.CharField(
        source="intervention.code", default=None, allow_null=True, help_text="Code in the codebook."
    )
    n_randomised = QuantityField()

    class Meta:
        model = Arm
        fields = (
            "id", "version", "label", "role", "intervention", "control_kind", "n_randomised", "eligible", "stratum",
            "format", "sessions", "weeks",
        )  # fmt: skip
        read_only_fields = fields


class TimepointSerializer(ModelSerializer):
    class Meta:
        model = Timepoint
        fields = ("id", "version", "phase", "printed", "weeks", "weeks_after_end")
        read_only_fields = fields


class OutcomeSerializer(ModelSerializer):
    marker = serializers.CharField(
        source="marker.code", default=None, allow_null=True, help_text="Code in the codebook."
    )

    class Meta:
        model = Outcome
        fields = (
            "id", "version", "name", "marker", "specimen", "assay", "condition", "stimulus", "dose", "unit", "scale",
            "scale_base", "scale_offset", "family", "is_primary", "direction_override", "direction_reason",
        )  # fmt: skip
        read_only_fields = fields


class ReportField(serializers.UUIDField):
    def __init__(self) -> None:
        told = "Of several reports of the trial the one that says so; null where none is named."
        super().__init__(source="source_report_id", allow_null=True, help_text=told)


class ObservationSerializer(ModelSerializer):
    arm = serializers.UUIDField(source="arm_id")
    timepoint = serializers.UUIDField(source="timepoint_id")
    outcome = serializers.UUIDField(source="outcome_id")
    n = QuantityField()
    centre = QuantityField()
    spread = QuantityField()
    spread_low = EndField()
    spread_high = EndField()
    source_report = ReportField()

    class Meta:
        model = Observation
        fields = (
            "id", "version", "arm", "timepoint", "outcome", "quantity", "n", "centre_kind", "centre", "spread_kind",
            "spread", "spread_low", "spread_high", "spread_level", "analysis_set", "covariates", "inferred",
            "source_report", "source_page", "source_place", "source_quote", "notes",
        )  # fmt: skip
        read_only_fields = fields


class ContrastSerializer(ModelSerializer):
    outcome = serializers.UUIDField(source="outcome_id")
    timepoint = serializers.UUIDField(source="timepoint_id")
    arm = serializers.UUIDField(source="arm_id")
    versus = serializers.UUIDField(
        source="versus_id", allow_null=True, help_text="The arm compared with; null: within one arm."
    )
    value = QuantityField()
    ci_low = EndField()
    ci_high = EndField()
    df = EndField(help_text="Degrees of freedom; of an F the second is the value.")
    source_report = ReportField()

    class Meta:
        model = ContrastStatistic
        fields = (
            "id", "version", "outcome", "timepoint", "arm", "versus", "statistic", "value", "ci_low", "ci_high",
            "ci_level", "df", "adjusted", "source_report", "source_page", "source_place", "source_quote", "notes",
        )  # fmt: skip
        read_only_fields = fields


class CharacteristicSerializer(ModelSerializer):
    moderator = serializers.CharField(source="moderator.code")
    arm = serializers.UUIDField(source="arm_id", allow_null=True, help_text="Null: of the trial.")
    status = serializers.CharField(source="value_status")
    printed = serializers.CharField(source="value_printed")
    level = serializers.CharField(source="level.code", default=None, allow_null=True)

    class Meta:
        model = Characteristic
        fields = ("id", "version", "moderator", "arm", "kind", "status", "printed", "value", "level")
        read_only_fields = fields


READ = {
    Subject.ARM: ArmSerializer,
    Subject.TIMEPOINT: TimepointSerializer,
    Subject.OUTCOME: OutcomeSerializer,
    Subject.OBSERVATION: ObservationSerializer,
    Subject.CONTRAST: ContrastSerializer,
    Subject.CHARACTERISTIC: CharacteristicSerializer,
}


class EntrySerializer(ModelSerializer):
    """An entry without its rows."""

    state = serializers.CharField(help_text="draft or submitted; a FINAL entry is submitted when it is approved.")
    holder = serializers.CharField(
        source="holder.username", default=None, allow_null=True, help_text="Who entered it; null for a FINAL entry."
    )

    class Meta:
        model = Entry
        fields = (
            "id", "trial", "slot", "number", "state", "version", "codebook_version", "holder", "saved_at",
            "submitted_at", "digest", "return_reason",
        )  # fmt: skip
        read_only_fields = fields


class WholeEntrySerializer(EntrySerializer):
    """An entry with everything that it says."""

    arms = ArmSerializer(many=True)
    timepoints = TimepointSerializer(many=True)
    outcomes = OutcomeSerializer(many=True)
    observations = ObservationSerializer(many=True)
    contrasts = ContrastSerializer(many=True)
    characteristics = CharacteristicSerializer(many=True)

    class Meta(EntrySerializer.Meta):
        fields: Any = (
            *EntrySerializer.Meta.fields, "arms", "timepoints", "outcomes", "observations", "contrasts",
            "characteristics",
        )  # fmt: skip
        read_only_fields = fields
