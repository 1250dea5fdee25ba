"""Screenshots of the demo review for README and guides: an installation of its own, a real browser, real pages."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from bench.in_browser import CHROMIUM, QUIET, free_port, wait_for

ROOT = Path(__file__).resolve().parent.parent
SHOTS = ROOT / "docs" / "shots"


def main() -> None:
    if CHROMIUM is None:
        raise SystemExit("No Chromium found: install it, or name it in CHROMIUM.")
    SHOTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="reviewapp-shots-") as folder:
        port = free_port()
        command = [sys.executable, "manage.py", "up", "--port", str(port)]
        server = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "DATA_DIR": folder})
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(f"{address}/healthz", seconds=300)
            accounts = passwords(Path(folder) / "demo-accounts.txt")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
                for name, username, path, width, scheme in WANTED:
                    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
                    sign_in(page, address, username, accounts[username])
                    shoot(page, f"{address}{path}", SHOTS / f"{name}.png")
                    page.close()
                for username, act in ACTS:
                    page = browser.new_page(viewport={"width": 1360, "height": 900}, color_scheme="light")
                    sign_in(page, address, username, accounts[username])
                    act(page, address)
                    page.close()
                browser.close()
        finally:
            server.terminate()
            server.wait(timeout=30)


WANTED = [
    ("results", "lead", "/review/1/results/", 1360, "light"),
    ("results-dark", "lead", "/review/1/results/", 1360, "dark"),
    ("results-phone", "lead", "/review/1/results/", 390, "light"),
    ("my-work", "extractor-a", "/", 1360, "light"),
    ("lead-set-up", "lead", "/review/1/set-up/", 1360, "light"),
    ("lead-people", "lead", "/review/1/people/", 1360, "light"),
    ("lead-progress", "lead", "/review/1/progress/", 1360, "light"),
    ("queue", "adjudicator", "/admin/extraction/discrepancy/", 1360, "light"),
    ("decide", "adjudicator", "/review/1/queue/", 1360, "light"),
    ("decide-dark", "adjudicator", "/review/1/queue/", 1360, "dark"),
    ("decide-phone", "adjudicator", "/review/1/queue/", 390, "light"),
]


def enter_a_trial(page: Page, address: str) -> None:
    """The example trial: its structure typed, its numbers pasted, and the look over it before submission."""
    page.goto(address)
    page.get_by_role("button", name="Next trial").click()
    for number, (label, n) in enumerate([("Therapy", "30"), ("Waiting list", "31")]):
        arm = page.locator("fieldset.strip-arm").nth(number)
        arm.get_by_label("Name, as printed").fill(label)
        arm.get_by_label("Randomised").fill(n)
    page.locator("fieldset.strip-arm").nth(1).get_by_label("Role").select_option("control")
    for number, (phase, printed) in enumerate([("baseline", "Baseline"), ("post", "12 weeks")]):
        time = page.locator("fieldset.strip-timepoint").nth(number)
        time.get_by_label("Phase").select_option(phase)
        time.get_by_label("As printed").fill(printed)
    for number, name in enumerate(["IL-6", "CRP"]):
        outcome = page.locator("fieldset.strip-outcome").nth(number)
        outcome.get_by_label("Name, as printed").fill(name)
        outcome.get_by_label("Unit, as printed").fill("pg/mL")
    page.locator(".block").nth(1).wait_for()
    page.locator('.trio [name$=".n"]').first.focus()
    page.evaluate(PASTE, "30\t4.20\t1.31\t28\t3.10\t1.05\n31\t4.05\t1.22\t30\t4.11\t1.40")
    enter = page.locator("#paste-dialog [data-enter]:not([disabled])")
    enter.wait_for()
    page.screenshot(path=SHOTS / "extractor-paste.png")
    enter.click()
    page.locator("#observations").scroll_into_view_if_needed()
    page.locator("[data-state]", has_text="Saved").wait_for()
    page.wait_for_timeout(1500)  # what is derived and what is warned of comes with the answer
    page.screenshot(path=SHOTS / "extractor-grid.png")
    contrast = page.locator("fieldset.strip-contrast").first
    contrast.scroll_into_view_if_needed()
    page.screenshot(path=SHOTS / "extractor-contrast.png")
    page.locator(".src").first.click()
    page.locator("#source-pop").wait_for()
    page.screenshot(path=SHOTS / "extractor-source.png")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Check and submit").click()
    page.get_by_role("heading", name="Check and submit").wait_for()
    page.screenshot(path=SHOTS / "extractor-check.png", full_page=True)


PASTE = """text => {
  const data = new DataTransfer();
  data.setData("text", text);
  const paste = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  document.activeElement.dispatchEvent(paste);
}"""


def read_a_story(page: Page, address: str) -> None:
    """The story of a number of an approved trial, and the page before an approval."""
    page.goto(f"{address}/review/1/?state=approved")
    page.locator("a.title").first.click()
    page.get_by_role("link", name="Story of").first.click()
    page.get_by_role("heading", name="Went into").wait_for()
    page.screenshot(path=SHOTS / "adjudicator-story.png", full_page=True)
    page.goto(f"{address}/review/1/agreement/")
    page.screenshot(path=SHOTS / "adjudicator-agreement.png", full_page=True)


ACTS = [("extractor-a", enter_a_trial), ("lead", read_a_story)]


def passwords(path: Path) -> dict[str, str]:
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("  ")]
    return {words[0]: words[1] for words in lines}


def sign_in(page: Page, address: str, username: str, password: str) -> None:
    page.goto(f"{address}/accounts/login/")
    page.fill("input[name=username]", username)
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")
    page.wait_for_load_state("load")


def shoot(page: Page, address: str, path: Path) -> None:
    """Wait for fresh results where they are still being computed, then take the whole page."""
    for _ in range(60):
        page.goto(address)
        page.wait_for_load_state("load")
        if "/results/" not in address or not page.locator(".fresh.run, .fresh.old").count():
            break
        page.wait_for_timeout(1000)
    page.screenshot(path=path, full_page=True)


if __name__ == "__main__":
    main()
