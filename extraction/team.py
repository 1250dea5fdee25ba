"""What the people of a review can have of "four eyes", and what they cannot: said in set-up, before it stops a trial.

Whoever extracts a trial never decides or approves it: that always holds. That the approver decided nothing in the trial
is a setting. Pure: who extracts and who decides in, sentences out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import combinations

MOST_NAMED = 3


def limits(
    extractors: Mapping[int, str], deciders: Mapping[int, str], *, approver_is_not_adjudicator: bool
) -> list[str]:
    """What these people (key and name; deciders are adjudicators and leads) cannot have, in sentences.

    Looked at are the pairs of extractors that may hold slots A and B of a trial, and who is left for it.
    """
    if len(extractors) < 2:
        have = "one extractor" if extractors else "no extractor"
        return [f"With {have} no trial can be entered twice: two people with the role extractor are needed."]
    left = {pair: deciders.keys() - set(pair) for pair in combinations(extractors, 2)}
    nobody = [pair for pair, people in left.items() if not people]
    one = [pair for pair, people in left.items() if len(people) == 1]
    said = []
    if len(nobody) == len(left):
        said.append(
            "Nobody is left to decide and approve: whoever extracts a trial never does. "
            "A third person with the role adjudicator or lead is needed."
        )
    elif nobody:
        said.append(
            f"Trials of {_named(nobody, extractors)} have nobody to decide and approve them. Assign other pairs, "
            "or make somebody else an adjudicator or a lead."
        )
    if one and approver_is_not_adjudicator:
        said.append(
            f"Trials of {_named(one, extractors)} leave one person, who decides. Since the approver must have decided "
            "nothing, nobody can approve such a trial once something in it was decided: turn that setting off, or "
            "add a person."
        )
    elif one:
        whose = "With so few people" if len(one) == len(left) else f"In trials of {_named(one, extractors)}"
        said.append(f"{whose} the one who decides also approves: two more eyes at approval cannot be had.")
    return said


def _named(pairs: Collection[tuple[int, int]], names: Mapping[int, str]) -> str:
    shown = [f"{names[a]} and {names[b]}" for a, b in list(pairs)[:MOST_NAMED]]
    more = len(pairs) - len(shown)
    return ", ".join(shown) + (f" and {more} more pairs" if more else "")
