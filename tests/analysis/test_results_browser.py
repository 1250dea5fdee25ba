"""In a real browser: a fresh result appears by itself, under the content policy, without an error in the console."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from analysis.models import CurrentResult, RecomputeRequest
from analysis.recompute import recompute
from analysis.wording import decimals
from extraction.models import User
from tests.analysis.builders import contrast, person, small_review, trial_with
from tests.analysis.conftest import synthesis

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def headline() -> str:
    return f"g = {decimals(CurrentResult.objects.get().result.estimate)}"


def test_a_fresh_result_appears_on_the_open_page_by_itself(
    live_server: LiveServer, sign_in: Callable[[User], Page]
) -> None:
    # given the open results page of a pooled review
    review = small_review()
    lead = person(review, "lead")
    for number, difference in enumerate((-1.0, -1.6, -0.4)):
        trial_with(review, f"Trial {number}", contrast(difference))
    synthesis(review, lead)
    assert recompute(review.pk) is not None
    page = sign_in(lead)
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{live_server.url}/review/{review.pk}/results/")
    expect(page.locator(".estimate")).to_have_text(headline())
    # when another trial is approved and computed
    trial_with(review, "Another", contrast(-6.0))
    RecomputeRequest.objects.raise_for(review.pk)
    assert recompute(review.pk) is not None
    # then the page shows it, without being touched, and nothing bad is said
    expect(page.locator(".estimate")).to_have_text(headline())
    expect(page.locator("#freshness")).to_contain_text("4 approved trials")
    page.goto("about:blank")
    assert errors == []
