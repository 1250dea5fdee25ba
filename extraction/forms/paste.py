"""A block pasted into the grid: where each cell goes, what was understood of it, and what must be asked first.

Nothing is written here. The page shows the understanding and enters it only when a person says so; what is entered
then passes the same strict reading as what is typed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from extraction.forms.grid import IQR_WIDTH, SPREADS, Block, Cell
from extraction.forms.inputs import Option
from extraction.forms.paste_table import framed, locale_of, table_of
from extraction.pasted import Kind, Reading, Value, read
from extraction.record import TWO_ENDED, SpreadKind, Status

MOST_CELLS: Final = 5000
LEAVE: Final = "leave"
STATUS_WORDS: Final = {
    Status.NOT_REPORTED: "NR, not reported",
    Status.NOT_MEASURED: "NM, not measured",
    Status.UNCLEAR: "UN, unclear",
}


@dataclass(slots=True)
class Target:
    """A cell of the grid with its block."""

    block: Block
    arm: Any
    timepoint: Any
    cell: Cell

    @property
    def words(self) -> str:
        return f"{self.block.outcome} · {self.arm} · {self.timepoint}"


@dataclass(slots=True)
class Pasted:
    """One cell of what was pasted."""

    raw: str
    target: Target | None = None
    part: str = "centre"  # the field of a single number
    fields: dict[str, str] = field(default_factory=dict)
    got: str = ""
    note: str = ""
    question: int = 0  # 1, 2 …: the open or answered question about it
    open: bool = False
    problem: str = ""


@dataclass(slots=True)
class Question:
    key: str
    words: str
    hint: str
    options: Sequence[Option]
    answer: str = ""
    number: int = 0
    cells: int = 0


@dataclass(slots=True)
class Understanding:
    """`rows`: label and cells of each pasted line; `heads`: the words over the columns."""

    heads: list[str]
    rows: list[tuple[str, list[Pasted]]]
    questions: list[Question]
    by_outcome: bool

    @property
    def cells(self) -> list[Pasted]:
        return [cell for _, cells in self.rows for cell in cells]

    @property
    def taken(self) -> dict[str, dict[str, str]]:
        """What would be entered, by the place of a cell."""
        told: dict[str, dict[str, str]] = {}
        for cell in self.cells:
            if cell.target is not None and cell.fields and not cell.open:
                told.setdefault(cell.target.cell.at, {}).update(cell.fields)
        return told

    @property
    def open_questions(self) -> list[Question]:
        return [one for one in self.questions if not one.answer]

    @property
    def refused(self) -> int:
        return sum(bool(cell.problem) for cell in self.cells)


class Reader:
    """Reads one pasted block against the grid, with the answers given so far."""

    def __init__(self, blocks: Sequence[Block], answers: Mapping[str, str]) -> None:
        self.blocks, self.answers = blocks, answers
        self.questions: dict[str, Question] = {}

    def understand(self, text: str, at: str, part: str) -> Understanding:
        table = [[cell.strip() for cell in row] for row in table_of(text)][:MOST_CELLS]
        labels, heads, cells = framed(table)
        self.hint = locale_of(cells)
        by_outcome = self._by_outcome(labels)
        widest = max((len(row) for row in cells), default=0)
        columns = self._columns(cells, widest, at, part, by_outcome)
        rows = self._rows(labels, len(cells), at, by_outcome)
        made = []
        for number, row in enumerate(cells):
            line = []
            for column, raw in enumerate(row):
                slot, place = columns[column] if column < len(columns) else (None, part)
                line.append(self._cell(raw, self._target(rows[number], slot), place))
            made.append((labels[number] if labels else "", line))
        for number, question in enumerate(self.questions.values(), 1):
            question.number = number
        numbers = {question.key: question.number for question in self.questions.values()}
        for _, line in made:
            for cell in line:
                cell.question = numbers.get(cell.note[1:], 0) if cell.note.startswith("?") else 0
                cell.note = "" if cell.note.startswith("?") else cell.note
        return Understanding(heads[:widest], made, list(self.questions.values()), by_outcome)

    # --- Where ---

    def _by_outcome(self, labels: Sequence[str]) -> bool:
        found = [label for label in labels if self._outcome(label) is not None]
        return bool(found) and 2 * len(found) >= len([label for label in labels if label])

    def _outcome(self, label: str) -> Block | None:
        wanted = {_folded(label), _folded(re.split(r"[,(\[]", label)[0])} - {""}
        for block in self.blocks:
            marker = block.outcome.marker
            names = {_folded(str(block.outcome))} | ({_folded(marker.code), _folded(marker.name)} if marker else set())
            if wanted & names:
                return block
        return None

    def _rows(self, labels: Sequence[str], count: int, at: str, by_outcome: bool) -> list[list[list[Target]]]:
        """For each pasted line, the targets it may reach: one list of times per arm."""
        if by_outcome:
            found = [self._outcome(label) for label in labels]
            return [[] if block is None else _lines(block) for block in found]
        lines = [line for block in self.blocks for line in _lines(block)]
        start = next((n for n, line in enumerate(lines) if any(_same_row(one.cell.at, at) for one in line)), 0)
        if labels and all(labels):
            own = [line for line in lines if line[0].block is lines[start][0].block]
            named = [[line for line in own if _folded(str(line[0].arm)) == _folded(label)] for label in labels]
            if all(named):
                return [[found[0]] for found in named]
        return [[line] for line in lines[start : start + count]] + [[] for _ in range(len(lines), start + count)]

    def _columns(
        self, cells: Sequence[Sequence[str]], widest: int, at: str, part: str, by_outcome: bool
    ) -> list[tuple[int, str]]:
        """For each pasted column the number of its slot (a time, or an arm's time) and its part of the cell."""
        texts = [[row[column] for row in cells if column < len(row)] for column in range(widest)]
        pairs = [_is_pair(column) for column in texts]
        lines = _lines(self.blocks[0])
        slots = len(lines[0]) * (len(lines) if by_outcome else 1)
        first = 0 if by_outcome else next((n for n, one in enumerate(lines[0]) if one.cell.at.endswith(at[-36:])), 0)
        if any(pairs):
            return _paired(pairs, [_is_count(column) for column in texts], first)
        ends = self._two_ended(at)
        parts = ["n", "centre", "first", *(["second"] if ends else [])]
        if by_outcome and widest in {slots, slots * (len(parts) - 1)}:
            parts = parts[1 : 1 + widest // slots]
        start = 0 if by_outcome or part not in parts else parts.index(part)
        return [(first + (start + n) // len(parts), parts[(start + n) % len(parts)]) for n in range(widest)]

    def _two_ended(self, at: str) -> bool:
        return next((block.kinds.two_ended for block in self.blocks if at.startswith(str(block.outcome.pk))), False)

    def _target(self, lines: Sequence[Sequence[Target]], slot: int | None) -> Target | None:
        flat = [one for line in lines for one in line]
        return flat[slot] if slot is not None and slot < len(flat) else None

    # --- What ---

    def _cell(self, raw: str, target: Target | None, part: str) -> Pasted:
        made = Pasted(raw, target, part)
        if target is None:
            made.problem = "has no place in the grid" if raw else ""
            return made
        reading = read(raw, {"n": "n", "centre": "centre"}.get(part, "spread"), self._hint_for(raw))
        if reading.kind is Kind.AMBIGUOUS:
            chosen = self._asked(made, raw, reading)
            if chosen is None:
                return made
            reading = chosen
        self._take(made, reading, target)
        return made

    def _hint_for(self, raw: str) -> str | None:
        return None if self.hint == "de" and "." in raw else self.hint

    def _take(self, made: Pasted, reading: Reading, target: Target) -> None:
        match reading.kind:
            case Kind.EMPTY:
                made.note = "empty"
            case Kind.REFUSED:
                made.problem = reading.problem
            case Kind.STATUS:
                both = {"centre": reading.status.value, "first": reading.status.value}
                made.fields = (
                    both if made.part == "centre" and _is_pair_word(made) else {made.part: reading.status.value}
                )
                made.got = STATUS_WORDS[reading.status]
            case Kind.VALUE if reading.value:
                made.fields = {made.part: reading.value.text}
                made.got = reading.value.text
            case Kind.SPREAD if reading.value:
                made.fields, made.got = {"first": reading.value.text}, f"± {reading.value.text}"
            case Kind.PAIR if reading.centre:
                self._pair(made, reading, reading.centre, target)
            case _:
                made.problem = "is not an n, a centre or a spread"
        notes = [*reading.notes, *([f"mark {reading.footnote}"] if reading.footnote else [])]
        notes += [f"unit {reading.unit}"] if reading.unit else []
        if notes and not made.note:
            made.note = ", ".join(notes)

    def _pair(self, made: Pasted, reading: Reading, centre: Value, target: Target) -> None:
        block = target.block.kinds.spread
        if reading.spread is not None:
            numbers = {"first": reading.spread.text}
            kind = reading.spread_kind
            kind = self._kind(made, "spread") if kind == "unknown" else kind
            said = {"iqr_width": IQR_WIDTH}.get(kind, kind)
        elif reading.lower and reading.upper:
            numbers = {"first": reading.lower.text, "second": reading.upper.text}
            kind = reading.interval_kind
            said = (block if block in TWO_ENDED else self._kind(made, "interval")) if kind == "unknown" else kind
        else:
            made.problem = "is not a centre with a spread"
            return
        if made.open:
            made.got = f"{centre.text} ? {' to '.join(numbers.values())}"
            return
        if said == LEAVE:
            numbers, said = {}, ""
        own = "" if said in {"", "block", block} else said
        made.fields = {"centre": centre.text, **numbers, **({"spread_kind": own} if own or numbers else {})}
        if reading.n_candidate:
            made.fields["n"] = str(reading.n_candidate)
        if reading.centre_kind and reading.centre_kind != target.block.kinds.centre:
            made.fields["centre_kind"] = reading.centre_kind
        word = dict(SPREADS).get(own or block, own or block)
        made.got = f"{centre.text} {word} {' to '.join(numbers.values())}" if numbers else centre.text
        made.problem = reading.problem

    def _kind(self, made: Pasted, sort: str) -> str:
        """The kind of an unlabelled spread or interval: asked once for all of them."""
        words, options = {
            "spread": (
                "What stands after the means, behind ± or in brackets?",
                [(SpreadKind.SD, "SD"), (SpreadKind.SE, "SE"), ("block", "as each block says"), (LEAVE, "neither")],
            ),
            "interval": (
                "What are the two numbers after the centres?",
                [
                    (SpreadKind.CI, "a CI"),
                    (SpreadKind.IQR, "Q1 and Q3"),
                    (SpreadKind.RANGE, "the range"),
                    (LEAVE, "none"),
                ],
            ),
        }[sort]
        hint = f"As in “{made.raw}”. The numbers themselves do not say."
        return self._ask(made, sort, words, hint, [(str(value), text) for value, text in options])

    def _asked(self, made: Pasted, raw: str, reading: Reading) -> Reading | None:
        options = reading.options
        thousands = re.search(r"[1-9][0-9]{0,2}[.,][0-9]{3}(?![0-9])", raw) is not None and len(options) == 2
        key = "thousands," if thousands and "," in raw else "thousands." if thousands else f"text:{raw.casefold()}"
        told = [(str(n), _says(option)) for n, option in enumerate(options) if option.kind is not Kind.REFUSED]
        hint = "The same answer holds for all such numbers." if thousands else "It may mean several things."
        answer = self._ask(made, key, f"What is “{raw}”?", hint, [*told, (LEAVE, "leave it out")])
        if made.open:
            made.got = "?"
            return None
        return Reading(Kind.EMPTY) if answer == LEAVE else options[int(answer)]

    def _ask(self, made: Pasted, key: str, words: str, hint: str, options: Sequence[Option]) -> str:
        allowed = {value for value, _ in options}
        answer = self.answers.get(key, "")
        question = self.questions.setdefault(key, Question(key, words, hint, options))
        question.answer = answer if answer in allowed else ""
        question.cells += 1
        made.note, made.open = f"?{key}", not question.answer
        return question.answer


def _lines(block: Block) -> list[list[Target]]:
    return [[Target(block, arm, timepoint, cell) for timepoint, cell in cells] for arm, cells in block.rows]


def _same_row(one: str, other: str) -> bool:
    return one.rpartition("/")[0] == other.rpartition("/")[0]


def _paired(pairs: Sequence[bool], counts: Sequence[bool], first: int) -> list[tuple[int, str]]:
    """A column of pairs fills a cell; a column of whole numbers before it is its n."""
    columns, slot = [], first
    for number in range(len(pairs)):
        is_n = counts[number] and number + 1 < len(pairs) and pairs[number + 1]
        columns.append((slot, "n" if is_n else "centre"))
        slot += not is_n
    return columns


def _is_count(column: Sequence[str]) -> bool:
    return any(column) and all(re.fullmatch(r"(?:n\s*=\s*)?[0-9]+", text) for text in column if text)


def _is_pair(column: Sequence[str]) -> bool:
    kinds = Counter(_shape(read(text)) for text in column if text)
    return kinds[Kind.PAIR] > 0 and kinds[Kind.PAIR] >= kinds[Kind.VALUE]


def _shape(reading: Reading) -> Kind:
    return reading.options[0].kind if reading.options else reading.kind


def _is_pair_word(made: Pasted) -> bool:
    return made.target is not None and made.part == "centre"


def _folded(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold().translate(str.maketrans("αβγκμ", "abgkm")))


def _says(reading: Reading) -> str:
    match reading.kind:
        case Kind.STATUS:
            return STATUS_WORDS[reading.status]
        case Kind.VALUE if reading.value:
            return f"{reading.value.text}{' ' + reading.unit if reading.unit else ''}"
        case Kind.COUNT_OF:
            return f"{reading.count} of {reading.of}"
        case Kind.PAIR if reading.centre and reading.spread:
            return f"{reading.centre.text} and {reading.spread.text}"
        case Kind.PAIR if reading.lower and reading.upper:
            return f"{reading.lower.text} and {reading.upper.text}"
    return reading.problem or reading.kind.value
