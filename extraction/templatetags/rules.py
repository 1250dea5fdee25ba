"""`{% review_rules review %}`: the rules of a review, field by field, wherever people enter or read."""

from __future__ import annotations

from typing import Any

from django.template import Context, Library

from extraction.models import Review
from extraction.recheck import rules_by_field

register = Library()


@register.inclusion_tag("extraction/_rules.html", takes_context=True)
def review_rules(context: Context, review: Review) -> dict[str, Any]:
    found = rules_by_field(review, context["request"].user)
    return {"rules": [rule for rules in found.values() for rule in rules]}
