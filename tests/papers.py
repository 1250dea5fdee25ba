"""PDFs for tests, made by hand, and what is not one."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from extraction import reports
from extraction.documents import received
from extraction.models import Proposal, Question, Report, Trial
from extraction.recorded import recording


def pdf(text: str = "Table 2", pages: int = 3, trailer: str = "", before_end: bytes = b"") -> bytes:
    """A small, valid PDF 1.4 with this text on each page."""
    kids = " ".join(f"{4 + number} 0 R" for number in range(pages))
    drawn = f"BT /F1 24 Tf 40 200 Td ({text}) Tj ET".encode("latin-1", "replace")
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 400] /Contents 3 0 R /Resources << /Font << /F1 "
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>".encode(),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
        *[page + b"%d 0 R >> >> >>" % (4 + pages)] * pages,
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    out += before_end
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R %s >>\n" % (len(objects) + 1, trailer.encode())
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def stream_pdf() -> bytes:
    """The other kind of PDF: its cross-reference table is a stream (PDF 1.5)."""
    head = b"%PDF-1.5\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    table = b"3 0 obj\n<< /Type /XRef /Size 4 /W [1 2 1] /Root 1 0 R /Length 4 >>\nstream\nabcd\nendstream\nendobj\n"
    return head + table + b"startxref\n%d\n%%%%EOF" % len(head)


def zipped(comment: bytes = b"") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("evil.html", "<script>")
        archive.comment = comment
    return file.getvalue()


def upload(data: bytes, name: str = "paper.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type="application/pdf")


class Paper:
    """A file that can be sent again and again."""

    name, content_type = "paper.pdf", "application/pdf"

    def read(self) -> bytes:
        return pdf()


def uploaded(trial: Trial, by: Any, text: str = "Table 2", name: str = "paper.pdf", citation: str = "") -> Report:
    """A report of the trial, the way it would get there."""
    with received(io.BytesIO(pdf(text)), name) as document:
        return reports.upload(trial.pk, document, {"citation": citation}, by=by)


def placed(entry: Any, text: str = "Table 2") -> Report:
    """What an extractor uploaded while the trial was being entered, put there afterwards."""
    with received(io.BytesIO(pdf(text)), "paper.pdf") as document, recording():
        return Report.objects.create(
            trial=entry.trial,
            entry=entry,
            uploaded_by=entry.holder,
            citation="Main report",
            file_name=document.file_name,
            stored_as=document.stored_as,
            size=document.size,
            digest=document.digest,
        )


def question_of(entry: Any, text: str = "Which table?") -> Question:
    """What an extractor asked while the trial was being entered, put there afterwards."""
    with recording():
        return Question.objects.create(trial=entry.trial, entry=entry, text=text, asked_by=entry.holder)


def proposal_of(entry: Any, name: str = "IL-6 sR") -> Proposal:
    """A name that an extractor proposed while the trial was being entered, put there afterwards."""
    with recording():
        return Proposal.objects.create(
            trial=entry.trial,
            entry=entry,
            outcome=entry.outcomes.get().pk,
            name=name,
            name_key=name.casefold(),
            proposed_by=entry.holder,
        )
