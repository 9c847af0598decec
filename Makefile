# Every target has a description after `##`; `make help` shows them.
PYTHON ?= python3
VENV := .venv/bin
UV ?= $(VENV)/uv
PACKAGES := libs/common services/link-api services/redirector services/analytics services/webhooks deploy/local
.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z][a-z0-9-]*:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2}'

.PHONY: install
install: ## Install what the stack needs into .venv (nothing is done when all is there)
	@$(PYTHON) deploy/local/install.py

.PHONY: up
up: install ## Start the stack in the foreground; Ctrl-C stops it
	@$(VENV)/codeqr up

.PHONY: up-detached
up-detached: install ## Start the stack in the background; returns when it is ready
	@$(VENV)/codeqr up --detach

.PHONY: down
down: install ## Stop the stack
	@$(VENV)/codeqr down

.PHONY: status
status: install ## Show the processes of the running stack
	@$(VENV)/codeqr status

.PHONY: logs
logs: install ## Follow the logs of the running stack (NAME=link-api for one process)
	@$(VENV)/codeqr logs $(NAME) --follow

.PHONY: demo
demo: install ## Show the running stack alive: link, visits, figures, QR code, callback
	@$(VENV)/codeqr demo

.PHONY: check
check: install ## Check formatting, lint and types
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	$(VENV)/mypy libs/common/codeqr_common services/link-api/link_api services/redirector/redirector \
	  services/analytics/analytics services/webhooks/webhooks deploy/local/codeqr_local deploy/local/install.py

.PHONY: format
format: install ## Format the code and repair what lint can repair
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .

.PHONY: test
test: test-unit test-e2e ## Run all tests

.PHONY: test-unit
test-unit: install ## Run the tests beside the code
	$(VENV)/pytest libs services deploy/local

.PHONY: test-e2e
test-e2e: install ## Run the tests of the whole system, on a stack of their own
	$(VENV)/pytest tests/e2e

.PHONY: test-faults
test-faults: install ## Run only the tests that kill processes
	$(VENV)/pytest tests/e2e -m faults

.PHONY: test-ingest-crash
test-ingest-crash: install ## Kill ingestion between writing a part and its rename, and before its offset (needs strace)
	@command -v strace >/dev/null || { echo "strace is missing: install it with your system's packages." >&2; exit 1; }
	$(VENV)/pytest tests/e2e/test_ingest_crash.py

.PHONY: schemathesis
schemathesis: install ## Attack the API by its own document, for longer than `make test` does
	SCHEMATHESIS_EXAMPLES=$${SCHEMATHESIS_EXAMPLES:-100} SCHEMATHESIS_COVERAGE_SHARE=1 $(VENV)/pytest tests/e2e/test_schemathesis.py -s

.PHONY: openapi
openapi: install ## Write the reference (openapi.json) anew from the code
	$(VENV)/python deploy/openapi.py

.PHONY: bench-api
bench-api: install ## Measure the link API beside bare routes, and with 1,000,000 links (needs wrk; about 30 minutes)
	$(VENV)/python -m bench.api

.PHONY: lock
lock: ## Write requirements.lock anew from all pyproject.toml files
	echo '-e ./libs/common' | $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --no-emit-package codeqr-common \
	  $(addsuffix /pyproject.toml,$(PACKAGES)) deploy/dev-requirements.in - --output-file requirements.lock

.PHONY: clean
clean: ## Remove the environment, caches and the stack's data (stop the stack first)
	@if [ -x $(VENV)/codeqr ]; then $(VENV)/codeqr down; fi
	rm -rf .venv .local .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find $(PACKAGES) tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
