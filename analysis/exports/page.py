"""The address at which a review is exported."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from analysis.exports.workbook import workbook_of
from extraction.models import Review

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_safe
def export(request: HttpRequest, pk: int) -> HttpResponse:
    """The review as a workbook, as far as the person who asks may see it."""
    review = get_object_or_404(Review.objects.visible_to(request.user), pk=pk)
    name = slugify(review.title) or "review"
    return HttpResponse(
        workbook_of(review, request.user),
        content_type=XLSX,
        headers={"Content-Disposition": f'attachment; filename="{name}.xlsx"', "X-Content-Type-Options": "nosniff"},
    )
