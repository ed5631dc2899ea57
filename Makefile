# make report   train, score, time and compare the variants of workflow/config.yaml -> results/report.html
# make test     the test-suite          make quick   its tests that are done within two minutes, while you work
# make check    lint, types, layer contract, workflow format
# make docs     the documentation site -> docs/_build/html/index.html
# make clean    delete results and caches (not results/reference)
# Each sets up .venv first where it is missing; nothing but Python 3.11, 3.12 or 3.13 is needed.

PYTHON := $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name))))
VENV := .venv
BIN := $(VENV)/bin

# Let Python cache compiled modules: importing PyTorch is twice as fast with the cache.
export PYTHONDONTWRITEBYTECODE :=
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: report test quick check format docs lock clean

report: $(VENV)/ready
	snakemake --cores all

test: $(VENV)/ready
	pytest -n logical -m "not slow and not gpu"

quick: $(VENV)/ready
	pytest -n logical -m "not slow and not gpu and not long"

check: $(VENV)/ready
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	snakefmt --check Snakefile workflow
	snakemake --lint

format: $(VENV)/ready
	ruff check --fix .
	ruff format .
	snakefmt Snakefile workflow

docs: $(VENV)/ready
	sphinx-build -W --keep-going -q docs docs/_build/html

$(VENV)/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	sed -n '/^uv==/,/[^\]$$/p' requirements.lock > $(VENV)/uv.txt
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r $(VENV)/uv.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $@

# Pin the newest versions that pyproject.toml allows, for Python 3.11 to 3.13, with hashes and without URLs.
lock:
	$(BIN)/uv pip compile pyproject.toml --extra cluster --extra kubernetes --extra dev --extra docs --extra lite --extra cuda13 \
	  --universal --python-version 3.11 --upgrade --generate-hashes --no-annotate --no-header --no-emit-index-url --quiet \
	  -o requirements.lock

clean:
	find results -mindepth 1 -maxdepth 1 ! -name reference -exec rm -rf {} +
	rm -rf docs/_build docs/generated .snakemake .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
