"""Numbers of people that do not fit each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from extraction.checks.look import Checking, Finding, resting
from extraction.record import Phase, Subject

TOTAL: Final = frozenset({"n_randomised", "n_total", "sample_size"})  # codes of a trial's own total


def people(look: Checking) -> Iterator[Finding]:
    limit = look.limits.limit
    for cell in look.cells:
        n, randomised = cell.n, cell.arm.n_randomised.value
        if n is None:
            continue
        if randomised is not None and n > randomised:
            found = look.at(cell, "n_above_randomised", "n", f"n {n:g} is above the {randomised:g} randomised.")
            yield resting(found, cell.arm.n_randomised.printed)
        elif randomised is not None and n < randomised * (1 - limit("n_attrition", "share_lost_above")):
            message = f"n {n:g} of {randomised:g} randomised: more than half are lost. A subgroup?"
            yield resting(look.at(cell, "n_attrition", "n", message), cell.arm.n_randomised.printed)
        if n < limit("n_small", "below"):
            yield look.at(cell, "n_small", "n", f"n {n:g} is very small. A subgroup, or a slip?")
        if n > limit("n_large", "above"):
            yield look.at(cell, "n_large", "n", f"n {n:g} is very large. Samples counted instead of people?")
    for row in look.rows:
        first = row[0]
        for later in row[1:]:
            if first.time.phase is Phase.BASELINE and first.n and later.n and later.n > first.n:
                yield look.at(later, "n_grows", "n", f"n {later.n:g} is above the {first.n:g} at baseline.", first)


def arms(look: Checking) -> Iterator[Finding]:
    totals = [one for one in look.entry.characteristics if one.moderator in TOTAL and one.value is not None]
    said = [arm.n_randomised.value for arm in look.entry.arms]
    known = [n for n in said if n is not None]
    for total in totals:
        if not total.arm and known and len(known) == len(said) and total.value is not None:
            off = abs(sum(known) - total.value)
            if off > look.limits.limit("arms_sum", "tolerance"):
                message = f"The arms add up to {sum(known):g}, the trial to {total.value:g}."
                texts = (total.printed, *(arm.n_randomised.printed for arm in look.entry.arms))
                severity = look.limits.severity("arms_sum")
                yield Finding("arms_sum", severity, Subject.CHARACTERISTIC, total.key, "value", message, texts)
