"""The structures of both entries beside each other, with what is matched and what is to say: the page of pass 1.

A band is what is said together: one match, or two matches that cross because the entries list the same two rows in
the other order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from extraction.access import Viewer
from extraction.models import Entry, Match, Trial
from extraction.models.plain import ROWS
from extraction.record import Phase, Side, Subject

SUBJECTS: Final = (Subject.ARM, Subject.TIMEPOINT, Subject.OUTCOME)
CARD, GAP, WIDTH = 64, 8, 88  # pixels of a card, between two, and of the wires between the sides
FOLD_ABOVE: Final = 6  # settled bands of a kind that are shown without asking
SCORED: Final = 0.005  # below it a score says nothing


@dataclass(frozen=True, slots=True)
class Card:
    """One row of one entry, numbered in the order of its entry."""

    key: str
    side: str
    number: int
    label: str
    facts: str
    match: UUID  # in which it stands now

    @property
    def value(self) -> str:
        """What a form sends: the row, and the match in which it was seen."""
        return f"{self.key}.{self.match}"

    @property
    def name(self) -> str:
        return f"{self.side}{self.number}"


@dataclass(frozen=True, slots=True)
class Wire:
    """A curve from a card of A to one of B, in the pixels of its band."""

    start: int
    end: int
    score: str
    height: int  # where the score stands

    @property
    def path(self) -> str:
        half = WIDTH * 0.42
        return f"M0 {self.start}C{half:.0f} {self.start} {WIDTH - half:.0f} {self.end} {WIDTH} {self.end}"

    @property
    def box(self) -> int:
        return self.height - 9

    @property
    def baseline(self) -> int:
        return self.height + 4


@dataclass(frozen=True, slots=True)
class Band:
    """Matches that are said together, their cards in the order of each entry."""

    subject: Subject
    matches: tuple[Match, ...]
    a: tuple[Card, ...]
    b: tuple[Card, ...]
    wires: tuple[Wire, ...]

    @property
    def key(self) -> UUID:
        return self.matches[0].pk

    @property
    def open(self) -> bool:
        return self.matches[0].state == Match.State.PROPOSED

    @property
    def by_itself(self) -> bool:
        return self.matches[0].by_itself

    @property
    def crossed(self) -> bool:
        return len(self.matches) > 1

    @property
    def merged(self) -> bool:
        """Several rows of one entry are one row of the other."""
        return not self.crossed and min(len(self.a), len(self.b)) == 1 and max(len(self.a), len(self.b)) > 1

    @property
    def many(self) -> bool:
        """Rows among which nothing tells which is which."""
        return not self.crossed and len(self.a) > 1 and len(self.b) > 1

    @property
    def only(self) -> str:
        """The side that alone has it, or nothing."""
        return "" if self.a and self.b else "A" if self.a else "B"

    @property
    def lacking(self) -> str:
        return {"A": "B", "B": "A", "": ""}[self.only]

    @property
    def height(self) -> int:
        return max(len(self.a), len(self.b), 1) * (CARD + GAP) - GAP

    @property
    def names(self) -> str:
        """ "A1 is B2 and A2 is B1": who is whom, by number."""
        cards = {card.key: card.name for card in (*self.a, *self.b)}
        pairs = []
        for match in self.matches:
            sides = [
                " + ".join(cards[str(row.row)] for row in match.rows.all() if row.side == side) or "nothing"
                for side in Side
            ]
            pairs.append(f"{sides[0]} is {sides[1]}")
        return " and ".join(pairs)

    @property
    def why(self) -> str:
        reasons = dict.fromkeys(match.reason for match in self.matches)
        said = " ".join(reasons)
        return f"{self.names}. {said}" if self.crossed else said

    @property
    def scores(self) -> str:
        return " and ".join(score_in_words(match.score) for match in self.matches)


@dataclass(frozen=True, slots=True)
class Section:
    """All bands of one kind: those to say and those said by a person, then those that confirmed themselves."""

    subject: Subject
    bands: Sequence[Band]
    a: Sequence[Card]
    b: Sequence[Card]

    @property
    def title(self) -> str:
        return f"{self.subject.value.capitalize()}s"

    @property
    def folded(self) -> list[Band]:
        """In a long list what is sure recedes behind one line."""
        settled = [band for band in self.bands if band.by_itself]
        return settled if len(settled) > FOLD_ABOVE else []

    @property
    def shown(self) -> list[Band]:
        return [band for band in self.bands if band not in self.folded]


@dataclass(frozen=True, slots=True)
class Structure:
    sections: Sequence[Section]
    bands: Sequence[Band] = field(default_factory=tuple)

    @property
    def to_say(self) -> int:
        return sum(len(band.matches) for band in self.bands if band.open)

    @property
    def by_themselves(self) -> int:
        return sum(len(band.matches) for band in self.bands if band.by_itself)

    @property
    def by_person(self) -> int:
        return sum(len(band.matches) for band in self.bands if not band.open and not band.by_itself)

    def current(self, wanted: str) -> UUID | None:
        """The band to begin with: the one that was asked for while it is open, else the first that is to say."""
        still_open = [band.key for band in self.bands if band.open]
        asked = [key for key in still_open if str(key) == wanted]
        return (asked or still_open or [None])[0]  # type: ignore[list-item]


def structure_of(trial: Trial, by: Viewer) -> Structure | None:
    """None where this person may see no match of the trial. The number of queries does not grow with the rows."""
    entries: dict[str, Entry] = {}
    for entry in Entry.objects.visible_to(by).filter(trial=trial, slot__in=["A", "B"]).order_by("number"):
        entries[entry.slot] = entry
    if len(entries) != len(Side):
        return None
    found = Match.objects.visible_to(by).filter(trial=trial, a_entry=entries["A"], b_entry=entries["B"])
    matches = list(found.prefetch_related("rows").order_by("position", "pk"))
    return _structure(entries, matches, by) if matches else None


def score_in_words(score: float) -> str:
    """ ".93", "1", or nothing where no score was worked out."""
    if score < SCORED:
        return ""
    return "1" if score > 1 - SCORED else f"{score:.2f}".removeprefix("0")


def _structure(entries: Mapping[str, Entry], matches: Sequence[Match], by: Viewer) -> Structure:
    sections = []
    for subject in SUBJECTS:
        rows = ROWS[subject].objects.visible_to(by).filter(entry__in=entries.values())
        if subject is Subject.ARM:
            rows = rows.select_related("intervention")
        elif subject is Subject.OUTCOME:
            rows = rows.select_related("marker")
        by_entry: dict[UUID, list[Any]] = {entry.pk: [] for entry in entries.values()}
        for row in rows.order_by("position", "pk"):
            by_entry[row.entry_id].append(row)
        own = [match for match in matches if match.subject == subject]
        home = {row.row: match.pk for match in own for row in match.rows.all()}
        cards = {
            str(row.pk): Card(str(row.pk), side, number, str(row), facts_of(row), home[row.pk])
            for side, entry in entries.items()
            for number, row in enumerate(by_entry[entry.pk], start=1)
        }
        sides = [[card for card in cards.values() if card.side == side] for side in Side]
        sections.append(Section(subject, bands_of(subject, own, cards), sides[0], sides[1]))
    return Structure(sections, [band for section in sections for band in section.bands])


def bands_of(subject: Subject, matches: Iterable[Match], cards: Mapping[str, Card]) -> list[Band]:
    """In the order of A, then of B; two matches that are to say and cross each other make one band."""
    waiting = sorted(matches, key=lambda match: _order(match, cards))
    bands: list[Band] = []
    while waiting:
        match = waiting.pop(0)
        partner = next((other for other in waiting if _cross(match, other, cards)), None)
        together = (match, partner) if partner and not _crosses_more(match, partner, waiting, cards) else (match,)
        waiting = [other for other in waiting if other not in together]
        bands.append(_band(subject, together, cards))
    return bands


def _cards(match: Match, side: Side, cards: Mapping[str, Card]) -> list[Card]:
    found = [cards[str(row.row)] for row in match.rows.all() if row.side == side and str(row.row) in cards]
    return sorted(found, key=lambda card: card.number)


def _order(match: Match, cards: Mapping[str, Card]) -> tuple[float, int]:
    a, b = (_cards(match, side, cards) for side in Side)
    return (a[0].number, 0) if a else (b[0].number - 0.5 if b else 0, 1)


def _cross(x: Match, y: Match, cards: Mapping[str, Card]) -> bool:
    if not x.state == y.state == Match.State.PROPOSED:
        return False
    sides = [[_cards(match, side, cards) for side in Side] for match in (x, y)]
    if any(len(rows) != 1 for match in sides for rows in match):
        return False
    (xa, xb), (ya, yb) = ([rows[0].number for rows in match] for match in sides)
    return (xa - ya) * (xb - yb) < 0


def _crosses_more(x: Match, y: Match, others: Iterable[Match], cards: Mapping[str, Card]) -> bool:
    """Three rows or more in another order are no swap of two; each is said on its own."""
    return any(_cross(one, other, cards) for other in others if other is not y for one in (x, y))


def _band(subject: Subject, matches: tuple[Match, ...], cards: Mapping[str, Card]) -> Band:
    a, b = (
        tuple(sorted((card for match in matches for card in _cards(match, side, cards)), key=lambda card: card.number))
        for side in Side
    )
    place = {card.key: row * (CARD + GAP) + CARD // 2 for side in (a, b) for row, card in enumerate(side)}
    wires = []
    for match in matches:
        ends = [[place[card.key] for card in _cards(match, side, cards)] for side in Side]
        score = score_in_words(match.score)
        for start in ends[0]:
            for end in ends[1]:
                high = round(start + (end - start) * 0.2) if len(matches) > 1 else round((start + end) / 2)
                wires.append(Wire(start, end, score, high))
                score = ""  # once a match
    return Band(subject, matches, a, b, tuple(wires))


def facts_of(row: Any) -> str:
    """What tells one row from another, in a line."""
    match row._meta.model_name:
        case "arm":
            kind = row.get_control_kind_display() if row.control_kind else ""
            n = f"{row.n_randomised_printed} randomised" if row.n_randomised_printed else ""
            parts = [row.role, row.intervention.name if row.intervention else kind, n, row.stratum]
        case "timepoint":
            weeks = "" if row.weeks is None else f"week {row.weeks:g}"
            after = "" if row.weeks_after_end is None else f"{row.weeks_after_end:g} weeks after the end"
            parts = [Phase(row.phase).value, weeks, after]
        case _:
            scale = "" if row.scale == "raw" else row.get_scale_display()
            marker = row.marker.name if row.marker and row.marker.name != row.name else ""
            parts = [marker, row.specimen, row.unit, row.assay, row.condition, row.stimulus, row.dose, scale]
    return " · ".join(part for part in parts if part)
