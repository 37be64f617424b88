# People and CI run the same targets. `make help` lists them.
.DEFAULT_GOAL := help

UV_VERSION := 0.13.9
HELM_3_VERSION := v3.22.0
ACTIONLINT_VERSION := v1.7.12
# If uv is missing, pip installs it into a virtual environment in .tools.
UV := $(shell command -v uv || echo .tools/bin/uv)
VENV := .venv/.locked
export UV_NO_PROGRESS ?= 1

.PHONY: help
help: ## Show this list
	@[ -t 1 ] && [ -z "$$NO_COLOR" ] && bold=$$(printf '\033[1m') cyan=$$(printf '\033[36m') plain=$$(printf '\033[0m'); \
	awk -F ':.*## ' -v bold="$$bold" -v cyan="$$cyan" -v plain="$$plain" ' \
	  /^##@ / { printf "\n%s%s%s\n", bold, substr($$0, 5), plain } \
	  /^[a-z0-9-]+:.*## / { printf "  %smake %-13s%s %s\n", cyan, $$1, plain, $$2 }' $(MAKEFILE_LIST)

##@ Develop

.PHONY: setup
setup: $(VENV) ## Install all dependencies from PyPI without starting anything
	@echo "Everything is installed. Next: make run, make test, or make help."

.PHONY: run
run: $(VENV) ## Serve both services on http://127.0.0.1:8000 (PORT, DATA_DIR, DATABASE_URL)
	@exec .venv/bin/duet-standalone

.PHONY: seed
seed: $(VENV) ## Write demo data through the API of `make run` (PORT; ARGS=--help lists options)
	@.venv/bin/python -m scripts.seed $(ARGS)

.PHONY: psql
psql: $(VENV) ## Open psql on a database of `make run` (SERVICE=auth or content; DATA_DIR)
	@exec .venv/bin/python -m scripts.psql $(or $(SERVICE),auth)

.PHONY: format
format: $(VENV) ## Format the code, and fix what the linter can fix
	.venv/bin/ruff check --fix-only
	.venv/bin/ruff format

.PHONY: docs
docs: $(VENV) ## Generate the reference pages, and the charts' tables and schemas
	.venv/bin/python -m scripts.reference
	.venv/bin/python -m scripts.values_docs

.PHONY: migration
migration: $(VENV) ## Write the migration for changed models (SERVICE=content MESSAGE="add comments")
	@.venv/bin/python -m scripts.new_migration "$$SERVICE" "$$MESSAGE"

.PHONY: docs-serve
docs-serve: $(VENV) ## Serve the documentation site on http://127.0.0.1:8010, and rebuild it on a change
	.venv/bin/zensical serve --dev-addr 127.0.0.1:8010

##@ Test

# T=path runs without xdist workers: starting them takes longer than running one file.
.PHONY: test
test: $(VENV) ## Run the fast tests that do not need Docker (T=path selects a file or test)
	.venv/bin/pytest $(or $(T),-n auto -m "not slow")

.PHONY: test-unit
test-unit: $(VENV) ## Run the tests that need neither a database nor a socket
	.venv/bin/pytest -n auto tests/unit

.PHONY: test-slow
test-slow: $(VENV) ## Run the tests that take too long for `make test`
	.venv/bin/pytest -n auto -m slow

.PHONY: test-random
test-random: $(VENV) ## Run `make test` in random order and print the seed (SEED=n repeats an order)
	.venv/bin/pytest -n auto -m "not slow" -p randomly $(SEED:%=--randomly-seed=%)

.PHONY: coverage
coverage: $(VENV) ## Run `make test`, report uncovered lines, and fail below the minimum coverage
	.venv/bin/coverage erase
	.venv/bin/coverage run -m pytest -n auto -m "not slow"
	.venv/bin/coverage combine --quiet
	.venv/bin/coverage report

.PHONY: test-chart
test-chart: $(VENV) ## Test the rendered charts (needs helm)
	.venv/bin/pytest -n auto tests/chart

.PHONY: bench
bench: $(VENV) ## Compare Duet under load with raw ASGI and a plain FastAPI app (needs wrk or oha)
	.venv/bin/python -m tests.load.bench

##@ Check

.PHONY: check
check: $(VENV) ## Check style, types, imports, dependencies, generated docs and the version
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	for member in libs/* services/*; do .venv/bin/deptry "$$member/src" --config "$$member/pyproject.toml" || exit; done
	.venv/bin/python -m scripts.reference --check
	.venv/bin/python -m scripts.values_docs --check
	.venv/bin/python -m scripts.version
	.venv/bin/zensical build --strict

.PHONY: actionlint
actionlint: .tools/actionlint/actionlint ## Check the GitHub Actions workflows (needs Go)
	.tools/actionlint/actionlint

.PHONY: audit
audit: | $(UV) ## Check the locked dependencies for known vulnerabilities (needs api.osv.dev)
	$(UV) audit --locked --preview-features audit-command

##@ Cluster

.PHONY: test-cluster
test-cluster: $(VENV) ## Install the charts on a new kind cluster, and test them (needs Docker)
	.venv/bin/pytest tests/cluster

.PHONY: cluster-up
cluster-up: $(VENV) ## Create a cluster for manual use, with Duet on http://127.0.0.1:8080
	DUET_KEEP_CLUSTER=1 .venv/bin/pytest tests/cluster/test_smoke.py
	kind export kubeconfig --name duet-e2e
	@echo "Duet is ready at http://127.0.0.1:8080. Next: kubectl -n duet get pods. When you are done: make cluster-down"

.PHONY: cluster-down
cluster-down: ## Delete the cluster that cluster-up created
	kind delete cluster --name duet-e2e

.PHONY: helm3
helm3: .tools/helm3/helm ## Build Helm 3 into .tools, for a skaffold that does not support Helm 4 (needs Go)

##@ Maintain

.PHONY: lock-upgrade
lock-upgrade: | $(UV) ## Upgrade every dependency in uv.lock, and print what changed
	$(UV) lock --upgrade

.PHONY: version
version: | $(UV) ## Write VERSION=1.2.3 into every file that states it, and into CHANGELOG.md
	python3 -m scripts.version $(or $(VERSION),$(error set VERSION, such as VERSION=1.2.3))
	$(UV) lock

.PHONY: clean
clean: ## Remove the environment and the caches, but keep .data
	rm -rf .venv .tools site .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	rm -f .coverage .coverage.*

$(VENV): uv.lock pyproject.toml $(wildcard libs/*/pyproject.toml services/*/pyproject.toml) | $(UV)
	$(UV) sync --locked --quiet
	@touch $@

.tools/bin/uv:
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Duet requires Python 3.11 or newer, available as python3." >&2; exit 1; }
	python3 -m venv .tools
	.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.tools/actionlint/actionlint:
	GOBIN=$(CURDIR)/$(@D) CGO_ENABLED=0 go install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION)

.tools/helm3/helm:
	GOBIN=$(CURDIR)/$(@D) CGO_ENABLED=0 go install helm.sh/helm/v3/cmd/helm@$(HELM_3_VERSION)
