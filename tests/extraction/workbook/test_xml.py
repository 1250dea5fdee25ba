"""XML that must not be taken: document types, entities, encodings in which they could hide, forbidden characters."""

from __future__ import annotations

import pytest

from tests.extraction.workbook.build import HEAD, LINKS, MAIN, observations, packed, parts, read_inside, workbook

GOOD = parts({"observations": observations()})
SHEET = "xl/worksheets/sheet1.xml"


def code_of(data: bytes) -> str:
    findings = read_inside(data, "a.xlsx").findings
    return findings[0].code.value if findings else "accepted"


DOCTYPE = '<!DOCTYPE worksheet [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
LAUGHS = "<!DOCTYPE a [" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10)) + "]>"


def with_doctype(xml: str, doctype: str) -> str:
    return xml.replace("?>", f"?>{doctype}", 1)


@pytest.mark.parametrize("part", list(GOOD))
@pytest.mark.parametrize("doctype", [DOCTYPE, LAUGHS, '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd">', "<!DOCTYPE a>"])
def test_a_document_type_in_any_part_is_refused(part: str, doctype: str) -> None:
    checked = read_inside(packed({**GOOD, part: with_doctype(str(GOOD[part]), doctype)}), "a.xlsx")
    assert (checked.findings[0].code, checked.findings[0].part) == ("E_XML", part)


@pytest.mark.parametrize(
    "part", ["docProps/core.xml", "xl/theme/theme1.xml", "customXml/item1.xml", "xl/drawings/a.vml", "xl/comments1.xml"]
)
def test_a_document_type_in_a_part_that_nobody_reads_is_refused_too(part: str) -> None:
    assert code_of(packed({**GOOD, part: f"{HEAD}{DOCTYPE}<a>&x;</a>"})) == "E_XML"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_document_type_in_utf_16_is_seen(encoding: str) -> None:
    xml = with_doctype(observations(), DOCTYPE).replace('encoding="UTF-8"', 'encoding="UTF-16"')
    assert code_of(workbook(changed={SHEET: xml.encode(encoding)})) == "E_XML"


@pytest.mark.parametrize("encoding", ["utf-7", "utf-32", "utf-32-le", "cp037", "latin-1", "cp1252"])
def test_encodings_in_which_a_document_type_could_hide_are_refused(encoding: str) -> None:
    xml = observations().replace('encoding="UTF-8"', f'encoding="{encoding.upper()}"')
    assert code_of(workbook(changed={SHEET: xml.encode(encoding)})) == "E_XML"


def test_a_part_in_plain_utf_16_is_read() -> None:
    xml = observations().replace('encoding="UTF-8"', 'encoding="UTF-16"')
    checked = read_inside(workbook(changed={SHEET: xml.encode("utf-16")}), "a.xlsx")
    assert checked.findings == ()
    assert checked.sheets[0].rows[1].cells[6].text == "5.25"


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        ('<?xml-stylesheet href="http://127.0.0.1:9/x.xsl"?><a/>', "E_XML"),
        ('<a xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="file:///etc/passwd"/></a>', "E_XML"),
        ("<a>&undeclared;</a>", "E_XML"),
        ("<a>&#0;</a>", "E_ENCODING"),
        ("<a>&#xD800;</a>", "E_ENCODING"),
        ("<a>\x0b</a>", "E_ENCODING"),
        (b"<a>\xe9</a>", "E_ENCODING"),
        (b"<a>\xed\xa0\x80</a>", "E_ENCODING"),
        ("<a><b></a>", "E_CORRUPT"),
        ("", "E_CORRUPT"),
        ("<a/><b/>", "E_CORRUPT"),
    ],
)
def test_other_xml_that_must_not_be_taken(xml: str | bytes, code: str) -> None:
    assert code_of(workbook(changed={"docProps/core.xml": xml})) == code


def test_the_strict_form_of_the_format_is_read_like_the_usual_one() -> None:
    strict = {
        name: str(text).replace(MAIN, "http://purl.oclc.org/ooxml/spreadsheetml/main").replace(LINKS, "http://purl.oclc.org/ooxml/officeDocument/relationships")
        for name, text in GOOD.items()
    }  # fmt: skip
    checked = read_inside(packed(strict), "a.xlsx")
    assert checked.findings == ()
    assert len(checked.sheets[0].rows) == 2
