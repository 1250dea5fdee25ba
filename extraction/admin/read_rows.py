"""The rows of an entry that is read, not written: as printed, compact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from extraction.admin.marks import printed
from extraction.models import Arm, Characteristic, ContrastStatistic, Observation, Outcome, Timepoint
from extraction.typed import values_of

if TYPE_CHECKING:
    Tabular = admin.TabularInline[Any, Any]
else:
    Tabular = admin.TabularInline


class ReadRows(Tabular):
    extra = 0
    can_delete = False
    related: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.model.objects.visible_to(request.user)
        return rows.select_related(*self.related) if self.related else rows

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields or ()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # the rows come through `visible_to`

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadArms(ReadRows):
    model = Arm
    related = ("intervention",)
    fields = ("label", "role", "treatment", "control_kind", "randomised", "sessions", "weeks", "eligible")

    @admin.display(description="Kind of treatment")
    def treatment(self, arm: Arm) -> str:
        return str(arm.intervention or "")

    @admin.display(description="Randomised")
    def randomised(self, arm: Arm) -> str:
        return values_of(arm)["n_randomised"]


class ReadTimepoints(ReadRows):
    model = Timepoint
    fields = ("time", "phase", "weeks", "weeks_after_end")

    @admin.display(description="Timepoint")
    def time(self, row: Timepoint) -> str:
        return str(row)


class ReadOutcomes(ReadRows):
    model = Outcome
    related = ("marker",)
    fields = ("name", "known_as", "unit", "specimen", "assay", "condition", "scale")

    @admin.display(description="Marker")
    def known_as(self, outcome: Outcome) -> str:
        return str(outcome.marker or "")


class ReadObservations(ReadRows):
    model = Observation
    related = ("arm", "timepoint", "outcome", "source_report")
    fields = ("cell", "n_said", "centre_said", "spread_said", "source", "source_quote", "notes")

    @admin.display(description="Observation")
    def cell(self, row: Observation) -> str:
        return str(row)

    @admin.display(description="n")
    def n_said(self, row: Observation) -> str:
        return printed(values_of(row)["n"])

    @admin.display(description="Centre")
    def centre_said(self, row: Observation) -> str:
        return printed(f"{row.centre_kind.replace('_', ' ')} {values_of(row)['centre']}".strip())

    @admin.display(description="Spread")
    def spread_said(self, row: Observation) -> str:
        texts = values_of(row)
        ends = f"{texts['spread_low']} to {texts['spread_high']}" if texts["spread_low"] else texts["spread"]
        level = f"{row.spread_level:g}% " if row.spread_level else ""
        return printed(f"{level}{row.spread_kind.replace('_', ' ').upper()} {ends}".strip())

    @admin.display(description="Source")
    def source(self, row: Observation) -> str:
        return row.source


class ReadContrasts(ReadRows):
    model = ContrastStatistic
    related = ("arm", "versus", "timepoint", "outcome", "source_report")
    fields = ("contrast", "value_said", "ci_said", "df_printed", "adjusted", "source", "source_quote", "notes")

    @admin.display(description="Contrast")
    def contrast(self, row: ContrastStatistic) -> str:
        return str(row)

    @admin.display(description="Value")
    def value_said(self, row: ContrastStatistic) -> str:
        return printed(values_of(row)["value"])

    @admin.display(description="CI")
    def ci_said(self, row: ContrastStatistic) -> str:
        level = f"{row.ci_level:g}% " if row.ci_level else ""
        return printed(f"{level}{row.ci_low_printed} to {row.ci_high_printed}") if row.ci_low_printed else ""

    @admin.display(description="Source")
    def source(self, row: ContrastStatistic) -> str:
        return row.source


class ReadCharacteristics(ReadRows):
    model = Characteristic
    related = ("moderator", "arm")
    fields = ("of", "about", "value_said")

    @admin.display(description="Moderator")
    def of(self, row: Characteristic) -> str:
        return str(row.moderator)

    @admin.display(description="Of")
    def about(self, row: Characteristic) -> str:
        return str(row.arm or "the trial")

    @admin.display(description="Value")
    def value_said(self, row: Characteristic) -> str:
        return printed(values_of(row)["value"])


READ_INLINES: Final = (ReadArms, ReadTimepoints, ReadOutcomes, ReadObservations, ReadContrasts, ReadCharacteristics)
