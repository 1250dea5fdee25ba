"""Slots and trials in a lead's hands: assign evenly, hand over, exclude with a reason, take back in."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from extraction import assign, setup
from extraction.forms.inputs import whole_number
from extraction.models import Trial, User
from extraction.views.setup import led_review


@require_POST
def assign_evenly(request: HttpRequest, pk: int) -> HttpResponse:
    """Every free slot to the ticked extractors."""
    led_review(request, pk)
    ticked = [number for text in request.POST.getlist("people") if (number := whole_number(text))]
    if not ticked:
        messages.error(request, "Tick at least one extractor.")
    else:
        made = assign.assign_evenly(pk, ticked, by=request.user)
        if made:
            messages.success(request, f"{len(made)} slot{'' if len(made) == 1 else 's'} assigned.")
        else:
            messages.warning(request, "Nothing to assign: no slot is free for these extractors. A trial needs two.")
    return redirect("extraction:setup", pk)


@require_POST
def hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    """Slot A or B of a trial, with its draft, to somebody else."""
    trial = get_object_or_404(Trial.objects.visible_to(request.user), pk=pk)
    slot, wanted = request.POST.get("slot", ""), whole_number(request.POST.get("user"))
    assign.hand_over(trial.pk, slot, wanted or 0, request.POST.get("reason", ""), by=request.user)
    person = User.objects.visible_to(request.user).filter(pk=wanted or 0).first()
    messages.success(request, f"{person} holds slot {slot} of {trial} now.")
    return redirect("extraction:trial", pk)


@require_POST
def exclude(request: HttpRequest, pk: int) -> HttpResponse:
    trial = setup.exclude_trial(pk, request.POST.get("reason", ""), by=request.user)
    messages.success(request, f"{trial} is excluded: it is neither entered nor pooled. Its entries stay.")
    return redirect("extraction:trial", pk)


@require_POST
def include(request: HttpRequest, pk: int) -> HttpResponse:
    trial = setup.include_trial(pk, by=request.user)
    messages.success(request, f"{trial} is back in.")
    return redirect("extraction:trial", pk)
