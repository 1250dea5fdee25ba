"""Whether this installation works, for machines that watch it and for `manage.py up`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.models import Min
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.timezone import now
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from analysis.models import RecomputeRequest
from reviewapp import broker
from reviewapp.celery import app


class Unhealthy(Exception):
    """A part that does not work; the text names no data."""


@require_safe
@login_not_required
def alive(request: HttpRequest) -> HttpResponse:
    """The process answers. Says nothing about what it needs; restart it when this fails."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@login_not_required
def ready(request: HttpRequest) -> HttpResponse:
    """200 where every part works, 503 where one does not, and a word for each.

    A broker that is away stops no page and loses no request: route people by `alive`, alert on this.
    """
    parts = {name: state(check) for name, check in CHECKS.items()}
    return JsonResponse(parts, status=200 if set(parts.values()) == {"ok"} else 503)


def state(check: Callable[[], None]) -> str:
    try:
        check()
    except Unhealthy as problem:
        return str(problem)
    return "ok"


def database_answers() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        raise Unhealthy("does not answer") from error


def broker_takes_messages() -> None:
    if settings.CELERY_BROKER_URL.startswith(f"{broker.SCHEME}:"):
        probe = Path(settings.BROKER_DIR) / "messages" / f".{uuid4().hex}.part"
        try:
            probe.parent.mkdir(parents=True, exist_ok=True)
            probe.write_bytes(os.urandom(64))
            probe.unlink()
        except OSError as error:
            raise Unhealthy("cannot be written") from error
        return
    try:
        with app.connection_for_write() as link:
            link.ensure_connection(max_retries=1, timeout=1)
    except (OperationalError, OSError) as error:
        raise Unhealthy("does not answer") from error


def requests_are_met() -> None:
    """No request for recomputing waits longer than a living worker would let it."""
    try:
        age = oldest_request_age()
    except DatabaseError as error:
        raise Unhealthy("unknown: the database does not answer") from error
    if age > settings.OVERDUE_SECONDS:
        raise Unhealthy(f"a request waits for {age} s: is a worker with beat running?")


def oldest_request_age() -> int:
    """Seconds since the oldest request that is unmet, not given up, and that nobody works on."""
    since = RecomputeRequest.objects.claimable().aggregate(since=Min("wanted_at"))["since"]
    return 0 if since is None else int((now() - since).total_seconds())


CHECKS = {"database": database_answers, "broker": broker_takes_messages, "recompute": requests_are_met}
