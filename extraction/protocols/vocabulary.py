"""The vocabulary of a review as plain values, and rows made of such values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from extraction.errors import FieldProblem, InvalidValues
from extraction.models import (
    Intervention,
    Marker,
    MarkerSynonym,
    Moderator,
    ModeratorLevel,
    OutcomeClass,
    Review,
    UnitFactor,
)
from extraction.units import UnitError, parse_factor

TERM = ("code", "name", "definition")
LIMITS = ("plausible_low", "plausible_high", "stimulated_low", "stimulated_high", "sd_mean_low", "sd_mean_high")
MARKER = (*TERM, "direction", "canonical_unit", "usual_unit", "log_usual", *LIMITS)
MODERATOR = (*TERM, "kind", "applies_to", "unit")
UNIT = ("unit", "to_unit", "factor", "exact", "transform", "aliases", "note")


def vocabulary_of(review: Review) -> dict[str, list[dict[str, Any]]]:
    """Interventions, outcome classes, markers, units and moderators: seven queries."""
    markers = Marker._base_manager.filter(review=review).select_related("outcome_class").prefetch_related("synonyms")
    moderators = Moderator._base_manager.filter(review=review).prefetch_related("levels")
    units = UnitFactor._base_manager.filter(review=review).select_related("marker").order_by("pk")
    return {
        "interventions": [_values(row, TERM) for row in _in_order(Intervention, review)],
        "outcome_classes": [_values(row, (*TERM, "direction")) for row in _in_order(OutcomeClass, review)],
        "markers": [
            {
                **_values(row, MARKER),
                "outcome_class": row.outcome_class.code if row.outcome_class else None,
                "synonyms": [word.text for word in row.synonyms.all() if not word.ambiguous],
                "ambiguous": [word.text for word in row.synonyms.all() if word.ambiguous],
            }
            for row in markers.order_by("position", "name")
        ],
        "units": [{**_values(row, UNIT), "marker": row.marker.code if row.marker else None} for row in units],
        "moderators": [
            {**_values(row, MODERATOR), "levels": [_values(level, TERM) for level in row.levels.all()]}
            for row in moderators.order_by("position", "name")
        ],
    }


def bring_in(review: Review, content: Mapping[str, Any]) -> None:
    """Make the terms of a set-up in a review that has none. Raises `InvalidValues`; the caller's verb rolls back."""
    _save(Intervention, [_row(Intervention, row, TERM, n, review) for n, row in _numbered(content, "interventions")])
    fields = (*TERM, "direction")
    classes = [_row(OutcomeClass, row, fields, n, review) for n, row in _numbered(content, "outcome_classes")]
    class_of = _by_code(_save(OutcomeClass, classes))
    markers = []
    for number, values in _numbered(content, "markers"):
        marker = _row(Marker, values, MARKER, number, review)
        marker.outcome_class = _named(class_of, values.get("outcome_class"), marker.code, "outcome_class")
        markers.append(marker)
    marker_of = _by_code(_save(Marker, markers))
    _save(MarkerSynonym, list(_synonyms(content["markers"], marker_of)))
    units = []
    for number, values in _numbered(content, "units"):
        unit = _row(UnitFactor, values, UNIT, number, review)
        unit.marker = _named(marker_of, values.get("marker"), unit.unit, "marker")
        if unit.factor:
            try:
                parse_factor(unit.factor)
            except UnitError as error:
                raise InvalidValues([FieldProblem(str(unit), "factor", str(error), unit.factor)]) from error
        units.append(unit)
    _save(UnitFactor, units)
    moderators = [_row(Moderator, row, MODERATOR, n, review) for n, row in _numbered(content, "moderators")]
    moderator_of = _by_code(_save(Moderator, moderators))
    levels = []
    for values in content["moderators"]:
        for number, level in enumerate(_list(values, "levels")):
            row = _row(ModeratorLevel, level, TERM, number)
            row.moderator = moderator_of[values["code"]]
            levels.append(row)
    _save(ModeratorLevel, levels)


def _in_order(model: type[Any], review: Review) -> Any:
    return model._base_manager.filter(review=review).order_by("position", "name")


def _values(row: Any, fields: tuple[str, ...]) -> dict[str, Any]:
    return {field: getattr(row, field) for field in fields}


def _numbered(content: Mapping[str, Any], name: str) -> Iterable[tuple[int, dict[str, Any]]]:
    return enumerate(content[name])


def _row(model: type[Any], values: Any, fields: tuple[str, ...], position: int, review: Review | None = None) -> Any:
    """A row with the given values, each checked as its field checks it."""
    what = str(model._meta.verbose_name)
    if not isinstance(values, dict):
        raise InvalidValues([FieldProblem(f"{what} {position + 1}", "row", "is an object.", str(values)[:80])])
    row = model(**{field: values[field] for field in fields if values.get(field) is not None})
    if review is not None:
        row.review = review
    if "position" in {field.name for field in model._meta.fields}:
        row.position = position
    try:
        row.clean_fields(exclude=[f.name for f in model._meta.fields if f.name not in fields])
    except ValidationError as error:
        name = str(values.get("code") or values.get("unit") or position + 1)[:80]
        raise InvalidValues(
            [
                FieldProblem(f"{what} {name}", field, " ".join(messages), str(values.get(field, ""))[:80])
                for field, messages in error.message_dict.items()
            ]
        ) from error
    return row


def _save(model: type[Any], rows: list[Any]) -> list[Any]:
    try:
        with transaction.atomic():
            return model._base_manager.bulk_create(rows)  # type: ignore[no-any-return]
    except IntegrityError as error:
        what = str(model._meta.verbose_name_plural)
        message = "has a term twice, or a range whose ends are the wrong way round."
        raise InvalidValues([FieldProblem("template", what, message)]) from error


def _by_code(rows: list[Any]) -> dict[str, Any]:
    return {row.code: row for row in rows}


def _named(known: Mapping[str, models.Model], code: Any, row: str, field: str) -> Any:
    if not code:
        return None
    if code not in known:
        raise InvalidValues([FieldProblem(row, field, "is not in the template.", str(code)[:80])])
    return known[code]


def _synonyms(markers: list[dict[str, Any]], marker_of: Mapping[str, Any]) -> Iterable[MarkerSynonym]:
    """A word that stands in both lists is ambiguous: it proposes, and confirms nothing."""
    for values in markers:
        marker = marker_of[values["code"]]
        words = dict.fromkeys(_list(values, "synonyms"), False) | dict.fromkeys(_list(values, "ambiguous"), True)
        for text, ambiguous in words.items():
            row = _row(MarkerSynonym, {"text": text, "ambiguous": ambiguous}, ("text", "ambiguous"), 0)
            row.marker = marker
            yield row


def _list(values: Mapping[str, Any], name: str) -> list[Any]:
    found = values.get(name) or []
    if not isinstance(found, list):
        raise InvalidValues([FieldProblem(str(values.get("code", "term")), name, "is a list.", str(found)[:80])])
    return found
