"""From a file into one's own draft: preview, apply, and all that must not happen."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from extraction import enter, setup
from extraction.enter import Change
from extraction.errors import NotFound, StaleVersion
from extraction.models import Assignment, Entry, Observation, Trial
from extraction.record import Subject
from extraction.recorded import recording
from extraction.workbook import importing
from extraction.workbook.cells import Code
from extraction.workbook.importing import ImportRefused, Preview
from extraction.workbook.plan import State
from tests.extraction.workbook.build import observations, row, sheet, workbook
from tests.extraction.workbook.conftest import Desk, begin, everything
from tests.factories import ReviewFactory, TrialFactory, UserFactory, member

pytestmark = pytest.mark.django_db

GOOD = """trial,arm,n,marker,unit,weeks,mean,sd
S001,Drug A,25,IL-6,pg/mL,0,5.250,1.125
S001,Drug A,24,IL-6,pg/mL,12,3.5,0.75
S001,Placebo,26,IL-6,pg/mL,0,5.5,1.25
S001,Placebo,25,IL-6,pg/mL,12,5.375,1.5"""


def states(shown: Preview) -> dict[State, int]:
    return {state: count for state, count in shown.counts.items() if count}


def codes(shown: Preview) -> set[tuple[str, str]]:
    return {(finding.code.value, finding.where) for finding in shown.findings}


def test_the_values_of_a_file_arrive_as_printed(desk: Desk) -> None:
    desk.apply(GOOD)
    stored = desk.entry.as_record()
    labels = {arm.key: arm.label for arm in stored.arms}
    weeks = {time.key: time.weeks for time in stored.timepoints}
    first = next(one for one in stored.observations if (labels[one.arm], weeks[one.timepoint]) == ("Drug A", 0))
    assert (first.n.value, first.centre.printed, first.centre.value, first.spread.value) == (25, "5.250", 5.25, 1.125)
    assert [(one.name, one.marker, one.unit) for one in stored.outcomes] == [("IL-6", "il6", "pg/mL")]
    assert [(time.phase, time.weeks) for time in stored.timepoints] == [("baseline", 0), ("post", 12)]


# --- new, changed, unchanged, refused


def test_a_preview_tells_each_cell_by_what_would_happen_to_it(desk: Desk) -> None:
    # given an entry with a file's values in it
    assert State.UNCHANGED not in states(desk.preview(GOOD))
    desk.apply(GOOD)
    assert set(states(desk.preview(GOOD))) == {State.UNCHANGED}
    # when the file is changed in one cell, and one row is new
    edited = GOOD.replace("3.5,0.75", "3.50,0.75") + "\nS001,Drug A,20,IL-6,,26,3,1"
    shown = desk.preview(edited)
    # then that cell is changed, with old and new, and the new row is new
    changed = [
        cell for trial in shown.trials for one in trial.rows for cell in one.cells if cell.state is State.CHANGED
    ]
    assert [(cell.place.cell, cell.place.name, cell.old, cell.new) for cell in changed] == [
        ("G3", "mean", "3.5", "3.50")
    ]
    titles = [one.title for one in shown.trials[0].rows if one.state is State.NEW]
    assert titles == ["time post week 26", "IL-6, Drug A, post week 26"]
    # and when it is applied, only that is written
    version = desk.entry.version
    desk.apply(edited, plan=shown.plan)
    assert desk.entry.version == version + 1
    assert Observation._base_manager.filter(entry=desk.entry, version=2).count() == 1


def test_a_refused_cell_is_named_with_sheet_row_and_column_and_the_rest_is_still_shown(desk: Desk) -> None:
    shown = desk.preview(GOOD.replace("3.5,", "3·5,"))
    assert shown.refused
    (finding,) = shown.findings
    assert (finding.sheet, finding.where, finding.name, finding.seen) == ("observations", "G3", "mean", "3·5")
    assert states(shown)[State.REFUSED] == 1
    assert states(shown)[State.NEW] > 10


def test_a_blank_cell_an_absent_column_and_an_absent_row_change_nothing(desk: Desk) -> None:
    desk.apply(GOOD)
    before = everything()
    shown = desk.apply("trial,arm,marker,weeks,mean,sd,notes\nS001,Drug A,IL-6,0,,,\nS001,Drug A,IL-6,12,3.5,,")
    assert everything() == before
    assert shown.trials[0].untouched == [
        "IL-6, Placebo, baseline, week 0, score", "IL-6, Placebo, post, week 12, score"
    ]  # fmt: skip


def test_a_new_spread_replaces_the_old_one_with_all_its_numbers(desk: Desk) -> None:
    head = "trial,arm,marker,weeks,sd,ci_low,ci_high,ci_level,q1,q3\n"
    desk.apply(head + "S001,Drug A,IL-6,0,,4.0,6.0,95,,")
    desk.apply(head + "S001,Drug A,IL-6,0,,4.1,6.1,,,")
    (one,) = desk.entry.as_record().observations
    assert (one.spread.kind, one.spread.low, one.spread.high, one.spread.level) == ("ci", 4.1, 6.1, 95)
    desk.apply(head + "S001,Drug A,IL-6,0,,,,,4,5")
    (one,) = desk.entry.as_record().observations
    assert (one.spread.kind, one.spread.low, one.spread.high, one.spread.level) == ("iqr", 4, 5, None)
    desk.apply(head + "S001,Drug A,IL-6,0,1.5,,,,,")
    (one,) = desk.entry.as_record().observations
    assert (one.spread.kind, one.spread.value, one.spread.low, one.spread.high) == ("sd", 1.5, None, None)
    desk.apply(head + "S001,Drug A,IL-6,0,NR,,,,,")
    (one,) = desk.entry.as_record().observations
    assert (one.spread.kind, one.spread.status, one.spread.value) == ("sd", "NR", None)


def test_an_outcome_is_met_again_by_what_the_file_says_of_it(desk: Desk) -> None:
    # given an outcome that was entered without its specimen
    desk.apply("trial,arm,marker,weeks,mean\nS001,Drug A,IL-6,0,1")
    # when a file names the specimen, then the blank is filled in
    desk.apply("trial,arm,marker,specimen,weeks,mean\nS001,Drug A,IL-6,serum,0,1")
    assert [(one.name, one.specimen) for one in desk.entry.as_record().outcomes] == [("IL-6", "serum")]
    # when a file names another specimen, then that is another outcome
    desk.apply("trial,arm,marker,specimen,weeks,mean\nS001,Drug A,IL-6,saliva,0,2")
    assert {one.specimen for one in desk.entry.as_record().outcomes} == {"serum", "saliva"}
    # and when a file does not say which of the two it means, it is refused
    shown = desk.preview("trial,arm,marker,weeks,mean\nS001,Drug A,IL-6,0,1")
    assert codes(shown) == {("E_VALUE", "C2")}
    assert "2 outcomes" in shown.findings[0].message


def test_times_are_met_again_by_phase_and_weeks_or_by_their_words(desk: Desk) -> None:
    head = "trial,arm,marker,phase,weeks,timepoint,mean\n"
    desk.apply(head + "S001,Drug A,IL-6,post,12,end,1\nS001,Drug A,IL-6,follow-up,,six months,2")
    desk.apply(
        head
        + "S001,Placebo,IL-6,post,12,,1\nS001,Placebo,IL-6,follow-up,,Six  Months,2\nS001,Placebo,IL-6,change,12,,3"
    )
    assert {(time.phase, time.printed) for time in desk.entry.as_record().timepoints} == {
        ("post", "end"), ("follow-up", "Six Months"),
    }  # fmt: skip
    desk.apply(head + "S001,Placebo,IL-6,follow-up,52,,1")
    shown = desk.preview(head + "S001,Placebo,IL-6,follow-up,,,1")
    assert codes(shown) == {("E_VALUE", "D2")}


# --- arms


def test_an_arm_that_is_neither_in_the_file_nor_in_the_entry_is_refused_with_a_proposal(desk: Desk) -> None:
    shown = desk.preview("trial,arm,marker,weeks,mean\nS001,Drug B,IL-6,0,1\nS001,Drug А,IL-6,0,1")
    assert codes(shown) == {("E_VALUE", "B2"), ("E_VALUE", "B3")}
    assert "Did you mean “Drug A”?" in shown.findings[0].message
    assert "cyrillic capital letter a" in shown.findings[1].message


def test_arms_come_from_the_same_workbook_or_from_a_file_before(desk: Desk) -> None:
    arms = sheet(
        [
            ["trial", "arm", "role", "intervention", "n_randomised"],
            ["S001", "CBT", "intervention", "Cognitive behavior therapy", 30],
        ]
    )
    both = workbook({"observations": observations(row(arm="CBT")), "arms": arms})
    assert desk.preview(workbook({"observations": observations(row(arm="CBT"))}), "a.xlsx").refused
    desk.apply(both, "a.xlsx")
    arm = next(arm for arm in desk.entry.as_record().arms if arm.label == "CBT")
    assert (arm.intervention, arm.n_randomised.value) == ("cbt", 30)


# --- whose trial, which state


def test_unknown_and_unassigned_trials_get_the_same_answer(desk: Desk) -> None:
    # given a trial of the review that others extract, and one of another review
    TrialFactory.create(review=desk.review, label="S002")
    TrialFactory.create(review=ReviewFactory.create(), label="S003", slots={"A": desk.me, "B": desk.partner})
    answers = {}
    for label in ("S002", "S003", "S999"):
        before = everything()
        with pytest.raises(ImportRefused) as refused:
            desk.apply(GOOD.replace("S001", label))
        assert everything() == before
        assert refused.value.status == 409
        answers[label] = [
            (finding.code, finding.where, finding.message.replace(label, "…")) for finding in refused.value.findings
        ]
    # then all three read the same but for the label that was typed
    assert answers["S002"] == answers["S003"] == answers["S999"]
    assert answers["S999"][0][0] is Code.SCOPE


def test_one_trial_out_of_reach_keeps_the_whole_file_out(desk: Desk) -> None:
    before = everything()
    with pytest.raises(ImportRefused):
        desk.apply(GOOD + "\nS404,Drug A,25,IL-6,pg/mL,0,5.25,1.125")
    assert everything() == before


def test_a_submitted_entry_takes_no_more_changes(desk: Desk) -> None:
    desk.apply(GOOD)
    enter.submit(desk.entry.pk, by=desk.me)
    before = everything()
    with pytest.raises(ImportRefused) as refused:
        desk.apply(GOOD.replace("5.250", "6"))
    assert everything() == before
    assert [finding.code for finding in refused.value.findings] == [Code.SCOPE]
    enter.undo_submit(desk.entry.pk, by=desk.me)
    assert not desk.apply(GOOD.replace("5.250", "6")).changes_nothing


def test_each_extractor_imports_into_the_slot_they_hold_and_sees_nothing_of_the_other(desk: Desk) -> None:
    desk.apply(GOOD)
    begin(desk.trial, desk.partner, ("Drug A", "intervention"), ("Placebo", "control"))
    shown = importing.preview("a.csv", GOOD.encode(), review_id=desk.review.pk, by=desk.partner)
    assert State.UNCHANGED not in states(shown)
    importing.apply("a.csv", GOOD.replace("5.250", "9").encode(), review_id=desk.review.pk, by=desk.partner)
    assert "5.250" in {one.centre.printed for one in desk.entry.as_record().observations}
    assert {entry.slot for entry in Entry._base_manager.filter(trial=desk.trial)} == {"A", "B"}


def test_a_stranger_to_the_review_and_an_adjudicator_can_import_nothing(desk: Desk) -> None:
    with pytest.raises(NotFound):
        importing.preview("a.csv", GOOD.encode(), review_id=desk.review.pk, by=UserFactory.create())
    adjudicator = member(desk.review, "adjudicator", "lead")
    with pytest.raises(ImportRefused):
        importing.apply("a.csv", GOOD.encode(), review_id=desk.review.pk, by=adjudicator)


def test_an_import_begins_the_entry_where_it_is_not_begun_and_previews_without_doing_so(desk: Desk) -> None:
    trial = TrialFactory.create(review=desk.review, label="S002", slots={"A": desk.partner, "B": desk.me})
    arms = "trial,arm,role\nS002,Drug A,intervention"
    assert not desk.preview(arms).refused
    assert not Entry._base_manager.filter(trial=trial).exists()
    desk.apply(arms)
    assert Entry._base_manager.get(trial=trial).slot == "B"


def test_an_excluded_trial_is_out_of_reach(desk: Desk) -> None:
    setup.exclude_trial(desk.trial.pk, "duplicate report", by=member(desk.review, "lead"))
    assert {finding.code for finding in desk.preview(GOOD).findings} == {Code.SCOPE}


def test_who_was_given_the_other_slot_imports_into_that_one(desk: Desk) -> None:
    # given an extractor who began in slot A and now holds slot B
    with recording():
        desk.trial.assignments.all().delete()
        Assignment.objects.create(trial=desk.trial, slot="B", user=desk.me)
    # when they import, then the old draft is neither compared with nor written to
    shown = desk.apply("trial,arm,role\nS001,Drug A,control")
    assert shown.trials[0].entry is None
    entries = Entry._base_manager.filter(trial=desk.trial, holder=desk.me)
    assert {entry.slot: len(entry.as_record().arms) for entry in entries} == {"A": 2, "B": 1}


# --- trials and characteristics


def test_what_a_file_says_of_a_trials_identity_is_compared_and_never_written(desk: Desk) -> None:
    with recording():
        Trial._base_manager.filter(pk=desk.trial.pk).update(year=2020, doi="10.1000/ABC")
    same = desk.preview("trial,year,doi\nS001,2020,https://doi.org/10.1000/abc")
    assert not same.findings
    other = desk.preview("trial,year,doi,pmid\nS001,2021,10.1000/x,123")
    assert codes(other) == {("E_VALUE", "B2"), ("E_VALUE", "C2"), ("W_CHECK", "D2")}
    before = everything()
    with pytest.raises(ImportRefused):
        desk.apply("trial,year\nS001,2021")
    assert everything() == before


def test_the_sheet_trials_becomes_the_characteristics_of_the_entry(desk: Desk) -> None:
    from extraction.models import Moderator, ModeratorLevel

    with recording():
        population = Moderator.objects.create(review=desk.review, code="population", name="Population", kind="level")
        ModeratorLevel.objects.create(moderator=population, code="t2d", name="Type 2 diabetes")
        Moderator.objects.create(review=desk.review, code="age", name="Mean age", kind="number")
        Moderator.objects.create(review=desk.review, code="format", name="Format", kind="text", applies_to="arm")
    desk.apply("trial,population,Mean age\nS001,type 2 diabetes,54.65")
    desk.apply("trial,arm,format\nS001,Drug A,tablets")
    said = {one.moderator: one for one in desk.entry.as_record().characteristics}
    assert (said["population"].level, said["age"].printed, said["age"].value) == ("t2d", "54.65", 54.65)
    assert (said["format"].printed, bool(said["format"].arm)) == ("tablets", True)
    assert desk.apply("trial,population,age\nS001,t2d,54.65").changes_nothing
    desk.apply("trial,population,age\nS001,NR,NM")
    assert {one.moderator: one.status for one in desk.entry.as_record().characteristics} | {"format": ""} == {
        "population": "NR", "age": "NM", "format": "",
    }  # fmt: skip


# --- between the preview and the application


def test_a_change_between_preview_and_application_is_a_refusal_and_not_a_surprise(desk: Desk) -> None:
    shown = desk.preview(GOOD)
    entry = desk.entry
    enter.save(entry.pk, [Change(Subject.ARM, uuid4(), values={"label": "Drug C"})], by=desk.me)
    before = everything()
    with pytest.raises(StaleVersion):
        desk.apply(GOOD, plan=shown.plan)
    assert everything() == before
    desk.apply(GOOD, plan=desk.preview(GOOD).plan)


def test_a_plan_is_the_same_for_the_same_file_and_another_for_another(desk: Desk) -> None:
    assert desk.preview(GOOD).plan == desk.preview(GOOD).plan != desk.preview(GOOD.replace("5.250", "5.25")).plan


def test_a_failure_half_way_leaves_nothing_behind(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    TrialFactory.create(review=desk.review, label="S002", slots={"A": desk.me, "B": desk.partner})
    both = "trial,arm,role\nS001,Drug A,control\nS002,Drug A,control"
    before = everything()
    real, calls = enter.save, []

    def fails_the_second_time(*args: object, **kwargs: object) -> Entry:
        calls.append(args)
        if len(calls) == 2:
            raise RuntimeError("power cut")
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(enter, "save", fails_the_second_time)
    with pytest.raises(RuntimeError):
        desk.apply(both)
    assert everything() == before


def test_what_the_record_would_refuse_is_refused_in_the_preview_at_its_cell(desk: Desk) -> None:
    # given a baseline at another week than the file's, in an entry whose outcome has a long unit
    shown = desk.preview("trial,arm,marker,weeks,mean,page\nS001,Drug A,IL-6,0,1,123456789012345678901")
    assert codes(shown) == {("E_LIMIT", "F2")}


def test_the_limits_of_columns_are_those_of_the_record() -> None:
    from extraction.models.plain import ROWS
    from extraction.workbook.columns import COLUMNS, Holds

    subjects = {"arms": [Subject.ARM], "observations": [Subject.OBSERVATION, Subject.OUTCOME, Subject.TIMEPOINT]}
    names = {"marker": "name", "arm": "label"}
    checked = 0
    for sheet_name, where in subjects.items():
        for column in COLUMNS[sheet_name]:
            if column.holds not in (Holds.LABEL, Holds.TEXT, Holds.LINES):
                continue
            name = column.field or names.get(column.name, column.name)
            for subject in where:
                field = {one.name: one for one in ROWS[subject]._meta.get_fields()}.get(name)
                length = getattr(field, "max_length", None)
                if length:
                    checked += 1
                    assert column.limit == length, (sheet_name, column.name)
    assert checked >= 9


def test_a_preview_takes_no_more_queries_for_many_trials_than_for_few(desk: Desk) -> None:
    def queries(count: int) -> int:
        for number in range(count):
            made = TrialFactory.create(
                review=desk.review, label=f"T{count}-{number}", slots={"A": desk.me, "B": desk.partner}
            )
            begin(made, desk.me, ("Drug A", "control"))
        lines = [f"T{count}-{number},Drug A,IL-6,0,1" for number in range(count)]
        with CaptureQueriesContext(connection) as captured:
            assert not desk.preview("trial,arm,marker,weeks,mean\n" + "\n".join(lines)).refused
        return len(captured)

    assert queries(2) == queries(12)
