"""Reading the cells of one row by the columns they stand in. Refusals are collected, never raised."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from extraction.numbers import MINUS, NumberError, parse_count, parse_level, parse_number, parse_quantity
from extraction.record import Qualifier, Quantity, Status
from extraction.workbook.cells import SEEN, Cell, Code, Finding, Kind, Row
from extraction.workbook.columns import Column, Holds
from extraction.workbook.parsed import Findings, Place
from extraction.workbook.text import TWICE_DECODED, refused_character, tidied, without_formula_guard

T = TypeVar("T")

MOST_PEOPLE = 10_000_000
MOST_WEEKS = 5200.0
YES_NO = {"yes": "yes", "no": "no", "true": "yes", "false": "no", "1": "yes", "0": "no", "y": "yes", "n": "no"}

# What a spreadsheet makes of names such as SEPT2, 1-2 or 2310009E13 (Ziemann et al. 2016, Genome Biol 17:177).
_MONTH = (
    "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mrz|mär|mai|okt|dez|févr|avr|juin|juil|août|déc"
    "|ene|abr|ago|dic|giu|lug|set|ott"
)
MADE_DATE = re.compile(
    rf"\d{{1,2}}[-./ ]({_MONTH})[a-zé]{{0,6}}\.?([-./ ]\d{{2,4}})?|({_MONTH})\.?[-.]\d{{2}}"
    r"|\d{4}-\d{2}-\d{2}([T ].*)?|\d{1,2}[./]\d{1,2}[./](\d{2}|\d{4})",
    re.IGNORECASE,
)
MADE_NUMBER = re.compile(r"\d(\.\d+)?[eE]\+\d+", re.ASCII)
PURE_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?", re.ASCII)

NOT_TEXT = {
    Kind.FORMULA: (Code.FORMULA, "The cell holds a formula. Type the value that the report prints."),
    Kind.ERROR: (Code.VALUE, "The cell holds an error of the spreadsheet."),
    Kind.DATE: (Code.DATE, "The spreadsheet made a date of this cell. Format it as text and type it again."),
    Kind.LONG: (Code.LIMIT, "The cell holds more text than any cell may."),
}


class RowReader:
    """One row of a sheet: what the cell of a column says, None where it says nothing; notes what it refuses."""

    def __init__(self, title: str, row: Row, columns: Mapping[int, Column], findings: Findings, *, csv: bool) -> None:
        self.title, self.row, self.csv = title, row, csv
        self._findings = findings
        self._columns = {column.name: column for column in columns.values()}
        self._cells = {columns[cell.column].name: cell for cell in row.cells if cell.column in columns}
        self._texts: dict[str, str] = {}
        for name, cell in self._cells.items():
            text = self._text_of(self._columns[name], cell)
            if text:
                self._texts[name] = text

    @property
    def blank(self) -> bool:
        """Nothing to read and nothing to refuse."""
        return all(cell.kind is Kind.TEXT and not cell.text.strip() for cell in self.row.cells)

    def place(self, name: str) -> Place:
        cell = self._cells.get(name)
        return Place(self.title, self.row.number, cell.letter if cell else "", name, cell.text[:SEEN] if cell else "")

    def said(self, name: str) -> bool:
        """Whether the cell has something in it, readable or not."""
        cell = self._cells.get(name)
        return cell is not None and (cell.kind is not Kind.TEXT or bool(cell.text.strip()))

    def note(self, code: Code, name: str, message: str, other_row: int | None = None) -> None:
        place = self.place(name)
        row, column = self.row.number, "" if other_row else place.column
        self._findings.add(Finding(code, message, self.title, row, column, name, place.seen, other_row))

    def text(self, name: str) -> str | None:
        """A text without outer spaces; None where the cell is blank or was refused."""
        return self._texts.get(name)

    def needed(self, *names: str) -> bool:
        """Whether all these are said and readable; notes those that are blank."""
        for name in names:
            if not self.said(name):
                self.note(Code.VALUE, name, f"“{name}” is empty; every row needs it.")
        return all(name in self._texts for name in names)

    def quantity(self, name: str) -> Quantity | None:
        return self._number(name, parse_quantity)

    def count(self, name: str) -> Quantity | None:
        quantity = self._number(name, parse_count)
        if quantity and quantity.value is not None and quantity.value > MOST_PEOPLE:
            self.note(Code.RANGE, name, f"More than {MOST_PEOPLE:,} people.")
            return None
        return quantity

    def level(self, name: str) -> float | None:
        return self._number(name, parse_level)

    def weeks(self, name: str) -> float | None:
        number = self._number(name, parse_number)
        if number is None:
            return None
        if number.qualifier is not Qualifier.EQUAL:
            self.note(Code.VALUE, name, "Weeks are a plain number.")
            return None
        if abs(number.value) > MOST_WEEKS:
            self.note(Code.RANGE, name, "Weeks lie within a century.")
            return None
        return number.value

    def word(self, name: str, allowed: Mapping[str, str]) -> str | None:
        """One of a few words, by its case-folded form."""
        text = self._texts.get(name)
        if text is None:
            return None
        word = allowed.get(text.casefold())
        if word is None:
            self.note(Code.VALUE, name, f"“{text[:SEEN]}” is not one of {', '.join(dict.fromkeys(allowed.values()))}.")
        return word

    def _number(self, name: str, parse: Callable[[str], T]) -> T | None:
        text = self._texts.get(name)
        if text is None:
            return None
        if text[0] in "=@":
            self.note(Code.FORMULA, name, "A formula stands where a number is needed.")
            return None
        try:
            number = parse(text)
        except NumberError as refused:
            self.note(Code(refused.code), name, str(refused))
            return None
        if MINUS in text:
            self.note(Code.NORMALISED, name, f"The minus sign of “{text}” (U+2212) is read as -.")
        return number

    def _text_of(self, column: Column, cell: Cell) -> str:
        """The tidy text of a cell; "" where it is blank or refused."""
        if cell.kind in NOT_TEXT:
            code, message = NOT_TEXT[cell.kind]
            self.note(code, column.name, message)
            return ""
        if cell.kind is Kind.BOOLEAN and column.holds is not Holds.YES_NO:
            self.note(Code.VALUE, column.name, "The cell holds TRUE or FALSE.")
            return ""
        if cell.kind is Kind.NUMBER and column.holds is Holds.LABEL:
            self.note(
                Code.DATE,
                column.name,
                "The cell holds a number where a name belongs. Format it as text, type it again.",
            )
            return ""
        if cell.kind is Kind.PERCENT:
            self.note(Code.CHECK, column.name, f"The sheet shows this as a percentage; it holds {cell.text}.")
        if cell.kind is Kind.DISGUISED:
            self.note(Code.CHECK, column.name, f"The sheet shows this number in another form; it holds {cell.text}.")
        return self._tidy(column, cell) if cell.kind is Kind.TEXT else cell.text

    def _tidy(self, column: Column, cell: Cell) -> str:
        raw = without_formula_guard(cell.text) if self.csv else cell.text
        lines = column.holds is Holds.LINES
        if refused := refused_character(raw, lines=lines):
            self.note(
                Code.ENCODING, column.name, f"The cell holds the character {refused}. Type the text again without it."
            )
            return ""
        text = tidied(raw, lines=lines)
        if len(text) > column.limit and column.holds in (Holds.LABEL, Holds.TEXT, Holds.LINES, Holds.WORD):
            self.note(
                Code.LIMIT, column.name, f"The cell holds {len(text):,} characters; {column.limit:,} are allowed."
            )
            return ""
        if column.holds is Holds.LABEL and (why := _made_by_spreadsheet(column, text)):
            self.note(Code.DATE, column.name, f"“{text}” looks like {why} that a spreadsheet made of a name.")
            return ""
        if TWICE_DECODED.search(text):
            self.note(Code.CHECK, column.name, "The text looks as if its encoding was mistaken once.")
        if text and text != cell.text and not (lines and text == cell.text.replace("\r\n", "\n")):
            self.note(Code.NORMALISED, column.name, f"Read as “{text[:SEEN]}”: spaces and composed letters are tidied.")
        return text


def _made_by_spreadsheet(column: Column, text: str) -> str:
    if MADE_DATE.fullmatch(text):
        return "a date"
    if MADE_NUMBER.fullmatch(text) or (column.name == "marker" and PURE_NUMBER.fullmatch(text)):
        return "a number"
    return ""


def text_of(quantity: Quantity) -> str:
    """What was printed, or the status."""
    return quantity.printed if quantity.status is Status.REPORTED else quantity.status.value
