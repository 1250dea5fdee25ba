"""The adjudicator's page: the queue, one discrepancy with both sides in view, and what is done to it."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from extraction import access
from extraction.access import Act, Thing
from extraction.adjudicate import claim, undo
from extraction.among import among
from extraction.decisions import Decision
from extraction.desk import ORDERS, WHICH, Desk, last_decided
from extraction.errors import Claimed, ExtractionError, IllegalMove, InvalidValues, StaleVersion
from extraction.forms.decision import DecisionForm, TogetherForm
from extraction.forms.inputs import whole_number
from extraction.forms.plain import show_refusal
from extraction.models import Discrepancy, Resolution, Review, User
from extraction.reconcile import resolve, resolve_many
from extraction.sides import sides, what_of
from extraction.standing import Standing

MOVED_ON = (StaleVersion, Claimed, IllegalMove)  # 409: the world is another one than the page showed


@require_GET
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    return show(request, queue_of(request, shown_review(request, pk)))


@require_POST
def resolve_one(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Decide and go on to the next open one. What is refused comes back as it was typed, with the reason."""
    row = shown_discrepancy(request, pk)
    desk = queue_of(request, shown_review(request, row.trial.review_id), at=pk)
    form = DecisionForm(row, request.POST)
    if not form.is_valid():
        return show(request, desk, form, status=400)
    try:
        decided = resolve(pk, form.decision(), by=request.user, version=form.cleaned_data["version"])
    except InvalidValues as refusal:
        show_refusal(form, refusal)
        return show(request, desk, form, status=refusal.status)
    except MOVED_ON as refusal:
        return show(request, desk, retyped(row, request), refusal, status=refusal.status)
    following = next(iter(desk.following(pk)), None)
    if following is None:
        messages.success(request, f"Decided: {decided}. Nothing is open any more.")
    return HttpResponseRedirect(address(desk, following or pk))


@require_POST
def undo_one(request: HttpRequest, pk: UUID) -> HttpResponse:
    row = shown_discrepancy(request, pk)
    desk = queue_of(request, shown_review(request, row.trial.review_id), at=pk)
    try:
        undo(pk, by=request.user, version=whole_number(request.POST.get("version")))
    except MOVED_ON as refusal:
        return show(request, desk, None, refusal, status=refusal.status)
    return HttpResponseRedirect(address(desk, pk))


@require_POST
def claim_one(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Asked by the open page, at first and then again and again: says whose the discrepancy is just now."""
    row = shown_discrepancy(request, pk)
    try:
        claim(pk, by=request.user)
    except MOVED_ON as refusal:
        return render(request, "extraction/_claim.html", {"row": row, "refusal": refusal})
    return render(request, "extraction/_claim.html", {"row": row, "mine": True})


@require_http_methods(["GET", "POST"])
def together(request: HttpRequest, pk: int) -> HttpResponse:
    """One decision for the open ones that move nothing; each can be left out."""
    desk = queue_of(request, shown_review(request, pk))
    chosen = set(request.POST.getlist("row"))
    rows = [row for row in desk.moving_nothing if request.method == "GET" or str(row.pk) in chosen]
    form = TogetherForm(request.POST or None)
    refusal: ExtractionError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            decided = resolve_many([row.pk for row in rows], Decision(**form.cleaned_data), by=request.user)
        except (InvalidValues, *MOVED_ON) as refused:
            refusal = refused
        else:
            messages.success(request, f"{decided} decided together.")
            return redirect("extraction:decide", pk)
    context = {
        "review": desk.review,
        "desk": desk,
        "rows": [(row, not chosen or str(row.pk) in chosen) for row in desk.moving_nothing],
        "form": form,
        "refusal": refusal,
    }
    status = refusal.status if refusal else 400 if request.method == "POST" else 200
    return render(request, "extraction/together.html", context, status=status)


# --- Reading ----------------------------------------------------------------------------------------------------


def shown_review(request: HttpRequest, pk: int) -> Review:
    """For those who decide in the review; for everybody else there is nothing here."""
    review = get_object_or_404(Review.objects.visible_to(request.user), pk=pk)
    standing = Standing.of(request, review)
    if not standing.decides or standing.review != review:
        raise Http404
    return review


def shown_discrepancy(request: HttpRequest, pk: UUID) -> Discrepancy:
    found: Discrepancy = get_object_or_404(
        Discrepancy.objects.visible_to(request.user).select_related("trial__review", "a_entry", "b_entry", "marker"),
        pk=pk,
    )
    return found


def queue_of(request: HttpRequest, review: Review, at: UUID | None = None) -> Desk:
    asked = request.GET
    try:
        at = at or UUID(asked.get("at", ""))
    except ValueError:
        at = None
    order, which, trial = asked.get("order", ""), asked.get("which", ""), whole_number(asked.get("trial"))
    return Desk.of(review, cast(User, request.user), at=at, order=order, which=which, trial=trial)


def address(desk: Desk, at: UUID | None = None) -> str:
    """The page at one discrepancy, with the filter and the order that it has."""
    order = "" if desk.order == "impact" else desk.order
    asked = {"at": at, "which": desk.which, "order": order, "trial": desk.trial}
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{reverse('extraction:decide', args=[desk.review.pk])}?{query}"


def retyped(row: Discrepancy, request: HttpRequest) -> DecisionForm:
    """What was typed, on the discrepancy as it is now: a second look, then one more press."""
    return DecisionForm(row, {**request.POST.dict(), "version": str(row.version)})


def show(
    request: HttpRequest,
    desk: Desk,
    form: DecisionForm | None = None,
    refusal: ExtractionError | None = None,
    status: int = 200,
) -> HttpResponse:
    user = cast(User, request.user)
    row = shown_discrepancy(request, desk.at) if desk.at else None
    context: dict[str, Any] = {
        "review": desk.review,
        "desk": desk,
        "orders": ORDERS.items(),
        "which": [(value, name, count) for (value, name), count in zip(WHICH.items(), counts(desk), strict=True)],
        "query": address(desk).partition("?")[2],
        "last": last_decided(desk.review, user),
        "refusal": refusal,
    }
    if row is not None:
        both = sides(row, user)
        may, taken = may_decide(request, row), row.pk in desk.claimed
        context |= {
            "row": row,
            "item": next((item for item in desk.items if item.here), None),
            "sides": both,
            "what": what_of(row, next((side.row for side in both if side.row is not None), None)),
            "form": form or DecisionForm(row),
            "may_decide": may,
            "taken_by_another": taken,
            "proposed": row.suggests if may and not taken and row.state == Discrepancy.State.OPEN else "",
            "then": address(desk, row.pk),
            "decisions": Resolution.objects.visible_to(user).filter(discrepancy=row).select_related("decided_by"),
            "strip": among(row, both, user),
            "next_free": next(iter(desk.following(row.pk)), None),
        }
    return render(request, "extraction/decide.html", context, status=status)


def counts(desk: Desk) -> tuple[int, int, int]:
    return desk.total, desk.open, desk.decided


def may_decide(request: HttpRequest, row: Discrepancy) -> bool:
    allowed = access.permitted(request.user, Act.DECIDE, Thing.RECONCILIATION, Discrepancy.PATHS)
    return Discrepancy.objects.visible_to(request.user).filter(allowed, pk=row.pk, superseded=False).exists()
