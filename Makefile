# make lab    creates an environment, installs the pinned packages, and opens the first notebook in JupyterLab
# make test   runs every check that CI runs; first installs what the checks need: Python packages, Node.js, Chromium
# make bench  measures what gptviz promises, and prints it
# It needs bash on Linux or macOS, and works with the make of either. The second run does not install anything again.

SHELL := /bin/bash
VENV := .venv
INSTALL := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Python 3.11 is the tested one.
PYTHON ?= $(shell for p in python3.11 python3 python3.14 python3.13 python3.12; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
# Two workers. The tests of a file, or of a notebook, run on the same worker. ARGS=-n0 runs all tests in one process.
PYTEST := python -m pytest -n 2
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.DEFAULT_GOAL := lab
.PHONY: lab test lint types types-js types-py unit-js unit browser test-peers test-served zoo audit bench screenshots pictures format wheel clean node chromium

# `make lab ARGS=--no-browser` passes options to `gptviz lab`.
lab: $(VENV)/.installed
	gptviz lab $(ARGS)

# The checks before pytest run two at a time, since that of the types takes one core for a minute. One that fails ends the run.
test: $(VENV)/.installed-for-tests node chromium node_modules/.package-lock.json
	$(MAKE) --no-print-directory -j2 types-py lint unit-js types-js
	$(PYTEST) $(ARGS)

lint: $(VENV)/.installed-for-tests node_modules/.package-lock.json
	ruff check
	ruff format --check
	npm run --silent lint
	lint-imports --no-logo --no-cache

types: types-js types-py

types-js: node_modules/.package-lock.json
	npm run --silent types

types-py: $(VENV)/.installed-for-tests
	mypy

unit-js: node_modules/.package-lock.json
	npm test --silent

# Only the tests without a browser, and only those with one.
unit: $(VENV)/.installed-for-tests node
	$(PYTEST) -m "not browser" $(ARGS)

browser: $(VENV)/.installed-for-tests chromium node_modules/.package-lock.json
	$(PYTEST) -m browser $(ARGS)

# Compares the numbers with those of other tools, which need an environment of their own.
test-peers: .venv-peers/.installed
	.venv-peers/bin/python -m pytest tests/peers/transformer_lens_4.py $(ARGS)

# Compares a model that a real vLLM serves with the same model here. vLLM needs an environment of its own.
test-served: $(VENV)/.installed-for-tests .venv-vllm/.installed
	python -m pytest -n0 tests/served/real_vllm.py $(ARGS)

# Looks up known weaknesses of the pinned packages, with a tool in an environment of its own. Needs internet.
audit: .venv-audit/.installed
	.venv-audit/bin/python tools/audit.py

# Traces every family of models that transformers offers, and writes docs/families.md again.
zoo: $(VENV)/.installed-for-tests
	python -m pytest -n0 tests/zoo/every_family.py $(ARGS)

bench: $(VENV)/.installed-for-tests node chromium
	for program in tests/benchmarks/*.py; do echo "== $$program"; python $$program || exit 1; done

# Takes pictures of the notebooks and of every view, into screenshots/.
screenshots: $(VENV)/.installed-for-tests chromium
	-python tools/provide.py font
	python -m pytest -m browser -k look --screenshots screenshots
	python tests/screenshots.py screenshots

# Draws the README's pictures again.
pictures: $(VENV)/.installed-for-tests chromium
	python tests/pictures.py

format: $(VENV)/.installed-for-tests node_modules/.package-lock.json
	ruff check --fix
	ruff format
	npm run --silent format

wheel: $(VENV)/.installed-for-tests
	python -m pip wheel --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) .venv-peers .venv-audit .venv-vllm node_modules dist screenshots test-traces .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Set-up. Each step runs once.

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "gptviz needs Python 3.11 or later, but found none. Install it, or say where it is:" \
		"make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing the pinned packages. This happens once and takes some minutes."
	$(INSTALL) -e .
	touch $@

$(VENV)/.installed-for-tests: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing the pinned packages and those of the tests. This happens once and takes some minutes."
	$(INSTALL) -e '.[test]'
	touch $@ $(VENV)/.installed

.venv-peers/.installed: tests/peers/requirements.txt constraints.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r tests/peers/requirements.txt
	touch $@

# vLLM's build for the CPU fits no build of the last three, and needs none of them for text.
.venv-vllm/.installed: tests/served/vllm-requirements.txt
	$(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/python -m pip install --quiet --disable-pip-version-check -r tests/served/vllm-requirements.txt
	.venv-vllm/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	touch $@

.venv-audit/.installed: tools/audit-requirements.txt
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check -r tools/audit-requirements.txt
	touch $@

node: $(VENV)/.installed-for-tests
	python tools/provide.py node

chromium: $(VENV)/.installed-for-tests
	python tools/provide.py chromium

node_modules/.package-lock.json: package-lock.json | node
	npm ci --silent
	touch $@
