"""Units: one spelling for each, and exact factors between them.

A table row says: value in `unit` × factor = value in `to_unit`, for every marker or for the one it names.
Factors are fractions, never floats, so that pg/mL and ng/L are the same to the last digit. A row that is not
`auto_equivalent` (units per mass of a marker, for instance) gives a factor to show, never one to accept by.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

LINEAR = "linear"

_FACTOR = re.compile(r"[0-9]+(?:/[0-9]+)?|[0-9]*\.[0-9]+|[0-9]+(?:\.[0-9]+)?[eE]-?[0-9]{1,2}")
_RAISED = {ord(raised): plain for raised, plain in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+", strict=True)}
_LOWERED = {ord(lowered): plain for lowered, plain in zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True)}
_ALIKE = str.maketrans({"\N{GREEK SMALL LETTER MU}": "µ", "\N{MINUS SIGN}": "-", "×": "x", "*": "^"})
_PREFIXED_MICRO = re.compile(r"(?<![A-Za-zµ])(?:u|mc)(?=(?:g|[lL]|mol|M|IU|U|m)(?![A-Za-z]))")
_LITRE = re.compile(r"(?<![A-Za-zµ])([dcmµnpfk]?)l(?![A-Za-z])")
_NEGATIVE_POWER = re.compile(r"[ ·⋅.]?([A-Za-zµ%]+)\^?-1(?![0-9])")


class UnitError(ValueError):
    """A row of the table that says nothing usable."""


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One row of a unit table; `factor` is "1/18", "0.0555" or empty where no conversion exists."""

    unit: str
    to_unit: str
    factor: str
    marker: str = ""
    transform: str = LINEAR  # of the unit: log10, log2
    auto_equivalent: bool = True
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exact:
    """value in the first unit × factor = value in the second, by definition."""

    factor: Fraction


@dataclass(frozen=True, slots=True)
class Inexact:
    """value in the first unit × factor ≈ value in the second: a hint for a person."""

    factor: Fraction


Conversion = Exact | Inexact
SAME = Exact(Fraction(1))

_Edges = Mapping[str, Mapping[str, Conversion]]


def parse_factor(text: str) -> Fraction:
    """A positive factor from "1/18", "0.0555" or "1e-6"; raise `UnitError` for anything else."""
    stripped = text.strip()
    if _FACTOR.fullmatch(stripped) and not re.search("/0*$", stripped) and (factor := Fraction(stripped)) > 0:
        return factor
    raise UnitError(f"“{text}” is not a factor. Allowed is a positive number or fraction, such as 1000 or 1/18.")


def fold(unit: str) -> str:
    """One spelling of a unit, as far as that is safe without a table: "pg·ml⁻¹" → "pg/mL", "μl" → "µL".

    Case stays except for the litre, since M is not m. µ has several spellings, powers and "per" many forms,
    and white space beside a slash says nothing.
    """
    text = re.sub(r"(?<=[0-9])(?=[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺])", "^", unit)
    text = unicodedata.normalize("NFC", text.translate(_RAISED).translate(_LOWERED))
    text = text.translate(_ALIKE)
    text = " ".join(text.split())
    text = re.sub(r"\s*/\s*|\s+per\s+", "/", text)
    text = re.sub(r"(?<=[A-Za-z])\^(?=[0-9])", "", text)
    text = re.sub(r"^x\s*(?=10\^)", "", text)
    text = _PREFIXED_MICRO.sub("µ", text)
    text = _LITRE.sub(r"\1L", text)
    return _NEGATIVE_POWER.sub(r"/\1", text)


class UnitTable:
    """Conversions between units, all of them for one review.

    A spelling is looked up folded, then among the aliases, then in any case where only one unit has it so.
    """

    def __init__(self, rows: Iterable[UnitRow] = ()) -> None:
        self._rows = tuple(rows)
        self._names = _names(self._rows)
        self._any_case = _any_case(self._names)
        self._graphs: dict[str, _Edges] = {}

    @property
    def rows(self) -> tuple[UnitRow, ...]:
        return self._rows

    def name(self, unit: str) -> str:
        """The unit as the table calls it; folded where the table does not know it."""
        folded = fold(unit)
        return self._names.get(folded) or self._any_case.get(folded.casefold()) or folded

    def factor(self, unit_a: str, unit_b: str, marker: str = "") -> Conversion | None:
        """From `unit_a` to `unit_b` for a marker; None where nothing joins them.

        A chain of exact rows is exact. A chain with an inexact row is tried only where no exact one exists.
        """
        start, end = self.name(unit_a), self.name(unit_b)
        if start == end:
            return SAME
        edges = self._edges(marker)
        exact = _reachable(start, edges, exact_only=True).get(end)
        if exact is not None:
            return Exact(exact)
        inexact = _reachable(start, edges, exact_only=False).get(end)
        return None if inexact is None else Inexact(inexact)

    def factors(self, unit: str, marker: str = "") -> Collection[Fraction]:
        """Every factor, exact or not, by which a value changes when its unit is taken for another one."""
        reached = _reachable(self.name(unit), self._edges(marker), exact_only=False)
        return frozenset(reached.values()) - {Fraction(1)}

    def _edges(self, marker: str) -> _Edges:
        if marker not in self._graphs:
            self._graphs[marker] = self._graph(marker)
        return self._graphs[marker]

    def _graph(self, marker: str) -> _Edges:
        """What is joined to what for a marker: its own rows win over those for all markers."""
        edges: dict[str, dict[str, Conversion]] = {}
        for row in sorted(self._rows, key=lambda row: bool(row.marker)):
            if row.marker in {"", marker} and row.factor.strip() and _is_linear(row):
                unit, to_unit, factor = self.name(row.unit), self.name(row.to_unit), parse_factor(row.factor)
                kind = Exact if row.auto_equivalent else Inexact
                if unit != to_unit:
                    edges.setdefault(unit, {})[to_unit] = kind(factor)
                    edges.setdefault(to_unit, {})[unit] = kind(1 / factor)
        return edges


def _is_linear(row: UnitRow) -> bool:
    """A logarithm has no factor to what it is the logarithm of, whatever its row says."""
    return row.transform == LINEAR and fold(row.unit).startswith("log") == fold(row.to_unit).startswith("log")


def _names(rows: Iterable[UnitRow]) -> dict[str, str]:
    """Folded spelling → unit of the table.

    Names for all markers come first, then aliases (one that two units share is of neither), then names that
    only a row for one marker has.
    """
    rows = tuple(rows)
    names = {fold(unit): fold(unit) for row in rows if not row.marker for unit in (row.unit, row.to_unit)}
    special = {fold(unit): fold(unit) for row in rows for unit in (row.unit, row.to_unit)}
    aliases: dict[str, set[str]] = {}
    for row in rows:
        for alias in row.aliases:
            aliases.setdefault(fold(alias), set()).add(fold(row.unit))
    return special | {alias: min(units) for alias, units in aliases.items() if len(units) == 1} | names


def _any_case(names: Mapping[str, str]) -> dict[str, str]:
    units: dict[str, set[str]] = {}
    for spelling, unit in names.items():
        units.setdefault(spelling.casefold(), set()).add(unit)
    return {spelling: min(found) for spelling, found in units.items() if len(found) == 1}


def _reachable(start: str, edges: _Edges, *, exact_only: bool) -> dict[str, Fraction]:
    """Unit → factor from `start`, over the fewest rows."""
    reached = {start: Fraction(1)}
    waiting = deque([start])
    while waiting:
        unit = waiting.popleft()
        for neighbour, conversion in edges.get(unit, {}).items():
            if neighbour not in reached and not (exact_only and isinstance(conversion, Inexact)):
                reached[neighbour] = reached[unit] * conversion.factor
                waiting.append(neighbour)
    return reached
