"""What a pasted cell may mean: the forms of print and of spreadsheets, read with all their options and none taken.

The strict grammar of `extraction.numbers` stays the only reading of what is entered: everything here ends in texts of
that grammar, which a person sees beside what was pasted before they are taken. What has two readings comes as both.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from extraction.numbers import NumberError, parse_number
from extraction.pasted_words import refusal, status_options
from extraction.record import Qualifier, Status


class Kind(StrEnum):
    EMPTY = "empty"
    VALUE = "value"
    STATUS = "status"
    SPREAD = "spread"  # ±0.3, alone
    PAIR = "pair"
    COUNT_PERCENT = "count_percent"  # 14 (61%)
    COUNT_OF = "count_of"  # 4 of 5
    AMBIGUOUS = "ambiguous"
    REFUSED = "refuse"


@dataclass(frozen=True, slots=True)
class Value:
    """A number in the strict grammar: `text` is what would be entered, `decimals` None where a power is printed."""

    text: str
    value: float
    decimals: int | None
    qualifier: Qualifier = Qualifier.EQUAL
    precision: float | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a cell, or, where `kind` is AMBIGUOUS, all of them in `options`."""

    kind: Kind
    value: Value | None = None
    status: Status = Status.UNSAID
    options: tuple[Reading, ...] = ()
    problem: str = ""
    unit: str = ""
    footnote: str = ""
    scale: str = ""
    statistic: str = ""
    pair_kind: str = ""  # centre_spread, centre_interval, interval, pre_post, interval_of_p
    centre: Value | None = None
    centre_kind: str = ""
    spread: Value | None = None
    spread_kind: str = "unknown"
    lower: Value | None = None
    upper: Value | None = None
    interval_kind: str = "unknown"
    level: float | None = None
    count: int | None = None
    of: int | None = None
    percent: float | None = None
    n_candidate: int | None = None
    notes: tuple[str, ...] = ()


_MINUSES = dict.fromkeys("‐‑‒–—―－﹣−", "-")
_SPACES_AND_POINTS = {"٫": ".", "．": ".", "·": ".", "，": ",", "٬": ",", "∼": "~", "≈": "~"}
_RAISED: Final = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_LOWERED = str.maketrans(f"{_RAISED}⁺⁻", "0123456789+-")
_FOOTNOTE = re.compile(r"(?P<left>.*[0-9)\]%])\s*(?P<mark>[*†‡§¶#]+|(?<=[0-9)\]]\s)[a-d](?:,\s?[a-d])*)$", re.DOTALL)
_QUALIFIED = re.compile(r"(<=|>=|[<≤>≥~]|ca\.?|c\.|circa|about|approx\.?|approximately)\s*(?=[-+.0-9])", re.IGNORECASE)
_SIGNS = {"<": "<", "<=": "≤", "≤": "≤", ">": ">", ">=": "≥", "≥": "≥"}
_N: Final = r"[-+]?\s?(?:[0-9][0-9., ]*[0-9]|[0-9]|[.,][0-9]+)"
_Q: Final = rf"(?:(?:<=|>=|[<≤>≥~]|ca\.?)\s*)?{_N}"
_KIND: Final = r"(?P<word>SDs?|SEMs?|SEs?|s\.d\.|s\.e\.m?\.?|IQR|CI|range|[0-9.]+\s*%\s*(?:CI|confidence interval))?"
_PLUS_MINUS = re.compile(rf"(?P<centre>{_Q})\s*(?:±|\+/?-)\s*(?P<spread>{_N})")
_BRACKETS = re.compile(
    rf"(?P<centre>{_Q})\s*[(\[]\s*{_KIND}\s*[:=,]?\s*(?:±|\+/?-)?\s*(?P<spread>{_N})\s*[)\]]", re.IGNORECASE
)
_TO: Final = r"\s*(?:-|to|;|,\s|\.\.\.?|…)\s*"
_INTERVAL = re.compile(
    rf"(?P<centre>{_Q})\s*[(\[]\s*{_KIND}\s*[:=,]?\s*(?P<lower>{_N}){_TO}(?P<upper>{_N})\s*[)\]]", re.IGNORECASE
)
_BARE_INTERVAL = re.compile(
    rf"[(\[]?\s*(?P<lower>{_N})(?:\s*(?:to|\.\.\.?|…)\s*|\s+-\s+|(?<=[0-9])-(?=[0-9.]))(?P<upper>{_N})\s*[)\]]?"
)
_COUNT_PERCENT = re.compile(rf"([0-9]+)\s*[(\[]\s*({_N})\s*%\s*[)\]]")
_POWER = re.compile(
    rf"(?P<mantissa>{_N})\s*[x×*·]\s*10\s*(?:\^\s*(?P<power>[-+]?[0-9]+)|(?P<raised>[⁺⁻]?[{_RAISED}]+)|(?P<lost>[0-9]))"
)
_UNIT = re.compile(
    rf"(?P<number>{_Q})\s*(?P<unit>%|log\s?10|ln|log2|/\s?[µμu]l|[a-zµμ%][^\s0-9][^0-9]*|[a-zµμ]+/[a-zµμ0-9^]+)",
    re.IGNORECASE,
)
_MISSING_CODES: Final = frozenset({"-9", "-99", "-999", "-9999", "999", "9999"})


def read(text: str, field: str = "cell", hint: str | None = None) -> Reading:
    """Read one pasted cell. `field` is "cell", "n", "centre", "spread" or "p"; `hint` a locale such as "de" or "en"."""
    plain, notes = _plain(text)
    if not plain:
        return Reading(Kind.EMPTY)
    if statuses := status_options(plain):
        return _one_of([Reading(Kind.STATUS, status=status) for status in statuses])
    if problem := refusal(plain, field):
        return Reading(Kind.REFUSED, problem=problem)
    mark = ""
    if found := _FOOTNOTE.fullmatch(plain):
        plain, mark = found["left"].strip(), found["mark"]
    elif found := re.fullmatch(r"([*†‡§¶])\s*(.+)", plain, re.DOTALL):
        mark, plain = found[1], found[2]
    for reader in _READERS:
        made = reader(plain, field, hint)
        if made is not None:
            return _marked(made, mark, notes)
    return Reading(Kind.REFUSED, problem="is not a number that can be read")


# --- One number --------------------------------------------------------------------------------------------------


def values(text: str, hint: str | None = None) -> tuple[Value, ...]:
    """The numbers that a text may be: none, one, or two where a separator may mean two things."""
    text = text.strip()
    sign = ""
    if found := _QUALIFIED.match(text):
        sign, text = _SIGNS.get(found[1], "~"), text[found.end() :]
    text = re.sub(r"^([-+])\s+", r"\1", text)
    readings = _separators(text, hint)
    made = (_value(f"{sign}{one}") for one in readings)
    return tuple(one for one in made if one is not None)


def _separators(text: str, hint: str | None) -> list[str]:
    """The texts with a decimal point that `text` may be, the likelier first."""
    comma_first = hint is not None and hint[:2] not in {"en", "ar", "fa", "zh", "ja", "he", "th"}
    if re.fullmatch(r"[-+]?[0-9]{1,3}(?: [0-9]{3})+(?:[.,][0-9]+)?", text):
        return [text.replace(" ", "").replace(",", ".")]
    if " " in text:
        return []
    if re.fullmatch(r"[-+]?[1-9][0-9]{0,2},[0-9]{3}", text):
        thousands, decimal = text.replace(",", ""), text.replace(",", ".")
        return [thousands] if hint and not comma_first else [decimal] if comma_first else [thousands, decimal]
    if re.fullmatch(r"[-+]?[1-9][0-9]{0,2}\.[0-9]{3}", text):
        thousands = text.replace(".", "")
        return [text] if hint and not comma_first else [thousands] if comma_first else [text, thousands]
    if re.fullmatch(r"[-+]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?", text) and text.count(",") + text.count(".") > 1:
        return [text.replace(",", "")]
    if re.fullmatch(r"[-+]?[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+|[-+]?[0-9]{1,3}(?:\.[0-9]{3}){2,}", text):
        return [text.replace(".", "").replace(",", ".")]
    if re.fullmatch(r"[-+]?[0-9]*,[0-9]+", text):
        return [text.replace(",", ".")]
    return [text]


def _value(text: str) -> Value | None:
    try:
        number = parse_number(text)
    except NumberError:
        return None
    return Value(text, number.value, number.decimals, number.qualifier)


def _one(text: str, hint: str | None) -> Value | None:
    found = values(text, hint)
    return found[0] if len(found) == 1 else None


# --- Whole cells, from the most particular form to the plainest --------------------------------------------------


def _p_value(text: str, field: str, hint: str | None) -> Reading | None:
    if found := re.fullmatch(r"([0-9.]+)\s*>\s*p\s*>\s*([0-9.]+)", text, re.IGNORECASE):
        upper, lower = _one(found[1], hint), _one(found[2], hint)
    elif found := re.fullmatch(r"([0-9.]+)\s*<\s*p\s*<\s*([0-9.]+)", text, re.IGNORECASE):
        lower, upper = _one(found[1], hint), _one(found[2], hint)
    elif found := re.fullmatch(r"p\s*(<=|>=|[<≤>≥=])?\s*([0-9.,]+)", text, re.IGNORECASE):
        return _single(
            f"{(found[1] or '').replace('=', '') if found[1] == '=' else found[1] or ''}{found[2]}", hint, statistic="p"
        )
    else:
        return None
    return Reading(Kind.PAIR, pair_kind="interval_of_p", lower=lower, upper=upper, statistic="p")


def _count(text: str, field: str, hint: str | None) -> Reading | None:
    if found := re.fullmatch(r"n\s*=\s*([0-9]+)", text, re.IGNORECASE):
        return _single(found[1], hint)
    if found := _COUNT_PERCENT.fullmatch(text):
        percent = _one(found[2], hint)
        return Reading(Kind.COUNT_PERCENT, count=int(found[1]), percent=percent.value) if percent else None
    if field == "n" and (found := re.fullmatch(r"([0-9]+)\.0+", text)):
        made = _single(found[1], hint)
        return made and replace(made, notes=("whole number with decimals",))
    if found := re.fullmatch(r"([0-9]+)\s+of\s+([0-9]+)", text):
        return Reading(Kind.COUNT_OF, count=int(found[1]), of=int(found[2]))
    return None


def _leading_n(text: str, field: str, hint: str | None) -> Reading | None:
    found = re.fullmatch(r"(?:n\s*=\s*)?([0-9]+)\s*[;:]\s+(.*[(±\[].*)", text, re.IGNORECASE)
    made = read(found[2], field, hint) if found else None
    return replace(made, n_candidate=int(found[1])) if found and made and made.kind is Kind.PAIR else None


def _interval(text: str, field: str, hint: str | None) -> Reading | None:
    if found := _INTERVAL.fullmatch(text):
        centre, lower, upper = (_one(found[name], hint) for name in ("centre", "lower", "upper"))
        if centre is None or lower is None or upper is None:
            return None
        word, level = _word(found["word"])
        outside = not lower.value <= centre.value <= upper.value
        problem = "the centre lies outside the limits" if outside else ""
        kind = {"ci": "ci", "iqr": "iqr", "range": "range"}.get(word, "unknown")
        return Reading(
            Kind.PAIR, pair_kind="centre_interval", centre=centre, lower=lower, upper=upper, interval_kind=kind,
            level=level, problem=problem, centre_kind="median" if kind == "iqr" else "",
        )  # fmt: skip
    if found := _BARE_INTERVAL.fullmatch(text):
        lower, upper = _one(found["lower"], hint), _one(found["upper"], hint)
        if lower and upper:
            return Reading(Kind.PAIR, pair_kind="interval", lower=lower, upper=upper)
    return None


def _with_spread(text: str, field: str, hint: str | None) -> Reading | None:
    found = _PLUS_MINUS.fullmatch(text) or _BRACKETS.fullmatch(text)
    if found is None:
        return None
    word, _ = _word(found.groupdict().get("word"))
    kind = {"iqr": "iqr_width", "": "unknown"}.get(word, word)
    centres, spreads = values(found["centre"], hint), values(found["spread"], hint)
    if len(centres) > 1 and len(spreads) == 1 and spreads[0].decimals:
        centres = tuple(one for one in centres if one.decimals) or centres
    options = [
        Reading(
            Kind.PAIR, pair_kind="centre_spread", centre=centre, spread=spread, spread_kind=kind,
            centre_kind="median" if word == "iqr" else "",
        )
        for centre in centres
        for spread in spreads
    ]  # fmt: skip
    return _one_of(options) if options else None


def _two(text: str, field: str, hint: str | None) -> Reading | None:
    """Two numbers of which nobody says what they are."""
    if found := re.fullmatch(rf"({_N.replace(' ', '')}),\s+({_N})", text):
        centre, spread = _one(found[1], hint), _one(found[2], hint)
        if centre and spread:
            pair = Reading(Kind.PAIR, pair_kind="centre_spread", centre=centre, spread=spread)
            return _one_of([pair, Reading(Kind.REFUSED, problem="may be a list of two values")])
    if found := re.fullmatch(r"([0-9]+)\s*/\s*([0-9]+)", text):
        count, of = int(found[1]), int(found[2])
        quotient = [_shortest(count / of)] if of else []
        date = [Reading(Kind.REFUSED, problem="may be a date")] if count <= 31 and of <= 31 else []
        return _one_of([*quotient, Reading(Kind.COUNT_OF, count=count, of=of), *date])
    if found := re.fullmatch(rf"({_N})\s*/\s*({_N})", text):
        pre, post = _one(found[1], hint), _one(found[2], hint)
        if pre and post:
            quotient = [_shortest(pre.value / post.value)] if post.value else []
            return _one_of([Reading(Kind.PAIR, pair_kind="pre_post", lower=pre, upper=post), *quotient])
    if found := re.fullmatch(r"([0-9]+)\s*:\s*([0-9]+)", text):
        first, second = int(found[1]), int(found[2])
        titre = _single(str(second), hint)
        if first < 24 and second < 60 and len(found[2]) == 2 and first != 1:
            time = Reading(Kind.REFUSED, problem="may be a time of day")
            return _one_of([time, *([replace(titre, unit="ratio")] if titre else [])])
        return (
            _one_of([*([replace(titre, unit="titre")] if titre else []), _shortest(first / second)]) if second else None
        )
    return None


def _power(text: str, field: str, hint: str | None) -> Reading | None:
    found = _POWER.fullmatch(text)
    mantissa = _one(found["mantissa"], hint) if found else None
    if found is None or mantissa is None:
        return None
    power = found["power"] or (found["raised"] or "").translate(_LOWERED) or found["lost"]
    made = _value(f"{mantissa.text}e{power}")
    if made is None:
        return None
    step = 10.0 ** (int(power) - (mantissa.decimals or 0))
    scaled = Reading(Kind.VALUE, value=replace(made, decimals=None, precision=step))
    if not found["lost"]:
        return scaled
    product = mantissa.value * float(f"10{found['lost']}")
    text = f"{product:.{mantissa.decimals or 0}f}"
    return _one_of([scaled, Reading(Kind.VALUE, value=_value(text))])


def _spread_alone(text: str, field: str, hint: str | None) -> Reading | None:
    found = re.fullmatch(rf"(?:±|\+/-|\+-)\s*({_N})", text)
    value = _one(found[1], hint) if found else None
    return Reading(Kind.SPREAD, value=value) if value else None


def _plain_number(text: str, field: str, hint: str | None) -> Reading | None:
    if text in _MISSING_CODES:
        code = Reading(Kind.STATUS, status=Status.NOT_REPORTED)
        return _one_of([Reading(Kind.VALUE, value=_value(text)), code])
    made = _single(text, hint)
    return made and replace(made, notes=("exponent",)) if re.search(r"[0-9][eE]", text) else made


def _with_unit(text: str, field: str, hint: str | None) -> Reading | None:
    found = _UNIT.fullmatch(text)
    made = _single(found["number"], hint) if found else None
    if found is None or made is None:
        return None
    unit = found["unit"].strip()
    if re.fullmatch(r"log\s?10|ln|log2", unit, re.IGNORECASE):
        return replace(made, scale=unit.replace(" ", "").lower())
    return replace(made, unit=_spelled(unit))


_READERS: Sequence[Callable[[str, str, str | None], Reading | None]] = (
    _p_value, _count, _leading_n, _interval, _power, _with_spread, _spread_alone, _plain_number, _two, _with_unit,
)  # fmt: skip


def _single(text: str, hint: str | None, **more: str) -> Reading | None:
    found = values(text, hint)
    if not found:
        return None
    note = ("decimal comma",) if len(found) == 1 and "," in text and "." in found[0].text else ()
    return _one_of([Reading(Kind.VALUE, value=one, notes=note, **more) for one in found])  # type: ignore[arg-type]


def _shortest(number: float) -> Reading:
    return Reading(Kind.VALUE, value=Value(f"{number:.5g}", float(f"{number:.5g}"), None))


def _one_of(options: Sequence[Reading]) -> Reading:
    return options[0] if len(options) == 1 else Reading(Kind.AMBIGUOUS, options=tuple(options))


def _marked(made: Reading, mark: str, notes: tuple[str, ...]) -> Reading:
    return replace(made, footnote=mark, notes=made.notes + notes)


def _word(word: str | None) -> tuple[str, float | None]:
    """SD, SE, CI, IQR or range as one word, and the level of a CI as a share."""
    said = (word or "").lower().replace(".", "") if not re.match(r"[0-9]", word or "") else (word or "").lower()
    if found := re.match(r"([0-9.]+)\s*%", said):
        return "ci", float(found[1]) / 100
    for known in ("sd", "se", "iqr", "ci", "range"):
        if said.startswith(known):
            return known, None
    return "", None


def _spelled(unit: str) -> str:
    unit = re.sub(
        r"(?<=/)([mµμdu]?)l\b", lambda found: f"{found[1].replace('μ', 'µ').replace('u', 'µ')}L", unit.replace("μ", "µ")
    )
    return f"cells{unit}" if unit.startswith("/") else unit


def _plain(text: str) -> tuple[str, tuple[str, ...]]:
    """The text in plain characters, and what was done to it."""
    made, notes = [], []
    for character in text.strip():
        category = unicodedata.category(character)
        if character == "\N{EM DASH}":
            notes.append("em dash read as minus")
        if character.isascii():
            made.append(character)
        elif category == "Nd":
            made.append(str(unicodedata.decimal(character)))
        elif category == "Zs":
            made.append(" ")
        elif category != "Cf":
            made.append(_MINUSES.get(character) or _SPACES_AND_POINTS.get(character, character))
    plain = re.sub(r"\s+", " ", "".join(made)).strip()
    if found := re.fullmatch(r"'([-+.0-9].*)", plain):
        return found[1], (*notes, "leading apostrophe of a text cell")
    return plain, tuple(notes)
