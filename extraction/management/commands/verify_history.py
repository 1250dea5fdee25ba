"""Read every chain of the history again: finds edits, deletions, new orders, and with the anchor log a cut-off tail."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from extraction import anchor, chains


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            heads = anchor.anchored()
        except anchor.UnreadableLog as error:
            raise CommandError(f"The history cannot be held against its anchors: {error}.") from error
        reading = chains.read_all(heads)
        if not reading.whole:
            raise CommandError("The history is not whole.\n" + "\n".join(reading.problems))
        self.stdout.write(f"The history is whole: {reading.lines} lines in {len(reading.hashes)} chains.")
