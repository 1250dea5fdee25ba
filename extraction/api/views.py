"""Read through `visible_to`, change through named actions that are verbs.

What a verb refuses is told by `reviewapp.errors`; nothing is caught here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from extraction import adjudicate, approve, enter, matching, reconcile, setup
from extraction.api.filters import DiscrepancyFilter, EntryFilter, MatchFilter, TrialFilter
from extraction.api.record_serializers import EntrySerializer, WholeEntrySerializer
from extraction.api.refusals import READING, acting
from extraction.api.review_serializers import (
    CodebookSerializer,
    CountSerializer,
    DiscrepancySerializer,
    MatchSerializer,
    ReviewSerializer,
    TrialSerializer,
)
from extraction.api.strict import Nothing, Reason, StrictSerializer
from extraction.api.writing import (
    BatchSerializer,
    PairSerializer,
    ResolveManySerializer,
    ResolveSerializer,
    ReturnSerializer,
    SubmitSerializer,
    UndoSerializer,
)
from extraction.models import (
    Arm,
    Characteristic,
    ContrastStatistic,
    Discrepancy,
    Entry,
    Intervention,
    Marker,
    MarkerSynonym,
    Match,
    MatchedRow,
    Membership,
    Moderator,
    ModeratorLevel,
    Observation,
    Outcome,
    OutcomeClass,
    Resolution,
    Review,
    Timepoint,
    Trial,
    UnitFactor,
    User,
)

if TYPE_CHECKING:
    ReadOnly = viewsets.ReadOnlyModelViewSet[Any]
else:
    ReadOnly = viewsets.ReadOnlyModelViewSet


class Surface(ReadOnly):
    """Lists and details of what the caller may see."""

    @property
    def me(self) -> User:
        return cast(User, self.request.user)

    def values(self, kind: type[StrictSerializer]) -> Any:
        """The body of the request, read strictly."""
        body = kind(data=self.request.data)
        body.is_valid(raise_exception=True)
        return body

    def shown(self, pk: object) -> Response:
        """The row as it is after the act, as the caller may see it; nothing where it is out of sight now."""
        row = self.get_queryset().filter(pk=pk).first()
        return Response(self.get_serializer(row).data if row is not None else None)


def reading(serializer: Any) -> Any:
    """The schema of a list and of a detail: the answer, and every refusal."""
    return extend_schema_view(
        list=extend_schema(responses={200: serializer(many=True), **READING}),
        retrieve=extend_schema(responses={200: serializer, **READING}),
    )


@reading(ReviewSerializer)
class ReviewViewSet(Surface):
    """Reviews that the caller is a member of."""

    serializer_class = ReviewSerializer
    lookup_value_converter = "int"
    queryset = Review.objects.none()

    def get_queryset(self) -> QuerySet[Review]:
        mine = Membership.objects.visible_to(self.me).filter(user=self.me.pk)
        return Review.objects.visible_to(self.me).prefetch_related(
            Prefetch("memberships", queryset=mine, to_attr="my_memberships")
        )

    @extend_schema(responses={200: CodebookSerializer, **READING})
    @action(detail=True)
    def codebook(self, request: Request, pk: int) -> Response:
        """The vocabulary, with the codes that entries may use."""
        review = self.get_object()

        def terms(model: Any, *related: str, **prefetched: Any) -> QuerySet[Any]:
            rows = model.objects.visible_to(self.me).filter(review=review).select_related(*related)
            inner = [Prefetch(name, queryset=kind.objects.visible_to(self.me)) for name, kind in prefetched.items()]
            return cast("QuerySet[Any]", rows.prefetch_related(*inner))

        codebook = {
            "version": review.codebook_version,
            "interventions": terms(Intervention),
            "outcome_classes": terms(OutcomeClass),
            "markers": terms(Marker, "outcome_class", synonyms=MarkerSynonym),
            "moderators": terms(Moderator, levels=ModeratorLevel),
            "unit_factors": terms(UnitFactor, "marker"),
        }
        return Response(CodebookSerializer(codebook).data)


@reading(TrialSerializer)
class TrialViewSet(Surface):
    """Trials of the caller's reviews. What becomes of them goes through named actions, never through PATCH."""

    serializer_class = TrialSerializer
    filterset_class = TrialFilter
    lookup_value_converter = "int"
    queryset = Trial.objects.none()

    def get_queryset(self) -> QuerySet[Trial]:
        return Trial.objects.visible_to(self.me).order_by("review", "label_key")

    @extend_schema(request=Nothing, responses=acting(WholeEntrySerializer))
    @action(detail=True, methods=["post"])
    def start(self, request: Request, pk: int) -> Response:
        """The caller's draft in the slot they hold; made on the first call."""
        self.values(Nothing)
        entry = enter.start(pk, by=self.me)
        whole = whole_entries(self.me).get(pk=entry.pk)
        return Response(WholeEntrySerializer(whole).data)

    @extend_schema(request=Nothing, responses=acting(TrialSerializer))
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: int) -> Response:
        """Accept the agreed values; results are recomputed."""
        self.values(Nothing)
        return self.shown(approve.approve(pk, by=self.me).pk)

    @extend_schema(request=Reason, responses=acting(TrialSerializer))
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: int) -> Response:
        """Back to adjudicating. The approved version stays in the results until the next approval."""
        reason = self.values(Reason).validated_data["reason"]
        return self.shown(approve.reopen(pk, reason, by=self.me).pk)

    @extend_schema(request=ReturnSerializer, responses=acting(TrialSerializer))
    @action(detail=True, methods=["post"], url_path="return", url_name="return")
    def give_back(self, request: Request, pk: int) -> Response:
        """Return one entry or both to the extractors, as a new draft version."""
        data = self.values(ReturnSerializer).validated_data
        return self.shown(reconcile.return_to_extractors(pk, data["slots"], data["reason"], by=self.me).pk)

    @extend_schema(request=Nothing, responses=acting(TrialSerializer))
    @action(detail=True, methods=["post"])
    def conclude(self, request: Request, pk: int) -> Response:
        """After a reopening: nothing more to change."""
        self.values(Nothing)
        return self.shown(reconcile.conclude(pk, by=self.me).pk)

    @extend_schema(request=PairSerializer, responses=acting(MatchSerializer))
    @action(detail=True, methods=["post"])
    def pair(self, request: Request, pk: int) -> Response:
        """Say which rows are the same, while the structures differ."""
        data = self.values(PairSerializer).validated_data
        match = matching.pair(pk, data["subject"], data["a"], data["b"], by=self.me)
        return Response(MatchSerializer(matches(self.me).get(pk=match.pk)).data)

    @extend_schema(request=Reason, responses=acting(TrialSerializer))
    @action(detail=True, methods=["post"])
    def exclude(self, request: Request, pk: int) -> Response:
        """Out of the results, with a reason. Entries stay."""
        reason = self.values(Reason).validated_data["reason"]
        return self.shown(setup.exclude_trial(pk, reason, by=self.me).pk)

    @extend_schema(request=Nothing, responses=acting(TrialSerializer))
    @action(detail=True, methods=["post"])
    def include(self, request: Request, pk: int) -> Response:
        """Back into the results."""
        self.values(Nothing)
        return self.shown(setup.include_trial(pk, by=self.me).pk)


@extend_schema_view(
    list=extend_schema(responses={200: EntrySerializer(many=True), **READING}),
    retrieve=extend_schema(responses={200: WholeEntrySerializer, **READING}),
)
class EntryViewSet(Surface):
    """Entries: one's own while a trial is being entered, both afterwards for those who decide."""

    serializer_class = EntrySerializer
    filterset_class = EntryFilter
    lookup_value_converter = "uuid"
    queryset = Entry.objects.none()

    def get_queryset(self) -> QuerySet[Entry]:
        if self.action == "list":
            return entries(self.me)
        return whole_entries(self.me)

    def get_serializer_class(self) -> Any:
        return EntrySerializer if self.action == "list" else WholeEntrySerializer

    @extend_schema(request=BatchSerializer, responses=acting(WholeEntrySerializer))
    @action(detail=True, methods=["post"])
    def save(self, request: Request, pk: UUID) -> Response:
        """Make, change and delete rows of one's own draft in one go: all of them or none."""
        changes = self.values(BatchSerializer).as_changes()
        return self.shown(enter.save(pk, changes, by=self.me).pk)

    @extend_schema(request=SubmitSerializer, responses=acting(WholeEntrySerializer))
    @action(detail=True, methods=["post"])
    def submit(self, request: Request, pk: UUID) -> Response:
        """Freeze the draft. With the second submission of a trial the two entries are compared."""
        version = self.values(SubmitSerializer).validated_data["version"]
        return self.shown(enter.submit(pk, by=self.me, version=version).pk)

    @extend_schema(request=Nothing, responses=acting(WholeEntrySerializer))
    @action(detail=True, methods=["post"], url_path="undo-submit", url_name="undo-submit")
    def undo_submit(self, request: Request, pk: UUID) -> Response:
        """Back to draft: until the other extractor has submitted too."""
        self.values(Nothing)
        return self.shown(enter.undo_submit(pk, by=self.me).pk)


@reading(MatchSerializer)
class MatchViewSet(Surface):
    """Which row of A is which row of B."""

    serializer_class = MatchSerializer
    filterset_class = MatchFilter
    lookup_value_converter = "uuid"
    queryset = Match.objects.none()

    def get_queryset(self) -> QuerySet[Match]:
        return matches(self.me)

    @extend_schema(request=Nothing, responses=acting(MatchSerializer))
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: UUID) -> Response:
        """Say that a proposed match is right as it stands."""
        self.values(Nothing)
        return self.shown(matching.confirm(pk, by=self.me).pk)


@reading(DiscrepancySerializer)
class DiscrepancyViewSet(Surface):
    """Where two entries differ, and what was decided."""

    serializer_class = DiscrepancySerializer
    filterset_class = DiscrepancyFilter
    lookup_value_converter = "uuid"
    queryset = Discrepancy.objects.none()

    def get_queryset(self) -> QuerySet[Discrepancy]:
        decisions = Resolution.objects.visible_to(self.me).select_related("decided_by").order_by("number")
        rows: QuerySet[Discrepancy] = (
            Discrepancy.objects.visible_to(self.me)
            .select_related("marker")
            .prefetch_related(Prefetch("resolutions", queryset=decisions))
            .order_by("trial__label_key", "position", "pk")
        )
        return rows

    @extend_schema(request=ResolveSerializer, responses=acting(DiscrepancySerializer))
    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, pk: UUID) -> Response:
        """Decide one discrepancy. The earlier decisions stay."""
        body = self.values(ResolveSerializer)
        version = body.validated_data["version"]
        return self.shown(reconcile.resolve(pk, body.decision(), by=self.me, version=version).pk)

    @extend_schema(request=UndoSerializer, responses=acting(DiscrepancySerializer))
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: UUID) -> Response:
        """Take the decision back: the discrepancy and its trial are open again, and both lines stay."""
        body = self.values(UndoSerializer)
        return self.shown(adjudicate.undo(pk, by=self.me, version=body.validated_data["version"]).pk)

    @extend_schema(request=ResolveManySerializer, responses=acting(CountSerializer))
    @action(detail=False, methods=["post"], url_path="resolve-many", url_name="resolve-many")
    def resolve_many(self, request: Request) -> Response:
        """The same decision for many: all of them or none."""
        body = self.values(ResolveManySerializer)
        decided = reconcile.resolve_many(body.validated_data["ids"], body.decision(), by=self.me)
        return Response({"decided": decided})


def entries(user: User) -> QuerySet[Entry]:
    return Entry.objects.visible_to(user).select_related("holder").order_by("trial__label_key", "slot", "number")


def whole_entries(user: User) -> QuerySet[Entry]:
    """Entries with their rows: seven queries, whatever the size."""

    def rows(model: Any, *related: str) -> QuerySet[Any]:
        return cast("QuerySet[Any]", model.objects.visible_to(user).select_related(*related))

    return entries(user).prefetch_related(
        Prefetch("arms", queryset=rows(Arm, "intervention")),
        Prefetch("timepoints", queryset=rows(Timepoint)),
        Prefetch("outcomes", queryset=rows(Outcome, "marker")),
        Prefetch("observations", queryset=rows(Observation)),
        Prefetch("contrasts", queryset=rows(ContrastStatistic)),
        Prefetch("characteristics", queryset=rows(Characteristic, "moderator", "level")),
    )


def matches(user: User) -> QuerySet[Match]:
    found: QuerySet[Match] = (
        Match.objects.visible_to(user)
        .prefetch_related(Prefetch("rows", queryset=MatchedRow.objects.visible_to(user)))
        .order_by("trial__label_key", "subject", "position", "pk")
    )
    return found
