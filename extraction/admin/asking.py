"""The page between choosing rows and acting on them: what it is about, a form, one button. Nothing changes on GET."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse

from extraction.admin.blinded import Base
from extraction.errors import ExtractionError

ANSWERED = "answered"  # in the POST of the second page
MOST_TOLD = 10  # refusals shown one by one


class ReasonForm(forms.Form):
    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), max_length=300)

    def __init__(self, *args: Any, help_text: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = help_text


def answer(request: HttpRequest) -> Any:
    """What was answered on the page, or None when it has not been shown yet."""
    return request.POST if ANSWERED in request.POST else None


def ask(
    model_admin: Base,
    request: HttpRequest,
    form: forms.Form,
    *,
    title: str,
    button: str,
    rows: QuerySet[Any] | None = None,
    action: str = "",
    note: str = "",
    lines: Sequence[object] | None = None,
) -> TemplateResponse:
    """Show the page. With `rows` it answers to `action` of the change list, else to its own address.

    `lines` is how the rows are written, where their names alone say too little.
    """
    found = list(rows) if rows is not None else []
    context = {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "form": form,
        "note": note,
        "button": button,
        "lines": found if lines is None else lines,
        "hidden": [(ACTION_CHECKBOX_NAME, row.pk) for row in found],
        "action": action,
        "answered": ANSWERED,
        "opts": model_admin.opts,
    }
    return TemplateResponse(request, "admin/extraction/ask.html", context)


def each(model_admin: Base, request: HttpRequest, rows: Iterable[Any], act: Callable[[Any], object], done: str) -> None:
    """Do `act` to each row on its own and tell what became of it: one refusal stops no other row."""
    outcomes: list[tuple[object, ExtractionError | None]] = []
    for row in rows:
        try:
            act(row)
        except ExtractionError as refusal:
            outcomes.append((row, refusal))
        else:
            outcomes.append((row, None))
    tell(model_admin, request, outcomes, done)


def tell(
    model_admin: Base,
    request: HttpRequest,
    outcomes: Sequence[tuple[object, ExtractionError | None]],
    done: str,
) -> None:
    """`done` with its count, as in "3 trials approved", then each refusal beside its row."""
    refusals = [(row, refusal) for row, refusal in outcomes if refusal is not None]
    succeeded = len(outcomes) - len(refusals)
    if succeeded:
        model_admin.message_user(request, counted(model_admin, succeeded, done), messages.SUCCESS)
    for row, refusal in refusals[:MOST_TOLD]:
        model_admin.message_user(request, f"{row}: {refusal}", messages.ERROR)
    if len(refusals) > MOST_TOLD:
        rest = counted(model_admin, len(refusals) - MOST_TOLD, "refused")
        model_admin.message_user(request, f"And {rest} for reasons like these.", messages.ERROR)


def counted(model_admin: Base, count: int, words: str) -> str:
    opts = model_admin.opts
    return f"{count} {opts.verbose_name if count == 1 else opts.verbose_name_plural} {words}"
