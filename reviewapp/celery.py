"""The Celery application. Tasks live in the apps' `tasks` modules; settings carry the prefix CELERY_."""

from __future__ import annotations

import logging.config
import os
import warnings
from typing import Any

from celery import Celery
from celery.exceptions import SecurityWarning
from celery.signals import setup_logging

from reviewapp import broker  # registers the folder transport  # noqa: F401

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.settings")
# The same sum in the same order on every machine: results are compared by digest. Before numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Celery warns root, since a pickled message can run code. Ours are JSON, and settings accept nothing else.
warnings.filterwarnings("ignore", "You're running the worker with superuser privileges", SecurityWarning)

app = Celery("reviewapp")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def log_as_django_does(**_: Any) -> None:
    """One logging configuration for web and worker, so that no worker prints a value."""
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)
