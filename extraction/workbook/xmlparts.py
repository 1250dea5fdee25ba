"""Reading the XML parts of a package: no DTD, no entities, no other encodings, bounded depth.

Runs in the child process. `read_xml` feeds one part to a `Reader`; every XML part of the package goes through it,
those that nobody reads too, because a later program might.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn
from xml.parsers import expat

from extraction.workbook.cells import MAX_DEPTH, Code, Rejected
from extraction.workbook.package import Package

MAIN = frozenset(
    {
        "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
        "http://purl.oclc.org/ooxml/spreadsheetml/main",  # ISO 29500 strict
    }
)
XINCLUDE = "http://www.w3.org/2001/XInclude"
ENCODINGS = frozenset({"utf-8", "utf8", "utf-16", "utf-16le", "utf-16be", "us-ascii", "ascii"})
ELSEWHERE = (b"\x00\x00\xfe\xff", b"\xff\xfe\x00\x00", b"\x00\x00\x00<", b"<\x00\x00\x00", b"Lo\xa7\x94", b"+A")

Attributes = dict[str, str]


class TooDeep(Exception):
    """Elements are nested deeper than `MAX_DEPTH`."""


class Reader:
    """What happens on the way through a part. Names come as "namespace name", attributes without one as they are.

    `guards_depth`: raises `TooDeep` by itself, and needs no `DepthGuard` around it.
    """

    guards_depth = False

    def open(self, name: str, attributes: Attributes) -> None:
        """An element begins."""

    def close(self, name: str) -> None:
        """An element ends."""

    def text(self, text: str) -> None:
        """Characters between tags, possibly in several pieces."""


class DepthGuard(Reader):
    """Passes everything on and counts how deep it is."""

    guards_depth = True

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._depth = 0

    def open(self, name: str, attributes: Attributes) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise TooDeep
        self._reader.open(name, attributes)

    def close(self, name: str) -> None:
        self._depth -= 1
        self._reader.close(name)

    def text(self, text: str) -> None:
        self._reader.text(text)


def local(name: str) -> str:
    return name.rpartition(" ")[2]


def is_main(name: str, wanted: str) -> bool:
    """Whether an element is SpreadsheetML's `wanted`, in the transitional or the strict namespace."""
    namespace, _, element = name.rpartition(" ")
    return element == wanted and namespace in MAIN


def read_xml(package: Package, part: str, reader: Reader | None = None) -> None:
    """Feed a part to `reader`; without one, only look for what is forbidden.

    Raises `Rejected`: E_XML for a DTD, entity, inclusion or an encoding that could hide one, E_CORRUPT where the
    part is not well-formed, E_ENCODING for forbidden characters, E_BOMB for too deep nesting.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    _forbid(parser, part)
    if reader is None or not reader.guards_depth:
        reader = DepthGuard(reader or Reader())
    parser.StartElementHandler = reader.open
    parser.EndElementHandler = reader.close
    parser.CharacterDataHandler = reader.text
    try:
        _feed(parser, package.read(part), part)
    except TooDeep as error:
        raise Rejected(Code.BOMB, f"Elements are nested deeper than {MAX_DEPTH}.", part=part) from error


def _forbid(parser: expat.XMLParserType, part: str) -> None:
    def forbidden(*_: object) -> NoReturn:
        raise Rejected(Code.XML, "This part declares a document type or entities.", part=part)

    def declaration(_version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ENCODINGS:
            raise Rejected(Code.XML, f"This part is in the encoding {encoding[:20]!a}, not UTF-8.", part=part)

    def instruction(target: str, _data: str) -> None:
        if target == "xml-stylesheet":
            raise Rejected(Code.XML, "This part asks for a style sheet from elsewhere.", part=part)

    def namespace(_prefix: str | None, uri: str | None) -> None:
        if uri == XINCLUDE:
            raise Rejected(Code.XML, "This part includes another file.", part=part)

    parser.StartDoctypeDeclHandler = forbidden
    parser.EntityDeclHandler = forbidden
    parser.UnparsedEntityDeclHandler = forbidden
    parser.ExternalEntityRefHandler = forbidden
    parser.SkippedEntityHandler = forbidden
    parser.XmlDeclHandler = declaration
    parser.ProcessingInstructionHandler = instruction
    parser.StartNamespaceDeclHandler = namespace


def _feed(parser: expat.XMLParserType, pieces: Iterator[bytes], part: str) -> None:
    fed = 0
    piece = b""
    try:
        for piece in pieces:
            if not fed and piece.startswith(ELSEWHERE):
                raise Rejected(Code.XML, "This part is neither in UTF-8 nor in UTF-16.", part=part)
            parser.Parse(piece, False)
            fed += len(piece)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise Rejected(*_reason(error.code, piece[max(0, parser.ErrorByteIndex - fed) :][:1]), part=part) from error


def _reason(code: int, byte: bytes) -> tuple[Code, str]:
    """What a parser error means for the person who uploaded the file."""
    codes = expat.errors.codes
    if code in (codes[expat.errors.XML_ERROR_UNKNOWN_ENCODING], codes[expat.errors.XML_ERROR_INCORRECT_ENCODING]):
        return Code.XML, "This part is in an encoding that is neither UTF-8 nor UTF-16."
    if code == codes[expat.errors.XML_ERROR_UNDEFINED_ENTITY]:
        return Code.XML, "This part uses an entity."
    if code == codes[expat.errors.XML_ERROR_BAD_CHAR_REF]:
        return Code.ENCODING, "This part names a character that text cannot hold."
    if code == codes[expat.errors.XML_ERROR_INVALID_TOKEN] and byte and (byte < b" " or byte > b"\x7e"):
        return Code.ENCODING, "This part holds a byte that is not text in UTF-8."
    return Code.CORRUPT, "This part is not well-formed XML."
