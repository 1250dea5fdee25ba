"""How far the review is, for leads: trials by state, extractors, pace and forecast, what waits for whom. No values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from extraction.access import Act
from extraction.models import Assignment, Discrepancy, Match, Review, Slot, Trial
from extraction.progress import Person, extractors, pace
from extraction.standing import Standing
from extraction.states import Status
from extraction.views.bars import BAR_ORDER, Part, columns, segments
from extraction.views.setup import led_review

FILLS: Final = {"done": "s-done", "waiting": "s-wait", "returned": "s-back", "progress": "s-go", "start": "s-start"}
STATE_FILLS: Final = {
    Status.APPROVED: "s-done",
    Status.AGREED: "s-wait",
    Status.ADJUDICATING: "s-back",
    Status.ALIGNING: "s-go",
    Status.ENTERING: "s-start",
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits for somebody: how much, for whom, and where it is done."""

    count: int
    noun: str
    to_do: str
    whom: str
    address: str = ""

    @property
    def what(self) -> str:
        return f"{self.noun}{'' if self.count == 1 else 's'} {self.to_do}"


@require_GET
def dashboard(request: HttpRequest, pk: int) -> HttpResponse:
    review = led_review(request, pk)
    user = request.user
    trials = Trial.objects.visible_to(user).filter(review=review)
    counts = dict(trials.filter(excluded_at=None).order_by().values_list("status").annotate(Count("pk")))
    people = extractors(user, review)
    whole = pace([moment for one in people for moment in one.submissions], sum(one.left for one in people))
    states = [(state, counts.get(state.value, 0), STATE_FILLS[state]) for state in Status]
    context = {
        "review": review,
        "standing": Standing.of(request, review),
        "states": states,
        "bar": segments([(fill, count) for _, count, fill in reversed(states)]),
        "total": sum(counts.values()),
        "excluded": trials.exclude(excluded_at=None).count(),
        "people": [
            (one, segments([(FILLS[part], one.counts[part]) for part in BAR_ORDER]), told(one)) for one in people
        ],
        "pace": whole,
        "columns": columns(whole.weeks),
        "waiting": [one for one in waiting(request, review, people) if one.count],
        "extracts_too": Assignment.objects.visible_to(user)
        .filter(user=user.pk, trial__review=review, slot__in=[Slot.A, Slot.B])
        .exists(),
    }
    return render(request, "extraction/dashboard.html", context)


def waiting(request: HttpRequest, review: Review, people: list[Person]) -> list[Waiting]:
    user = request.user
    of_review = reverse("extraction:review", args=[review.pk])
    trials = Trial.objects.visible_to(user).filter(review=review, excluded_at=None)
    unresolved = Discrepancy.objects.visible_to(user).unresolved().filter(trial__review=review)
    matches = Match.objects.visible_to(user).filter(trial__review=review, state=Match.State.PROPOSED)
    entering = trials.filter(status=Status.ENTERING)
    held = Assignment.objects.visible_to(user).filter(trial__in=entering, slot__in=[Slot.A, Slot.B]).count()
    return [
        Waiting(2 * entering.count() - held, "slot", "to assign", "a lead", f"{_set_up(review)}#assign"),
        *(
            Waiting(one.left, "trial", f"to start or finish ({told(one)})", str(one.user))
            for one in sorted(people, key=lambda one: -one.left)
        ),
        Waiting(matches.count(), "row", "to match", "an adjudicator", f"{of_review}?state={Status.ALIGNING}"),
        Waiting(
            unresolved.count(), "difference", "to decide", "an adjudicator", f"{of_review}?state={Status.ADJUDICATING}"
        ),
        Waiting(
            trials.permitting(Act.APPROVE, user).count(),
            "trial",
            "to approve",
            "an adjudicator or a lead",
            f"{of_review}?state={Status.AGREED}",
        ),
    ]


def bar_of(one: Person) -> list[Part]:
    return segments([(FILLS[part], one.counts[part]) for part in BAR_ORDER])


def told(one: Person) -> str:
    """ "2 returned, 3 in progress, 4 to start": what is left."""
    words = {"returned": "returned", "progress": "in progress", "start": "to start"}
    return ", ".join(f"{one.counts[part]} {word}" for part, word in words.items() if one.counts[part])


def _set_up(review: Review) -> str:
    return reverse("extraction:setup", args=[review.pk])
