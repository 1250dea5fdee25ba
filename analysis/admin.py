"""Results, effects and requests in the admin: read-only, through `visible_to`; a run can be asked for."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, ClassVar, Final
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Case, F, FloatField, QuerySet, Value, When
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from analysis import setup, wording
from analysis.impact import impacts
from analysis.models import (
    Effect,
    PooledResult,
    RecomputeRequest,
    Snapshot,
    Synthesis,
)
from extraction import access
from extraction.access import Act, Thing
from extraction.admin.blinded import BlindedAdmin, Filter, asker, by_choice, by_row, offers
from extraction.admin.discrepancies import TO_DECIDE, DiscrepancyAdmin
from extraction.models import Discrepancy, Review, Trial


class ResultAdmin(BlindedAdmin):
    """Read-only: what was computed is never written by hand."""

    thing = Thing.RESULT

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields or ()


@admin.register(Synthesis)
class SynthesisAdmin(ResultAdmin):
    list_display = ("name", "group", "is_primary", "measure", "model", "moderator", "page")
    list_filter: ClassVar[Any] = (by_row("review", "review", Review), by_choice("group", "group", [], if_present=True))
    list_select_related = ("review", "moderator")
    search_fields = ("name",)
    ordering = ("review", "position", "pk")
    fields = (
        "review", "name", "group", "position", "is_primary", "measure", "window", "model", "rho", "imputed_r",
        "level", "filters", "moderator", "page",
    )  # fmt: skip

    @admin.display(description="Results page")
    def page(self, synthesis: Synthesis) -> SafeString:
        return format_html('<a href="{}">Open</a>', synthesis.get_absolute_url())


@admin.register(RecomputeRequest)
class RecomputeRequestAdmin(ResultAdmin):
    """What was asked for and how far it came; five failures in a row stop it until it is asked for again."""

    list_display = ("review", "state", "wanted", "done", "wanted_at", "done_at", "failures", "last_error")
    list_filter: ClassVar[Any] = (by_row("review", "review", Review),)
    list_select_related = ("review",)
    ordering = ("review",)
    actions = ("ask_again",)
    fields = (
        "review", "state", "wanted", "done", "claimed", "lease_until", "wanted_at", "done_at", "failed_at",
        "failures", "last_error",
    )  # fmt: skip

    @admin.display(description="State")
    def state(self, request: RecomputeRequest) -> str:
        if request.is_met:
            return "met"
        return "given up" if request.given_up else "waiting"

    @admin.action(description="Ask for a recompute", permissions=["ask"])
    def ask_again(self, request: HttpRequest, queryset: QuerySet[RecomputeRequest]) -> None:
        for review_id in queryset.values_list("review", flat=True):
            setup.request_recompute(review_id, by=asker(request))
        self.message_user(request, "A recompute is asked for.", messages.SUCCESS)

    def has_ask_permission(self, request: HttpRequest) -> bool:
        return offers(request, Act.RECOMPUTE, self.thing)


@admin.register(Snapshot)
class SnapshotAdmin(ResultAdmin):
    list_display = ("digest_begins", "review", "created_at", "engine")
    list_filter: ClassVar[Any] = (by_row("review", "review", Review),)
    list_select_related = ("review",)
    ordering = ("-created_at",)
    fields = ("review", "digest", "engine", "created_at", "size")

    @admin.display(description="Digest", ordering="digest")
    def digest_begins(self, snapshot: Snapshot) -> str:
        return str(snapshot)

    @admin.display(description="Trials")
    def size(self, snapshot: Snapshot) -> int:
        return snapshot.trials.count()


@admin.register(PooledResult)
class PooledResultAdmin(ResultAdmin):
    list_display = ("synthesis", "state", "trials", "effects", "g", "interval", "created_at", "generation")
    list_filter: ClassVar[Any] = (
        by_row("synthesis__review", "review", Review),
        by_choice("state", "state", PooledResult.State.choices),
    )
    list_select_related = ("synthesis",)
    search_fields = ("synthesis__name",)
    ordering = ("-created_at", "synthesis")
    fields = (
        "synthesis", "snapshot", "state", "reason", "note", ("trials", "effects"), ("estimate", "se"),
        ("ci_low", "ci_high"), ("statistic", "df_num", "df", "p"), ("tau2", "i2", "q"), ("pi_low", "pi_high"),
        "terms", ("created_at", "generation"), "engine", "specification", "inputs",
    )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [name for row in self.fields for name in ((row,) if isinstance(row, str) else row)]

    @admin.display(description="g", ordering="estimate")
    def g(self, result: PooledResult) -> str:
        return wording.decimals(result.estimate)

    @admin.display(description="Interval")
    def interval(self, result: PooledResult) -> str:
        return wording.interval(result.ci_low, result.ci_high)

    @admin.display(description="Terms")
    def terms(self, result: PooledResult) -> SafeString | str:
        rows = result.coefficients.order_by("position")
        lines = ((row.term, f"{row.estimate:.6g}", wording.p_value(row.p)) for row in rows)
        return format_html_join("", "<div>{}: {}, p {}</div>", lines) or wording.NOTHING


@admin.register(Effect)
class EffectAdmin(ResultAdmin):
    thing = Thing.EFFECT
    list_display = ("__str__", "trial", "timepoint_label", "n_t", "n_c", "g", "measure", "reason")
    list_filter: ClassVar[Any] = (
        by_row("trial__review", "review", Review),
        by_row("trial", "trial", Trial),
    )
    list_select_related = ("trial", "marker")
    search_fields = ("trial__label", "outcome_name")
    ordering = ("trial__label_key", "entry", "position")
    fields = (
        "trial", "entry", "measure", "outcome_name", "marker", "intervention", "treatment_label", "control_label",
        "timepoint_label", "n_t", "n_c", "yi_raw", "direction", "yi", "vi", "reason", "ledger_shown",
    )  # fmt: skip

    @admin.display(description="g", ordering="yi")
    def g(self, effect: Effect) -> str:
        return wording.decimals(effect.yi)

    @admin.display(description="Ledger")
    def ledger_shown(self, effect: Effect) -> SafeString:
        return format_html("<pre>{}</pre>", json.dumps(effect.ledger, indent=1, ensure_ascii=False))


# --- The queue, by impact -----------------------------------------------------------------------------------

admin.site.unregister(Discrepancy)


class ByImpact(Filter):
    """How far the decision moves the primary synthesis; the bounds are those of the four decimals printed."""

    title = "impact"
    parameter_name = "impact"
    BOUNDS: Final = {"none": (0.0, 0.00005), "small": (0.00005, 0.001), "large": (0.001, None)}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        words = {"large": "0.001 and more", "small": "Below 0.001", "none": "Moves nothing", "unknown": "Not known"}
        return list(words.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        if value == "unknown":
            return queryset.filter(size=None)
        if value not in self.BOUNDS:
            return queryset.none()
        low, high = self.BOUNDS[value]
        found = queryset.filter(size__gte=low)
        return found if high is None else found.filter(size__lt=high)


@admin.register(Discrepancy)
class RankedDiscrepancyAdmin(DiscrepancyAdmin):
    """The queue with the largest impact first: how large, never which way. A decision must not look at the outcome."""

    list_filter: ClassVar[Any] = (*DiscrepancyAdmin.list_filter, ByImpact)
    list_display: Any = ("what", "value_a", "value_b", "impact", "diagnosed", "source", "decision_state")

    def get_ordering(self, request: HttpRequest) -> Any:
        return (F("size").desc(nulls_last=True), "trial__label_key", "position")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        sizes = sizes_for(request)
        known = [When(pk=key, then=Value(size)) for key, size in sizes.items()]
        size = Case(*known, default=None, output_field=FloatField()) if known else Cast(Value(None), FloatField())
        largest = max(sizes.values(), default=0.0) or 1.0
        rows: QuerySet[Any] = super().get_queryset(request)
        ranked: QuerySet[Any] = rows.annotate(size=size, largest=Value(largest, FloatField()))
        return ranked

    @admin.display(description="Impact", ordering="size")
    def impact(self, row: Any) -> str | SafeString:
        if row.size is None:
            return wording.NOTHING
        end = 4 + 88 * row.size / row.largest
        return format_html(
            '<svg class="shift" viewBox="0 0 96 20" aria-hidden="true"><path class="axis" d="M4 10h88"/>'
            '<path class="bar" d="M4 10H{}"/></svg> {}',
            f"{end:.1f}",
            wording.decimals(row.size, 4),
        )


def sizes_for(request: HttpRequest) -> dict[UUID, float]:
    """Impacts of the differences that this person sees, in reviews whose results they see; once a request."""
    known: dict[UUID, float] | None = getattr(request, "impacts", None)
    if known is None:
        user = asker(request)
        reviews = Review.objects.visible_to(user).filter(access.visible(user, Thing.RESULT, Review.PATHS))
        rows = Discrepancy.objects.visible_to(user).current().filter(trial__review__in=reviews, state__in=TO_DECIDE)
        of_review: dict[int, list[Discrepancy]] = defaultdict(list)
        for row in rows.select_related("trial"):
            of_review[row.trial.review_id].append(row)
        known = {key: size for review, found in of_review.items() for key, size in impacts(review, found).items()}
        request.impacts = known  # type: ignore[attr-defined]
    return known
