"""Verbs of leads about syntheses. Each is recorded in the review's history and asks for a recompute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from analysis.models import Synthesis
from analysis.receivers import ask_for_recompute
from analysis.specification import Filters, Measure, Model
from extraction import access
from extraction.access import Act, Thing
from extraction.errors import FieldProblem, InvalidValues, NotFound
from extraction.locks import locked_review, require
from extraction.models import (
    Arm,
    Event,
    Intervention,
    Marker,
    Moderator,
    ModeratorLevel,
    OutcomeClass,
    Review,
    Slot,
    User,
)
from extraction.record import ModeratorKind, Role
from extraction.recorded import verb
from extraction.setup import apply_values

FIELDS = (
    "name", "group", "position", "measure", "model", "rho", "imputed_r", "level", "window", "filters", "moderator",
)  # fmt: skip
CLOSED = "Leads set up what is pooled."


@verb
def create_synthesis(review_id: int, values: Mapping[str, Any], *, by: access.Viewer) -> Synthesis:
    """A new line of the results page; the first of a review is its primary one.

    Raises
    ------
    InvalidValues
        If a field is unknown or refused, or a filter or moderator names what the review's vocabulary lacks.
    """
    review, lead = _review(review_id, by)
    return _create(review, values, lead)


@verb
def change_synthesis(synthesis_id: int, values: Mapping[str, Any], *, by: access.Viewer) -> Synthesis:
    synthesis, lead = _synthesis(synthesis_id, by)
    before, after = apply_values(synthesis, values, FIELDS, row_name=str(synthesis))
    if after:
        _require_known_terms(synthesis)
        synthesis.save()
        _changed("change synthesis", synthesis, lead, before, after)
    return synthesis


@verb
def set_primary(synthesis_id: int, *, by: access.Viewer) -> Synthesis:
    """Let the review answer with this synthesis from now on."""
    synthesis, lead = _synthesis(synthesis_id, by)
    if not synthesis.is_primary:
        before = Synthesis.objects.filter(review=synthesis.review, is_primary=True).first()
        Synthesis.objects.filter(review=synthesis.review).update(is_primary=False)
        synthesis.is_primary = True
        synthesis.save(update_fields=["is_primary"])
        _changed("set primary", synthesis, lead, {"primary": before and before.pk}, {"primary": synthesis.pk})
    return synthesis


@verb
def create_default_syntheses(review_id: int, *, by: access.Viewer, measure: str = Measure.PPC_G) -> list[Synthesis]:
    """Those of `default_syntheses` that the review does not have yet."""
    review, lead = _review(review_id, by)
    have = set(Synthesis.objects.filter(review=review).values_list("group", "name"))
    wanted = default_syntheses(review, measure)
    return [_create(review, values, lead) for values in wanted if (values["group"], values["name"]) not in have]


@verb
def request_recompute(review_id: int, *, by: access.Viewer) -> None:
    """Ask for a run by hand; what is up to date is not computed again."""
    review = locked_review(review_id, by)
    actor = require(Act.RECOMPUTE, review, by, thing=Thing.RESULT, message="You cannot ask for a recompute.")
    Event.record("request recompute", review, by=actor)
    ask_for_recompute(Review, review.pk)


def default_syntheses(review: Review, measure: str = Measure.PPC_G) -> list[dict[str, Any]]:
    """What a review usually wants kept up to date, from its vocabulary, in the order of the results page.

    All effects together (the primary one); one synthesis per level of each trial moderator, per
    intervention, per marker and per outcome class; a meta-regression on each number. Interventions that
    only control arms receive are left out once approved entries show which these are.
    """
    return [
        {"position": position, "measure": measure, "group": "", "filters": {}, "moderator": None, **values}
        for position, values in enumerate(_defaults(review))
    ]


def _defaults(review: Review) -> Iterator[dict[str, Any]]:
    yield {"name": "All outcomes", "model": Model.RVE}
    moderators = list(Moderator._base_manager.filter(review=review))
    for moderator in moderators:
        if moderator.kind == ModeratorKind.LEVEL and moderator.applies_to == Moderator.AppliesTo.TRIAL:
            for level in ModeratorLevel._base_manager.filter(moderator=moderator):
                yield {
                    "group": f"By {_lower(moderator.name)}",
                    "name": level.name,
                    "filters": {"levels": {moderator.code: [level.code]}},
                }
    for intervention in _interventions(review):
        only = {"interventions": [intervention.code]}
        yield {"group": "By intervention", "name": intervention.name, "filters": only}
    for outcome_class in OutcomeClass._base_manager.filter(review=review):
        only = {"outcome_classes": [outcome_class.code]}
        yield {"group": "By outcome class", "name": outcome_class.name, "filters": only}
    for marker in Marker._base_manager.filter(review=review):
        only = {"markers": [marker.code]}
        yield {"group": "By marker", "name": marker.name, "filters": only, "model": Model.REML}
    for moderator in moderators:
        if moderator.kind == ModeratorKind.NUMBER:
            yield {"group": "Moderators", "name": moderator.name, "moderator": moderator}


def _interventions(review: Review) -> list[Intervention]:
    final_arms = Arm._base_manager.filter(entry__trial__review=review, entry__slot=Slot.FINAL)
    treated = set(final_arms.filter(role=Role.INTERVENTION).values_list("intervention", flat=True))
    terms = Intervention._base_manager.filter(review=review)
    return [term for term in terms if not treated or term.pk in treated]


def _lower(name: str) -> str:
    """A name within a heading: “Population” is “population”, “BMI” stays."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def _create(review: Review, values: Mapping[str, Any], lead: User) -> Synthesis:
    synthesis = Synthesis(review=review)
    _, after = apply_values(synthesis, values, FIELDS, row_name=str(values.get("name", "synthesis")))
    _require_known_terms(synthesis)
    synthesis.is_primary = not Synthesis.objects.filter(review=review, is_primary=True).exists()
    synthesis.save()
    _changed("create synthesis", synthesis, lead, {}, {**after, "name": synthesis.name})
    return synthesis


def _changed(name: str, synthesis: Synthesis, lead: User, before: dict[str, Any], after: dict[str, Any]) -> None:
    Event.record(name, synthesis.review, by=lead, about=synthesis, before=before, after=after)
    ask_for_recompute(Synthesis, synthesis.review_id)


def _review(review_id: int, by: access.Viewer) -> tuple[Review, User]:
    review = locked_review(review_id, by)
    return review, require(Act.MANAGE, review, by, thing=Thing.RESULT, message=CLOSED)


def _synthesis(synthesis_id: int, by: access.Viewer) -> tuple[Synthesis, User]:
    seen = Synthesis.objects.visible_to(by).filter(pk=synthesis_id).first()
    if seen is None:
        raise NotFound
    review, lead = _review(seen.review_id, by)
    synthesis = Synthesis.objects.select_related("moderator").get(pk=synthesis_id)
    synthesis.review = review
    return synthesis, lead


def _require_known_terms(synthesis: Synthesis) -> None:
    """Refuse filters and moderators that name what the review does not have."""
    review, filters = synthesis.review_id, Filters.from_json(synthesis.filters)
    problems = [
        problem
        for model, name, codes in (
            (Intervention, "interventions", filters.interventions),
            (OutcomeClass, "outcome_classes", filters.outcome_classes),
            (Marker, "markers", filters.markers),
        )
        for problem in _unknown(synthesis, name, codes, _codes(model, review=review))
    ]
    for moderator, levels in filters.levels.items():
        known = _codes(ModeratorLevel, moderator__review=review, moderator__code=moderator)
        problems += _unknown(synthesis, f"levels of {moderator}", levels, known)
    if synthesis.moderator is not None and (
        synthesis.moderator.review_id != review or synthesis.moderator.kind == ModeratorKind.TEXT
    ):
        problems.append(FieldProblem(str(synthesis), "moderator", "is not a number or a factor of this review."))
    if problems:
        raise InvalidValues(problems)


def _codes(model: type[Any], **where: Any) -> set[str]:
    return set(model._base_manager.filter(**where).values_list("code", flat=True))


def _unknown(synthesis: Synthesis, name: str, codes: tuple[str, ...], known: set[str]) -> list[FieldProblem]:
    return [FieldProblem(str(synthesis), name, "is not in the codebook.", code) for code in codes if code not in known]
