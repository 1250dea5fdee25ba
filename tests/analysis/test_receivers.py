"""From a changed record to the workers: the wish is kept with the change, the message may be lost."""

from __future__ import annotations

import json
import logging
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.db import transaction

from analysis import receivers, tasks
from analysis.models import RecomputeRequest
from analysis.receivers import nudge
from extraction.models import Review, Trial
from extraction.signals import pooled_data_changed
from reviewapp.broker import transport_options


@pytest.fixture(autouse=True)
def _a_broker_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test begins with a broker that did not fail; Celery would prefer the environment's to the test's."""
    monkeypatch.setattr(receivers._quiet, "until", 0.0)
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)


def wanted(review: Review) -> int:
    return sum(RecomputeRequest.objects.filter(review=review).values_list("wanted", flat=True))


def test_the_signal_raises_the_wish_and_nudges_after_the_commit(
    review: Review, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    nudged: list[int] = []
    monkeypatch.setattr(receivers, "nudge", nudged.append)
    with django_capture_on_commit_callbacks(execute=True):
        pooled_data_changed.send(sender=Trial, review_id=review.pk)
        assert wanted(review) == 1
        assert nudged == []
    assert nudged == [review.pk]


def test_a_change_that_is_undone_takes_its_wish_with_it(review: Review) -> None:
    class Undone(Exception):
        pass

    def change_and_fail() -> None:
        with transaction.atomic():
            pooled_data_changed.send(sender=Trial, review_id=review.pk)
            raise Undone

    with pytest.raises(Undone):
        change_and_fail()
    assert wanted(review) == 0


def test_a_nudge_that_fails_undoes_nothing(
    review: Review, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def fails(review_id: int) -> None:
        raise OSError("no broker")

    monkeypatch.setattr(receivers, "nudge", fails)
    with django_capture_on_commit_callbacks(execute=True):
        pooled_data_changed.send(sender=Trial, review_id=review.pk)
    assert wanted(review) == 1


def application(url: str, options: dict[str, Any]) -> Celery:
    """An application like ours with another broker."""
    app = Celery("apart", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.update(broker_url=url, broker_transport_options=options)
    return app


def test_a_nudge_is_a_message_that_a_worker_can_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    app = application("folder://", transport_options(tmp_path, polling_interval=0.1))
    monkeypatch.setattr(receivers, "current_app", app)
    nudge(7)
    (message,) = (tmp_path / "messages").glob("*.msg")
    headers = json.loads(message.read_text())["headers"]
    assert (headers["task"], headers["argsrepr"]) == ("analysis.tasks.recompute_review", "(7,)")
    assert tasks.recompute_review.name == "analysis.tasks.recompute_review"


@pytest.mark.parametrize("broker", ["stopped", "mute", "folder"])
def test_a_broker_that_is_down_costs_a_second_at_most_and_is_logged(
    broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # given a Redis that is stopped, one that takes connections and says nothing, or a folder that is a file
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"redis://127.0.0.1:{mute.getsockname()[1]}/0"
        if broker == "stopped":
            mute.close()
        (tmp_path / "broker").write_text("a file in the place of the folder")
        app = application(url, {"socket_connect_timeout": 1})
        if broker == "folder":
            app = application("folder://", transport_options(tmp_path / "broker", polling_interval=0.2))
        else:
            pytest.importorskip("redis")
        monkeypatch.setattr(receivers, "current_app", app)
        # when the workers should be told
        began = time.perf_counter()
        with caplog.at_level(logging.ERROR, logger="analysis.receivers"):
            nudge(7)
        took = time.perf_counter() - began
    # then nothing is raised, little time is lost, and the log says so
    assert took < 1.2
    assert "No worker could be told about review 7" in caplog.text


def test_after_a_failure_the_broker_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # given a broker that failed once and works again
    (tmp_path / "file").write_text("")
    broken = application("folder://", transport_options(tmp_path / "file", polling_interval=0.1))
    works = application("folder://", transport_options(tmp_path / "folder", polling_interval=0.1))
    monkeypatch.setattr(receivers, "current_app", broken)
    nudge(7)
    monkeypatch.setattr(receivers, "current_app", works)
    # then the next nudge is left out, and a later one is sent
    nudge(7)
    assert not (tmp_path / "folder").exists()
    monkeypatch.setattr(receivers._quiet, "until", 0.0)
    nudge(7)
    assert len(list((tmp_path / "folder" / "messages").glob("*.msg"))) == 1
