"""Route by route: who may read it, who may post to it. tests/test_permissions.py holds the application to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from extraction.states import Status

ANONYMOUS, A, B, ADJUDICATOR, LEAD, READER = "anonymous", "a", "b", "adjudicator", "lead", "reader"
IDLE, OUTSIDER, SUPERUSER = "another extractor", "lead of another review", "superuser"
EVERYBODY = frozenset({ANONYMOUS, A, B, ADJUDICATOR, LEAD, READER, IDLE, OUTSIDER, SUPERUSER})
SIGNED_IN = EVERYBODY - {ANONYMOUS}
MEMBERS = frozenset({A, B, ADJUDICATOR, LEAD, READER, IDLE})
DECIDERS = frozenset({ADJUDICATOR, LEAD})
NOBODY: frozenset[str] = frozenset()
PAST = frozenset(Status) - {Status.ENTERING}
OPEN = frozenset({Status.ALIGNING, Status.ADJUDICATING, Status.AGREED})

Who = Callable[[str], frozenset[str]]


def always(*people: str) -> Who:
    return lambda status: frozenset(people)


def when(states: frozenset[str], *people: str) -> Who:
    return lambda status: frozenset(people) if status in states else NOBODY


def any_of(*parts: Who) -> Who:
    return lambda status: frozenset().union(*(part(status) for part in parts))


no_one = always()
members, deciders = always(*MEMBERS), always(*DECIDERS)
results = always(*DECIDERS, READER)
on_trial = any_of(always(A, B, *DECIDERS), when(frozenset({Status.APPROVED}), READER))
entry_of_b = any_of(always(B), when(PAST, *DECIDERS))
reconciling = when(PAST, *DECIDERS)
ENTERING = frozenset({Status.ENTERING})
uploading = any_of(always(LEAD), when(ENTERING, A, B))
upload_of_b = any_of(always(B, LEAD), when(PAST, ADJUDICATOR))
managing_upload_of_b = any_of(always(LEAD), when(ENTERING, B))
waiting, signed = (when(frozenset({state}), *DECIDERS) for state in (Status.AGREED, Status.APPROVED))


@dataclass(frozen=True)
class Row:
    """What fills the address, who may read it, who may post to it and be heard (a 400 or 409 is being heard)."""

    fill: tuple[str, ...] = ()
    reads: Who | None = None
    writes: Who | None = None


MATRIX: dict[str, Row] = {
    "extraction:work": Row(reads=always(*SIGNED_IN)),
    "extraction:choose-review": Row(),
    "extraction:review": Row(("review",), reads=members),
    "extraction:add-trials": Row(("review",), writes=always(LEAD)),
    "extraction:approve-many": Row(("review",), writes=always(*DECIDERS)),
    "extraction:decide": Row(("review",), reads=always(*DECIDERS)),
    "extraction:decide-together": Row(("review",), reads=always(*DECIDERS), writes=always(*DECIDERS)),
    "extraction:resolve": Row(("discrepancy",), writes=reconciling),
    "extraction:undo-decision": Row(("discrepancy",), writes=reconciling),
    "extraction:claim": Row(("discrepancy",), writes=reconciling),
    "extraction:codebook": Row(("review",), reads=members),
    **{f"extraction:{name}": Row((fill,), reads=members) for name, fill in (("rules", "review"), ("rule", "rule"))},
    "extraction:rule-create": Row(("review",), reads=deciders, writes=deciders),
    "extraction:rule-change": Row(("rule",), reads=deciders, writes=deciders),
    "extraction:rule-withdraw": Row(("rule",), writes=deciders),
    "extraction:join": Row(("secret",), reads=no_one),  # a wrong secret; test_views_people follows the right one
    "extraction:new-review": Row(reads=always(SUPERUSER), writes=always(SUPERUSER)),  # the one who is staff here
    "extraction:template-drop": Row(("template",), writes=always(LEAD)),
    "extraction:setup": Row(("review",), reads=always(LEAD)),
    "extraction:settings": Row(("review",), writes=always(LEAD)),
    "extraction:template-save": Row(("review",), writes=always(LEAD)),
    "extraction:template-file": Row(("review",), reads=always(LEAD)),
    "extraction:people": Row(("review",), reads=always(LEAD)),
    "extraction:member-add": Row(("review",), writes=always(LEAD)),
    "extraction:invitation-make": Row(("review",), writes=always(LEAD)),
    "extraction:references": Row(("review",), reads=always(LEAD), writes=always(LEAD)),
    "extraction:references-apply": Row(("review",), writes=always(LEAD)),
    "extraction:assign-evenly": Row(("review",), writes=always(LEAD)),
    "extraction:dashboard": Row(("review",), reads=always(LEAD)),
    "extraction:search-save": Row(("review",), writes=members),
    "extraction:search-drop": Row(("search",), writes=always(LEAD)),
    "extraction:member-change": Row(("member",), writes=always(LEAD)),
    "extraction:member-password": Row(("member",), writes=always(LEAD)),
    "extraction:invitation-withdraw": Row(("invitation",), writes=always(LEAD)),
    "extraction:hand-over": Row(("trial",)),
    "extraction:exclude": Row(("trial",), writes=always(LEAD)),
    "extraction:include": Row(("trial",), writes=always(LEAD)),
    "extraction:template-workbook": Row(("review",), reads=members),
    "extraction:blank-form": Row(("review",), reads=members),
    "extraction:trial": Row(("trial",), reads=on_trial),
    "extraction:trial-approve": Row(("trial",), reads=waiting, writes=always(*DECIDERS)),
    "extraction:trial-reopen": Row(("trial",), reads=signed, writes=always(*DECIDERS)),
    "extraction:trial-conclude": Row(("trial",), writes=always(*DECIDERS)),
    "extraction:trial-versions": Row(("trial",), reads=on_trial),
    "extraction:align": Row(("trial",), reads=reconciling),
    "extraction:align-say": Row(("trial",), writes=reconciling),
    "extraction:assign": Row(("trial",), writes=always(LEAD)),
    "extraction:unassign": Row(("trial",)),
    "extraction:entry-start": Row(("trial",), writes=always(A, B)),
    "extraction:entry": Row(("entry",), reads=entry_of_b),
    "extraction:entry-save": Row(("entry",), reads=always(*SIGNED_IN), writes=always(B)),  # reading sends to the entry
    "extraction:entry-autosave": Row(("entry",), writes=always(B)),
    "extraction:entry-paste": Row(("entry",), writes=always(B)),
    "extraction:entry-check": Row(("entry",), reads=entry_of_b),
    "extraction:entry-submit": Row(("entry",), writes=always(B)),
    "extraction:entry-undo": Row(("entry",), writes=always(B)),
    "extraction:import": Row(reads=always(*SIGNED_IN), writes=always(*SIGNED_IN)),
    "extraction:import-preview": Row(),
    "extraction:import-apply": Row(),
    "extraction:report-at": Row(reads=always(*SIGNED_IN)),  # what it asks for is asked again
    "extraction:report-add": Row(("trial",), reads=uploading, writes=uploading),
    "extraction:report": Row(("report",), reads=upload_of_b),
    "extraction:report-file": Row(("report",), reads=upload_of_b),
    "extraction:report-replace": Row(("report",), writes=managing_upload_of_b),
    "extraction:report-withdraw": Row(("report",), writes=managing_upload_of_b),
    "api-report-list": Row(reads=always(*SIGNED_IN)),
    "api-report-detail": Row(("report",), reads=upload_of_b),
    "extraction:questions": Row(("review",), reads=members),
    "extraction:question": Row(("question",), reads=upload_of_b),
    "extraction:question-answer": Row(("question",), writes=always(LEAD)),
    "extraction:entry-ask": Row(("entry",), reads=entry_of_b),
    "extraction:ask-leads": Row(("entry",), writes=when(ENTERING, B)),
    "extraction:ask-extractors": Row(("discrepancy",), writes=when(OPEN, *DECIDERS)),
    "extraction:names": Row(("review",), reads=always(LEAD)),
    "extraction:propose-names": Row(("entry",), writes=when(ENTERING, B)),
    "extraction:place-name": Row(("proposal",), writes=always(LEAD)),
    "api-question-list": Row(reads=always(*SIGNED_IN), writes=always(*SIGNED_IN)),
    "api-question-detail": Row(("question",), reads=upload_of_b),
    "api-question-answer": Row(("question",), writes=always(LEAD)),
    "api-proposal-list": Row(reads=always(*SIGNED_IN), writes=always(*SIGNED_IN)),
    "api-proposal-detail": Row(("proposal",), reads=always(B, LEAD)),
    "api-proposal-place": Row(("proposal",), writes=always(LEAD)),
    "analysis:results": Row(("review",), reads=results),
    "analysis:freshness": Row(("review",), reads=results),
    "analysis:recompute": Row(("review",), writes=always(*DECIDERS)),
    "analysis:export": Row(("review",), reads=members),
    "analysis:synthesis": Row(("synthesis",), reads=results),
    "analysis:synthesis-create": Row(("review",), reads=always(LEAD), writes=always(LEAD)),
    "analysis:synthesis-defaults": Row(("review",), writes=always(LEAD)),
    "analysis:synthesis-change": Row(("synthesis",), reads=always(LEAD), writes=always(LEAD)),
    "analysis:synthesis-primary": Row(("synthesis",), writes=always(LEAD)),
    "analysis:agreement": Row(("review",), reads=always(*DECIDERS)),
    "analysis:number": Row(("subject", "observation", "field"), reads=entry_of_b),
    "analysis:approval-preview": Row(("trial",), reads=waiting),
    "analysis:choice": Row(("discrepancy",), reads=no_one),  # it is open: nobody looks at the outcome yet
    "analysis:effect": Row(("effect",), reads=results),
    "api-review-list": Row(reads=always(*SIGNED_IN)),
    "api-review-detail": Row(("review",), reads=members),
    "api-review-codebook": Row(("review",), reads=members),
    "api-trial-list": Row(reads=always(*SIGNED_IN)),
    "api-trial-detail": Row(("trial",), reads=on_trial),
    "api-trial-start": Row(("trial",), writes=always(A, B)),
    "api-trial-approve": Row(("trial",), writes=always(*DECIDERS)),
    "api-trial-conclude": Row(("trial",), writes=always(*DECIDERS)),
    "api-trial-exclude": Row(("trial",), writes=always(LEAD)),
    "api-trial-include": Row(("trial",), writes=always(LEAD)),
    "api-trial-pair": Row(("trial",), writes=always(*DECIDERS)),
    "api-trial-reopen": Row(("trial",), writes=always(*DECIDERS)),
    "api-trial-return": Row(("trial",), writes=always(*DECIDERS)),
    "api-entry-list": Row(reads=always(*SIGNED_IN)),
    "api-entry-detail": Row(("entry",), reads=entry_of_b),
    "api-entry-save": Row(("entry",), writes=always(B)),
    "api-entry-submit": Row(("entry",), writes=always(B)),
    "api-entry-undo-submit": Row(("entry",), writes=always(B)),
    **{
        f"api-{kind}-list": Row(("entry",), reads=entry_of_b, writes=always(B))
        for kind in ("arm", "timepoint", "outcome", "observation", "contrast", "characteristic")
    },
    **{
        f"api-{kind}-detail": Row(("entry", kind), reads=entry_of_b)
        for kind in ("arm", "timepoint", "outcome", "observation", "contrast")
    },
    "api-characteristic-detail": Row(("entry", "arm"), reads=no_one),
    "api-discrepancy-list": Row(reads=always(*SIGNED_IN)),
    "api-discrepancy-detail": Row(("discrepancy",), reads=reconciling),
    "api-discrepancy-resolve": Row(("discrepancy",), writes=reconciling),
    "api-discrepancy-undo": Row(("discrepancy",), writes=reconciling),
    "api-discrepancy-resolve-many": Row(writes=always(*SIGNED_IN)),
    "api-match-list": Row(reads=always(*SIGNED_IN)),
    "api-match-detail": Row(("match",), reads=reconciling),
    "api-match-confirm": Row(("match",), writes=reconciling),
    "api-effect-list": Row(reads=always(*SIGNED_IN)),
    "api-effect-detail": Row(("effect",), reads=results),
    "api-result-list": Row(reads=always(*SIGNED_IN)),
    "api-result-detail": Row(("result",), reads=results),
    "api-snapshot-list": Row(reads=always(*SIGNED_IN)),
    "api-snapshot-detail": Row(("snapshot",), reads=results),
    "api-synthesis-list": Row(reads=always(*SIGNED_IN)),
    "api-synthesis-detail": Row(("synthesis",), reads=results),
    "api-synthesis-make-primary": Row(("synthesis",), writes=always(LEAD)),
    "api-synthesis-recompute": Row(("synthesis",), writes=always(*DECIDERS)),
    "api-recompute-request-list": Row(reads=always(*SIGNED_IN)),
    "api-recompute-request-detail": Row(("request",), reads=results),
    "api-token": Row(writes=always(*EVERYBODY)),
    "api-schema": Row(reads=always(*SIGNED_IN)),
    "api-docs": Row(reads=always(*SIGNED_IN)),
    "account": Row(reads=always(*SIGNED_IN), writes=always(*SIGNED_IN)),
    "password-change": Row(reads=always(*SIGNED_IN), writes=always(*SIGNED_IN)),
    "token-make": Row(writes=always(*SIGNED_IN)),
    "token-revoke": Row(writes=always(*SIGNED_IN)),
    "password-reset": Row(),  # no mail in tests: there is no such page
    "password-reset-sent": Row(reads=always(*EVERYBODY)),
    "password-reset-confirm": Row(("secret", "secret"), reads=always(*EVERYBODY)),  # says that the link is closed
    "login": Row(reads=always(*EVERYBODY), writes=always(*EVERYBODY)),
    "logout": Row(writes=always(*EVERYBODY)),
    "healthz": Row(reads=always(*EVERYBODY)),
    "healthz-alive": Row(reads=always(*EVERYBODY)),
}
