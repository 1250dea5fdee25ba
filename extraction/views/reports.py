"""Reports: upload, look at, page jump, replace, withdraw; and the one way to a file, which asks who may see it."""

from __future__ import annotations

import re
from typing import Any, BinaryIO, Final
from uuid import UUID

from csp.constants import NONE, SELF
from csp.decorators import csp_replace
from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from extraction import reports
from extraction.access import Act
from extraction.documents import opened, received
from extraction.errors import InvalidValues, NotAllowed
from extraction.forms.inputs import read_key, whole_number
from extraction.forms.reports import ReplacementForm, ReportForm
from extraction.models import Report, Trial
from extraction.pdf import megabytes

RANGE: Final = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
# Nothing in the file runs, loads or leads anywhere, whatever it is; our own pages may frame it.
FILE_POLICY: Final = {"sandbox": [], "default-src": [NONE], "frame-ancestors": [SELF]}


@require_http_methods(["GET", "POST"])
def add(request: HttpRequest, pk: int) -> HttpResponse:
    """Attach a PDF to a trial."""
    trial = get_object_or_404(Trial.objects.visible_to(request.user).select_related("review"), pk=pk)
    if not reports.may_upload(trial, request.user):
        raise NotAllowed("Leads upload reports, and extractors while they enter the trial.")
    form = ReportForm(request.POST, request.FILES) if request.method == "POST" else ReportForm()
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            with received(file.file, file.name) as document:
                report = reports.upload(pk, document, {"citation": form.cleaned_data["citation"]}, by=request.user)
        except InvalidValues as refusal:
            tell(form, refusal)
        else:
            messages.success(request, f"“{report}” is uploaded.")
            return redirect("extraction:trial", pk)
    context = {"review": trial.review, "trial": trial, "form": form, "most": megabytes(settings.REPORT_MAX_BYTES)}
    return render(request, "extraction/report_add.html", context, status=400 if form.errors else 200)


@require_GET
def report(request: HttpRequest, pk: UUID) -> HttpResponse:
    return show(request, standing_report(request, pk))


@require_POST
def replace(request: HttpRequest, pk: UUID) -> HttpResponse:
    shown = standing_report(request, pk)
    if not manageable(request, shown):
        raise NotAllowed("The file cannot be replaced by you, or not any more.")
    form = ReplacementForm(request.POST, request.FILES)
    if form.is_valid():
        file, version = form.cleaned_data["file"], form.cleaned_data["version"]
        try:
            with received(file.file, file.name) as document:
                reports.replace(pk, document, by=request.user, version=version)
        except InvalidValues as refusal:
            tell(form, refusal)
        else:
            messages.success(request, f"“{shown}” has a new file.")
            return redirect("extraction:report", pk)
    return show(request, shown, form=form, status=400)


@require_POST
def withdraw(request: HttpRequest, pk: UUID) -> HttpResponse:
    withdrawn = reports.withdraw(pk, request.POST.get("reason", ""), by=request.user)
    messages.success(request, f"“{withdrawn}” is withdrawn.")
    return redirect("extraction:trial", withdrawn.trial_id)


@require_GET
def at(request: HttpRequest) -> HttpResponse:
    """A page of a report: what a link or a form may ask for, and a fragment cannot be sent by."""
    shown = standing_report(request, read_key(request.GET.get("report", "")))
    return HttpResponseRedirect(page_address(shown, whole_number(request.GET.get("page"))))


@require_safe
@csp_replace(FILE_POLICY)  # type: ignore[arg-type]  # its stubs know views without arguments only
@xframe_options_sameorigin
def file(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The PDF itself, whole or the part that was asked for."""
    shown = standing_report(request, pk)
    part = asked_part(request.headers.get("Range", ""), shown.size)
    if part is None:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{shown.size}"})
    first, last = part
    response = FileResponse(
        Part(opened(shown.stored_as), first, last - first + 1),
        status=200 if last - first + 1 == shown.size else 206,
        content_type="application/pdf",
        filename=shown.file_name,
    )
    response["Accept-Ranges"] = "bytes"
    response["Content-Length"] = str(last - first + 1)
    response["X-Content-Type-Options"] = "nosniff"
    if response.status_code == 206:
        response["Content-Range"] = f"bytes {first}-{last}/{shown.size}"
    return response


class Part:
    """Some bytes of an open file, read piece by piece."""

    def __init__(self, file: BinaryIO, first: int, length: int) -> None:
        self.file, self.left = file, length
        file.seek(first)

    def read(self, size: int) -> bytes:
        found = self.file.read(min(size, self.left))
        self.left -= len(found)
        return found

    def close(self) -> None:
        self.file.close()


def asked_part(wanted: str, size: int) -> tuple[int, int] | None:
    """First and last byte of what a Range header asks for; everything where it asks in a way that may be passed over.

    None: it asks for what lies beyond the end (RFC 9110, 14.1.2).
    """
    match = RANGE.fullmatch(wanted.strip())
    if match is None or not (match[1] or match[2]):
        return 0, size - 1
    if not match[1]:
        return (max(0, size - int(match[2])), size - 1) if int(match[2]) else None
    first, last = int(match[1]), min(int(match[2] or size - 1), size - 1)
    if match[2] and int(match[2]) < first:
        return 0, size - 1
    return (first, last) if first < size else None


def standing_report(request: HttpRequest, pk: UUID) -> Report:
    return get_object_or_404(
        Report.objects.visible_to(request.user).standing().select_related("trial__review", "uploaded_by"), pk=pk
    )


def manageable(request: HttpRequest, shown: Report) -> bool:
    rows = Report.objects.visible_to(request.user).permitting(Act.MANAGE, request.user)
    return rows.filter(pk=shown.pk).exists()


def page_address(shown: Report, page: int | None) -> str:
    return reverse("extraction:report-file", args=[shown.pk]) + (f"#page={page}" if page else "")


def show(request: HttpRequest, shown: Report, form: Any = None, status: int = 200) -> HttpResponse:
    context = {
        "review": shown.trial.review,
        "trial": shown.trial,
        "report": shown,
        "page": whole_number(request.GET.get("page")),
        "manageable": manageable(request, shown),
        "form": form,
        "most": megabytes(settings.REPORT_MAX_BYTES),
    }
    return render(request, "extraction/report.html", context, status=status)


def tell(form: Any, refusal: InvalidValues) -> None:
    for problem in refusal.problems:
        form.add_error(problem.field if problem.field in form.fields else None, problem.message)
