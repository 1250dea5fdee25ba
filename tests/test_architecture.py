"""Rules of the house as tests. What import-linter cannot see stands here."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# The ground floor and the verbs, which reach rows under a lock. Everything else is a surface: a new module is one
# until it is named here.
NOT_SURFACES = {
    "extraction/matching.py",
    "extraction/models", "extraction/migrations", "extraction/access.py", "extraction/locks.py", "extraction/pairs.py",
    "extraction/versions.py", "extraction/typed.py", "extraction/context.py", "extraction/decisions.py",
    "extraction/anchor.py",
    "analysis/composing.py", "analysis/effects.py", "analysis/freshness.py", "analysis/impact.py",
    "analysis/management", "analysis/migrations", "analysis/models", "analysis/pooling.py", "analysis/preview.py",
    "analysis/receivers.py", "analysis/recompute.py", "analysis/setup.py", "analysis/snapshot.py", "analysis/stats",
    "analysis/tasks.py", "extraction/adjudicate.py", "extraction/approve.py", "extraction/assign.py",
    "extraction/bring_in.py", "extraction/chains.py", "extraction/define.py", "extraction/demo", "extraction/enter.py",
    "extraction/finding.py", "extraction/invite.py", "extraction/management", "extraction/progress.py",
    "extraction/proposals.py", "extraction/protocols", "extraction/questions.py", "extraction/reconcile.py",
    "extraction/recorded.py", "extraction/reports.py", "extraction/rules.py", "extraction/setup.py",
}  # fmt: skip


def tracked(*patterns: str) -> list[Path]:
    """Files of the project, also those that are not committed yet."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).exists()]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def is_surface(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    if parts[0] not in {"extraction", "analysis"}:
        return False
    return not any("/".join(parts[:depth]) in NOT_SURFACES for depth in range(1, len(parts) + 1))


PYTHON = tracked("*.py")
SURFACES = [path for path in PYTHON if is_surface(path)]


def bypasses(source: str) -> Iterator[str]:
    """Where a surface reaches rows past `visible_to`. tests/mutants.py asks it of every surface with an open door."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Attribute(attr="objects"), attr=method) if method not in {
                "visible_to",
                "none",
            }:
                yield f"line {node.lineno} bypasses blinding"
            case ast.Attribute(attr="_base_manager" | "_default_manager"):
                yield f"line {node.lineno} bypasses blinding"
            case ast.Call(func=ast.Name(id="get_object_or_404" | "get_list_or_404"), args=[ast.Name(), *_]):
                yield f"line {node.lineno} looks a model up, not its visible rows"


@pytest.mark.parametrize("path", SURFACES, ids=name)
def test_surfaces_reach_rows_only_through_visible_to(path):
    assert list(bypasses(path.read_text())) == []


def test_the_rule_sees_a_surface_that_bypasses_it():
    assert {"extraction/views", "extraction/api", "extraction/admin"} <= {name(path.parent) for path in SURFACES}


@pytest.mark.parametrize("path", SURFACES, ids=name)
def test_surfaces_write_through_verbs_alone(path):
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Name(id="recording") | ast.Attribute(attr="recording"):
                raise AssertionError(f"{name(path)}:{node.lineno} opens the record to itself")
            case ast.Call(func=ast.Attribute(attr="bulk_create" | "bulk_update" | "update_or_create")):
                raise AssertionError(f"{name(path)}:{node.lineno} writes past the verbs")


CODE = tracked("*.py", "*.html", "*.js", "*.css")


@pytest.mark.parametrize("path", [p for p in CODE if "migrations" not in p.parts], ids=name)
def test_a_file_stays_readable_in_one_go(path):
    assert len(path.read_text().splitlines()) <= 400


def test_no_module_is_a_drawer_for_everything():
    drawers = {"utils", "util", "helpers", "common", "services", "managers", "misc", "lib"}
    assert not [name(path) for path in PYTHON if path.stem in drawers or drawers & set(path.parent.parts)]


@pytest.mark.parametrize("path", tracked("*.html"), ids=name)
def test_pages_hold_nothing_that_the_content_security_policy_forbids(path):
    text = path.read_text()
    assert not re.search(r"\sstyle\s*=", text), "style attribute"
    assert not re.search(r"<style\b", text), "inline style sheet"
    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", text), "inline script"
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text), "inline handler"
    assert not re.search(r"(?:src|href)=[\"'](?:https?:)?//", text), "another host"


@pytest.mark.parametrize("path", [p for p in PYTHON if "migrations" in p.parts and p.stem[0] == "0"], ids=name)
def test_migrations_say_what_they_do_and_import_no_project_code(path):
    assert not re.fullmatch(r"\d{4}_(auto|alter|remove|initial)?_?\d*.*_and_more|\d{4}_auto.*", path.stem)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            assert node.module.split(".")[0] not in {"reviewapp", "analysis", "extraction"}


HOMES = r"(?<![\w.}>])/(?:root|home|Users|work|workspaces?|mnt|srv)/"  # where somebody's copy of the project may lie
WORKPLACE = re.compile(HOMES + r"|\bpypi\.org\b|registry\.npmjs|files\.pythonhosted")


@pytest.mark.parametrize("path", tracked("*.py", "*.md", "*.html", "*.txt", "*.toml", "*.yaml", "Makefile"), ids=name)
def test_the_projects_text_speaks_of_the_project_alone(path):
    if path != Path(__file__).resolve():
        assert not WORKPLACE.search(path.read_text())
