"""Questions beside an entry and beside a discrepancy, and what waits for a person."""

from __future__ import annotations

from django.http import HttpRequest
from django.template import Context, Library

from extraction import asked
from extraction.access import Act, Thing, permitted
from extraction.asked import Asked
from extraction.models import Discrepancy, Entry, Outcome, Proposal, Question, Review, folded

register = Library()


@register.simple_tag(takes_context=True)
def questions_of(context: Context, entry: Entry) -> list[Asked]:
    return asked.of_entry(entry, context["request"].user)


@register.simple_tag(takes_context=True)
def questions_about(context: Context, discrepancy: Discrepancy) -> list[Asked]:
    return asked.about(discrepancy, context["request"].user)


@register.simple_tag(takes_context=True)
def may_ask(context: Context, about: Entry | Discrepancy) -> bool:
    """Whether a question could be put now, about an entry to the leads or about a discrepancy to both extractors."""
    request: HttpRequest = context["request"]
    thing = Thing.ENTRY if isinstance(about, Entry) else Thing.RECONCILIATION
    model: type[Entry | Discrepancy] = type(about)
    if isinstance(about, Discrepancy):
        waiting = Question.objects.visible_to(request.user).unanswered().filter(discrepancy=about)
        if about.superseded or about.state != Discrepancy.State.OPEN or waiting.exists():
            return False
    condition = permitted(request.user, Act.ASK, thing, model.PATHS)
    return bool(model.objects.visible_to(request.user).filter(condition, pk=about.pk).exists())


@register.simple_tag(takes_context=True)
def unplaced(context: Context, entry: Entry) -> dict[str, list[str]]:
    """Names of an entry's outcomes without a marker: still to propose, and those that the lead has."""
    user = context["request"].user
    waiting = set(Proposal.objects.visible_to(user).filter(entry=entry).values_list("outcome", "name_key"))
    found: dict[str, list[str]] = {"new": [], "proposed": []}
    for outcome in Outcome.objects.visible_to(user).filter(entry=entry, marker=None):
        known = (outcome.pk, folded(outcome.name)) in waiting
        found["proposed" if known else "new"].append(outcome.name)
    return found


@register.simple_tag(takes_context=True)
def places_of(context: Context, entry: Entry) -> list[Outcome]:
    return list(Outcome.objects.visible_to(context["request"].user).filter(entry=entry))


@register.simple_tag(takes_context=True)
def waiting_here(context: Context, review: Review) -> dict[str, int]:
    """How many questions wait for the person's answer, and how many names for their placing."""
    user = context["request"].user
    names = asked.names_waiting(user, review).order_by().values("name_key").distinct().count()
    return {"questions": asked.waiting_for(user, review).count(), "names": names}
