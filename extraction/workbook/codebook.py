"""A review's vocabulary as the plain words that an import reads by."""

from __future__ import annotations

from extraction import access
from extraction.models import Arm, Intervention, Marker, Moderator, Review
from extraction.record import ModeratorKind
from extraction.workbook.columns import ModeratorTerm, Term, Vocabulary


def vocabulary_of(review: Review, *, by: access.Viewer) -> Vocabulary:
    """Five queries, whatever the size of the codebook."""
    markers = Marker.objects.visible_to(by).filter(review=review).prefetch_related("synonyms")
    interventions = Intervention.objects.visible_to(by).filter(review=review)
    moderators = (
        Moderator.objects.visible_to(by)
        .filter(review=review)
        .exclude(applies_to=Moderator.AppliesTo.EFFECT)
        .prefetch_related("levels")
    )
    return Vocabulary(
        markers=tuple(
            Term(
                marker.code,
                marker.name,
                tuple(synonym.text for synonym in marker.synonyms.all() if not synonym.ambiguous),
                marker.definition,
            )
            for marker in markers
        ),
        interventions=tuple(Term(row.code, row.name, definition=row.definition) for row in interventions),
        control_kinds=tuple(Term(value, label) for value, label in Arm.ControlKind.choices if value),
        moderators=tuple(
            ModeratorTerm(
                row.code,
                row.name,
                ModeratorKind(row.kind),
                of_arm=row.applies_to == Moderator.AppliesTo.ARM,
                levels=tuple(Term(level.code, level.name) for level in row.levels.all()),
                unit=row.unit,
                definition=row.definition,
            )
            for row in moderators
        ),
    )
