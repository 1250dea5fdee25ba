"""Verbs of joining: a lead makes a link, somebody follows it; a lead makes a link to a new password."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import timedelta
from typing import Final

from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from extraction import access
from extraction.access import Act, Role, Thing
from extraction.errors import DuplicateRow, FieldProblem, IllegalMove, InvalidValues, NotAllowed, NotFound
from extraction.locks import lock_review, locked_review, require
from extraction.models import Assignment, Event, Invitation, Membership, User
from extraction.recorded import verb
from extraction.setup import validate
from extraction.states import Status

DAYS_OPEN: Final = 14
CLOSED: Final = "This link lets nobody in any more. Ask the lead of the review for a new one."


@verb
def invite(review_id: int, roles: Collection[str], *, by: access.Viewer, note: str = "") -> tuple[Invitation, str]:
    """A link that makes one person a member with these roles; its secret is returned once and kept by nobody."""
    review = locked_review(review_id, by)
    lead = require(Act.MANAGE, review, by, thing=Thing.REVIEW, message="Leads invite people.")
    if not roles or not set(roles) <= set(Role.values):
        raise InvalidValues([FieldProblem("invitation", "roles", "choose one or more.", ", ".join(sorted(roles)))])
    secret = secrets.token_urlsafe(24)
    invitation = Invitation(
        review=review,
        secret_hash=hash_of(secret),
        roles=",".join(role.value for role in Role if role.value in roles),
        note=note.strip(),
        made_by=lead,
        expires_at=timezone.now() + timedelta(days=DAYS_OPEN),
    )
    validate(invitation, "invitation")
    invitation.save()
    after = {"roles": invitation.role_list, "note": invitation.note}
    Event.record("invite", review, by=lead, about=invitation, after=after)
    return invitation, secret


@verb
def withdraw_invitation(invitation_id: int, *, by: access.Viewer) -> Invitation:
    seen = Invitation.objects.visible_to(by).filter(pk=invitation_id).first()
    if seen is None:
        raise NotFound
    review = locked_review(seen.review_id, by)
    lead = require(Act.MANAGE, review, by, thing=Thing.REVIEW, message="Leads withdraw invitations.")
    invitation = Invitation.objects.get(pk=invitation_id)
    if invitation.state != "open":
        raise IllegalMove(f"The invitation is {invitation.state} already.")
    invitation.withdrawn_at = timezone.now()
    invitation.save(update_fields=["withdrawn_at"])
    Event.record("withdraw invitation", review, by=lead, about=invitation)
    return invitation


@verb
def join(secret: str, *, by: access.Viewer) -> Membership:
    """Become a member by the link. Two who follow it at once: one gets in. What one was before, one stays."""
    if by.is_anonymous or not by.is_active:
        raise NotAllowed("Sign in or make an account first.")
    invitation = _locked(secret)
    return _let_in(invitation, by)


@verb
def join_with_new_account(secret: str, *, username: str, full_name: str, email: str, password: str) -> Membership:
    """Make an account and become a member with it, both or neither.

    Raises
    ------
    InvalidValues
        If the name, e-mail or password is refused; the link stays open.
    """
    invitation = _locked(secret)
    first, _, last = full_name.strip().rpartition(" ")
    user = User(username=username.strip(), first_name=first or last, last_name=last if first else "", email=email)
    problems = []
    try:
        user.full_clean(exclude=["password"])
    except ValidationError as error:
        problems += [FieldProblem("account", field, " ".join(told)) for field, told in error.message_dict.items()]
    try:
        validate_password(password, user)
    except ValidationError as error:
        problems.append(FieldProblem("account", "password", " ".join(error.messages)))
    if problems:
        raise InvalidValues(problems)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        raise DuplicateRow("Somebody has just taken this user name.") from error
    return _let_in(invitation, user)


def open_invitation(secret: str) -> Invitation | None:
    """The invitation that this secret opens; whoever holds the link may know of it."""
    found: Invitation | None = Invitation._base_manager.filter(secret_hash=hash_of(secret)).first()
    return found if found is not None and found.state == "open" else None


def _locked(secret: str) -> Invitation:
    """The same under the lock of its review, which who joins cannot see yet: members change under that lock alone."""
    seen = open_invitation(secret)
    if seen is not None:
        lock_review(seen.review_id)
        seen = open_invitation(secret)
    if seen is None:
        raise IllegalMove(CLOSED)
    return seen


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@verb
def password_link(review_id: int, user_id: int, *, by: access.Viewer) -> tuple[str, str]:
    """The two parts of a one-time link with which a member of the review chooses a new password.

    It must not open what blinding closes: nobody makes one for a person with whom they extract a trial, for a
    superuser, or for a member of a review that they do not lead.
    """
    review = locked_review(review_id, by)
    lead = require(Act.MANAGE, review, by, thing=Thing.REVIEW, message="Leads make links to a new password.")
    member = Membership.objects.filter(review=review, user=user_id, user__is_active=True).select_related("user").first()
    if member is None:
        raise NotFound("This person is not a member of the review.")
    user = member.user
    elsewhere = Membership._base_manager.filter(user=user).exclude(
        review__in=Membership._base_manager.filter(user=lead, lead=True).values("review")
    )
    if user.is_superuser or elsewhere.exists():
        raise NotAllowed("This account reaches further than your reviews. Whoever runs the installation can help.")
    shared = Assignment._base_manager.filter(
        user=user, slot__in=["A", "B"], trial__in=lead.assignments.filter(slot__in=["A", "B"]).values("trial")
    )
    if lead.pk != user.pk and shared.exclude(trial__status=Status.APPROVED).exists():
        raise NotAllowed("You extract a trial together with this person: another lead makes the link.")
    Event.record("make password link", review, by=lead, about=user)
    return urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)


def _let_in(invitation: Invitation, user: User) -> Membership:
    review = invitation.review
    member = Membership.objects.filter(review=review, user=user).first() or Membership(review=review, user=user)
    before = {"roles": member.roles}
    for role in invitation.role_list:
        setattr(member, role, True)
    member.save()
    if {Role.LEAD, Role.ADJUDICATOR} & set(invitation.role_list) and not user.is_staff:
        user.is_staff = True  # opens the administration's door; what it shows follows from the membership
        user.save(update_fields=["is_staff"])
    invitation.used_at, invitation.used_by = timezone.now(), user
    invitation.save(update_fields=["used_at", "used_by"])
    after = {"roles": member.roles, "invitation": invitation.pk}
    Event.record("join", review, by=user, about=user, before=before, after=after)
    return member
