"""Verbs of the vocabulary: leads alone make, change and drop its terms, and each change is a new codebook version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, models, transaction

from extraction import access
from extraction.access import Act, Thing
from extraction.errors import FieldProblem, IllegalMove, InvalidValues, NotFound
from extraction.locks import locked_review, require
from extraction.models import (
    CodebookVersion,
    Entry,
    Event,
    Intervention,
    Marker,
    MarkerSynonym,
    Moderator,
    ModeratorLevel,
    OutcomeClass,
    Review,
    UnitFactor,
    User,
)
from extraction.protocols.vocabulary import vocabulary_of
from extraction.recorded import verb
from extraction.setup import apply_values
from extraction.signals import pooled_data_changed
from extraction.units import UnitError, parse_factor

TERM = ("code", "name", "definition", "position")
FIELDS: Mapping[type[models.Model], tuple[str, ...]] = {
    Intervention: TERM,
    OutcomeClass: (*TERM, "direction"),
    Marker: (
        *TERM, "outcome_class", "direction", "canonical_unit", "usual_unit", "plausible_low", "plausible_high",
        "stimulated_low", "stimulated_high", "sd_mean_low", "sd_mean_high", "log_usual",
    ),
    MarkerSynonym: ("marker", "text", "ambiguous"),
    UnitFactor: ("marker", "unit", "to_unit", "factor", "exact", "transform", "aliases", "note"),
    Moderator: (*TERM, "kind", "applies_to", "unit"),
    ModeratorLevel: ("moderator", "code", "name", "definition", "position"),
}  # fmt: skip
OWNED_THROUGH: Mapping[type[models.Model], str] = {MarkerSynonym: "marker", ModeratorLevel: "moderator"}


@verb
def put(
    model: type[Any], review_id: int, values: Mapping[str, Any], *, by: access.Viewer, pk: int | None = None
) -> Any:
    """Make a term (pk None) or change one. Related terms are given as rows of the same review."""
    review = locked_review(review_id, by)
    actor = require(Act.MANAGE, review, by, thing=Thing.REVIEW, message="Leads change the codebook.")
    row = _row(model, review, pk)
    before, after = apply_values(row, values, FIELDS[model], row_name=model._meta.verbose_name)
    for name in ("marker", "moderator", "outcome_class"):
        related = getattr(row, name, None) if name in FIELDS[model] else None
        if related is not None and related.review_id != review.pk:
            raise NotFound
    if model is UnitFactor and row.factor:
        try:
            parse_factor(row.factor)
        except UnitError as error:
            raise InvalidValues([FieldProblem(str(row), "factor", str(error), row.factor)]) from error
    if not after and pk is not None:
        return row
    next_codebook(review, actor)
    row.save()
    act = "define" if pk is None else "redefine"
    Event.record(act, review, by=actor, about=row, before=before, after=after)
    _note(review, act, row, before, after)
    return row


@verb
def drop(model: type[Any], pk: int, *, by: access.Viewer) -> None:
    """Take a term out of the codebook, as long as nothing uses it."""
    row = model.objects.filter(pk=pk).first()  # whether it may be seen is asked of its review
    if row is None or model not in FIELDS:
        raise NotFound
    owner = getattr(row, OWNED_THROUGH[model]) if model in OWNED_THROUGH else row
    review = locked_review(owner.review_id, by)
    actor = require(Act.MANAGE, review, by, thing=Thing.REVIEW, message="Leads change the codebook.")
    before, name = {"term": str(row)}, str(row)
    next_codebook(review, actor)
    _note(review, "drop", row, before, {})
    Event.record("drop", review, by=actor, about=row, before=before)
    try:
        with transaction.atomic():
            row.delete()
    except (models.ProtectedError, IntegrityError) as error:
        raise IllegalMove(f"“{name}” is in use and cannot be dropped.") from error


def _row(model: type[Any], review: Review, pk: int | None) -> Any:
    if model not in FIELDS:
        raise NotFound
    if pk is not None:
        row = model.objects.filter(pk=pk).first()
        owner = getattr(row, OWNED_THROUGH[model]) if row is not None and model in OWNED_THROUGH else row
        if owner is None or owner.review_id != review.pk:
            raise NotFound
        return row
    return model() if model in OWNED_THROUGH else model(review=review)


def next_codebook(review: Review, by: User) -> None:
    """A codebook that changes under somebody's hands is a new version, which keeps what the one before said."""
    if Entry._base_manager.filter(trial__review=review, codebook_version=review.codebook_version).exists():
        previous = vocabulary_of(review)
        review.codebook_version += 1
        review.save(update_fields=["codebook_version"])
        CodebookVersion(review=review, number=review.codebook_version, begun_by=by, previous=previous).save()


def _note(review: Review, act: str, row: Any, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Tell the version what changed, and analysis that directions or factors may have."""
    note_change(review, act, row, before, after)
    pooled_data_changed.send(sender=Review, review_id=review.pk)


def note_change(review: Review, act: str, row: Any, before: dict[str, Any], after: dict[str, Any]) -> None:
    """What the version of the codebook that holds now changed: one line per change."""
    version = CodebookVersion.objects.filter(review=review, number=review.codebook_version).first()
    if version is not None:
        key = row.pk if isinstance(row.pk, int) else str(row.pk)
        change = {"act": act, "kind": row._meta.model_name, "key": key, "name": str(row)}
        version.changes = [*version.changes, {**change, "before": before, "after": after}]
        version.save(update_fields=["changes"])
