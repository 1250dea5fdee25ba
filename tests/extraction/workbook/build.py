"""Small .xlsx files for tests, part by part, so that any part can be made wrong."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from extraction.workbook.cells import letter
from extraction.workbook.child import answer
from extraction.workbook.columns import Vocabulary
from extraction.workbook.parse import parse
from extraction.workbook.parsed import ParsedWorkbook
from extraction.workbook.preflight import Preflight, understood

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'

Value = str | int | float | None

HEADER: list[Value] = ["trial", "arm", "n", "marker", "unit", "weeks", "mean", "sd", "median", "q1", "q3", "notes"]
ROW: list[Value] = ["S001", "Drug A", 25, "IL-6", "pg/mL", 0, 5.25, 1.125, None, None, None, "baseline"]


def row(**changes: Value) -> list[Value]:
    """A good row of observations, with some cells changed by column."""
    values: list[Value] = list(ROW)
    for name, value in changes.items():
        values[HEADER.index(name)] = value
    return values


def cell(column: int, number: int, value: Value) -> str:
    reference = f"{letter(column)}{number}"
    if value is None:
        return ""
    if isinstance(value, str):
        if value.startswith(("<c ", "<c>", "<c/>")):
            return value.replace("<c", f'<c r="{reference}"', 1)
        return f'<c r="{reference}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return f'<c r="{reference}"><v>{value!r}</v></c>'


def sheet(rows: Iterable[Sequence[Value]], *, before: str = "", after: str = "", hidden: Iterable[int] = ()) -> str:
    """A worksheet; a text that begins with "<c" stands as the cell's XML."""
    written = []
    for number, values in enumerate(rows, start=1):
        cells = "".join(cell(column, number, value) for column, value in enumerate(values, start=1))
        attribute = ' hidden="1"' if number in set(hidden) else ""
        written.append(f'<row r="{number}"{attribute}>{cells}</row>')
    data = "".join(written)
    return f'{HEAD}<worksheet xmlns="{MAIN}">{before}<sheetData>{data}</sheetData>{after}</worksheet>'


def observations(*rows: Sequence[Value]) -> str:
    return sheet([HEADER, *(rows or [ROW])])


def parts(sheets: Mapping[str, str], *, states: Mapping[str, str] | None = None) -> dict[str, str | bytes]:
    """The parts of a workbook with these sheets, in the order in which they are written."""
    overrides, listed, links = [], [], []
    found: dict[str, str | bytes] = {}
    for number, (name, xml) in enumerate(sheets.items(), start=1):
        overrides.append(f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{TYPES}.worksheet+xml"/>')
        state = f' state="{states[name]}"' if states and name in states else ""
        listed.append(f'<sheet name="{escape(name)}" sheetId="{number}"{state} r:id="rId{number}"/>')
        links.append(f'<Relationship Id="rId{number}" Type="{LINKS}/worksheet" Target="worksheets/sheet{number}.xml"/>')
        found[f"xl/worksheets/sheet{number}.xml"] = xml
    return {
        "[Content_Types].xml": (
            f'{HEAD}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{TYPES}.sheet.main+xml"/>{"".join(overrides)}</Types>'
        ),
        "_rels/.rels": (
            f'{HEAD}<Relationships xmlns="{RELS}">'
            f'<Relationship Id="rId1" Type="{LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": (
            f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{LINKS}"><sheets>{"".join(listed)}</sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": f'{HEAD}<Relationships xmlns="{RELS}">{"".join(links)}</Relationships>',
        **found,
    }


def packed(found: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in found.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def workbook(sheets: Mapping[str, str] | None = None, changed: Mapping[str, str | bytes] | None = None) -> bytes:
    """A workbook with one good sheet `observations`, or the sheets given; `changed` replaces or adds parts."""
    return packed(parts(sheets or {"observations": observations()}) | dict(changed or {}))


def with_styles(sheets: Mapping[str, str], styles: str) -> bytes:
    """A workbook with a style sheet: `styles` is what stands in `<styleSheet>`."""
    found = parts(sheets)
    return with_link(found, "styles", "styles.xml", f'{HEAD}<styleSheet xmlns="{MAIN}">{styles}</styleSheet>')


def with_link(found: dict[str, str | bytes], kind: str, target: str, content: str | bytes) -> bytes:
    """The package with one more part that the workbook refers to."""
    link = f'<Relationship Id="rIdX" Type="{LINKS}/{kind}" Target="{target}"/></Relationships>'
    rels = str(found["xl/_rels/workbook.xml.rels"]).replace("</Relationships>", link)
    return packed(found | {"xl/_rels/workbook.xml.rels": rels, f"xl/{target}": content})


def read_inside(data: bytes, name: str) -> Preflight:
    """What the child does, in this process: faster, and seen by the measurement of coverage."""
    suffix = Path(name).suffix
    return understood(suffix, json.loads(json.dumps(answer(data, suffix))))


def parse_inside(data: bytes, name: str, vocabulary: Vocabulary) -> ParsedWorkbook:
    return parse(read_inside(data, name), vocabulary)
