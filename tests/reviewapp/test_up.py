"""`manage.py up`, for real: on a data folder of its own, with a web server, a worker, and signals."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import TypeVar

import pytest
from django.core.management.base import CommandError
from pytest_django import Settings

from reviewapp import embedded
from reviewapp.embedded import BASE_DIR
from reviewapp.management.commands import up
from reviewapp.management.commands.up import Command
from reviewapp.processes import Process
from tests.factories import ReviewFactory

T = TypeVar("T")

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="looks processes up in /proc, as Linux has it"
)

WITHIN = 120  # seconds for anything to happen on a busy machine


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(ask: Callable[[], T], seconds: float = WITHIN) -> T:
    """The first truthy answer."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"nothing happened within {seconds} s"
        time.sleep(0.1)
    return answer


def group_is_alive(group: int) -> bool:
    """Whether a process of the group runs. What is dead and waits for its parent to notice does not count."""
    for stat_file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            state, _, its_group = stat_file.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state != "Z":
                return True
    return False


class Installation:
    """One data folder and what runs on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "var"
        self.port = free_port()
        self.printed = folder / "printed"
        self.parent: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        with self.printed.open("wb") as out:
            self.parent = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--no-demo", f"--port={self.port}"],
                cwd=BASE_DIR,
                env={"PATH": os.environ["PATH"], "DATA_DIR": str(self.folder), "SWEEP_SECONDS": "1"},
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        return self.parent

    def pid(self, name: str) -> int:
        try:
            return int((self.folder / f"{name}.pid").read_text())
        except (FileNotFoundError, ValueError):
            return 0

    def health(self) -> dict[str, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            return dict(json.load(error))
        except (urllib.error.URLError, OSError):
            return {}

    def says(self, text: str) -> bool:
        return text in self.printed.read_text()

    def stop(self) -> int:
        assert self.parent is not None
        self.parent.terminate()
        return self.parent.wait(WITHIN)


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path)
    yield installation
    if installation.parent is not None and installation.parent.poll() is None:
        installation.parent.kill()
    for name in ("web", "worker"):
        if pid := installation.pid(name):
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


@pytest.mark.slow
def test_up_starts_everything_restarts_what_dies_stops_on_a_signal_and_starts_again(installation: Installation) -> None:
    # when it starts on an empty folder
    installation.start()
    until(lambda: installation.says("Ready: http://127.0.0.1"))
    # then the parts work, and the secret belongs to its owner alone
    assert until(installation.health) == {"database": "ok", "broker": "ok", "recompute": "ok"}
    secret = (installation.folder / "secret-key").read_text()
    assert stat.S_IMODE((installation.folder / "secret-key").stat().st_mode) == 0o600
    assert stat.S_IMODE(installation.folder.stat().st_mode) == 0o700

    # when the worker is killed, main process and all
    worker = until(lambda: installation.pid("worker"))
    os.kill(worker, signal.SIGKILL)
    # then a new one runs, and nothing is left of the old one
    new = until(lambda: installation.pid("worker") != worker and installation.pid("worker"))
    assert not group_is_alive(worker)
    # when the web server is killed
    web = installation.pid("web")
    os.kill(web, signal.SIGKILL)
    # then a new one answers
    until(lambda: installation.pid("web") != web and installation.health())

    # when a second one is started on the same folder
    second = subprocess.run(
        [sys.executable, "manage.py", "up", f"--port={free_port()}"],
        cwd=BASE_DIR,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(installation.folder)},
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    # then it says why it does not run
    assert second.returncode != 0
    assert "running already" in second.stderr

    # when it is told to stop
    web, new = installation.pid("web"), installation.pid("worker")
    assert installation.stop() == 0
    # then nothing runs on
    assert not group_is_alive(web)
    assert not group_is_alive(new)
    assert not list(installation.folder.glob("*.pid"))

    # when it is started again
    installation.start()
    until(lambda: installation.says("Ready: http://127.0.0.1"))
    # then it is with the same secret
    assert (installation.folder / "secret-key").read_text() == secret
    assert installation.stop() == 0


# --- Its parts, in this process -------------------------------------------------------------------------------------

ANSWERS_ANYTHING = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *args): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture
def command(settings: Settings, tmp_path: Path) -> Iterator[Command]:
    settings.DATA_DIR = tmp_path
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield Command(stdout=StringIO(), stderr=StringIO(), no_color=True)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def printed_by(command: Command) -> str:
    text: str = command.stdout.getvalue()
    return text


def child(tmp_path: Path, name: str, program: str, *arguments: str) -> Process:
    return Process(name, [sys.executable, "-c", program, *arguments], pid_folder=tmp_path, cwd=tmp_path)


def test_it_announces_the_address_and_the_accounts_restarts_and_stops(command: Command, tmp_path: Path) -> None:
    # given a web server that answers, a worker, and accounts of a demo
    port = free_port()
    (tmp_path / "demo-accounts.txt").write_text("  lead  s3cret\n")
    web, worker = (
        child(tmp_path, "web", ANSWERS_ANYTHING, str(port)),
        child(tmp_path, "worker", "import time; time.sleep(99)"),
    )

    def meanwhile() -> None:
        until(lambda: "Ready" in printed_by(command))
        first = int((tmp_path / "worker.pid").read_text())
        os.killpg(first, signal.SIGKILL)
        until(lambda: (tmp_path / "worker.pid").read_text() not in ("", f"{first}\n"))
        os.kill(os.getpid(), signal.SIGTERM)

    # when they run, the worker is killed once, and then a signal asks to stop
    thread = Thread(target=meanwhile, daemon=True)
    thread.start()
    command.run([web, worker], f"http://127.0.0.1:{port}")
    thread.join(5)
    # then all that was told, and nothing runs
    printed = printed_by(command)
    assert f"Ready: http://127.0.0.1:{port}" in printed
    assert "s3cret" in printed
    assert "The worker died (SIGKILL)" in printed
    assert printed.endswith("Stopped.\n")
    assert not list(tmp_path.glob("*.pid"))


def test_a_server_that_does_not_start_is_told_at_once_and_the_rest_is_stopped(command: Command, tmp_path: Path) -> None:
    web, worker = (
        child(tmp_path, "web", "raise SystemExit(3)"),
        child(tmp_path, "worker", "import time; time.sleep(99)"),
    )
    with pytest.raises(CommandError, match=r"The web does not start \(exit code 3\)"):
        command.run([worker, web], f"http://127.0.0.1:{free_port()}")
    assert worker.child is not None
    assert worker.child.poll() is not None


def test_a_server_that_never_answers_is_given_up(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up, "START_WITHIN", 0.3)
    with pytest.raises(CommandError, match="did not answer"):
        command.run([child(tmp_path, "web", "import time; time.sleep(99)")], f"http://127.0.0.1:{free_port()}")


def test_two_signals_stop_at_once(command: Command) -> None:
    command.stopping = False
    command.stop(signal.SIGTERM, None)
    with pytest.raises(KeyboardInterrupt):
        command.stop(signal.SIGTERM, None)


@pytest.mark.django_db
def test_the_demo_is_loaded_on_the_first_start_only(
    command: Command, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BROKER_DIR = tmp_path / "broker"
    settings.STATIC_ROOT = str(tmp_path / "static")
    called: list[str] = []
    monkeypatch.setattr(up, "call_command", lambda name, **_: called.append(name))
    (tmp_path / "static").mkdir()
    command.make_ready(demo=True)
    assert called == ["migrate", "collectstatic", "load_demo"]
    ReviewFactory.create()
    called.clear()
    command.make_ready(demo=True)
    assert called == ["migrate"]
    called.clear()
    command.make_ready(demo=False)
    assert called == ["migrate"]


def test_it_must_be_started_by_manage_py(command: Command, settings: Settings) -> None:
    settings.PLAIN_HTTP = False
    with pytest.raises(CommandError, match=r"python manage\.py up"):
        command.handle(port=free_port(), no_demo=True)


def test_handle_locks_the_folder_asks_for_the_port_and_tells_an_interruption(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "make_ready", interrupted)
    monkeypatch.setattr(os, "umask", lambda mask: 0)
    with pytest.raises(CommandError, match="Interrupted"):
        command.handle(port=free_port(), no_demo=True)


def test_one_folder_is_for_one_at_a_time(tmp_path: Path) -> None:
    with up.only_one(tmp_path / "up.lock"), pytest.raises(CommandError, match="running already"):
        up.only_one(tmp_path / "up.lock")
    up.only_one(tmp_path / "up.lock").close()


def test_the_data_folder_is_made_and_plain_http_allowed_for_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SECRET_KEY", "SECRET_KEY_FILE", "PLAIN_HTTP"):
        monkeypatch.setenv(name, "to be restored")
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "var"))
    embedded.prepare()
    assert os.environ["PLAIN_HTTP"] == "1"
    assert (tmp_path / "var" / "secret-key").exists()


def test_the_children_are_gunicorn_on_loopback_and_a_worker_with_beat() -> None:
    assert "--bind=127.0.0.1:8123" in up.web(8123).command
    assert "--beat" in up.worker().command


def test_a_taken_port_is_told_with_another_to_try(installation: Installation) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", installation.port))
        taken.listen()
        assert installation.start().wait(WITHIN) != 0
    assert installation.says(f"Port {installation.port} is taken")
    assert re.search(r"PORT=\d+ make run", installation.printed.read_text())


def test_a_child_that_keeps_dying_is_started_with_growing_pauses(tmp_path: Path) -> None:
    # given a child that dies at once
    process = Process("child", [sys.executable, "-c", "raise SystemExit(3)"], pid_folder=tmp_path, cwd=tmp_path)
    deaths: list[str] = []
    pauses: list[float] = []
    # when it is kept alive for a few deaths
    while len(deaths) < 3:
        if (died := process.keep_alive()) is not None:
            deaths.append(died)
            pauses.append(process.pause)
            process.not_before = 0.0  # without waiting here
        time.sleep(0.01)
    # then it says how it died, and waits longer each time, up to half a minute
    assert deaths == ["exit code 3"] * 3
    assert pauses == [1.0, 2.0, 4.0]
    process.pause = 20.0
    until(lambda: process.keep_alive() or process.keep_alive())
    assert process.pause == 30.0
    process.kill()


def test_a_child_that_does_not_end_when_asked_is_ended_with_all_it_started(tmp_path: Path) -> None:
    # given a child that ignores being asked, and has a child of its own
    program = "import signal, subprocess, time; signal.signal(15, signal.SIG_IGN); subprocess.Popen(['sleep', '60'])"
    process = Process("child", [sys.executable, "-c", f"{program}; time.sleep(60)"], pid_folder=tmp_path, cwd=tmp_path)
    assert process.keep_alive() is None
    pid = int((tmp_path / "child.pid").read_text())
    time.sleep(0.5)
    # when it is asked, and then made, to stop
    process.ask_to_stop()
    process.wait(0.2)
    assert group_is_alive(pid)
    process.kill()
    # then its whole group is gone
    until(lambda: not group_is_alive(pid), 5)
    assert not (tmp_path / "child.pid").exists()
