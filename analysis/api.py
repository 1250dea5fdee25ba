"""The API of results: read through `visible_to`; what changes is a named action that is a verb."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from analysis import setup
from analysis.freshness import current_of, freshness
from analysis.models import (
    Effect,
    PooledResult,
    RecomputeRequest,
    ResultCoefficient,
    Snapshot,
    SnapshotTrial,
    Synthesis,
)
from analysis.specification import Measure
from extraction.api.filters import reviews, trials, yes_no
from extraction.api.refusals import acting
from extraction.api.strict import ModelSerializer, Nothing, Serializer
from extraction.api.views import Surface, reading

if TYPE_CHECKING:
    from rest_framework.routers import BaseRouter


def register(router: BaseRouter) -> None:
    """Put the addresses of this API on a router made with `use_regex_path=False`."""
    router.register("syntheses", SynthesisViewSet, basename="api-synthesis")
    router.register("results", ResultViewSet, basename="api-result")
    router.register("effects", EffectViewSet, basename="api-effect")
    router.register("snapshots", SnapshotViewSet, basename="api-snapshot")
    router.register("recompute-requests", RecomputeRequestViewSet, basename="api-recompute-request")


# --- What is read -------------------------------------------------------------------------------------------


class CoefficientSerializer(ModelSerializer):
    class Meta:
        model = ResultCoefficient
        fields = ("term", "estimate", "se", "ci_low", "ci_high", "statistic", "df", "p")


class ResultSerializer(ModelSerializer):
    snapshot = serializers.CharField(source="snapshot.digest", help_text="Digest of the data it rests on.")
    few_df = serializers.BooleanField(help_text="Fewer than 4 degrees of freedom: not to be relied on.")
    coefficients = CoefficientSerializer(many=True)

    class Meta:
        model = PooledResult
        fields = (
            "id", "synthesis", "snapshot", "state", "reason", "note", "trials", "effects", "estimate", "se",
            "ci_low", "ci_high", "statistic", "df_num", "df", "few_df", "p", "tau2", "i2", "q", "pi_low", "pi_high",
            "coefficients", "engine", "created_at",
        )  # fmt: skip
        read_only_fields = fields


class CurrentSerializer(Serializer):
    as_of = serializers.DateTimeField(help_text="When the result was last found to hold.")
    snapshot = serializers.CharField(source="snapshot.digest")
    result = ResultSerializer()


class SynthesisSerializer(ModelSerializer):
    filters = serializers.JSONField(help_text="Codes by name: interventions, outcome_classes, markers, levels.")
    moderator = serializers.CharField(source="moderator.code", default=None, allow_null=True)
    freshness = serializers.SerializerMethodField(help_text="fresh, recomputing or old (older than the data).")
    current = serializers.SerializerMethodField(help_text="null before the first run.")

    class Meta:
        model = Synthesis
        fields = (
            "id", "review", "name", "group", "position", "is_primary", "measure", "model", "rho", "imputed_r",
            "level", "window", "filters", "moderator", "freshness", "current",
        )  # fmt: skip
        read_only_fields = fields

    def get_freshness(self, synthesis: Synthesis) -> str:
        """By comparing digests: worked out once per review and answer."""
        known: dict[int, str] = cast("dict[str, Any]", self.context).setdefault("freshness", {})
        if synthesis.pk not in known:
            listed = getattr(self.parent, "instance", None) or [synthesis]
            of_review = [one for one in listed if one.review_id == synthesis.review_id]
            states = freshness(synthesis.review_id, of_review).states
            known |= {key: state.value for key, state in states.items()}
        return known[synthesis.pk]

    @extend_schema_field(CurrentSerializer(allow_null=True))
    def get_current(self, synthesis: Synthesis) -> Any:
        current = current_of(synthesis)
        return None if current is None else CurrentSerializer(current).data


class EffectSerializer(ModelSerializer):
    marker = serializers.CharField(source="marker.code", default=None, allow_null=True)
    intervention = serializers.CharField(source="intervention.code", default=None, allow_null=True)
    ledger = serializers.JSONField(help_text="Formula, inputs, assumptions, engine.")

    class Meta:
        model = Effect
        fields = (
            "id", "trial", "entry", "measure", "marker", "intervention", "outcome_name", "treatment_label",
            "control_label", "timepoint_label", "weeks", "weeks_after_end", "n_t", "n_c", "yi_raw", "direction",
            "yi", "vi", "assumed", "reason", "ledger",
        )  # fmt: skip
        read_only_fields = fields


class SnapshotTrialSerializer(ModelSerializer):
    class Meta:
        model = SnapshotTrial
        fields = ("trial", "entry")


class SnapshotSerializer(ModelSerializer):
    trials = SnapshotTrialSerializer(many=True)

    class Meta:
        model = Snapshot
        fields = ("id", "review", "digest", "engine", "created_at", "trials")


class RecomputeRequestSerializer(ModelSerializer):
    class Meta:
        model = RecomputeRequest
        fields = ("id", "review", "wanted", "done", "wanted_at", "done_at", "failed_at", "failures", "last_error")


# --- By what lists are filtered -----------------------------------------------------------------------------


def syntheses(request: Any) -> QuerySet[Synthesis]:
    return Synthesis.objects.visible_to(request.user)


class SynthesisFilter(django_filters.FilterSet):
    review = django_filters.ModelChoiceFilter(queryset=reviews)
    is_primary = yes_no(field_name="is_primary")

    class Meta:
        model = Synthesis
        fields = ()


class ResultFilter(django_filters.FilterSet):
    synthesis = django_filters.ModelChoiceFilter(queryset=syntheses)
    state = django_filters.ChoiceFilter(choices=PooledResult.State.choices)

    class Meta:
        model = PooledResult
        fields = ()


class EffectFilter(django_filters.FilterSet):
    review = django_filters.ModelChoiceFilter(queryset=reviews, field_name="trial__review")
    trial = django_filters.ModelChoiceFilter(queryset=trials)
    measure = django_filters.ChoiceFilter(choices=Measure.choices)

    class Meta:
        model = Effect
        fields = ()


class OfReview(django_filters.FilterSet):
    review = django_filters.ModelChoiceFilter(queryset=reviews)


# --- Addresses ----------------------------------------------------------------------------------------------


@reading(SynthesisSerializer)
class SynthesisViewSet(Surface):
    """What each review keeps pooled, with the result that is shown now and how it stands to the data."""

    serializer_class = SynthesisSerializer
    filterset_class = SynthesisFilter
    lookup_value_converter = "int"
    queryset = Synthesis.objects.none()

    def get_queryset(self) -> QuerySet[Synthesis]:
        return (
            Synthesis.objects.visible_to(self.me)
            .select_related("review", "moderator", "current__snapshot", "current__result__snapshot")
            .prefetch_related("current__result__coefficients")
            .order_by("review", "position", "pk")
        )

    @extend_schema(request=Nothing, responses=acting(RecomputeRequestSerializer))
    @action(detail=True, methods=["post"])
    def recompute(self, request: Request, pk: int) -> Response:
        """Ask for a run of the synthesis's review; what is up to date is not computed again."""
        self.values(Nothing)
        synthesis = self.get_object()
        setup.request_recompute(synthesis.review_id, by=self.me)
        asked = RecomputeRequest.objects.visible_to(self.me).get(review=synthesis.review_id)
        return Response(RecomputeRequestSerializer(asked).data)

    @extend_schema(request=Nothing, responses=acting(SynthesisSerializer))
    @action(detail=True, methods=["post"], url_path="make-primary", url_name="make-primary")
    def make_primary(self, request: Request, pk: int) -> Response:
        """Let the review answer with this synthesis."""
        self.values(Nothing)
        return self.shown(setup.set_primary(pk, by=self.me).pk)


@reading(ResultSerializer)
class ResultViewSet(Surface):
    """Everything that was ever computed, the newest first. Written once, never changed."""

    serializer_class = ResultSerializer
    filterset_class = ResultFilter
    lookup_value_converter = "uuid"
    queryset = PooledResult.objects.none()

    def get_queryset(self) -> QuerySet[PooledResult]:
        results = PooledResult.objects.visible_to(self.me).select_related("snapshot")
        return results.prefetch_related("coefficients").order_by("-created_at", "pk")


@reading(EffectSerializer)
class EffectViewSet(Surface):
    """Effects of approved entries with their ledger; those that cannot be pooled say why."""

    serializer_class = EffectSerializer
    filterset_class = EffectFilter
    lookup_value_converter = "uuid"
    queryset = Effect.objects.none()

    def get_queryset(self) -> QuerySet[Effect]:
        effects = Effect.objects.visible_to(self.me).select_related("marker", "intervention")
        return effects.order_by("trial", "entry", "specification", "position")


@reading(SnapshotSerializer)
class SnapshotViewSet(Surface):
    """The approved data as each computation read them."""

    serializer_class = SnapshotSerializer
    filterset_class = OfReview
    lookup_value_converter = "int"
    queryset = Snapshot.objects.none()

    def get_queryset(self) -> QuerySet[Snapshot]:
        return Snapshot.objects.visible_to(self.me).prefetch_related("trials").order_by("-created_at", "pk")


@reading(RecomputeRequestSerializer)
class RecomputeRequestViewSet(Surface):
    """What was asked for, and how far it came."""

    serializer_class = RecomputeRequestSerializer
    filterset_class = OfReview
    lookup_value_converter = "int"
    queryset = RecomputeRequest.objects.none()

    def get_queryset(self) -> QuerySet[RecomputeRequest]:
        return RecomputeRequest.objects.visible_to(self.me).order_by("review")
