"""A file into one's own slots through the pages: choose, look, enter."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from extraction import enter
from extraction.enter import Change
from extraction.models import Entry, Trial
from extraction.record import Subject
from tests.factories import MarkerFactory, ReviewFactory, TrialFactory, holder, member
from tests.sent import sent

pytestmark = pytest.mark.django_db

OBSERVATIONS = """trial,arm,n,marker,unit,weeks,mean,sd
Kim 2015,HIIT,14,IL-6,pg/mL,0,5.250,1.125
Kim 2015,HIIT,14,IL-6,pg/mL,12,3.5,0.75
"""


@pytest.fixture
def trial() -> Any:
    review = ReviewFactory.create()
    MarkerFactory.create(review=review, code="IL-6", name="Interleukin-6")
    return TrialFactory.create(review=review, label="Kim 2015")


@pytest.fixture
def client(trial: Trial) -> Client:
    entry = enter.start(trial.pk, by=holder(trial, "A"))
    arm = Change(Subject.ARM, entry.pk, values={"label": "HIIT"})
    enter.save(entry.pk, [arm], by=holder(trial, "A"))
    client = Client()
    client.force_login(holder(trial, "A"))
    return client


def upload(client: Client, text: str = OBSERVATIONS, name: str = "observations.csv") -> Any:
    return client.post(reverse("extraction:import"), {"file": SimpleUploadedFile(name, text.encode())})


def entered(trial: Trial) -> list[tuple[str, str]]:
    entry = Entry.objects.get(trial=trial, slot="A")
    return list(entry.observations.order_by("position").values_list("centre_printed", "spread_printed"))


def test_a_file_is_looked_at_first_and_then_entered(client: Client, trial: Trial) -> None:
    # when an extractor chooses a file
    response = upload(client)
    page = client.get(response["Location"]).content.decode()
    # then they see each value with its sheet, row and column, and nothing is written
    assert "Kim 2015" in page
    assert re.search(r"5\.250", page)
    assert "G2 centre" in page
    assert entered(trial) == []
    # when they enter it
    values = sent(page)
    assert re.search(r"Enter \d+ values", page)
    response = client.post(reverse("extraction:import-apply"), values, follow=True)
    # then it is in the entry as printed
    assert "is in 1 of your entries" in response.content.decode()
    assert entered(trial) == [("5.250", "1.125"), ("3.5", "0.75")]
    # and the upload is forgotten
    assert client.post(reverse("extraction:import-apply"), values).status_code == 404
    # and the same file again changes nothing
    page = client.get(upload(client)["Location"]).content.decode()
    assert "Everything in this file is in your entries already" in page


def test_a_refused_file_is_told_cell_by_cell_and_cannot_be_entered(client: Client, trial: Trial) -> None:
    page = client.get(upload(client, OBSERVATIONS.replace("3.5", "3.5x"))["Location"]).content.decode()
    assert "This file cannot be taken as it is" in page
    assert "G3" in page
    assert reverse("extraction:import-apply") not in page
    assert entered(trial) == []


def test_what_changed_since_the_preview_leads_to_a_new_preview(client: Client, trial: Trial) -> None:
    # given a preview
    page = client.get(upload(client)["Location"]).content.decode()
    # when the entry changes in another tab
    entry = Entry.objects.get(trial=trial, slot="A")
    enter.save(entry.pk, [Change(Subject.TIMEPOINT, uuid4(), values={"phase": "post"})], by=holder(trial, "A"))
    response = client.post(reverse("extraction:import-apply"), sent(page), follow=True)
    # then nothing is written and the page says why
    assert "Nothing was written" in response.content.decode()
    assert "Enter " in response.content.decode()
    assert entered(trial) == []


def test_nobody_sees_or_enters_anothers_upload(client: Client, trial: Trial) -> None:
    address = upload(client)["Location"]
    values = sent(client.get(address).content.decode())
    for user in (holder(trial, "B"), member(trial.review, "lead")):
        other = Client()
        other.force_login(user)
        assert other.get(address).status_code == 404
        assert other.post(reverse("extraction:import-apply"), values).status_code == 404
    assert entered(trial) == []


@pytest.mark.parametrize("name", ["notes.pdf", "old.xls", "noextension"])
def test_another_kind_of_file_is_refused_in_words(client: Client, name: str) -> None:
    response = upload(client, name=name)
    assert response.status_code == 400
    assert "An XLSX workbook or a CSV file is wanted" in response.content.decode()


def test_a_form_without_a_file_says_so(client: Client) -> None:
    response = client.post(reverse("extraction:import"), {})
    assert response.status_code == 400
    assert "This field is required" in response.content.decode()


@pytest.mark.parametrize("token", ["", "nonsense", "a:b:c"])
def test_an_unknown_upload_is_not_there(client: Client, token: str) -> None:
    assert client.get(reverse("extraction:import-preview"), {"upload": token}).status_code == 404


def test_the_template_and_the_blank_form_are_there_for_members_alone(client: Client, trial: Trial) -> None:
    workbook = client.get(reverse("extraction:template-workbook", args=[trial.review.pk]))
    assert workbook.content[:2] == b"PK"
    assert 'filename="review' in workbook["Content-Disposition"]
    drafts = client.get(reverse("extraction:template-workbook", args=[trial.review.pk]), {"drafts": "1"})
    assert "-drafts.xlsx" in drafts["Content-Disposition"]
    form = client.get(reverse("extraction:blank-form", args=[trial.review.pk])).content.decode()
    assert "Interleukin-6" in form
    stranger = Client()
    stranger.force_login(member(ReviewFactory.create(), "lead"))
    for name in ("template-workbook", "blank-form"):
        assert stranger.get(reverse(f"extraction:{name}", args=[trial.review.pk])).status_code == 404


def test_a_workbook_with_ones_drafts_comes_back_unchanged(client: Client, trial: Trial) -> None:
    data = client.get(reverse("extraction:template-workbook", args=[trial.review.pk]), {"drafts": "1"}).content
    response = client.post(reverse("extraction:import"), {"file": SimpleUploadedFile("mine.xlsx", data)})
    assert "Everything in this file is in your entries already" in client.get(response["Location"]).content.decode()
