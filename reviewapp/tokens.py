"""Tokens for programs: asked for with name and password, sent as `Authorization: Token …`."""

from __future__ import annotations

from typing import Any

from rest_framework.authtoken.views import ObtainAuthToken
from rest_framework.throttling import AnonRateThrottle

from reviewapp.api import StrictJSONParser


class ObtainToken(ObtainAuthToken):
    """POST `username` and `password`, get `token`. Wrong tries count as those of the sign-in page do."""

    parser_classes = (StrictJSONParser,)
    throttle_classes = (AnonRateThrottle,)

    def get_serializer_context(self) -> dict[str, Any]:
        """Authenticate with Django's own request, on which django-axes marks who is locked out."""
        return {**super().get_serializer_context(), "request": self.request._request}
