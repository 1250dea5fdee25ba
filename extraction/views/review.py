"""All trials of a review by state, for those who decide, lead or read; leads add trials and assign slots here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from extraction import approve, assign, setup, team
from extraction.access import Act, Role, Viewer
from extraction.errors import InvalidValues
from extraction.forms.inputs import whole_number
from extraction.forms.trials import AssignForm, LabelsForm
from extraction.models import Assignment, Discrepancy, Membership, Review, SavedSearch, Slot, Trial, User
from extraction.standing import Standing
from extraction.states import Status
from extraction.views.finding import Finding

PAGE_SIZE: Final = 50


@require_GET
def review(request: HttpRequest, pk: int) -> HttpResponse:
    return show(request, shown_review(request, pk))


@require_POST
def add_trials(request: HttpRequest, pk: int) -> HttpResponse:
    """Trials from a list of labels: all of them, or none and the reasons."""
    review = shown_review(request, pk)
    form = LabelsForm(request.POST)
    if form.is_valid():
        try:
            made = setup.add_trials(pk, [{"label": label} for label in form.cleaned_data["labels"]], by=request.user)
        except InvalidValues as refusal:
            for problem in refusal.problems:
                form.add_error("labels", f"{problem.seen or problem.row}: {problem.message}")
        else:
            messages.success(request, f"{len(made)} trial{'' if len(made) == 1 else 's'} added.")
            return redirect("extraction:review", pk)
    return show(request, review, labels_form=form, status=400)


@require_POST
def assign_slot(request: HttpRequest, pk: int) -> HttpResponse:
    """Give slot A or B of a trial to a member."""
    trial = get_object_or_404(Trial.objects.visible_to(request.user), pk=pk)
    form = AssignForm(request.POST, people=User.objects.visible_to(request.user))
    if not form.is_valid():
        messages.error(request, "Choose a slot and a person.")
    else:
        user = form.cleaned_data["user"]
        assign.assign(trial.pk, form.cleaned_data["slot"], user.pk, by=request.user)
        messages.success(request, f"{user} holds slot {form.cleaned_data['slot']} of {trial}.")
    return redirect("extraction:trial", pk)


@require_POST
def unassign_slot(request: HttpRequest, pk: int) -> HttpResponse:
    assign.unassign(pk, request.POST.get("slot", ""), by=request.user)
    messages.success(request, "The slot is free again.")
    return redirect("extraction:trial", pk)


@require_POST
def approve_many(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve the ticked trials, each on its own; what is refused is told by name."""
    review = shown_review(request, pk)
    wanted = [number for text in request.POST.getlist("trial") if (number := whole_number(text))]
    outcomes = approve.approve_many(wanted, by=request.user)
    approved = [trial for _, trial, _ in outcomes if trial is not None]
    labels = dict(
        Trial.objects.visible_to(request.user).filter(review=review, pk__in=wanted).values_list("pk", "label")
    )
    for trial_id, trial, refusal in outcomes:
        if trial is None:
            messages.error(request, f"{labels.get(trial_id, 'A trial')}: {refusal}")
    if approved:
        messages.success(request, f"{len(approved)} trial{'' if len(approved) == 1 else 's'} approved.")
    elif not wanted:
        messages.warning(request, "Tick the trials to approve.")
    return redirect("extraction:review", pk)


def shown_review(request: HttpRequest, pk: int) -> Review:
    """A review whose list of trials this person may open."""
    return get_object_or_404(Review.objects.visible_to(request.user), pk=pk)


def show(
    request: HttpRequest, review: Review, labels_form: LabelsForm | None = None, status: int = 200
) -> HttpResponse:
    standing = Standing.of(request, review)
    asked = Finding.of(request.GET)
    trials = Trial.objects.visible_to(request.user).filter(review=review)
    counts = dict(trials.filter(excluded_at=None).order_by().values_list("status").annotate(Count("pk")))
    excluded = trials.exclude(excluded_at=None).count()
    page = Paginator(asked.trials(trials, request.user), PAGE_SIZE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "review": review,
        "standing": standing,
        "states": [(state.value, state.label, counts.get(state.value, 0)) for state in Status],
        "excluded": excluded,
        "total": sum(counts.values()) + excluded,
        "asked": asked,
        "controls": asked.controls(review, request.user),
        "saved": SavedSearch.objects.visible_to(request.user).filter(review=review),
        "page": page,
        "rows": rows_of_page(page, request.user, standing),
        "labels_form": labels_form or LabelsForm(),
        "may_assign": standing.leads,
        "team_limits": team_limits(review, request.user) if standing.leads else [],
    }
    context["any_to_approve"] = any(row["may_approve"] for row in context["rows"])
    return render(request, "extraction/review.html", context, status=status)


def team_limits(review: Review, user: Viewer) -> list[str]:
    """What the people of the review cannot have of "four eyes", as a lead may see them."""
    members = list(
        Membership.objects.visible_to(user).filter(review=review, user__is_active=True).select_related("user")
    )
    return team.limits(
        {one.user_id: str(one.user) for one in members if one.extractor},
        {one.user_id: str(one.user) for one in members if one.adjudicator or one.lead},
        approver_is_not_adjudicator=review.approver_is_not_adjudicator,
    )


def rows_of_page(page: Page[Trial], user: Viewer, standing: Standing) -> list[dict[str, Any]]:
    """What the list tells of each trial, as far as this person may see it: three queries a page."""
    trials = list(page)
    ids = [trial.pk for trial in trials]
    holders: dict[int, dict[str, Any]] = defaultdict(dict)
    for one in Assignment.objects.visible_to(user).filter(trial__in=ids).select_related("user"):
        holders[one.trial_id][one.slot] = one.user
    found = Discrepancy.objects.visible_to(user).current().filter(trial__in=ids).order_by()
    open_now = dict(found.filter(state=Discrepancy.State.OPEN).values_list("trial").annotate(Count("pk")))
    decided = dict(found.filter(state=Discrepancy.State.DECIDED).values_list("trial").annotate(Count("pk")))
    approvable = set(
        Trial.objects.visible_to(user)
        .permitting(Act.APPROVE, user)
        .filter(pk__in=ids, excluded_at=None)
        .values_list("pk", flat=True)
    )
    return [
        {
            "trial": trial,
            "a": holders[trial.pk].get(Slot.A),
            "b": holders[trial.pk].get(Slot.B),
            "open": open_now.get(trial.pk, 0),
            "decided": decided.get(trial.pk, 0),
            "may_approve": trial.pk in approvable,
        }
        for trial in trials
    ]


def extractors_of(review: Review, user: Viewer) -> Iterable[User]:
    """Whom a lead may give a slot."""
    members = Membership.objects.visible_to(user).filter(review=review, **{Role.EXTRACTOR.value: True})
    return [one.user for one in members.select_related("user").order_by("user__username")]
