"""What the reading of a workbook speaks of: cells, sheets, findings, limits.

Standard library only: the child process that reads uploads imports this module too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

KNOWN_SHEETS = ("trials", "arms", "observations", "contrasts")

MIB = 1 << 20
MAX_UPLOAD = 10 * MIB
MAX_ENTRIES = 500  # parts of one package
MAX_PART = 24 * MIB  # unpacked
MAX_UNPACKED = 64 * MIB
MAX_DEPTH = 64  # nested XML elements
MAX_ROWS = 20_000  # of data, per sheet
MAX_COLUMNS = 100
MAX_CELLS = 300_000  # with something in them
MAX_CELL_LENGTH = 32_767  # what a spreadsheet program itself allows
MAX_CHARACTERS = 16 * MIB  # of all cells together
MAX_STRINGS = 300_000
MAX_FORMATS = 65_536
MAX_SHEETS = 200
MAX_FINDINGS = 100
SEEN = 80  # characters of a refused cell that are shown again


class Code(StrEnum):
    """Why a file or a cell is refused (E) or shown before it is taken (W)."""

    TYPE = "E_TYPE"
    CORRUPT = "E_CORRUPT"
    ENCRYPTED = "E_ENCRYPTED"
    MACRO = "E_MACRO"
    BOMB = "E_BOMB"
    XML = "E_XML"
    EXTERNAL = "E_EXTERNAL"
    LIMIT = "E_LIMIT"
    SHEET = "E_SHEET"
    HEADER = "E_HEADER"
    MERGED = "E_MERGED"
    EMPTY = "E_EMPTY"
    FORMULA = "E_FORMULA"
    VALUE = "E_VALUE"
    RANGE = "E_RANGE"
    DATE = "E_DATE"
    DUPLICATE = "E_DUP"
    ENCODING = "E_ENCODING"
    SCOPE = "E_SCOPE"
    NORMALISED = "W_NORMALISED"
    HIDDEN = "W_HIDDEN"
    CHECK = "W_CHECK"

    @property
    def rejects(self) -> bool:
        return self.value.startswith("E_")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a file, or that a person must see before it is taken.

    `row` is the row of the sheet, in CSV the line of the file, both from 1. `part` names a part of the package.
    """

    code: Code
    message: str
    sheet: str = ""
    row: int | None = None
    column: str = ""  # its letter
    name: str = ""  # its header
    seen: str = ""
    other_row: int | None = None
    part: str = ""

    @property
    def rejects(self) -> bool:
        return self.code.rejects

    @property
    def where(self) -> str:
        """ "G2", "rows 2, 6", "row 4", "column G" or the name of a part."""
        if self.other_row is not None and self.row is not None:
            return f"rows {min(self.row, self.other_row)}, {max(self.row, self.other_row)}"
        if self.row is not None:
            return f"{self.column}{self.row}" if self.column else f"row {self.row}"
        return f"column {self.column}" if self.column else self.part

    def __str__(self) -> str:
        place = ", ".join(filter(None, (self.sheet, self.where, self.name)))
        return f"{place}: {self.message}" if place else self.message


class Rejected(Exception):
    """The file is not read any further."""

    def __init__(self, code: Code, message: str, **where: str | int | None) -> None:
        self.finding = Finding(code, message, **where)  # type: ignore[arg-type]
        super().__init__(message)


class Kind(StrEnum):
    """How a cell holds what it holds. A spreadsheet's guesses are told apart here and judged in `parse`."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"  # a number or date that the sheet shows as a date
    PERCENT = "percent"  # a number that the sheet shows multiplied by 100
    DISGUISED = "disguised"  # a number that the sheet shows in thousands, or with added words
    BOOLEAN = "boolean"
    ERROR = "error"  # #N/A, #DIV/0!
    FORMULA = "formula"
    LONG = "long"  # text longer than MAX_CELL_LENGTH; only its beginning is kept


class Cell(NamedTuple):
    """One cell with something in it; a number as the shortest text that gives the stored value back."""

    column: int  # from 1
    kind: Kind
    text: str

    @property
    def letter(self) -> str:
        return letter(self.column)


class Row(NamedTuple):
    number: int
    cells: tuple[Cell, ...]
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet by its name in the file. `rows` is empty for sheets that are not read (`known` False)."""

    name: str
    known: bool
    hidden: bool = False
    rows: tuple[Row, ...] = ()
    hidden_columns: tuple[tuple[int, int], ...] = ()  # first and last, from 1
    merged: tuple[str, ...] = ()  # the first few ranges

    def hides_column(self, column: int) -> bool:
        return any(first <= column <= last for first, last in self.hidden_columns)


@lru_cache(maxsize=1024)
def letter(column: int) -> str:
    """1 is A, 27 is AA."""
    name = ""
    while column:
        column, place = divmod(column - 1, 26)
        name = chr(ord("A") + place) + name
    return name


def plain_name(name: str) -> str:
    """The form in which the name of a sheet or column is compared: case and outer spaces do not count."""
    return " ".join(name.split()).casefold()


def first_findings(findings: Iterable[Finding], limit: int = MAX_FINDINGS) -> tuple[list[Finding], int]:
    """Up to `limit` findings, refusals first, and how many more there are."""
    ordered: Iterator[Finding] = iter(sorted(findings, key=lambda finding: not finding.rejects))
    shown = [finding for _, finding in zip(range(limit), ordered, strict=False)]
    return shown, sum(1 for _ in ordered)
