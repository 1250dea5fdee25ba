"""The pages in a real browser: accessible, within the content policy, and the main job done by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Dialog, Page, expect
from pytest_django.live_server_helper import LiveServer

from extraction.models import Entry, Review, Trial, User
from extraction.states import EntryState, Status
from extraction.workbook import uploads
from tests.factories import (
    PASSWORD,
    InterventionFactory,
    MarkerFactory,
    ReviewFactory,
    TrialFactory,
    decide_all_for_a,
    draft,
    holder,
    member,
    trial_at,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SignIn = Callable[[User], Page]


def problems_of(page: Page) -> list[str]:
    """What axe calls serious or critical, with the first places."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:160]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def stays_inside(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.fixture
def review(transactional_db: None) -> Any:
    review = ReviewFactory.create(title="HIIE versus MICT")
    InterventionFactory.create(review=review, code="HIIT", name="High-intensity interval training")
    MarkerFactory.create(review=review, code="IL-6", name="Interleukin-6")
    return review


def test_an_extractor_enters_a_trial_by_hand(page: Page, live_server: LiveServer, review: Review) -> None:
    # given a trial of an extractor
    extractor = member(review, "extractor", username="extractor_a")
    trial = TrialFactory.create(
        review=review, label="Kim 2015", slots={"A": extractor, "B": member(review, "extractor")}
    )
    # when they sign in and start it
    page.goto(live_server.url)
    page.get_by_label("User name").fill("extractor_a")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Next trial: Kim 2015").click()
    # and describe two arms (one in a row of its own making), a timepoint and an outcome
    arms = page.locator("fieldset.strip-arm")
    for number, label in enumerate(["HIIT", "MICT"]):
        arms.nth(number).get_by_label("Name, as printed").fill(label)
    page.locator("#part-arms").get_by_role("button", name="One more row").click()
    arms.last.get_by_label("Name, as printed").fill("Control")
    page.locator("fieldset.strip-timepoint").first.get_by_label("Phase").select_option("post")
    page.locator("fieldset.strip-timepoint").first.get_by_label("As printed").fill("12 weeks")
    page.locator("fieldset.strip-outcome").first.get_by_label("Name, as printed").fill("Interleukin-6")
    page.locator("fieldset.strip-outcome").first.get_by_label("Marker").select_option("IL-6")
    page.get_by_role("button", name="Save draft").click()
    # then the grid opens; they type down a column with Enter, and quartiles have two boxes
    expect(page.get_by_role("heading", name="Interleukin-6")).to_be_visible()
    page.get_by_label("Interleukin-6: kind of centre").select_option("median")
    page.get_by_label("Interleukin-6: kind of spread").select_option("iqr")
    expect(page.locator("[data-word=first]")).to_have_text("Q1")
    for name, texts in {
        "n": ["14", "15", "NR"],
        "centre": ["1.40", "1.35", "<0.5"],
        "first": ["0.80", "0.70", "NR"],
        "second": ["3.10", "2.90", ""],
    }.items():
        page.locator(f'.trio [name$=".{name}"]').first.focus()
        for text in texts:
            page.keyboard.type(text)
            page.keyboard.press("Enter")
    page.get_by_role("button", name="Check and submit").click()
    # then the look over it names what is blank, and they submit
    expect(page.get_by_role("heading", name="Check and submit")).to_be_visible()
    expect(page.get_by_text("Values without a source")).to_be_visible()
    page.get_by_role("button", name="Submit Kim 2015").click()
    expect(page.get_by_text("This entry is submitted and read-only.")).to_be_visible()
    # and the record says what was typed
    entry = Entry.objects.get(trial=trial)
    assert entry.state == EntryState.SUBMITTED
    said = entry.observations.order_by("position").values_list(
        "n_printed", "centre_printed", "spread_low_printed", "spread_high_printed", "spread_status"
    )
    assert list(said) == [
        ("14", "1.40", "0.80", "3.10", "reported"),
        ("15", "1.35", "0.70", "2.90", "reported"),
        ("", "<0.5", "", "", "NR"),
    ]


def test_leaving_with_something_unsaved_asks_first(live_server: LiveServer, review: Review, sign_in: SignIn) -> None:
    trial = TrialFactory.create(review=review)
    entry = draft(trial, "A")
    page = sign_in(holder(trial, "A"))
    page.goto(live_server.url + reverse("extraction:entry", args=[entry.pk]))
    page.locator('.trio [name$=".centre"]').first.fill("7.7")
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    page.get_by_role("link", name="Codebook").click()
    expect(page.get_by_role("heading", name="Codebook")).to_be_visible()
    assert asked == ["beforeunload"]


def test_light_and_dark_are_remembered_and_follow_the_system_at_first(
    live_server: LiveServer, review: Review, sign_in: SignIn
) -> None:
    page = sign_in(member(review, "reader"))
    page.emulate_media(color_scheme="dark")
    page.goto(live_server.url)
    html = page.locator("html")
    expect(html).to_have_attribute("data-bs-theme", "dark")
    page.get_by_role("button", name="Switch light and dark").click()
    expect(html).to_have_attribute("data-bs-theme", "light")
    page.reload()
    expect(html).to_have_attribute("data-bs-theme", "light")


def test_the_account_menu_opens_by_keyboard_closes_with_escape_and_signs_out(
    live_server: LiveServer, review: Review, sign_in: SignIn
) -> None:
    page = sign_in(member(review, "reader", username="reader"))
    page.goto(live_server.url)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    menu = page.locator("details.menu > summary")
    menu.focus()
    page.keyboard.press("Enter")
    sign_out = page.get_by_role("button", name="Sign out")
    expect(sign_out).to_be_visible()
    page.keyboard.press("Escape")
    expect(sign_out).to_be_hidden()
    expect(menu).to_be_focused()
    page.keyboard.press("Enter")
    sign_out.click()
    expect(page).to_have_url(re.compile("/login/"))


def waiting(user: User, review: Review) -> str:
    """An upload that waits for its preview."""
    file = b"trial,arm,n,marker,unit,weeks,mean,sd\nKim 2015,Training,14,IL-6,pg/mL,0,5.25,1.1\n,,,,,,x,"
    return uploads.hold(uploads.receive("observations.csv", file), review_id=review.pk, by=user)


@pytest.fixture
def pages(review: Review) -> list[tuple[User, str]]:
    """Pages with much on them, and those that no address alone leads to; test_every_page.py has the others."""
    lead = member(review, "lead", "adjudicator", is_staff=True)
    differing = trial_at(Status.ADJUDICATING, review, decider=lead, label="Lunt 2014", marker="IL-6")
    approved = trial_at(Status.ADJUDICATING, review, decider=lead, label="Madssen 2014", marker="IL-6")
    decide_all_for_a(approved, by=lead)
    trial_at(Status.AGREED, review, decider=lead, label="Matsuo 2015")
    extractor = holder(differing, "A")
    entering: Trial = TrialFactory.create(review=review, label="Kim 2015", slots={"A": extractor, "B": lead})
    entry = draft(entering, "A", marker="IL-6")

    def at(name: str, *keys: Any) -> str:
        return reverse(f"extraction:{name}", args=keys)

    return [
        (extractor, at("work")),
        (lead, at("review", review.pk)),
        (lead, at("trial", approved.pk)),
        (extractor, at("entry", entry.pk)),
        (extractor, f"{at('import-preview')}?{urlencode({'upload': waiting(extractor, review)})}"),
        (lead, "/no-such-page"),
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_full_page_is_accessible(
    scheme: Any, live_server: LiveServer, pages: list[tuple[User, str]], sign_in: SignIn
) -> None:
    found: dict[str, list[str]] = {}
    for user, address in pages:
        page = sign_in(user)
        page.emulate_media(color_scheme=scheme)
        response = page.goto(live_server.url + address)
        assert response is not None
        assert response.status == (404 if address == "/no-such-page" else 200), address
        for details in page.locator("details").all()[:3]:
            details.evaluate("one => one.open = true")
        if problems := problems_of(page):
            found[address] = problems
    assert found == {}


def test_the_sign_in_page_is_accessible(page: Page, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/accounts/login/")
    page.get_by_label("User name").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert problems_of(page) == []


@pytest.mark.parametrize("width", [320, 768, 1920])
def test_no_page_scrolls_sideways(
    width: int, live_server: LiveServer, pages: list[tuple[User, str]], sign_in: SignIn
) -> None:
    wide = []
    for user, address in pages:
        page = sign_in(user)
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(live_server.url + address)
        if not stays_inside(page):
            wide.append(address)
    assert wide == []
