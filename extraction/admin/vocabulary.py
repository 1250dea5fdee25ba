"""The codebook: interventions, outcome classes, markers with synonyms, unit factors, moderators with levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest

from extraction import access
from extraction.access import Act, Thing
from extraction.admin.blinded import BlindedAdmin, VerbForm, asker, by_choice, by_row, offers, refused
from extraction.define import drop, put
from extraction.models import (
    Direction,
    Intervention,
    Marker,
    MarkerSynonym,
    Moderator,
    ModeratorLevel,
    OutcomeClass,
    Review,
    UnitFactor,
)
from extraction.record import ModeratorKind

if TYPE_CHECKING:
    Tabular = admin.TabularInline[Any, Any]
else:
    Tabular = admin.TabularInline


class TermAdmin(BlindedAdmin):
    thing = Thing.VOCABULARY
    act_to_change = Act.MANAGE
    adds = deletes = True
    list_select_related: ClassVar[Any] = ("review",)
    list_filter: ClassVar[Any] = (by_row("review", "review", Review),)
    search_fields: ClassVar[Any] = ("code", "name")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A term stays in its review."""
        return (*super().get_readonly_fields(request, obj), *(("review",) if obj else ()))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "review" and field is not None and field.queryset is not None:
            led = access.permitted(asker(request), Act.MANAGE, Thing.REVIEW, Review.PATHS)
            field.queryset = field.queryset.filter(led)
            field.empty_label = None if field.queryset.count() == 1 else field.empty_label
        return field

    def save_model(self, request: HttpRequest, obj: Any, form: VerbForm, change: bool) -> None:
        values = form.typed(changed_only=change)
        values.pop("review", None)
        saved = put(self.model, obj.review_id, values, by=asker(request), pk=obj.pk)
        obj.pk = saved.pk

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Synonyms and levels: each a term of its own."""
        owner = form.instance
        for row in formset.forms:
            wanted_gone = row.cleaned_data.get(forms.formsets.DELETION_FIELD_NAME, False)
            if wanted_gone and row.instance.pk:
                drop(formset.model, row.instance.pk, by=asker(request))
            elif row.has_changed() and not wanted_gone:
                values = {name: row.cleaned_data[name] for name in row.changed_data if name in row.base_fields}
                values[formset.fk.name] = type(owner).objects.visible_to(request.user).get(pk=owner.pk)
                put(formset.model, owner.review_id, values, by=asker(request), pk=row.instance.pk)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        drop(self.model, obj.pk, by=asker(request))


class TermInline(Tabular):
    """Terms that belong to a term."""

    extra = 1

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.model.objects.visible_to(request.user)
        return rows

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        formset.form.refusal = refused(request)  # type: ignore[attr-defined]  # a class made for this request
        return formset

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return offers(request, Act.SEE, Thing.VOCABULARY)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._leads(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._leads(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._leads(request, obj)

    def _leads(self, request: HttpRequest, obj: models.Model | None) -> bool:
        if obj is None or obj._state.adding:
            return offers(request, Act.MANAGE, Thing.VOCABULARY)
        return access.may(asker(request), Act.MANAGE, Thing.VOCABULARY, obj, type(obj).PATHS)  # type: ignore[attr-defined]


class SynonymInline(TermInline):
    model = MarkerSynonym
    fields = ("text", "ambiguous")
    verbose_name_plural = "synonyms"


class LevelInline(TermInline):
    model = ModeratorLevel
    fields = ("code", "name", "definition", "position")
    verbose_name_plural = "levels"

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "definition":
            kwargs["widget"] = forms.Textarea(attrs={"rows": 1, "cols": 40})
        return super().formfield_for_dbfield(db_field, request, **kwargs)


@admin.register(Intervention)
class InterventionAdmin(TermAdmin):
    list_display = ("name", "code", "review")
    fields = ("review", "code", "name", "definition", "position")


@admin.register(OutcomeClass)
class OutcomeClassAdmin(TermAdmin):
    list_display = ("name", "code", "direction", "review")
    list_filter = (*TermAdmin.list_filter, by_choice("direction", "direction", Direction.choices))
    fields = ("review", "code", "name", "direction", "definition", "position")


@admin.register(Marker)
class MarkerAdmin(TermAdmin):
    list_display = ("name", "code", "outcome_class", "benefit_in_words", "canonical_unit", "review")
    list_filter = (*TermAdmin.list_filter, by_row("outcome_class", "outcome class", OutcomeClass))
    list_select_related = ("review", "outcome_class")
    fields = (
        "review", "code", "name", "outcome_class", "direction", ("canonical_unit", "usual_unit"),
        ("plausible_low", "plausible_high"), ("stimulated_low", "stimulated_high"), ("sd_mean_low", "sd_mean_high"),
        "log_usual", "definition", "position",
    )  # fmt: skip
    inlines = (SynonymInline,)

    @admin.display(description="What benefits")
    def benefit_in_words(self, marker: Marker) -> str:
        return Direction(marker.benefit).label


@admin.register(UnitFactor)
class UnitFactorAdmin(TermAdmin):
    list_display = ("unit", "factor", "to_unit", "exact", "marker", "review")
    list_filter = (*TermAdmin.list_filter, by_row("marker", "marker", Marker))
    list_select_related = ("review", "marker")
    search_fields = ("unit", "to_unit")
    fields = ("review", "marker", ("unit", "factor", "to_unit"), "exact", "transform", "aliases", "note")


@admin.register(Moderator)
class ModeratorAdmin(TermAdmin):
    list_display = ("name", "code", "kind", "applies_to", "unit", "review")
    list_filter = (
        *TermAdmin.list_filter,
        by_choice("kind", "kind", [(kind.value, kind.value) for kind in ModeratorKind]),
    )
    fields = ("review", "code", "name", "kind", "applies_to", "unit", "definition", "position")
    inlines = (LevelInline,)
