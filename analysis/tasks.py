"""What the workers run. Both tasks may come twice, late or not at all: what must happen is a row in the database."""

from __future__ import annotations

from celery import shared_task
from django.db.models import F

from analysis.models import CurrentResult, RecomputeRequest
from analysis.receivers import nudge
from analysis.recompute import recompute
from analysis.specification import ENGINE


@shared_task(acks_late=True, ignore_result=True)
def recompute_review(review_id: int) -> None:
    """Safe to run twice and in any order: a run claims the request and writes only its own generation."""
    run = recompute(review_id)
    if run is not None and run.more_wanted:
        nudge(review_id)


@shared_task(acks_late=True, ignore_result=True)
def sweep() -> None:
    """Pick up the requests whose nudge was lost or whose worker died, and results of an older engine."""
    outdated = CurrentResult.objects.exclude(result__engine=ENGINE).filter(
        synthesis__review__recompute_request__done=F("synthesis__review__recompute_request__wanted")
    )
    for review_id in outdated.order_by().values_list("synthesis__review", flat=True).distinct():
        RecomputeRequest.objects.raise_for(review_id)
    for review_id in RecomputeRequest.objects.claimable().values_list("review", flat=True):
        nudge(review_id)
