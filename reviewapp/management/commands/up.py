"""`manage.py up`: the whole application on this machine, in one terminal."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from types import FrameType
from typing import IO, Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from reviewapp import broker
from reviewapp.processes import Process

HOST = "127.0.0.1"
START_WITHIN = 120  # seconds, on a busy machine
STOP_WITHIN = 10  # seconds; a task that is cut off is picked up by the next start


class Command(BaseCommand):
    help = "Migrate, load the demo on the first start, run the web server and a worker until Ctrl+C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 8000))
        parser.add_argument("--no-demo", action="store_true", help="Do not load the demo review.")

    def handle(self, *args: Any, port: int, no_demo: bool, **options: Any) -> None:
        if not settings.PLAIN_HTTP:  # called from code, past manage.py
            raise CommandError("Start this as: python manage.py up")
        os.umask(0o077)
        try:
            with only_one(settings.DATA_DIR / "up.lock"):
                refuse_taken(port)
                self.make_ready(demo=not no_demo)
                self.run([web(port), worker()], f"http://{HOST}:{port}")
        except KeyboardInterrupt as error:
            raise CommandError("Interrupted.") from error

    def make_ready(self, *, demo: bool) -> None:
        """Bring the database and the files up to the code; on the first start, load the demo."""
        self.stdout.write(f"Data folder: {settings.DATA_DIR}")
        call_command("migrate", interactive=False, verbosity=0)
        collect_static()
        broker.remove_leftovers(settings.BROKER_DIR, older_than=24 * 3600)
        if demo:
            from extraction.models import Review

            if not Review.objects.exists():
                self.stdout.write("First start: loading the demo review …")
                self.stdout.flush()
                call_command("load_demo", stdout=self.stdout)

    def run(self, processes: list[Process], address: str) -> None:
        """Keep the processes alive until told to stop, then stop them all. Told twice: stop at once."""
        self.stopping = announced = False
        for signal_ in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signal_, self.stop)
        deadline = time.monotonic() + START_WITHIN
        try:
            while not self.stopping:
                for process in processes:
                    if (died := process.keep_alive()) is not None:
                        if not announced:
                            raise CommandError(f"The {process.name} does not start ({died}). See above.")
                        self.stdout.write(f"The {process.name} died ({died}); it is started again.")
                if not announced and answers(f"{address}/healthz/alive"):
                    self.announce(address)
                    announced = True
                if not announced and time.monotonic() > deadline:
                    raise CommandError(f"The web server did not answer within {START_WITHIN} s.")
                time.sleep(0.1 if not announced else 0.5)
        finally:
            self.stdout.write("\nStopping …")
            stop_together(processes)
            self.stdout.write("Stopped.")

    def stop(self, number: int, frame: FrameType | None) -> None:
        if self.stopping:
            raise KeyboardInterrupt
        self.stopping = True

    def announce(self, address: str) -> None:
        self.stdout.write(self.style.SUCCESS(f"\nReady: {address}"))
        with suppress(FileNotFoundError):
            self.stdout.write("\n" + (settings.DATA_DIR / "demo-accounts.txt").read_text(encoding="utf-8"))
        self.stdout.write("Stop with Ctrl+C.")
        self.stdout.flush()


def stop_together(processes: list[Process]) -> None:
    for process in processes:
        process.ask_to_stop()
    try:
        for process in processes:
            process.wait(STOP_WITHIN)
    finally:  # also when told twice
        for process in processes:
            process.kill()


def web(port: int) -> Process:
    gunicorn = [sys.executable, "-m", "gunicorn", "reviewapp.wsgi", f"--bind={HOST}:{port}"]
    how = ["--worker-class=gthread", "--workers=2", "--threads=4", "--timeout=120", "--log-level=warning"]
    return Process(
        "web",
        [*gunicorn, *how, "--preload", "--no-control-socket"],
        pid_folder=settings.DATA_DIR,
        cwd=settings.BASE_DIR,
    )


def worker() -> Process:
    """One worker with beat inside. No gossip: in a folder, nobody fetches what workers tell each other."""
    celery = [sys.executable, "-m", "celery", "--quiet", "--app=reviewapp", "worker", "--concurrency=2"]
    silent = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    return Process(
        "worker",
        [*celery, *silent, "--beat", f"--schedule={settings.DATA_DIR / 'beat-schedule'}"],
        pid_folder=settings.DATA_DIR,
        cwd=settings.BASE_DIR,
    )


def only_one(path: Path) -> IO[str]:
    """Lock the data folder: two would fight over one database and one broker. Closing the file lets go."""
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise CommandError(f"This is running already on {path.parent}. Stop it first (Ctrl+C there).") from error
    return file


def refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            message = f"Port {port} is taken by another program. Choose another one: PORT={port + 1} make run"
            raise CommandError(message) from error


def collect_static() -> None:
    """Collect and compress the files of pages when one of them has changed since the last time."""
    state = sha256(repr(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            facts = Path(storage.path(name)).stat()
            state.update(f"{name} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    stamp = Path(settings.STATIC_ROOT) / "collected"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != state.hexdigest():
        call_command("collectstatic", interactive=False, verbosity=0, clear=True)
        stamp.write_text(state.hexdigest(), encoding="utf-8")


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  (our own address)
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
