"""Verbs of leads: a review, its settings, its members, its trials."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from extraction import access
from extraction.access import Act, Role, Thing
from extraction.errors import DuplicateRow, FieldProblem, IllegalMove, InvalidValues, NotAllowed, NotFound
from extraction.locks import locked_review, locked_trial, require
from extraction.models import Event, Membership, Review, Trial, User, folded
from extraction.recorded import verb
from extraction.signals import pooled_data_changed

REVIEW_FIELDS = (
    "title", "question", "partner_shown_after_approval", "outcome_hidden_while_deciding", "approver_is_not_adjudicator",
    "source_required", "imputed_r", "guidance",
)  # fmt: skip
TRIAL_FIELDS = (
    "label", "year", "doi", "pmid", "registry_id", "citation", "design", "clusters", "icc", "calibration",
)  # fmt: skip
WHOLE_ROW: dict[str, str] = {NON_FIELD_ERRORS: "row"}  # what Django calls __all__


@verb
def create_review(title: str, *, by: access.Viewer, question: str = "") -> Review:
    """Whoever makes a review leads it. Superusers and people who may add accounts in the admin make reviews."""
    if by.is_anonymous or not by.is_active or not by.is_staff:
        raise NotAllowed("Reviews are made by staff.")
    review = Review(title=title.strip(), question=question)
    validate(review)
    review.save()
    Membership(review=review, user=by, lead=True).save()
    Event.record("create review", review, by=by, after={"title": review.title, "lead": by.pk})
    return review


@verb
def change_review(review_id: int, values: Mapping[str, Any], *, by: access.Viewer) -> Review:
    review = locked_review(review_id, by)
    actor = require(Act.MANAGE, review, by, thing=Thing.REVIEW, message="You cannot change this review.")
    before, after = apply_values(review, values, REVIEW_FIELDS)
    if after:
        review.save()
        Event.record("change review", review, by=actor, before=before, after=after)
        pooled_data_changed.send(sender=Review, review_id=review.pk)
    return review


def account_called(username: str) -> User | None:
    """Whoever signs in by this name. Not `visible_to`: a lead brings in people who belong to no review yet."""
    return User._base_manager.filter(username=username, is_active=True).first()


@verb
def set_member(review_id: int, user_id: int, roles: Collection[str], *, by: access.Viewer) -> Membership:
    """Make a person a member with exactly these roles. A grant takes effect at once and is recorded."""
    review = locked_review(review_id, by)
    actor = require(Act.MANAGE, review, by, thing=Thing.REVIEW, message="You cannot change the members.")
    if not roles or not set(roles) <= set(Role.values):
        raise InvalidValues([FieldProblem("member", "roles", f"one or more of {', '.join(Role.values)}.", str(roles))])
    user = User._base_manager.filter(pk=user_id, is_active=True).first()
    if user is None:
        raise NotFound("There is no such account.")
    member = Membership.objects.filter(review=review, user=user).first() or Membership(review=review, user=user)
    before = {"roles": member.roles}
    for role in Role:
        setattr(member, role.value, role.value in roles)
    _keep_a_lead(review, member)
    member.save()
    Event.record("set member", review, by=actor, about=user, before=before, after={"roles": member.roles})
    return member


@verb
def remove_member(review_id: int, user_id: int, *, by: access.Viewer) -> None:
    """End a membership. What the person entered stays, under their name."""
    review = locked_review(review_id, by)
    actor = require(Act.MANAGE, review, by, thing=Thing.REVIEW, message="You cannot change the members.")
    member = Membership.objects.filter(review=review, user=user_id).first()
    if member is None:
        raise NotFound("This person is not a member of the review.")
    before = {"roles": member.roles}
    member.lead = False
    _keep_a_lead(review, member)
    Event.record("remove member", review, by=actor, about=member.user, before=before)
    member.delete()


@verb
def add_trials(review_id: int, trials: Sequence[Mapping[str, Any]], *, by: access.Viewer) -> list[Trial]:
    """Add trials by label; all or none. Labels are compared after folding case, spaces and Unicode forms."""
    review = locked_review(review_id, by)
    actor = require(Act.MANAGE, review, by, thing=Thing.REVIEW, message="You cannot add trials to this review.")
    known = set(Trial.objects.filter(review=review).values_list("label_key", flat=True))
    made: list[Trial] = []
    problems: list[FieldProblem] = []
    for number, values in enumerate(trials, start=1):
        trial = Trial(review=review)
        try:
            apply_values(trial, values, TRIAL_FIELDS, row_name=f"trial {number}")
        except InvalidValues as error:
            problems += error.problems
            continue
        if folded(trial.label) in known:
            problems.append(FieldProblem(f"trial {number}", "label", "is in the review already.", trial.label))
        known.add(folded(trial.label))
        made.append(trial)
    if problems:
        raise InvalidValues(problems)
    for trial in made:
        trial.save()
        Event.record("add trial", review, by=actor, about=trial, after={"label": trial.label})
    return made


@verb
def change_trial(trial_id: int, values: Mapping[str, Any], *, by: access.Viewer) -> Trial:
    trial = locked_trial(trial_id, by)
    actor = require(Act.MANAGE, trial, by, thing=Thing.TRIAL, message="You cannot change this trial.")
    before, after = apply_values(trial, values, TRIAL_FIELDS)
    if after:
        try:
            with transaction.atomic():
                trial.save()
        except IntegrityError as error:
            raise DuplicateRow("Another trial of this review has that label.") from error
        Event.record("change trial", trial.review, by=actor, about=trial, before=before, after=after)
        pooled_data_changed.send(sender=Trial, review_id=trial.review_id)
    return trial


@verb
def exclude_trial(trial_id: int, reason: str, *, by: access.Viewer) -> Trial:
    """Take a trial out of pooling, with a reason. Its entries stay."""
    trial = locked_trial(trial_id, by)
    actor = require(Act.EXCLUDE, trial, by, thing=Thing.TRIAL, message="You cannot exclude this trial.")
    if trial.excluded_at:
        raise IllegalMove("The trial is excluded already.")
    if not reason.strip() or len(reason) > 300:
        raise InvalidValues([FieldProblem(str(trial), "reason", "say why, in at most 300 characters.", reason[:80])])
    trial.excluded_at, trial.exclusion_reason = timezone.now(), reason.strip()
    trial.save(update_fields=["excluded_at", "exclusion_reason"])
    Event.record("exclude trial", trial.review, by=actor, about=trial, reason=reason)
    pooled_data_changed.send(sender=Trial, review_id=trial.review_id)
    return trial


@verb
def include_trial(trial_id: int, *, by: access.Viewer) -> Trial:
    """Take an excluded trial back in."""
    trial = locked_trial(trial_id, by)
    actor = require(Act.EXCLUDE, trial, by, thing=Thing.TRIAL, message="You cannot take this trial back in.")
    if not trial.excluded_at:
        raise IllegalMove("The trial is not excluded.")
    before = {"reason": trial.exclusion_reason}
    trial.excluded_at, trial.exclusion_reason = None, ""
    trial.save(update_fields=["excluded_at", "exclusion_reason"])
    Event.record("include trial", trial.review, by=actor, about=trial, before=before)
    pooled_data_changed.send(sender=Trial, review_id=trial.review_id)
    return trial


def apply_values(
    row: models.Model, values: Mapping[str, Any], allowed: Collection[str], *, row_name: str = ""
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Set the named fields, validate, and tell what changed. Raises `InvalidValues`."""
    name = row_name or str(row) or type(row).__name__.lower()
    unknown = sorted(values.keys() - set(allowed))
    if unknown:
        raise InvalidValues([FieldProblem(name, field, "there is no such field.") for field in unknown])
    before = {field: getattr(row, field, None) for field in values}  # a new row has no related row yet
    for field, value in values.items():
        setattr(row, field, value.strip() if isinstance(value, str) else value)
    validate(row, name)
    after = {field: getattr(row, field) for field in values}
    changed = [field for field in values if before[field] != after[field]]
    return {f: _plain(before[f]) for f in changed}, {f: _plain(after[f]) for f in changed}


def validate(row: models.Model, name: str = "") -> None:
    """Django's field and constraint checks as `InvalidValues`."""
    try:
        row.full_clean(validate_unique=False, exclude=[f.name for f in row._meta.fields if not f.editable])
    except ValidationError as error:
        problems = [
            FieldProblem(name or type(row).__name__.lower(), WHOLE_ROW.get(field, field), " ".join(messages))
            for field, messages in error.message_dict.items()
        ]
        raise InvalidValues(problems) from error


def _plain(value: Any) -> Any:
    """As it goes into the history: floats as text, since databases spell them differently."""
    if isinstance(value, models.Model):
        return str(value.pk)
    return repr(value) if isinstance(value, float) else value


def _keep_a_lead(review: Review, changed: Membership) -> None:
    others = Membership.objects.filter(review=review, lead=True).exclude(user=changed.user)
    if not changed.lead and not others.exists():
        raise IllegalMove("A review needs at least one lead.")
