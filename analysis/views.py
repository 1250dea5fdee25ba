"""The pages on results: the review's, one synthesis's, one effect's, and the acts of leads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from analysis import charts, preview, setup
from analysis.agreement import agreement_of
from analysis.forms import DefaultsForm, SynthesisForm
from analysis.freshness import State
from analysis.impact import Outcome, outcomes_of
from analysis.methods import methods_sentences
from analysis.models import Effect, ResultCoefficient, Synthesis
from analysis.shown import Chosen, Results, chosen_by, described, model_in_words, results_of
from analysis.used import used
from extraction import access
from extraction.access import Act, Thing
from extraction.errors import InvalidValues, NotAllowed, NotFound
from extraction.models import Discrepancy, Entry, Review, Slot, Trial
from extraction.number import FIELDS, row_of
from extraction.number import story_of as number_story
from extraction.record import Subject, Verdict
from extraction.sheet import sheet_of
from extraction.standing import Standing
from extraction.states import EntryState
from extraction.story import Line, story_of

EFFECTS_PER_PAGE: Final = 100
MOST_KEPT_OUT: Final = 200
TRIALS = "trials"  # the forest of trials in place of a group of syntheses


@require_safe
def results(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything that the review found, and how it stands to the data."""
    review = shown_review(request, pk)
    found = results_of(review, request.user)
    primary = found.primary
    chosen = Chosen([], [], [], 0)
    if primary is not None and primary.synthesis.moderator_id is None:
        chosen = chosen_by(primary, found.freshness.data.classes, request.user)
    wanted = request.GET.get("forest", "")
    names = [*found.forests, *([TRIALS] if chosen.averages else [])]
    forest = wanted if wanted in names else found.default_forest
    context = {
        "review": review,
        "standing": Standing.of(request, review),
        "results": found,
        "primary": primary,
        "model": model_in_words(primary.synthesis) if primary else "",
        "sentences": found.sentences,
        "chosen": chosen,
        "forest_names": names,
        "forest_name": forest,
        "defaults": DefaultsForm(),
        **figures(found, chosen, forest),
    }
    return render(request, "analysis/results.html", context)


def figures(found: Results, chosen: Chosen, forest: str) -> dict[str, Any]:
    """The forest in its wide and its narrow drawing, and the funnel of trial averages."""
    lines = [one.line() for one in chosen.averages] if forest == TRIALS else found.lines(forest) if forest else []
    primary = found.primary
    has_mean = primary is not None and primary.pooled is not None and not primary.synthesis.moderator_id
    overall = primary.line(pooled=True) if primary is not None and has_mean else None
    drawn: dict[str, Any] = {"lines": lines, "overall": overall}
    if lines:
        drawn["wide"] = charts.forest(lines, overall, charts.WIDE)
        drawn["narrow"] = charts.forest(lines, overall, charts.NARROW)
    if len(chosen.averages) > 2 and overall is not None and overall.estimate is not None:
        points = [charts.Point(one.label, one.estimate, one.se) for one in chosen.averages]
        drawn["funnels"] = [
            ("wide-only", charts.funnel(points, overall.estimate)),
            ("narrow-only", charts.funnel(points, overall.estimate, width=330.0, height=280.0)),
        ]
    return drawn


@require_safe
def freshness(request: HttpRequest, pk: int) -> HttpResponse:
    """The strip on how the results stand to the data; asked every second or two by the page that shows it.

    Where the page shows another version than this one, it is told to fetch itself.
    """
    found = results_of(shown_review(request, pk), request.user)
    if request.GET.get("shown") == found.freshness.version:
        return HttpResponse(status=204)
    response = render(request, "analysis/_freshness.html", {"review": found.review, "results": found})
    response["HX-Trigger"] = "results-moved"
    return response


@require_safe
def synthesis(request: HttpRequest, pk: int) -> HttpResponse:
    """One synthesis: what it takes, what it gave, its trials and effects, and what was kept out and why."""
    shown = shown_synthesis(request, pk)
    found = results_of(shown.review, request.user)
    row = next(row for row in found.rows if row.synthesis.pk == shown.pk)
    chosen = chosen_by(row, found.freshness.data.classes, request.user)
    lines = [one.line() for one in chosen.averages]
    overall = row.line(pooled=True) if row.pooled and not shown.moderator_id else None
    context = {
        "review": shown.review,
        "standing": Standing.of(request, shown.review),
        "results": found,
        "row": row,
        "described": described(shown),
        "model": model_in_words(shown),
        "coefficients": ResultCoefficient.objects.visible_to(request.user).filter(
            result=row.current.result_id if row.current else None
        ),
        "chosen": chosen,
        "page": Paginator(chosen.pooled, EFFECTS_PER_PAGE).get_page(request.GET.get("page")),
        "kept_out": chosen.kept_out[:MOST_KEPT_OUT],
        "kept_out_count": len(chosen.kept_out),
        "lines": lines,
        "overall": overall,
        "wide": charts.forest(lines, overall, charts.WIDE) if lines else None,
        "narrow": charts.forest(lines, overall, charts.NARROW) if lines else None,
        "is_fresh": row.state == State.FRESH,
    }
    return render(request, "analysis/synthesis.html", context)


@require_safe
def effect(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One effect with its ledger: the printed numbers it came from, who read what, and what was decided."""
    shown = get_object_or_404(
        Effect.objects.visible_to(request.user).select_related("trial__review", "marker", "entry"), pk=pk
    )
    keys = {UUID(key) for side in shown.ledger.get("inputs", []) for key in side["observations"]}
    entry = Entry.objects.visible_to(request.user).filter(pk=shown.entry_id).first()
    stated = {UUID(key) for side in shown.ledger.get("inputs", []) for key in side.get("contrasts", [])}
    sheet = sheet_of(entry) if entry else None
    said = sheet.said if sheet else {}
    story = story_of(shown.trial, request.user)
    context = {
        "review": shown.trial.review,
        "effect": shown,
        "trial": shown.trial,
        "sides": shown.ledger.get("inputs", []),
        "printed": [one for key, one in said.items() if key in keys],
        "stated": [one for one in sheet.contrasts if one.row.pk in stated] if sheet else [],
        "story": story,
        "lines": [line for _, lines in story.groups for line in lines if _is_about(line, shown, keys)],
    }
    return render(request, "analysis/effect.html", context)


@require_safe
def approval_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """What approving a trial will change in the results: a part of the page that approves, or a page of its own."""
    allowed = Trial.objects.visible_to(request.user).permitting(Act.APPROVE, request.user)
    trial = get_object_or_404(allowed.select_related("review"), pk=pk, excluded_at=None)
    draft = get_object_or_404(
        Entry.objects.visible_to(request.user).filter(trial=trial), slot=Slot.FINAL, state=EntryState.DRAFT
    )
    context = {"review": trial.review, "trial": trial, "preview": preview.of_approval(trial, draft)}
    name = "_approval_preview" if request.htmx else "approval_preview"  # type: ignore[attr-defined]
    return render(request, f"analysis/{name}.html", context)


@require_safe
def number(request: HttpRequest, subject: str, pk: UUID, field: str) -> HttpResponse:
    """The story of one number: printed twice, compared, decided, approved, and the results it went into."""
    row = row_of(subject, pk, request.user)
    if row is None or field not in FIELDS[Subject(subject)]:
        raise NotFound
    told = number_story(row, field, request.user)
    context = {
        "review": told.trial.review,
        "trial": told.trial,
        "row": row,
        "story": told,
        "used": used(told, request.user),
    }
    return render(request, "analysis/number.html", context)


@require_safe
def agreement(request: HttpRequest, pk: int) -> HttpResponse:
    """How far the two entries of each trial agreed before anybody reconciled them."""
    review = get_object_or_404(
        Review.objects.visible_to(request.user).filter(access.visible(request.user, Thing.AGREEMENT, Review.PATHS)),
        pk=pk,
    )
    found = agreement_of(review, request.user)
    context = {
        "review": review,
        "standing": Standing.of(request, review),
        "found": found,
        "sentences": methods_sentences(found),
        "bars": charts.bars(found.effects.bins),
        "verdicts": list(Verdict),
    }
    return render(request, "analysis/agreement.html", context)


def _is_about(line: Line, shown: Effect, keys: set[UUID]) -> bool:
    """By the approved row itself; where a newer version stands in its place, by what it is called."""
    if any(said.row.pk in keys for said in line.said.values()):
        return True
    arms = {shown.treatment_label, shown.control_label}
    return line.outcome == shown.outcome_name and line.arm in arms and line.time == shown.timepoint_label


@require_http_methods(["GET", "HEAD", "POST"])
def synthesis_create(request: HttpRequest, pk: int) -> HttpResponse:
    return edited(request, manageable_review(request, pk), Synthesis())


@require_http_methods(["GET", "HEAD", "POST"])
def synthesis_change(request: HttpRequest, pk: int) -> HttpResponse:
    shown = shown_synthesis(request, pk)
    return edited(request, manageable_review(request, shown.review_id), shown)


def edited(request: HttpRequest, review: Review, instance: Synthesis) -> HttpResponse:
    is_new, key = instance._state.adding, instance.pk
    instance.review = review
    form = SynthesisForm(request.POST or None, instance=instance, review=review, by=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            if is_new:
                saved = setup.create_synthesis(review.pk, form.values, by=request.user)
            else:
                saved = setup.change_synthesis(key, form.values, by=request.user)
        except InvalidValues as refusal:
            form.show(refusal)
        else:
            messages.success(request, f"{saved} is saved. The results are being recomputed.")
            return redirect(saved)
    context = {"review": review, "form": form, "synthesis": None if is_new else instance}
    status = 400 if form.is_bound else 200
    return render(request, "analysis/synthesis_form.html", context, status=status)


@require_POST
def make_primary(request: HttpRequest, pk: int) -> HttpResponse:
    saved = setup.set_primary(pk, by=request.user)
    messages.success(request, f"{saved} is the primary synthesis.")
    return redirect("analysis:results", saved.review_id)


@require_POST
def create_defaults(request: HttpRequest, pk: int) -> HttpResponse:
    form = DefaultsForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose an effect measure.")
        return redirect("analysis:results", pk)
    made = setup.create_default_syntheses(pk, by=request.user, measure=form.cleaned_data["measure"])
    messages.success(request, f"{len(made)} syntheses set up. The results are being computed.")
    return redirect("analysis:results", pk)


@require_POST
def recompute(request: HttpRequest, pk: int) -> HttpResponse:
    setup.request_recompute(pk, by=request.user)
    messages.success(request, "A recompute is asked for. What is up to date is not computed again.")
    return redirect("analysis:results", pk)


def shown_review(request: HttpRequest, pk: int) -> Review:
    """A review whose results this person may see."""
    seeing = access.visible(request.user, Thing.RESULT, Review.PATHS)
    return get_object_or_404(Review.objects.visible_to(request.user).filter(seeing), pk=pk)


def manageable_review(request: HttpRequest, pk: int) -> Review:
    managing = access.permitted(request.user, Act.MANAGE, Thing.RESULT, Review.PATHS)
    return get_object_or_404(Review.objects.visible_to(request.user).filter(managing), pk=pk)


def shown_synthesis(request: HttpRequest, pk: int) -> Synthesis:
    return get_object_or_404(Synthesis.objects.visible_to(request.user).select_related("review"), pk=pk)


# --- What a decision changes ------------------------------------------------------------------------------------


@require_safe
def choice(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The primary synthesis with A's value and with B's: once it is decided, or where the review shows it before."""
    row: Any = get_object_or_404(
        Discrepancy.objects.visible_to(request.user).current().select_related("trial__review"), pk=pk
    )
    review = shown_review(request, row.trial.review_id)
    if not row.outcome_may_be_seen:
        raise NotAllowed("What the choice changes opens once it is decided: a decision must not look at the outcome.")
    found = outcomes_of(review.pk, row)
    lines = [charts.Line(one.side, one.estimate, one.low, one.high, "", pooled=True) for one in found]
    context = {
        "review": review,
        "row": row,
        "outcomes": list(zip(found, charts.minis(lines), strict=True)) if found else [],
        **said_of(found),
    }
    return render(request, "analysis/_choice.html" if request.htmx else "analysis/choice.html", context)  # type: ignore[attr-defined]


def said_of(found: Sequence[Outcome]) -> dict[str, Any]:
    """How far B's value moves the estimate from A's, and whether both intervals say the same of zero."""
    means = [one.main for one in found if one.main is not None]
    if len(means) != 2:
        return {"change": None, "same": None}
    beyond = [mean.ci_low > 0 or mean.ci_high < 0 for mean in means]
    return {"change": means[1].estimate - means[0].estimate, "same": beyond[0] == beyond[1]}
