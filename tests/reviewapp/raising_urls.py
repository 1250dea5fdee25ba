"""Addresses that raise what is asked for, beside the real ones, for tests of how it is told."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import IntegrityError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from extraction.errors import FieldProblem, InvalidValues, NotAllowed, NotFound, StaleVersion
from extraction.models import User
from reviewapp.urls import handler400, handler403, handler404, handler500  # noqa: F401  (Django looks for them)
from reviewapp.urls import urlpatterns as real

SECRET = "8642.1 of somebody else"

RAISED: dict[str, Exception] = {
    "stale": StaleVersion("Somebody saved this in the meantime. Reload and look."),
    "not-allowed": NotAllowed("An extractor of a trial never decides on it."),
    "not-found": NotFound(),
    "hidden": User.DoesNotExist(f"User matching query {SECRET} does not exist."),
    "http404": Http404(f"No row {SECRET}"),
    "invalid": InvalidValues([FieldProblem("Arm 1", "n", "Write a whole number.", "12.5")]),
    "denied": PermissionDenied(SECRET),
    "suspicious": SuspiciousOperation(SECRET),
    "too-big": RequestDataTooBig(SECRET),
    "conflict": IntegrityError(f"UNIQUE constraint failed: {SECRET}"),
    "busy": OperationalError(f"database is locked {SECRET}"),
    "model-invalid": ModelValidationError({"label": ["This name is taken."]}),
    "defect": ZeroDivisionError(SECRET),
}


@csrf_exempt
@login_not_required
def raising(request: HttpRequest, what: str) -> HttpResponse:
    raise RAISED[what]


@csrf_exempt
@login_not_required
def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.POST)))


class RaisingAPI(APIView):
    permission_classes = (AllowAny,)
    authentication_classes = ()

    def get(self, request: Request, what: str) -> Response:
        raise RAISED[what]


class EchoAPI(APIView):
    permission_classes = (AllowAny,)
    authentication_classes = ()

    def post(self, request: Request) -> Response:
        data: Any = request.data
        return Response({"items": len(data)})


class PersonSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ("username",)


class PeopleAPI(ListAPIView[User]):
    permission_classes = (AllowAny,)
    queryset = User.objects.order_by("pk")
    serializer_class = PersonSerializer
    filterset_fields = ("is_active", "last_login")


urlpatterns = [
    path("api/people", PeopleAPI.as_view()),
    path("raise/<what>", raising),
    path("echo", echo),
    path("api/raise/<what>", RaisingAPI.as_view()),
    path("api/echo", EchoAPI.as_view()),
    *real,
]
