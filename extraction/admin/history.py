"""What was signed and what happened: read-only."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from extraction.access import Act, Thing
from extraction.admin.blinded import BlindedAdmin, by_row, offers
from extraction.models import Approval, Event, Review, Trial


@admin.register(Approval)
class ApprovalAdmin(BlindedAdmin):
    thing = Thing.APPROVAL
    list_display = ("trial", "version", "signed_by", "approved_at", "digest_begins")
    list_filter: ClassVar[Any] = (by_row("trial__review", "review", Review), by_row("trial", "trial", Trial))
    list_select_related = ("trial", "entry", "approved_by")
    search_fields = ("trial__label",)
    ordering = ("-approved_at",)
    fields = ("trial", "version", "signed_by", "approved_at", "digest", "history_head")

    @admin.display(description="Version")
    def version(self, approval: Approval) -> int:
        return approval.entry.number

    @admin.display(description="Approved by", ordering="approved_by__username")
    def signed_by(self, approval: Approval) -> str:
        return str(approval.approved_by)

    @admin.display(description="Digest")
    def digest_begins(self, approval: Approval) -> str:
        return approval.digest[:12]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields


@admin.register(Event)
class EventAdmin(BlindedAdmin):
    """The one history, of what the reader may see; nobody changes it."""

    thing = Thing.REVIEW_EVENT
    list_display = ("at", "verb", "object_type", "trial", "who", "reason")
    list_filter: ClassVar[Any] = (by_row("review", "review", Review), by_row("trial", "trial", Trial))
    list_select_related = ("trial", "actor")
    search_fields = ("verb", "trial__label", "reason")
    ordering = ("-at", "chain", "-seq")
    fields = (
        ("at", "who", "verb"), ("review", "trial"), ("chain", "seq"), ("object_type", "object_key"), "before_shown",
        "after_shown", "reason", "hash",
    )  # fmt: skip

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Everybody has a history of their own entries at least."""
        return offers(request, Act.SEE, Thing.ENTRY) if obj is None else super().has_view_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (
            "at", "who", "verb", "review", "trial", "chain", "seq", "object_type", "object_key", "before_shown",
            "after_shown", "reason", "hash",
        )  # fmt: skip

    def history_of(self, request: HttpRequest, obj: Any) -> QuerySet[Event]:
        return Event.objects.visible_to(request.user).filter(chain=obj.chain)

    @admin.display(description="Who", ordering="actor__username")
    def who(self, event: Event) -> str:
        return str(event.actor or "the system")

    @admin.display(description="Before")
    def before_shown(self, event: Event) -> SafeString:
        return as_lines(event.before)

    @admin.display(description="After")
    def after_shown(self, event: Event) -> SafeString:
        return as_lines(event.after)


def as_lines(values: Any) -> SafeString:
    return (
        format_html("<pre>{}</pre>", json.dumps(values, ensure_ascii=False, indent=1, sort_keys=True))
        if values
        else SafeString("–")
    )
