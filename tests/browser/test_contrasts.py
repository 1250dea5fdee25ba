"""Contrasts on the workbench in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from extraction.models import Trial
from tests.browser.test_workbench import MARKERS, SignIn, box, is_saved, opened, review, structure, trial

__all__ = ["review", "trial"]  # fixtures

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_contrast_that_is_begun_is_not_called_saved(live_server: LiveServer, sign_in: SignIn, trial: Trial) -> None:
    page, entry = opened(live_server, sign_in, trial, structure(outcomes=1))
    state = page.locator("[data-state]")
    strip = page.locator("fieldset.strip-contrast").first
    strip.get_by_label("Statistic").select_option("t")
    expect(state).to_have_text("1 contrast not complete, not saved yet")
    # also when something else is saved meanwhile
    box(page, "centre").fill("2.31")
    expect(page.locator("[data-state]:not([data-unsaved])")).to_have_count(0)
    expect(page.locator("[data-count=filled]").first).to_have_text("1")
    expect(state).to_have_text("1 contrast not complete, not saved yet")
    # and once it says what it is of, it is saved like everything
    for field, choice in {"outcome": MARKERS[0], "timepoint": "Week 0", "arm": "Arm 1", "versus": "Arm 2"}.items():
        strip.locator(f'[name$=".{field}"]').select_option(label=choice)
    strip.locator('[name$=".value"]').fill("2.10")
    is_saved(page)
    assert entry.contrasts.get().value_printed == "2.10"
