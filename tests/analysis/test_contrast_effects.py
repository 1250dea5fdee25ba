"""An r that a report prints, from two entries to the effect: in the place of the imputed one, and shown there."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from analysis.models import Effect
from analysis.recompute import recompute
from analysis.setup import create_default_syntheses
from analysis.specification import Measure
from extraction import approve, enter
from extraction.enter import Change
from extraction.models import Trial
from extraction.record import Subject
from tests.factories import MarkerFactory, ReviewFactory, TrialFactory, contrast_texts, holder, made, member

pytestmark = pytest.mark.django_db

CELLS = {
    ("treated", "before"): "10.0",
    ("treated", "time"): "7.0",
    ("control", "before"): "9.5",
    ("control", "time"): "9",
}


def entered(trial: Trial, slot: str, *contrasts: dict[str, str]) -> None:
    keys = {name: uuid4() for name in ("treated", "control", "before", "time", "outcome")}
    rows = [
        Change(Subject.ARM, keys["treated"], values={"label": "Training", "n_randomised": "20"}),
        Change(Subject.ARM, keys["control"], values={"label": "Waiting list", "role": "control", "n_randomised": "20"}),
        Change(Subject.TIMEPOINT, keys["before"], values={"phase": "baseline", "weeks": "0"}),
        Change(Subject.TIMEPOINT, keys["time"], values={"phase": "post", "weeks": "12"}),
        Change(Subject.OUTCOME, keys["outcome"], values={"name": "IL-6", "marker": "il6"}),
    ]
    for (arm, time), mean in CELLS.items():
        place = {"arm": str(keys[arm]), "timepoint": str(keys[time]), "outcome": str(keys["outcome"])}
        said = {"n": "20", "centre_kind": "mean", "centre": mean, "spread_kind": "sd", "spread": "4.0"}
        rows.append(Change(Subject.OBSERVATION, uuid4(), values=place | said))
    rows += [Change(Subject.CONTRAST, uuid4(), values=contrast_texts(keys, **texts)) for texts in contrasts]
    user = holder(trial, slot)
    entry = enter.start(trial.pk, by=user)
    enter.save(entry.pk, rows, by=user)
    enter.submit(entry.pk, by=user)


def test_an_approved_r_is_in_the_effect_and_on_its_page() -> None:
    review: Any = made(ReviewFactory)
    made(MarkerFactory, review=review, code="il6")
    lead = member(review, "lead", "adjudicator")
    for label, contrasts in (("With r", [{"statistic": "r", "value": "0.80"}]), ("Without", [])):
        trial = made(TrialFactory, review=review, label=label)
        for slot in "AB":
            entered(trial, slot, *contrasts)
        approve.approve(trial.pk, by=lead)
    create_default_syntheses(review.pk, by=lead, measure=Measure.PPC_G)
    recompute(review.pk)
    found = {effect.trial.label: effect for effect in Effect.objects.filter(measure=Measure.PPC_G)}
    assert found["With r"].yi == pytest.approx(found["Without"].yi)
    assert (found["With r"].vi or 0) < (found["Without"].vi or 0)
    sides = found["With r"].ledger["inputs"]
    assert [side["r"] for side in sides] == [0.8, 0.5]
    assert [len(side.get("contrasts", [])) for side in sides] == [1, 0]
    client = Client()
    client.force_login(lead)
    page = client.get(reverse("analysis:effect", args=[found["With r"].pk])).content.decode()
    assert "pre-post correlation r, Training, IL-6" in page
    assert "r as reported" in page
    page = client.get(reverse("analysis:effect", args=[found["Without"].pk])).content.decode()
    assert "pre-post correlation" not in page
