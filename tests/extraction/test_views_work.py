"""My work: sections, the bar, blindness, several reviews, and what waits for those who decide."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from extraction import enter, reconcile, setup
from extraction.models import User
from extraction.states import Status
from extraction.views.work import Section, bar
from tests.factories import ReviewFactory, TrialFactory, UserFactory, draft, holder, member, submitted, trial_at

pytestmark = pytest.mark.django_db
WORK = "/"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(user: User, address: str = WORK) -> str:
    response = signed_in(user).get(address)
    assert response.status_code == 200
    return str(response.content.decode())


def sections(user: User) -> dict[str, list[str]]:
    """Labels of trials by section, as the page shows them."""
    found: dict[str, list[str]] = {}
    for part in re.split(r'<h2 id="', page(user))[1:]:
        found[part[: part.index('"')]] = re.findall(r'class="title" href="[^"]+">([^<]+)<', part)
    return found


def test_each_assigned_trial_stands_in_the_section_of_its_state() -> None:
    # given an extractor with a trial in every state
    review = ReviewFactory.create()
    me, lead = member(review, "extractor"), member(review, "lead")

    def mine(label: str) -> Any:
        return TrialFactory.create(review=review, label=label, slots={"A": me, "B": member(review, "extractor")})

    mine("Not begun")
    draft(mine("Begun"), "A")
    submitted(mine("Submitted"), "A")
    returned = mine("Returned")
    submitted(returned, "A")
    submitted(returned, "B", cells={"treated": {"centre": "2.1"}})
    reconcile.return_to_extractors(returned.pk, ["A"], "Enter changes, please look at Table 3.", by=lead)
    differing = mine("Differing")
    submitted(differing, "A")
    submitted(differing, "B", cells={"treated": {"centre": "2.1"}})
    trial_at(Status.APPROVED, review, label="Approved", slots={"A": me, "B": member(review, "extractor")})
    excluded = mine("Excluded")
    setup.exclude_trial(excluded.pk, "Not randomised", by=lead)
    # then each is in its place
    assert sections(me) == {
        "returned": ["Returned"],
        "progress": ["Begun"],
        "start": ["Not begun"],
        "waiting": ["Differing", "Submitted"],
        "done": ["Approved", "Excluded"],
    }
    text = page(me)
    # and the reason stands with what was returned, which is also what comes next
    assert "Enter changes, please look at Table 3." in text
    assert "Next trial: Returned" in text
    # and only the submission whose partner is not in can be undone
    assert re.findall(r'aria-label="Undo the submission of ([^"]+)"', text) == ["Submitted"]
    # and somebody else's trials are not here
    assert sections(member(review, "extractor")) == {}


def test_a_trial_to_start_shows_its_citation_and_nothing_else_about_it() -> None:
    trial = TrialFactory.create(label="Kim 2015", citation="Kim et al. A trial. J Trials 2015", doi="10.1000/secret")
    text = page(holder(trial, "A"))
    assert "Kim et al. A trial. J Trials 2015" in text
    assert "10.1000/secret" not in text


def test_progress_counts_ones_own_cells() -> None:
    trial = TrialFactory.create()
    draft(trial, "A")
    assert "2 of 2 cells" in page(holder(trial, "A"))


def test_the_partners_work_changes_nothing_on_the_page_while_the_trial_is_being_entered() -> None:
    # given two blind extractors, one of whom is also a lead and an adjudicator
    trial = TrialFactory.create()
    me = member(trial.review, "extractor", "lead", "adjudicator", user=holder(trial, "A"))
    submitted(trial, "A")

    def picture() -> str:
        return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", page(me))

    before = picture()
    # when the partner starts and saves
    entry = draft(trial, "B")
    # then the page is the same to the byte
    assert picture() == before
    # and changes only with the partner's submission, which ends the blind phase
    enter.submit(entry.pk, by=holder(trial, "B"))
    assert picture() != before


def test_those_who_decide_see_the_review_by_state_and_what_waits_for_them() -> None:
    # given trials in each state
    review = ReviewFactory.create()
    person = member(review, "adjudicator", is_staff=True)
    for status in (Status.ENTERING, Status.ADJUDICATING, Status.ADJUDICATING, Status.AGREED, Status.APPROVED):
        trial_at(status, review, decider=person)
    text = page(person)
    counts = re.findall(r'class="tile-count[^"]*">(\d+)</span><span class="second">([^<]+)<', text)
    assert counts == [
        ("1", "Being entered"),
        ("0", "Structures differ"),
        ("2", "Entries differ"),
        ("1", "Entries agree"),
        ("1", "Approved"),
    ]
    assert "2 differences in 2 trials" in text
    assert "Decide 2 differences" in text
    assert reverse("admin:extraction_discrepancy_changelist") in text


def test_an_adjudicator_who_extracts_a_trial_is_not_told_of_its_differences() -> None:
    trial = trial_at(Status.ADJUDICATING)
    both = member(trial.review, "adjudicator", user=holder(trial, "A"))
    assert "open difference" not in page(both)
    assert "To decide" not in page(both)


def test_whoever_may_not_open_the_admin_gets_no_link_into_it() -> None:
    trial = trial_at(Status.ADJUDICATING)
    person = member(trial.review, "adjudicator")
    assert "/admin/" not in page(person)


def test_the_menu_has_what_the_person_may_do() -> None:
    review = ReviewFactory.create()
    menus = {
        role: re.findall(
            r'<a href="[^"]+"[^>]*>([^<]+)</a>',
            page(member(review, role, is_staff=role == "lead")).split("</nav>")[0].split("<nav")[1],
        )
        for role in ("extractor", "adjudicator", "lead", "reader")
    }
    assert menus == {
        "extractor": ["My work", "Codebook"],
        "adjudicator": ["My work", "Trials", "Queue", "Results", "Export", "Codebook"],
        "lead": ["My work", "Trials", "Progress", "Queue", "Results", "Export", "Codebook", "Set up"],
        "reader": ["My work", "Trials", "Results", "Export", "Codebook"],
    }


def test_a_person_of_several_reviews_chooses_one_and_it_is_remembered() -> None:
    # given a person in two reviews
    first, second = ReviewFactory.create(title="Alpha"), ReviewFactory.create(title="Beta")
    user = member(first, "reader")
    member(second, "reader", user=user)
    client = signed_in(user)
    assert "<span>Alpha</span>" in client.get(WORK).content.decode()
    # when they go to the other one
    client.post(reverse("extraction:choose-review"), {"review": second.pk})
    # then it stays
    assert "<span>Beta</span>" in client.get(WORK).content.decode()
    # and a review of others cannot be chosen
    assert client.post(reverse("extraction:choose-review"), {"review": ReviewFactory.create().pk}).status_code == 404
    assert client.post(reverse("extraction:choose-review"), {"review": "Alpha"}).status_code == 404


def test_who_is_in_no_review_is_told_what_to_expect() -> None:
    assert "You are a member of no review yet" in page(UserFactory.create())


def test_long_sections_are_cut_and_can_be_opened() -> None:
    review = ReviewFactory.create()
    me = member(review, "extractor")
    for _ in range(22):
        TrialFactory.create(review=review, slots={"A": me, "B": member(review, "extractor")})
    assert len(sections(me)["start"]) == 20
    text = page(me, "/?show=start")
    assert len(re.findall('aria-label="Start ', text)) == 22
    assert "Show all 22" in page(me)


def test_the_page_asks_the_database_no_more_for_many_trials() -> None:
    review = ReviewFactory.create()
    me, partner = member(review, "extractor", "lead"), member(review, "extractor")
    decider = member(review, "adjudicator")

    def more(count: int) -> None:
        for _ in range(count):
            draft(TrialFactory.create(review=review, slots={"A": me, "B": partner}), "A")
            trial_at(Status.ADJUDICATING, review, decider=decider)

    def queries() -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        client = signed_in(me)
        with CaptureQueriesContext(connection) as captured:
            client.get(WORK)
        return len(captured)

    more(1)
    few = queries()
    more(4)
    assert queries() == few


def test_the_bar_fills_its_width_with_a_gap_between_segments() -> None:
    parts = bar([Section("done", "", "", "s-done", 3, []), Section("start", "", "", "s-start", 1, [])])
    assert [(part.fill, part.x, part.width) for part in parts] == [("s-done", 0.0, 747.0), ("s-start", 751.0, 249.0)]
    assert bar([Section("start", "", "", "s-start", 0, [])]) == []


def test_a_lead_who_also_extracts_has_only_their_own_trials_to_enter() -> None:
    review = ReviewFactory.create()
    me = member(review, "extractor", "lead")
    TrialFactory.create(review=review, label="Mine", slots={"A": me, "B": member(review, "extractor")})
    TrialFactory.create(review=review, label="Theirs")
    assert sections(me)["start"] == ["Mine"]
