"""`{% reports_of trial as reports %}`: the reports of a trial that the person may see."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet
from django.http import HttpRequest
from django.template import Context, Library

from extraction import reports
from extraction.models import Report, Trial
from extraction.models.source import Sourced
from extraction.pdf import megabytes
from extraction.sides import Side

register = Library()
register.filter("megabytes", megabytes)


@register.simple_tag(takes_context=True)
def reports_of(context: Context, trial: Trial) -> QuerySet[Report]:
    request: HttpRequest = context["request"]
    return Report.objects.visible_to(request.user).standing().filter(trial=trial).select_related("uploaded_by")


@register.simple_tag
def opened_at(reports: Iterable[Report], sides: Iterable[Side]) -> list[tuple[Report | None, str]]:
    """The report and page of each side's source, once where both give the same; none named is the first report."""
    known = {one.pk: one for one in reports}
    rows = [side.row for side in sides if isinstance(side.row, Sourced)]
    places = [
        (known.get(row.source_report_id) if row.source_report_id else None, row.source_page)
        for row in rows
        if row.source
    ]
    return list(dict.fromkeys(places)) or [(None, "")]


@register.simple_tag(takes_context=True)
def may_upload_to(context: Context, trial: Trial) -> bool:
    request: HttpRequest = context["request"]
    return reports.may_upload(trial, request.user)
