"""Deciding discrepancies in the administration."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from extraction import enter
from extraction.models import Discrepancy, Event, Observation, Resolution, Trial
from extraction.recorded import recording
from extraction.states import Status
from tests.extraction.admin_pages import act, address, form_of, listed, signed_in, told
from tests.factories import ReviewFactory, TrialFactory, draft, holder, member, submitted, trial_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def review():
    return ReviewFactory()


@pytest.fixture
def adjudicator(review):
    return member(review, "adjudicator")


@pytest.fixture
def client(adjudicator):
    return signed_in(adjudicator)


def differing(review, **cells):
    """A trial whose entries differ in B's cells."""
    trial = TrialFactory(review=review)
    submitted(trial, "A")
    submitted(trial, "B", cells=cells or {"treated": {"centre": "2.1"}})
    trial.refresh_from_db()
    return trial


def only(trial):
    return Discrepancy.objects.get(trial=trial)


def decide(client, row, **values):
    data = {**form_of(client, address(row)), "reason_code": "typo", "_save": "1", **values}
    return client.post(address(row), data)


def test_taking_a_side_decides_through_the_verb(client, review, adjudicator):
    # given a trial that waits for one decision
    trial = differing(review)
    # when the adjudicator takes A, with a reason and a comment
    response = decide(client, only(trial), choice="A", comment="Table 3 has the minus.")
    # then it is decided, signed, in the history, without having seen the outcome, and the trial agrees
    assert response.status_code == 302
    made = Resolution.objects.get()
    assert (made.choice, made.reason_code, made.comment) == ("A", "typo", "Table 3 has the minus.")
    assert (made.decided_by, made.outcome_shown) == (adjudicator, False)
    assert Event.objects.filter(trial=trial, verb="resolve", actor=adjudicator).exists()
    trial.refresh_from_db()
    assert trial.status == Status.AGREED


def test_another_value_goes_into_the_final_entry_as_it_was_typed(client, review):
    trial = differing(review)
    decide(client, only(trial), choice="other", centre_kind="mean", centre="-2.10")
    final = Observation.objects.get(entry__trial=trial, entry__slot="FINAL", arm__label="Training")
    assert (final.centre_printed, final.centre) == ("-2.10", -2.1)


def test_a_refused_value_is_told_at_its_field_and_what_was_typed_stays(client, review):
    trial = differing(review)
    response = decide(client, only(trial), choice="other", centre_kind="mean", centre="about two", comment="hm")
    assert response.status_code == 400
    form = response.context["adminform"].form
    assert list(form.errors) == ["centre"]
    assert 'value="about two"' in response.content.decode()
    assert "hm</textarea>" in response.content.decode()
    assert not Resolution.objects.exists()


def test_a_second_tab_gets_a_conflict_and_overwrites_nothing(client, review):
    # given a trial with two discrepancies, one of them open in two tabs
    trial = differing(review, treated={"centre": "2.1"}, control={"centre": "-4"})
    row = trial.discrepancies.order_by("position").first()
    tab = form_of(client, address(row))
    # when the first tab decides and then the second
    decide(client, row, choice="A")
    response = client.post(address(row), {**tab, "choice": "B", "reason_code": "misread", "_save": "1"})
    # then the second is told, and nothing is lost
    assert response.status_code == 409
    assert "Somebody decided this since you opened it." in response.content.decode()
    assert [made.choice for made in Resolution.objects.all()] == ["A"]


def test_a_later_decision_stands_beside_the_earlier_one(client, review):
    trial = differing(review, treated={"centre": "2.1"}, control={"centre": "-4"})
    row = trial.discrepancies.order_by("position").first()
    decide(client, row, choice="A")
    decide(client, row, choice="B")
    assert [made.choice for made in row.resolutions.all()] == ["A", "B"]
    page = client.get(address(row)).content.decode()
    assert page.count('<th scope="row">') >= 2, "both decisions are shown"


def test_decide_and_go_on_opens_the_next_open_one(client, review):
    first, second = differing(review), differing(review)
    response = decide(client, only(first), choice="A", _next="1", _save="")
    assert response["Location"] == address(only(second))
    response = decide(client, only(second), choice="A", _next="1", _save="")
    assert response["Location"] == address(Discrepancy, "changelist")


def test_the_page_shows_both_sides_with_their_sources_and_the_sum_of_the_diagnosis(client, review):
    trial = differing(review, treated={"spread": "0.306", "source_page": "6", "source_quote": "Bars show the SE."})
    page = client.get(address(only(trial))).content.decode()
    assert "SD 1.5" in page
    assert "SD 0.306" in page
    assert "√24" in page
    assert "Page 6" in page
    assert "Bars show the SE." in page


def test_a_minus_is_printed_as_one_and_a_hyphen_stays(client, review):
    trial = differing(review)
    page = client.get(address(Discrepancy, "changelist")).content.decode()
    assert "−2.1" in page
    assert "IL-6" in page
    assert only(trial).a_says.endswith("-2.1"), "what is stored keeps the plain character"


@pytest.mark.parametrize(
    ("cells", "fields"),
    [
        ({"n": "42"}, {"n"}),
        ({"centre": "2.1"}, {"centre_kind", "centre"}),
        ({"spread": "9"}, {"spread_kind", "spread", "spread_low", "spread_high", "spread_level"}),
    ],
)
def test_another_value_asks_for_what_the_field_is_made_of(client, review, cells, fields):
    trial = differing(review, treated=cells)
    form = client.get(address(only(trial))).context["adminform"].form
    assert set(form.fields) == {"choice", "reason_code", "comment", "version"} | fields


def test_together_asks_first_and_then_decides_all(client, review):
    # given two open discrepancies
    rows = [only(differing(review)), only(differing(review))]
    # when they are chosen, first nothing happens
    page = act(client, Discrepancy, "decide_together", rows)
    assert page.context["button"] == "Decide 2 discrepancies"
    assert not Resolution.objects.exists()
    # when the page is answered, both are decided
    response = act(client, Discrepancy, "decide_together", rows, choice="B", reason_code="misread", comment="")
    assert told(response) == ["2 discrepancies decided"]
    assert {made.choice for made in Resolution.objects.all()} == {"B"}


def test_together_with_one_that_cannot_be_decided_decides_none(client, review):
    first = only(differing(review))
    approved = trial_at(Status.ADJUDICATING, review)
    closed = only(approved)
    decide(client, closed, choice="A")
    act(client, Trial, "approve_selected", [approved])
    response = act(client, Discrepancy, "decide_together", [first, closed], choice="B", reason_code="typo", comment="")
    assert "cannot be decided" in " ".join(told(response))
    assert first.resolutions.count() == 0


def test_together_needs_a_reason(client, review):
    rows = [only(differing(review))]
    response = act(client, Discrepancy, "decide_together", rows, choice="B", reason_code="", comment="")
    assert response.context["form"].errors.keys() == {"reason_code"}
    assert not Resolution.objects.exists()


def test_the_queue_shows_what_a_person_decides_and_the_rest_on_demand(client, review):
    trial = differing(review, treated={"centre": "2.1"}, control={"spread": "1.70"})
    states = {row.state for row in Discrepancy.objects.filter(trial=trial)}
    assert states == {"open", "accepted"}
    assert {row.state for row in listed(client, Discrepancy)} == {"open"}
    assert {row.state for row in listed(client, Discrepancy, state="accepted")} == {"accepted"}
    assert listed(client, Discrepancy, state="decided") == []
    assert listed(client, Discrepancy, state="nonsense") == []
    assert listed(client, Discrepancy, state="superseded") == []


def test_filters_and_search_narrow_the_queue(client, review):
    first, second = differing(review), differing(review, treated={"n": "42"})
    assert listed(client, Discrepancy, trial=str(first.pk)) == [only(first)]
    assert listed(client, Discrepancy, q=second.label) == [only(second)]
    assert listed(client, Discrepancy, diagnosis="sign") == [only(first)]
    assert listed(client, Discrepancy, verdict="one_missing") == []


def test_what_is_accepted_by_itself_or_superseded_is_shown_without_a_form(client, review, adjudicator):
    trial = differing(review, treated={"centre": "2.1"}, control={"spread": "1.70"})
    accepted = trial.discrepancies.get(state="accepted")
    page = client.get(address(accepted))
    assert not page.context["may_decide"]
    assert client.post(address(accepted), {"choice": "A", "reason_code": "typo", "version": "1"}).status_code == 403


def test_an_extractor_of_the_trial_never_decides_it(review):
    # given an adjudicator who once held slot A of the trial
    trial = differing(review)
    both = holder(trial, "A")
    member(review, "adjudicator", "lead", user=both)
    client = signed_in(both)
    # then neither the list nor the address nor the action reaches the discrepancy
    assert listed(client, Discrepancy) == []
    assert client.get(address(only(trial))).status_code == 404
    response = act(client, Discrepancy, "decide_together", [only(trial)], choice="B", reason_code="typo", comment="")
    assert response.status_code == 200
    assert not Resolution.objects.exists()


def test_entries_that_nobody_submitted_show_no_discrepancy(client, review):
    trial = TrialFactory(review=review)
    submitted(trial, "A")
    entry = draft(trial, "B", cells={"treated": {"centre": "2.1"}})
    assert listed(client, Discrepancy) == []
    enter.submit(entry.pk, by=holder(trial, "B"))
    assert len(listed(client, Discrepancy)) == 1


def test_the_queue_is_filtered_by_age(client, review):
    # given a discrepancy of today and one of five weeks ago
    new, old = differing(review), differing(review)
    with recording():
        Discrepancy.objects.filter(trial=old).update(created_at=timezone.now() - timedelta(days=35))
    # then each stands under its age alone, and an unknown age finds nothing
    assert [row.trial for row in listed(client, Discrepancy, age="1")] == [new]
    assert [row.trial for row in listed(client, Discrepancy, age="28+")] == [old]
    assert listed(client, Discrepancy, age="x") == []
