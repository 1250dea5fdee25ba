"""The log tells what happened to which id, never a value: a log must not unblind anybody."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from types import TracebackType
from typing import Any


class WithoutValues(logging.Formatter):
    """Prints where an exception was raised and of which kind, and leaves out what it says.

    The text of an exception often quotes data: a unique violation of PostgreSQL names the offending value.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s [%(process)d] %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        shown = {**record.__dict__, "exc_text": None}  # which a formatter before this one may have filled
        if isinstance(record.args, Mapping) and "exc" in record.args:  # Celery words its failures so
            shown["args"] = {**record.args, "exc": "(not shown)"}
        return super().format(logging.makeLogRecord(shown))

    def formatException(  # noqa: N802  (logging's name)
        self, ei: tuple[Any, BaseException | None, TracebackType | None]
    ) -> str:
        lines: list[str] = []
        error: BaseException | None = ei[1]
        while error is not None:
            frames = traceback.format_list(traceback.extract_tb(error.__traceback__))
            lines.append("".join(frames) + f"{type(error).__module__}.{type(error).__qualname__}")
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\n-- raised while handling --\n".join(reversed(lines))
