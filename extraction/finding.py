"""Verbs of saved searches: a person keeps filters over a review's trials under a name."""

from __future__ import annotations

from extraction import access
from extraction.errors import FieldProblem, InvalidValues, NotAllowed, NotFound
from extraction.locks import locked_review
from extraction.models import SavedSearch
from extraction.recorded import verb
from extraction.setup import validate


@verb
def save_search(review_id: int, name: str, query: str, *, by: access.Viewer) -> SavedSearch:
    """Keep `query` under `name`; the same name again replaces it. It is the person's own: no line in the history."""
    if by.is_anonymous:
        raise NotAllowed("Sign in first.")
    review = locked_review(review_id, by)  # two tabs that give one name come one after the other
    if not query:
        raise InvalidValues([FieldProblem("search", "query", "choose a filter or type a search first.")])
    mine = SavedSearch.objects.visible_to(by).filter(review=review)
    search = mine.filter(name=name.strip()).first() or SavedSearch(review=review, user=by, name=name.strip())
    search.query = query
    validate(search, "search")
    search.save()
    return search


@verb
def drop_search(search_id: int, *, by: access.Viewer) -> SavedSearch:
    search = SavedSearch.objects.visible_to(by).filter(pk=search_id).first()
    if search is None:
        raise NotFound
    pk = search.pk
    search.delete()
    search.pk = pk
    return search
