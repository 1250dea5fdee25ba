"""Names to place: what extractors propose, and where a lead says that it belongs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from extraction import asked, proposals
from extraction.errors import InvalidValues, NotAllowed
from extraction.forms.questions import ADD, POINT, PlaceForm
from extraction.models import Marker, OutcomeClass, Proposal, Review, folded
from extraction.standing import Standing
from extraction.views.questions import back


@dataclass(frozen=True, slots=True)
class Name:
    """One name, as often as it is proposed, with a form of its own and the marker that it may be."""

    proposals: Sequence[Proposal]
    form: PlaceForm
    likely: Marker | None

    @property
    def first(self) -> Proposal:
        return self.proposals[0]

    @property
    def units(self) -> list[str]:
        return sorted({one.unit for one in self.proposals if one.unit})


@require_GET
def names(request: HttpRequest, pk: int) -> HttpResponse:
    return show(request, leads_review(request, pk))


@require_POST
def place(request: HttpRequest, pk: UUID) -> HttpResponse:
    proposal = get_object_or_404(Proposal.objects.visible_to(request.user).select_related("trial"), pk=pk)
    review = leads_review(request, proposal.trial.review_id)
    form = place_form(review, request, request.POST)
    if not form.is_valid():
        return show(request, review, refused={proposal.name_key: form}, status=400)
    how, marker = form.cleaned_data["how"], form.cleaned_data["marker"]
    new = form.new_marker() if how == ADD else None
    try:
        placed = proposals.place(pk, by=request.user, code=marker.code if how == POINT else None, new=new)
    except InvalidValues as refusal:
        for problem in refusal.problems:
            form.add_error(problem.field if problem.field in form.fields else "code", problem.message)
        return show(request, review, refused={proposal.name_key: form}, status=refusal.status)
    messages.success(request, told(proposal.name, placed))
    return redirect("extraction:names", review.pk)


@require_POST
def propose(request: HttpRequest, pk: UUID) -> HttpResponse:
    made = proposals.propose(pk, by=request.user)
    said = f"{len(made)} name{'' if len(made) == 1 else 's'} proposed to the lead." if made else "Nothing to propose."
    messages.success(request, said)
    return back(request, "extraction:entry-ask", pk)


def leads_review(request: HttpRequest, pk: int) -> Review:
    review = get_object_or_404(Review.objects.visible_to(request.user), pk=pk)
    if not Standing.of(request, review).leads:
        raise NotAllowed("Leads place names.")
    return review


def show(
    request: HttpRequest, review: Review, refused: dict[str, PlaceForm] | None = None, status: int = 200
) -> HttpResponse:
    by_name: dict[str, list[Proposal]] = {}
    for proposal in asked.names_waiting(request.user, review).select_related("trial", "proposed_by"):
        by_name.setdefault(proposal.name_key, []).append(proposal)
    known = {folded(text): marker for marker, text in spellings(request, review)}
    empty = place_form(review, request)
    found = [Name(rows, (refused or {}).get(key, empty), known.get(key)) for key, rows in by_name.items()]
    submitted = (
        Proposal.objects.visible_to(request.user)
        .filter(trial__review=review, marker__isnull=False, filled=False)
        .select_related("trial", "marker")
        .order_by("-placed_at")[:20]
    )
    context = {"review": review, "names": found, "submitted": submitted, "refused": bool(refused)}
    return render(request, "extraction/names.html", context, status=status)


def place_form(review: Review, request: HttpRequest, data: Any = None) -> PlaceForm:
    user = request.user
    return PlaceForm(
        data,
        markers=Marker.objects.visible_to(user).filter(review=review).order_by("name"),
        classes=OutcomeClass.objects.visible_to(user).filter(review=review),
    )


def sure_spellings(request: HttpRequest, review: Review) -> dict[str, str]:
    """Codes of markers by spelling, folded; without those that may be another marker too."""
    codes: dict[str, set[str]] = {}
    for marker, text in spellings(request, review, ambiguous=False):
        codes.setdefault(folded(text), set()).add(marker.code)
    return {text: next(iter(found)) for text, found in codes.items() if len(found) == 1}


def spellings(request: HttpRequest, review: Review, ambiguous: bool = True) -> list[tuple[Marker, str]]:
    markers = Marker.objects.visible_to(request.user).filter(review=review).prefetch_related("synonyms")
    return [
        (marker, text)
        for marker in markers
        for text in (
            marker.name,
            marker.code,
            *(synonym.text for synonym in marker.synonyms.all() if ambiguous or not synonym.ambiguous),
        )
    ]


def told(name: str, placed: proposals.Placed) -> str:
    if placed.marker is None:
        return f"“{name}” stays without a marker."
    parts = [f"“{name}” is {placed.marker.name}."]
    if placed.filled:
        parts.append(f"Filled in {len(placed.filled)} draft{'' if len(placed.filled) == 1 else 's'}.")
    if placed.submitted:
        trials = ", ".join(str(one.trial) for one in placed.submitted)
        parts.append(f"Not filled in, submitted already or changed: {trials}.")
    return " ".join(parts)
