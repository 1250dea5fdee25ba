"""Verbs between two submissions and agreement: align, compare, decide, return.

`begin` runs inside the second submission: structures that match exactly confirm themselves and the values are
compared at once; otherwise the trial waits in `aligning` until a person has said which row is which.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from extraction import access, align, compare, diagnose, record
from extraction.access import Act, Thing
from extraction.adjudicate import decider, require_unclaimed
from extraction.approve import draft_final
from extraction.decisions import Decision, checked
from extraction.errors import IllegalMove, NotFound, UnresolvedDiscrepancies
from extraction.locks import locked_discrepancy, locked_match, locked_trial, require
from extraction.models import (
    Claim,
    Discrepancy,
    Entry,
    Event,
    Marker,
    Match,
    MatchedRow,
    Resolution,
    Slot,
    Trial,
    User,
)
from extraction.pairs import Pair, both, current_pair, known_names, record_matches, unit_table
from extraction.record import ACCEPTED_VERDICTS, Side, Subject
from extraction.recorded import verb
from extraction.states import Status
from extraction.versions import copy_reasons, copy_rows


def begin(trial: Trial) -> None:
    """Align and compare, once both entries are in. Called by `enter.submit`, under its lock."""
    pair = current_pair(trial)
    if pair is None or not pair.submitted:
        return
    matches = align.propose(pair.a_record, pair.b_record, unit_table(trial.review_id), known_names(trial.review_id))
    _keep_matches(trial, pair, matches)
    if all(match.exact for match in matches):
        _compare(trial, pair)
    else:
        trial.move_to(Status.ALIGNING)
        to_say = sum(not match.exact for match in matches)
        Event.record("align", trial, by=None, after={"matches": len(matches), "to_say": to_say})


@verb
def confirm(match_id: UUID, *, by: access.Viewer) -> Match:
    """Say that a proposed match is right as it stands."""
    match = locked_match(match_id, by)
    actor = _aligner(match.trial, by)
    match.state = Match.State.CONFIRMED
    match.save(update_fields=["state"])
    Event.record("confirm match", match.trial, by=actor, about=match, after=_sides(match))
    _go_on_when_aligned(match.trial)
    return match


@verb
def pair(trial_id: int, subject: str, a: Sequence[UUID], b: Sequence[UUID], *, by: access.Viewer) -> Match:
    """Say which rows are the same; several on a side are a merge, none on a side: only the other saw it."""
    trial = locked_trial(trial_id, by)
    actor = _aligner(trial, by)
    now = both(trial)
    if subject not in {Subject.ARM, Subject.TIMEPOINT, Subject.OUTCOME} or not (a or b):
        raise NotFound("Arms, timepoints and outcomes are matched.")
    labels = now.labels(Subject(subject))
    wanted = {(Side.A, key) for key in a} | {(Side.B, key) for key in b}
    if not wanted <= labels.keys():
        raise NotFound("The entries hold no such row.")
    current = Match.objects.filter(trial=trial, a_entry=now.a, b_entry=now.b, subject=subject)
    for match in current.prefetch_related("rows"):
        taken = [row.pk for row in match.rows.all() if (Side(row.side), row.row) in wanted]
        if not taken:
            continue
        MatchedRow.objects.filter(pk__in=taken).delete()
        if len(taken) == len(match.rows.all()):
            match.delete()
        else:
            match.state, match.by_itself, match.score = Match.State.PROPOSED, False, 0.0
            match.reason = "What is left after another match was changed."
            match.save()
    made = Match(
        trial=trial, a_entry=now.a, b_entry=now.b, subject=subject, state=Match.State.CONFIRMED, score=1.0,
        reason=f"Said by {actor}.",
    )  # fmt: skip
    made.save()
    for side, key in sorted(wanted, key=str):
        MatchedRow(match=made, side=side, row=key, label=labels[side, key][:200]).save()
    Event.record("pair", trial, by=actor, about=made, after=_sides(made))
    _go_on_when_aligned(trial)
    return made


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
    rows = Discrepancy.objects.visible_to(by).filter(pk__in=discrepancy_ids).order_by("trial_id", "position")
    found = list(rows)
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


def _compare(trial: Trial, pair: Pair) -> None:
    units = unit_table(trial.review_id)
    matches = record_matches(trial, pair)
    differences = compare.differences(pair.a_record, pair.b_record, matches, units)
    found = [_discrepancy(trial, pair, position, difference) for position, difference in enumerate(differences)]
    markers = {marker.code: marker for marker in Marker._base_manager.filter(review=trial.review_id)}
    for row, difference in zip(found, differences, strict=True):
        row.marker = markers.get(pair.marker_of(difference))
    swaps = diagnose.swaps(pair.a_record, pair.b_record, matches, differences)
    for row, difference in zip(found, differences, strict=True):
        _explain(row, difference, pair, swaps)
    Discrepancy.objects.bulk_create(found)
    still_open = sum(row.state == Discrepancy.State.OPEN for row in found)
    Event.record("compare", trial, by=None, after={"differ": len(found), "open": still_open})
    if still_open:
        trial.move_to(Status.ADJUDICATING)
    else:
        _settle(trial)


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


def _explain(row: Discrepancy, difference: record.Difference, pair: Pair, swaps: Any) -> None:
    found = swaps.get(difference.a, swaps.get(difference.b)) if swaps else None
    found = found or diagnose.diagnose(difference, pair.a_observation(difference), pair.b_observation(difference))
    if found is not None and row.state == Discrepancy.State.OPEN:
        row.diagnosis = found.code
        row.evidence = found.evidence[:300]
        row.suggests = found.suggests.value if found.suggests else ""


def _keep_matches(trial: Trial, pair: Pair, matches: Sequence[record.Match]) -> None:
    kept, rows = [], []
    for position, match in enumerate(matches):
        kept.append(
            Match(
                trial=trial,
                a_entry=pair.a,
                b_entry=pair.b,
                subject=match.subject.value,
                state=Match.State.CONFIRMED if match.exact else Match.State.PROPOSED,
                by_itself=match.exact,
                score=match.score,
                reason=match.reason[:300],
                position=position,
            )
        )
        labels = pair.labels(match.subject)
        for side, keys in ((Side.A, match.a), (Side.B, match.b)):
            rows += [
                MatchedRow(match=kept[-1], side=side.value, row=UUID(key), label=labels[side, UUID(key)][:200])
                for key in keys
            ]
    Match.objects.bulk_create(kept)
    MatchedRow.objects.bulk_create(rows)


def _aligner(trial: Trial, by: access.Viewer) -> User:
    actor = require(Act.DECIDE, trial, by, thing=Thing.RECONCILIATION, message="Matches cannot be changed now.")
    if trial.status != Status.ALIGNING:
        raise IllegalMove("The structures of this trial are settled.")
    return actor


def _go_on_when_aligned(trial: Trial) -> None:
    pair = both(trial)
    waiting = Match.objects.filter(trial=trial, a_entry=pair.a, b_entry=pair.b, state=Match.State.PROPOSED)
    if not waiting.exists():
        _compare(trial, pair)


def _sides(match: Match) -> dict[str, Any]:
    return {
        "subject": match.subject,
        **{side: [str(row.row) for row in match.rows.all() if row.side == side] for side in Side},
    }
