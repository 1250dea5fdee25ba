"""A CSV file as one sheet: UTF-8, comma, RFC 4180, nothing guessed. Runs in the child process."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from extraction.workbook.cells import (
    MAX_CELL_LENGTH,
    MAX_COLUMNS,
    MAX_ROWS,
    Cell,
    Code,
    Finding,
    Kind,
    Rejected,
    Row,
    Sheet,
    letter,
)
from extraction.workbook.sheetcells import Tally

OTHER_FILES = (
    b"PK\3\4",
    b"PK\5\6",
    b"\xd0\xcf\x11\xe0",
    b"%PDF",
    b"\x89PNG",
    b"GIF8",
    b"\xff\xd8\xff",
    b"{\\rtf",
    b"\x1f\x8b",
)
MARKUP = ("<!doctype", "<html", "<?xml", "<table")
OTHER_ENCODINGS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
OTHER_DELIMITERS = {"\t": "tabs", ";": "semicolons", "|": "vertical bars"}
SHOWN_RAGGED = 100


def read_csv(data: bytes) -> tuple[Sheet, list[Finding]]:
    """The one sheet of a CSV file, its rows numbered by lines of the file, and what is wrong with single rows.

    Raises `Rejected`: E_TYPE, E_ENCODING, E_HEADER (another delimiter), E_CORRUPT (quotes), E_LIMIT, E_BOMB.
    """
    text = _decoded(data)
    _check_delimiter(text.split("\n", 1)[0])
    rows: list[Row] = []
    findings: list[Finding] = []
    tally = Tally()
    width: int | None = None
    for line, fields in _records(text):
        if not any(fields):
            continue
        if len(fields) > MAX_COLUMNS:
            raise Rejected(Code.LIMIT, f"The row has more than {MAX_COLUMNS} fields.", row=line)
        width = width or len(fields)
        if len(fields) != width and len(findings) < SHOWN_RAGGED:
            message = f"The row has {len(fields)} fields, the header has {width}."
            findings.append(Finding(Code.VALUE, message, row=line, seen=",".join(fields)[:80]))
        cells = []
        for column, field in enumerate(fields, start=1):
            if field:
                tally.add(field)
                kind = Kind.LONG if len(field) > MAX_CELL_LENGTH else Kind.TEXT
                cells.append(Cell(column, kind, field if kind is Kind.TEXT else field[:100]))
        rows.append(Row(line, tuple(cells)))
        if len(rows) > MAX_ROWS + 1:
            raise Rejected(Code.LIMIT, f"The file has more than {MAX_ROWS:,} rows.", row=line)
    return Sheet("", known=True, rows=tuple(rows)), findings


def _decoded(data: bytes) -> str:
    if data.startswith(OTHER_FILES):
        raise Rejected(Code.TYPE, "The file is not a CSV file, whatever its name says.")
    if data.startswith(OTHER_ENCODINGS):
        raise Rejected(Code.ENCODING, "The file is in UTF-16. Save it as “CSV UTF-8”.", row=1)
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = "This line holds bytes that are not UTF-8. Save the file as “CSV UTF-8”."
        raise Rejected(Code.ENCODING, message, row=line, seen=f"byte {data[error.start]:02X}") from error
    at = text.find("\0")
    if at >= 0:
        raise Rejected(Code.ENCODING, "This line holds a NUL character.", row=text.count("\n", 0, at) + 1)
    if text.lstrip()[:20].lower().startswith(MARKUP):
        raise Rejected(Code.TYPE, "The file is not a CSV file, whatever its name says.")
    return text


def _check_delimiter(header: str) -> None:
    if header.lower().startswith("sep="):
        raise Rejected(Code.HEADER, "The first line must be the header. Leave out the “sep=” line.", row=1)
    for delimiter, words in OTHER_DELIMITERS.items():
        if delimiter in header and header.count(delimiter) > header.count(","):
            message = f"The columns are separated by {words}. Save the file as “CSV UTF-8 (comma delimited)”."
            raise Rejected(Code.HEADER, message, row=1, seen=header.strip()[:80])


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Every record with the line on which it begins."""
    # An unclosed quote is to be named as one, not as a long field. The limit is the process's: it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for fields in reader:
            yield line, fields
            line = reader.line_num + 1
    except csv.Error as error:
        unclosed = "unexpected end" in str(error)
        message = "A quotation mark is opened here and never closed." if unclosed else "The quotation marks are broken."
        raise Rejected(Code.CORRUPT, message, row=line, column=letter(0)) from error
