"""Verbs of assignment: who holds slot A, B or FINAL of a trial, by hand, evenly by itself, or from now on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from django.db import IntegrityError, transaction
from django.utils import timezone

from extraction import access
from extraction.access import Act, Thing
from extraction.balance import Free, balanced
from extraction.errors import FieldProblem, IllegalMove, InvalidValues, NotAllowed, NotFound, SlotTaken
from extraction.locks import lock_trials, locked_review, locked_trial, require
from extraction.models import Assignment, Entry, Event, FormerHolder, Membership, Slot, Trial, User
from extraction.recorded import verb
from extraction.states import EntryState, Status


@verb
def assign(trial_id: int, slot: str, user_id: int, *, by: access.Viewer) -> Assignment:
    """Give a slot to a member: an extractor for A and B, an adjudicator for FINAL. One person, one slot."""
    trial = locked_trial(trial_id, by)
    actor = require(Act.MANAGE, trial, by, thing=Thing.TRIAL, message="You cannot assign this trial.")
    if slot not in Slot.values:
        raise IllegalMove("A slot is A, B or FINAL.")
    member = Membership._base_manager.filter(review=trial.review_id, user=user_id).select_related("user").first()
    if member is None:
        raise NotFound("This person is not a member of the review.")
    if slot == Slot.FINAL and not (member.adjudicator or member.lead):
        raise NotAllowed("Slot FINAL is for an adjudicator or a lead.")
    if slot != Slot.FINAL and not member.extractor:
        raise NotAllowed("Slots A and B are for extractors.")
    if slot == Slot.FINAL and Entry._base_manager.filter(trial=trial, holder=user_id).exists():
        raise NotAllowed("Who entered data of a trial never decides it.")
    _require_fresh(trial, slot, user_id)
    assignment = Assignment(trial=trial, slot=slot, user=member.user)
    try:
        with transaction.atomic():
            assignment.save()
    except IntegrityError as error:
        raise SlotTaken("The slot is taken, or this person holds another slot of the trial.") from error
    Event.record("assign", trial.review, by=actor, about=trial, after={"slot": slot, "user": user_id})
    return assignment


@verb
def unassign(trial_id: int, slot: str, *, by: access.Viewer) -> None:
    """Take a slot back while its holder has not begun; what was entered keeps its holder."""
    trial = locked_trial(trial_id, by)
    actor = require(Act.MANAGE, trial, by, thing=Thing.TRIAL, message="You cannot assign this trial.")
    assignment = Assignment.objects.filter(trial=trial, slot=slot).first()
    if assignment is None:
        raise NotFound("Nobody holds this slot.")
    _require_not_the_partner(trial, assignment, actor)
    if Entry._base_manager.filter(trial=trial, slot=slot).exclude(slot=Slot.FINAL).exists():
        raise IllegalMove("Its holder has begun to enter; hand the slot over instead.")
    Event.record(
        "unassign", trial.review, by=actor, about=trial, before={"slot": slot, "user": assignment.user_id}
    )  # fmt: skip
    assignment.delete()


@verb
def hand_over(trial_id: int, slot: str, user_id: int, reason: str, *, by: access.Viewer) -> Assignment:
    """Give slot A or B, with the draft in it, to another extractor: somebody leaves, or cannot go on.

    A submitted entry keeps the name of whoever submitted it. Whoever held the slot stays an extractor for the
    trial: handing over does not unlearn.

    Raises
    ------
    NotAllowed
        If the new holder extracts, or ever extracted, this trial, or is no extractor of the review; if the asker
        holds the other slot.
    """
    trial = locked_trial(trial_id, by)
    actor = require(Act.MANAGE, trial, by, thing=Thing.TRIAL, message="You cannot assign this trial.")
    assignment = Assignment.objects.filter(trial=trial, slot=slot).exclude(slot=Slot.FINAL).first()
    if assignment is None:
        raise NotFound("Nobody holds this slot.")
    _require_not_the_partner(trial, assignment, actor)
    if not reason.strip():
        raise InvalidValues([FieldProblem(str(trial), "reason", "say why the slot changes hands.")])
    member = Membership._base_manager.filter(review=trial.review_id, user=user_id, extractor=True).first()
    if member is None or not member.user.is_active:
        raise NotAllowed("Slots A and B are for extractors of the review.")
    _require_fresh(trial, slot, user_id)
    if Assignment.objects.filter(trial=trial, user=user_id).exists():
        raise SlotTaken("This person holds a slot of the trial already.")
    entries = Entry.objects.filter(trial=trial, slot=slot)
    draft = entries.filter(state=EntryState.DRAFT).first()
    if draft is None and entries.exists():
        raise IllegalMove("The entry of this slot is submitted: there is nothing to hand over unless it is returned.")
    before = {"slot": slot, "user": assignment.user_id}
    FormerHolder.objects.get_or_create(trial=trial, slot=slot, user_id=assignment.user_id)
    if draft is not None:
        draft.holder = member.user
        draft.save(update_fields=["holder"])
        Event.record("hand over", draft, by=actor, before=before, after={"user": user_id}, reason=reason)
    assignment.user, assignment.assigned_at = member.user, timezone.now()
    assignment.save(update_fields=["user", "assigned_at"])
    after = {"slot": slot, "user": user_id}
    Event.record("hand over", trial.review, by=actor, about=trial, before=before, after=after, reason=reason)
    return assignment


@verb
def assign_evenly(review_id: int, people: Collection[int], *, by: access.Viewer) -> list[Assignment]:
    """Give every free slot A and B of the trials that are being entered to these extractors, evenly.

    Nobody gets both slots of a trial. Who holds what already counts, so that nobody is overloaded.
    """
    open_now = lock_trials(Trial.objects.filter(review=review_id, status=Status.ENTERING, excluded_at=None))
    review = locked_review(review_id, by)
    require(Act.MANAGE, review, by, thing=Thing.REVIEW, message="You cannot assign trials.")
    able = Membership._base_manager.filter(review=review, extractor=True, user__is_active=True)
    extractors = sorted(able.filter(user__in=list(people)).values_list("user", flat=True))
    if not extractors:
        raise InvalidValues([FieldProblem("assignment", "people", "choose at least one extractor.")])
    load = dict.fromkeys(extractors, 0)
    holders: dict[int, dict[str, int]] = defaultdict(dict)
    for trial_id, slot, user_id in Assignment._base_manager.filter(trial__review=review).values_list(
        "trial", "slot", "user"
    ):
        holders[trial_id][slot] = user_id
        if user_id in load and slot != Slot.FINAL:
            load[user_id] += 1
    barred: dict[int, set[int]] = defaultdict(set)
    for trial_id, user_id in FormerHolder._base_manager.filter(trial__review=review).values_list("trial", "user"):
        barred[trial_id].add(user_id)
    free = [
        Free(trial.pk, slots, frozenset(holders[trial.pk].values()), frozenset(barred[trial.pk]))
        for trial in sorted(open_now, key=lambda trial: trial.label_key)
        if (slots := [slot for slot in (Slot.A, Slot.B) if slot not in holders[trial.pk]])
    ]
    return [assign(trial_id, slot, user_id, by=by) for trial_id, slot, user_id in balanced(free, load)]


def _require_fresh(trial: Trial, slot: str, user_id: int) -> None:
    """Nobody comes to a slot who worked in the other one."""
    before = Entry._base_manager.filter(trial=trial, holder=user_id).exclude(slot=slot)
    if before.exists() or FormerHolder._base_manager.filter(trial=trial, user=user_id).exclude(slot=slot).exists():
        raise NotAllowed("This person extracted the trial in its other slot.")


def _require_not_the_partner(trial: Trial, assignment: Assignment, actor: User) -> None:
    """Who extracts a trial takes no slot of it away: the answer would tell how far the partner is."""
    mine = Assignment.objects.filter(trial=trial, user=actor, slot__in=[Slot.A, Slot.B]).first()
    former = FormerHolder._base_manager.filter(trial=trial, user=actor).exists()
    if former or (mine is not None and mine.pk != assignment.pk):
        raise NotAllowed("You extract this trial yourself: another lead changes the other slot.")
