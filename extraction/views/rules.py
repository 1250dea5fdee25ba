"""The rules of a review: those that hold, one with its versions and the decisions it is held against, a new one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from extraction import access
from extraction.access import Act, Thing
from extraction.errors import DuplicateRow, InvalidValues
from extraction.forms.plain import show_refusal
from extraction.forms.rules import RuleForm
from extraction.models import Discrepancy, Event, Resolution, Review, Rule
from extraction.recheck import recheck
from extraction.rules import change_rule, make_rule, withdraw_rule


@require_safe
def rules(request: HttpRequest, pk: int) -> HttpResponse:
    """The rules that hold, each with how it stands to past decisions, and those that hold no longer."""
    review = get_object_or_404(Review.objects.visible_to(request.user), pk=pk)
    kept = list(Rule.objects.visible_to(request.user).filter(review=review).select_related("marker"))
    holding = [rule for rule in kept if rule.current]
    numbers = {rule.number for rule in holding}
    withdrawn = {rule.number: rule for rule in reversed(kept) if rule.number not in numbers}  # newest version last
    checks = recheck(holding, request.user)
    context = {
        "review": review,
        "rules": [(rule, checks[rule.pk]) for rule in holding],
        "withdrawn": list(withdrawn.values()),
        "may_write": may_write(request, review),
    }
    return render(request, "extraction/rules.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def rule_create(request: HttpRequest, pk: int) -> HttpResponse:
    """A new rule; with `from`, a difference that was decided, it is about that difference's field."""
    review = writable_review(request, pk)
    taught = taught_by(request, review)
    initial = {"marker": taught.marker_id if taught else None, "text": newest_comment(request, taught)}
    form = RuleForm(request.POST or None, review=review, by=request.user, taught=taught is not None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            made = make_rule(review.pk, form.values, by=request.user, origin=taught.pk if taught else None)
        except (InvalidValues, DuplicateRow) as refusal:
            refused(form, refusal)
        else:
            messages.success(request, f"Rule {made.number} is in the codebook. Extractors read it at the field.")
            return redirect("extraction:rule", made.pk)
    return edited(request, review, form, {"taught": taught})


@require_safe
def rule(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One rule: its words, where it would have decided otherwise, its versions."""
    shown = get_object_or_404(Rule.objects.visible_to(request.user).select_related("review", "marker"), pk=pk)
    versions = Rule.objects.visible_to(request.user).filter(review=shown.review, number=shown.number)
    withdrawn = Event.objects.visible_to(request.user).filter(verb="withdraw rule", object_key=str(shown.pk))
    context = {
        "review": shown.review,
        "rule": shown,
        "check": recheck([shown], request.user)[shown.pk],
        "versions": versions.select_related("made_by", "marker"),
        "withdrawn": withdrawn.select_related("actor").first(),
        "origin": Discrepancy.objects.visible_to(request.user).filter(pk=shown.origin_id).first(),
        "may_write": may_write(request, shown.review),
    }
    return render(request, "extraction/rule.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def rule_change(request: HttpRequest, pk: UUID) -> HttpResponse:
    shown = get_object_or_404(Rule.objects.visible_to(request.user).select_related("review", "marker"), pk=pk)
    review = writable_review(request, shown.review_id)
    initial = {
        "text": shown.text, "at": f"{shown.subject}.{shown.field}", "marker": shown.marker_id, "prefers": shown.prefers,
    }  # fmt: skip
    form = RuleForm(request.POST or None, review=review, by=request.user, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            changed = change_rule(pk, form.values, by=request.user)
        except (InvalidValues, DuplicateRow) as refusal:
            refused(form, refusal)
        else:
            return redirect("extraction:rule", changed.pk)
    return edited(request, review, form, {"rule": shown})


@require_POST
def rule_withdraw(request: HttpRequest, pk: UUID) -> HttpResponse:
    gone = withdraw_rule(pk, request.POST.get("reason", ""), by=request.user)
    messages.success(request, f"Rule {gone.number} holds no longer.")
    return redirect("extraction:rules", gone.review_id)


def edited(request: HttpRequest, review: Review, form: RuleForm, more: dict[str, Any]) -> HttpResponse:
    context = {"review": review, "form": form, **more}
    return render(request, "extraction/rule_form.html", context, status=400 if form.errors else 200)


def refused(form: RuleForm, refusal: InvalidValues | DuplicateRow) -> None:
    if isinstance(refusal, InvalidValues):
        show_refusal(form, refusal)
    else:
        form.add_error("text", str(refusal))


def taught_by(request: HttpRequest, review: Review) -> Any:
    """The decided difference that the address names, if this person may see it."""
    named = request.GET.get("from") or request.POST.get("from")
    if not named:
        return None
    try:
        key = UUID(named)
    except ValueError:
        return None
    rows = Discrepancy.objects.visible_to(request.user).filter(trial__review=review, state=Discrepancy.State.DECIDED)
    return get_object_or_404(rows.select_related("trial", "marker"), pk=key)


def newest_comment(request: HttpRequest, taught: Any) -> str:
    """What the person wrote who decided: often the rule in the making."""
    if taught is None:
        return ""
    decision = Resolution.objects.visible_to(request.user).filter(discrepancy=taught).order_by("-number").first()
    return decision.comment[:300] if decision else ""


def may_write(request: HttpRequest, review: Review) -> bool:
    condition = access.permitted(request.user, Act.MANAGE, Thing.RULE, Review.PATHS)
    return Review.objects.visible_to(request.user).filter(condition, pk=review.pk).exists()


def writable_review(request: HttpRequest, pk: int) -> Review:
    condition = access.permitted(request.user, Act.MANAGE, Thing.RULE, Review.PATHS)
    return get_object_or_404(Review.objects.visible_to(request.user).filter(condition), pk=pk)
