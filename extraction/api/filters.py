"""By what lists are filtered and ordered: columns of the row itself, and nothing else.

A lookup across rows would answer questions about what may not be seen; so there is none.
"""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet

from extraction.models import Discrepancy, Entry, Match, Proposal, Question, Report, Review, Slot, Trial
from extraction.models.reconciliation import DIAGNOSES
from extraction.record import Subject, Verdict
from extraction.states import EntryState, Status


def reviews(request: Any) -> QuerySet[Review]:
    return Review.objects.visible_to(request.user)


def trials(request: Any) -> QuerySet[Trial]:
    return Trial.objects.visible_to(request.user)


def words(kinds: Any) -> list[tuple[str, str]]:
    return [(kind.value, kind.value) for kind in kinds]


def yes_no(**kwargs: Any) -> Any:
    """true or false; Django's own boolean filter takes any other word for "do not filter"."""
    choices = [("true", "true"), ("false", "false")]
    return django_filters.TypedChoiceFilter(choices=choices, coerce=lambda word: word == "true", **kwargs)


class TrialFilter(django_filters.FilterSet):
    review = django_filters.ModelChoiceFilter(queryset=reviews)
    status = django_filters.ChoiceFilter(choices=Status.choices)
    excluded = yes_no(field_name="excluded_at", lookup_expr="isnull", exclude=True)
    label = django_filters.CharFilter(lookup_expr="icontains", max_length=120)
    ordering = django_filters.OrderingFilter(fields={"label_key": "label", "year": "year"})

    class Meta:
        model = Trial
        fields = ()


class ReportFilter(django_filters.FilterSet):
    trial = django_filters.ModelChoiceFilter(queryset=trials)

    class Meta:
        model = Report
        fields = ()


class QuestionFilter(django_filters.FilterSet):
    trial = django_filters.ModelChoiceFilter(queryset=trials)
    answered = yes_no(field_name="answered_at", lookup_expr="isnull", exclude=True)

    class Meta:
        model = Question
        fields = ()


class ProposalFilter(django_filters.FilterSet):
    trial = django_filters.ModelChoiceFilter(queryset=trials)
    placed = yes_no(field_name="placed_at", lookup_expr="isnull", exclude=True)

    class Meta:
        model = Proposal
        fields = ()


class EntryFilter(django_filters.FilterSet):
    trial = django_filters.ModelChoiceFilter(queryset=trials)
    slot = django_filters.ChoiceFilter(choices=Slot.choices)
    state = django_filters.ChoiceFilter(choices=EntryState.choices)
    ordering = django_filters.OrderingFilter(fields=("slot", "number", "saved_at"))

    class Meta:
        model = Entry
        fields = ()


class MatchFilter(django_filters.FilterSet):
    trial = django_filters.ModelChoiceFilter(queryset=trials)
    subject = django_filters.ChoiceFilter(choices=words(Subject))
    state = django_filters.ChoiceFilter(choices=Match.State.choices)

    class Meta:
        model = Match
        fields = ()


class DiscrepancyFilter(django_filters.FilterSet):
    trial = django_filters.ModelChoiceFilter(queryset=trials)
    state = django_filters.ChoiceFilter(choices=Discrepancy.State.choices)
    superseded = yes_no()
    verdict = django_filters.ChoiceFilter(choices=words(Verdict))
    diagnosis = django_filters.ChoiceFilter(choices=[choice for choice in DIAGNOSES if choice[0]])
    ordering = django_filters.OrderingFilter(fields=("position",))

    class Meta:
        model = Discrepancy
        fields = ()
