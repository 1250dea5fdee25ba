"""Whether the history is whole: every chain read again, line by line, and held against the heads kept elsewhere.

Found are an edit of whatever a line says, a deletion, a new order, a line in a chain that is not its own, a tail cut
off behind an anchored head, and a submission, decision or approval that the record has and the history lacks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from extraction.anchor import Head
from extraction.models import Approval, Entry, Event, Resolution
from extraction.models.event import GENESIS
from extraction.states import EntryState

DECIDING: Final = {False: "resolve", True: "withdraw"}  # the line of a resolution, by whether it withdraws


@dataclass(slots=True)
class Reading:
    """What reading chains gave: lines seen, the hash of each place, and what is wrong, in words."""

    lines: int = 0
    hashes: dict[str, dict[int, str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        return not self.problems

    def take(self, chain: str, events: Sequence[Event]) -> None:
        """Read one chain from its first line on; what stands after the first broken line is not trusted."""
        previous, known = GENESIS, self.hashes.setdefault(chain, {})
        for place, event in enumerate(events, start=1):
            self.lines += 1
            if event.seq != place:
                self.problems.append(f"{chain}: line {place} is missing")
                return
            if event.previous_hash != previous or event.hash != event.expected_hash():
                self.problems.append(f"{chain}: line {place} was changed")
                return
            previous = known[place] = event.hash

    def hold_against(self, heads: Iterable[Head]) -> None:
        missing = {
            f"{head.chain}: line {head.seq}, which is anchored, is missing or was changed"
            for head in heads
            if self.hashes.get(head.chain, {}).get(head.seq) != head.hash
        }
        self.problems += sorted(missing)


def read_all(heads: Iterable[Head]) -> Reading:
    """Every chain of every review, held against these heads and those that approvals noted."""
    reading, noted = Reading(), list(heads)
    names = Event._base_manager.order_by("chain").values_list("chain", flat=True).distinct()
    for chain in list(names):
        try:
            events = list(Event._base_manager.filter(chain=chain).order_by("seq"))
        except (ValueError, TypeError) as error:  # what stands there is no JSON, no time, no number any more
            reading.problems.append(f"{chain}: a line cannot be read: {error}")
            continue
        reading.take(chain, events)
        noted += heads_noted_in(events[: len(reading.hashes[chain])])
    reading.hold_against(noted)
    reading.problems += _without_a_line()
    return reading


def heads_noted_in(events: Iterable[Event]) -> list[Head]:
    """The heads of other chains that an approval wrote into its own line."""
    found: list[Head] = []
    for event in events:
        found += [Head(*one) for one in event.after.get("heads", [])]
    return found


def _without_a_line() -> list[str]:
    """What the record says was done and no line tells of: its line was cut off, or it was never done by a verb."""
    told = partial(Event._base_manager.filter)
    submitted = Entry._base_manager.filter(state=EntryState.SUBMITTED).exclude(slot="FINAL")
    told_submitted = {
        (row["entry"], row["after"].get("digest")) for row in told(verb="submit").values("entry", "after")
    }
    problems = [
        f"entry:{pk}: its submission has no line"
        for pk, digest in submitted.order_by("pk").values_list("pk", "digest")
        if (pk, digest) not in told_submitted
    ]
    heads = set(told(verb="approve").values_list("trial", "hash"))
    problems += [
        f"trial:{trial}: the approval of version {number} has no line"
        for trial, number, head in Approval._base_manager.order_by("pk").values_list(
            "trial", "entry__number", "history_head"
        )
        if (trial, head) not in heads
    ]
    lines = Counter(told(verb__in=DECIDING.values()).values_list("verb", "object_key"))
    rows = Resolution._base_manager.order_by("pk").values_list("withdraws", "discrepancy__trial", "discrepancy")
    kept = Counter((withdraws, trial, str(discrepancy)) for withdraws, trial, discrepancy in rows)
    problems += [
        f"trial:{trial}: a {'withdrawal' if withdraws else 'decision'} on discrepancy {key} has no line"
        for (withdraws, trial, key), count in kept.items()
        if lines[DECIDING[withdraws], key] < count
    ]
    return problems
