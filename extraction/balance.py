"""Who gets which free slot: evenly, nobody twice in a trial, pairs mixed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Free:
    """A trial with free slots: who holds the others, and who may not take one."""

    trial: int
    slots: Sequence[str]
    holders: frozenset[int] = frozenset()
    barred: frozenset[int] = field(default=frozenset())


def balanced(trials: Iterable[Free], load: Mapping[int, int]) -> list[tuple[int, str, int]]:
    """(trial, slot, person) for every free slot that somebody may take.

    `load` is how many slots each available person holds already. The next slot goes to whoever holds fewest; of
    equals, to whoever worked least with the trial's other extractor. The same input gives the same answer.
    """
    held, together = Counter(dict(load)), Counter[frozenset[int]]()
    given: list[tuple[int, str, int]] = []
    for trial in trials:
        inside = set(trial.holders)
        for slot in trial.slots:
            able = [person for person in load if person not in inside and person not in trial.barred]
            if not able:
                continue
            partners = tuple(inside)

            def cost(person: int, partners: tuple[int, ...] = partners) -> tuple[int, int, int]:
                return held[person], sum(together[frozenset((person, other))] for other in partners), person

            chosen = min(able, key=cost)
            for other in partners:
                together[frozenset((chosen, other))] += 1
            held[chosen] += 1
            inside.add(chosen)
            given.append((trial.trial, slot, chosen))
    return given
