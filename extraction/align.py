"""Which arm, timepoint and outcome of A is which of B: what is sure, and what a person is asked.

First the sure ones: two rows that say the same in everything that tells rows apart, where no other row could be
meant, no label stands for another row on the other side, and the numbers inside do not belong to another row.
They confirm themselves (`exact`). The rest is proposed by likeness, as one assignment problem; what finds no
partner is "only A has it" or "only B has it", for a person to say.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Generic

import numpy as np
from scipy.optimize import linear_sum_assignment

from extraction import likeness
from extraction.likeness import Likeness, Vocabulary
from extraction.record import Arm, Entry, Match, Observation, Outcome, Side, Subject, Timepoint
from extraction.side_by_side import Row
from extraction.units import UnitTable

LEAST = 0.40  # below it nothing is proposed
MARGIN = 0.10  # two candidates this near cannot be told apart
NUMBERS = 0.15  # weight of the numbers inside
MERGED = 0.60  # score of a merge whose numbers add up
LARGEST_MERGE = 3  # rows of one side that one row of the other may stand for

Numbers = Mapping[str, Counter[tuple[float | None, ...]]]


def propose(a: Entry, b: Entry, units: UnitTable | None = None, vocabulary: Vocabulary | None = None) -> list[Match]:
    """Matches that name every arm, timepoint and outcome of both entries once, by position in A, then in B.

    Without the unit table of the review two units are the same only where they are spelled alike; without its
    vocabulary no label is a synonym and none is ambiguous.
    """
    table, words = units or UnitTable(), vocabulary or Vocabulary()
    codes_a, codes_b = (Counter(arm.intervention for arm in entry.arms) for entry in (a, b))
    once = {code for code, count in codes_a.items() if count == codes_b[code] == 1}
    place_a, place_b = _places(a.timepoints), _places(b.timepoints)

    def like_arm(x: Arm, y: Arm) -> Likeness:
        return likeness.arms(x, y, words, once)

    def like_time(x: Timepoint, y: Timepoint) -> Likeness:
        return likeness.timepoints(x, y, 1 - abs(place_a[x.key] - place_b[y.key]))

    def like_outcome(x: Outcome, y: Outcome) -> Likeness:
        return likeness.outcomes(x, y, table, words)

    def inside(of: Callable[[Observation], str]) -> tuple[Numbers, Numbers]:
        return _numbers(a, of), _numbers(b, of)

    def printed(time: Timepoint) -> str:
        return likeness.fold(time.printed)

    arms = _Grid(Subject.ARM, a.arms, b.arms, like_arm, inside(lambda row: row.arm), likeness.arm_label)
    times = _Grid(Subject.TIMEPOINT, a.timepoints, b.timepoints, like_time, inside(lambda row: row.timepoint), printed)
    outcomes = _Grid(
        Subject.OUTCOME, a.outcomes, b.outcomes, like_outcome, inside(lambda row: row.outcome), _unlabelled
    )
    return [
        *arms.matches(_merged_arms(arms)),
        *times.matches([]),
        *outcomes.matches([], undecided=True),
    ]


class _Grid(Generic[Row]):
    """All rows of A against all rows of B on one level; rows are named by their positions."""

    def __init__(
        self,
        subject: Subject,
        rows_a: Sequence[Row],
        rows_b: Sequence[Row],
        alike: Callable[[Row, Row], Likeness],
        inside: tuple[Numbers, Numbers],
        label: Callable[[Row], str],
    ) -> None:
        self.subject = subject
        self.rows_a, self.rows_b = tuple(rows_a), tuple(rows_b)
        self.labels_a, self.labels_b = [label(row) for row in rows_a], [label(row) for row in rows_b]
        self.alike = [[alike(x, y) for y in rows_b] for x in rows_a]
        shape = len(rows_a), len(rows_b)
        self.scores = np.array([[found.score for found in row] for row in self.alike]).reshape(shape)
        self.shared = np.array(
            [[(inside[0][x.key] & inside[1][y.key]).total() for y in rows_b] for x in rows_a]
        ).reshape(shape)
        sizes_a = np.array([inside[0][row.key].total() for row in rows_a]).reshape(-1, 1)
        sizes_b = np.array([inside[1][row.key].total() for row in rows_b]).reshape(1, -1)
        smaller = np.minimum(sizes_a, sizes_b)
        share = self.shared / np.maximum(smaller, 1)
        known = (smaller > 0) & (self.scores > 0)
        self.weights = np.where(known, (1 - NUMBERS) * self.scores + NUMBERS * share, self.scores)
        self.sure = self._sure()

    def matches(self, merges: Sequence[_Join], *, undecided: bool = False) -> list[Match]:
        """Every row once: sure ones, `merges`, proposals, leftovers."""
        joins = [_Join((i,), (j,), exact=True) for i, j in self.sure]
        joins += merges
        joins += self._assigned(joins)
        if undecided:
            joins = self._with_rivals(joins)
        left_a, left_b = self.left(joins)
        joins += [_Join((i,), ()) for i in left_a] + [_Join((), (j,)) for j in left_b]
        ends = len(self.rows_a)
        joins.sort(key=lambda join: join.a[0] if join.a else ends + join.b[0])
        return [self._match(join) for join in joins]

    def _sure(self) -> list[tuple[int, int]]:
        candidates = [
            (i, j)
            for i, row in enumerate(self.alike)
            for j, found in enumerate(row)
            if found.sure and not self._label_elsewhere(i, j) and not self._numbers_elsewhere(i, j)
        ]
        any_sure = [(i, j) for i, row in enumerate(self.alike) for j, found in enumerate(row) if found.sure]
        paired_a, paired_b = {i for i, _ in any_sure}, {j for _, j in any_sure}

        def has_rival(i: int, j: int) -> bool:
            least = self.scores[i, j] - MARGIN
            return any(
                self.scores[x, y] >= least and (self.alike[x][y].sure or not (x in paired_a and y in paired_b))
                for x, y in [(i, y) for y in range(len(self.rows_b)) if y != j]
                + [(x, j) for x in range(len(self.rows_a)) if x != i]
            )

        return [(i, j) for i, j in candidates if not has_rival(i, j)]

    def _label_elsewhere(self, i: int, j: int) -> bool:
        """Whether one side uses the other's label for another row."""
        label_a, label_b = self.labels_a[i], self.labels_b[j]
        others_a = self.labels_a[:i] + self.labels_a[i + 1 :]
        others_b = self.labels_b[:j] + self.labels_b[j + 1 :]
        return bool((label_a and label_a in others_b) or (label_b and label_b in others_a))

    def _numbers_elsewhere(self, i: int, j: int) -> bool:
        """Whether the numbers inside speak for another match."""
        own = self.shared[i, j]
        return bool((self.shared[i, :] > own).any() or (self.shared[:, j] > own).any())

    def _but(self, i: int, j: int) -> str:
        """Why two rows that say the same do not confirm themselves: whose numbers, or whose label, stand there."""
        nearer = int(self.shared[i].argmax())
        if self.shared[i, nearer] > self.shared[i, j]:
            return f" But the numbers inside are those of B{nearer + 1}: swapped?"
        nearer = int(self.shared[:, j].argmax())
        if self.shared[nearer, j] > self.shared[i, j]:
            return f" But the numbers inside are those of A{nearer + 1}: swapped?"
        return " But another could be meant, by label or by the numbers inside."

    def left(self, joins: Sequence[_Join]) -> tuple[list[int], list[int]]:
        """Positions that no join names, of A and of B."""
        taken_a = {i for join in joins for i in join.a}
        taken_b = {j for join in joins for j in join.b}
        return (
            [i for i in range(len(self.rows_a)) if i not in taken_a],
            [j for j in range(len(self.rows_b)) if j not in taken_b],
        )

    def _assigned(self, joins: Sequence[_Join]) -> list[_Join]:
        left_a, left_b = self.left(joins)
        weights = self.weights[np.ix_(left_a, left_b)]
        chosen = zip(*linear_sum_assignment(weights, maximize=True), strict=True)
        return [_Join((left_a[row],), (left_b[column],)) for row, column in chosen if weights[row, column] >= LEAST]

    def _with_rivals(self, joins: Sequence[_Join]) -> list[_Join]:
        """A proposal takes in the rows that could as well be meant: a person says which."""
        found: list[_Join] = []
        for place, join in enumerate(joins):
            left_a, left_b = self.left([*found, *joins[place:]])
            if join.exact or len(join.a) != 1 or len(join.b) != 1:
                found.append(join)
                continue
            i, j = join.a[0], join.b[0]
            least = max(self.weights[i, j] - MARGIN, LEAST)
            more_a = [x for x in left_a if self.weights[x, j] >= least]
            more_b = [y for y in left_b if self.weights[i, y] >= least and not more_a]
            reason = f"One of these {self.subject.value}s, but nothing tells which." if more_a or more_b else ""
            rows = tuple(sorted([i, *more_a])), tuple(sorted([j, *more_b]))
            found.append(_Join(rows[0], rows[1], score=float(self.weights[i, j]), reason=reason))
        return found

    def _match(self, join: _Join) -> Match:
        keys = tuple(self.rows_a[i].key for i in join.a), tuple(self.rows_b[j].key for j in join.b)
        if not keys[0] or not keys[1]:
            side = Side.A if keys[0] else Side.B
            return Match(self.subject, *keys, exact=False, score=0.0, reason=f"Only {side} has it.")
        if join.reason:
            return Match(self.subject, *keys, exact=False, score=join.score, reason=join.reason)
        i, j = join.a[0], join.b[0]
        reason = self.alike[i][j].reason
        if not join.exact and self.alike[i][j].sure:
            reason += self._but(i, j)
        if self.shared[i, j]:
            reason += f" {self.shared[i, j]} equal {'pair' if self.shared[i, j] == 1 else 'pairs'} of numbers inside."
        return Match(self.subject, *keys, join.exact, min(1.0, float(self.weights[i, j])), reason)


@dataclass(frozen=True, slots=True)
class _Join:
    """Positions of the rows that belong together, with a reason of its own for a merge."""

    a: tuple[int, ...]
    b: tuple[int, ...]
    exact: bool = False
    score: float = 0.0
    reason: str = ""


def _merged_arms(grid: _Grid[Arm]) -> list[_Join]:
    """Arms of one side whose numbers randomised add up to one arm of the other side.

    Counts add up by chance as well: an arm that another one explains better, by its own count, is no part of a merge.
    """
    sure = [_Join((i,), (j,), exact=True) for i, j in grid.sure]
    found: list[_Join] = []
    for side in Side:
        weights = grid.weights.T if side is Side.A else grid.weights
        rows_many, rows_one = (grid.rows_a, grid.rows_b) if side is Side.A else (grid.rows_b, grid.rows_a)
        for one in grid.left([*sure, *found])[side is Side.A]:
            left = grid.left([*sure, *found])
            many, ones = left[side is Side.B], left[side is Side.A]
            own = [place for place in many if not _explained(place, one, ones, weights.T, rows_many, rows_one)]
            parts = _parts(rows_one[one], [(place, rows_many[place]) for place in own], weights[one])
            if parts and not _explained(one, parts, many, weights, rows_one, rows_many):
                counts = " + ".join(rows_many[place].n_randomised.printed for place in parts)
                reason = f"{counts} randomised in {side} make the {rows_one[one].n_randomised.printed} of the other."
                rows = (parts, (one,)) if side is Side.A else ((one,), parts)
                found.append(_Join(rows[0], rows[1], score=MERGED, reason=reason))
    return found


def _explained(
    place: int,
    by: int | tuple[int, ...],
    others: Sequence[int],
    weights: np.ndarray,
    rows: Sequence[Arm],
    other_rows: Sequence[Arm],
) -> bool:
    """Whether an arm of the same size stands on the other side that is likelier the same than those it is held for."""
    held = (by,) if isinstance(by, int) else by
    n, likely = rows[place].n_randomised.value, max(weights[place, one] for one in held)
    return any(
        other not in held and other_rows[other].n_randomised.value == n and weights[place, other] > likely
        for other in others
    )


def _parts(one: Arm, many: Sequence[tuple[int, Arm]], likely: np.ndarray) -> tuple[int, ...]:
    """The fewest arms of the same role, and code where both give one, that add up to `one`; of these the likeliest."""
    whole = one.n_randomised.value
    fitting = [
        (place, arm.n_randomised.value)
        for place, arm in many
        if arm.role is one.role
        and arm.n_randomised.value is not None
        and (arm.intervention == one.intervention or not (arm.intervention and one.intervention))
    ]
    for size in range(2, LARGEST_MERGE + 1):
        groups = [
            tuple(place for place, _ in group)
            for group in combinations(fitting, size)
            if whole is not None and sum(n for _, n in group) == whole
        ]
        if groups:
            return max(groups, key=lambda group: sum(likely[place] for place in group))
    return ()


def _unlabelled(outcome: Outcome) -> str:
    """Names of outcomes repeat (one per specimen, stimulus or dose), so they block nothing."""
    return ""


def _places(rows: Sequence[Timepoint]) -> dict[str, float]:
    """Where each row stands among its side's, 0 to 1."""
    return {row.key: place / max(len(rows) - 1, 1) for place, row in enumerate(rows)}


def _numbers(entry: Entry, of: Callable[[Observation], str]) -> Numbers:
    """Centre and spread of every observation, by the key that `of` takes from it."""
    found: dict[str, Counter[tuple[float | None, ...]]] = defaultdict(Counter)
    for row in entry.observations:
        if row.centre.value is not None:
            found[of(row)][row.centre.value, row.spread.value, row.spread.low, row.spread.high] += 1
    return found
