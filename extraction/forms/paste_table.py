"""The clipboard as a table: cut into cells, heads and labels told from data."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from extraction.pasted import Kind, read

_TOKEN = re.compile(
    r"[<≤>≥~]?\s?[-−–+]?[0-9][0-9.,·]*\s*(?:±|\+/-|\+-)\s*[0-9][0-9.,·]*|"
    r"[<≤>≥~]?\s?[-−–+]?[0-9][0-9.,·]*\s*[(\[][^)\]]*[)\]]|[<≤>≥~]\s?[0-9.,·]+|\S+"
)


def table_of(text: str) -> list[list[str]]:
    """The cells of a spreadsheet's clipboard; of a PDF's, lines cut at wide gaps or between numbers."""
    lines = text.replace("\r\n", "\n").strip("\n").split("\n")
    if "\t" in text:
        return [row for row in csv.reader(io.StringIO(text), delimiter="\t") if any(cell.strip() for cell in row)]
    return [_cut(line.strip()) for line in lines if line.strip()]


def _cut(line: str) -> list[str]:
    parts = re.split(r"\s{2,}", line)
    if len(parts) > 1:
        return parts
    tokens = [token.strip() for token in _TOKEN.findall(line)]
    first = next((at for at, token in enumerate(tokens) if read(token).kind is not Kind.REFUSED), len(tokens))
    return [*([" ".join(tokens[:first])] if first else []), *tokens[first:]]


def framed(table: Sequence[Sequence[str]]) -> tuple[list[str], list[str], list[list[str]]]:
    """Labels, heads and cells: a first column or first row of words is no data."""
    rows = [list(row) for row in table]
    heads: list[str] = []
    if len(rows) > 1 and any(rows[0][1:]) and all(_is_word(text) for text in rows[0][1:]):
        heads = rows.pop(0)
    first = [row[0] for row in rows if row]
    labelled = len(first) == len(rows) and any(first) and all(_is_word(text) for text in first)
    if not labelled or max((len(row) for row in rows), default=0) < 2:
        return [], heads, rows
    return first, heads[1:], [row[1:] for row in rows]


def _is_word(text: str) -> bool:
    """Blank, words, or a number with words after it, such as “12 weeks”."""
    reading = read(text)
    return reading.kind in {Kind.REFUSED, Kind.EMPTY} or bool(reading.unit)


def locale_of(cells: Sequence[Sequence[str]]) -> str | None:
    """What the other numbers say of the decimal sign: "en" for a point, "de" for a comma, None where they differ."""
    text = " ".join(cell for row in cells for cell in row)
    comma = re.search(r"[0-9],(?:[0-9]{1,2}|[0-9]{4,})(?![0-9,])", text) is not None
    point = re.search(r"[0-9]\.(?:[0-9]{1,2}|[0-9]{4,})(?![0-9.])", text) is not None
    return None if comma == point else "de" if comma else "en"
