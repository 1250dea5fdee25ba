"""Why a text is not a number of the strict grammar, in a sentence, and what may be meant.

Only words: nothing here decides what is accepted. Rows are tried from top to bottom; the first that fits
speaks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_N = r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)"
)
_MEANT = dict.fromkeys("‐‑‒–—―－﹣−", "-") | {"٫": ".", "．": ".", "·": ".", "，": ",", "٬": ","}
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_LOWERED = str.maketrans(f"{_RAISED}⁺⁻", "0123456789+-")

Suggest = Callable[[re.Match[str]], tuple[str, ...]]


def _nothing(found: re.Match[str]) -> tuple[str, ...]:
    return ()


def _first(found: re.Match[str]) -> tuple[str, ...]:
    return (found[1],)


def _without(separator: str) -> Suggest:
    return lambda found: (found[0].replace(separator, ""),)


def _decimal_comma(found: re.Match[str]) -> tuple[str, ...]:
    return (found[0].replace(",", "."),)


def _comma_or_thousands(found: re.Match[str]) -> tuple[str, ...]:
    return (found[0].replace(",", ""), found[0].replace(",", "."))


def _continental(found: re.Match[str]) -> tuple[str, ...]:
    return (found[0].replace(".", "").replace(",", "."),)


def _about(found: re.Match[str]) -> tuple[str, ...]:
    return (f"~{found[1]}",)


def _power(found: re.Match[str]) -> tuple[str, ...]:
    return (f"{found[1]}e{found[2].translate(_LOWERED)}",)


def _joined(found: re.Match[str]) -> tuple[str, ...]:
    return (found[1] + found[2],)


def _reported(found: re.Match[str]) -> tuple[str, ...]:
    return ("NR",)


def _measured(found: re.Match[str]) -> tuple[str, ...]:
    return ("NM",)


def _unclear(found: re.Match[str]) -> tuple[str, ...]:
    return ("UN",)


def _statuses(found: re.Match[str]) -> tuple[str, ...]:
    return ("NR", "NM", "UN")


_ROWS: tuple[tuple[str, str, Suggest], ...] = (
    (r"true|false|yes|no", "is a true/false value", _nothing),
    (r"[+-]?(?:nan|inf|infinity|∞)", "is not a finite number", _nothing),
    (r"#[a-z/0]+[!?]?", "is an error of a spreadsheet", _nothing),
    (r"=.*|[+@-][a-z].*", "is a formula", _nothing),
    (
        r"n\.?s\.?|(?:not |non-?)significant|p\s*[<=>≤≥].*|.*[<>≤≥]\s*p\b.*",
        "is the result of a test",
        _nothing,
    ),
    (
        r"n/?r|n\.r\.|not (?:reported|given|stated|available)|missing",
        "is another word for not reported",
        _reported,
    ),
    (r"not (?:measured|done|assessed|determined)", "is another word for not measured", _measured),
    (r"unclear|unknown|\?+", "is another word for unclear", _unclear),
    (r"n/?a|n\.a\.|n/?d|n\.d\.|none|null|nil|not \w+|-+|\.+", "does not say what is known", _statuses),
    (
        r"(?:<\s*)?(?:lod|bdl|loq|below (?:the )?(?:limit of )?detection(?: limit)?)",
        "needs the limit itself (LOD 0.5), or UN where it is not printed",
        _unclear,
    ),
    (r"n\s*=\s*([0-9]+)", "repeats the name of the field", _first),
    (r"[+-]?[0-9]+(?:_[0-9]+)+", "has an underscore", _without("_")),
    (r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+", "has a separator of thousands", _without(",")),
    (r"[+-]?[0-9]{1,3}(?:,[0-9]{3}){2,}", "has separators of thousands", _without(",")),
    (r"[+-]?[1-9][0-9]{0,2},[0-9]{3}", "has a comma, which may mean two things", _comma_or_thousands),
    (r"[+-]?[0-9]*,[0-9]+", "has a comma", _decimal_comma),
    (r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+", "has a decimal comma", _continental),
    (r"[+-]?[0-9]{1,3}(?:\.[0-9]{3}){2,}", "has points as separators of thousands", _without(".")),
    (rf"(?:±|\+/?-)\s*({_N})", "has a sign that belongs to the kind of spread", _first),
    (r".*(?:±|\+/?-).*", "holds a centre and a spread, which have a cell each", _nothing),
    (r"[+-]?[0-9]{1,2},[0-9]{2}(?:,[0-9]+)+", "has irregular separators", _nothing),
    (
        rf".*[0-9]\s*[(\[].*|{_N}(?:\s*[,;]\s*{_N})+",
        "holds several numbers, which have a cell each",
        _nothing,
    ),
    (rf"({_N})\s*%", "has a percent sign, which belongs to the unit", _first),
    (
        rf"[0-9]{{1,4}}[-. ]*{_MONTH}[-. 0-9]*|{_MONTH}[-. ]*[0-9]+[-., 0-9]*|[0-9]+([-/.])[0-9]+\1[0-9]+",
        "is a date: a spreadsheet makes these of numbers such as 5.2, check the report",
        _nothing,
    ),
    (
        r"[0-9]+\s*/\s*[0-9]+.*|[0-9.]+\s*/\s*[0-9.]+",
        "may be a fraction, a count of a total or a date",
        _nothing,
    ),
    (r"[0-9]+\s*:\s*[0-9]+.*", "may be a time of day, a ratio or a titre", _nothing),
    (
        rf"({_N})\s*[x×*·]\s*10\s*\^?\s*([+-]?[0-9]{{1,3}}|[⁺⁻]?[{_RAISED}]{{1,3}})",
        "has a power of ten",
        _power,
    ),
    (rf"{_N}\s*(?:-|to|\.\.\.?|…)\s*{_N}", "is a range of two numbers, which have a cell each", _nothing),
    (r"[+-]?[0-9]{1,3}(?: [0-9]{3})+(?:\.[0-9]+)?", "has spaces between the digits", _without(" ")),
    (r"([+-])\s+([0-9.]+)", "has a space after the sign", _joined),
    (r"[+-]?[0-9.]+(?:\s+[0-9.]+)+", "has a space inside", _nothing),
    (r"([0-9.]+)\s*-", "has its sign at the end", lambda found: (f"-{found[1]}",)),
    (r"([+-]?[0-9]+)\.", "ends with a point", _first),
    (rf"'({_N})", "begins with the text mark of a spreadsheet", _first),
    (rf"(?:ca\.?|c\.|circa|about|approx\.?|approximately|≈|∼|≃|≅)\s*({_N})", "is approximate", _about),
    (rf"[*†‡§¶]\s*({_N})", "begins with the mark of a footnote", _first),
    (rf"({_N})\s*(?:[*†‡§¶#]+|[a-d](?:,\s?[a-d])*)", "ends with the mark of a footnote", _first),
    (r"(?=.*[0-9])[+-]?[0-9.]*[OoIl][0-9.]*", "has a letter among the digits", _nothing),
    (r"[0-9]+,[0-9]+\s*[^\s0-9.,+-].*", "has a comma, and words after the number", _nothing),
    (rf"({_N})\s*[^\s0-9.,+{_RAISED}⁺⁻-].*", "has words after the number, and a unit belongs to the outcome", _first),
)
_TABLE = tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), why, suggest) for pattern, why, suggest in _ROWS)


def explain(text: str) -> tuple[str, tuple[str, ...]]:
    """What is wrong with a text, and the texts that may be meant (to be tried against the grammar)."""
    plain, odd = _plain(text)
    for pattern, why, suggest in _TABLE:
        if found := pattern.fullmatch(plain):
            return why, suggest(found)
    if odd:
        return f"has {', '.join(odd)}", (plain,)
    return "is not a number", ()


def _plain(text: str) -> tuple[str, list[str]]:
    """The text in the characters of the grammar as far as they are clear, and the names of the others."""
    plain, odd = [], []
    for character in text:
        if character.isascii():
            plain.append(character)
            continue
        category = unicodedata.category(character)
        if category == "Nd":
            plain.append(str(unicodedata.decimal(character)))
        elif category == "Zs":
            plain.append(" ")
        elif category != "Cf":  # an invisible character is left out
            plain.append(_MEANT.get(character, character))
        name = unicodedata.name(character, f"U+{ord(character):04X}").lower()
        known = f"the character {character} ({name})" if character.isprintable() else f"an invisible {name}"
        if character != "\N{MINUS SIGN}" and known not in odd:
            odd.append(known)
    return "".join(plain), odd
