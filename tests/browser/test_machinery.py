"""In a real browser: the content policy, pages offline, and what is left after signing out."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from extraction.models import User
from tests.factories import PASSWORD, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def user() -> User:
    return UserFactory.create(username="reader", is_staff=True, is_superuser=True)


def test_signing_in_wrongly_then_rightly_then_out_and_going_back(
    page: Page, live_server: LiveServer, user: User
) -> None:
    # when a wrong password is tried
    page.goto(f"{live_server.url}/accounts/login/?next=/admin/")
    page.get_by_label("User name").fill("reader")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    # then the page says so, and the name is still there
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("User name")).to_have_value("reader")
    # when the right one is given
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    # then the page that was asked for is there
    expect(page).to_have_url(re.compile(r"/admin/$"))
    # when this person signs out, and somebody goes back in the browser
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/login/$"))
    page.go_back()
    page.reload()
    # then nothing of it is shown
    expect(page).to_have_url(re.compile(r"/login/\?next=/admin/$"))


def test_the_api_has_its_pages_offline_and_within_the_policy(
    live_server: LiveServer, user: User, sign_in: Callable[[User], Page]
) -> None:
    page = sign_in(user)
    page.goto(f"{live_server.url}/api/docs/")
    expect(page.get_by_text("/api/token/")).to_be_visible()


def test_an_unknown_page_leads_back(page: Page, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/no-such-page")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing here")


def test_the_policy_stops_what_is_written_into_a_page(context: BrowserContext, live_server: LiveServer) -> None:
    # given the sign-in page (without the fixture that forbids violations)
    page = context.new_page()
    page.goto(f"{live_server.url}/accounts/login/")
    # when somebody manages to write a script and a style into it
    stopped = page.evaluate(
        """() => new Promise(done => {
            const seen = [];
            document.addEventListener('securitypolicyviolation', event => {
                seen.push(event.effectiveDirective);
                if (seen.length === 2) done(seen.sort());
            });
            const script = document.createElement('script');
            script.textContent = 'window.ran = true';
            const style = document.createElement('style');
            style.textContent = 'body { display: none }';
            document.body.append(script, style);
        })"""
    )
    # then neither works
    assert stopped == ["script-src-elem", "style-src-elem"]
    assert page.evaluate("window.ran === undefined && getComputedStyle(document.body).display === 'block'")
