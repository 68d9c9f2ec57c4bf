# Routine commands; `make` alone prints them.
PYTHON ?= python3
ENV ?= default
VENV := $(if $(filter default,$(ENV)),.venv,.venv-$(ENV))
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup finetune check test test-fast golden bench lock clean

help:  ## these lines
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(READY)  ## create .venv with the locked packages (done by every other target); ENV=next: .venv-next

.venv/.ready: locks/default.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)) and "Python 3.11 or 3.12 is needed, found %s. Name one: make PYTHON=python3.11" % sys.version.split()[0])'
	@$(PYTHON) -c 'import shutil, sys; free = shutil.disk_usage(".").free / 1e9; sys.exit(free < 9 and f"9 GB of free disk are needed here to install the packages, found {free:.1f}. Free some, or put the folder elsewhere.")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --progress-bar off --disable-pip-version-check --no-deps --require-hashes -r locks/default.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# The second library line (docs/lines.md) differs in a dozen packages: all others are links to the files of the first.
.venv-next/.ready: locks/next.txt .venv/.ready
	rm -rf $(@D)
	.venv/bin/python -m venv $(@D)
	cp -alf .venv/lib/. $(@D)/lib/ || cp -af .venv/lib/. $(@D)/lib/
	grep -o '^[a-z0-9-]*' locks/default.txt | grep -vxF "$$(grep -o '^[a-z0-9-]*' locks/next.txt)" | xargs $(@D)/bin/pip uninstall --quiet --yes
	$(@D)/bin/pip install --quiet --progress-bar off --disable-pip-version-check --no-deps --require-hashes -r locks/next.txt
	$(@D)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --force-reinstall -e .
	@touch $@

finetune: $(READY)  ## run a recipe: make finetune RECIPE=sentiment [GPUS=2] [ARGS="train.lr=3e-5"]
	@test -n "$(RECIPE)" || { $(BIN)/finetune list; echo 'Name one: make finetune RECIPE=sentiment'; exit 2; }
	$(BIN)/finetune $(if $(GPUS),launch,run) $(RECIPE) $(if $(GPUS),--processes $(GPUS)) $(ARGS)

check: $(READY)  ## lint, types, import contracts, architecture gates
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/architecture

test: $(READY)  ## everything that guards the product [ENV=next] [ARGS="-m lines"]
	$(BIN)/python -m pytest -q $(ARGS) tests

test-fast: $(READY)  ## without training, exports and launches
	$(BIN)/pytest -q -m 'not slow' tests

golden: $(READY)  ## write the golden files anew; look at the difference before you commit it
	GOLDEN=write $(BIN)/python -m pytest -q tests/golden tests/contract/test_everywhere.py

bench: $(READY)  ## run a benchmark: make bench NAME=results [ARGS=...]
	@test -f "benchmarks/$(NAME).py" || { echo 'Name one: make bench NAME=...'; ls benchmarks/*.py; exit 2; }
	$(BIN)/python benchmarks/$(NAME).py $(ARGS)

lock: $(READY)  ## resolve the dependencies anew, with hashes
	$(PYTHON) locks/make.py

clean:  ## remove .venv and caches; runs stay
	rm -rf .venv .venv-next build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
