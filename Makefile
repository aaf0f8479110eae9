# make lab    an environment, the pinned packages, and JupyterLab on the first notebook
# make test   everything that CI runs; sets up all it needs: Python packages, Node.js, Chromium
# make bench  the measured promises, printed
# For bash on Linux and macOS, with the make that each of them has. A second run starts at once.

SHELL := /bin/bash
VENV := .venv
INSTALL := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
# Two workers, on which the tests of a file, or of a notebook, stay together. ARGS=-n0 runs all in one process.
PYTEST := python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.DEFAULT_GOAL := lab
.PHONY: lab test lint types unit-js unit browser test-peers bench screenshots pictures format wheel clean node chromium

# `make lab ARGS=--no-browser` passes options on.
lab: $(VENV)/.installed
	gptviz lab $(ARGS)

# The first check that fails ends the run.
test: $(VENV)/.installed-for-tests node chromium lint unit-js types
	$(PYTEST) $(ARGS)

lint: $(VENV)/.installed-for-tests node_modules/.package-lock.json
	ruff check
	ruff format --check
	npm run --silent lint

types: $(VENV)/.installed-for-tests node_modules/.package-lock.json
	npm run --silent types
	mypy

unit-js: node_modules/.package-lock.json
	npm test --silent

# The tests without a browser alone, and those with one.
unit: $(VENV)/.installed-for-tests node
	$(PYTEST) -m "not browser" $(ARGS)

browser: $(VENV)/.installed-for-tests chromium node_modules/.package-lock.json
	$(PYTEST) -m browser $(ARGS)

# The same numbers from other tools, which need an environment of their own.
test-peers: .venv-peers/.installed
	.venv-peers/bin/python -m pytest tests/peers/transformer_lens_4.py $(ARGS)

bench: $(VENV)/.installed-for-tests node chromium
	for program in tests/benchmarks/*.py; do echo "== $$program"; python $$program || exit 1; done

# The notebooks and every view as they look, in screenshots/.
screenshots: $(VENV)/.installed-for-tests chromium
	-python tools/provide.py font
	python -m pytest -m browser -k look --screenshots screenshots
	python tests/screenshots.py screenshots

# The README's pictures, drawn anew.
pictures: $(VENV)/.installed-for-tests chromium
	python tests/pictures.py

format: $(VENV)/.installed-for-tests node_modules/.package-lock.json
	ruff check --fix
	ruff format
	npm run --silent format

wheel: $(VENV)/.installed-for-tests
	python -m pip wheel --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) .venv-peers node_modules dist screenshots .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Set-up, each step once.

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "gptviz needs Python 3.11 or later and found none: install it, or name it:" \
		"make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing the pinned packages: once, some minutes."
	$(INSTALL) -e .
	touch $@

$(VENV)/.installed-for-tests: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing the pinned packages and those of the tests: once, some minutes."
	$(INSTALL) -e '.[test]'
	touch $@ $(VENV)/.installed

.venv-peers/.installed: tests/peers/requirements.txt constraints.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r tests/peers/requirements.txt
	touch $@

node: $(VENV)/.installed-for-tests
	python tools/provide.py node

chromium: $(VENV)/.installed-for-tests
	python tools/provide.py chromium

node_modules/.package-lock.json: package-lock.json | node
	npm ci --silent
	touch $@
