"""`{% reports_of trial as reports %}`: the reports of a trial that the person may see."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest
from django.template import Context, Library

from extraction import reports
from extraction.models import Report, Trial
from extraction.pdf import megabytes

register = Library()
register.filter("megabytes", megabytes)


@register.simple_tag(takes_context=True)
def reports_of(context: Context, trial: Trial) -> QuerySet[Report]:
    request: HttpRequest = context["request"]
    return Report.objects.visible_to(request.user).standing().filter(trial=trial).select_related("uploaded_by")


@register.simple_tag(takes_context=True)
def may_upload_to(context: Context, trial: Trial) -> bool:
    request: HttpRequest = context["request"]
    return reports.may_upload(trial, request.user)
