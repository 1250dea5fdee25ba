"""References from RIS and PubMed (.nbib) files. Pure: text in, references and problems out, nothing lost.

A file is read record by record. What cannot be read is kept as a problem with its place and its own words; the other
records come through. Duplicates are found by DOI, PMID, and title with year, never by the name of the author alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import rispy

MOST_REFERENCES: Final = 500
MOST_BYTES: Final = 10 * 1024 * 1024
FIRST_YEAR, LAST_YEAR = 1900, 2200
REGISTERED: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:NCT[0-9]{8}|ISRCTN[0-9]{8}|ACTRN[0-9]{14}|DRKS[0-9]{8}|ChiCTR[-A-Za-z0-9]{6,20}"
    r"|20[0-9]{2}-[0-9]{6}-[0-9]{2})"
)


class UnreadableFile(ValueError):
    """The file as a whole is not what it should be; the text says why, for the person who chose it."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One publication, as its file names it. `place` is where it stands: "record 3, line 41"."""

    place: str
    authors: tuple[str, ...] = ()
    year: int | None = None
    title: str = ""
    journal: str = ""
    details: str = ""  # volume, issue, pages
    doi: str = ""
    pmid: str = ""
    registry_id: str = ""

    @property
    def label(self) -> str:
        """First author and year, as trials are called."""
        family = re.split(r",", self.authors[0])[0].strip() if self.authors else ""
        if self.authors and "," not in self.authors[0]:  # PubMed: "Smith AB"
            words = self.authors[0].split()
            family = " ".join(words[:-1]) if len(words) > 1 and words[-1].isupper() else self.authors[0]
        return " ".join(part for part in (family or self.title[:60], str(self.year or "")) if part)[:110]

    @property
    def citation(self) -> str:
        names = ", ".join(self.authors[:6]) + (" et al" if len(self.authors) > 6 else "")
        parts = [names, self.title.rstrip("."), self.journal.rstrip("."), str(self.year or ""), self.details]
        return ". ".join(part for part in parts if part) + "."

    @property
    def title_key(self) -> str:
        """The title without case, accents and punctuation; with the year, if it is long enough to tell."""
        plain = unicodedata.normalize("NFKD", self.title).encode("ascii", "ignore").decode().casefold()
        key = " ".join(re.findall(r"[a-z0-9]+", plain))
        return f"{key} {self.year or ''}" if len(key) >= 20 else ""

    def filled_from(self, other: Reference) -> Reference:
        """This one, with what only the other says."""
        gaps = {name: value for name, value in asdict(other).items() if value and not getattr(self, name)}
        return replace(self, **gaps)


@dataclass(frozen=True, slots=True)
class Problem:
    place: str
    message: str
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """What a file held: references, each once; how many said the same as one before; what could not be read."""

    references: tuple[Reference, ...]
    problems: tuple[Problem, ...] = ()
    merged: tuple[tuple[str, str], ...] = ()  # place of the duplicate, place of the one it went into


def read(name: str, data: bytes) -> Read:
    """References of a .ris or .nbib file (told by its content, not its name). Raises `UnreadableFile`."""
    if len(data) > MOST_BYTES:
        raise UnreadableFile(f"The file is larger than {MOST_BYTES // 1024 // 1024} MB.")
    text, notes = _text(data)
    if not text.strip():
        raise UnreadableFile("The file is empty.")
    if re.search(r"(?m)^PMID- ", text):
        found, problems = _pubmed(text)
    elif re.search(r"(?m)^\s*TY {1,2}-", text):
        found, problems = _ris(text)
    else:
        raise UnreadableFile(
            f"“{name}” is neither RIS (records that begin with “TY  - ”) nor PubMed format (“PMID- ”). "
            "Export it again as RIS, or from PubMed with Send to, Citation manager."
        )
    if len(found) > MOST_REFERENCES:
        raise UnreadableFile(f"At most {MOST_REFERENCES} references at a time; the file has {len(found)}.")
    kept, merged = merge(found)
    return Read(tuple(kept), (*notes, *problems), tuple(merged))


def merge(references: Iterable[Reference]) -> tuple[list[Reference], list[tuple[str, str]]]:
    """Each publication once, with everything its duplicates say; and which went into which."""
    kept: list[Reference] = []
    seen: dict[str, int] = {}
    merged = []
    for reference in references:
        at = next((seen[key] for key in keys(reference) if key in seen), None)
        if at is not None and not contradict(kept[at], reference):
            merged.append((reference.place, kept[at].place))
            kept[at] = kept[at].filled_from(reference)
        else:
            at = len(kept)
            kept.append(reference)
        for key in keys(kept[at]):
            seen.setdefault(key, at)
    return kept, merged


def keys(reference: Reference) -> list[str]:
    """What two records of one publication share; the surest first."""
    named = (("doi", reference.doi.casefold()), ("pmid", reference.pmid), ("title", reference.title_key))
    return [f"{kind}:{value}" for kind, value in named if value]


def contradict(one: Reference, other: Reference) -> bool:
    """Two DOIs or two PMIDs are two publications, whatever their titles."""
    return any(
        getattr(one, name) and getattr(other, name) and getattr(one, name).casefold() != getattr(other, name).casefold()
        for name in ("doi", "pmid")
    )


def plain_doi(text: str) -> str:
    """“https://doi.org/10.1/X” and “10.1/X [doi]” are 10.1/X; what holds no DOI is empty."""
    found = re.search(r"10\.[0-9]{4,9}/\S+", text)
    return found[0].rstrip(".,;)]")[:200] if found else ""


def registry_in(texts: Iterable[str]) -> str:
    """The first trial registry number: NCT…, ISRCTN…, ACTRN…, DRKS…, ChiCTR…, EudraCT."""
    return next((found[0] for text in texts if (found := REGISTERED.search(text))), "")


def _text(data: bytes) -> tuple[str, list[Problem]]:
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        encodings: Sequence[str] = ("utf-16",)
    else:
        encodings = ("utf-8-sig",)
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            raise UnreadableFile("The file is not text.")
        return _lines(text), []
    if b"\x00" in data:
        raise UnreadableFile("The file is not text.")
    told = Problem("the file", "is not UTF-8. It was read as Windows-1252: look at names with accents.")
    return _lines(data.decode("cp1252", errors="replace")), [told]


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _ris(text: str) -> tuple[list[Reference], list[Problem]]:
    found: list[Reference] = []
    problems: list[Problem] = []
    for number, line, block in _blocks(text, r"^\s*TY {1,2}-"):
        place = f"record {number}, line {line}"
        closed = re.search(r"(?m)^\s*ER {1,2}-", block)
        tidy = re.sub(r"(?m)^\s*([A-Z][A-Z0-9]) {1,2}-[ \t]?", r"\1  - ", block[: closed.end()] if closed else block)
        try:
            entries: list[dict[str, Any]] = rispy.loads(tidy if closed else f"{tidy.rstrip()}\nER  - \n")
        except Exception as error:  # noqa: BLE001  # a parser of foreign files: its refusal is told, the others go on
            problems.append(Problem(place, f"cannot be read ({type(error).__name__}).", block.strip()[:200]))
            continue
        if not closed:
            problems.append(Problem(place, "has no end (“ER  - ”): the file may be cut off.", block.strip()[-80:]))
        for entry in entries:
            _take(_of_ris(entry, place), block, found, problems)
    return found, problems


def _of_ris(entry: dict[str, Any], place: str) -> Reference:
    def one(*names: str) -> str:
        for name in names:
            value = entry.get(name)
            value = " ".join(map(str, value)) if isinstance(value, list) else value
            if value and str(value).strip():
                return " ".join(str(value).split())
        return ""

    authors = [str(name) for name in entry.get("authors") or entry.get("first_authors") or [] if str(name).strip()]
    year = one("year", "publication_year", "date")
    pages = "-".join(part for part in (one("start_page"), one("end_page")) if part)
    volume = one("volume") + (f"({one('number')})" if one("number") else "")
    accession = one("accession_number", "pubmed_id", "custom2")
    return Reference(
        place=place,
        authors=tuple(" ".join(name.split()) for name in authors),
        year=_year(year),
        title=one("title", "primary_title", "short_title", "translated_title"),
        journal=one("journal_name", "secondary_title", "alternate_title3", "alternate_title1", "alternate_title2"),
        details=":".join(part for part in (volume, pages) if part)[:80],
        doi=plain_doi(one("doi", "custom3", "url", "urls", "notes")),
        pmid=accession if re.fullmatch(r"[0-9]{1,9}", accession) else _pmid(one("urls", "url", "notes")),
        registry_id=registry_in([one("notes"), one("abstract", "notes_abstract"), one("title", "primary_title")]),
    )


def _pubmed(text: str) -> tuple[list[Reference], list[Problem]]:
    found: list[Reference] = []
    problems: list[Problem] = []
    for number, line, block in _blocks(text, r"^PMID- "):
        place = f"record {number}, line {line}"
        fields: dict[str, list[str]] = {}
        tag = ""
        for row in block.split("\n"):
            begun = re.match(r"([A-Z]{1,4}) *- ?(.*)", row)
            if begun and row[4:5] == "-":
                tag = begun[1]
                fields.setdefault(tag, []).append(begun[2].strip())
            elif tag and row.startswith("      "):
                fields[tag][-1] = f"{fields[tag][-1]} {row.strip()}"
            elif row.strip():
                problems.append(Problem(place, "has a line that is no field.", row.strip()[:120]))
        _take(_of_pubmed(fields, place), block, found, problems)
    return found, problems


def _of_pubmed(fields: dict[str, list[str]], place: str) -> Reference:
    def one(*tags: str) -> str:
        return next((value for tag in tags for value in fields.get(tag, []) if value), "")

    dois = [value for tag in ("LID", "AID") for value in fields.get(tag, []) if value.endswith("[doi]")]
    volume = one("VI") + (f"({one('IP')})" if one("IP") else "")
    return Reference(
        place=place,
        authors=tuple(fields.get("FAU") or fields.get("AU") or fields.get("CN") or ()),
        year=_year(one("DP", "DEP")),
        title=one("TI", "TT", "BTI"),
        journal=one("JT", "TA"),
        details=":".join(part for part in (volume, one("PG")) if part)[:80],
        doi=plain_doi(dois[0]) if dois else plain_doi(one("SO")),
        pmid=one("PMID") if re.fullmatch(r"[0-9]{1,9}", one("PMID")) else "",
        registry_id=registry_in([*fields.get("SI", []), one("AB")]),
    )


def _take(reference: Reference, block: str, found: list[Reference], problems: list[Problem]) -> None:
    if not reference.title and not reference.authors:
        problems.append(Problem(reference.place, "has neither title nor author.", block.strip()[:200]))
        return
    if reference.year is None:
        told = f"has no year between {FIRST_YEAR} and {LAST_YEAR}; add it to the trial."
        problems.append(Problem(reference.place, told, reference.title[:80]))
    found.append(reference)


def _blocks(text: str, start: str) -> Iterator[tuple[int, int, str]]:
    """Number, first line and text of each record; what stands before the first one is not a record."""
    starts = [match.start() for match in re.finditer(f"(?m){start}", text)]
    line = 1
    before = 0
    for number, (begin, end) in enumerate(zip(starts, [*starts[1:], len(text)], strict=True), start=1):
        line += text.count("\n", before, begin)
        before = begin
        block = text[begin:end]
        yield number, line + (len(block) - len(block.lstrip("\n"))), block.lstrip("\n")


def _year(text: str) -> int | None:
    found = re.search(r"(?<![0-9])(?:1[89]|2[0-9])[0-9]{2}(?![0-9])", text)
    year = int(found[0]) if found else None
    return year if year is not None and FIRST_YEAR <= year <= LAST_YEAR else None


def _pmid(text: str) -> str:
    found = re.search(r"pubmed[^0-9]{0,40}([0-9]{5,9})(?![0-9])", text, re.IGNORECASE)
    return found[1] if found else ""
