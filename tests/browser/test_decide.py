"""The adjudicator's page in a real browser: the demo review decided by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from analysis import setup
from analysis.recompute import recompute
from analysis.specification import Measure
from extraction.demo.load import People, load, make_people
from extraction.models import Claim, Discrepancy, Resolution, Review, User
from tests.browser.test_pages import problems_of, stays_inside

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SignIn = Callable[[User], Page]
MOST_PRESSES = 120


@pytest.fixture
def demo(transactional_db: None) -> tuple[Review, People]:
    people, _ = make_people()
    review = load(people)
    setup.create_default_syntheses(review.pk, by=people.lead, measure=Measure.CHANGE_G)
    recompute(review.pk)
    return review, people


class Keyboard:
    """Counts the presses."""

    def __init__(self, page: Page) -> None:
        self.page, self.presses = page, 0

    def press(self, key: str, *, leaves: bool = False) -> None:
        self.presses += 1
        if leaves:
            with self.page.expect_navigation():
                self.page.keyboard.press(key)
        else:
            self.page.keyboard.press(key)


def test_34_differences_by_keyboard_alone(
    live_server: LiveServer, demo: tuple[Review, People], sign_in: SignIn
) -> None:
    review, people = demo
    page = sign_in(people.adjudicator)
    page.set_default_timeout(60_000)
    page.goto(live_server.url + reverse("extraction:decide", args=[review.pk]))
    keys = Keyboard(page)
    # as proposed where something is proposed; else A, as found at the source
    for decided in range(34):
        expect(page.locator(".queue-head b")).to_have_text(f"{decided} of 34")
        if page.locator("[data-key=p]").count():
            keys.press("p", leaves=True)
        else:
            keys.press("1")
            keys.press("Enter", leaves=True)
        if decided == 2:  # a slip: taken back and decided the other way
            keys.press("u", leaves=True)
            expect(page.locator(".queue-head b")).to_have_text("2 of 34")
            keys.press("2")
            keys.press("Enter", leaves=True)
    expect(page.get_by_text("Nothing is open any more.")).to_be_visible()
    assert keys.presses <= MOST_PRESSES, keys.presses
    made = Resolution.objects.filter(discrepancy__trial__review=review)
    assert made.filter(withdraws=False).count() == 35
    assert made.filter(withdraws=True).count() == 1
    assert not Discrepancy.objects.filter(trial__review=review, state="open").exists()
    assert not Claim.objects.exists()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible_before_and_after_a_decision(
    live_server: LiveServer, demo: tuple[Review, People], sign_in: SignIn, scheme: Any
) -> None:
    review, people = demo
    page = sign_in(people.adjudicator)
    page.set_default_timeout(60_000)
    page.emulate_media(color_scheme=scheme)
    address = live_server.url + reverse("extraction:decide", args=[review.pk])
    page.goto(address)
    expect(page.get_by_text("Claimed by you")).to_be_visible()
    assert problems_of(page) == []
    # another value opens its fields and is where the typing goes on
    page.keyboard.press("3")
    expect(page.locator(".other")).to_be_visible()
    assert page.evaluate("document.activeElement.closest('.other') !== null")
    assert problems_of(page) == []
    page.goto(address)
    page.keyboard.press("1")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.locator(".q.done").first.click()
    expect(page.get_by_text("From A to B the pooled estimate moves by")).to_be_visible()
    expect(page.locator(".q.done .mark-b")).to_have_count(1)
    assert problems_of(page) == []
    page.goto(live_server.url + reverse("extraction:decide-together", args=[review.pk]))
    assert problems_of(page) == []
    for name in ("decide", "decide-together"):
        for width in (390, 768, 1360):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(live_server.url + reverse(f"extraction:{name}", args=[review.pk]))
            assert stays_inside(page), f"{name} at {width}"


def test_keys_are_letters_while_typing(live_server: LiveServer, demo: tuple[Review, People], sign_in: SignIn) -> None:
    review, people = demo
    page = sign_in(people.adjudicator)
    page.set_default_timeout(60_000)
    page.goto(live_server.url + reverse("extraction:decide", args=[review.pk]))
    page.get_by_label("Comment, if it helps the next reader").fill("")
    page.get_by_label("Comment, if it helps the next reader").press_sequentially("1 jump up n 2")
    assert not page.locator("[name=choice]:checked").count()
    assert not Resolution.objects.exists()
    # j and k move, and a link that has the focus is followed by Enter rather than a decision made
    page.locator("h1").click()
    with page.expect_navigation():
        page.keyboard.press("j")
    expect(page.locator(".q[aria-current]")).to_contain_text("Granata 2015")
    with page.expect_navigation():
        page.keyboard.press("k")
    expect(page.locator(".q[aria-current]")).to_contain_text("Molmen-Hansen 2011")
    page.keyboard.press("1")
    page.locator(".decide-body .head a").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Molmen-Hansen 2011")).to_be_visible()
    assert not Resolution.objects.exists()


def test_both_are_asked_and_a_proposal_is_taken_by_keyboard(
    live_server: LiveServer, demo: tuple[Review, People], sign_in: SignIn
) -> None:
    review, people = demo
    page = sign_in(people.adjudicator)
    row = Discrepancy.objects.filter(trial__review=review, diagnosis="se_as_sd", suggests="A").earliest("position")
    at = f"{live_server.url}{reverse('extraction:decide', args=[review.pk])}?at={row.pk}"
    page.goto(at)
    # `a` opens the question and goes on to its words; Escape leaves them there
    page.keyboard.press("a")
    words = page.get_by_label("Your question to both")
    expect(words).to_be_focused()
    page.keyboard.type("Which page did you read, 1 or 2?")
    page.keyboard.press("Escape")
    expect(words).to_be_hidden()
    page.keyboard.press("a")
    expect(words).to_have_value("Which page did you read, 1 or 2?")
    assert problems_of(page) == []
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    # it stands on the page of the difference, and the decision is still to make
    expect(page.locator(".question .quote")).to_have_text("Which page did you read, 1 or 2?")
    assert str(row.pk) in page.url
    assert not Resolution.objects.exists()
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert stays_inside(page), width
    with page.expect_navigation():
        page.keyboard.press("p")
    made = Resolution.objects.get()
    assert (made.discrepancy_id, made.choice, made.reason_code) == (row.pk, "A", "se_as_sd")
