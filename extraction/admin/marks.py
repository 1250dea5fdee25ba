"""How the admin's lists write a value, a state and a two-line name."""

from __future__ import annotations

import re
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString

from extraction.models import Choice, Discrepancy, Trial
from extraction.states import Status

MINUS: Final = re.compile(r"(?<![\w–-])-(?=[\d.])")  # a sign, not the hyphen of "follow-up"

TRIAL_MARKS: Final = {
    Status.ENTERING: ("", "half"),
    Status.ALIGNING: ("warn", "swap"),
    Status.ADJUDICATING: ("warn", "alert"),
    Status.AGREED: ("ask", "next"),
    Status.APPROVED: ("ok", "seal"),
}


def printed(text: str) -> str:
    """As a report prints it: a minus is "−" on the page and "-" in what is stored."""
    return MINUS.sub("−", text)


def mark(kind: str, icon: str, words: str) -> SafeString:
    """A state: icon, word and colour; never colour alone. Kinds: ok, warn, ask, or none."""
    return format_html(
        '<span class="state{}"><svg viewBox="0 0 16 16" width="13" height="13" aria-hidden="true">'
        '<use href="#i-{}"/></svg>{}</span>',
        f" state-{kind}" if kind else "",
        icon,
        words,
    )


def two_lines(first: str, second: str) -> SafeString:
    return format_html("{}<small>{}</small>", first, second)


def trial_state(trial: Trial) -> SafeString:
    if trial.excluded_at:
        return mark("", "x", "Excluded")
    kind, icon = TRIAL_MARKS[Status(trial.status)]
    words = trial.get_status_display()
    return mark(kind, icon, f"{words}, under revision" if trial.under_revision else words)


def discrepancy_state(row: Discrepancy, choice: str | None) -> SafeString:
    """`choice`: what the newest decision says, where there is one."""
    if row.superseded:
        return mark("", "undo", "Superseded")
    if row.state == Discrepancy.State.OPEN:
        return mark("warn", "alert", "Open")
    if row.state == Discrepancy.State.ACCEPTED:
        return mark("", "eq", f"{row.takes} taken by itself")
    taken = f"{choice} taken" if choice in {Choice.A, Choice.B} else Choice(choice or Choice.OTHER).label
    return mark("ok", "check", taken)
