"""Reading an upload in a child process that may die without harm.

`preflight` gives the plain cells of the known sheets, or why the file is refused. The uploaded bytes are handed to the
child through a pipe, never written to disk, never named after the upload, and not kept.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extraction.workbook.cells import MAX_UPLOAD, MIB, Cell, Code, Finding, Kind, Row, Sheet

logger = logging.getLogger(__name__)

WALL_SECONDS = 5.0
ROOT = str(Path(__file__).resolve().parents[2])
PROGRAM = "import sys; sys.path.insert(0, sys.argv.pop(1)); from extraction.workbook.child import main; main()"
MACRO_SUFFIXES = frozenset({".xlsm", ".xltm", ".xlam"})


@dataclass(frozen=True, slots=True)
class Preflight:
    """What the child made of a file. `sheets` is empty where a finding rejects the file as a whole."""

    kind: str  # ".xlsx", ".csv"
    sheets: tuple[Sheet, ...] = ()
    findings: tuple[Finding, ...] = ()
    peak_kib: int | None = None  # of the child; None where the system does not say or the child was ended
    seconds: float = 0.0


def preflight(data: bytes, filename: str) -> Preflight:
    """Check an upload and read its known sheets to plain cells. Of the name only its ending counts.

    Never raises for what a file holds: whatever the child does, at most `WALL_SECONDS` later there is an answer.
    """
    suffix = Path(filename.strip()).suffix.lower()
    if suffix in MACRO_SUFFIXES:
        return _refused(suffix, Code.MACRO, "The workbook is macro-enabled. Save it as a plain .xlsx.")
    if suffix not in (".xlsx", ".csv"):
        return _refused(suffix, Code.TYPE, "Only .xlsx and .csv files can be imported.")
    if len(data) > MAX_UPLOAD:
        return _refused(suffix, Code.LIMIT, f"The file is larger than {MAX_UPLOAD // MIB} MB.")
    begin = time.monotonic()
    command = [sys.executable, "-I", "-S", "-c", PROGRAM, ROOT, suffix]
    try:
        # The command is ours; nothing of it comes from the upload but one of two endings.
        child = subprocess.run(  # noqa: S603
            command, input=data, capture_output=True, timeout=WALL_SECONDS, env={}, check=False
        )
    except subprocess.TimeoutExpired:
        return _refused(suffix, Code.BOMB, "Reading the file takes longer than a workbook of this kind needs.")
    seconds = time.monotonic() - begin
    if child.returncode < 0 or (child.returncode and b"MemoryError" in child.stderr):
        logger.warning("The child process that read an upload was ended: status %s.", child.returncode)
        return _refused(suffix, Code.BOMB, "Reading the file takes more than a workbook of this kind needs.")
    if child.returncode or not child.stdout:
        # The last line of a traceback may quote the file: log where it was, not what it said.
        logger.error("The child process that read an upload failed: %s", _place_of_failure(child.stderr))
        return _refused(suffix, Code.CORRUPT, "The file cannot be read.")
    return understood(suffix, json.loads(child.stdout), seconds)


def understood(suffix: str, result: dict[str, Any], seconds: float = 0.0) -> Preflight:
    """The answer of the child as plain values."""
    return Preflight(
        suffix,
        tuple(_sheet(sheet) for sheet in result["sheets"]),
        tuple(Finding(**{**finding, "code": Code(finding["code"])}) for finding in result["findings"]),
        result.get("peak_kib"),
        seconds,
    )


def _refused(suffix: str, code: Code, message: str) -> Preflight:
    return Preflight(suffix, findings=(Finding(code, message),))


def _sheet(packed: dict[str, Any]) -> Sheet:
    kinds = {kind.value: kind for kind in Kind}
    rows = tuple(
        Row(number, tuple(Cell(column, kinds[kind], text) for column, kind, text in cells), hidden)
        for number, cells, hidden in packed["rows"]
    )
    hidden_columns = tuple((first, last) for first, last in packed["hidden_columns"])
    return Sheet(packed["name"], packed["known"], packed["hidden"], rows, hidden_columns, tuple(packed["merged"]))


def _place_of_failure(stderr: bytes) -> str:
    lines = stderr.decode("utf-8", "replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.lstrip().startswith("File ")), "no traceback")
