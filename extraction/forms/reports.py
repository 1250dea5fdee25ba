"""What is typed beside the PDF of a report. Whether the file is a PDF is told by its bytes, in `extraction.pdf`."""

from __future__ import annotations

from django import forms


class ReportForm(forms.Form):
    """A PDF and what it is."""

    file = forms.FileField(allow_empty_file=True, max_length=1000)
    citation = forms.CharField(required=False, max_length=2000)


class ReplacementForm(forms.Form):
    """Another PDF for the same report, as it was when the page was opened."""

    file = forms.FileField(allow_empty_file=True, max_length=1000)
    version = forms.IntegerField(min_value=1, max_value=1_000_000)
