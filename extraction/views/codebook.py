"""The codebook of a review, generated from its vocabulary."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from extraction.models import Intervention, Marker, Moderator, OutcomeClass, Review, UnitFactor


@require_GET
def codebook(request: HttpRequest, pk: int) -> HttpResponse:
    user = request.user
    review = get_object_or_404(Review.objects.visible_to(user), pk=pk)
    markers = Marker.objects.visible_to(user).filter(review=review).prefetch_related("synonyms", "unit_factors")
    by_class: dict[int | None, list[Marker]] = {}
    for marker in markers:
        by_class.setdefault(marker.outcome_class_id, []).append(marker)
    classes = [(one, by_class.get(one.pk, [])) for one in OutcomeClass.objects.visible_to(user).filter(review=review)]
    context = {
        "review": review,
        "interventions": Intervention.objects.visible_to(user).filter(review=review),
        "classes": classes,
        "unclassed": by_class.get(None, []),
        "moderators": Moderator.objects.visible_to(user).filter(review=review).prefetch_related("levels"),
        "units": UnitFactor.objects.visible_to(user).filter(review=review, marker=None),
    }
    return render(request, "extraction/codebook.html", context)
