"""Reports and questions in a real browser: a PDF in the browser's own viewer, a question there and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, Response, expect
from pytest_django.live_server_helper import LiveServer

from extraction import proposals, questions
from extraction.models import User
from extraction.states import Status
from tests.browser.test_pages import problems_of, stays_inside
from tests.factories import ReviewFactory, TrialFactory, draft, holder, made, member, trial_at
from tests.papers import pdf, uploaded

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SignIn = Callable[[User], Page]
PAGE: Any = {"name": "kim2015.pdf", "mimeType": "application/pdf", "buffer": b"<!doctype html>"}
PDF: Any = {"name": "kim2015.pdf", "mimeType": "application/pdf", "buffer": pdf()}


def sent_to(last: Response) -> str:
    """Where a redirect sent the browser for this answer, fragment included; empty without one."""
    asked = last.request.redirected_from
    sent = asked.response() if asked else None
    return sent.headers["location"] if sent else ""


def test_a_lead_uploads_a_pdf_that_both_see_and_an_extractors_own_stays_hidden(
    page: Page, live_server: LiveServer, sign_in: SignIn
) -> None:
    # given a trial with two extractors and a lead
    trial: Any = made(TrialFactory, label="Kim 2015")
    address = live_server.url + reverse("extraction:trial", args=[trial.pk])
    # when the lead uploads the paper
    sign_in(member(trial.review, "lead"))
    page.goto(address)
    page.get_by_role("link", name="Upload a PDF").click()
    page.get_by_label("PDF, at most").set_input_files(PDF)
    page.get_by_label("What it is").fill("Main report")
    page.get_by_role("button", name="Upload the PDF").click()
    expect(page.get_by_text("“Main report” is uploaded.")).to_be_visible()
    # and B uploads another one
    uploaded(trial, holder(trial, "B"), citation="Supplement of B")
    # then A sees the lead's in the browser's viewer, at the page asked for, and nothing of B's
    sign_in(holder(trial, "A"))
    page.goto(address)
    expect(page.get_by_text("Supplement of B")).to_have_count(0)
    page.get_by_role("link", name="Main report").click()
    with page.expect_response(lambda it: sent_to(it).endswith("/file/#page=2")) as served:
        page.get_by_label("Page", exact=True).fill("2")
        page.get_by_role("button", name="Show").click()
    assert served.value.headers["content-type"] == "application/pdf"
    assert not problems_of(page)
    page.set_viewport_size({"width": 390, "height": 800})
    assert stays_inside(page)


def test_a_file_that_is_no_pdf_is_told_at_the_field(page: Page, live_server: LiveServer, sign_in: SignIn) -> None:
    trial: Any = made(TrialFactory)
    sign_in(member(trial.review, "lead"))
    page.goto(live_server.url + reverse("extraction:report-add", args=[trial.pk]))
    page.get_by_label("PDF, at most").set_input_files(PAGE)
    page.get_by_role("button", name="Upload the PDF").click()
    expect(page.get_by_text("This file is not a PDF")).to_be_visible()
    assert not problems_of(page)


def test_a_question_goes_to_the_lead_and_comes_back(page: Page, live_server: LiveServer, sign_in: SignIn) -> None:
    trial: Any = made(TrialFactory)
    entry = draft(trial, "A")
    # when A asks from the entry
    sign_in(holder(trial, "A"))
    page.goto(live_server.url + reverse("extraction:entry", args=[entry.pk]))
    page.get_by_role("link", name="Questions").first.click()
    page.get_by_label("About").select_option("IL-6")
    page.get_by_label("Your question to the lead").fill("Is 1.5 an SD?")
    page.get_by_role("button", name="Ask the lead").click()
    expect(page.get_by_text("Waits for an answer")).to_be_visible()
    assert not problems_of(page)
    page.set_viewport_size({"width": 390, "height": 800})
    assert stays_inside(page)
    # and the lead answers from My work
    sign_in(member(trial.review, "lead"))
    page.goto(live_server.url)
    page.get_by_role("link", name="1 question to answer").click()
    page.get_by_label("Your answer").fill("It is an SE.")
    assert not problems_of(page)
    assert stays_inside(page)
    page.get_by_role("button", name="Answer").click()
    expect(page.get_by_text("Answered.", exact=True)).to_be_visible()
    # then A reads it
    sign_in(holder(trial, "A"))
    page.goto(live_server.url + reverse("extraction:entry-ask", args=[entry.pk]))
    expect(page.get_by_text("It is an SE.")).to_be_visible()


def test_names_are_proposed_and_placed(page: Page, live_server: LiveServer, sign_in: SignIn) -> None:
    trial: Any = made(TrialFactory)
    entry = draft(trial, "A", outcome="IL-6 sR")
    sign_in(holder(trial, "A"))
    page.goto(live_server.url + reverse("extraction:entry-ask", args=[entry.pk]))
    page.get_by_role("button", name="Propose 1 name to the lead").click()
    expect(page.get_by_text("The lead has: IL-6 sR")).to_be_visible()
    sign_in(member(trial.review, "lead"))
    page.goto(live_server.url)
    page.get_by_role("link", name="1 name to place").click()
    page.get_by_text("Add it as a new marker").click()
    assert not problems_of(page)
    page.set_viewport_size({"width": 390, "height": 800})
    assert stays_inside(page)
    page.get_by_role("button", name="Add the marker").click()
    expect(page.get_by_text("Filled in 1 draft.")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_adjudicators_question_reads_well(
    page: Page, live_server: LiveServer, sign_in: SignIn, scheme: Any
) -> None:
    review: Any = ReviewFactory()
    decider = member(review, "adjudicator", "lead")
    trial = trial_at(Status.ADJUDICATING, review, decider=decider)
    asked = questions.ask_extractors(trial.discrepancies.unresolved().get().pk, "Which page?", by=decider)
    other: Any = made(TrialFactory, review=review)
    proposals.propose(draft(other, "A", outcome="New").pk, by=holder(other, "A"))
    page.emulate_media(color_scheme=scheme)
    for user, name, key in (
        (holder(trial, "A"), "question", asked.pk),
        (holder(trial, "A"), "questions", review.pk),
        (decider, "names", review.pk),
        (decider, "question", asked.pk),
    ):
        sign_in(user)
        page.goto(live_server.url + reverse(f"extraction:{name}", args=[key]))
        assert not problems_of(page), name
