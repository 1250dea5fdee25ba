"""The form of a decision: A, B, another value as printed, or not reported; with a reason."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from extraction.decisions import Decision
from extraction.models import Choice, Discrepancy, ReasonCode
from extraction.record import CentreKind, SpreadKind, Subject

VALUE_FIELDS: Final = {
    "n": ("n",),
    "centre": ("centre_kind", "centre"),
    "spread": ("spread_kind", "spread", "spread_low", "spread_high", "spread_level"),
    "row": (
        "n", "centre_kind", "centre", "spread_kind", "spread", "spread_low", "spread_high", "spread_level",
    ),
}  # fmt: skip
LIKELY_REASON: Final = {
    "se_as_sd": ReasonCode.SE_AS_SD,
    "unit_factor": ReasonCode.UNIT,
    "times_swapped": ReasonCode.WRONG_TIME,
    "sign": ReasonCode.TYPO,
    "decimal_point": ReasonCode.TYPO,
    "digits_transposed": ReasonCode.TYPO,
    "arms_swapped": ReasonCode.MISREAD,
    "only_a": ReasonCode.MISREAD,
    "only_b": ReasonCode.MISREAD,
}
NO_REASON: Final = ("", "Choose the reason")
KEYS: Final = {Choice.A: "1", Choice.B: "2", Choice.OTHER: "3", Choice.NOT_REPORTED: "n"}


def value_fields(row: Discrepancy) -> tuple[str, ...]:
    """What another value of this discrepancy is made of."""
    if row.subject == Subject.CONTRAST and row.field == "interval":
        return ("spread_low", "spread_high", "spread_level")
    if row.subject != Subject.OBSERVATION:
        return ("text",)
    return VALUE_FIELDS.get(row.field, ("text",))


def choices_for(row: Discrepancy) -> list[tuple[str, str]]:
    """Structure is something a report always has: an arm's role cannot be "not reported"."""
    offered = [Choice.A, Choice.B, Choice.OTHER]
    left_out = (
        row.subject in {Subject.OBSERVATION, Subject.CONTRAST, Subject.CHARACTERISTIC} or row.field == "n_randomised"
    )
    return [(choice.value, choice.label) for choice in (*offered, *((Choice.NOT_REPORTED,) if left_out else ()))]


def likely_reason(row: Discrepancy) -> str:
    """What the diagnosis points to; it stands in the form to be seen and changed."""
    return str(LIKELY_REASON.get(row.diagnosis, ReasonCode.WRONG_N if row.field == "n" else ""))


def kinds(words: Any) -> list[tuple[str, str]]:
    return [(word.value, word.value.replace("_", " ") or "–") for word in words]


def printed_field(label: str) -> forms.CharField:
    return forms.CharField(
        label=label, required=False, max_length=60, widget=forms.TextInput(attrs={"class": "verbatim"})
    )


class DecisionFields(forms.Form):
    """The fields of both surfaces, the page and the administration; `fit` leaves those that a discrepancy has."""

    choice = forms.ChoiceField(label="Final", widget=forms.RadioSelect)
    n = printed_field("n")
    centre_kind = forms.ChoiceField(label="Kind of centre", required=False, choices=kinds(CentreKind))
    centre = printed_field("Centre, as printed")
    spread_kind = forms.ChoiceField(label="Kind of spread", required=False, choices=kinds(SpreadKind))
    spread = printed_field("Spread, as printed")
    spread_low = printed_field("or lower end")
    spread_high = printed_field("and upper end")
    spread_level = printed_field("Level of a CI, %")
    text = forms.CharField(label="Another value", required=False, max_length=200)
    reason_code = forms.ChoiceField(label="Reason", choices=[NO_REASON, *ReasonCode.choices])
    comment = forms.CharField(
        label="Comment, if it helps the next reader",
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2_000_000_000)

    def fit(self, row: Discrepancy) -> None:
        self.row = row
        wanted = value_fields(row)
        for name in {name for names in VALUE_FIELDS.values() for name in names} | {"text"}:
            if name not in wanted:
                del self.fields[name]
        self.fields["choice"].choices = choices_for(row)  # type: ignore[attr-defined]
        self.initial = {"version": row.version, "reason_code": likely_reason(row)}

    @property
    def value_inputs(self) -> list[forms.BoundField]:
        return [self[name] for name in value_fields(self.row)]

    def decision(self) -> Decision:
        """What is typed beside another choice is left out: it was never chosen."""
        data = {name: text for name, text in self.cleaned_data.items() if name != "version"}
        if data["choice"] != Choice.OTHER:
            data = {name: data[name] for name in ("choice", "reason_code", "comment")}
        return Decision(**data)


class DecisionForm(DecisionFields):
    """Of the page. Each choice has its key; a reason is there from the start, so that one key can decide."""

    def __init__(self, row: Discrepancy, data: Any = None) -> None:
        super().__init__(data, label_suffix="", prefix=None)
        self.fit(row)
        if not self.initial["reason_code"]:
            self.initial["reason_code"] = ReasonCode.JUDGEMENT.value
        self.fields["comment"].widget = forms.TextInput()
        for name, field in self.fields.items():
            select = isinstance(field.widget, forms.Select) and not isinstance(field.widget, forms.RadioSelect)
            if name not in {"choice", "version"}:
                field.widget.attrs["class"] = (
                    "form-select" if select else f"form-control {field.widget.attrs.get('class', '')}".strip()
                )

    @property
    def picks(self) -> list[dict[str, Any]]:
        chosen = self["choice"].value()
        return [
            {
                "value": value,
                "label": label,
                "key": KEYS[Choice(value)],
                "checked": value == chosen,
            }
            for value, label in self.fields["choice"].choices  # type: ignore[attr-defined]
        ]


class TogetherForm(forms.Form):
    """One decision for many discrepancies: another value cannot be the same for all."""

    choice = forms.ChoiceField(
        label="Final",
        widget=forms.RadioSelect,
        choices=[(choice.value, choice.label) for choice in Choice if choice != Choice.OTHER],
    )
    reason_code = forms.ChoiceField(label="Reason", choices=[NO_REASON, *ReasonCode.choices])
    comment = forms.CharField(required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 2}))
