"""How often the diagnosis names a planted error, leaves an honest difference alone, and proposes the right side."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from extraction.compare import differences
from extraction.explain import explain
from extraction.record import Diagnosis, Difference, Entry, Side, Verdict
from tests.extraction.entries import by_key
from tests.extraction.planted import PLANTERS, honest
from tests.extraction.trials_at_random import a_trial, limits, units


@dataclass
class Tally:
    """Of one kind: how many differences, how many with the right cause, whose side was proposed."""

    drawn: int = 0
    right: int = 0
    side_right: int = 0
    side_wrong: int = 0
    took_for: Counter[str] = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.right / self.drawn if self.drawn else 0.0


def found_in(a: Entry, b: Entry) -> list[tuple[Difference, Diagnosis | None]]:
    matches = by_key(a, b)
    found = differences(a, b, matches, units())
    return list(zip(found, explain(a, b, matches, found, units(), limits()), strict=True))


def measure(kind: str, draws: int, seed: int = 1) -> Tally:
    """Plant one error of a kind in A or in B of a trial drawn at random, again and again."""
    chance, tally, planter = random.Random(f"{kind}:{seed}"), Tally(), PLANTERS[kind]
    trials = 0
    while trials < draws:
        whole = a_trial(chance)
        made = planter(chance, whole)
        if made is None:
            continue
        in_b = chance.random() < 0.5
        a, b = (whole, made.entry) if in_b else (made.entry, whole)
        good = Side.A if in_b else Side.B
        code = f"only_{good.lower()}" if made.code == "only" else made.code
        shown = [
            (one, said)
            for one, said in found_in(a, b)
            if (one.a or one.b, one.field) in made.at and one.verdict in {Verdict.DIFFERENT, Verdict.ONE_MISSING}
        ]
        trials += bool(shown)  # an error that leaves the numbers equal as printed cannot be seen
        for one, said in shown:
            tally.drawn += 1
            named = said.code if said else "nothing"
            if named == code:
                tally.right += 1
            else:
                tally.took_for[named] += 1
                tally.misses.append(f"{one.field}: {one.a_says} | {one.b_says}: {named}")
            if said is not None and said.suggests is not None:
                tally.side_right += said.suggests is good
                tally.side_wrong += said.suggests is not good
                if said.suggests is not good:
                    tally.misses.append(f"side: {one.field}: {one.a_says} | {one.b_says}: {said}, good {good}")
    return tally


def measure_honest(draws: int, seed: int = 1) -> Tally:
    """Honest differences; `right` are those that get no cause."""
    chance, tally = random.Random(f"honest:{seed}"), Tally()
    while tally.drawn < draws:
        whole = a_trial(chance)
        for one, said in found_in(whole, honest(chance, whole)):
            if one.verdict is Verdict.DIFFERENT:
                tally.drawn += 1
                tally.right += said is None
                if said is not None:
                    tally.took_for[said.code] += 1
                    tally.misses.append(f"{one.field}: {one.a_says} | {one.b_says}: {said}")
    return tally
