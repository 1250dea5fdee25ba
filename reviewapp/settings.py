"""All settings, one file. What differs between installations comes from the environment.

Any variable may also be given as the name of a file: SECRET_KEY_FILE=/run/secrets/key instead of SECRET_KEY.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import bootstrap_wrapper
from csp.constants import NONE, SELF
from environ import FileAwareEnv

from reviewapp import broker
from reviewapp.embedded import BASE_DIR, data_dir

env = FileAwareEnv()

# --- This installation --------------------------------------------------------------------------------------

DATA_DIR = data_dir()
_secret = DATA_DIR / "secret-key"  # made by `manage.py up`
if "SECRET_KEY" not in os.environ and _secret.is_file():
    os.environ.setdefault("SECRET_KEY_FILE", str(_secret))

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY").strip()  # no default: a deploy without one must not start
PLAIN_HTTP = env.bool("PLAIN_HTTP", default=False)  # set by `manage.py up`, which serves this machine only
HTTPS_ONLY = not (DEBUG or PLAIN_HTTP)
LOOPBACK = ["127.0.0.1", "localhost", "[::1]"]
ALLOWED_HOSTS = LOOPBACK if PLAIN_HTTP else env.list("ALLOWED_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)  # one proxy of ours sets X-Forwarded-Proto and -For

# --- Applications -------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "reviewapp",
    "extraction",
    "analysis",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "rest_framework.authtoken",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "axes",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "reviewapp.middleware.RequestLimits",
    "reviewapp.middleware.PrivateResponses",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "reviewapp.middleware.SessionLimits",
    "reviewapp.middleware.OwnTimeZone",
    "django_htmx.middleware.HtmxMiddleware",
    "reviewapp.middleware.SignInRequired",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "reviewapp.errors.Refusals",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "reviewapp.urls"
WSGI_APPLICATION = "reviewapp.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Database -----------------------------------------------------------------------------------------------

_database: dict[str, Any] = env.db_url("DATABASE_URL", default=f"sqlite:///{quote(str(DATA_DIR / 'review.sqlite3'))}")
if _database["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE: a transaction takes the write lock when it begins; two that read, then write, cannot meet.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL",
    }
else:
    _statement_ms = env.int("STATEMENT_TIMEOUT", default=60) * 1000
    _database["OPTIONS"] = {
        "options": f"-c statement_timeout={_statement_ms}",
        **_database.get("OPTIONS", {}),
    }
    _database["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
    _database["CONN_HEALTH_CHECKS"] = True
DATABASES = {"default": _database}
CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}

# --- Celery -------------------------------------------------------------------------------------------------

CELERY_TASK_TIME_LIMIT = env.int("CELERY_TASK_TIME_LIMIT", default=300)
CELERY_TASK_SOFT_TIME_LIMIT = CELERY_TASK_TIME_LIMIT - 30  # always below the hard limit
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default=f"{broker.SCHEME}://")
BROKER_DIR = DATA_DIR / "broker"  # of the folder transport
if urlsplit(CELERY_BROKER_URL).scheme == broker.SCHEME:
    CELERY_BROKER_TRANSPORT_OPTIONS = broker.transport_options(
        BROKER_DIR, polling_interval=env.float("BROKER_POLLING_INTERVAL", default=0.2)
    )
else:
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": CELERY_TASK_TIME_LIMIT * 3,  # longer than any task, or it would run twice
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": 1,
        "socket_timeout": 1.2,  # more than the second that a waiting worker lets Redis keep it
        "global_keyprefix": env.str("BROKER_KEY_PREFIX", default=""),
    }
# Who saves does not wait for a broker that is away: one try, a second at most. Workers go on trying by themselves.
CELERY_BROKER_TRANSPORT_OPTIONS["max_retries"] = 0
CELERY_BROKER_CONNECTION_TIMEOUT = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_DEFAULT_QUEUE = "reviewapp"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True  # results are rows of ours, behind permissions
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 100
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
SWEEP_SECONDS = env.float("SWEEP_SECONDS", default=10.0)
# A killed worker delays its request by this and a sweep at most; a living one renews its lease.
RECOMPUTE_LEASE_SECONDS = env.float("RECOMPUTE_LEASE_SECONDS", default=10.0)
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "analysis.tasks.sweep",
        "schedule": SWEEP_SECONDS,
        "options": {"expires": SWEEP_SECONDS},  # sweeps do not pile up while no worker runs
    },
}
# A request for recomputing that waits longer than this means that no worker sweeps.
OVERDUE_SECONDS = env.int("OVERDUE_SECONDS", default=300)

# --- Accounts and sessions ----------------------------------------------------------------------------------

AUTH_USER_MODEL = "extraction.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = LOGIN_URL

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "reviewapp.errors.locked_out"
AXES_CLIENT_IP_CALLABLE = "reviewapp.middleware.client_address"
AXES_ENABLE_ADMIN = False  # when somebody signs in would tell a blinded colleague how far they are
AXES_VERBOSE = False

SESSION_IDLE_SECONDS = env.int("SESSION_IDLE_SECONDS", default=30 * 60)
SESSION_COOKIE_AGE = env.int("SESSION_SECONDS", default=12 * 60 * 60)
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_NAME = "__Host-session" if HTTPS_ONLY else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS_ONLY else "csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS_ONLY
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "reviewapp.errors.csrf_failure"

# --- Transport security and content policy ------------------------------------------------------------------

SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_REDIRECT_EXEMPT = [r"^healthz"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.bool("HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_REFERRER_POLICY = "same-origin"
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # Bootstrap draws arrows and radios as data images
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [SELF],
        "frame-src": [SELF],  # a report's PDF beside the entry
        "frame-ancestors": [NONE],
    },
}

DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440  # bytes of a form or of JSON
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000  # the grid of a large trial
REQUEST_MAX_BYTES = env.int("REQUEST_MAX_BYTES", default=10 * 1024 * 1024)  # anything, files included
REPORT_MAX_BYTES = env.int("REPORT_MAX_BYTES", default=30 * 1024 * 1024)  # the PDF of a report
REPORT_ADDRESSES = r"^/report/"  # where a request may be that large

# --- Static files -------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=str(DATA_DIR / "static"))
STATICFILES_DIRS = [("bootstrap", bootstrap_wrapper.get_bootstrap_dir())]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        ),
    },
}
MEDIA_ROOT = env.str("MEDIA_ROOT", default=str(DATA_DIR / "media"))  # served by views that ask who may see
HISTORY_ANCHOR = env.str("HISTORY_ANCHOR", default=str(DATA_DIR / "history-heads.jsonl"))  # outside the database
FILE_UPLOAD_PERMISSIONS = 0o600

# --- API ----------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    # The token first: a request that names nobody is answered 401, not 403.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["reviewapp.api.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_FILTER_BACKENDS": ["reviewapp.api.KnownFilters"],
    "DEFAULT_PAGINATION_CLASS": "reviewapp.api.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anon": env.str("API_RATE_ANONYMOUS", default="60/min") or None,
        "user": env.str("API_RATE", default="1200/min") or None,
    },
    "EXCEPTION_HANDLER": "reviewapp.errors.api_exception_handler",
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "reviewapp",
    "DESCRIPTION": "Double, blinded data extraction for a meta-analysis, and its results.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SCHEMA_PATH_PREFIX": r"/api/",
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- Language and time --------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

# --- E-mail: for links to a new password, where EMAIL_URL says how ------------------------------------------

vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
MAIL_IS_SET_UP = "EMAIL_URL" in env.ENVIRON
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="reviewapp@localhost")
PASSWORD_RESET_TIMEOUT = 24 * 60 * 60  # seconds that a link to a new password works

# --- Log: to stderr, ids only -------------------------------------------------------------------------------

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"ids_only": {"()": "reviewapp.logs.WithoutValues"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "ids_only"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        "celery": {"level": "WARNING"},
        "reviewapp": {"level": LOG_LEVEL},
        "extraction": {"level": LOG_LEVEL},
        "analysis": {"level": LOG_LEVEL},
    },
}
