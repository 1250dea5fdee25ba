"""The situation of the kit: a review with the trial S001, in which an extractor has begun with two arms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from django.db.models import Model

from extraction import enter
from extraction.enter import Change
from extraction.models import Entry, Event, Review, Trial, User
from extraction.models.plain import ROWS
from extraction.record import Subject
from extraction.workbook import importing
from extraction.workbook.importing import Preview
from tests.factories import InterventionFactory, MarkerFactory, ReviewFactory, TrialFactory, holder

KIT_MARKERS = {"il6": "IL-6", "tnf_a": "TNF-α", "il10": "IL-10"}


@dataclass(frozen=True)
class Desk:
    """One extractor, their review and the trial S001."""

    review: Review
    trial: Trial
    me: User
    partner: User

    def preview(self, data: bytes | str, name: str = "a.csv") -> Preview:
        return importing.preview(name, _bytes(data), review_id=self.review.pk, by=self.me)

    def apply(self, data: bytes | str, name: str = "a.csv", plan: str = "") -> Preview:
        return importing.apply(name, _bytes(data), review_id=self.review.pk, by=self.me, plan=plan)

    @property
    def entry(self) -> Entry:
        return Entry.objects.visible_to(self.me).get(trial=self.trial, holder=self.me)


def _bytes(data: bytes | str) -> bytes:
    if isinstance(data, bytes):
        return data
    return "\n".join(line.strip() for line in data.strip().splitlines()).encode()


def everything() -> tuple[int, list[object]]:
    """All that an import could change: every row of every entry, the entries, the trials, the history's length."""
    rows: list[object] = []
    models: list[type[Model]] = [*ROWS.values(), Entry, Trial]
    for model in models:
        rows += [
            sorted((str(k), str(v)) for k, v in row.items()) for row in model._base_manager.order_by("pk").values()
        ]
    return Event._base_manager.count(), rows


def begin(trial: Trial, user: User, *arms: tuple[str, str]) -> Entry:
    entry = enter.start(trial.pk, by=user)
    changes = [Change(Subject.ARM, uuid4(), values={"label": label, "role": role}) for label, role in arms]
    return enter.save(entry.pk, changes, by=user)


@pytest.fixture(autouse=True)
def _media_of_its_own(settings: pytest.FixtureRequest, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)  # type: ignore[attr-defined]


@pytest.fixture
def desk(db: None) -> Desk:
    review = ReviewFactory.create()
    for code, name in KIT_MARKERS.items():
        MarkerFactory.create(review=review, code=code, name=name)
    InterventionFactory.create(review=review, code="cbt", name="Cognitive behavior therapy")
    trial = TrialFactory.create(review=review, label="S001")
    desk = Desk(review, trial, holder(trial, "A"), holder(trial, "B"))
    begin(trial, desk.me, ("Drug A", "intervention"), ("Placebo", "control"))
    return desk


Snapshot = Callable[[], tuple[int, list[object]]]
