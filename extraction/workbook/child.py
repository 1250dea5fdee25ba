"""The program of the child process: bytes of an upload in, JSON of plain cells or one refusal out.

Started by `preflight`, isolated (`-I -S`): no Django, no site packages, no environment. It sets its own limits
before it reads a byte, so that a file that finds a way past every check ends this process and nothing else.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from extraction.workbook.cells import MAX_UNPACKED, MIB, Code, Finding, Rejected, Sheet
from extraction.workbook.csvfile import read_csv
from extraction.workbook.package import Package
from extraction.workbook.parts import check_parts
from extraction.workbook.worksheets import read_sheets

MEMORY = 288 * MIB  # address space, hence also what is resident
SECONDS = 4  # of processor time
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")  # the stream that a password makes of a workbook


def limit_self() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform == "linux":  # macOS refuses to set it; there the counters of `cells` are the limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def read(data: bytes, suffix: str) -> tuple[list[Sheet], list[Finding]]:
    """Raises `Rejected` where the file as a whole cannot be taken."""
    if not data:
        raise Rejected(Code.EMPTY if suffix == ".csv" else Code.CORRUPT, "The file is empty.")
    if suffix == ".csv":
        sheet, findings = read_csv(data)
        return [sheet], findings
    if data.startswith(OLE):
        if ENCRYPTED_PACKAGE in data:
            raise Rejected(Code.ENCRYPTED, "The workbook is protected by a password. Save it without one.")
        raise Rejected(Code.TYPE, "The file is in the old .xls format. Save it as .xlsx.")
    if not data.startswith((b"PK\3\4", b"PK\5\6")):
        raise Rejected(Code.TYPE, "The file is not an Excel workbook, whatever its name says.")
    package = Package(data)
    if not package.oversized:
        return read_sheets(package, check_parts(package)), []
    findings = [Finding(Code.BOMB, f"Unpacked, the file would be larger than {MAX_UNPACKED // MIB} MB.")]
    try:  # a sheet with too many rows is better called that as well
        read_sheets(package, check_parts(package))
    except Rejected as refusal:
        findings.append(refusal.finding)
    return [], findings


def answer(data: bytes, suffix: str) -> dict[str, Any]:
    try:
        sheets, findings = read(data, suffix)
    except Rejected as refusal:
        return {"sheets": [], "findings": [asdict(refusal.finding)]}
    except MemoryError:
        finding = Finding(Code.BOMB, "Reading the file takes more memory than a workbook of this kind needs.")
        return {"sheets": [], "findings": [asdict(finding)]}
    return {"sheets": [_packed(sheet) for sheet in sheets], "findings": [asdict(finding) for finding in findings]}


def _packed(sheet: Sheet) -> dict[str, Any]:
    return {
        "name": sheet.name,
        "known": sheet.known,
        "hidden": sheet.hidden,
        "rows": sheet.rows,
        "hidden_columns": sheet.hidden_columns,
        "merged": sheet.merged,
    }


def peak_memory() -> int | None:
    """Peak resident memory in KiB of this program alone (`ru_maxrss` would count the parent's before exec)."""
    try:
        with Path("/proc/self/status").open() as status:
            return next((int(line.split()[1]) for line in status if line.startswith("VmHWM:")), None)
    except OSError:
        return None


def main() -> None:
    gc.disable()  # nothing here is a cycle, and the process ends in a moment
    limit_self()
    result = answer(sys.stdin.buffer.read(), sys.argv[1])
    result["peak_kib"] = peak_memory()
    json.dump(result, sys.stdout)
    sys.stdout.flush()
