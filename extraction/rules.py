"""Verbs of decision rules: made from a decision or from nothing, changed into a next version, withdrawn.

A rule is read by extractors at its field and held against past decisions; nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max

from extraction import access
from extraction.access import Act, Thing
from extraction.compare import ROW
from extraction.define import next_codebook, note_change
from extraction.errors import DuplicateRow, FieldProblem, IllegalMove, InvalidValues, NotFound, StaleVersion
from extraction.locks import locked_discrepancy, locked_review, require
from extraction.models import Discrepancy, Event, Marker, Review, Rule, User, folded
from extraction.record import Subject
from extraction.recorded import verb

FIELDS: Mapping[str, tuple[str, ...]] = {
    Subject.OBSERVATION: ("n", "centre", "spread", ROW),
    Subject.CONTRAST: ("value", "interval", "df", ROW),
    Subject.ARM: ("n_randomised", "role", "intervention", "control_kind", "eligible", "stratum", ROW),
    Subject.TIMEPOINT: ("phase", "weeks", "weeks_after_end", ROW),
    Subject.OUTCOME: ("marker", "unit", "specimen", "assay", "condition", "stimulus", "dose", "scale", ROW),
    Subject.CHARACTERISTIC: ("value",),
}
SAID = ("text", "subject", "field", "marker", "prefers")


@verb
def make_rule(review_id: int, values: Mapping[str, Any], *, by: access.Viewer, origin: UUID | None = None) -> Rule:
    """Write a rule down. `values`: text, subject, field; marker (a row or None) and prefers where wanted.

    With `origin`, a discrepancy that was decided, its subject and field are the rule's.

    Raises
    ------
    DuplicateRow
        If the review has a rule of that text for that field already.
    """
    taught = _decided(origin, by) if origin else None  # the trial's lock comes before the review's
    review = locked_review(review_id, by)
    actor = _maker(review, by)
    if taught is not None:
        if taught.trial.review_id != review.pk:
            raise NotFound
        values = {**values, "subject": taught.subject, "field": taught.field}
    last = Rule._base_manager.filter(review=review).aggregate(last=Max("number"))["last"] or 0
    rule = Rule(review=review, number=last + 1, origin=taught, made_by=actor)
    _say(rule, values)
    _save(rule)
    _tell(review, "make rule", rule, actor, after=_said(rule))
    return rule


@verb
def change_rule(rule_id: UUID, values: Mapping[str, Any], *, by: access.Viewer) -> Rule:
    """The next version of a rule; the older ones stay. Raises `StaleVersion` if this is not the newest."""
    old, review, actor = _current(rule_id, by)
    new = Rule(review=review, number=old.number, version=old.version + 1, origin=old.origin, made_by=actor)
    _say(new, {**{name: getattr(old, name) for name in SAID}, **values})
    if _said(new) == _said(old):
        return old
    old.current = False
    old.save(update_fields=["current"])
    _save(new)
    _tell(review, "change rule", new, actor, before=_said(old), after=_said(new))
    return new


@verb
def withdraw_rule(rule_id: UUID, reason: str, *, by: access.Viewer) -> Rule:
    """A rule holds no longer, with a reason; what it said stays in the history."""
    rule, review, actor = _current(rule_id, by)
    if not reason.strip():
        raise InvalidValues([FieldProblem(str(rule), "reason", "say why the rule is withdrawn.")])
    rule.current = False
    rule.save(update_fields=["current"])
    _tell(review, "withdraw rule", rule, actor, before=_said(rule), reason=reason.strip())
    return rule


def _decided(origin: UUID, by: access.Viewer) -> Discrepancy:
    taught = locked_discrepancy(origin, by)
    if taught.state != Discrepancy.State.DECIDED:
        raise IllegalMove("A rule is made of a decision; decide the difference first.")
    return taught


def _maker(review: Review, by: access.Viewer) -> User:
    return require(Act.MANAGE, review, by, thing=Thing.RULE, message="Adjudicators and leads write rules.")


def _current(rule_id: UUID, by: access.Viewer) -> tuple[Rule, Review, User]:
    found = Rule.objects.filter(pk=rule_id).first()
    if found is None:
        raise NotFound
    review = locked_review(found.review_id, by)
    actor = _maker(review, by)
    rule = Rule.objects.select_related("marker", "origin").get(pk=rule_id)
    if not rule.current:
        raise StaleVersion("This rule was changed or withdrawn since you opened it.")
    return rule, review, actor


def _say(rule: Rule, values: Mapping[str, Any]) -> None:
    """Read the values strictly. Raises `InvalidValues` naming each refused field."""
    unknown = sorted(values.keys() - set(SAID))
    problems = [FieldProblem("rule", name, "there is no such field.") for name in unknown]
    text, marker = str(values.get("text", "")).strip(), values.get("marker")
    if not text or len(text) > 300:
        problems.append(FieldProblem("rule", "text", "say the rule, in at most 300 characters.", text[:80]))
    subject, field = str(values.get("subject", "")), str(values.get("field", ""))
    if field not in FIELDS.get(subject, ()):
        allowed = ", ".join(f"{subject} {name}" for subject, names in FIELDS.items() for name in names)
        problems.append(FieldProblem("rule", "field", f"is one of {allowed}.", f"{subject} {field}".strip()))
    if marker is not None and (not isinstance(marker, Marker) or marker.review_id != rule.review_id):
        problems.append(FieldProblem("rule", "marker", "is a marker of this review, or none.", str(marker)))
    prefers = str(values.get("prefers", "") or "")
    if prefers not in Rule.Prefers.values:
        problems.append(FieldProblem("rule", "prefers", f"is one of {', '.join(Rule.Prefers.values)}.", prefers))
    if problems:
        raise InvalidValues(problems)
    rule.text, rule.text_key, rule.subject, rule.field = text, folded(text)[:400], subject, field
    rule.marker, rule.prefers = marker, prefers


def _said(rule: Rule) -> dict[str, Any]:
    said = {name: getattr(rule, name) for name in SAID if name != "marker"}
    return {**said, "marker": rule.marker.code if rule.marker else "", "number": rule.number}


def _tell(review: Review, act: str, rule: Rule, actor: User, **said: Any) -> None:
    """A line in the history, and one in the version of the codebook. Nothing that is pooled changes."""
    next_codebook(review, actor)
    note_change(review, act, rule, said.get("before", {}), said.get("after", {}))
    Event.record(act, review, by=actor, about=rule, **said)


def _save(rule: Rule) -> None:
    try:
        with transaction.atomic():
            rule.save()
    except IntegrityError as error:
        raise DuplicateRow("The codebook has this rule for this field already.") from error
