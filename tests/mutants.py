"""Are the nets vacuous? Removes each rule, condition and `visible_to` in turn; every mutant must make a net fail.

`python -m tests.mutants` copies the project, mutates one place at a time and runs the nets until the first failure.
With a share it runs that part only: `python -m tests.mutants 2/5`. It takes hours and is no part of `make test`.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FAST = ["tests/extraction/test_access.py"]
NETS = [*FAST, "tests/test_permissions.py", "tests/test_blinding.py", "tests/analysis", "tests/extraction"]
CONDITIONS = [  # condition, what stands in its place
    ("& (Q() if in_any_state else _when(rule, paths))", ""),
    ("_who(user, rule.who, paths) & (", "("),
    ("or not user.is_active", ""),
    ("_in_review(user, paths) & _extracting(user, paths)", "_extracting(user, paths)"),
    ("_in_review(user, paths) & _extracting(user, paths)", "_in_review(user, paths)"),
    (" & ~_extracting(user, paths)", ""),
    ("if rule.states != ALWAYS:", "if False:"),
    ("if rule.if_partner_shown:", "if False:"),
    ("if rule.frozen_only:", "if False:"),
    ("memberships = memberships.filter(**{role.value: True})", "pass"),
    ('| Q(**{_join(paths.trial, "in"): entered})', ""),
    ('Q(**{_join(paths.trial, "in"): holds}) | ', ""),
]


@dataclass(frozen=True)
class Mutant:
    path: str
    name: str
    text: str


def mutants() -> Iterator[Mutant]:
    yield from rules()
    source = (ROOT / "extraction/access.py").read_text()
    for condition, instead in CONDITIONS:
        if condition not in source:
            raise SystemExit(f"extraction/access.py has no “{condition}” any more: mend tests/mutants.py")
        yield Mutant("extraction/access.py", f"without “{condition}”", source.replace(condition, instead, 1))
    for path in sorted([*ROOT.glob("extraction/**/*.py"), *ROOT.glob("analysis/**/*.py")]):
        yield from open_doors(path)


def rules() -> Iterator[Mutant]:
    """Each line of the table taken out."""
    path = "extraction/access.py"
    lines = (ROOT / path).read_text().splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.startswith("    Rule("):
            rest = "".join(lines[:number] + lines[number + 1 :])
            yield Mutant(path, f"without {line.strip()}", rest)


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


def killed(mutant: Mutant, folder: Path) -> bool:
    target = folder / mutant.path
    original = target.read_text()
    target.write_text(mutant.text)
    try:
        for tests in (FAST, NETS):
            command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider", *tests]
            environment = {**os.environ, "PYTHONPATH": str(folder)}
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
            if done.returncode == 1:
                return True
            if done.returncode != 0:
                raise SystemExit(f"{mutant.name}: pytest ended with {done.returncode}\n{done.stdout.decode()[-2000:]}")
        return False
    finally:
        target.write_text(original)


def main(share: str = "1/1") -> None:
    part, of = map(int, share.split("/"))
    found = list(mutants())
    wanted = found[part - 1 :: of]
    survivors = []
    with tempfile.TemporaryDirectory(prefix="reviewapp-mutants-") as name:
        folder = Path(name) / "project"
        ignored = shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", ".mypy_cache", "node_modules")
        shutil.copytree(ROOT, folder, ignore=ignored)
        for number, mutant in enumerate(wanted, start=1):
            dead = killed(mutant, folder)
            print(
                f"{number}/{len(wanted)} {'killed  ' if dead else 'SURVIVED'} {mutant.path}: {mutant.name}", flush=True
            )
            if not dead:
                survivors.append(mutant)
    print(f"{len(wanted) - len(survivors)} of {len(wanted)} mutants killed ({len(found)} in all)")
    sys.exit(bool(survivors))


if __name__ == "__main__":
    main(*sys.argv[1:2])
