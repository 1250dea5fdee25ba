"""What a set-up looks like as a file (JSON), and what is wrong with one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from extraction.errors import FieldProblem, InvalidValues

Content: TypeAlias = Mapping[str, Any]
FORMAT: Final = 1
MOST_BYTES: Final = 5_000_000
LISTS: Final = ("interventions", "outcome_classes", "markers", "units", "moderators", "syntheses")
TEXTS: Final = ("name", "question", "guidance")
OBJECTS: Final = ("settings", "checks")


def empty() -> dict[str, Any]:
    """A review from nothing."""
    return {
        "format": FORMAT,
        **dict.fromkeys(TEXTS, ""),
        **{name: {} for name in OBJECTS},
        **{name: [] for name in LISTS},
    }


def read(data: bytes) -> dict[str, Any]:
    """A set-up from the bytes of a file; raise `InvalidValues` for what is none."""
    if len(data) > MOST_BYTES:
        raise _wrong("the file", f"is larger than {MOST_BYTES // 1_000_000} MB.")
    try:
        found = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise _wrong("the file", "is not text in UTF-8.") from error
    except (ValueError, RecursionError) as error:
        raise _wrong("the file", f"is not JSON: {error}.") from error
    return checked(found)


def checked(found: Any) -> dict[str, Any]:
    """The set-up with every part present and of the right shape. What the terms say is checked by the models."""
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise _wrong("format", f"is not {FORMAT}: this is no template of this application.")
    content = empty() | {name: found[name] for name in empty() if name in found}
    problems = [
        *(FieldProblem("template", name, "is text.") for name in TEXTS if not isinstance(content[name], str)),
        *(FieldProblem("template", name, "is an object.") for name in OBJECTS if not isinstance(content[name], dict)),
    ]
    for name in LISTS:
        rows = content[name]
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            problems += [FieldProblem("template", name, "is a list of objects.")]
    if problems:
        raise InvalidValues(problems)
    return content


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _wrong(field: str, message: str) -> InvalidValues:
    return InvalidValues([FieldProblem("template", field, message)])
