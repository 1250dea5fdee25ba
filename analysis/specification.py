"""What is computed, as plain values with a digest: a changed option is a changed digest, hence a new result.

`EffectSpecification` says how effects are made of an approved entry, `Specification` which of them are
pooled and how. Filters name things by their codes in the review's vocabulary, so that a set-up can go to
another one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any, Self

from django.db.models import TextChoices

# Part of every key: results of another engine are computed again, never mixed with these. Sums differ in the
# last digits between releases of numpy and scipy, so these belong to it.
ENGINE = f"1 numpy {version('numpy')} scipy {version('scipy')}"


class Measure(TextChoices):
    CHANGE_G = "change_g", "Hedges g of change scores"
    POST_G = "post_g", "Hedges g of scores after treatment"
    PPC_G = "ppc_g", "Pretest-posttest-control g"


class Model(TextChoices):
    RVE = "rve", "Robust variance estimation, correlated effects, small-sample corrected"
    REML = "reml", "Random effects, REML with Knapp and Hartung"


class Window(TextChoices):
    POST_ANY = "post_any", "Every measurement from the end of treatment on"
    FIRST_POST = "first_post", "The first measurement after treatment"
    FOLLOW_UP = "follow_up", "26 weeks or more after the end of treatment"


def digest_of(value: Any) -> str:
    """SHA-256 of a value in canonical JSON; floats as their shortest text that reads back the same."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


class InvalidFilters(ValueError):
    """A filter that does not have the stated form; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which effects a synthesis takes: those that fit every named list. An empty list lets all through.

    `levels` is by moderator: the trial (or its intervention arm) has one of these levels.
    """

    interventions: tuple[str, ...] = ()
    outcome_classes: tuple[str, ...] = ()
    markers: tuple[str, ...] = ()
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read and check; an unknown name is refused, so that a typing mistake never widens a synthesis."""
        if not isinstance(value, dict):
            raise InvalidFilters("Filters are an object of lists of codes.")
        if unknown := sorted(set(value) - {"interventions", "outcome_classes", "markers", "levels"}):
            raise InvalidFilters(f"There is no filter “{unknown[0]}”.")
        levels = value.get("levels", {})
        if not isinstance(levels, dict):
            raise InvalidFilters("“levels” is an object: moderator, then its levels.")
        return cls(
            interventions=_codes(value.get("interventions", []), "interventions"),
            outcome_classes=_codes(value.get("outcome_classes", []), "outcome_classes"),
            markers=_codes(value.get("markers", []), "markers"),
            levels={moderator: _codes(codes, moderator) for moderator, codes in sorted(levels.items())},
        )

    def as_json(self) -> dict[str, Any]:
        said = {
            "interventions": list(self.interventions),
            "outcome_classes": list(self.outcome_classes),
            "markers": list(self.markers),
            "levels": {moderator: list(codes) for moderator, codes in self.levels.items()},
        }
        return {name: codes for name, codes in said.items() if codes}


def _codes(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(code, str) and code for code in value):
        raise InvalidFilters(f"“{name}” is a list of codes.")
    return tuple(sorted(set(value)))


@dataclass(frozen=True, slots=True)
class EffectSpecification:
    """How effects are made of an entry.

    `directions` gives the sign of benefit of each marker: +1 higher is better, -1 lower, 0 not set.
    `imputed_r` stands in for a pre-post correlation that a report neither gives nor implies.
    """

    measure: str
    imputed_r: float
    directions: Mapping[str, int]

    def digest(self) -> str:
        return digest_of({"engine": ENGINE, **asdict(self)})


@dataclass(frozen=True, slots=True)
class Specification:
    """What a synthesis pools and how. `level` is a fraction, 0.95; `rho` matters to RVE alone."""

    measure: str = Measure.CHANGE_G
    model: str = Model.RVE
    rho: float = 0.8
    imputed_r: float = 0.5
    level: float = 0.95
    window: str = Window.POST_ANY
    filters: Filters = Filters()
    moderator: str = ""  # code; "" is no meta-regression

    def digest(self) -> str:
        return digest_of({**asdict(self), "filters": self.filters.as_json()})

    def effects(self, directions: Mapping[str, int]) -> EffectSpecification:
        return EffectSpecification(self.measure, self.imputed_r, directions)


def inputs_digest(columns: Sequence[Sequence[Any]]) -> str:
    """Digest of the effects that enter a pooling, column by column in their order."""
    return digest_of([list(column) for column in columns])
