"""Trials by state, with what may be done to them."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from extraction import access
from extraction.access import Act, Role, Thing
from extraction.admin.asking import ReasonForm, answer, ask, counted, each, tell
from extraction.admin.blinded import BlindedAdmin, VerbForm, asker, by_choice, by_row, offers
from extraction.admin.marks import trial_state, two_lines
from extraction.approve import approve_many, reopen
from extraction.assign import assign
from extraction.errors import ExtractionError
from extraction.forms.plain import show_refusal
from extraction.models import Assignment, Discrepancy, Match, Review, Slot, Trial, User
from extraction.reconcile import conclude, return_to_extractors
from extraction.setup import add_trials, change_trial, exclude_trial, include_trial
from extraction.states import Status

NOTHING_LEFT = "Nothing left to decide"


class LabelsForm(forms.Form):
    review: Any = forms.ModelChoiceField(queryset=None, empty_label=None)
    labels = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 12, "cols": 60}),
        help_text="One trial a line, as it is to be called: Abdelbasset 2020.",
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        led = access.permitted(user, Act.MANAGE, Thing.REVIEW, Review.PATHS)
        self.fields["review"].queryset = Review.objects.visible_to(user).filter(led)  # type: ignore[attr-defined]

    def clean_labels(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["labels"].splitlines() if line.strip()]


class ReturnForm(ReasonForm):
    slots = forms.MultipleChoiceField(
        label="Whose entry", choices=[("A", "A"), ("B", "B")], widget=forms.CheckboxSelectMultiple
    )
    field_order = ("slots", "reason")


class PeopleForm(forms.Form):
    """Who extracts: people who are extractors in every review of the chosen trials."""

    a: Any = forms.ModelChoiceField(label="Slot A", queryset=None, required=False)
    b: Any = forms.ModelChoiceField(label="Slot B", queryset=None, required=False)

    def __init__(self, user: User, trials: QuerySet[Trial], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.visible_to(user)
        for review in set(trials.order_by().values_list("review", flat=True)):
            people = people.filter(
                pk__in=User.objects.visible_to(user)
                .filter(memberships__review=review, **{f"memberships__{Role.EXTRACTOR}": True})
                .values("pk")
            )
        for name in ("a", "b"):
            self.fields[name].queryset = people  # type: ignore[attr-defined]


@admin.register(Trial)
class TrialAdmin(BlindedAdmin):
    thing = Thing.TRIAL
    act_to_change = Act.MANAGE
    adds = True

    list_display = ("what", "state", "progress", "open_discrepancies", "holders")
    list_filter: ClassVar[Any] = (
        by_row("review", "review", Review),
        by_choice("status", "state", Status.choices),
    )
    search_fields = ("label", "citation", "doi", "pmid", "registry_id")
    ordering = ("label_key",)
    actions = (
        "approve_selected", "conclude_selected", "return_selected", "reopen_selected", "assign_selected",
        "exclude_selected", "include_selected",
    )  # fmt: skip
    fields = (
        "label", "year", "citation", ("doi", "pmid", "registry_id"), ("design", "clusters", "icc"), "calibration",
        ("review", "state", "excluded"),
    )  # fmt: skip
    readonly_fields = ("review", "state", "excluded")
    change_form_template = "admin/extraction/trial/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        user = asker(request)
        differing = Discrepancy.objects.visible_to(user).current().filter(trial=OuterRef("pk"))
        to_say = Match.objects.visible_to(user).filter(trial=OuterRef("pk"), state=Match.State.PROPOSED)
        seen = Assignment.objects.visible_to(user).select_related("user")
        rows: QuerySet[Any] = (
            super()
            .get_queryset(request)
            .select_related("review")
            .prefetch_related(Prefetch("assignments", queryset=seen, to_attr="seen_assignments"))
            .annotate(
                still_open=_count(differing.filter(state=Discrepancy.State.OPEN)),
                decided=_count(differing.filter(state=Discrepancy.State.DECIDED)),
                to_say=_count(to_say),
            )
        )
        return rows

    # --- Columns -------------------------------------------------------------------------------------------------

    @admin.display(description="Trial", ordering="label_key")
    def what(self, trial: Trial) -> SafeString:
        return two_lines(trial.label, Truncator(trial.citation or str(trial.year or "")).chars(90))

    @admin.display(description="State", ordering="status")
    def state(self, trial: Any) -> SafeString:
        return trial_state(trial)

    @admin.display(description="Open", ordering="still_open")
    def open_discrepancies(self, trial: Any) -> int | None:
        return trial.still_open or None

    @admin.display(description="Progress")
    def progress(self, trial: Any) -> str:
        match trial.status:
            case Status.ALIGNING:
                return f"{trial.to_say} to match" if trial.to_say else ""
            case Status.ADJUDICATING:
                total = trial.still_open + (trial.decided or 0) if trial.still_open else trial.decided
                return f"{trial.decided or 0} of {total} decided" if total else ""
            case Status.AGREED:
                return "waits for approval"
        return ""

    @admin.display(description="Extractors")
    def holders(self, trial: Any) -> str:
        held = sorted((one.slot, str(one.user)) for one in trial.seen_assignments)
        return ", ".join(f"{slot} {person}" for slot, person in held)

    @admin.display(description="Excluded")
    def excluded(self, trial: Trial) -> str:
        return trial.exclusion_reason if trial.excluded_at else "no"

    # --- What may be done ----------------------------------------------------------------------------------------

    def has_approve_permission(self, request: HttpRequest) -> bool:
        return offers(request, Act.APPROVE, Thing.TRIAL)

    def has_reopen_permission(self, request: HttpRequest) -> bool:
        return offers(request, Act.REOPEN, Thing.TRIAL)

    def has_return_permission(self, request: HttpRequest) -> bool:
        return offers(request, Act.RETURN, Thing.TRIAL)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return offers(request, Act.DECIDE, Thing.RECONCILIATION)

    def has_exclude_permission(self, request: HttpRequest) -> bool:
        return offers(request, Act.EXCLUDE, Thing.TRIAL)

    def has_assign_permission(self, request: HttpRequest) -> bool:
        return offers(request, Act.MANAGE, Thing.ASSIGNMENT)

    @admin.action(description="Approve", permissions=["approve"])
    def approve_selected(self, request: HttpRequest, queryset: QuerySet[Trial]) -> None:
        labels = dict(queryset.values_list("pk", "label"))
        outcomes = approve_many(list(labels), by=asker(request))
        tell(self, request, [(labels[pk], refusal) for pk, _, refusal in outcomes], "approved")

    @admin.action(description=NOTHING_LEFT, permissions=["decide"])
    def conclude_selected(self, request: HttpRequest, queryset: QuerySet[Trial]) -> None:
        each(self, request, queryset, lambda trial: conclude(trial.pk, by=asker(request)), "concluded")

    @admin.action(description="Return to the extractors", permissions=["return"])
    def return_selected(self, request: HttpRequest, queryset: QuerySet[Trial]) -> HttpResponse | None:
        form = ReturnForm(answer(request), help_text="The extractor reads it.")
        if form.is_valid():
            slots, reason = form.cleaned_data["slots"], form.cleaned_data["reason"]
            back = partial(return_to_extractors, slots=slots, reason=reason, by=asker(request))
            each(self, request, queryset, lambda trial: back(trial.pk), "returned")
            return None
        return self._ask(request, queryset, form, "Return to the extractors", "Return", "return_selected")

    @admin.action(description="Reopen", permissions=["reopen"])
    def reopen_selected(self, request: HttpRequest, queryset: QuerySet[Trial]) -> HttpResponse | None:
        form = ReasonForm(answer(request), help_text="It stays in the history of the trial.")
        if form.is_valid():
            reason = form.cleaned_data["reason"]
            each(self, request, queryset, lambda trial: reopen(trial.pk, reason, by=asker(request)), "reopened")
            return None
        note = "The approved values stay in the results until the trial is approved again."
        return self._ask(request, queryset, form, "Reopen", "Reopen", "reopen_selected", note)

    @admin.action(description="Exclude", permissions=["exclude"])
    def exclude_selected(self, request: HttpRequest, queryset: QuerySet[Trial]) -> HttpResponse | None:
        form = ReasonForm(answer(request), help_text="It is shown with the trial and in exports.")
        if form.is_valid():
            out = partial(exclude_trial, reason=form.cleaned_data["reason"], by=asker(request))
            each(self, request, queryset, lambda trial: out(trial.pk), "excluded")
            return None
        note = "An excluded trial leaves the results."
        return self._ask(request, queryset, form, "Exclude", "Exclude", "exclude_selected", note)

    @admin.action(description="Take back in", permissions=["exclude"])
    def include_selected(self, request: HttpRequest, queryset: QuerySet[Trial]) -> None:
        each(self, request, queryset, lambda trial: include_trial(trial.pk, by=asker(request)), "taken back in")

    @admin.action(description="Assign extractors", permissions=["assign"])
    def assign_selected(self, request: HttpRequest, queryset: QuerySet[Trial]) -> HttpResponse | None:
        form = PeopleForm(asker(request), queryset, answer(request))
        if form.is_valid() and not any(form.cleaned_data.values()):
            form.add_error(None, "Choose who holds A, B or both.")
        if form.is_valid():
            chosen = {Slot.A: form.cleaned_data["a"], Slot.B: form.cleaned_data["b"]}

            def assign_both(trial: Trial) -> None:
                for slot, person in chosen.items():
                    if person is not None:
                        assign(trial.pk, slot, person.pk, by=asker(request))

            each(self, request, queryset, assign_both, "assigned")
            return None
        return self._ask(request, queryset, form, "Assign extractors", "Assign", "assign_selected")

    def _ask(
        self,
        request: HttpRequest,
        queryset: QuerySet[Trial],
        form: forms.Form,
        title: str,
        verb: str,
        action: str,
        note: str = "",
    ) -> HttpResponse:
        button = f"{verb} {counted(self, queryset.count(), '').strip()}"
        return ask(self, request, form, title=title, button=button, rows=queryset, action=action, note=note)

    # --- Adding and changing -------------------------------------------------------------------------------------

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = LabelsForm(asker(request), answer(request))
        if form.is_valid():
            rows = [{"label": label} for label in form.cleaned_data["labels"]]
            try:
                made = add_trials(form.cleaned_data["review"].pk, rows, by=asker(request))
            except ExtractionError as refusal:
                show_refusal(form, refusal)
            else:
                self.message_user(request, counted(self, len(made), "added"), messages.SUCCESS)
                return HttpResponseRedirect(self.address("changelist"))
        return ask(self, request, form, title="Add trials", button="Add these trials")

    def save_model(self, request: HttpRequest, obj: Any, form: VerbForm, change: bool) -> None:
        change_trial(obj.pk, form.typed(changed_only=True), by=asker(request))

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        trial = context.get("original")
        if trial is not None:
            context["acts"] = list(self._acts(request, trial))
        return super().render_change_form(request, context, *args, **kwargs)

    def _acts(self, request: HttpRequest, trial: Any) -> Any:
        """The buttons of one trial: what the table allows in the state it is in."""
        offered = (
            (Act.APPROVE, Thing.TRIAL, "approve_selected", "Approve", not trial.excluded_at),
            (Act.RETURN, Thing.TRIAL, "return_selected", "Return to the extractors", True),
            (Act.REOPEN, Thing.TRIAL, "reopen_selected", "Reopen", True),
            (Act.EXCLUDE, Thing.TRIAL, "exclude_selected", "Exclude", not trial.excluded_at),
            (Act.EXCLUDE, Thing.TRIAL, "include_selected", "Take back in", bool(trial.excluded_at)),
            (Act.MANAGE, Thing.ASSIGNMENT, "assign_selected", "Assign extractors", trial.status == Status.ENTERING),
            (Act.DECIDE, Thing.RECONCILIATION, "conclude_selected", NOTHING_LEFT, self._all_decided(trial)),
        )
        for act, thing, action, label, sensible in offered:
            if sensible and access.may(asker(request), act, thing, trial, Trial.PATHS):
                yield {"action": action, "label": label}

    @staticmethod
    def _all_decided(trial: Any) -> bool:
        return trial.status == Status.ADJUDICATING and not trial.still_open


def _count(rows: QuerySet[Any]) -> Subquery:
    """How many of the rows belong to the outer one; NULL where none does."""
    return Subquery(rows.order_by().values("trial").annotate(count=Count("pk")).values("count"))
