"""What every address of the API shares: strict JSON, pages, filters that refuse what they do not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar

from django.conf import settings
from django.db.models import Model, QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import APIException, ParseError, ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.parsers import JSONParser
from rest_framework.request import Request

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which imports this module

T = TypeVar("T", bound=Model)

DEEPEST: Final = 32  # levels of JSON; the deepest body of ours has five


class RequestTooLarge(APIException):
    status_code = 413
    default_code = "too_large"
    default_detail = "The request is larger than this address takes."


class StrictJSONParser(JSONParser):
    """JSON of bounded size and depth: anything else is a clean 413 or 400."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request = (parser_context or {})["request"]
        # The limit of Django guards `request.body`; a parser reads the stream past it.
        if int(request.META.get("CONTENT_LENGTH") or 0) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestTooLarge
        try:
            parsed = super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error
        if depth(parsed) > DEEPEST:
            raise ParseError("The JSON is nested too deeply.")
        return parsed


def depth(value: object) -> int:
    """Levels of lists and objects in parsed JSON; 0 for a plain value."""
    level, layer = 0, [value]
    while layer := [item for item in layer if isinstance(item, dict | list)]:
        level += 1
        layer = [child for item in layer for child in (item.values() if isinstance(item, dict) else item)]
    return level


class Pages(PageNumberPagination):
    """`?page=2&page_size=100`: 50 rows a page, at most 200."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"

    def get_page_size(self, request: Request) -> int | None:
        asked = request.query_params.get(self.page_size_query_param)
        if asked is None:
            return self.page_size
        if asked not in map(str, range(1, self.max_page_size + 1)):
            raise ValidationError({self.page_size_query_param: [f"From 1 to {self.max_page_size}."]})
        return int(asked)


class KnownFilters(DjangoFilterBackend):
    """The filters of a view's `filterset_class`. An unknown name is 400: a slip never widens a list."""

    def filter_queryset(self, request: Request, queryset: QuerySet[T], view: APIView) -> QuerySet[T]:
        filterset = self.get_filterset_class(view, queryset)
        filters = filterset.base_filters if filterset else ()
        known = {Pages.page_query_param, Pages.page_size_query_param, *filters}
        if unknown := sorted(set(request.query_params) - known):
            raise ValidationError({name: ["There is no such filter."] for name in unknown})
        filtered: QuerySet[T] = super().filter_queryset(request, queryset, view)
        return filtered
