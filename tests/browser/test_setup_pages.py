"""Setting a review up in a real browser, by somebody who is no programmer; and the pages of leads, seen by axe."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from extraction.invite import invite
from extraction.models import Assignment, Review, Trial, User
from extraction.protocols.shipped import shipped
from extraction.protocols.start import save_template, start_review
from extraction.states import Status
from tests.browser.test_pages import problems_of, stays_inside
from tests.factories import PASSWORD, TrialFactory, UserFactory, draft, member, submitted, trial_at

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SignIn = Callable[[User], Page]
REFERENCES = Path(__file__).parent.parent / "extraction" / "cases" / "references" / "zotero.ris"


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Page]:
    """Somebody else, at another machine."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def test_from_an_empty_installation_to_an_extractor_at_work(
    live_server: LiveServer, sign_in: SignIn, visitor: Page
) -> None:
    # given the first account of an installation and nothing else
    page = sign_in(UserFactory.create(is_staff=True, is_superuser=True, username="first"))
    page.goto(live_server.url)
    # when they set a review up from the template
    page.get_by_role("link", name="Set up a review").click()
    page.get_by_label("Title").fill("Psychosocial interventions")
    page.get_by_label("Psychosocial interventions and immune function (template)").check()
    page.get_by_role("button", name="Set up the review").click()
    expect(page.get_by_text("60 Markers")).to_be_visible()
    # and bring references in
    page.get_by_role("link", name="Bring in references").click()
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_label("RIS or PubMed file").set_input_files(REFERENCES)
    page.get_by_role("button", name="Read the file").click()
    expect(page.get_by_text("2 references: 2 new")).to_be_visible()
    page.get_by_role("button", name="Bring in what is chosen").click()
    expect(page.get_by_text("2 new trials.")).to_be_visible()
    # and invite two people, who follow their links
    for name in ("mira", "jon"):
        page.goto(live_server.url + reverse("extraction:people", args=[Review.objects.get().pk]))
        page.get_by_label("For whom").fill(name)
        page.get_by_role("button", name="Make a link").click()
        visitor.context.clear_cookies()
        visitor.goto(page.get_by_label("The link").input_value())
        visitor.get_by_label("Your name").fill(name.title())
        visitor.get_by_label("User name").fill(name)
        visitor.get_by_label("Password", exact=True).fill(PASSWORD)
        visitor.get_by_label("Password once more").fill(PASSWORD)
        visitor.get_by_role("button", name="Make the account and join").click()
        expect(visitor.get_by_text("Nothing assigned yet.")).to_be_visible()
    # and share the slots
    page.get_by_role("link", name="Set up", exact=True).first.click()
    page.get_by_role("button", name="Assign 4 slots").click()
    expect(page.get_by_text("Every slot is taken")).to_be_visible()
    assert Assignment.objects.count() == 2 * Trial.objects.count() == 4
    # then the extractor finds the work, and goes through it by keys
    visitor.reload()
    expect(visitor.get_by_text("2 trials are assigned to you.")).to_be_visible()
    visitor.keyboard.press("j")
    visitor.keyboard.press("j")
    expect(visitor.get_by_role("link", name="Müller-Oerlinghausen 2011")).to_be_focused()
    visitor.keyboard.press("k")
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_role("heading", name="Irwin 2015")).to_be_visible()
    visitor.go_back()
    visitor.keyboard.press("n")
    expect(visitor).to_have_url(re.compile("/entry/"))


@pytest.fixture
def full(transactional_db: None) -> dict[str, Any]:
    """A review with everything on its pages, and who may open each."""
    lead: Any = UserFactory.create(username="lead", is_staff=True)
    review = start_review("Psychosocial", shipped("psychosocial_immune"), by=lead)
    save_template(review.pk, "Ours", by=lead, description="For the next one")
    trial_at(Status.ADJUDICATING, review, decider=lead, marker="il6")
    trial = TrialFactory.create(review=review)
    draft(trial, "A", marker="il6")
    extractor = trial.assignments.get(slot="A").user
    submitted(TrialFactory.create(review=review, slots={"A": extractor, "B": member(review, "extractor")}), "A")
    _, secret = invite(review.pk, ["extractor", "reader"], by=lead, note="Mira")
    return {"lead": lead, "extractor": extractor, "review": review, "secret": secret}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_that_a_template_or_a_file_fills_are_accessible_and_fit_a_phone(
    live_server: LiveServer, sign_in: SignIn, full: dict[str, Any], scheme: Any
) -> None:
    """What test_every_page.py sees almost empty, or does not reach: 60 markers, a preview, a link that lets one in."""
    page = sign_in(full["lead"])
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 844})
    wrong: list[str] = []

    def look(what: str) -> None:
        wrong.extend(f"{what}: {problem}" for problem in problems_of(page))
        if not stays_inside(page):
            wrong.append(f"{what}: wider than a phone")

    for name in ("codebook", "setup", "review"):
        page.goto(live_server.url + reverse(f"extraction:{name}", args=[full["review"].pk]))
        look(name)
    page.goto(live_server.url + reverse("extraction:references", args=[full["review"].pk]))
    page.get_by_label("RIS or PubMed file").set_input_files(REFERENCES)
    page.get_by_role("button", name="Read the file").click()
    expect(page.get_by_role("button", name="Bring in what is chosen")).to_be_visible()
    look("preview")
    page.context.clear_cookies()
    for address in (reverse("extraction:join", args=[full["secret"]]), "/join/closed/", "/accounts/reset/MQ/x-y/"):
        page.goto(live_server.url + address)
        look(address)
    sign_in(full["extractor"])
    page.goto(live_server.url)
    look("my work")
    assert wrong == []
