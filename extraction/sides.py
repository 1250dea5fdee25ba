"""One discrepancy with what both entries say at its place: what a person has before their eyes when they decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from extraction import record
from extraction.access import Viewer
from extraction.models import ContrastStatistic, Discrepancy, Observation
from extraction.models.plain import NAMING, ROWS
from extraction.record import Subject
from extraction.typed import values_of


@dataclass(frozen=True, slots=True)
class Side:
    """What one entry says at the place of a discrepancy."""

    letter: str
    says: str
    date: Any
    row: Any  # None where the entry has no such row
    texts: dict[str, str]

    @property
    def beside(self) -> list[tuple[str, str]]:
        """The rest of the cell, which a person needs to judge the one number."""
        texts = self.texts
        if not texts:
            return []
        if isinstance(self.row, ContrastStatistic):
            return _beside_contrast(texts)
        ends = f"{texts['spread_low']} to {texts['spread_high']}" if texts["spread_low"] else ""
        level = f"{texts['spread_level']}% " if texts["spread_level"] else ""
        quantities = (
            ("n", texts["n"]),
            (texts["centre_kind"].replace("_", " ") or "centre", texts["centre"]),
            (level + (texts["spread_kind"].replace("_", " ").upper() or "spread"), ends or texts["spread"]),
        )
        return [(name, text) for name, text in quantities if text]


def _beside_contrast(texts: dict[str, str]) -> list[tuple[str, str]]:
    level = f"{texts['ci_level']}% " if texts["ci_level"] else ""
    ends = f"{texts['ci_low']} to {texts['ci_high']}" if texts["ci_low"] else ""
    said = (("value", texts["value"]), (f"{level}CI", ends), ("df", texts["df"]), ("adjusted for", texts["adjusted"]))
    return [(name, text) for name, text in said if text]


def sides(row: Discrepancy, by: Viewer) -> tuple[Side, Side]:
    model = ROWS[Subject(row.subject)]
    keys: list[UUID] = [key for key in (row.a_key, row.b_key) if key]
    rows = model.objects.visible_to(by).filter(pk__in=keys).select_related(*NAMING.get(Subject(row.subject), ()))
    found = {one.pk: one for one in rows}
    made = []
    for letter, key, says, entry in (
        ("A", row.a_key, row.a_says, row.a_entry),
        ("B", row.b_key, row.b_says, row.b_entry),
    ):
        one = found.get(key) if key else None
        observed = one if isinstance(one, Observation | ContrastStatistic) else None
        texts = values_of(one) if observed else {}
        made.append(Side(letter, says, entry.submitted_at, one, texts))
    return made[0], made[1]


def where(row: Discrepancy) -> str:
    """The place within the trial: "VO2max · MICT · 6 weeks, change · spread"."""
    parts = (row.outcome_label, row.arm_label, row.time_label, row.field.replace("_", " "))
    return " · ".join(part for part in parts if part)


def short(row: Discrepancy) -> str:
    """The place without its time: what tells the lines of a queue apart."""
    parts = (row.outcome_label, row.arm_label, row.field.replace("_", " "))
    return " · ".join(part for part in parts if part)


def what_of(row: Discrepancy, own: Any) -> str:
    """ "mean of change", "SD", "n": the quantity by the name that the report gives it. `own` is a side's row."""
    words = row.field.replace("_", " ")
    if isinstance(own, ContrastStatistic):
        of_it = {"interval": "CI of ", "df": "df of "}.get(row.field, "")
        return f"{of_it}{own.get_statistic_display()}" if row.field != "row" else words
    if not isinstance(own, Observation):
        return words
    kind = getattr(own, f"{row.field}_kind", "").replace("_", " ")
    words = (kind.upper() if row.field == "spread" else kind) or words
    return f"{words} of change" if own.quantity == record.QuantityKind.CHANGE else words


def diagnosis_in_words(row: Discrepancy) -> str:
    """ "only A has this row", or "this value" where the row is there and the value is not."""
    if not row.diagnosis:
        return ""
    words: str = row.get_diagnosis_display()
    return words if row.field == "row" else words.replace("this row", "this value")
