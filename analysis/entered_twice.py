"""The trials of a review that both extractors submitted, as one person may read them: what agreement is counted on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from analysis.composing import read_matches
from extraction import record
from extraction.access import Viewer
from extraction.models import Discrepancy, Entry, Match, ReasonCode, Resolution, Review, Slot, Trial
from extraction.states import AFTER_ENTERING, EntryState


@dataclass(slots=True)
class EnteredTwice:
    """The first submitted version of both extractors, with how their rows were matched."""

    a: Entry
    b: Entry
    matches: list[record.Match] = field(default_factory=list)
    settled: bool = True  # no match waits for a person

    @property
    def extractors(self) -> str:
        return " and ".join(sorted(str(entry.holder) for entry in (self.a, self.b)))

    @property
    def month(self) -> str:
        """In which the second of the two was submitted: 2026-11."""
        return f"{max(entry.submitted_at for entry in (self.a, self.b) if entry.submitted_at):%Y-%m}"

    @property
    def said(self) -> list[Any]:
        """Everything of the pair that what is counted on it depends on. A digest stands for all that an entry says."""
        entries = [[str(entry.pk), entry.digest] for entry in (self.a, self.b)]
        return [self.extractors, self.month, entries, [[match.subject, match.a, match.b] for match in self.matches]]


def pairs_of(review: Review, by: Viewer) -> tuple[list[EnteredTwice], int]:
    """First submitted versions, both readable by the person; and how many trials are not."""
    shown = Trial.objects.visible_to(by).filter(review=review, calibration=False, status__in=AFTER_ENTERING)
    trials = list(shown.order_by("label_key").values_list("pk", flat=True))
    first = (
        Entry.objects.visible_to(by)
        .filter(trial__in=trials, slot__in=[Slot.A, Slot.B], number=1, state=EntryState.SUBMITTED)
        .select_related("holder")
    )
    entries: dict[int, dict[str, Entry]] = defaultdict(dict)
    for entry in first:
        entries[entry.trial_id][entry.slot] = entry
    pairs = [
        EnteredTwice(entries[pk][Slot.A], entries[pk][Slot.B])
        for pk in trials
        if entries[pk].keys() == {Slot.A, Slot.B}
    ]
    _match(pairs, by)
    return pairs, len(trials) - len(pairs)


def _match(pairs: list[EnteredTwice], by: Viewer) -> None:
    by_entries = {(pair.a.pk, pair.b.pk): pair for pair in pairs}
    matches: Any = Match.objects.visible_to(by).filter(a_entry__in=[pair.a.pk for pair in pairs])
    for row, match in read_matches(matches):
        pair = by_entries.get((row.a_entry_id, row.b_entry_id))
        if pair is not None:
            pair.settled = pair.settled and row.state == Match.State.CONFIRMED
            pair.matches.append(match)


def causes_of(pairs: Sequence[EnteredTwice], by: Viewer) -> list[tuple[ReasonCode, int]]:
    """What was given as the cause of the differences that were decided, each by its newest decision."""
    keys = [entry.pk for pair in pairs for entry in (pair.a, pair.b)]
    own = Discrepancy.objects.visible_to(by).filter(a_entry__in=keys, b_entry__in=keys, state="decided")
    decided = Resolution.objects.visible_to(by).filter(discrepancy__in=own.values("pk")).order_by("number")
    newest: dict[UUID, str] = dict(decided.values_list("discrepancy", "reason_code"))
    counts = Counter(newest.values())
    return [(ReasonCode(code), count) for code, count in counts.most_common()]
