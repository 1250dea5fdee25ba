"""The administration as a person uses it: open a page, change what stands in its form, press a button."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client
from django.urls import reverse

from extraction.models import User
from tests.sent import sent


def signed_in(user: User) -> Client:
    """In the administration; the account becomes staff, which opens the door and nothing else."""
    if not user.is_staff:
        user.is_staff = True
        user.save()
    client = Client()
    client.force_login(user)
    return client


def address(row: Any, page: str = "change") -> str:
    """Of a page of a row, or of a page of a model."""
    opts = row._meta
    name = f"admin:{opts.app_label}_{opts.model_name}_{page}"
    return reverse(name) if isinstance(row, type) else reverse(name, args=[row.pk])


def form_of(client: Client, where: str, form_id: str = "") -> dict[str, str]:
    """What a browser would send for the page's main form, no button pressed."""
    page = client.get(where).content.decode()
    forms = re.findall(r"<form[^>]*>.*?</form>", page, flags=re.DOTALL)
    wanted = [form for form in forms if 'method="post"' in form and "logout-form" not in form]
    main = [form for form in wanted if f'id="{form_id}"' in form] if form_id else wanted[-1:]
    unpressed = re.sub(r'<input type="submit"[^>]*>', "", main[0])
    ticked_is_on = re.sub(r'(<input type="checkbox")(?![^>]* value=)', r'\1 value="on"', unpressed)
    return sent(ticked_is_on)


def act(client: Client, model: Any, action: str, rows: list[Any], **answers: Any) -> Any:
    """Choose rows of a list and an action; with answers, those of the page that asks before it acts."""
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    data |= {"answered": "1", **answers} if answers else {"index": "0"}
    return client.post(address(model, "changelist"), data, follow=True)


def told(response: Any) -> list[str]:
    """The messages on the page."""
    return [str(message) for message in response.context["messages"]] if response.context else []


def listed(client: Client, model: Any, **query: str) -> list[Any]:
    response = client.get(address(model, "changelist"), query)
    assert response.status_code == 200, response.status_code
    return list(response.context["cl"].result_list)
