"""Questions: of an extractor to the leads, and of an adjudicator to both extractors; and what was answered."""

from __future__ import annotations

from typing import Self
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone

from extraction import access
from extraction.recorded import Recorded, RecordedQuerySet


class QuestionQuerySet(RecordedQuerySet["Question"]):
    def visible_to(self, user: access.Viewer) -> Self:
        return self.filter(_allowed(user, access.Act.SEE))

    def permitting(self, act: access.Act, user: access.Viewer) -> Self:
        return self.filter(_allowed(user, act))

    def unanswered(self) -> Self:
        return self.filter(answered_at=None)


def _allowed(user: access.Viewer, act: access.Act) -> Q:
    of_extractor = access.permitted(user, act, access.Thing.QUESTION, Question.PATHS)
    of_decider = access.permitted(user, act, access.Thing.INQUIRY, Question.PATHS)
    return (Q(discrepancy=None) & of_extractor) | (Q(discrepancy__isnull=False) & of_decider)


class Question(Recorded):
    """Of an extractor about a place in their entry, to the leads; or of a decider about a discrepancy, to both."""

    PATHS = access.Paths(review="trial__review", trial="trial", person="asked_by")

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    trial = models.ForeignKey("Trial", models.PROTECT, related_name="questions")
    entry = models.ForeignKey("Entry", models.PROTECT, null=True, related_name="questions")
    discrepancy = models.ForeignKey("Discrepancy", models.PROTECT, null=True, related_name="questions")
    about = models.CharField(max_length=300, blank=True, help_text="The place in the entry, in words.")
    row = models.UUIDField(null=True, help_text="The row of the entry that it is about.")
    text = models.TextField()
    asked_by = models.ForeignKey("User", models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True, help_text="When the last answer that was asked for came in.")

    objects = QuestionQuerySet.as_manager()

    class Meta:
        ordering = ["asked_at", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="question_asks_something"),
            models.CheckConstraint(
                condition=Q(entry__isnull=True, discrepancy__isnull=False)
                | Q(entry__isnull=False, discrepancy__isnull=True),
                name="question_about_an_entry_or_a_discrepancy",
            ),
            models.UniqueConstraint(
                fields=["discrepancy"],
                condition=Q(discrepancy__isnull=False, answered_at__isnull=True),
                name="question_one_open_per_discrepancy",
            ),
        ]

    def __str__(self) -> str:
        return self.text if len(self.text) <= 80 else f"{self.text[:79]}…"


class AnswerQuerySet(RecordedQuerySet["Answer"]):
    def visible_to(self, user: access.Viewer) -> Self:
        """One's own; else those of questions that are answered by everybody asked, where the table lets one read."""
        readable = Q(question__in=Question.objects.visible_to(user).filter(discrepancy=None).values("pk"))
        given = access.visible(user, access.Thing.ANSWER, Answer.PATHS)
        own = access.visible(user, access.Thing.OWN_ANSWER, Answer.PATHS)
        return self.filter(
            own
            | (Q(question__discrepancy=None) & readable)
            | (Q(question__discrepancy__isnull=False, question__answered_at__isnull=False) & given)
        )

    def given(self) -> Self:
        return self.filter(given_at__isnull=False)


class Answer(Recorded):
    """What one person answers. To a decider's question it stands empty from the start: who is asked, by name."""

    PATHS = access.Paths(review="question__trial__review", trial="question__trial", person="person")

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    question = models.ForeignKey(Question, models.PROTECT, related_name="answers")
    person = models.ForeignKey("User", models.PROTECT, related_name="+")
    text = models.TextField(blank=True)
    given_at = models.DateTimeField(null=True)

    objects = AnswerQuerySet.as_manager()

    class Meta:
        ordering = ["given_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["question", "person"], name="answer_once_per_person"),
            models.CheckConstraint(
                condition=Q(given_at__isnull=True, text="") | (Q(given_at__isnull=False) & ~Q(text="")),
                name="answer_given_says_something",
            ),
        ]

    def __str__(self) -> str:
        return self.text if len(self.text) <= 80 else f"{self.text[:79]}…"
