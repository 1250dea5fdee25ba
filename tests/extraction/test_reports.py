"""Reports: who sees which PDF in which state, what an upload is told, how a file is served."""

from __future__ import annotations

import re
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from extraction import approve, enter, reconcile, reports
from extraction.documents import received
from extraction.errors import IllegalMove, InvalidValues, NotAllowed, NotFound, StaleVersion
from extraction.models import Event, Report, Trial
from extraction.states import Status
from tests.extraction.test_pdf import seen as refusal_of
from tests.factories import ReviewFactory, TrialFactory, draft, holder, made, member, submitted
from tests.papers import Paper, pdf, upload, uploaded, zipped

pytestmark = pytest.mark.django_db


def folder() -> set[str]:
    return {path.name for path in (Path(settings.MEDIA_ROOT) / "reports").glob("*")}


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def file_of(report: Report, user: Any, **headers: str) -> Any:
    return signed_in(user).get(reverse("extraction:report-file", args=[report.pk]), headers=headers)


def content(response: Any) -> bytes:
    return b"".join(response.streaming_content)


PEOPLE = ("uploader", "partner", "lead who extracts", "lead", "adjudicator", "reader", "another extractor")


def world(status: str, *, partner_shown: bool) -> tuple[Trial, dict[str, Any], dict[str, Report]]:
    """A trial with a report from its lead and one from B, brought to `status`."""
    review: Any = ReviewFactory(partner_shown_after_approval=partner_shown)
    people = {who: member(review, who) for who in ("lead", "adjudicator", "reader")}
    people["another extractor"] = member(review, "extractor")
    trial: Any = made(TrialFactory, review=review)
    people["partner"], people["uploader"] = holder(trial, "A"), holder(trial, "B")
    found = {"lead’s": uploaded(trial, people["lead"]), "B’s": uploaded(trial, people["uploader"])}
    if status == Status.ENTERING:
        draft(trial, "A")
        submitted(trial, "B")
    else:
        submitted(trial, "A")
        other: dict[str, Any] = {
            Status.ALIGNING: {"outcome": "Else"},
            Status.ADJUDICATING: {"cells": {"treated": {"centre": "9"}}},
        }
        enter.save(enter.start(trial.pk, by=people["uploader"]).pk, [], by=people["uploader"])
        submitted(trial, "B", **other.get(status, {}))
        if status == Status.APPROVED:
            approve.approve(trial.pk, by=people["lead"])
    trial.refresh_from_db()
    assert trial.status == status
    return trial, people, found


def may_see(report: str, who: str, status: str, *, partner_shown: bool) -> bool:
    """The rule in words, written out by hand beside the table."""
    extracts = who in {"uploader", "partner", "lead who extracts"}
    approved = status == Status.APPROVED
    if report == "lead’s":
        return extracts or who in {"lead", "adjudicator"} or (who == "reader" and approved)
    if who in {"uploader", "lead"}:
        return True
    if who == "adjudicator":
        return status != Status.ENTERING
    return extracts and approved and partner_shown


@pytest.mark.parametrize("partner_shown", [True, False], ids=["partner shown", "partner never"])
@pytest.mark.parametrize("status", list(Status))
def test_who_gets_which_file_in_which_state(status, partner_shown):
    trial, people, found = world(status, partner_shown=partner_shown)
    wrong = []
    for who in PEOPLE:
        if who == "lead who extracts":
            member(trial.review, "lead", "adjudicator", "reader", user=people["partner"])
        user = people["partner" if who == "lead who extracts" else who]
        for name, report in found.items():
            expected = 200 if may_see(name, who, status, partner_shown=partner_shown) else 404
            got = file_of(report, user).status_code
            page = signed_in(user).get(reverse("extraction:report", args=[report.pk])).status_code
            listed = str(report.pk) in signed_in(user).get("/api/reports/").content.decode()
            if (got, page, listed) != (expected, expected, expected == 200):
                wrong.append(f"{name} as {who}: {got} {page} {listed}")
    assert not wrong, "\n".join(wrong)


def test_a_trial_that_is_returned_hides_the_uploads_again():
    trial, people, found = world(Status.ADJUDICATING, partner_shown=True)
    assert file_of(found["B’s"], people["adjudicator"]).status_code == 200
    reconcile.return_to_extractors(trial.pk, ["A", "B"], "Look again.", by=people["lead"])
    assert file_of(found["B’s"], people["adjudicator"]).status_code == 404
    assert file_of(found["B’s"], people["partner"]).status_code == 404
    assert file_of(found["B’s"], people["uploader"]).status_code == 200


def test_a_file_is_served_so_that_nothing_in_it_can_act():
    _, people, found = world(Status.ENTERING, partner_shown=True)
    response = file_of(found["lead’s"], people["partner"])
    assert content(response) == pdf()
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == 'inline; filename="paper.pdf"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in response["Cache-Control"]
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    policy = response["Content-Security-Policy"]
    assert re.search(r"sandbox(;|$)", policy)
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy


WHOLE = pdf()


@pytest.mark.parametrize(
    ("wanted", "status", "part"),
    [
        ("", 200, WHOLE),
        ("bytes=0-9", 206, WHOLE[:10]),
        ("bytes=100-", 206, WHOLE[100:]),
        ("bytes=-7", 206, WHOLE[-7:]),
        ("bytes=5-99999999", 206, WHOLE[5:]),
        ("bytes=-99999999", 200, WHOLE),
        ("bytes=9-5", 200, WHOLE),
        ("bytes=0-1,3-4", 200, WHOLE),
        ("lines=1-2", 200, WHOLE),
        (f"bytes={len(WHOLE)}-", 416, b""),
        ("bytes=-0", 416, b""),
    ],
)
def test_parts_of_a_file_can_be_asked_for(wanted, status, part):
    _, people, found = world(Status.ENTERING, partner_shown=True)
    response = file_of(found["lead’s"], people["partner"], range=wanted)
    assert response.status_code == status
    if status == 416:
        assert response["Content-Range"] == f"bytes */{len(WHOLE)}"
        return
    assert content(response) == part
    assert response["Content-Length"] == str(len(part))
    if status == 206:
        first = WHOLE.index(part)
        assert response["Content-Range"] == f"bytes {first}-{first + len(part) - 1}/{len(WHOLE)}"


BAD = {
    "html": b"<!doctype html><script>alert(1)</script>",
    "polyglot": pdf() + zipped(),
    "encrypted": pdf(trailer="/Encrypt 9 0 R"),
    "truncated": pdf()[:300],
    "empty": b"",
}


@pytest.mark.parametrize("kind", BAD)
def test_a_wrong_file_gets_a_sentence_and_changes_nothing(kind):
    trial = made(TrialFactory)
    lead = member(trial.review, "lead")
    report = uploaded(trial, lead)
    before = folder(), Event._base_manager.count(), Report._base_manager.values_list("digest", "version").get()
    client = signed_in(lead)
    said = refusal_of(BAD[kind])
    for address, more in (
        (reverse("extraction:report-add", args=[trial.pk]), {}),
        (reverse("extraction:report-replace", args=[report.pk]), {"version": "1"}),
    ):
        response = client.post(address, {"file": upload(BAD[kind], "real.pdf"), **more})
        assert response.status_code == 400
        assert said in unescape(response.content.decode())
    assert before == (
        folder(), Event._base_manager.count(), Report._base_manager.values_list("digest", "version").get(),
    )  # fmt: skip


def test_a_file_above_the_limit_is_refused(settings):
    settings.REPORT_MAX_BYTES = 500
    trial = made(TrialFactory)
    client = signed_in(member(trial.review, "lead"))
    address = reverse("extraction:report-add", args=[trial.pk])
    response = client.post(address, {"file": upload(pdf())})
    assert response.status_code == 400
    assert "at most 1 kB are taken" in response.content.decode()
    settings.REQUEST_MAX_BYTES = 100
    response = client.post(address, {"file": upload(pdf(pages=3000))})
    assert response.status_code == 413, "larger than any form with such a file: not even read"
    assert not Report._base_manager.exists()


def test_the_larger_limit_holds_for_reports_alone(settings):
    settings.REQUEST_MAX_BYTES = 2_000
    trial = made(TrialFactory)
    client = signed_in(member(trial.review, "lead"))
    address = reverse("extraction:report-add", args=[trial.pk])
    assert client.post(address, {"file": upload(pdf(pages=100))}).status_code == 302
    assert client.post(reverse("extraction:import"), {"file": upload(pdf(pages=100))}).status_code == 413


def test_an_extractors_upload_stands_in_the_history_of_their_own_entry():
    trial, people, found = world(Status.ENTERING, partner_shown=True)
    entry = trial.entries.get(slot="B")
    line = Event._base_manager.get(verb="upload report", object_key=str(found["B’s"].pk))
    assert line.chain == f"entry:{entry.pk}"
    assert line.after["sha256"] == found["B’s"].digest
    assert not Event.objects.visible_to(people["partner"]).filter(pk=line.pk).exists()
    leads = Event._base_manager.get(verb="upload report", object_key=str(found["lead’s"].pk))
    assert leads.chain == f"review:{trial.review_id}"


def test_a_new_file_keeps_the_old_one_and_both_hashes():
    trial = made(TrialFactory)
    lead = member(trial.review, "lead")
    report = uploaded(trial, lead, text="old")
    old = report.stored_as, report.digest
    address = reverse("extraction:report-replace", args=[report.pk])
    assert signed_in(lead).post(address, {"file": Paper(), "version": "1"}).status_code == 302
    report.refresh_from_db()
    line = Event._base_manager.get(verb="replace report")
    assert (line.before["sha256"], line.after["sha256"]) == (old[1], report.digest)
    assert {old[0], report.stored_as} <= folder()
    assert content(file_of(report, lead)) == pdf()
    assert signed_in(lead).post(address, {"file": Paper(), "version": "1"}).status_code == 409, "an older page"


def test_a_withdrawn_report_is_gone_and_says_why():
    trial = made(TrialFactory)
    lead = member(trial.review, "lead")
    report = uploaded(trial, lead)
    with pytest.raises(InvalidValues):
        reports.withdraw(report.pk, " ", by=lead)
    reports.withdraw(report.pk, "Of another trial.", by=lead)
    assert file_of(report, lead).status_code == 404
    assert Event._base_manager.get(verb="withdraw report").reason == "Of another trial."
    with pytest.raises(IllegalMove):
        reports.withdraw(report.pk, "Again.", by=lead)


def test_who_may_not_upload_leaves_no_file():
    trial, people, found = world(Status.ADJUDICATING, partner_shown=True)
    before = folder()
    for who, refusal in {"uploader": IllegalMove, "reader": NotFound, "adjudicator": NotAllowed}.items():
        with pytest.raises(refusal):
            uploaded(trial, people[who])
    with pytest.raises(IllegalMove):
        reports.withdraw(found["B’s"].pk, "Mine.", by=people["uploader"])
    with pytest.raises(StaleVersion), received(BytesIO(pdf()), "x.pdf") as kept:
        reports.replace(found["lead’s"].pk, kept, by=people["lead"], version=7)
    assert folder() == before


def test_a_trial_has_only_so_many_reports_of_its_leads_and_of_each_extractor(monkeypatch):
    monkeypatch.setattr(reports, "MOST_REPORTS", 2)
    trial, people, found = world(Status.ENTERING, partner_shown=True)
    for who in ("lead", "partner", "partner"):
        uploaded(trial, people[who])
    before = folder(), Report._base_manager.count(), Event._base_manager.count()
    for who in ("lead", "partner"):
        with pytest.raises(IllegalMove, match=r"^There are 2 reports already\. Withdraw one first\.$"):
            uploaded(trial, people[who])
    assert before == (folder(), Report._base_manager.count(), Event._base_manager.count())
    reports.withdraw(found["lead’s"].pk, "Of another trial.", by=people["lead"])
    assert uploaded(trial, people["lead"]).entry is None


def test_a_page_of_a_report_is_asked_for_without_a_script():
    _, people, found = world(Status.ENTERING, partner_shown=True)
    client, asked = signed_in(people["partner"]), reverse("extraction:report-at")
    file = reverse("extraction:report-file", args=[found["lead’s"].pk])
    assert client.get(asked, {"report": found["lead’s"].pk, "page": "5"})["Location"] == f"{file}#page=5"
    assert client.get(asked, {"report": found["lead’s"].pk, "page": "v"})["Location"] == file
    assert client.get(asked, {"report": found["B’s"].pk}).status_code == 404
    assert client.get(asked).status_code == 400


def test_a_file_that_is_gone_from_the_folder_is_told(client):
    _, people, found = world(Status.ENTERING, partner_shown=True)
    (Path(settings.MEDIA_ROOT) / "reports" / found["lead’s"].stored_as).unlink()
    assert file_of(found["lead’s"], people["lead"]).status_code == 404
