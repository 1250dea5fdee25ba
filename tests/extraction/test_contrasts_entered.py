"""Contrast statistics in an entry: read as strictly as any row, and refused by the database where they cannot be."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from extraction import enter, reconcile
from extraction.enter import Change
from extraction.errors import DuplicateRow, InvalidValues, NotFound, StaleVersion
from extraction.models import Arm, ContrastStatistic, Event
from extraction.models.plain import as_record, columns_of, rows_of
from extraction.record import Qualifier, Statistic, Subject
from extraction.recorded import OutsideVerb, recording
from extraction.states import Status
from extraction.typed import values_of
from tests.factories import TrialFactory, draft, holder, made, member, small_changes, submitted, trial_at

pytestmark = pytest.mark.django_db

T = {"statistic": "t", "value": "-2.10"}


def stated(**texts: str) -> Any:
    """The one contrast of a new draft."""
    return ContrastStatistic.objects.get(entry=draft(made(TrialFactory), "A", contrasts=[texts]))


def save(row: Any, **values: str) -> None:
    change = Change(Subject.CONTRAST, row.pk, row.version, values)
    enter.save(row.entry_id, [change], by=row.entry.holder)


def add(entry: Any, other: ContrastStatistic, **texts: str) -> None:
    """Another contrast with the texts of this one, but for these."""
    said = {**values_of(other), **texts}
    enter.save(entry.pk, [Change(Subject.CONTRAST, uuid4(), values=said)], by=entry.holder)


def test_a_statistic_is_kept_as_printed_beside_what_was_read() -> None:
    row = stated(statistic="p", value="<0.050", adjusted="baseline, age", source_page="7", source_quote="p < 0.05")
    assert (row.value_printed, row.value, row.value_qualifier, row.value_status) == ("<0.050", 0.05, "<", "reported")
    assert (row.adjusted, row.source_page, row.source_quote) == ("baseline, age", "7", "p < 0.05")
    assert str(row) == "p, Training against Waiting list, IL-6, post, week 12"


def test_a_difference_has_an_interval_and_its_degrees_of_freedom() -> None:
    row = stated(statistic="mean_difference", value="-1.70", ci_low="-2.6", ci_high="-0.80", ci_level="95", df="46.5")
    assert (row.ci_low_printed, row.ci_low, row.ci_high, row.ci_level) == ("-2.6", -2.6, -0.8, 95.0)
    assert (row.df_printed, row.df) == ("46.5", 46.5)


def test_both_degrees_of_freedom_of_an_f_are_kept_and_the_second_counts() -> None:
    row = stated(statistic="f", value="4.41", df="1, 48")
    assert (row.df_printed, row.df) == ("1, 48", 48.0)


def test_within_an_arm_there_is_no_other_arm() -> None:
    row = stated(statistic="r", value=".62", arm="control")
    assert (row.arm.label, row.versus, row.value) == ("Waiting list", None, 0.62)
    assert str(row) == "pre-post correlation r, Waiting list, IL-6, post, week 12"


def test_missing_is_a_status() -> None:
    row = stated(statistic="sd_change", value="NR")
    assert (row.value_status, row.value, row.value_printed) == ("NR", None, "")


REFUSED = [
    ({"statistic": ""}, "statistic"),
    ({"statistic": "chi2"}, "statistic"),
    ({"value": "two"}, "value"),
    ({"value": "1,5"}, "value"),
    ({"value": "LOD 2"}, "value"),
    ({"statistic": "p", "value": "1.2"}, "value"),
    ({"statistic": "p", "value": "-0.1"}, "value"),
    ({"statistic": "r", "value": "1.01"}, "value"),
    ({"statistic": "r", "value": "-1.01"}, "value"),
    ({"statistic": "sd_change", "value": "-1"}, "value"),
    ({"statistic": "p_change", "value": "2"}, "value"),
    ({"statistic": "f", "value": "-1"}, "value"),
    ({"versus": ""}, "versus"),
    ({"versus": "treated"}, "versus"),
    ({"versus": "6b0f2f63-2b7e-4a39-9c93-0d5f5b1e4c11"}, "versus"),
    ({"statistic": "r", "value": "0.5", "versus": "control"}, "versus"),
    ({"arm": ""}, "arm"),
    ({"ci_low": "1", "ci_high": "2"}, "ci_low"),
    ({"statistic": "smd", "ci_low": "1"}, "ci_high"),
    ({"statistic": "smd", "ci_high": "1"}, "ci_low"),
    ({"statistic": "smd", "ci_low": "2", "ci_high": "1"}, "ci_high"),
    ({"statistic": "smd", "ci_low": "<1", "ci_high": "2"}, "ci_low"),
    ({"statistic": "smd", "ci_low": "1", "ci_high": "2", "ci_level": "0.95"}, "ci_level"),
    ({"statistic": "smd", "ci_level": "95"}, "ci_level"),
    ({"df": "0"}, "df"),
    ({"df": "-3"}, "df"),
    ({"df": "<3"}, "df"),
    ({"df": "1, 48"}, "df"),
    ({"df": "NR"}, "df"),
    ({"statistic": "f", "value": "4", "df": "1, many"}, "df"),
    ({"adjusted": "x" * 201}, "adjusted"),
    ({"notes": "a\u0000b"}, "notes"),
    ({"centre": "2"}, "centre"),
]


@pytest.mark.parametrize(("texts", "field"), REFUSED, ids=str)
def test_what_cannot_be_is_refused_at_its_field(texts: dict[str, str], field: str) -> None:
    trial = made(TrialFactory)
    with pytest.raises(InvalidValues) as refusal:
        draft(trial, "A", contrasts=[{**T, **texts}])
    assert {problem.field for problem in refusal.value.problems} == {field}
    assert not ContrastStatistic.objects.exists()


def test_one_statistic_stands_once_also_with_its_arms_the_other_way_round() -> None:
    row = stated(**T)
    entry, turned = row.entry, {"arm": str(row.versus_id), "versus": str(row.arm_id), "value": "2.10"}
    for texts in ({}, turned):
        with pytest.raises(DuplicateRow, match="statistic is there already"):
            add(entry, row, **texts)
    add(entry, row, statistic="p", value="0.04")
    within = {"statistic": "paired_t", "versus": ""}
    add(entry, row, **within)
    add(entry, row, **within, arm=str(row.versus_id))
    with pytest.raises(DuplicateRow):
        add(entry, row, **within)
    assert entry.contrasts.count() == 4


IMPOSSIBLE: list[dict[str, Any]] = [
    {"statistic": "p", "value": 1.5},
    {"statistic": "p", "value": -0.5},
    {"statistic": "r", "value": 1.5, "versus_id": None},
    {"statistic": "sd_change", "value": -1.0, "versus_id": None},
    {"statistic": "f", "value": -1.0},
    {"statistic": "t", "value": float("inf")},
    {"statistic": "t", "versus_id": None},
    {"statistic": "r", "value": 0.5},
    {"statistic": "chi2"},
    {"versus_id": "arm"},
    {"statistic": "smd", "ci_low": 2.0, "ci_high": 1.0},
    {"statistic": "smd", "ci_low": 2.0},
    {"statistic": "t", "ci_low": 1.0, "ci_high": 2.0},
    {"ci_level": 100.0},
    {"ci_level": 0.95},
    {"df": 0.0, "df_printed": "0"},
    {"df": 4.0},
    {"df_printed": "4"},
    {"value_status": "NR"},
    {"value": None},
    {"value_printed": ""},
]


@pytest.mark.parametrize("columns", IMPOSSIBLE, ids=str)
def test_the_database_refuses_what_cannot_be(columns: dict[str, Any]) -> None:
    row = stated(statistic="t", value="0.5")
    for name, value in columns.items():
        setattr(row, name, row.arm_id if value == "arm" else value)
    with recording(), pytest.raises(IntegrityError, match="contrast_"), transaction.atomic():
        row.save()


def test_a_stale_tab_is_told_and_a_row_is_changed_with_its_line_in_the_history() -> None:
    row = stated(**T)
    save(row, value="-2.11")
    with pytest.raises(StaleVersion, match="contrast was changed"):
        save(row, value="-2.12")
    line = Event.objects.filter(entry=row.entry, verb="save").order_by("seq").last()
    assert line is not None
    key = f"contrast:{row.pk}"
    assert (line.before[key], line.after[key]) == ({"value": "-2.10"}, {"value": "-2.11"})
    row.refresh_from_db()
    assert (row.version, row.value) == (2, -2.11)


def test_the_key_of_somebody_elses_contrast_does_not_exist() -> None:
    row = stated(**T)
    other: Any = draft(made(TrialFactory), "A")
    with pytest.raises(NotFound):
        enter.save(other.pk, [Change(Subject.CONTRAST, row.pk, values=values_of(row))], by=other.holder)


@pytest.mark.parametrize("label", ["Training", "Waiting list"])
def test_with_an_arm_goes_what_compares_it(label: str) -> None:
    row = stated(**T)
    entry = row.entry
    add(entry, row, statistic="r", value="0.5", versus="")
    arm = Arm.objects.get(entry=entry, label=label)
    enter.save(entry.pk, [Change(Subject.ARM, arm.pk, arm.version, delete=True)], by=entry.holder)
    left = [one.statistic for one in entry.contrasts.all()]
    assert left == ([] if label == "Training" else ["r"])
    line = Event.objects.filter(entry=entry, verb="save").order_by("seq").last()
    assert line is not None
    assert line.after[f"contrast:{row.pk}"] is None


def test_an_entry_of_contrasts_alone_is_submitted() -> None:
    trial = made(TrialFactory)
    user = holder(trial, "A")
    entry = enter.start(trial.pk, by=user)
    changes = [one for one in small_changes(contrasts=[T]) if one.subject != Subject.OBSERVATION]
    enter.save(entry.pk, changes, by=user)
    assert not enter.submit(entry.pk, by=user).is_draft


def test_a_contrast_is_in_the_digest_and_an_entry_without_one_keeps_its_own() -> None:
    trial = made(TrialFactory)
    user = holder(trial, "A")
    entry = submitted(trial, "A", contrasts=[T])
    digest = entry.digest
    enter.undo_submit(entry.pk, by=user)
    save(ContrastStatistic.objects.get(entry=entry), value="-2.1")
    assert enter.submit(entry.pk, by=user).digest != digest


def test_a_returned_entry_keeps_its_contrasts_under_new_keys() -> None:
    within = {"statistic": "r", "value": "0.5"}
    trial = trial_at(Status.ADJUDICATING, contrasts=[T, within])
    lead = member(trial.review, "lead", "adjudicator")
    old = trial.entries.get(slot="A")
    reconcile.return_to_extractors(trial.pk, ["A"], "look again", by=lead)
    new = trial.entries.get(slot="A", number=2)
    one, other = (list(entry.contrasts.order_by("position")) for entry in (old, new))
    assert [str(row) for row in one] == [str(row) for row in other]
    assert {row.pk for row in one}.isdisjoint({row.pk for row in other})
    assert {row.arm.entry_id for row in other} == {new.pk}
    assert [row.versus.entry_id if row.versus else None for row in other] == [new.pk, None]


def test_the_plain_values_give_the_columns_again() -> None:
    entry = draft(
        made(TrialFactory),
        "A",
        contrasts=[
            {"statistic": "mean_difference", "value": "<-1.70", "ci_low": "-2.6", "ci_high": "-0.8", "ci_level": "95"},
            {"statistic": "f", "value": "NR", "df": "1, 48", "adjusted": "age", "notes": "a note"},
            {"statistic": "r", "value": "0.5", "source_page": "3", "source_place": "Table 2", "source_quote": "q"},
        ],
    )
    rows = rows_of(entry)
    plain = as_record(rows).contrasts
    assert [one.statistic for one in plain] == [Statistic.MEAN_DIFFERENCE, Statistic.F, Statistic.CORRELATION]
    assert (plain[0].value.qualifier, plain[0].interval.low, plain[1].df.printed) == (Qualifier.LESS, -2.6, "1, 48")
    for row, said in zip(rows[Subject.CONTRAST], plain, strict=True):
        for name, value in columns_of(said, codes=None).items():  # type: ignore[arg-type]  # a contrast has none
            assert getattr(row, name) == value, name


def test_a_contrast_changes_through_verbs_alone() -> None:
    row = stated(**T)
    for write in (row.save, row.delete, lambda: ContrastStatistic.objects.filter(pk=row.pk).update(value=1.0)):
        with pytest.raises(OutsideVerb):
            write()
