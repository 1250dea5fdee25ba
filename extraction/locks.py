"""The first line of every verb: a fresh, visible row under the lock of its trial (or review).

The trial's row is the root lock of everything below it; a review's row is locked after those of its trials. PostgreSQL
locks it here; on SQLite the transaction itself is the lock (`transaction_mode` IMMEDIATE). What may not be seen is
answered like what does not exist.

No lock is on a row's key (`no_key`): a line of history or an entry that merely names a review must not wait for whoever
works on that review, and at the end of a transaction two that wait for each other's keys would end in a deadlock.
"""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db.models import Model, QuerySet

from extraction import access
from extraction.access import Act, Thing
from extraction.errors import IllegalMove, NotAllowed, NotFound
from extraction.models import Discrepancy, Entry, Match, Question, Report, Review, Trial, User
from extraction.states import Status

M = TypeVar("M", bound=Model)


def locked_review(review_id: int, by: access.Viewer) -> Review:
    return _one(Review.objects.visible_to(by).select_for_update(of=("self",), no_key=True), review_id)


def lock_review(review_id: int) -> Review:
    """The same for who cannot see the review, or asks about something else of it; the caller asks whether they may."""
    return Review._base_manager.select_for_update(no_key=True).get(pk=review_id)


def locked_trial(trial_id: int, by: access.Viewer) -> Trial:
    """The trial, its review loaded, locked until the verb ends."""
    rows = Trial.objects.visible_to(by).select_related("review")
    return _one(rows.select_for_update(of=("self",), no_key=True), trial_id)


def lock_trials(trials: QuerySet[Trial]) -> list[Trial]:
    """Several trials in the order of their keys and before their review, as everybody does: nobody waits in a ring.

    Whether they may be seen is asked of the review, which is locked after them.
    """
    return list(trials.order_by("pk").select_for_update(of=("self",), no_key=True))


def locked_entry(entry_id: UUID, by: access.Viewer) -> Entry:
    """The entry under its trial's lock, as both are once the lock is held."""
    _lock_trial_of(Entry, entry_id)
    return _one(Entry.objects.visible_to(by).select_related("trial__review"), entry_id)


def locked_discrepancy(discrepancy_id: UUID, by: access.Viewer) -> Discrepancy:
    _lock_trial_of(Discrepancy, discrepancy_id)
    found: Discrepancy = _one(Discrepancy.objects.visible_to(by).select_related("trial__review"), discrepancy_id)
    return found


def locked_match(match_id: UUID, by: access.Viewer) -> Match:
    _lock_trial_of(Match, match_id)
    found: Match = _one(Match.objects.visible_to(by).select_related("trial__review"), match_id)
    return found


def locked_report(report_id: UUID, by: access.Viewer) -> Report:
    _lock_trial_of(Report, report_id)
    return _one(Report.objects.visible_to(by).select_related("trial__review", "entry"), report_id)


def locked_question(question_id: UUID, by: access.Viewer) -> Question:
    _lock_trial_of(Question, question_id)
    rows = Question.objects.visible_to(by).select_related("trial__review", "entry", "discrepancy")
    return _one(rows, question_id)


def _lock_trial_of(model: type[Entry | Discrepancy | Match | Question | Report], key: UUID) -> None:
    """Lock before looking: what is read after this line stays as it is. Whether it may be seen is asked then."""
    row: Any = _one(model._base_manager.only("trial"), key)
    Trial._base_manager.select_for_update(no_key=True).get(pk=row.trial_id)


def require(act: Act, row: Any, by: access.Viewer, *, thing: Thing, message: str) -> User:
    """Ask the table. Right role in the wrong state is a 409 that says the state; a wrong role is a 403."""
    if access.may(by, act, thing, row, row.PATHS):
        return by  # type: ignore[return-value]  # the table refuses anonymous visitors
    trial = row if isinstance(row, Trial) else getattr(row, "trial", None)
    if trial is not None and access.may(by, act, thing, row, row.PATHS, in_any_state=True):
        raise IllegalMove(f"{message} The trial is “{Status(trial.status).label.lower()}”.")
    raise NotAllowed(f"{message} Your role in this review does not allow it.")


def _one(rows: QuerySet[M], key: object) -> M:
    try:
        return rows.get(pk=key)
    except (ObjectDoesNotExist, ValidationError, ValueError, TypeError, OverflowError) as error:
        raise NotFound from error
