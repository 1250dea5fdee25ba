"""How fast the application is on the demo review: pages, recompute after an approval, ranking, memory of an import.

`make bench` runs it. It makes an installation of its own in a temporary folder, with a real worker, and writes
docs/bench-app.md. Times are medians or 95th percentiles of one run on one machine: compare them with each other.
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import entering, pages

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "docs" / "bench-app.md"
ROUNDS = 10


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="reviewapp-bench-") as folder:
        prepare(folder)
        seconds, _ = timed(load)
        from reviewapp.management.commands.up import stop_together, worker

        running = worker()
        running.keep_alive()
        try:
            wait_until_fresh()
            rows = [("demo review loaded (56 trials, both entries, 33 approvals)", f"{seconds:.1f} s", "–")]
            rows += pages.rows(signed_in)
            rows += approvals()
            rows += imports()
            rows += entering.rows(signed_in("extractor-a"), "extractor-a")
            rows += ranking()
        finally:
            stop_together([running])
    write(rows)


def prepare(folder: str) -> None:
    os.environ |= {
        "DATA_DIR": folder, "SECRET_KEY": "bench", "PLAIN_HTTP": "1", "DJANGO_SETTINGS_MODULE": "reviewapp.settings",
        "API_RATE": "", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    import reviewapp.wsgi  # noqa: F401  # what a server does when it starts: load all pages, settle the collector


def load() -> None:
    from django.core.management import call_command

    call_command("load_demo", verbosity=0)


def timed(act: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    answer = act()
    return time.perf_counter() - start, answer


def signed_in(username: str) -> Any:
    from django.test import Client

    from extraction.models import User

    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.get(username=username))
    return client


def approvals() -> list[tuple[str, str, str]]:
    """From the answer to an approval to the fresh result on the page; and what the approval itself costs."""
    from extraction import approve, reconcile
    from extraction.decisions import Decision
    from extraction.models import Discrepancy, Trial, User

    adjudicator, lead = (User.objects.get(username=name) for name in ("adjudicator", "lead"))
    times, costs = [], []
    for trial in Trial.objects.filter(status="adjudicating").order_by("label_key")[:ROUNDS]:
        keys = list(Discrepancy.objects.filter(trial=trial, state="open").values_list("pk", flat=True))
        reconcile.resolve_many(keys, Decision("A", "judgement"), by=adjudicator)
        cost, _ = timed(lambda pk=trial.pk: approve.approve(pk, by=lead))
        seconds, _ = timed(wait_until_fresh)
        costs.append(cost)
        times.append(cost + seconds)
    return [
        (f"one more approval (median of {ROUNDS})", f"{statistics.median(costs) * 1000:.0f} ms", "1.5 s"),
        (f"approved → fresh on the results page (median of {ROUNDS})", f"{statistics.median(times):.2f} s", "2 s"),
        (f"approved → fresh, the slowest of {ROUNDS}", f"{max(times):.2f} s", "–"),
    ]


def wait_until_fresh(most: float = 120) -> None:
    """Ask what the page asks: the digests of the results against those of the approved data."""
    from analysis.freshness import freshness
    from analysis.models import Synthesis
    from extraction.models import Review

    review = Review.objects.get()
    start = time.perf_counter()
    while time.perf_counter() - start < most:
        found = freshness(review.pk, list(Synthesis.objects.filter(review=review)))
        if found.fresh and not found.old and not found.recomputing:
            return
        time.sleep(0.02)
    raise SystemExit("The results did not become fresh: is the worker running?")


def imports() -> list[tuple[str, str, str]]:
    """Previewing the demo workbook again: nothing is new, everything is read, parsed and compared."""
    from extraction.demo.load import workbook_of
    from extraction.models import Review, User
    from extraction.workbook import importing

    review, user = Review.objects.get(), User.objects.get(username="extractor-a")
    content = workbook_of("a")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, _ = timed(lambda: importing.preview("entry-a.xlsx", content, review_id=review.pk, by=user))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return [
        ("preview of a workbook with 770 observations", f"{seconds:.2f} s", "5 s"),
        ("memory: growth of the server / largest child", f"{grown:.0f} / {child:.0f} MB", "300 MB"),
    ]


def ranking(goal: int = 1000) -> list[tuple[str, str, str]]:
    """56 generated trials beside the approved ones, entered twice and differing in every cell, ranked cold."""
    from django.core.cache import cache

    from analysis.impact import impacts
    from extraction.models import Discrepancy, Review

    review = Review.objects.get()
    generate(review)
    found = Discrepancy.objects.filter(trial__review=review, superseded=False, state="open").select_related("trial")
    rows = list(found.order_by("trial", "position")[:goal])
    if len(rows) < goal:
        raise SystemExit(f"Only {len(rows)} of {goal} discrepancies were generated.")
    cache.clear()
    seconds, sizes = timed(lambda: impacts(review.pk, rows))
    again, _ = timed(lambda: impacts(review.pk, rows))
    return [
        (f"{len(rows)} open discrepancies ranked, cold ({len(sizes)} have a size)", f"{seconds:.2f} s", "2 s"),
        ("the same once more", f"{again * 1000:.0f} ms", "–"),
    ]


def generate(review: Any) -> None:
    """The demo's trials under other labels; B types another mean in every cell, and another n in every third."""
    from extraction import assign, enter, setup
    from extraction.demo.load import rows
    from extraction.models import User
    from extraction.workbook import importing

    lead, a, b = (User.objects.get(username=name) for name in ("lead", "extractor-a", "extractor-b"))
    labels = [{"label": f"{row['trial']} again"} for row in rows("trials.csv")]
    trials = setup.add_trials(review.pk, labels, by=lead)
    for trial in trials:
        assign.assign(trial.pk, "A", a.pk, by=lead)
        assign.assign(trial.pk, "B", b.pk, by=lead)
    for letter, user in (("a", a), ("b", b)):
        importing.apply(f"{letter}.xlsx", changed(letter), review_id=review.pk, by=user)
    for trial in trials:
        for user in (a, b):
            enter.submit(enter.start(trial.pk, by=user).pk, by=user)


def changed(letter: str) -> bytes:
    """The demo's workbook of A with new labels; as B's, with other values."""
    import io

    from openpyxl import Workbook

    from extraction.demo.load import rows

    book = Workbook(write_only=True)
    for sheet in ("trials", "arms", "observations"):
        page = book.create_sheet(sheet)
        lines = list(rows("trials.csv" if sheet == "trials" else f"{sheet}_a.csv"))
        page.append(list(lines[0]))
        for number, line in enumerate(lines):
            line["trial"] += " again"
            if letter == "b" and sheet == "observations":
                other = line["mean"] + ("7" if "." in line["mean"] else ".7")
                line["mean"] = other[1:] if other.startswith("-") else f"-{other}"
                if number % 3 == 0:
                    line["n"] = str(int(line["n"]) + 3)
            page.append(list(line.values()))
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def write(rows: list[tuple[str, str, str]]) -> None:
    head = [
        "# The application on the demo review",
        "",
        "Written by `make bench`: times of one run; compare them with each other. Embedded default (SQLite,",
        f"folder broker, one worker), Python {platform.python_version()}, {os.cpu_count()} cores. On these",
        f"{os.getloadavg()[2]:.1f} programs wanted to run at a time; with more than one per core, all waited.",
        "",
        "| what | measured | goal |",
        "|---|---|---|",
    ]
    text = "\n".join([*head, *(f"| {name} | {value} | {goal} |" for name, value, goal in rows)]) + "\n"
    REPORT.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
