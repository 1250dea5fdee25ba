"""The start page of the administration: what waits for the reader, and the lists in the order of the work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.template import Context, Library
from django.urls import reverse

from extraction import access
from extraction.access import Act, Thing
from extraction.models import Discrepancy, Entry, Match, Trial
from extraction.states import EntryState, Status

register = Library()

ORDER: Final[Mapping[str, Sequence[str]]] = {
    "Adjudication": ("Discrepancy", "Match", "Trial", "Approval"),
    "Entering": ("Entry", "Assignment"),
    "Set-up": ("Review", "Membership", "Intervention", "OutcomeClass", "Marker", "UnitFactor", "Moderator"),
    "History": ("Event",),
    "Accounts": ("User",),
}


@dataclass(frozen=True, slots=True)
class Waiting:
    count: int
    words: str
    address: str


@register.simple_tag(takes_context=True)
def waiting(context: Context) -> list[Waiting]:
    """Counts of what this person may act on now; nothing is told of what they may not see."""
    request: HttpRequest = context["request"]
    user = request.user
    may_decide = access.permitted(user, Act.DECIDE, Thing.RECONCILIATION, Discrepancy.PATHS)
    discrepancies = Discrepancy.objects.visible_to(user).unresolved().filter(may_decide)
    matches = Match.objects.visible_to(user).filter(
        may_decide, state=Match.State.PROPOSED, trial__status=Status.ALIGNING
    )
    approvable = Trial.objects.visible_to(user).permitting(Act.APPROVE, user).filter(excluded_at=None)
    drafts = Entry.objects.visible_to(user).filter(holder=user.pk, state=EntryState.DRAFT)
    found = (
        Waiting(discrepancies.count(), "to decide", _list("discrepancy", "state=open")),
        Waiting(matches.count(), "to match", _list("match", "state=proposed")),
        Waiting(approvable.count(), "to approve", _list("trial", f"status={Status.AGREED}")),
        Waiting(drafts.count(), "of your drafts to finish", _list("entry", f"state={EntryState.DRAFT}")),
    )
    return [one for one in found if one.count]


@register.simple_tag
def grouped(app_list: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The registered lists by part of the work; what no part names stays with its application."""
    apps = [{**app, "models": list(app["models"])} for app in app_list]
    found = {model["object_name"]: model for app in apps for model in app["models"]}
    groups = []
    for name, members in ORDER.items():
        models = [found[member] for member in members if member in found]
        if models:
            index = reverse("admin:index")
            groups.append({"name": name, "app_label": name.lower(), "app_url": index, "models": models})
    placed = {member for members in ORDER.values() for member in members}
    for app in apps:
        rest = [model for model in app["models"] if model["object_name"] not in placed]
        if rest:
            groups.append({**app, "models": rest})
    return groups


def _list(model: str, query: str) -> str:
    return f"{reverse(f'admin:extraction_{model}_changelist')}?{query}"
