"""The administration in a real browser: usable on a small laptop (1280 px), readable on a phone (390 px)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from extraction.models import Approval, Discrepancy, Entry, Event, Match, Review, Trial, User
from extraction.states import Status
from tests.browser.test_pages import stays_inside
from tests.extraction.admin_pages import address
from tests.factories import (
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
SHOTS = os.environ.get("ADMIN_SHOTS")  # a folder: keep what was seen

# What stands beyond the right edge and in no box that scrolls by itself: it cannot be reached.
BEYOND = """() => {
  const found = [];
  const kinds = "a, button, input:not([type=hidden]), select, textarea, td, th, h1, h2, p, dd";
  for (const one of document.querySelectorAll(kinds)) {
    const box = one.getBoundingClientRect();
    if (!box.width || box.right <= window.innerWidth + 1 || one.closest(".visually-hidden")) continue;
    let scrolls = false;
    for (let up = one.parentElement; up && up !== document.body; up = up.parentElement) {
      const own = getComputedStyle(up).overflowX;
      const inside = up.getBoundingClientRect().right <= window.innerWidth + 1;
      if ((own === "auto" || own === "scroll") && inside) { scrolls = true; break; }
    }
    if (!scrolls) found.push(one.outerHTML.slice(0, 120));
  }
  return found.slice(0, 5);
}"""


# What can be reached and yet not be read or pressed: rows half a screen tall, words at the very edge, small buttons.
HARD = """() => {
  const found = [];
  for (const row of document.querySelectorAll("#result_list tbody tr")) {
    const tall = row.getBoundingClientRect().height;
    if (tall > 150) found.push(`a row ${tall} px tall: ${row.innerText.slice(0, 60)}`);
  }
  const bar = document.querySelector("#changelist .actions");
  const words = bar?.querySelector("label");
  const room = words && words.getBoundingClientRect().left - bar.getBoundingClientRect().left;
  if (words && room < 8) found.push("actions at the edge");
  for (const one of document.querySelectorAll("button, input[type=submit]")) {
    const box = one.getBoundingClientRect();
    if (box.width && box.height < 24) found.push(`${box.height} px: ${one.outerHTML.slice(0, 80)}`);
  }
  return found.slice(0, 5);
}"""


@pytest.fixture
def pages(transactional_db: None) -> list[tuple[User, str, str, list[str]]]:
    """Who looks, a name, an address, and the buttons that must be in view without scrolling sideways."""
    review: Any = ReviewFactory.create(title="HIIE versus MICT")
    InterventionFactory.create(review=review, code="HIIT", name="High-intensity interval training")
    MarkerFactory.create(review=review, code="IL-6", name="Interleukin-6")
    lead = member(review, "lead", "adjudicator", is_staff=True)
    long = "A randomised controlled trial of mindfulness-based stress reduction and inflammation, 2014"
    differing = trial_at(Status.ADJUDICATING, review, decider=lead, label=long, marker="IL-6")
    approved = trial_at(Status.ADJUDICATING, review, decider=lead, label="Madssen 2014", marker="IL-6")
    decide_all_for_a(approved, by=lead)
    trial_at(Status.APPROVED, review, decider=lead, label="Matsuo 2015", marker="IL-6")
    row = Discrepancy.objects.filter(trial=differing).earliest("position")
    extractor: User = holder(differing, "A")
    extractor.is_staff = True
    extractor.save()
    entering: Trial = TrialFactory.create(review=review, label="Kim 2015", slots={"A": extractor, "B": lead})
    own = draft(entering, "A", marker="IL-6")
    run = ["button[name=index]"]
    return [
        (lead, "discrepancies", address(Discrepancy, "changelist"), run),
        (lead, "discrepancy", address(row), ["input[name=_next]", "input[name=_save]"]),
        (lead, "trials", address(Trial, "changelist"), run),
        (lead, "trial", address(differing), ["input[name=_save]"]),
        (lead, "entries", address(Entry, "changelist"), []),
        (lead, "entry", address(Entry.objects.get(trial=differing, slot="A")), []),
        (extractor, "own-entry", address(own), ["input[name=_save]"]),
        (lead, "approvals", address(Approval, "changelist"), []),
        (lead, "approval", address(Approval.objects.earliest("pk")), []),
        (lead, "events", address(Event, "changelist"), []),
        (lead, "event", address(Event.objects.latest("pk")), []),
        (lead, "matches", address(Match, "changelist"), []),
        (lead, "review", address(Review.objects.get(pk=review.pk)), ["input[name=_save]"]),
        (lead, "index", "/admin/", []),
    ]


@pytest.mark.parametrize("width", [1280, 390])
def test_the_administration_stays_inside_the_screen(
    width: int, live_server: LiveServer, pages: list[tuple[User, str, str, list[str]]], sign_in: SignIn
) -> None:
    wrong: dict[str, Any] = {}
    for user, name, where, buttons in pages:
        page = sign_in(user)
        page.set_viewport_size({"width": width, "height": 900})
        response = page.goto(live_server.url + where)
        assert response is not None
        assert response.status == 200, where
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"{name}-{width}.png")
        if not stays_inside(page):
            wrong[name] = page.evaluate("`the page is ${document.documentElement.scrollWidth} px wide`")
        elif beyond := page.evaluate(BEYOND):
            wrong[name] = beyond
        elif hard := page.evaluate(HARD):
            wrong[name] = hard
        for button in buttons:
            box = page.locator(button).first.bounding_box()
            if box is None or box["x"] < 0 or box["x"] + box["width"] > width:
                wrong[f"{name}: {button}"] = box
    assert wrong == {}
