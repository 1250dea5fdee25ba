"""A pasted block against the grid: where it goes, what is asked, what is never guessed."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from extraction import enter
from extraction.enter import Change
from extraction.forms.entry import EntryForm
from extraction.forms.paste import Reader, Understanding
from extraction.forms.paste_table import table_of
from extraction.record import Subject
from tests.factories import TrialFactory, holder

pytestmark = pytest.mark.django_db


@pytest.fixture
def form() -> Any:
    trial: Any = TrialFactory.create()
    user = holder(trial, "A")
    changes = [Change(Subject.ARM, uuid4(), values={"label": label}) for label in ("Therapy", "Waiting list")]
    changes += [
        Change(Subject.TIMEPOINT, uuid4(), values={"phase": phase, "printed": phase}) for phase in ("baseline", "post")
    ]
    changes += [Change(Subject.OUTCOME, uuid4(), values={"name": name}) for name in ("IL-6", "TNF-α", "CRP")]
    return EntryForm(enter.save(enter.start(trial.pk, by=user).pk, changes, by=user), user)


def understood(form: EntryForm, text: str, field: str = "n", **answers: str) -> Understanding:
    first = form.blocks[0].rows[0][1][0][1]
    return Reader(form.blocks, answers).understand(text, first.at, field)


def entered(form: EntryForm, read: Understanding) -> list[tuple[str, str, str, dict[str, str]]]:
    places = {
        cell.at: (str(block.outcome), str(arm), str(time))
        for block in form.blocks
        for arm, cells in block.rows
        for time, cell in cells
    }
    return [(*places[at], fields) for at, fields in read.taken.items()]


def test_columns_of_numbers_go_from_box_to_box(form: Any) -> None:
    read = understood(form, "20\t2.31\t1.24\t19\t1.98\t1.02\n21\t2.27\t1.31\t20\t2.11\t1.18")
    assert entered(form, read) == [
        ("IL-6", "Therapy", "baseline", {"n": "20", "centre": "2.31", "first": "1.24"}),
        ("IL-6", "Therapy", "post", {"n": "19", "centre": "1.98", "first": "1.02"}),
        ("IL-6", "Waiting list", "baseline", {"n": "21", "centre": "2.27", "first": "1.31"}),
        ("IL-6", "Waiting list", "post", {"n": "20", "centre": "2.11", "first": "1.18"}),
    ]
    assert read.questions == []


def test_a_line_per_outcome_goes_to_the_outcome_of_its_name(form: Any) -> None:
    text = "\tT base\tT 12 w\tW base\tW 12 w\nCRP\t1 ± 2\tNR\t3 ± 4\t5 ± 6\nTNF-a, pg/ml\t1.1\t2.2\t3.3\t4.4"
    read = understood(form, text)
    assert [question.key for question in read.questions] == ["spread"]
    answered = entered(form, understood(form, text, spread="se"))
    assert answered[0] == ("CRP", "Therapy", "baseline", {"centre": "1", "first": "2", "spread_kind": "se"})
    assert answered[1][3] == {"centre": "NR", "first": "NR"}
    assert [(row[0], row[3]["centre"]) for row in answered[4:]] == [
        ("TNF-α", "1.1"),
        ("TNF-α", "2.2"),
        ("TNF-α", "3.3"),
        ("TNF-α", "4.4"),
    ]


def test_nothing_that_may_mean_two_things_is_taken_without_an_answer(form: Any) -> None:
    text = "1.204 ± 212\t3,5 ± 1\n-99\tn.d."
    read = understood(form, text, spread="sd")
    assert {question.key for question in read.open_questions} == {"thousands.", "text:-99", "text:n.d."}
    assert [row[3] for row in entered(form, read)] == [{"centre": "3.5", "first": "1", "spread_kind": ""}]
    answers = {"thousands.": "1", "text:-99": "1", "text:n.d.": "leave"}
    read = understood(form, text, spread="sd", **answers)
    assert read.open_questions == []
    assert [row[3]["centre"] for row in entered(form, read)] == ["1204", "3.5", "NR"]


def test_intervals_and_words_for_their_kind(form: Any) -> None:
    read = understood(form, "2.1 (95% CI 1.7 to 2.5)\t1.2 (IQR 1.9)\n2.1 (1.7–2.5)\t5 (SD 2)")
    fields = [row[3] for row in entered(form, read)]
    assert fields[0] == {"centre": "2.1", "first": "1.7", "second": "2.5", "spread_kind": "ci"}
    assert fields[1] == {"centre": "1.2", "first": "1.9", "spread_kind": "iqr_width", "centre_kind": "median"}
    assert fields[2] == {"centre": "5", "first": "2", "spread_kind": ""}
    assert [question.key for question in read.open_questions] == ["interval"]


def test_what_cannot_be_read_or_has_no_place_is_named_and_left_out(form: Any) -> None:
    read = understood(form, "1\t2\t3\t4\t5\t6\t7\n#REF!\t2-Mar\t1")
    problems = [cell.problem for cell in read.cells if cell.problem]
    assert problems == ["has no place in the grid", "is an error of a spreadsheet", "is a date that a spreadsheet made"]


def test_lines_of_a_pdf_are_cut_into_cells() -> None:
    assert table_of("IL-6 (pg/mL) 2.31 ± 1.24 1.98 ± 1.02") == [["IL-6 (pg/mL)", "2.31 ± 1.24", "1.98 ± 1.02"]]
    assert table_of("CRP  1.4 (0.8–3.1)  NR") == [["CRP", "1.4 (0.8–3.1)", "NR"]]
