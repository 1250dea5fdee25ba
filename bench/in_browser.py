"""How it feels to type into the largest grid: first paint in a real Chromium, and from key to painted character."""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
QUIET = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update"]
KEYS = "12.34\t5.67\t21\t3.30\t1.20\t"  # boxes of two cells, with the Tab that leaves each
ROUNDS = 8

# From the event of a key to the end of the frame that shows it.
WATCH = """() => {
  window.latencies = [];
  addEventListener("keydown", (event) => {
    const start = event.timeStamp;
    requestAnimationFrame(() => setTimeout(() => latencies.push(performance.now() - start)));
  }, true);
}"""
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def rows(address: str, cookie: tuple[str, str]) -> list[tuple[str, str, str]]:
    """First paint and typing on the page at `address` (a path), with this session cookie (name, value)."""
    if CHROMIUM is None:
        return [("typing in a real Chromium", "no Chromium found", "–")]
    with server() as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        context = browser.new_context(viewport={"width": 1360, "height": 900})
        context.add_cookies([{"name": cookie[0], "value": cookie[1], "url": base}])
        page = context.new_page()
        paints = [first_paint(page, f"{base}{address}") for _ in range(6)]
        latencies = typed(page)
        browser.close()
    p95 = statistics.quantiles(latencies, n=20)[-1]
    return [
        ("first paint of that grid in Chromium, with nothing cached", f"{paints[0]:.0f} ms", "1,000 ms"),
        ("first paint of that grid once more (median of 5)", f"{statistics.median(paints[1:]):.0f} ms", "1,000 ms"),
        (
            f"from a key to its painted character ({len(latencies)} keys; median / p95)",
            f"{statistics.median(latencies):.0f} / {p95:.0f} ms",
            "100 ms",
        ),
    ]


def first_paint(page: Page, address: str) -> float:
    page.goto(address)
    page.wait_for_function(f"{PAINTED} !== undefined")
    if page.locator(".trio").count() == 0:
        raise SystemExit(f"{address} shows no grid.")
    return float(page.evaluate(PAINTED))


def typed(page: Page) -> list[float]:
    page.evaluate(WATCH)
    page.locator('.trio [name$=".n"]').first.focus()
    for _ in range(ROUNDS):
        page.keyboard.type(KEYS, delay=40)
    page.wait_for_timeout(500)
    found: list[float] = page.evaluate("latencies")
    return found


@contextmanager
def server() -> Iterator[str]:
    """The web server as `manage.py up` runs it, on a free port."""
    from reviewapp.management.commands.up import stop_together, web

    port = free_port()
    running = web(port)
    running.keep_alive()
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz/alive")
        yield f"http://127.0.0.1:{port}"
    finally:
        stop_together([running])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(address: str, seconds: float = 60) -> None:
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        try:
            with urllib.request.urlopen(address, timeout=2):  # noqa: S310  this machine's own server
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("The server did not start.")
