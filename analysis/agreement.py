"""How far the two entries of each trial agreed before anybody reconciled them.

Counted are the first submitted versions, read through `visible_to`: a trial counts for a person who may read both of
its entries, so nothing of a trial that is still entered, and nothing of one that the person extracts blind, is in their
report. Trials for training stay out, and so do trials whose rows nobody has matched yet.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.core.cache import cache

from analysis.effects import EffectRow, effects_of_each
from analysis.entered_twice import EnteredTwice, causes_of, pairs_of
from analysis.models import Synthesis
from analysis.snapshot import approved_data
from analysis.specification import ENGINE, EffectSpecification, InvalidFilters, digest_of
from analysis.stats.agreement import cohen_kappa, gwet_ac1, intraclass_correlations
from analysis.stats.errors import StatsError
from extraction.access import Viewer
from extraction.models import Intervention, Marker, Moderator, ModeratorLevel, ReasonCode, Review
from extraction.models.plain import Read, read_entries
from extraction.pairs import unit_table
from extraction.rated import Rated, Sort, rated
from extraction.record import Verdict
from extraction.side_by_side import lay
from extraction.units import UnitTable

KEPT_FOR: Final = 24 * 3600  # seconds, in the cache
COUNTING: Final = 2  # raised when other things are counted, so that nothing kept before is shown
VOCABULARY: Final[Mapping[Any, str]] = {
    Intervention: "review",
    Marker: "review",
    Moderator: "review",
    ModeratorLevel: "moderator__review",
}
NOTABLE: Final = 0.1  # of |g_A − g_B|
EDGES: Final = (0.0, 0.01, 0.05, 0.1, 0.2, 0.5)
SAME: Final = (Verdict.IDENTICAL, Verdict.ROUNDING, Verdict.EQUIVALENT)


@dataclass(frozen=True, slots=True)
class Unit:
    """A rated unit with where it comes from."""

    rated: Rated
    pair: str  # the two extractors, in alphabetical order
    month: str  # in which the second of the two was submitted: 2026-11


@dataclass(frozen=True, slots=True)
class Structure:
    """Rows that both saw among all that either saw: the Jaccard index, pooled over trials."""

    name: str
    both: int
    either: int

    @property
    def jaccard(self) -> float | None:
        return self.both / self.either if self.either else None


@dataclass(frozen=True, slots=True)
class Categories:
    """Agreement on one category; kappa and AC1 are None where chance alone would agree on everything."""

    name: str
    units: int
    percent: float
    kappa: float | None
    ac1: float | None


@dataclass(frozen=True, slots=True)
class Numbers:
    """Agreement on numbers. `error` is the median of |a − b| over the mean of |a| and |b|, of values of one kind."""

    name: str
    verdicts: Counter[Verdict]
    pairs: int  # of values of one kind
    icc: float | None
    scale: str  # of the ICC: "log" or "plain"
    left_out: int  # zeros, which have no logarithm
    error: float | None

    @property
    def units(self) -> int:
        return self.verdicts.total()

    @property
    def same(self) -> float | None:
        """Share that says the same: identical, rounded, or in an equivalent form."""
        return sum(self.verdicts[one] for one in SAME) / self.units if self.units else None

    @property
    def shares(self) -> list[int]:
        return [self.verdicts[verdict] for verdict in Verdict]


@dataclass(frozen=True, slots=True)
class Effects:
    """|g_A − g_B| of the effects that both entries give."""

    differences: Sequence[float] = ()
    one_side: int = 0

    @property
    def notable(self) -> int:
        return sum(one > NOTABLE for one in self.differences)

    @property
    def share(self) -> float | None:
        return self.notable / len(self.differences) if self.differences else None

    def quantile(self, q: float) -> float | None:
        return float(np.quantile(self.differences, q)) if self.differences else None

    @property
    def median(self) -> float | None:
        return self.quantile(0.5)

    @property
    def p90(self) -> float | None:
        return self.quantile(0.9)

    @property
    def largest(self) -> float | None:
        return max(self.differences, default=None)

    @property
    def bins(self) -> list[tuple[str, int]]:
        """Counts: none at all, then between the edges, upper edge included, then beyond."""
        names = ["0", *(f"to {high:g}" for high in EDGES[1:]), f"over {EDGES[-1]:g}"]
        counts = [0] * len(names)
        for one in self.differences:
            counts[int(np.searchsorted(EDGES, one, side="left"))] += 1
        return list(zip(names, counts, strict=True))


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted over all pairs: small, however many numbers it rests on."""

    structure: Sequence[Structure]
    categories: Sequence[Categories]
    overall: Numbers
    tables: Sequence[tuple[str, Sequence[Numbers]]]  # numbers by field, marker, pair of extractors and month
    effects: Effects

    @property
    def cell_structure(self) -> Structure | None:
        return next((one for one in self.structure if one.name == "cells"), None)


@dataclass(frozen=True)
class Agreement:
    trials: int
    waiting: int  # of which the rows are not matched yet
    hidden: int  # submitted twice, but not for this person to read
    counted: Counted
    measure: str  # "" without a primary synthesis
    causes: Sequence[tuple[ReasonCode, int]]

    @property
    def structure(self) -> Sequence[Structure]:
        return self.counted.structure

    @property
    def categories(self) -> Sequence[Categories]:
        return self.counted.categories

    @property
    def overall(self) -> Numbers:
        return self.counted.overall

    @property
    def tables(self) -> Sequence[tuple[str, Sequence[Numbers]]]:
        return self.counted.tables

    @property
    def effects(self) -> Effects:
        return self.counted.effects

    @property
    def cell_structure(self) -> Structure | None:
        return self.counted.cell_structure


# --- Counting -----------------------------------------------------------------------------------------------


def by_field(unit: Unit) -> str:
    return unit.rated.field


def grouped(
    units: Iterable[Unit], way: Callable[[Unit], str], *, in_order: bool = False
) -> list[tuple[str, list[Unit]]]:
    """Units by name, in the order in which the names come or, `in_order`, in that of the alphabet."""
    found: dict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        found[way(unit)].append(unit)
    return sorted(found.items()) if in_order else list(found.items())


def structure(name: str, units: Sequence[Unit]) -> Structure:
    return Structure(name, sum(unit.rated.both for unit in units), len(units))


def categories(name: str, units: Sequence[Unit]) -> Categories | None:
    a, b = [str(unit.rated.a) for unit in units], [str(unit.rated.b) for unit in units]
    if not units:
        return None
    kappa = cohen_kappa(a, b)
    return Categories(name, len(units), kappa.percent_agreement, kappa.kappa, gwet_ac1([a, b]).value)


def numbers(name: str, units: Sequence[Unit]) -> Numbers:
    """The ICC is that of one field; of several together it is that of the centres, since n and means have no unit in
    common. On a log scale where the quantity is positive: n, spreads, and centres that are all above zero."""
    verdicts = Counter(unit.rated.verdict for unit in units if unit.rated.verdict is not None)
    fields = {unit.rated.field for unit in units}
    of = fields.pop() if len(fields) == 1 else "centre"
    table = _table(units)
    rated_twice = _table([unit for unit in units if unit.rated.field == of])
    on_log = bool(len(rated_twice)) and (of in POSITIVE or bool((rated_twice > 0).all()))
    kept = rated_twice[(rated_twice > 0).all(axis=1)] if on_log else rated_twice
    return Numbers(
        name,
        verdicts,
        len(table),
        _icc(np.log(kept) if on_log else kept),
        "log" if on_log else "plain",
        len(rated_twice) - len(kept),
        _relative_error(table),
    )


def _table(units: Iterable[Unit]) -> Any:
    """Pairs of values, shape (n, 2)."""
    pairs = [pair for unit in units if (pair := unit.rated.values) is not None]
    return np.array(pairs, dtype=float).reshape(-1, 2)


POSITIVE: Final = frozenset({"n", "spread", "n randomised"})


def _icc(table: Any) -> float | None:
    """ICC(1,1): which of two extractors is called A differs from trial to trial."""
    try:
        return intraclass_correlations(table).one_way.value
    except StatsError:
        return None


def _relative_error(table: Any) -> float | None:
    if not len(table):
        return None
    apart, size = np.abs(table[:, 0] - table[:, 1]), np.abs(table).mean(axis=1)
    return float(np.median(np.divide(apart, size, out=np.zeros_like(apart), where=size > 0)))


def count(units: Sequence[Unit], effects: Effects) -> Counted:
    of: dict[Sort, list[Unit]] = {sort: [] for sort in Sort}
    for unit in units:
        of[unit.rated.sort].append(unit)
    own = of[Sort.NUMBER]
    ways: dict[str, Callable[[Unit], str]] = {
        "By field": by_field,
        "By marker": lambda unit: unit.rated.marker,
        "By pair of extractors": lambda unit: unit.pair,
        "By month": lambda unit: unit.month,
    }
    words = [categories(name, rows) for name, rows in grouped(of[Sort.CATEGORY], by_field)]
    return Counted(
        [structure(name, rows) for name, rows in grouped(of[Sort.STRUCTURE], by_field)],
        [one for one in words if one is not None],
        numbers("All numbers", own),
        [
            (title, [numbers(name, rows) for name, rows in grouped(own, way, in_order=title != "By field") if name])
            for title, way in ways.items()
        ],
        effects,
    )


# --- The report ---------------------------------------------------------------------------------------------


def agreement_of(review: Review, by: Viewer) -> Agreement:
    """The report of a review as one person may have it; the number of queries does not grow with its size.

    Submitted versions never change. So what is counted over them is kept in the cache, under a key that names each
    pair with its matches and all else that it depends on: another pair, another key. Which pairs count is asked anew
    each time, through `visible_to`: who may read other pairs has another key and never meets what was kept for this.
    """
    pairs, hidden = pairs_of(review, by)
    settled = [pair for pair in pairs if pair.settled]
    primary = Synthesis.objects.visible_to(by).filter(review=review, is_primary=True).select_related("review").first()
    specification = _specification(primary, review) if primary else None
    table = unit_table(review.pk)
    key = f"agreement:{_digest(review, settled, table, specification, by)}"
    counted: Counted | None = cache.get(key)
    if counted is None:
        counted = _counted(settled, table, specification)
        cache.set(key, counted, KEPT_FOR)
    return Agreement(
        trials=len(settled),
        waiting=len(pairs) - len(settled),
        hidden=hidden,
        counted=counted,
        measure=primary.get_measure_display() if primary and specification else "",
        causes=causes_of(pairs, by),
    )


def _digest(
    review: Review,
    pairs: Sequence[EnteredTwice],
    table: UnitTable,
    specification: EffectSpecification | None,
    by: Viewer,
) -> str:
    """Names everything on which the counts depend; a code of the vocabulary may change under a submitted version."""
    codes = [
        sorted(model.objects.visible_to(by).filter(**{path: review}).values_list("pk", "code"))
        for model, path in VOCABULARY.items()
    ]
    effects = specification.digest() if specification else ""
    return digest_of(
        [ENGINE, COUNTING, [astuple(row) for row in table.rows], codes, effects, [pair.said for pair in pairs]]
    )


def _counted(pairs: Sequence[EnteredTwice], table: UnitTable, specification: EffectSpecification | None) -> Counted:
    read = read_entries(entry.pk for pair in pairs for entry in (pair.a, pair.b))
    units: list[Unit] = []
    for pair in pairs:
        who, month = pair.extractors, pair.month
        a, b = read[pair.a.pk].entry, read[pair.b.pk].entry
        units += [Unit(one, who, month) for one in rated(a, b, pair.matches, table)]
    return count(units, _effects(pairs, read, specification) if specification else Effects())


# --- Effects ------------------------------------------------------------------------------------------------


def _specification(primary: Synthesis, review: Review) -> EffectSpecification | None:
    try:
        return primary.specification().effects(approved_data(review.pk).directions)
    except InvalidFilters:
        return None


def _effects(pairs: Sequence[EnteredTwice], read: Mapping[UUID, Read], specification: EffectSpecification) -> Effects:
    sides = [(read[pair.a.pk], read[pair.b.pk]) for pair in pairs]
    overrides = {key: sign for both in sides for one in both for key, sign in one.overrides.items()}
    entries = [one.entry for both in sides for one in both]
    effects = iter(effects_of_each(entries, specification, overrides))
    differences: list[float] = []
    one_side = 0
    for pair, (a, b) in zip(pairs, sides, strict=True):
        beside = lay(a.entry, b.entry, pair.matches)
        in_a = {
            rows.b.key: rows.a.key
            for group in (beside.arms, beside.timepoints, beside.outcomes)
            for rows in group
            if rows.a is not None and rows.b is not None
        }
        of_a, of_b = _by_place(next(effects), {}), _by_place(next(effects), in_a)
        shared = [place for place in of_a if place in of_b]
        differences += [abs(of_a[place] - of_b[place]) for place in shared]
        one_side += len(of_a) + len(of_b) - 2 * len(shared)
    return Effects(differences, one_side)


def _by_place(rows: Sequence[EffectRow], in_a: dict[str, str]) -> dict[tuple[str, ...], float]:
    """Effects that can be pooled by contrast, outcome and time, under A's keys where A has the row."""
    found = {}
    for row in rows:
        if row.yi is not None and not row.reason and row.control is not None:
            keys = (row.treatment.key, row.control.key, row.outcome.key, row.timepoint.key)
            found[tuple(in_a.get(key, key) for key in keys)] = row.yi
    return found
