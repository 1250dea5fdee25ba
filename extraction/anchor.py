"""Heads of the history, kept outside the database: a cut-off tail shows, since its head stands here."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q

from extraction.models import Event, Trial

logger = logging.getLogger(__name__)


class Head(NamedTuple):
    """The last line of a chain at some moment."""

    chain: str
    seq: int
    hash: str


class UnreadableLog(ValueError):
    """The anchor log holds a line that nobody of the project wrote."""


def heads_of(trial: Trial) -> list[Head]:
    """The heads of everything that stands behind a trial: its own chain, its entries', and the review's."""
    of_review = Q(chain=f"review:{trial.review_id}")
    last = Event._base_manager.filter(Q(trial=trial) | of_review).order_by().values("chain").annotate(last=Max("seq"))
    places = Q(pk__in=[])
    for one in last:
        places |= Q(chain=one["chain"], seq=one["last"])
    rows = Event._base_manager.filter(places).order_by("chain").values_list("chain", "seq", "hash")
    return [Head(*row) for row in rows]


def write_after_commit(heads: Sequence[Head]) -> None:
    transaction.on_commit(partial(_append, heads), robust=True)


def _append(heads: Sequence[Head]) -> None:
    """One line per head. A full disk must not undo an approval: it is logged, and the heads also stand in its line."""
    path = Path(settings.HISTORY_ANCHOR)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as log:
            log.writelines(json.dumps(head._asdict()) + "\n" for head in heads)
            log.flush()
            os.fsync(log.fileno())
    except OSError:
        chains = ", ".join(head.chain for head in heads)
        logger.exception("The heads of %s could not be written to the anchor log.", chains)


def anchored() -> list[Head]:
    """Every head that was ever written, oldest first. Raises `UnreadableLog` naming the line."""
    path = Path(settings.HISTORY_ANCHOR)
    found: list[Head] = []
    if path.exists():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                said = json.loads(line)
                found.append(Head(str(said["chain"]), int(said["seq"]), str(said["hash"])))
            except (ValueError, TypeError, KeyError) as error:
                raise UnreadableLog(f"line {number} of the anchor log cannot be read") from error
    return found
