"""How a refusal or a failure is told: as JSON to the API, as a page to people, as a notice to HTMX.

The verbs raise; views do not catch. What an answer says never comes from the database or from another
person's data: a missing row and a hidden one are told in the same words.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import (
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from extraction.errors import ExtractionError, NotFound

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """HTTP status, stable code, a heading and a sentence for people, and lines for single fields."""

    status: int
    code: str
    title: str
    detail: str
    problems: Sequence[Mapping[str, str]] = ()
    retry_after: int | None = None  # seconds

    def as_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {"code": self.code, "detail": self.detail}
        return {**body, "problems": list(self.problems)} if self.problems else body


BAD_REQUEST = Refusal(400, "bad_request", "This request cannot be read", "Go back, reload the page and send it again.")
SIGN_IN = Refusal(
    401,
    "sign_in",
    "Your session has ended",
    "Sign in again in another tab, then repeat this here: what you typed is still on this page.",
)
FORBIDDEN = Refusal(403, "not_allowed", "Not allowed", "Your role does not allow this. Ask the lead of the review.")
CSRF = Refusal(403, "csrf", "This form is too old", "Go back, reload the page and send it again.")
NOT_FOUND = Refusal(404, NotFound.code, "Nothing here", str(NotFound()))
CONFLICT = Refusal(
    409,
    "conflict",
    "Not saved",
    "Somebody else, or another tab, saved the same at the same time. Reload and look.",
)
TOO_LARGE = Refusal(
    413, "too_large", "Too large", "A workbook may have at most 10 MB, a report’s PDF 30 MB, a form 2.5 MB."
)
LOCKED_OUT = Refusal(
    429,
    "locked_out",
    "Too many tries",
    "Signing in with this name is closed for 15 minutes. Wait, then try again.",
    retry_after=15 * 60,
)
FAILED = Refusal(
    500,
    "failed",
    "Something failed",
    "What was saved before is safe. The failure is in the log; try again later.",
)
UNAVAILABLE = Refusal(
    503,
    "unavailable",
    "The database is busy",
    "Nothing was saved. Try again in a few seconds.",
    retry_after=5,
)

# Where what is told depends on the status alone.
TITLES = {400: "Not saved", 403: FORBIDDEN.title, 404: NOT_FOUND.title, 409: "Not saved"}
STANDALONE = frozenset({500, 503})  # the page must not need a database
AS_REST_FRAMEWORK_WRITES = {"separators": (",", ":"), "ensure_ascii": False}  # missing is hidden, to the byte


def refusal_for(error: BaseException) -> Refusal | None:
    """What to tell about an error; None where it is a defect of ours, which is a plain 500."""
    match error:
        case NotFound() | ObjectDoesNotExist() | Http404():
            return NOT_FOUND
        case ExtractionError():
            return Refusal(error.status, error.code, TITLES.get(error.status, "Not done"), str(error), error.details())
        case RequestDataTooBig():
            return TOO_LARGE
        case SuspiciousOperation():
            return BAD_REQUEST
        case PermissionDenied():
            return FORBIDDEN
        case IntegrityError():
            return CONFLICT
        case OperationalError() | InterfaceError():
            return UNAVAILABLE
    return None


# --- Pages --------------------------------------------------------------------------------------------------


class Refusals:
    """Turns what a view raises into the page, the notice or the JSON that tells it."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = self.get_response(request)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        refusal = refusal_for(error)
        if refusal is None:
            return None  # Django logs it and asks `server_error`
        log(error)
        return respond(request, refusal)


def respond(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The same refusal, in the form that the asker understands."""
    if request.path_info.startswith("/api/"):
        response: HttpResponse = JsonResponse(
            refusal.as_json(), status=refusal.status, json_dumps_params=AS_REST_FRAMEWORK_WRITES
        )
    elif from_htmx(request):
        response = render(request, "errors/_notice.html", {"refusal": refusal}, status=refusal.status)
        # Where the answer would have gone, the refused form still stands.
        response["HX-Retarget"], response["HX-Reswap"] = "#notices", "innerHTML"
    elif refusal.status in STANDALONE or not hasattr(request, "user"):  # refused before anybody was asked
        response = render(None, "errors/failed.html", {"refusal": refusal}, status=refusal.status)
    else:
        response = render(request, "errors/refused.html", {"refusal": refusal}, status=refusal.status)
    if refusal.retry_after is not None:
        response["Retry-After"] = str(refusal.retry_after)
    return response


def from_htmx(request: HttpRequest) -> bool:
    """Asked of the header, not of `request.htmx`: errors can happen before that middleware."""
    return request.headers.get("HX-Request") == "true"


def log(error: BaseException) -> None:
    """A refusal by the rules is no news; a database that fails or refuses is."""
    if isinstance(error, DatabaseError | InterfaceError):
        logger.error("The database refused: %s", type(error).__name__, exc_info=error)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(request, refusal_for(exception) or BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(request, FORBIDDEN)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(request, NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    return respond(request, FAILED)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return respond(request, CSRF)


def locked_out(request: HttpRequest, *args: Any) -> HttpResponse:
    """What django-axes answers after too many tries to sign in, in place of what the view said."""
    return respond(request, LOCKED_OUT)


# --- API ----------------------------------------------------------------------------------------------------


def api_exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """`{"code", "detail"}`, with `problems` (a list) or `fields` (by name) for single refused values."""
    if isinstance(error, ModelValidationError):
        error = exceptions.ValidationError(error.message_dict if hasattr(error, "error_dict") else error.messages)
    refusal = refusal_for(error)
    if refusal is None and isinstance(error, exceptions.NotFound):
        refusal = replace(NOT_FOUND, detail=str(error.detail)) if error.detail else NOT_FOUND
    if refusal is None:
        return reworded(error, exception_handler(error, dict(context)))
    log(error)
    headers = {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
    return Response(refusal.as_json(), status=refusal.status, headers=headers)


def reworded(error: Exception, response: Response | None) -> Response | None:
    """REST framework's own refusals in the same shape as ours."""
    if response is None or not isinstance(error, exceptions.APIException):
        return response
    if isinstance(error, exceptions.ValidationError):
        body: dict[str, Any] = {"code": "invalid_values", "detail": "Some values are refused."}
        fields = response.data if isinstance(response.data, dict) else {"non_field_errors": response.data}
        response.data = {**body, "fields": fields}
    else:
        response.data = {"code": error.get_codes(), "detail": str(error.detail)}
    return response
