"""The one bridge from extraction: changed data become a wish for a recompute, in the same transaction."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from celery import current_app
from django.db import transaction
from django.dispatch import receiver

from analysis.models import RecomputeRequest
from extraction.signals import pooled_data_changed

logger = logging.getLogger(__name__)


@receiver(pooled_data_changed)
def ask_for_recompute(sender: type | None, review_id: int, **kwargs: Any) -> None:
    """The wish is a row; the message after the commit is only a nudge, and may be lost."""
    RecomputeRequest.objects.raise_for(review_id)
    transaction.on_commit(partial(nudge, review_id), robust=True)


def nudge(review_id: int) -> None:
    """Tell the workers that there is something to do, without waiting and without a second try.

    By name, so that who approves does not load the engine. A broker that is down costs a line in the log: the
    sweeper finds the request.
    """
    try:
        current_app.send_task("analysis.tasks.recompute_review", (review_id,), retry=False, ignore_result=True)
    except Exception:
        logger.exception("No worker could be told about review %s; the sweeper will find it", review_id)
