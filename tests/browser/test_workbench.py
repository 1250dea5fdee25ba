"""The workbench in a real browser: by keyboard alone, saved by itself, two tabs, offline, undo."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from extraction import enter
from extraction.enter import Change
from extraction.models import Entry, MarkerSynonym, Observation, Review, Trial, User
from extraction.record import Subject
from extraction.recorded import recording
from tests.factories import MarkerFactory, ReviewFactory, TrialFactory, draft, holder, member
from tests.papers import uploaded

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SignIn = Callable[[User], Page]
MARKERS = ["Interleukin-6", "TNF-α", "C-reactive protein", "Interleukin-10", "Cortisol"]


@pytest.fixture
def review(transactional_db: None) -> Any:
    review = ReviewFactory.create(title="Therapy and immunity")
    MarkerFactory.create(review=review, code="IL-6", name="Interleukin-6")
    return review


@pytest.fixture
def trial(review: Review) -> Any:
    return TrialFactory.create(review=review, label="Kim 2015")


def structure(arms: int = 2, times: int = 2, outcomes: int = 5) -> list[Change]:
    """The rows of a trial whose grid is still empty."""
    made = [Change(Subject.ARM, uuid4(), values={"label": f"Arm {i + 1}", "n_randomised": "30"}) for i in range(arms)]
    made += [
        Change(Subject.TIMEPOINT, uuid4(), values={"phase": "during" if i else "baseline", "printed": f"Week {4 * i}"})
        for i in range(times)
    ]
    names = [*MARKERS, *(f"Outcome {i}" for i in range(outcomes))][:outcomes]
    return made + [Change(Subject.OUTCOME, uuid4(), values={"name": name, "unit": "pg/mL"}) for name in names]


def opened(live_server: LiveServer, sign_in: SignIn, trial: Trial, changes: list[Change]) -> tuple[Page, Entry]:
    """The page of a draft with these rows, its grid in view."""
    user = holder(trial, "A")
    entry = enter.save(enter.start(trial.pk, by=user).pk, changes, by=user)
    page = sign_in(user)
    page.goto(address(live_server, entry))
    return page, entry


def address(live_server: LiveServer, entry: Entry) -> str:
    return live_server.url + reverse("extraction:entry", args=[entry.pk])


def box(page: Page, field: str, number: int = 0) -> Any:
    return page.locator(f'.trio [name$=".{field}"]').nth(number)


def is_saved(page: Page) -> None:
    expect(page.locator("[data-state]:not([data-unsaved])")).to_have_text(re.compile(r"^Saved \d\d:\d\d$"))


def tab(page: Page, ending: str, most: int = 60) -> None:
    """Tab until the control with this ending of its name has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name || ''").endswith(ending):
            return
    raise AssertionError(f"{ending} is not reached by Tab")


def numbers(entry: Entry) -> list[tuple[str, str, str]]:
    return list(
        Observation.objects.filter(entry=entry)
        .order_by("outcome__position", "arm__position", "timepoint__position")
        .values_list("n_printed", "centre_printed", "spread_printed")
    )


def test_a_trial_is_entered_by_keyboard_alone(live_server: LiveServer, sign_in: SignIn, trial: Trial) -> None:
    user = holder(trial, "A")
    entry = enter.start(trial.pk, by=user)
    page = sign_in(user)
    page.goto(address(live_server, entry))
    keys = page.keyboard

    tab_to = partial(tab, page)
    # two arms, two timepoints and five outcomes: Tab from field to field, a new row comes by itself
    for label, n in [("Therapy", "30"), ("Waiting list", "31")]:
        tab_to(".label")
        keys.type(label)
        tab_to(".n_randomised")
        keys.type(n)
    for phase, printed in [("B", "Baseline"), ("A", "12 weeks")]:
        tab_to(".phase")
        keys.type(phase)
        tab_to(".printed")
        keys.type(printed)
    for name in MARKERS:
        tab_to(".name")
        keys.type(name)
        tab_to(".unit")
        keys.type("pg/mL")
    expect(page.locator(".block")).to_have_count(5)
    # then the grid in reading order: n, mean, SD, and on to the next time
    expected = []
    tab_to(".centre_kind", most=20)
    for outcome, arm, time in product(range(5), range(2), range(2)):
        tab_to(".n")
        row = (str(20 + arm), f"{outcome + 1}.{time}0", f"0.{outcome + 1}{arm}")
        keys.type(row[0])
        for field, text in zip((".centre", ".first"), row[1:], strict=True):
            keys.press("Tab")
            assert page.evaluate("document.activeElement.name").endswith(field)
            keys.type(text)
        expected.append(row)
    is_saved(page)
    assert numbers(entry) == expected
    # and on to the look over it
    tab_to("then", most=2)  # the source of the last cell
    tab_to("then", most=25)  # past the blank contrast to Save draft
    tab_to("then", most=2)
    assert page.evaluate("document.activeElement.value") == "check"
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Check and submit")).to_be_visible()


def test_a_spelling_of_the_codebook_chooses_its_marker(live_server: LiveServer, sign_in: SignIn, trial: Trial) -> None:
    marker: Any = MarkerFactory.create(review=trial.review, code="GRE", name="Ghrelin")
    with recording():
        MarkerSynonym.objects.create(marker=marker, text="Hunger hormone")
    user = holder(trial, "A")
    entry = enter.start(trial.pk, by=user)
    page = sign_in(user)
    page.goto(address(live_server, entry))
    for number, (typed, code) in enumerate([("hunger  hormone", "GRE"), ("Hunger hormones", "")]):
        strip = page.locator("fieldset.strip-outcome").nth(number)
        strip.get_by_label("Name, as printed").fill(typed)
        page.keyboard.press("Tab")
        expect(strip.get_by_label("Marker")).to_have_value(code)
    is_saved(page)
    assert list(entry.outcomes.values_list("name", "marker__code")) == [
        ("hunger  hormone", "GRE"),
        ("Hunger hormones", None),
    ]


def test_what_is_typed_is_saved_by_itself_and_shows_what_is_derived(
    live_server: LiveServer, sign_in: SignIn, trial: Trial
) -> None:
    page, entry = opened(live_server, sign_in, trial, structure(outcomes=1))
    page.get_by_label("Interleukin-6: kind of spread").select_option("se")
    for field, text in {"n": "25", "centre": "8.40", "first": "0.42"}.items():
        box(page, field).fill(text)
    is_saved(page)
    expect(page.locator(".derived").first).to_have_text("SD 2.1")
    assert "SE × √n" in (page.locator(".derived abbr").first.get_attribute("title") or "")
    assert numbers(entry) == [("25", "8.40", "0.42")]


def test_a_value_that_cannot_be_read_says_so_at_its_box_and_the_rest_is_saved(
    live_server: LiveServer, sign_in: SignIn, trial: Trial
) -> None:
    page, entry = opened(live_server, sign_in, trial, structure(outcomes=1))
    box(page, "centre", 0).fill("2,31")
    box(page, "centre", 1).fill("1.98")
    expect(page.locator("td .problem")).to_contain_text("write 2.31")
    expect(page.locator("[data-state]")).to_contain_text("1 value not saved")
    assert numbers(entry) == [("", "1.98", "")]
    box(page, "centre", 0).fill("2.31")
    is_saved(page)
    expect(page.locator("td .problem")).to_have_count(0)


def test_a_killed_tab_loses_nothing(live_server: LiveServer, sign_in: SignIn, trial: Trial) -> None:
    # given something typed that has reached the browser, not yet the server
    page, entry = opened(live_server, sign_in, trial, structure(outcomes=1))
    page.route("**/autosave/", lambda route: route.abort())
    box(page, "centre").fill("2.31")
    page.locator("fieldset.strip-outcome").last.get_by_label("Name, as printed").fill("Neopterin")
    page.wait_for_function("Object.values(localStorage).join().includes('Neopterin')")
    # when the tab is killed
    context = page.context
    page.close(run_before_unload=False)
    assert numbers(entry) == []
    # then the next one brings it back and saves it
    again = context.new_page()
    again.goto(address(live_server, entry))
    is_saved(again)
    assert numbers(entry) == [("", "2.31", "")]
    assert entry.outcomes.filter(name="Neopterin").exists()
    assert again.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('unsaved:')).length") == 0


def test_two_tabs_are_shown_both_and_lose_neither(live_server: LiveServer, sign_in: SignIn, trial: Trial) -> None:
    page, entry = opened(live_server, sign_in, trial, structure(outcomes=1))
    other = page.context.new_page()
    other.goto(address(live_server, entry))
    # different cells are in nobody's way
    box(page, "centre", 0).fill("1.1")
    is_saved(page)
    box(other, "centre", 1).fill("2.2")
    is_saved(other)
    # the same cell is
    box(other, "centre", 0).fill("9.9")
    expect(other.locator("[data-state]")).to_have_text("Changed in another tab")
    other.get_by_role("button", name="Look at both").click()
    expect(other.get_by_role("heading", name="Changed in another tab")).to_be_visible()
    expect(other.get_by_role("cell", name="1.1")).to_be_visible()
    expect(other.get_by_role("cell", name="9.9")).to_be_visible()
    other.get_by_label("Take what I typed here").check()
    other.get_by_role("button", name="Save with these choices").click()
    expect(box(other, "centre", 0)).to_have_value("9.9")
    assert [centre for _, centre, _ in numbers(entry)] == ["9.9", "2.2"]


def test_offline_it_waits_and_saves_when_back(live_server: LiveServer, sign_in: SignIn, trial: Trial) -> None:
    page, entry = opened(live_server, sign_in, trial, structure(outcomes=1))
    page.route("**/autosave/", lambda route: route.abort("internetdisconnected"))
    box(page, "centre").fill("2.31")
    expect(page.locator("[data-state]")).to_have_text("Offline, will retry")
    assert numbers(entry) == []
    page.unroute("**/autosave/")
    page.evaluate("dispatchEvent(new Event('online'))")
    is_saved(page)
    assert numbers(entry) == [("", "2.31", "")]


def test_undo_redo_fill_down_and_not_reported(live_server: LiveServer, sign_in: SignIn, trial: Trial) -> None:
    page, entry = opened(live_server, sign_in, trial, structure(outcomes=1))
    keys = page.keyboard
    box(page, "n", 0).focus()
    keys.type("25")
    keys.press("Enter")  # the next arm
    keys.press("Control+d")
    expect(box(page, "n", 2)).to_have_value("25")
    keys.press("ArrowRight")
    keys.press("Alt+r")
    expect(box(page, "centre", 2)).to_have_value("NR")
    is_saved(page)
    assert numbers(entry) == [("25", "", ""), ("25", "", "")]
    keys.press("Control+z")
    expect(box(page, "centre", 2)).to_have_value("")
    keys.press("Control+z")
    keys.press("Control+z")
    expect(box(page, "n", 2)).to_have_value("")
    expect(box(page, "n", 0)).to_have_value("")
    is_saved(page)
    for _ in range(3):
        keys.press("Control+Shift+z")
    expect(box(page, "n", 2)).to_have_value("25")
    expect(box(page, "first", 2)).to_have_value("NR")


def test_without_scripts_the_grid_is_a_form(
    browser: Any, live_server: LiveServer, sign_in: SignIn, trial: Trial
) -> None:
    entry = draft(trial, "A")
    cookies = sign_in(holder(trial, "A")).context.cookies()
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies(cookies)
    page = context.new_page()
    page.goto(address(live_server, entry))
    box(page, "centre").fill("-2.5")
    with page.expect_navigation():
        page.get_by_role("button", name="Save draft").last.click()
    expect(box(page, "centre")).to_have_value("-2.5")
    page.locator(".src").first.click()
    page.locator("details.more-of").get_by_label("Page", exact=True).fill("5")
    with page.expect_navigation():
        page.get_by_role("button", name="Save draft").last.click()
    assert entry.observations.filter(centre_printed="-2.5", source_page="5").exists()
    context.close()


class Counted:
    """A person whose every press of a key or a button counts."""

    def __init__(self, page: Page) -> None:
        self.page, self.actions = page, 0

    def click(self, locator: Any) -> None:
        self.actions += 1
        locator.click()

    def paste(self, text: str) -> None:
        self.actions += 1
        self.page.evaluate(
            """(text) => {
              const data = new DataTransfer();
              data.setData("text", text);
              const paste = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
              document.activeElement.dispatchEvent(paste);
            }""",
            text,
        )


def test_a_trial_is_pasted_in_a_few_actions(live_server: LiveServer, sign_in: SignIn, trial: Trial) -> None:
    # given the structure of 2 arms × 5 markers × 2 times, and a table of a spreadsheet with decimal commas
    page, entry = opened(live_server, sign_in, trial, structure())
    lines, expected = [], []
    for outcome, arm in product(range(5), range(2)):
        times = [(str(20 + arm), f"{outcome + 1},{arm}{time}", f"0,{outcome + 1}{time}") for time in range(2)]
        lines.append("\t".join(text for time in times for text in time))
        expected += [tuple(text.replace(",", ".") for text in time) for time in times]
    person = Counted(page)
    # when it is pasted into the first cell
    person.click(box(page, "n"))
    person.paste("\n".join(lines))
    expect(page.locator("#paste-dialog")).to_be_visible()
    person.click(page.get_by_role("button", name="Enter 20 cells"))
    is_saved(page)
    # then all of it is there
    assert numbers(entry) == expected
    assert person.actions <= 25, person.actions
    # and one undo takes it back
    page.keyboard.press("Control+z")
    expect(box(page, "centre")).to_have_value("")
    is_saved(page)
    assert numbers(entry) == []


def test_a_table_of_a_report_is_shown_and_asked_about_before_it_is_taken(
    live_server: LiveServer, sign_in: SignIn, trial: Trial
) -> None:
    # given a table with a line per outcome: pairs, brackets, thousands, a bound and a word
    page, entry = opened(live_server, sign_in, trial, structure(outcomes=4))
    person = Counted(page)
    person.click(box(page, "n"))
    person.paste(
        "\tBase A\t12 w A\tBase B\t12 w B\n"
        "IL-6\t1\t1\t1\t1\n"  # no such outcome by this name: it has no marker yet
        "TNF-a, pg/ml\t2,31 ± 1,24\t1,98 ± 1,02\t2,27 ± 1,31\t2,11 ± 1,18\n"
        "C-reactive protein\t1.204 (212)\t1.151 (198)\tn.r.\t1.163 (205)\n"
        "Interleukin-10\t<0,5\tnot done\t<0,5\tsoon"
    )
    dialog = page.locator("#paste-dialog")
    enter_button = dialog.locator("[data-enter]")
    expect(dialog.locator("b", has_text="What stands after the means")).to_be_visible()
    expect(enter_button).to_be_disabled()
    person.click(dialog.get_by_label("SD", exact=True))
    expect(dialog.get_by_text("1 question left.")).to_be_visible()
    person.click(dialog.get_by_label("1204 and 212"))
    person.click(page.get_by_role("button", name="Enter 11 cells"))
    is_saved(page)
    told: dict[str, list[tuple[str, str]]] = {name: [] for name in MARKERS[:4]}
    for name, centre, spread, status in entry.observations.order_by("arm__position", "timepoint__position").values_list(
        "outcome__name", "centre_printed", "spread_printed", "centre_status"
    ):
        told[name] = [*told[name], (centre or status, spread)]
    assert told == {
        "Interleukin-6": [],
        "TNF-α": [("2.31", "1.24"), ("1.98", "1.02"), ("2.27", "1.31"), ("2.11", "1.18")],
        "C-reactive protein": [("1204", "212"), ("1151", "198"), ("NR", ""), ("1163", "205")],
        "Interleukin-10": [("<0.5", ""), ("NM", ""), ("<0.5", "")],
    }
    assert person.actions <= 25


def test_a_warning_is_kept_with_a_reason_and_a_block_gets_one_source(
    live_server: LiveServer, sign_in: SignIn, trial: Trial
) -> None:
    # given a trial with two reports
    _, supplement = (uploaded(trial, member(trial.review, "lead"), citation=name) for name in ("Kim 2015", "Table S1"))
    page, entry = opened(live_server, sign_in, trial, structure(outcomes=1))
    # when n is above those randomised, the warning goes with a reason
    box(page, "n", 0).fill("31")  # of 30 randomised
    box(page, "n", 1).fill("28")
    warning = page.locator(".warn-row")
    expect(warning).to_contain_text("n 31 is above the 30 randomised")
    warning.get_by_label("Why it is right").fill("Table 1 counts one more")
    warning.get_by_role("button", name="Keep with this reason").click()
    expect(warning).to_have_count(0)
    box(page, "n", 0).focus()
    page.keyboard.press("Alt+s")
    # and the source of a cell is that of its block
    page.locator("#source-pop select").select_option(label="Table S1")
    page.get_by_role("dialog", name="Source").get_by_label("Page", exact=True).fill("5")
    page.get_by_role("button", name="Use for this block").click()
    is_saved(page)
    said = [(supplement.pk, "5"), (supplement.pk, "5")]
    assert list(entry.observations.values_list("source_report", "source_page")) == said
