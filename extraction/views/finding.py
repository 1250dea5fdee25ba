"""Filters over trials, kept in the address, and saved under a name per person.

A filter narrows rows that the person may see, by rows that the person may see: a search for what is hidden
answers like one for what does not exist. To add a filter, add a line to `FILTERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from extraction import finding
from extraction.access import Viewer
from extraction.asked import waiting_for
from extraction.errors import ExtractionError
from extraction.forms.inputs import whole_number
from extraction.models import (
    Assignment,
    Marker,
    Outcome,
    OutcomeClass,
    Question,
    Review,
    SavedSearch,
    Slot,
    Trial,
    folded,
)
from extraction.states import Status

MOST_TYPED: Final = 80
Narrow = Callable[[QuerySet[Trial], str, Viewer], QuerySet[Trial]]
Choose = Callable[[Review, Viewer], list[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter: its name in the address, its words, what may be chosen, and what it does to the trials."""

    name: str
    label: str
    choices: Choose
    narrow: Narrow


def by_state(trials: QuerySet[Trial], state: str, user: Viewer) -> QuerySet[Trial]:
    if state == "excluded":
        return trials.exclude(excluded_at=None)
    return trials.filter(status=state, excluded_at=None) if state in Status.values else trials


def by_extractor(trials: QuerySet[Trial], person: str, user: Viewer) -> QuerySet[Trial]:
    held = Assignment.objects.visible_to(user).filter(slot__in=[Slot.A, Slot.B])
    if person == "nobody":
        full = held.filter(slot=Slot.A).values("trial"), held.filter(slot=Slot.B).values("trial")
        return trials.exclude(pk__in=full[0], id__in=full[1])
    return trials.filter(pk__in=held.filter(user=whole_number(person) or 0).values("trial"))


def by_marker(trials: QuerySet[Trial], code: str, user: Viewer) -> QuerySet[Trial]:
    measured = Outcome.objects.visible_to(user).filter(marker__code=code)
    return trials.filter(pk__in=measured.values("entry__trial"))


def by_class(trials: QuerySet[Trial], code: str, user: Viewer) -> QuerySet[Trial]:
    measured = Outcome.objects.visible_to(user).filter(marker__outcome_class__code=code)
    return trials.filter(pk__in=measured.values("entry__trial"))


def by_year(trials: QuerySet[Trial], year: str, user: Viewer) -> QuerySet[Trial]:
    return trials.filter(year=whole_number(year) or 0)


def by_question(trials: QuerySet[Trial], asked: str, user: Viewer) -> QuerySet[Trial]:
    """Trials on which the person sees a question without an answer, or one that waits for an answer of theirs."""
    if asked == "mine":
        return trials.filter(pk__in=waiting_for(user).values("trial"))
    return trials.filter(pk__in=Question.objects.visible_to(user).unanswered().values("trial"))


def extractors(review: Review, user: Viewer) -> list[tuple[str, str]]:
    held = Assignment.objects.visible_to(user).filter(trial__review=review, slot__in=[Slot.A, Slot.B])
    people = {str(one.user_id): str(one.user) for one in held.select_related("user")}
    return [*sorted(people.items(), key=lambda one: one[1]), ("nobody", "a slot is free")]


def markers(review: Review, user: Viewer) -> list[tuple[str, str]]:
    return list(Marker.objects.visible_to(user).filter(review=review).order_by("name").values_list("code", "name"))


def classes(review: Review, user: Viewer) -> list[tuple[str, str]]:
    return list(OutcomeClass.objects.visible_to(user).filter(review=review).values_list("code", "name"))


def years(review: Review, user: Viewer) -> list[tuple[str, str]]:
    seen = Trial.objects.visible_to(user).filter(review=review).exclude(year=None).order_by("-year")
    return [(str(year), str(year)) for year in seen.values_list("year", flat=True).distinct()]


def questions(review: Review, user: Viewer) -> list[tuple[str, str]]:
    seen = Question.objects.visible_to(user).filter(trial__review=review).unanswered()
    return [("open", "without an answer"), ("mine", "waiting for me")] if seen.exists() else []


FILTERS: Final[list[Filter]] = [
    Filter("extractor", "Extractor", extractors, by_extractor),
    Filter("marker", "Marker", markers, by_marker),
    Filter("class", "Outcome class", classes, by_class),
    Filter("year", "Year", years, by_year),
    Filter("questions", "Questions", questions, by_question),
]


@dataclass(frozen=True)
class Finding:
    """What the address asks for."""

    state: str
    search: str
    chosen: dict[str, str]

    @classmethod
    def of(cls, asked: QueryDict) -> Finding:
        chosen = {one.name: value for one in FILTERS if (value := asked.get(one.name, "").strip()[:MOST_TYPED])}
        return cls(asked.get("state", "")[:12], asked.get("q", "").strip()[:MOST_TYPED], chosen)

    @property
    def query(self) -> str:
        """As it stands in the address, in one order, without the page."""
        said = {"state": self.state, "q": self.search, **self.chosen}
        return urlencode({name: value for name, value in said.items() if value})

    @property
    def query_without_state(self) -> str:
        return Finding("", self.search, self.chosen).query

    @property
    def narrows(self) -> bool:
        return bool(self.query)

    def trials(self, trials: QuerySet[Trial], user: Viewer) -> QuerySet[Trial]:
        trials = by_state(trials, self.state, user)
        for one in FILTERS:
            if one.name in self.chosen:
                trials = one.narrow(trials, self.chosen[one.name], user)
        if self.search:
            words = Q(label_key__contains=folded(self.search))
            for field in ("doi", "pmid", "registry_id", "citation"):
                words |= Q(**{f"{field}__icontains": self.search})
            trials = trials.filter(words)
        return trials.order_by("label_key")

    def controls(self, review: Review, user: Viewer) -> list[dict[str, Any]]:
        """The filters that have something to choose, as the page shows them."""
        shown = [(one, one.choices(review, user)) for one in FILTERS]
        return [
            {"name": one.name, "label": one.label, "choices": choices, "chosen": self.chosen.get(one.name, "")}
            for one, choices in shown
            if choices
        ]


@require_POST
def search_save(request: HttpRequest, pk: int) -> HttpResponse:
    review = get_object_or_404(Review.objects.visible_to(request.user), pk=pk)
    query = Finding.of(QueryDict(request.POST.get("query", "")[:1000])).query
    try:
        kept = finding.save_search(pk, request.POST.get("name", ""), query, by=request.user)
    except ExtractionError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"“{kept}” is saved. You find it above the list.")
    return redirect(f"{reverse('extraction:review', args=[review.pk])}?{query}")


@require_POST
def search_drop(request: HttpRequest, pk: int) -> HttpResponse:
    mine = get_object_or_404(SavedSearch.objects.visible_to(request.user), pk=pk)
    finding.drop_search(mine.pk, by=request.user)
    messages.success(request, f"“{mine}” is dropped.")
    return redirect("extraction:review", mine.review_id)
