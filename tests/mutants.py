"""Are the nets vacuous? Opens each door (`visible_to` becomes `all`) in turn; every mutant must make a net fail.

`python -m tests.mutants` copies the project, opens one door at a time and runs one net after the other until one tears:
the rule that reads the code, the tests named after the module, those of shut doors, then all that walk or use the
surfaces. With a share it opens that part only: `python -m tests.mutants 2/5`; with paths, the doors of these files.
`--walk` leaves the rule out, so that the tests must find an open door by themselves; that takes hours. No part of
`make test`.

Lines and conditions of the table of access are left out in turn by tests/extraction/test_access_line_by_line.py.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.test_architecture import bypasses, is_surface

SHARE = re.compile(r"\d+/\d+")
ROOT = Path(__file__).resolve().parent.parent
RULE = "rule"  # of tests/test_architecture.py, asked here of the mutated file alone
OWN = "own"  # the tests named after the mutated module
NETS = {
    "shut": ["tests/extraction/test_locks.py"],
    "walks": ["tests/test_permissions.py", "tests/test_blinding.py", "--numprocesses=2", "--dist=worksteal"],
    "surfaces": ["tests/extraction", "tests/analysis", "--only-with-database", "--numprocesses=2", "--dist=worksteal"],
}


@dataclass(frozen=True)
class Mutant:
    path: str
    name: str
    text: str


def mutants() -> Iterator[Mutant]:
    for path in sorted([*ROOT.glob("extraction/**/*.py"), *ROOT.glob("analysis/**/*.py")]):
        yield from open_doors(path)


def open_doors(path: Path) -> Iterator[Mutant]:
    """Each call of `visible_to` turned into `all`."""
    source = path.read_text()
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "visible_to":
            end = node.func.end_lineno or 0, node.func.end_col_offset or 0
            start = offset(lines, end) - len(b"visible_to")
            stop = offset(lines, (node.end_lineno or 0, node.end_col_offset or 0))
            raw = source.encode()
            text = (raw[:start] + b"all()" + raw[stop:]).decode()
            yield Mutant(str(path.relative_to(ROOT)), f"line {node.lineno}: all() for visible_to", text)


def offset(lines: list[str], place: tuple[int, int]) -> int:
    return sum(len(line.encode()) for line in lines[: place[0] - 1]) + place[1]


def nets_for(path: str) -> dict[str, list[str]]:
    """What pytest is asked to run for a mutant of this file, cheapest first."""
    module = Path(path)
    named = (
        found for name in (module.stem, module.parent.name) for found in sorted(ROOT.glob(f"tests/*/test_{name}*.py"))
    )
    own = [str(found.relative_to(ROOT)) for found in named if found.parent.name != "browser"]
    return {OWN: own, **NETS} if own else NETS


def is_torn(tests: list[str], folder: Path) -> bool:
    """Whether the project in this folder makes one of these tests fail."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{tests}: pytest ended with {done.returncode}\n{done.stdout.decode()[-2000:]}")
    return done.returncode == 1


def torn_by(mutant: Mutant, folder: Path, whole: set[str], *, with_rule: bool) -> str:
    """The first net that the mutant tears; empty where it goes through all. A net is trusted once it was `whole`."""
    target = folder / mutant.path
    original = target.read_text()
    if with_rule and is_surface(ROOT / mutant.path) and any(bypasses(mutant.text)):
        return RULE
    for net, tests in nets_for(mutant.path).items():
        target.write_text(mutant.text)
        try:
            torn = is_torn(tests, folder)
        finally:
            target.write_text(original)
        asked = " ".join(tests)
        if torn and asked not in whole and is_torn(tests, folder):
            sys.exit(f"“{asked}” fails without any mutant: mend that first.")
        if torn:
            whole.add(asked)
            return net
    return ""


def main(*told: str) -> None:
    part, of = next((tuple(map(int, word.split("/"))) for word in told if SHARE.fullmatch(word)), (1, 1))
    paths = [word for word in told if word.endswith(".py")]
    found = [one for one in mutants() if not paths or one.path in paths]
    wanted = found[part - 1 :: of]
    torn: Counter[str] = Counter()
    whole: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="reviewapp-mutants-") as name:
        folder = Path(name) / "project"
        ignored = shutil.ignore_patterns(".venv", "var", "__pycache__", ".mypy_cache", "node_modules")
        shutil.copytree(ROOT, folder, ignore=ignored)
        for number, mutant in enumerate(wanted, start=1):
            net = torn_by(mutant, folder, whole, with_rule="--walk" not in told)
            torn[net] += 1
            print(f"{number}/{len(wanted)} {net or 'SURVIVED':9}{mutant.path}: {mutant.name}", flush=True)
    print(f"{len(wanted) - torn['']} of {len(wanted)} mutants killed ({len(found)} in all): {dict(torn)}")
    sys.exit(bool(torn[""]))


if __name__ == "__main__":
    main(*sys.argv[1:])
