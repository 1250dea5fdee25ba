"""What a person says of a rule."""

from __future__ import annotations

from typing import Any

from django import forms

from extraction.access import Viewer
from extraction.models import Marker, Review, Rule
from extraction.rules import FIELDS

AT = [
    (f"{subject}.{name}", f"{subject}: {name.replace('_', ' ')}") for subject, names in FIELDS.items() for name in names
]


class RuleForm(forms.Form):
    """A rule's words, where it holds, and what it takes where two entries differ."""

    text = forms.CharField(
        max_length=300,
        label="The rule",
        help_text="As extractors will read it: Use the n of the intention-to-treat analysis.",
    )
    at = forms.ChoiceField(choices=AT, label="At the field")
    marker = forms.ModelChoiceField(
        queryset=Marker.objects.none(), required=False, label="For the marker", empty_label="all markers"
    )
    prefers = forms.ChoiceField(
        choices=Rule.Prefers.choices,
        required=False,
        label="Where two entries differ it takes",
        help_text="Only to look back over past decisions. A rule never decides.",
    )

    def __init__(self, *args: Any, review: Review, by: Viewer, taught: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["marker"].queryset = Marker.objects.visible_to(by).filter(review=review)  # type: ignore[attr-defined]
        for name, field in self.fields.items():
            kind = "form-control" if name == "text" else "form-select"
            field.widget.attrs["class"] = kind
        if taught:  # the difference says where the rule holds
            del self.fields["at"]

    @property
    def values(self) -> dict[str, Any]:
        said = {name: self.cleaned_data[name] for name in ("text", "marker", "prefers")}
        if "at" in self.cleaned_data:
            said["subject"], said["field"] = self.cleaned_data["at"].split(".")
        return said
