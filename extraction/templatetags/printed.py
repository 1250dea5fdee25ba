"""Numbers on a page: a minus is "−" there and "-" in what is stored."""

from __future__ import annotations

import re
from typing import Final

from django.template import Library

register = Library()

A_SIGN: Final = re.compile(r"(?<![\w–-])-(?=[\d.])")  # not the hyphen of "follow-up"


@register.filter
def printed(text: object) -> str:
    return A_SIGN.sub("−", str(text))
