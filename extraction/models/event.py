"""The one history: append-only, hash-chained, written by the verbs in their own transaction.

A chain is an entry's while its trial is being entered (nobody else may see it), the trial's after that, and the
review's for set-up. Each line holds the hash of the line before: an edit, a deletion or a new order breaks the chain,
and the heads that approvals write to the anchor log outside the database betray a tail that was cut off.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import timezone

from extraction import access
from extraction.models.entry import Entry, entry_visible
from extraction.models.review import Review, Trial
from extraction.recorded import AppendOnlyQuerySet, OutsideVerb, require_verb

if TYPE_CHECKING:
    from extraction.models.people import User

GENESIS = "0" * 64


class EventQuerySet(AppendOnlyQuerySet["Event"]):
    def visible_to(self, user: access.Viewer) -> Self:
        of_trial = access.Paths(review="review", trial="trial")
        return self.filter(
            (Q(entry__isnull=False) & entry_visible(user, "entry"))
            | (Q(entry__isnull=True, trial__isnull=False) & access.visible(user, access.Thing.RECONCILIATION, of_trial))
            | (
                Q(entry__isnull=True, trial__isnull=True)
                & access.visible(user, access.Thing.REVIEW_EVENT, access.Paths(review="review"))
            )
        )


class Event(models.Model):
    """One line of the history."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    review = models.ForeignKey(Review, models.PROTECT, related_name="events")
    trial = models.ForeignKey(Trial, models.PROTECT, null=True, related_name="events")
    entry = models.ForeignKey(Entry, models.PROTECT, null=True, related_name="events")
    chain = models.CharField(max_length=48, help_text="entry:…, trial:… or review:…")
    seq = models.PositiveIntegerField(help_text="1, 2 … within the chain.")
    at = models.DateTimeField()
    actor = models.ForeignKey("User", models.PROTECT, null=True, related_name="+", help_text="Empty: the system.")
    verb = models.CharField(max_length=40)
    object_type = models.CharField(max_length=40)
    object_key = models.CharField(max_length=48)
    before = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    after = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    reason = models.TextField(blank=True)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["chain", "seq"]
        constraints = [models.UniqueConstraint(fields=["chain", "seq"], name="event_once_per_place_in_chain")]

    def __str__(self) -> str:
        return f"{self.chain} {self.seq}: {self.verb}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        raise OutsideVerb("A line of the history is written once, by Event.record.")

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise OutsideVerb("A line of the history is never deleted.")

    @classmethod
    def record(
        cls,
        verb: str,
        of: Review | Trial | Entry,
        *,
        by: User | None,
        about: models.Model | None = None,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
        reason: str = "",
    ) -> Event:
        """Append a line to the chain of `of`.

        The caller holds the trial's lock; the review's row is locked here, always after the trial's.
        """
        require_verb(cls)
        review, trial, entry = _home(of)
        if isinstance(of, Review):
            Review._base_manager.select_for_update(no_key=True).get(pk=of.pk)
        chain = f"{type(of).__name__.lower()}:{of.pk}"
        last = cls.objects.filter(chain=chain).order_by("-seq").values("seq", "hash").first()
        about = about or of
        event = cls(
            review=review,
            trial=trial,
            entry=entry,
            chain=chain,
            seq=last["seq"] + 1 if last else 1,
            at=timezone.now(),
            actor=by,
            verb=verb,
            object_type=type(about).__name__.lower(),
            object_key=str(about.pk),
            before=_plain(before),
            after=_plain(after),
            reason=reason,
            previous_hash=last["hash"] if last else GENESIS,
        )
        event.hash = event.expected_hash()
        models.Model.save(event, force_insert=True)
        return event

    def expected_hash(self) -> str:
        """SHA-256 over the previous hash and everything this line says, in canonical JSON."""
        line = [
            self.previous_hash,
            self.pk,
            self.review_id,
            self.trial_id,
            self.entry_id,
            self.chain,
            self.seq,
            self.at.isoformat(timespec="microseconds"),
            self.actor_id,
            self.verb,
            self.object_type,
            self.object_key,
            self.before,
            self.after,
            self.reason,
        ]
        return hashlib.sha256(canonical(line).encode()).hexdigest()


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), cls=DjangoJSONEncoder)


def _plain(values: dict[str, Any] | None) -> dict[str, Any]:
    """As the database will give it back, so that the hash can be worked out again."""
    return json.loads(canonical(values or {}))  # type: ignore[no-any-return]


def _home(of: Review | Trial | Entry) -> tuple[Review, Trial | None, Entry | None]:
    if isinstance(of, Entry):
        return of.trial.review, of.trial, of
    if isinstance(of, Trial):
        return of.review, of, None
    return of, None, None
