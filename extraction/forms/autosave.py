"""Saving single rows of the form while the page stays open: what is saved, what cannot be read, what to show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format

from extraction import enter
from extraction.access import Viewer
from extraction.enter import Change
from extraction.errors import InvalidValues
from extraction.forms import grid
from extraction.forms.conflict import CELL
from extraction.forms.entry import STRUCTURE, EntryForm
from extraction.forms.inputs import Was
from extraction.models import Entry


@dataclass(slots=True)
class Saved:
    """What came of the rows that were sent. `problems`: row name → field → sentence."""

    entry: Entry
    changed: list[Change] = field(default_factory=list)
    problems: dict[str, dict[str, str]] = field(default_factory=dict)


def save_what_can_be_read(form: EntryForm, by: Viewer) -> Saved:
    """Save every row that can be read; a row with a value that cannot be read waits, with the reason.

    Raises the refusals of `enter.save` that are about the whole: a stale version, a second row in one cell.
    """
    changes = form.changes()
    try:
        return Saved(enter.save(form.entry.pk, changes, by=by), changes)
    except InvalidValues as refusal:
        problems = refusal.problems
    refused = {problem.row for problem in problems}
    readable = [change for change in changes if str(change.key) not in refused]
    if len(readable) == len(changes):
        raise InvalidValues(problems)
    saved = Saved(enter.save(form.entry.pk, readable, by=by), readable)
    for problem in problems:
        at = grid.SHOWN_AT.get(problem.field, problem.field)
        for name in _names(form, problem.row):
            saved.problems.setdefault(name, {})[at] = problem.message
    return saved


def answer(saved: Saved, form: EntryForm, after: EntryForm) -> Mapping[str, Any]:
    """What the page needs to go on: the versions of the rows that were sent, and what stands beside its cells.

    `form` is what the browser sent, `after` the entry as it is now.
    """
    return {
        "at": date_format(timezone.localtime(saved.entry.saved_at), "H:i"),
        "version": saved.entry.version,
        "filled": after.filled,
        "cells": after.cell_count,
        "structure": any(change.subject in STRUCTURE for change in saved.changed),
        "findings": after.findings,
        "problems": saved.problems,
        "rows": {
            f"{subject}.{key}": _row(form, after, subject, key, sent)
            for (subject, key), sent in form.posted.rows.items()
            if subject != "block" and f"{subject}.{key}" not in saved.problems
        },
    }


def _row(form: EntryForm, after: EntryForm, subject: str, key: str, sent: Mapping[str, str]) -> dict[str, str]:
    texts = form.texts_sent(subject, key)
    row = after.row_at(subject, key, texts)
    if row is None:
        return {"was": ""}
    told = {"was": str(Was.of(row.version, texts))}
    if sent.get("was") and told["was"].partition(":")[2] == sent["was"].partition(":")[2]:
        told["was"] = sent["was"]  # not touched here: another tab's change of it is still to be noticed
    if subject == CELL:
        shown = after.beside.get(str(row.pk))
        told |= {"beside": shown.text, "formula": shown.formula} if shown else {}
    return told


def _names(form: EntryForm, key: str) -> list[str]:
    return [f"{kind}.{sent}" for kind, sent in form.posted.rows if sent == key and kind != "block"]
