"""Forms of setting a review up."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms

from extraction.access import Role
from extraction.forms.plain import PlainForm
from extraction.models import Review
from extraction.setup import REVIEW_FIELDS

ZONES = [
    (name, name.replace("_", " "))
    for name in sorted(zoneinfo.available_timezones())
    if name == "UTC" or ("/" in name and not name.startswith(("Etc/", "SystemV/", "posix/", "right/")))
]
LABELS = {
    "title": "Title",
    "question": "Question",
    "partner_shown_after_approval": "Extractors may read the partner’s entry once a trial is approved",
    "outcome_hidden_while_deciding": "Hide direction, estimates and p until a difference is decided",
    "approver_is_not_adjudicator": "Whoever decided a difference of a trial may not approve that trial",
    "source_required": "Every reported value needs a page, table, figure or quote before submission",
    "imputed_r": "Pre-post correlation where a report gives none",
    "guidance": "Decision rules for extractors",
}


class NewReviewForm(PlainForm):
    """A title and what to start from."""

    title = forms.CharField(max_length=200, label="Title")
    question = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2}),
        required=False,
        max_length=5000,
        label="Question",
        help_text="In a sentence or two. Empty: the one of the template.",
    )
    start = forms.ChoiceField(label="Start from", widget=forms.RadioSelect)
    file = forms.FileField(
        required=False,
        label="Template file",
        help_text="Only for “A template file”: the .json that another review saved.",
    )

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["start"].choices = choices  # type: ignore[attr-defined]
        self.fields["start"].initial = choices[0][0]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("start") == "file" and not cleaned.get("file"):
            self.add_error("file", "Choose the file, or start from something else.")
        return cleaned


class SettingsForm(PlainForm):
    """The settings of a review, as the model describes them."""

    def __init__(self, review: Review, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {name: getattr(review, name) for name in REVIEW_FIELDS}
        super().__init__(*args, **kwargs)
        self.fields |= forms.fields_for_model(Review, fields=REVIEW_FIELDS, labels=LABELS)
        self.fields["question"].widget.attrs["rows"] = 3
        self.fields["guidance"].widget.attrs["rows"] = 10
        self.fields["guidance"].help_text = "Shown in the codebook. “## …” is a heading, “1. …” a rule."
        self.fields["imputed_r"].help_text = "Flagged wherever it is used. A synthesis may have its own."

    def changed(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.changed_data}


class RolesForm(PlainForm):
    roles = forms.MultipleChoiceField(
        choices=[(role.value, role.label) for role in Role], widget=forms.CheckboxSelectMultiple, label="Roles"
    )


class InviteForm(RolesForm):
    """A link for one person."""

    note = forms.CharField(
        max_length=120, required=False, label="For whom", help_text="So that you can tell links apart."
    )
    field_order = ("note", "roles")


class AddMemberForm(RolesForm):
    """Somebody who has an account already."""

    username = forms.CharField(max_length=150, label="User name")
    field_order = ("username", "roles")


class JoinForm(PlainForm):
    """A new account for whoever follows an invitation."""

    full_name = forms.CharField(
        max_length=120, label="Your name", widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    username = forms.CharField(
        max_length=150,
        label="User name",
        help_text="Letters, digits and @ . + - _ only.",
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )
    email = forms.EmailField(required=False, label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    password = forms.CharField(
        label="Password",
        help_text="At least 10 characters.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        strip=False,
    )
    again = forms.CharField(
        label="Password once more", widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), strip=False
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("password") and cleaned.get("again") and cleaned["password"] != cleaned["again"]:
            self.add_error("again", "The two passwords are not the same.")
        return cleaned


class ReferencesForm(PlainForm):
    file = forms.FileField(
        label="RIS or PubMed file", help_text="From Covidence, EndNote, Zotero or PubMed: .ris or .nbib."
    )


class TemplateForm(PlainForm):
    name = forms.CharField(max_length=160, label="Name of the template")
    description = forms.CharField(
        max_length=2000, required=False, label="What it is for", widget=forms.Textarea(attrs={"rows": 2})
    )


class AccountForm(PlainForm):
    """Who one is and where one lives."""

    first_name = forms.CharField(max_length=150, required=False, label="First name")
    last_name = forms.CharField(max_length=150, required=False, label="Last name")
    email = forms.EmailField(required=False, label="E-mail")
    time_zone = forms.ChoiceField(
        label="Time zone",
        help_text="Dates and times are shown in this zone.",
        choices=ZONES,
    )
