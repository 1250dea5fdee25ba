"""What is typed into questions, answers and the placing of names."""

from __future__ import annotations

from typing import Any

from django import forms

from extraction.models import Direction, Marker, OutcomeClass

ADD, POINT, LEAVE = "add", "point", "leave"


class TextForm(forms.Form):
    """A question or an answer; its length is the verb's business."""

    text = forms.CharField(required=False, strip=False)


class PlaceForm(forms.Form):
    """Where a name belongs: to a marker of the vocabulary, to a new one, or nowhere."""

    how = forms.ChoiceField(choices=[(POINT, "point"), (ADD, "add"), (LEAVE, "leave")])
    marker = forms.ModelChoiceField(queryset=Marker.objects.none(), required=False)
    code = forms.CharField(required=False, max_length=120)
    name = forms.CharField(required=False, max_length=160)
    outcome_class = forms.ModelChoiceField(queryset=OutcomeClass.objects.none(), required=False)
    direction = forms.TypedChoiceField(
        choices=[("", ""), *Direction.choices], required=False, coerce=int, empty_value=None
    )
    canonical_unit = forms.CharField(required=False, max_length=60)

    def __init__(self, *args: Any, markers: Any, classes: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["marker"].queryset = markers  # type: ignore[attr-defined]
        self.fields["outcome_class"].queryset = classes  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("how") == POINT and not said.get("marker") and "marker" not in self.errors:
            self.add_error("marker", "Choose the marker that the name belongs to.")
        for field in ("code", "name"):
            if said.get("how") == ADD and not said.get(field) and field not in self.errors:
                self.add_error(field, "A new marker needs it.")
        return said

    def new_marker(self) -> dict[str, Any]:
        fields = ("code", "name", "outcome_class", "direction", "canonical_unit")
        return {field: self.cleaned_data[field] for field in fields}
