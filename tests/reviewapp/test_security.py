"""Headers, sessions and sign-in: what holds for every address."""

from __future__ import annotations

import time
from datetime import UTC, timedelta

import pytest
from axes.models import AccessAttempt
from django.test import Client
from django.utils.timezone import now
from pytest_django import Settings
from rest_framework.authtoken.models import Token
from rest_framework.throttling import UserRateThrottle

from extraction.models import User
from reviewapp.middleware import BEGAN, SEEN, zone_called
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return UserFactory.create(username="reader")


def sign_in(client: Client, password: str, *, name: str = "reader", address: str = "10.0.0.1") -> int:
    return client.post("/accounts/login/", {"username": name, "password": password}, REMOTE_ADDR=address).status_code


# --- Headers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/accounts/login/", "/no-such-page", "/api/schema/", "/healthz"])
def test_the_content_policy_allows_nothing_unsafe(client: Client, address: str) -> None:
    response = client.get(address)
    directives = dict(part.strip().partition(" ")[::2] for part in response["Content-Security-Policy"].split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"
    assert "unsafe" not in response["Content-Security-Policy"]
    assert "http" not in response["Content-Security-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("address", ["/accounts/login/", "/api/schema/", "/admin/", "/no-such-page"])
def test_no_page_is_kept_by_a_browser_or_a_proxy(client: Client, user: User, address: str) -> None:
    for signed_in in (False, True):
        if signed_in:
            client.force_login(user)
        response = client.get(address)
        assert response["Cache-Control"] == "no-store, private"
        assert {"Cookie", "Authorization"} <= {name.strip() for name in response["Vary"].split(",")}


def test_signing_out_empties_what_the_browser_kept(client: Client, user: User) -> None:
    client.force_login(user)
    response = client.post("/accounts/logout/")
    assert response["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    assert client.get("/api/schema/").status_code == 401


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(client: Client, user: User) -> None:
    client.get("/accounts/login/")
    sign_in(client, PASSWORD)
    assert {cookie["samesite"] for cookie in client.cookies.values()} == {"Lax"}
    assert all(cookie["httponly"] for cookie in client.cookies.values())


# --- Signed in by default ----------------------------------------------------------------------------------


def test_a_stranger_is_sent_to_sign_in(client: Client) -> None:
    response = client.get("/api/docs/")
    assert response.status_code == 401
    page = client.get("/admin/")
    assert page.status_code == 302
    assert "/login/" in page["Location"]


def test_htmx_of_an_ended_session_goes_to_sign_in_as_a_page_and_keeps_what_was_typed(client: Client) -> None:
    htmx = {"HX-Request": "true"}
    fetched = client.get("/admin/password_change/", headers=htmx)
    assert fetched["HX-Redirect"] == "/"
    sent = client.post("/admin/password_change/", {"a": "b"}, headers=htmx)
    assert sent.status_code == 401
    assert "still on this page" in sent.content.decode()
    assert sent["HX-Retarget"] == "#notices"


def test_a_token_opens_the_api_and_not_the_pages(client: Client, user: User) -> None:
    response = client.post("/api/token/", {"username": "reader", "password": PASSWORD}, content_type="application/json")
    token = response.json()["token"]
    assert Token.objects.get(user=user).key == token
    headers = {"Authorization": f"Token {token}"}
    assert client.get("/api/schema/", headers=headers).status_code == 200
    assert client.get("/admin/", headers=headers).status_code == 302
    assert client.get("/api/schema/", headers={"Authorization": "Token 0"}).status_code == 401


def test_nobody_reads_tokens_in_the_admin(client: Client) -> None:
    client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    assert client.get("/admin/authtoken/tokenproxy/").status_code == 404
    assert client.get("/admin/axes/accessattempt/").status_code == 404


# --- Sessions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("began_ago", "seen_ago", "status"),
    [
        pytest.param(60, 29 * 60, 200, id="idle for 29 minutes"),
        pytest.param(60, 31 * 60, 401, id="idle for 31 minutes"),
        pytest.param(11 * 3600, 10, 200, id="signed in for 11 hours"),
        pytest.param(12 * 3600 + 60, 10, 401, id="signed in for more than 12 hours"),
    ],
)
def test_a_session_ends(client: Client, user: User, began_ago: int, seen_ago: int, status: int) -> None:
    client.force_login(user)
    session = client.session
    session[BEGAN], session[SEEN] = time.time() - began_ago, time.time() - seen_ago
    session.save()
    assert client.get("/api/schema/").status_code == status
    # and it does not come back
    assert client.get("/api/schema/").status_code == status


def test_an_ended_session_leaves_the_work_in_the_browser(client: Client, user: User) -> None:
    client.force_login(user)
    session = client.session
    session[SEEN] = time.time() - 3600
    session.save()
    response = client.get("/admin/")
    assert response.status_code == 302
    assert "Clear-Site-Data" not in response


def test_a_request_keeps_a_session_alive_without_writing_it_every_time(client: Client, user: User) -> None:
    client.force_login(user)
    session = client.session
    session[SEEN] = lately = time.time() - 30
    session.save()
    client.get("/api/schema/")
    assert client.session[SEEN] == lately
    session[SEEN] = time.time() - 90
    session.save()
    client.get("/api/schema/")
    assert time.time() - client.session[SEEN] < 30


# --- Trying passwords --------------------------------------------------------------------------------------


def test_after_five_wrong_passwords_the_right_one_is_refused_for_a_quarter_of_an_hour(
    client: Client, user: User
) -> None:
    # given four wrong tries and then the right password: signing in works, and the count starts again
    assert [sign_in(client, "wrong") for _ in range(4)] == [200] * 4
    assert sign_in(client, PASSWORD) == 302
    client.logout()
    # when there were five wrong tries
    assert [sign_in(client, "wrong") for _ in range(5)] == [200] * 4 + [429]
    # then the right password is refused too, with a page that says for how long
    refused = client.post("/accounts/login/", {"username": "reader", "password": PASSWORD}, REMOTE_ADDR="10.0.0.1")
    assert refused.status_code == 429
    assert refused["Retry-After"] == "900"
    assert "15 minutes" in refused.content.decode()
    # but not for another person there, nor for this one elsewhere
    UserFactory.create(username="other")
    assert sign_in(client, PASSWORD, name="other") == 302
    client.logout()
    assert sign_in(client, PASSWORD, address="10.0.0.2") == 302
    client.logout()
    # and it is open again when the time has passed
    AccessAttempt.objects.update(attempt_time=now() - timedelta(minutes=16))
    assert sign_in(client, PASSWORD) == 302


def test_asking_for_tokens_is_counted_as_well(client: Client, user: User) -> None:
    wrong = {"username": "reader", "password": "wrong"}
    answers = [client.post("/api/token/", wrong, content_type="application/json") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [400] * 4 + [429] * 2
    assert answers[-1].json()["code"] == "locked_out"


def test_behind_a_proxy_tries_are_counted_by_the_address_that_the_proxy_saw(
    client: Client, user: User, settings: Settings
) -> None:
    settings.BEHIND_PROXY = True
    for number in range(5):  # who tries sends a new address of its own making each time
        forged = {"X-Forwarded-For": f"1.2.3.{number}, 9.9.9.9"}
        client.post("/accounts/login/", {"username": "reader", "password": "wrong"}, headers=forged)
    assert AccessAttempt.objects.get().ip_address == "9.9.9.9"


def test_the_api_limits_how_often_it_is_asked(client: Client, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UserRateThrottle.THROTTLE_RATES, "user", "3/min")
    client.force_login(user)
    answers = [client.get("/api/schema/") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert '"code":"throttled"' in answers[-1].content.decode() or "code: throttled" in answers[-1].content.decode()
    assert int(answers[-1]["Retry-After"]) > 0


@pytest.mark.parametrize("name", ["Mars/Base", "", "../../etc/passwd", "a\x00b", "x" * 300])
def test_a_time_zone_that_this_machine_does_not_know_is_utc(name):
    assert zone_called(name) is UTC


def test_times_are_shown_in_ones_own_zone():
    assert str(zone_called("Pacific/Auckland")) == "Pacific/Auckland"
