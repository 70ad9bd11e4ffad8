# make demo   set everything up, then a small study with its report (CLIP=path measures your own clip)
# make test   the whole test suite
# make lab    JupyterLab on notebooks/

PYTHON ?= python3
BIN := .venv/bin
CLIP ?=
# A folder of weights beside the checkout is looked into before the network is.
export HHLAB_WEIGHTS_DIRS ?= $(abspath $(wildcard ../shared/data/weights))

.PHONY: demo test lab lint format studies environment clean

demo: .venv/weights
	$(BIN)/hhlab demo $(if $(CLIP),"$(CLIP)" -o out/mine,-o out/demo)

test: .venv/weights
	$(BIN)/python -m pytest -n 2

lab: .venv/weights
	$(BIN)/jupyter lab --notebook-dir=notebooks $(if $(filter 0,$(shell id -u)),--allow-root)

lint: .venv/installed
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports

format: .venv/installed
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

studies: .venv/weights
	$(BIN)/python -m eval.validity --data ../shared/data --out docs/validity

environment: .venv/installed
	$(BIN)/python .ci/environment.py

.venv/bin/python:
	./.ci/make-venv $(PYTHON)

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --upgrade pip uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[dev]'
	touch $@

.venv/weights: .venv/installed data/weights.yaml
	$(BIN)/hhlab weights fetch
	touch $@

clean:
	rm -rf .venv out build *.egg-info
