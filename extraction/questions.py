"""Verbs of questions: ask the leads, ask both extractors, answer. None of them opens an entry again.

A question of an extractor while the trial is being entered stands in the history of their own entry, and so does its
answer: the partner sees neither. Of an answer to a decider's question the history keeps a hash, not the words: they
stay hidden from the decider and from the other extractor until both are in.
"""

from __future__ import annotations

import hashlib
from typing import Final
from uuid import UUID

from django.utils import timezone

from extraction import access
from extraction.access import Act, Thing
from extraction.errors import FieldProblem, IllegalMove, InvalidValues, NotAllowed, StaleVersion
from extraction.locks import locked_discrepancy, locked_entry, locked_question, require
from extraction.models import Answer, Discrepancy, Entry, Event, Question, Slot, Trial
from extraction.recorded import verb
from extraction.states import Status

LONGEST: Final = 2000
MOST_OPEN: Final = 50  # of one entry


@verb
def ask_leads(entry_id: UUID, text: str, *, by: access.Viewer, about: str = "", row: UUID | None = None) -> Question:
    """Ask the leads about a place in one's own entry (`about` in words, `row` its key)."""
    entry = locked_entry(entry_id, by)
    actor = require(Act.ASK, entry, by, thing=Thing.ENTRY, message="The leads cannot be asked now.")
    if entry.questions.filter(answered_at=None).count() >= MOST_OPEN:
        raise IllegalMove(f"{MOST_OPEN} questions of this entry wait for an answer already.")
    question = Question(trial=entry.trial, entry=entry, about=about[:300], row=row, text=said(text), asked_by=actor)
    question.save()
    Event.record("ask leads", _home(question), by=actor, about=question, after={"about": about, "text": question.text})
    return question


@verb
def ask_extractors(discrepancy_id: UUID, text: str, *, by: access.Viewer) -> Question:
    """Ask both extractors about one discrepancy. Both read the question; it must not quote either entry."""
    discrepancy = locked_discrepancy(discrepancy_id, by)
    trial = discrepancy.trial
    actor = require(Act.ASK, discrepancy, by, thing=Thing.RECONCILIATION, message="The extractors cannot be asked now.")
    if discrepancy.superseded:
        raise StaleVersion("The extractors submitted again; this discrepancy belongs to an older version.")
    if discrepancy.state != Discrepancy.State.OPEN:
        raise IllegalMove("This difference is decided; there is nothing to ask.")
    if discrepancy.questions.filter(answered_at=None).exists():
        raise IllegalMove("Both extractors are asked already. Wait for the answers.")
    holders = [one.user for one in trial.assignments.filter(slot__in=[Slot.A, Slot.B]).select_related("user")]
    question = Question(trial=trial, discrepancy=discrepancy, text=said(text), asked_by=actor)
    question.save()
    for person in holders:
        Answer(question=question, person=person).save()
    Event.record("ask both", trial, by=actor, about=question, after={"text": question.text})
    return question


@verb
def answer(question_id: UUID, text: str, *, by: access.Viewer) -> Answer:
    """Answer what one is asked, once. The first lead who answers an extractor's question closes it."""
    question = locked_question(question_id, by)
    thing = Thing.INQUIRY if question.discrepancy_id else Thing.QUESTION
    actor = require(Act.ANSWER, question, by, thing=thing, message="This question cannot be answered by you now.")
    words = said(text)
    if question.discrepancy_id:
        waiting = question.answers.filter(person=actor).first()
        if waiting is None:
            raise NotAllowed("Others were asked: who held the slots when the question was put.")
        if waiting.given_at:
            raise IllegalMove("You have answered this question.")
        given = waiting
    else:
        if question.answered_at:
            raise IllegalMove("Somebody has answered this question.")
        given = Answer(question=question, person=actor)
    given.text, given.given_at = words, timezone.now()
    given.save()
    if not question.answers.filter(given_at=None).exists():
        question.answered_at = given.given_at
        question.save(update_fields=["answered_at"])
    told = {"sha256": hashlib.sha256(words.encode()).hexdigest()} if question.discrepancy_id else {"text": words}
    Event.record("answer", _home(question), by=actor, about=question, after=told)
    return given


def said(text: str) -> str:
    words = text.strip()
    if not words or len(words) > LONGEST or "\x00" in words:
        raise InvalidValues(
            [FieldProblem("question", "text", f"is needed, in at most {LONGEST} characters.", words[:80])]
        )
    return words


def _home(question: Question) -> Trial | Entry:
    """The entry's own chain while the trial is being entered, the trial's after it."""
    if question.entry is not None and question.trial.status == Status.ENTERING:
        return question.entry
    return question.trial
