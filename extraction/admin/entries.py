"""Entries with their rows. A staff extractor edits the own draft here, blinded; everything else is read-only."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.safestring import SafeString

from extraction import access, enter
from extraction.access import Act, Thing
from extraction.admin.asking import answer, ask, each
from extraction.admin.blinded import BlindedAdmin, VerbForm, asker, by_choice, by_row, offers
from extraction.admin.draft_rows import DRAFT_INLINES, RowForm
from extraction.admin.marks import mark, two_lines
from extraction.admin.read_rows import READ_INLINES
from extraction.errors import ExtractionError, InvalidValues
from extraction.forms.plain import show_refusal
from extraction.models import Assignment, Entry, Event, Observation, Review, Slot, Trial, User
from extraction.states import EntryState, Status


class EntryForm(VerbForm):
    """Carries the version of the entry that was read; its rows are in the inlines."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2_000_000_000)

    class Meta:
        model = Entry
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["version"] = self.instance.version

    def _post_clean(self) -> None:
        if isinstance(self.refusal, InvalidValues):
            self.add_error(None, "Nothing is saved yet: some values are refused, as it says beside them.")
            for problem in self.refusal.problems:
                if problem.row == "entry":
                    self.add_error(None, f"{problem.field}: {problem.message}")
        else:
            show_refusal(self, self.refusal)


class StartForm(forms.Form):
    trial: Any = forms.ModelChoiceField(queryset=None, empty_label=None)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = Assignment.objects.visible_to(user).filter(user=user, slot__in=[Slot.A, Slot.B])
        begun = Entry.objects.visible_to(user).filter(holder=user, trial=OuterRef("pk"))
        to_start = Trial.objects.visible_to(user).filter(
            ~Exists(begun), pk__in=mine.values("trial"), status=Status.ENTERING, excluded_at=None
        )
        self.fields["trial"].queryset = to_start  # type: ignore[attr-defined]


@admin.register(Entry)
class EntryAdmin(BlindedAdmin):
    thing = Thing.ENTRY
    act_to_change = Act.EDIT
    form = EntryForm

    list_display = ("what", "entry_state", "held_by", "cells", "saved_at", "submitted_at")
    list_filter: ClassVar[Any] = (
        by_row("trial__review", "review", Review),
        by_choice("slot", "slot", Slot.choices),
        by_choice("state", "state", EntryState.choices),
        by_row("trial", "trial", Trial),
    )
    search_fields = ("trial__label",)
    ordering = ("trial__label_key", "slot", "number")
    actions = ("submit_selected", "undo_selected")
    change_form_template = "admin/extraction/entry/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        cells = Observation.objects.visible_to(request.user).filter(entry=OuterRef("pk")).order_by()
        rows: QuerySet[Any] = (
            super()
            .get_queryset(request)
            .select_related("trial__review", "holder")
            .annotate(cell_count=Subquery(cells.values("entry").annotate(count=Count("pk")).values("count")))
        )
        return rows

    @admin.display(description="Entry", ordering="trial__label_key")
    def what(self, entry: Entry) -> SafeString:
        return two_lines(entry.trial.label, f"{entry.get_slot_display()}, version {entry.number}")

    @admin.display(description="State", ordering="state")
    def entry_state(self, entry: Entry) -> SafeString:
        if entry.is_draft:
            return mark("warn" if entry.return_reason else "", "pen", "Returned" if entry.return_reason else "Draft")
        return mark("ok", "lock", "Submitted")

    @admin.display(description="Entered by", ordering="holder__username")
    def held_by(self, entry: Entry) -> str:
        return str(entry.holder or "")

    @admin.display(description="Observations", ordering="cell_count")
    def cells(self, entry: Any) -> int:
        return entry.cell_count or 0

    # --- Rights --------------------------------------------------------------------------------------------------

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) or (obj is None and offers(request, Act.SEE, Thing.FINAL))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (obj is None or (obj.is_draft and obj.slot != Slot.FINAL)) and super().has_change_permission(
            request, obj
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, Act.EDIT, None)

    def has_submit_permission(self, request: HttpRequest) -> bool:
        return self.may(request, Act.SUBMIT, None)

    def history_of(self, request: HttpRequest, obj: Any) -> QuerySet[Event]:
        return Event.objects.visible_to(request.user).filter(entry=obj)

    # --- Rows ----------------------------------------------------------------------------------------------------

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        if obj is None:
            return ()
        return DRAFT_INLINES if self.has_change_permission(request, obj) else READ_INLINES

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        line = ("trial", "entry_state", "held_by", "submitted_at")
        return (line, "return_reason") if obj is not None and obj.return_reason else (line,)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("trial", "entry_state", "held_by", "submitted_at", "return_reason")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["fields"] = ()
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Everything of an entry is in its rows."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        rows: list[RowForm] = [row for formset in formsets for row in formset.forms]
        changes = [one for row in rows if (one := row.change()) is not None]
        entry = enter.save(form.instance.pk, changes, by=asker(request))
        vars(request)["version_to_submit"] = entry.version if changes else form.cleaned_data["version"]

    # --- Start, submit, undo -------------------------------------------------------------------------------------

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = StartForm(asker(request), answer(request))
        if form.is_valid():
            try:
                entry = enter.start(form.cleaned_data["trial"].pk, by=asker(request))
            except ExtractionError as refusal:
                show_refusal(form, refusal)
            else:
                return HttpResponseRedirect(self.address("change", entry.pk))
        note = "" if form.fields["trial"].queryset.exists() else "Nothing is left to start. The lead assigns trials."  # type: ignore[attr-defined]
        return ask(self, request, form, title="Start a trial", button="Start", note=note)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Save first, then submit on its own: a refused submission keeps what was saved."""
        response = super().changeform_view(request, object_id, form_url, extra_context)
        if "_submit" in request.POST and response.status_code == 302 and object_id is not None:
            key = UUID(unquote(object_id))
            try:
                enter.submit(key, by=asker(request), version=vars(request)["version_to_submit"])
            except ExtractionError as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
                return HttpResponseRedirect(self.address("change", key))
            self.message_user(request, "Submitted. It is read-only now.", messages.SUCCESS)
        return response

    @admin.action(description="Submit", permissions=["submit"])
    def submit_selected(self, request: HttpRequest, queryset: QuerySet[Entry]) -> None:
        each(self, request, queryset, lambda entry: enter.submit(entry.pk, by=asker(request)), "submitted")

    @admin.action(description="Undo the submission", permissions=["submit"])
    def undo_selected(self, request: HttpRequest, queryset: QuerySet[Entry]) -> None:
        each(self, request, queryset, lambda entry: enter.undo_submit(entry.pk, by=asker(request)), "back in draft")

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        entry = context.get("original")
        if entry is not None:
            may_submit = access.may(asker(request), Act.SUBMIT, Thing.ENTRY, entry, Entry.PATHS)
            context |= {
                "may_edit": self.has_change_permission(request, entry),
                "may_undo": may_submit and not entry.is_draft,
            }
        return super().render_change_form(request, context, *args, **kwargs)
