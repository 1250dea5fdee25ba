"""Load the demo review and write the demo accounts, with passwords made for this installation, to a private file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from analysis.setup import create_default_syntheses
from analysis.specification import Measure
from extraction.demo.load import ACCOUNTS, load, make_people
from extraction.models import User


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.filter(username__in=[account.username for account in ACCOUNTS]).exists():
            raise CommandError("The demo accounts exist already; the demo is loaded once.")
        with transaction.atomic():  # all of the demo or none: an interrupted first start begins again
            people, passwords = make_people()
            review = load(people)
            create_default_syntheses(review.pk, by=people.lead, measure=Measure.CHANGE_G)
        write_accounts(Path(settings.DATA_DIR) / "demo-accounts.txt", passwords)
        self.stdout.write(f"Loaded “{review.title}”.")


def write_accounts(path: Path, passwords: dict[str, str]) -> None:
    width = max(map(len, passwords))
    lines = [f"  {a.username:<{width}}  {passwords[a.username]}   {a.what}" for a in ACCOUNTS]
    text = "Demo accounts (user name, password, role):\n" + "\n".join(lines) + "\n"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
