"""How fast a large trial is entered: one cell saved, the grid of 8 arms × 12 outcomes × 5 times shown."""

from __future__ import annotations

import statistics
import time
from typing import Any
from uuid import uuid4

from bench import in_browser

ROUNDS = 30
ARMS, OUTCOMES, TIMES = 8, 12, 5


def rows(client: Any, username: str) -> list[tuple[str, str, str]]:
    """The median of saving one cell of the large grid, and the time in which the server gives its page."""
    entry, cells = large_trial(username)
    address = f"/entry/{entry.pk}/"
    shown = [timed(lambda: client.get(address)) for _ in range(5)]
    saved = []
    was = dict.fromkeys(cells, "")
    for number in range(ROUNDS):
        at = cells[number % len(cells)]
        key = f"cell.{uuid4()}"
        sent = {f"{key}.at": at, f"{key}.was": was[at], f"{key}.n": "20", f"{key}.centre": f"{number}.31"}
        seconds, answer = timed(lambda sent=sent: client.post(f"{address}autosave/", sent))
        if answer.status_code != 200:
            raise SystemExit(f"Saving a cell answers {answer.status_code}")
        saved.append(seconds)
    size = f"{ARMS} arms × {OUTCOMES} outcomes × {TIMES} times"
    (cookie,) = [(name, morsel.value) for name, morsel in client.cookies.items() if name.endswith("session")]
    return [
        (f"one cell saved, in a grid of {size} (median of {ROUNDS})", milliseconds(saved), "100 ms"),
        (f"the page of that grid (median of {len(shown)})", milliseconds([seconds for seconds, _ in shown]), "–"),
        *in_browser.rows(address, cookie),
    ]


def large_trial(username: str) -> tuple[Any, list[str]]:
    """A draft with the large structure, and the places of its cells."""
    from extraction import assign, enter, setup
    from extraction.enter import Change
    from extraction.models import Review, Trial, User
    from extraction.record import Subject

    review, user = Review.objects.get(), User.objects.get(username=username)
    lead = User.objects.get(username="lead")
    setup.add_trials(review.pk, [{"label": "Bench 2026"}], by=lead)
    trial = Trial.objects.get(review=review, label="Bench 2026")
    assign.assign(trial.pk, "A", user.pk, by=lead)
    arms, times, outcomes = ([uuid4() for _ in range(count)] for count in (ARMS, TIMES, OUTCOMES))
    changes = [Change(Subject.ARM, key, values={"label": f"Arm {n}"}) for n, key in enumerate(arms)]
    changes += [
        Change(Subject.TIMEPOINT, key, values={"phase": "during", "weeks": str(n)}) for n, key in enumerate(times)
    ]
    changes += [Change(Subject.OUTCOME, key, values={"name": f"Outcome {n}"}) for n, key in enumerate(outcomes)]
    entry = enter.save(enter.start(trial.pk, by=user).pk, changes, by=user)
    return entry, [f"{o}/score/{a}/{t}" for o in outcomes for a in arms for t in times]


def timed(act: Any) -> tuple[float, Any]:
    start = time.perf_counter()
    answer = act()
    return time.perf_counter() - start, answer


def milliseconds(times: list[float]) -> str:
    return f"{statistics.median(times) * 1000:.0f} ms"
