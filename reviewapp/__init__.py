"""The project: settings, addresses, errors, and the machinery that runs it."""

from reviewapp.celery import app as celery_app

__all__ = ["celery_app"]
