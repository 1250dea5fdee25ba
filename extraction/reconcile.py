"""Verbs between confirmed matches and agreement: compare, decide, return.

Which row is which is said before, in `extraction.matching`; it may be said anew at any time until approval.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from extraction import access, compare, record
from extraction.access import Act, Thing
from extraction.adjudicate import decider, require_unclaimed
from extraction.approve import draft_final, unit_of
from extraction.decisions import Decision, checked
from extraction.errors import IllegalMove, NotFound, UnresolvedDiscrepancies
from extraction.explain import explain
from extraction.locks import locked_discrepancy, locked_trial, require
from extraction.looked_over import marker_limits
from extraction.models import (
    Claim,
    Discrepancy,
    Entry,
    Event,
    Marker,
    Resolution,
    Slot,
    Trial,
)
from extraction.pairs import Pair, both, record_matches, unit_table
from extraction.record import ACCEPTED_VERDICTS
from extraction.recorded import verb
from extraction.states import Status
from extraction.versions import copy_reasons, copy_rows


@verb
def resolve(
    discrepancy_id: UUID,
    decision: Decision,
    *,
    by: access.Viewer,
    version: int | None = None,
) -> Discrepancy:
    """Decide one discrepancy. A later decision on the same one stands beside the earlier, and counts.

    Whether direction and estimates could be seen is kept with the decision.

    Raises
    ------
    StaleVersion
        If somebody decided since `version` was read, or the extractors submitted again.
    Claimed
        While somebody else has it in hand.
    InvalidValues
        If another value is chosen and does not read as the field's kind.
    """
    return _resolve(discrepancy_id, decision, by=by, version=version)


@verb
def resolve_many(discrepancy_ids: Sequence[UUID], decision: Decision, *, by: access.Viewer) -> int:
    """The same decision for many open discrepancies: all of them or none."""
    found = list(Discrepancy.objects.filter(pk__in=discrepancy_ids).order_by("trial_id", "position"))
    if len(found) != len(set(discrepancy_ids)):
        raise NotFound("One of these discrepancies is not there for you.")
    for discrepancy in found:
        _resolve(discrepancy.pk, decision, by=by, version=discrepancy.version)
    return len(found)


@verb
def return_to_extractors(trial_id: int, slots: Collection[str], reason: str, *, by: access.Viewer) -> Trial:
    """Back to entering: each named slot gets a new draft version, a copy of what was submitted."""
    trial = locked_trial(trial_id, by)
    actor = require(Act.RETURN, trial, by, thing=Thing.TRIAL, message="The trial cannot be returned.")
    if not reason.strip():
        raise IllegalMove("Say why the entry is returned; the extractor reads it.")
    wanted = [slot for slot in (Slot.A, Slot.B) if slot in slots]
    if not wanted or len(wanted) != len(set(slots)):
        raise IllegalMove("Name slot A, slot B or both.")
    now = both(trial)
    for slot in wanted:
        old = now.a if slot == Slot.A else now.b
        new = Entry(
            trial=trial, slot=slot, number=old.number + 1, holder=old.holder, return_reason=reason,
            codebook_version=trial.review.codebook_version,
        )  # fmt: skip
        new.save()
        renamed = copy_rows(now.a_rows if slot == Slot.A else now.b_rows, new)
        copy_reasons(old, new, renamed)
        Event.record("return", new, by=actor, reason=reason, after={"number": new.number})
    Discrepancy.objects.filter(trial=trial).current().update(superseded=True)
    trial.move_to(Status.ENTERING)
    Event.record("return", trial, by=actor, reason=reason, after={"slots": [str(slot) for slot in wanted]})
    return trial


@verb
def conclude(trial_id: int, *, by: access.Viewer) -> Trial:
    """Nothing more to change: a reopened trial is agreed again."""
    trial = locked_trial(trial_id, by)
    actor = require(Act.DECIDE, trial, by, thing=Thing.RECONCILIATION, message="This trial cannot be concluded.")
    if trial.status != Status.ADJUDICATING:
        raise IllegalMove("Only a trial whose entries differ can be concluded.")
    if trial.discrepancies.unresolved().exists():
        raise UnresolvedDiscrepancies("Decide every discrepancy first.")
    Event.record("conclude", trial, by=actor)
    _settle(trial)
    return trial


def _resolve(discrepancy_id: UUID, decision: Decision, *, by: access.Viewer, version: int | None) -> Discrepancy:
    discrepancy = locked_discrepancy(discrepancy_id, by)
    trial = discrepancy.trial
    actor = decider(discrepancy, by, version)
    require_unclaimed(discrepancy, actor)
    values = checked(decision, discrepancy)
    # What a first decision brings to light is known to whoever decides the same once more.
    shown = discrepancy.version > 1 or not trial.review.outcome_hidden_while_deciding
    resolution = Resolution(
        discrepancy=discrepancy,
        number=discrepancy.version,
        decided_by=actor,
        outcome_shown=shown,
        **values,
    )
    resolution.save()
    discrepancy.state = Discrepancy.State.DECIDED
    discrepancy.version += 1
    discrepancy.save(update_fields=["state", "version"])
    Claim.objects.filter(discrepancy=discrepancy).delete()
    Event.record("resolve", trial, by=actor, about=discrepancy, after=values, reason=decision.comment)
    if not trial.discrepancies.unresolved().exists():
        _settle(trial)
    return discrepancy


def _settle(trial: Trial) -> None:
    """Everything is said: the FINAL draft is (re)built and waits for approval."""
    if trial.status != Status.AGREED:
        trial.move_to(Status.AGREED)
    draft_final(trial)


def compare_entries(trial: Trial, pair: Pair) -> None:
    """Compare on the confirmed matches. What was found before and is still so stays, with its decisions.

    Everything else that was found before is superseded, and kept with what was decided on it.
    """
    units = unit_table(trial.review_id)
    matches = record_matches(trial, pair)
    differences = compare.differences(pair.a_record, pair.b_record, matches, units)
    found = [_discrepancy(trial, pair, position, difference) for position, difference in enumerate(differences)]
    known = Marker._base_manager.filter(review=trial.review_id).select_related("outcome_class")
    markers = {marker.code: marker for marker in known}
    limits = {code: marker_limits(marker) for code, marker in markers.items()}
    causes = explain(pair.a_record, pair.b_record, matches, differences, units, limits)
    for row, difference, cause in zip(found, differences, causes, strict=True):
        row.marker = markers.get(pair.marker_of(difference))
        if cause is not None and row.state == Discrepancy.State.OPEN:
            row.diagnosis = cause.code
            row.evidence = cause.evidence[:300]
            row.suggests = cause.suggests.value if cause.suggests else ""
    kept = _keep(trial, pair, found)
    still_open = trial.discrepancies.unresolved().count()
    after = {"differ": len(found), "open": still_open} | ({"kept": kept} if kept else {})
    Event.record("compare", trial, by=None, after=after)
    if not still_open:
        _settle(trial)
    elif trial.status != Status.ADJUDICATING:
        trial.move_to(Status.ADJUDICATING)


AS_FOUND = ("verdict", "a_says", "b_says", "worked", "takes")  # a decision holds while these are the same


def _keep(trial: Trial, pair: Pair, found: Sequence[Discrepancy]) -> int:
    """Write what was found; returns how many were there before and stay."""
    earlier = Discrepancy.objects.filter(trial=trial, a_entry=pair.a, b_entry=pair.b)
    known = {unit_of(row): row for row in earlier.order_by("created_at", "pk")}
    earlier.update(superseded=True)
    new, stay = [], []
    for row in found:
        old = known.get(unit_of(row))
        if old is None or any(getattr(old, name) != getattr(row, name) for name in AS_FOUND):
            new.append(row)
            continue
        old.superseded, old.position = False, row.position
        if old.state == Discrepancy.State.OPEN:
            old.diagnosis, old.evidence, old.suggests = row.diagnosis, row.evidence, row.suggests
        stay.append(old)
    Discrepancy.objects.bulk_update(stay, ["superseded", "position", "diagnosis", "evidence", "suggests"])
    Discrepancy.objects.bulk_create(new)
    return len(stay)


def _discrepancy(trial: Trial, pair: Pair, position: int, difference: record.Difference) -> Discrepancy:
    accepted = difference.verdict in ACCEPTED_VERDICTS
    arm, outcome, time = pair.where(difference)
    return Discrepancy(
        trial=trial,
        a_entry=pair.a,
        b_entry=pair.b,
        subject=difference.subject.value,
        field=difference.field,
        a_key=difference.a,
        b_key=difference.b,
        arm_label=arm[:120],
        outcome_label=outcome[:160],
        time_label=time[:120],
        a_says=difference.a_says[:300],
        b_says=difference.b_says[:300],
        verdict=difference.verdict.value,
        worked=difference.worked[:400],
        takes=difference.takes.value if accepted and difference.takes else "",
        state=Discrepancy.State.ACCEPTED if accepted else Discrepancy.State.OPEN,
        position=position,
    )
