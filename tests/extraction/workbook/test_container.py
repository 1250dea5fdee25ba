"""Files that are not what they seem: containers, parts, XML. Beyond the kit, whole classes of them."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest

from extraction.workbook.cells import MAX_UPLOAD, MIB
from extraction.workbook.preflight import Preflight, preflight
from tests.extraction.workbook.build import (
    HEAD,
    LINKS,
    MAIN,
    RELS,
    TYPES,
    observations,
    packed,
    parts,
    read_inside,
    with_link,
    workbook,
)

GOOD = parts({"observations": observations()})
SHEET = "xl/worksheets/sheet1.xml"


def code_of(data: bytes, name: str = "a.xlsx") -> str:
    checked = read_inside(data, name) if name == "a.xlsx" and len(data) <= MAX_UPLOAD else preflight(data, name)
    return checked.findings[0].code.value if checked.findings else "accepted"


def changed(**replaced: tuple[str, str]) -> bytes:
    """The good workbook with one text replaced in a part, named by its last word: `workbook=("<sheets>", …)`."""
    found = dict(GOOD)
    for part, (old, new) in replaced.items():
        name = next(name for name in found if name.lower().strip("[]").rpartition("/")[2].startswith(part))
        assert old in str(found[name])
        found[name] = str(found[name]).replace(old, new, 1)
    return packed(found)


def test_a_plain_workbook_is_read_with_its_cells() -> None:
    checked = preflight(workbook(), "any name.XLSX")
    assert checked.findings == ()
    assert [cell.text for cell in checked.sheets[0].rows[1].cells][:4] == ["S001", "Drug A", "25", "IL-6"]


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"", "a.csv", "E_EMPTY"), (b"%PDF-1.7 \n", "a.xlsx", "E_TYPE"), (b"\x89PNG\r\n\x1a\n", "a.csv", "E_TYPE"),
        (b"<html><table></table></html>", "a.xlsx", "E_TYPE"), (b"<html><table></table></html>", "a.csv", "E_TYPE"),
        (b"\x00\x01\x02\x03" * 100, "a.xlsx", "E_TYPE"), (workbook(), "a.csv", "E_TYPE"),
        (workbook(), "a.xls", "E_TYPE"), (workbook(), "a.ods", "E_TYPE"), (workbook(), "a", "E_TYPE"),
        (workbook(), "a.xlsx.exe", "E_TYPE"), (workbook(), "a.xlsm", "E_MACRO"),
        (workbook()[:-40], "a.xlsx", "E_CORRUPT"), (workbook()[:200], "a.xlsx", "E_CORRUPT"),
        (workbook() + b"something", "a.xlsx", "E_CORRUPT"), (b"#!/bin/sh\n" + workbook(), "a.xlsx", "E_TYPE"),
        (bytes(MAX_UPLOAD + 1), "a.xlsx", "E_LIMIT"),
        (packed({"readme.txt": "no workbook"}), "a.xlsx", "E_CORRUPT"),
        (packed({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}), "a.xlsx", "E_TYPE"),
        (packed({name: text for name, text in GOOD.items() if name != "xl/workbook.xml"}), "a.xlsx", "E_CORRUPT"),
        (packed({name: text for name, text in GOOD.items() if name != SHEET}), "a.xlsx", "E_CORRUPT"),
        (packed({name: text for name, text in GOOD.items() if name != "_rels/.rels"}), "a.xlsx", "E_CORRUPT"),
    ],
)  # fmt: skip
def test_a_file_of_another_kind_is_refused_by_its_kind(data: bytes, name: str, code: str) -> None:
    assert code_of(data, name) == code


@pytest.mark.parametrize(
    "name", ["../../x.xlsx", "a\r\nSet-Cookie: x.xlsx", "x" * 300 + ".xlsx", "\u202excod.xlsx", " a.xlsx "]
)
def test_of_the_name_of_a_file_only_its_ending_counts(name: str) -> None:
    assert code_of(workbook(), name) == "accepted"


def test_a_password_protected_workbook_is_called_encrypted() -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
    assert code_of(ole + "EncryptedPackage".encode("utf-16-le") + bytes(512)) == "E_ENCRYPTED"
    assert code_of(ole + "Workbook".encode("utf-16-le") + bytes(512)) == "E_TYPE"


@pytest.mark.parametrize(
    "part",
    [
        "/etc/passwd", "../evil.xml", "xl/../../evil.xml", "xl\\evil.xml", "C:/evil.xml", "xl//styles.xml",
        "xl/./a.xml", "xl/a\n.xml", "xl/Workbook.xml",
    ],
)  # fmt: skip
def test_a_part_whose_name_leads_elsewhere_or_stands_twice_is_refused(part: str) -> None:
    assert code_of(packed({**GOOD, part: "<a/>"})) == "E_CORRUPT"


@pytest.mark.parametrize(
    ("part", "content", "code"),
    [
        ("xl/vbaProject.bin", b"x", "E_MACRO"),
        ("xl/VBAPROJECT2.BIN", b"x", "E_MACRO"),
        ("xl/activeX/activeX1.xml", b"<a/>", "E_MACRO"),
        ("xl/ctrlProps/ctrlProp1.xml", b"<a/>", "E_MACRO"),
        ("xl/embeddings/oleObject1.bin", b"x", "E_MACRO"),
        ("xl/macrosheets/sheet1.xml", b"<a/>", "E_MACRO"),
        ("xl/dialogsheets/sheet1.xml", b"<a/>", "E_MACRO"),
        ("customUI/customUI.xml", b"<a/>", "E_MACRO"),
        ("xl/media/image1.png", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "E_MACRO"),
        ("xl/media/image1.emf", b"MZ\x90\x00", "E_MACRO"),
        ("xl/media/image1.jpeg", workbook(), "E_BOMB"),
        ("xl/nested.zip", workbook(), "E_BOMB"),
        ("xl/externalLinks/externalLink1.xml", b"<a/>", "E_EXTERNAL"),
        ("xl/connections.xml", b"<a/>", "E_EXTERNAL"),
        ("xl/queryTables/queryTable1.xml", b"<a/>", "E_EXTERNAL"),
        ("xl/model/item.data", b"x", "E_EXTERNAL"),
        ("xl/volatileDependencies.xml", b"<a/>", "E_EXTERNAL"),
        ("xl/secret.bin", b"x", "E_TYPE"),
        ("evil.html", b"<html/>", "E_TYPE"),
        ("docProps/app.xml", b"<a/>", "accepted"),
        ("docProps/thumbnail.jpeg", b"\xff\xd8\xff", "accepted"),
        ("xl/theme/theme1.xml", b"<a/>", "accepted"),
        ("xl/comments1.xml", b"<a/>", "accepted"),
        ("xl/comments/comment1.xml", b"<a/>", "accepted"),
        ("xl/threadedComments/threadedComment1.xml", b"<a/>", "accepted"),
        ("xl/persons/person.xml", b"<a/>", "accepted"),
        ("xl/drawings/vmlDrawing1.vml", b"<xml><br></xml>", "accepted"),
        ("xl/media/image1.png", b"\x89PNG", "accepted"),
        ("xl/printerSettings/printerSettings1.bin", b"P\0r\0i\0n", "accepted"),
        ("xl/calcChain.xml", b"<a/>", "accepted"),
        ("customXml/item1.xml", b"<?mso-contentType?><a/>", "accepted"),
    ],
)
def test_parts_of_plain_workbooks_are_ignored_and_others_refused(part: str, content: bytes, code: str) -> None:
    assert code_of(packed({**GOOD, part: content})) == code


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("application/vnd.ms-excel.sheet.macroEnabled.main+xml", "E_MACRO"),
        ("application/vnd.ms-excel.template.macroEnabled.main+xml", "E_MACRO"),
        ("application/vnd.ms-excel.sheet.binary.macroEnabled.main", "E_TYPE"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.template.main+xml", "E_TYPE"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml", "E_TYPE"),
        ("application/xml", "E_TYPE"),
    ],
)
def test_the_declared_type_must_be_that_of_a_plain_workbook(kind: str, code: str) -> None:
    assert code_of(changed(content_types=(f"{TYPES}.sheet.main+xml", kind))) == code


def test_a_macro_under_a_harmless_name_is_found_by_its_declared_type() -> None:
    override = '<Override PartName="/xl/metadata.xml" ContentType="application/vnd.ms-office.vbaProject"/></Types>'
    data = packed(
        {
            **GOOD,
            "xl/metadata.xml": "<a/>",
            "[Content_Types].xml": str(GOOD["[Content_Types].xml"]).replace("</Types>", override),
        }
    )
    assert code_of(data) == "E_MACRO"


def test_declaring_a_type_for_macros_without_having_one_is_harmless() -> None:
    default = '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/><Override'
    assert code_of(changed(content_types=("<Override", default))) == "accepted"


@pytest.mark.parametrize(
    ("kind", "target", "code"),
    [
        ("externalLinkPath", "file://///127.0.0.1/share/x.xlsx", "E_EXTERNAL"),
        ("image", "http://127.0.0.1:9/x.png", "E_EXTERNAL"),
        ("oleObject", "file:///x", "E_MACRO"),
        ("attachedTemplate", "http://127.0.0.1:9/x.dotm", "E_EXTERNAL"),
        ("hyperlink", "https://doi.org/10.1000/182", "accepted"),
        ("hyperlink", "file://///127.0.0.1/share", "E_EXTERNAL"),
        ("hyperlink", "javascript:alert(1)", "E_EXTERNAL"),
        ("hyperlink", "\\\\127.0.0.1\\share", "E_EXTERNAL"),
    ],
)
def test_a_link_out_of_the_workbook_is_refused_unless_a_plain_hyperlink(kind: str, target: str, code: str) -> None:
    rels = (
        f'{HEAD}<Relationships xmlns="{RELS}"><Relationship Id="rId9" Type="{LINKS}/{kind}" Target="{target}"'
        ' TargetMode="External"/></Relationships>'
    )
    assert code_of(packed({**GOOD, "xl/worksheets/_rels/sheet1.xml.rels": rels})) == code


def test_a_workbook_that_runs_something_when_opened_is_refused() -> None:
    name = '</sheets><definedNames><definedName name="_xlnm.Auto_Open">Macro1!$A$1</definedName></definedNames>'
    assert code_of(changed(workbook=("</sheets>", name))) == "E_MACRO"


# --- bombs


def header_patched(data: bytes, *, central: dict[int, bytes]) -> bytes:
    """Bytes of the first central directory entry replaced at these offsets."""
    at = data.index(b"PK\1\2")
    for offset, replacement in central.items():
        data = data[: at + offset] + replacement + data[at + offset + len(replacement) :]
    return data


def test_a_part_that_unpacks_to_more_than_is_allowed_is_refused_early() -> None:
    bomb = workbook(changed={SHEET: f'{HEAD}<worksheet xmlns="{MAIN}">' + " " * (70 * MIB) + "</worksheet>"})
    assert len(bomb) < MIB
    checked = preflight(bomb, "a.xlsx")
    assert checked.findings[0].code == "E_BOMB"
    assert checked.peak_kib is None or checked.peak_kib < 100 * 1024


@pytest.mark.parametrize("size", [1000, 30 * MIB])
def test_a_part_that_says_it_is_small_and_is_not_is_refused(size: int) -> None:
    honest = workbook(changed={"xl/theme/theme1.xml": "<a>" + "x" * size + "</a>"})
    at = honest.rindex(b"PK\1\2", 0, honest.rindex(b"xl/theme/theme1.xml"))
    lying = honest[: at + 24] + struct.pack("<L", 100) + honest[at + 28 :]
    assert code_of(lying) == "E_BOMB"


def test_one_part_that_is_honest_but_too_large_is_refused() -> None:
    assert code_of(workbook(changed={"xl/theme/theme1.xml": "<a>" + "x" * (25 * MIB) + "</a>"})) == "E_BOMB"
    assert code_of(workbook(changed={"xl/theme/theme1.xml": "<a>" + "x" * (20 * MIB) + "</a>"})) == "accepted"


def test_a_million_rows_are_refused_as_too_large_and_as_too_many_rows() -> None:
    line = b'<row><c t="inlineStr"><is><t>S001</t></is></c><c><v>1</v></c></row>'
    million = f'<worksheet xmlns="{MAIN}"><sheetData>'.encode() + line * 1_100_000 + b"</sheetData></worksheet>"
    checked = preflight(workbook(changed={SHEET: million}), "a.xlsx")
    assert [finding.code for finding in checked.findings] == ["E_BOMB", "E_LIMIT"]
    assert checked.peak_kib is None or checked.peak_kib < 100 * 1024


def test_many_parts_are_refused_without_reading_them() -> None:
    assert code_of(packed({**GOOD, **{f"xl/media/i{n}.png": b"" for n in range(501)}})) == "E_BOMB"
    assert (
        code_of(packed({**GOOD, **{f"xl/media/i{n}.png": b"" for n in range(70_000)}}, zipfile.ZIP_STORED)) == "E_BOMB"
    )


def test_elements_nested_too_deep_are_refused() -> None:
    deep = f'<worksheet xmlns="{MAIN}">' + "<a>" * 200_000 + "</a>" * 200_000 + "</worksheet>"
    assert code_of(workbook(changed={SHEET: deep})) == "E_BOMB"
    assert code_of(workbook(changed={"docProps/app.xml": deep})) == "E_BOMB"


def test_one_huge_tag_does_not_take_the_child_down() -> None:
    huge = f'<worksheet xmlns="{MAIN}" a="{"x" * (20 * MIB)}"><sheetData/></worksheet>'
    checked = preflight(workbook(changed={SHEET: huge}), "a.xlsx")
    assert checked.seconds < 5
    assert checked.peak_kib is None or checked.peak_kib < 300 * 1024


def test_a_damaged_part_is_found_by_its_checksum() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in GOOD.items():
            archive.writestr(name, content)
    data = buffer.getvalue()
    at = data.index(b"<v>5.25</v>")
    assert code_of(data[:at] + b"<v>5.26</v>" + data[at + 11 :]) == "E_CORRUPT"


def test_two_parts_that_share_the_same_bytes_are_refused() -> None:
    data = packed({**GOOD, "xl/media/a.png": b"x" * 100})
    begin = data.rindex(b"PK\1\2")
    central = data[begin : data.rindex(b"PK\5\6")].replace(b"a.png", b"b.png")
    end = data.rindex(b"PK\5\6")
    count, size = struct.unpack_from("<HL", data, end + 10)
    tail = data[end : end + 8] + struct.pack("<HHL", count + 1, count + 1, size + len(central)) + data[end + 16 :]
    assert code_of(data[:end] + central + tail) == "E_BOMB"


def test_a_folder_entry_is_harmless_unless_it_has_contents() -> None:
    assert code_of(packed({**GOOD, "xl/empty/": ""})) == "accepted"
    assert code_of(packed({**GOOD, "xl/full/": "x"})) == "E_CORRUPT"


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o010644])
def test_links_devices_and_pipes_are_no_parts(mode: int) -> None:
    info = zipfile.ZipInfo("xl/media/image1.png")
    info.external_attr = mode << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in GOOD.items():
            archive.writestr(name, content)
        archive.writestr(info, "/etc/passwd")
    assert code_of(buffer.getvalue()) == "E_CORRUPT"


def test_an_encrypted_flag_anywhere_is_refused() -> None:
    assert code_of(header_patched(workbook(), central={8: b"\x01\x00"})) == "E_ENCRYPTED"
    assert code_of(header_patched(workbook(), central={8: b"\x40\x20"})) == "E_ENCRYPTED"


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_packing_that_workbooks_do_not_use_is_refused(method: int) -> None:
    assert code_of(packed(GOOD, method)) == "E_CORRUPT"


def test_two_different_headers_of_one_part_are_refused() -> None:
    data = workbook()
    at = data.index(b"xl/workbook.xml")
    assert code_of(data[:at] + b"xl/workbooc.xml" + data[at + 15 :]) == "E_CORRUPT"


def test_stored_parts_and_data_descriptors_are_read() -> None:
    class Stream(io.BytesIO):
        def seekable(self) -> bool:
            return False

    stream = Stream()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in GOOD.items():
            archive.writestr(name, content)
    assert code_of(packed(GOOD, zipfile.ZIP_STORED)) == "accepted"
    assert code_of(stream.getvalue()) == "accepted"


def test_too_many_formats_and_texts_are_refused() -> None:
    custom = "".join(f'<numFmt numFmtId="{number}" formatCode="0"/>' for number in range(70_000))
    formats = f'{HEAD}<styleSheet xmlns="{MAIN}"><numFmts>{custom}</numFmts></styleSheet>'
    assert code_of(with_link(dict(GOOD), "styles", "styles.xml", formats)) == "E_BOMB"
    texts = f'{HEAD}<sst xmlns="{MAIN}">{"<si/>" * 300_001}</sst>'
    assert code_of(with_link(dict(GOOD), "sharedStrings", "sharedStrings.xml", texts)) == "E_BOMB"


# --- the child itself


def test_a_child_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("extraction.workbook.preflight.WALL_SECONDS", 0.3)
    monkeypatch.setattr("extraction.workbook.preflight.PROGRAM", "import time; time.sleep(20)")
    assert preflight(workbook(), "a.xlsx").findings[0].code == "E_BOMB"


@pytest.mark.parametrize(
    ("does", "code"),
    [
        ("bytearray(400 << 20)", "E_BOMB"),  # beyond its memory
        ("[None for _ in iter(int, 1)]", "E_BOMB"),
        ("open('/tmp/x-that-must-not-be', 'wb').write(b'x' * 10)", "E_CORRUPT"),  # beyond its file size
        ("1 / 0", "E_CORRUPT"),
    ],
)
def test_whatever_the_child_runs_into_there_is_an_answer(does: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = "import sys; sys.path.insert(0, sys.argv[1]); from extraction.workbook import child; child.limit_self()"
    program = f"{begin}; {does}"
    monkeypatch.setattr("extraction.workbook.preflight.PROGRAM", program)
    assert preflight(workbook(), "a.xlsx").findings[0].code == code
    Path("/tmp/x-that-must-not-be").unlink(missing_ok=True)


def test_a_failure_is_logged_by_its_place_without_what_the_file_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    program = "raise ValueError('8642.1 is secret')"
    monkeypatch.setattr("extraction.workbook.preflight.PROGRAM", program)
    checked: Preflight = preflight(workbook(), "a.xlsx")
    assert checked.findings[0].code == "E_CORRUPT"
    assert "failed" in caplog.text
    assert "8642.1" not in caplog.text + checked.findings[0].message
