"""Verbs of proposals: an extractor proposes names that the vocabulary lacks; a lead places them.

Placing a name fills in the marker of the outcomes that wait for it, in drafts alone, each with a line in the history of
that entry. The vocabulary's own line says what was added and not whence, so the partner sees a longer vocabulary
and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone

from extraction import access, define
from extraction.access import Act, Thing
from extraction.errors import FieldProblem, IllegalMove, InvalidValues, NotFound
from extraction.locks import lock_review, lock_trials, locked_entry, require
from extraction.models import Event, Marker, MarkerSynonym, Outcome, Proposal, Review, Trial, User, folded
from extraction.recorded import verb
from extraction.states import Status


@dataclass(frozen=True, slots=True)
class Placed:
    """What placing a name did: the marker, the drafts it filled, and the submitted entries that it left alone."""

    marker: Marker | None
    filled: Sequence[Proposal]
    submitted: Sequence[Proposal]


@verb
def propose(entry_id: UUID, *, by: access.Viewer) -> list[Proposal]:
    """Propose to the leads every outcome of one's entry that has no marker; those proposed before stay as they are."""
    entry = locked_entry(entry_id, by)
    actor = require(Act.PROPOSE, entry, by, thing=Thing.ENTRY, message="Names cannot be proposed now.")
    known = set(Proposal.objects.filter(entry=entry).values_list("outcome", "name_key"))
    made = []
    for outcome in Outcome.objects.filter(entry=entry, marker=None).order_by("position", "pk"):
        key = folded(outcome.name)
        if (outcome.pk, key) in known:
            continue
        proposal = Proposal(
            trial=entry.trial, entry=entry, outcome=outcome.pk, name=outcome.name, name_key=key, unit=outcome.unit,
            proposed_by=actor,
        )  # fmt: skip
        proposal.save()
        made.append(proposal)
    if made:
        Event.record("propose names", entry, by=actor, after={"names": [proposal.name for proposal in made]})
    return made


@verb
def place(
    proposal_id: UUID,
    *,
    by: access.Viewer,
    code: str | None = None,
    new: Mapping[str, Any] | None = None,
    synonym: bool = True,
) -> Placed:
    """Point a proposed name to a marker, everywhere in the review where it waits.

    `code` is that of a marker of the vocabulary, and the name becomes its synonym; `new` are the values of a marker to
    add (`extraction.define.FIELDS`). With neither, the name is left without a marker.

    Raises
    ------
    IllegalMove
        If somebody placed the name since it was read.
    """
    review, waiting, actor = _locked(proposal_id, by)
    marker: Marker | None = None
    if new is not None:
        marker = define.put(Marker, review.pk, new, by=by)
    elif code is not None:
        marker = Marker.objects.filter(review=review, code=code).first()
        if marker is None:
            raise InvalidValues([FieldProblem(waiting[0].name, "marker", "is not in the codebook.", code[:80])])
    if marker is not None and synonym:
        _add_synonym(review, marker, waiting[0].name, by)
    filled: list[Proposal] = []
    submitted: list[Proposal] = []
    for proposal in waiting:
        proposal.marker, proposal.placed_by, proposal.placed_at = marker, actor, timezone.now()
        if marker is not None:
            proposal.filled = _fill(proposal, marker, actor)
            (filled if proposal.filled else submitted).append(proposal)
        proposal.save()
        after = {"name": proposal.name, "marker": marker.code if marker else "", "filled": proposal.filled}
        home = proposal.entry if proposal.trial.status == Status.ENTERING else proposal.trial
        Event.record("place name", home, by=actor, about=proposal, after=after)
    seen = set(Proposal.objects.visible_to(by).filter(pk__in=[one.pk for one in waiting]).values_list("pk", flat=True))
    return Placed(marker, [one for one in filled if one.pk in seen], [one for one in submitted if one.pk in seen])


def _locked(proposal_id: UUID, by: access.Viewer) -> tuple[Review, list[Proposal], User]:
    """Every waiting proposal of the same name, under the locks of their trials and then of the review.

    Trials are locked in the order of their keys and before the review, as everywhere; what is proposed under the
    same name by somebody else in this moment waits for the next time.
    """
    asked = Proposal.objects.visible_to(by).filter(pk=proposal_id).select_related("trial").first()
    if asked is None:
        raise NotFound
    same = Proposal.objects.filter(trial__review=asked.trial.review_id, name_key=asked.name_key).waiting()
    trials = sorted({*same.values_list("trial", flat=True), asked.trial_id})
    lock_trials(Trial.objects.filter(pk__in=trials))
    proposal = Proposal.objects.select_related("trial__review").get(pk=proposal_id)
    actor = require(Act.PLACE, proposal, by, thing=Thing.PROPOSAL, message="Leads place names.")
    review = lock_review(proposal.trial.review_id)
    if proposal.placed_at is not None:
        raise IllegalMove(f"“{proposal.name}” was placed since you opened this page.")
    rows = same.filter(trial__in=trials).select_related("entry__trial__review", "entry__holder", "trial")
    return review, list(rows.order_by("proposed_at", "pk")), actor


def _fill(proposal: Proposal, marker: Marker, actor: User) -> bool:
    """Give the outcome its marker, if the entry is a draft and still says that name without one."""
    entry = proposal.entry
    outcome = Outcome.objects.filter(entry=entry, pk=proposal.outcome, marker=None).first()
    if outcome is None or not entry.is_draft or folded(outcome.name) != proposal.name_key:
        return False
    outcome.marker = marker
    outcome.version += 1
    outcome.save(update_fields=["marker", "version"])
    entry.version += 1
    entry.save(update_fields=["version"])
    return True


def _add_synonym(review: Review, marker: Marker, name: str, by: access.Viewer) -> None:
    """So that the next one who types this name is shown the marker."""
    known = {folded(text) for text in (marker.name, marker.code, *marker.synonyms.values_list("text", flat=True))}
    if folded(name) in known:
        return
    define.put(MarkerSynonym, review.pk, {"marker": marker, "text": name}, by=by)
