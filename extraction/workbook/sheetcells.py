"""The cells of one worksheet, streamed. Runs in the child process."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from extraction.workbook.cells import (
    MAX_CELL_LENGTH,
    MAX_CELLS,
    MAX_CHARACTERS,
    MAX_COLUMNS,
    MAX_DEPTH,
    MAX_ROWS,
    Cell,
    Code,
    Kind,
    Rejected,
    Row,
    Sheet,
    letter,
)
from extraction.workbook.xmlparts import Attributes, Reader, TooDeep, is_main, local

ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})\Z", re.ASCII)
LEXICAL_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)
SHOWN_MERGES = 20


@dataclass(slots=True)
class Tally:
    """What has been taken from all sheets together."""

    cells: int = 0
    characters: int = 0

    def add(self, text: str) -> None:
        self.cells += 1
        self.characters += len(text)
        if self.cells > MAX_CELLS:
            raise Rejected(Code.BOMB, f"The file has more than {MAX_CELLS:,} cells with something in them.")
        if self.characters > MAX_CHARACTERS:
            raise Rejected(Code.BOMB, f"The cells of the file hold more than {MAX_CHARACTERS:,} characters.")


def plain_text(text: str) -> str:
    """Decode `_x000B_` escapes (18.3.1.96, ST_Xstring); they may give characters that `parse` refuses."""
    return ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def shortest(lexical: str) -> str:
    """The shortest text of the stored number: "5.2500000000000004" is 5.25, "24.0" is 24.

    What float64 cannot hold (1E+400, 1E-400) and what is not a number stays as it is written, to be refused by name.
    """
    if not LEXICAL_NUMBER.match(lexical):
        return lexical
    value = float(lexical)
    too_small = value == 0 and re.search(r"[1-9]", re.split("[eE]", lexical)[0])
    if value in (float("inf"), float("-inf")) or too_small:
        return lexical
    return repr(value).removesuffix(".0")


class SheetReader(Reader):
    """Collects the rows of a worksheet. Raises E_CORRUPT, E_LIMIT or E_BOMB naming the cell."""

    guards_depth = True

    def __init__(self, name: str, strings: Sequence[str], styles: Sequence[Kind] | None, tally: Tally) -> None:
        self.name = name
        self._strings, self._styles, self._tally = strings, styles, tally
        self._rows: list[Row] = []
        self._cells: list[Cell] = []
        self._hidden_columns: list[tuple[int, int]] = []
        self._merged: list[str] = []
        self._row = self._column = 0
        self._row_hidden = self._hidden_by_default = False
        self._type, self._style, self._formula = "n", "", False
        self._pieces: list[str] = []
        self._length = 0
        self._taking = False
        self._phonetic = 0
        self._path = [""]
        self._elements: dict[str, str] = {}  # the name in SpreadsheetML of each name met, "" for foreign ones

    def sheet(self, *, hidden: bool) -> Sheet:
        columns, merged = tuple(self._hidden_columns), tuple(self._merged)
        return Sheet(self.name, True, hidden, tuple(self._rows), columns, merged)

    def open(self, name: str, attributes: Attributes) -> None:
        element = self._elements.get(name)
        if element is None:
            element = self._elements.setdefault(name, local(name) if is_main(name, local(name)) else "")
        parent = self._path[-1]
        self._path.append(element)
        if len(self._path) > MAX_DEPTH:
            raise TooDeep
        if element == "c" and parent == "row":
            self._begin_cell(attributes)
        elif element == "v" and parent == "c":
            self._taking = self._type != "inlineStr"
        elif element == "row" and parent == "sheetData":
            self._begin_row(attributes)
        elif element == "t" and "is" in self._path:
            self._taking = self._type == "inlineStr" and not self._phonetic
        elif element == "f" and parent == "c":
            self._formula = True
        elif element == "rPh":
            self._phonetic += 1
        elif element == "mergeCell" and len(self._merged) < SHOWN_MERGES:
            self._merged.append(attributes.get("ref", "")[:40])
        elif element == "sheetFormatPr":
            self._hidden_by_default = _is_true(attributes.get("zeroHeight"))
        elif element == "col":
            self._note_column(attributes)

    def close(self, name: str) -> None:
        element = self._path.pop()
        if element in ("v", "t"):
            self._taking = False
        elif element == "c" and self._path[-1] == "row":
            self._end_cell()
        elif element == "row" and self._path[-1] == "sheetData":
            self._end_row()
        elif element == "rPh":
            self._phonetic -= 1

    def text(self, text: str) -> None:
        if self._taking and self._length <= MAX_CELL_LENGTH:
            self._pieces.append(text)
            self._length += len(text)

    def _begin_row(self, attributes: Attributes) -> None:
        self._column = 0
        number = attributes.get("r")
        if number is None:
            self._row += 1
        elif (index := _index(number)) is not None and index > self._row:
            self._row = index
        else:
            self._corrupt("The rows of the sheet are out of order after this one.", number[:20])
        height = attributes.get("ht", "")
        hidden = attributes.get("hidden")
        self._row_hidden = _is_true(hidden) or height in ("0", "0.0") or (hidden is None and self._hidden_by_default)
        self._cells = []

    def _end_row(self) -> None:
        if self._cells:
            if self._row > MAX_ROWS + 1:
                raise Rejected(
                    Code.LIMIT, f"The sheet has more than {MAX_ROWS:,} rows.", sheet=self.name, row=self._row
                )
            self._rows.append(Row(self._row, tuple(self._cells), self._row_hidden))

    def _begin_cell(self, attributes: Attributes) -> None:
        reference = attributes.get("r")
        if reference is None or reference == f"{letter(self._column + 1)}{self._row}":
            self._column += 1
        else:
            match = REFERENCE.match(reference)
            column = _column_number(match[1]) if match else 0
            if match is None or int(match[2]) != self._row or column <= self._column:
                self._corrupt("A cell stands in a row or column that is not its own.", reference[:20])
            self._column = column
        self._type = attributes.get("t", "n")
        self._style = attributes.get("s", "")
        self._formula = self._taking = False
        self._pieces, self._length = [], 0

    def _end_cell(self) -> None:
        raw = "".join(self._pieces)
        kind, text = self._content(raw)
        if not text and kind is Kind.TEXT:
            return
        if self._column > MAX_COLUMNS:
            message = f"The sheet has more than {MAX_COLUMNS} columns."
            raise Rejected(Code.LIMIT, message, sheet=self.name, row=self._row, column=letter(self._column))
        if kind is Kind.TEXT and len(text) > MAX_CELL_LENGTH:
            kind, text = Kind.LONG, text[:100]
        self._tally.add(text)
        self._cells.append(Cell(self._column, kind, text))

    def _content(self, raw: str) -> tuple[Kind, str]:
        if self._formula:
            return Kind.FORMULA, plain_text(raw)
        match self._type:
            case "n":
                return (self._number_kind(), shortest(raw.strip())) if raw.strip() else (Kind.TEXT, "")
            case "s":
                return Kind.TEXT, self._shared(raw) if raw else ""
            case "inlineStr" | "str":
                return Kind.TEXT, plain_text(raw)
            case "b":
                return Kind.BOOLEAN, "TRUE" if raw == "1" else "FALSE"
            case "e":
                return Kind.ERROR, raw or "#ERROR"
            case "d":
                return (Kind.DATE, raw) if raw else (Kind.TEXT, "")
            case unknown:
                return self._corrupt("This cell is of a type that does not exist.", unknown[:20])

    def _shared(self, raw: str) -> str:
        index = _index(raw)
        if index is None or index >= len(self._strings):
            self._corrupt("This cell points to a text that is not in the file.", raw[:20])
        return self._strings[index]

    def _number_kind(self) -> Kind:
        if self._styles is None or not self._style:
            return self._styles[0] if self._styles else Kind.NUMBER
        index = _index(self._style)
        if index is None or index >= len(self._styles):
            self._corrupt("This cell points to a format that is not in the file.", self._style[:20])
        return self._styles[index]

    def _note_column(self, attributes: Attributes) -> None:
        hidden = _is_true(attributes.get("hidden")) or attributes.get("width") in ("0", "0.0")
        first, last = _index(attributes.get("min", "")), _index(attributes.get("max", ""))
        if hidden and first and last and len(self._hidden_columns) < MAX_COLUMNS:
            self._hidden_columns.append((first, last))

    def _corrupt(self, message: str, seen: str) -> NoReturn:
        column = letter(self._column) if self._column else ""
        raise Rejected(Code.CORRUPT, message, sheet=self.name, row=self._row or None, column=column, seen=seen)


def _index(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _column_number(name: str) -> int:
    number = 0
    for character in name:
        number = number * 26 + ord(character) - ord("A") + 1
    return number


def _is_true(value: str | None) -> bool:
    return value in ("1", "true")
