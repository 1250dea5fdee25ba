"""Everything that may be done to one review, by everybody at one moment: each act is done or refused, never an error.

Locks of reviews, trials and keys that are taken in two orders end in a deadlock now and then; doing all of it at once
shows which.
"""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from analysis.recompute import recompute
from extraction import chains
from extraction.models import Entry, Trial
from tests.extraction import storm as acts
from tests.extraction.storm import FIRST, Storm, raging
from tests.race import ROUNDS

ROOT = Path(__file__).parents[2]
ELSEWHERE = {
    "create_review", "start_review",  # another review each time: nobody meets there
    "upload", "_apply",  # by tests.papers.uploaded and by importing.apply
}  # fmt: skip


def verbs() -> set[str]:
    """The names of all verbs of the project."""
    found = set()
    for file in [*ROOT.glob("extraction/**/*.py"), *ROOT.glob("analysis/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            marks = getattr(node, "decorator_list", [])
            if isinstance(node, ast.FunctionDef) and "verb" in [getattr(mark, "id", "") for mark in marks]:
                found.add(node.name)
    return found


def test_every_verb_takes_part() -> None:
    called = set()
    for node in ast.walk(ast.parse(Path(acts.__file__).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called.add(getattr(node.func, "attr", getattr(node.func, "id", "")))
    assert verbs() - called == ELSEWHERE


@pytest.mark.django_db(transaction=True)
@ROUNDS
def test_all_of_it_at_once(rounds: int) -> None:
    done: Counter[str] = Counter()
    for seed in range(max(1, rounds // 10)):
        storm = Storm(FIRST + seed)
        done += raging(storm)
        assert chains.read_all([]).problems == []
        for trial in Trial.objects.filter(review=storm.review):
            assert Entry.objects.filter(trial=trial, slot="FINAL", state="draft").count() <= 1
            holders = set(trial.assignments.values_list("user", flat=True))
            assert len(holders) == trial.assignments.count()
        recompute(storm.review.pk)
    assert done.total() > 30 * max(1, rounds // 10), done  # most was not refused for want of something to do
