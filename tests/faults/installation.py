"""An installation of its own for a test of faults: a data folder, a database, a broker, real workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class Installation:
    folder: Path
    broker: str = ""
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    database: str = ""

    @property
    def environment(self) -> dict[str, str]:
        told = {
            **os.environ,
            "DATA_DIR": str(self.folder),
            "SECRET_KEY": "only-for-tests",
            "PLAIN_HTTP": "1",
            "DJANGO_SETTINGS_MODULE": "reviewapp.settings",
            "SWEEP_SECONDS": "2",
            "RECOMPUTE_LEASE_SECONDS": "2",
            "PYTHONPATH": str(ROOT),
            "BROKER_KEY_PREFIX": f"{self.folder.name}-",
        }
        told.pop("DATABASE_URL", None)
        told.pop("CELERY_BROKER_URL", None)
        if self.database:
            told["DATABASE_URL"] = self.database
        if self.broker:
            told["CELERY_BROKER_URL"] = self.broker
        return told

    def run(self, *arguments: str, **said: Any) -> Any:
        """Run a function of tests.faults.acts in a process of its own; its answer."""
        command = [sys.executable, "-m", "tests.faults.acts", *arguments, json.dumps(said)]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-4000:]
        return json.loads(done.stdout.splitlines()[-1])

    def start_worker(self) -> None:
        command = [sys.executable, "-m", "celery", "--quiet", "--app=reviewapp", "worker", "--beat", "--concurrency=1"]
        command += ["--without-gossip", "--without-mingle", f"--schedule={self.folder / 'beat'}", "--loglevel=ERROR"]
        log = (self.folder / "worker.log").open("ab")
        self.workers.append(
            subprocess.Popen(command, cwd=ROOT, env=self.environment, start_new_session=True, stdout=log, stderr=log)
        )

    def kill_worker(self) -> None:
        """SIGKILL the worker with all its children."""
        for worker in self.workers:
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
                worker.wait(timeout=10)
        self.workers.clear()

    def wait_until_fresh(self, seconds: float) -> float:
        """Seconds until every result holds for the approved data; fails after so many."""
        start = time.monotonic()
        state: Any = None
        while time.monotonic() - start < seconds:
            state = self.run("state")
            if state["fresh"]:
                return time.monotonic() - start
            time.sleep(0.3)
        log = (self.folder / "worker.log").read_text()[-2000:]
        raise AssertionError(f"Not fresh after {seconds} s: {state}\n{log}")


@contextmanager
def installed(folder: Path, broker: str = "") -> Iterator[Installation]:
    """A migrated installation on the database kind of this test run, with a small review in it."""
    made = Installation(folder, broker)
    default = settings.DATABASES["default"]
    name = f"faults_{uuid4().hex[:12]}"
    if default["ENGINE"].endswith("postgresql"):
        made.database = f"postgres://{default['USER']}:{default['PASSWORD']}@{default['HOST']}:{default['PORT']}/{name}"
        _on_server(default, f'CREATE DATABASE "{name}"')
    try:
        for command in (["migrate", "-v0"], ["collectstatic", "--noinput", "-v0"]):
            subprocess.run(
                [sys.executable, "manage.py", *command], cwd=ROOT, env=made.environment, check=True, timeout=120
            )
        made.run("make")
        yield made
    finally:
        made.kill_worker()
        if made.database:
            _on_server(default, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _on_server(default: dict[str, Any], statement: str) -> None:
    import psycopg

    with psycopg.connect(
        host=default["HOST"], port=default["PORT"] or 5432, user=default["USER"], password=default["PASSWORD"],
        dbname="postgres", autocommit=True,
    ) as connection:  # fmt: skip
        connection.execute(statement)
