"""Members, invitations, links to a new password, and the page that an invitation opens."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from extraction import invite, setup
from extraction.errors import ExtractionError
from extraction.forms.setup import AddMemberForm, InviteForm, JoinForm, RolesForm
from extraction.models import Invitation, Membership, Review
from extraction.standing import CHOSEN, Standing
from extraction.views.setup import led_review

MOST_INVITATIONS = 50


@require_GET
def people(request: HttpRequest, pk: int) -> HttpResponse:
    return show(request, led_review(request, pk))


@require_POST
def member_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody with an account becomes a member at once."""
    review = led_review(request, pk)
    form = AddMemberForm(request.POST)
    if form.is_valid():
        found = setup.account_called(form.cleaned_data["username"])
        try:
            if found is None:
                form.add_error("username", "There is no account of this name. Make an invitation instead.")
            else:
                setup.set_member(pk, found.pk, form.cleaned_data["roles"], by=request.user)
                messages.success(request, f"{found} is a member now.")
                return redirect("extraction:people", pk)
        except ExtractionError as refusal:
            form.show(refusal)
    return show(request, review, member_form=form)


@require_POST
def member_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Other roles for a member, or none: then the membership ends."""
    member = get_object_or_404(Membership.objects.visible_to(request.user).select_related("user"), pk=pk)
    if request.POST.get("act") == "remove":
        setup.remove_member(member.review_id, member.user_id, by=request.user)
        messages.success(request, f"{member.user} is no member any more. What they entered stays, under their name.")
    else:
        form = RolesForm(request.POST)
        if not form.is_valid():
            led_review(request, member.review_id)
            messages.error(request, f"{member.user} needs at least one role; to end the membership, remove it.")
        else:
            setup.set_member(member.review_id, member.user_id, form.cleaned_data["roles"], by=request.user)
            messages.success(request, f"The roles of {member.user} are saved.")
    return redirect("extraction:people", member.review_id)


@require_POST
def member_password(request: HttpRequest, pk: int) -> HttpResponse:
    """A one-time link to a new password, shown once."""
    member = get_object_or_404(Membership.objects.visible_to(request.user).select_related("user"), pk=pk)
    review = led_review(request, member.review_id)
    uid, token = invite.password_link(member.review_id, member.user_id, by=request.user)
    address = request.build_absolute_uri(reverse("password-reset-confirm", args=[uid, token]))
    return show(request, review, link=address, link_for=f"a new password of {member.user}")


@require_POST
def invitation_make(request: HttpRequest, pk: int) -> HttpResponse:
    review = led_review(request, pk)
    form = InviteForm(request.POST)
    if form.is_valid():
        try:
            made, secret = invite.invite(pk, by=request.user, **form.cleaned_data)
        except ExtractionError as refusal:
            form.show(refusal)
        else:
            address = request.build_absolute_uri(reverse("extraction:join", args=[secret]))
            return show(request, review, link=address, link_for=f"joining as {made.roles_in_words}")
    return show(request, review, invite_form=form)


@require_POST
def invitation_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    withdrawn = invite.withdraw_invitation(pk, by=request.user)
    messages.success(request, "The invitation is withdrawn: its link lets nobody in.")
    return redirect("extraction:people", withdrawn.review_id)


def show(request: HttpRequest, review: Review, **forms: Any) -> HttpResponse:
    """The page; `link` is a secret that is shown this once."""
    members = Membership.objects.visible_to(request.user).filter(review=review).select_related("user")
    invitations = Invitation.objects.visible_to(request.user).filter(review=review).select_related("used_by", "made_by")
    context = {
        "review": review,
        "standing": Standing.of(request, review),
        "members": [
            (member, RolesForm(initial={"roles": member.roles}, auto_id=f"id_{member.pk}_%s"))
            for member in members.order_by("user__username")
        ],
        "invitations": invitations[:MOST_INVITATIONS],
        "invite_form": InviteForm(initial={"roles": ["extractor"]}, auto_id="id_invite_%s"),
        "member_form": AddMemberForm(auto_id="id_member_%s"),
        "alone": len(members) < 3,
        **forms,
    }
    wrong = any(getattr(form, "errors", None) for form in forms.values())
    return render(request, "extraction/people.html", context, status=400 if wrong else 200)


@login_not_required
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, secret: str) -> HttpResponse:
    """What an invitation opens: join with the account one is signed in with, or make one."""
    invitation = invite.open_invitation(secret)
    if invitation is None:
        return render(request, "extraction/join_closed.html", {"told": invite.CLOSED}, status=404)
    form = JoinForm()
    if request.method == "POST":
        if request.user.is_authenticated:
            return _in(request, invite.join(secret, by=request.user))
        form = JoinForm(request.POST)
        if form.is_valid():
            said = {name: form.cleaned_data[name] for name in ("full_name", "username", "email", "password")}
            try:
                member = invite.join_with_new_account(secret, **said)
            except ExtractionError as refusal:
                form.show(refusal)
            else:
                login(request, member.user, backend="django.contrib.auth.backends.ModelBackend")
                return _in(request, member)
    context = {"invitation": invitation, "title_of_review": invitation.review.title, "form": form}
    return render(request, "extraction/join.html", context, status=400 if form.errors else 200)


def _in(request: HttpRequest, member: Membership) -> HttpResponse:
    request.session[CHOSEN] = member.review_id
    messages.success(request, f"Welcome to “{member.review}”.")
    return redirect("extraction:work")
