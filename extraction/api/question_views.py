"""Questions with their answers, and proposed names: read, ask, answer, propose, place."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from extraction import asked, proposals, questions
from extraction.api.filters import ProposalFilter, QuestionFilter
from extraction.api.refusals import acting
from extraction.api.strict import ModelSerializer, Serializer, StrictSerializer, Verbatim
from extraction.api.views import Surface, reading
from extraction.models import Answer, Entry, Proposal, Question


class AnswerSerializer(ModelSerializer):
    person = serializers.CharField(source="person.username")

    class Meta:
        model = Answer
        fields = ("id", "person", "text", "given_at")
        read_only_fields = fields


class QuestionSerializer(ModelSerializer):
    """An extractor asks the leads, or (`discrepancy`) a decider asks both; then answers show once both are in."""

    entry = serializers.SerializerMethodField(help_text="Null where the caller may not see the entry.")
    row = serializers.SerializerMethodField(help_text="The row of the entry that it is about.")
    asked_by = serializers.CharField(source="asked_by.username")
    answers = AnswerSerializer(many=True)

    class Meta:
        model = Question
        fields = ("id", "trial", "entry", "discrepancy", "about", "row", "text", "asked_by", "asked_at", "answers")
        read_only_fields = fields

    def get_entry(self, question: Any) -> UUID | None:
        return question.entry_id if question.entry_seen else None

    def get_row(self, question: Any) -> UUID | None:
        return question.row if question.entry_seen else None


class AskSerializer(StrictSerializer):
    """Either an entry (of the caller) or a discrepancy."""

    entry = serializers.UUIDField(required=False)
    discrepancy = serializers.UUIDField(required=False)
    row = serializers.UUIDField(required=False, help_text="The row of the entry that it is about.")
    text = Verbatim(required=True, allow_blank=False)

    def validate(self, attrs: Any) -> Any:
        if ("entry" in attrs) == ("discrepancy" in attrs):
            raise serializers.ValidationError({"entry": ["Name an entry or a discrepancy."]})
        return attrs


class AnswerTextSerializer(StrictSerializer):
    text = Verbatim(required=True, allow_blank=False)


@reading(QuestionSerializer)
class QuestionViewSet(Surface):
    """Questions that the caller may see."""

    serializer_class = QuestionSerializer
    filterset_class = QuestionFilter
    lookup_value_converter = "uuid"
    queryset = Question.objects.none()

    def get_queryset(self) -> QuerySet[Question]:
        given = Answer.objects.visible_to(self.me).given().select_related("person")
        rows: QuerySet[Question] = (
            Question.objects.visible_to(self.me)
            .annotate(entry_seen=Exists(Entry.objects.visible_to(self.me).filter(pk=OuterRef("entry"))))
            .select_related("asked_by")
            .prefetch_related(Prefetch("answers", queryset=given))
        )
        return rows.order_by("asked_at", "pk")

    @extend_schema(request=AskSerializer, responses=acting(QuestionSerializer, 201))
    def create(self, request: Request) -> Response:
        """Ask the leads about one's entry, or both extractors about a discrepancy."""
        data = self.values(AskSerializer).validated_data
        if "entry" in data:
            entry = Entry.objects.visible_to(self.me).filter(pk=data["entry"]).first()
            row, place = asked.place_in(entry, data.get("row"), self.me) if entry else (None, "")
            question = questions.ask_leads(data["entry"], data["text"], by=self.me, about=place, row=row)
        else:
            question = questions.ask_extractors(data["discrepancy"], data["text"], by=self.me)
        response = self.shown(question.pk)
        response.status_code = 201
        return response

    @extend_schema(request=AnswerTextSerializer, responses=acting(QuestionSerializer))
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, pk: UUID) -> Response:
        """Answer what the caller is asked, once."""
        questions.answer(pk, self.values(AnswerTextSerializer).validated_data["text"], by=self.me)
        return self.shown(pk)


class ProposalSerializer(ModelSerializer):
    proposed_by = serializers.CharField(source="proposed_by.username")
    marker = serializers.CharField(source="marker.code", default=None, allow_null=True)

    class Meta:
        model = Proposal
        fields = ("id", "trial", "name", "unit", "proposed_by", "proposed_at", "marker", "placed_at", "filled")
        read_only_fields = fields


class ProposeSerializer(StrictSerializer):
    entry = serializers.UUIDField(help_text="Every outcome of it without a marker is proposed.")


class ProposedSerializer(Serializer):
    proposed = serializers.IntegerField()


class PlaceSerializer(StrictSerializer):
    """The code of a marker of the vocabulary; null leaves the name without one."""

    marker = Verbatim(required=True, allow_blank=False, allow_null=True, max_length=120)


@reading(ProposalSerializer)
class ProposalViewSet(Surface):
    """Names that extractors propose: one's own, and for leads those to place."""

    serializer_class = ProposalSerializer
    filterset_class = ProposalFilter
    lookup_value_converter = "uuid"
    queryset = Proposal.objects.none()

    def get_queryset(self) -> QuerySet[Proposal]:
        rows: QuerySet[Proposal] = Proposal.objects.visible_to(self.me).select_related("proposed_by", "marker")
        return rows.order_by("name_key", "proposed_at", "pk")

    @extend_schema(request=ProposeSerializer, responses=acting(ProposedSerializer, 201))
    def create(self, request: Request) -> Response:
        """Propose the names of one's entry that the vocabulary lacks."""
        made = proposals.propose(self.values(ProposeSerializer).validated_data["entry"], by=self.me)
        return Response({"proposed": len(made)}, status=201)

    @extend_schema(request=PlaceSerializer, responses=acting(ProposalSerializer))
    @action(detail=True, methods=["post"])
    def place(self, request: Request, pk: UUID) -> Response:
        """Point the name to a marker. Markers are added in the codebook or on the page."""
        code = self.values(PlaceSerializer).validated_data["marker"]
        proposals.place(pk, by=self.me, code=code)
        return self.shown(pk)
