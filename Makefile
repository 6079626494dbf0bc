# Everything from a bare checkout: `make demo` runs the network, `make test` tests it. `make help` lists the rest.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo serve test test-long mutants check format bench docs assets lock clean
MAKEFLAGS += --no-print-directory

PORT ?= 8000
CITIZENS ?=
# the whole suite takes two processes, a part of it one
TEST_WORKERS ?= $(if $(filter tests,$(TESTS)),2)
TESTS ?= tests
BENCH ?=

# A user without a home of their own (nobody, some CI) gets one beside the environment, for caches only.
HOME := $(shell test -w "$$HOME" && echo "$$HOME" || echo "$(CURDIR)/.venv/home")
export HOME
export PYTHONUTF8 := 1

BIN := .venv/bin
ENVIRONMENT := .venv/.ready
ASSETS := helhed/portals/static/vendor/manifest.json
PAGES := $(shell find helhed/portals -path '*/vendor' -prune -o \( -name '*.html' -o -name '*.py' -o -name '*.js' \) -print)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

$(ENVIRONMENT): pyproject.toml requirements-dev.lock requirements-uv.lock tools/environment.sh
	@tools/environment.sh

# An environment knows where it stands; a folder that was moved or copied needs a new one.
ifneq ($(shell head -n 1 $(ENVIRONMENT) 2>/dev/null),$(CURDIR))
$(ENVIRONMENT): again
endif
.PHONY: again
again:

$(ASSETS): package.json package-lock.json tools/assets.py tools/stylesheet.py $(PAGES) | $(ENVIRONMENT)
	@$(BIN)/python -m tools.assets

demo: $(ENVIRONMENT) $(ASSETS) ## run the network with synthetic people on http://127.0.0.1:8000 (PORT=, CITIZENS=)
	@$(BIN)/helhed demo --port $(PORT) $(if $(CITIZENS),--citizens $(CITIZENS))

test: $(ENVIRONMENT) $(ASSETS) ## run the tests (TESTS=tests/unit/fhir for some of them, TEST_WORKERS= for one process)
	@$(BIN)/python -m pytest $(if $(TEST_WORKERS),-n $(TEST_WORKERS) --dist loadfile) $(TESTS)

test-long: $(ENVIRONMENT) $(ASSETS) ## load, fault sweeps and long generated runs
	@$(BIN)/python -m pytest -m long $(TESTS)

mutants: $(ENVIRONMENT) ## list the guards that tests take away, the invariants they hold and the tests that miss them
	@$(BIN)/python -m tests.generative.mutants

check: $(ENVIRONMENT) $(ASSETS) ## formatting, lint, types, import contracts, generated pages
	@$(BIN)/ruff format --check --output-format concise . || { echo 'Not formatted: run `make format`.'; exit 1; }
	@$(BIN)/ruff check --quiet --output-format concise .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m tools.docs --check
	@$(BIN)/python -m pytest -q tests/unit/house

format: $(ENVIRONMENT) ## format the code and repair what lint can repair
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet .

bench: $(ENVIRONMENT) $(ASSETS) ## measure, print the table, write bench/results/latest.json (BENCH="--resources 100000")
	@$(BIN)/python -m bench $(BENCH)

docs: $(ENVIRONMENT) ## write the generated pages of docs/ anew
	@$(BIN)/python -m tools.docs

assets: $(ASSETS) ## fetch and reduce the front-end packages

lock: $(ENVIRONMENT) ## rewrite the lock files (UPGRADE=1 takes newer versions)
	@UPGRADE=$(UPGRADE) tools/lock.sh

clean: ## remove everything made here: environment, caches, assets, the demo's and the bench's data
	@rm -rf .venv .helhed .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache \
		node_modules build dist helhed/portals/static/vendor
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
