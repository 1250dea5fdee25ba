"""What every test may use. Factories are in tests/factories.py."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import ConsoleMessage, Page, Request, expect
from pytest_django.live_server_helper import LiveServer

from extraction.models import User

CHROMIUM = (
    os.environ.get("CHROMIUM")
    or shutil.which("chromium")
    or shutil.which("chromium-browser")
    or shutil.which("google-chrome")
)
# The same examples in every run: a change is judged by what it changed. `--hypothesis-profile=search` draws new ones.
hypothesis.settings.register_profile("steady", derandomize=True, database=None)
hypothesis.settings.register_profile("search", derandomize=False)
hypothesis.settings.load_profile("steady")
BUSY = 60_000  # milliseconds that a page may take on a machine that does much else; no test measures time by it
expect.set_options(timeout=BUSY)


def pytest_addoption(parser: pytest.Parser) -> None:
    about = "Only tests that meet a database or a broker: the others were seen to pass without one."
    parser.addoption("--only-with-database", action="store_true", help=about)


MEET_A_BROKER = ("tests/reviewapp/", "tests/analysis/test_receivers.py")


def knows_a_database(item: pytest.Item) -> bool:
    if item.nodeid.startswith(MEET_A_BROKER):
        return True
    named = {"db", "transactional_db", "live_server"} & set(getattr(item, "fixturenames", ()))
    return bool(named) or any(item.get_closest_marker(name) for name in ("django_db", "postgres", "slow"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip, with a reason, what this machine cannot run."""
    if config.getoption("--only-with-database"):
        pure = [item for item in items if not knows_a_database(item)]
        config.hook.pytest_deselected(items=pure)
        items[:] = [item for item in items if knows_a_database(item)]
    no_chromium = pytest.mark.skip(reason="no Chromium found: install it, or name it in CHROMIUM")
    on_sqlite = pytest.mark.skip(reason="needs PostgreSQL: set DATABASE_URL=postgres://…")
    sqlite = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    for item in items:
        if "page" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
        if CHROMIUM is None and item.get_closest_marker("browser"):
            item.add_marker(no_chromium)
        if sqlite and item.get_closest_marker("postgres"):
            item.add_marker(on_sqlite)


def pytest_configure() -> None:
    Path(settings.DATA_DIR).mkdir(mode=0o700, parents=True, exist_ok=True)


def pytest_unconfigure() -> None:
    """Leave nothing, neither on the disk nor on a Redis that others may use as well."""
    shutil.rmtree(settings.DATA_DIR, ignore_errors=True)
    with suppress(OSError):  # the folders of other workers are still in it
        settings.DATA_DIR.parent.rmdir()
    if settings.CELERY_BROKER_URL.startswith("redis"):
        from redis import Redis

        broker = Redis.from_url(settings.CELERY_BROKER_URL)
        for key in broker.scan_iter(f"{settings.CELERY_BROKER_TRANSPORT_OPTIONS['global_keyprefix']}*"):
            broker.delete(key)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium; nothing is downloaded."""
    return {
        **browser_type_launch_args,
        "executable_path": CHROMIUM,
        "args": ["--no-sandbox", "--disable-dev-shm-usage"],  # root, and containers with a small /dev/shm
    }


@pytest.fixture
def page(page: Page, live_server: LiveServer) -> Iterator[Page]:
    """A page of the running application that must stay within the content policy and on this machine.

    Fails the test afterwards if the browser's console reports an error other than a refusal the test asked for,
    if a script fails, or if anything is fetched from elsewhere.
    """
    problems: list[str] = []

    def note(message: ConsoleMessage) -> None:
        asked_for = ("the server responded with a status of 4", "net::ERR_INTERNET_DISCONNECTED")
        if message.type == "error" and not any(words in message.text for words in asked_for):
            problems.append(f"console: {message.text}")

    def note_stranger(request: Request) -> None:
        own = {"data", "chrome", "chrome-extension"}  # the browser's own: its PDF viewer is made of such parts
        if urlsplit(request.url).scheme not in own and not request.url.startswith(live_server.url):
            problems.append(f"fetched from elsewhere: {request.url}")

    page.on("console", note)
    page.on("pageerror", lambda error: problems.append(f"script: {error}"))
    page.on("request", note_stranger)
    page.emulate_media(reduced_motion="reduce")  # no colour is looked at half-way to another
    page.set_default_timeout(BUSY)
    yield page
    assert not problems, problems


@pytest.fixture
def sign_in(page: Page, live_server: LiveServer) -> Callable[[User], Page]:
    """Sign a user in on the page, without the form."""

    def with_session_of(user: User) -> Page:
        client = Client()
        client.force_login(user)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url, "httpOnly": True}]
        )
        return page

    return with_session_of


@pytest.fixture(autouse=True)
def _nothing_cached() -> Iterator[None]:
    """Throttles and the like start afresh in every test."""
    yield
    cache.clear()
