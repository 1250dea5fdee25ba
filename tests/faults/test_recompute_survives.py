"""Nothing lost, nothing stale shown as fresh: a broker that is away, a worker that is killed. With real processes."""

from __future__ import annotations

import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.installation import Installation, installed

pytestmark = pytest.mark.slow

KILLS = 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / f"faults{random.randrange(10**9)}"
    made.mkdir()
    return made


def test_approving_costs_no_waiting_while_the_broker_folder_is_away_and_the_result_comes_by_itself(folder: Path):
    with installed(folder) as here:
        here.start_worker()
        here.wait_until_fresh(60)
        # given a broker folder into which nothing can be written, not even by root
        shutil.move(folder / "broker", folder / "broker-away")
        (folder / "broker").write_text("a file where the folder should be")
        # when a trial is approved
        answer = here.run("approve_next")
        assert (answer["status"], answer["approved"]) == (302, True)
        assert answer["seconds"] < 1.5
        assert not here.run("state")["fresh"], "stale shown as fresh"
        # then, once the folder is back, the result arrives without anybody asking
        (folder / "broker").unlink()
        shutil.move(folder / "broker-away", folder / "broker")
        fresh = here.wait_until_fresh(60)
        print(f"\napproved in {answer['seconds']:.2f} s, fresh {fresh:.1f} s after the folder was back")


@pytest.fixture
def redis() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server on this machine")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = redis_at(port)
    yield f"redis://127.0.0.1:{port}/0", server
    server.kill()


def redis_at(port: int) -> subprocess.Popen[bytes]:
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server
        time.sleep(0.05)
    raise AssertionError("redis-server does not start")


def test_approving_costs_no_waiting_while_redis_is_stopped_and_the_result_comes_by_itself(folder: Path, redis):
    url, server = redis
    with installed(folder, url) as here:
        here.start_worker()
        here.wait_until_fresh(60)
        server.kill()
        server.wait()
        answer = here.run("approve_next")
        assert (answer["status"], answer["approved"]) == (302, True)
        assert answer["seconds"] < 1.5
        assert not here.run("state")["fresh"], "stale shown as fresh"
        again = redis_at(int(url.rsplit(":", 1)[1].split("/")[0]))
        try:
            fresh = here.wait_until_fresh(60)
            print(f"\napproved in {answer['seconds']:.2f} s, fresh {fresh:.1f} s after Redis was back")
        finally:
            here.kill_worker()
            again.kill()


def test_a_worker_killed_in_the_middle_of_a_recompute_loses_and_doubles_nothing(folder: Path):
    with installed(folder) as here:
        here.start_worker()
        here.wait_until_fresh(60)
        caught = _kill_again_and_again(here)
        last = here.wait_until_fresh(60)
        state = here.run("state")
        assert state["doubled"] == 0
        assert state["done"] == state["wanted"]
        assert caught >= KILLS // 2, f"only {caught} of {KILLS} kills met a recompute at work"
        print(f"\n{KILLS} kills, {caught} in the middle of a recompute; fresh {last:.1f} s after the last one")


def _kill_again_and_again(here: Installation) -> int:
    caught = 0
    generations: dict[str, int] = {}
    for _ in range(KILLS):
        caught += here.run("kill_in_the_middle", group=here.workers[-1].pid)["caught"]
        here.kill_worker()  # what is dead is forgotten
        now = here.run("state")["generations"]
        assert all(now[name] >= number for name, number in generations.items()), "an older result over a newer one"
        generations = now
        here.start_worker()
    return caught
