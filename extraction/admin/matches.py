"""Which row of A is which row of B, where the structures differ: confirm, match to another, or only one saw it."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from extraction.access import Act, Thing
from extraction.admin.asking import each
from extraction.admin.blinded import BlindedAdmin, VerbForm, asker, by_choice, by_row
from extraction.admin.marks import mark, two_lines
from extraction.forms.plain import show_refusal
from extraction.matching import confirm, pair, part
from extraction.models import Entry, Match, MatchedRow, Review, Trial
from extraction.models.plain import ROWS
from extraction.record import Side, Subject

AS_PROPOSED, ANOTHER, NOT_SAME, ONLY_A, ONLY_B = "as_proposed", "another", "not_same", "only_a", "only_b"


class MatchForm(VerbForm):
    """What is the same as what. Two rows chosen on one side are a merge."""

    answer = forms.ChoiceField(label="These are", widget=forms.RadioSelect)
    a = forms.MultipleChoiceField(label="A", required=False, widget=forms.CheckboxSelectMultiple)
    b = forms.MultipleChoiceField(label="B", required=False, widget=forms.CheckboxSelectMultiple)

    rows_of_sides: ClassVar[dict[str, list[tuple[str, str]]]] = {}  # set for one request, by side

    class Meta:
        model = Match
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        match: Any = self.instance
        matched = {side: [str(row.row) for row in match.rows.all() if row.side == side] for side in Side}
        offered = [(ANOTHER, "the same as chosen below")]
        if match.state != Match.State.PROPOSED:
            pass  # said already: it can be said otherwise
        elif matched[Side.A] and matched[Side.B]:
            offered = [(AS_PROPOSED, "the same, as proposed"), *offered]
        elif matched[Side.A] or matched[Side.B]:
            only = Side.A if matched[Side.A] else Side.B
            offered = [(AS_PROPOSED, f"only in {only}, as proposed"), *offered]
        if matched[Side.A] and matched[Side.B]:
            offered += [
                (NOT_SAME, "not the same: each waits for another partner"),
                (ONLY_A, "not the same: only A saw what A has"),
                (ONLY_B, "not the same: only B saw what B has"),
            ]
        self.fields["answer"].choices = offered  # type: ignore[attr-defined]
        for side, name in ((Side.A, "a"), (Side.B, "b")):
            self.fields[name].choices = self.rows_of_sides.get(side, [])  # type: ignore[attr-defined]
        self.initial = {"answer": offered[0][0], "a": matched[Side.A], "b": matched[Side.B]}
        self.matched = matched

    def _post_clean(self) -> None:
        data = self.cleaned_data
        if data.get("answer") == ANOTHER and not (data.get("a") or data.get("b")):
            self.add_error(None, "Choose at least one row.")
        show_refusal(self, self.refusal)


def current(matches: QuerySet[Match], request: HttpRequest) -> QuerySet[Match]:
    """Of the entry versions that count now."""
    newer = Entry.objects.visible_to(request.user).filter(trial=OuterRef("trial"))
    return matches.exclude(
        Exists(newer.filter(slot=OuterRef("a_entry__slot"), number__gt=OuterRef("a_entry__number")))
        | Exists(newer.filter(slot=OuterRef("b_entry__slot"), number__gt=OuterRef("b_entry__number")))
    )


@admin.register(Match)
class MatchAdmin(BlindedAdmin):
    thing = Thing.RECONCILIATION
    act_to_change = Act.DECIDE
    form = MatchForm

    list_display = ("what", "side_a", "side_b", "score_in_words", "reason", "match_state")
    list_filter: ClassVar[Any] = (
        by_row("trial__review", "review", Review),
        by_choice("state", "state", Match.State.choices),
        by_choice("subject", "kind", [(subject.value, subject.value) for subject in Subject]),
        by_row("trial", "trial", Trial),
    )
    search_fields = ("trial__label",)
    ordering = ("trial__label_key", "subject", "position", "pk")
    actions = ("confirm_selected",)
    change_form_template = "admin/extraction/match/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = MatchedRow.objects.visible_to(request.user)
        matches = super().get_queryset(request).select_related("trial")
        return current(matches, request).prefetch_related(Prefetch("rows", queryset=rows))

    @admin.display(description="Match", ordering="trial__label_key")
    def what(self, match: Match) -> SafeString:
        return two_lines(match.trial.label, match.subject)

    @admin.display(description="A")
    def side_a(self, match: Match) -> str:
        return labels(match, Side.A)

    @admin.display(description="B")
    def side_b(self, match: Match) -> str:
        return labels(match, Side.B)

    @admin.display(description="Score", ordering="score")
    def score_in_words(self, match: Match) -> str:
        return f"{match.score:.2f}"

    @admin.display(description="State", ordering="state")
    def match_state(self, match: Match) -> SafeString:
        if match.state == Match.State.PROPOSED:
            return mark("ask", "ask", match.get_state_display())
        return mark("ok", "check", "Confirmed itself" if match.by_itself else match.get_state_display())

    # --- Saying --------------------------------------------------------------------------------------------------

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return self.may(request, Act.DECIDE, None)

    @admin.action(description="Confirm", permissions=["decide"])
    def confirm_selected(self, request: HttpRequest, queryset: QuerySet[Match]) -> None:
        each(self, request, queryset, lambda match: confirm(match.pk, by=asker(request)), "confirmed")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return [(None, {"fields": ("answer", "a", "b")})]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["fields"] = ()
        form = super().get_form(request, obj, change, **kwargs)
        if obj is not None:
            form.rows_of_sides = rows_of_sides(obj, request)
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        data, matched = form.cleaned_data, form.matched
        if data["answer"] == AS_PROPOSED:
            confirm(obj.pk, by=asker(request))
            return
        if data["answer"] == NOT_SAME:
            obj.pk = part(obj.pk, by=asker(request))[0].pk
            return
        a, b = {
            ANOTHER: (data["a"], data["b"]),
            ONLY_A: (matched[Side.A], []),
            ONLY_B: ([], matched[Side.B]),
        }[data["answer"]]
        made = pair(obj.trial_id, obj.subject, [UUID(key) for key in a], [UUID(key) for key in b], by=asker(request))
        obj.pk = made.pk

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        match: Any = context.get("original")
        if match is not None:
            context |= {
                "sides": [(side, labels(match, side)) for side in Side],
                "state": self.match_state(match),
            }
        page: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return page


def labels(match: Any, side: Side) -> str:
    return " + ".join(row.label for row in match.rows.all() if row.side == side) or "–"


def rows_of_sides(match: Match, request: HttpRequest) -> dict[str, list[tuple[str, str]]]:
    """Every row of this kind in both entries."""
    model = ROWS[Subject(match.subject)]
    found: dict[str, list[tuple[str, str]]] = {}
    for side, entry in ((Side.A, match.a_entry_id), (Side.B, match.b_entry_id)):
        rows = model.objects.visible_to(request.user).filter(entry=entry).order_by("position", "pk")
        found[side] = [(str(row.pk), str(row)) for row in rows]
    return found
