# The first use of a target makes an environment of its own in .venv; it needs Python 3.11 or newer, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test lint format campaigns campaign bench mutants lock clean help

help:  ## Show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

demo: $(VENV)/ready  ## Run the main job on sample activity: review, refusal, invoices, Stripe stand-in
	$(BIN)/tokentill demo --out tokentill-demo

test: $(VENV)/ready-for-tests  ## Run the tests on SQLite and PostgreSQL
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(VENV)/ready-for-tests  ## Check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/ready-for-tests  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

campaigns: $(VENV)/ready-for-tests  ## Run the long fault and property campaigns (about an hour)
	TOKENTILL_HYPOTHESIS=campaign $(BIN)/python -m pytest -n 2 -m "campaign or not campaign"

campaign: $(VENV)/ready-for-tests  ## Disturb every command by every fault, and print how many fired (hours; SHARE=0.1 makes a tenth)
	TOKENTILL_CAMPAIGN_SHARE=$(or $(SHARE),1) $(BIN)/python -m pytest -q -n 2 -m campaign \
	  tests/campaigns/test_faults.py tests/campaigns/test_imports.py tests/campaigns/test_schedules.py

bench: $(VENV)/ready-for-tests  ## Measure speed, as ratios against stated references
	$(BIN)/python benchmarks/main_job.py
	$(BIN)/python benchmarks/ingest.py
	$(BIN)/python benchmarks/close.py --records 100000 --customers 500
	$(BIN)/python benchmarks/verify.py --records 100000 --customers 500
	$(BIN)/python benchmarks/rating.py
	$(BIN)/python benchmarks/start.py

mutants: $(VENV)/ready-for-tests  ## Change the code of money, prices and contracts in small ways, and count what tests find
	$(PIP) install mutmut==3.8.1
	TOKENTILL_HYPOTHESIS=mutation $(BIN)/mutmut run --max-children 1
	$(BIN)/mutmut results --all True | $(BIN)/python tests/mutants_by_module.py

lock: $(VENV)/ready-for-tests  ## Make the lock files anew from pyproject.toml
	$(BIN)/python -m pip --quiet install uv
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --quiet --upgrade --extra sqlite --extra postgresql --extra zstd -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --quiet --upgrade --extra sqlite --extra postgresql --group dev -o requirements-dev.lock

clean:  ## Remove everything that was made
	rm -rf $(VENV) tokentill-demo mutants build dist

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tokentill needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/ready: $(BIN)/python requirements.lock pyproject.toml
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps -e .
	@touch $@

$(VENV)/ready-for-tests: $(VENV)/ready requirements-dev.lock
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
