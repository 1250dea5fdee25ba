"""The sheets and columns that an import knows, and how a header row is read.

`field` is the field of `extraction.typed` that a column fills; a few columns fill several or decide which
(`phase`, `scale`, every centre and spread) and are read in `rows`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum, auto

from extraction.record import CentreKind, ModeratorKind, SpreadKind
from extraction.workbook.cells import Cell, Code, Finding, Row, plain_name
from extraction.workbook.text import confusable_letters, fold


class Holds(Enum):
    """What may stand in the cells of a column."""

    LABEL = auto()  # a name: text only, since a spreadsheet makes dates and numbers of names
    TEXT = auto()  # anything on one line, a number too
    LINES = auto()  # free text with line breaks
    QUANTITY = auto()  # a number as printed, qualifier included, or NR, NM, UN
    COUNT = auto()  # a number of people, or NR, NM, UN
    LEVEL = auto()  # of a confidence interval, in percent
    WEEKS = auto()  # a plain number
    WORD = auto()  # one of a few words or codes
    YES_NO = auto()


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    holds: Holds
    limit: int = 60  # characters; those of the record
    required: bool = False  # in every row
    field: str = ""  # where it differs from the name
    meaning: str = ""
    alias: str = ""  # another accepted header


@dataclass(frozen=True, slots=True)
class Term:
    code: str
    name: str
    synonyms: tuple[str, ...] = ()  # that mean nothing else
    definition: str = ""


@dataclass(frozen=True, slots=True)
class ModeratorTerm:
    code: str
    name: str
    kind: ModeratorKind
    of_arm: bool = False
    levels: tuple[Term, ...] = ()
    unit: str = ""
    definition: str = ""

    def column(self) -> Column:
        holds = {ModeratorKind.NUMBER: Holds.QUANTITY, ModeratorKind.LEVEL: Holds.WORD, ModeratorKind.TEXT: Holds.TEXT}
        return Column(self.code, holds[self.kind], limit=200, meaning=self.definition or self.name, alias=self.name)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a review calls things, as plain values."""

    markers: tuple[Term, ...] = ()
    interventions: tuple[Term, ...] = ()
    control_kinds: tuple[Term, ...] = ()
    moderators: tuple[ModeratorTerm, ...] = ()
    by_word: Mapping[str, Mapping[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        tables = {"marker": self.markers, "intervention": self.interventions, "control_kind": self.control_kinds}
        words = {name: _by_word(terms) for name, terms in tables.items()}
        words |= {f"moderator {m.code}": _by_word(m.levels) for m in self.moderators}
        object.__setattr__(self, "by_word", words)

    def code(self, table: str, word: str) -> str | None:
        """The code of a term by its code, name or synonym; None where there is none."""
        return self.by_word[table].get(fold(word))


def _by_word(terms: Iterable[Term]) -> dict[str, str]:
    """Codes win over names and names over synonyms; a synonym of two terms is nobody's."""
    words: dict[str, str] = {}
    shared: set[str] = set()
    for term in terms:
        for synonym in map(fold, term.synonyms):
            if words.setdefault(synonym, term.code) != term.code:
                shared.add(synonym)
    for synonym in shared:
        del words[synonym]
    words |= {fold(term.name): term.code for term in terms}
    words |= {fold(term.code): term.code for term in terms}
    return words


IDENTITY = ("year", "doi", "pmid", "registry_id")
CENTRES: Mapping[str, CentreKind] = {kind.value: kind for kind in CentreKind if kind}
ONE_NUMBER_SPREADS: Mapping[str, SpreadKind] = {
    "sd": SpreadKind.SD,
    "se": SpreadKind.SE,
    "geometric_sd": SpreadKind.GEOMETRIC_SD,
    "unlabelled_spread": SpreadKind.UNLABELLED,
}
TWO_ENDED_SPREADS: Mapping[tuple[str, str], SpreadKind] = {
    ("ci_low", "ci_high"): SpreadKind.CI,
    ("q1", "q3"): SpreadKind.IQR,
    ("min", "max"): SpreadKind.RANGE,
}

_TRIAL = Column("trial", Holds.LABEL, 120, required=True, meaning="The trial's label in the review.")
_ARM = Column("arm", Holds.LABEL, 120, required=True, meaning="The arm, as named on the sheet arms.")

COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "trials": (
        _TRIAL,
        Column("year", Holds.TEXT, 4, meaning="Only compared with the trial, never changed."),
        Column("doi", Holds.TEXT, 200, meaning="Only compared with the trial, never changed."),
        Column("pmid", Holds.TEXT, 20, meaning="Only compared with the trial, never changed."),
        Column("registry_id", Holds.TEXT, 60, meaning="Only compared with the trial, never changed."),
    ),
    "arms": (
        _TRIAL,
        Column("arm", Holds.LABEL, 120, required=True, field="label", meaning="The arm's name, as printed."),
        Column("role", Holds.WORD, meaning="intervention or control."),
        Column("intervention", Holds.WORD, 160, meaning="Kind of treatment, from the codebook."),
        Column("control_kind", Holds.WORD, meaning="What the control arm received."),
        Column("n_randomised", Holds.COUNT, meaning="How many were randomised to this arm."),
        Column("eligible", Holds.YES_NO, meaning="no for an arm outside the review's question; empty is yes."),
        Column("stratum", Holds.TEXT, 60, meaning="Arms are contrasted within one stratum only; usually empty."),
    ),
    "observations": (
        _TRIAL,
        _ARM,
        Column("marker", Holds.LABEL, 160, required=True, meaning="What was measured, as printed."),
        Column("unit", Holds.LABEL, 60, meaning="As printed."),
        Column("phase", Holds.WORD, meaning="baseline, during, post or follow-up; change for a change from baseline."),
        Column("weeks", Holds.WEEKS, meaning="Weeks from randomisation; 0 is the baseline."),
        Column("timepoint", Holds.TEXT, 80, field="printed", meaning="The time as printed: 3 months after treatment."),
        Column("n", Holds.COUNT, meaning="People analysed."),
        Column("mean", Holds.QUANTITY, meaning="One centre a row."),
        Column("sd", Holds.QUANTITY, meaning="Standard deviation. One spread a row."),
        Column("se", Holds.QUANTITY, meaning="Standard error."),
        Column("ci_low", Holds.QUANTITY, meaning="Lower end of a confidence interval."),
        Column("ci_high", Holds.QUANTITY, meaning="Upper end of a confidence interval."),
        Column("ci_level", Holds.LEVEL, meaning="Level of the confidence interval in percent: 95."),
        Column("median", Holds.QUANTITY),
        Column("q1", Holds.QUANTITY, meaning="Lower quartile."),
        Column("q3", Holds.QUANTITY, meaning="Upper quartile."),
        Column("min", Holds.QUANTITY),
        Column("max", Holds.QUANTITY),
        Column("geometric_mean", Holds.QUANTITY),
        Column("geometric_sd", Holds.QUANTITY),
        Column("adjusted_mean", Holds.QUANTITY),
        Column("events", Holds.QUANTITY, meaning="How many had the event."),
        Column("unlabelled_spread", Holds.QUANTITY, meaning="A spread of which the report does not say what it is."),
        Column("specimen", Holds.TEXT, 60, meaning="serum, plasma, saliva …"),
        Column("assay", Holds.TEXT, 80),
        Column("condition", Holds.WORD, meaning="basal or stimulated."),
        Column("stimulus", Holds.TEXT, 60),
        Column("dose", Holds.TEXT, 60),
        Column("scale", Holds.WORD, meaning="raw, log, ln, log2, log10, log10(x+1), ratio or percent; empty is raw."),
        Column("report", Holds.TEXT, 10_000, field="source_report", meaning="Which of several, by what it is called."),
        Column("page", Holds.TEXT, 20, field="source_page"),
        Column("source", Holds.TEXT, 60, field="source_place", meaning="Table 2, Figure 1, text."),
        Column("quote", Holds.LINES, 10_000, field="source_quote", meaning="The words of the report."),
        Column("notes", Holds.LINES, 10_000),
    ),
    "contrasts": (
        _TRIAL,
        _ARM,
        Column("versus", Holds.LABEL, 120, meaning="The arm compared with; empty for the change within one arm."),
        Column("marker", Holds.LABEL, 160, required=True, meaning="The outcome, as on the sheet observations."),
        Column("phase", Holds.WORD, meaning="baseline, during, post or follow-up."),
        Column("weeks", Holds.WEEKS, meaning="Weeks from randomisation."),
        Column("timepoint", Holds.TEXT, 80, field="printed", meaning="The time as printed."),
        Column("statistic", Holds.WORD, required=True, meaning="One a row: t, F, p, a difference; r, SD of change …"),
        Column("value", Holds.QUANTITY, meaning="As printed: -2.10, <0.05. A difference is arm minus versus."),
        Column("df", Holds.TEXT, 60, meaning="Degrees of freedom; of an F both: 1, 48."),
        Column("ci_low", Holds.QUANTITY, meaning="Lower end of the CI of a difference."),
        Column("ci_high", Holds.QUANTITY, meaning="Upper end of the CI of a difference."),
        Column("ci_level", Holds.LEVEL, meaning="Level of the confidence interval in percent: 95."),
        Column("adjusted", Holds.TEXT, 200, meaning="What it is adjusted for: baseline, age."),
        Column("specimen", Holds.TEXT, 60, meaning="As on the sheet observations, and so on to scale."),
        Column("assay", Holds.TEXT, 80),
        Column("condition", Holds.WORD),
        Column("stimulus", Holds.TEXT, 60),
        Column("dose", Holds.TEXT, 60),
        Column("scale", Holds.WORD),
        Column("report", Holds.TEXT, 10_000, field="source_report", meaning="Which of several, by what it is called."),
        Column("page", Holds.TEXT, 20, field="source_page"),
        Column("source", Holds.TEXT, 60, field="source_place", meaning="Table 2, Figure 1, text."),
        Column("quote", Holds.LINES, 10_000, field="source_quote", meaning="The words of the report."),
        Column("notes", Holds.LINES, 10_000),
    ),
}  # fmt: skip

# Set by the system; a file that names one is refused, so that nobody believes it was taken.
PROTECTED = frozenset(
    {
        "id", "pk", "uuid", "key", "entry", "slot", "extractor", "reviewer", "holder", "user", "owner", "status",
        "state", "version", "is_consensus", "consensus", "is_final", "final", "approved", "submitted", "locked",
        "data_version", "digest", "position", "review", "is_superuser", "is_staff", "adjudicator",
    }
)  # fmt: skip
PROTECTED_ENDING = re.compile(r"_(id|pk|at|by|uuid|version)\Z")


def columns_of(sheet: str, vocabulary: Vocabulary) -> tuple[Column, ...]:
    """The columns of a sheet, the review's moderators among them."""
    taken = {column.name for column in COLUMNS[sheet]}
    moderators = [m.column() for m in vocabulary.moderators if m.code not in taken]
    of_arm = {m.code for m in vocabulary.moderators if m.of_arm}
    match sheet:
        case "trials":
            return (*COLUMNS[sheet], *moderators)
        case "arms":
            return (*COLUMNS[sheet], *(column for column in moderators if column.name in of_arm))
    return COLUMNS[sheet]


def sheet_of_header(header: Row, vocabulary: Vocabulary) -> str:
    """Which sheet a CSV file is, by its header: the one that knows the most of its columns."""
    names = {plain_name(cell.text) for cell in header.cells}
    known = {sheet: {column.name for column in columns_of(sheet, vocabulary)} for sheet in COLUMNS}
    return max(("observations", "contrasts", "arms", "trials"), key=lambda sheet: len(names & known[sheet]))


def read_header(
    sheet: str, title: str, header: Row, used: Mapping[int, int], vocabulary: Vocabulary
) -> tuple[dict[int, Column], list[Finding]]:
    """The column of each header cell, by its number, and every reason why the header is refused.

    `used` gives for each column in which something stands below the header the first row of it; `title` names the
    sheet in messages.
    """
    known = {
        name: column
        for column in columns_of(sheet, vocabulary)
        for name in (column.name, plain_name(column.alias))
        if name
    }
    found: dict[int, Column] = {}
    findings: list[Finding] = []
    seen: dict[str, Cell] = {}

    def refuse(message: str, cell: Cell) -> None:
        shown = cell.text[:80]
        findings.append(Finding(Code.HEADER, message, title, header.number, cell.letter, shown, seen=shown))

    for cell in header.cells:
        name = plain_name(cell.text)
        column = known.get(name)
        if not name:
            continue
        if column is None:
            refuse(_unknown(cell.text.strip(), name, known), cell)
        elif column.name in seen:
            refuse(f"The column “{column.name}” is there twice, in {seen[column.name].letter} and {cell.letter}.", cell)
        else:
            seen[column.name] = cell
            found[cell.column] = column
    titled = {cell.column for cell in header.cells if plain_name(cell.text)}
    for number in sorted(used.keys() - titled):
        refuse(
            f"The column has no name, but row {used[number]} has something in it.",
            Cell(number, header.cells[0].kind, ""),
        )
    missing = [column.name for column in known.values() if column.required and column.name not in seen]
    if sheet in {"observations", "contrasts"} and not {"phase", "weeks"} & seen.keys():
        missing.append("weeks")
    findings += [
        Finding(Code.HEADER, f"The column “{name}” is missing.", title, header.number, name=name)
        for name in dict.fromkeys(missing)
    ]
    return found, findings


def _unknown(shown: str, name: str, known: Mapping[str, Column]) -> str:
    if name in PROTECTED or PROTECTED_ENDING.search(name):
        return f"“{shown[:60]}” is set by the system and cannot come from a file."
    near = get_close_matches(name[:60], known, n=1)
    letters = confusable_letters(shown)
    message = f"There is no column “{shown[:60]}”."
    if letters:
        message += f" It is written with {letters}."
    return f"{message} Did you mean “{known[near[0]].name}”?" if near else message
