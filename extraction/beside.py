"""What analysis makes of one cell, shown beside it while it is typed.

Extraction knows nothing of analysis. `analysis` gives its function when it starts, and the words here are those of the
derivation ledger; without it nothing is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from extraction.record import Arm, Observation


@dataclass(frozen=True, slots=True)
class Beside:
    """`text` stands under the cell: "SD 2.1"; `formula` says how, with what was supposed."""

    text: str = ""
    formula: str = ""


Derive = Callable[[Observation, Arm], Beside]
_derive: list[Derive] = []


def derives(function: Derive) -> None:
    """Name the function that derives; the last one named counts."""
    _derive[:] = [function]


def beside(observation: Observation, arm: Arm) -> Beside:
    return _derive[0](observation, arm) if _derive else Beside()
