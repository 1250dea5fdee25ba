"""Is this file a whole, readable PDF and nothing else? Told by its bytes; a name says nothing.

The outline alone is read, never the content: where the file begins and ends, whether its last `startxref` leads to a
cross-reference table or stream, and what the trailer there says. ISO 32000-1, 7.5. The file is not trusted for it:
it is served under a content policy that lets nothing in it run.
"""

from __future__ import annotations

import os
import re
from typing import BinaryIO, Final

HEAD: Final = 1024  # bytes looked at where the file begins
TAIL: Final = 2048  # and where it ends
ZIP_TAIL: Final = 22 + 65_535  # within which a ZIP archive has its end record
TRAILER: Final = 64 * 1024  # a trailer or the dictionary of a cross-reference stream is shorter
SPACE: Final = b"\x00\t\n\x0c\r "
VERSION: Final = re.compile(rb"%PDF-[12]\.\d")
END: Final = re.compile(rb"startxref\s+(\d{1,12})\s+%%EOF")
MARKUP: Final = re.compile(rb"<(?:!doctype|html|head|body|script|svg|iframe)\b", re.IGNORECASE)
STREAM: Final = re.compile(rb"\d+\s+\d+\s+obj\b")
CUT_OFF: Final = (
    "This PDF is cut off or damaged: its end is missing or leads nowhere. Download it again, then upload it."
)


class NotAPdf(ValueError):
    """`str(error)` is a sentence for the person who chose the file."""


def check(file: BinaryIO, *, most_bytes: int) -> int:
    """The size of the file in bytes.

    Raises
    ------
    NotAPdf
        If the file is empty, too large, something else, something else as well, encrypted, or cut off.
    """
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        raise NotAPdf("This file is empty.")
    if size > most_bytes:
        raise NotAPdf(f"This file has {megabytes(size)}; at most {megabytes(most_bytes)} are taken.")
    head = _read(file, 0, HEAD)
    if not VERSION.match(head):
        raise NotAPdf(f"This file is not a PDF: it begins with “{_shown(head)}”, a PDF with “%PDF-”.")
    if MARKUP.search(head) or _ends_as_zip(_read(file, max(0, size - ZIP_TAIL), ZIP_TAIL)):
        raise NotAPdf("This file is a PDF and something else at once. Print it to a new PDF and upload that.")
    tail = _read(file, max(0, size - TAIL), TAIL).rstrip(SPACE)
    end = next(reversed(list(END.finditer(tail))), None)
    if end is None or not tail.endswith(b"%%EOF"):
        raise NotAPdf(_after_the_end(tail))
    trailer = _trailer(file, int(end[1]), size)
    if b"/Encrypt" in trailer:
        raise NotAPdf("This PDF is encrypted, by a password or against copying. Print it to a new PDF and upload that.")
    if b"/Root" not in trailer:
        raise NotAPdf(CUT_OFF)
    return size


def megabytes(size: int) -> str:
    """In MB to one decimal, small ones in kB: "2.4 MB", "12 kB"."""
    if size < 100 * 1024:
        return f"{-(-size // 1024)} kB"
    return f"{size / 1024 / 1024:.1f}".removesuffix(".0") + " MB"


def _trailer(file: BinaryIO, start: int, size: int) -> bytes:
    """The dictionary that the last `startxref` leads to, as bytes."""
    if start >= size:
        raise NotAPdf(CUT_OFF)
    found = _read(file, start, size - start if size - start < TRAILER else TRAILER).lstrip(SPACE)
    if STREAM.match(found):
        return found.partition(b"stream")[0]
    if not found.startswith(b"xref"):
        raise NotAPdf(CUT_OFF)
    _, word, rest = found.partition(b"trailer")
    while not word and start < size:  # a long table
        start += TRAILER // 2
        _, word, rest = _read(file, start, TRAILER).partition(b"trailer")
    return rest.partition(b"startxref")[0]


def _after_the_end(tail: bytes) -> str:
    if END.search(tail):
        return "Something is appended to this PDF after its end. Print it to a new PDF and upload that."
    return CUT_OFF


def _ends_as_zip(tail: bytes) -> bool:
    """Whether a ZIP archive ends where the file ends: its end record says how long a comment follows it."""
    place = tail.find(b"PK\x05\x06")
    while place >= 0:
        comment = int.from_bytes(tail[place + 20 : place + 22], "little")
        if place + 22 + comment == len(tail):
            return True
        place = tail.find(b"PK\x05\x06", place + 1)
    return False


def _read(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start)
    return file.read(length)


def _shown(head: bytes) -> str:
    plain = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in head[:12])
    return plain.strip()
