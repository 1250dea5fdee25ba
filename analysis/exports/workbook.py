"""Frames into a workbook. Text is forced to text: openpyxl and pandas would make formulas of what begins with =."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import pandas as pd
from django.utils import timezone
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from analysis.exports import frames
from analysis.exports.agreement_frame import agreement
from analysis.freshness import freshness
from analysis.models import Synthesis
from analysis.specification import ENGINE
from extraction.access import Viewer
from extraction.models import Review

LIKE_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
HEAD: Final = Font(bold=True)
LONGEST: Final = 32_767  # characters that a cell of a workbook holds


def workbook_of(review: Review, by: Viewer) -> bytes:
    """The review as XLSX, with the sheets trials, arms, observations, contrasts, effects, results, decisions,
    agreement, codebook, about.

    Made when it is asked for, from what `by` may see at that moment: nothing is kept that could be fetched later.
    """
    book = Workbook(write_only=True)
    for name, frame in sheets(review, by):
        write(book, name, frame)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def sheets(review: Review, by: Viewer) -> Iterator[tuple[str, pd.DataFrame]]:
    entries = frames.newest(review, by)
    observations = frames.observations(entries, by)
    said = {
        "trials": frames.trials(review, by),
        "arms": frames.arms(entries, by),
        "observations": observations,
        "observations side by side": frames.side_by_side(observations),
        "contrasts": frames.contrasts(entries, by),
        "effects": frames.effects(review, by),
        "results": frames.results(review, by),
        "decisions": frames.decisions(review, by),
        "agreement": agreement(review, by),
        "codebook": frames.codebook(review, by),
    }
    yield from said.items()
    yield "about", about(review, by, said)


def about(review: Review, by: Viewer, said: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """What this file is, of when, and by which it can be told from another: versions, digest, time."""
    syntheses = list(Synthesis.objects.visible_to(by).filter(review=review))
    now = timezone.now()
    rows: list[tuple[str, Any]] = [
        ("review", review.title),
        ("question", review.question),
        ("made at (UTC)", now),
        ("made for", str(by)),
        ("codebook version", review.codebook_version),
        ("engine", ENGINE),
        ("digest of these sheets (SHA-256)", digest(said)),
    ]
    if syntheses:
        fresh = freshness(review.pk, syntheses)
        rows += [
            ("digest of the approved data (SHA-256)", fresh.data.digest),
            ("approved trials", fresh.trials),
            ("results up to date", fresh.fresh),
            ("results recomputing", fresh.recomputing),
            ("results older than the data", fresh.old),
        ]
    rows += [
        ("what is in it", "What the person it was made for may see, and nothing else. Numbers as printed are text."),
        ("times", "In UTC."),
        ("direction", "yi is turned so that larger is better; yi_raw is intervention minus control as measured."),
    ]
    return frames.frame(["what", "value"], rows)


def digest(said: dict[str, pd.DataFrame]) -> str:
    """SHA-256 over all sheets: the same data give the same digest, whenever they are exported."""
    total = hashlib.sha256()
    for name, frame in said.items():
        total.update(f"{name}\n{frame.to_csv(index=False)}".encode())
    return total.hexdigest()


def write(book: Workbook, name: str, frame: pd.DataFrame) -> None:
    page = book.create_sheet(name)
    page.freeze_panes = "A2"
    for number, column in enumerate(frame.columns, start=1):
        longest = max([len(str(column)), *(len(str(value)) for value in frame[column].head(200) if present(value))])
        page.column_dimensions[get_column_letter(number)].width = min(max(8, longest + 2), 60)
    head = [WriteOnlyCell(page, value=str(column)) for column in frame.columns]
    for cell in head:
        cell.font = HEAD
    page.append(head)
    for row in frame.itertuples(index=False, name=None):
        page.append([cell_of(page, value) for value in row])


def present(value: Any) -> bool:
    return value is not None and value is not pd.NA and value == value  # NaN differs from itself


def cell_of(page: Any, value: Any) -> Any:
    """A number or a truth value as it is; everything else as text that no program takes for a formula."""
    if not present(value):
        return None
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        value = value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")
    text = ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", str(value))[:LONGEST]
    cell = WriteOnlyCell(page, value=text)
    cell.data_type = "s"
    if text.startswith(LIKE_A_FORMULA):
        cell.quotePrefix = True
    return cell
