"""Approving a trial after a look at the whole of it, reopening it with a reason, and what changed between versions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from extraction import approve, reconcile
from extraction.access import Act
from extraction.errors import IllegalMove, NotFound, StaleVersion
from extraction.forms.inputs import whole_number
from extraction.looked_over import looked_over_again
from extraction.models import Approval, Entry, Event, Slot, Trial
from extraction.pairs import known_names, unit_table
from extraction.revision import changes
from extraction.sheet import blanks_of, sheet_of
from extraction.story import Story, story_of
from extraction.views.trial import allowed_to


@require_http_methods(["GET", "HEAD", "POST"])
def trial_approve(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole final entry, what is open in it and what its approval will change; then the signature."""
    if request.method == "POST":
        approved = approve.approve(pk, by=request.user, draft=_key(request.POST.get("draft", "")))
        messages.success(request, f"{approved} is approved. The results are being recomputed.")
        return redirect("extraction:trial", pk)
    trial = get_object_or_404(allowed_to(request, Act.APPROVE).select_related("review"), pk=pk, excluded_at=None)
    draft = get_object_or_404(_finals(request, trial), state="draft")
    sheet, story = sheet_of(draft), story_of(trial, request.user)
    context = {
        "review": trial.review,
        "trial": trial,
        "draft": draft,
        "sheet": sheet,
        "blanks": blanks_of(draft, sheet, request.user),
        "warned": looked_over_again(draft, request.user),
        "story": story,
        "decided": [line for line in story.lines if any(one.decisions for one in line.differences)],
        "decided_others": [one for one in (*story.others, *_of_contrasts(story)) if one.decisions],
        "hindrance": approve.four_eyes(trial, request.user),
    }
    return render(request, "extraction/approve.html", context)


def _of_contrasts(story: Story) -> list[Any]:
    return [difference for line in story.contrasts for difference in line.differences]


@require_http_methods(["GET", "HEAD", "POST"])
def trial_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Back to deciding, with a reason that stays in the history."""
    reason, refusal = request.POST.get("reason", ""), None
    shown = allowed_to(request, Act.REOPEN).select_related("review", "approved_entry").filter(pk=pk).first()
    if request.method == "POST":
        try:
            reopened = approve.reopen(pk, reason, by=request.user)
        except IllegalMove as error:
            if shown is None:
                raise
            refusal = error
        else:
            messages.success(request, f"{reopened} is reopened. The approved version stays in the results meanwhile.")
            return redirect("extraction:trial", pk)
    if shown is None:
        raise NotFound
    context = {"review": shown.review, "trial": shown, "reason": reason, "refusal": refusal}
    return render(request, "extraction/reopen.html", context, status=400 if refusal else 200)


@require_POST
def trial_conclude(request: HttpRequest, pk: int) -> HttpResponse:
    """A reopened trial in which nothing is left to change is agreed again."""
    trial = reconcile.conclude(pk, by=request.user)
    messages.success(request, f"{trial} waits for approval.")
    return redirect("extraction:trial", pk)


@require_safe
def versions(request: HttpRequest, pk: int) -> HttpResponse:
    """The FINAL versions of a trial, and what the later of two says otherwise."""
    trial = get_object_or_404(Trial.objects.visible_to(request.user).select_related("review"), pk=pk)
    kept = list(_finals(request, trial).order_by("number"))
    by_number = {entry.number: entry for entry in kept}
    old, new = _asked(request, by_number)
    found = []
    if old is not None and new is not None:
        names, units = known_names(trial.review_id), unit_table(trial.review_id)
        found = changes(old.as_record(), new.as_record(), units, names)
    approvals = Approval.objects.visible_to(request.user).filter(trial=trial).select_related("approved_by")
    context = {
        "review": trial.review,
        "trial": trial,
        "versions": _with_reasons(request, trial, kept, {one.entry_id: one for one in approvals}),
        "old": old,
        "new": new,
        "numbers": [one for one in found if not one.is_text],
        "texts": [one for one in found if one.is_text],
    }
    return render(request, "extraction/versions.html", context)


def _finals(request: HttpRequest, trial: Trial) -> QuerySet[Entry]:
    return Entry.objects.visible_to(request.user).filter(trial=trial, slot=Slot.FINAL)


def _asked(request: HttpRequest, by_number: dict[int, Entry]) -> tuple[Entry | None, Entry | None]:
    """The two versions in the address, else the last two."""
    old, new = next(reversed(list(pairwise(by_number.values()))), (None, None))
    asked = [by_number.get(whole_number(request.GET.get(name)) or 0) for name in ("old", "new")]
    if all(asked):
        old, new = asked
    return old, new


def _with_reasons(
    request: HttpRequest, trial: Trial, kept: Sequence[Entry], approvals: dict[UUID, Approval]
) -> list[tuple[Entry, Approval | None, Event | None]]:
    """Each version with its approval and with why it was reopened; newest first."""
    reopened = {
        event.before.get("version"): event
        for event in Event.objects.visible_to(request.user).filter(trial=trial, verb="reopen").select_related("actor")
    }
    return [(entry, approvals.get(entry.pk), reopened.get(entry.number)) for entry in reversed(kept)]


def _key(text: str) -> UUID | None:
    """The draft that the form names; what is no key is answered like a draft that is gone."""
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise StaleVersion("The form does not name the final entry it shows. Open the page again.") from error
