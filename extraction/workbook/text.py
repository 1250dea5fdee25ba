"""Text of a cell: which characters are refused, how spaces are tidied, and when two spellings are one name."""

from __future__ import annotations

import re
import unicodedata

REFUSED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"  # what a program writes for what it could not read
DASHES = {ord(dash): "-" for dash in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"}
# UTF-8 that was read as Latin-1 or Windows-1252 and saved again: "Ã©", "Â±", "â‰¥".
TWICE_DECODED = re.compile(
    "[\u00c2\u00c3][\u0080-\u00bf]|\u00e2[\u0080-\u00bf\u20ac\u2030\u02c6][\u0080-\u00bf\u201c-\u2122]"
)
FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r", "\n")


def refused_character(text: str, *, lines: bool = False) -> str:
    """The first character that no cell may hold, named: "U+200B zero width space"; "" where there is none.

    Line breaks and tabs are text where `lines` is set; elsewhere `tidied` makes spaces of them.
    """
    if text.isprintable() and REPLACEMENT not in text:
        return ""
    for character in text:
        if character in "\n\r\t":
            continue
        if unicodedata.category(character) in REFUSED or character == REPLACEMENT:
            name = unicodedata.name(character, "control character").lower()
            return f"U+{ord(character):04X} {name}"
    return ""


def tidied(text: str, *, lines: bool = False) -> str:
    """NFC, plain spaces, none outside; single ones inside, except where `lines` may be kept."""
    composed = text if text.isascii() else unicodedata.normalize("NFC", text)
    if lines:
        return "\n".join(line.rstrip() for line in composed.splitlines()).strip()
    return " ".join(composed.split())


def fold(text: str) -> str:
    """The form in which two spellings are one name: NFC, case, spaces and dashes do not count."""
    if text.isascii():
        return " ".join(text.casefold().split())
    return " ".join(unicodedata.normalize("NFC", text).translate(DASHES).casefold().split())


def without_formula_guard(text: str) -> str:
    """Undo what exports do to CSV text that a spreadsheet would run: an apostrophe before = + - @ tab, line break."""
    return text[1:] if text[:1] == "'" and text[1:2] in FORMULA_MARKS else text


def confusable_letters(text: str) -> str:
    """The letters of a header that are not those of the keyboard's a to z: "“е” (cyrillic small letter ie)"."""
    odd = dict.fromkeys(character for character in text if not character.isascii())
    return ", ".join(f"“{c}” ({unicodedata.name(c, f'U+{ord(c):04X}').lower()})" for c in odd)
