"""Pairs of structures made by rules from a few trials: relabelled, reordered, merged, extra, swapped, other times.

Each variant knows its right matching by construction. Of all matches at least 95 in 100 are proposed rightly, and no
wrong one confirms itself.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest

from extraction.align import propose
from extraction.record import Subject
from tests.extraction.test_align_cases import LEVELS, TABLE, WORDS, of_case

Side = dict[str, Any]
Truth = dict[str, set[tuple[frozenset[str], frozenset[str]]]]  # by level: rows of A, rows of B


def arm(label: str, n: int | None, code: str | None = None, kind: str | None = None) -> dict[str, Any]:
    return {"label": label, "n_randomised": n, "intervention": code, "control_kind": kind, "description": ""}


def time(label: str, value: float | None, *, unit: str = "week", baseline: bool = False) -> dict[str, Any]:
    return {"label": label, "value": value, "unit": unit, "is_baseline": baseline or None, "anchor": "randomisation"}


def outcome(label: str, marker: str, unit: str, condition: str = "basal", detail: str = "") -> dict[str, Any]:
    return {
        "label": label, "marker": marker, "unit": unit, "specimen": "serum", "condition": condition, "scale": "raw",
        "detail": detail,
    }  # fmt: skip


TRIALS: dict[str, Side] = {
    "two arms": {
        "arms": [arm("CBT", 31, "cbt"), arm("Waitlist", 29, None, "waitlist")],
        "timepoints": [time("Baseline", 0, baseline=True), time("Post", 8)],
        "outcomes": [outcome("IL-6", "il6", "pg/mL"), outcome("CRP", "crp", "mg/L")],
    },
    "three arms": {
        "arms": [arm("CBT", 24, "cbt"), arm("Psychoeducation", 26, "psychoeducation"), arm("TAU", 25, None, "tau")],
        "timepoints": [time("Pre", 0, baseline=True), time("Post", 12), time("6-month follow-up", 26)],
        "outcomes": [
            outcome("TNF-α", "tnf_a", "pg/mL"),
            outcome("IL-6", "il6", "pg/mL"),
            outcome("CRP", "crp", "mg/L"),
        ],
    },
    "one code twice": {
        "arms": [arm("Group CBT", 18, "cbt"), arm("Individual CBT", 21, "cbt"), arm("Waitlist", 40, None, "waitlist")],
        "timepoints": [time("Baseline", 0, baseline=True), time("Post", 10), time("Follow-up", 36)],
        "outcomes": [outcome("IFN-γ", "ifn_g", "pg/mL"), outcome("IL-10", "il10", "pg/mL")],
    },
}


def with_ids(side: Side, letter: str) -> Side:
    """Ids as the cases have them, and the numbers inside: own ones for every cell."""
    for level in LEVELS:
        for place, row in enumerate(side[level], start=1):
            row["id"] = f"{letter}{place}"
    return side


def cells(side: Side, values: dict[tuple[int, int, int], str]) -> None:
    """`values` by the source rows that a row came from."""
    side["cells"] = []
    for i, x in enumerate(side["arms"]):
        for j, y in enumerate(side["timepoints"]):
            for k, z in enumerate(side["outcomes"]):
                place = (x.get("of", i), y.get("of", j), z.get("of", k))
                if place in values:
                    side["cells"].append(
                        {"arm": x["id"], "timepoint": y["id"], "outcome": z["id"], "n": x["n_randomised"],
                         "centre": values[place], "spread": "1.3"}
                    )  # fmt: skip


SYNONYMS = {
    "CBT": "Cognitive behavioural therapy", "Waitlist": "Wait-list control", "TAU": "Treatment as usual",
    "IL-6": "Interleukin-6", "CRP": "C-reactive protein", "TNF-α": "TNF-alpha", "IFN-γ": "Interferon gamma",
    "IL-10": "Interleukin-10", "Group CBT": "CBT in groups", "Individual CBT": "CBT, individual",
    "Psychoeducation": "Education sessions", "Baseline": "T0", "Pre": "Before", "Post": "T1", "Follow-up": "T2",
    "6-month follow-up": "Follow-up",
}  # fmt: skip


def relabelled(side: Side, chance: random.Random) -> None:
    for level in LEVELS:
        for row in side[level]:
            row["label"] = SYNONYMS.get(row["label"], row["label"])


def reordered(side: Side, chance: random.Random) -> None:
    for level in LEVELS:
        chance.shuffle(side[level])


def in_days(side: Side, chance: random.Random) -> None:
    for row in side["timepoints"]:
        row["value"], row["unit"] = row["value"] * 7, "day"
        row["label"] = f"Day {row['value']}"


def nearly(side: Side, chance: random.Random) -> None:
    """Times within the tolerance: 8 weeks and 2 months, 26 weeks and 25."""
    for row in side["timepoints"]:
        if row["value"]:
            row["value"] -= 0.5


def extra(side: Side, chance: random.Random) -> None:
    side["arms"].append({**arm("Attention placebo", 33, None, "attention"), "of": 90})
    side["timepoints"].append({**time("One year", 52), "of": 90})
    side["outcomes"].append({**outcome("Cortisol", "", "nmol/L"), "of": 90})


def left_out(side: Side, chance: random.Random) -> None:
    side["timepoints"].pop()
    side["outcomes"].pop()


def merged(side: Side, chance: random.Random) -> None:
    """The first two arms of one code, or else none, become one."""
    codes = [row["intervention"] for row in side["arms"]]
    if codes[0] and codes[0] == codes[1]:
        first, second = side["arms"][:2]
        both = arm("CBT", first["n_randomised"] + second["n_randomised"], codes[0])
        side["arms"][:2] = [{**both, "of": (0, 1)}]


def swapped(side: Side, chance: random.Random) -> None:
    """Labels and codes of the first two arms exchanged, the numbers not: a person must say."""
    first, second = side["arms"][:2]
    if first["intervention"] and second["intervention"]:
        for name in ("label", "intervention"):
            first[name], second[name] = second[name], first[name]


def silent(side: Side, chance: random.Random) -> None:
    """No n is given."""
    for row in side["arms"]:
        row["n_randomised"] = None


CHANGES: dict[str, tuple[Callable[[Side, random.Random], None], ...]] = {
    "as it is": (),
    "relabelled": (relabelled,),
    "reordered": (reordered,),
    "in days": (in_days,),
    "nearly": (nearly,),
    "extra": (extra,),
    "left out": (left_out,),
    "merged": (merged,),
    "swapped": (swapped,),
    "silent": (silent,),
    "relabelled and reordered": (relabelled, reordered),
    "reordered in days": (in_days, reordered),
    "extra and reordered": (extra, reordered),
    "left out, relabelled": (left_out, relabelled),
    "merged and reordered": (merged, reordered),
    "merged, extra": (merged, extra),
    "swapped and reordered": (swapped, reordered),
    "silent, reordered": (silent, reordered),
    "relabelled, in days, extra": (relabelled, in_days, extra),
    "relabelled, nearly, left out, reordered": (relabelled, nearly, left_out, reordered),
}


def variants() -> Iterator[tuple[str, Side, Side, Truth]]:
    """3 trials × 20 changes × with and without numbers inside × changed in B or in A."""
    for seed, (trial, base) in enumerate(TRIALS.items()):
        for change, steps in CHANGES.items():
            for numbers in (True, False):
                if not numbers and swapped in steps:
                    continue  # nothing but the numbers tells that
                for turned in (False, True):
                    chance = random.Random(f"{seed} {change} {numbers}")
                    sides = deepcopy(base), deepcopy(base)
                    for side in sides:
                        for level in LEVELS:
                            for place, row in enumerate(side[level]):
                                row["of"] = place
                    for step in steps:
                        step(sides[1], chance)
                    plain, other = sides[::-1] if turned else sides
                    with_ids(plain, "a"), with_ids(other, "b")
                    truth = {level: _truth(plain[level], other[level]) for level in LEVELS}
                    values = {}
                    if numbers:
                        places = [(i, j, k) for i in range(3) for j in range(3) for k in range(3)]
                        values = {place: f"{chance.uniform(1, 30):.2f}" for place in places}
                    for side in (plain, other):
                        cells(side, values)
                    name = f"{trial}: {change}{'' if numbers else ', no numbers'}{', turned' if turned else ''}"
                    yield name, plain, other, truth


def _truth(rows_a: list[Any], rows_b: list[Any]) -> set[tuple[frozenset[str], frozenset[str]]]:
    def sources(row: Any) -> set[int]:
        return set(row["of"]) if isinstance(row["of"], tuple) else {row["of"]}

    found = set()
    for one in rows_a:
        partners = [other for other in rows_b if sources(one) & sources(other)]
        fellows = [row for row in rows_a if any(sources(row) & sources(other) for other in partners)] or [one]
        found.add((frozenset(row["id"] for row in fellows), frozenset(row["id"] for row in partners)))
    taken = {key for _, b in found for key in b}
    return found | {(frozenset(), frozenset({row["id"]})) for row in rows_b if row["id"] not in taken}


VARIANTS = list(variants())


def judged(a: Side, b: Side, truth: Truth) -> tuple[list[str], list[str], int]:
    """Right matches that were not proposed, wrong ones that confirmed themselves, and how many right ones there are."""
    missed, confirmed = [], []
    for level, subject in LEVELS.items():
        found = [match for match in propose(of_case(a), of_case(b), TABLE, WORDS) if match.subject is subject]
        got = {(frozenset(match.a), frozenset(match.b)): match for match in found}
        missed += [f"{level}: {sorted(x)} is {sorted(y)}" for x, y in truth[level] - got.keys()]
        confirmed += [
            f"{level}: {match.a} is {match.b}"
            for pair, match in got.items()
            if match.exact and pair not in truth[level]
        ]
    return missed, confirmed, sum(len(rows) for rows in truth.values())


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant[0])
def test_no_wrong_match_confirms_itself(variant: tuple[str, Side, Side, Truth]) -> None:
    _, a, b, truth = variant
    assert judged(a, b, truth)[1] == []


def test_of_the_right_matches_95_in_100_are_proposed() -> None:
    results = [(name, judged(a, b, truth)) for name, a, b, truth in VARIANTS]
    total = sum(count for _, (_, _, count) in results)
    missed = [f"{name}: {one}" for name, (lost, _, _) in results for one in lost]
    assert len(VARIANTS) >= 60
    assert len(missed) <= 0.05 * total, "\n".join([f"{len(missed)} of {total}", *missed])


@pytest.mark.parametrize("variant", [one for one in VARIANTS if "swapped" in one[0] and "three" in one[0]])
def test_arms_that_were_swapped_wait_for_a_person(variant: tuple[str, Side, Side, Truth]) -> None:
    _, a, b, _ = variant
    found = [match for match in propose(of_case(a), of_case(b), TABLE, WORDS) if match.subject is Subject.ARM]
    treated = [
        match for match in found if match.a and match.a[0] in {row["id"] for row in a["arms"] if row["intervention"]}
    ]
    assert treated
    assert not any(match.exact for match in treated)
    assert all("swapped?" in match.reason for match in treated)
