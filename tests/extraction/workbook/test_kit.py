"""Every file of the kit through the child process and the parser: as its manifest says, in time and memory.

What depends on the review (unknown trials, submitted entries, arms that exist nowhere) is tested in test_importing.py.
"""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from extraction.workbook.parse import parse
from extraction.workbook.preflight import PROGRAM, ROOT, preflight
from tests.extraction.workbook.kit import FOLDER, VOCABULARY, Case, cases, is_at, outcome, texts_by_cell

SECONDS, LARGE_SECONDS = 5.0, 10.0
PEAK_KIB = 300 * 1024
NEEDS_THE_REVIEW = {"E_SCOPE"}  # nothing in the file itself is wrong

# Refuses, from inside the child, whatever the kit says must never happen: a connection or another file.
WATCHED = """
import sys
def watch(event, args):
    if event.startswith(("socket.", "urllib.", "subprocess.", "os.exec", "os.system", "ctypes.")):
        raise SystemExit(f"forbidden: {event}")
    if event == "open" and reading and not str(args[0]).startswith("/proc/self/"):
        raise SystemExit(f"forbidden: open {args[0]}")
reading = False
sys.path.insert(0, sys.argv.pop(1))
from extraction.workbook import child
limit = child.limit_self
def start():
    global reading
    limit()
    reading = True
child.limit_self = start
sys.addaudithook(watch)
child.main()
"""


def processor_seconds() -> float:
    """Of this process and its children: a busy machine is not the file's fault. The wall clock has `WALL_SECONDS`."""
    mine, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return mine.ru_utime + mine.ru_stime + children.ru_utime + children.ru_stime


@pytest.mark.parametrize("case", cases(), ids=lambda case: ascii(case.file))
def test_a_file_of_the_kit_gets_what_its_manifest_says(case: Case) -> None:
    # given a file of the kit
    data = case.data
    # when it is read
    begin = processor_seconds()
    checked = preflight(data, case.file)
    parsed = parse(checked, VOCABULARY)
    seconds = processor_seconds() - begin
    # then it is taken, taken with a warning, or refused, for the reason and at the place that the manifest names
    if case.reason in NEEDS_THE_REVIEW:
        assert not parsed.rejected, parsed.findings
        return
    got = outcome(parsed.findings)
    assert got in case.outcomes, [str(finding) for finding in parsed.findings]
    if got == case.expect and case.reason:
        assert case.reasons & {finding.code.value for finding in parsed.findings}, parsed.findings
        if case.where:
            assert any(is_at(finding, case.where) for finding in parsed.findings), parsed.findings
    if got == case.expect != "reject":
        assert parsed.rows == case.rows
        assert sum(len(trial.observations) for trial in parsed.trials.values()) == case.rows
        taken = texts_by_cell(parsed)
        for reference, value in case.values.items():
            assert taken[reference] == value if isinstance(value, str) else float(taken[reference]) == value
    # and it costs no more than it may
    assert seconds <= (LARGE_SECONDS if "100k" in case.file else SECONDS)
    assert checked.peak_kib is None or checked.peak_kib <= PEAK_KIB


@pytest.mark.parametrize("case", cases(), ids=lambda case: ascii(case.file))
def test_reading_a_file_of_the_kit_opens_no_file_and_no_connection(case: Case) -> None:
    suffix = ".csv" if case.file.endswith(".csv") else ".xlsx"
    command = [sys.executable, "-I", "-S", "-c", WATCHED, ROOT, suffix]
    child = subprocess.run(command, input=case.data, capture_output=True, check=False, timeout=20)
    assert child.returncode == 0, child.stderr[-500:]
    assert child.stdout.startswith(b"{")


def test_the_watch_over_the_child_sees_what_it_forbids() -> None:
    # given the same watch, and a child that opens a file while it reads
    program = WATCHED.replace("child.main()", "child.read_csv = lambda data: open('/etc/hostname'); child.main()")
    command = [sys.executable, "-I", "-S", "-c", program, ROOT, ".csv"]
    # when it runs
    child = subprocess.run(command, input=b"trial", capture_output=True, check=False, timeout=20)
    # then it is stopped by name
    assert child.returncode == 1
    assert b"forbidden: open /etc/hostname" in child.stderr


def test_the_child_loads_neither_django_nor_any_installed_package() -> None:
    program = PROGRAM + "; sys.stderr.write(' '.join(sys.modules))"
    command = [sys.executable, "-I", "-S", "-c", program, ROOT, ".csv"]
    child = subprocess.run(command, input=b"", capture_output=True, check=True, timeout=20)
    loaded = set(child.stderr.decode().split())
    assert "extraction.workbook.child" in loaded
    assert not {"django", "openpyxl", "pandas", "numpy", "lxml"} & loaded


def test_the_kit_is_there() -> None:
    assert len(cases()) >= 65
    assert {case.file for case in cases()} <= {path.name for path in (FOLDER / "files").iterdir()}
