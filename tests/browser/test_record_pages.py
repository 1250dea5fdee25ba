"""Approving, reopening, the story of a number, agreement and rules, by hand in a real browser."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from analysis.recompute import recompute
from analysis.setup import create_default_syntheses
from analysis.specification import Measure
from extraction import approve
from extraction.models import Entry, Event, Review, Rule, User
from extraction.rules import make_rule
from extraction.states import Status
from tests.browser.test_pages import problems_of, stays_inside
from tests.factories import MarkerFactory, ReviewFactory, decide_all_for_a, member, trial_at

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SignIn = Callable[[User], Page]
PICTURES = os.environ.get("PICTURES_OF_PAGES")  # a folder, to look at them


@pytest.fixture
def review(transactional_db: None) -> Any:
    found: Any = ReviewFactory.create(title="HIIE versus MICT")
    MarkerFactory.create(review=found, code="IL-6", name="Interleukin-6")
    return found


@pytest.fixture
def judge(review: Review) -> Any:
    return member(review, "lead", "adjudicator", username="judge", first_name="Ada", last_name="Judge")


def look(page: Page, name: str) -> None:
    """Light and dark without a serious problem, and 390 px wide without sideways scrolling."""
    found = []
    for theme in ("light", "dark"):
        page.evaluate("theme => document.documentElement.setAttribute('data-bs-theme', theme)", theme)
        found += problems_of(page)
        if PICTURES:
            page.screenshot(path=str(Path(PICTURES) / f"{name}-{theme}.png"), full_page=True)
    before = page.viewport_size or {"width": 1280, "height": 720}
    page.set_viewport_size({"width": 390, "height": 844})
    assert stays_inside(page), f"{name} is wider than 390 px"
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}-390.png"), full_page=True)
    page.set_viewport_size(before)
    page.evaluate("document.documentElement.setAttribute('data-bs-theme', 'light')")
    assert found == [], name


def test_a_trial_is_approved_read_as_a_story_reopened_and_approved_again(
    page: Page, live_server: LiveServer, sign_in: SignIn, review: Review, judge: User
) -> None:
    # given a pooled trial, and one whose difference is decided
    trial_at(Status.APPROVED, review, decider=judge, marker="IL-6", label="Abdelbasset 2020")
    trial = trial_at(Status.ADJUDICATING, review, decider=judge, marker="IL-6", label="Kim 2015")
    decide_all_for_a(trial, by=judge)
    create_default_syntheses(review.pk, by=judge, measure=Measure.CHANGE_G)
    recompute(review.pk)
    # when the lead looks it over
    sign_in(judge)
    page.goto(f"{live_server.url}/trial/{trial.pk}/")
    page.get_by_role("link", name="Look over and approve").click()
    # then what it will change comes by itself, beside what is still open
    expect(page.get_by_role("region", name="Results before and after")).to_be_visible()
    expect(page.get_by_text("Values without a source")).to_be_visible()
    look(page, "approve")
    page.get_by_role("button", name="Approve version 1").click()
    expect(page.get_by_text("Kim 2015 is approved.")).to_be_visible()
    recompute(review.pk)
    # and the story of a number goes from two printed values to the results
    page.get_by_role("link", name="Story of IL-6, Training").click()
    expect(page.get_by_role("heading", name="Decided: A")).to_be_visible()
    expect(page.get_by_role("heading", name="Went into")).to_be_visible()
    look(page, "story")
    page.get_by_role("link", name="spread", exact=True).click()
    expect(page.get_by_text("Both say the same")).to_be_visible()
    # and it is reopened with a reason, found right, and approved as the next version
    page.get_by_role("link", name="Kim 2015").first.click()
    page.get_by_role("link", name="Reopen").click()
    expect(page.get_by_label("Why it is reopened")).to_be_visible()
    look(page, "reopen")
    page.get_by_label("Why it is reopened").fill("An erratum was published")
    page.get_by_role("button", name="Reopen Kim 2015").click()
    expect(page.get_by_text("Kim 2015 is reopened.")).to_be_visible()
    page.get_by_role("button", name="Nothing more to change").click()
    page.get_by_role("link", name="Look over and approve").click()
    page.get_by_role("button", name="Approve version 2").click()
    page.get_by_role("link", name="What changed between versions").click()
    expect(page.get_by_text("says the same as version 1")).to_be_visible()
    expect(page.get_by_text("An erratum was published")).to_be_visible()
    look(page, "versions")
    assert Entry.objects.filter(trial=trial, slot="FINAL", state="submitted").count() == 2
    assert Event.objects.filter(trial=trial, verb="approve").count() == 2


def test_how_far_two_entries_agreed_is_read_on_one_page(
    page: Page, live_server: LiveServer, sign_in: SignIn, review: Review, judge: User
) -> None:
    for status in (Status.AGREED, Status.AGREED, Status.ADJUDICATING):
        trial = trial_at(status, review, decider=judge, marker="IL-6")
    decide_all_for_a(trial, by=judge)
    create_default_syntheses(review.pk, by=judge, measure=Measure.CHANGE_G)
    sign_in(judge)
    page.goto(f"{live_server.url}/review/{review.pk}/results/")
    page.get_by_role("link", name="Agreement").click()
    expect(page.get_by_role("heading", name="Agreement")).to_be_visible()
    expect(page.get_by_text("extracted 3 trials independently")).to_be_visible()
    expect(page.get_by_role("img", name="3 effects by how far the two entries lie apart")).to_be_visible()
    look(page, "agreement")


def test_a_decision_becomes_a_rule(
    page: Page, live_server: LiveServer, sign_in: SignIn, review: Review, judge: User
) -> None:
    trial = trial_at(Status.ADJUDICATING, review, decider=judge, marker="IL-6", label="Kim 2015")
    decide_all_for_a(trial, by=judge)
    approve.approve(trial.pk, by=judge)
    sign_in(judge)
    page.goto(f"{live_server.url}/trial/{trial.pk}/")
    page.get_by_role("link", name="Make a rule of it").click()
    page.get_by_label("The rule").fill("Take the larger mean")
    page.get_by_label("Where two entries differ it takes").select_option(label="the larger number")
    look(page, "rule-form")
    page.get_by_role("button", name="Put it into the codebook").click()
    expect(page.get_by_role("heading", name="Held against past decisions")).to_be_visible()
    look(page, "rule")
    make_rule(review.pk, {"text": "Use the ITT n", "subject": "observation", "field": "n"}, by=judge)
    page.goto(f"{live_server.url}/review/{review.pk}/rules/")
    expect(page.get_by_text("1 of 1 decided otherwise")).to_be_visible()
    look(page, "rules")
    assert Rule.objects.filter(review=review).count() == 2
