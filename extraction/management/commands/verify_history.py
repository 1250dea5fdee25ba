"""Read every chain of the history again: finds edits, deletions, new orders, and with the anchor log a cut-off tail."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from extraction import anchor
from extraction.models import Event
from extraction.models.event import GENESIS


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        problems: list[str] = []
        heads: dict[str, dict[int, str]] = {}
        lines = 0
        events = Event.objects.order_by("chain", "seq").iterator(chunk_size=2000)
        for chain, members in groupby(events, key=lambda event: event.chain):
            previous = GENESIS
            for place, event in enumerate(members, start=1):
                lines += 1
                if event.seq != place:
                    problems.append(f"{chain}: line {place} is missing")
                    break
                if event.previous_hash != previous or event.hash != event.expected_hash():
                    problems.append(f"{chain}: line {place} was changed")
                    break
                previous = event.hash
                heads[chain] = {**heads.get(chain, {}), event.seq: event.hash}
        for chain, (seq, digest) in anchor.heads().items():
            if heads.get(chain, {}).get(seq) != digest:
                problems.append(f"{chain}: line {seq}, which is anchored, is missing or was changed")
        if problems:
            raise CommandError("The history is not whole.\n" + "\n".join(problems))
        self.stdout.write(f"The history is whole: {lines} lines in {len(heads)} chains.")
