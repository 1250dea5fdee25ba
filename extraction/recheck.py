"""The rules of a review at their fields, and each held against what was decided before it.

Everything is read through `visible_to`: of a trial whose decisions a person may not see, nothing is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Q

from extraction import ruling
from extraction.access import Viewer
from extraction.models import Discrepancy, Resolution, Review, Rule
from extraction.models.plain import ROWS
from extraction.record import Subject

Field = tuple[str, str]  # subject and field: ("observation", "n")


def rules_by_field(review: Review, by: Viewer) -> dict[Field, list[Rule]]:
    """The rules that hold, by the field at which extractors are shown them: one query."""
    found: dict[Field, list[Rule]] = defaultdict(list)
    for rule in Rule.objects.visible_to(by).current().filter(review=review).select_related("marker").order_by("number"):
        found[rule.subject, rule.field].append(rule)
    return dict(found)


@dataclass(frozen=True, slots=True)
class Case:
    """One past decision and what the rule would have taken."""

    discrepancy: Any
    decision: Resolution
    rule_takes: str


@dataclass(slots=True)
class Recheck:
    """A rule held against the decisions on its field."""

    otherwise: list[Case] = field(default_factory=list)
    same: int = 0
    untold: list[Case] = field(default_factory=list)  # the rule does not tell one entry from the other there

    @property
    def cases(self) -> int:
        return len(self.otherwise) + self.same + len(self.untold)


def recheck(rules: Iterable[Rule], by: Viewer) -> dict[UUID, Recheck]:
    """Each of these rules of one review against all decisions that hold: three queries and one for each sort of row."""
    wanted = list(rules)
    found = {rule.pk: Recheck() for rule in wanted}
    if not wanted:
        return found
    fields = Q(pk__in=[])
    for subject, name in {(rule.subject, rule.field) for rule in wanted}:
        fields |= Q(subject=subject, field=name)
    decided = list(
        Discrepancy.objects.visible_to(by)
        .current()
        .filter(fields, trial__review=wanted[0].review_id, state=Discrepancy.State.DECIDED)
        .select_related("trial")
        .order_by("trial__label_key", "position")
    )
    newest = _newest(decided, by)
    rows = _rows(decided, by)
    for rule in wanted:
        for one in decided:
            if one.pk in newest and _is_at(rule, one):
                takes = ruling.side(rule.prefers, rule.field, rows.get(one.a_key), rows.get(one.b_key))
                _take(found[rule.pk], Case(one, newest[one.pk], takes))
    return found


def _is_at(rule: Rule, one: Any) -> bool:
    at_field = (one.subject, one.field) == (rule.subject, rule.field)
    return at_field and rule.marker_id in (None, one.marker_id)


def _take(found: Recheck, case: Case) -> None:
    if not case.rule_takes:
        found.untold.append(case)
    elif case.decision.choice == case.rule_takes:
        found.same += 1
    else:
        found.otherwise.append(case)


def _newest(decided: Sequence[Any], by: Viewer) -> Mapping[UUID, Resolution]:
    rows = Resolution.objects.visible_to(by).filter(discrepancy__in=[one.pk for one in decided])
    return {row.discrepancy_id: row for row in rows.select_related("decided_by").order_by("number")}


def _rows(decided: Sequence[Any], by: Viewer) -> Mapping[UUID | None, Any]:
    """The rows of both entries that the discrepancies are about, by key."""
    keys: dict[str, set[UUID]] = defaultdict(set)
    for one in decided:
        keys[one.subject] |= {key for key in (one.a_key, one.b_key) if key is not None}
    found: dict[UUID | None, Any] = {}
    for subject, wanted in keys.items():
        model = ROWS[Subject(subject)]
        found |= {row.pk: row for row in model.objects.visible_to(by).filter(pk__in=wanted)}
    return found
