"""Setting a review up: from a template or from nothing, its settings, and its set-up kept as a template."""

from __future__ import annotations

import json
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from extraction import access, setup
from extraction.access import Act, Thing
from extraction.errors import ExtractionError
from extraction.forms.setup import NewReviewForm, SettingsForm, TemplateForm
from extraction.models import (
    Assignment,
    Intervention,
    Invitation,
    Marker,
    Membership,
    Moderator,
    OutcomeClass,
    Review,
    Slot,
    Template,
    Trial,
    UnitFactor,
)
from extraction.protocols import content as contents
from extraction.protocols.shipped import TITLES, shipped
from extraction.protocols.start import drop_template, save_template, set_up_of, start_review
from extraction.standing import CHOSEN, Standing
from extraction.states import Status

VOCABULARY: Final = (
    ("Kinds of treatment", Intervention, "admin:extraction_intervention_changelist"),
    ("Outcome classes", OutcomeClass, "admin:extraction_outcomeclass_changelist"),
    ("Markers", Marker, "admin:extraction_marker_changelist"),
    ("Units", UnitFactor, "admin:extraction_unitfactor_changelist"),
    ("Characteristics", Moderator, "admin:extraction_moderator_changelist"),
)


def led_review(request: HttpRequest, pk: int) -> Review:
    """A review that this person sets up; for everybody else there is nothing here."""
    led = access.permitted(request.user, Act.MANAGE, Thing.REVIEW, Review.PATHS)
    return get_object_or_404(Review.objects.visible_to(request.user).filter(led), pk=pk)


@require_http_methods(["GET", "POST"])
def new_review(request: HttpRequest) -> HttpResponse:
    """A review from a template that ships, from one that somebody kept, from a file, or from nothing."""
    if not request.user.is_staff:
        raise PermissionDenied
    kept = list(Template.objects.visible_to(request.user).select_related("made_by"))
    choices = [
        *((f"shipped:{code}", f"{name} (template)") for code, name in TITLES.items()),
        *((f"kept:{one.pk}", f"{one.name} (template of {one.made_by})") for one in kept),
        ("nothing", "Nothing: an empty codebook"),
        ("file", "A template file"),
    ]
    bound = (request.POST, request.FILES) if request.method == "POST" else ()
    form = NewReviewForm(*bound, choices=choices)
    if form.is_valid():
        try:
            content = _chosen(form.cleaned_data, kept)
            made = start_review(
                form.cleaned_data["title"], content, by=request.user, question=form.cleaned_data["question"]
            )
        except ExtractionError as refusal:
            form.show(refusal)
        else:
            request.session[CHOSEN] = made.pk
            messages.success(request, f"“{made}” is there, and you lead it. Look over the steps below.")
            return redirect("extraction:setup", made.pk)
    context = {"form": form, "templates": kept}
    return render(request, "extraction/new_review.html", context, status=400 if form.errors else 200)


def _chosen(cleaned: dict[str, Any], kept: list[Template]) -> contents.Content:
    kind, _, key = cleaned["start"].partition(":")
    if kind == "shipped":
        return shipped(key)
    if kind == "kept":
        found: contents.Content = next(one.content for one in kept if str(one.pk) == key)
        return found
    return contents.read(cleaned["file"].read()) if kind == "file" else contents.empty()


@require_POST
def template_drop(request: HttpRequest, pk: int) -> HttpResponse:
    drop_template(pk, by=request.user)
    messages.success(request, "The template is gone. Reviews that began with it stay as they are.")
    return redirect("extraction:new-review")


@require_GET
def set_up(request: HttpRequest, pk: int) -> HttpResponse:
    review = led_review(request, pk)
    return show(request, review)


@require_POST
def settings(request: HttpRequest, pk: int) -> HttpResponse:
    review = led_review(request, pk)
    form = SettingsForm(review, request.POST)
    if form.is_valid():
        try:
            setup.change_review(pk, form.changed(), by=request.user)
        except ExtractionError as refusal:
            form.show(refusal)
        else:
            messages.success(request, "The settings are saved.")
            return redirect("extraction:setup", pk)
    return show(request, get_object_or_404(Review.objects.visible_to(request.user), pk=pk), settings_form=form)


@require_POST
def template_save(request: HttpRequest, pk: int) -> HttpResponse:
    review = led_review(request, pk)
    form = TemplateForm(request.POST)
    if form.is_valid():
        try:
            template = save_template(pk, by=request.user, **form.cleaned_data)
        except ExtractionError as refusal:
            form.show(refusal)
        else:
            messages.success(request, f"“{template}” is kept: new reviews can start from it.")
            return redirect("extraction:setup", pk)
    return show(request, review, template_form=form)


@require_GET
def template_file(request: HttpRequest, pk: int) -> HttpResponse:
    """The set-up as a file, to start a review with in another installation."""
    review = led_review(request, pk)
    text = json.dumps(set_up_of(review), ensure_ascii=False, indent=1)
    response = HttpResponse(text, content_type="application/json")
    name = f"{slugify(review.title) or 'review'}-template.json"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


def show(
    request: HttpRequest,
    review: Review,
    settings_form: SettingsForm | None = None,
    template_form: TemplateForm | None = None,
) -> HttpResponse:
    user = request.user
    trials = Trial.objects.visible_to(user).filter(review=review, excluded_at=None)
    held = Assignment.objects.visible_to(user).filter(trial__review=review, trial__excluded_at=None)
    open_trials = trials.filter(status=Status.ENTERING).count()
    taken = held.filter(trial__status=Status.ENTERING, slot__in=[Slot.A, Slot.B]).count()
    roles = Membership.objects.visible_to(user).filter(review=review)
    counted = roles.aggregate(
        people=Count("pk"),
        extractors=Count("pk", filter=Q(extractor=True)),
        adjudicators=Count("pk", filter=Q(adjudicator=True)),
        leads=Count("pk", filter=Q(lead=True)),
    )
    context = {
        "review": review,
        "standing": Standing.of(request, review),
        "vocabulary": [
            (name, model.objects.visible_to(user).filter(review=review).count(), address)
            for name, model, address in VOCABULARY
        ],
        "trials": trials.count(),
        "free_slots": 2 * open_trials - taken,
        "roles": counted,
        "extractors": [
            one.user for one in roles.filter(extractor=True).select_related("user").order_by("user__username")
        ],
        "invitations": Invitation.objects.visible_to(user).open().filter(review=review).count(),
        "settings_form": settings_form or SettingsForm(review),
        "template_form": template_form or TemplateForm(initial={"name": review.title}),
    }
    wrong = (settings_form and settings_form.errors) or (template_form and template_form.errors)
    return render(request, "extraction/setup.html", context, status=400 if wrong else 200)
