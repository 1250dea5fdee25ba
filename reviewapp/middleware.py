"""What holds for every request: limits, no caching, sessions that end, signed in by default."""

from __future__ import annotations

import re
import time
import zoneinfo
from collections.abc import Callable
from datetime import UTC, tzinfo
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import user_logged_in, user_logged_out
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import AnonymousUser
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect

from reviewapp import errors

GetResponse = Callable[[HttpRequest], HttpResponse]

BEGAN, SEEN = "began", "seen"  # keys in the session, seconds since 1970
SEEN_EVERY: Final = 60  # seconds; not every request need write the session


def client_address(request: HttpRequest) -> str:
    """The address that sign-in tries are counted by. Behind a proxy: the last, added by the proxy."""
    if settings.BEHIND_PROXY and (forwarded := request.headers.get("X-Forwarded-For")):
        return forwarded.rpartition(",")[2].strip()
    return str(request.META.get("REMOTE_ADDR", ""))


def most_bytes(path: str) -> int:
    """Of a request to this address, with room for the fields of a form beside a report's PDF."""
    if re.match(settings.REPORT_ADDRESSES, path):
        return max(int(settings.REQUEST_MAX_BYTES), int(settings.REPORT_MAX_BYTES) + 64 * 1024)
    return int(settings.REQUEST_MAX_BYTES)


class RequestLimits:
    """Refuses a request that is too large (413), or whose address has a NUL: PostgreSQL fails on it (400)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdigit() or "\x00" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            return errors.respond(request, errors.BAD_REQUEST)
        if int(length) > most_bytes(request.path_info):
            return errors.respond(request, errors.TOO_LARGE)
        return self.get_response(request)


class PrivateResponses:
    """No browser or proxy keeps a page; signing out empties what the browser kept for this site."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Cache-Control"] = "no-store, private"
        patch_vary_headers(response, ("Cookie", "Authorization"))
        if getattr(request, "signed_out", False):
            response["Clear-Site-Data"] = '"cache", "cookies", "storage"'
        return response


class SessionLimits:
    """Ends a session after 30 minutes without a request, and 12 hours after it began."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = time.time()
            began, seen = request.session.get(BEGAN, now), request.session.get(SEEN, now)
            if now - seen > settings.SESSION_IDLE_SECONDS or now - began > settings.SESSION_COOKIE_AGE:
                # Not `logout`: that empties the browser's storage, where a grid may keep unsaved work.
                request.session.flush()
                request.user = AnonymousUser()
            elif SEEN not in request.session or now - seen > SEEN_EVERY:
                request.session[SEEN] = now
        return self.get_response(request)


class OwnTimeZone:
    """Dates and times are shown in the zone of whoever is signed in; of everybody else, in UTC."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(zone_called(getattr(request.user, "time_zone", "UTC"))):
            return self.get_response(request)


@lru_cache(maxsize=1000)
def zone_called(name: str) -> tzinfo:
    """The time zone of this name; UTC where this machine does not know it (any more)."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return UTC


class SignInRequired(LoginRequiredMiddleware):
    """Every page wants a signed-in user unless it says otherwise. HTMX signs in as a whole page."""

    def handle_no_permission(  # type: ignore[override]  # the stubs allow a redirect only
        self, request: HttpRequest, view_func: Callable[..., Any]
    ) -> HttpResponseBase:
        redirect = super().handle_no_permission(request, view_func)
        if not errors.from_htmx(request):
            return redirect
        if request.method in {"GET", "HEAD"}:
            return HttpResponseClientRedirect(settings.LOGIN_REDIRECT_URL)  # not the fragment's own address
        return errors.respond(request, errors.SIGN_IN)  # the page stays, with what was typed


@receiver(user_logged_in)
def begin_session(sender: type, request: HttpRequest, **kwargs: Any) -> None:
    request.session[BEGAN] = request.session[SEEN] = time.time()


@receiver(user_logged_out)
def remember_to_clear(sender: type, request: HttpRequest, **kwargs: Any) -> None:
    request.signed_out = True  # type: ignore[attr-defined]
