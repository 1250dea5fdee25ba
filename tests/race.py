"""Two people at once: each does one act at the same moment, and the refusals are handed back with the winners."""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from extraction.errors import ExtractionError

FEW = 3  # rounds of every run show that the test works; many look for what is rare
MANY = int(os.environ.get("RACE_ROUNDS", "40"))
ROUNDS = pytest.mark.parametrize(
    "rounds", [pytest.param(FEW, id="few"), pytest.param(MANY, id="many", marks=pytest.mark.slow)]
)


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
    assert not errors, "".join(traceback.format_exception(errors[0]))
    assert not any(thread.is_alive() for thread in threads)
    return outcomes


def refused(outcome: Any) -> bool:
    return isinstance(outcome, ExtractionError)
