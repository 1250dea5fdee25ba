"""References from a file: choose it, look at what each would become, bring them in."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import Truncator
from django.views.decorators.http import require_http_methods, require_POST

from extraction import bring_in
from extraction.errors import ExtractionError, FieldProblem, InvalidValues
from extraction.forms.inputs import whole_number
from extraction.forms.setup import ReferencesForm
from extraction.models import Review, Trial, folded
from extraction.references import MOST_BYTES, Reference, UnreadableFile, read
from extraction.standing import Standing
from extraction.views.setup import led_review

SALT: Final = "references of review"
OPEN_SECONDS: Final = 12 * 60 * 60
TOO_OLD: Final = "The preview is too old. Choose the file again; nothing was brought in."


@require_http_methods(["GET", "POST"])
def references(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose a file; what was read of it travels with the preview and is not kept."""
    review = led_review(request, pk)
    form = ReferencesForm(request.POST, request.FILES) if request.method == "POST" else ReferencesForm()
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            if file.size > MOST_BYTES:
                raise UnreadableFile("The file is larger than 10 MB.")
            found = read(file.name, file.read())
        except UnreadableFile as error:
            form.add_error("file", str(error))
        else:
            return preview(request, review, found.references, found.problems, found.merged)
    context = {"review": review, "standing": Standing.of(request, review), "form": form}
    return render(request, "extraction/references.html", context, status=400 if form.errors else 200)


def preview(
    request: HttpRequest, review: Review, found: Any, problems: Any = (), merged: Any = (), refusal: str = ""
) -> HttpResponse:
    proposals = bring_in.proposals(review.pk, found, by=request.user)
    labels = dict(Trial.objects.visible_to(request.user).filter(review=review).values_list("pk", "label"))
    said = [asdict(reference) for reference in found]
    context = {
        "review": review,
        "standing": Standing.of(request, review),
        "rows": [
            {
                "number": number,
                "reference": one.reference,
                "short": Truncator(one.reference.citation).chars(220),
                "act": one.act,
                "why": one.why,
                "trial": one.trial,
                "label": labels.get(one.trial or 0, ""),
                "also": [place for place, into in merged if into == one.reference.place],
                "taken": folded(one.reference.label) in {folded(label) for label in labels.values()},
            }
            for number, one in enumerate(proposals)
        ],
        "problems": problems,
        "merged": merged,
        "new": sum(one.act == bring_in.NEW for one in proposals),
        "known": sum(one.act != bring_in.NEW for one in proposals),
        "labels": sorted(labels.values()),
        "said": signing.dumps(said, salt=f"{SALT} {review.pk}", compress=True),
        "refusal": refusal,
    }
    return render(request, "extraction/references_preview.html", context, status=400 if refusal else 200)


@require_POST
def references_apply(request: HttpRequest, pk: int) -> HttpResponse:
    """All of what the preview said and the lead chose, or nothing."""
    review = led_review(request, pk)
    try:
        said = signing.loads(request.POST.get("said", ""), salt=f"{SALT} {pk}", max_age=OPEN_SECONDS)
    except signing.BadSignature:
        messages.error(request, TOO_OLD)
        return redirect("extraction:references", pk)
    found = [Reference(**{**one, "authors": tuple(one["authors"])}) for one in said]
    try:
        done = bring_in.bring_in_references(pk, decisions(request, review, found), by=request.user)
    except ExtractionError as refusal:
        return preview(request, review, found, refusal=f"Nothing was brought in. {refusal}")
    told = [
        f"{count} {one if count == 1 else many}"
        for count, one, many in (
            (done.made, "new trial", "new trials"),
            (done.merged, "trial completed", "trials completed"),
            (done.reports, "further report", "further reports"),
        )
        if count
    ]
    messages.success(request, f"{', '.join(told)}." if told else "Nothing was brought in.")
    return redirect("extraction:review", pk)


def decisions(request: HttpRequest, review: Review, found: list[Reference]) -> list[tuple[Reference, str, int | None]]:
    """What was chosen for each reference: “new”, “leave”, “merge:7”, “report:7”, or a trial by its label."""
    by_label = {
        folded(label): pk
        for pk, label in Trial.objects.visible_to(request.user).filter(review=review).values_list("pk", "label")
    }
    decided: list[tuple[Reference, str, int | None]] = []
    for number, reference in enumerate(found):
        act, _, key = request.POST.get(f"act-{number}", bring_in.LEAVE).partition(":")
        label = request.POST.get(f"of-{number}", "").strip()
        if label:
            if folded(label) not in by_label:
                raise InvalidValues([FieldProblem(reference.place, "trial", "there is no trial of this label.", label)])
            act, key = bring_in.REPORT, str(by_label[folded(label)])
        decided.append((reference, act, whole_number(key)))
    return decided
