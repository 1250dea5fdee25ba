"""What may be decided of a whole row of a structure, and of the interval of a contrast."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from extraction import enter, matching, reconcile
from extraction.decisions import Decision
from extraction.enter import Change
from extraction.errors import InvalidValues
from extraction.models import ContrastStatistic, Discrepancy, Event, Match, Resolution, Trial
from extraction.record import Subject
from tests.factories import TrialFactory, draft, holder, made, member, submitted

pytestmark = pytest.mark.django_db

INTERVAL = {"statistic": "mean_difference", "value": "-1.70", "ci_low": "-2.6", "ci_high": "-0.8", "ci_level": "95"}


def of_an_interval() -> tuple[Discrepancy, Any]:
    """The difference between two forms of one interval, and who decides it."""
    trial: Trial = made(TrialFactory)
    submitted(trial, "A", contrasts=[INTERVAL])
    submitted(trial, "B", contrasts=[{**INTERVAL, "ci_low": "-2.5"}])
    return trial.discrepancies.unresolved().get(), member(trial.review, "adjudicator")


def of_an_arm() -> tuple[Discrepancy, Any]:
    """An arm without numbers that A alone names, and who decides it."""
    trial: Trial = made(TrialFactory)
    entry = draft(trial, "A")
    enter.save(entry.pk, [Change(Subject.ARM, uuid4(), values={"label": "Usual care"})], by=holder(trial, "A"))
    enter.submit(entry.pk, by=holder(trial, "A"))
    submitted(trial, "B")
    adjudicator = member(trial.review, "adjudicator")
    matching.confirm(Match.objects.get(trial=trial, state="proposed").pk, by=adjudicator)
    return trial.discrepancies.unresolved().get(), adjudicator


@pytest.mark.parametrize(
    "texts",
    [
        {"spread_kind": "ci"},
        {"spread_kind": "ci", "spread": "NR"},
        {"spread_kind": "sd", "spread": "0.9"},
        {"spread_kind": "range", "spread_low": "-2.4", "spread_high": "-0.7"},
        {},
    ],
)
def test_another_interval_of_a_contrast_is_a_ci_with_both_ends(texts: dict[str, str]) -> None:
    row, adjudicator = of_an_interval()
    lines = Event.objects.count()
    with pytest.raises(InvalidValues) as refusal:
        reconcile.resolve(row.pk, Decision("other", "typo", **texts), by=adjudicator)
    assert [(problem.field, problem.message) for problem in refusal.value.problems] == [
        ("spread_low", "give both ends of the CI, or choose “not reported”.")
    ]
    assert not Resolution.objects.exists()
    assert Event.objects.count() == lines


@pytest.mark.parametrize("kind", ["ci", ""])
def test_another_interval_of_a_contrast_is_a_ci_whether_that_is_said_or_not(kind: str) -> None:
    row, adjudicator = of_an_interval()
    ends = {"spread_kind": kind, "spread_low": "-2.4", "spread_high": "-0.7", "spread_level": "95"}
    reconcile.resolve(row.pk, Decision("other", "typo", **ends), by=adjudicator)
    final = ContrastStatistic.objects.get(entry__trial=row.trial, entry__slot="FINAL")
    assert (final.ci_low_printed, final.ci_high_printed, final.ci_level) == ("-2.4", "-0.7", 95.0)


def test_a_whole_arm_is_in_the_record_or_not_and_never_not_reported() -> None:
    row, adjudicator = of_an_arm()
    assert (row.subject, row.field, row.arm_label) == ("arm", "row", "Usual care")
    with pytest.raises(InvalidValues) as refusal:
        reconcile.resolve(row.pk, Decision("NR", "typo"), by=adjudicator)
    assert [(problem.field, problem.message) for problem in refusal.value.problems] == [
        ("choice", "this is not something a report leaves out; choose A, B or another value.")
    ]
    assert not Resolution.objects.exists()
    reconcile.resolve(row.pk, Decision("A", "typo"), by=adjudicator)
    final = row.trial.entries.get(slot="FINAL")
    assert set(final.arms.values_list("label", flat=True)) == {"Training", "Waiting list", "Usual care"}
