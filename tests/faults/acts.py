"""What the tests of faults do inside an installation of theirs: `python -m tests.faults.acts name '{"json": 1}'`."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any

import django


def make(agreed: int = 6) -> dict[str, Any]:
    """A review with four approved trials, `agreed` more that wait for approval, and the usual syntheses."""
    from analysis.setup import create_default_syntheses
    from analysis.specification import Measure
    from extraction import approve
    from extraction.models import User
    from tests.factories import MarkerFactory, ReviewFactory, TrialFactory, member, submitted

    review: Any = ReviewFactory(title="Faults")
    MarkerFactory(review=review, code="il6", direction=-1)
    lead = member(review, "lead", "adjudicator", username="lead")
    for number in range(4 + agreed):
        trial: Any = TrialFactory(review=review, label=f"Trial {number:02d}")
        cells = {"treated": {"centre": f"-{1 + number * 0.37:.2f}"}}
        for slot in "AB":
            submitted(trial, slot, marker="il6", cells=cells)
        if number < 4:
            approve.approve(trial.pk, by=lead)
    create_default_syntheses(review.pk, by=lead, measure=Measure.CHANGE_G)
    return {"people": User.objects.count()}


def approve_next() -> dict[str, Any]:
    """Approve the next agreed trial on its page, as a person would, and say how long the answer took."""
    from django.test import Client
    from django.urls import reverse

    from extraction.models import Trial, User

    trial = Trial.objects.filter(status="agreed").order_by("label_key").first()
    assert trial is not None, "no trial waits for approval"
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.get(username="lead"))
    client.get(reverse("extraction:trial", args=[trial.pk]))  # what is imported once is not the saving
    start = time.monotonic()
    answer = client.post(reverse("extraction:trial-approve", args=[trial.pk]))
    seconds = time.monotonic() - start
    trial.refresh_from_db()
    return {"status": answer.status_code, "seconds": seconds, "approved": trial.status == "approved"}


def kill_in_the_middle(group: int, seconds: float = 20) -> dict[str, Any]:
    """Make a new approved version, of which effects must be computed, and kill the workers while they compute."""
    renew()
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        if at_work() or met():
            break
        time.sleep(0.001)
    os.killpg(group, signal.SIGKILL)
    return {"caught": at_work()}


def renew() -> None:
    """Reopen, conclude and approve one trial again."""
    from extraction import approve, reconcile
    from extraction.models import Trial, User

    lead = User.objects.get(username="lead")
    trial = Trial.objects.filter(status="approved").order_by("?").first()
    assert trial is not None
    approve.reopen(trial.pk, "once more", by=lead)
    reconcile.conclude(trial.pk, by=lead)
    approve.approve(trial.pk, by=lead)


def at_work() -> bool:
    """Whether a worker holds the newest wish and has not met it."""
    from analysis.models import RecomputeRequest

    request = RecomputeRequest.objects.get()
    return request.done < request.wanted == request.claimed and request.lease_token is not None


def met() -> bool:
    from analysis.models import RecomputeRequest

    request = RecomputeRequest.objects.get()
    return request.done == request.wanted


def state() -> dict[str, Any]:
    """How the results stand to the data, and what must never be: doubles, a pointer that went back."""
    from collections import Counter

    from analysis.freshness import freshness
    from analysis.models import CurrentResult, Effect, PooledResult, RecomputeRequest, Synthesis
    from extraction.models import Review

    review = Review.objects.get()
    request = RecomputeRequest.objects.get()
    found = freshness(review.pk, list(Synthesis.objects.filter(review=review)))
    results = Counter(PooledResult.objects.values_list("synthesis", "specification", "inputs", "engine"))
    effects = Counter(Effect.objects.values_list("entry", "specification", "position"))
    return {
        "wanted": request.wanted,
        "done": request.done,
        "fresh": found.old == 0 and found.recomputing == 0 and found.fresh > 0 and request.done == request.wanted,
        "doubled": sum(count > 1 for count in (*results.values(), *effects.values())),
        "generations": dict(CurrentResult.objects.values_list("synthesis", "generation")),
    }


if __name__ == "__main__":
    django.setup()
    print(json.dumps(globals()[sys.argv[1]](**json.loads(sys.argv[2]))))
