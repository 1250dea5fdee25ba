"""The statistics engine against results computed with R (metafor, robumeta, clubSandwich).

One test per case of every JSON file in the folder named by the environment variable REFERENCE_CASES (default:
tests/reference/cases and tests/reference/more). A case names its operation in `options.op`; the modules of
tests/analysis/stats/reference translate operations into calls of the engine. They know no case by name.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from analysis.stats.errors import StatsError
from tests.analysis.stats import reference

Operation = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]

OWN = Path(__file__).parents[2] / "reference"
FOLDERS = [Path(named)] if (named := os.environ.get("REFERENCE_CASES")) else [OWN / "cases", OWN / "more"]
ONLY_INFORMATION = "metafor_default_"  # R at its loose default tolerance


def _operations() -> dict[str, Operation]:
    found: dict[str, Operation] = {}
    for module in pkgutil.iter_modules(reference.__path__):
        for name, operation in getattr(
            importlib.import_module(f"{reference.__name__}.{module.name}"), "OPS", {}
        ).items():
            if name in found:
                raise AssertionError(f"Two adapters claim the operation {name}.")
            found[name] = operation
    return found


def _cases() -> Iterator[Any]:
    for path in (path for folder in FOLDERS for path in sorted(folder.glob("*.json"))):
        for case in json.loads(path.read_text(encoding="utf-8")):
            yield pytest.param(case, id=f"{path.stem}-{case['id']}")


OPS = _operations()
CASES = list(_cases())


def _differences(got: Any, expected: Any, rtol: float, atol: float, where: str) -> Iterator[str]:
    """Every value of `expected` that `got` does not reproduce, as text."""
    if isinstance(expected, list):
        if not isinstance(got, list | tuple) or len(got) != len(expected):
            yield f"{where}: {got!r} instead of {expected!r}"
            return
        for i, (one, other) in enumerate(zip(got, expected, strict=True)):
            yield from _differences(one, other, rtol, atol, f"{where}[{i}]")
    elif expected is None or got is None or isinstance(expected, str | bool):
        if got != expected:
            yield f"{where}: {got!r} instead of {expected!r}"
    elif not abs(got - expected) <= atol + rtol * abs(expected):
        yield f"{where}: {got!r} instead of {expected!r}"


def test_there_are_cases_and_an_operation_for_each() -> None:
    assert CASES, f"no case in {FOLDERS}"
    assert {case.values[0]["options"]["op"] for case in CASES} <= OPS.keys()


@pytest.mark.parametrize("case", CASES)
def test_the_engine_gives_what_r_gives(case: dict[str, Any]) -> None:
    expected, options = case["expected"], case["options"]
    operation = OPS[options["op"]]
    if expected.get("error"):
        with pytest.raises(StatsError, match=r"\w \w.*\."):  # a sentence
            operation(case["input"], options)
        return
    got = operation(case["input"], options)
    by_key = case.get("rtol_by_key") or {}
    tested = [key for key in expected if not key.startswith(ONLY_INFORMATION)]
    assert set(tested) <= got.keys()
    wrong = [
        difference
        for key in tested
        for difference in _differences(got[key], expected[key], by_key.get(key, case["rtol"]), case["atol"], key)
    ]
    assert not wrong, "\n".join(wrong)
