"""An entry: what one slot says of one trial. Three copies (A, B, FINAL), one shape, the shape of `extraction.record`.

Every number stands as printed beside what the strict grammar read; a status says whether it was reported. Derived
values are never stored here. Only the UUIDs of these rows appear outside: sequential ids tell who typed when.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone

from extraction import access, record
from extraction.models.review import Slot
from extraction.recorded import Recorded, RecordedQuerySet
from extraction.states import EntryState

if TYPE_CHECKING:
    pass

FINITE = 1e308  # two-sided bounds: PostgreSQL lets NaN through `>= 0`
MOST_PEOPLE = 2**31 - 1  # what an integer column holds


def choices(words: Any) -> list[tuple[str, str]]:
    return [(word.value, word.value or "–") for word in words]


def within(field: str, low: float, high: float) -> Q:
    return Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__gte": low, f"{field}__lte": high})


def number_said(prefix: str) -> Q:
    """Reported if and only if a number is printed and read."""
    reported = Q(**{f"{prefix}_status": record.Status.REPORTED.value})
    number = ~Q(**{f"{prefix}_printed": ""}) & Q(**{f"{prefix}__isnull": False})
    silent = Q(**{f"{prefix}_printed": "", f"{prefix}__isnull": True})
    return (reported & number) | (~reported & silent)


def printed(help_text: str) -> models.CharField[str, str]:
    return models.CharField(max_length=60, blank=True, default="", help_text=help_text)


def status() -> models.CharField[str, str]:
    return models.CharField(max_length=8, blank=True, default="", choices=choices(record.Status))


def qualifier() -> models.CharField[str, str]:
    return models.CharField(max_length=3, default="=", choices=choices(record.Qualifier))


class EntryQuerySet(RecordedQuerySet["Entry"]):
    def visible_to(self, user: access.Viewer) -> Self:
        """Blinding: while a trial is being entered, each extractor reads their own entry only."""
        return self.filter(entry_visible(user, ""))


def entry_visible(user: access.Viewer, path: str) -> Q:
    """The condition of `Entry.objects.visible_to` from a model whose lookup path to Entry is `path`."""
    dot = f"{path}__" if path else ""
    paths = access.Paths(review=f"{dot}trial__review", trial=f"{dot}trial", entry=path)
    final = Q(**{f"{dot}slot": Slot.FINAL})
    return (~final & access.visible(user, access.Thing.ENTRY, paths)) | (
        final & access.visible(user, access.Thing.FINAL, paths)
    )


class Entry(Recorded):
    """One complete extraction of a trial in one slot, with its own state and number."""

    PATHS = access.Paths(review="trial__review", trial="trial", entry="")

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    trial = models.ForeignKey("Trial", models.PROTECT, related_name="entries")
    slot = models.CharField(max_length=5, choices=Slot.choices, editable=False)
    number = models.PositiveSmallIntegerField(default=1, editable=False, help_text="1, 2 … within the slot.")
    holder = models.ForeignKey("User", models.PROTECT, null=True, editable=False, related_name="entries")
    state = models.CharField(max_length=9, choices=EntryState.choices, default=EntryState.DRAFT, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False, help_text="Counts the saves.")
    codebook_version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    saved_at = models.DateTimeField(default=timezone.now, editable=False)
    submitted_at = models.DateTimeField(null=True, editable=False)
    digest = models.CharField(max_length=64, blank=True, editable=False, help_text="SHA-256 of what was submitted.")
    return_reason = models.TextField(blank=True, editable=False, help_text="Why a lead returned the entry before.")

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "entries"
        ordering = ["trial", "slot", "number"]
        constraints = [
            models.UniqueConstraint(fields=["trial", "slot", "number"], name="entry_number_once_per_slot"),
            models.UniqueConstraint(
                fields=["trial", "slot"], condition=Q(state=EntryState.DRAFT), name="entry_one_draft_per_slot"
            ),
            models.CheckConstraint(
                condition=Q(slot=Slot.FINAL, holder__isnull=True) | Q(slot__in=["A", "B"], holder__isnull=False),
                name="entry_a_and_b_have_a_holder",
            ),
            models.CheckConstraint(
                condition=Q(state=EntryState.DRAFT, submitted_at__isnull=True, digest="")
                | (Q(state=EntryState.SUBMITTED, submitted_at__isnull=False) & ~Q(digest="")),
                name="entry_submitted_is_dated_and_hashed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.trial}, {self.get_slot_display()}, version {self.number}"

    @property
    def is_draft(self) -> bool:
        return self.state == EntryState.DRAFT

    def as_record(self) -> record.Entry:
        """What the entry says, as plain values."""
        from extraction.models import plain

        return plain.as_record(plain.rows_of(self))


class RowQuerySet(RecordedQuerySet[Any]):
    def visible_to(self, user: access.Viewer) -> Self:
        return self.filter(entry_visible(user, "entry"))


class Row(Recorded):
    """A row that an entry owns."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    entry = models.ForeignKey(Entry, models.CASCADE, related_name="%(class)ss")
    position = models.PositiveIntegerField(default=0, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False, help_text="For optimistic locking.")

    objects = RowQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["position", "id"]
