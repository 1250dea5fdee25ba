"""Two at once: two answers, two questions, two leads who place one name. One wins, nothing is mixed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connections

from extraction import proposals, questions
from extraction.errors import ExtractionError
from extraction.models import Answer, Event, Proposal, Question
from extraction.states import Status
from tests.factories import MarkerFactory, ReviewFactory, TrialFactory, draft, holder, made, member, trial_at

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 10


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """What each act gave, or the refusal that it met; anything else that it raised fails the test."""
    start = threading.Barrier(len(acts))
    found: list[Any] = [None] * len(acts)

    def run(number: int) -> None:
        try:
            start.wait()
            found[number] = acts[number]()
        except ExtractionError as refusal:
            found[number] = refusal
        except BaseException as error:
            found[number] = AssertionError(repr(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not [one for one in found if isinstance(one, AssertionError)], found
    return found


def refused(found: list[Any]) -> int:
    return sum(isinstance(one, ExtractionError) for one in found)


def test_two_leads_who_answer_one_question_give_one_answer():
    review: Any = ReviewFactory()
    leads = [member(review, "lead") for _ in range(2)]
    trial: Any = TrialFactory(review=review)
    entry = draft(trial, "A")
    for number in range(ROUNDS):
        question = questions.ask_leads(entry.pk, f"Question {number}?", by=holder(trial, "A"))
        found = at_once(*(partial(questions.answer, question.pk, "So.", by=lead) for lead in leads))
        assert refused(found) == 1
        assert Answer._base_manager.filter(question=question).count() == 1
        assert Event._base_manager.filter(verb="answer", object_key=str(question.pk)).count() == 1


def test_both_extractors_who_answer_at_once_are_both_in():
    review: Any = ReviewFactory()
    adjudicator = member(review, "adjudicator", "lead")
    for _ in range(3):
        trial = trial_at(Status.ADJUDICATING, review, decider=adjudicator)
        question = questions.ask_extractors(trial.discrepancies.unresolved().get().pk, "Page?", by=adjudicator)
        people = [holder(trial, "A"), holder(trial, "B")]
        found = at_once(*(partial(questions.answer, question.pk, "Five.", by=who) for who in people))
        assert refused(found) == 0
        question.refresh_from_db()
        assert question.answered_at is not None, "the second answer saw the first"
        assert Answer.objects.visible_to(adjudicator).given().filter(question=question).count() == 2


def test_two_adjudicators_who_ask_at_once_ask_once():
    review: Any = ReviewFactory()
    deciders = [member(review, "adjudicator", "lead") for _ in range(2)]
    trial = trial_at(Status.ADJUDICATING, review, decider=deciders[0])
    discrepancy = trial.discrepancies.unresolved().get()
    found = at_once(*(partial(questions.ask_extractors, discrepancy.pk, "Page?", by=who) for who in deciders))
    assert refused(found) == 1
    assert Question._base_manager.filter(discrepancy=discrepancy).count() == 1


def test_two_leads_who_place_one_name_place_it_once():
    review: Any = ReviewFactory()
    leads = [member(review, "lead") for _ in range(2)]
    markers = [made(MarkerFactory, review=review, code=f"marker-{number}") for number in range(2)]
    for number in range(ROUNDS):
        trials: list[Any] = [TrialFactory(review=review) for _ in range(2)]
        name = f"Name {number}"
        for trial in trials:
            proposals.propose(draft(trial, "A", outcome=name).pk, by=holder(trial, "A"))
        first, second = Proposal._base_manager.filter(name=name)
        found = at_once(
            partial(proposals.place, first.pk, by=leads[0], code=markers[0].code),
            partial(proposals.place, second.pk, by=leads[1], code=markers[1].code),
        )
        assert refused(found) == 1
        placed = set(Proposal._base_manager.filter(name=name).values_list("marker__code", flat=True))
        filled = {trial.entries.get().outcomes.get().marker.code for trial in trials}
        assert placed == filled
        assert len(placed) == 1, "all by the one who won"
