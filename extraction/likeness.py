"""How alike two arms, timepoints or outcomes are, and whether they are surely the same, judged by the rows alone.

The score (0 to 1) only orders proposals for a person. `sure` is the rule that counts: everything that tells one
arm from another says the same. `extraction.align` adds what needs the other rows.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import lru_cache

from extraction.record import Arm, Condition, Outcome, Phase, Quantity, Role, Scale, Timepoint
from extraction.units import Exact, UnitTable

COMPARATOR_TAILS = (" group", " arm", " condition", " controls", " control")
TOLERANCE_WEEKS, TOLERANCE_SHARE, TOLERANCE_MOST = 1.0, 0.05, 2.0


@dataclass(frozen=True, slots=True)
class Likeness:
    score: float  # 0: cannot be the same
    sure: bool
    reason: str


IMPOSSIBLE = 0.0


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the review knows of names: synonyms by code, and outcome labels that may mean several markers."""

    interventions: Mapping[str, Collection[str]] = field(default_factory=dict)
    markers: Mapping[str, Collection[str]] = field(default_factory=dict)
    ambiguous: Collection[str] = ()

    def is_ambiguous(self, label: str) -> bool:
        return fold(label) in {fold(known) for known in self.ambiguous}


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """A label without its accidents: composed, caseless, single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def arm_label(arm: Arm) -> str:
    """The folded label; "Waitlist group" is "waitlist", but "CBT group" may be another arm than "CBT"."""
    label = fold(arm.label)
    tail = next((tail for tail in COMPARATOR_TAILS if label.endswith(tail)), "")
    return label.removesuffix(tail) if arm.role is Role.CONTROL else label


def arms(a: Arm, b: Arm, vocabulary: Vocabulary, once: Collection[str]) -> Likeness:
    """`once` holds the intervention codes that each side uses exactly once."""
    code = _given(a.intervention, b.intervention)
    kind = _given(a.control_kind, b.control_kind) if a.role is b.role is Role.CONTROL else None
    same_label = arm_label(a) == arm_label(b)
    synonyms = vocabulary.interventions.get(a.intervention, ()) if a.intervention in once else ()
    known = {fold(synonym) for synonym in synonyms}
    named_alike = same_label or {fold(a.label), fold(b.label)} <= known
    n = _counts(a.n_randomised, b.n_randomised)
    score = _mean(
        (0.35, 1.0 if named_alike else _similar(arm_label(a), arm_label(b))),
        (0.25, _least(code, kind)),
        (0.15, float(a.role is b.role)),
        (0.10, n),
    )
    same_words = unicodedata.normalize("NFC", a.label).split() == unicodedata.normalize("NFC", b.label).split()
    sure = (
        named_alike
        and a.role is b.role
        and fold(a.intervention) == fold(b.intervention)
        and fold(a.control_kind) == fold(b.control_kind)
        and fold(a.stratum) == fold(b.stratum)
        and (same_words or n == 1 or a.n_randomised.value is b.n_randomised.value is None)
    )
    return Likeness(
        score,
        sure,
        _words(
            {
                "label": 1.0 if same_label else float(named_alike),
                "role": float(a.role is b.role),
                "intervention": code,
                "kind of control": kind,
                "n": n,
            }
        ),
    )


def tolerance(weeks: float) -> float:
    """How far two times may lie apart and still be one: 1 week or 5 %, whichever is more, at most 2 weeks."""
    return min(max(TOLERANCE_WEEKS, TOLERANCE_SHARE * abs(weeks)), TOLERANCE_MOST)


def nearness(a: Timepoint, b: Timepoint) -> float | None:
    """1 for one time, 0.5 to 0.7 within the tolerance, 0 beyond; None where a time is not given.

    A baseline without a time is week 0.
    """
    weeks_a, weeks_b = (0.0 if row.weeks is None and row.phase is Phase.BASELINE else row.weeks for row in (a, b))
    if weeks_a is None or weeks_b is None:
        return None
    apart = abs(weeks_a - weeks_b) / tolerance(max(abs(weeks_a), abs(weeks_b)))
    if apart == 0:
        return 1.0
    return 0.7 - 0.2 * apart if apart <= 1 else 0.0


def timepoints(a: Timepoint, b: Timepoint, order: float) -> Likeness:
    """`order` is 1 where both stand at the same place among their side's times, down to 0.

    It counts only where a time is not given.
    """
    time, same_phase = nearness(a, b), a.phase is b.phase
    baselines = a.phase is b.phase is Phase.BASELINE  # an entry has one, so they belong together
    if time == 0 and not baselines:
        return Likeness(IMPOSSIBLE, sure=False, reason="The times differ.")
    printed = bool(fold(a.printed)) and fold(a.printed) == fold(b.printed)
    score = _mean(
        (0.50, max(time, 0.5) if time is not None and baselines else time),
        (0.25, float(same_phase)),
        (0.10, _similar(fold(a.printed), fold(b.printed))),
        (0.25, order if time is None else None),
    )
    neither = a.weeks is b.weeks is None
    sure = same_phase and (bool(time) or (time is None and neither and printed))
    reason = _words({"time": None if time is None else float(time > 0), "phase": float(same_phase)})
    if time is None:
        reason = f"{reason[:-1]}; {'neither side' if neither else 'one side'} gives no time."
    return Likeness(score, sure, reason)


def outcomes(a: Outcome, b: Outcome, units: UnitTable, vocabulary: Vocabulary) -> Likeness:
    """Another marker, scale, condition, stimulus or dose is another outcome; another unit is not."""
    apart = [
        name
        for name, differ in {
            "marker": a.marker and b.marker and fold(a.marker) != fold(b.marker),
            "scale": a.scale is not b.scale or _differ(a.scale_base, b.scale_base),
            "condition": a.condition is not b.condition and Condition.UNSAID not in {a.condition, b.condition},
            "stimulus": _differ(a.stimulus, b.stimulus),
            "dose": _differ(a.dose, b.dose),
        }.items()
        if differ
    ]
    if apart:
        return Likeness(IMPOSSIBLE, sure=False, reason=f"Another {' and '.join(apart)}.")
    named = _named(a, b, vocabulary)
    unit = _unit(a.unit, b.unit, a.marker, units)
    specimen, assay = _given(a.specimen, b.specimen), _given(a.assay, b.assay)
    detail = _least(_given(a.condition, b.condition), _given(a.stimulus, b.stimulus), _given(a.dose, b.dose))
    score = _mean((0.40, named), (0.15, specimen), (0.13, assay), (0.25, detail), (0.07, unit))
    ambiguous = vocabulary.is_ambiguous(a.name) or vocabulary.is_ambiguous(b.name)
    given = all((a.marker, a.specimen, a.condition, a.unit, b.unit))
    sure = outcome_key(a) == outcome_key(b) and unit != 0 and (given or not ambiguous)
    words = {"marker or name": named, "specimen": specimen, "assay": assay, "detail": detail, "unit": unit}
    return Likeness(score, sure, _words(words))


def outcome_key(outcome: Outcome) -> tuple[str, ...]:
    """What makes an outcome, apart from its unit."""
    texts = (
        f"={outcome.marker}" if outcome.marker else outcome.name,
        outcome.specimen,
        outcome.assay,
        outcome.condition.value,
        outcome.stimulus,
        outcome.dose,
        outcome.scale.value,
        outcome.scale_base if outcome.scale is Scale.LOG else "",
        outcome.scale_offset if outcome.scale is Scale.LOG else "",
    )
    return tuple(fold(text) for text in texts)


def _named(a: Outcome, b: Outcome, vocabulary: Vocabulary) -> float:
    """1 for one marker; else how alike the names are, where a marker's synonyms count as its name."""
    if a.marker and b.marker:
        return 1.0
    names = [{fold(row.name), *map(fold, vocabulary.markers.get(row.marker, ()))} for row in (a, b)]
    synonyms = [set(map(fold, known)) for known in vocabulary.markers.values()]
    if any(names[0] & known and names[1] & known for known in synonyms):
        return 1.0
    return max(_similar(x, y) or 0.0 for x in names[0] for y in names[1])


def _unit(a: str, b: str, marker: str, units: UnitTable) -> float | None:
    """1 where an exact factor joins two units, 0 where none does, None where one is not given."""
    if not (a.strip() and b.strip()):
        return None
    return float(isinstance(units.factor(a, b, marker), Exact))


def _differ(a: str, b: str) -> bool:
    return bool(fold(a) and fold(b)) and fold(a) != fold(b)


def _given(a: str, b: str) -> float | None:
    """1 for one code, 0 for two, half where one side gives none, None where neither does."""
    if not (fold(a) or fold(b)):
        return None
    return 0.5 if not (fold(a) and fold(b)) else float(fold(a) == fold(b))


def _counts(a: Quantity, b: Quantity) -> float | None:
    return None if a.value is None or b.value is None else float(a.value == b.value)


def _least(*parts: float | None) -> float | None:
    return min((part for part in parts if part is not None), default=None)


def _similar(a: str, b: str) -> float | None:
    return SequenceMatcher(None, a, b).ratio() if a and b else None


def _mean(*parts: tuple[float, float | None]) -> float:
    """Weighted mean of what is known."""
    known = [(weight, value) for weight, value in parts if value is not None]
    return sum(weight * value for weight, value in known) / sum(weight for weight, _ in known) if known else 0.0


def _words(parts: Mapping[str, float | None]) -> str:
    """What agrees and what does not, in a sentence."""
    same = [name for name, value in parts.items() if value == 1]
    apart = [name for name, value in parts.items() if value is not None and value < 1]
    said = [f"same {_listing(same)}"] if same else []
    said += [f"{_listing(apart)} {'differs' if len(apart) == 1 else 'differ'}"] if apart else []
    sentence = "; ".join(said) or "nothing tells them apart or together"
    return f"{sentence[0].upper()}{sentence[1:]}."


def _listing(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
