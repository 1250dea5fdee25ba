"""The pages on results, as a person reads them."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from django.test import Client
from django.urls import reverse

from extraction.models import User


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(user: User, name: str, *args: Any, **query: str) -> str:
    response = signed_in(user).get(reverse(f"analysis:{name}", args=args), query)
    assert response.status_code == 200
    return response.content.decode()


def text(html: str) -> str:
    """What a reader reads, in one line."""

    class Words(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.words: list[str] = []

        def handle_data(self, data: str) -> None:
            self.words.append(data)

    words = Words()
    words.feed(html)
    return " ".join(" ".join(words.words).split())
