"""A PDF is told by its bytes: what is whole passes, everything else gets a sentence."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.pdf import NotAPdf, check
from tests.papers import pdf, stream_pdf, zipped

MOST = 105_000
WHOLE = pdf()


def seen(data: bytes) -> str:
    try:
        check(io.BytesIO(data), most_bytes=MOST)
    except NotAPdf as refusal:
        return str(refusal)
    return ""


@pytest.mark.parametrize(
    "data",
    [WHOLE, stream_pdf(), WHOLE + b"\r\n\x00\x00", pdf(pages=600), WHOLE.replace(b"1.4", b"2.0", 1)],
    ids=["table", "stream", "padded", "long table", "version 2"],
)
def test_a_whole_pdf_passes(data):
    assert seen(data) == ""
    assert check(io.BytesIO(data), most_bytes=MOST) == len(data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "This file is empty."),
        (b"<!doctype html><title>Sign in</title>", "not a PDF: it begins with “<!doctype ht”"),
        (zipped(), "not a PDF: it begins with “PK"),
        (b"\n" + WHOLE, "not a PDF"),
        (WHOLE + b"0" * MOST, "at most 0.1 MB are taken"),
        (WHOLE.replace(b"%PDF-1.4\n", b"%PDF-1.4\n<html><script>alert(1)</script>\n"), "something else at once"),
        (WHOLE + zipped(b"\nstartxref\n0\n%%EOF"), "something else at once"),
        (WHOLE + zipped(), "something else at once"),
        (pdf(pages=30) + b"<script>alert(1)</script>", "Something is appended"),
        (pdf(trailer="/Encrypt 9 0 R"), "encrypted"),
        (stream_pdf().replace(b"/Root 1 0 R", b"/Root 1 0 R /Encrypt 9 0 R"), "encrypted"),
        (WHOLE[: len(WHOLE) // 2], "cut off"),
        (WHOLE[:-8], "cut off"),
        (WHOLE[:40] + WHOLE[60:], "cut off"),
        (WHOLE.replace(b"/Root 1 0 R", b""), "cut off"),
        (b"%PDF-1.4", "cut off"),
        (b"%PDF-1.4\nstartxref\n99999\n%%EOF", "cut off"),
    ],
    ids=[
        "empty", "html named pdf", "zip", "leading byte", "huge", "html in front", "zip with a comment", "zip behind",
        "html behind", "encrypted", "encrypted stream", "half", "last bytes gone", "middle gone", "no root",
        "head alone", "leads nowhere",
    ],
)  # fmt: skip
def test_what_is_not_a_pdf_gets_a_sentence(data, said):
    assert said in seen(data)


@given(st.integers(min_value=1, max_value=len(WHOLE) - 3))
def test_a_pdf_that_is_cut_anywhere_is_refused(length):
    assert seen(WHOLE[:length])


@given(st.binary(max_size=400), st.binary(max_size=400))
def test_no_bytes_fail(head, tail):
    for data in (head, b"%PDF-1.4\n" + head, WHOLE + tail, head + WHOLE, WHOLE[:300] + head + WHOLE[300:]):
        seen(data)
