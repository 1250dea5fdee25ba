"""Entering a trial by hand: start, show, save, look over, submit, undo."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from extraction import enter
from extraction.access import Act, Thing, permitted
from extraction.errors import DuplicateRow, FieldProblem, IllegalMove, InvalidValues, NotADraft, StaleVersion
from extraction.forms.autosave import answer, save_what_can_be_read
from extraction.forms.entry import EntryForm
from extraction.forms.inputs import whole_number
from extraction.forms.paste import Reader
from extraction.looked_over import look_over
from extraction.models import Entry
from extraction.models.plain import rows_of
from extraction.sheet import blanks_of, sheet_of
from extraction.views.names import sure_spellings

SCRIPTS = ("page", "history", "autosave", "grid", "source", "checks", "paste")
MOST_PASTED = 100_000  # characters
CHECK = "check"  # the button that saves and goes on to submission


@require_POST
def entry_start(request: HttpRequest, pk: int) -> HttpResponse:
    entry = enter.start(pk, by=request.user)
    return redirect("extraction:entry", entry.pk)


@require_GET
def entry(request: HttpRequest, pk: UUID) -> HttpResponse:
    shown = shown_entry(request, pk)
    if not may_edit(request, shown):
        return render(
            request,
            "extraction/entry_read.html",
            {"review": shown.trial.review, "entry": shown, "sheet": sheet_of(shown)},
        )
    asked = request.GET
    part, also = whole_number(asked.get("part")) or 1, asked.get("also", "")
    return show(request, EntryForm(shown, request.user, part=part, also=also, opened=asked.get("open", "")))


@require_http_methods(["GET", "POST"])
def entry_save(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Save what was changed. A refusal shows the form as it was typed; another tab's change shows both."""
    if request.method != "POST":
        return redirect("extraction:entry", pk)  # reloaded, or come back from signing in
    shown = shown_entry(request, pk)
    form = sent_form(request, shown)
    try:
        enter.save(pk, form.changes(), by=request.user)
    except InvalidValues as refusal:
        form.show(refusal.problems)
        return show(request, form, status=refusal.status)
    except DuplicateRow as refusal:
        form.show([FieldProblem("entry", "", str(refusal))])
        return show(request, form, status=refusal.status)
    except (StaleVersion, NotADraft, IllegalMove) as refusal:
        return conflict(request, pk, refusal)
    then = request.POST.get("then", "")
    if then.startswith("keep:"):
        return keep(request, pk, then)
    if then == CHECK:
        return redirect("extraction:entry-check", pk)
    return HttpResponseRedirect(address(form, also=request.POST.get("then", "")))


def keep(request: HttpRequest, pk: UUID, then: str) -> HttpResponse:
    """Keep what a check warns of, for the reason that stands beside the button; both went with the form."""
    _, code, row, digest = [*then.split(":"), "", "", ""][:4]
    try:
        enter.keep(pk, code, row, request.POST.get(f"reason.{code}.{row}", ""), digest=digest, by=request.user)
    except InvalidValues as refusal:
        messages.warning(request, f"To keep it, {refusal.problems[0].message}")
    except StaleVersion as refusal:
        messages.info(request, str(refusal))
    return redirect("extraction:entry-check" if request.POST.get("from") == CHECK else "extraction:entry", pk)


@require_POST
def entry_autosave(request: HttpRequest, pk: UUID) -> JsonResponse:
    """Save the rows that were touched since the last time. Answers 409 where another tab was there first."""
    shown = shown_entry(request, pk)
    form = sent_form(request, shown)
    try:
        saved = save_what_can_be_read(form, request.user)
    except (InvalidValues, DuplicateRow, StaleVersion, NotADraft, IllegalMove) as refusal:
        said = refusal.problems[0].message if isinstance(refusal, InvalidValues) else str(refusal)
        return JsonResponse({"code": refusal.code, "message": said}, status=refusal.status)
    return JsonResponse(answer(saved, form, EntryForm(saved.entry, request.user)))


@require_POST
def entry_paste(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What is understood of a pasted block. Nothing is written: the page enters it once a person says so."""
    shown = shown_entry(request, pk)
    if not may_edit(request, shown):
        raise NotADraft("This entry is read-only.")
    form = sent_form(request, shown)
    sent = form.posted.data
    if not form.blocks or len(sent.get("pasted", "")) > MOST_PASTED:
        return HttpResponse(f"At most {MOST_PASTED} characters, into a grid that is there.", status=400)
    answers = {name.removeprefix("answer."): text for name, text in sent.items() if name.startswith("answer.")}
    read = Reader(form.blocks, answers).understand(sent.get("pasted", ""), sent.get("at", ""), sent.get("field", "n"))
    return render(request, "extraction/_pasted.html", {"read": read})


@require_GET
def entry_check(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What is still blank, before submitting. It warns and does not stop."""
    shown = shown_entry(request, pk)
    if not may_edit(request, shown):
        return redirect("extraction:entry", pk)
    sheet = sheet_of(shown)
    judged = look_over(shown, rows_of(shown), request.user)
    context = {
        "review": shown.trial.review,
        "entry": shown,
        "sheet": sheet,
        "has_values": bool(sheet.said or sheet.contrasts),
        "blanks": blanks_of(shown, sheet, request.user),
        "errors": [one for one in judged if one.is_error],
        "warnings": [one for one in judged if not one.is_error],
        "unexplained": sum(not one.is_error and one.is_open for one in judged),
    }
    return render(request, "extraction/entry_check.html", context)


@require_POST
def entry_submit(request: HttpRequest, pk: UUID) -> HttpResponse:
    submitted = enter.submit(pk, by=request.user, version=whole_number(request.POST.get("version")))
    return redirect("extraction:entry", submitted.pk)


@require_POST
def entry_undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    draft = enter.undo_submit(pk, by=request.user)
    return redirect("extraction:entry", draft.pk)


def shown_entry(request: HttpRequest, pk: UUID) -> Entry:
    return get_object_or_404(Entry.objects.visible_to(request.user).select_related("trial__review", "holder"), pk=pk)


def may_edit(request: HttpRequest, shown: Entry) -> bool:
    """A draft, by its holder, while the trial is being entered: what the table says."""
    allowed = Entry.objects.visible_to(request.user).filter(permitted(request.user, Act.EDIT, Thing.ENTRY, Entry.PATHS))
    return shown.is_draft and not shown.trial.excluded_at and allowed.filter(pk=shown.pk).exists()


def sent_form(request: HttpRequest, shown: Entry) -> EntryForm:
    data = {name: str(text) for name, text in request.POST.items()}
    return EntryForm(shown, request.user, data, whole_number(data.get("part")) or 1, data.get("also", ""))


def show(request: HttpRequest, form: EntryForm, status: int = 200) -> HttpResponse:
    context = {
        "review": form.entry.trial.review,
        "entry": form.entry,
        "trial": form.entry.trial,
        "form": form,
        "spellings": sure_spellings(request, form.entry.trial.review),
        "scripts": [f"reviewapp/js/workbench/{name}.js" for name in SCRIPTS],
    }
    return render(request, "extraction/entry.html", context, status=status)


def conflict(request: HttpRequest, pk: UUID, refusal: StaleVersion | NotADraft | IllegalMove) -> HttpResponse:
    """Both values, and the whole form to be sent again: neither is lost."""
    now = shown_entry(request, pk)
    form = sent_form(request, now)
    conflicts, editable = form.conflicts(), may_edit(request, now)
    context = {
        "review": now.trial.review,
        "entry": now,
        "refusal": refusal,
        "conflicts": conflicts,
        "editable": editable,
        "unsaved": [] if editable else form.touched(),
        "resend": form.resend(conflicts) if editable else [],
    }
    return render(request, "extraction/entry_conflict.html", context, status=refusal.status)


def address(form: EntryForm, also: str) -> str:
    """Back to the part that was saved; `also` asks for an outcome's other quantity, or for a cell's source."""
    asked = {}
    if form.part > 1:
        asked["part"] = str(form.part)
    for name in ("also", "open"):
        if also.startswith(f"{name}:"):
            asked[name] = also.removeprefix(f"{name}:")
    query = f"?{urlencode(asked)}" if asked else ""
    return reverse("extraction:entry", args=[form.entry.pk]) + query
