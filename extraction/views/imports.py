"""A workbook into one's own slots: choose a file, look at what it would do, do it."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header, urlencode
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from extraction.errors import StaleVersion
from extraction.forms.inputs import whole_number
from extraction.forms.trials import UploadForm
from extraction.models import Review
from extraction.standing import Standing
from extraction.workbook import blank, importing, template, uploads
from extraction.workbook.importing import ImportRefused
from extraction.workbook.plan import State

TRIALS_PER_PAGE: Final = 10
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_http_methods(["GET", "POST"])
def import_file(request: HttpRequest) -> HttpResponse:
    """Choose a file. What was read of it waits for the preview; the file itself is not kept."""
    asked = whole_number(request.POST.get("review") or request.GET.get("review"))
    review = Standing.of(request, asked).review
    if review is None:
        return redirect("extraction:work")
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if form.is_valid():
        file = form.cleaned_data["file"]
        token = uploads.hold(uploads.receive(file.name, file.read()), review_id=review.pk, by=request.user)
        return redirect(preview_address(token))
    return render(
        request, "extraction/import.html", {"review": review, "form": form}, status=400 if form.errors else 200
    )


@require_GET
def import_preview(request: HttpRequest) -> HttpResponse:
    token = request.GET.get("upload", "")
    upload, review_id = uploads.held(token, by=request.user)
    preview = importing.preview_upload(upload, review_id=review_id, by=request.user)
    page = Paginator(preview.trials, TRIALS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "review": get_object_or_404(Review.objects.visible_to(request.user), pk=review_id),
        "preview": preview,
        "token": token,
        "page": page,
        "cells": preview.counts[State.NEW] + preview.counts[State.CHANGED],
        "counts": [(state.value, preview.counts[state]) for state in State],
        "refusals": [finding for finding in preview.findings if finding.rejects],
        "notices": [finding for finding in preview.findings if not finding.rejects],
    }
    return render(request, "extraction/import_preview.html", context)


@require_POST
def import_apply(request: HttpRequest) -> HttpResponse:
    """Everything that the preview showed, or nothing and a new preview."""
    token, plan = request.POST.get("upload", ""), request.POST.get("plan", "")
    upload, review_id = uploads.held(token, by=request.user)
    try:
        done = importing.apply_upload(upload, review_id=review_id, by=request.user, plan=plan)
    except (ImportRefused, StaleVersion) as refusal:
        messages.warning(request, f"Nothing was written. {refusal}")
        return redirect(preview_address(token))
    uploads.discard(token, by=request.user)
    changed = sum(bool(trial.changes) for trial in done.trials)
    messages.success(request, f"{done.name} is in {changed} of your entries." if changed else "Nothing had to change.")
    return redirect("extraction:work")


@require_GET
def template_workbook(request: HttpRequest, pk: int) -> HttpResponse:
    """The workbook to fill in; with `?drafts=1`, what one's own drafts say is in it already."""
    review = get_object_or_404(Review.objects.visible_to(request.user), pk=pk)
    with_drafts = request.GET.get("drafts") == "1"
    data = template.template_workbook(review, by=request.user, with_drafts=with_drafts)
    name = f"{slugify(review.title) or 'review'}-{'drafts' if with_drafts else 'template'}.xlsx"
    return HttpResponse(
        data, content_type=XLSX, headers={"Content-Disposition": content_disposition_header(True, name) or ""}
    )


@require_GET
def blank_form(request: HttpRequest, pk: int) -> HttpResponse:
    """The same on paper."""
    review = get_object_or_404(Review.objects.visible_to(request.user), pk=pk)
    form = blank.blank_form(review, by=request.user)
    return render(request, "extraction/blank_form.html", {"review": review, "form": form})


def preview_address(token: str) -> str:
    return f"{reverse('extraction:import-preview')}?{urlencode({'upload': token})}"
