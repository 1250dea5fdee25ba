"""One trial: who and what it is, its entries side by side, what was decided, its history."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from extraction.access import Act, Thing
from extraction.models import Approval, Assignment, Discrepancy, Match, Slot, Trial
from extraction.standing import Standing
from extraction.states import Status
from extraction.story import story_of
from extraction.views.review import extractors_of


@require_GET
def trial(request: HttpRequest, pk: int) -> HttpResponse:
    user = request.user
    shown = get_object_or_404(Trial.objects.visible_to(user).select_related("review"), pk=pk)
    standing = Standing.of(request, shown.review)
    story = story_of(shown, user)
    held = {
        one.slot: one.user for one in Assignment.objects.visible_to(user).filter(trial=shown).select_related("user")
    }
    free = [slot.value for slot in (Slot.A, Slot.B) if slot not in held]
    entered_by_others = shown.status == Status.ENTERING and user not in held.values()
    handable = sorted(held.keys() & {Slot.A, Slot.B}) if entered_by_others else []
    own = next((column.entry for column in story.columns if column.entry.holder_id == user.pk), None)
    context = {
        "review": shown.review,
        "trial": shown,
        "standing": standing,
        "story": story,
        "slots": [(slot.value, held.get(slot)) for slot in (Slot.A, Slot.B)],
        "free_slots": free,
        "people": extractors_of(shown.review, user) if standing.leads else [],
        "handable": handable,
        "approvals": Approval.objects.visible_to(user).filter(trial=shown).select_related("approved_by", "entry"),
        "may_approve": not shown.excluded_at and allowed_to(request, Act.APPROVE).filter(pk=pk).exists(),
        "may_reopen": allowed_to(request, Act.REOPEN).filter(pk=pk).exists(),
        "may_conclude": shown.status == Status.ADJUDICATING
        and shown.under_revision
        and story.compared
        and not story.counts[Discrepancy.State.OPEN]
        and allowed_to(request, Act.DECIDE, Thing.RECONCILIATION).filter(pk=pk).exists(),
        "own": own,
        "may_see_structure": Match.objects.visible_to(user).filter(trial=shown).exists(),
        "to_start": own is None and user in held.values() and shown.status == Status.ENTERING and not shown.excluded_at,
    }
    return render(request, "extraction/trial.html", context)


def allowed_to(request: HttpRequest, act: Act, thing: Thing = Thing.TRIAL) -> QuerySet[Trial]:
    """The trials to which the person who asks may do `act` in the state they are in."""
    return Trial.objects.visible_to(request.user).permitting(act, request.user, thing)
