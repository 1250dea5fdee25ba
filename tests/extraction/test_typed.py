"""Texts at the edge of what is kept: measured as they are stored, refused by name, never an error of the database."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError

from extraction import enter
from extraction.decisions import Decision, checked
from extraction.enter import Change, _refusal
from extraction.errors import InvalidValues
from extraction.models import Arm, ContrastStatistic, Discrepancy, Moderator
from extraction.record import Statistic, Subject
from extraction.recorded import recording
from extraction.states import Status
from tests.factories import TrialFactory, draft, made, small_changes, trial_at

pytestmark = pytest.mark.django_db

GROWS = "\u0958"  # of one character NFC makes two


@pytest.fixture
def entry() -> Any:
    return draft(made(TrialFactory), "A")


def refused(entry: Any, change: Change) -> list[tuple[str, str]]:
    with pytest.raises(InvalidValues) as raised:
        enter.save(entry.pk, [change], by=entry.holder)
    return [(one.field, one.message) for one in raised.value.problems]


def test_a_text_is_measured_as_it_is_stored(entry: Any) -> None:
    fits = Change(Subject.ARM, uuid4(), values={"label": GROWS * 60})
    enter.save(entry.pk, [fits], by=entry.holder)
    assert len(Arm.objects.get(pk=fits.key).label) == 120
    long = Change(Subject.ARM, uuid4(), values={"label": GROWS * 61})
    assert refused(entry, long) == [("label", "122 characters; at most 120 are kept.")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("48\u200b", "holds the invisible character U+200B; type the text again without it."),
        ("x" * 201, "201 characters; at most 200 are kept."),
    ],
)
def test_a_characteristic_in_words_is_read_like_any_other_text(entry: Any, text: str, told: str) -> None:
    with recording():
        Moderator.objects.create(review=entry.trial.review, code="setting", name="Setting", kind="text")
    change = Change(Subject.CHARACTERISTIC, uuid4(), values={"moderator": "setting", "value": text})
    assert refused(entry, change) == [("value", told)]


def test_both_degrees_of_freedom_of_an_f_fit_into_what_is_kept() -> None:
    entry: Any = draft(made(TrialFactory), "A")
    said = small_changes(
        contrasts=[{"statistic": Statistic.F.value, "value": "4.1", "df": f"1.{'0' * 28}, 48.{'0' * 28}"}]
    )
    stated = next(one for one in said if one.subject == Subject.CONTRAST)
    arms = {arm.label: str(arm.pk) for arm in entry.arms.all()}
    place = {"arm": arms["Training"], "versus": arms["Waiting list"]}
    place |= {"outcome": str(entry.outcomes.get().pk), "timepoint": str(entry.timepoints.get().pk)}
    change = Change(Subject.CONTRAST, uuid4(), values=stated.values | place)
    [(field, message)] = refused(entry, change)
    assert (field, "more than 60 characters" in message) == ("df", True)
    assert not ContrastStatistic.objects.exists()


@pytest.mark.parametrize(("name", "text"), [("n", "1" * 61), ("text", "a\x00b"), ("spread_level", "95." + "0" * 25)])
def test_what_a_decision_gives_beside_its_field_is_held_to_what_is_kept(name: str, text: str) -> None:
    trial = trial_at(Status.ADJUDICATING)
    row = Discrepancy.objects.get(trial=trial)
    decision = Decision("other", "typo", **{"centre": "2.0", "centre_kind": "mean", name: text})
    with pytest.raises(InvalidValues) as raised:
        checked(decision, row)
    assert [one.field for one in raised.value.problems] == [name]


def test_values_that_the_database_alone_finds_to_contradict_each_other_are_called_so() -> None:
    for words in ("CHECK constraint failed: arm_has_a_label", 'violates check constraint "arm_has_a_label"'):
        found = _refusal(IntegrityError(words))
        assert isinstance(found, InvalidValues)
        assert "contradict each other" in str(found)
