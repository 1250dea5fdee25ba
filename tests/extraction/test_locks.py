"""What a person may not see is for every verb as if it did not exist, also for members of the review."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from analysis.setup import change_synthesis, create_default_syntheses
from extraction import bring_in, define, finding, locks, proposals, questions, rules
from extraction.errors import NotFound
from extraction.invite import invite, withdraw_invitation
from extraction.models import Answer, Discrepancy, Marker, Match, SavedSearch, Template, Trial
from extraction.protocols.start import drop_template, save_template
from extraction.references import Reference
from extraction.states import Status
from tests.factories import MarkerFactory, ReviewFactory, TrialFactory, draft, holder, made, member, trial_at
from tests.papers import proposal_of, question_of, uploaded

pytestmark = pytest.mark.django_db


@pytest.fixture
def trial() -> Any:
    return made(TrialFactory)


def is_not_there(lock: Any, key: Any, by: Any) -> None:
    with transaction.atomic(), pytest.raises(NotFound):
        lock(key, by)


def test_a_review_and_its_trials_are_not_there_for_others(trial: Any) -> None:
    outsider = member(made(ReviewFactory), "lead", "adjudicator")
    is_not_there(locks.locked_review, trial.review_id, outsider)
    is_not_there(locks.locked_trial, trial.pk, outsider)
    is_not_there(locks.locked_trial, trial.pk, member(trial.review, "extractor"))


def test_what_the_partner_has_is_not_there_while_both_enter(trial: Any) -> None:
    a, b = holder(trial, "A"), holder(trial, "B")
    entry = draft(trial, "B")
    is_not_there(locks.locked_entry, entry.pk, a)
    is_not_there(locks.locked_report, uploaded(trial, b).pk, a)
    is_not_there(locks.locked_question, question_of(entry).pk, a)


def test_what_is_reconciled_is_not_there_for_its_extractors() -> None:
    trial = trial_at(Status.ADJUDICATING)
    for slot in ("A", "B"):
        is_not_there(locks.locked_discrepancy, Discrepancy.objects.get(trial=trial).pk, holder(trial, slot))
        is_not_there(locks.locked_match, Match.objects.filter(trial=trial)[0].pk, holder(trial, slot))


def test_what_leads_alone_see_is_not_there_for_other_members(trial: Any) -> None:
    lead, extractor = member(trial.review, "lead"), member(trial.review, "extractor")
    with pytest.raises(NotFound):
        withdraw_invitation(invite(trial.review_id, ["reader"], by=lead)[0].pk, by=extractor)
    synthesis = create_default_syntheses(trial.review_id, by=lead)[0]
    with pytest.raises(NotFound):
        change_synthesis(synthesis.pk, {"name": "Mine"}, by=extractor)


def test_a_name_that_the_partner_proposed_is_not_there_to_be_placed(trial: Any) -> None:
    proposed = proposal_of(draft(trial, "B"))
    with pytest.raises(NotFound):
        proposals.place(proposed.pk, by=holder(trial, "A"))


def test_a_lead_who_extracts_is_not_told_what_became_of_names_in_that_trial(trial: Any) -> None:
    # given one name that two extractors proposed, in a trial that the lead extracts and in another
    lead = member(trial.review, "lead", user=holder(trial, "A"))
    other = made(TrialFactory, review=trial.review)
    hidden, seen = proposal_of(draft(trial, "B")), proposal_of(draft(other, "A"))
    # when the lead places it
    made_of_it = proposals.place(seen.pk, new={"code": "il6", "name": "IL-6", "direction": -1}, by=lead)
    # then both are placed, and the lead hears of the other trial alone
    hidden.refresh_from_db()
    assert hidden.placed_at is not None
    assert [one.pk for one in (*made_of_it.filled, *made_of_it.submitted)] == [seen.pk]


def test_a_template_that_is_not_shared_is_not_there_for_another_lead(trial: Any) -> None:
    lead = member(trial.review, "lead")
    template = save_template(trial.review_id, "Ours", by=lead)
    Template._base_manager.filter(pk=template.pk).update(shared=False)
    with pytest.raises(NotFound):
        drop_template(template.pk, by=member(made(ReviewFactory), "lead"))


def test_references_are_compared_with_the_trials_that_one_sees(trial: Any) -> None:
    Trial._base_manager.filter(pk=trial.pk).update(doi="10.1000/1")
    reference = Reference("record 1", title="A trial", doi="10.1000/1")
    lead, other = member(trial.review, "lead"), member(trial.review, "extractor")
    [known] = bring_in.proposals(trial.review_id, [reference], by=lead)
    [unknown] = bring_in.proposals(trial.review_id, [reference], by=other)
    assert (known.trial, unknown.trial) == (trial.pk, None)


def test_two_people_may_keep_different_searches_under_one_name(trial: Any) -> None:
    lead, other = member(trial.review, "lead"), member(trial.review, "lead")
    for person, query in ((lead, "status=entering"), (other, "status=approved")):
        finding.save_search(trial.review_id, "Mine", query, by=person)
    assert {one.user: one.query for one in SavedSearch.objects.all()} == {
        lead: "status=entering",
        other: "status=approved",
    }


def test_the_answer_to_what_the_partner_asked_is_not_there(trial: Any) -> None:
    asked = question_of(draft(trial, "B"))
    questions.answer(asked.pk, "Table 2.", by=member(trial.review, "lead"))
    assert not Answer.objects.visible_to(holder(trial, "A")).exists()
    assert Answer.objects.visible_to(holder(trial, "B")).count() == 1


def test_what_does_not_exist_and_what_another_review_has_are_answered_alike(trial: Any) -> None:
    lead, outsider = member(trial.review, "lead"), member(made(ReviewFactory), "lead")
    marker = made(MarkerFactory, review=trial.review)
    rule = rules.make_rule(trial.review_id, {"text": "ITT", "subject": "observation", "field": "n"}, by=lead)
    for pk, by in ((0, lead), (marker.pk, outsider)):
        with pytest.raises(NotFound):
            define.drop(Marker, pk, by=by)
    for key, by in ((uuid4(), lead), (rule.pk, outsider)):
        with pytest.raises(NotFound):
            rules.withdraw_rule(key, "No longer.", by=by)
    assert Marker.objects.filter(pk=marker.pk).exists()
