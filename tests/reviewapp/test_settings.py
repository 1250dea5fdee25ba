"""The settings of a deploy, each in a process of its own: an environment goes in, what Django sees comes out."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reviewapp.embedded import BASE_DIR, write_secret

NAMES = [
    "ALLOWED_HOSTS",
    "AUTH_USER_MODEL",
    "CELERY_ACCEPT_CONTENT",
    "CELERY_BROKER_TRANSPORT_OPTIONS",
    "CELERY_BROKER_URL",
    "CELERY_TASK_SOFT_TIME_LIMIT",
    "CELERY_TASK_TIME_LIMIT",
    "CELERY_BEAT_SCHEDULE",
    "CSRF_COOKIE_SECURE",
    "DATABASES",
    "DEBUG",
    "SECRET_KEY",
    "SECURE_HSTS_SECONDS",
    "SECURE_SSL_REDIRECT",
    "SESSION_COOKIE_NAME",
    "SESSION_COOKIE_SECURE",
    "STORAGES",
]
PROGRAM = f"""
import json, reviewapp.settings as s
print(json.dumps({{name: getattr(s, name) for name in {NAMES!r}}}, default=str))
"""


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the project with this environment and the system's path, nothing else."""
    clean = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(
        [sys.executable, *command],
        cwd=BASE_DIR,
        env=clean,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def settings_of(data: Path, **environment: str) -> dict[str, Any]:
    result = run("-c", PROGRAM, DATA_DIR=str(data), **environment)
    assert result.returncode == 0, result.stderr
    return dict(json.loads(result.stdout))


def test_a_deploy_without_a_secret_does_not_start(tmp_path: Path) -> None:
    result = run("-c", PROGRAM, DATA_DIR=str(tmp_path))
    assert result.returncode != 0
    assert "SECRET_KEY" in result.stderr


def test_a_deploy_is_closed_by_default(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, SECRET_KEY="x")
    assert settings["DEBUG"] is False
    assert settings["ALLOWED_HOSTS"] == []
    assert settings["SESSION_COOKIE_SECURE"] is settings["CSRF_COOKIE_SECURE"] is True
    assert settings["SECURE_SSL_REDIRECT"] is True
    assert settings["SECURE_HSTS_SECONDS"] == 31_536_000
    assert settings["SESSION_COOKIE_NAME"] == "__Host-session"
    assert settings["AUTH_USER_MODEL"] == "extraction.User"
    assert "Manifest" in settings["STORAGES"]["staticfiles"]["BACKEND"]


def test_djangos_own_check_of_a_deploy_finds_nothing(tmp_path: Path) -> None:
    environment = {"SECRET_KEY": "abcdefghijklmnopqrstuvwxyz" * 2, "ALLOWED_HOSTS": "example.org"}
    environment |= {"DATA_DIR": str(tmp_path), "HSTS_INCLUDE_SUBDOMAINS": "1"}
    result = run("manage.py", "check", "--deploy", "--fail-level=WARNING", **environment)
    assert result.returncode == 0, result.stderr


def test_plain_http_is_for_this_machine_only(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, SECRET_KEY="x", PLAIN_HTTP="1", ALLOWED_HOSTS="example.org")
    assert settings["ALLOWED_HOSTS"] == ["127.0.0.1", "localhost", "[::1]"]
    assert settings["SESSION_COOKIE_SECURE"] is settings["SECURE_SSL_REDIRECT"] is False
    assert settings["SECURE_HSTS_SECONDS"] == 0


def test_the_embedded_default_is_sqlite_and_a_folder_in_the_data_folder(tmp_path: Path) -> None:
    folder = tmp_path / "with a space + plus"
    settings = settings_of(folder, SECRET_KEY="x")
    database = settings["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.sqlite3"
    assert database["NAME"] == str(folder / "review.sqlite3")
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert database["OPTIONS"]["timeout"] == 20
    assert settings["CELERY_BROKER_URL"] == "folder://"
    options = settings["CELERY_BROKER_TRANSPORT_OPTIONS"]
    assert options["polling_interval"] == 0.2
    assert {Path(value).parent for key, value in options.items() if "folder" in key} == {folder / "broker"}


def test_sqlite_runs_with_wal_full_sync_and_foreign_keys(tmp_path: Path) -> None:
    program = (
        "import django; django.setup(); from django.db import connection as c\n"
        "with c.cursor() as q: print([q.execute(f'PRAGMA {p}').fetchone()[0]"
        " for p in ('journal_mode', 'synchronous', 'foreign_keys')])"
    )
    environment = {
        "DATA_DIR": str(tmp_path),
        "SECRET_KEY": "x",
        "DJANGO_SETTINGS_MODULE": "reviewapp.settings",
    }
    assert run("-c", program, **environment).stdout.strip() == "['wal', 2, 1]"


def test_postgresql_and_redis_come_from_the_environment(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path,
        SECRET_KEY="x",
        DATABASE_URL="postgres://someone:pass@db:5433/reviews?sslmode=require",
        CELERY_BROKER_URL="redis://queue:6379/3",
    )
    database = settings["DATABASES"]["default"]
    assert (database["ENGINE"], database["HOST"]) == ("django.db.backends.postgresql", "db")
    assert database["CONN_HEALTH_CHECKS"] is True
    assert database["OPTIONS"] == {"options": "-c statement_timeout=60000", "sslmode": "require"}
    options = settings["CELERY_BROKER_TRANSPORT_OPTIONS"]
    assert options["visibility_timeout"] > settings["CELERY_TASK_TIME_LIMIT"]
    assert options["unacked_restore_throttle"] == 1


def test_the_soft_time_limit_is_below_the_hard_one_and_only_json_is_taken(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, SECRET_KEY="x", CELERY_TASK_TIME_LIMIT="120")
    assert settings["CELERY_TASK_SOFT_TIME_LIMIT"] < settings["CELERY_TASK_TIME_LIMIT"] == 120
    assert settings["CELERY_ACCEPT_CONTENT"] == ["json"]


def test_sweeping_is_every_10_seconds_or_as_told(tmp_path: Path) -> None:
    assert settings_of(tmp_path, SECRET_KEY="x")["CELERY_BEAT_SCHEDULE"]["sweep"]["schedule"] == 10.0
    told = settings_of(tmp_path, SECRET_KEY="x", SWEEP_SECONDS="2")["CELERY_BEAT_SCHEDULE"]["sweep"]
    assert told == {"task": "analysis.tasks.sweep", "schedule": 2.0, "options": {"expires": 2.0}}


def test_a_secret_is_made_once_for_its_owner_alone_and_settings_find_it(tmp_path: Path) -> None:
    path = tmp_path / "secret-key"
    write_secret(path)
    secret = path.read_text()
    assert len(secret) >= 50
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    write_secret(path)
    assert path.read_text() == secret
    assert list(tmp_path.iterdir()) == [path]
    assert settings_of(tmp_path)["SECRET_KEY"] == secret


@pytest.mark.parametrize("given", ["environment", "file"])
def test_a_secret_of_the_environment_wins_over_the_data_folder(tmp_path: Path, given: str) -> None:
    write_secret(tmp_path / "secret-key")
    if given == "environment":
        settings = settings_of(tmp_path, SECRET_KEY="mine")
    else:
        (tmp_path / "mounted").write_text("mine\n")
        settings = settings_of(tmp_path, SECRET_KEY_FILE=str(tmp_path / "mounted"))
    assert settings["SECRET_KEY"] == "mine"
