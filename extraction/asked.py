"""Questions as one person may see them: where they are about, what was answered, and whether they wait for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from extraction.access import Act, Viewer
from extraction.models import Answer, Arm, Entry, Observation, Outcome, Proposal, Question, Review, Timepoint

PLACES: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (Observation, ("outcome", "arm", "timepoint")),
    (Outcome, ()),
    (Arm, ()),
    (Timepoint, ()),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. `place` is told in the words of the reader's own entry, never in the partner's."""

    question: Question
    place: str
    answers: Sequence[Answer]
    mine: bool  # waits for the reader's answer

    @property
    def of_decider(self) -> bool:
        return self.question.discrepancy_id is not None


def waiting_for(user: Viewer, review: Review | None = None) -> QuerySet[Question]:
    """What this person is asked and has not answered."""
    unwritten = Answer.objects.visible_to(user).filter(question=OuterRef("pk"), person=user.pk, given_at=None)
    rows = Question.objects.visible_to(user).permitting(Act.ANSWER, user).unanswered()
    if review is not None:
        rows = rows.filter(trial__review=review)
    return rows.filter(discrepancy=None) | rows.filter(Exists(unwritten), discrepancy__isnull=False)


def names_waiting(user: Viewer, review: Review) -> QuerySet[Proposal]:
    """What extractors propose and this person may place."""
    rows = Proposal.objects.visible_to(user).permitting(Act.PLACE, user).waiting()
    return rows.filter(trial__review=review)


def asked(questions: Iterable[Question], user: Viewer) -> list[Asked]:
    """Three queries and one per kind of row, however many questions; each has its discrepancy and trial loaded."""
    found = list(questions)
    answers: dict[UUID, list[Answer]] = defaultdict(list)
    unwritten: set[UUID] = set()
    for answer in Answer.objects.visible_to(user).filter(question__in=found).select_related("person"):
        if answer.given_at:
            answers[answer.question_id].append(answer)
        elif answer.person_id == user.pk:
            unwritten.add(answer.question_id)
    open_to = set(
        Question.objects.visible_to(user).permitting(Act.ANSWER, user).filter(pk__in=[one.pk for one in found])
        .unanswered().values_list("pk", flat=True)
    )  # fmt: skip
    places = _places(found, user)
    return [
        Asked(
            one,
            places[one.pk],
            answers[one.pk],
            one.pk in open_to and (one.discrepancy_id is None or one.pk in unwritten),
        )
        for one in found
    ]


def of_entry(entry: Entry, user: Viewer) -> list[Asked]:
    return asked(_whole(user).filter(entry__trial=entry.trial_id, entry__slot=entry.slot), user)


def about(discrepancy: Any, user: Viewer) -> list[Asked]:
    return asked(_whole(user).filter(discrepancy=discrepancy), user)


def _whole(user: Viewer) -> QuerySet[Question]:
    related = ("trial", "asked_by", "discrepancy__a_entry", "discrepancy__b_entry")
    return Question.objects.visible_to(user).select_related(*related)


def place_in(entry: Entry, key: UUID | None, user: Viewer) -> tuple[UUID | None, str]:
    """A row of one's entry as a place in words; nothing for a key that the entry does not have."""
    if key is not None:
        for model, related in PLACES:
            row = model.objects.visible_to(user).filter(entry=entry, pk=key).select_related(*related).first()
            if row is not None:
                return row.pk, _words(row)
    return None, ""


def _places(questions: Sequence[Question], user: Viewer) -> dict[UUID, str]:
    own: dict[UUID, UUID | None] = {}
    for one in questions:
        discrepancy = one.discrepancy
        if discrepancy is None:
            continue
        if discrepancy.a_entry.holder_id == user.pk:
            own[one.pk] = discrepancy.a_key
        elif discrepancy.b_entry.holder_id == user.pk:
            own[one.pk] = discrepancy.b_key
    words: dict[UUID, str] = {}
    wanted = [key for key in own.values() if key]
    for model, related in PLACES if wanted else ():
        for row in model.objects.visible_to(user).filter(pk__in=wanted).select_related(*related):
            words[row.pk] = _words(row)
    return {one.pk: _place(one, own, words) for one in questions}


def _place(question: Question, own: dict[UUID, UUID | None], words: dict[UUID, str]) -> str:
    discrepancy = question.discrepancy
    if discrepancy is None:
        return question.about
    if question.pk not in own:
        labels = (discrepancy.outcome_label, discrepancy.arm_label, discrepancy.time_label, discrepancy.field)
        return " · ".join(label for label in labels if label)
    key = own[question.pk]
    place = words.get(key, "") if key else ""
    return f"{place} · {discrepancy.field}" if place else "not in your entry"


def _words(row: Any) -> str:
    if isinstance(row, Observation):
        return f"{row.outcome} · {row.arm} · {row.timepoint}"
    return str(row)
