# Slipway: `make demo` shows a release end to end; `make stop` ends what it started.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV_VERSION := 0.13.9
SETUP  := $(VENV)/.setup
DEV    := $(VENV)/.setup-dev
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup demo demo-monitoring stop test test-unit lint format bench bench-serving bench-gates bench-loadtest bench-batch bench-drift bench-governance base-image lock clean

help:           ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 16

setup: $(SETUP)  ## install the locked environment into .venv

$(BIN)/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(SETUP): requirements.txt pyproject.toml | $(BIN)/uv
	uv pip install --python $(BIN)/python --quiet --compile-bytecode --require-hashes -r requirements.txt
	uv pip install --python $(BIN)/python --quiet --no-deps --editable .
	@touch $@

$(DEV): requirements-dev.txt $(SETUP)
	uv pip install --python $(BIN)/python --quiet --compile-bytecode --require-hashes -r requirements-dev.txt
	@touch $@

lock: | $(BIN)/uv  ## compile the requirements*.txt locks from pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command 'make lock' pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command 'make lock' --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command 'make lock' --extra production pyproject.toml -o requirements-production.txt

demo: $(SETUP)  ## release the example model for real, with live progress
	slipway demo

demo-monitoring: $(SETUP)  ## score two weeks of moving data, drift on day 10, the alert and the trend
	slipway demo-monitoring

stop: $(SETUP)  ## end what this checkout started, and nothing else
	slipway stop

test: $(DEV)  ## every test, with the real engine, server and browser
	pytest -n logical --dist loadfile tests/unit tests/architecture
	pytest -n logical --dist loadfile --no-loadscope-reorder -m 'not alone' tests/models tests/dags tests/plugins tests/integration
	pytest -m alone tests/integration

test-unit: $(DEV)  ## the quick tests: no engine, no server
	pytest -n logical --dist loadfile tests/unit tests/architecture

lint: $(DEV)  ## style, types, layers, docstrings
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	interrogate --quiet include/slipway plugins

format: $(DEV)
	ruff format .
	ruff check --fix .

bench: $(DEV)  ## benchmarks; each writes bench/results/<name>.json
	python -m bench.release
	python -m bench.serving

bench-serving: $(DEV)  ## serving beside its peers; ARGS='--quick' or ARGS='--only gbm100,slipway,mlflow'
	python -m bench.serving $(ARGS)

bench-gates: $(DEV)  ## what the gates catch, on faulty and good versions; ARGS='--only data' or ARGS='--resume'
	python -m bench.gates $(ARGS)

bench-loadtest: $(DEV)  ## one stalling server, as a closed loop reports it and as ours does; about two minutes
	python -m bench.loadtest $(ARGS)

bench-batch: $(DEV)  ## batch scoring beside the model in process; ARGS='--quick'
	python -m bench.batch $(ARGS)

bench-drift: $(DEV)  ## false alarms, power and wide tables beside Evidently's preset; ARGS='--quick'
	python -m bench.drift $(ARGS)

bench-governance: $(DEV)  ## tampering found, bypasses refused, versions reproduced, the page, the ledger; ARGS='--quick'
	python -m bench.governance $(ARGS)

base-image:     ## a base image from Debian packages, for hosts that cannot pull one
	containers/base/build.sh

clean:
	rm -rf $(VENV) var bench/results
