"""References from a file become trials, fill trials in, or stand as further reports of them."""

from __future__ import annotations

from typing import Any

import pytest

from extraction.bring_in import MERGE, NEW, REPORT, Outcome, bring_in_references, proposals
from extraction.errors import InvalidValues
from extraction.models import Event, Trial
from extraction.references import Reference
from tests.factories import ReviewFactory, TrialFactory, made, member

pytestmark = pytest.mark.django_db

LATER = Reference(
    "record 1, line 1", authors=("Jo, A",), year=2021, title="Two years on", doi="10.1000/b", registry_id="nct00280020"
)


@pytest.fixture
def trial() -> Trial:
    found: Trial = made(TrialFactory, label="Jo 2020", doi="10.1000/a", registry_id="NCT00280020")
    return found


@pytest.fixture
def lead(trial: Trial) -> Any:
    return member(trial.review, "lead")


def test_another_publication_of_a_registered_trial_is_proposed_as_its_report(trial: Trial, lead: Any) -> None:
    same = Reference("record 2", authors=("Jo, A",), year=2020, doi="10.1000/a", registry_id="NCT00280020")
    other = Reference("record 3", authors=("Kim, B",), year=2020, doi="10.1000/c", registry_id="NCT99999999")
    found = proposals(trial.review_id, [LATER, same, other], by=lead)
    assert [(one.act, one.trial, one.why) for one in found] == [
        (REPORT, trial.pk, "same registry number nct00280020"),
        (MERGE, trial.pk, "same DOI"),
        (NEW, None, ""),
    ]


def test_a_further_report_stands_below_the_citation_and_is_known_the_next_time(trial: Trial, lead: Any) -> None:
    assert bring_in_references(trial.review_id, [(LATER, REPORT, trial.pk)], by=lead) == Outcome(reports=1)
    trial.refresh_from_db()
    assert trial.citation.splitlines() == [
        "Jo 2020", "Also reported in: Jo, A. Two years on. 2021. DOI 10.1000/b",
    ]  # fmt: skip
    assert trial.doi == "10.1000/a"
    (again,) = proposals(trial.review_id, [LATER], by=lead)
    assert (again.act, again.trial, again.why) == (MERGE, trial.pk, "same DOI")


def test_one_wrong_decision_keeps_all_references_out(trial: Trial, lead: Any) -> None:
    elsewhere = made(TrialFactory, review=made(ReviewFactory))
    for act, key in ((REPORT, elsewhere.pk), (MERGE, None), ("guess", trial.pk)):
        with pytest.raises(InvalidValues, match="names no trial of this review") as refusal:
            bring_in_references(trial.review_id, [(LATER, NEW, None), (LATER, act, key)], by=lead)
        assert [problem.field for problem in refusal.value.problems] == ["decision"]
    assert Trial.objects.filter(review=trial.review).count() == 1
    assert not Event.objects.exists()
