"""What a rule would take of two entries' rows, where a machine can tell: asked of the past, never of what is open.

Pure. A row is anything with the columns of its kind; None where a side lacks it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Final

A, B = "A", "B"
ITT: Final = re.compile(r"\b(m?itt|intent(ion)?[ -]to[ -]treat|full analysis|all randomi[sz]ed)\b", re.IGNORECASE)
COMPLETERS: Final = re.compile(r"\b(completers?|per[ -]protocol|pp)\b", re.IGNORECASE)


def side(prefers: str, field: str, a: Any, b: Any) -> str:
    """ "A", "B", or "" where the rule does not tell one from the other."""
    tells = TELLS.get(prefers)
    if tells is None:
        return ""
    return tells(field, a, b)


def number(row: Any, field: str) -> float | None:
    """The number that a row gives for a field; None where it gives none or only a range."""
    value = getattr(row, field, None)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return float(value)


def _larger(field: str, a: Any, b: Any) -> str:
    x, y = number(a, field), number(b, field)
    if x is None or y is None or x == y:
        return ""
    return A if x > y else B


def _smaller(field: str, a: Any, b: Any) -> str:
    return {A: B, B: A, "": ""}[_larger(field, a, b)]


def _only(test: Callable[[Any], bool], a: Any, b: Any) -> str:
    """The one side for which it holds."""
    x, y = a is not None and test(a), b is not None and test(b)
    return "" if x == y else A if x else B


def _reported(field: str, a: Any, b: Any) -> str:
    if field == "row":
        return _only(bool, a, b)
    return _only(lambda row: _is_reported(row, field), a, b)


def _is_reported(row: Any, field: str) -> bool:
    status = getattr(row, f"{field}_status", None)
    if status is not None:
        return bool(status == "reported")
    return getattr(row, field, None) not in (None, "")


def _analysed(pattern: re.Pattern[str]) -> Callable[[str, Any, Any], str]:
    return lambda _field, a, b: _only(lambda row: bool(pattern.search(getattr(row, "analysis_set", ""))), a, b)


def _kind(column: str, wanted: str) -> Callable[[str, Any, Any], str]:
    return lambda _field, a, b: _only(lambda row: getattr(row, column, "") == wanted, a, b)


TELLS: Final[Mapping[str, Callable[[str, Any, Any], str]]] = {
    "larger": _larger,
    "smaller": _smaller,
    "reported": _reported,
    "itt": _analysed(ITT),
    "completers": _analysed(COMPLETERS),
    "sd": _kind("spread_kind", "sd"),
    "mean": _kind("centre_kind", "mean"),
}
