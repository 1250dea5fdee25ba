"""Verbs of assignment: who holds slot A, B or FINAL of a trial."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from extraction import access
from extraction.access import Act, Thing
from extraction.errors import IllegalMove, NotAllowed, NotFound, SlotTaken
from extraction.locks import locked_trial, require
from extraction.models import Assignment, Entry, Event, Membership, Slot
from extraction.recorded import verb


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
    if Entry._base_manager.filter(trial=trial, slot=slot).exclude(slot=Slot.FINAL).exists():
        raise IllegalMove("Its holder has begun to enter; the slot cannot be taken back.")
    Event.record(
        "unassign", trial.review, by=actor, about=trial, before={"slot": slot, "user": assignment.user_id}
    )  # fmt: skip
    assignment.delete()
