"""Entry point of the web server."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.settings")

application = get_wsgi_application()

# All modules are loaded here and not by the first request, and what they hold stays as long as the process does. The
# garbage collector need not walk through it again and again: that takes 0.1 s, in the middle of somebody's page.
get_resolver().url_patterns  # noqa: B018  # loads the pages
gc.collect()
gc.freeze()
