"""Reviews whose trials are approved, built row by row: what analysis reads, without the way there."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from django.utils import timezone

from extraction.models import (
    Arm,
    Characteristic,
    Entry,
    Intervention,
    Marker,
    Membership,
    Moderator,
    ModeratorLevel,
    Observation,
    Outcome,
    OutcomeClass,
    Review,
    Slot,
    Timepoint,
    Trial,
    User,
)
from extraction.models.plain import rows_of
from extraction.recorded import recording
from extraction.states import EntryState, Status
from extraction.versions import digest_of

DEMO = Path(__file__).parents[2] / "extraction" / "demo" / "data"
NUMBERS = ("mean_age", "intervention_weeks", "percent_female")
FACTORS = ("population", "exercise")


@cache
def demo_rows(name: str) -> tuple[Mapping[str, str], ...]:
    with (DEMO / name).open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def demo_by_trial(name: str) -> Mapping[str, list[Mapping[str, str]]]:
    found: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for row in demo_rows(name):
        found[row["trial"]].append(row)
    return found


def person(review: Review, *roles: str, name: str = "") -> User:
    user: User = User.objects.create_user(name or f"{'-'.join(roles)}-{User.objects.count()}")
    with recording():
        Membership(review=review, user=user, **dict.fromkeys(roles, True)).save()
    return user


def empty_review(title: str = "A review") -> Review:
    with recording():
        review = Review(title=title)
        review.save()
    return review


def small_review(title: str = "A review") -> Review:
    """A review with one marker that should fall, one that should rise, and two interventions."""
    review = empty_review(title)
    with recording():
        inflammation = OutcomeClass(review=review, code="inflammation", name="Inflammation", direction=-1)
        inflammation.save()
        Marker(review=review, code="CRP", name="CRP", outcome_class=inflammation).save()
        Marker(review=review, code="IL-10", name="IL-10", direction=1, position=1).save()
        Marker(review=review, code="NK", name="NK cells", direction=0, position=2).save()
        for position, code in enumerate(("CBT", "Support")):
            Intervention(review=review, code=code, name=code, position=position).save()
        Moderator(review=review, code="age", name="Mean age", kind="number").save()
        setting = Moderator(review=review, code="setting", name="Setting", kind="level", position=1)
        setting.save()
        for position, code in enumerate(("Clinic", "Home")):
            ModeratorLevel(moderator=setting, code=code, name=code, position=position).save()
    return review


def entry_with(
    trial: Trial,
    cells: Iterable[Mapping[str, Any]],
    *,
    arms: Mapping[str, Mapping[str, Any]] | None = None,
    said: Mapping[str, str] | None = None,
    slot: str = Slot.FINAL,
    state: str = EntryState.SUBMITTED,
) -> Entry:
    """An entry of the trial from cells: arm, marker, n, mean, sd or se, quantity, phase, weeks.

    `arms` gives each arm's columns, in order; by default "T" is treated with CBT and "C" is the control.
    """
    review = trial.review
    arms = arms or {"T": {"role": "intervention", "intervention": "CBT"}, "C": {"role": "control"}}
    number = Entry._base_manager.filter(trial=trial, slot=slot).count() + 1
    entry = Entry(trial=trial, slot=slot, number=number)
    with recording():
        entry.save()
        terms = {term.code: term for term in Intervention._base_manager.filter(review=review)}
        markers = {term.code: term for term in Marker._base_manager.filter(review=review)}
        made_arms = {}
        for position, (label, columns) in enumerate(arms.items()):
            known = {**columns, "intervention": terms.get(columns.get("intervention", ""))}
            made_arms[label] = Arm(entry=entry, label=label, position=position, **known)
        times: dict[tuple[str, float | None], Timepoint] = {}
        outcomes: dict[str, Outcome] = {}
        observations = []
        for position, cell in enumerate(cells):
            time = (cell.get("phase", "post"), cell.get("weeks", 12.0))
            times.setdefault(time, Timepoint(entry=entry, phase=time[0], weeks=time[1], position=len(times)))
            name = cell.get("marker", "CRP")
            outcomes.setdefault(name, Outcome(entry=entry, name=name, marker=markers.get(name), position=len(outcomes)))
            observations.append(
                Observation(
                    entry=entry,
                    arm=made_arms[cell["arm"]],
                    timepoint=times[time],
                    outcome=outcomes[name],
                    position=position,
                    quantity=cell.get("quantity", "change"),
                    **_numbers(cell),
                )
            )
        Arm.objects.bulk_create(made_arms.values())
        Timepoint.objects.bulk_create(times.values())
        Outcome.objects.bulk_create(outcomes.values())
        Observation.objects.bulk_create(observations)
        Characteristic.objects.bulk_create(_characteristics(entry, review, said or {}))
        if state == EntryState.SUBMITTED:
            entry.state, entry.submitted_at = state, timezone.now()
            entry.digest = digest_of(rows_of(entry))
            entry.save()
    return entry


def _numbers(cell: Mapping[str, Any]) -> dict[str, Any]:
    n, mean = str(cell.get("n", "20")), str(cell.get("mean", "0"))
    numbers: dict[str, Any] = {"spread_status": "NR"}
    for kind in ("sd", "se"):
        if cell.get(kind):
            text = str(cell[kind])
            numbers = {
                "spread_kind": kind, "spread_status": "reported", "spread_printed": text, "spread": float(text),
            }  # fmt: skip
    return {
        "n": int(n), "n_printed": n, "n_status": "reported",
        "centre_kind": "mean", "centre": float(mean), "centre_printed": mean, "centre_status": "reported",
        **numbers,
    }  # fmt: skip


def _characteristics(entry: Entry, review: Review, said: Mapping[str, str]) -> list[Characteristic]:
    moderators = {term.code: term for term in Moderator._base_manager.filter(review=review)}
    made = []
    for position, (code, text) in enumerate(said.items()):
        moderator = moderators[code]
        columns: dict[str, Any]
        if moderator.kind == "level":
            columns = {"level": ModeratorLevel._base_manager.get(moderator=moderator, code=text)}
        else:
            columns = {"value": float(text)}
        made.append(
            Characteristic(
                entry=entry, moderator=moderator, kind=moderator.kind, position=position, value_printed=text,
                value_status="reported", **columns,
            )
        )  # fmt: skip
    return made


def approve(trial: Trial, entry: Entry) -> Trial:
    """What analysis sees of an approval: the trial names its approved entry."""
    with recording():
        trial.approved_entry, trial.status = entry, Status.APPROVED
        trial.save()
    return trial


def trial_with(review: Review, label: str, cells: Iterable[Mapping[str, Any]], **kwargs: Any) -> Trial:
    """An approved trial."""
    with recording():
        trial = Trial(review=review, label=label)
        trial.save()
    return approve(trial, entry_with(trial, cells, **kwargs))


def contrast(
    difference: float, *, marker: str = "CRP", n: int = 20, sd: float = 2.0, **more: Any
) -> list[dict[str, Any]]:
    """The two cells of a change that differs by `difference` between the arms."""
    return [
        {"arm": "T", "marker": marker, "mean": difference, "sd": sd, "n": n, **more},
        {"arm": "C", "marker": marker, "mean": 0.0, "sd": sd, "n": n, **more},
    ]


def demo_review() -> Review:
    """The demo review's vocabulary; its trials come by `demo_trial`."""
    review = empty_review("HIIE versus MICT")
    with recording():
        for position, code in enumerate(("HIIT", "SIT", "MICT")):
            Intervention(review=review, code=code, name=code, position=position).save()
        for position, row in enumerate(demo_rows("markers.csv")):
            direction = 1 if row["benefit"] == "increase" else -1
            Marker(review=review, code=row["marker"], name=row["marker"], direction=direction, position=position).save()
        for position, code in enumerate(NUMBERS):
            Moderator(review=review, code=code, name=code, kind="number", position=position).save()
        for code in FACTORS:
            moderator = Moderator(review=review, code=code, name=code.title(), kind="level")
            moderator.save()
            for place, level in enumerate(sorted({row[code] for row in demo_rows("trials.csv")})):
                ModeratorLevel(moderator=moderator, code=level, name=level, position=place).save()
    return review


def demo_trial(review: Review, label: str, *, approved: bool = True) -> Trial:
    """One trial of the demo review with entry A's numbers as its approved entry."""
    (row,) = demo_by_trial("trials.csv")[label]
    arms = {
        arm["arm"]: {"role": arm["role"], "intervention": arm["intervention"]}
        for arm in demo_by_trial("arms_a.csv")[label]
    }
    cells = [
        {**cell, "quantity": "change", "phase": "post", "weeks": float(cell["weeks"])}
        for cell in demo_by_trial("observations_a.csv")[label]
    ]
    said = {code: row[code] for code in (*NUMBERS, *FACTORS) if row[code]}
    with recording():
        trial = Trial(review=review, label=label)
        trial.save()
    entry = entry_with(trial, cells, arms=arms, said=said)
    return approve(trial, entry) if approved else trial


def demo_labels() -> list[str]:
    return [row["trial"] for row in demo_rows("trials.csv")]
