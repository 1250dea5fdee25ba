"""The adjudicator's page: the queue, one discrepancy, and what is done to it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from extraction import approve, reconcile
from extraction.adjudicate import claim
from extraction.decisions import Decision
from extraction.desk import Impact
from extraction.models import Claim, Discrepancy, Observation, Question, Resolution, Review, Trial, User
from extraction.questions import answer
from extraction.signals import impact_asked
from extraction.states import Status
from tests.factories import MarkerFactory, ReviewFactory, TrialFactory, holder, made, member, submitted, trial_at
from tests.sent import sent

pytestmark = pytest.mark.django_db
A = Decision(choice="A", reason_code="typo")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def review() -> Any:
    return made(ReviewFactory)


@pytest.fixture
def adjudicator(review: Review) -> User:
    return member(review, "adjudicator")


@pytest.fixture
def client(adjudicator: User) -> Client:
    return signed_in(adjudicator)


def differing(review: Review, label: str = "", **cells: Any) -> Discrepancy:
    trial = made(TrialFactory, review=review, **({"label": label} if label else {}))
    submitted(trial, "A")
    submitted(trial, "B", cells=cells or {"treated": {"centre": "2.1"}})
    return Discrepancy.objects.get(trial=trial)


def page(client: Client, review: Review, at: Any = None, **more: str) -> Any:
    return client.get(reverse("extraction:decide", args=[review.pk]), {**({"at": str(at)} if at else {}), **more})


def post(client: Client, row: Discrepancy, **data: Any) -> Any:
    sent = {"choice": "A", "reason_code": "typo", "version": str(row.version), **data}
    return client.post(reverse("extraction:resolve", args=[row.pk]), sent)


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> dict[Any, Impact]:
    """Impacts as the test sets them, in place of those that `analysis` works out."""
    told: dict[Any, Impact] = {}

    def tell(sender: Any, discrepancies: Any, **kwargs: Any) -> dict[Any, Impact]:
        return {row.pk: told[row.pk] for row in discrepancies if row.pk in told}

    monkeypatch.setattr(impact_asked, "receivers", [])
    impact_asked.connect(tell, weak=False)
    return told


def labels(response: Any) -> list[str]:
    return [item.row.trial.label for item in response.context["desk"].items]


def test_deciding_goes_through_the_verb_and_on_to_the_next_open_one(
    client: Client, review: Review, adjudicator: User
) -> None:
    first, second = differing(review, "A"), differing(review, "B")
    response = post(client, first, comment="Table 3 has the minus.")
    assert response.status_code == 302
    assert f"at={second.pk}" in response["Location"]
    only = Resolution.objects.get()
    assert (only.choice, only.reason_code, only.comment) == ("A", "typo", "Table 3 has the minus.")
    assert (only.decided_by, only.outcome_shown) == (adjudicator, False)
    # after the last one it says so and stays
    response = post(client, second)
    assert "Nothing is open any more." in client.get(response["Location"]).content.decode()


def test_the_largest_impact_comes_first_and_what_was_decided_stays_where_it_was(
    client: Client, review: Review, sizes: dict[Any, Impact]
) -> None:
    small, large, unknown = differing(review, "A small"), differing(review, "B large"), differing(review, "C none")
    sizes |= {small.pk: Impact(0.001), large.pk: Impact(0.02)}
    assert labels(page(client, review)) == ["B large", "A small", "C none"]
    location = post(client, large)["Location"]
    assert f"at={small.pk}" in location
    # the sizes move with the decision; the order under the hand does not
    sizes |= {small.pk: Impact(0.03), large.pk: Impact(0.02, -0.02), unknown.pk: Impact(0.1)}
    assert labels(client.get(location)) == ["B large", "A small", "C none"]
    # whoever comes anew finds the new order
    assert labels(page(client, review)) == ["C none", "A small", "B large"]


@pytest.mark.parametrize("order", ["trial", "oldest"])
def test_other_orders_and_filters(client: Client, review: Review, order: str, sizes: dict[Any, Impact]) -> None:
    second, first = differing(review, "Beta"), differing(review, "Alpha")
    sizes |= {second.pk: Impact(0.02), first.pk: Impact(0.01)}
    expected = ["Alpha", "Beta"] if order == "trial" else ["Beta", "Alpha"]
    assert labels(page(client, review, order=order)) == expected
    post(client, second)
    assert labels(page(client, review, which="open")) == ["Alpha"]
    assert labels(page(client, review, which="decided", at=second.pk)) == ["Beta"]
    assert labels(page(client, review, trial=str(first.trial_id))) == ["Alpha"]


def test_direction_is_told_after_the_decision_and_not_before(
    client: Client, review: Review, sizes: dict[Any, Impact]
) -> None:
    row = differing(review)
    sizes[row.pk] = Impact(0.0046)
    html = page(client, review).content.decode()
    assert "0.0046" in html
    assert "+0.0046" not in html
    assert "mark-b" not in html
    assert reverse("analysis:choice", args=[row.pk]) not in html
    post(client, row)
    sizes[row.pk] = Impact(0.0046, -0.0046)
    html = page(client, review, at=row.pk).content.decode()
    assert "−0.0046" in html
    assert reverse("analysis:choice", args=[row.pk]) in html


def test_what_was_typed_is_kept_when_it_cannot_be_read(client: Client, review: Review) -> None:
    row = differing(review)
    response = post(client, row, choice="other", centre_kind="mean", centre="about two", comment="hm")
    html = response.content.decode()
    assert response.status_code == 400
    assert 'value="about two"' in html
    assert 'value="hm"' in html
    assert not Resolution.objects.exists()


def test_another_value_goes_into_the_final_entry_as_printed(client: Client, review: Review) -> None:
    row = differing(review)
    post(client, row, choice="other", centre_kind="mean", centre="-2.10")
    final = Observation.objects.get(entry__trial=row.trial_id, entry__slot="FINAL", arm__label="Training")
    assert final.centre_printed == "-2.10"


def test_without_a_choice_nothing_is_decided(client: Client, review: Review) -> None:
    response = post(client, differing(review), choice="")
    assert response.status_code == 400
    assert "Choose A, B, another value or not reported." in response.content.decode()


def test_a_stale_page_gets_409_with_the_newest_and_what_was_typed(client: Client, review: Review) -> None:
    row = differing(review)
    reconcile.resolve(row.pk, A, by=member(review, "lead"))
    response = post(client, row, choice="B", comment="my reason")
    html = response.content.decode()
    assert response.status_code == 409
    assert "Somebody decided this since you opened it." in html
    assert 'value="my reason"' in html
    assert 'name="version" value="2"' in html, "a second press decides on what is seen now"
    assert Resolution.objects.count() == 1


def test_undo_takes_the_last_decision_back_and_comes_to_it(client: Client, review: Review) -> None:
    first, _ = differing(review, "A"), differing(review, "B")
    location = post(client, first)["Location"]
    html = client.get(location).content.decode()
    action = re.search(r'action="([^"]+/undo/\?[^"]*)"', html)
    assert action is not None
    assert str(first.pk) in action[1]
    response = client.post(action[1].replace("&amp;", "&"), {"version": "2"})
    assert f"at={first.pk}" in response["Location"]
    first.refresh_from_db()
    assert first.state == "open"
    assert "Taken back" in client.get(response["Location"]).content.decode()


def test_undo_is_not_offered_and_not_done_once_the_trial_is_approved(client: Client, review: Review) -> None:
    row, _ = differing(review, "A"), differing(review, "B")
    post(client, row)
    approve.approve(row.trial_id, by=member(review, "lead"))
    html = page(client, review, at=row.pk).content.decode()
    assert "/undo/" not in html
    assert "reopen the trial" in html
    response = client.post(reverse("extraction:undo-decision", args=[row.pk]), {"version": "2"})
    assert response.status_code == 409
    row.refresh_from_db()
    assert row.state == "decided"


def test_what_another_has_in_hand_is_shown_as_such_and_left_out_of_going_on(client: Client, review: Review) -> None:
    first, second, third = (differing(review, label) for label in "ABC")
    claim(second.pk, by=member(review, "lead"))
    assert f"at={third.pk}" in post(client, first)["Location"]
    html = page(client, review, at=second.pk).content.decode()
    assert "The adjudicator on duty has this one." in html
    assert 'name="choice"' not in html
    assert str(third.pk) in html
    assert post(client, second).status_code == 409


def test_the_open_page_claims_and_reading_it_does_not(client: Client, review: Review, adjudicator: User) -> None:
    row = differing(review)
    page(client, review)
    assert not Claim.objects.exists()
    answer = client.post(reverse("extraction:claim", args=[row.pk]))
    assert "Claimed by you" in answer.content.decode()
    assert Claim.objects.get().user == adjudicator
    other = signed_in(member(review, "lead")).post(reverse("extraction:claim", args=[row.pk]))
    assert "The adjudicator on duty has this one." in other.content.decode()


def test_those_that_move_nothing_are_decided_together_or_not_at_all(
    client: Client, review: Review, sizes: dict[Any, Impact]
) -> None:
    none, nearly, much = (differing(review, label) for label in "ABC")
    sizes |= {none.pk: Impact(0.0), nearly.pk: Impact(0.00004), much.pk: Impact(0.3)}
    address = reverse("extraction:decide-together", args=[review.pk])
    html = client.get(address).content.decode()
    assert [str(row.pk) in html for row in (none, nearly, much)] == [True, True, False]
    sent = {"row": [none.pk, nearly.pk, much.pk], "choice": "B", "reason_code": "judgement"}
    claim(nearly.pk, by=member(review, "lead"))
    assert client.post(address, sent).status_code == 409
    assert not Resolution.objects.exists()
    with_one_left_out = {**sent, "row": [none.pk]}
    assert client.post(address, with_one_left_out).status_code == 302
    assert Resolution.objects.get().discrepancy == none


def proposal(html: str) -> dict[str, str]:
    """What the button of the key `p` would send; nothing where there is none."""
    forms = re.findall(r"<form[^>]*>.*?</form>", html, flags=re.DOTALL)
    return next((sent(form) for form in forms if 'data-key="p"' in form), {})


def test_what_is_proposed_is_taken_with_the_reason_of_its_diagnosis(client: Client, review: Review) -> None:
    row = differing(review, treated={"spread": "0.32"})
    assert (row.diagnosis, row.suggests) == ("se_as_sd", "A")
    html = page(client, review, row.pk).content.decode()
    assert "<kbd>p</kbd> take A, as proposed" in html
    data = proposal(html)
    assert (data["choice"], data["reason_code"]) == ("A", "se_as_sd")
    assert client.post(reverse("extraction:resolve", args=[row.pk]), data).status_code == 302
    made_of_it = Resolution.objects.get(discrepancy=row)
    assert (made_of_it.choice, made_of_it.reason_code) == ("A", "se_as_sd")
    # once decided, nothing is proposed any more
    assert proposal(page(client, review, row.pk).content.decode()) == {}


def test_where_nothing_says_which_side_is_wrong_nothing_is_proposed(client: Client, review: Review) -> None:
    row = differing(review, treated={"centre": "2.1"})  # -2.1 and 2.1, a change with nothing beside it
    assert (row.diagnosis, row.suggests) == ("sign", "")
    html = page(client, review, row.pk).content.decode()
    assert "as proposed" not in html
    assert proposal(html) == {}


def test_what_another_has_in_hand_is_not_proposed(client: Client, review: Review) -> None:
    row = differing(review, treated={"spread": "0.32"})
    claim(row.pk, by=member(review, "adjudicator"))
    assert proposal(page(client, review, row.pk).content.decode()) == {}


def test_both_extractors_are_asked_from_the_page_and_answers_show_once_both_are_in(
    client: Client, review: Review
) -> None:
    row = differing(review)
    html = page(client, review, row.pk, order="trial").content.decode()
    assert "<kbd>a</kbd> ask both" in html
    (form,) = [one for one in re.findall(r"<form[^>]*>.*?</form>", html, flags=re.DOTALL) if 'name="text"' in one]
    address = reverse("extraction:ask-extractors", args=[row.pk])
    assert f'action="{address}"' in form
    data = sent(form) | {"text": "Which table did you read?"}
    back = client.post(address, data)
    assert back.status_code == 302
    assert back.headers["Location"] == data["then"]
    assert str(row.pk) in data["then"]
    assert "order=trial" in data["then"]
    # the question stands there, and no second one is offered
    html = client.get(data["then"]).content.decode()
    assert "Which table did you read?" in html
    assert "No answer to show yet" in html
    assert address not in html
    assert "ask both" not in html
    question = Question._base_manager.get()
    answer(question.pk, "Table two hundred.", by=holder(row.trial, "A"))
    assert "Table two hundred." not in page(client, review, row.pk).content.decode()
    answer(question.pk, "Table three hundred.", by=holder(row.trial, "B"))
    html = page(client, review, row.pk).content.decode()
    assert "Table two hundred." in html
    assert "Table three hundred." in html


def test_asking_after_a_refused_decision_comes_back_to_the_page(client: Client, review: Review) -> None:
    row = differing(review)
    refused = client.post(reverse("extraction:resolve", args=[row.pk]), {"version": "1"})
    assert refused.status_code == 400
    forms = re.findall(r"<form[^>]*>.*?</form>", refused.content.decode(), flags=re.DOTALL)
    (data,) = [sent(one) for one in forms if 'name="text"' in one and "ask" in one]
    back = client.post(reverse("extraction:ask-extractors", args=[row.pk]), data | {"text": "Which?"}, follow=True)
    assert back.redirect_chain
    assert back.status_code == 200
    assert back.context["row"].pk == row.pk


def test_an_extractor_of_a_trial_does_not_find_it_in_the_queue(review: Review) -> None:
    own, other = differing(review, "Own"), differing(review, "Other")
    lead = member(review, "lead", "adjudicator", user=holder(own.trial, "A"))
    client = signed_in(lead)
    assert labels(page(client, review)) == ["Other"]
    assert page(client, review, at=own.pk).context["row"] == other
    assert post(client, own).status_code == 404


@pytest.mark.parametrize("roles", [("reader",), ("extractor",)])
def test_for_those_who_decide_nothing_there_is_no_queue(review: Review, roles: tuple[str, ...]) -> None:
    assert page(signed_in(member(review, *roles)), review).status_code == 404


def test_where_the_values_lie_counts_approved_trials_alone(client: Client, review: Review) -> None:
    made(MarkerFactory, review=review, code="CRP")
    for _ in range(5):
        trial_at(Status.APPROVED, review, marker="CRP")
    trial: Trial = made(TrialFactory, review=review)
    submitted(trial, "A", marker="CRP")
    submitted(trial, "B", marker="CRP", cells={"treated": {"centre": "2.1"}})
    waiting: Trial = made(TrialFactory, review=review)
    submitted(waiting, "A", marker="CRP", cells={"treated": {"centre": "99"}})
    submitted(waiting, "B", marker="CRP", cells={"treated": {"centre": "98"}})
    strip = page(client, review, at=Discrepancy.objects.get(trial=trial).pk).context["strip"]
    assert len(strip.dots) == 10  # two arms of each approved trial
    assert strip.said.endswith("B, 2.1, is above all of them.")


def test_many_rows_cost_no_more_queries_than_one(
    client: Client, review: Review, django_assert_max_num_queries: Any
) -> None:
    differing(review)
    page(client, review)
    with django_assert_max_num_queries(60) as few:
        page(client, review)
    for _ in range(6):
        differing(review)
    with django_assert_max_num_queries(60) as many:
        page(client, review)
    assert len(many) <= len(few)
