"""Every page of the table of routes in a real browser: accessible, light and dark, wide and on a phone.

The pages come from tests/matrix.py: a new route is looked at without being named here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize
from pytest_django.live_server_helper import LiveServer

from extraction.models import User
from extraction.states import Status
from tests.browser.test_pages import problems_of, stays_inside
from tests.matrix import ADJUDICATOR, LEAD, MATRIX, READER, SUPERUSER, A, B, no_one
from tests.test_permissions import World, address, world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SignIn = Callable[[User], Page]
PICTURES = os.environ.get("PICTURES_OF_PAGES")  # a folder, to look at them
SEEN_AS = (B, LEAD, ADJUDICATOR, A, READER, SUPERUSER)  # the first two who may
PHONE, WIDE = ViewportSize(width=390, height=844), ViewportSize(width=1280, height=900)
NOT_PAGES = re.compile(
    r"^(api-|healthz|logout$|admin:)|-file$|:export$|:freshness$|:template-workbook$|:(report-at|entry-save)$"
)


def pages(w: World, status: str) -> list[tuple[str, str, str]]:
    """Route, who looks, address; those that know no state of a trial in one state only."""
    found = []
    for name, row in MATRIX.items():
        differs = status == Status.ADJUDICATING or not {"review", "rule", "synthesis"}.issuperset(row.fill)
        where = address(name, row, w.keys) if differs and not NOT_PAGES.search(name) else None
        if where is not None:
            readers = (row.reads or no_one)(status)
            found += [(name, who, where) for who in [one for one in SEEN_AS if one in readers][:2]]
    return found


def look(page: Page, name: str, where: str) -> list[str]:
    """What is wrong with a page, in words."""
    wrong: list[str] = []
    page.set_viewport_size(WIDE)
    answer = page.goto(where)
    assert answer is not None
    if answer.status != 200 or "text/html" not in answer.headers.get("content-type", ""):
        return [f"{name} is no page: {answer.status} {answer.headers.get('content-type')}"]
    for theme in ("light", "dark"):
        page.evaluate("theme => document.documentElement.setAttribute('data-bs-theme', theme)", theme)
        wrong += [f"{name} {theme}: {problem}" for problem in problems_of(page)]
        picture(page, f"{name}-{theme}")
    if not stays_inside(page):
        wrong.append(f"{name} is wider than {WIDE['width']} px")
    page.set_viewport_size(PHONE)
    if not stays_inside(page):
        wrong.append(f"{name} is wider than {PHONE['width']} px: {widest(page)}")
    picture(page, f"{name}-phone")
    return wrong


def widest(page: Page) -> Any:
    """The first element that sticks out, to find it by."""
    return page.evaluate(
        """() => [...document.querySelectorAll("main *")].filter(
            one => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".scroll, .table-responsive")
        ).slice(0, 2).map(one => one.outerHTML.slice(0, 120))"""
    )


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name.replace(':', '-')}.png"), full_page=True)


@pytest.mark.parametrize("status", [Status.ENTERING, Status.ADJUDICATING, Status.APPROVED])
def test_every_page_is_accessible_and_stays_inside(status: Status, live_server: LiveServer, sign_in: SignIn) -> None:
    w = world(status)
    wrong: list[str] = []
    for who in SEEN_AS:
        page = sign_in(w.people[who])
        for name, where in [(name, where) for name, reader, where in pages(w, status) if reader == who]:
            wrong += look(page, f"{name} {status} as {who}", live_server.url + where)
    assert not wrong, "\n".join(wrong)
