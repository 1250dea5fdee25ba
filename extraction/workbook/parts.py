"""Which parts a plain workbook may have, and what its relationships lead to.

Runs in the child process. What spreadsheet programs write without being asked (themes, comments, pictures,
thumbnails, printer settings) is allowed and ignored; code, embedded objects, links to other files and data connections
are refused by name, content type, relationship and first bytes, whichever gives them away.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from extraction.workbook.cells import Code, Rejected
from extraction.workbook.package import Package
from extraction.workbook.xmlparts import Attributes, Reader, local, read_xml

CONTENT_TYPES = "[Content_Types].xml"
WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"

MACRO_PARTS = re.compile(
    r"(^|/)(vbaproject[^/]*\.bin|vbadata\.xml|vbaproject[^/]*signature[^/]*)$"
    r"|^xl/(activex|ctrlprops|embeddings|macrosheets|intlmacrosheets|dialogsheets|attachedtoolbars)|^customui|\.(exe|dll|js|vbs|cmd|bat)$",
    re.IGNORECASE,
)
EXTERNAL_PARTS = re.compile(
    r"^xl/(externallinks|querytables|model|webextensions)|^xl/(connections|ddelink|xmlmaps|volatiledependencies)[^/]*\.xml$",
    re.IGNORECASE,
)
PLAIN_PARTS = re.compile(
    r"^(\[content_types\]\.xml|_rels/\.rels"
    r"|docprops/([^/]+\.xml|thumbnail\.(jpe?g|png|wmf|emf)|_rels/[^/]+\.rels)"
    r"|customxml/(_rels/[^/]+\.rels|[^/]+\.xml)|docmetadata/[^/]+\.xml"
    r"|xl/[^/]+\.xml|xl/_rels/[^/]+\.rels"
    r"|xl/(worksheets|chartsheets|theme|tables|comments|threadedcomments|persons|drawings|charts|pivottables|pivotcache|richdata"
    r"|revisions|slicers|slicercaches|timelines|timelinecaches|featurepropertybag|namedsheetviews|diagrams)"
    r"/(_rels/[^/]+\.rels|[^/]+\.(xml|vml))"
    r"|xl/media/[^/]+\.(png|jpe?g|gif|bmp|tiff?|emf|wmf|svg)|xl/printersettings/[^/]+\.bin)$",
    re.IGNORECASE,
)
MACRO_TYPES = (
    "macroenabled",
    "vbaproject",
    "activex",
    "oleobject",
    "ms-excel.macrosheet",
    "intlmacrosheet",
    "controlproperties",
)
MACRO_LINKS = (
    "vbaproject",
    "oleobject",
    "macrosheet",
    "attachedtoolbars",
    "customui",
    "extensibility",
)
EXTERNAL_LINKS = ("externallink", "connections", "querytable", "powerpivotdata", "webextension")
HARMLESS_SCHEMES = ("http://", "https://", "mailto:")  # of hyperlinks; never followed
OLE = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True)
class Relationship:
    type: str  # its last segment in lower case: "worksheet"
    target: str  # name of a part; as written where it is external
    external: bool = False


@dataclass(slots=True)
class _Types(Reader):
    defaults: dict[str, str] = field(default_factory=dict)
    overrides: dict[str, str] = field(default_factory=dict)

    def open(self, name: str, attributes: Attributes) -> None:
        content_type = attributes.get("ContentType", "").strip().lower()
        if local(name) == "Default":
            self.defaults[attributes.get("Extension", "").lower()] = content_type
        elif local(name) == "Override":
            self.overrides[attributes.get("PartName", "").lstrip("/").lower()] = content_type

    def of(self, part: str) -> str:
        extension = part.rpartition(".")[2].lower()
        return self.overrides.get(part.lower()) or self.defaults.get(extension, "")


@dataclass(slots=True)
class _Relationships(Reader):
    folder: str
    found: dict[str, Relationship] = field(default_factory=dict)

    def open(self, name: str, attributes: Attributes) -> None:
        if local(name) != "Relationship":
            return
        kind = attributes.get("Type", "").lower()
        target = attributes.get("Target", "")
        external = attributes.get("TargetMode", "").lower() == "external"
        if not external:
            target = posixpath.normpath(posixpath.join("/", self.folder, target)).lstrip("/")
        if any(word in kind for word in MACRO_LINKS) or kind.endswith(("/control", "/package")):
            raise Rejected(Code.MACRO, "The workbook holds code or an embedded object.", part=target[:80])
        plain_link = kind.endswith("/hyperlink") and target.lower().startswith(HARMLESS_SCHEMES)
        if any(word in kind for word in EXTERNAL_LINKS) or (external and not plain_link):
            raise Rejected(Code.EXTERNAL, "The workbook links to another file or a data source.", part=target[:80])
        self.found[attributes.get("Id", "")] = Relationship(kind.rpartition("/")[2], target, external)


def relationships(package: Package, part: str) -> dict[str, Relationship]:
    """The relationships of a part ("" is the package) by their id; empty where it has none."""
    folder, _, file = part.rpartition("/")
    rels = "/".join(filter(None, (folder, "_rels", f"{file}.rels")))
    reader = _Relationships(folder)
    name = find(package, rels)
    if name is not None:
        read_xml(package, name, reader)
    return reader.found


def find(package: Package, part: str) -> str | None:
    """The part as the package spells it; part names do not distinguish case."""
    if part in package.parts:
        return part
    return next((name for name in package.parts if name.lower() == part.lower()), None)


def check_parts(package: Package) -> str:
    """Check names, types, relationships and every XML part; return the name of the workbook part.

    Raises `Rejected`: E_MACRO, E_EXTERNAL, E_TYPE, E_XML, E_CORRUPT, E_BOMB, E_ENCODING.
    """
    _check_names(package)
    types = _content_types(package)
    for part in package.parts:
        if part != CONTENT_TYPES:
            _check_first_bytes(package, part)
            _check_type(part, types.of(part))
    for part in package.parts:
        if part.lower().endswith(".rels"):
            read_xml(package, part, _Relationships(_folder_of_source(part)))
    main = next((link for link in relationships(package, "").values() if link.type == "officedocument"), None)
    workbook = find(package, main.target) if main else None
    if workbook is None:
        raise Rejected(Code.CORRUPT, "The file does not say where its workbook is.")
    if types.of(workbook) != WORKBOOK_TYPE:
        raise Rejected(Code.TYPE, "The file is not an Excel workbook (.xlsx).", part=workbook)
    return workbook


def _check_names(package: Package) -> None:
    names = {part.lower() for part in package.parts}
    for part in package.parts:
        if MACRO_PARTS.search(part):
            raise Rejected(Code.MACRO, "The workbook holds code or an embedded object.", part=part)
        if EXTERNAL_PARTS.search(part):
            raise Rejected(Code.EXTERNAL, "The workbook links to another file or a data source.", part=part)
    if CONTENT_TYPES.lower() not in names:
        if {"mimetype", "meta-inf/manifest.xml"} & names:
            raise Rejected(Code.TYPE, "The file is an OpenDocument file. Save it as .xlsx.")
        raise Rejected(Code.CORRUPT, "The file is an archive, but not a workbook: it has no content types.")


def _content_types(package: Package) -> _Types:
    types = _Types()
    read_xml(package, find(package, CONTENT_TYPES) or CONTENT_TYPES, types)
    main = " ".join(types.overrides.values())
    if "ms-excel.sheet.binary" in main:
        raise Rejected(Code.TYPE, "The file is a binary workbook (.xlsb). Save it as .xlsx.")
    if "macroenabled" in main:
        raise Rejected(Code.MACRO, "The workbook is macro-enabled. Save it as a plain .xlsx.")
    if WORKBOOK_TYPE not in main and WORKBOOK_TYPE not in types.defaults.values():
        raise Rejected(Code.TYPE, "The file is not an Excel workbook (.xlsx).")
    return types


def _check_type(part: str, content_type: str) -> None:
    if any(word in content_type for word in MACRO_TYPES):
        raise Rejected(Code.MACRO, "The workbook holds code or an embedded object.", part=part)
    if "externallink" in content_type or "connections" in content_type:
        raise Rejected(Code.EXTERNAL, "The workbook links to another file or a data source.", part=part)
    if not PLAIN_PARTS.match(part):
        raise Rejected(Code.TYPE, "The file holds a part that plain workbooks do not have.", part=part)


def _check_first_bytes(package: Package, part: str) -> None:
    if part.lower().endswith((".xml", ".rels")):
        return
    begin = package.starts_with(part, 8)
    if begin.startswith(OLE):
        raise Rejected(Code.MACRO, "The workbook holds an embedded object.", part=part)
    if begin.startswith((b"PK\3\4", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b")):
        raise Rejected(Code.BOMB, "The file holds another archive.", part=part)
    if begin.startswith(b"MZ"):
        raise Rejected(Code.MACRO, "The file holds a program.", part=part)


def _folder_of_source(rels: str) -> str:
    """ "xl/_rels/workbook.xml.rels" speaks for a part in "xl"."""
    return posixpath.dirname(posixpath.dirname(rels))
