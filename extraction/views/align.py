"""Pass 1: which row of A is which row of B, said on one page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET, require_POST

from extraction import access, matching
from extraction.access import Act, Thing
from extraction.errors import ExtractionError, IllegalMove, NotAllowed, NotFound
from extraction.models import Match, Trial
from extraction.standing import Standing
from extraction.states import Status
from extraction.structure import structure_of

Said = tuple[str, UUID | None]  # what was said, in words, and the match to look at next where it is not the next one


@require_GET
def align(request: HttpRequest, pk: int) -> HttpResponse:
    user = request.user
    trial = get_object_or_404(Trial.objects.visible_to(user).select_related("review"), pk=pk)
    structure = structure_of(trial, user)
    if structure is None:
        raise Http404
    standing = Standing.of(request, trial.review)
    may_say = access.may(user, Act.DECIDE, Thing.RECONCILIATION, trial, Trial.PATHS)
    context = {
        "review": trial.review,
        "trial": trial,
        "standing": standing,
        "structure": structure,
        "may_say": may_say,
        "on": structure.current(request.GET.get("on", "")) if may_say else None,
        "may_undo": may_say and matching.last_said(trial, user) is not None,  # type: ignore[arg-type]
        "compared": trial.status != Status.ALIGNING,
        "values": values_address(trial, standing),
    }
    return render(request, "extraction/align.html", context)


@require_POST
def align_say(request: HttpRequest, pk: int) -> HttpResponse:
    """Say one thing about the matches, and look at the page again."""
    act = ACTS.get(request.POST.get("act", ""))
    if not Match.objects.visible_to(request.user).filter(trial=pk).exists():
        raise Http404
    on = _next(request)
    try:
        if act is None:
            raise IllegalMove("Confirm, match, take apart or take back; nothing else can be said here.")
        said, here = act(request, pk)
        on = str(here or on)
        messages.success(request, said)
    except NotFound as refusal:
        if not any(request.POST.getlist(name) for name in ("match", "a", "b")):
            raise
        messages.error(request, f"{refusal} It may have been changed since you opened the page.")
    except NotAllowed:
        raise
    except ExtractionError as refusal:
        messages.error(request, str(refusal))
    return redirect(f"{reverse('extraction:align', args=[pk])}?on={on}#on")


def _confirm(request: HttpRequest, pk: int) -> Said:
    found = matching.confirm_many(pk, keys(request, "match"), by=request.user)
    return "Match confirmed." if len(found) == 1 else f"{len(found)} matches confirmed.", None


def _pair(request: HttpRequest, pk: int) -> Said:
    (a, seen_a), (b, seen_b) = cards(request, "a"), cards(request, "b")
    matching.pair(pk, request.POST.get("subject", ""), a, b, by=request.user, seen={*seen_a, *seen_b})
    return "Matched." if a and b else f"Only {'A' if a else 'B'} saw it.", None


def _part(request: HttpRequest, pk: int) -> Said:
    found = keys(request, "match")
    if len(found) != 1:
        raise IllegalMove("Name the match that is not the same.")
    apart = matching.part(found[0], by=request.user)
    return "Not the same. Each of them is yours to say.", apart[0].pk


def _undo(request: HttpRequest, pk: int) -> Said:
    back = matching.undo(pk, by=request.user)
    return "Taken back.", back[0].pk


ACTS: Final[dict[str, Callable[[HttpRequest, int], Said]]] = {
    "confirm": _confirm,
    "pair": _pair,
    "part": _part,
    "undo": _undo,
}


def keys(request: HttpRequest, name: str) -> list[UUID]:
    found = []
    for text in request.POST.getlist(name):
        try:
            found.append(UUID(text))
        except ValueError as error:
            raise NotFound from error
    return found


def cards(request: HttpRequest, name: str) -> tuple[list[UUID], list[UUID]]:
    """Rows, and the matches in which they were seen, from texts like "row.match"."""
    rows, seen = [], []
    for text in request.POST.getlist(name):
        try:
            row, match = (UUID(part) for part in text.split("."))
        except ValueError as error:
            raise NotFound from error
        rows.append(row)
        seen.append(match)
    return rows, seen


def values_address(trial: Trial, standing: Standing) -> str:
    """Where the values of a trial are decided by this person."""
    try:
        return reverse("extraction:decide", args=[trial.pk])
    except NoReverseMatch:  # the page is not there yet
        if standing.opens_admin:
            return f"{reverse('admin:extraction_discrepancy_changelist')}?trial={trial.pk}"
        return reverse("extraction:trial", args=[trial.pk])


def _next(request: HttpRequest) -> str:
    try:
        return str(UUID(request.POST.get("next", "")))
    except ValueError:
        return ""
