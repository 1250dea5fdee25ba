"""Verbs around a decision: take a discrepancy in hand, and take a decision back."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from extraction import access
from extraction.access import Act, Thing
from extraction.errors import Claimed, IllegalMove, StaleVersion
from extraction.locks import locked_discrepancy, require
from extraction.models import Claim, Discrepancy, Entry, Event, Resolution, Slot, Trial, User
from extraction.models.claim import LEASE
from extraction.recorded import verb
from extraction.states import EntryState, Status


@verb
def claim(discrepancy_id: UUID, *, by: access.Viewer) -> Claim:
    """Take a discrepancy in hand for a while, or keep it for a while longer.

    Raises
    ------
    Claimed
        While somebody else has it.
    """
    discrepancy = locked_discrepancy(discrepancy_id, by)
    actor = decider(discrepancy, by)
    require_unclaimed(discrepancy, actor)
    held, _ = Claim.objects.update_or_create(
        discrepancy=discrepancy, defaults={"user": actor, "until": timezone.now() + LEASE}
    )
    return held


@verb
def undo(discrepancy_id: UUID, *, by: access.Viewer, version: int | None = None) -> Discrepancy:
    """Take the decision on a discrepancy back: it is open again, and so is its trial.

    Nothing is erased: the withdrawal stands as a line of its own after what it withdraws. Not once the trial is
    approved; then reopening it, with a reason, is the way.

    Raises
    ------
    StaleVersion
        If somebody decided since `version` was read, or the extractors submitted again.
    IllegalMove
        If nothing is decided, or the trial is approved.
    """
    discrepancy = locked_discrepancy(discrepancy_id, by)
    actor = decider(discrepancy, by, version)
    require_unclaimed(discrepancy, actor)
    if discrepancy.state != Discrepancy.State.DECIDED:
        raise IllegalMove("There is no decision to take back here.")
    Resolution(discrepancy=discrepancy, number=discrepancy.version, decided_by=actor, withdraws=True).save()
    discrepancy.state = Discrepancy.State.OPEN
    discrepancy.version += 1
    discrepancy.save(update_fields=["state", "version"])
    trial = discrepancy.trial
    Event.record("withdraw", trial, by=actor, about=discrepancy, after={"number": discrepancy.version - 1})
    if trial.status == Status.AGREED:
        trial.move_to(Status.ADJUDICATING)
        drop_final_draft(trial)
    return discrepancy


def decider(discrepancy: Discrepancy, by: access.Viewer, version: int | None = None) -> User:
    """Who decides, once it is certain that they may and that the discrepancy is the one they saw. Under its lock."""
    actor = require(Act.DECIDE, discrepancy, by, thing=Thing.RECONCILIATION, message="This cannot be decided now.")
    if discrepancy.superseded:
        raise StaleVersion(
            "The extractors submitted again, or a match was changed; this discrepancy belongs to an older version."
        )
    if version is not None and version != discrepancy.version:
        raise StaleVersion("Somebody decided this since you opened it.")
    if discrepancy.state == Discrepancy.State.ACCEPTED:
        raise IllegalMove("The two forms say the same; there is nothing to decide.")
    return actor


def require_unclaimed(discrepancy: Discrepancy, actor: User) -> None:
    if Claim.objects.of_others(actor, [discrepancy.pk]).exists():
        raise Claimed("The adjudicator on duty has this one.")


def drop_final_draft(trial: Trial) -> None:
    """It was built from decisions or matches that do not stand any more; approved versions stay."""
    Entry.objects.filter(trial=trial, slot=Slot.FINAL, state=EntryState.DRAFT).delete()
