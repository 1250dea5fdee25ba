"""The bridge from extraction: changed data become a wish for a recompute, in the same transaction; and the queue of
differences is told how much each decision moves.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from celery import current_app
from django.db import transaction
from django.dispatch import receiver

from analysis.models import RecomputeRequest
from extraction.desk import Impact
from extraction.models import Discrepancy
from extraction.signals import impact_asked, pooled_data_changed

logger = logging.getLogger(__name__)

BROKER_SECONDS: Final = 0.8  # that a broker may take to answer; who approves waits for it
QUIET_SECONDS: Final = 5.0  # after a failure
IMPATIENT: Final = {
    "max_retries": 0,
    "socket_connect_timeout": BROKER_SECONDS,  # this and the next: of Redis
    "socket_timeout": BROKER_SECONDS,
}


@receiver(pooled_data_changed)
def ask_for_recompute(sender: type | None, review_id: int, **kwargs: Any) -> None:
    """The wish is a row; the message after the commit is only a nudge, and may be lost."""
    RecomputeRequest.objects.raise_for(review_id)
    transaction.on_commit(lambda: nudge(review_id), robust=True)


@receiver(impact_asked)
def tell_impact(
    sender: type | None, review_id: int, discrepancies: Sequence[Discrepancy], **kwargs: Any
) -> dict[UUID, Impact]:
    """Sizes of all; which way only where it is decided, or where the review shows it before: a decision must not look
    at the outcome."""
    from analysis.impact import shifts  # the engine is loaded where it is needed

    told = {}
    found = shifts(review_id, discrepancies)
    for row in discrepancies:
        shift = found.get(row.pk)
        if shift is not None:
            told[row.pk] = Impact(shift.size, shift.change if row.outcome_may_be_seen else None)
    return told


def nudge(review_id: int) -> None:
    """Tell the workers that there is something to do, without waiting and without a second try.

    By name, so that who approves does not load the engine; on a connection of its own, because a pooled one tries
    again for seconds. A broker that is down costs a line in the log: the sweeper finds the request. After a
    failure the next nudges are left out for a while, so that fifty approvals do not wait fifty times.
    """
    if time.monotonic() < _quiet.until:
        return
    try:
        with current_app.connection_for_write(
            connect_timeout=BROKER_SECONDS, transport_options=IMPATIENT
        ) as connection:
            current_app.send_task(
                "analysis.tasks.recompute_review",
                (review_id,),
                connection=connection,
                retry=False,
                ignore_result=True,
            )
    except Exception:
        _quiet.until = time.monotonic() + QUIET_SECONDS
        logger.exception("No worker could be told about review %s; the sweeper will find it", review_id)


class _Quiet:
    """Until when this process leaves the broker alone."""

    until = 0.0


_quiet = _Quiet()
