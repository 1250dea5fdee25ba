"""How the nets knock at an address, and when that counts as being kept out."""

from __future__ import annotations

from typing import Any

from django.test import Client

REFUSED = {401, 403, 404, 405}


def client_of(user: Any) -> Client:
    client = Client()
    if user.is_authenticated:
        client.force_login(user)
    return client


def kept_out(response: Any) -> bool:
    to_sign_in = response.status_code == 302 and "/login" in response["Location"]
    return response.status_code in REFUSED or to_sign_in


def post(client: Client, name: str, where: str, payload: dict[str, Any]) -> Any:
    return (
        client.post(where, payload, content_type="application/json") if "api-" in name else client.post(where, payload)
    )
