"""`{% standing as me %}`: who looks at the page, in which review, and the menu that follows from it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.template import Context, Library

from extraction.models import Review
from extraction.standing import Standing

register = Library()


@register.simple_tag(takes_context=True)
def standing(context: Context) -> Standing:
    """In the page's own review (`review` in its context) where it has one."""
    request: HttpRequest = context["request"]
    review: Any = context.get("review")
    return Standing.of(request, review if isinstance(review, Review) else None)
