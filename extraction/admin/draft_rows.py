"""The rows of one's own draft as inlines: texts as typed in, one list of changes for `enter.save` out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, Final
from uuid import UUID, uuid4

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.forms.formsets import DELETION_FIELD_NAME
from django.http import HttpRequest

from extraction import access
from extraction.access import Act, Thing
from extraction.admin.blinded import asker, refused
from extraction.enter import Change
from extraction.errors import ExtractionError, InvalidValues
from extraction.forms.contrasts import contrast_controls
from extraction.forms.inputs import Option
from extraction.forms.rows import NOT_CHOSEN, Control, controls
from extraction.forms.sources import report_options
from extraction.models import Entry, Intervention, Marker, Moderator
from extraction.models.plain import NAMING, ROWS
from extraction.record import CentreKind, QuantityKind, SpreadKind, Subject
from extraction.typed import DEFAULTS, values_of

if TYPE_CHECKING:
    Form = forms.ModelForm[Any]
    FormSet = forms.BaseInlineFormSet[Any, Any, Any]
    Stacked = admin.StackedInline[Any, Any]
    Tabular = admin.TabularInline[Any, Any]
else:
    Form, FormSet = forms.ModelForm, forms.BaseInlineFormSet
    Stacked, Tabular = admin.StackedInline, admin.TabularInline

NOT_SAID: Final = [("", "not said")]
LONGEST: Final = 10_000  # characters of one text; the reader of the record sets the real limits
OBSERVATION: Final = (
    Control("quantity", "Quantity", "select", [(kind.value, kind.value) for kind in QuantityKind]),
    Control("n", "n", "number", hint="As printed, or NR, NM, UN"),
    Control(
        "centre_kind", "Centre", "select", [(kind.value, kind.value.replace("_", " ") or "–") for kind in CentreKind]
    ),
    Control("centre", "as printed", "number"),
    Control(
        "spread_kind", "Spread", "select", [(kind.value, kind.value.replace("_", " ") or "–") for kind in SpreadKind]
    ),
    Control("spread", "as printed", "number"),
    Control("spread_low", "lower end", "number"),
    Control("spread_high", "upper end", "number"),
    Control("spread_level", "level, %", "number"),
    Control("source_page", "Page"),
    Control("source_place", "Table or figure"),
    Control("source_quote", "Quote", "area"),
    Control("analysis_set", "Analysis set", hint="ITT, completers …"),
    Control("covariates", "Adjusted for"),
    Control("inferred", "Worked out from the text", "check"),
    Control("notes", "Notes", "area"),
)


def field_of(control: Control) -> forms.Field:
    label, hint = control.label, control.hint
    match control.kind:
        case "select":
            return forms.ChoiceField(label=label, help_text=hint, required=False, choices=list(control.options))
        case "check":
            return forms.BooleanField(label=label, help_text=hint, required=False)
        case "area":
            area = forms.Textarea(attrs={"rows": 2, "cols": 60})
            return forms.CharField(label=label, help_text=hint, required=False, max_length=LONGEST, widget=area)
    text = forms.TextInput(attrs={"class": "verbatim"} if control.kind == "number" else {"size": 24})
    return forms.CharField(label=label, help_text=hint, required=False, max_length=LONGEST, strip=False, widget=text)


class RowForm(Form):
    """One row. Its texts go to the verb as they were typed; what the verb refuses comes back to the field."""

    subject: ClassVar[Subject]
    controls: ClassVar[Sequence[Control]] = ()
    keys: ClassVar[dict[str, UUID]] = {}  # of new rows, the same in both tries of one request
    refusal: ClassVar[ExtractionError | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        self.is_new = self.instance._state.adding
        said = DEFAULTS[self.subject] if self.is_new else values_of(self.instance)
        for control in self.controls:
            text = said.get(control.field, "")
            field = self.fields[control.field] = field_of(control)
            if isinstance(field, forms.ChoiceField) and text not in dict(control.options):
                # Saved before the codebook changed; or still to be chosen, lest a blank row says its first option.
                field.choices = [(text, text or "Choose"), *control.options]
            self.initial[control.field] = text == "yes" if control.kind == "check" else text
        self.fields["version"] = forms.IntegerField(
            required=False, widget=forms.HiddenInput, min_value=1, max_value=2_000_000_000
        )
        self.initial["version"] = None if self.is_new else self.instance.version

    def _post_clean(self) -> None:
        if isinstance(self.refusal, InvalidValues):
            for problem in self.refusal.problems:
                if problem.row == str(self.key):
                    self.add_error(problem.field if problem.field in self.fields else None, problem.message)

    @property
    def key(self) -> UUID:
        saved = self.cleaned_data.get("id") if hasattr(self, "cleaned_data") else None
        return saved or self.keys.setdefault(str(self.prefix), uuid4())

    def change(self) -> Change | None:
        """What the verb is asked to do to this row; None where nothing was touched."""
        data = self.cleaned_data
        saved, remove = data.get("id"), bool(data.get(DELETION_FIELD_NAME))
        if not self.has_changed() or (remove and not saved):
            return None
        names = [control.field for control in self.controls if not saved or control.field in self.changed_data]
        values = {name: data[name] if isinstance(data[name], str) else "yes" if data[name] else "no" for name in names}
        # A saved row sent without the version that was read is stale by definition.
        version = (data.get("version") or 0) if saved else None
        return Change(self.subject, self.key, version, {} if remove else values, delete=remove)


class RowFormSet(FormSet):
    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        # Django would look every key up in the whole table, and tell one that exists from one that does not.
        key = None if form.instance._state.adding else form.instance.pk
        form.fields["id"] = forms.UUIDField(required=False, widget=forms.HiddenInput, initial=key)

    def clean(self) -> None:
        """The verb tells what stands twice."""


class DraftRows:
    """What the six inlines of a draft share. Only the holder of a draft ever sees one."""

    subject: ClassVar[Subject]
    form: Any = RowForm
    formset: Any = RowFormSet
    extra = 1
    model: Any

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        related = [*NAMING.get(self.subject, ())]
        if self.subject in {Subject.OBSERVATION, Subject.CONTRAST}:
            related += ["arm", "timepoint", "outcome"]
        if self.subject == Subject.CONTRAST:
            related.append("versus")
        rows: QuerySet[Any] = self.model.objects.visible_to(request.user)
        return rows.select_related(*related) if related else rows

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        kwargs["fields"] = ()  # every field is a text of ours, none a column
        formset = super().get_formset(request, obj, **kwargs)  # type: ignore[misc]
        form = formset.form
        form.subject = self.subject
        form.controls = self.controls_for(request, obj) if obj else ()
        form.refusal = refused(request)
        form.keys = vars(request).setdefault("new_row_keys", {})
        return formset

    def controls_for(self, request: HttpRequest, entry: Entry) -> Sequence[Control]:
        return structure_controls(request, entry)[self.subject]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._own(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._own(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._own(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._own(request, obj)

    @staticmethod
    def _own(request: HttpRequest, entry: Entry | None) -> bool:
        if entry is None:
            return True  # asked of no entry in particular; `get_queryset` is the door
        known: dict[UUID, bool] = vars(request).setdefault("own_drafts", {})
        if entry.pk not in known:
            known[entry.pk] = entry.is_draft and access.may(asker(request), Act.EDIT, Thing.ENTRY, entry, Entry.PATHS)
        return known[entry.pk]


def structure_controls(request: HttpRequest, entry: Entry) -> Mapping[Subject, Sequence[Control]]:
    """The fields of arms, timepoints and outcomes, with the review's vocabulary: read once per request."""
    known: dict[UUID, Any] = vars(request).setdefault("structure_controls", {})
    if entry.pk not in known:
        review = entry.trial.review_id
        known[entry.pk] = controls(
            Intervention.objects.visible_to(request.user).filter(review=review),
            Marker.objects.visible_to(request.user).filter(review=review),
        )
    found: Mapping[Subject, Sequence[Control]] = known[entry.pk]
    return found


def own_rows(request: HttpRequest, entry: Entry, subject: Subject, none: str) -> list[tuple[str, str]]:
    rows = ROWS[subject].objects.visible_to(request.user).filter(entry=entry).order_by("position", "pk")
    return [("", none), *((str(row.pk), str(row)) for row in rows)]


def report_choices(request: HttpRequest, entry: Entry) -> list[Option]:
    """What a source may name as its report, with what the entry's sources name already: read once per request."""
    known: dict[UUID, list[Option]] = vars(request).setdefault("report_options", {})
    if entry.pk not in known:
        sourced = (ROWS[one].objects.visible_to(request.user) for one in (Subject.OBSERVATION, Subject.CONTRAST))
        rows = chain.from_iterable(found.filter(entry=entry).only("source_report") for found in sourced)
        known[entry.pk] = report_options(entry.trial_id, request.user, rows)
    return known[entry.pk]


def lines(fields: Iterable[Control], per_line: int) -> list[tuple[str, ...]]:
    names = [control.field for control in fields]
    return [tuple(names[start : start + per_line]) for start in range(0, len(names), per_line)]


class StructureInline(DraftRows, Stacked):
    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = self.controls_for(request, obj) if obj else ()
        main = [control for control in fields if control.main]
        more = [control for control in fields if not control.main]
        shown: list[Any] = [(None, {"fields": ["version", *lines(main, 5)]})]
        return shown + ([("More", {"classes": ["collapse"], "fields": lines(more, 4)})] if more else [])


class ArmInline(StructureInline):
    subject = Subject.ARM
    model = ROWS[Subject.ARM]


class TimepointInline(StructureInline):
    subject = Subject.TIMEPOINT
    model = ROWS[Subject.TIMEPOINT]


class OutcomeInline(StructureInline):
    subject = Subject.OUTCOME
    model = ROWS[Subject.OUTCOME]


class ObservationInline(DraftRows, Stacked):
    subject = Subject.OBSERVATION
    model = ROWS[Subject.OBSERVATION]
    extra = 2
    fieldsets: ClassVar[Any] = [
        (
            None,
            {
                "fields": [
                    "version",
                    ("outcome", "arm", "timepoint", "quantity"),
                    (
                        "n",
                        "centre_kind",
                        "centre",
                        "spread_kind",
                        "spread",
                        "spread_low",
                        "spread_high",
                        "spread_level",
                    ),
                ]
            },
        ),
        (
            "Source and notes",
            {
                "classes": ["collapse"],
                "fields": [
                    ("source_report", "source_page", "source_place", "analysis_set", "covariates", "inferred"),
                    ("source_quote", "notes"),
                ],
            },
        ),
    ]

    def controls_for(self, request: HttpRequest, entry: Entry) -> Sequence[Control]:
        return (
            Control("outcome", "Outcome", "select", own_rows(request, entry, Subject.OUTCOME, "Choose")),
            Control("arm", "Arm", "select", own_rows(request, entry, Subject.ARM, "Choose")),
            Control("timepoint", "Time", "select", own_rows(request, entry, Subject.TIMEPOINT, "Choose")),
            Control("source_report", "Report", "select", report_choices(request, entry) or NOT_SAID),
            *OBSERVATION,
        )


class ContrastInline(StructureInline):
    subject = Subject.CONTRAST
    model = ROWS[Subject.CONTRAST]

    def controls_for(self, request: HttpRequest, entry: Entry) -> Sequence[Control]:
        known: dict[UUID, Sequence[Control]] = vars(request).setdefault("contrast_controls", {})
        if entry.pk not in known:
            named = (Subject.ARM, Subject.TIMEPOINT, Subject.OUTCOME)
            rows = [ROWS[one].objects.visible_to(request.user).filter(entry=entry) for one in named]
            ordered = (found.order_by("position", "pk") for found in rows)
            known[entry.pk] = contrast_controls(report_choices(request, entry), *ordered)
        return known[entry.pk]


class CharacteristicInline(DraftRows, Tabular):
    subject = Subject.CHARACTERISTIC
    model = ROWS[Subject.CHARACTERISTIC]
    fieldsets: ClassVar[Any] = [(None, {"fields": ["moderator", "arm", "value", "version"]})]

    def controls_for(self, request: HttpRequest, entry: Entry) -> Sequence[Control]:
        moderators = Moderator.objects.visible_to(request.user).filter(review=entry.trial.review_id)
        named = [NOT_CHOSEN, *((row.code, row.name) for row in moderators)]
        return (
            Control("moderator", "Moderator", "select", named),
            Control("arm", "Arm", "select", own_rows(request, entry, Subject.ARM, "the trial")),
            Control("value", "Value", "number", hint="A number or text as printed, the code of a level, or NR, NM, UN"),
        )


DRAFT_INLINES: Final = (
    ArmInline, TimepointInline, OutcomeInline, ObservationInline, ContrastInline, CharacteristicInline,
)  # fmt: skip
