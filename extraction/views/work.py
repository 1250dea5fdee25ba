"""My work: what is mine to enter, and for those who decide, how far the review is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, F, Min, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from extraction.access import Act, Viewer
from extraction.forms.inputs import whole_number
from extraction.models import Assignment, CodebookVersion, Discrepancy, Entry, Review, Slot, Trial
from extraction.progress import pace
from extraction.standing import CHOSEN, Standing
from extraction.states import Status
from extraction.views.bars import BAR_ORDER, Part, columns, segments
from extraction.views.codebook import touched

SHOWN_AT_FIRST: Final = 20  # rows of a section that is work
SHOWN_OF_PAST: Final = 6  # rows of one that is not
SHOWN_TO_DECIDERS: Final = 8  # trials that wait for a decision or an approval
SHOWN_NEWS: Final = 3  # versions of the codebook, and terms of each
SECTIONS: Final = (
    ("returned", "Returned to you", "returned", "s-back"),
    ("progress", "In progress", "in progress", "s-go"),
    ("start", "To start", "to start", "s-start"),
    ("waiting", "Waiting", "waiting", "s-wait"),
    ("done", "Done", "done", "s-done"),
)


@dataclass(frozen=True, slots=True)
class Task:
    """One assigned trial and one's own newest entry of it. Nothing here comes from the partner's."""

    assignment: Assignment
    entry: Entry | None
    filled: int = 0  # observations
    cells: int = 0  # arms × timepoints × outcomes
    arms: int = 0

    @property
    def trial(self) -> Trial:
        return self.assignment.trial

    @property
    def section(self) -> str:
        if self.trial.excluded_at or self.trial.status == Status.APPROVED:
            return "done"
        if self.entry is None:
            return "start" if self.trial.status == Status.ENTERING else "done"
        if not self.entry.is_draft:
            return "waiting"
        return "returned" if self.entry.return_reason else "progress"

    @property
    def can_undo(self) -> bool:
        return self.section == "waiting" and self.trial.status == Status.ENTERING

    @property
    def filled_percent(self) -> float:
        return round(100 * min(1.0, self.filled / self.cells), 1) if self.cells else 0.0


@dataclass(frozen=True, slots=True)
class Section:
    code: str
    title: str
    word: str
    fill: str  # class of its part of the bar
    count: int
    tasks: list[Task]

    @property
    def hidden(self) -> int:
        return self.count - len(self.tasks)


@require_GET
def work(request: HttpRequest) -> HttpResponse:
    standing = Standing.of(request, whole_number(request.GET.get("review")))
    review = standing.review
    if review is None:
        return render(request, "extraction/no_review.html")
    sections = in_sections(tasks_of(request.user, review), whole=request.GET.get("show", ""))
    context: dict[str, Any] = {
        "review": review,
        "standing": standing,
        "sections": sections,
        "legend": sorted(sections, key=lambda section: BAR_ORDER.index(section.code)),
        "bar": bar(sections),
        "assigned": sum(section.count for section in sections),
        "submitted": sum(section.count for section in sections if section.code in {"waiting", "done"}),
        "next": next_task(sections),
    }
    if context["assigned"]:
        context |= alongside(request.user, review, context["assigned"] - context["submitted"])
    if standing.decides:
        context |= progress(request.user, review)
    return render(request, "extraction/work.html", context)


@require_POST
def choose_review(request: HttpRequest) -> HttpResponse:
    """Remember, for this session, the review that pages without their own are about."""
    wanted = whole_number(request.POST.get("review"))
    review = get_object_or_404(Review.objects.visible_to(request.user), pk=wanted)
    request.session[CHOSEN] = review.pk
    return redirect("extraction:work")


def tasks_of(user: Viewer, review: Review) -> list[Task]:
    """Six queries, however many trials."""
    assignments = (
        Assignment.objects.visible_to(user)
        .filter(user=user.pk, trial__review=review, slot__in=[Slot.A, Slot.B])
        .select_related("trial")
        .order_by("trial__label_key")
    )
    entries = Entry.objects.visible_to(user).filter(holder=user.pk, trial__review=review)
    newest = {entry.trial_id: entry for entry in entries.order_by("number")}
    held = {relation: counted(entries, relation) for relation in ("arms", "timepoints", "outcomes", "observations")}

    def task(assignment: Assignment) -> Task:
        entry = newest.get(assignment.trial_id)
        size = {relation: counts.get(entry.pk, 0) if entry else 0 for relation, counts in held.items()}
        cells = size["arms"] * size["timepoints"] * size["outcomes"]
        return Task(assignment, entry, filled=size["observations"], cells=cells, arms=size["arms"])

    return [task(assignment) for assignment in assignments]


def alongside(user: Viewer, review: Review, left: int) -> dict[str, Any]:
    """One's own pace, and what is new in the codebook with how many of one's own entries it touches."""
    mine = Entry.objects.visible_to(user).filter(holder=user.pk, trial__review=review, slot__in=[Slot.A, Slot.B])
    first = mine.exclude(submitted_at=None).order_by().values_list("trial").annotate(first=Min("submitted_at"))
    own = pace([moment for _, moment in first], left)
    news = []
    for version in CodebookVersion.objects.visible_to(user).filter(review=review)[:SHOWN_NEWS]:
        names = list(dict.fromkeys(str(change["name"]) for change in version.changes))[:SHOWN_NEWS]
        news.append((version, names, touched(version, user).filter(holder=user.pk).count()))
    return {"pace": own, "columns": columns(own.weeks), "news": news}


def counted(entries: QuerySet[Entry], relation: str) -> dict[Any, int]:
    """How many rows each entry has. One relation a query: joins of several would multiply."""
    return dict(entries.order_by().values_list("pk").annotate(Count(relation)))


def in_sections(tasks: Iterable[Task], whole: str = "") -> list[Section]:
    by_section: dict[str, list[Task]] = {code: [] for code, *_ in SECTIONS}
    for task in tasks:
        by_section[task.section].append(task)
    return [
        Section(code, title, word, fill, len(found), found if code == whole else found[: shown_of(code)])
        for code, title, word, fill in SECTIONS
        if (found := by_section[code]) or code == "start"
    ]


def shown_of(section: str) -> int:
    return SHOWN_OF_PAST if section in {"waiting", "done"} else SHOWN_AT_FIRST


def next_task(sections: Iterable[Section]) -> Task | None:
    """What to go on with: what came back, then what is begun, then the next one."""
    for section in sections:
        if section.code in {"returned", "progress", "start"} and section.tasks:
            return section.tasks[0]
    return None


def bar(sections: Iterable[Section]) -> list[Part]:
    by_code = {section.code: section for section in sections}
    return segments([(by_code[code].fill, by_code[code].count) for code in BAR_ORDER if code in by_code])


def progress(user: Viewer, review: Review) -> dict[str, Any]:
    """How far the review is, as those see it who decide, and what waits for them: five queries."""
    trials = Trial.objects.visible_to(user).filter(review=review)
    counted = dict(trials.filter(excluded_at=None).values_list("status").annotate(count=Count("pk")).order_by())
    to_decide = Discrepancy.objects.visible_to(user).unresolved().filter(trial__review=review)
    approvable = trials.permitting(Act.APPROVE, user).filter(excluded_at=None)
    return {
        "states": [(state, counted.get(state.value, 0)) for state in Status],
        "open_discrepancies": to_decide.aggregate(count=Count("pk"), trials=Count(F("trial"), distinct=True)),
        "to_decide": by_trial(to_decide),
        "to_approve": approvable.count(),
        "approvable": approvable.order_by("label_key")[:SHOWN_TO_DECIDERS],
        "trial_count": sum(counted.values()),
    }


def by_trial(discrepancies: QuerySet[Discrepancy]) -> list[Any]:
    """The trials with the most open differences: pk, label and count."""
    rows = discrepancies.order_by().values("trial", "trial__label", "trial__label_key").annotate(count=Count("pk"))
    return list(rows.order_by("-count", "trial__label_key")[:SHOWN_TO_DECIDERS])
