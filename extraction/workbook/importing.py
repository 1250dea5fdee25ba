"""From an uploaded workbook into the uploader's own drafts: first a preview, then all of it or nothing.

Each trial of the file goes to the draft that the uploader holds, in whichever slot. The file says what it says: a blank
cell, a column or a row that is not there changes nothing. An import never makes or changes a Trial, and what was
submitted stays as it is. Everything is written by `enter.start` and `enter.save`, so forms and files obey one law.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from extraction import access, enter
from extraction.context import Context, nameable_reports
from extraction.errors import ExtractionError, NotFound, StaleVersion
from extraction.locks import locked_trial
from extraction.models import Assignment, Entry, Review, Slot, Trial
from extraction.models.plain import NAMING, ROWS
from extraction.record import Subject
from extraction.recorded import verb
from extraction.states import Status
from extraction.workbook.cells import MAX_FINDINGS, Code, Finding, first_findings
from extraction.workbook.codebook import vocabulary_of
from extraction.workbook.columns import IDENTITY
from extraction.workbook.parse import parse
from extraction.workbook.parsed import ParsedTrial, ParsedWorkbook, Place
from extraction.workbook.plan import Rows, State, TrialPlan, plan_trial
from extraction.workbook.text import fold
from extraction.workbook.uploads import Upload, receive

RELATIONS = {Subject.OBSERVATION: ("arm", "timepoint", "outcome")}
DOI_PREFIXES = ("https://doi.org/", "http://doi.org/", "https://dx.doi.org/", "http://dx.doi.org/", "doi:")
NOT_YOURS = "There is no trial “{}” for you to enter in this review."
NOT_OPEN = "Your entry of “{}” is submitted or closed; it takes no more changes."


class ImportRefused(ExtractionError):
    """The file cannot be taken as it is. Nothing was written; `findings` says why, cell by cell."""

    code = "import_refused"
    status = 400

    def __init__(self, findings: Iterable[Finding], more: int = 0) -> None:
        self.findings = tuple(findings)
        self.more = more
        refusals = [finding for finding in self.findings if finding.rejects]
        if any(finding.code is Code.SCOPE for finding in refusals):
            self.status = 409
        others = len(refusals) - 1 + more
        super().__init__(f"{refusals[0]}" + (f" (and {others} more)" if others else ""))

    def details(self) -> list[dict[str, str]]:
        return [
            {
                "code": finding.code.value,
                "row": ", ".join(filter(None, (finding.sheet, finding.where))),
                "field": finding.name,
                "message": finding.message,
                "seen": finding.seen,
            }
            for finding in self.findings
        ]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file would do. `plan` is its fingerprint: give it to `apply`, and what was seen is what is done."""

    name: str
    plan: str
    trials: tuple[TrialPlan, ...]
    findings: tuple[Finding, ...]
    more: int  # findings that are not listed
    rows: int  # of data in the file

    @property
    def refused(self) -> bool:
        return any(finding.rejects for finding in self.findings)

    @property
    def counts(self) -> Mapping[State, int]:
        """Cells by what would happen to them. The refused ones stand in `findings`."""
        counted = {state: sum(trial.count(state) for trial in self.trials) for state in State}
        return counted | {State.REFUSED: sum(finding.rejects for finding in self.findings)}

    @property
    def changes_nothing(self) -> bool:
        return not any(trial.changes for trial in self.trials)


def preview(filename: str, data: bytes, *, review_id: int, by: access.Viewer) -> Preview:
    """What the file would do to the caller's drafts. Writes nothing."""
    return preview_upload(receive(filename, data), review_id=review_id, by=by)


def preview_upload(upload: Upload, *, review_id: int, by: access.Viewer) -> Preview:
    review = _review(review_id, by)
    parsed = parse(upload.checked, vocabulary_of(review, by=by))
    return _preview(upload.name, parsed, review, by)


def apply(filename: str, data: bytes, *, review_id: int, by: access.Viewer, plan: str = "") -> Preview:
    """Do what the preview of the same file says: every change of every trial, or none.

    Applying a file twice changes nothing the second time. With the fingerprint of a preview in `plan`, anything that
    has changed since then is a refusal and not a surprise.

    Raises
    ------
    ImportRefused
        If anything in the file is refused.
    StaleVersion
        If one of the entries is no longer as it was when `plan` was made.
    """
    return apply_upload(receive(filename, data), review_id=review_id, by=by, plan=plan)


def apply_upload(upload: Upload, *, review_id: int, by: access.Viewer, plan: str = "") -> Preview:
    review = _review(review_id, by)
    parsed = parse(upload.checked, vocabulary_of(review, by=by))
    return _apply(upload.name, parsed, review, by, plan)


@verb
def _apply(name: str, parsed: ParsedWorkbook, review: Review, by: access.Viewer, plan: str) -> Preview:
    """Under the locks of all trials of the file: look again, then write."""
    for key in sorted(one.trial_id for one in _assignments(review, by, parsed).values()):
        locked_trial(key, by)  # in one order for all imports, so that no two wait for each other
    done = _preview(name, parsed, review, by)
    if done.refused:
        raise ImportRefused(done.findings, done.more)
    if plan and plan != done.plan:
        raise StaleVersion("An entry was changed since the preview. Look at the preview again, then apply it.")
    for one in done.trials:
        if one.changes:
            entry = one.entry or enter.start(one.trial.pk, by=by)
            enter.save(entry.pk, one.changes, by=by)
    return done


def _review(review_id: int, by: access.Viewer) -> Review:
    review = Review.objects.visible_to(by).filter(pk=review_id).first()
    if review is None:
        raise NotFound
    return review


def _assignments(review: Review, by: access.Viewer, parsed: ParsedWorkbook) -> dict[str, Assignment]:
    """The caller's slots in the trials of the file, by folded label."""
    mine = (
        Assignment.objects.visible_to(by)
        .filter(user=by.pk, slot__in=[Slot.A, Slot.B], trial__review=review, trial__excluded_at__isnull=True)
        .select_related("trial")
    )
    by_label = {fold(assignment.trial.label): assignment for assignment in mine}
    return {label: by_label[label] for label in parsed.trials if label in by_label}


def _preview(name: str, parsed: ParsedWorkbook, review: Review, by: access.Viewer) -> Preview:
    assigned = _assignments(review, by, parsed)
    entries = _newest_entries(assigned.values(), by)
    rows = _rows_of([entry for entry in entries.values() if _is_open(entry.trial, entry)], by)
    findings = list(parsed.findings)
    trials = []
    context = Context.of(Entry(trial=Trial(review=review)))
    reports = nameable_reports({one.trial_id: one.slot for one in assigned.values()})
    for label, said in parsed.trials.items():
        if label not in assigned:
            findings.append(_out_of_scope(said.place, NOT_YOURS, said.label))
            continue
        trial = assigned[label].trial
        entry = entries.get(trial.pk)
        if not _is_open(trial, entry):
            findings.append(_out_of_scope(said.place, NOT_OPEN, said.label))
        else:
            own = rows[entry.pk] if entry else {subject: [] for subject in ROWS}
            one = plan_trial(said, trial, entry, own, replace(context, reports=reports[trial.pk]))
            findings += _identity_findings(said, trial) + one.findings
            trials.append(one)
    shown, more = first_findings(findings, MAX_FINDINGS)
    return Preview(name, _fingerprint(trials), tuple(trials), tuple(shown), more + parsed.more, parsed.rows)


def _is_open(trial: Trial, entry: Entry | None) -> bool:
    """Whether a file may still write into this slot."""
    return trial.status == Status.ENTERING and (entry is None or entry.is_draft)


def _newest_entries(assignments: Iterable[Assignment], by: access.Viewer) -> dict[int, Entry]:
    """The newest entry of each slot that the caller holds, by the trial's key."""
    slots = {assignment.trial_id: assignment for assignment in assignments}
    found = Entry.objects.visible_to(by).filter(holder=by.pk, trial__in=slots).order_by("number")
    entries = {entry.trial_id: entry for entry in found if entry.slot == slots[entry.trial_id].slot}
    for entry in entries.values():
        entry.trial = slots[entry.trial_id].trial
    return entries


def _rows_of(entries: Iterable[Entry], by: access.Viewer) -> dict[UUID, Rows]:
    """The rows of all these entries by entry and subject: six queries, however many trials a file has."""
    found: dict[UUID, Rows] = {entry.pk: {subject: [] for subject in ROWS} for entry in entries}
    for subject, model in ROWS.items():
        related = (*NAMING.get(subject, ()), *RELATIONS.get(subject, ()))
        for row in model.objects.visible_to(by).filter(entry__in=list(found)).select_related(*related):
            found[row.entry_id][subject].append(row)
    return found


def _out_of_scope(place: Place, message: str, label: str) -> Finding:
    return Finding(Code.SCOPE, message.format(label), place.sheet, place.row, place.column, place.name, place.seen)


def _identity_findings(said: ParsedTrial, trial: Trial) -> list[Finding]:
    """What the file says of the trial's identity against what the review knows. Leads alone change a trial."""
    findings = []
    for name in IDENTITY:
        text, place = said.identity.values.get(name), said.identity.places.get(name)
        known = getattr(trial, name)
        if text is None or place is None or _plain_identity(text) == _plain_identity(str(known or "")):
            continue
        code = Code.VALUE if known else Code.CHECK
        message = (
            f"The trial's {name} in the review is {known}. An import never changes a trial; ask a lead."
            if known
            else f"The review has no {name} of this trial yet. An import never changes a trial; tell a lead."
        )
        findings.append(Finding(code, message, place.sheet, place.row, place.column, name, place.seen))
    return findings


def _plain_identity(text: str) -> str:
    text = text.strip().casefold()
    for prefix in DOI_PREFIXES:
        text = text.removeprefix(prefix)
    return text.strip()


def _fingerprint(trials: Iterable[TrialPlan]) -> str:
    """Of what would be done to which version of which entry; new rows count by their values, not by their keys."""
    digest = hashlib.sha256()
    for one in trials:
        entry = (str(one.entry.pk), one.entry.version) if one.entry else ("", 0)
        cells = [(row.title, row.state.value, [(c.field, c.old, c.new) for c in row.cells]) for row in one.rows]
        digest.update(repr((one.trial.pk, entry, cells)).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()
