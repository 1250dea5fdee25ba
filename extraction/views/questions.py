"""Questions and their answers: ask, answer, and what waits for whom."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from extraction import asked, questions
from extraction.forms.inputs import read_key
from extraction.models import Entry, Question, Review
from extraction.standing import Standing

PAGE_SIZE = 50


@require_GET
def inbox(request: HttpRequest, pk: int) -> HttpResponse:
    """Every question of the review that the person may see; those that wait for them first."""
    review = get_object_or_404(Review.objects.visible_to(request.user), pk=pk)
    waiting = list(asked.waiting_for(request.user, review).select_related(*RELATED))
    rest = Question.objects.visible_to(request.user).filter(trial__review=review).select_related(*RELATED)
    page = Paginator(rest.exclude(pk__in=[one.pk for one in waiting]).order_by("-asked_at"), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    context = {
        "review": review,
        "standing": Standing.of(request, review),
        "waiting": asked.asked(waiting, request.user),
        "others": asked.asked(page, request.user),
        "page": page,
    }
    return render(request, "extraction/questions.html", context)


@require_GET
def question(request: HttpRequest, pk: UUID) -> HttpResponse:
    shown = get_object_or_404(Question.objects.visible_to(request.user).select_related(*RELATED), pk=pk)
    context = {"review": shown.trial.review, "asked": asked.asked([shown], request.user)[0]}
    return render(request, "extraction/question.html", context)


@require_GET
def ask(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The questions of an entry, and a form for the next; `?row=` names the cell that it is about."""
    entry = get_object_or_404(Entry.objects.visible_to(request.user).select_related("trial__review"), pk=pk)
    key = request.GET.get("row")
    row, place = asked.place_in(entry, read_key(key) if key else None, request.user)
    context = {"review": entry.trial.review, "entry": entry, "row": row, "place": place}
    return render(request, "extraction/entry_ask.html", context)


@require_POST
def ask_leads(request: HttpRequest, pk: UUID) -> HttpResponse:
    entry = get_object_or_404(Entry.objects.visible_to(request.user), pk=pk)
    key = request.POST.get("row")
    row, place = asked.place_in(entry, read_key(key) if key else None, request.user)
    questions.ask_leads(pk, request.POST.get("text", ""), by=request.user, about=place, row=row)
    messages.success(request, "The lead has your question. The answer will stand here and in My work.")
    return back(request, "extraction:entry-ask", pk)


@require_POST
def ask_extractors(request: HttpRequest, pk: UUID) -> HttpResponse:
    asking = questions.ask_extractors(pk, request.POST.get("text", ""), by=request.user)
    messages.success(request, "Both extractors are asked. Their answers show once both are in.")
    return back(request, "extraction:question", asking.pk)


@require_POST
def answer(request: HttpRequest, pk: UUID) -> HttpResponse:
    questions.answer(pk, request.POST.get("text", ""), by=request.user)
    messages.success(request, "Answered.")
    return back(request, "extraction:question", pk)


RELATED = ("trial__review", "asked_by", "entry", "discrepancy__a_entry", "discrepancy__b_entry")


def back(request: HttpRequest, view_name: str, pk: UUID) -> HttpResponse:
    """To the page of ours that asked, where it said so; else to the page of the thing."""
    then = request.POST.get("then", "")
    if then and url_has_allowed_host_and_scheme(then, allowed_hosts=None):
        return redirect(then)
    return redirect(view_name, pk)
