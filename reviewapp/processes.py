"""A child process that is started again when it dies."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

LONGEST_PAUSE = 30.0  # seconds between two starts
STEADY_AFTER = 60.0  # seconds of life after which a death is news again, not a repetition


class Process:
    """One child in a session of its own, so that Ctrl+C in the terminal reaches the parent alone.

    Its process id is in the file `<name>.pid`.
    """

    def __init__(self, name: str, command: list[str], *, pid_folder: Path, cwd: Path) -> None:
        self.name = name
        self.command = command
        self.pid_file = pid_folder / f"{name}.pid"
        self.cwd = cwd
        self.child: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.not_before = 0.0
        self.pause = 0.0

    def keep_alive(self) -> str | None:
        """Start the child where none lives, after a pause that grows; how it died, when it has."""
        if self.child is not None and self.child.poll() is None:
            return None
        now = time.monotonic()
        died = None
        if self.child is not None:
            self.kill_group()  # what a killed parent left behind
            steady = now - self.started > STEADY_AFTER
            self.pause = 0.0 if steady else min(max(1.0, self.pause * 2), LONGEST_PAUSE)
            self.not_before = now + self.pause
            died = describe(self.child.returncode)
            self.child = None
        if now >= self.not_before:
            self.child = subprocess.Popen(self.command, cwd=self.cwd, start_new_session=True)  # noqa: S603  (ours)
            self.started = now
            self.pid_file.write_text(f"{self.child.pid}\n", encoding="utf-8")
        return died

    def ask_to_stop(self) -> None:
        if self.child is not None and self.child.poll() is None:
            self.child.terminate()

    def wait(self, seconds: float) -> None:
        if self.child is not None:
            with suppress(subprocess.TimeoutExpired):
                self.child.wait(seconds)

    def kill(self) -> None:
        """End what still runs, with all it started."""
        if self.child is not None:
            self.kill_group()
            self.child.wait()
        self.pid_file.unlink(missing_ok=True)

    def kill_group(self) -> None:
        if self.child is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGKILL)


def describe(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
