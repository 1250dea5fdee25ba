"""The table of pages that the bench measures, held against the addresses there are."""

from __future__ import annotations

from django.http import HttpResponseNotAllowed
from django.test import RequestFactory

from analysis.urls import urlpatterns as of_analysis
from bench.pages import NO_PAGES, PAGES
from extraction.urls import urlpatterns as of_extraction


def answers_get(view: object) -> bool:
    """A view that takes nothing but POST refuses before it looks at anything."""
    request = RequestFactory().get("/")
    try:
        answer = view(request, pk=0)  # type: ignore[operator]
    except Exception:  # it went to work
        return True
    return not isinstance(answer, HttpResponseNotAllowed)


def test_every_page_is_measured() -> None:
    addresses = {f"extraction:{one.name}": one.callback for one in of_extraction}
    addresses |= {f"analysis:{one.name}": one.callback for one in of_analysis}
    pages = {name for name, view in addresses.items() if answers_get(view)}
    measured = {page.route for page in PAGES if page.route.startswith(("extraction:", "analysis:"))}
    assert pages - measured == set(NO_PAGES)
    assert measured <= pages
