"""Heads of the history, kept outside the database: a cut-off tail shows, since its head stands here."""

from __future__ import annotations

import json
import logging
import os
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import transaction

from extraction.models import Event

logger = logging.getLogger(__name__)


def write_after_commit(event: Event) -> None:
    transaction.on_commit(partial(_append, event.chain, event.seq, event.hash), robust=True)


def _append(chain: str, seq: int, digest: str) -> None:
    """One line per head. A full disk must not undo an approval: it is logged, and the head also stands in Approval."""
    path = Path(settings.HISTORY_ANCHOR)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as log:
            log.write(json.dumps({"chain": chain, "seq": seq, "hash": digest}) + "\n")
            log.flush()
            os.fsync(log.fileno())
    except OSError:
        logger.exception("The head of %s could not be written to the anchor log.", chain)


def heads() -> dict[str, tuple[int, str]]:
    """The newest anchored head of each chain."""
    path = Path(settings.HISTORY_ANCHOR)
    found: dict[str, tuple[int, str]] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            head = json.loads(line)
            if head["seq"] >= found.get(head["chain"], (0, ""))[0]:
                found[head["chain"]] = (head["seq"], head["hash"])
    return found
