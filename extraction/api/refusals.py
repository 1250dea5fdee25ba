"""The refusals that every address may answer with, for the schema."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiResponse

from extraction.api.strict import Refusal

READING: Final[dict[Any, Any]] = {
    400: OpenApiResponse(Refusal, "A filter, an order or a page that does not exist."),
    401: OpenApiResponse(Refusal, "Nobody is signed in."),
    403: OpenApiResponse(Refusal, "Not allowed."),
    404: OpenApiResponse(Refusal, "Not there, or not for you: the two are not told apart."),
}
ACTING: Final[dict[Any, Any]] = {
    **READING,
    400: OpenApiResponse(Refusal, "Values are refused; nothing was written."),
    403: OpenApiResponse(Refusal, "Your role does not allow it."),
    409: OpenApiResponse(Refusal, "The world has moved on: a stale version, or a state in which this cannot be done."),
    413: OpenApiResponse(Refusal, "The request is too large."),
    415: OpenApiResponse(Refusal, "Send JSON."),
}


def acting(answer: Any, status: int = 200) -> dict[Any, Any]:
    return {status: answer, **ACTING}
