"""What is taken from the cells of a worksheet and from the fields of a CSV file, before anything is interpreted."""

from __future__ import annotations

import csv
import io
import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extraction.workbook.cells import Kind, Sheet, letter
from extraction.workbook.sheetcells import shortest
from extraction.workbook.worksheets import kind_of_format
from tests.extraction.workbook.build import (
    HEAD,
    HEADER,
    MAIN,
    ROW,
    observations,
    packed,
    parts,
    read_inside,
    row,
    sheet,
    with_link,
    with_styles,
    workbook,
)

FIRST_ROW = f'<worksheet xmlns="{MAIN}"><sheetData><row r="1">{{}}</row></sheetData></worksheet>'


def read_sheet(xml: str) -> Sheet:
    checked = read_inside(workbook({"observations": xml}), "a.xlsx")
    assert checked.findings == (), checked.findings
    return checked.sheets[0]


def first_cell(xml: str) -> tuple[Kind, str]:
    cell = read_sheet(sheet([[xml]])).rows[0].cells[0]
    return cell.kind, cell.text


def refusal(xml: str) -> tuple[str, str]:
    finding = read_inside(workbook({"observations": xml}), "a.xlsx").findings[0]
    return finding.code.value, finding.where


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("5.25", "5.25"), ("24", "24"), ("24.0", "24"), ("5.2500000000000004", "5.25"),
        ("0.30000000000000004", "0.30000000000000004"), ("1E2", "100"), ("-0.0", "-0"),
        ("5.696189077778436e-306", "5.696189077778436e-306"), ("1e22", "1e+22"), ("1E+400", "1E+400"),
        ("1E-400", "1E-400"), ("0E-400", "0"), ("NaN", "NaN"), ("INF", "INF"), ("1_000", "1_000"), ("٥", "٥"),
        ("0x10", "0x10"),
    ],
)  # fmt: skip
def test_a_number_is_the_shortest_text_of_what_is_stored(stored: str, text: str) -> None:
    assert shortest(stored) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_a_spreadsheet_can_store_comes_back_bit_for_bit(value: float) -> None:
    assert struct.pack("<d", float(shortest(repr(value)))) == struct.pack("<d", value)


@pytest.mark.parametrize(
    ("xml", "kind", "text"),
    [
        ("<c><v>5.25</v></c>", Kind.NUMBER, "5.25"),
        ('<c t="n"><v> 5.25 </v></c>', Kind.NUMBER, "5.25"),
        ('<c t="str"><v>text</v></c>', Kind.TEXT, "text"),
        ('<c t="b"><v>1</v></c>', Kind.BOOLEAN, "TRUE"),
        ('<c t="b"><v>0</v></c>', Kind.BOOLEAN, "FALSE"),
        ('<c t="e"><v>#DIV/0!</v></c>', Kind.ERROR, "#DIV/0!"),
        ('<c t="d"><v>2021-09-02</v></c>', Kind.DATE, "2021-09-02"),
        ("<c><f>1+1</f><v>2</v></c>", Kind.FORMULA, "2"),
        ("<c><f>1+1</f></c>", Kind.FORMULA, ""),
        ('<c t="str"><f t="shared" si="0"/><v>x</v></c>', Kind.FORMULA, "x"),
        ('<c><f t="array" ref="A1:A3">{1}</f><v>1</v></c>', Kind.FORMULA, "1"),
        (
            '<c t="inlineStr"><is><r><t>TNF-</t></r><r><t>α</t></r><rPh sb="0" eb="1"><t>XX</t></rPh></is></c>',
            Kind.TEXT,
            "TNF-α",
        ),
        ('<c t="inlineStr"><is><t>_x0041__x005F_x0041_</t></is></c>', Kind.TEXT, "A_x0041_"),
        ('<c t="inlineStr"><is><t>a_x000B_b</t></is></c>', Kind.TEXT, "a\x0bb"),
        ('<c t="inlineStr"><is><t>_xD800_</t></is></c>', Kind.TEXT, "\ud800"),
    ],
)
def test_cells_are_told_apart_by_how_they_are_stored(xml: str, kind: Kind, text: str) -> None:
    assert first_cell(xml) == (kind, text)


@pytest.mark.parametrize(
    "empty", ["<c/>", '<c s="0"/>', "<c><v></v></c>", '<c t="inlineStr"><is><t></t></is></c>', '<c t="s"/>']
)
def test_an_empty_cell_is_no_cell(empty: str) -> None:
    checked = read_inside(with_styles({"observations": sheet([[empty]])}, "<cellXfs><xf/></cellXfs>"), "a.xlsx")
    assert checked.findings == ()
    assert checked.sheets[0].rows == ()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("General", Kind.NUMBER), ("0.00", Kind.NUMBER), ("#,##0.00", Kind.NUMBER), ("0.00E+00", Kind.NUMBER),
        ("@", Kind.NUMBER), ('_-* #,##0.00\\ "€"_-', Kind.NUMBER), ("[Red]-0.0", Kind.NUMBER),
        ('0.0" pg"', Kind.NUMBER), ("d-mmm", Kind.DATE), ("yyyy\\-mm\\-dd", Kind.DATE), ("[h]:mm", Kind.DATE),
        ("[$-409]d/m/yy", Kind.DATE), ("mm:ss.0", Kind.DATE), ("0%", Kind.PERCENT), ("0.0 %", Kind.PERCENT),
        ('0"%"', Kind.NUMBER), ("0.0,", Kind.DISGUISED), ("#,##0,,", Kind.DISGUISED), ('"<"0.5', Kind.DISGUISED),
        ('0"."5', Kind.DISGUISED), ("\\<0.0", Kind.DISGUISED),
    ],
)  # fmt: skip
def test_number_formats_that_show_something_else_than_the_number(code: str, kind: Kind) -> None:
    assert kind_of_format(code) is kind


def test_formats_apply_to_the_cells_that_name_them() -> None:
    styles = (
        '<numFmts><numFmt numFmtId="170" formatCode="dd/mm/yyyy"/></numFmts>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/>'
        '<xf numFmtId="10"/><xf numFmtId="22"/></cellXfs>'
    )
    cells = [f'<c s="{style}"><v>44441</v></c>' for style in range(5)]
    checked = read_inside(with_styles({"observations": sheet([cells])}, styles), "a.xlsx")
    kinds = [cell.kind for cell in checked.sheets[0].rows[0].cells]
    assert kinds == [Kind.NUMBER, Kind.DATE, Kind.DATE, Kind.PERCENT, Kind.DATE]


def test_shared_texts_are_read_without_their_phonetic_runs() -> None:
    first = '<si><t>a</t><phoneticPr/><rPh sb="0" eb="1"><t>X</t></rPh></si>'
    texts = f'{HEAD}<sst xmlns="{MAIN}">{first}<si><r><t>b </t></r><r><t>c</t></r></si></sst>'
    found = parts({"observations": sheet([['<c t="s"><v>0</v></c>', '<c t="s"><v>1</v></c>']])})
    checked = read_inside(with_link(found, "sharedStrings", "sharedStrings.xml", texts), "a.xlsx")
    assert [cell.text for cell in checked.sheets[0].rows[0].cells] == ["a", "b c"]


@pytest.mark.parametrize(
    ("xml", "where"),
    [
        (sheet([['<c t="s"><v>0</v></c>']]), "A1"),
        (sheet([['<c t="s"><v>-1</v></c>']]), "A1"),
        (sheet([['<c t="s"><v>1e3</v></c>']]), "A1"),
        (sheet([['<c t="what"><v>1</v></c>']]), "A1"),
        (f'<worksheet xmlns="{MAIN}"><sheetData><row r="2"/><row r="2"/></sheetData></worksheet>', "row 2"),
        (f'<worksheet xmlns="{MAIN}"><sheetData><row r="3"/><row r="2"/></sheetData></worksheet>', "row 3"),
        (
            FIRST_ROW.format('<c r="B1"><v>1</v></c><c r="A1"><v>1</v></c>'),
            "B1",
        ),
        (
            FIRST_ROW.format('<c r="B1"><v>1</v></c><c r="B1"><v>2</v></c>'),
            "B1",
        ),
        (
            FIRST_ROW.format('<c r="A2"><v>1</v></c>'),
            "row 1",
        ),
        (f'<worksheet xmlns="{MAIN}"><sheetData><row r="99999999999"/></sheetData></worksheet>', ""),
    ],
)
def test_cells_and_rows_that_contradict_themselves_are_refused(xml: str, where: str) -> None:
    assert refusal(xml) == ("E_CORRUPT", where)


def test_a_format_that_does_not_exist_is_refused() -> None:
    data = with_styles({"observations": sheet([['<c s="7"><v>1</v></c>']])}, "<cellXfs><xf/></cellXfs>")
    assert [(f.code, f.where) for f in read_inside(data, "a.xlsx").findings] == [("E_CORRUPT", "A1")]


def test_far_cells_are_refused_where_they_hold_something_and_ignored_where_not() -> None:
    def with_cell(reference: str, number: str, content: str) -> str:
        return observations().replace(
            "</sheetData>", f'<row r="{number}"><c r="{reference}">{content}</c></row></sheetData>'
        )

    assert refusal(with_cell("XFD3", "3", "<v>1</v>")) == ("E_LIMIT", "XFD3")
    assert refusal(with_cell("A1048576", "1048576", "<v>1</v>")) == ("E_LIMIT", "row 1048576")
    assert len(read_sheet(with_cell("XFD1048576", "1048576", "")).rows) == 2


def test_a_row_of_16_384_columns_and_a_sheet_of_too_many_rows_are_refused() -> None:
    assert refusal(sheet([HEADER + ["x"] * 16_000]))[0] == "E_LIMIT"
    many = (
        f'{HEAD}<worksheet xmlns="{MAIN}"><sheetData>'
        + "<row><c><v>1</v></c></row>" * 20_002
        + "</sheetData></worksheet>"
    )
    assert refusal(many) == ("E_LIMIT", "")
    spelled = many.replace("<row", "<x:row").replace("</row", "</x:row").replace(" xmlns=", " xmlns:x=", 1)
    spelled = spelled.replace("<worksheet", f'<worksheet xmlns="{MAIN}"', 1)
    assert refusal(spelled) == ("E_LIMIT", "row 20002")
    allowed = many.replace("<row><c><v>1</v></c></row>", "", 1)
    assert len(read_sheet(allowed).rows) == 20_001


def test_more_cells_than_a_file_may_hold_are_refused() -> None:
    line = "<row>" + "<c><v>1</v></c>" * 30 + "</row>"
    xml = f'{HEAD}<worksheet xmlns="{MAIN}"><sheetData>{line * 10_001}</sheetData></worksheet>'
    assert refusal(xml)[0] == "E_BOMB"


def test_one_long_text_named_by_many_cells_is_refused() -> None:
    texts = f'{HEAD}<sst xmlns="{MAIN}"><si><t>{"x" * 30_000}</t></si></sst>'
    line = '<row><c t="s"><v>0</v></c></row>'
    xml = f'{HEAD}<worksheet xmlns="{MAIN}"><sheetData>{line * 1000}</sheetData></worksheet>'
    data = with_link(parts({"observations": xml}), "sharedStrings", "sharedStrings.xml", texts)
    assert [finding.code for finding in read_inside(data, "a.xlsx").findings] == ["E_BOMB"]


def test_a_text_longer_than_any_cell_may_hold_is_cut_and_marked() -> None:
    assert first_cell("x" * 40_000)[0] is Kind.LONG
    assert read_inside(("x" * 40_000).encode(), "a.csv").sheets[0].rows[0].cells[0].kind is Kind.LONG


def test_a_declared_size_of_a_million_rows_costs_nothing() -> None:
    checked = read_inside(
        workbook({"observations": sheet([HEADER, ROW], before='<dimension ref="A1:XFD1048576"/>')}), "a.xlsx"
    )
    assert len(checked.sheets[0].rows) == 2


def test_hidden_rows_columns_and_sheets_and_merged_cells_are_told() -> None:
    hidden = sheet(
        [HEADER, row(), row(weeks=12)],
        before='<cols><col min="7" max="16384" hidden="1"/><col min="1" max="1" width="0"/></cols>',
        after='<mergeCells count="1"><mergeCell ref="A1:B1"/></mergeCells>',
        hidden=[3],
    )
    found = read_sheet(hidden)
    assert [one.hidden for one in found.rows] == [False, False, True]
    assert [found.hides_column(number) for number in (1, 2, 7, 9)] == [True, False, True, True]
    assert found.merged == ("A1:B1",)
    checked = read_inside(packed(parts({"observations": hidden, "x": sheet([])}, states={"x": "veryHidden"})), "a.xlsx")
    assert [one.hidden for one in checked.sheets] == [False, True]


def test_rows_hidden_by_default_or_by_a_height_of_nothing_are_hidden() -> None:
    assert all(one.hidden for one in read_sheet(sheet([HEADER], before='<sheetFormatPr zeroHeight="1"/>')).rows)
    flat = sheet([HEADER]).replace('<row r="1">', '<row r="1" ht="0" customHeight="1">')
    assert read_sheet(flat).rows[0].hidden


def test_sheets_that_are_not_known_are_named_but_not_read() -> None:
    broken_for_us = sheet([['<c t="s"><v>99999</v></c>']])
    checked = read_inside(workbook({"README": broken_for_us, " Observations ": observations()}), "a.xlsx")
    assert [(one.name, one.known, len(one.rows)) for one in checked.sheets] == [
        ("README", False, 0),
        (" Observations ", True, 2),
    ]


def test_letters_of_columns() -> None:
    assert [letter(number) for number in (1, 26, 27, 702, 703, 16384)] == ["A", "Z", "AA", "ZZ", "AAA", "XFD"]


# --- CSV


def csv_rows(text: str | bytes) -> list[tuple[int, list[str]]]:
    checked = read_inside(text if isinstance(text, bytes) else text.encode(), "a.csv")
    assert checked.findings == (), checked.findings
    return [(one.number, [cell.text for cell in one.cells]) for one in checked.sheets[0].rows]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_in_the_file_whatever_ends_them(newline: str) -> None:
    text = newline.join(["a,b", '"1', '2",3', "", ",,"[:1], "4,5"])
    assert csv_rows(text) == [(1, ["a", "b"]), (2, [f"1{newline}2", "3"]), (6, ["4", "5"])]


def test_quotes_commas_and_a_byte_order_mark() -> None:
    assert csv_rows('\ufeffa,b\n"x, ""y""",z\n') == [(1, ["a", "b"]), (2, ['x, "y"', "z"])]


@pytest.mark.parametrize(
    ("data", "code", "row_number"),
    [
        (b"trial;arm;n\nS001;Drug A;5,25\n", "E_HEADER", 1), (b"trial\tarm\tn\n", "E_HEADER", 1),
        (b"trial|arm|n\n", "E_HEADER", 1), (b"sep=;\ntrial;arm\n", "E_HEADER", 1),
        (b"sep=,\ntrial,arm\n", "E_HEADER", 1), ("trial,arm\nS001,Dr\u00fcg\n".encode("cp1252"), "E_ENCODING", 2),
        ("trial,arm\n".encode("utf-16"), "E_ENCODING", 1), ("trial,arm\n".encode("utf-16-le"), "E_ENCODING", 1),
        ("trial,arm\n".encode("utf-32"), "E_ENCODING", 1), (b"trial,arm\nS001,a\x00b\n", "E_ENCODING", 2),
        (b"trial,arm\nS001,\xed\xa0\x80\n", "E_ENCODING", 2),
        (b'trial,arm\nS001,"open\nmore\nmore', "E_CORRUPT", 2), (b'trial,arm\nS001,"a"b"\n', "E_CORRUPT", 2),
        (b"trial,arm\nS001\n", "E_VALUE", 2), (b"trial,arm\nS001,a,b\n", "E_VALUE", 2),
        (b"a," * 101 + b"a\n", "E_LIMIT", 1), (b"trial,arm\n" + b"a,b\n" * 20_001, "E_LIMIT", 20_002),
    ],
)  # fmt: skip
def test_a_csv_file_that_would_need_a_guess_is_refused_by_line(data: bytes, code: str, row_number: int) -> None:
    finding = read_inside(data, "a.csv").findings[0]
    assert (finding.code, finding.row) == (code, row_number)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8),
            min_size=3,
            max_size=3,
        ),
        max_size=5,
    )
)
def test_what_the_standard_writer_writes_is_read_back(rows: list[list[str]]) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    writer.writerow(["a", "b", "c"])
    writer.writerows(rows)
    checked = read_inside(buffer.getvalue().encode(), "a.csv")
    assert checked.findings == ()
    read = [[cell.text for cell in one.cells] for one in checked.sheets[0].rows]
    assert read == [["a", "b", "c"], *([field for field in fields if field] for fields in rows if any(fields))]


def test_reading_a_short_file_leaves_other_readers_of_csv_their_limit() -> None:
    before = csv.field_size_limit()
    read_inside(b"a,b\n1,2\n", "a.csv")
    assert csv.field_size_limit() >= before


def test_random_bytes_never_break_the_reading() -> None:
    # given good files with some bytes changed at random
    chance = random.Random(20201)
    good = workbook()
    for _ in range(60):
        data = bytearray(good)
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        # when they are read, then there is an answer, never an error
        checked = read_inside(bytes(data), "a.xlsx")
        assert checked.findings or checked.sheets
