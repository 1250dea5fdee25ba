"""The page of structures in a real browser: by keyboard alone, by dragging, and on a telephone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from extraction.models import Trial, User
from extraction.states import Status
from tests.browser.test_pages import problems_of, stays_inside
from tests.extraction.structures import matched, tangled
from tests.factories import TrialFactory, made, member

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SignIn = Callable[[User], Page]
RIGHT = {
    ("HIIT", "Interval training", "confirmed"),
    ("MICT", "Moderate continuous", "confirmed"),
    ("Yoga at home + Yoga in class", "Yoga", "confirmed"),
    ("Waiting list", "Waiting list", "confirmed"),
}


@pytest.fixture
def trial(transactional_db: None) -> Any:
    return tangled(made(TrialFactory, label="Lunt 2014"))


@pytest.fixture
def opened(trial: Trial, live_server: LiveServer, sign_in: SignIn) -> Page:
    page = sign_in(member(trial.review, "adjudicator", username="decider"))
    page.goto(live_server.url + reverse("extraction:align", args=[trial.pk]))
    return page


def press(page: Page, key: str) -> None:
    """A key that is an act: the page comes back with what was said."""
    with page.expect_navigation():
        page.keyboard.press(key)


def test_a_trial_is_aligned_by_keyboard_alone(opened: Page, trial: Trial) -> None:
    page = opened
    expect(page.get_by_text("Listed in the other order")).to_be_visible()
    expect(page.get_by_role("button", name="Compare values")).to_be_disabled()
    # the two that were swapped are taken for different ones, then not
    press(page, "Enter")
    assert {row for row in matched(trial) if row[2] == "confirmed"} >= {
        row for row in RIGHT if row[0] in {"HIIT", "MICT"}
    }
    press(page, "u")
    expect(page.get_by_text("Listed in the other order")).to_be_visible()
    press(page, "Enter")
    # the merge is taken apart, and put together by hand
    expect(page.locator(".band.on")).to_contain_text("Yoga at home")
    page.keyboard.press("k")
    expect(page.locator(".band.on")).to_contain_text("MICT")
    page.keyboard.press("j")
    press(page, "x")
    page.keyboard.press("m")
    for name in ("Yoga at home", "Yoga in class"):
        box = page.get_by_role("checkbox", name=name)
        while not box.evaluate("box => box === document.activeElement"):
            page.keyboard.press("ArrowDown")
        if not box.is_checked():
            page.keyboard.press("Space")
    box = page.get_by_role("checkbox", name="B3 Yoga")
    while not box.evaluate("box => box === document.activeElement"):
        page.keyboard.press("ArrowDown")
    if not box.is_checked():
        page.keyboard.press("Space")
    press(page, "Enter")
    assert matched(trial) == RIGHT
    # the time that only A has
    expect(page.locator(".band.on")).to_contain_text("24 weeks")
    press(page, "o")
    # then the values are compared
    trial.refresh_from_db()
    assert trial.status != Status.ALIGNING
    expect(page.get_by_role("link", name="Compare values")).to_be_visible()


def drag(page: Page, card: str, onto: str) -> None:
    with page.expect_navigation():
        page.locator(f".card-s:has-text('{card}')").first.drag_to(page.locator(onto).first)


def test_a_trial_is_aligned_by_dragging(opened: Page, trial: Trial) -> None:
    page = opened
    page.set_viewport_size({"width": 1360, "height": 1500})  # all of it in view: nothing scrolls under a drag
    drag(page, "MICT", ".card-s:has-text('Moderate continuous')")
    drag(page, "Interval training", ".card-s:has-text('HIIT')")
    # the merge is made again from its parts: one to the arm, the other to the first
    drag(page, "Yoga at home", ".card-s:has-text('B3 Yoga')")
    assert ("Yoga in class", "", "proposed") in matched(trial)
    drag(page, "Yoga in class", ".card-s:has-text('Yoga at home')")
    assert matched(trial) == RIGHT
    drag(page, "24 weeks", "[aria-labelledby=timepoints] .band.open [data-none=b]")
    expect(page.get_by_role("link", name="Compare values")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_is_accessible_and_fits(opened: Page, trial: Trial, theme: str) -> None:
    page = opened
    page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
    for width in (1360, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.reload()
        assert problems_of(page) == []
        assert stays_inside(page)
    first, second = (page.locator(".band .cards").nth(place).bounding_box() for place in (0, 1))
    assert first is not None
    assert second is not None
    assert abs(first["x"] - second["x"]) < 2  # stacked: B under A
    assert second["y"] >= first["y"] + first["height"] - 1
    press(page, "Enter")
    assert problems_of(page) == []


def test_without_scripts_every_act_is_a_button(
    browser: Any, trial: Trial, live_server: LiveServer, opened: Page
) -> None:
    context = browser.new_context(java_script_enabled=False, storage_state=opened.context.storage_state())
    page = context.new_page()
    page.goto(live_server.url + reverse("extraction:align", args=[trial.pk]))
    with page.expect_navigation():
        page.get_by_role("button", name="Confirm both").click()
    page.get_by_text("Match arms by hand").click()
    page.get_by_role("checkbox", name="Yoga at home").check()
    page.get_by_role("checkbox", name="Yoga in class").check()
    page.get_by_role("checkbox", name="B3 Yoga").check()
    with page.expect_navigation():
        page.get_by_role("button", name="What is ticked is the same").click()
    page.get_by_role("button", name="Only A saw it").click()
    expect(page.get_by_role("link", name="Compare values")).to_be_visible()
    assert matched(trial) == RIGHT
    context.close()
