"""The pages on results: who sees what, what they say in every state, and that they do not slow down with size."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from analysis import setup
from analysis.models import CurrentResult, Effect, RecomputeRequest
from analysis.specification import Measure
from analysis.wording import decimals
from extraction.models import Assignment, Entry, Review, Trial, User
from extraction.recorded import recording
from tests.analysis.builders import contrast, entry_with, person, small_review, trial_with
from tests.analysis.conftest import asked_and_recomputed, recomputed, synthesis
from tests.analysis.reading import page, signed_in, text


def headline(review: Review) -> str:
    """The number that the page shows large."""
    return f"g = {decimals(CurrentResult.objects.get(synthesis__review=review).result.estimate)}"


def places(review: Review) -> list[tuple[str, tuple[Any, ...]]]:
    one, effect = review.syntheses.first(), Effect.objects.filter(trial__review=review).first()
    assert one is not None
    assert effect is not None
    return [
        ("results", (review.pk,)), ("freshness", (review.pk,)), ("synthesis", (one.pk,)), ("effect", (effect.pk,)),
    ]  # fmt: skip


# --- Who sees what ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["lead", "adjudicator", "reader"])
def test_leads_adjudicators_and_readers_see_results_and_effects(pooled: Review, role: str) -> None:
    user = person(pooled, role)
    for name, args in places(pooled):
        assert signed_in(user).get(reverse(f"analysis:{name}", args=args)).status_code == 200


def test_extractors_and_strangers_are_told_that_there_is_nothing(pooled: Review) -> None:
    extractor, stranger = person(pooled, "extractor"), person(small_review("Other"), "lead")
    for name, args in places(pooled):
        for user in (extractor, stranger):
            assert signed_in(user).get(reverse(f"analysis:{name}", args=args)).status_code == 404
        assert Client().get(reverse(f"analysis:{name}", args=args)).status_code == 302


def test_what_does_not_exist_is_not_found(pooled: Review, lead: User) -> None:
    for name, key in (("results", 999), ("freshness", 999), ("synthesis", 999), ("effect", uuid4())):
        assert signed_in(lead).get(reverse(f"analysis:{name}", args=[key])).status_code == 404


def hold(trial: Trial, user: User) -> None:
    with recording():
        Assignment(trial=trial, slot="A", user=user).save()


def test_a_reader_who_extracts_a_trial_does_not_see_its_effects_before_its_approval(pooled: Review) -> None:
    # given a reader who holds slot A of a trial that was reopened
    reader = person(pooled, "reader")
    trial = Trial._base_manager.get(label="Trial 1")
    hold(trial, reader)
    with recording():
        trial.status = "adjudicating"
        trial.save()
    effect = Effect.objects.get(trial=trial)
    # then neither its page nor any list shows the effect
    assert signed_in(reader).get(reverse("analysis:effect", args=[effect.pk])).status_code == 404
    html = page(reader, "synthesis", pooled.syntheses.get().pk)
    assert "Trial 1" not in html
    assert "1 more are of trials that you extract yourself" in text(html)
    assert "Trial 1" not in page(reader, "results", pooled.pk, forest="trials")


def test_once_approved_an_extractor_who_reads_sees_the_effect(pooled: Review) -> None:
    reader = person(pooled, "reader")
    trial = Trial._base_manager.get(label="Trial 1")
    hold(trial, reader)
    assert "Trial 1" in page(reader, "synthesis", pooled.syntheses.get().pk)
    with recording():
        Review._base_manager.filter(pk=pooled.pk).update(partner_shown_after_approval=False)
    assert "Trial 1" not in page(reader, "synthesis", pooled.syntheses.get().pk)


def test_only_leads_are_offered_what_only_leads_may_do(pooled: Review, lead: User) -> None:
    one = pooled.syntheses.get()
    for user, offered in ((lead, True), (person(pooled, "reader"), False)):
        html = page(user, "results", pooled.pk) + page(user, "synthesis", one.pk)
        assert ("New synthesis" in html) == offered
        assert (reverse("analysis:synthesis-change", args=[one.pk]) in html) == offered


# --- What the results page says -----------------------------------------------------------------------------


def test_nothing_set_up_yet(review: Review, lead: User) -> None:
    assert "Set up the usual syntheses" in page(lead, "results", review.pk)
    words = text(page(person(review, "reader"), "results", review.pk))
    assert "Nothing is set up to be pooled yet. A lead does that." in words


def test_no_approved_trial_yet(review: Review, lead: User) -> None:
    synthesis(review, lead)
    recomputed(review)
    assert "No approved trial yet. Results appear with the first approval." in text(page(lead, "results", review.pk))


def test_one_trial_is_said_to_be_one(review: Review, lead: User) -> None:
    synthesis(review, lead)
    trial_with(review, "Only", contrast(-1.0))
    recomputed(review)
    assert "One trial: its own average, without variance between trials." in text(page(lead, "results", review.pk))


def test_the_page_leads_from_freshness_to_the_numbers(pooled: Review, lead: User) -> None:
    words = text(page(lead, "results", pooled.pk))
    assert "1 up to date" in words
    assert "3 approved trials" in words
    found = [words.index(part) for part in ("up to date", headline(pooled), "no clear difference", "Syntheses")]
    assert found == sorted(found)


def test_a_recompute_shows_the_old_numbers_and_says_so(pooled: Review, lead: User) -> None:
    trial_with(pooled, "Another", contrast(-2.0))
    RecomputeRequest.objects.raise_for(pooled.pk)
    words = text(page(lead, "results", pooled.pk))
    assert "1 recomputing" in words
    assert headline(pooled) in words


def test_a_failed_try_is_told_with_its_time(pooled: Review, lead: User) -> None:
    trial_with(pooled, "Another", contrast(-2.0))
    RecomputeRequest.objects.raise_for(pooled.pk)
    claim = RecomputeRequest.objects.claim(pooled.pk)
    assert claim is not None
    RecomputeRequest.objects.fail(claim, "ValueError in somewhere")
    words = text(page(lead, "results", pooled.pk))
    assert "1 older than the data" in words
    assert re.search(r"Last try failed at \d\d:\d\d\. It tries again by itself\.", words)


def test_a_failed_synthesis_stands_in_the_table_with_its_reason(pooled: Review, lead: User) -> None:
    synthesis(pooled, lead, name="Nothing", filters={"markers": ["IL-10"]})
    recomputed(pooled)
    assert "No effect of an approved trial fits this synthesis." in text(page(lead, "results", pooled.pk))


def test_the_forest_has_a_table_beside_it_with_the_same_numbers(pooled: Review, lead: User) -> None:
    html = page(lead, "results", pooled.pk, forest="trials")
    twin = text(html[html.index('id="twin"') :])
    for effect in Effect.objects.all():
        assert effect.yi is not None
        assert f"{effect.yi:.2f}".replace("-", "−") in twin
    assert html.count("wide-only") >= 2
    assert html.count("narrow-only") >= 2


def test_a_name_cannot_break_the_page(pooled: Review, lead: User) -> None:
    synthesis(pooled, lead, name="<script>alert(1)</script>", group="<b>By</b>")
    with recording():
        Trial._base_manager.filter(label="Trial 0").update(label="<img src=x>")
    asked_and_recomputed(pooled)
    one = pooled.syntheses.get(name="All")
    for html in (page(lead, "results", pooled.pk, forest="trials"), page(lead, "synthesis", one.pk)):
        assert "<script>alert" not in html
        assert "<img src=x" not in html


def test_figures_carry_no_style_and_no_script(pooled: Review, lead: User) -> None:
    for name, args in places(pooled):
        html = page(lead, name, *args)
        assert "style=" not in html
        assert not re.search(r"\son[a-z]+=", html)
        assert "hx-on" not in html


# --- A fresh result appears by itself -----------------------------------------------------------------------


def test_the_strip_asks_for_itself_and_is_silent_while_nothing_moved(pooled: Review, lead: User) -> None:
    html = page(lead, "results", pooled.pk)
    address = re.search(r'hx-get="([^"]+freshness[^"]+)" hx-trigger="every (\d)s"', html)
    assert address is not None
    assert address[2] == "2"
    assert signed_in(lead).get(address[1], headers={"HX-Request": "true"}).status_code == 204


def test_the_strip_tells_the_page_to_fetch_itself_when_something_moved(pooled: Review, lead: User) -> None:
    # given an open page
    html, old = page(lead, "results", pooled.pk), headline(pooled)
    address = re.search(r'hx-get="([^"]+freshness[^"]+)"', html)
    assert address is not None
    assert 'hx-trigger="results-moved from:body"' in html
    # when a trial is approved, the strip says so, and asks again sooner
    trial_with(pooled, "Another", contrast(-2.0))
    RecomputeRequest.objects.raise_for(pooled.pk)
    response = signed_in(lead).get(address[1])
    assert response["HX-Trigger"] == "results-moved"
    assert b"1 recomputing" in response.content
    assert b"every 1s" in response.content
    # and when the result is there, again
    address = re.search(r'hx-get="([^"]+freshness[^"]+)"', page(lead, "results", pooled.pk))
    assert address is not None
    recomputed(pooled)
    assert signed_in(lead).get(address[1])["HX-Trigger"] == "results-moved"
    assert headline(pooled) != old
    assert headline(pooled) in text(page(lead, "results", pooled.pk))


# --- Synthesis and effect -----------------------------------------------------------------------------------


def test_a_synthesis_lists_its_effects_and_what_was_kept_out_with_reasons(pooled: Review, lead: User) -> None:
    trial_with(pooled, "No direction", contrast(1.0, marker="NK"))
    asked_and_recomputed(pooled)
    words = text(page(lead, "synthesis", pooled.syntheses.get().pk))
    assert "3 pooled" in words
    assert "Kept out 1" in words
    assert "Whether higher or lower NK is better is not set." in words


def test_a_meta_regression_lists_its_terms(pooled: Review, lead: User) -> None:
    for number in range(3, 10):
        trial_with(pooled, f"Trial {number}", contrast(-0.3 * (number % 4)), said={"age": str(30 + 5 * number)})
    age = pooled.moderators.get(code="age")
    one = synthesis(pooled, lead, name="Mean age", group="Moderators", moderator=age)
    recomputed(pooled)
    words = text(page(lead, "synthesis", one.pk))
    assert "Terms" in words
    assert "3 effects left out: their moderator is not known." in words
    assert "b = " in words


def test_a_filtered_synthesis_shows_the_effects_that_were_pooled(review: Review, lead: User) -> None:
    for number, place in enumerate(("Clinic", "Home", "Clinic")):
        trial_with(review, f"In {place} {number}", contrast(-1.0 - number), said={"setting": place})
    one = synthesis(review, lead, filters={"levels": {"setting": ["Clinic"]}})
    recomputed(review)
    words = text(page(lead, "synthesis", one.pk))
    assert "2 pooled" in words
    assert "In Home 1" not in words


def test_an_effect_tells_how_it_came_about_from_the_printed_numbers(pooled: Review, lead: User) -> None:
    effect = Effect.objects.get(trial__label="Trial 1")
    words = text(page(lead, "effect", effect.pk))
    assert "g = 0.78" in words
    assert "lower is better: turned" in words
    assert "n 20 · mean −1.6 · SD 2.0" in words
    assert "Nothing had to be supposed." in words
    assert "Hedges 1981" in words


def test_an_effect_leads_to_the_entries_and_the_decision_behind_it(review: Review, lead: User) -> None:
    # given a trial whose two entries and whose approved record lie side by side
    trial = trial_with(review, "Trial", contrast(-1.0))
    one = synthesis(review, lead)
    recomputed(review)
    extractor = person(review, "extractor")
    made = entry_with(trial, contrast(-1.5), slot="FINAL", state="draft")
    with recording():
        Entry._base_manager.filter(pk=made.pk).update(slot="A", holder=extractor)
    html = page(lead, "effect", Effect.objects.get(trial=trial).pk)
    assert reverse("extraction:entry", args=[made.pk]) in html
    assert reverse("extraction:trial", args=[trial.pk]) in html
    assert "n 20 · mean −1.5 · SD 2.0" in text(html)
    assert one.is_primary


def test_an_effect_that_is_kept_out_says_why(review: Review, lead: User) -> None:
    trial_with(review, "Trial", contrast(1.0, marker="NK"))
    synthesis(review, lead)
    recomputed(review)
    words = text(page(lead, "effect", Effect.objects.get().pk))
    assert "Not pooled Whether higher or lower NK is better is not set." in words


def test_a_supposition_is_shown_with_the_effect(review: Review, lead: User) -> None:
    cells = [
        {**cell, "quantity": "score", **time}
        for time in ({"phase": "baseline", "weeks": 0.0}, {})
        for cell in contrast(-1.0)
    ]
    trial_with(review, "Trial", cells)
    one = synthesis(review, lead, measure=Measure.PPC_G)
    recomputed(review)
    words = text(page(lead, "effect", Effect.objects.get().pk))
    assert "the report does not tell r; 0.5 was imputed" in words
    assert "Something had to be supposed" in text(page(lead, "synthesis", one.pk))


# --- Size ---------------------------------------------------------------------------------------------------


def test_no_page_asks_the_database_more_for_many_trials_than_for_few(
    pooled: Review, lead: User, django_assert_max_num_queries: Any
) -> None:
    def queries() -> dict[str, int]:
        counted = {}
        for name, args in places(pooled):
            signed_in(lead).get(reverse(f"analysis:{name}", args=args))  # what is cached is cached now
            client = signed_in(lead)
            with django_assert_max_num_queries(40) as captured:
                client.get(reverse(f"analysis:{name}", args=args))
            counted[name] = len(captured)
        return counted

    setup.create_default_syntheses(pooled.pk, by=lead, measure=Measure.CHANGE_G)
    asked_and_recomputed(pooled)
    few = queries()
    for number in range(20):
        trial_with(pooled, f"More {number}", contrast(-0.1 * number, marker=("CRP", "IL-10", "NK")[number % 3]))
    for number in range(10):
        synthesis(pooled, lead, name=f"More {number}", rho=number / 20)
    asked_and_recomputed(pooled)
    assert queries() == few
