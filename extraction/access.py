"""Who may see and do what: the one table, and the only code that reads it.

`visible(user, thing)` gives the condition behind every `X.objects.visible_to(user)`; the verbs ask
`may`. docs/access.md is printed from `TABLE`, the matrix test reads it, and removing any line or condition must make a
test fail.

Three rules stand above the table. A person who holds or held slot A or B of a trial is an extractor for that trial
and nothing else. A superuser is no exception. An anonymous visitor is refused by name: `memberships__user=None` would
mean IS NULL and match every review without members.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias, assert_never

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, Q, TextChoices

from extraction.states import AFTER_ENTERING, EntryState, Status

if TYPE_CHECKING:
    from extraction.models import User

Viewer: TypeAlias = "User | AnonymousUser"

NOBODY = Q(pk__in=[])
ALWAYS = frozenset(Status)
APPROVED = frozenset({Status.APPROVED})


class Role(TextChoices):
    EXTRACTOR = "extractor", "Extractor"
    ADJUDICATOR = "adjudicator", "Adjudicator"
    LEAD = "lead", "Lead"
    READER = "reader", "Reader"


class Who(TextChoices):
    MEMBER = "member", "any member of the review"
    SELF = "self", "the person it is about"
    HOLDER = "holder", "the extractor who holds it"
    EXTRACTOR_OF = "extractor_of", "an extractor of the trial"
    ADJUDICATOR = "adjudicator", "an adjudicator who does not extract the trial"
    LEAD = "lead", "a lead who does not extract the trial"
    ANY_LEAD = "any_lead", "a lead"
    ANY_ADJUDICATOR = "any_adjudicator", "an adjudicator"
    READER = "reader", "a reader who does not extract the trial"
    ANY_READER = "any_reader", "a reader"


class Act(TextChoices):
    SEE = "see", "see"
    EDIT = "edit", "change"
    SUBMIT = "submit", "submit"
    DECIDE = "decide", "decide"
    APPROVE = "approve", "approve"
    REOPEN = "reopen", "reopen"
    RETURN = "return", "return to the extractors"
    MANAGE = "manage", "set up"
    EXCLUDE = "exclude", "exclude or take back in"
    RECOMPUTE = "recompute", "ask for a recompute"
    UPLOAD = "upload", "upload a report of"
    ASK = "ask", "ask about"
    ANSWER = "answer", "answer"
    PROPOSE = "propose", "propose names of"
    PLACE = "place", "place"


class Thing(TextChoices):
    REVIEW = "review", "review"
    VOCABULARY = "vocabulary", "vocabulary"
    PERSON = "person", "account"
    MEMBERSHIP = "membership", "membership"
    TRIAL = "trial", "trial"
    ASSIGNMENT = "assignment", "assignment"
    REPORT = "report", "report from a lead"
    UPLOAD = "upload", "report from an extractor"
    QUESTION = "question", "extractor's question to the leads"
    INQUIRY = "inquiry", "question to both extractors"
    OWN_ANSWER = "own_answer", "one's own answer"
    ANSWER = "answer", "answers to it once both are in"
    PROPOSAL = "proposal", "proposed name"
    ENTRY = "entry", "entry in slot A or B"
    FINAL = "final", "FINAL entry"
    RECONCILIATION = "reconciliation", "match, discrepancy or decision"
    APPROVAL = "approval", "approval"
    RULE = "rule", "decision rule"
    AGREEMENT = "agreement", "report on agreement"
    PROGRESS = "progress", "how far an extractor is with a trial"
    INVITATION = "invitation", "invitation"
    SAVED_SEARCH = "saved_search", "saved search"
    REVIEW_EVENT = "review_event", "history of the review"
    RESULT = "result", "synthesis, snapshot or result"
    EFFECT = "effect", "effect of a trial"


@dataclass(frozen=True, slots=True)
class Rule:
    """`who` may do `act` to `thing` while the trial is in one of `states`.

    `if_partner_shown`: only where the review lets extractors see the partner's entry after approval.
    `frozen_only`: only an entry that is submitted (a FINAL entry: approved).
    """

    who: Who
    act: Act
    thing: Thing
    states: frozenset[str] = ALWAYS
    if_partner_shown: bool = False
    frozen_only: bool = False


SEE, EDIT, DECIDE, MANAGE = Act.SEE, Act.EDIT, Act.DECIDE, Act.MANAGE
OPEN_TO_DECIDE = frozenset({Status.ALIGNING, Status.ADJUDICATING, Status.AGREED})

TABLE: tuple[Rule, ...] = (
    Rule(Who.MEMBER, SEE, Thing.REVIEW),
    Rule(Who.ANY_LEAD, MANAGE, Thing.REVIEW),
    Rule(Who.MEMBER, SEE, Thing.VOCABULARY),
    Rule(Who.ANY_LEAD, MANAGE, Thing.VOCABULARY),
    Rule(Who.SELF, SEE, Thing.PERSON),
    Rule(Who.ANY_LEAD, SEE, Thing.PERSON),
    Rule(Who.SELF, SEE, Thing.MEMBERSHIP),
    Rule(Who.ANY_LEAD, SEE, Thing.MEMBERSHIP),
    Rule(Who.ANY_LEAD, MANAGE, Thing.MEMBERSHIP),
    Rule(Who.EXTRACTOR_OF, SEE, Thing.TRIAL),
    Rule(Who.ANY_ADJUDICATOR, SEE, Thing.TRIAL),
    Rule(Who.ANY_LEAD, SEE, Thing.TRIAL),
    Rule(Who.ANY_READER, SEE, Thing.TRIAL, APPROVED),
    Rule(Who.ANY_LEAD, MANAGE, Thing.TRIAL),
    Rule(Who.ANY_LEAD, Act.EXCLUDE, Thing.TRIAL),
    Rule(Who.SELF, SEE, Thing.ASSIGNMENT),
    Rule(Who.ANY_LEAD, SEE, Thing.ASSIGNMENT),
    Rule(Who.ANY_LEAD, MANAGE, Thing.ASSIGNMENT),
    Rule(Who.LEAD, Act.UPLOAD, Thing.TRIAL),
    Rule(Who.EXTRACTOR_OF, SEE, Thing.REPORT),
    Rule(Who.ANY_ADJUDICATOR, SEE, Thing.REPORT),
    Rule(Who.ANY_LEAD, SEE, Thing.REPORT),
    Rule(Who.ANY_READER, SEE, Thing.REPORT, APPROVED),
    Rule(Who.LEAD, MANAGE, Thing.REPORT),
    Rule(Who.HOLDER, Act.UPLOAD, Thing.ENTRY, frozenset({Status.ENTERING})),
    Rule(Who.SELF, SEE, Thing.UPLOAD),
    Rule(Who.LEAD, SEE, Thing.UPLOAD),
    Rule(Who.ADJUDICATOR, SEE, Thing.UPLOAD, AFTER_ENTERING),
    Rule(Who.EXTRACTOR_OF, SEE, Thing.UPLOAD, APPROVED, if_partner_shown=True),
    Rule(Who.SELF, MANAGE, Thing.UPLOAD, frozenset({Status.ENTERING})),
    Rule(Who.LEAD, MANAGE, Thing.UPLOAD),
    Rule(Who.HOLDER, Act.ASK, Thing.ENTRY, frozenset({Status.ENTERING})),
    Rule(Who.SELF, SEE, Thing.QUESTION),
    Rule(Who.LEAD, SEE, Thing.QUESTION),
    Rule(Who.ADJUDICATOR, SEE, Thing.QUESTION, AFTER_ENTERING),
    Rule(Who.LEAD, Act.ANSWER, Thing.QUESTION),
    Rule(Who.ADJUDICATOR, Act.ASK, Thing.RECONCILIATION, OPEN_TO_DECIDE),
    Rule(Who.LEAD, Act.ASK, Thing.RECONCILIATION, OPEN_TO_DECIDE),
    Rule(Who.EXTRACTOR_OF, SEE, Thing.INQUIRY),
    Rule(Who.ADJUDICATOR, SEE, Thing.INQUIRY, AFTER_ENTERING),
    Rule(Who.LEAD, SEE, Thing.INQUIRY, AFTER_ENTERING),
    Rule(Who.EXTRACTOR_OF, Act.ANSWER, Thing.INQUIRY, OPEN_TO_DECIDE),
    Rule(Who.SELF, SEE, Thing.OWN_ANSWER),
    Rule(Who.ADJUDICATOR, SEE, Thing.ANSWER, AFTER_ENTERING),
    Rule(Who.LEAD, SEE, Thing.ANSWER, AFTER_ENTERING),
    Rule(Who.EXTRACTOR_OF, SEE, Thing.ANSWER, APPROVED, if_partner_shown=True),
    Rule(Who.HOLDER, Act.PROPOSE, Thing.ENTRY, frozenset({Status.ENTERING})),
    Rule(Who.SELF, SEE, Thing.PROPOSAL),
    Rule(Who.LEAD, SEE, Thing.PROPOSAL),
    Rule(Who.LEAD, Act.PLACE, Thing.PROPOSAL),
    Rule(Who.LEAD, SEE, Thing.PROGRESS),
    Rule(Who.ANY_LEAD, SEE, Thing.INVITATION),
    Rule(Who.SELF, SEE, Thing.SAVED_SEARCH),
    Rule(Who.HOLDER, SEE, Thing.ENTRY),
    Rule(Who.HOLDER, EDIT, Thing.ENTRY, frozenset({Status.ENTERING})),
    Rule(Who.HOLDER, Act.SUBMIT, Thing.ENTRY, frozenset({Status.ENTERING})),
    Rule(Who.ADJUDICATOR, SEE, Thing.ENTRY, AFTER_ENTERING),
    Rule(Who.LEAD, SEE, Thing.ENTRY, AFTER_ENTERING),
    Rule(Who.EXTRACTOR_OF, SEE, Thing.ENTRY, APPROVED, if_partner_shown=True),
    Rule(Who.ADJUDICATOR, SEE, Thing.FINAL, AFTER_ENTERING),
    Rule(Who.LEAD, SEE, Thing.FINAL, AFTER_ENTERING),
    Rule(Who.READER, SEE, Thing.FINAL, frozen_only=True),
    Rule(Who.EXTRACTOR_OF, SEE, Thing.FINAL, APPROVED, if_partner_shown=True, frozen_only=True),
    Rule(Who.ADJUDICATOR, SEE, Thing.RECONCILIATION, AFTER_ENTERING),
    Rule(Who.LEAD, SEE, Thing.RECONCILIATION, AFTER_ENTERING),
    Rule(Who.EXTRACTOR_OF, SEE, Thing.RECONCILIATION, APPROVED, if_partner_shown=True),
    Rule(Who.ADJUDICATOR, DECIDE, Thing.RECONCILIATION, OPEN_TO_DECIDE),
    Rule(Who.LEAD, DECIDE, Thing.RECONCILIATION, OPEN_TO_DECIDE),
    Rule(Who.ADJUDICATOR, Act.RETURN, Thing.TRIAL, OPEN_TO_DECIDE),
    Rule(Who.LEAD, Act.RETURN, Thing.TRIAL, OPEN_TO_DECIDE),
    Rule(Who.ADJUDICATOR, Act.APPROVE, Thing.TRIAL, frozenset({Status.AGREED})),
    Rule(Who.LEAD, Act.APPROVE, Thing.TRIAL, frozenset({Status.AGREED})),
    Rule(Who.ADJUDICATOR, Act.REOPEN, Thing.TRIAL, APPROVED),
    Rule(Who.LEAD, Act.REOPEN, Thing.TRIAL, APPROVED),
    Rule(Who.ADJUDICATOR, SEE, Thing.APPROVAL),
    Rule(Who.LEAD, SEE, Thing.APPROVAL),
    Rule(Who.READER, SEE, Thing.APPROVAL),
    Rule(Who.MEMBER, SEE, Thing.RULE),
    Rule(Who.ANY_ADJUDICATOR, MANAGE, Thing.RULE),
    Rule(Who.ANY_LEAD, MANAGE, Thing.RULE),
    # Of the trials whose two entries the person may read: what is still blind to them is not in their report.
    Rule(Who.ANY_ADJUDICATOR, SEE, Thing.AGREEMENT),
    Rule(Who.ANY_LEAD, SEE, Thing.AGREEMENT),
    Rule(Who.ANY_LEAD, SEE, Thing.REVIEW_EVENT),
    Rule(Who.ANY_ADJUDICATOR, SEE, Thing.RESULT),
    Rule(Who.ANY_LEAD, SEE, Thing.RESULT),
    Rule(Who.ANY_READER, SEE, Thing.RESULT),
    Rule(Who.ANY_LEAD, MANAGE, Thing.RESULT),
    Rule(Who.ANY_LEAD, Act.RECOMPUTE, Thing.RESULT),
    Rule(Who.ANY_ADJUDICATOR, Act.RECOMPUTE, Thing.RESULT),
    Rule(Who.ADJUDICATOR, SEE, Thing.EFFECT),
    Rule(Who.LEAD, SEE, Thing.EFFECT),
    Rule(Who.READER, SEE, Thing.EFFECT),
    Rule(Who.EXTRACTOR_OF, SEE, Thing.EFFECT, APPROVED, if_partner_shown=True),
)


@dataclass(frozen=True, slots=True)
class Paths:
    """Lookup paths from a model to what the rules speak of; "" is the row itself, None: it has no such thing."""

    review: str | None = None
    trial: str | None = None
    person: str | None = None
    entry: str | None = None  # to the entry whose holder and state count


def visible(user: Viewer, thing: Thing, paths: Paths) -> Q:
    """The rows of `thing` that `user` may see, as one condition without joins that multiply rows."""
    return permitted(user, Act.SEE, thing, paths)


def permitted(user: Viewer, act: Act, thing: Thing, paths: Paths, *, in_any_state: bool = False) -> Q:
    """The rows of `thing` to which `user` may do `act` in the state they are in (or would be in some state)."""
    if isinstance(user, AnonymousUser) or not user.is_active:
        return NOBODY
    return _condition(user, act, thing, paths, in_any_state)


@lru_cache(maxsize=4096)  # of conditions, never of rows: they name the user by key and are asked anew each time
def _condition(user: User, act: Act, thing: Thing, paths: Paths, in_any_state: bool) -> Q:
    condition = NOBODY
    for rule in TABLE:
        if rule.act == act and rule.thing == thing:
            condition |= _who(user, rule.who, paths) & (Q() if in_any_state else _when(rule, paths))
    return condition


def may(user: Viewer, act: Act, thing: Thing, row: Model, paths: Paths, *, in_any_state: bool = False) -> bool:
    """Whether `user` may do `act` to this saved row, asked of the database as it is now."""
    condition = permitted(user, act, thing, paths, in_any_state=in_any_state)
    return type(row)._base_manager.filter(condition, pk=row.pk).exists()


def _who(user: User, who: Who, paths: Paths) -> Q:
    match who:
        case Who.MEMBER:
            return _in_review(user, paths)
        case Who.SELF:
            return _at(paths.person, "", user.pk)
        case Who.HOLDER:
            return _at(paths.entry, "holder", user.pk)
        case Who.EXTRACTOR_OF:
            return _in_review(user, paths) & _extracting(user, paths)
        case Who.ADJUDICATOR | Who.LEAD | Who.READER:
            return _in_review(user, paths, Role(who.value)) & ~_extracting(user, paths)
        case Who.ANY_ADJUDICATOR | Who.ANY_LEAD | Who.ANY_READER:
            return _in_review(user, paths, Role(who.value.removeprefix("any_")))
        case _:
            assert_never(who)


def _when(rule: Rule, paths: Paths) -> Q:
    condition = Q()
    if rule.states != ALWAYS:
        condition &= Q(**{_join(paths.trial, "status__in"): sorted(rule.states)})
    if rule.if_partner_shown:
        condition &= Q(**{_join(paths.review, "partner_shown_after_approval"): True})
    if rule.frozen_only:
        condition &= Q(**{_join(paths.entry, "state"): EntryState.SUBMITTED})
    return condition


def _in_review(user: User, paths: Paths, role: Role | None = None) -> Q:
    memberships = user.memberships.all()
    if role is not None:
        memberships = memberships.filter(**{role.value: True})
    return Q(**{_join(paths.review, "in"): memberships.values("review")})


def _extracting(user: User, paths: Paths) -> Q:
    """Trials in which the user holds slot A or B now, or once entered data (handing the slot over does not unlearn)."""
    holds = user.assignments.filter(slot__in=["A", "B"]).values("trial")
    entered = user.entries.filter(slot__in=["A", "B"]).values("trial")
    held = user.former_slots.values("trial")
    now_or_once = Q(**{_join(paths.trial, "in"): holds}) | Q(**{_join(paths.trial, "in"): entered})
    return now_or_once | Q(**{_join(paths.trial, "in"): held})


def _at(path: str | None, field: str, value: object) -> Q:
    return Q(**{_join(path, field) or "pk": value})


def _join(path: str | None, lookup: str) -> str:
    if path is None:
        raise LookupError(f"The table asks for “{lookup}” of a thing that has no path to it.")
    head = path or ("pk" if lookup == "in" else "")
    return "__".join(part for part in (head, lookup) if part)


def table_by_thing() -> Mapping[Thing, list[Rule]]:
    """The table in the order in which docs/access.md prints it."""
    return {thing: [rule for rule in TABLE if rule.thing == thing] for thing in Thing}
