"""Verbs that say which row of A is which row of B: propose, confirm, pair, part, take back.

`begin` runs inside the second submission: structures that match exactly confirm themselves and the values are
compared at once; otherwise the trial waits in `aligning` until a person has said which row is which. A match may be
changed until the trial is approved. The values are then compared anew, and decisions that still hold stay.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from extraction import access, align, record
from extraction.access import Act, Thing
from extraction.adjudicate import drop_final_draft
from extraction.errors import IllegalMove, NotFound, StaleVersion
from extraction.locks import locked_match, locked_trial, require
from extraction.models import Discrepancy, Event, Match, MatchedRow, Trial, User
from extraction.pairs import Pair, both, current_pair, known_names, unit_table
from extraction.reconcile import compare_entries
from extraction.record import Side, Subject
from extraction.recorded import verb
from extraction.states import Status

SAID: Final = ("confirm match", "pair", "part")  # acts that can be taken back
TAKEN_BACK: Final = "undo match"
LEFT_OVER: Final = "What is left after another match was changed."
CHANGED: Final = "Somebody changed these matches since you opened the page. Look again."


def begin(trial: Trial) -> None:
    """Align and compare, once both entries are in. Called by `enter.submit`, under its lock."""
    entries = current_pair(trial)
    if entries is None or not entries.submitted:
        return
    units, names = unit_table(trial.review_id), known_names(trial.review_id)
    proposed = align.propose(entries.a_record, entries.b_record, units, names)
    _propose(trial, entries, proposed)
    if all(match.exact for match in proposed):
        compare_entries(trial, entries)
    else:
        trial.move_to(Status.ALIGNING)
        to_say = sum(not match.exact for match in proposed)
        Event.record("align", trial, by=None, after={"matches": len(proposed), "to_say": to_say})


@verb
def confirm(match_id: UUID, *, by: access.Viewer) -> Match:
    """Say that a proposed match is right as it stands. Raises `StaleVersion` if it is one of older versions."""
    match, actor = _current(match_id, by)
    _confirm(match.trial, [match], actor)
    _go_on(match.trial)
    return match


@verb
def confirm_many(trial_id: int, match_ids: Collection[UUID], *, by: access.Viewer) -> list[Match]:
    """Say of several proposed matches of a trial that they are right: all of them or none.

    Raises
    ------
    StaleVersion
        If one of them was changed or confirmed since it was read.
    """
    trial = locked_trial(trial_id, by)
    actor = _aligner(trial, by)
    found = list(_matches(trial).filter(pk__in=match_ids, state=Match.State.PROPOSED))
    if not found or len(found) != len(set(match_ids)):
        raise StaleVersion(CHANGED)
    _confirm(trial, found, actor)
    _go_on(trial)
    return found


@verb
def pair(
    trial_id: int,
    subject: str,
    a: Sequence[UUID],
    b: Sequence[UUID],
    *,
    by: access.Viewer,
    seen: Collection[UUID] | None = None,
) -> Match:
    """Say which rows are the same; several on a side are a merge, none on a side: only the other saw it.

    `seen` are the matches in which these rows stood when the person looked.

    Raises
    ------
    StaleVersion
        If the rows stand in other matches by now than in those `seen`.
    """
    trial = locked_trial(trial_id, by)
    actor = _aligner(trial, by)
    if subject not in {Subject.ARM, Subject.TIMEPOINT, Subject.OUTCOME} or not (a or b):
        raise NotFound("Arms, timepoints and outcomes are matched.")
    entries = both(trial)
    wanted = {(Side.A, key) for key in a} | {(Side.B, key) for key in b}
    if not wanted <= entries.labels(Subject(subject)).keys():
        raise NotFound("The entries hold no such row.")
    touched = [match for match in _matches(trial).filter(subject=subject) if _rows(match) & wanted]
    if seen is not None and {match.pk for match in touched} != set(seen):
        raise StaleVersion(CHANGED)
    before = [_told(match) for match in touched]
    left = [(match, _rows(match) - wanted) for match in touched]
    _drop(touched)
    made = _make(trial, entries, subject, wanted, reason=f"Said by {actor}.", confirmed=True)
    rest = [
        _make(trial, entries, subject, rows, reason=LEFT_OVER, position=match.position) for match, rows in left if rows
    ]
    after = [_told(match) for match in (made, *rest)]
    Event.record("pair", trial, by=actor, about=made, before={"matches": before}, after={"matches": after})
    _go_on(trial)
    return made


@verb
def part(match_id: UUID, *, by: access.Viewer) -> list[Match]:
    """Say that what is matched is not the same: each side's rows wait for another partner, or for none.

    Raises
    ------
    IllegalMove
        If there is nothing on one of the sides.
    StaleVersion
        If it is a match of an older version of an entry.
    """
    match, actor = _current(match_id, by)
    trial = match.trial
    sides = [{(side, key) for side, key in _rows(match) if side == one} for one in Side]
    if not all(sides):
        raise IllegalMove("Only one entry has this; there is nothing to take apart.")
    entries, before = both(trial), [_told(match)]
    _drop([match])
    made = [
        _make(trial, entries, match.subject, rows, reason="Said not to be the same.", position=match.position)
        for rows in sides
    ]
    after = [_told(one) for one in made]
    Event.record("part", trial, by=actor, about=made[0], before={"matches": before}, after={"matches": after})
    _go_on(trial)
    return made


@verb
def undo(trial_id: int, *, by: access.Viewer) -> list[Match]:
    """Take back what this person last said about the matches of a trial; several times, one act after the other.

    Raises
    ------
    IllegalMove
        If there is nothing of theirs to take back.
    StaleVersion
        If somebody has changed those matches since.
    """
    trial = locked_trial(trial_id, by)
    actor = _aligner(trial, by)
    said = last_said(trial, actor)
    if said is None:
        raise IllegalMove("There is nothing of yours to take back here.")
    entries, current = both(trial), {_key(_told(match)): match for match in _matches(trial)}
    made, replaced = said.after["matches"], said.before["matches"]
    if not all(_key(told) in current for told in made):
        raise StaleVersion(CHANGED)
    _drop([current[_key(told)] for told in made])
    back = [
        _make(
            trial,
            entries,
            told["subject"],
            {(side, UUID(key)) for side in Side for key in told[side]},
            reason=told["reason"],
            confirmed=told["state"] == Match.State.CONFIRMED,
            by_itself=told["by_itself"],
            score=told["score"],
            position=told["position"],
        )
        for told in replaced
    ]
    Event.record(
        TAKEN_BACK,
        trial,
        by=actor,
        about=back[0],
        before={"matches": made},
        after={"matches": replaced, "undoes": str(said.pk)},
    )
    _go_on(trial)
    return back


def last_said(trial: Trial, by: User) -> Event | None:
    """The last act of a person on the matches of the entries that count now, unless it was taken back."""
    events = Event.objects.filter(trial=trial, entry=None, actor=by)
    undone = {event.after["undoes"] for event in events.filter(verb=TAKEN_BACK)}
    rows = {str(row) for match in _matches(trial) for _, row in _rows(match)}
    for event in events.filter(verb__in=SAID).order_by("-seq"):
        keys = [key for told in event.after.get("matches", ()) for side in Side for key in told[side]]
        if keys and rows.issuperset(keys) and str(event.pk) not in undone:
            return event
    return None


def _confirm(trial: Trial, matches: Sequence[Match], actor: User) -> None:
    """One act, and one line of the history, for all of them."""
    if any(match.state != Match.State.PROPOSED for match in matches):
        raise IllegalMove("This match is confirmed already.")
    before = [_told(match) for match in matches]
    for match in matches:
        match.state = Match.State.CONFIRMED
        match.save(update_fields=["state"])
    after = [_told(match) for match in matches]
    Event.record(
        "confirm match", trial, by=actor, about=matches[0], before={"matches": before}, after={"matches": after}
    )


def _go_on(trial: Trial) -> None:
    """Compare once nothing is left to say; until then nothing that rests on the matches counts."""
    if not _matches(trial).filter(state=Match.State.PROPOSED).exists():
        if trial.status == Status.AGREED:
            trial.move_to(Status.ADJUDICATING)
            drop_final_draft(trial)
        compare_entries(trial, both(trial))
    elif trial.status != Status.ALIGNING:
        Discrepancy.objects.filter(trial=trial).current().update(superseded=True)
        drop_final_draft(trial)
        trial.move_to(Status.ALIGNING)


def _aligner(trial: Trial, by: access.Viewer) -> User:
    return require(Act.DECIDE, trial, by, thing=Thing.RECONCILIATION, message="Matches cannot be changed now.")


def _current(match_id: UUID, by: access.Viewer) -> tuple[Match, User]:
    """A match of the entries that count now, under its trial's lock; those of older versions stay as they are."""
    match = locked_match(match_id, by)
    actor = _aligner(match.trial, by)
    entries = both(match.trial)
    if (match.a_entry_id, match.b_entry_id) != (entries.a.pk, entries.b.pk):
        raise StaleVersion("An entry was returned and submitted again since you opened the page. Look again.")
    return match, actor


def _matches(trial: Trial) -> QuerySet[Match]:
    """Of the entries that count now, with their rows."""
    entries = both(trial)
    current = Match.objects.filter(trial=trial, a_entry=entries.a, b_entry=entries.b)
    return current.select_related("trial__review").prefetch_related("rows").order_by("position", "id")


def _rows(match: Match) -> set[tuple[Side, UUID]]:
    return {(Side(row.side), row.row) for row in match.rows.all()}


def _drop(matches: Iterable[Match]) -> None:
    Match.objects.filter(pk__in=[match.pk for match in matches]).delete()


def _make(
    trial: Trial,
    entries: Pair,
    subject: str,
    rows: Collection[tuple[Side, UUID]],
    *,
    reason: str,
    confirmed: bool = False,
    by_itself: bool = False,
    score: float | None = None,
    position: int = 0,
) -> Match:
    """A match as it is after somebody said something; a person's word scores 1, what it leaves over 0."""
    match = Match(
        trial=trial,
        a_entry=entries.a,
        b_entry=entries.b,
        subject=subject,
        state=Match.State.CONFIRMED if confirmed else Match.State.PROPOSED,
        by_itself=by_itself,
        score=float(confirmed) if score is None else score,
        reason=reason[:300],
        position=position,
    )
    match.save()
    labels = entries.labels(Subject(subject))
    for side, key in sorted(rows, key=str):
        MatchedRow(match=match, side=side, row=key, label=labels[side, key][:200]).save()
    return match


def _propose(trial: Trial, entries: Pair, matches: Sequence[record.Match]) -> None:
    """Keep what `align` found; what is exact has confirmed itself."""
    kept, rows = [], []
    for position, match in enumerate(matches):
        kept.append(
            Match(
                trial=trial,
                a_entry=entries.a,
                b_entry=entries.b,
                subject=match.subject.value,
                state=Match.State.CONFIRMED if match.exact else Match.State.PROPOSED,
                by_itself=match.exact,
                score=match.score,
                reason=match.reason[:300],
                position=position,
            )
        )
        labels = entries.labels(match.subject)
        for side, keys in ((Side.A, match.a), (Side.B, match.b)):
            rows += [
                MatchedRow(match=kept[-1], side=side.value, row=UUID(key), label=labels[side, UUID(key)][:200])
                for key in keys
            ]
    Match.objects.bulk_create(kept)
    MatchedRow.objects.bulk_create(rows)


def _told(match: Match) -> dict[str, Any]:
    """A match for the history, complete enough to be made again."""
    return {
        "subject": match.subject,
        **{side.value: sorted(str(row.row) for row in match.rows.all() if row.side == side) for side in Side},
        "state": match.state,
        "by_itself": match.by_itself,
        "score": match.score,
        "reason": match.reason,
        "position": match.position,
    }


def _key(told: Mapping[str, Any]) -> tuple[str, tuple[str, ...], tuple[str, ...], str]:
    return told["subject"], tuple(told[Side.A]), tuple(told[Side.B]), told["state"]
