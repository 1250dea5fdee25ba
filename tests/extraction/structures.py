"""Trials whose two entries describe different structures, submitted through the verbs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from extraction import enter
from extraction.enter import Change
from extraction.models import Entry, Match, Trial
from extraction.record import Subject
from tests.factories import holder

Rows = Sequence[Mapping[str, str]]

TIMES: Rows = (
    {"phase": "baseline", "printed": "Baseline", "weeks": "0"},
    {"phase": "post", "printed": "Post", "weeks": "12"},
)
FOLLOW_UP = {"phase": "follow-up", "printed": "24 weeks", "weeks": "24"}
OUTCOMES: Rows = ({"name": "IL-6", "unit": "pg/mL", "specimen": "serum"},)


def described(
    trial: Trial,
    slot: str,
    arms: Rows,
    times: Rows = TIMES,
    outcomes: Rows = OUTCOMES,
    centres: Mapping[str, str] | None = None,
    submit: bool = True,
) -> Entry:
    """An entry of these rows; `centres` gives the mean of an arm, by its label, at every time and outcome."""
    user = holder(trial, slot)
    entry = enter.start(trial.pk, by=user)
    keyed: dict[Subject, list[tuple[Any, Mapping[str, str]]]] = {
        subject: [(uuid4(), row) for row in rows]
        for subject, rows in ((Subject.ARM, arms), (Subject.TIMEPOINT, times), (Subject.OUTCOME, outcomes))
    }
    changes = [Change(subject, key, values=dict(row)) for subject, rows in keyed.items() for key, row in rows]
    for arm, row in keyed[Subject.ARM]:
        mean = (centres or {}).get(row["label"])
        if mean is None:
            continue
        for place, (time, _) in enumerate(keyed[Subject.TIMEPOINT]):
            for outcome, _ in keyed[Subject.OUTCOME]:
                values = {
                    "arm": str(arm), "timepoint": str(time), "outcome": str(outcome), "quantity": "score",
                    "n": "20", "centre": f"{mean}{place}", "centre_kind": "mean", "spread": "1.5", "spread_kind": "sd",
                }  # fmt: skip
                changes.append(Change(Subject.OBSERVATION, uuid4(), values=values))
    enter.save(entry.pk, changes, by=user)
    return enter.submit(entry.pk, by=user) if submit else entry


def arm(label: str, n: str, role: str = "intervention", **more: str) -> Mapping[str, str]:
    return {"label": label, "role": role, "n_randomised": n, **more}


A_ARMS: Rows = (
    arm("HIIT", "20"),
    arm("MICT", "30"),
    arm("Yoga at home", "10"),
    arm("Yoga in class", "12"),
    arm("Waiting list", "25", "control", control_kind="waitlist"),
)
B_ARMS: Rows = (
    arm("Moderate continuous", "30"),
    arm("Interval training", "20"),
    arm("Yoga", "22"),
    arm("Waiting list", "25", "control", control_kind="waitlist"),
)


def tangled(trial: Trial, a_times: Rows = (*TIMES, FOLLOW_UP)) -> Trial:
    """Two arms relabelled and listed the other way round, two merged into one, a time that A alone has."""
    means = {"HIIT": "5.", "MICT": "7.", "Waiting list": "9."}
    described(trial, "A", A_ARMS, a_times, centres=means)
    means = {"Interval training": "5.", "Moderate continuous": "7.", "Waiting list": "9."}
    described(trial, "B", B_ARMS, centres=means)
    trial.refresh_from_db()
    return trial


def matched(trial: Trial, subject: str = "arm") -> set[tuple[str, str, str]]:
    """Labels of A, labels of B and the state of every match."""
    found = set()
    for match in Match.objects.filter(trial=trial, subject=subject).prefetch_related("rows"):
        sides = [" + ".join(sorted(row.label for row in match.rows.all() if row.side == side)) for side in "AB"]
        found.add((sides[0], sides[1], str(match.state)))
    return found
