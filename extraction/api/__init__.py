"""The API of the record: reads through `visible_to`, writes through verbs, refuses what it does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rest_framework.routers import BaseRouter


def register(router: BaseRouter) -> None:
    """Put the addresses of this API on a router made with `use_regex_path=False`."""
    from extraction.api.question_views import ProposalViewSet, QuestionViewSet
    from extraction.api.report_views import ReportViewSet
    from extraction.api.row_views import ROW_VIEWS
    from extraction.api.views import DiscrepancyViewSet, EntryViewSet, MatchViewSet, ReviewViewSet, TrialViewSet

    router.register("reviews", ReviewViewSet, basename="api-review")
    router.register("trials", TrialViewSet, basename="api-trial")
    router.register("reports", ReportViewSet, basename="api-report")
    router.register("questions", QuestionViewSet, basename="api-question")
    router.register("proposals", ProposalViewSet, basename="api-proposal")
    router.register("entries", EntryViewSet, basename="api-entry")
    router.register("matches", MatchViewSet, basename="api-match")
    router.register("discrepancies", DiscrepancyViewSet, basename="api-discrepancy")
    for name, views in ROW_VIEWS.items():
        router.register(f"entries/<uuid:entry>/{name}", views, basename=f"api-{name.removesuffix('s')}")
