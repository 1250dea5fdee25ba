"""How far the two entries of each trial agreed before anybody reconciled them.

Counted are the first submitted versions, read through `visible_to`: a trial counts for a person who may read both of
its entries, so nothing of a trial that is still entered, and nothing of one that the person extracts blind, is in their
report. Trials for training stay out, and so do trials whose rows nobody has matched yet.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from uuid import UUID

import numpy as np

from analysis.composing import rows_of_entries
from analysis.effects import EffectRow, effects_of
from analysis.models import Synthesis
from analysis.snapshot import approved_data
from analysis.specification import EffectSpecification, InvalidFilters
from analysis.stats.agreement import cohen_kappa, gwet_ac1, intraclass_correlations
from analysis.stats.errors import StatsError
from extraction import record
from extraction.access import Viewer
from extraction.models import Discrepancy, Entry, Match, ReasonCode, Resolution, Review, Slot, Trial
from extraction.models.plain import as_record
from extraction.pairs import unit_table
from extraction.rated import Rated, Sort, rated
from extraction.record import Side, Subject, Verdict
from extraction.side_by_side import lay
from extraction.states import AFTER_ENTERING, EntryState

NOTABLE: Final = 0.1  # of |g_A − g_B|
EDGES: Final = (0.0, 0.01, 0.05, 0.1, 0.2, 0.5)
SAME: Final = (Verdict.IDENTICAL, Verdict.ROUNDING, Verdict.EQUIVALENT)


@dataclass(frozen=True, slots=True)
class Unit:
    """A rated unit with where it comes from."""

    rated: Rated
    trial: str
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


@dataclass(frozen=True)
class Agreement:
    trials: int
    waiting: int  # of which the rows are not matched yet
    hidden: int  # submitted twice, but not for this person to read
    units: Sequence[Unit]
    effects: Effects
    measure: str  # "" without a primary synthesis
    causes: Sequence[tuple[str, int]]

    def of(self, sort: Sort) -> list[Unit]:
        return [unit for unit in self.units if unit.rated.sort is sort]

    @cached_property
    def structure(self) -> list[Structure]:
        return [structure(name, units) for name, units in grouped(self.of(Sort.STRUCTURE), by_field)]

    @cached_property
    def categories(self) -> list[Categories]:
        found = [categories(name, units) for name, units in grouped(self.of(Sort.CATEGORY), by_field)]
        return [one for one in found if one is not None]

    @cached_property
    def overall(self) -> Numbers:
        return numbers("All numbers", self.of(Sort.NUMBER))

    @cached_property
    def tables(self) -> list[tuple[str, list[Numbers]]]:
        """Numbers by field, marker, pair of extractors and month."""
        ways: dict[str, Callable[[Unit], str]] = {
            "By field": by_field,
            "By marker": lambda unit: unit.rated.marker,
            "By pair of extractors": lambda unit: unit.pair,
            "By month": lambda unit: unit.month,
        }
        own = self.of(Sort.NUMBER)
        return [
            (title, [numbers(name, units) for name, units in grouped(own, way, in_order=title != "By field") if name])
            for title, way in ways.items()
        ]

    @property
    def cell_structure(self) -> Structure | None:
        return next((one for one in self.structure if one.name == "cells"), None)


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
    return np.array([unit.rated.values for unit in units if unit.rated.values is not None], dtype=float).reshape(-1, 2)


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


# --- Reading ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Pair:
    trial: Trial
    a: Entry
    b: Entry
    matches: list[record.Match] = field(default_factory=list)
    settled: bool = True
    records: dict[str, record.Entry] = field(default_factory=dict)
    overrides: dict[str, int] = field(default_factory=dict)

    def unit(self, one: Rated) -> Unit:
        names = sorted(str(entry.holder) for entry in (self.a, self.b))
        month = max(entry.submitted_at for entry in (self.a, self.b) if entry.submitted_at)
        return Unit(one, self.trial.label, " and ".join(names), f"{month:%Y-%m}")


def agreement_of(review: Review, by: Viewer) -> Agreement:
    """The report of a review as one person may have it; the number of queries does not grow with its size."""
    pairs, hidden = _pairs(review, by)
    settled = [pair for pair in pairs if pair.settled]
    table = unit_table(review.pk)
    units = [
        pair.unit(one)
        for pair in settled
        for one in rated(pair.records[Side.A], pair.records[Side.B], pair.matches, table)
    ]
    primary = Synthesis.objects.visible_to(by).filter(review=review, is_primary=True).select_related("review").first()
    specification = _specification(primary, review) if primary else None
    return Agreement(
        trials=len(settled),
        waiting=len(pairs) - len(settled),
        hidden=hidden,
        units=units,
        effects=_effects(settled, specification) if specification else Effects(),
        measure=primary.get_measure_display() if primary and specification else "",
        causes=_causes(pairs, by),
    )


def _pairs(review: Review, by: Viewer) -> tuple[list[_Pair], int]:
    """First submitted versions, both readable by the person; and how many trials are not."""
    shown = Trial.objects.visible_to(by).filter(review=review, calibration=False, status__in=AFTER_ENTERING)
    trials = {trial.pk: trial for trial in shown.order_by("label_key")}
    first = (
        Entry.objects.visible_to(by)
        .filter(trial__in=trials, slot__in=[Slot.A, Slot.B], number=1, state=EntryState.SUBMITTED)
        .select_related("holder")
    )
    entries: dict[int, dict[str, Entry]] = defaultdict(dict)
    for entry in first:
        entries[entry.trial_id][entry.slot] = entry
    pairs = [
        _Pair(trial, entries[pk][Slot.A], entries[pk][Slot.B])
        for pk, trial in trials.items()
        if entries[pk].keys() == {Slot.A, Slot.B}
    ]
    _match(pairs, by)
    _read(pairs)
    return pairs, len(trials) - len(pairs)


def _match(pairs: Sequence[_Pair], by: Viewer) -> None:
    by_entries = {(pair.a.pk, pair.b.pk): pair for pair in pairs}
    matches: Any = Match.objects.visible_to(by).filter(a_entry__in=[pair.a.pk for pair in pairs])
    for match in matches.prefetch_related("rows").order_by("position", "id"):
        pair = by_entries.get((match.a_entry_id, match.b_entry_id))
        if pair is None:
            continue
        if match.state != Match.State.CONFIRMED:
            pair.settled = False
        sides = {side: tuple(str(row.row) for row in match.rows.all() if row.side == side) for side in Side}
        pair.matches.append(
            record.Match(Subject(match.subject), sides[Side.A], sides[Side.B], match.by_itself, match.score, "")
        )


def _read(pairs: Sequence[_Pair]) -> None:
    rows = rows_of_entries([entry.pk for pair in pairs for entry in (pair.a, pair.b)])
    for pair in pairs:
        for side, entry in ((Side.A, pair.a), (Side.B, pair.b)):
            pair.records[side] = as_record(rows[entry.pk])
            pair.overrides |= {
                str(outcome.pk): outcome.direction_override
                for outcome in rows[entry.pk][Subject.OUTCOME]
                if outcome.direction_override is not None
            }


def _causes(pairs: Sequence[_Pair], by: Viewer) -> list[tuple[str, int]]:
    """What was given as the cause of the differences that were decided, each by its newest decision."""
    keys = [entry.pk for pair in pairs for entry in (pair.a, pair.b)]
    own = Discrepancy.objects.visible_to(by).filter(a_entry__in=keys, b_entry__in=keys, state="decided")
    decided = Resolution.objects.visible_to(by).filter(discrepancy__in=own.values("pk")).order_by("number")
    newest: dict[UUID, str] = dict(decided.values_list("discrepancy", "reason_code"))
    counts = Counter(newest.values())
    return [(ReasonCode(code).label, count) for code, count in counts.most_common()]


# --- Effects ------------------------------------------------------------------------------------------------


def _specification(primary: Synthesis, review: Review) -> EffectSpecification | None:
    try:
        return primary.specification().effects(approved_data(review.pk).directions)
    except InvalidFilters:
        return None


def _effects(pairs: Sequence[_Pair], specification: EffectSpecification) -> Effects:
    differences: list[float] = []
    one_side = 0
    for pair in pairs:
        a, b = pair.records[Side.A], pair.records[Side.B]
        beside = lay(a, b, pair.matches)
        in_a = {
            rows.b.key: rows.a.key
            for group in (beside.arms, beside.timepoints, beside.outcomes)
            for rows in group
            if rows.a is not None and rows.b is not None
        }
        of_a = _by_place(effects_of(a, specification, pair.overrides), {})
        of_b = _by_place(effects_of(b, specification, pair.overrides), in_a)
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
