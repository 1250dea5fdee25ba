"""Two people at once: each does one act at the same moment, and the refusals are handed back with the winners."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

from extraction.errors import ExtractionError


def together(*acts: Callable[[], Any]) -> list[Any]:
    """What each act gave, or the refusal it met; any other error is an error of the test."""
    barrier, errors = threading.Barrier(len(acts)), []
    outcomes: list[Any] = [None] * len(acts)

    def run(place: int) -> None:
        try:
            barrier.wait(timeout=20)
            outcomes[place] = acts[place]()
        except ExtractionError as refusal:
            outcomes[place] = refusal
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert errors == []
    assert not any(thread.is_alive() for thread in threads)
    return outcomes


def refused(outcome: Any) -> bool:
    return isinstance(outcome, ExtractionError)
