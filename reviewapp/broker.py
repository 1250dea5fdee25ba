"""A message broker that is a folder: kombu's filesystem transport, made atomic.

The stock transport opens a message under its final name before writing it, and writes its exchange tables
in place, so a reader in another process can meet an empty file and lose the message. Here everything is
written under a hidden name, synced and renamed. A message is claimed by renaming it within the same disk and
removed once read: nothing piles up. Messages are only nudges (what must happen is a row in the database), so
one that a killed worker held is not put back.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty
from typing import Any, ClassVar

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps, loads

logger = logging.getLogger(__name__)

SCHEME = "folder"
Binding = filesystem.exchange_queue_t
Table = list[Binding]


def transport_options(folder: Path, *, polling_interval: float) -> dict[str, Any]:
    """Options for a broker under `folder`; every sub-folder is on the same disk, so renames are atomic."""
    return {
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "processed_folder": str(folder / "claimed"),
        "control_folder": str(folder / "control"),
        "polling_interval": polling_interval,
    }


def write_whole(path: Path, content: str) -> None:
    """Write a file that appears complete or not at all, even after a power cut."""
    hidden = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    with hidden.open("w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    hidden.rename(path)


def remove_leftovers(folder: Path, *, older_than: float) -> int:
    """Remove messages nobody fetched and half-written files, in seconds of age. Returns how many."""
    limit = time.time() - older_than
    removed = 0
    for part in ("messages", "claimed", "control"):
        for path in (folder / part).glob(".*.part" if part == "control" else "*"):
            with suppress(FileNotFoundError):  # another process took it
                if path.stat().st_mtime < limit:
                    path.unlink()
                    removed += 1
    return removed


class Channel(filesystem.Channel):
    """One connection's view of the folder."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for folder in (self.data_folder_in, self.processed_folder, self.control_folder):
            Path(folder).mkdir(parents=True, exist_ok=True)

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        # Wall clock, not monotonic: the order survives a restart of the machine.
        name = f"{time.time_ns() // 1_000_000:015d}_{uuid.uuid4()}.{queue}.msg"
        write_whole(Path(self.data_folder_out) / name, dumps(payload))

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        for message in sorted(Path(self.data_folder_in).iterdir()):
            if message.name.startswith(".") or message.name.partition(".")[2] != f"{queue}.msg":
                continue
            mine = Path(self.processed_folder) / message.name
            try:
                message.rename(mine)
            except FileNotFoundError:
                continue  # another consumer was first
            text = mine.read_text(encoding="utf-8")
            mine.unlink()
            try:
                return loads(text)
            except ValueError:
                logger.error("A message of queue %s is not JSON and was dropped: %s", queue, message.name)
        raise Empty

    def get_table(self, exchange: str) -> Table:  # type: ignore[override]
        try:
            text = self._table_of(exchange).read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        return [Binding(*binding) for binding in loads(text)]

    def _table_of(self, exchange: str) -> Path:
        file: Path = self._exchange_file(exchange)  # type: ignore[attr-defined]  # missing in the stubs
        return file

    def _queue_bind(self, exchange: str, routing_key: str | None, pattern: str | None, queue: str | None) -> None:
        binding = Binding(routing_key or "", pattern or "", queue or "")
        self._rebind(exchange, lambda table: table if binding in table else [binding, *table])

    def _delete(self, queue: str, exchange: str, routing_key: str, pattern: str, *args: Any, **kwargs: Any) -> None:
        binding = Binding(routing_key or "", pattern or "", queue or "")
        self._purge(queue)
        self._rebind(exchange, lambda table: [other for other in table if other != binding])

    def _rebind(self, exchange: str, change: Callable[[Table], Table]) -> None:
        """Change an exchange's table; writers wait for each other, readers see the old one or the new one."""
        with self._exchanges_locked():
            table = self.get_table(exchange)
            changed = change(table)
            if changed != table:
                write_whole(self._table_of(exchange), dumps(changed))

    @contextmanager
    def _exchanges_locked(self) -> Iterator[None]:
        with (self.control_folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class Transport(filesystem.Transport):
    Channel = Channel
    # A disk that is full or away is a broker that is away: who sends is told, who receives waits and tries again.
    connection_errors = (*filesystem.Transport.connection_errors, OSError)
    default_connection_params: ClassVar[dict[str, Any]] = {}  # no host: kombu would warn that it takes localhost


TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
