# The whole project needs Python 3.11 or newer and make. Everything else goes into .venv/.
#   make run     the application on this machine          make test    all tests, with coverage
#   make check   everything static                        make bench   speed against the limits
SHELL := /bin/sh
.DEFAULT_GOAL := run
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2
# `make check` and `make schema` ask Django about the code alone; no data and no secret is touched.
STATIC := DJANGO_SETTINGS_MODULE=tests.settings DATABASE_URL=sqlite://:memory:

.PHONY: run test slow check bench screenshots schema install install-dev clean

run: install
	@exec $(BIN)/python manage.py up

test: install-dev
	$(BIN)/python -m pytest --numprocesses=$(JOBS) --dist=worksteal --cov --cov-report=term

slow: install-dev
	$(BIN)/python -m pytest -m slow

check: install-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(STATIC) $(BIN)/python manage.py check --fail-level WARNING
	$(STATIC) $(BIN)/python manage.py makemigrations --check --dry-run
	$(STATIC) $(BIN)/python manage.py access_table --check
	@schema=$$(mktemp) && trap 'rm -f "$$schema"' EXIT && \
	$(STATIC) $(BIN)/python manage.py spectacular --validate --fail-on-warn --file "$$schema" && \
	{ diff -u docs/openapi.yaml "$$schema" || \
	  { echo "docs/openapi.yaml is not what the code says: run 'make schema' and look at the difference."; exit 1; }; }

schema: install-dev
	$(STATIC) $(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

bench: install-dev
	$(BIN)/python -m bench.stats
	$(BIN)/python -m bench.app

screenshots: install-dev
	$(BIN)/python -m bench.shots

install: $(VENV)/.installed

install-dev: $(VENV)/.installed-dev

$(VENV)/.installed: requirements.txt $(VENV)/bin/python
	@echo "Installing the requirements (once, about half a minute) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt requirements-prod.txt requirements.txt $(VENV)/bin/python
	@echo "Installing what tests and checks need (once, about a minute) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.installed

# The first python of 3.11 or newer; PYTHON=… chooses another one. Debian splits venv off, so that is asked for too.
$(VENV)/bin/python:
	@for python in $(PYTHON) python3 python3.13 python3.12 python3.11 python3.14; do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  found=$$python; \
	  "$$python" -c 'import venv, ensurepip' 2>/dev/null || continue; \
	  exec "$$python" -m venv --clear $(VENV); \
	done; \
	if [ -n "$$found" ]; then \
	  echo "$$found has no venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; \
	else \
	  echo "Python 3.11 or newer is needed and was not found. Install it, or name it: make PYTHON=/path/to/python3.11" >&2; \
	fi; exit 1

clean:
	rm -rf $(VENV) .coverage* htmlcov .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
