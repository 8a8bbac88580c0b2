# Each target sets up .venv by itself and is quick when nothing changed.
PYTHON ?= python3
ARGS ?=
EXAMPLES ?= 200
SEED ?= $(shell date +%s)
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help install serve test fuzz lint format bench openapi baseline clean

help: ## Show this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml hatch_build.py $(wildcard web/package*.json)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Sandbank needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Setting up .venv (once; a minute or two) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

install: $(READY) ## Set up .venv and nothing else

serve: $(READY) ## Start the bank as of today (PORT=8001 HOST=... ARGS='--strict' pass options on)
	@exec $(BIN)/sandbank serve --as-of now --clock live --log-level info $(if $(filter command,$(origin HOST)),--host $(HOST)) $(if $(filter command,$(origin PORT)),--port $(PORT)) $(ARGS)

test: $(READY) ## Run all tests (ARGS='-k name' pass options on)
	@$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

fuzz: $(READY) ## Ask every operation far more than CI does (EXAMPLES=200 SEED=... to replay)
	@$(BIN)/python -m pytest -n 2 --dist worksteal tests/contract --timeout 0 -o faulthandler_timeout=0 --fuzz-examples $(EXAMPLES) --fuzz-seed $(SEED) $(ARGS)

lint: $(READY) ## ruff, mypy --strict, import contracts, OpenAPI drift and breaking changes
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m sandbox openapi --check openapi/openapi.yaml
	@$(BIN)/python -m sandbox openapi --changes openapi/released.yaml --brief

format: $(READY) ## Format and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(READY) ## Measure against json-server, Prism, WireMock and bare Litestar, write docs/benchmarks.md and its chart
	@$(BIN)/python -m benchmarks $(ARGS)

openapi: $(READY) ## Try the examples anew and write openapi/openapi.yaml
	@$(BIN)/python tests/exampling.py
	@$(BIN)/python -m sandbox openapi --write openapi/openapi.yaml

baseline: $(READY) ## At a release: what the handlers say now is what was released (docs/releasing.md)
	@$(BIN)/python -m sandbox openapi --check openapi/openapi.yaml
	@$(BIN)/python -m sandbox openapi --changes openapi/released.yaml --brief
	@cp openapi/openapi.yaml openapi/released.yaml

clean: ## Remove .venv and caches
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist sandbox/webui/dist
