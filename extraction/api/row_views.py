"""The rows of an entry, one by one: read by whoever sees the entry, written in one's own draft through `enter.save`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast
from uuid import UUID, uuid4

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from extraction import enter
from extraction.api.record_serializers import READ
from extraction.api.refusals import READING, acting
from extraction.api.strict import StrictSerializer, Version
from extraction.api.writing import WRITE
from extraction.enter import Change
from extraction.models import Entry, User
from extraction.models.plain import NAMING, ROWS
from extraction.record import Subject

if TYPE_CHECKING:
    ReadOnly = viewsets.ReadOnlyModelViewSet[Any]
else:
    ReadOnly = viewsets.ReadOnlyModelViewSet


class VersionRead(StrictSerializer):
    version = Version()


class RowViewSet(ReadOnly):
    """Base of the six kinds of row."""

    subject: ClassVar[Subject]
    lookup_value_converter = "uuid"
    http_method_names = ("get", "post", "patch", "delete", "head", "options")

    @property
    def me(self) -> User:
        return cast(User, self.request.user)

    def get_queryset(self) -> QuerySet[Any]:
        model = ROWS[self.subject]
        if getattr(self, "swagger_fake_view", False):
            return cast("QuerySet[Any]", model.objects.none())
        rows = model.objects.visible_to(self.me).filter(entry=self.kwargs["entry"])
        named = NAMING.get(self.subject)  # without a name, select_related() would join all that a row points to
        rows = rows.select_related(*named) if named else rows
        return cast("QuerySet[Any]", rows.order_by("position", "pk"))

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if not Entry.objects.visible_to(self.me).filter(pk=kwargs["entry"]).exists():
            raise Http404
        return super().list(request, *args, **kwargs)

    def create(self, request: Request, entry: UUID) -> Response:
        """Add a row to one's own draft."""
        body = WRITE[self.subject](data=request.data)
        body.is_valid(raise_exception=True)
        key = uuid4()
        enter.save(entry, [body.change(self.subject, key, new=True)], by=self.me)
        return Response(self.get_serializer(self.get_queryset().get(pk=key)).data, status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, entry: UUID, pk: UUID) -> Response:
        """Change the fields that are sent; `version` is that of the row as it was read."""
        row = self.get_object()
        body = WRITE[self.subject](data=request.data)
        body.is_valid(raise_exception=True)
        enter.save(entry, [body.change(self.subject, row.pk, new=False)], by=self.me)
        return Response(self.get_serializer(self.get_queryset().get(pk=row.pk)).data)

    def destroy(self, request: Request, entry: UUID, pk: UUID) -> Response:
        """Take the row out, with what stands on it; `?version=` is that of the row as it was read."""
        asked = VersionRead(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        row = ROWS[self.subject].objects.visible_to(self.me).filter(entry=entry, pk=pk).first()
        if row is None:
            raise Http404
        enter.save(entry, [Change(self.subject, pk, asked.validated_data["version"], delete=True)], by=self.me)
        return Response(status=status.HTTP_204_NO_CONTENT)


def row_views(subject: Subject) -> type[RowViewSet]:
    read, write = READ[subject], WRITE[subject]
    version = OpenApiParameter("version", OpenApiTypes.INT, required=True, description="Of the row, as it was read.")
    schema = extend_schema_view(
        list=extend_schema(responses={200: read(many=True), **READING}),
        retrieve=extend_schema(responses={200: read, **READING}),
        create=extend_schema(request=write, responses=acting(read, 201)),
        partial_update=extend_schema(request=write, responses=acting(read)),
        destroy=extend_schema(parameters=[version], responses=acting(None, 204)),
    )
    made = type(
        f"{subject.value.title()}ViewSet",
        (RowViewSet,),
        {
            "__doc__": f"The {subject.value}s of an entry.",
            "subject": subject,
            "serializer_class": read,
            "queryset": ROWS[subject].objects.none(),
        },
    )
    return cast("type[RowViewSet]", schema(made))


ROW_VIEWS = {f"{subject.value}s": row_views(subject) for subject in Subject}
