"""An upload between its preview and its application."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.core import signing

from extraction.errors import NotFound
from extraction.file_names import shown_name
from extraction.workbook import importing, uploads
from extraction.workbook.uploads import SALT, SECONDS, discard, held, hold, receive
from tests.extraction.workbook.conftest import Desk
from tests.extraction.workbook.test_importing import GOOD

pytestmark = pytest.mark.django_db


def folder() -> Path:
    return Path(settings.MEDIA_ROOT) / "uploads"


def test_what_is_held_is_what_was_read_and_not_the_file(desk: Desk) -> None:
    upload = receive("my file.csv", GOOD.encode())
    token = hold(upload, review_id=desk.review.pk, by=desk.me)
    found, review_id = held(token, by=desk.me)
    assert (found.name, review_id) == ("my file.csv", desk.review.pk)
    assert found.checked.sheets == upload.checked.sheets
    (path,) = folder().iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert "my file" not in path.name
    assert GOOD not in path.read_text()
    shown = importing.preview_upload(found, review_id=review_id, by=desk.me)
    assert importing.apply_upload(found, review_id=review_id, by=desk.me, plan=shown.plan).plan == shown.plan


def test_refusals_survive_the_holding(desk: Desk) -> None:
    upload = receive("a.csv", b"trial;arm\n")
    found, _ = held(hold(upload, review_id=desk.review.pk, by=desk.me), by=desk.me)
    assert found.checked.findings == upload.checked.findings != ()


def test_nobody_else_finds_an_upload_and_no_token_can_be_made_up(desk: Desk) -> None:
    token = hold(receive("a.csv", GOOD.encode()), review_id=desk.review.pk, by=desk.me)
    other = signing.dumps({"key": "../../etc/passwd", "user": desk.me.pk, "review": 1, "kind": ".csv", "name": "a"})
    for wrong, by in ((token, desk.partner), (token + "x", desk.me), ("", desk.me), (other, desk.me)):
        with pytest.raises(NotFound):
            held(wrong, by=by)
    discard(token, by=desk.partner)
    discard("nonsense", by=desk.me)
    assert held(token, by=desk.me)


def test_an_upload_is_forgotten_when_it_was_applied_and_after_an_hour(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = hold(receive("a.csv", GOOD.encode()), review_id=desk.review.pk, by=desk.me)
    discard(first, by=desk.me)
    with pytest.raises(NotFound):
        held(first, by=desk.me)
    second = hold(receive("a.csv", GOOD.encode()), review_id=desk.review.pk, by=desk.me)
    (path,) = folder().iterdir()
    old = time.time() - SECONDS - 10
    os.utime(path, (old, old))
    hold(receive("a.csv", b"x"), review_id=desk.review.pk, by=desk.me)
    assert not path.exists()
    monkeypatch.setattr(uploads, "SECONDS", -1)
    with pytest.raises(NotFound):
        held(second, by=desk.me)
    assert SALT


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a.xlsx", "a.xlsx"),
        ("../../x.xlsx", "x.xlsx"),
        ("C:\\temp\\x.xlsx", "x.xlsx"),
        ("a\r\nSet-Cookie: x.xlsx", "a__Set-Cookie: x.xlsx"),
        ("\u202excod.xlsx", "_xcod.xlsx"),
        ("x" * 300 + ".xlsx", "x" * 95 + ".xlsx"),
        ("", "upload"),
        ("/", "upload"),
    ],
)
def test_a_file_name_is_shown_without_what_acts(name: str, shown: str) -> None:
    assert shown_name(name) == shown
