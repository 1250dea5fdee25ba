"""Words that stand in cells instead of numbers: what they say of a quantity, and what is never taken."""

from __future__ import annotations

import re
from typing import Final

from extraction.record import Status

NR, NM, UN = Status.NOT_REPORTED, Status.NOT_MEASURED, Status.UNCLEAR
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)

STATUSES: Final[tuple[tuple[str, tuple[Status, ...]], ...]] = (
    (r"nr|n\.r\.|n/r|not (?:reported|given|stated|available|provided|shown)|missing|nicht berichtet", (NR,)),
    (r"nm|n\.m\.|n/m|not (?:measured|done|assessed|determined|tested)", (NM,)),
    (r"un|unclear|unknown|\?+", (UN,)),
    (r"(?:<\s*)?(?:lod|loq|bdl|bld)|undetectable|not detect(?:ed|able)", (UN,)),
    (r"(?:below|under) (?:the )?(?:limit of )?detection(?: limit)?", (UN,)),
    (r"n\.?d\.?|n/d", (UN, NM, NR)),
    (r"n/?a|n\.a\.|none|null|nil", (NR, NM)),
    (r"-+|\.+|…", (NR, NM)),
)
REFUSED: Final[tuple[tuple[str, str], ...]] = (
    (r"true|false|yes|no", "is a true/false value"),
    (r"[-+]?(?:nan|inf|infinity|∞)", "is not a finite number"),
    (r"#[a-z/0]+[!?]?", "is an error of a spreadsheet"),
    (r"=.*|[-+@][a-z].*", "is a formula"),
    (r"[-+]?[0-9]+(?:_[0-9]+)+", "is the notation of a programme"),
    (rf"[0-9]{{1,4}}[-. /]*{_MONTH}[-. 0-9]*|{_MONTH}[-. /]*[0-9]+[-., 0-9]*", "is a date that a spreadsheet made"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*|[0-9]{1,2}([-/.])[0-9]{1,2}\1[0-9]{2,4}", "is a date that a spreadsheet made"),
    (r"[0-9.]+\s*-", "has its sign at the end"),
    (r"[-+]?[0-9]{1,2},[0-9]{2}(?:,[0-9]+)+", "has irregular separators"),
    (r"[-+]?[0-9]{1,2} [0-9]{1,2}|[-+]?[0-9]+ [0-9]{1,2}", "has a space inside"),
    (r"(?=.*[0-9])[-+]?[0-9.]*[OoIl][0-9.]+|[-+]?[0-9.]+[OoIl]", "has a letter among the digits"),
    (r"(?:e[-+]?)?[a-z][a-z -]*|(?:table|figure|fig\.?|page|p\.)\s*[0-9]+.*", "is text"),
)  # fmt: skip
NOT_A_VALUE: Final = r"n\.?s\.?|(?:not |non-?)significant"


def status_options(text: str) -> tuple[Status, ...]:
    """What a word may say of a quantity; several where it may say several things, none where it is no such word."""
    return next((said for pattern, said in STATUSES if re.fullmatch(pattern, text, re.IGNORECASE)), ())


def refusal(text: str, field: str) -> str:
    """Why a text is never taken for a number, or nothing."""
    if re.fullmatch(NOT_A_VALUE, text, re.IGNORECASE):
        return "is the result of a test"
    if re.fullmatch(
        r"[-+]?[0-9.]+e[-+]?[0-9]{4,}|[-+]?[0-9.]+e[-+]?(?:309|3[1-9][0-9]|[4-9][0-9]{2})", text, re.IGNORECASE
    ):
        return "is not a finite number"
    return next((why for pattern, why in REFUSED if re.fullmatch(pattern, text, re.IGNORECASE | re.DOTALL)), "")
