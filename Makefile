.DEFAULT_GOAL := help
PYTHON ?= python3
UV := .tools/bin/uv
BIN := .venv/bin
export UV_PROJECT_ENVIRONMENT := .venv

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 18

.venv/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Kaijuan needs Python 3.11 or newer")'
	@test -x $(UV) || ($(PYTHON) -m venv .tools && .tools/bin/python -m pip install --quiet uv)
	@test -x $(BIN)/python || $(PYTHON) -m venv --without-pip .venv
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

setup: .venv/.installed ## Install everything into .venv

run: setup ## Set up and serve on http://127.0.0.1:8000, or on PORT
	@$(BIN)/kaijuan serve --demo

test: setup ## Run the whole test suite on the embedded default
	@$(BIN)/python -m pytest -q -m "not engines"

test-engines: setup ## Run the contracts on the engines that the environment names, and the faults on others
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target contracts faults

contracts: setup
	@$(BIN)/python -m pytest -q --on-engines -m "not faults"

faults: setup # these mostly wait, for engines that are away
	@$(BIN)/python -m pytest -q --on-engines -m faults -n0

check: setup ## Format, lint, types, import contracts, dead dependencies
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/deptry .

format: setup ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup ## Measure, each figure beside its control
	@$(BIN)/python -m bench

lock: setup ## Resolve the dependencies anew
	@$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	  --python-version 3.11 --group dev pyproject.toml -o requirements.lock
	@sed '/^ /d; s/ \\$$//' requirements.lock | $(UV) pip compile --quiet --universal --generate-hashes \
	  --no-emit-index-url --no-header --python-version 3.11 --constraint - pyproject.toml -o requirements.runtime.lock

secrets: ## Write .env with new random passwords for compose.yaml, where there is none
	@test -e .env && echo ".env is there: nothing was changed" || (umask 077 && for name in POSTGRES_PASSWORD \
	  ELASTIC_PASSWORD STORE_PASSWORD KAIJUAN_SECRET_KEYS KAIJUAN_IDENTITY_KEY; do \
	  echo "$$name=$$($(PYTHON) -c 'import secrets; print(secrets.token_hex(24))')"; done > .env \
	  && echo "wrote .env: keep a copy apart from the data")

engines-env: ## Print the settings that name the engines of compose.yaml: eval "$$(make -s engines-env)"
	@. ./.env && echo "export KAIJUAN_DATABASE_URL=postgresql+psycopg://kaijuan:$$POSTGRES_PASSWORD@127.0.0.1:$${DATABASE_PORT:-5432}/kaijuan \
	  KAIJUAN_SEARCH_URL=http://elastic:$$ELASTIC_PASSWORD@127.0.0.1:$${SEARCH_PORT:-9200} KAIJUAN_STORAGE_URL=s3://kaijuan \
	  KAIJUAN_QUEUE_URL=redis://127.0.0.1:$${QUEUE_PORT:-6379}/0 \
	  KAIJUAN_CACHE_URL=redis://127.0.0.1:$${QUEUE_PORT:-6379}/1 \
	  S3_ENDPOINT_URL=http://127.0.0.1:7070 AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=kaijuan AWS_SECRET_ACCESS_KEY=$$STORE_PASSWORD"

clean: ## Remove what setup made; the library in var/ stays
	@rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache

.PHONY: help setup run test test-engines contracts faults check format bench lock secrets engines-env clean
