"""The workbook that extractors fill in, made from the review's vocabulary; empty, or with one's own drafts in it.

Every cell is text and every column is formatted as text, so that a spreadsheet program turns neither "5.20" into 5.2
nor SEPT2 into a date. What it offers, `importing` takes back.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from extraction import access
from extraction.contrasts import NAMES
from extraction.models import Review
from extraction.record import Condition, Role, Status
from extraction.workbook.cells import MAX_ROWS
from extraction.workbook.codebook import vocabulary_of
from extraction.workbook.columns import Column, Holds, Term, Vocabulary, columns_of
from extraction.workbook.filled import filled_rows
from extraction.workbook.measured import PHASES, SCALES

README, CODEBOOK = "read me", "codebook"
SHEETS = ("trials", "arms", "observations", "contrasts")
HEAD = Font(bold=True)
TITLE = Font(bold=True, size=14)
SHADE = PatternFill("solid", fgColor="EBEFFB")
TEXT_FORMAT = "@"
WIDE, NARROW = 24, 13
STATUSES = tuple(status.value for status in Status if status not in (Status.UNSAID, Status.REPORTED))
ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")

RULES = (
    "Fill in the sheets trials, arms, observations and contrasts. Other sheets are not read.",
    "Enter every number exactly as printed, qualifier included: 1.20, <0.5, ~12. Nothing is converted or rounded.",
    "Where the report leaves something out: NR not reported, NM not measured, UN unclear. A blank cell says nothing.",
    "One centre and one spread in a row. A second one of the same cell goes into the notes.",
    "weeks are counted from randomisation; 0 is the baseline. phase may stay blank where weeks says it.",
    "A change from baseline is a row of its own, with phase “change”.",
    "Order of columns does not matter. Columns may be removed; columns that are not known here are refused.",
    "No formulas, no merged cells, one header row on top.",
    "Importing first shows what is new, changed, unchanged or refused, cell by cell. Then all is entered, or nothing.",
)


@dataclass(frozen=True, slots=True)
class WordList:
    """Words of the codebook that belong to one column, offered where it is filled in."""

    name: str
    terms: tuple[Term, ...]
    strict: bool = True  # nothing else is taken


def template_workbook(review: Review, *, by: access.Viewer, with_drafts: bool = False) -> bytes:
    """An .xlsx with the sheets of an import, a "read me" and the codebook.

    `with_drafts` fills in what the caller's own drafts say, so that they can be worked on outside and come back.
    """
    vocabulary = vocabulary_of(review, by=by)
    book = Workbook()
    book.remove(book.worksheets[0])
    book.properties.title, book.properties.creator = str(review), "reviewapp"
    lists = word_lists(vocabulary)
    _write_readme(book.create_sheet(README), review, vocabulary)
    rows = filled_rows(review, vocabulary, by=by) if with_drafts else {}
    sheets = [book.create_sheet(name) for name in SHEETS]
    ranges = _write_codebook(book.create_sheet(CODEBOOK), lists)
    for sheet in sheets:
        columns = columns_of(sheet.title, vocabulary)
        _write_table(sheet, columns, rows.get(sheet.title, []))
        _offer_words(sheet, columns, lists, ranges)
    book.active = book.worksheets.index(sheets[SHEETS.index("observations")])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def word_lists(vocabulary: Vocabulary) -> dict[str, WordList]:
    """By column name, the words that the column knows."""
    lists = {
        "role": WordList("role", tuple(Term(role.value, role.value) for role in Role)),
        "intervention": WordList("intervention", vocabulary.interventions),
        "control_kind": WordList("control_kind", vocabulary.control_kinds),
        "eligible": WordList("eligible", (Term("yes", "yes"), Term("no", "no"))),
        "marker": WordList("marker", vocabulary.markers, strict=False),
        "phase": WordList("phase", tuple(Term(word, word) for word in PHASES)),
        "condition": WordList("condition", tuple(Term(one.value, one.value) for one in Condition if one)),
        "statistic": WordList("statistic", tuple(Term(one.value, name) for one, name in NAMES.items())),
        "scale": WordList("scale", tuple(Term(word, word) for word in SCALES), strict=False),
    }
    for moderator in vocabulary.moderators:
        if moderator.levels:
            missing = tuple(Term(status, status) for status in STATUSES)
            lists[moderator.code] = WordList(moderator.code, (*moderator.levels, *missing))
    return {name: words for name, words in lists.items() if words.terms}


def write_text(cell: Cell, text: str) -> None:
    """Text that stays text: no formula, no escape that decodes to something else, no character that XML forbids."""
    cell.value = ESCAPE.sub("_x005F_", ILLEGAL_CHARACTERS_RE.sub("", text))
    cell.data_type = "s"
    cell.number_format = TEXT_FORMAT
    if text.startswith(("=", "+", "-", "@")):
        cell.quotePrefix = True


def _write_row(sheet: Worksheet, row: int, texts: Sequence[str], font: Font | None = None) -> None:
    for column, text in enumerate(texts, start=1):
        if text:
            cell = sheet.cell(row, column)
            assert isinstance(cell, Cell)  # noqa: S101 - no cell of these sheets is merged
            write_text(cell, text)
            if font:
                cell.font = font


def _write_readme(sheet: Worksheet, review: Review, vocabulary: Vocabulary) -> None:
    _write_row(sheet, 1, [f"Extraction workbook: {review}"], TITLE)
    for row, rule in enumerate(RULES, start=3):
        _write_row(sheet, row, [rule])
    at = len(RULES) + 4
    _write_row(sheet, at, ["sheet", "column", "what it holds"], HEAD)
    for name in SHEETS:
        for column in columns_of(name, vocabulary):
            at += 1
            needed = "needed; " if column.required else ""
            _write_row(sheet, at, [name, column.name, needed + (column.meaning or column.name)])
    for letter, width in (("A", NARROW), ("B", WIDE), ("C", 90)):
        sheet.column_dimensions[letter].width = width


def _write_codebook(sheet: Worksheet, lists: dict[str, WordList]) -> dict[str, str]:
    """Write all lists below each other; answer with the cells of the words of each."""
    _write_row(sheet, 1, ["column", "code", "word", "definition"], HEAD)
    sheet.freeze_panes = "A2"
    ranges = {}
    row = 2
    for name, words in lists.items():
        first = row
        for term in words.terms:
            _write_row(sheet, row, [name, term.code, term.name, term.definition])
            sheet.cell(row, 4).alignment = Alignment(wrap_text=True, vertical="top")
            row += 1
        ranges[name] = f"{quote_sheetname(CODEBOOK)}!$C${first}:$C${row - 1}"
    for letter, width in (("A", NARROW), ("B", WIDE), ("C", 40), ("D", 90)):
        sheet.column_dimensions[letter].width = width
    return ranges


def _write_table(sheet: Worksheet, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    _write_row(sheet, 1, [column.name for column in columns], HEAD)
    for number, column in enumerate(columns, start=1):
        sheet.cell(1, number).fill = SHADE
        dimension = sheet.column_dimensions[get_column_letter(number)]
        dimension.number_format = TEXT_FORMAT
        dimension.width = WIDE if column.holds in (Holds.LABEL, Holds.LINES) else NARROW
    for row, texts in enumerate(rows, start=2):
        _write_row(sheet, row, texts)
    sheet.freeze_panes = "C2"


def _offer_words(
    sheet: Worksheet, columns: Sequence[Column], lists: dict[str, WordList], ranges: dict[str, str]
) -> None:
    for number, column in enumerate(columns, start=1):
        words = lists.get(column.name)
        if words is None:
            continue
        offer = DataValidation(type="list", formula1=f"={ranges[column.name]}", allow_blank=True)
        offer.showErrorMessage = words.strict
        offer.error = f"Choose a word of the codebook for {column.name}."
        letter = get_column_letter(number)
        offer.add(f"{letter}2:{letter}{MAX_ROWS + 1}")
        sheet.add_data_validation(offer)
