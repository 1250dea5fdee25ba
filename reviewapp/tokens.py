"""Tokens for programs: asked for with name and password, sent as `Authorization: Token …`."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.authtoken.serializers import AuthTokenSerializer
from rest_framework.authtoken.views import ObtainAuthToken
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle

from extraction.api.strict import Refusal
from reviewapp.api import StrictJSONParser


class ObtainToken(ObtainAuthToken):
    """POST `username` and `password`, get `token`. Wrong tries count as those of the sign-in page do."""

    parser_classes = (StrictJSONParser,)
    throttle_classes = (AnonRateThrottle,)

    @extend_schema(
        request=AuthTokenSerializer,
        responses={
            200: AuthTokenSerializer,
            400: OpenApiResponse(Refusal, "Name and password do not fit, or are not given."),
            403: OpenApiResponse(Refusal, "Too many wrong tries: locked for a while."),
            429: OpenApiResponse(Refusal, "Too many requests: wait a minute."),
        },
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().post(request, *args, **kwargs)

    def get_serializer_context(self) -> dict[str, Any]:
        """Authenticate with Django's own request, on which django-axes marks who is locked out."""
        return {**super().get_serializer_context(), "request": self.request._request}
