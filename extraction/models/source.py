"""Where a value stands: in which report, on which page, in which table, in which words."""

from __future__ import annotations

from django.db import models

from extraction.models.entry import Row


class Sourced(Row):
    """A row of an entry with the source of what it says."""

    source_report = models.ForeignKey(
        "extraction.Report",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Of several reports the one that says so; one that is withdrawn later goes on being named.",
    )
    source_page = models.CharField(max_length=20, blank=True)
    source_place = models.CharField(max_length=60, blank=True, help_text="Table 2, Figure 1, text.")
    source_quote = models.TextField(blank=True)

    class Meta(Row.Meta):
        abstract = True

    @property
    def report(self) -> str:
        """What the report is called, in full."""
        return self.source_report.citation if self.source_report else ""

    @property
    def source(self) -> str:
        """ "Kim 2015, supplement, page 4, Table 2"; empty where nothing is said."""
        report = str(self.source_report or "")  # shortened, as everywhere on a page
        page = f"page {self.source_page}" if self.source_page else ""
        return ", ".join(part for part in (report, page, self.source_place) if part)
