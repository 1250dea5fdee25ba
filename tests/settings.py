"""The real settings, with an environment of their own: nothing of a test reaches the installation's data."""

import os
import tempfile
from pathlib import Path

# The folder is made and removed by conftest. Workers of pytest-xdist and processes that tests start inherit it.
_folder = os.environ.setdefault("TESTS_DIR", f"{tempfile.gettempdir()}/reviewapp-tests-{os.getpid()}")
_worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
if os.environ.get("DATA_DIR", _folder).startswith(_folder):
    os.environ["DATA_DIR"] = f"{_folder}/{_worker}"
os.environ["BROKER_KEY_PREFIX"] = f"{Path(_folder).name}-{_worker}:"  # on Redis
os.environ.setdefault("SECRET_KEY", "only-for-tests")
os.environ.setdefault("PLAIN_HTTP", "1")  # the test client and the live server speak plain http
os.environ.setdefault("API_RATE", "")
os.environ.setdefault("API_RATE_ANONYMOUS", "")
# Playwright keeps an event loop in the main thread; Django would refuse every query in it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

from reviewapp.settings import *
from reviewapp.settings import DATA_DIR, DATABASES, STORAGES

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, as in use: the shared cache of an in-memory database locks by table, not by IMMEDIATE.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_AUTOREFRESH = True  # finds files where they are; nothing was collected
