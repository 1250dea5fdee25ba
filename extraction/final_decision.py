"""What a person decided on one difference, as `extraction.final` takes it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from extraction.record import CentreKind, Quantity, Side, Spread, Status


class Choice(StrEnum):
    A = "A"
    B = "B"
    OTHER = "other"
    NOT_REPORTED = "NR"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided on one difference. The values are those of "other", as they would stand in FINAL."""

    choice: Choice
    n: Quantity | None = None
    centre_kind: CentreKind | None = None
    centre: Quantity | None = None
    spread: Spread | None = None
    text: str | None = None  # of a field that is no number of an observation


SIDE = {Choice.A: Side.A, Choice.B: Side.B}
UNREPORTED = Decision(
    Choice.NOT_REPORTED,
    n=Quantity(Status.NOT_REPORTED),
    centre_kind=CentreKind.NONE,
    centre=Quantity(Status.NOT_REPORTED),
    spread=Spread(status=Status.NOT_REPORTED),
)
