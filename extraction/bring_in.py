"""Verbs of references: what a file of references becomes in a review."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from extraction import access
from extraction.access import Act, Thing
from extraction.errors import FieldProblem, InvalidValues
from extraction.locks import lock_trials, locked_review, require
from extraction.models import Trial, folded
from extraction.recorded import verb
from extraction.references import Reference, contradict, keys, plain_doi
from extraction.setup import add_trials, change_trial

NEW, MERGE, REPORT, LEAVE = "new", "merge", "report", "leave"
GAPS = ("year", "doi", "pmid", "registry_id", "citation")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to do with a reference: a new trial, the same publication as a trial's, or another report of it."""

    reference: Reference
    act: str
    trial: int | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many trials were made, filled in, and got another report."""

    made: int = 0
    merged: int = 0
    reports: int = 0


def proposals(review_id: int, references: Sequence[Reference], *, by: access.Viewer) -> list[Proposal]:
    """One for each reference, in their order. One query, whatever their number."""
    known: dict[str, tuple[int, Reference]] = {}
    registered: dict[str, int] = {}
    for trial in Trial.objects.visible_to(by).filter(review=review_id).order_by("pk"):
        if trial.registry_id:
            registered.setdefault(trial.registry_id.casefold(), trial.pk)
        _remember(known, trial.pk, doi=trial.doi, pmid=trial.pmid)
        for line in trial.citation.splitlines()[1:]:  # further reports, as `_also` wrote them
            pmid = re.search(r"PMID ([0-9]{1,9})", line)
            _remember(known, trial.pk, doi=plain_doi(line), pmid=pmid[1] if pmid else "")
    return [_proposal(reference, known, registered) for reference in references]


@verb
def bring_in_references(
    review_id: int, decided: Sequence[tuple[Reference, str, int | None]], *, by: access.Viewer
) -> Outcome:
    """Carry out what was decided for each reference: all of it or nothing.

    A new trial whose label is taken gets the next free letter (Smith 2015, Smith 2015b). Merging fills what the
    trial lacks and overwrites nothing.

    Raises
    ------
    InvalidValues
        If a decision names no trial of this review, or a trial or reference is refused.
    """
    named = [trial_id for _, _, trial_id in decided if trial_id is not None]
    lock_trials(Trial.objects.filter(review=review_id, pk__in=named))
    review = locked_review(review_id, by)
    require(Act.MANAGE, review, by, thing=Thing.REVIEW, message="You cannot add trials to this review.")
    trials = {trial.pk: trial for trial in Trial.objects.filter(review=review)}
    taken = {trial.label_key for trial in trials.values()}
    new: list[dict[str, Any]] = []
    merged = reports = 0
    for reference, act, trial_id in decided:
        if act == NEW:
            new.append({"label": _free(reference.label or "Unnamed", taken), **_said(reference)})
            continue
        if act == LEAVE:
            continue
        if act not in {MERGE, REPORT} or trial_id not in trials:
            raise InvalidValues([FieldProblem(reference.place, "decision", "names no trial of this review.")])
        trial = trials[trial_id]
        if act == MERGE:
            change_trial(trial.pk, {k: v for k, v in _said(reference).items() if v and not getattr(trial, k)}, by=by)
            merged += 1
        else:
            change_trial(trial.pk, {"citation": _also(trial, reference)}, by=by)
            reports += 1
    made = add_trials(review_id, new, by=by)
    return Outcome(len(made), merged, reports)


def _said(reference: Reference) -> dict[str, Any]:
    return {name: getattr(reference, name) for name in GAPS}


def _also(trial: Trial, reference: Reference) -> str:
    """The citation of a trial with one more report below it."""
    names = [f"DOI {reference.doi}"] * bool(reference.doi) + [f"PMID {reference.pmid}"] * bool(reference.pmid)
    line = " ".join(["Also reported in:", reference.citation, *names])
    return "\n".join([Trial.objects.get(pk=trial.pk).citation or str(trial), line])


def _free(label: str, taken: set[str]) -> str:
    letters = ["", *"bcdefghijklmnopqrstuvwxyz"]
    candidates = [f"{label}{letter}" for letter in letters] + [f"{label} ({n})" for n in range(27, 5000)]
    found = next(candidate for candidate in candidates if folded(candidate) not in taken)
    taken.add(folded(found))
    return found


def _remember(known: dict[str, tuple[int, Reference]], trial_id: int, *, doi: str, pmid: str) -> None:
    seen = Reference("", doi=doi.strip(), pmid=pmid.strip())
    for key in keys(seen):
        known.setdefault(key, (trial_id, seen))


def _proposal(
    reference: Reference, known: Mapping[str, tuple[int, Reference]], registered: Mapping[str, int]
) -> Proposal:
    for key in keys(reference):
        if key in known and not contradict(known[key][1], reference):
            return Proposal(reference, MERGE, known[key][0], f"same {key.split(':')[0].upper()}")
    trial = registered.get(reference.registry_id.casefold()) if reference.registry_id else None
    if trial is not None:
        return Proposal(reference, REPORT, trial, f"same registry number {reference.registry_id}")
    return Proposal(reference, NEW)
