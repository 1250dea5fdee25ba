"""Questions: who reads which, who answers, and when answers show."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from extraction import assign, enter, questions, reconcile
from extraction.decisions import Decision
from extraction.errors import IllegalMove, InvalidValues, NotAllowed, NotFound, StaleVersion
from extraction.models import Answer, Event, Question
from extraction.states import Status
from tests.factories import ReviewFactory, TrialFactory, draft, holder, made, member, trial_at

pytestmark = pytest.mark.django_db


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(user: Any, name: str, key: Any) -> str:
    return signed_in(user).get(reverse(f"extraction:{name}", args=[key])).content.decode()


@pytest.fixture
def disputed() -> Any:
    """A trial with one open difference, and who may ask about it."""
    review: Any = ReviewFactory()
    trial = trial_at(Status.ADJUDICATING, review)
    return trial, trial.discrepancies.unresolved().get(), member(review, "adjudicator")


def test_an_extractor_asks_from_a_cell_and_a_lead_answers_unseen_by_the_partner():
    trial = made(TrialFactory)
    lead, a, b = member(trial.review, "lead"), holder(trial, "A"), holder(trial, "B")
    entry = draft(trial, "B")
    cell = entry.observations.first()
    client = signed_in(b)
    asking = client.get(reverse("extraction:entry-ask", args=[entry.pk]), {"row": cell.pk})
    assert "IL-6 · Training" in asking.content.decode()
    address = reverse("extraction:ask-leads", args=[entry.pk])
    assert client.post(address, {"text": "SD or SE?", "row": cell.pk}).status_code == 302
    question = Question._base_manager.get()
    assert (question.row, question.about) == (cell.pk, f"IL-6 · {cell.arm} · {cell.timepoint}")
    assert "1 question to answer" in signed_in(lead).get(reverse("extraction:work")).content.decode()
    signed_in(lead).post(reverse("extraction:question-answer", args=[question.pk]), {"text": "It is the SE."})
    assert "It is the SE." in page(b, "entry-ask", entry.pk)
    assert signed_in(a).get(reverse("extraction:question", args=[question.pk])).status_code == 404
    assert {event.chain for event in Event._base_manager.filter(object_type="question")} == {f"entry:{entry.pk}"}
    assert not Event.objects.visible_to(a).filter(object_type="question").exists()
    with pytest.raises(IllegalMove):
        questions.answer(question.pk, "Too late.", by=member(trial.review, "lead"))


def test_a_lead_who_extracts_the_trial_neither_reads_nor_answers_the_partners_question():
    trial = made(TrialFactory)
    a = member(trial.review, "lead", "adjudicator", "reader", user=holder(trial, "A"))
    question = questions.ask_leads(draft(trial, "B").pk, "Which table?", by=holder(trial, "B"))
    with pytest.raises(NotFound):
        questions.answer(question.pk, "Table 2.", by=a)
    assert "question to answer" not in signed_in(a).get(reverse("extraction:work")).content.decode()


def test_answers_to_an_adjudicator_stay_hidden_until_both_are_in(disputed):
    trial, discrepancy, adjudicator = disputed
    a, b = holder(trial, "A"), holder(trial, "B")
    question = questions.ask_extractors(discrepancy.pk, "Which page did you read?", by=adjudicator)
    for person in (a, b):
        assert "1 question to answer" in signed_in(person).get(reverse("extraction:work")).content.decode()
    questions.answer(question.pk, "Page five hundred", by=a)
    for person in (b, adjudicator):
        assert "five hundred" not in page(person, "question", question.pk)
        assert "five hundred" not in signed_in(person).get("/api/questions/").content.decode()
    assert "five hundred" in page(a, "question", question.pk)
    assert "five hundred" not in str(list(Event._base_manager.values_list("after", flat=True)))
    questions.answer(question.pk, "Page six hundred", by=b)
    told = page(adjudicator, "question", question.pk)
    assert "five hundred" in told
    assert "six hundred" in told
    assert "six hundred" not in page(a, "question", question.pk), "the partner’s answer is the partner’s"
    assert {entry.state for entry in trial.entries.filter(slot__in=["A", "B"])} == {"submitted"}, "nothing opened again"


def test_a_question_names_the_place_in_the_readers_own_words(disputed):
    trial, discrepancy, adjudicator = disputed
    question = questions.ask_extractors(discrepancy.pk, "Look at the sign.", by=adjudicator)
    for slot in ("A", "B"):
        assert "IL-6 · Training" in page(holder(trial, slot), "question", question.pk)
    discrepancy.refresh_from_db()
    assert discrepancy.a_says not in page(holder(trial, "B"), "question", question.pk)


def test_who_may_not_ask_or_answer_is_refused(disputed):
    trial, discrepancy, adjudicator = disputed
    a = holder(trial, "A")
    with pytest.raises(NotFound):
        questions.ask_extractors(discrepancy.pk, "Me?", by=a)
    with pytest.raises(InvalidValues):
        questions.ask_extractors(discrepancy.pk, " ", by=adjudicator)
    with pytest.raises(IllegalMove):
        questions.ask_leads(trial.entries.get(slot="A").pk, "After submission of both?", by=a)
    question = questions.ask_extractors(discrepancy.pk, "Which?", by=adjudicator)
    with pytest.raises(IllegalMove):
        questions.ask_extractors(discrepancy.pk, "Once more?", by=adjudicator)
    with pytest.raises(NotAllowed):
        questions.answer(question.pk, "I know.", by=adjudicator)
    questions.answer(question.pk, "A.", by=a)
    with pytest.raises(IllegalMove):
        questions.answer(question.pk, "A again.", by=a)
    reconcile.resolve(discrepancy.pk, Decision(choice="A", reason_code="typo"), by=adjudicator)
    with pytest.raises(IllegalMove):
        questions.ask_extractors(discrepancy.pk, "After the decision?", by=adjudicator)
    assert Answer._base_manager.filter(given_at__isnull=False).count() == 1


def test_an_entry_has_only_so_many_questions_that_wait(monkeypatch):
    monkeypatch.setattr(questions, "MOST_OPEN", 2)
    trial = made(TrialFactory)
    lead, b = member(trial.review, "lead"), holder(trial, "B")
    entry = draft(trial, "B")
    first, _ = (questions.ask_leads(entry.pk, text, by=b) for text in ("Which table?", "Which page?"))
    with pytest.raises(IllegalMove, match=r"^2 questions of this entry wait for an answer already\.$"):
        questions.ask_leads(entry.pk, "Which line?", by=b)
    assert Question.objects.count() == Event.objects.filter(verb="ask leads").count() == 2
    questions.answer(first.pk, "Table 2.", by=lead)
    assert questions.ask_leads(entry.pk, "Which line?", by=b).text == "Which line?"


def test_a_difference_between_older_versions_is_not_asked_about(disputed):
    trial, discrepancy, adjudicator = disputed
    reconcile.return_to_extractors(trial.pk, ["B"], "look again", by=adjudicator)
    enter.submit(trial.entries.get(slot="B", number=2).pk, by=holder(trial, "B"))
    with pytest.raises(StaleVersion, match="belongs to an older version"):
        questions.ask_extractors(discrepancy.pk, "Which page?", by=adjudicator)
    assert not Question.objects.exists()


def test_who_came_to_a_slot_later_does_not_answer_for_who_was_asked(disputed):
    # given a question to both extractors, and a slot that then changes hands
    trial, discrepancy, adjudicator = disputed
    asked, comes = holder(trial, "B"), member(trial.review, "extractor")
    question = questions.ask_extractors(discrepancy.pk, "Which page?", by=adjudicator)
    reconcile.return_to_extractors(trial.pk, ["B"], "look again", by=adjudicator)
    assign.hand_over(trial.pk, "B", comes.pk, "on leave", by=member(trial.review, "lead"))
    enter.submit(trial.entries.get(slot="B", number=2).pk, by=comes)
    # when the new holder answers
    with pytest.raises(NotAllowed, match=r"^Others were asked: who held the slots when the question was put\.$"):
        questions.answer(question.pk, "Page 5.", by=comes)
    # then nothing is kept of it, and who was asked may answer still
    assert not Answer.objects.given().exists()
    assert not Event.objects.filter(verb="answer").exists()
    assert questions.answer(question.pk, "Page 5.", by=asked).person == asked


def test_the_api_asks_and_answers():
    trial = made(TrialFactory)
    lead, b = member(trial.review, "lead"), holder(trial, "B")
    entry = enter.start(trial.pk, by=b)
    asked = signed_in(b).post("/api/questions/", {"entry": entry.pk, "text": "Which?"}, content_type="application/json")
    assert asked.status_code == 201
    address = f"/api/questions/{asked.json()['id']}/answer/"
    answered = signed_in(lead).post(address, {"text": "That."}, content_type="application/json")
    assert [one["text"] for one in answered.json()["answers"]] == ["That."]
    both = signed_in(b).post("/api/questions/", {"text": "Of what?"}, content_type="application/json")
    assert both.status_code == 400


def test_the_page_of_questions_asks_as_often_for_many_as_for_one(disputed):
    trial, discrepancy, adjudicator = disputed
    lead = member(trial.review, "lead")

    def queries(user: Any) -> int:
        client = signed_in(user)
        address = reverse("extraction:questions", args=[trial.review_id])
        client.get(address)  # the session's own
        with CaptureQueriesContext(connection) as asked:
            assert client.get(address).status_code == 200
        return len(asked)

    questions.ask_extractors(discrepancy.pk, "Which?", by=adjudicator)
    entry = draft(made(TrialFactory, review=trial.review), "A")
    questions.ask_leads(entry.pk, "First?", by=entry.holder)
    once = [queries(user) for user in (lead, holder(trial, "A"))]
    for number in range(4):
        questions.ask_leads(entry.pk, f"Next {number}?", by=entry.holder)
    slots = {slot: holder(trial, slot) for slot in ("A", "B")}
    other = trial_at(Status.ADJUDICATING, trial.review, decider=lead, slots=slots)
    questions.ask_extractors(other.discrepancies.unresolved().get().pk, "And here?", by=adjudicator)
    assert [queries(user) for user in (lead, holder(trial, "A"))] == once
