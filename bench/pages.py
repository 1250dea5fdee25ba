"""How fast each page answers: every address of the pages that answers GET, the admin's lists, two of the API's.

The demo review has no rules, questions, proposals, reports and nothing to align; `stage` adds some, by the verbs, so
that each page has something to show. tests/test_bench.py holds this table against the addresses there are.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

GOAL: Final = "300 ms"
ROUNDS: Final = 20
ROUNDS_OF_FILES: Final = 5  # of what makes or reads a whole workbook

# Addresses that answer GET and are no pages: redirects, the strip that asks for its state, and the file of a report.
NO_PAGES: Final = {
    "extraction:entry-save", "extraction:report-at", "extraction:report-file", "analysis:freshness",
    "extraction:join",  # its secret is shown once
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    user: str
    what: str
    route: str
    of: str = ""  # the name of what the address is of, among `Found`
    query: str = ""
    goal: str = GOAL


LEAD, DECIDER, EXTRACTOR = "lead", "adjudicator", "extractor-a"
OPERATOR: Final = "operator"  # a superuser, for the accounts

PAGES: Final = (
    Page(EXTRACTOR, "My work", "extraction:work"),
    Page(LEAD, "My work of the lead", "extraction:work"),
    Page(DECIDER, "My work of the adjudicator", "extraction:work"),
    Page(LEAD, "all trials", "extraction:review", "review"),
    Page(EXTRACTOR, "codebook", "extraction:codebook", "review"),
    Page(OPERATOR, "a new review", "extraction:new-review"),
    Page(LEAD, "set up", "extraction:setup", "review"),
    Page(LEAD, "people", "extraction:people", "review"),
    Page(LEAD, "references", "extraction:references", "review"),
    Page(LEAD, "progress", "extraction:dashboard", "review"),
    Page(LEAD, "the set-up as a file", "extraction:template-file", "review", goal="–"),
    Page(LEAD, "rules", "extraction:rules", "review"),
    Page(DECIDER, "a new rule", "extraction:rule-create", "review"),
    Page(LEAD, "a rule", "extraction:rule", "rule"),
    Page(DECIDER, "changing a rule", "extraction:rule-change", "rule"),
    Page(DECIDER, "questions", "extraction:questions", "review"),
    Page(LEAD, "a question", "extraction:question", "question"),
    Page(EXTRACTOR, "questions of an entry", "extraction:entry-ask", "draft"),
    Page(LEAD, "names to place", "extraction:names", "review"),
    Page(EXTRACTOR, "an entry", "extraction:entry", "entry"),
    Page(EXTRACTOR, "a draft", "extraction:entry", "draft"),
    Page(EXTRACTOR, "a draft checked", "extraction:entry-check", "draft"),
    Page(EXTRACTOR, "import", "extraction:import"),
    Page(EXTRACTOR, "preview of an import", "extraction:import-preview", query="upload={upload}"),
    Page(EXTRACTOR, "template workbook", "extraction:template-workbook", "review", goal="–"),
    Page(EXTRACTOR, "blank form", "extraction:blank-form", "review"),
    Page(LEAD, "adding a report", "extraction:report-add", "adjudicating"),
    Page(LEAD, "a report", "extraction:report", "report"),
    Page(DECIDER, "queue", "extraction:decide", "review"),
    Page(DECIDER, "queue: several together", "extraction:decide-together", "review"),
    Page(DECIDER, "structures beside each other", "extraction:align", "aligning"),
    Page(LEAD, "a trial with its differences", "extraction:trial", "adjudicating"),
    Page(LEAD, "an approved trial", "extraction:trial", "approved"),
    Page(LEAD, "versions of a trial", "extraction:trial-versions", "approved"),
    Page(LEAD, "approving a trial", "extraction:trial-approve", "agreed"),
    Page(LEAD, "what an approval would change", "analysis:approval-preview", "agreed"),
    Page(LEAD, "reopening a trial", "extraction:trial-reopen", "approved"),
    Page(LEAD, "results", "analysis:results", "review"),
    Page(LEAD, "agreement", "analysis:agreement", "review"),
    Page(LEAD, "a synthesis with its effects", "analysis:synthesis", "synthesis"),
    Page(LEAD, "a new synthesis", "analysis:synthesis-create", "review"),
    Page(LEAD, "changing a synthesis", "analysis:synthesis-change", "synthesis"),
    Page(LEAD, "an effect with its ledger", "analysis:effect", "effect"),
    Page(LEAD, "the story of a number", "analysis:number", "number"),
    Page(DECIDER, "what a decision changed", "analysis:choice", "decided"),
    Page(LEAD, "export.xlsx", "analysis:export", "review", goal="–"),
    Page(DECIDER, "admin: a discrepancy", "admin:extraction_discrepancy_change", "discrepancy"),
    Page(LEAD, "admin: a trial", "admin:extraction_trial_change", "adjudicating"),
    Page(LEAD, "admin: an entry", "admin:extraction_entry_change", "adjudicated_entry"),
    Page(LEAD, "admin: start", "admin:index"),
    Page(LEAD, "API: trials", "api-trial-list"),
    Page(LEAD, "API: results", "api-result-list"),
)


def rows(signed_in: Any) -> list[tuple[str, str, str]]:
    """Of each page, from request to rendered answer in this process: the 95th percentile, once with nothing cached, and
    the median of the processor's time, which says most where a machine has other work to do as well."""
    found = stage(signed_in)
    told = []
    for page, address in addresses(found):
        rounds = ROUNDS if page.goal == GOAL else ROUNDS_OF_FILES
        cold, times = measured(signed_in(page.user), address, rounds)
        p95 = statistics.quantiles([one.passed for one in times], n=20)[-1]
        busy = statistics.median(one.busy for one in times)
        said = " / ".join(f"{seconds * 1000:.0f}" for seconds in (p95, cold.passed, busy))
        told.append((f"{page.what} (p95 of {rounds} / nothing cached / processor)", f"{said} ms", page.goal))
    return told


@dataclass(frozen=True, slots=True)
class Time:
    passed: float  # seconds
    busy: float  # seconds of the processor


def measured(client: Any, address: str, rounds: int) -> tuple[Time, list[Time]]:
    """An answer with the cache empty, and the next ones."""
    from django.core.cache import cache

    timed(client, address)  # loads modules and templates, which a server does once
    cache.clear()
    cold, *times = (timed(client, address) for _ in range(rounds + 1))
    return cold, times


def timed(client: Any, address: str) -> Time:
    start, busy = time.perf_counter(), time.process_time()
    answer = client.get(address)
    found = Time(time.perf_counter() - start, time.process_time() - busy)
    if answer.status_code != 200:
        raise SystemExit(f"{address} answers {answer.status_code}")
    return found


def addresses(found: dict[str, Any]) -> Iterator[tuple[Page, str]]:
    from django.urls import reverse

    for page in (*PAGES, *lists()):
        arguments = found[page.of] if page.of else ()
        address = reverse(page.route, args=arguments)
        yield page, f"{address}?{page.query.format(**found)}" if page.query else address


def lists() -> list[Page]:
    """The admin's lists, for who works in them. Discrepancies are the adjudicator's; the lead may read the rest."""
    from django.contrib import admin

    from extraction.models import User

    found = []
    for model in sorted(admin.site._registry, key=lambda model: model._meta.label_lower):
        meta = model._meta
        if meta.app_label in {"extraction", "analysis"}:
            user = DECIDER if meta.model_name == "discrepancy" else OPERATOR if model is User else LEAD
            name = f"admin: {meta.verbose_name_plural}"
            found.append(Page(user, name, f"admin:{meta.app_label}_{meta.model_name}_changelist"))
    return found


# --- Something to show on each page ------------------------------------------------------------------------------


def stage(signed_in: Any) -> dict[str, Any]:
    """Adds by the verbs what the demo review lacks; the arguments of each address by the name of what it is of."""
    from analysis.models import Effect, Synthesis
    from extraction import proposals, questions, reconcile, rules
    from extraction.decisions import Decision
    from extraction.models import Discrepancy, Entry, Observation, Report, Review, Trial, User

    review = Review.objects.get()
    User.objects.create_superuser(OPERATOR)
    people = {name: User.objects.get(username=name) for name in (LEAD, DECIDER, EXTRACTOR, "extractor-b")}
    adjudicating = list(Trial.objects.filter(status="adjudicating").order_by("label_key"))
    first, agreed, asked = adjudicating[0], adjudicating[-1], adjudicating[-2]
    waiting = Discrepancy.objects.filter(superseded=False, state="open")

    keys = list(waiting.filter(trial=agreed).values_list("pk", flat=True))
    reconcile.resolve_many(keys, Decision("A", "judgement"), by=people[DECIDER])
    question = questions.ask_extractors(waiting.filter(trial=asked)[0].pk, "Which table?", by=people[DECIDER])
    for number in range(10):
        values = {"text": f"Rule {number}", "subject": "observation", "field": "spread", "marker": None}
        rule = rules.make_rule(review.pk, values, by=people[DECIDER])
    draft = _drafted(review, people)
    questions.ask_leads(draft.pk, "Which of the two tables?", by=people[EXTRACTOR])
    proposals.propose(draft.pk, by=people[EXTRACTOR])
    _upload(signed_in(LEAD), first)
    approved = Trial.objects.filter(status="approved").order_by("label_key").first()
    effect = Effect.objects.filter(reason="", trial=approved).first()
    told = Observation.objects.filter(entry__trial=approved, entry__slot="FINAL").first()
    entry = Entry.objects.filter(slot="A", trial=first).get()
    if approved is None or effect is None or told is None:
        raise SystemExit("The demo review is not as it should be.")
    return {
        "review": [review.pk],
        "rule": [rule.pk],
        "question": [question.pk],
        "draft": [draft.pk],
        "entry": [Entry.objects.filter(slot="A").order_by("trial__label_key")[0].pk],
        "adjudicated_entry": [entry.pk],
        "adjudicating": [first.pk],
        "agreed": [agreed.pk],
        "approved": [approved.pk],
        "aligning": [_tangled(review, people).pk],
        "report": [Report.objects.get(trial=first).pk],
        "discrepancy": [waiting.filter(trial=first)[0].pk],
        "decided": [keys[0]],
        "synthesis": [Synthesis.objects.get(is_primary=True).pk],
        "effect": [effect.pk],
        "number": ["observation", told.pk, "centre"],
        "upload": _imported(signed_in(EXTRACTOR)),
    }


def _drafted(review: Any, people: dict[str, Any]) -> Any:
    """A draft of a middling size, with outcomes that the codebook does not know."""
    arms = [("HIIT", "20"), ("MICT", "21")]
    return _entered(review, people[EXTRACTOR], "A", arms, _new_trial(review, people, "Bench draft"), outcomes=8)


def _tangled(review: Any, people: dict[str, Any]) -> Any:
    """A trial whose arms the two extractors name and split differently."""
    from extraction import enter

    trial = _new_trial(review, people, "Bench tangled")
    arms = {
        EXTRACTOR: [("HIIT", "20"), ("MICT", "30"), ("Yoga at home", "10"), ("Yoga in class", "12")],
        "extractor-b": [("Moderate continuous", "30"), ("Interval training", "20"), ("Yoga", "22")],
    }
    for name, slot in ((EXTRACTOR, "A"), ("extractor-b", "B")):
        enter.submit(_entered(review, people[name], slot, arms[name], trial, outcomes=3).pk, by=people[name])
    trial.refresh_from_db()
    if trial.status != "aligning":
        raise SystemExit(f"The tangled trial is {trial.status}.")
    return trial


def _new_trial(review: Any, people: dict[str, Any], label: str) -> Any:
    from extraction import assign, setup

    (trial,) = setup.add_trials(review.pk, [{"label": label}], by=people[LEAD])
    for name, slot in ((EXTRACTOR, "A"), ("extractor-b", "B")):
        assign.assign(trial.pk, slot, people[name].pk, by=people[LEAD])
    return trial


def _entered(review: Any, user: Any, slot: str, arms: list[tuple[str, str]], trial: Any, outcomes: int) -> Any:
    from extraction import enter
    from extraction.enter import Change
    from extraction.record import Subject

    keyed = [(uuid4(), label, n) for label, n in arms]
    times = [(uuid4(), "baseline", "0"), (uuid4(), "post", "12")]
    named = [(uuid4(), f"Marker {number}") for number in range(outcomes)]
    changes = [Change(Subject.ARM, key, values={"label": label, "n_randomised": n}) for key, label, n in keyed]
    changes += [Change(Subject.TIMEPOINT, key, values={"phase": phase, "weeks": weeks}) for key, phase, weeks in times]
    changes += [Change(Subject.OUTCOME, key, values={"name": name, "unit": "pg/mL"}) for key, name in named]
    for place, (arm, _, n) in enumerate(keyed):
        for time_key, _, weeks in times:
            for outcome, _ in named:
                at = {"arm": str(arm), "timepoint": str(time_key), "outcome": str(outcome), "quantity": "score"}
                said = {"n": n, "centre": f"{place + 2}.{weeks}", "centre_kind": "mean"}
                spread = {"spread": "1.5", "spread_kind": "sd"}
                changes.append(Change(Subject.OBSERVATION, uuid4(), values={**at, **said, **spread}))
    return enter.save(enter.start(trial.pk, by=user).pk, changes, by=user)


def _upload(client: Any, trial: Any) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.urls import reverse

    paper = SimpleUploadedFile("paper.pdf", one_page(), content_type="application/pdf")
    answer = client.post(
        reverse("extraction:report-add", args=[trial.pk]), {"file": paper, "citation": "Bench et al. 2026"}
    )
    if answer.status_code != 302:
        raise SystemExit(f"Uploading a report answers {answer.status_code}")


def one_page() -> bytes:
    """The smallest PDF that is one."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 400] >>",
    ]
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 4\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(out + b"trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start)


def _imported(client: Any) -> str:
    """The token of an uploaded workbook whose preview waits."""
    from urllib.parse import parse_qs, urlsplit

    from django.urls import reverse

    from extraction.demo.load import workbook_of

    book = io.BytesIO(workbook_of("a"))
    book.name = "entry-a.xlsx"
    answer = client.post(reverse("extraction:import"), {"file": book})
    if answer.status_code != 302:
        raise SystemExit(f"Uploading a workbook answers {answer.status_code}")
    return str(parse_qs(urlsplit(answer["Location"]).query)["upload"][0])
