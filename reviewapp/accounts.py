"""One's own account: name, time zone, password, token; and a new password by a one-time link."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views as auth
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.http import require_http_methods, require_POST
from rest_framework.authtoken.models import Token

from extraction.forms.setup import AccountForm
from extraction.models import User

FIELDS = ("first_name", "last_name", "email", "time_zone")


@require_http_methods(["GET", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Who one is. What one may is said by the memberships, which leads give."""
    user = _me(request)
    initial = {name: getattr(user, name) for name in FIELDS}
    form = AccountForm(request.POST, initial=initial) if request.method == "POST" else AccountForm(initial=initial)
    if form.is_valid():
        for name in FIELDS:
            setattr(user, name, form.cleaned_data[name])
        user.save(update_fields=list(FIELDS))
        messages.success(request, "Your account is saved.")
        return redirect("account")
    return _page(request, user, form)


@require_POST
def token_make(request: HttpRequest) -> HttpResponse:
    """A new token in the place of the old one, shown once."""
    user = _me(request)
    Token.objects.filter(user=user).delete()
    return _page(request, user, AccountForm(initial={name: getattr(user, name) for name in FIELDS}), _made(user))


@require_POST
def token_revoke(request: HttpRequest) -> HttpResponse:
    Token.objects.filter(user=_me(request)).delete()
    messages.success(request, "The token is revoked: programs that used it are signed out.")
    return redirect("account")


def _made(user: User) -> str:
    return str(Token.objects.create(user=user).key)


def _me(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101  the middleware lets nobody else through
    return request.user


def _page(request: HttpRequest, user: User, form: AccountForm, new_token: str = "") -> HttpResponse:
    context = {
        "form": form,
        "token": Token.objects.filter(user=user).first(),
        "new_token": new_token,
    }
    return render(request, "registration/account.html", context, status=400 if form.errors else 200)


class SignIn(auth.LoginView):
    """Signing in; it says where a new password comes from in this installation."""

    redirect_authenticated_user = True
    extra_context = {"mail": settings.MAIL_IS_SET_UP}


class PasswordChange(auth.PasswordChangeView):
    """The other sessions of the account end."""

    template_name = "registration/password.html"
    success_url = reverse_lazy("account")

    def form_valid(self, form: Any) -> HttpResponse:
        Token.objects.filter(user=form.user).delete()  # whoever had the old password may have it
        messages.success(self.request, "The password is changed. Other sessions and your token have ended.")
        return super().form_valid(form)


class PasswordReset(auth.PasswordResetView):
    """A link by e-mail, where the installation sends any; the answer is the same for every address."""

    template_name = "registration/reset.html"
    email_template_name = "registration/reset_email.txt"
    subject_template_name = "registration/reset_subject.txt"
    success_url = reverse_lazy("password-reset-sent")

    def dispatch(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not settings.MAIL_IS_SET_UP:
            raise Http404
        return super().dispatch(*args, **kwargs)


class PasswordResetSent(auth.PasswordResetDoneView):
    template_name = "registration/reset_sent.html"


class PasswordResetConfirm(auth.PasswordResetConfirmView):
    """What the link opens, from an e-mail or from a lead: it works once."""

    template_name = "registration/reset_confirm.html"
    success_url = reverse_lazy("login")

    def form_valid(self, form: Any) -> HttpResponse:
        Token.objects.filter(user=form.user).delete()
        messages.success(self.request, "The password is changed. Sign in with it.")
        return super().form_valid(form)
