"""Verbs of reports: upload, replace, withdraw.

A lead's report is for both extractors. What an extractor uploads stays with them, and with leads who do not extract
the trial, until entering ends: its line goes into the history of their own entry, which the partner cannot see.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from django.utils import timezone

from extraction import access, enter
from extraction.access import Act, Thing
from extraction.documents import Document
from extraction.errors import FieldProblem, IllegalMove, InvalidValues, NotAllowed, StaleVersion
from extraction.locks import locked_report, locked_trial, require
from extraction.models import Entry, Event, Report, Review, Slot, Trial, User
from extraction.recorded import verb
from extraction.setup import apply_values
from extraction.states import Status

DESCRIBED: Final = ("citation", "doi", "pmid")
MOST_REPORTS: Final = 20  # of a trial from its leads, and from each of its extractors


def may_upload(trial: Trial, by: access.Viewer) -> bool:
    """Whether `upload` would take a report of this trial now."""
    if access.may(by, Act.UPLOAD, Thing.TRIAL, trial, Trial.PATHS):
        return True
    return trial.status == Status.ENTERING and not trial.excluded_at and _holds_a_slot(trial, by)


@verb
def upload(trial_id: int, document: Document, values: Mapping[str, str], *, by: access.Viewer) -> Report:
    """Attach a PDF to a trial. An extractor's first upload starts their entry."""
    trial = locked_trial(trial_id, by)
    entry: Entry | None = None
    if access.may(by, Act.UPLOAD, Thing.TRIAL, trial, Trial.PATHS):
        actor: User = by  # type: ignore[assignment]  # the table refuses anonymous visitors
    elif _holds_a_slot(trial, by):
        entry = enter.start(trial_id, by=by)
        actor = require(Act.UPLOAD, entry, by, thing=Thing.ENTRY, message="A report cannot be uploaded now.")
    else:
        raise NotAllowed("Leads and the extractors of a trial upload its reports.")
    beside = Report.objects.filter(trial=trial, entry__slot=entry.slot if entry else None).standing()
    if beside.count() >= MOST_REPORTS:
        raise IllegalMove(f"There are {MOST_REPORTS} reports already. Withdraw one first.")
    report = Report(trial=trial, entry=entry, uploaded_by=actor)
    described = {**values, "citation": values.get("citation", "").strip() or document.file_name}
    apply_values(report, described, DESCRIBED, row_name="report")
    _attach(report, document)
    report.save()
    Event.record("upload report", _home(report), by=actor, about=report, after=_said(report))
    return report


@verb
def replace(report_id: UUID, document: Document, *, by: access.Viewer, version: int | None = None) -> Report:
    """Another file for the same report. The old file stays in the folder, its hash in the history."""
    report, actor = _managed(report_id, by, "The file cannot be replaced.")
    if version is not None and version != report.version:
        raise StaleVersion("The file was replaced since you opened this page. Look at it first.")
    before = _said(report)
    _attach(report, document)
    report.version += 1
    report.save()
    Event.record("replace report", _home(report), by=actor, about=report, before=before, after=_said(report))
    return report


@verb
def withdraw(report_id: UUID, reason: str, *, by: access.Viewer) -> Report:
    """Take a report away, with a reason. Values that name it as their source go on naming it."""
    report, actor = _managed(report_id, by, "The report cannot be withdrawn.")
    if not reason.strip() or len(reason) > 300:
        raise InvalidValues([FieldProblem(str(report), "reason", "say why, in at most 300 characters.", reason[:80])])
    report.withdrawn_at, report.withdrawal_reason = timezone.now(), reason.strip()
    report.save()
    Event.record("withdraw report", _home(report), by=actor, about=report, before=_said(report), reason=reason.strip())
    return report


def _managed(report_id: UUID, by: access.Viewer, message: str) -> tuple[Report, User]:
    report = locked_report(report_id, by)
    actor = require(Act.MANAGE, report, by, thing=thing_of(report), message=message)
    if report.withdrawn_at:
        raise IllegalMove("This report is withdrawn.")
    return report, actor


def thing_of(report: Report) -> Thing:
    return Thing.UPLOAD if report.entry_id else Thing.REPORT


def _holds_a_slot(trial: Trial, by: access.Viewer) -> bool:
    return trial.assignments.filter(user=by.pk, slot__in=[Slot.A, Slot.B]).exists()


def _attach(report: Report, document: Document) -> None:
    report.file_name, report.stored_as = document.file_name, document.stored_as
    report.size, report.digest = document.size, document.digest
    report.uploaded_at = timezone.now()


def _home(report: Report) -> Review | Trial | Entry:
    """The chain that a line about this report belongs to: those who may see it may see the line."""
    if report.entry is None:
        return report.trial.review
    return report.entry if report.trial.status == Status.ENTERING else report.trial


def _said(report: Report) -> dict[str, object]:
    return {
        "trial": report.trial_id,
        "citation": report.citation,
        "file": report.file_name,
        "bytes": report.size,
        "sha256": report.digest,
    }
