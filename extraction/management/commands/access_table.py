"""Write docs/access.md from the one table in `extraction.access`, or check that it is as written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from extraction.access import ALWAYS, Act, Rule, Thing, Who, table_by_thing
from extraction.states import Status

HEAD = """# Who may see and do what

Printed from `extraction/access.py` by `manage.py access_table`; `make check` fails when the two differ.

A person who holds or held slot A or B of a trial is an extractor for that trial and nothing else, whatever their other
roles. A superuser is no exception. “The trial is” names the states in which a line holds; “any” is every state.

| what | who | may | while the trial is |
|---|---|---|---|
"""


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Fail if docs/access.md is not as the table says.")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        path = Path(settings.BASE_DIR) / "docs" / "access.md"
        wanted = document()
        if not check:
            path.write_text(wanted, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != wanted:
            raise CommandError("docs/access.md is not as extraction/access.py says: run `manage.py access_table`.")


def document() -> str:
    lines = [line(rule) for rules in table_by_thing().values() for rule in rules]
    return HEAD + "\n".join(lines) + "\n"


def line(rule: Rule) -> str:
    states = "any" if rule.states == ALWAYS else ", ".join(s.label.lower() for s in Status if s in rule.states)
    if rule.if_partner_shown:
        states += "; where the review shows the partner's entry"
    if rule.frozen_only:
        states += "; approved versions only"
    return f"| {Thing(rule.thing).label} | {Who(rule.who).label} | {Act(rule.act).label} | {states} |"
