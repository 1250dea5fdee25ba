"""Where two entries differ: the queue, one decision at a time with both sides in view, or one for many.

Direction, estimates and p stand nowhere here: a decision must not look at the outcome.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from extraction.access import Act, Thing
from extraction.admin.asking import answer, ask, counted
from extraction.admin.blinded import BlindedAdmin, Filter, asker, by_choice, by_row
from extraction.admin.decision_form import DecisionForm
from extraction.admin.marks import discrepancy_state, printed, two_lines
from extraction.decisions import Decision
from extraction.forms.decision import TogetherForm, value_fields
from extraction.models import Discrepancy, Marker, Observation, Resolution, Review, Trial
from extraction.models.reconciliation import DIAGNOSES
from extraction.reconcile import resolve, resolve_many
from extraction.record import Subject, Verdict
from extraction.sides import diagnosis_in_words, sides, where

State = Discrepancy.State
TO_DECIDE: Final = (State.OPEN, State.DECIDED)


class ByState(Filter):
    """By default what a person decides; what was accepted by itself, and what is superseded, on demand."""

    title = "state"
    parameter_name = "state"
    SUPERSEDED = "superseded"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            (State.OPEN, "Open"),
            (State.DECIDED, "Decided"),
            (State.ACCEPTED, State.ACCEPTED.label),
            (self.SUPERSEDED, "Superseded"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value == self.SUPERSEDED:
            return queryset.filter(superseded=True)
        if value is not None and not self.known(value):
            return queryset.none()
        return queryset.filter(superseded=False, state__in=[value] if value else TO_DECIDE)


class ByAge(Filter):
    """How long ago the two entries were compared."""

    title = "age"
    parameter_name = "age"
    DAYS: Final = {"1": "Up to a day", "7": "Up to a week", "7+": "Older than a week", "28+": "Older than four weeks"}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(self.DAYS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        if not self.known(value):
            return queryset.none()
        then = timezone.now() - timedelta(days=int(value.rstrip("+")))
        return queryset.filter(**{"created_at__lt" if value.endswith("+") else "created_at__gte": then})


class Queue(ChangeList):
    """A page of the queue with the sources of its rows: one more query, whatever the number of rows."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = self.result_list = list(self.result_list)
        keys = {key for row in rows if row.subject == Subject.OBSERVATION for key in (row.a_key, row.b_key) if key}
        found = Observation.objects.visible_to(request.user).filter(pk__in=keys).select_related("source_report")
        of_source = ("source_page", "source_place", "source_report__citation")
        sources = {row.pk: row.source for row in found.only("pk", *of_source)}
        for row in rows:
            row.a_source, row.b_source = sources.get(row.a_key, ""), sources.get(row.b_key, "")


@admin.register(Discrepancy)
class DiscrepancyAdmin(BlindedAdmin):
    """`analysis` may subclass and register this again to put the largest impact first."""

    thing = Thing.RECONCILIATION
    act_to_change = Act.DECIDE
    form = DecisionForm
    title = "Discrepancies"

    list_display = ("what", "value_a", "value_b", "diagnosed", "source", "decision_state")
    list_filter: ClassVar[Any] = (
        by_row("trial__review", "review", Review),
        ByState,
        by_choice(
            "verdict", "verdict", [(v.value, v.value.replace("_", " ")) for v in Verdict if v != Verdict.IDENTICAL]
        ),
        by_choice("diagnosis", "diagnosis", DIAGNOSES, if_present=True),
        by_row("marker", "marker", Marker),
        by_row("trial", "trial", Trial),
        ByAge,
    )
    search_fields = ("trial__label", "outcome_label", "arm_label")
    search_help_text = "A trial, an outcome or an arm"
    ordering = ("trial__label_key", "position")
    list_select_related = ("trial",)
    actions = ("decide_together",)
    change_form_template = "admin/extraction/discrepancy/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        newest = Resolution.objects.visible_to(request.user).filter(discrepancy=OuterRef("pk")).order_by("-number")
        rows = super().get_queryset(request).select_related("trial__review", "a_entry", "b_entry", "marker")
        annotated: QuerySet[Any] = rows.annotate(newest_choice=Subquery(newest.values("choice")[:1]))
        return annotated

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Queue

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        ranked = "impact" in self.get_list_display(request)
        title = f"{self.title}, largest impact first" if ranked else self.title
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    # --- Columns -------------------------------------------------------------------------------------------------

    @admin.display(description="Discrepancy", ordering="trial__label_key")
    def what(self, row: Discrepancy) -> SafeString:
        return two_lines(row.trial.label, where(row))

    @admin.display(description="A")
    def value_a(self, row: Discrepancy) -> str:
        return printed(row.a_says)

    @admin.display(description="B")
    def value_b(self, row: Discrepancy) -> str:
        return printed(row.b_says)

    @admin.display(description="Diagnosis", ordering="diagnosis")
    def diagnosed(self, row: Discrepancy) -> str:
        return diagnosis_in_words(row) or row.verdict.replace("_", " ")

    @admin.display(description="Source")
    def source(self, row: Any) -> str | SafeString:
        if row.a_source == row.b_source:
            return str(row.a_source)
        return format_html("A {}<br>B {}", row.a_source or "–", row.b_source or "–")

    @admin.display(description="State", ordering="state")
    def decision_state(self, row: Any) -> SafeString:
        return discrepancy_state(row, row.newest_choice)

    # --- Deciding ------------------------------------------------------------------------------------------------

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return self.may(request, Act.DECIDE, None)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only what waits for a person or was decided by one; the table says who and when."""
        if obj is not None and (obj.superseded or obj.state == State.ACCEPTED):
            return False
        return super().has_change_permission(request, obj)

    @admin.action(description="Decide together", permissions=["decide"])
    def decide_together(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        form = TogetherForm(answer(request))
        if form.is_valid():
            decision = Decision(**form.cleaned_data)
            decided = resolve_many([row.pk for row in queryset], decision, by=asker(request))
            self.message_user(request, counted(self, decided, "decided"))
            return None
        lines = [f"{row}: A {printed(row.a_says)}, B {printed(row.b_says)}" for row in queryset]
        return ask(
            self,
            request,
            form,
            title="Decide together",
            button=f"Decide {counted(self, len(lines), '').strip()}",
            rows=queryset,
            action="decide_together",
            note="All of them get the same decision, or none does.",
            lines=lines,
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        names = ("choice", *value_fields(obj), "reason_code", "comment", "version") if obj else ()
        return [(None, {"fields": names})]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["fields"] = ()  # everything is declared; nothing of the row itself is edited
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        resolve(obj.pk, form.decision(), by=asker(request), version=form.cleaned_data["version"])

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """On to the next open one, in the order of the queue."""
        if "_next" in request.POST:
            following = self._next_open(request, obj)
            if following is not None:
                self.message_user(request, f"Decided: {obj}")
                return HttpResponseRedirect(self.address("change", following))
            self.message_user(request, "Decided. Nothing is open any more.")
            return HttpResponseRedirect(self.address("changelist"))
        return super().response_change(request, obj)

    def _next_open(self, request: HttpRequest, obj: Any) -> UUID | None:
        queue = self.get_queryset(request).filter(superseded=False, state__in=TO_DECIDE)
        rows = list(queue.values_list("pk", "state"))
        here = next((place for place, (pk, _) in enumerate(rows) if pk == obj.pk), 0)
        still_open = [pk for pk, state in (*rows[here + 1 :], *rows[:here]) if state == State.OPEN]
        return still_open[0] if still_open else None

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        row: Any = context.get("original")
        if row is not None:
            made = Resolution.objects.visible_to(request.user).filter(discrepancy=row).select_related("decided_by")
            context |= {
                "place": where(row),
                "row": row,
                "sides": sides(row, request.user),
                "state": discrepancy_state(row, row.newest_choice),
                "diagnosis": diagnosis_in_words(row),
                "decisions": list(made),
                "may_decide": self.has_change_permission(request, row),
            }
        return super().render_change_form(request, context, *args, **kwargs)
