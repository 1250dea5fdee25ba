"""Small forms of the leads' and extractors' pages."""

from __future__ import annotations

from typing import Any

from django import forms

from extraction.models import Slot, User

MOST_LABELS = 500
MOST_BYTES = 10 * 1024 * 1024


class LabelsForm(forms.Form):
    """Trials by their labels, one a line."""

    labels = forms.CharField(widget=forms.Textarea, max_length=100_000)

    def clean_labels(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["labels"].splitlines()]
        labels = list(dict.fromkeys(line for line in lines if line))
        if len(labels) > MOST_LABELS:
            raise forms.ValidationError(f"At most {MOST_LABELS} trials at a time; {len(labels)} were given.")
        return labels


class AssignForm(forms.Form):
    """Who holds slot A or B of a trial."""

    slot = forms.ChoiceField(choices=[(Slot.A, "A"), (Slot.B, "B")])
    user = forms.ModelChoiceField(queryset=User.objects.none())

    def __init__(self, *args: Any, people: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user"].queryset = people  # type: ignore[attr-defined]


class UploadForm(forms.Form):
    """One workbook, or one of its sheets as CSV."""

    file = forms.FileField(allow_empty_file=False)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if not file.name.lower().endswith((".xlsx", ".csv")):
            raise forms.ValidationError("An XLSX workbook or a CSV file is wanted.")
        if file.size > MOST_BYTES:
            raise forms.ValidationError("The file may have at most 10 MB.")
        return file
