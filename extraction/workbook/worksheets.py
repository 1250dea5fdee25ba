"""From the XML of a workbook to the plain contents of the cells of its known sheets.

Runs in the child process. Streaming: no cell that is not in the file is ever made, whatever the sheet's declared size,
merges or styles say. No value is interpreted here beyond telling kinds of cells apart.
ECMA-376 part 1, sections 18.2 (workbook), 18.3 (worksheets), 18.4 (shared strings), 18.8 (styles).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from extraction.workbook.cells import (
    KNOWN_SHEETS,
    MAX_CELL_LENGTH,
    MAX_FORMATS,
    MAX_ROWS,
    MAX_SHEETS,
    MAX_STRINGS,
    Code,
    Kind,
    Rejected,
    Sheet,
    plain_name,
)
from extraction.workbook.package import Package
from extraction.workbook.parts import find, relationships
from extraction.workbook.sheetcells import SheetReader, Tally, plain_text
from extraction.workbook.xmlparts import Attributes, Reader, is_main, read_xml

# Built-in formats that show a date or time (18.8.30), those of East Asian locales included.
DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
PERCENT_FORMATS = {9, 10}
QUOTED = re.compile(r'"[^"]*"|\\.|_.|\*.')
WORDS = re.compile(r'"([^"]*)"|\\(.)')
BRACKETED = re.compile(r"\[(?!h+\]|m+\]|s+\])[^\]]*\]", re.IGNORECASE)
THOUSANDS = re.compile(r"[0#?],+(?![0#?])")


@dataclass(frozen=True, slots=True)
class _Listed:
    name: str
    hidden: bool
    link: str


class _Workbook(Reader):
    def __init__(self) -> None:
        self.sheets: list[_Listed] = []

    def open(self, name: str, attributes: Attributes) -> None:
        if is_main(name, "sheet"):
            if len(self.sheets) >= MAX_SHEETS:
                raise Rejected(Code.BOMB, f"The workbook has more than {MAX_SHEETS} sheets.")
            link = next((value for key, value in attributes.items() if key.endswith("relationships id")), "")
            hidden = attributes.get("state", "visible") != "visible"
            self.sheets.append(_Listed(attributes.get("name", ""), hidden, link))
        elif is_main(name, "definedName") and attributes.get("name", "").lower().startswith("_xlnm.auto_"):
            raise Rejected(Code.MACRO, "The workbook runs something when it is opened.")
        elif is_main(name, "externalReference"):
            raise Rejected(Code.EXTERNAL, "The workbook links to another file.")


class SharedStrings(Reader):
    """The texts that cells point to. Phonetic runs (rPh) are left out, rich text runs joined."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._pieces: list[str] = []
        self._length = 0
        self._phonetic = 0
        self._inside = False

    def open(self, name: str, attributes: Attributes) -> None:
        if is_main(name, "si"):
            if len(self.texts) >= MAX_STRINGS:
                raise Rejected(Code.BOMB, f"The workbook has more than {MAX_STRINGS:,} texts.")
            self._pieces, self._length = [], 0
        elif is_main(name, "rPh"):
            self._phonetic += 1
        elif is_main(name, "t"):
            self._inside = True

    def close(self, name: str) -> None:
        if is_main(name, "si"):
            self.texts.append(plain_text("".join(self._pieces)))
        elif is_main(name, "rPh"):
            self._phonetic -= 1
        elif is_main(name, "t"):
            self._inside = False

    def text(self, text: str) -> None:
        if self._inside and not self._phonetic and self._length <= MAX_CELL_LENGTH:
            self._pieces.append(text)
            self._length += len(text)


class Styles(Reader):
    """For each cell style, what its number format makes of a number: NUMBER, DATE, PERCENT or DISGUISED."""

    def __init__(self) -> None:
        self.kinds: list[Kind] = []
        self._custom: dict[str, str] = {}
        self._formats: list[str] = []
        self._in_cell_formats = False

    def open(self, name: str, attributes: Attributes) -> None:
        if is_main(name, "numFmt"):
            self._custom[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif is_main(name, "cellXfs"):
            self._in_cell_formats = True
        elif self._in_cell_formats and is_main(name, "xf"):
            self._formats.append(attributes.get("numFmtId", "0"))
        if max(len(self._formats), len(self._custom)) > MAX_FORMATS:
            raise Rejected(Code.BOMB, f"The workbook has more than {MAX_FORMATS:,} cell formats.", part="xl/styles.xml")

    def close(self, name: str) -> None:
        if is_main(name, "cellXfs"):
            self._in_cell_formats = False
        elif is_main(name, "styleSheet"):
            known = {code: self._kind(code) for code in set(self._formats)}
            self.kinds = [known[code] for code in self._formats]

    def _kind(self, number: str) -> Kind:
        if number in self._custom:
            return kind_of_format(self._custom[number])
        if not number.isascii() or not number.isdigit():
            return Kind.NUMBER
        built_in = int(number)
        if built_in in DATE_FORMATS:
            return Kind.DATE
        return Kind.PERCENT if built_in in PERCENT_FORMATS else Kind.NUMBER


def kind_of_format(code: str) -> Kind:
    """What a number format shows: "d/m/yyyy" a date, "0.0%" a percentage, "0.0," or '"<"0' not the number itself."""
    bare = BRACKETED.sub("", QUOTED.sub("", code))
    if re.search(r"[ymdhsb]", bare, re.IGNORECASE) and "general" not in bare.lower():
        return Kind.DATE
    if "%" in bare:
        return Kind.PERCENT
    words = "".join(quoted or escaped for quoted, escaped in WORDS.findall(code))
    if THOUSANDS.search(bare) or re.search(r"[\d<>≤≥~±.,]", words) or re.search(r"[1-9<>≤≥~±]", bare):
        return Kind.DISGUISED
    return Kind.NUMBER


def read_sheets(package: Package, workbook: str) -> list[Sheet]:
    """Every sheet by name; the known ones with their cells.

    Raises `Rejected`: E_SHEET, E_CORRUPT, E_LIMIT, E_BOMB, and what `read_xml` raises.
    """
    listed = _Workbook()
    read_xml(package, workbook, listed)
    links = relationships(package, workbook)
    strings, styles = SharedStrings(), Styles()
    seen = {workbook}
    for kind, reader in (("sharedstrings", strings), ("styles", styles)):
        target = next((link.target for link in links.values() if link.type == kind), None)
        part = find(package, target) if target else None
        if part is not None:
            read_xml(package, part, reader)
            seen.add(part)
    tally = Tally()
    sheets = []
    for sheet in listed.sheets:
        link = links.get(sheet.link)
        part = find(package, link.target) if link and link.type == "worksheet" else None
        if plain_name(sheet.name) not in KNOWN_SHEETS:
            sheets.append(Sheet(sheet.name, known=False, hidden=sheet.hidden))
            continue
        if part is None:
            raise Rejected(Code.CORRUPT, "This sheet is named in the workbook but not in the file.", sheet=sheet.name)
        _refuse_too_many_rows(package, part, sheet.name)
        cells = SheetReader(sheet.name, strings.texts, styles.kinds or None, tally)
        read_xml(package, part, cells)
        seen.add(part)
        sheets.append(cells.sheet(hidden=sheet.hidden))
    _scan_the_rest(package, seen)
    return sheets


def _refuse_too_many_rows(package: Package, part: str, sheet: str) -> None:
    """Count rows that hold something without reading them: a hundred thousand are refused in a moment.

    Sees the usual spelling of the tags only; `SheetReader` counts again, in any spelling.
    """
    rows, rest = 0, b""
    for piece in package.read(part):
        *ended, rest = (rest + piece).split(b"</row>")
        rows += sum(b"<v" in row or b"<t" in row for row in ended)
        if rows > MAX_ROWS + 1:
            raise Rejected(Code.LIMIT, f"The sheet has more than {MAX_ROWS:,} rows.", sheet=sheet)


def _scan_the_rest(package: Package, seen: set[str]) -> None:
    for part in package.parts:
        if part not in seen and part.lower().endswith((".xml", ".vml", ".svg")):
            try:
                read_xml(package, part)
            except Rejected as refusal:
                # Old programs write drawings of comments as broken XML; nobody reads them.
                if not (part.lower().endswith(".vml") and refusal.finding.code is Code.CORRUPT):
                    raise
