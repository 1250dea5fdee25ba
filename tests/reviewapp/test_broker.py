"""The folder broker: nothing is read half-written, nothing is taken twice, nothing piles up."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection, Exchange, Queue
from kombu.exceptions import OperationalError

from reviewapp import broker
from reviewapp.celery import app

MESSAGES = 500  # of each producer
QUEUE = Queue("reviewapp", Exchange("reviewapp", type="direct"), routing_key="reviewapp")


def connect(folder: Path) -> Connection:
    options = {**broker.transport_options(folder, polling_interval=0.01), "max_retries": 0}
    return Connection(f"{broker.SCHEME}://", transport_options=options)


def produce(folder: Path, name: str) -> None:
    with connect(folder) as connection:
        producer = connection.Producer()
        for number in range(MESSAGES):
            producer.publish(
                {"id": f"{name}{number}", "padding": "x" * 2000},
                exchange=QUEUE.exchange,
                routing_key=QUEUE.routing_key,
                declare=[QUEUE],
            )


def consume(folder: Path, expected: int, taken: Any, received: Any) -> None:
    """Take messages until all processes together have taken as many as were sent, or a minute has passed."""
    deadline = time.monotonic() + 60
    with connect(folder) as connection:
        channel: Any = connection.channel()
        QUEUE(channel).declare()
        while taken.value < expected and time.monotonic() < deadline:
            try:
                message = channel._get(QUEUE.name)
            except Empty:
                continue
            received.put(json.loads(message_body(message))["id"])
            with taken.get_lock():
                taken.value += 1


def message_body(message: dict[str, Any]) -> str:
    import base64

    return base64.b64decode(message["body"]).decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "broker"


@pytest.fixture
def channel(folder: Path) -> Iterator[Any]:
    with connect(folder) as connection:
        yield connection.channel()


def test_two_producers_and_two_consumers_lose_and_double_no_message(folder: Path) -> None:
    # given two producers and two consumers, each in a process of its own, on one folder
    context = multiprocessing.get_context("spawn")
    taken, received = context.Value("i", 0), context.Queue()
    expected = 2 * MESSAGES
    processes = [context.Process(target=produce, args=(folder, name)) for name in "ab"]
    processes += [context.Process(target=consume, args=(folder, expected, taken, received)) for _ in "ab"]
    # when all run at the same time
    for process in processes:
        process.start()
    ids = Counter(received.get(timeout=90) for _ in range(expected))
    for process in processes:
        process.join(30)
    # then every message arrived once, and nothing is left on the disk
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    assert ids == Counter(f"{name}{number}" for name in "ab" for number in range(MESSAGES))
    assert not list((folder / "messages").iterdir())
    assert not list((folder / "claimed").iterdir())


def test_messages_come_out_in_the_order_in_which_they_went_in(channel: Any) -> None:
    # given three messages, put at different milliseconds
    for number in range(3):
        channel._put("reviewapp", {"number": number})
        time.sleep(0.002)
    # when they are fetched
    numbers = [channel._get("reviewapp")["number"] for _ in range(3)]
    # then the first is first, and then there is none
    assert numbers == [0, 1, 2]
    with pytest.raises(Empty):
        channel._get("reviewapp")


def test_a_half_written_message_is_not_seen(channel: Any, folder: Path) -> None:
    # given a file under the hidden name that a writer uses until it is complete
    (folder / "messages" / ".000000000000001_x.reviewapp.msg.abc.part").write_text('{"half')
    # when a consumer looks
    with pytest.raises(Empty):
        channel._get("reviewapp")


def test_a_broken_message_is_dropped_and_the_next_one_served(channel: Any, folder: Path) -> None:
    # given a file that is not JSON before a good message
    (folder / "messages" / "000000000000001_x.reviewapp.msg").write_text("")
    channel._put("reviewapp", {"good": True})
    # when a consumer fetches
    message = channel._get("reviewapp")
    # then it gets the good one, and the broken one is gone
    assert message == {"good": True}
    assert not list((folder / "messages").iterdir())


def test_a_queue_gets_its_own_messages_only(channel: Any) -> None:
    # given a message of another queue
    channel._put("other", {"number": 1})
    # when this queue is asked
    with pytest.raises(Empty):
        channel._get("reviewapp")
    # then the other still has it
    assert channel._size("other") == 1


def test_binding_twice_is_once_and_deleting_a_queue_unbinds_it(channel: Any) -> None:
    # given two queues bound to one exchange, one of them twice
    for queue in ("first", "second", "first"):
        channel._queue_bind("exchange", "key", "", queue)
    assert sorted(binding.queue for binding in channel.get_table("exchange")) == ["first", "second"]
    # when the first is deleted
    channel._put("first", {"number": 1})
    channel._delete("first", "exchange", "key", "")
    # then its messages and its binding are gone
    assert [binding.queue for binding in channel.get_table("exchange")] == ["second"]
    assert channel._size("first") == 0


def test_leftovers_go_when_they_are_old_and_stay_when_they_are_young(channel: Any, folder: Path) -> None:
    # given an old claimed message, an old half-written one, an exchange and a young message
    old = [folder / "claimed" / "1.reviewapp.msg", folder / "messages" / ".1.reviewapp.msg.x.part"]
    channel._queue_bind("exchange", "key", "", "reviewapp")
    table = folder / "control" / "exchange.exchange"
    for path in old:
        path.write_text("{}")
    for path in [*old, table]:
        os.utime(path, (0, 0))
    channel._put("reviewapp", {"young": True})
    # when leftovers of more than an hour are removed
    removed = broker.remove_leftovers(folder, older_than=3600)
    # then only the two old messages went
    assert removed == 2
    assert not any(path.exists() for path in old)
    assert table.exists()
    assert channel._size("reviewapp") == 1


@pytest.mark.parametrize("since", ["the start", "it was connected"])
def test_sending_into_a_broken_folder_raises_at_once_what_the_nudge_catches(folder: Path, since: str) -> None:
    # given a folder that has become unusable, before or after the sender connected
    with connect(folder) as connection:
        if since == "it was connected":
            app.send_task("nothing", connection=connection)
            shutil.rmtree(folder)
        folder.write_text("in the way")
        # when a task is sent
        started = time.monotonic()
        with pytest.raises(OperationalError):
            app.send_task("nothing", connection=connection)
        # then the sender was not kept waiting
        assert time.monotonic() - started < 1.0


def test_a_failing_disk_counts_as_a_broken_connection_so_that_a_worker_waits_instead_of_dying(folder: Path) -> None:
    # given a consumer, whose folder then becomes unusable
    with connect(folder) as connection:
        channel: Any = connection.channel()
        shutil.rmtree(folder)
        # when it fetches, then what it gets is among what workers wait for to pass
        with pytest.raises(connection.recoverable_connection_errors):
            channel._get("reviewapp")
