"""The real settings, with an environment of their own: nothing of a test reaches the installation's data."""

import atexit
import os
import shutil
import tempfile

if "DATA_DIR" not in os.environ:  # set already in a worker of pytest-xdist, which inherits it
    os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="reviewapp-tests-")
    atexit.register(shutil.rmtree, os.environ["DATA_DIR"], ignore_errors=True)
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
