"""Verbs of set-ups: a review from one, and a template from a review."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from extraction import access
from extraction.access import Act, Thing
from extraction.errors import DuplicateRow, IllegalMove, NotFound
from extraction.locks import locked_review, require
from extraction.models import Event, Review, Template
from extraction.protocols import content as contents
from extraction.protocols.vocabulary import bring_in, vocabulary_of
from extraction.recorded import verb
from extraction.setup import REVIEW_FIELDS, apply_values, create_review, validate

SETTINGS = tuple(name for name in REVIEW_FIELDS if name not in {"title", "question", "guidance"})


@verb
def start_review(title: str, content: Mapping[str, Any], *, by: access.Viewer, question: str = "") -> Review:
    """A review with the vocabulary, settings, rules and checks of a set-up; whoever makes it leads it.

    Raises
    ------
    NotAllowed
        If `by` may not make reviews.
    InvalidValues
        If the set-up names a field, unit, class or factor wrongly; nothing is made.
    """
    found = contents.checked(dict(content))
    review = create_review(title, question=question.strip() or found["question"], by=by)
    settings = {name: value for name, value in found["settings"].items() if name in SETTINGS}
    apply_values(review, {**settings, "guidance": found["guidance"]}, REVIEW_FIELDS)
    review.checks = found["checks"]
    review.save()
    bring_in(review, found)
    after = {name: len(found[name]) for name in contents.LISTS} | {"digest": digest(found)}
    Event.record("bring in set-up", review, by=by, after=after)  # type: ignore[arg-type]  # create_review asked
    return review


@verb
def save_template(review_id: int, name: str, *, by: access.Viewer, description: str = "") -> Template:
    """Keep the set-up of a review as a template: words and settings, no trial, no person, no number."""
    review = locked_review(review_id, by)
    actor = require(Act.MANAGE, review, by, thing=Thing.REVIEW, message="Leads keep a set-up as a template.")
    template = Template(name=name.strip(), description=description, content=set_up_of(review), made_by=actor)
    validate(template, "template")
    try:
        with transaction.atomic():
            template.save()
    except IntegrityError as error:
        raise DuplicateRow("You have a template of this name already. Choose another name.") from error
    Event.record("save template", review, by=actor, about=template, after={"name": template.name})
    return template


@verb
def drop_template(template_id: int, *, by: access.Viewer) -> None:
    """Throw one's own template away; reviews that began with it stay as they are."""
    template = Template.objects.visible_to(by).select_for_update(of=("self",)).filter(pk=template_id).first()
    if template is None:
        raise NotFound
    if template.made_by_id != by.pk:
        raise IllegalMove("Whoever made a template drops it.")
    template.delete()


def set_up_of(review: Review) -> dict[str, Any]:
    """The set-up of a review as it stands now, in the shape that `start_review` takes."""
    return {
        "format": contents.FORMAT,
        "name": review.title,
        "question": review.question,
        "settings": {name: getattr(review, name) for name in SETTINGS},
        "guidance": review.guidance,
        "checks": review.checks,
        **vocabulary_of(review),
        "syntheses": [],
    }


def digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
