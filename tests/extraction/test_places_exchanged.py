"""Rows that exchange their places in one save: in whatever order they are written, and with their history."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from extraction import enter
from extraction.enter import Change
from extraction.errors import DuplicateRow
from extraction.models import Entry, Event, Moderator
from extraction.record import Subject
from extraction.recorded import recording
from tests.factories import TrialFactory, draft, holder, made

pytestmark = pytest.mark.django_db

T = {"statistic": "t", "value": "2.10"}


def entered(**kwargs: Any) -> tuple[Entry, Any]:
    trial = made(TrialFactory)
    return draft(trial, "A", **kwargs), holder(trial, "A")


def change(row: Any, subject: Subject, **values: str) -> Change:
    return Change(subject, row.pk, row.version, values)


@pytest.mark.parametrize("order", [1, -1])
def test_two_cells_that_were_typed_into_each_others_arm(order: int) -> None:
    entry, extractor = entered()
    first, second = entry.observations.order_by("position")
    changes = [
        change(first, Subject.OBSERVATION, arm=str(second.arm_id)),
        change(second, Subject.OBSERVATION, arm=str(first.arm_id)),
    ]
    enter.save(entry.pk, changes[::order], by=extractor)
    found = {row.pk: row for row in entry.observations.all()}
    assert {pk: (row.arm_id, row.centre_printed, row.version) for pk, row in found.items()} == {
        first.pk: (second.arm_id, first.centre_printed, 2),
        second.pk: (first.arm_id, second.centre_printed, 2),
    }
    assert [row.position for row in entry.observations.order_by("position")] == [first.position, second.position]
    line = Event.objects.filter(entry=entry, verb="save").latest("seq")
    assert line.after[f"observation:{first.pk}"] == {"arm": str(second.arm_id)}
    assert line.before[f"observation:{first.pk}"] == {"arm": str(first.arm_id)}


@pytest.mark.parametrize("order", [1, -1])
def test_two_times_of_which_the_other_is_the_baseline(order: int) -> None:
    entry, extractor = entered()
    later = entry.timepoints.get()
    made_first = Change(Subject.TIMEPOINT, uuid4(), values={"phase": "baseline", "weeks": "0"})
    enter.save(entry.pk, [made_first], by=extractor)
    before = entry.timepoints.get(pk=made_first.key)
    changes = [
        change(later, Subject.TIMEPOINT, phase="baseline", weeks="0"),
        change(before, Subject.TIMEPOINT, phase="post", weeks="12"),
    ]
    enter.save(entry.pk, changes[::order], by=extractor)
    assert {row.pk: row.phase for row in entry.timepoints.all()} == {later.pk: "baseline", before.pk: "post"}
    assert entry.observations.filter(timepoint=later).count() == 2


def test_two_statistics_and_two_characteristics() -> None:
    entry, extractor = entered(contrasts=[T, {"statistic": "p", "value": "0.04"}])
    t, p = entry.contrasts.get(statistic="t"), entry.contrasts.get(statistic="p")
    with recording():
        for code in ("age", "bmi"):
            Moderator(review=entry.trial.review, code=code, name=code, kind="number").save()
    facts = [
        Change(Subject.CHARACTERISTIC, uuid4(), values={"moderator": code, "value": value})
        for code, value in (("age", "24.1"), ("bmi", "55.0"))
    ]
    enter.save(entry.pk, facts, by=extractor)
    age, bmi = (entry.characteristics.get(pk=one.key) for one in facts)
    changes = [
        change(t, Subject.CONTRAST, statistic="p", value="0.04"),
        change(p, Subject.CONTRAST, statistic="t", value="2.10"),
        change(age, Subject.CHARACTERISTIC, moderator="bmi"),
        change(bmi, Subject.CHARACTERISTIC, moderator="age"),
    ]
    enter.save(entry.pk, changes, by=extractor)
    assert {row.pk: row.statistic for row in entry.contrasts.all()} == {t.pk: "p", p.pk: "t"}
    assert {row.pk: row.moderator.code for row in entry.characteristics.all()} == {age.pk: "bmi", bmi.pk: "age"}


def test_a_cell_that_leaves_an_arm_stays_when_the_arm_goes() -> None:
    entry, extractor = entered()
    first, second = entry.observations.order_by("position")
    changes = [
        Change(Subject.OBSERVATION, second.pk, second.version, delete=True),
        change(first, Subject.OBSERVATION, arm=str(second.arm_id)),
        Change(Subject.ARM, first.arm_id, first.arm.version, delete=True),
    ]
    enter.save(entry.pk, changes, by=extractor)
    assert list(entry.observations.values_list("pk", "arm")) == [(first.pk, second.arm_id)]


def test_a_place_that_nobody_leaves_is_still_taken() -> None:
    entry, extractor = entered()
    first, second = entry.observations.order_by("position")
    with pytest.raises(DuplicateRow):
        enter.save(entry.pk, [change(first, Subject.OBSERVATION, arm=str(second.arm_id))], by=extractor)
    assert set(entry.observations.values_list("pk", "arm", "version")) == {
        (first.pk, first.arm_id, 1),
        (second.pk, second.arm_id, 1),
    }
