"""Every route of the project, filled with the keys of real rows: what the nets walk over."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

MOST_PER_ROUTE = 12


@dataclass(frozen=True, slots=True)
class Route:
    """One named or unnamed pattern: `namespace:name`, its captured arguments, its callback."""

    name: str
    arguments: tuple[str, ...]
    pattern: str
    callback: Any


def every_route() -> list[Route]:
    return sorted(_below(get_resolver(), "", "", ()), key=lambda route: (route.name, route.pattern))


def _below(resolver: URLResolver, namespace: str, path: str, arguments: tuple[str, ...]) -> Iterator[Route]:
    for part in resolver.url_patterns:
        here = path + str(part.pattern)
        captured = (*arguments, *part.pattern.regex.groupindex)
        if isinstance(part, URLResolver):
            inner = f"{namespace}{part.namespace}:" if part.namespace else namespace
            yield from _below(part, inner, here, captured)
        elif isinstance(part, URLPattern):
            yield Route(f"{namespace}{part.name or '?'}", tuple(dict.fromkeys(captured)), here, part.callback)


def filled(route: Route, keys: Mapping[str, Sequence[Any]]) -> list[str]:
    """Addresses of a route, with every key that may fit its arguments; without a format suffix and with each."""
    choices = [[(name, value) for value in _values(route, name, keys)] for name in route.arguments]
    found = []
    for combination in itertools.islice(itertools.product(*choices), MOST_PER_ROUTE):
        try:
            found.append(reverse(route.name, kwargs=dict(combination)))
        except NoReverseMatch:
            continue
    return list(dict.fromkeys(found))


def _values(route: Route, argument: str, keys: Mapping[str, Sequence[Any]]) -> Sequence[Any]:
    """`keys` has lists by model name; admin routes name their model, others are tried with every key."""
    if argument == "format":
        return ["json"]
    if argument in {"app_label"}:
        return ["extraction", "analysis"]
    if argument == "path":
        return ["reviewapp/app.css"]
    if argument == "url":
        return ["extraction/entry/"]
    if argument == "subject":
        return ["observation", "arm"]
    if argument == "field":
        return ["centre", "n_randomised"]
    if argument == "content_type_id":
        return [1]
    if route.name.startswith("admin:"):
        model = route.name.removeprefix("admin:").rsplit("_", 1)[0].split("_", 1)[-1]
        return keys.get(model, keys["*"][:2])
    return keys.get(argument, keys["*"])


def keys_of(rows: Sequence[Any]) -> dict[str, list[Any]]:
    """Keys of these rows by model name, and all of them under "*"."""
    found: dict[str, list[Any]] = {"*": []}
    for row in rows:
        found.setdefault(type(row)._meta.model_name or "", []).append(row.pk)
        if row.pk not in found["*"]:
            found["*"].append(row.pk)
    return found


def project_models() -> list[Any]:
    return [model for label in ("extraction", "analysis") for model in apps.get_app_config(label).get_models()]
