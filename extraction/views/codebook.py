"""The codebook of a review, generated from its vocabulary: terms, help, ranges, units, rules, and what changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from extraction.access import Viewer
from extraction.models import (
    CodebookVersion,
    Entry,
    Intervention,
    Marker,
    Moderator,
    OutcomeClass,
    Review,
    Slot,
    UnitFactor,
)
from extraction.standing import Standing

MOST_VERSIONS: Final = 10
NOT_SHOWN: Final = {"term", "position", "marker", "moderator", "outcome_class"}  # keys say nothing to a reader
IN_WORDS: Final = {"define": "new", "redefine": "changed", "drop": "dropped"}
KINDS: Final = {
    "intervention": "Kind of treatment",
    "outcomeclass": "Outcome class",
    "marker": "Marker",
    "markersynonym": "Synonym",
    "unitfactor": "Unit",
    "moderator": "Characteristic",
    "moderatorlevel": "Level",
}
USED_BY: Final[dict[str, Callable[[Any], Q]]] = {
    "intervention": lambda key: Q(arms__intervention=key),
    "outcomeclass": lambda key: Q(outcomes__marker__outcome_class=key),
    "marker": lambda key: Q(outcomes__marker=key),
    "moderator": lambda key: Q(characteristics__moderator=key),
    "moderatorlevel": lambda key: Q(characteristics__level=key),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a term, as it is read."""

    kind: str
    name: str
    act: str
    fields: list[tuple[str, Any, Any]]  # name, before, after


@dataclass(slots=True)
class Section:
    """A heading of the rules and the lines under it; numbered lines are rules."""

    title: str
    lines: list[tuple[str, str]] = field(default_factory=list)  # number ("" for prose), text


@require_GET
def codebook(request: HttpRequest, pk: int) -> HttpResponse:
    user = request.user
    review = get_object_or_404(Review.objects.visible_to(user), pk=pk)
    markers = Marker.objects.visible_to(user).filter(review=review).prefetch_related("synonyms", "unit_factors")
    by_class: dict[int | None, list[Marker]] = {}
    for marker in markers:
        by_class.setdefault(marker.outcome_class_id, []).append(marker)
    classes = [(one, by_class.get(one.pk, [])) for one in OutcomeClass.objects.visible_to(user).filter(review=review)]
    begun = CodebookVersion.objects.visible_to(user).filter(review=review).select_related("begun_by")
    versions = list(begun[:MOST_VERSIONS])
    context = {
        "review": review,
        "standing": Standing.of(request, review),
        "interventions": Intervention.objects.visible_to(user).filter(review=review),
        "classes": classes,
        "unclassed": by_class.get(None, []),
        "moderators": Moderator.objects.visible_to(user).filter(review=review).prefetch_related("levels"),
        "units": UnitFactor.objects.visible_to(user).filter(review=review, marker=None),
        "rules": list(sections(review.guidance)),
        "versions": [(one, list(changes(one)), touched(one, user).order_by("trial__label_key")) for one in versions],
    }
    return render(request, "extraction/codebook.html", context)


def changes(version: CodebookVersion) -> Iterable[Change]:
    for one in version.changes:
        names = sorted({*one["before"], *one["after"]} - NOT_SHOWN)
        yield Change(
            KINDS.get(one["kind"], one["kind"]),
            one["name"],
            IN_WORDS.get(one["act"], one["act"]),
            [(name.replace("_", " "), one["before"].get(name), one["after"].get(name)) for name in names]
            if one["act"] == "redefine"
            else [],
        )


def touched(version: CodebookVersion, user: Viewer) -> QuerySet[Entry]:
    """Entries made under an earlier version that use a term which this one changed, as far as `user` sees entries.

    While a trial is being entered these are one's own: nothing tells whether the partner's entry is touched too.
    """
    uses = Q()
    for one in version.changes:
        if one["act"] == "redefine" and one["kind"] == "unitfactor":
            units = UnitFactor.objects.visible_to(user).filter(pk=one["key"])
            uses |= Q(outcomes__unit__in=units.values("unit"))
        elif one["act"] == "redefine" and one["kind"] in USED_BY:
            uses |= USED_BY[one["kind"]](one["key"])
    if not uses:
        return Entry.objects.none()
    entries = Entry.objects.visible_to(user).filter(
        trial__review=version.review_id, slot__in=[Slot.A, Slot.B], codebook_version__lt=version.number
    )
    return Entry.objects.visible_to(user).filter(pk__in=entries.filter(uses).values("pk")).select_related("trial")


def sections(text: str) -> Iterable[Section]:
    """Rules as typed: “## Heading”, “12. A rule”, and prose; a line “# …” is the title and left out."""
    current = Section("")
    for line in text.splitlines():
        said = line.strip()
        heading = re.fullmatch(r"##+\s*(.+)", said)
        rule = re.fullmatch(r"([0-9]{1,3})\.\s+(.+)", said)
        if heading:
            if current.lines:
                yield current
            current = Section(heading[1])
        elif rule:
            current.lines.append((rule[1], rule[2]))
        elif said and not said.startswith("# "):
            current.lines.append(("", said))
    if current.lines or current.title:
        yield current
