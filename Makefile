# Everything that one does with Senodrift, one word each. Needs make and Python 3.11 or newer, nothing else.
#
#   PYTHON=...   interpreter to make .venv from (the first on the path that is new enough)
#   ARGS=...     more arguments for what a target calls: make test ARGS="-k engines"
#   PINS=        the newest versions that pyproject.toml allows, instead of those in constraints.txt

PYTHON ?= $(shell for each in python3.11 python3 python3.12 python3.13 python; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; done)
PINS ?= constraints.txt
BIN := .venv/bin

export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run test tour anndata matrix lint type format bench notebooks app lab validate docs clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.* ## /\1|/p' Makefile | while IFS='|' read -r target words; do \
		printf '  make %-10s %s\n' "$$target" "$$words"; done

setup: .venv/.core ## make .venv and install Senodrift into it (about a minute, once)
	@echo "ready: source .venv/bin/activate, then senodrift --help"

run: .venv/.core ## run the skin-graft scenario: tables and figures in results/
	@$(BIN)/senodrift run configs/skin_graft.yaml --workers 2 $(ARGS)

test: .venv/.test ## run the tests, without the tour and the long studies, in two processes
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "not validation and not tour" $(ARGS)

tour: .venv/.test ## what takes minutes: every notebook, every command of README and docs, sweeps that are killed
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal --durations 20 -m tour $(ARGS)

anndata: .venv-anndata/.ready ## the tests of AnnData, in .venv-anndata: it holds pandas below 3
	@.venv-anndata/bin/python -m pytest -q tests/doors/test_anndata.py $(ARGS)

matrix: ## the tests on other versions of Python, Mesa and the libraries, in .venv-matrix; an hour or so
	@test -n "$(PYTHON)" || { echo "Senodrift needs Python 3.11 or newer: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) tests/versions.py $(ARGS)

lint: .venv/.test ## style, layers of the house, types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m mypy

type: .venv/.test ## types only
	@$(BIN)/python -m mypy

format: .venv/.test ## put the source into its format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: .venv/.core ## targets of speed and memory, and a plain Mesa model: make bench ARGS="speed models"
	@$(BIN)/python -m benchmarks.run $(ARGS)

notebooks: .venv/.test ## execute every notebook
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal --durations 20 tests/doors/test_notebooks.py $(ARGS)

app: .venv/.app ## open a live tissue in the browser: make app ARGS=configs/kill_or_tame.yaml
	@$(BIN)/senodrift app $(ARGS)

lab: .venv/.notebooks ## open the notebooks in JupyterLab
	@$(BIN)/python -m jupyterlab --notebook-dir=notebooks $(ARGS)

validate: .venv/.test ## how far to believe it: docs/validation.md, results/validation.html; an error if a row fails
	@failed=0; $(BIN)/python tests/validation/table.py || failed=1; \
		$(BIN)/python -m pytest -q -s -m validation || failed=1; exit $$failed

docs: .venv/.core ## renew what is generated: docs/parameters.md, the picture of the README, configs/scenario.schema.json
	@$(BIN)/senodrift ledger --markdown > docs/parameters.md
	@$(BIN)/senodrift schema > configs/scenario.schema.json
	@$(BIN)/python docs/make_odd.py
	@$(BIN)/python docs/make_images.py

clean: ## remove .venv and caches; results stay
	@rm -rf .venv .venv-anndata .venv-matrix build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---------------------------------------------------------------------------- .venv, renewed when pyproject.toml changes

.venv/pyvenv.cfg:
	@test -n "$(PYTHON)" || { echo "Senodrift needs Python 3.11 or newer: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -m venv --clear .venv

.venv/.core: EXTRA :=
.venv/.test: EXTRA := [test]
.venv/.notebooks: EXTRA := [notebooks]
.venv/.app: EXTRA := [app]
.venv/.core .venv/.test .venv/.notebooks .venv/.app: pyproject.toml $(PINS) | .venv/pyvenv.cfg
	@echo "installing senodrift$(EXTRA) into .venv ..."
	@$(BIN)/python -m pip install -qq $(PINS:%=--constraint %) --editable '.$(EXTRA)'
	@touch .venv/.core $@

.venv-anndata/.ready: pyproject.toml $(PINS)
	@test -n "$(PYTHON)" || { echo "Senodrift needs Python 3.11 or newer: make PYTHON=/path/to/python"; exit 1; }
	@echo "installing senodrift[anndata] into .venv-anndata ..."
	@$(PYTHON) -m venv --clear .venv-anndata
	@sed -E '/^pandas==/d' constraints.txt > .venv-anndata/pins.txt
	@.venv-anndata/bin/python -m pip install -qq --constraint .venv-anndata/pins.txt --editable '.[anndata]' pytest hypothesis
	@touch $@
