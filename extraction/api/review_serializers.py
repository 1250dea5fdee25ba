"""Reviews, their codebook, trials, matches and discrepancies as they are read."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from extraction.api.strict import ModelSerializer, Serializer
from extraction.models import (
    Discrepancy,
    Intervention,
    Marker,
    Match,
    Moderator,
    ModeratorLevel,
    OutcomeClass,
    Resolution,
    Review,
    Trial,
    UnitFactor,
)

TERM = ("code", "name", "definition")


class ReviewSerializer(ModelSerializer):
    my_roles = serializers.SerializerMethodField()

    class Meta:
        model = Review
        fields = (
            "id", "title", "question", "codebook_version", "partner_shown_after_approval",
            "outcome_hidden_while_deciding", "approver_is_not_adjudicator", "source_required", "imputed_r", "my_roles",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_my_roles(self, review: Any) -> list[str]:
        return [role for membership in review.my_memberships for role in membership.roles]


class InterventionSerializer(ModelSerializer):
    class Meta:
        model = Intervention
        fields = TERM


class OutcomeClassSerializer(ModelSerializer):
    class Meta:
        model = OutcomeClass
        fields = (*TERM, "direction")


class MarkerSerializer(ModelSerializer):
    outcome_class = serializers.CharField(source="outcome_class.code", default=None, allow_null=True)
    synonyms: Any = serializers.SlugRelatedField(many=True, read_only=True, slug_field="text")

    class Meta:
        model = Marker
        fields = (
            *TERM, "outcome_class", "direction", "canonical_unit", "usual_unit", "plausible_low", "plausible_high",
            "stimulated_low", "stimulated_high", "sd_mean_low", "sd_mean_high", "log_usual", "synonyms",
        )  # fmt: skip


class LevelSerializer(ModelSerializer):
    class Meta:
        model = ModeratorLevel
        fields = ("code", "name", "definition")


class ModeratorSerializer(ModelSerializer):
    levels = LevelSerializer(many=True)

    class Meta:
        model = Moderator
        fields = (*TERM, "kind", "applies_to", "unit", "levels")


class UnitFactorSerializer(ModelSerializer):
    marker = serializers.CharField(source="marker.code", default=None, allow_null=True)

    class Meta:
        model = UnitFactor
        fields = ("marker", "unit", "to_unit", "factor", "exact", "transform", "aliases", "note")


class CodebookSerializer(Serializer):
    """The vocabulary of a review: the codes that entries may use."""

    version = serializers.IntegerField()
    interventions = InterventionSerializer(many=True)
    outcome_classes = OutcomeClassSerializer(many=True)
    markers = MarkerSerializer(many=True)
    moderators = ModeratorSerializer(many=True)
    unit_factors = UnitFactorSerializer(many=True)


class TrialSerializer(ModelSerializer):
    excluded = serializers.SerializerMethodField()
    under_revision = serializers.BooleanField()

    class Meta:
        model = Trial
        fields = (
            "id", "review", "label", "year", "doi", "pmid", "registry_id", "citation", "design", "clusters", "icc",
            "calibration", "status", "under_revision", "excluded", "exclusion_reason",
        )  # fmt: skip
        read_only_fields = fields

    def get_excluded(self, trial: Trial) -> bool:
        return trial.excluded_at is not None


class MatchedRowSerializer(Serializer):
    id = serializers.UUIDField(source="row")
    side = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a name that Field has too


class MatchSerializer(ModelSerializer):
    """ "A's arm 2 is B's arm 1"; no rows on a side: only the other saw it."""

    rows = MatchedRowSerializer(many=True)

    class Meta:
        model = Match
        fields = ("id", "trial", "subject", "state", "by_itself", "score", "reason", "a_entry", "b_entry", "rows")
        read_only_fields = fields


class ResolutionSerializer(ModelSerializer):
    decided_by = serializers.CharField(source="decided_by.username")

    class Meta:
        model = Resolution
        fields = (
            "number", "decided_by", "decided_at", "withdraws", "choice", "reason_code", "comment", "outcome_shown",
            "n_printed", "centre_kind", "centre_printed", "spread_kind", "spread_printed", "spread_low_printed",
            "spread_high_printed", "spread_level", "text",
        )  # fmt: skip
        read_only_fields = fields


class DiscrepancySerializer(ModelSerializer):
    """One compared unit on which A and B do not say the same. The newest of `resolutions` counts."""

    marker = serializers.CharField(source="marker.code", default=None, allow_null=True)
    takes = serializers.CharField(help_text="A or B, where the forms say the same and one of them is kept.")
    suggests = serializers.CharField(help_text="A or B, where the diagnosis points to one.")
    resolutions = ResolutionSerializer(many=True)

    class Meta:
        model = Discrepancy
        fields = (
            "id", "trial", "version", "state", "superseded", "subject", "field", "a_entry", "b_entry", "a_key", "b_key",
            "arm_label", "outcome_label", "time_label", "marker", "a_says", "b_says", "verdict", "worked", "takes",
            "diagnosis", "evidence", "suggests", "position", "resolutions",
        )  # fmt: skip
        read_only_fields = fields


class CountSerializer(Serializer):
    decided = serializers.IntegerField()
