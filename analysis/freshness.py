"""How a shown result relates to the data as they are now: told by comparing digests, not by trusting a flag."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.utils import timezone

from analysis.models import CurrentResult, RecomputeRequest, Synthesis
from analysis.snapshot import ApprovedData, approved_data
from analysis.specification import ENGINE, InvalidFilters, digest_of

PATIENCE: Final = timedelta(seconds=60)  # a request that nobody took by then is not "recomputing" any more


class State(StrEnum):
    FRESH = "fresh"
    RECOMPUTING = "recomputing"
    OLD = "old"


@dataclass(frozen=True)
class Freshness:
    """The state of each synthesis (by key) of a review, and why.

    `version` changes whenever anything of it does; a page that shows another version is not up to date.
    """

    data: ApprovedData
    states: Mapping[int, State]
    as_of: datetime | None  # when the newest result was found to hold
    last_failed: datetime | None
    given_up: bool
    version: str

    @property
    def trials(self) -> int:
        return len(self.data.entries)

    @property
    def counts(self) -> Counter[State]:
        return Counter(self.states.values())

    @property
    def fresh(self) -> int:
        return self.counts[State.FRESH]

    @property
    def recomputing(self) -> int:
        return self.counts[State.RECOMPUTING]

    @property
    def old(self) -> int:
        return self.counts[State.OLD]


def freshness(review_id: int, syntheses: Iterable[Synthesis]) -> Freshness:
    """The freshness of these syntheses of one review. They need `review`, `moderator` and `current` loaded."""
    data = approved_data(review_id)
    request = RecomputeRequest.objects.with_lease_state().filter(review=review_id).first()
    waiting = State.RECOMPUTING if request is not None and _at_work(request) else State.OLD
    shown = {synthesis.pk: current_of(synthesis) for synthesis in syntheses}
    states = {
        synthesis.pk: State.FRESH if _holds(synthesis, shown[synthesis.pk], data) else waiting
        for synthesis in syntheses
    }
    failed = request.failed_at if request is not None and request.failures else None
    return Freshness(
        data,
        states,
        max((current.as_of for current in shown.values() if current), default=None),
        failed,
        request is not None and request.given_up,
        digest_of(
            [
                data.digest,
                [[key, states[key], str(current and current.result_id)] for key, current in shown.items()],
                str(failed),
            ]
        )[:16],
    )


def current_of(synthesis: Synthesis) -> CurrentResult | None:
    try:
        return synthesis.current
    except CurrentResult.DoesNotExist:
        return None


def _holds(synthesis: Synthesis, current: CurrentResult | None, data: ApprovedData) -> bool:
    """Whether the shown result is what would be computed now."""
    if current is None or current.snapshot.digest != data.digest or current.result.engine != ENGINE:
        return False
    try:
        return current.result.specification == synthesis.specification().digest()
    except InvalidFilters:
        return True  # it failed for that reason, and would again


def _at_work(request: RecomputeRequest) -> bool:
    """Somebody computes it, or will in a moment."""
    if request.is_met or request.given_up:
        return False
    waiting = timezone.now() - request.wanted_at if request.wanted_at else PATIENCE
    return request.is_held or (request.failures == 0 and waiting < PATIENCE)
